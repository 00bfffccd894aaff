"""Where one word's evidence travelled; the twin of ancestry.js. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..._design import SIZES
from ...explanation import fusion as fu

if TYPE_CHECKING:
    from ..._arrays import Array
    from ...explanation.explanation import Explanation
    from ...explanation.units import Unit

Indices = npt.NDArray[np.int64]
SHARE: float = SIZES["ribbons"]["SHARE"]
MOST: int = SIZES["ribbons"]["MOST"]


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
    return steps_of(explanation, units, [unit])[unit]


def steps_of(
    explanation: Explanation,
    units: Sequence[Unit],
    words: Sequence[int],
    sign: int = 1,
    most: int | None = None,
) -> dict[int, list[Step]]:
    """The steps of several words.

    Args:
        explanation: What was explained.
        units: Its pieces.
        words: Which of them.
        sign: -1 turns supporting and opposing.
        most: Only so many of each block and sign, the largest; None for all.
    """
    fusion, count = explanation.fusion, len(explanation.tokens)
    order = np.concatenate([np.array(unit.tokens) for unit in units])
    starts = np.cumsum([0, *(len(unit.tokens) for unit in units[:-1])])
    read = fu.start_of(fusion.readout, explanation.pooled)
    held = np.zeros((len(words), 2, count))
    for n, word in enumerate(words):
        held[n, :, list(units[word].tokens)] = 1
    found: dict[int, list[Step]] = {word: [] for word in words}
    for b in range(len(explanation.layer_weights)):
        if not explanation.layer_weights[b]:
            continue
        matrices = fusion.gamma * explanation.block_matrices(b)
        for n, word in enumerate(words):
            for channel in (0, 1):
                moved = matrices[channel] * held[n, channel]
                held[n, channel] += moved.sum(axis=1)
                between = sum_groups(read[:, None] * moved, order, starts)
                least = 0.0
                if most is not None and between.size > most:
                    least = np.partition(between, -most - 1, axis=None)[-most - 1]
                goals, sources = np.nonzero(between > max(least, 0.0))
                found[word] += [
                    Step(b, int(k), int(i), float(between[i, k]), (1 - 2 * channel) * sign)
                    for i, k in zip(goals, sources, strict=True)
                ]
    return found


def sum_groups(matrix: Array, order: Indices, starts: Indices) -> Array:
    """Sums over groups of rows and of columns: tokens in ``order``, each group from its start."""
    rows = np.add.reduceat(matrix[order], starts, axis=0)
    return np.asarray(np.add.reduceat(rows[:, order], starts, axis=1))


def strongest(
    found: Sequence[Step], unit: int, connected: bool = True, total: float | None = None
) -> list[Step]:
    """The few worth drawing: the largest up to 80 % of the mass, and only what hangs together.

    Args:
        found: Steps of one word.
        unit: The word.
        connected: Whether they start there.
        total: Its evidence; by default that of all the steps.
    """
    total = sum(step.mass for step in found) if total is None else total
    kept: list[Step] = []
    summed = 0.0
    for step in sorted(found, key=lambda s: -s.mass)[:MOST]:
        if summed >= SHARE * total:
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
