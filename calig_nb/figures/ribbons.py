"""Ribbons between the layers; the twin of ribbons.js. Pure geometry, in points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .ancestry import Step

Span = tuple[float, float]


@dataclass(frozen=True)
class Ribbon:
    """A band with curved sides from one level up to the next.

    Attributes:
        unit: Whose evidence it is.
        sign: 1 supports, -1 opposes.
        low: Its left and right end below.
        high: And above.
        levels: y below and above.
    """

    unit: int
    sign: int
    low: Span
    high: Span
    levels: Span


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


Places = dict[tuple[int, int, int], Span]


def stacked(strands: Sequence[Strand], b: int, k: float, x: Callable[[int], float]) -> Places:
    """Bands side by side at every position of one level: opposing left, supporting right."""
    at: dict[int, list[tuple[Strand, float]]] = {}
    for strand in sorted(strands, key=lambda s: s.sign):
        for i, mass in strand.carried[b].items():
            at.setdefault(i, []).append((strand, mass))
    places: Places = {}
    for i, bands in at.items():
        left = x(i) - sum(mass for _, mass in bands) * k / 2
        for strand, mass in bands:
            places[strand.unit, strand.sign, i] = (left, left + mass * k)
            left += mass * k
    return places


def between(
    strand: Strand, b: int, k: float, x: Callable[[int], float],
    below: Places, above: Places, levels: Span,
) -> list[Ribbon]:  # fmt: skip
    """The ribbons of one strand between block b and the level above it."""
    edges = [step for step in strand.steps if step.block == b]

    def seed(i: int) -> Span:
        return (x(i) + strand.sign * 0.6,) * 2

    def start(i: int) -> Span:
        return below.get((strand.unit, strand.sign, i), seed(i))

    # Where each step leaves: beside the band, on the side it turns to.
    leaves: dict[Step, Span] = {}
    for source in {step.source for step in edges}:
        low, high = start(source)
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
        at = above[strand.unit, strand.sign, i][0]
        arriving = sorted((s for s in edges if s.goal == i != s.source), key=lambda s: x(s.source))
        own = sum(s.mass for s in edges if s.goal == i == s.source)
        band = (strand.carried[b].get(i, 0.0) + own) * k
        parts = [(leaves[s], s.mass * k) for s in arriving if x(s.source) < x(i)]
        parts += [(start(i), band)] if band > 0 else []
        parts += [(leaves[s], s.mass * k) for s in arriving if x(s.source) >= x(i)]
        for low_span, width in parts:
            ribbons.append(Ribbon(strand.unit, strand.sign, low_span, (at, at + width), levels))
            at += width
    return ribbons
