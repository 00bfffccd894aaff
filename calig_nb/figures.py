"""The views' twins in matplotlib: the same picture as vector graphics, for papers and slides."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from .fusion import one_of

if TYPE_CHECKING:
    from .results import Array, Explanation
    from .units import Granularity, Unit

POINTS = 72
SANS = ["DejaVu Sans", "Noto Sans", "Noto Sans Ethiopic", "Noto Sans Arabic", "Noto Sans Hebrew"]
SERIF = ["DejaVu Serif", "Noto Serif", "Noto Serif Ethiopic", "Noto Naskh Arabic", "DejaVu Sans"]
FAINT = 0.03  # below this share of the strongest word no bar is drawn


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, those of the live views."""

    page: str
    ink: str
    muted: str
    rule: str
    supports: str
    opposes: str
    supports_text: str
    opposes_text: str


THEMES = {
    "light": Palette(
        "#ffffff", "#14171b", "#666d76", "#dfe2e6", "#347ec4", "#c3611f", "#0c60a3", "#964100"
    ),
    "dark": Palette(
        "#15171b", "#eef0f2", "#949ba4", "#30343a", "#5aa3ec", "#e57f46", "#75b6f9", "#fa9259"
    ),
}


class Picture(Figure):
    """A matplotlib figure that a notebook cell shows by itself, also without pyplot."""

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", dpi=150)
        return written.getvalue()


def figure(explanation: Explanation, view: str = "tokens", **state: Any) -> Figure:
    """The picture of a view; ``state`` is that of the function named below.

    Args:
        explanation: What to draw.
        view: "tokens", see :func:`tokens_figure`.
        **state: Its options.

    Raises:
        ValueError: If there is no such view, or an option is out of its range.
    """
    views = {"tokens": tokens_figure}
    one_of("view", view, tuple(views))
    return views[view](explanation, **state)


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
    one_of("theme", theme, tuple(THEMES))
    last = len(explanation.layer_weights)
    if layer is not None and not 0 <= layer <= last:
        raise ValueError(f"layer must be None or lie between 0 and {last}, got {layer}.")
    if not 2 <= width <= 50:
        raise ValueError(f"width must lie between 2 and 50 inches, got {width}.")
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    explanation = explanation if lam is None else explanation.with_lam(lam)
    units = explanation.units(granularity)
    per_token = explanation.attributions if layer is None else explanation.layer_attributions[layer]
    values = np.array([per_token[list(unit.tokens)].sum() for unit in units])
    sheet = _Sheet(width * POINTS, THEMES[theme])
    sheet.question(explanation)
    sheet.text(explanation, units, values)
    sheet.ledger(explanation, units, values, k, "shares" if layer is None else "units of the score")
    sheet.score_line(explanation, layer)
    return sheet.finished()


