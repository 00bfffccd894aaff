"""What is seen where no live view is: a picture, what it says in a sentence, and a small table.

Plain HTML that survives sanitisers, and the same bytes each time. It follows the live view as an
output of its own, so that the live view waits for no picture: the live view's style sheet hides
it, and where there is no live view it stays. An exported page holds the same picture and table.
"""

from __future__ import annotations

import base64
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..explanation.formatting import legible
from ..explanation.summary import Story

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 700
"""Pixels on the page."""
DENSITY, TALLEST = 1.5, 2400

# In a trusted notebook without its kernel JupyterLab writes an error where the live view would be.
_HUSH = (
    ".jp-OutputArea-child:has(>.jp-OutputArea-output:not([data-mime-type])):not(:has(.calig))"
    ":has(+.jp-OutputArea-child .calig-static){display:none}"
)


def render_output(story: Story, draw: Callable[[], Figure]) -> dict[str, str]:
    """The story and its picture, as the data of one output."""
    html = (
        # Evidence is no formula, whatever dollars are in it.
        '<div class="calig-static tex2jax_ignore mathjax_ignore">\n'
        f'<link rel="stylesheet" href="data:text/css,{quote(_HUSH)}">\n'
        f"{render_picture(story, draw)}\n{render_table(story)}\n</div>"
    )
    return {"text/html": html, "text/plain": story.sentence}


def render_picture(story: Story, draw: Callable[[], Figure]) -> str:
    """The picture as HTML.

    One that cannot be drawn says why in its place: the rest must not be lost by it.
    """
    alt = escape(story.sentence)
    try:
        with _silence():
            data = base64.b64encode(render_png(draw())).decode()
    except Exception as error:
        return f"<p>{alt}</p><p>The picture could not be drawn: {escape(legible(str(error)))}</p>"
    return (
        f'<img alt="{alt}" src="data:image/png;base64,{data}" width="{WIDTH}" '
        'style="max-width: 100%; height: auto">'
    )


@contextmanager
def _silence() -> Iterator[None]:
    """No word of a missing font: what is printed would come between the live view and this."""
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        fonts.setLevel(level)


def render_table(story: Story) -> str:
    """The table as HTML."""
    head = "".join(f'<th scope="col" dir="auto">{escape(name)}</th>' for name in story.head)
    cells = [[f'<td dir="auto">{escape(cell)}</td>' for cell in row] for row in story.rows]
    rows = "".join(f"<tr>{''.join(row)}</tr>\n" for row in cells)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def render_png(figure: Figure) -> bytes:
    """The figure in few colours: a third of the bytes, and the same ones each time."""
    from PIL import Image

    width, height = figure.get_size_inches()
    dpi = WIDTH * DENSITY / width
    written, small = BytesIO(), BytesIO()
    figure.savefig(written, format="png", dpi=min(dpi, max(dpi / DENSITY, TALLEST / height)))
    colours = getattr(figure, "colours", 256)
    image = Image.open(written).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    image.save(small, format="png", optimize=True)
    return small.getvalue()
