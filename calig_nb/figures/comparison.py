"""Explanations side by side on one scale, and their difference row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..comparison import Difference, comparable, difference, name_of, names_of, per_token
from .page import asked, signed
from .tokens import TextPage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..results import Explanation
    from ..units import Granularity


def comparison_figure(
    explanations: Sequence[Explanation],
    names: Sequence[str] | None = None,
    *,
    lam: float | None = None,
    layer: int | None = None,
    granularity: Granularity = "word",
    theme: str = "light",
    width: float = 7.0,
    k: int = 12,
) -> Figure:
    """Each text with its bars, all on one scale, and below them the strongest differences.

    Args:
        explanations: Two to six, see :func:`calig_nb.comparison.comparable`.
        names: What to call them; by default after what tells them apart.
        lam: λ for all; None leaves each its own.
        layer: None draws the attributions over all layers; a number that layer's own shares,
            before its weight.
        granularity: "token", "word", "sentence" or "passage".
        theme: "light" or "dark".
        width: In inches.
        k: Rows of the difference.

    Raises:
        ValueError: If they cannot be compared, or an option is out of its range.
    """
    explanations = comparable(explanations)
    last = min(len(e.layer_weights) for e in explanations) - 1
    explanations = tuple(asked(e, lam, layer, theme, width, last) for e in explanations)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    names = names_of(explanations) if names is None else names
    page = _ComparisonPage(width, theme)
    page.texts(explanations, names, granularity, layer)
    page.rows(difference(explanations, granularity, layer), names, k)
    return page.finished()


class _ComparisonPage(TextPage):
    def texts(
        self,
        explanations: Sequence[Explanation],
        names: Sequence[str],
        granularity: Granularity,
        layer: int | None,
    ) -> None:
        """One below the other, so that the same words stand below each other."""
        sides = []
        for explanation in explanations:
            units = explanation.units(granularity)
            own = per_token(explanation, layer)
            values = np.array([own[list(unit.tokens)].sum() for unit in units])
            sides.append((units, values))
        ordinary = [
            abs(value)
            for units, values in sides
            for unit, value in zip(units, values, strict=True)
            if not unit.special
        ]
        strongest = max(ordinary, default=0.0)
        for explanation, name, (units, values) in zip(explanations, names, sides, strict=True):
            sure = f"{explanation.probabilities[explanation.target]:.1%}".replace("%", " %")
            x = self.margin + self.write(f"{name}  ", self.margin, 11, weight="bold")
            said = f"{explanation.target_name} {sure}, net {signed(float(values.sum()))}"
            self.write(said, x, 9, self.colours.muted)
            self.y += 18
            self.text(explanation, units, values, strongest or 1.0)

    def rows(self, found: Difference, names: Sequence[str], k: int) -> None:
        """The strongest differences: each explanation's bar on one axis, and the difference."""
        two = len(names) == 2
        size = np.abs(found.difference)
        order = [int(n) for n in np.argsort(-size, kind="stable") if not found.special[n]][:k]
        first = self.width * 0.26
        column = (self.width - self.margin - first) / (len(names) + 0.6)
        for i, name in enumerate([*names, "difference" if two else "spread"]):
            label = self.fitting(name, 9, column - 10)
            self.write(label, first + i * column, 9, self.colours.muted)
        self.y += 17
        scale = column * 0.3 / max(np.nanmax(np.abs(found.values), initial=0.0), 1e-12)
        for n in order:
            label = self.fitting(name_of(found.texts[n]), 9.5, first - self.margin - 8)
            self.write(label, self.margin, 9.5)
            for i, value in enumerate(found.values[n]):
                self.cell(first + i * column, column, float(value), scale)
            change = float(found.difference[n])
            text = signed(change) if two else f"{change:.2f}"
            self.write(text, first + len(names) * column, 9.5, weight="bold")
            self.y += 15
        self.y += 4
        self.note("bars on the scale of the texts, in shares; ∅: nothing stands there")

    def cell(self, left: float, column: float, value: float, scale: float) -> None:
        """A bar from the middle of its column, and its number."""
        middle = left + column * 0.32
        self.axes.plot([middle] * 2, [self.y - 1, self.y + 12], color=self.colours.muted, lw=0.6)
        if np.isfinite(value):
            length = abs(value) * scale
            self.bar(middle - (length if value < 0 else 0), self.y + 1, length, 9, value)
        text = signed(value) if np.isfinite(value) else "∅"
        self.write(text, left + column * 0.66, 8.5, self.colours.muted)