class _Sheet:
    """A page written from the top down, in points."""

    margin = 14.0

    def __init__(self, width: float, palette: Palette) -> None:
        self.width, self.colours, self.y = width, palette, self.margin
        self.figure = Picture(figsize=(width / POINTS, 1), facecolor=palette.page)
        self.axes = self.figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        self.renderer = FigureCanvasAgg(self.figure).get_renderer()

    def question(self, explanation: Explanation) -> None:
        """Why this class (and rather than which)?"""
        own = f"{explanation.probabilities[explanation.target]:.1%}".replace("%", " %")
        x = self.margin + self.write("Why ", self.margin, 15, self.colours.muted)
        x += self.write(f"{explanation.target_name} ", x, 15, weight="bold")
        x += self.write(f"{own}  ", x, 9, self.colours.muted)
        if explanation.contrast is not None:
            other = explanation.labels[explanation.contrast]
            self.write(f"rather than {other}", x, 9, self.colours.muted)
        self.y += 24

    def text(self, explanation: Explanation, units: tuple[Unit, ...], values: Array) -> None:
        """The words in lines, each with its bar; special tokens are left out."""
        size = 17 if len(units) < 24 else 12 if len(units) < 120 else 9
        bar, strongest = size * 1.15, max(np.abs(values).max(), 1e-12)
        space, line = size * 0.28, size * 1.35 + 2 * bar
        right_to_left = _is_right_to_left(explanation.text)
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
            f"{_signed(supporting - opposing)} net, in {unit}"
        )

    def score_line(self, explanation: Explanation, layer: int | None) -> None:
        """f(x) - f(x') with the integration's error, and what was chosen."""
        at = 0 if layer is None else layer
        start = explanation.baseline_scores[at]
        change = explanation.score - start
        error = np.abs(explanation.convergence_delta).max() / max(abs(change), 1e-12)
        verdict = "" if explanation.converged.all() else "; not all layers converged"
        baseline = explanation.config.get("baselines", "")
        self.note(
            f"f(x) − f(x′) = {explanation.score:.2f} − {_bracketed(start)} = {_signed(change)}, "
            f"baseline {baseline}, λ = {explanation.fusion.lam:.2f}; "
            f"convergence error at most {error:.1%}{verdict}".replace("%", " %")
        )

    def note(self, text: str) -> None:
        """Small print, in as many lines as it takes."""
        line = ""
        for word in [*text.split(" "), ""]:
            longer = f"{line} {word}".strip()
            if word and self.measured(longer, 8.5, SANS) <= self.width - 2 * self.margin:
                line = longer
                continue
            self.write(line, self.margin, 8.5, self.colours.muted)
            self.y, line = self.y + 12, word
        self.y += 3

    def write(
        self, text: str, x: float, size: float, colour: str | None = None, *,
        weight: str = "normal", align: str = "left", family: list[str] = SANS,
    ) -> float:  # fmt: skip
        """Write from the current height down; returns the advance."""
        self.axes.text(
            x, self.y, text, size=size, color=colour or self.colours.ink, weight=weight,
            ha=align, va="top", family=_installed(family), parse_math=False,
        )  # fmt: skip
        return self.measured(text, size, family, weight)

    def measured(self, text: str, size: float, family: list[str], weight: str = "normal") -> float:
        """Width in points; the renderer leaves out white space at the end, so a stop is added."""
        font = FontProperties(family=_installed(family), size=size, weight=weight)
        with_stop, stop = (
            self.renderer.get_text_width_height_descent(t, font, False)[0]
            for t in (f"{text}.", ".")
        )
        return float(with_stop - stop) * POINTS / self.figure.dpi

    def fitting(self, text: str, size: float, room: float) -> str:
        """The text, cut with an ellipsis where it is longer than the room."""
        if self.measured(text, size, SANS) <= room:
            return text
        while text and self.measured(text + "…", size, SANS) > room:
            text = text[:-1]
        return text + "…"

    def bar(self, x: float, top: float, width: float, height: float, sign: float) -> None:
        """A bar whose sign is told by its hatching too."""
        colours = self.colours
        self.axes.add_patch(
            Rectangle(
                (x, top), width, height, linewidth=0,
                facecolor=colours.supports if sign > 0 else colours.opposes,
                hatch=None if sign > 0 else "//////", edgecolor=colours.page,
            )
        )  # fmt: skip

    def finished(self) -> Figure:
        """The figure, as high as what was written."""
        self.figure.set_size_inches(self.width / POINTS, (self.y + self.margin / 2) / POINTS)
        self.axes.set(xlim=(0, self.width), ylim=(self.y + self.margin / 2, 0))
        return self.figure


def _installed(family: list[str]) -> list[str]:
    known = {font.name for font in mpl.font_manager.fontManager.ttflist}
    return [name for name in family if name in known]


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _bracketed(value: float) -> str:
    return f"(−{-value:.2f})" if value < 0 else f"{value:.2f}"


def _is_right_to_left(text: str) -> bool:
    strong = (unicodedata.bidirectional(c) for c in text)
    return next((kind != "L" for kind in strong if kind in ("L", "R", "AL")), False)
