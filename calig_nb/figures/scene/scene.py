"""Everything the figures draw from, computed from an explanation and a state.

The twin of scene.js and picture.js. Pure.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..._design import FORMATS, SIZES
from ...explanation import fusion as fu
from ...explanation.comparison import per_token
from ...explanation.formatting import distinct_labels, is_right_to_left, shorten
from ...explanation.summary import recipe
from ..options import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..._arrays import Array
    from ...explanation.explanation import Explanation
    from ...explanation.units import Unit

_SCENE = SIZES["scene"]
AT_REST: int = _SCENE["AT_REST"]
"""How many words grow ribbons when none is selected."""
MANY: int = _SCENE["MANY"]
CLIPPED: float = _SCENE["CLIPPED"]
"""Above so many columns this share of the cells is clipped, or the rest would vanish."""
TINY: float = FORMATS["TINY"]
FLIP: float = _SCENE["FLIP"]
"""Below this share of the largest cell a change of sign is noise."""


@dataclass(frozen=True)
class Flip:
    """A unit whose sign turns between block b - 1 and block b, to 1 or -1."""

    b: int
    unit: int
    to: int
    size: float


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on screen; sums over units, in the direction of the asked class.

    Attributes:
        explanation: With the λ of the state, and zero for what is not a number.
        state: What is looked at.
        holes: [layer, token] of r that were not numbers.
        gaps: [block, row, column] of G that were not numbers.
        sign: -1 where the mirrored question is shown: all signs are turned.
        locked: What full bars stand for, over all layers and in one, where several explanations
            share a scale.
    """

    explanation: Explanation
    state: State
    holes: tuple[tuple[int, int], ...]
    gaps: tuple[tuple[int, int, int], ...]
    sign: int
    locked: tuple[float, float] | None = None

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The pieces of the text."""
        return self.explanation.units(self.state.granularity)

    @cached_property
    def unit_of(self) -> npt.NDArray[np.int64]:
        """(T,) the unit of each token."""
        of = np.zeros(len(self.explanation.tokens), dtype=np.int64)
        for u, unit in enumerate(self.units):
            of[list(unit.tokens)] = u
        return of

    @cached_property
    def labels(self) -> list[str]:
        """Names of the units, told apart where they repeat."""
        return distinct_labels([unit.text for unit in self.units])

    def summed(self, values: Array) -> Array:
        """(units,) sums over the tokens of each unit."""
        sums = np.bincount(self.unit_of, weights=values, minlength=len(self.units))
        return np.asarray(sums, dtype=np.float64)

    @cached_property
    def evidence_of(self) -> tuple[Array, Array]:
        """(units,) supporting and opposing shares."""
        own = self.explanation
        sides = (self.summed(own.supporting), self.summed(own.opposing))
        return sides if self.sign > 0 else (sides[1], sides[0])

    @property
    def supporting(self) -> Array:
        """(units,) shares that speak for the asked class."""
        return self.evidence_of[0]

    @property
    def opposing(self) -> Array:
        """(units,) shares that speak against it."""
        return self.evidence_of[1]

    @cached_property
    def net(self) -> Array:
        """(units,) supporting less opposing."""
        return np.asarray(self.supporting - self.opposing)

    @cached_property
    def cells(self) -> Array:
        """(L, units) λ r̂ + (1 - λ) colsum Ĝ, before the layer weight."""
        rows = [self.summed(per_token(self.explanation, b)) for b in range(self.layers)]
        return self.sign * np.array(rows)

    @cached_property
    def entering(self) -> Array:
        """(2, L) supporting and opposing evidence that enters at each block."""
        own = self.explanation
        start = fu.start_of(own.fusion.readout, own.pooled)
        carried, masses = np.ones((2, len(start))), np.zeros((2, self.layers))
        for b in range(self.layers):
            added = own.fusion.gamma * np.einsum("cqk,ck->cq", own.block_matrices(b), carried)
            masses[:, b], carried = added @ start, carried + added
        return masses[:: self.sign]

    @property
    def layers(self) -> int:
        """How many blocks there are."""
        return len(self.explanation.layer_weights)

    @property
    def name(self) -> str:
        """The asked class."""
        own = self.explanation
        mirror = 1 - own.target if own.contrast is None else own.contrast
        return shorten(own.labels[own.target if self.sign > 0 else mirror])

    @property
    def recipe(self) -> str:
        """How the explanation was made, in words."""
        return recipe(self.explanation.config)

    @property
    def score(self) -> float:
        """f(x) of the asked class."""
        return self.sign * self.explanation.score

    @property
    def baseline(self) -> float:
        """f(x')."""
        return self.sign * self.explanation.baseline_score

    @property
    def gain(self) -> float:
        """f(x) - f(x')."""
        return self.score - self.baseline

    @cached_property
    def lost(self) -> list[tuple[int, int, int]]:
        """Layer, row and column of all that was not a number; r stands in a token's own place."""
        return [*((b, t, t) for b, t in self.holes), *self.gaps]

    @cached_property
    def delta(self) -> Array:
        """(L + 1,) convergence delta; NaN where a layer holds values that are not numbers."""
        delta = self.sign * self.explanation.convergence_delta
        delta[[b for b, _ in self.holes]] = np.nan
        return delta

    @cached_property
    def errors(self) -> Array:
        """(L + 1,) its size, relative to the gain."""
        return np.asarray(np.abs(self.delta) / max(TINY, abs(self.gain)))

    @cached_property
    def worst(self) -> int:
        """Layer of the largest error."""
        return int(np.argmax(np.nan_to_num(self.errors)))

    @cached_property
    def order(self) -> list[int]:
        """Ordinary units, strongest first."""
        return strongest_first(
            [u for u, unit in enumerate(self.units) if not unit.special], self.net
        )

    @cached_property
    def largest(self) -> float:
        """Size of the strongest unit's net evidence."""
        return self.locked[0] if self.locked else max(TINY, *np.abs(self.net[self.order]), 0)

    @cached_property
    def largest_cell(self) -> float:
        """Size of the strongest cell of any ordinary unit."""
        if self.locked:
            return self.locked[1]
        return max(TINY, float(np.abs(self.cells[:, self.order]).max(initial=0)))

    @cached_property
    def tone(self) -> float:
        """Value of the deepest tone."""
        sizes = np.sort(np.abs(self.cells), axis=None)
        clipped = int(sizes.size * CLIPPED) if len(self.units) > MANY else 0
        return max(TINY, float(sizes[-1 - clipped]))

    @cached_property
    def flips(self) -> list[Flip]:
        """Where a unit changes sign from one block to the next, largest first."""
        return flips_of(self.cells, self.order)

    @cached_property
    def selected(self) -> list[int]:
        """Selected units, as they were picked."""
        return list(dict.fromkeys(int(self.unit_of[t]) for t in self.state.selected))

    @cached_property
    def sight(self) -> tuple[int, int]:
        """Units in sight, the last one exclusive: those with a token in the span."""
        count = len(self.units)
        if self.state.span is None:
            return 0, count
        low, high = self.state.span
        inside = [u for u, unit in enumerate(self.units) if unit.tokens[-1] >= low]
        reached = [u for u, unit in enumerate(self.units) if unit.tokens[0] <= high]
        first, last = inside[0] if inside else count, reached[-1] + 1 if reached else 0
        return (first, last) if last > first else (0, count)

    @cached_property
    def active(self) -> list[int]:
        """Units that grow ribbons, in reading order."""
        first, last = self.sight
        leading = [u for u in self.order if first <= u < last][:AT_REST]
        resting = [u for u in leading if self.supporting[u] + self.opposing[u] > 0]
        return sorted(self.selected or resting)

    @property
    def upto(self) -> float:
        """Blocks that have been passed."""
        return self.layers if self.state.play is None else self.state.play

    @property
    def layer(self) -> int | None:
        """The layer of text and ledger, which follow what is played; None for all."""
        play = self.state.play
        if play is None:
            return self.state.layer
        return math.floor(play) if play < self.layers else None

    @property
    def evidence(self) -> Array:
        """(units,) evidence at that layer, or over all, in shares."""
        return self.net if self.layer is None else np.asarray(self.cells[self.layer])

    @cached_property
    def right_to_left(self) -> bool:
        """Whether the text reads so."""
        return is_right_to_left(self.explanation.text or " ".join(self.explanation.tokens))

    @cached_property
    def stops(self) -> list[int]:
        """Units that end a sentence before another one begins."""
        ids = self.explanation.sentence_ids
        found = []
        for u, unit in enumerate(self.units):
            own, later = ids[unit.tokens[-1]], ids[unit.tokens[-1] + 1 :]
            following = later[later >= 0]
            if own >= 0 and len(following) and following[0] != own:
                found.append(u)
        return found


def scene_of(explanation: Explanation, state: State) -> Scene:
    """What is on screen.

    Raises:
        ValueError: If the explanation does not answer the question that is asked.
    """
    target = explanation.target if state.target is None else state.target
    contrast = state.contrast
    if state.target is None and contrast is None:
        contrast = explanation.contrast
    sign = explanation.answer_sign(target, contrast)
    if not sign:
        raise ValueError(
            f"The explanation answers target={explanation.target}, contrast="
            f"{explanation.contrast}, not target={target}, contrast={contrast}: explain that class."
        )
    own = explanation if state.lam is None else explanation.with_lam(state.lam)
    r, g = own.layer_attributions, own.attention_relevance
    holes: tuple[tuple[int, int], ...] = ()
    gaps: tuple[tuple[int, int, int], ...] = ()
    if not np.isfinite(r).all() or not np.isfinite(g).all():
        holes = tuple((int(b), int(t)) for b, t in np.argwhere(~np.isfinite(r)))
        gaps = tuple((int(b), int(i), int(k)) for b, i, k in np.argwhere(~np.isfinite(g)))
        own = dataclasses.replace(
            own,
            layer_attributions=np.where(np.isfinite(r), r, 0),
            attention_relevance=np.where(np.isfinite(g), g, 0),
        )
    return Scene(own, state, holes, gaps, sign)


def strongest_first(units: Sequence[int], values: Array) -> list[int]:
    """Sorted, the largest size first; ties stay in their order."""
    return sorted(units, key=lambda u: -abs(values[u]))


def flips_of(cells: Array, order: Sequence[int]) -> list[Flip]:
    """Where units change sign from one block to the next, largest first.

    Args:
        cells: (L, units) signed.
        order: The units that are looked at.
    """
    least, found = FLIP * float(np.abs(cells).max(initial=0)), []
    for b in range(1, len(cells)):
        for u in order:
            before, after = float(cells[b - 1, u]), float(cells[b, u])
            size = min(abs(before), abs(after))
            if before * after < 0 and size > least:
                found.append(Flip(b, u, 1 if after > 0 else -1, size))
    return sorted(found, key=lambda flip: -flip.size)
