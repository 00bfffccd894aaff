"""Methods beside each other: a dot and an interval for each, a panel for each metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._validation import list_of, one_of
from ..evaluation.bootstrap import LEVEL
from ..explanation.display import Theme
from ..explanation.formatting import legible, shorten
from .canvas.fonts import fonts_for
from .canvas.page import PX, SANS, Picture, fit_text, literal_text, text_width
from .canvas.palette import THEMES, Palette
from .options import check_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..evaluation.result import Evaluation

ACROSS = 5
"""Most panels in a row."""
NARROWEST = 1.5
"""Inches that a panel takes, so that its title fits."""
NAME = 8.5
"""Size of a method's name, in points."""
LINE, HEAD, FOOT = 0.2, 0.62, 0.42
"""Inches: a method's line, a panel's title and axis, and the note below all."""


@literal_text
def evaluation_figure(
    evaluation: Evaluation,
    metrics: Sequence[str] | None = None,
    *,
    theme: Theme = "light",
    width: float = 9.0,
) -> Figure:
    """Mean and 95 % interval of each method on each metric.

    The first method is drawn in the colour of support; a full dot is one that differs from it on
    the same texts beyond the interval of their difference, a ring one that does not. The dashed
    line is the random map.

    Args:
        evaluation: What :func:`calig_nb.evaluate` found.
        metrics: Which; all by default.
        theme: "light" or "dark".
        width: In inches.

    Raises:
        ValueError: If a metric is unknown, or an option is out of its range.
    """
    check_page(theme, width)
    shown = evaluation.metrics if metrics is None else list_of("metrics", metrics, "names")
    if not shown:
        raise ValueError("metrics must name at least one, got an empty list.")
    for metric in shown:
        one_of("metric", metric, evaluation.metrics)
    colours = THEMES[theme]
    size = NAME / 72 * PX
    names = [fit_text(legible(name), size, width / 3 * PX) for name in evaluation.methods]
    label = max(text_width(name, size) for name in names) / PX + 0.15
    across = max(1, min(ACROSS, len(shown), int((width - label) / NARROWEST)))
    down = -(-len(shown) // across)
    row = HEAD + LINE * len(evaluation.methods)
    height = down * row + FOOT
    figure = Picture(figsize=(width, height), facecolor=colours.page)
    panel = (width - label - 0.1) / across
    for n, metric in enumerate(shown):
        left = label + (n % across) * panel
        top = height - (n // across) * row
        box = (left / width, (top - row + 0.3) / height, (panel - 0.16) / width)
        axes = figure.add_axes((*box, (row - HEAD) / height), facecolor=colours.page)
        _draw_panel(axes, evaluation, metric, colours, [""] * len(names) if n % across else names)
    note = (
        f"{len(evaluation.texts)} texts, means and {LEVEL:.0%} intervals. ● differs from "
        f"{shorten(legible(evaluation.methods[0]))} on the same texts beyond the interval, ○ does "
        "not; dashed: random map."
    ).replace("%", " %")
    figure.text(
        0.1 / width,
        0.12 / height,
        note,
        size=8,
        color=colours.muted,
        family=fonts_for(note, SANS),
        wrap=True,
    )
    return figure


def _draw_panel(
    axes: Any, evaluation: Evaluation, metric: str, colours: Palette, names: Sequence[str]
) -> None:
    """One metric: a line for each method, the first on top, called by these names."""
    k, family = evaluation.metrics.index(metric), list(SANS)
    known, way = evaluation.metric(metric), metric.partition(" ")[2]
    count = len(evaluation.methods)
    for j, method in enumerate(evaluation.methods):
        mean, low, high = evaluation.means[:, j, k]
        if not np.isfinite(mean):
            axes.annotate(
                "–",
                (0.5, j),
                xycoords=("axes fraction", "data"),
                size=8,
                color=colours.muted,
                ha="center",
                va="center",
            )
            continue
        colour = colours.supports if not j else colours.ink if j + 1 < count else colours.muted
        if np.isfinite(low):
            axes.plot([low, high], [j, j], color=colour, lw=1.6, solid_capstyle="butt", zorder=2)
        full = not j or evaluation.better(method, metric) != 0
        axes.plot(
            [mean], [j], "o", ms=5, mec=colour, mfc=colour if full else colours.page, zorder=3
        )
    chance = evaluation.means[0, -1, k]
    if np.isfinite(chance):
        axes.axvline(chance, color=colours.muted, lw=0.7, ls=(0, (3, 3)), zorder=1)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks(range(count), names)
    arrow = "higher is better →" if known.better == "higher" else "← lower is better"
    axes.set_title(
        f"{known.title} {way}".strip(), size=9, color=colours.ink, family=family, loc="left", pad=4
    )
    axes.set_xlabel(arrow, size=7, color=colours.muted, family=family, labelpad=1, loc="left")
    axes.xaxis.set_major_locator(_ticks())
    axes.tick_params(axis="x", labelsize=7, colors=colours.muted, length=2, pad=1)
    axes.tick_params(axis="y", labelsize=NAME, colors=colours.ink, length=0)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_fontfamily(fonts_for(text.get_text(), SANS))
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours.rule)
    axes.grid(axis="y", color=colours.rule, lw=0.5)
    axes.set_axisbelow(True)


def _ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=3)
