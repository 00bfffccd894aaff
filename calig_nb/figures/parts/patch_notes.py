"""Beside the picture: links of selected patches, the ledger, and what the marks mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import digits_of, error, layer_in, number, shorten, signed
from ..canvas.page import HATCH, Page, Span, fit_text, text_width
from ..scene.flow_layout import MIDDLE
from ..scene.scene import Scene, strongest_first
from ..scene.story import NAME
from .ledger import sum_in_words
from .score_line import draw_head

if TYPE_CHECKING:
    from ..._arrays import Array
    from ..scene.patch_map import Links
    from .patch_plate import Plates

ROW, SIDE, APART = 24.0, 180, 24
CROP: float = SIZES["patches"]["CROP"]
_TOLD = SENTENCES["patches"]
_LEDGER = SENTENCES["ledger"]
WEAK: float = SIZES["patches"]["WEAK"]
"""Patches below this share of the strongest are not listed."""


def draw_links(plates: Plates, links: Links) -> None:
    """Where the evidence of the selected patches went, and whence they had it."""
    page, scene, chosen = plates.page, plates.scene, plates.scene.selected
    title: str = _TOLD["others" if len(chosen) == 1 else "several_others"]
    title = title.format(patch=shorten(scene.labels[chosen[0]], NAME), count=len(chosen))
    note: str = _TOLD["others_note"]
    if scene.layer is not None:
        note = _TOLD["others_note_at"].format(layer=layer_in(scene.layers, scene.layer))
    draw_head(page, title, note)
    room = (page.width - APART) / 2
    side, top, foot = float(int(min(SIDE, room, room * plates.ratio))), page.y, page.y
    sides = ((_TOLD["gave_to"], links.gave), (_TOLD["received_from"], links.received))
    for n, (verb, values) in enumerate(sides):
        page.y = top
        with page.column(n * (room + APART), room):
            page.text(0, 12, fit_text(verb, 11, room), 11, page.colours.soft)
            plates.draw(0, 18, side, values, links.limit, chosen, verb.split()[0])
            page.advance(plates.height(side) + 24)
            page.advance(page.paragraph(0, _sums_in_words(plates, values, links.limit), 11) + 14)
        foot = max(foot, page.y)
    page.y = foot


def _sums_in_words(plates: Plates, values: Array, limit: float) -> list[Span]:
    scene, colours, d = plates.scene, plates.page.colours, digits_of(limit)
    chosen = scene.selected
    rest = [u for u in plates.map.patches if u not in chosen]
    parts = [
        (_TOLD["other"], float(values[rest].sum())),
        (_TOLD["itself" if len(chosen) == 1 else "themselves"], float(values[chosen].sum())),
        *(
            (f"{shorten(scene.labels[u], 12)} ", float(values[u]))
            for u in plates.map.others
            if u not in chosen
        ),
    ]
    spans: list[Span] = []
    for i, (name, value) in enumerate(parts):
        spans.append(Span(f"{' · ' * bool(i)}{name}", colours.muted))
        spans.append(Span(signed(value, d), colours.text(value)))
    return [*spans, Span(_TOLD["deepest"].format(limit=number(limit, d)), colours.muted)]


def draw_ledger(plates: Plates) -> None:
    """The strongest patches against each other, each with what is seen in it."""
    page, scene, colours = plates.page, plates.scene, plates.page.colours
    values, middle = scene.evidence, page.width / 2
    rows = scene.state.k or (5 if page.width < MIDDLE else 6)
    ordered = strongest_first(plates.map.patches, values)
    largest = float(abs(values[ordered[0]]))
    d = digits_of(largest)
    draw_head(page, _LEDGER["title"], _LEDGER["patches"])
    against, speaking = (
        SENTENCES["flow"][verb].format(name=scene.name) for verb in ("opposes", "supports")
    )
    page.text(middle - 8, 10, against, 12, colours.opposes_text, align="right")
    page.text(middle + 8, 10, speaking, 12, colours.supports_text)
    page.advance(20)
    count = 0
    for sign, align in ((-1, "right"), (1, "left")):
        members = [u for u in ordered if sign * values[u] > WEAK * largest][:rows]
        count = max(count, len(members))
        for n, u in enumerate(members):
            y = n * ROW + ROW / 2
            wide = abs(values[u]) / largest * middle * (0.30 if page.width < MIDDLE else 0.38)
            page.bar(middle - (wide if sign < 0 else 0), y - 5, wide, 10, sign, f"ledger {u}")
            x = middle + sign * (wide + 8)
            row, column = plates.crop(u, x - CROP * (sign < 0), y - CROP / 2, CROP)
            x += sign * (CROP + 8)
            name, bold = f"{row + 1} · {column + 1}", u in scene.selected
            advance = page.text(x, y + 4.5, name, 13, bold=bold, align=align)
            value = number(abs(float(values[u])), d)
            page.text(x + sign * (advance + 8), y + 4, value, 12, colours.muted, align=align)
    if not count:
        page.text(0, 16, _LEDGER["none"], 13, colours.muted)
    page.line(middle, middle, 0, max(1, count) * ROW, colours.muted)
    page.advance(max(1, count) * ROW + 8)
    foot, net = sum_in_words(scene, "patches")
    spans = [
        Span(_LEDGER["equals"].format(sum=foot)),
        Span(_LEDGER["net"].format(net=signed(net)), colours.ink, True),
    ]
    page.advance(page.paragraph(0, spans, 12, colours.soft) + 18)


def draw_legend(page: Page, keys: Sequence[tuple[str, str]]) -> None:
    """What the marks mean: (mark, meaning) of each."""
    x, y, colours = 0.0, 14.0, page.colours
    for mark, text in keys:
        wide = (17 if mark else 0) + text_width(text, 11)
        if x + wide > page.width and x:
            x, y = 0.0, y + 18
        if mark:
            ink = colours.supports if mark == "sup" else colours.opposes
            page.rect(x, y - 8, 11, 9, ink, hatch=HATCH if mark == "opp" else None)
        page.text(x + (17 if mark else 0), y, text, 11, colours.muted)
        x += wide + 22
    page.advance(y + 8)


def legend(scene: Scene) -> list[tuple[str, str]]:
    """What the marks mean, and how exactly the numbers are known; the mark may be none."""
    known = scene.errors[np.isfinite(scene.errors)]
    sums = _TOLD["error"].format(error=error(float(known.max()))) if len(known) else ""
    score = _TOLD["score"].format(
        score=number(scene.score), baseline=number(scene.baseline), error=sums
    )
    keys = [(mark, text.format(name=scene.name)) for mark, text in SENTENCES["legend"]["patches"]]
    keys += [("", score)] * bool(np.isfinite(scene.gain))
    return keys + [("", scene.recipe)] * bool(scene.recipe)
