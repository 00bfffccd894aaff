"""The rollout matrix: rows are positions that received evidence, columns tokens that gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
from matplotlib.collections import PolyCollection

from .. import fusion as fu
from ..fusion import Channel, one_of
from .page import SANS, Page, asked, installed, is_right_to_left, known_tokens, signed, weighing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from ..results import Array, Explanation
    from ..units import Granularity, Unit

MANY, CLIPPED = 1600, 0.002
FAINT = 0.012
VECTOR = 96  # up to this many units a side every cell is drawn by itself
LARGEST = 40.0
MARGINAL = 30.0
SLANT = 56.0


def rollout_figure(
    explanation: Explanation,
    *,
    lam: float | None = None,
    layer: int | None = None,
    channel: Channel = "net",
    alone: bool = False,
    residual: bool = False,
    head: int | None = None,
    cell: tuple[int, int] | None = None,
    selected: Sequence[int] = (),
    granularity: Granularity = "word",
    theme: str = "light",
    width: float = 7.0,
) -> Figure:
    """The evidence that each word (column) carried into each position (row), and the sums.

    Args:
        explanation: What to draw.
        lam: λ, where it shall differ from the explanation's.
        layer: After which block; None for the last.
        channel: "net", "supporting" or "opposing".
        alone: The matrix of this layer alone, not the rollout up to it.
        residual: Draw the ones that each position brought along; they cancel in "net".
        head: A single attention head of the layer, in units of the score.
        cell: Row and column of a cell to name, as tokens.
        selected: Tokens whose columns are outlined.
        granularity: "word", "token" or "sentence".
        theme: "light" or "dark".
        width: In inches.

    Raises:
        ValueError: If an option is out of its range.
    """
    last = len(explanation.layer_weights) - 1
    explanation = asked(explanation, lam, layer, theme, width, last)
    one_of("channel", channel, get_args(Channel))
    known_tokens(explanation, "selected", selected)
    known_tokens(explanation, "cell", cell or ())
    at = last if layer is None else layer
    units = explanation.units(granularity)
    pair = merged_pair(carried(explanation, at, alone, head), units)
    plain = of_channel(pair, channel)
    shown = plain
    if residual and channel != "net" and not alone and head is None:
        sign = 1 if channel == "supporting" else -1
        shown = plain + sign * np.diag([float(len(unit.tokens)) for unit in units])
    page = _MatrixPage(width, theme)
    page.question(explanation)
    name = "embeddings" if at == 0 else f"layer {at}"
    what = f"head {head} of {name}" if head is not None else f"{name} alone" if alone else name
    page.title(f"rollout up to {what}" if what == name else what, channel)
    unit_of = {t: u for u, unit in enumerate(units) for t in unit.tokens}
    page.matrix(
        units, shown, plain, is_right_to_left(explanation.text),
        {unit_of[t] for t in selected}, cell and (unit_of[cell[0]], unit_of[cell[1]]),
    )  # fmt: skip
    kind = "shares" if head is None else "units of the score"
    page.note(
        f"Column: gives. Row: receives. Bars: sums, without the residual. In {kind}; deepest tone "
        f"{limit_of(plain):.3g}; {weighing_of(explanation)}."
    )
    return page.finished()


def carried(explanation: Explanation, layer: int, alone: bool, head: int | None) -> Array:
    """(2, T, T) supporting and opposing, the identity left out.

    Raises:
        ValueError: If the explanation holds no such head.
    """
    if head is not None:
        # Heads are computed on request, by explanations that can.
        heads = np.asarray(explanation.heads(layer), dtype=np.float64)
        if not 0 <= head < len(heads):
            raise ValueError(f"head must lie between 0 and {len(heads) - 1}, got {head}.")
        return np.stack([np.maximum(heads[head], 0), np.maximum(-heads[head], 0)])
    own = np.eye(len(explanation.tokens))
    if not alone:
        return np.stack([explanation.rollout(layer, c) - own for c in ("supporting", "opposing")])
    only = slice(layer, layer + 1)
    (rollout,) = fu.rollouts(
        explanation.layer_attributions[only], explanation.attention_relevance[only],
        explanation.layer_weights[only], explanation.fusion,
    )  # fmt: skip
    return np.asarray(rollout - own)


def merged_pair(pair: Array, units: Sequence[Unit]) -> Array:
    """Sums over the tokens of each unit, in rows and columns."""
    member = np.zeros((len(units), pair.shape[-1]))
    for u, unit in enumerate(units):
        member[u, list(unit.tokens)] = 1
    return np.asarray(member @ pair @ member.T)


def of_channel(pair: Array, channel: Channel) -> Array:
    """One signed matrix: support positive, opposition negative."""
    chosen = {"supporting": pair[0], "opposing": -pair[1]}
    return np.asarray(chosen.get(channel, pair[0] - pair[1]))


def limit_of(values: Array) -> float:
    """The value of the deepest tone; in large matrices the largest few are clipped."""
    sizes = np.sort(np.abs(values), axis=None)
    at = int(np.ceil(sizes.size * (1 - CLIPPED))) if sizes.size > MANY else sizes.size
    return float(sizes[at - 1] or sizes[-1] or 1e-12)


def pooled(values: Array, dots: float) -> Array:
    """Fewer cells where each has less than a dot: of those that share one the strongest stays."""
    step = int(np.ceil(1 / dots))
    starts = np.arange(0, len(values), step)
    for axis in (0, 1):
        most = np.maximum.reduceat(values, starts, axis=axis)
        least = np.minimum.reduceat(values, starts, axis=axis)
        values = np.where(most >= -least, most, least)
    return values


def named(count: int, cell: float, room: float, chosen: Iterable[int], weights: Array) -> list[int]:
    """Which units are named: all where they fit, else the chosen, then the strongest that fit."""
    if cell >= room:
        return list(range(count))
    kept: list[int] = []
    for u in [*chosen, *np.argsort(-np.abs(weights), kind="stable").tolist()]:
        if all(abs(k - u) * cell >= room for k in kept):
            kept.append(u)
    return kept


class _MatrixPage(Page):
    def title(self, what: str, channel: str) -> None:
        self.write(f"{what[0].upper()}{what[1:]}, {channel}", self.margin, 10, self.colours.muted)
        self.y += 20

    def matrix(
        self, units: tuple[Unit, ...], shown: Array, plain: Array, rtl: bool,
        selected: set[int], cross: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        """The cells, their names and sums."""
        count = len(units)
        size = 8.5 if count <= 40 else 7.0
        names = [self.fitting(unit.text, size, 76) for unit in units]
        widths = [self.measured(name, size, SANS) for name in names]
        left, right = max(widths) + 8, max(MARGINAL + 10, max(widths) * np.cos(np.radians(SLANT)))
        room = self.width - 2 * self.margin - left - right
        cell = min(LARGEST, room / count)
        side, flat = cell * count, all(w + 4 <= cell for w in widths)
        x0 = self.margin + (right if rtl else left)
        y0 = self.y + (16 if flat else max(widths) * np.sin(np.radians(SLANT)) + 12)
        columns = (
            (x0 + side - cell * (np.arange(count) + 1)) if rtl else x0 + cell * np.arange(count)
        )
        rows = y0 + cell * np.arange(count)
        self.cells(shown, limit_of(plain), columns, rows, cell)
        self.frame(x0, y0, side, side, self.colours.rule)
        chosen = [*selected, *(cross[1:] if cross else ())]
        for u in named(
            count, cell, size * 1.25, [*(cross[:1] if cross else ()), *selected], plain.sum(1)
        ):
            self.y = rows[u] + cell / 2 - size * 0.62
            weight = "bold" if cross and u == cross[0] else "normal"
            x = x0 + side + 5 if rtl else x0 - 5
            self.write(names[u], x, size, weight=weight, align="left" if rtl else "right")
        for u in named(count, cell, 0 if flat else size * 1.4, chosen, plain.sum(0)):
            self.axes.text(
                columns[u] + cell / 2, y0 - 5, names[u], size=size, color=self.colours.ink,
                weight="bold" if u in chosen else "normal", va="bottom",
                ha="center" if flat else "right" if rtl else "left",
                rotation=0 if flat else -SLANT if rtl else SLANT, rotation_mode="anchor",
                family=installed(SANS), parse_math=False,
            )  # fmt: skip
        for u in selected:
            self.frame(columns[u], y0, cell, side, self.colours.muted)
        if cross:
            self.frame(columns[cross[1]], rows[cross[0]], cell, cell, self.colours.ink)
        self.sums(plain.sum(0), plain.sum(1), columns, rows, cell, (x0, y0, side), rtl)
        self.y = y0 + side + MARGINAL + 16
        if cross:
            value = signed(float(shown[cross]), 3)
            self.write(f"{names[cross[1]]} → {names[cross[0]]}: {value}", self.margin, 9.5)
            self.y += 16

    def cells(self, shown: Array, limit: float, columns: Array, rows: Array, cell: float) -> None:
        """Vector graphics while there are few; else a picture that keeps the strongest of a dot."""
        t = shown / limit
        if len(rows) > VECTOR:
            ordered = pooled(t if columns[0] < columns[-1] else t[:, ::-1], 2 * cell)
            low, high = min(columns[0], columns[-1]), max(columns[0], columns[-1]) + cell
            self.axes.imshow(
                self.colours.tones(ordered), extent=(low, high, rows[-1] + cell, rows[0]),
                interpolation="nearest", aspect="auto",
            )  # fmt: skip
            return
        gap = 0.6 if cell > 8 else 0.0
        i, j = np.nonzero(np.abs(t) >= FAINT)
        x, y, d = columns[j] + gap / 2, rows[i] + gap / 2, cell - gap
        corner = ((0, 0), (1, 0), (1, 1), (0, 1))
        squares = list(np.stack([np.stack([x + a * d, y + b * d], -1) for a, b in corner], 1))
        tones, signs = self.colours.tones(t[i, j]), np.sign(t[i, j])
        self.axes.add_collection(PolyCollection(squares, facecolors=tones, linewidths=0))
        if cell < 6:
            return
        against = [square for square, sign in zip(squares, signs, strict=True) if sign < 0]
        hatching = PolyCollection(
            against, facecolors="none", hatch="//////", linewidths=0, edgecolors=self.colours.page
        )
        self.axes.add_collection(hatching)
        for sign, marker in ((1, "+"), (-1, "_")):  # beyond the scale
            beyond = (signs == sign) & (np.abs(t[i, j]) > 1.0001)
            centre = (x[beyond] + d / 2, y[beyond] + d / 2)
            self.axes.plot(*centre, marker, color=self.colours.page, ms=min(6, cell / 2))

    def sums(
        self, given: Array, taken: Array, columns: Array, rows: Array, cell: float,
        square: tuple[float, float, float], rtl: bool,
    ) -> None:  # fmt: skip
        """Bars below and beside the matrix on one scale."""
        x0, y0, side = square
        spans = [(max(0, v.max()), max(0, -v.min())) for v in (given, taken)]
        reach = MARGINAL / max(1e-12, *(plus + minus for plus, minus in spans))
        thick = cell * 0.92 if cell > 6 else cell
        zero = y0 + side + 6 + spans[0][0] * reach
        for x, v in zip(columns, given, strict=True):
            height = abs(v) * reach
            self.bar(x + (cell - thick) / 2, zero - height if v > 0 else zero, thick, height, v)
        self.axes.plot([x0, x0 + side], [zero] * 2, color=self.colours.muted, lw=0.6)
        away = -1 if rtl else 1
        zero = (x0 if rtl else x0 + side) + away * (6 + spans[1][1] * reach)
        for y, v in zip(rows, taken, strict=True):
            length = abs(v) * reach
            left = zero if (v > 0) != rtl else zero - length
            self.bar(left, y + (cell - thick) / 2, length, thick, v)
        self.axes.plot([zero] * 2, [y0, y0 + side], color=self.colours.muted, lw=0.6)
