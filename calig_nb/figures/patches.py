"""The picture under its map, all layers as small pictures, links, and the ledger of patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .format import MINUS, digits, error, number, rounded, short, signed
from .headline import draw_headline
from .layout import MIDDLE
from .ledger import listed, summed
from .page import HATCH, Page, Span, measured
from .patch_map import Links, PatchMap, drained
from .patch_story import patch_story
from .scene import scene_of
from .score_line import draw_head
from .state import State
from .story import draw_caption
from .strips import cross

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..results import Array, Explanation
    from .scene import Scene

LARGEST, BESIDE, FRAME, CROP = 440, 40, 64, 22
FINE, FAINT, CRISP = 6, 0.012, 4
"""Patches below so many px are not hatched; below this tone not drawn; see paint.js."""
ROW = 24.0
COLOURS = 256
"""Of a picture that is stored in few colours: a photograph needs more than a drawing."""


def patches_figure(explanation: Explanation, **options: Any) -> Figure:
    """The explained picture under its map, the film of the layers, and the ledger.

    Patches that support the class are blue, those that oppose it orange and hatched; where no
    evidence is, the picture is seen. Below selected patches stand their links to the others.

    Args:
        explanation: Of a picture.
        **options: See :class:`State`.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If an option is out of its range, or the explanation is of a text.
    """
    if explanation.image is None:
        raise ValueError(
            "view 'patches' draws a picture, and this explanation is of a text: use 'tokens', "
            "'flow', 'rollout' or 'workbench'."
        )
    state = State.of(explanation, options)
    scene = scene_of(explanation, state)
    board = _Board(Page(state.width, state.theme), scene)
    page = board.page
    links = board.map.links(scene.selected) if scene.selected else None
    draw_headline(page, scene)
    draw_caption(page, scene.evidence, patch_story(scene, links))
    apart = page.width >= MIDDLE + 100
    side = min(LARGEST, page.width // 2 if apart else page.width)
    wide = float(rounded(min(side, side * board.ratio)))
    top = page.y
    board.draw_main(wide)
    foot, page.y = page.y, top if apart else page.y
    left = wide + BESIDE if apart else 0
    with page.column(left, page.width - left):
        board.draw_film()
        if links is not None:
            board.draw_links(links)
        board.draw_ledger()
    page.y = max(page.y, foot)
    page.line(0, page.width, 0, 0, page.colours.rule)
    page.advance(8)
    board.draw_legend()
    return page.finished()


class _Board:
    """Parts of one page, which draw the same picture."""

    def __init__(self, page: Page, scene: Scene) -> None:
        image = scene.explanation.image
        assert image is not None
        self.page, self.scene, self.image, self.map = page, scene, image, PatchMap(scene)
        self.ratio = image.shape[1] / image.shape[0]
        self.under = drained(image, scene.state.opacity, page.colours.page)
        page.figure.colours = COLOURS

    def photo(
        self, image: npt.NDArray[np.uint8], x: float, y: float, width: float, height: float
    ) -> None:
        """Pixels, smoothed where they are too small to be seen."""
        page = self.page
        left, top = page.x + x, page.y + y
        crisp = width / image.shape[1] >= CRISP
        page.axes.imshow(
            image, extent=(left, left + width, top + height, top), aspect="auto", zorder=1,
            interpolation="nearest" if crisp else "antialiased",
        )  # fmt: skip

    def plate(
        self, x: float, y: float, width: float, values: Array, limit: float,
        chosen: Sequence[int] = (), label: str = "",
    ) -> float:  # fmt: skip
        """A map on its picture; returns its height."""
        page, (rows, columns) = self.page, self.map.grid
        height = float(rounded(width / self.ratio))
        self.photo(self.under, x, y, width, height)
        t = np.clip(values[self.map.patches] / limit, -1, 1)
        w, h = width / columns, height / rows
        gap = 1 if min(w, h) > 14 else 0.5 if min(w, h) > 9 else 0
        seen = np.flatnonzero(np.abs(t) >= FAINT)
        full = np.ones(len(seen))
        boxes = np.stack([x + seen % columns * w + gap / 2, y + seen // columns * h + gap / 2,
                          (w - gap) * full, (h - gap) * full], -1)  # fmt: skip
        colours = page.colours.tones(t[seen])
        colours[:, 3] *= self.scene.state.opacity
        page.boxes(boxes, colours, label=label)
        if min(w, h) >= FINE:
            page.boxes(boxes[t[seen] < 0], None, hatch="////",
                       alpha=0.5 * self.scene.state.opacity)  # fmt: skip
        for line, ink in ((5, page.colours.page), (2, page.colours.ink)):
            self._outline(x, y, w, h, chosen, ink, line)
        return height

    def _outline(
        self, x: float, y: float, w: float, h: float, chosen: Sequence[int], ink: str, line: float
    ) -> None:
        """The border of some patches together."""
        rows, columns = self.map.grid
        inside = np.zeros((rows + 2, columns + 2), dtype=bool)
        for u in chosen:
            if u in self.map.patches:
                row, column = divmod(self.map.patches.index(u), columns)
                inside[row + 1, column + 1] = True
        for row, column in np.argwhere(inside):
            left, top = x + (column - 1) * w, y + (row - 1) * h
            for beside, ends in (
                ((row - 1, column), (left, left + w, top, top)),
                ((row + 1, column), (left, left + w, top + h, top + h)),
                ((row, column - 1), (left, left, top, top + h)),
                ((row, column + 1), (left + w, left + w, top, top + h)),
            ):
                if not inside[beside]:
                    self.page.line(*ends, ink, line)

    def draw_main(self, width: float) -> None:
        """The picture, its scale, and what is not on it."""
        page, scene, colours = self.page, self.scene, self.page.colours
        at = 0 if scene.layer is None else scene.layer + 1
        values, limit = self.map.frames[at], self.map.limits[min(at, 1)]
        height = self.plate(0, 0, width, values, limit, scene.selected, "map")
        for _, t in scene.holes:
            self._hole(int(scene.unit_of[t]), width, height)
        page.advance(height + 10)
        with page.column(0, width):
            self._scale(limit)
            if self.map.others:
                said = [f"{scene.labels[u]} {signed(float(values[u]))}" for u in self.map.others]
                told = [Span(f"Not on the picture: {'   '.join(said)}")]
                page.spans(width / 2, 14, told, 12, colours.muted, align="center")
                page.advance(24)
        page.advance(8)

    def _hole(self, unit: int, width: float, height: float) -> None:
        if unit not in self.map.patches:
            return
        rows, columns = self.map.grid
        row, column = divmod(self.map.patches.index(unit), columns)
        w, h = width / columns, height / rows
        cross(self.page, (column + 0.5) * w, (row + 0.5) * h, min(w, h, 24) * 0.28)

    def _scale(self, limit: float) -> None:
        page, colours, most = self.page, self.page.colours, number(limit, digits(limit))
        low, high, steps = f"opposes {MINUS}{most}", f"{most} supports", 48
        x = (page.width - measured(low, 11) - measured(high, 11) - 2 * steps - 16) / 2
        x += page.text(x, 11, low, 11, colours.opposes_text) + 8
        t = (2 * (np.arange(steps) + 0.5)) / steps - 1
        boxes = np.stack([x + 2 * np.arange(steps), np.full(steps, 3), np.full(steps, 2.0),
                          np.full(steps, 9)], -1)  # fmt: skip
        page.boxes(boxes, colours.tones(t))
        page.rect(x, 3, steps, 9, colours.page, 0, hatch=HATCH, hatch_alpha=0.5)
        page.text(x + 2 * steps + 8, 11, high, 11, colours.supports_text)
        page.advance(22)

    def draw_film(self) -> None:
        """All layers as small pictures."""
        page, colours = self.page, self.page.colours
        wide = float(rounded(FRAME * min(1.0, self.ratio)))
        high = float(rounded(wide / self.ratio))
        across = max(1, int((page.width - 6) // (wide + 14)))
        at = 0 if self.scene.layer is None else self.scene.layer + 1
        step = high + 30
        for n, values in enumerate(self.map.frames):
            x, y = n % across * (wide + 14), n // across * step
            self.plate(x + 5, y + 5, wide, values, self.map.limits[min(n, 1)], label=f"frame {n}")
            name = "all" if not n else f"{n - 1}" if n > 1 else "emb."
            ink = colours.ink if n == at else colours.muted
            page.text(x + 5 + wide / 2, y + high + 19, name, 11, ink, bold=n == at, align="center")
            if n == at:
                page.rect(x, y, wide + 10, high + 25, edge=colours.ink)
        page.advance(-(-len(self.map.frames) // across) * step + 14)

    def draw_links(self, links: Links) -> None:
        """Where the evidence of the selected patches went, and whence they had it."""
        page, scene, colours = self.page, self.scene, self.page.colours
        chosen, one = scene.selected, len(scene.selected) == 1
        who = short(scene.labels[chosen[0]], 24) if one else f"{len(chosen)} patches"
        what = (
            "the rollout over all layers"
            if scene.layer is None
            else f"what layer {scene.layer} alone adds"
        )
        draw_head(page, f"{who} and the others", f"{what}, in shares")
        room = (page.width - 24) / 2
        side = float(int(min(180, room, room * self.ratio)))
        d, top, feet = digits(links.limit), page.y, []
        for n, (verb, values) in enumerate(
            (("gave evidence to", links.gave), ("received evidence from", links.received))
        ):
            page.y = top
            with page.column(n * (max(side, room * 0.8) + 24), room):
                page.text(0, 12, verb, 12, colours.soft)
                high = self.plate(0, 18, side, values, links.limit, chosen, verb.split()[0])
                page.advance(high + 24)
                rest = values[[u for u in self.map.patches if u not in chosen]].sum()
                parts = [("other patches", rest), ("itself" if one else "themselves",
                                                   values[list(chosen)].sum())]  # fmt: skip
                parts += [(short(scene.labels[u], 12), values[u])
                          for u in self.map.others if u not in chosen]  # fmt: skip
                spans = []
                for i, (name, value) in enumerate(parts):
                    spans += [Span(f"{' · ' * bool(i)}{name} ", colours.muted),
                              Span(signed(float(value), d), colours.text(float(value)))]  # fmt: skip
                spans.append(Span(f"; deepest colour {number(links.limit, d)}", colours.muted))
                page.advance(page.paragraph(0, spans, 11) + 14)
            feet.append(page.y)
        page.y = max(feet)

    def draw_ledger(self) -> None:
        """The strongest patches, each with what is seen in it."""
        page, scene, colours, values = self.page, self.scene, self.page.colours, self.scene.evidence
        rows = scene.state.k or (5 if page.width < MIDDLE else 6)
        minus, plus = (
            [u for u in side if u in self.map.patches] for side in listed(scene, rows + 2)
        )
        minus, plus = minus[:rows], plus[:rows]
        draw_head(page, "The ledger", "strongest patches by row · column, net, in shares")
        middle, d = page.width / 2, digits(float(np.abs(values[self.map.patches]).max(initial=0)))
        top = max((abs(values[u]) for u in [*minus, *plus]), default=1.0)
        against, speaking = f"opposes {scene.name}", f"supports {scene.name}"
        page.text(middle - 8, 10, against, 12, colours.opposes_text, align="right")
        page.text(middle + 8, 10, speaking, 12, colours.supports_text)
        page.advance(20)
        for sign, members in ((-1, minus), (1, plus)):
            align = "left" if sign > 0 else "right"
            for n, u in enumerate(members):
                y = n * ROW + ROW / 2
                wide = abs(values[u]) / top * middle * (0.30 if page.width < MIDDLE else 0.38)
                page.bar(middle - (wide if sign < 0 else 0), y - 5, wide, 10, sign, f"ledger {u}")
                x = middle + sign * (wide + 8)
                patch = self.map.patches.index(u)
                left = x - (CROP if sign < 0 else 0)
                self.photo(self._crop(patch), left, y - CROP / 2, CROP, CROP)
                row, column = divmod(patch, self.map.grid[1])
                x += sign * (CROP + 8)
                bold, name = u in scene.selected, f"{row + 1} · {column + 1}"
                advance = page.text(x, y + 4.5, name, 13, bold=bold, align=align)
                value = number(abs(float(values[u])), d)
                page.text(x + sign * (advance + 8), y + 4, value, 12, colours.muted, align=align)
        count = max(len(minus), len(plus))
        if not count:
            page.text(0, 16, "Nothing to weigh here.", 13, colours.muted)
        page.line(middle, middle, 0, max(1, count) * ROW, colours.muted)
        page.advance(max(1, count) * ROW + 8)
        foot, net = summed(scene)
        foot = foot.replace("All tokens, special ones included", "All patches, special tokens included")
        foot = foot.replace("All tokens at", "All patches at")
        spans = [Span(f"{foot} = "), Span(f"{signed(net)} net", colours.ink, True)]
        page.advance(page.paragraph(0, spans, 12, colours.soft) + 18)

    def _crop(self, patch: int) -> npt.NDArray[np.uint8]:
        (rows, columns), (height, width) = self.map.grid, self.image.shape[:2]
        row, column = divmod(patch, columns)
        down, along = (slice(n * size // count, max((n + 1) * size // count, n * size // count + 1))
                       for n, size, count in ((row, height, rows), (column, width, columns)))  # fmt: skip
        return self.image[down, along]

    def draw_legend(self) -> None:
        """What the marks mean, and how exactly the numbers are known."""
        page, scene, colours = self.page, self.scene, self.page.colours
        x, y = 0.0, 14.0
        for mark, text in legend(scene):
            wide = (17 if mark else 0) + measured(text, 11)
            if x + wide > page.width and x:
                x, y = 0.0, y + 18
            if mark:
                ink = colours.supports if mark == "sup" else colours.opposes
                page.rect(x, y - 8, 11, 9, ink, hatch=HATCH if mark == "opp" else None)
            page.text(x + (17 if mark else 0), y, text, 11, colours.muted)
            x += wide + 22
        page.advance(y + 8)


def legend(scene: Scene) -> list[tuple[str, str]]:
    """(mark, meaning) of each; the mark may be none."""
    known = scene.errors[np.isfinite(scene.errors)]
    sums = f"; every layer adds up within {error(float(known.max()))}" if len(known) else ""
    score = f"score {number(scene.score)}, {number(scene.baseline)} for the baseline{sums}"
    keys = [
        ("sup", f"supports {scene.name}"),
        ("opp", f"opposes {scene.name}, hatched"),
        ("", "no colour: no evidence; the picture pales under its map"),
        ("", "one scale for all layers, one for their sum"),
    ]
    keys += [("", score)] * bool(np.isfinite(scene.gain))
    return keys + [("", scene.recipe)] * bool(scene.recipe)
