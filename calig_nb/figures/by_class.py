"""Parts of a text against classes: a row for each sentence, a bar for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..explanation.display import Theme
from ..explanation.formatting import digits_of, isolate, signed
from .canvas.page import Page, fit_text, text_width
from .options import check_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.by_class import ByClass

ROW = 42.0


def classes_figure(
    found: ByClass, k: int | None, *, theme: Theme = "light", width: float = 10
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
    first = page.width * 0.4
    column = (page.width - first) / len(found.names)
    most = float(np.abs(found.values[rows]).max(initial=0)) or 1.0
    places = digits_of(most)
    unit = "in units of the scores" if found.in_scores else "in shares of each class's evidence"
    page.text(
        0,
        12,
        fit_text(f"{found.granularity}s against classes, {unit}", 12, page.width),
        12,
        colours.muted,
    )
    key = (
        ("supports the class", 1, colours.supports_text),
        ("opposes it", -1, colours.opposes_text),
    )
    x = 0.0
    for said, sign, colour in key:
        page.bar(x, 24, 22, 9, sign)
        x += 30 + page.text(x + 28, 33, said, 12, colour) + 20
    page.advance(56)
    for i, (name, said) in enumerate(zip(found.names, found.said, strict=True)):
        left = first + i * column
        page.text(left, 0, fit_text(isolate(name), 13, column - 8), 13, bold=True)
        page.text(left, 16, said, 12, colours.muted)
    page.advance(26)
    for row in rows:
        page.line(0, page.width, 0, 0, colours.rule, 0.5)
        for n, line in enumerate(_lines(found.units[row].text, first - 14)):
            page.text(0, 17 + 16 * n, line, 12)
        best = int(found.values[row].argmax())
        for i, value in enumerate(found.values[row].tolist()):
            half = (column - 50) / 2
            middle = first + i * column + half
            page.line(middle, middle, 12, 28, colours.muted)
            long = abs(value) / most * half
            page.bar(middle - (long if value < 0 else 0), 14, long, 12, value, f"row {row} {i}")
            strong = i == best and value > 0
            page.text(middle + half + 4, 24, signed(value, places), 11, colours.soft, bold=strong)
        page.advance(ROW)
    if len(rows) < len(found.units):
        page.text(0, 14, f"the strongest {len(rows)} of {len(found.units)}", 11, colours.muted)
        page.advance(20)
    return page.finished()


def _lines(text: str, room: float) -> list[str]:
    """The text in at most two lines, the last cut with an ellipsis where it is longer."""
    words = text.split()
    first = ""
    while words and text_width(f"{first} {words[0]}", 12) <= room:
        first = f"{first} {words.pop(0)}".strip()
    if not first:
        return [fit_text(text, 12, room)]
    return [first, fit_text(" ".join(words), 12, room)][: 2 if words else 1]
