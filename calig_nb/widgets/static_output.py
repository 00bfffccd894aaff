"""What is seen where no live view is: a picture, what it says in a sentence, and a small table.

Plain HTML that survives sanitisers, and the same bytes each time. It follows the live view as an
output of its own, so that the live view waits for no picture: the live view's style sheet hides
it, and where there is no live view it stays. An exported page holds the same picture and table.
"""

from __future__ import annotations

import base64
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, get_args
from urllib.parse import quote

import numpy as np

from ..explanation.alignment import difference, name_of, per_token
from ..explanation.explanation import Explanation
from ..explanation.methods import fused
from ..explanation.units import Granularity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 700
"""Pixels on the page."""
DENSITY, TALLEST = 1.5, 2400
ROWS, LABEL, TEXT = 5, 40, 160
CROWDED = 160
"""More words than this are drawn as sentences, more sentences as passages."""

# In a trusted notebook without its kernel JupyterLab writes an error where the live view would be.
_HUSH = (
    ".jp-OutputArea-child:has(>.jp-OutputArea-output:not([data-mime-type])):not(:has(.calig))"
    ":has(+.jp-OutputArea-child .calig-static){display:none}"
)
_UNSEEN = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


@dataclass(frozen=True)
class Story:
    """What a view says without its picture.

    Attributes:
        sentence: The result in a sentence, or a few.
        head: The names of the table's columns.
        rows: Its cells, as text.
        lead: The part of the sentence that names what is strongest.
    """

    sentence: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lead: str = ""


def output(story: Story, draw: Callable[[], Figure]) -> dict[str, str]:
    """The story and its picture, as the data of one output."""
    html = (
        # Evidence is no formula, whatever dollars are in it.
        '<div class="calig-static tex2jax_ignore mathjax_ignore">\n'
        f'<link rel="stylesheet" href="data:text/css,{quote(_HUSH)}">\n'
        f"{picture(story, draw)}\n{table(story)}\n</div>"
    )
    return {"text/html": html, "text/plain": story.sentence}


def picture(story: Story, draw: Callable[[], Figure]) -> str:
    """The picture as HTML.

    One that cannot be drawn says why in its place: the rest must not be lost by it.
    """
    alt = escape(story.sentence)
    try:
        with _silence():
            data = base64.b64encode(png(draw())).decode()
    except Exception as error:
        return f"<p>{alt}</p><p>The picture could not be drawn: {escape(clean(str(error)))}</p>"
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


def table(story: Story) -> str:
    """The table as HTML."""
    head = "".join(f'<th scope="col" dir="auto">{escape(name)}</th>' for name in story.head)
    cells = [[f'<td dir="auto">{escape(cell)}</td>' for cell in row] for row in story.rows]
    rows = "".join(f"<tr>{''.join(row)}</tr>\n" for row in cells)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def png(figure: Figure) -> bytes:
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


def legible(explanations: Sequence[Explanation], granularity: Granularity) -> Granularity:
    """The granularity, or the next coarser one in which a picture is not crowded."""
    grains = get_args(Granularity)
    for grain in grains[grains.index(granularity) :]:
        if max(len(e.units(grain)) for e in explanations) <= CROWDED:
            chosen: Granularity = grain
            return chosen
    return granularity


def of_one(explanation: Explanation, granularity: Granularity, layer: int | None) -> Story:
    """The words that decided, for and against."""
    values = per_token(explanation, layer)
    units = [unit for unit in explanation.units(granularity) if not unit.special]
    evidence = [(clean(u.text, LABEL), float(values[list(u.tokens)].sum())) for u in units]
    ordered = sorted(evidence, key=lambda pair: -abs(pair[1]))
    name = clean(explanation.target_name, LABEL)
    sides = [[pair for pair in ordered if sign * pair[1] > 0] for sign in (1, -1)]
    verbs = (f"supports {name}", f"opposes {name}")
    told = " ".join(_told(verb, side[:3]) for verb, side in zip(verbs, sides, strict=True))
    than = explanation.contrast
    against = "" if than is None else f" rather than {clean(explanation.labels[than], LABEL)}"
    where = "All layers" if layer is None else f"Layer {layer}"
    if fused(explanation.method):
        where += f", λ = {explanation.fusion.lam:.2f}"
    sentence = (
        f"Why {name} ({sure(explanation)}){against}? {told} "
        f"{where}: {signed(values.sum())} in all. {_subject(explanation)}"
    )
    head = (verbs[0], "share", verbs[1], "share")
    return Story(sentence, head, tuple(_abreast(sides)), told)


def _subject(explanation: Explanation) -> str:
    if explanation.image is None or explanation.grid is None:
        return f"The text: “{clean(explanation.text, TEXT)}”"
    (height, width), (rows, columns) = explanation.image.shape[:2], explanation.grid
    return f"A picture of {width} × {height} pixels, in {rows} × {columns} patches."


def of_several(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    granularity: Granularity,
    layer: int | None,
    lam: float | None,
) -> Story:
    """What each says, and the strongest differences."""
    found = difference(explanations, granularity, layer, lam)
    called = [clean(name, LABEL) for name in names]
    order = [
        int(n) for n in np.argsort(-np.abs(found.difference), kind="stable") if not found.special[n]
    ][:ROWS]
    labels = {n: name_of([clean(text, LABEL) for text in found.texts[n]]) for n in order}
    sides = "; ".join(
        f"{name}: {clean(e.target_name, LABEL)} {sure(e)}"
        for name, e in zip(called, explanations, strict=True)
    )
    kind = "difference" if len(called) == 2 else "spread"
    told = ", ".join(f"“{labels[n]}” ({signed(found.difference[n])})" for n in order[:3])
    sentence = f"{sides}. Largest {kind}: {told or 'none'}."
    rows = tuple(
        (labels[n], *map(signed, found.values[n]), signed(found.difference[n])) for n in order
    )
    return Story(sentence, (granularity, *called, kind), rows, sentence)


def clean(text: str, most: int = 10_000) -> str:
    """The text in one line of visible characters, cut where it is longer."""
    line = _UNSEEN.sub(" ", text).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def sure(explanation: Explanation, label: int | None = None) -> str:
    """How likely a class is; the score where there is nothing to choose from.

    Args:
        explanation: Of what.
        label: Index of the class; by default the one that was explained.
    """
    share = float(explanation.probabilities[explanation.target if label is None else label])
    if len(explanation.labels) < 2 or not np.isfinite(share):
        return f"score of {signed(explanation.score)}"
    digits = 2 if share >= 0.9995 or share < 0.0005 else 1
    return f"{100 * share:.{digits}f} %"


def _told(verb: str, side: list[tuple[str, float]]) -> str:
    if not side:
        return f"Nothing {verb}."
    (first, value), *others = side
    more = "".join(f", “{text}” ({signed(v)})" for text, v in others)
    return f"“{first}” {verb} most ({signed(value)}){', then' + more[1:] if more else ''}."


def _abreast(sides: list[list[tuple[str, float]]]) -> Iterator[tuple[str, ...]]:
    for i in range(min(ROWS, max(map(len, sides)))):
        pairs = [(s[i][0], signed(s[i][1])) if i < len(s) else ("", "") for s in sides]
        yield pairs[0] + pairs[1]


def signed(value: float) -> str:
    """A sign and two digits, of a small value three; a dash for what is not there."""
    if not np.isfinite(value):
        return "–"
    text = f"{value:+.{2 if abs(value) >= 0.1 else 3}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")
