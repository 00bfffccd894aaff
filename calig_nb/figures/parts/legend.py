"""What the marks mean, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..._design import SENTENCES
from ..canvas.page import HATCH, text_width

if TYPE_CHECKING:
    from ..canvas.page import Page


def draw_legend(
    page: Page, kind: Literal["flow", "text", "matrix"], name: str, recipe: str
) -> None:
    """The keys of what is on the page, in as many lines as they take."""
    x, y, colours = 0.0, 14.0, page.colours
    for mark, text in keys(kind, name, recipe):
        wide = (17 if mark else 0) + text_width(text, 11)
        if x + wide > page.width and x:
            x, y = 0.0, y + 18
        if mark == "sup":
            page.rect(x, y - 8, 11, 9, colours.supports)
        elif mark == "opp":
            page.rect(x, y - 8, 11, 9, colours.opposes, hatch=HATCH)
        elif mark == "flip":
            at, mid = x + 5, y - 3.5
            corners = [(at, mid - 4), (at + 4, mid), (at, mid + 4), (at - 4, mid), (at, mid - 4)]
            page.shape(corners, None, facecolor=colours.page, edgecolor=colours.soft, linewidth=0.9)
        page.text(x + (17 if mark else 0), y, text, 11, colours.muted)
        x += wide + 22
    page.advance(y + 8)


def keys(kind: str, name: str, recipe: str) -> list[tuple[str, str]]:
    """(mark, meaning) of each; the mark may be none."""
    found = [(mark, text.format(name=name)) for mark, text in SENTENCES["legend"][kind]]
    return found + [("", recipe)] * bool(recipe)
