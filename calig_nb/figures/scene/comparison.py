"""Explanations on one scale, linked by rows; the twin of comparison.js. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..._design import FORMATS, SENTENCES
from ...explanation.comparison import Difference, align, difference
from ...explanation.formatting import (
    digits_of,
    distinct_labels,
    number,
    quote_marks,
    shorten,
    signed,
)
from ..options import State
from .scene import TINY, Scene, scene_of, strongest_first
from .story import Part, Story, tell

if TYPE_CHECKING:
    from ..._arrays import Array
    from ...explanation.explanation import Explanation

_TOLD = SENTENCES["comparison"]
NOTHING: str = FORMATS["NOTHING"]
"""What has no counterpart."""


@dataclass(frozen=True, eq=False)
class Compared:
    """What is on screen.

    Attributes:
        names: Of the explanations.
        scenes: One for each.
        found: Their evidence, row by row.
        selected: Rows.
        state: What is looked at; its selection holds rows of the tokens.
    """

    names: tuple[str, ...]
    scenes: tuple[Scene, ...]
    found: Difference
    selected: tuple[int, ...]
    state: State

    @property
    def two(self) -> bool:
        """Whether there are two; of more the spread stands for the difference."""
        return len(self.names) == 2

    @property
    def name(self) -> str:
        """The class that words support or oppose."""
        names = {scene.name for scene in self.scenes}
        return str(SENTENCES["question"]["class"]) if len(names) > 1 else names.pop()

    @cached_property
    def changes(self) -> Array:
        """(rows,) the difference, or the spread."""
        return self.found.difference

    @cached_property
    def order(self) -> list[int]:
        """Ordinary rows, the largest difference first."""
        ordinary = [n for n, special in enumerate(self.found.special) if not special]
        return strongest_first(ordinary, self.changes)

    @cached_property
    def most(self) -> float:
        """Size of the strongest value."""
        locked = (s.largest if self.state.layer is None else s.largest_cell for s in self.scenes)
        shown = np.abs(self.found.values[self.order])
        return max(TINY, *locked, float(np.nanmax(shown, initial=0)))

    @cached_property
    def digits(self) -> int:
        """Decimals that keep two figures of the largest difference."""
        return digits_of(float(np.nanmax(np.abs(self.changes[self.order]), initial=0)))

    @cached_property
    def labels(self) -> list[str]:
        """A name for each row, told apart where they repeat."""
        return distinct_labels([name_of(texts) for texts in self.found.texts])


def _plain(text: str) -> str:
    """Two tokenizers may part one stretch of text in two ways: spaces make no difference."""
    return text.lower().replace(" ", "")


def name_of(texts: Sequence[str]) -> str:
    """One name for a row: what all have, or what became of it."""
    if len(set(map(_plain, texts))) == 1:
        return shorten(min(texts, key=len), 40)
    return " → ".join(quote_marks(shorten(text, 20)) if text else NOTHING for text in texts)


def compare(explanations: Sequence[Explanation], names: Sequence[str], state: State) -> Compared:
    """The scenes on one locked scale, and their rows."""
    by_token = align(explanations, "token")
    last = len(by_token) - 1
    if wrong := [n for n in state.selected if not 0 <= n <= last]:
        raise ValueError(
            f"selected must hold rows of to_frame('token') between 0 and {last}, got {wrong}."
        )
    scenes = []
    for i, explanation in enumerate(explanations):
        own = [t for n in state.selected for t in by_token[n][i]]
        scenes.append(scene_of(explanation, dataclasses.replace(state, selected=own)))
    locked = max(s.largest for s in scenes), max(s.largest_cell for s in scenes)
    found = difference(explanations, state.granularity, state.layer, state.lam)
    selected = []
    for n in state.selected:
        i = next(i for i, tokens in enumerate(by_token[n]) if tokens)
        unit = int(scenes[i].unit_of[by_token[n][i][0]])
        selected.append(next(r for r, row in enumerate(found.rows) if unit in row[i]))
    return Compared(
        tuple(map(shorten, names)),
        tuple(dataclasses.replace(s, locked=locked) for s in scenes),
        found,
        tuple(dict.fromkeys(selected)),
        state,
    )


def comparison_story(c: Compared) -> Story:
    """How the explanations differ, in a sentence or two."""
    values, order, texts = c.found.values, c.order, c.found.texts

    def change(n: int) -> Story:
        shown = [NOTHING if np.isnan(v) else signed(float(v), c.digits) for v in values[n]]
        size, label = float(c.changes[n]), Part(c.labels[n], n)
        if not c.two:
            spread = number(size, c.digits)
            return tell(_TOLD["spread"], word=label, values=" / ".join(shown), change=spread)
        first, second = shown
        moved = signed(size, c.digits)
        return tell(_TOLD["change"], word=label, first=first, second=second, change=moved)

    def listed(rows: Sequence[int]) -> Story:
        return [part for i, n in enumerate(rows) for part in [*[Part("; ")] * bool(i), *change(n)]]

    if c.selected:
        return tell(_TOLD["chosen"], changes=listed(c.selected))
    if not order:
        return tell(_TOLD["none"])
    if not np.any(c.changes[order]):
        return tell(_TOLD["same"])
    edited = [n for n in order if len(set(map(_plain, texts[n]))) > 1]
    kept = [n for n in order if n not in edited]
    own = [scene.explanation for scene in c.scenes]
    classes = [shorten(e.answer) for e in own]
    turns = tell(_TOLD["turns"], classes=" → ".join(classes)) if len(set(classes)) > 1 else []
    if len({e.text for e in own}) > 1 and edited:
        rest = tell(_TOLD["kept"], change=change(kept[0])) if kept else []
        return [*turns, *tell(_TOLD["edited"], changes=listed(edited[:2]), kept=rest)]
    filled = np.nan_to_num(values)
    strongest = strongest_first(order, np.abs(filled).max(axis=1))[:10]
    agree = sum(len(set(np.sign(filled[n]))) == 1 for n in strongest)
    agreement = _TOLD["agrees" if agree == 1 else "agree"].format(
        count=len(strongest), agree=agree, all=_TOLD["both" if c.two else "all"]
    )
    agreement = agreement if len(strongest) > 1 else ""
    return [*turns, *tell(_TOLD["most"], changes=listed(order[:2]), agreement=agreement)]
