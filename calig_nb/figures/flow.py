"""Relevance through the layers: strips from the embeddings up, ribbons to the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from .. import fusion as fu
from .ancestry import Step, block, steps, strongest
from .page import SANS, Page, asked, change_of, is_right_to_left, known_tokens, signed, weighing_of
from .ribbons import Ribbon, Strand, between, stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..results import Array, Explanation
    from ..units import Granularity, Unit

AT_REST = 3
DIM = 0.32
FAINT, SLIVER = 0.015, 5.0
LEFT, RIGHT = 62.0, 92.0
DEEP = 12
BALANCE = 11.0


def flow_figure(
    explanation: Explanation,
    *,
    lam: float | None = None,
    layer: int | None = None,
    selected: Sequence[int] = (),
    granularity: Granularity = "word",
    theme: str = "light",
    width: float = 7.0,
) -> Figure:
    """One strip for each layer, and ribbons by which words' evidence reaches the decision.

    Args:
        explanation: What to draw.
        lam: λ, where it shall differ from the explanation's.
        layer: The block that is looked at, the others recede; None for all.
        selected: Tokens whose words grow ribbons; the three strongest words where none are.
        granularity: "word", "token" or "sentence".
        theme: "light" or "dark".
        width: In inches.

    Raises:
        ValueError: If an option is out of its range.
    """
    last = len(explanation.layer_weights) - 1
    explanation = asked(explanation, lam, layer, theme, width, last)
    known_tokens(explanation, "selected", selected)
    units = explanation.units(granularity)
    page = _FlowPage(width, theme, explanation, units)
    chosen = {u for u, unit in enumerate(units) if set(unit.tokens) & set(selected)}
    page.question(explanation)
    page.flow(sorted(chosen) or page.strongest_units(), layer)
    page.note(
        f"Height of a strip: the weight of its layer. Ribbons: the largest steps, up to 80 % of a "
        f"word’s evidence. {change_of(explanation)}; {weighing_of(explanation)}."
    )
    return page.finished()


class _FlowPage(Page):
    def __init__(
        self, width: float, theme: str, explanation: Explanation, units: tuple[Unit, ...]
    ) -> None:
        super().__init__(width, theme)
        self.explanation, self.units = explanation, units
        self.layers = len(explanation.layer_weights)
        self.x0, self.x1 = self.margin + LEFT, self.width - self.margin - RIGHT
        self.column = (self.x1 - self.x0) / len(units)
        self.rtl = is_right_to_left(explanation.text)
        self.supporting = self.summed(explanation.supporting)
        self.opposing = self.summed(explanation.opposing)

    def summed(self, values: Array) -> Array:
        return np.array([values[list(unit.tokens)].sum() for unit in self.units])

    def x(self, unit: int) -> float:
        place = (unit + 0.5) * self.column
        return self.x1 - place if self.rtl else self.x0 + place

    def strongest_units(self) -> list[int]:
        net = np.abs(self.supporting - self.opposing)
        ordinary = [u for u, unit in enumerate(self.units) if not unit.special]
        return sorted(sorted(ordinary, key=lambda u: -net[u])[:AT_REST])

    def flow(self, active: list[int], layer: int | None) -> None:
        """The balance, the ribbons, the strips, the gutter and the words, from the top down."""
        slot, gap = (
            (15.0, 27.0) if self.layers <= DEEP else (120.0 / self.layers, 216.0 / self.layers)
        )
        balance = self.y + 22
        output = balance + BALANCE + 62
        levels = [output + gap + (self.layers - 1 - b) * (slot + gap) for b in range(self.layers)]
        heights = [max(2.0, min(1.0, w) * slot) for w in self.explanation.layer_weights]
        mids = [top + slot / 2 for top in levels]
        ribbons, scale, zero = self.ribbons(active, mids, heights, output, balance)
        for ribbon in sorted(ribbons, key=lambda r: r.low[0] - r.low[1]):
            self.ribbon(ribbon)
        self.balance(active, balance, scale, zero)
        cells = [self.summed(row) for row in self.cells()]
        deepest = max(1e-12, *(np.abs(row).max() for row in cells))
        for b in range(self.layers):
            self.strip(cells[b] / deepest, mids[b], heights[b], 1 if layer in (None, b) else DIM)
        self.gutter(mids, output, slot, layer)
        self.y = levels[0] + slot + 8
        self.words(active)

    def cells(self) -> list[Array]:
        r, g = fu.normalise(
            self.explanation.layer_attributions, self.explanation.attention_relevance, "columns"
        )
        lam = self.explanation.fusion.lam
        return list(lam * r + (1 - lam) * g.sum(axis=1))

    def ribbons(
        self,
        active: list[int],
        mids: list[float],
        heights: list[float],
        output: float,
        balance: float,
    ) -> tuple[list[Ribbon], float, float]:
        """All ribbons, points per unit of evidence in the balance, and where its zero stands."""
        total = self.supporting.sum() + self.opposing.sum()
        side = np.maximum(self.supporting, self.opposing)
        cap = max(min(0.62 * self.column, 34), 13)
        scale = min(cap / max(1e-12, side.max()), 0.5 * (self.x1 - self.x0) / max(1e-12, total))
        middle = (self.x0 + self.x1) / 2
        zero = middle - total * scale / 2 + self.opposing.sum() * scale
        strands = [
            Strand(u, sign, found, self.layers)
            for u in active
            for found in [self.drawn(u)]
            for sign in (-1, 1)
        ]
        strands = [strand for strand in strands if strand.steps]
        places = [stacked(strands, b, scale, self.x) for b in range(self.layers + 1)]
        ribbons = []
        landing = {-1: zero, 1: zero}
        for strand in sorted(strands, key=lambda s: -s.unit if s.sign < 0 else s.unit):
            for b in range(self.layers):
                top = mids[b + 1] + heights[b + 1] / 2 if b + 1 < self.layers else output
                span = (mids[b] - heights[b] / 2, top)
                ribbons += between(strand, b, scale, self.x, places[b], places[b + 1], span)
                if b + 1 < self.layers:  # through the strip above
                    through = (top, mids[b + 1] - heights[b + 1] / 2)
                    for i in strand.carried[b + 1]:
                        at = places[b + 1][strand.unit, strand.sign, i]
                        ribbons.append(Ribbon(strand.unit, strand.sign, at, at, through))
            mass = (self.supporting if strand.sign > 0 else self.opposing)[strand.unit] * scale
            drawn = sum(strand.carried[-1].values()) * scale
            at = landing[strand.sign] if strand.sign > 0 else landing[-1] - drawn
            for i in sorted(strand.carried[-1], key=self.x):
                wide = strand.carried[-1][i] * scale
                low = places[-1][strand.unit, strand.sign, i]
                ends = (output, balance + BALANCE)
                ribbons.append(Ribbon(strand.unit, strand.sign, low, (at, at + wide), ends))
                at += wide
            landing[strand.sign] += strand.sign * mass
        return ribbons, scale, zero

    def drawn(self, unit: int) -> list[Step]:
        found = steps(self.explanation, self.units, unit)
        return strongest(found, unit, self.explanation.fusion.readout == "all")

    def ribbon(self, ribbon: Ribbon) -> None:
        (a, b), (c, d), (low, high) = ribbon.low, ribbon.high, ribbon.levels
        pad = max(0.0, (0.6 - max(b - a, d - c)) / 2)
        a, b, c, d, bend = a - pad, b + pad, c - pad, d + pad, (low - high) / 2
        points = [
            (a, low), (a, low - bend), (c, high + bend), (c, high), (d, high), (d, high + bend),
            (b, low - bend), (b, low), (a, low),
        ]  # fmt: skip
        codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
        colour = self.colours.supports if ribbon.sign > 0 else self.colours.opposes
        hatch = "//////" if ribbon.sign < 0 and max(b - a, d - c) > 2.5 else None
        self.axes.add_patch(
            PathPatch(Path(points, codes), facecolor=(colour, 0.56), linewidth=0, hatch=hatch,
                      edgecolor=(self.colours.page, 0.5))
        )  # fmt: skip

    def balance(self, active: list[int], top: float, scale: float, zero: float) -> None:
        minus, plus = self.opposing.sum() * scale, self.supporting.sum() * scale
        for left, length, sign in ((zero - minus, minus, -1), (zero, plus, 1)):
            colour = self.colours.supports if sign > 0 else self.colours.opposes
            self.axes.add_patch(
                PathPatch(Path.unit_rectangle().transformed(self.box(left, top, length, BALANCE)),
                          facecolor=(colour, 0.3), linewidth=0)
            )  # fmt: skip
        edge = {-1: zero, 1: zero}
        for sign, masses in ((-1, self.opposing), (1, self.supporting)):
            for u in reversed(active) if sign < 0 else active:
                length = masses[u] * scale
                left = edge[sign] if sign > 0 else edge[sign] - length
                self.bar(left, top, length, BALANCE, sign)
                edge[sign] += sign * length
        net = zero + plus - minus
        self.axes.plot([net], [top - 5], marker="v", color=self.colours.ink, ms=3.5)
        self.axes.plot([zero] * 2, [top - 3, top + BALANCE + 3], color=self.colours.ink, lw=0.8)
        name = self.explanation.target_name
        against = f"opposes {name} {self.opposing.sum():.2f}"
        speaking = f"{self.supporting.sum():.2f} supports {name}"
        room = max(self.measured(text, 9, SANS) for text in (against, speaking)) + self.margin + 6
        beside = zero - minus - room > 0 and zero + plus + room < self.width
        # Where there is no room beside the bar: above it, as far out as the page allows.
        left, right = self.margin, self.width - self.margin
        left, right = (zero - minus - 6, zero + plus + 6) if beside else (left, right)
        ends = ("right", "left") if beside else ("left", "right")
        self.y = top if beside else top - 18
        self.write(against, left, 9, self.colours.opposes_text, align=ends[0])
        self.y += 0 if beside or 2 * room < self.width else -12
        self.write(speaking, right, 9, self.colours.supports_text, align=ends[1])

    def strip(self, tones: Array, mid: float, height: float, opacity: float) -> None:
        self.axes.plot([self.x0, self.x1], [mid] * 2, color=self.colours.rule, lw=0.6, zorder=0)
        gap = 0.5 if self.column > 8 else 0.0
        colours = self.colours.tones(tones)
        for u, tone in enumerate(tones):
            if abs(tone) < FAINT:
                continue
            top, tall = mid - height / 2, height
            if height < SLIVER:  # position carries the sign where hatching cannot be seen
                tall = max(2.0, height / 2)
                top = mid - tall if tone > 0 else mid
            box = self.box(self.x(u) - self.column / 2 + gap, top, self.column - 2 * gap, tall)
            shape = Path.unit_rectangle().transformed(box)
            if abs(tone) > 0.05:  # what lies beneath would muddle the tone
                self.axes.add_patch(PathPatch(shape, facecolor=self.colours.page, linewidth=0))
            self.axes.add_patch(
                PathPatch(shape, facecolor=(*colours[u][:3], colours[u][3] * opacity), linewidth=0,
                          hatch="//////" if tone < 0 and height >= SLIVER else None,
                          edgecolor=(self.colours.page, 0.7))
            )  # fmt: skip

    def gutter(self, mids: list[float], output: float, slot: float, layer: int | None) -> None:
        """Names and weights of the layers; the evidence that enters at each, and its net."""
        start = fu.start_of(self.explanation.fusion.readout, self.explanation.pooled)
        carried = [np.ones_like(start)] * 2
        enters = np.zeros((self.layers, 2))
        for b in range(self.layers):
            matrix = block(self.explanation, b)
            for c in (0, 1):
                added = self.explanation.fusion.gamma * matrix[c] @ carried[c]
                enters[b, c], carried[c] = added @ start, carried[c] + added
        reach = 22 / max(1e-12, enters.max())
        axis, size = self.x1 + 34, 8.0
        self.axes.plot([self.x0, self.x1], [output] * 2, color=self.colours.rule, lw=0.6)
        last = np.inf
        for b, mid in enumerate(mids):
            bar = min(6.0, slot * 0.6)
            self.bar(axis - enters[b, 1] * reach, mid - bar / 2, enters[b, 1] * reach, bar, -1)
            self.bar(axis, mid - bar / 2, enters[b, 0] * reach, bar, 1)
            if last - mid < size + 1 and b != layer:
                continue
            last = mid
            weight = "bold" if b == layer else "normal"
            self.y = mid - size * 0.62
            name = "Embeddings" if b == 0 else f"Layer {b}"
            self.write(name, self.x0 - 6, size, self.colours.muted, align="right", weight=weight)
            net = signed(float(enters[b, 0] - enters[b, 1]))
            self.write(net, self.width - self.margin, size, self.colours.muted, align="right")
        self.axes.plot([axis] * 2, [mids[-1] - 9, mids[0] + 9], color=self.colours.muted, lw=0.6)

    def words(self, active: list[int]) -> None:
        """All words where they fit, slanted where not; else the strongest."""
        size = 9.0
        names = [self.fitting(unit.text, size, 80) for unit in self.units]
        widths = [self.measured(name, size, SANS) for name in names]
        flat = all(w + 4 <= self.column for w in widths)
        net = self.supporting - self.opposing
        kept: list[int] = []
        for u in [*active, *np.argsort(-np.abs(net), kind="stable").tolist()]:
            if flat or all(abs(k - u) * self.column >= size * 1.4 for k in kept):
                kept.append(u)
        for u in kept:
            colour = self.colours.ink
            if u in active:
                colour = self.colours.supports_text if net[u] > 0 else self.colours.opposes_text
            self.slanted(
                names[u], self.x(u), size, colour, flat, "bold" if u in active else "normal"
            )
        self.y += 18 if flat else max(widths[u] for u in kept) * 0.8 + 16
