"""Where everything of the flow stands; the twin of layout.js. Pure geometry, in px."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..._design import SIZES
from ...explanation.formatting import round_half_up

WIDE: float = SIZES["page"]["WIDE"]
MIDDLE: float = SIZES["page"]["MIDDLE"]
_FLOW = SIZES["flow"]
DEEP: int = _FLOW["DEEP"]
"""Of more blocks than this the strips share a fixed height."""
NARROWING: float = _FLOW["NARROWING"]
"""A block whose weight is below this is closed down towards a thin line."""
CLOSED_SLOT: float = _FLOW["CLOSED_SLOT"]
CLOSED_GAP: float = _FLOW["CLOSED_GAP"]


@dataclass(frozen=True)
class Strip:
    """Where one block's row stands."""

    top: float
    height: float

    @property
    def mid(self) -> float:
        """The middle of its height."""
        return self.top + self.height / 2


@dataclass(frozen=True)
class Layout:
    """Places of the flow; bottom = embeddings, top = decision.

    Attributes:
        width: Of the whole.
        height: Of the whole.
        x0: Left end of the plot.
        x1: Its right end.
        first: Unit in sight.
        last: One beyond the last unit in sight.
        column: Width of a unit.
        decision: Bottom of the balance.
        output: Level of the output line.
        bottom: Level of the words.
        slot: Height of a strip of weight one.
        strips: One for each block.
        axis: How the words stand: "flat", "slant" or "thin".
        angle: Of slanted words, degrees.
        font: Size of the words.
        right_to_left: Whether the columns run so.
    """

    width: float
    height: float
    x0: float
    x1: float
    first: int
    last: int
    column: float
    decision: float
    output: float
    bottom: float
    slot: float
    strips: tuple[Strip, ...]
    axis: str
    angle: float
    font: float
    right_to_left: bool

    @property
    def wide(self) -> bool:
        """Whether there is room for all columns of the gutter."""
        return self.width >= WIDE

    @property
    def middle(self) -> bool:
        """Whether there is room for names beside the strips."""
        return self.width >= MIDDLE

    def x(self, unit: int) -> float:
        """Centre of a unit's column."""
        place = (unit - self.first + 0.5) * self.column
        return self.x1 - place if self.right_to_left else self.x0 + place

    def above(self, b: int) -> float:
        """Level where the gap above a block ends."""
        if b + 1 == len(self.strips):
            return self.output
        return self.strips[b + 1].top + self.strips[b + 1].height

    def front(self, play: float) -> float:
        """Level that has been reached when so many blocks are passed."""
        b = math.floor(play)
        if b >= len(self.strips):
            return self.output
        start = self.strips[b].top + self.strips[b].height
        return start - (play - b) * (start - self.above(b))


def layout_of(
    width: float,
    sight: tuple[int, int],
    weights: Sequence[float],
    names: Sequence[float],
    right_to_left: bool,
) -> Layout:
    """The places.

    Args:
        width: Room for the whole.
        sight: Units in sight, the last one exclusive.
        weights: (L,) the layer weights.
        names: Width of each unit's name at 12 px.
        right_to_left: Whether the columns run so.
    """
    (first, last), layers = sight, len(weights)
    count, wide, middle = last - first, width >= WIDE, width >= MIDDLE
    x0, right, slot, gap, decision, funnel = (
        float(v) for v in _FLOW["SIZES"][0 if wide else 1 if middle else 2]
    )
    if layers > DEEP:
        slot, gap = max(5.0, slot * 8 / layers), max(7.0, gap * 8 / layers)
    elif count > 100:
        slot, gap = slot + (12 if wide else 8), gap - (6 if wide else 4)
    x1 = max(x0 + 40, width - right)
    column = (x1 - x0) / max(1, count)
    output = decision + funnel
    opened = [
        min(1.0, w / NARROWING) if b and layers <= DEEP else 1.0 for b, w in enumerate(weights)
    ]
    heights = [CLOSED_SLOT + (slot - CLOSED_SLOT) * o for o in opened]
    gaps = [CLOSED_GAP + (gap - CLOSED_GAP) * o for o in opened]
    strips: list[Strip] = []
    y = output
    for b in reversed(range(layers)):
        # A gap is as tall as the more open of the two blocks it joins asks for.
        y += max(gaps[b], gaps[b + 1] if b + 1 < layers else CLOSED_GAP + 9)
        strips.insert(0, Strip(y, heights[b]))
        y += heights[b]
    font = 14.0 if wide and count <= 20 else 12.0
    shown = names[first:last]
    flat = all(w * font / 12 + 8 <= column for w in shown)
    axis = "flat" if flat else "slant" if column >= 13.5 else "thin"
    angle = 64.0 if column < 17 else 52.0 if column < 26 else 40.0
    longest = max(shown, default=0.0) * font / 12
    slanted = min(112.0, longest * math.sin(math.radians(angle)) + 26)
    words = {"flat": 30.0, "slant": slanted, "thin": 46.0}[axis]
    return Layout(
        width,
        round_half_up(y + words),
        x0,
        x1,
        first,
        last,
        column,
        decision,
        output,
        y,
        slot,
        tuple(strips),
        axis,
        angle,
        font,
        right_to_left,
    )


@dataclass(frozen=True)
class Label:
    """A word under the flow; ``row`` counts staggered rows, -1 where there is but one."""

    unit: int
    x: float
    row: int


ROOM: float = _FLOW["ROOM"]
WEAK: float = _FLOW["WEAK"]


def labels_of(
    layout: Layout,
    widths: Sequence[float],
    active: Sequence[int],
    order: Sequence[int],
    net: Sequence[float],
    letters: Sequence[int],
) -> list[Label]:
    """Which words are named: all where they fit, else the active ones and the strongest.

    The twin of axis.js.

    Args:
        layout: The places.
        widths: Of each unit's name at the axis' font size.
        active: Units that grow ribbons.
        order: Ordinary units, strongest first.
        net: Evidence of each.
        letters: Length of each name.
    """
    first, last = layout.first, layout.last
    if layout.axis != "thin":
        return [Label(u, layout.x(u), -1) for u in range(first, last)]
    taken: tuple[list[tuple[float, float]], ...] = ([], [])
    most = round_half_up((layout.x1 - layout.x0) / ROOM)
    largest = abs(net[next((u for u in order if first <= u < last), 0)])
    labels: list[Label] = []
    for u in dict.fromkeys([*active, *order]):
        if len(labels) >= most:
            break
        if not first <= u < last:
            continue
        if u not in active and (abs(net[u]) < WEAK * largest or letters[u] < 2):
            continue
        half = widths[u] / 2 + 4
        at = float(np.clip(layout.x(u), layout.x0 + half - 6, layout.x1 - half + 6))
        for row, others in enumerate(taken):
            if all(at - half > b or at + half < a for a, b in others):
                others.append((at - half, at + half))
                labels.append(Label(u, at, row))
                break
    return labels
