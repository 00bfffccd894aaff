"""What each part of a text says about every class: sentences against classes. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._arrays import Array
from .._upward import import_upward
from .._validation import distinct_names, shown, whole_number
from .display import Theme
from .explanation import Explanation
from .formatting import printable
from .summary import class_text
from .units import Granularity, Unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STRONGEST = 12
"""So many rows are shown, unless another number is asked for."""


@dataclass(frozen=True, eq=False)
class ByClass:
    """The evidence of one text for several classes.

    Attributes:
        granularity: What the rows are.
        units: The ordinary units of the text, in reading order.
        names: The classes.
        probabilities: (classes,) what the model says of the text; measured values where it
            measures.
        values: (units, classes) evidence for each class, positive where it supports it.
        in_scores: Whether values are in units of the scores, so that a column sums to what its
            score gained over the baseline (but for special tokens); else shares.
        said: (classes,) the same in words.

    Example:
        >>> cn.by_class(explainer.explain('A dull film.', target=[0, 1]), 'word')
        ByClass(4 words, negative, positive)
    """

    granularity: Granularity
    units: tuple[Unit, ...]
    names: tuple[str, ...]
    probabilities: Array
    values: Array
    in_scores: bool
    said: tuple[str, ...]

    def to_frame(self, k: int | None = None) -> pd.DataFrame:
        """A row for each unit, a column for each class, and the class that it supports most.

        Args:
            k: The k rows with the strongest evidence for any class; by default all. In reading
                order.

        Example:
            >>> by_class = cn.by_class(explainer.explain('A dull film.', target=[0, 1]), 'word')
            >>> by_class.to_frame(k=1)['word'].tolist()
            ['dull']
        """
        from .table import Table

        rows = self.strongest(k)
        columns = distinct_names(self.names, (self.granularity, "supports"))
        frame = Table(self.values[rows], columns=list(columns), index=rows)
        frame.insert(0, self.granularity, [self.units[row].text for row in rows])
        best = self.values[rows].argmax(axis=1)
        frame["supports"] = [
            self.names[b] if self.values[row, b] > 0 else ""
            for row, b in zip(rows, best, strict=True)
        ]
        return frame

    def strongest(self, k: int | None = None) -> list[int]:
        """The rows with the strongest evidence for any class, in reading order.

        Example:
            >>> cn.by_class([explanation], 'word').strongest(1)
            [9]
        """
        k = None if k is None else whole_number("k", k, 1)
        order = np.argsort(-np.abs(self.values).max(axis=1), kind="stable")
        return sorted(order[:k].tolist())

    def figure(
        self, k: int | None = STRONGEST, *, theme: Theme = "light", width: float = 10
    ) -> Figure:
        """The strongest rows with a bar for each class; see :mod:`calig_nb.figures.by_class`.

        Example:
            >>> cn.by_class([explanation], 'word').figure(k=3).savefig('classes.pdf')
        """
        draw = import_upward("figures", "classes_figure")
        figure: Figure = draw(self, k, theme=theme, width=width)
        return figure

    def __repr__(self) -> str:
        names = ", ".join(map(printable, self.names))
        return f"ByClass({len(self.units)} {self.granularity}s, {names})"

    def _repr_png_(self) -> Any:
        return self.figure()._repr_png_()  # type: ignore[attr-defined]


def by_class(
    explanations: Sequence[Explanation],
    granularity: Granularity = "sentence",
    *,
    layer: int | None = None,
) -> ByClass:
    """The evidence of one text for several classes, side by side.

    Args:
        explanations: One text explained for each class: ``explain(text, target=[…])``.
        granularity: What the rows are: "token", "word", "sentence" or "passage".
        layer: None takes the attributions over all layers, in shares of each class's own evidence;
            a number the relevance of that layer (0 the embeddings), in units of the score, so
            that classes can be weighed against each other.

    Raises:
        TypeError: If these are not explanations.
        ValueError: If they are not of one text and of different classes, or there is no such layer.

    Example:
        >>> cn.by_class(explainer.explain('A dull film.', target=[0, 1]), 'word').names
        ('negative', 'positive')
    """
    if not isinstance(explanations, (list, tuple)) or not all(
        isinstance(one, Explanation) for one in explanations
    ):
        raise TypeError(
            "explanations must be a list of Explanations, one for each class, got "
            f"{shown(explanations)}. Explainer.explain(text, target=[…]) gives it."
        )
    if not explanations:
        raise ValueError("explanations must hold at least one, got none.")
    first = explanations[0]
    if len({(one.text, one.tokens) for one in explanations}) > 1:
        raise ValueError("explanations must all be of one text, got several.")
    names = tuple(one.target_name for one in explanations)
    if len(set(names)) < len(names) or any(one.contrast is not None for one in explanations):
        raise ValueError(
            f"explanations must be of different classes, without a contrast, got {list(names)}."
        )
    if layer is not None:
        layer = whole_number("layer", layer, 0, len(first.layer_weights), also="be None or ")
    units = tuple(unit for unit in first.units(granularity) if not unit.special)
    columns = [
        one.attributions if layer is None else one.layer_attributions[layer] for one in explanations
    ]
    values = np.array([[c[list(unit.tokens)].sum() for c in columns] for unit in units])
    probabilities = np.array([one.probabilities[one.target] for one in explanations])
    said = tuple(class_text(one, one.target) for one in explanations)
    return ByClass(granularity, units, names, probabilities, values, layer is not None, said)
