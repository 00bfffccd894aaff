"""Ribbons of the active words; the twin of ribbons.js. Pure geometry, in px.

A word's evidence starts as a seed in its own column. At every level the evidence already carried
into a position stands there as a vertical band that widens by what the block adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .ancestry import Step
from .scene import TINY

if TYPE_CHECKING:
    from .flow_layout import Layout
    from .scene import Scene

Ends = tuple[float, float]


@dataclass(frozen=True)
class Ribbon:
    """A band with curved sides from one level up to the next.

    Attributes:
        unit: Whose evidence it is.
        sign: 1 supports, -1 opposes.
        b: Block; their number for what runs into the decision.
        source: Unit it leaves.
        goal: Unit it reaches.
        low: Its left and right end below.
        high: And above.
        levels: y below and above.
    """

    unit: int
    sign: int
    b: int
    source: int
    goal: int
    low: Ends
    high: Ends
    levels: Ends

    @property
    def width(self) -> float:
        """At its wider end."""
        return max(self.low[1] - self.low[0], self.high[1] - self.high[0])


@dataclass(frozen=True)
class Segment:
    """An active word's own stretch of the balance, and of its magnified image."""

    unit: int
    sign: int
    mass: float
    bar: Ends
    lens: Ends


@dataclass(frozen=True)
class Flow:
    """Everything that flows.

    Attributes:
        ribbons: All of them.
        segments: Stretches of the balance that belong to active words.
        scale: px per unit of evidence, in the balance.
        magnification: Of the ribbons against the balance.
        zero: x of the balance's zero.
        y: Top of the balance.
        lens: Level where the ribbons land.
        drawn: Of each active word, how many steps and how much evidence they carry.
    """

    ribbons: tuple[Ribbon, ...]
    segments: tuple[Segment, ...]
    scale: float
    magnification: float
    zero: float
    y: float
    lens: float
    drawn: dict[int, tuple[int, float]]

    @property
    def magnified(self) -> bool:
        """So much that it shows."""
        return self.magnification > 1.04


class Strand:
    """One word's evidence of one sign: its steps, and what has been carried before each block."""

    def __init__(self, unit: int, sign: int, steps: Sequence[Step], layers: int) -> None:
        self.unit, self.sign = unit, sign
        self.steps = [step for step in steps if step.sign == sign]
        self.carried: list[dict[int, float]] = [{}]
        for b in range(layers):
            now = dict(self.carried[b])
            for step in self.steps:
                if step.block == b:
                    now[step.goal] = now.get(step.goal, 0.0) + step.mass
            self.carried.append(now)


Places = dict[tuple[int, int, int], Ends]


def flow_of(scene: Scene, layout: Layout, drawn: dict[int, list[Step]]) -> Flow:
    """The ribbons of the active words and where they land."""
    plus, minus = scene.supporting, scene.opposing
    total, span = float(plus.sum() + minus.sum()), layout.x1 - layout.x0
    side = np.maximum(plus, minus)
    cap = max(min(0.62 * layout.column, 46), 18)
    top = max(TINY, *side[scene.order[:3]], 0)
    scale = min(cap / top, (0.38 if layout.middle else 0.55) * span / total) if total > 0 else 1.0
    largest = max(TINY, *side[scene.active], 0)
    resting = not scene.selected
    wish = float(np.clip(cap / (largest * scale), 1, 6 if resting else 40))
    magnification = 1.0 if resting and wish < 1.35 else wish
    k = scale * magnification

    strands = [
        strand
        for unit in scene.active
        for sign in (-1, 1)
        if (strand := Strand(unit, sign, drawn[unit], scene.layers)).steps
    ]
    places = [_stack_bands(strands, b, k, layout) for b in range(scene.layers + 1)]
    ribbons = [
        ribbon
        for strand in strands
        for b in range(scene.layers)
        for ribbon in _ribbons_between(strand, b, k, layout, places)
    ]
    zero = (layout.x0 + layout.x1) / 2 - total * scale / 2 + float(minus.sum()) * scale
    lens = layout.decision + (24 if magnification > 1.04 else 0)
    segments = _segments(scene, zero, scale, k)
    # The magnified segments must not leave the plot.
    low = min([zero, *(s.lens[0] for s in segments)])
    high = max([zero, *(s.lens[1] for s in segments)])
    shift = layout.x0 - low if low < layout.x0 else layout.x1 - high if high > layout.x1 else 0.0
    segments = [replace(s, lens=(s.lens[0] + shift, s.lens[1] + shift)) for s in segments]
    own = {(s.unit, s.sign): s for s in segments}
    for strand in strands:
        if (segment := own.get((strand.unit, strand.sign))) is None:
            continue
        landing = sorted(strand.carried[-1].items(), key=lambda item: layout.x(item[0]))
        wide = sum(mass for _, mass in landing) * k
        x = segment.lens[0] if strand.sign > 0 else segment.lens[1] - wide
        for i, mass in landing:
            below = places[-1][strand.unit, strand.sign, i]
            ribbons.append(
                Ribbon(
                    strand.unit,
                    strand.sign,
                    scene.layers,
                    i,
                    i,
                    below,
                    (x, x + mass * k),
                    (layout.output, lens),
                )
            )
            x += mass * k
    count = {u: (len(found), sum(step.mass for step in found)) for u, found in drawn.items()}
    return Flow(
        tuple(ribbons),
        tuple(segments),
        scale,
        magnification,
        zero,
        layout.decision - 16,
        lens,
        count,
    )


