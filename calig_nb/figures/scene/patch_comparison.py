"""Pictures on one scale, their differences to the first; the twin of patches/compared.js. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.comparison import same_input
from ...explanation.formatting import signed
from .comparison import Compared, comparison_story
from .scene import strongest_first
from .story import Part, Story, tell

if TYPE_CHECKING:
    from ..._arrays import Array

_TOLD = SENTENCES["pictures"]
LISTED: int = SIZES["patches"]["LISTED"]
"""More patches than this are told of together."""


@dataclass(frozen=True, eq=False)
class ComparedPictures:
    """What is on screen.

    Attributes:
        c: The explanations, row by row of patches that correspond.
    """

    c: Compared

    @cached_property
    def grids(self) -> list[tuple[int, int]]:
        """Rows and columns of each."""
        return [scene.explanation.grid or (1, 1) for scene in self.c.scenes]

    @cached_property
    def shared(self) -> bool:
        """Whether all have one grid."""
        return len(set(self.grids)) == 1

    @cached_property
    def lacking(self) -> list[str]:
        """Of each that has no difference to the first, why."""
        own, names = self.grids, self.c.names
        return [
            _TOLD["lacking"].format(
                first=names[0],
                other=name,
                grid=_grid_in_words(own[0]),
                own=_grid_in_words(grid),
            )
            for name, grid in zip(names, own, strict=True)
            if grid != own[0]
        ]

    @cached_property
    def differences(self) -> dict[int, Array]:
        """(units of the first,) evidence less that of the first, of each other with its grid."""
        found, count = self.c.found, len(self.c.scenes[0].units)
        differences = {}
        for i in range(1, len(self.grids)):
            if self.grids[i] != self.grids[0]:
                continue
            filled = np.nan_to_num(found.values)
            own = np.zeros(count)
            for n, row in enumerate(found.rows):
                own[list(row[0])] = filled[n, i] - filled[n, 0]
            differences[i] = own
        return differences

    @cached_property
    def evidence(self) -> Array:
        """(rows,) the difference; without one, what the first that has the patch says of it."""
        if self.shared:
            return self.c.changes
        values = self.c.found.values
        first = np.argmax(np.isfinite(values), axis=1)
        return np.asarray(np.nan_to_num(values[np.arange(len(values)), first]))

    @cached_property
    def names(self) -> list[str]:
        """Of the rows, in short: row and column."""
        names = list(self.c.labels)
        for i, (scene, (_, columns)) in enumerate(zip(self.c.scenes, self.grids, strict=True)):
            patches = [u for u, unit in enumerate(scene.units) if not unit.special]
            places = {u: divmod(p, columns) for p, u in enumerate(patches)}
            for n, row in enumerate(self.c.found.rows):
                for u in row[i]:
                    if u in places:
                        names[n] = " · ".join(str(at + 1) for at in places[u])
        return names

    def same(self, i: int) -> bool:
        """Whether it explains the first one's picture."""
        return same_input(self.c.scenes[0].explanation, self.c.scenes[i].explanation)

    @cached_property
    def limit(self) -> float:
        """What the deepest tone stands for, in all pictures and all differences."""
        patches = [u for u, unit in enumerate(self.c.scenes[0].units) if not unit.special]
        peaks = (float(np.abs(d[patches]).max(initial=0)) for d in self.differences.values())
        return max(self.c.most, *peaks, 0.0)

    def chosen(self, i: int) -> list[int]:
        """Units of one that are selected."""
        return [u for n in self.c.selected for u in self.c.found.rows[n][i]]

    def sum_of(self, i: int, difference: bool = False) -> str:
        """What is selected, or all, comes to."""
        values = np.nan_to_num(self.c.found.values)
        own = values[:, i] - (values[:, 0] if difference else 0)
        chosen = list(self.c.selected)
        d = self.c.digits
        if chosen:
            has = difference or any(self.c.found.rows[n][i] for n in chosen)
            total = signed(float(own[chosen].sum()), d) if has else _TOLD["no_patch"]
            return str(_TOLD["selected"]).format(total=total)
        told: str = _TOLD["difference" if difference else "sum"]
        return told.format(total=signed(float(own.sum()), d), name=self.c.scenes[i].name)


def pictures_story(p: ComparedPictures) -> Story:
    """How the pictures differ, in a sentence or two."""
    c, chosen = p.c, list(p.c.selected)
    values = np.nan_to_num(c.found.values)
    if len(chosen) > LISTED:
        sums = [float(values[chosen, i].sum()) for i in range(len(c.names))]
        told = (f"{name} {signed(v, c.digits)}" for name, v in zip(c.names, sums, strict=True))
        two = p.shared and len(sums) == 2
        return tell(
            _TOLD["sums_of_two" if two else "sums"],
            count=f"{len(chosen)}",
            sums="; ".join(told),
            difference=signed(sums[1] - sums[0], c.digits),
        )
    if p.shared:
        return comparison_story(c)
    if chosen:
        places = [(i, n) for n in chosen for i in range(len(c.names))]
        return tell(_TOLD["values"], values=_values_in_words(p, places))
    best = []
    for i in range(len(c.names)):
        own = [n for n in c.order if c.found.rows[n][i]]
        best += [(i, n) for n in strongest_first(own, values[:, i])[:1]]
    grids = " and ".join(dict.fromkeys(map(_grid_in_words, p.grids)))
    return tell(_TOLD["grids"], grids=grids, values=_values_in_words(p, best))


def _values_in_words(p: ComparedPictures, places: Sequence[tuple[int, int]]) -> Story:
    """What explanations hold in rows, where they have them."""
    c, story = p.c, list[Part]()
    for i, n in places:
        if not c.found.rows[n][i]:
            continue
        story += [Part("; ")] * bool(story)
        patch, value = Part(c.found.texts[n][i], n), float(c.found.values[n, i])
        value_text = signed(value, c.digits)
        story += tell(_TOLD["value"], name=c.names[i], patch=patch, value=value_text)
    return story


def _grid_in_words(grid: tuple[int, int]) -> str:
    return str(_TOLD["grid"]).format(rows=grid[0], columns=grid[1])
