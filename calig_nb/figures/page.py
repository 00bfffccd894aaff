"""A page that is written from the top down, in points."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D

from ..catalogue import fused
from ..fusion import one_of
from .palette import THEMES

if TYPE_CHECKING:
    from ..results import Explanation

POINTS = 72
SANS = ["DejaVu Sans", "Noto Sans", "Noto Sans Ethiopic", "Noto Sans Arabic", "Noto Sans Hebrew"]
SERIF = ["DejaVu Serif", "Noto Serif", "Noto Serif Ethiopic", "Noto Naskh Arabic", "DejaVu Sans"]


class Picture(Figure):
    """A matplotlib figure that a notebook cell shows by itself, also without pyplot."""

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", dpi=150)
        return written.getvalue()


def asked(
    explanation: Explanation,
    lam: float | None,
    layer: int | None,
    theme: str,
    width: float,
    last: int,
) -> Explanation:
    """The explanation with the λ that is asked for, once the other options are in their ranges.

    Raises:
        ValueError: If an option is out of its range.
    """
    one_of("theme", theme, tuple(THEMES))
    if layer is not None and not 0 <= layer <= last:
        raise ValueError(f"layer must be None or lie between 0 and {last}, got {layer}.")
    if not 2 <= width <= 50:
        raise ValueError(f"width must lie between 2 and 50 inches, got {width}.")
    return explanation if lam is None else explanation.with_lam(lam)


def known_tokens(explanation: Explanation, name: str, tokens: Collection[int]) -> None:
    """Refuse tokens that the explanation does not have."""
    last = len(explanation.tokens) - 1
    if wrong := [i for i in tokens if not 0 <= i <= last]:
        raise ValueError(f"{name} must hold tokens between 0 and {last}, got {wrong}.")


class Page:
    """A figure and how far it has been written."""

    margin = 14.0

    def __init__(self, width: float, theme: str) -> None:
        self.width, self.colours, self.y = width * POINTS, THEMES[theme], self.margin
        self.figure = Picture(figsize=(width, 1), facecolor=self.colours.page)
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
            ha=align, va="top", family=installed(family), parse_math=False,
        )  # fmt: skip
        return self.measured(text, size, family, weight)

    def measured(self, text: str, size: float, family: list[str], weight: str = "normal") -> float:
        """Width in points; the renderer leaves out white space at the end, so a stop is added."""
        font = FontProperties(family=installed(family), size=size, weight=weight)
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

    @staticmethod
    def box(x: float, top: float, width: float, height: float) -> Affine2D:
        """Brings the unit square to a place."""
        return Affine2D().scale(width, height).translate(x, top)

    def slanted(
        self, text: str, x: float, size: float, colour: str, flat: bool, weight: str
    ) -> None:
        """A name below a column: level where all fit, else leaning so that it ends there."""
        self.axes.text(
            x, self.y, text, size=size, color=colour, weight=weight, va="top",
            ha="center" if flat else "right", rotation=0 if flat else 52,
            rotation_mode="default" if flat else "anchor",
            family=installed(SANS), parse_math=False,
        )  # fmt: skip

    def frame(self, x: float, top: float, width: float, height: float, colour: str) -> None:
        """An outline."""
        self.axes.add_patch(
            Rectangle((x, top), width, height, fill=False, edgecolor=colour, linewidth=0.8)
        )

    def finished(self) -> Figure:
        """The figure, as high as what was written."""
        self.figure.set_size_inches(self.width / POINTS, (self.y + self.margin / 2) / POINTS)
        self.axes.set(xlim=(0, self.width), ylim=(self.y + self.margin / 2, 0))
        return self.figure


def installed(family: list[str]) -> list[str]:
    """Those fonts of a family that this machine has."""
    known = {font.name for font in mpl.font_manager.fontManager.ttflist}
    return [name for name in family if name in known]


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign; one that rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def change_of(explanation: Explanation, layer: int = 0) -> str:
    """f(x) - f(x') where there is a baseline, and else f(x)."""
    start = explanation.baseline_scores[layer]
    if np.isnan(start):
        return f"f(x) = {signed(explanation.score)}"
    return (
        f"f(x) − f(x′) = {explanation.score:.2f} − {bracketed(start)} = "
        f"{signed(explanation.score - start)}"
    )


def weighing_of(explanation: Explanation) -> str:
    """λ; or, of a method that has one signal, what its values are."""
    if fused(explanation.method):
        return f"λ = {explanation.fusion.lam:.2f}"
    return str(explanation.config.get("calibration", explanation.method))


def bracketed(value: float) -> str:
    """A number that stands after a minus."""
    return f"(−{-value:.2f})" if value < 0 else f"{value:.2f}"


def is_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    strong = (unicodedata.bidirectional(c) for c in text)
    return next((kind != "L" for kind in strong if kind in ("L", "R", "AL")), False)
