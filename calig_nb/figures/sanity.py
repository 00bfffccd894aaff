"""How a map fades as the weights that the model learned are drawn anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..explanation.display import Theme
from ..explanation.formatting import legible, shorten
from .canvas.fonts import fonts_for
from .canvas.page import SANS, Picture, literal_text
from .canvas.palette import THEMES
from .options import check_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..evaluation.sanity import Sanity

MARKS = "os^Dvph<>"


@literal_text
def sanity_figure(sanity: Sanity, *, theme: Theme = "light", width: float = 7.5) -> Figure:
    """Correlation with the trained model's map by depth, with its interval; all in one picture.

    Left the signed values, right their sizes. Below stand the other class and the invariances.

    Args:
        sanity: What :func:`calig_nb.sanity` found.
        theme: "light" or "dark".
        width: In inches.

    Raises:
        ValueError: If an option is out of its range.
    """
    check_page(theme, width)
    colours, family = THEMES[theme], list(SANS)
    names = [shorten(legible(method)) for method in sanity.methods]
    lines = sanity.text.splitlines()
    foot = 0.32 + 0.3 * len(lines)
    height = 2.9 + foot
    figure = Picture(figsize=(width, height), facecolor=colours.page)
    panel = (width - 0.7) / 2
    at = range(len(sanity.depths))
    cycle = [colours.supports, colours.opposes, colours.ink, colours.muted]
    for side, title in enumerate(("signed values", "sizes alone")):
        left = (0.5 + side * (panel + 0.05)) / width
        box = (left, (foot + 0.75) / height, (panel - 0.1) / width, 1.85 / height)
        axes = figure.add_axes(box, facecolor=colours.page)
        axes.axhline(0, color=colours.muted, lw=0.7, ls=(0, (3, 3)))
        drawn = []
        for j, name in enumerate(names):
            mean, low, high = sanity.correlations[side, :, j]
            colour = cycle[j % len(cycle)]
            axes.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
            mark = MARKS[j % len(MARKS)]
            drawn += axes.plot(at, mean, marker=mark, ms=4, lw=1.4, color=colour, label=name)
        axes.set_ylim(-1.05, 1.05)
        axes.set_xticks(at, sanity.depths, rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks([-1, 0, 1], ["−1", "0", "1"] if not side else [""] * 3)
        axes.set_title(title, size=9.5, color=colours.ink, family=family, loc="left")
        axes.tick_params(labelsize=8, colors=colours.muted, length=2)
        for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            text.set_fontfamily(family)
        for edge in ("top", "right"):
            axes.spines[edge].set_visible(False)
        for edge in ("left", "bottom"):
            axes.spines[edge].set_color(colours.rule)
        if side and len(names) > 1:
            prop = {"family": fonts_for("".join(names), SANS), "size": 8}
            axes.legend(drawn, names, frameon=False, labelcolor=colours.ink, prop=prop)
    note = (
        f"Spearman's r with the map of the trained model, {len(sanity.texts)} texts, 95 % "
        "intervals; weights drawn anew from the head down, each step with all before it."
    )
    said = "\n".join([note, *lines])
    figure.text(
        0.1 / width,
        0.1 / height,
        said,
        size=7.5,
        color=colours.muted,
        family=fonts_for(said, SANS),
        wrap=True,
        va="bottom",
    )
    return figure
