"""The rollout matrix in numbers; the twin of matrix.js and rollout.js. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import digits_of, layer_in, layer_name
from ...explanation.fusion import Channel
from .scene import TINY

if TYPE_CHECKING:
    from ..._arrays import Array
    from ...explanation.units import Unit
    from .scene import Scene

_TOLD = SENTENCES["matrix"]
MANY: int = SIZES["matrix"]["MANY"]
CLIPPED: float = SIZES["matrix"]["CLIPPED"]
"""In more cells than this the largest few may be clipped, or the rest would vanish."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Rows are positions that received evidence, columns tokens that gave it.

    Attributes:
        scene: Of which it is a part.
    """

    scene: Scene

    @property
    def b(self) -> int:
        """The layer shown."""
        return self.scene.layers - 1 if self.scene.layer is None else self.scene.layer

    @property
    def head(self) -> int | None:
        """The single head shown, or None."""
        return self.scene.state.head

    @property
    def alone(self) -> bool:
        """Whether it is of this layer only."""
        return self.scene.state.alone or self.head is not None

    @property
    def title(self) -> str:
        """What the matrix is."""
        layers = self.scene.layers
        if self.head is not None:
            head: str = _TOLD["head"]
            return head.format(head=self.head, layer=layer_in(layers, self.b))
        if self.alone:
            return str(_TOLD["alone"]).format(layer=layer_name(layers, self.b))
        if self.b:
            return str(_TOLD["up_to"]).format(layer=layer_in(layers, self.b))
        return layer_name(layers, self.b)

    @property
    def unit(self) -> str:
        """What its values are in."""
        return str(_TOLD["shares" if self.head is None else "score"])

    @cached_property
    def heads(self) -> Array:
        """(H, T, T) A ⊙ ∂f/∂A of the layer, head by head.

        Raises:
            ValueError: If the explanation holds no heads, or no such head.
        """
        heads = np.asarray(self.scene.explanation.heads(self.b), dtype=np.float64)
        if self.head is None or not 0 <= self.head < len(heads):
            raise ValueError(f"head must lie between 0 and {len(heads) - 1}, got {self.head}.")
        return heads

    @cached_property
    def pair(self) -> Array:
        """(2, units, units) supporting and opposing, the residual left out."""
        if self.head is not None:
            values = self.heads[self.head]
            pair = np.stack([np.maximum(values, 0), np.maximum(-values, 0)])
        else:
            pair = self._pairs[self.b]
        return merge_pair(np.asarray(pair[:: self.scene.sign]), self.scene.units)

    @cached_property
    def _pairs(self) -> list[Array]:
        """(2, T, T) of each layer: up to it, or alone."""
        own = self.scene.explanation
        if self.scene.state.alone:
            return [own.fusion.gamma * own.block_matrices(b) for b in range(self.scene.layers)]
        carried = np.zeros((2, len(own.tokens), len(own.tokens)))
        pairs = []
        for b in range(self.scene.layers):
            added = own.fusion.gamma * own.block_matrices(b)
            carried = carried + added + added @ carried
            pairs.append(carried)
        return pairs

    @cached_property
    def plain(self) -> Array:
        """(units, units) one channel, signed, without the residual."""
        return select_channel(self.pair, self.scene.state.channel)

    @cached_property
    def shown(self) -> Array:
        """The same with the residual, where it is asked for and does not cancel."""
        state = self.scene.state
        if not state.residual or state.channel == "net" or self.alone:
            return self.plain
        sign = 1 if state.channel == "supporting" else -1
        own = np.diag([float(len(unit.tokens)) for unit in self.scene.units])
        return np.asarray(self.plain + sign * own)

    @cached_property
    def limit(self) -> float:
        """Value of the deepest tone; the residual stands outside the scale."""
        return limit_of(self.plain)

    @property
    def beyond(self) -> int:
        """Cells outside the scale."""
        return int((np.abs(self.shown) > self.limit * 1.0001).sum())

    @property
    def sums(self) -> tuple[Array, Array]:
        """What each token gave and each position received."""
        return self.plain.sum(0), self.plain.sum(1)

    @property
    def largest_sum(self) -> float:
        """The largest sum drawn whole: twice the strongest word's.

        A special token may take in what all words give, and theirs would vanish beside it.
        """
        words = np.array([not unit.special for unit in self.scene.units])
        return 2 * max(float(np.abs(v[words]).max(initial=0)) for v in self.sums) or math.inf

    @property
    def digits(self) -> int:
        """Decimals of its values."""
        return max(3, digits_of(self.limit) + 1)

    @property
    def cross(self) -> tuple[int, int] | None:
        """The pinned cell: row and column, units."""
        if not (cell := self.scene.state.cell):
            return None
        row, column = (int(self.scene.unit_of[t]) for t in cell)
        return row, column

    @cached_property
    def missing(self) -> list[tuple[int, int]]:
        """Cells with values that were not numbers, row and column; they counted as zero."""
        scene, found = self.scene, set()
        if self.head is None:
            for b, i, k in scene.lost:
                if self.counts(b):
                    found.add((int(scene.unit_of[i]), int(scene.unit_of[k])))
        return sorted(found)

    def counts(self, b: int) -> bool:
        """Whether what this block adds counts in what is shown."""
        return b == self.b if self.alone else b <= self.b

    @cached_property
    def film(self) -> list[Array]:
        """(units, units) of each layer in the channel."""
        sign, channel = self.scene.sign, self.scene.state.channel
        return [
            select_channel(merge_pair(pair[::sign], self.scene.units), channel)
            for pair in self._pairs
        ]

    def strongest(self, k: int) -> list[tuple[int, int, float]]:
        """The strongest steps from one unit into another: row, column, value."""
        off = np.where(np.eye(len(self.shown), dtype=bool), 0, self.shown)
        order = np.argsort(-np.abs(off), axis=None, kind="stable")[:k]
        rows, columns = np.unravel_index(order, off.shape)
        found = zip(rows.tolist(), columns.tolist(), strict=True)
        return [(i, j, float(off[i, j])) for i, j in found if off[i, j]]

    def links(self, unit: int, k: int) -> list[tuple[int, int, float]]:
        """The strongest steps out of one unit and into it."""
        plain = self.plain
        out = [(row, unit, float(v)) for row, v in enumerate(plain[:, unit])]
        into = [(unit, column, float(v)) for column, v in enumerate(plain[unit])]
        found = [link for link in [*out, *into] if link[0] != link[1] and link[2]]
        return sorted(found, key=lambda link: -abs(link[2]))[:k]


def merge_pair(pair: Array, units: Sequence[Unit]) -> Array:
    """Sums over the tokens of each unit, in rows and columns."""
    if len(units) == pair.shape[-1]:
        return pair
    member = np.zeros((len(units), pair.shape[-1]))
    for u, unit in enumerate(units):
        member[u, list(unit.tokens)] = 1
    return np.asarray(member @ pair @ member.T)


def select_channel(pair: Array, channel: Channel) -> Array:
    """One signed matrix: support positive, opposition negative."""
    chosen = {"supporting": pair[0], "opposing": -pair[1]}
    return np.asarray(chosen.get(channel, pair[0] - pair[1]))


def limit_of(values: Array) -> float:
    """The value of the deepest tone; in large matrices the largest few are clipped."""
    sizes = np.sort(np.abs(values), axis=None)
    at = int(np.ceil(sizes.size * (1 - CLIPPED))) if sizes.size > MANY else sizes.size
    return float(sizes[at - 1] or sizes[-1] or TINY)


def pool_cells(values: Array, cells: int) -> Array:
    """At most so many cells along each side: of those that share one the strongest stays."""
    size = len(values)
    if size <= cells:
        return values
    starts = np.searchsorted(np.arange(size) * cells // size, np.arange(cells))
    for axis in (0, 1):
        most = np.maximum.reduceat(values, starts, axis=axis)
        least = np.minimum.reduceat(values, starts, axis=axis)
        values = np.where(most >= -least, most, least)
    return values


def choose_named(
    count: int, cell: float, room: float, chosen: Iterable[int], weights: Array
) -> list[int]:
    """Which units are named: all where they fit, else the chosen, then the strongest that fit."""
    if cell >= room:
        return list(range(count))
    kept: list[int] = []
    for u in [*chosen, *np.argsort(-np.abs(weights), kind="stable").tolist()]:
        if all(abs(k - u) * cell >= room for k in kept):
            kept.append(u)
    return kept