def _stack_bands(strands: Sequence[Strand], b: int, k: float, layout: Layout) -> Places:
    """Bands side by side at every position of one level: opposing left, supporting right."""
    at: dict[int, list[tuple[Strand, float]]] = {}
    for strand in sorted(strands, key=lambda s: s.sign):
        for i, mass in strand.carried[b].items():
            at.setdefault(i, []).append((strand, mass))
    places: Places = {}
    for i, bands in at.items():
        left = layout.x(i) - sum(mass for _, mass in bands) * k / 2
        for strand, mass in bands:
            places[strand.unit, strand.sign, i] = (left, left + mass * k)
            left += mass * k
    return places


def _ribbons_between(
    strand: Strand, b: int, k: float, layout: Layout, places: Sequence[Places]
) -> list[Ribbon]:
    """The ribbons of one strand between block b and the level above it."""
    x, unit, sign = layout.x, strand.unit, strand.sign
    edges = [step for step in strand.steps if step.block == b]
    levels = (layout.strips[b].top, layout.above(b))

    def band_of(level: int, i: int) -> Ends:
        seed = x(i) + sign * 0.6
        return places[level].get((unit, sign, i), (seed, seed))

    # Where each step leaves: beside the band, on the side it turns to; the farthest outermost.
    leaves: dict[Step, Ends] = {}
    for source in dict.fromkeys(step.source for step in edges):
        low, high = band_of(b, source)
        away = sorted((s for s in edges if s.source == source != s.goal), key=lambda s: x(s.goal))
        left = [s for s in away if x(s.goal) < x(source)]
        right = [s for s in away if x(s.goal) >= x(source)]
        centre = (low + high) / 2
        at = min(low, centre - k * sum(s.mass for s in left))
        for step in left:
            leaves[step] = (at, at := at + step.mass * k)
        reach = k * sum(s.mass for s in right)
        at = max(high, centre + reach) - reach
        for step in right:
            leaves[step] = (at, at := at + step.mass * k)

    ribbons = []
    for i in strand.carried[b + 1]:
        at = band_of(b + 1, i)[0]
        arriving = sorted((s for s in edges if s.goal == i != s.source), key=lambda s: x(s.source))
        own = sum(s.mass for s in edges if s.goal == i == s.source)
        band = (strand.carried[b].get(i, 0.0) + own) * k
        parts = [(s.source, leaves[s], s.mass * k) for s in arriving if x(s.source) < x(i)]
        parts += [(i, band_of(b, i), band)] if band > 0 else []
        parts += [(s.source, leaves[s], s.mass * k) for s in arriving if x(s.source) >= x(i)]
        for source, low_ends, width in parts:
            ribbons.append(Ribbon(unit, sign, b, source, i, low_ends, (at, at + width), levels))
            at += width
        if b + 1 < len(layout.strips):  # through the strip above
            through, strip = band_of(b + 1, i), layout.strips[b + 1]
            rise = (strip.top + strip.height, strip.top)
            ribbons.append(Ribbon(unit, sign, b + 1, i, i, through, through, rise))
    return ribbons


def _segments(scene: Scene, zero: float, scale: float, k: float) -> list[Segment]:
    """Each active word's own stretch of the balance, from zero outwards."""
    found = []
    for sign, masses in ((-1, scene.opposing), (1, scene.supporting)):
        at = magnified = zero
        for u in scene.active[::sign]:
            if not (mass := float(masses[u])) > 0:
                continue
            ends = (at, at := at + sign * mass * scale)
            lens = (magnified, magnified := magnified + sign * mass * k)
            found.append(Segment(u, sign, mass, ends[::sign], lens[::sign]))  # type: ignore[arg-type]
    return found
