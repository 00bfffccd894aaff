"""The running text with its bars, the ledger and the score line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..catalogue import INTEGRALS
from .page import (
    SERIF,
    Page,
    asked,
    change_of,
    is_right_to_left,
    signed,
    weighing_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..results import Array, Explanation
    from ..units import Granularity, Unit

FAINT = 0.03  # below this share of the strongest word no bar is drawn


def tokens_figure(
    explanation: Explanation,
    *,
    lam: float | None = None,
    layer: int | None = None,
    granularity: Granularity = "word",
    theme: str = "light",
    width: float = 7.0,
    k: int = 8,
) -> Figure:
    """The running text with a bar for each word, the ledger, and the score line.

    Bars rise where a word supports the class and hang, hatched, where it opposes it.

    Args:
        explanation: What to draw.
        lam: λ, where it shall differ from the explanation's.
        layer: None draws the attributions over all layers, in shares; a number draws r_b of
            that layer, in units of the score.
        granularity: "word", "token" or "sentence".
        theme: "light" or "dark".
        width: In inches.
        k: Rows of the ledger.

    Raises:
        ValueError: If an option is out of its range.
    """
    last = len(explanation.layer_weights)
    explanation = asked(explanation, lam, layer, theme, width, last)
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    units = explanation.units(granularity)
    per_token = explanation.attributions if layer is None else explanation.layer_attributions[layer]
    values = np.array([per_token[list(unit.tokens)].sum() for unit in units])
    page = TextPage(width, theme)
    page.question(explanation)
    page.text(explanation, units, values)
    page.ledger(explanation, units, values, k, "shares" if layer is None else "units of the score")
    page.score_line(explanation, layer)
    return page.finished()


class TextPage(Page):
    """A page that can set a text with its bars."""

    def text(
        self,
        explanation: Explanation,
        units: tuple[Unit, ...],
        values: Array,
        strongest: float | None = None,
    ) -> None:
        """The words in lines, each with its bar; special tokens are left out.

        Args:
            explanation: Whose text it is.
            units: Its pieces.
            values: One for each.
            strongest: The value of the highest bar; by default the largest here.
        """
        size = 17 if len(units) < 24 else 12 if len(units) < 120 else 9
        bar, strongest = size * 1.15, strongest or max(np.abs(values).max(), 1e-12)
        space, line = size * 0.28, size * 1.35 + 2 * bar
        right_to_left = is_right_to_left(explanation.text)
        x, end = self.margin, 0
        self.y += bar
        for unit, value in zip(units, values, strict=True):
            if unit.special:
                continue
            start, stop = explanation.offsets[list(unit.tokens)][[0, -1], [0, 1]]
            for piece in unit.text.split():
                advance = self.measured(piece, size, SERIF)
                gap = space if start > end and x > self.margin else 0
                if x + gap + advance > self.width - self.margin and x > self.margin:
                    x, gap, self.y = self.margin, 0, self.y + line
                x += gap
                left = self.width - x - advance if right_to_left else x
                self.write(piece, left, size, family=SERIF)
                share = float(value) / strongest
                if abs(share) >= FAINT:
                    height = bar * abs(share)
                    top = self.y - height - 1 if share > 0 else self.y + size * 1.3
                    self.bar(left, top, advance, height, share)
                x, start = x + advance, stop + 1
            end = stop
        self.y += line - bar + 10

    def ledger(
        self, explanation: Explanation, units: tuple[Unit, ...], values: Array, k: int, unit: str
    ) -> None:
        """The strongest words of either side, back to back on one scale."""
        ordinary = [i for i in range(len(units)) if not units[i].special and values[i] != 0]
        order = sorted(ordinary, key=lambda i: -abs(values[i]))
        sides = {s: [i for i in order if np.sign(values[i]) == s][:k] for s in (-1, 1)}
        middle, row = self.width / 2, 15.0
        name = explanation.target_name
        self.write(f"opposes {name}", middle - 8, 9, self.colours.opposes_text, align="right")
        self.write(f"supports {name}", middle + 8, 9, self.colours.supports_text)
        self.y += row
        top, room = self.y, (middle - self.margin) * 0.45
        scale = room / max((abs(values[i]) for i in order[:1]), default=1.0)
        for sign, members in sides.items():
            self.y = top
            for i in members:
                length = abs(values[i]) * scale
                self.bar(middle - length if sign < 0 else middle, self.y + 2, length, 8, sign)
                align = "right" if sign < 0 else "left"
                x = middle + sign * (length + 6)
                label = self.fitting(units[i].text, 9.5, (middle - self.margin) - length - 44)
                advance = self.write(label, x, 9.5, align=align)
                number = f"{abs(values[i]):.2f}"
                self.write(number, x + sign * (advance + 6), 8.5, self.colours.muted, align=align)
                self.y += row
        rows = max(len(members) for members in sides.values())
        self.axes.plot([middle] * 2, [top - 2, top + rows * row], color=self.colours.muted, lw=0.8)
        self.y = top + rows * row + 4
        supporting, opposing = values[values > 0].sum(), -values[values < 0].sum()
        if unit == "shares":
            supporting, opposing = explanation.supporting.sum(), explanation.opposing.sum()
        self.note(
            f"all tokens: {supporting:.2f} supporting − {opposing:.2f} opposing = "
            f"{signed(supporting - opposing)} net, in {unit}"
        )

    def score_line(self, explanation: Explanation, layer: int | None) -> None:
        """f(x) - f(x') with the integration's error, and what was chosen."""
        at = 0 if layer is None else layer
        change, weighing = change_of(explanation, at), weighing_of(explanation)
        if explanation.method not in INTEGRALS:
            self.note(f"{change}; {weighing}")
            return
        total = explanation.score - explanation.baseline_scores[at]
        error = np.abs(explanation.convergence_delta).max() / max(abs(total), 1e-12)
        verdict = "" if explanation.converged.all() else "; not all layers converged"
        baseline = explanation.config.get("baselines", "")
        self.note(
            f"{change}, baseline {baseline}, {weighing}; "
            f"convergence error at most {error:.1%}{verdict}".replace("%", " %")
        )
