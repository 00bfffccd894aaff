"""What stands on a page in the live view's stead where no script runs: a PNG."""

from __future__ import annotations

import dataclasses
import io

import numpy as np

from ..results import Explanation
from ..widgets import Comparison, View
from .words import printable

_DPI = 130
_LONG = 160
"""The picture of a text with more tokens than this is the text itself: a flow could not be read."""
_WIDE = 60
"""Of a token not more than so many characters are drawn."""


def explanations_of(shown: View | Comparison) -> tuple[Explanation, ...]:
    """What is on screen, with the λ that is set there."""
    return shown.explanations if isinstance(shown, Comparison) else (shown.explanation,)


def picture(shown: View | Comparison) -> tuple[bytes, int]:
    """A PNG of what is on screen, and its width in CSS pixels; the same view, the same bytes."""
    shown = _drawable(shown)
    if isinstance(shown, View) and len(shown.explanation.tokens) > _LONG:
        look = {"layer": shown.layer, "granularity": shown.granularity}
        theme = "dark" if shown.theme == "dark" else "light"
        figure = shown.explanation.figure("tokens", theme=theme, **look)
    else:
        figure = shown.figure()
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue(), round(figure.get_size_inches()[0] * 96)


def _drawable(shown: View | Comparison) -> View | Comparison:
    """The view with texts that a font can show and a line can hold; as a rule the view itself."""
    before = explanations_of(shown)
    after = tuple(map(_legible, before))
    names = [_short(name) for name in shown.names] if isinstance(shown, Comparison) else []
    if all(a is b for a, b in zip(after, before, strict=True)):
        return shown
    state = {name: getattr(shown, name) for name in shown.options()}
    if isinstance(shown, Comparison):
        return Comparison(after, names, **state)
    return type(shown)(after[0], **state)


def _legible(e: Explanation) -> Explanation:
    tokens, labels = (tuple(map(_short, texts)) for texts in (e.tokens, e.labels))
    spans = [(start, end) for start, end in e.offsets.tolist() if end - start > _WIDE]
    text = printable(e.text)
    if (text, tokens, labels) == (e.text, e.tokens, e.labels) and not spans:
        return e
    kept = np.ones(len(text), bool)
    for start, end in spans:
        kept[start + _WIDE : end] = False
    return dataclasses.replace(
        e,
        text="".join(c for c, keep in zip(text, kept, strict=True) if keep),
        tokens=tokens,
        labels=labels,
        offsets=np.concatenate([[0], np.cumsum(kept)])[e.offsets],
    )


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
