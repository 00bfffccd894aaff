"""Parts of a text against classes: a row for each sentence, a bar for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .format import digits, isolated, percent, signed
from .page import Page, fitting
from .state import check_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..classes import ByClass

ROW = 24.0


def classes_figure(
    found: ByClass, k: int | None, *, theme: str = "light", width: float = 9
) -> Figure:
    """The strongest rows in reading order, each with a bar for every class, all on one scale.

    Args:
        found: The evidence.
        k: How many rows; None for all.
        theme: "light" or "dark".
        width: In inches.

    Raises:
        ValueError: If an option is out of its range.
    """
    check_page(theme, width)
    rows = found.strongest(k)
    page = Page(width, theme)
    colours = page.colours
    first = page.width * 0.36
    column = (page.width - first) / len(found.names)
    most = float(np.abs(found.values[rows]).max(initial=0)) or 1.0
    places = digits(most)
    unit = "in units of the scores" if found.in_scores else "in shares of each class's evidence"
    page.text(0, 12, fitting(f"{found.granularity}s against classes, {unit}", 12, page.width), 12,
              colours.muted)  # fmt: skip
    key = (
        ("supports the class", 1, colours.supports_text),
        ("opposes it", -1, colours.opposes_text),
    )
    x = 0.0
    for said, sign, colour in key:
        page.bar(x, 24, 22, 9, sign)
        x += 30 + page.text(x + 28, 33, said, 12, colour) + 20
    page.advance(56)
    for i, (name, p) in enumerate(zip(found.names, found.probabilities, strict=True)):
        left = first + i * column
        page.text(left, 0, fitting(isolated(name), 13, column - 8), 13, bold=True)
        page.text(left, 16, percent(float(p)), 12, colours.muted)
    page.advance(26)
    for row in rows:
        page.line(0, page.width, 0, 0, colours.rule, 0.5)
        text = " ".join(found.units[row].text.split())
        best = int(found.values[row].argmax())
        page.text(0, 16, fitting(text, 12.5, first - 14), 12.5)
        for i, value in enumerate(found.values[row].tolist()):
            half = (column - 58) / 2
            middle = first + i * column + half
            page.line(middle, middle, 6, 18, colours.muted)
            long = abs(value) / most * half
            page.bar(middle - (long if value < 0 else 0), 7, long, 10, value, f"row {row} {i}")
            strong = i == best and value > 0
            page.text(middle + half + 6, 16, signed(value, places), 11, colours.soft, bold=strong)
        page.advance(ROW)
    if len(rows) < len(found.units):
        page.text(0, 14, f"the strongest {len(rows)} of {len(found.units)}", 11, colours.muted)
        page.advance(20)
    return page.finished()
