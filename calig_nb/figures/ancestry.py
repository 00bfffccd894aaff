"""Where one word's evidence travelled; the twin of ancestry.js. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import fusion as fu

if TYPE_CHECKING:
    from ..results import Array, Explanation
    from ..units import Unit

SHARE, MOST = 0.8, 40


@dataclass(frozen=True)
class Step:
    """Evidence of one sign that moved between two units in one block.

    Attributes:
        block: In which block.
        source: Unit it left.
        goal: Unit it reached.
        mass: How much, a share.
        sign: 1 supports, -1 opposes.
    """

    block: int
    source: int
    goal: int
    mass: float
    sign: int


def steps(explanation: Explanation, units: Sequence[Unit], unit: int) -> list[Step]:
    """Every step γ M_b[i, k] R_b[k, word] of one word; they sum to its evidence exactly."""
    fusion = explanation.fusion
    member = np.zeros((len(units), len(explanation.tokens)))
    for u, each in enumerate(units):
        member[u, list(each.tokens)] = 1
    held = np.tile(member[unit], (2, 1))
    read = fu.start_of(fusion.readout, explanation.pooled)
    found = []
    for b in range(len(explanation.layer_weights)):
        matrix = block(explanation, b)
        for channel, sign in ((0, 1), (1, -1)):
            moved = fusion.gamma * matrix[channel] * held[channel]
            between = (member * read) @ moved @ member.T
            found += [
                Step(b, int(k), int(i), float(between[i, k]), sign)
                for i, k in np.argwhere(between > 0)
            ]
            held[channel] = held[channel] + moved.sum(axis=1)
    return found


def block(explanation: Explanation, b: int) -> Array:
    """(2, T, T) M_b of both channels."""
    only = slice(b, b + 1)
    matrices = fu.channels(
        explanation.layer_attributions[only], explanation.attention_relevance[only],
        explanation.layer_weights[only], explanation.fusion,
    )  # fmt: skip
    return np.asarray(matrices[:, 0])


def strongest(found: Sequence[Step], unit: int, connected: bool = True) -> list[Step]:
    """The few worth drawing: the largest up to 80 % of the mass, and only what hangs together."""
    total = sum(step.mass for step in found)
    kept: list[Step] = []
    summed = 0.0
    for step in sorted(found, key=lambda s: -s.mass):
        if summed >= SHARE * total or len(kept) >= MOST:
            break
        kept.append(step)
        summed += step.mass
    reached = {(1, unit), (-1, unit)}
    drawn = []
    for step in sorted(kept, key=lambda s: s.block):
        if not connected or (step.sign, step.source) in reached:
            reached.add((step.sign, step.goal))
            drawn.append(step)
    return drawn
