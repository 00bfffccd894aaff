"""The question that a figure answers, and what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._design import SENTENCES, SIZES
from ...explanation.exactness import inexact_note
from ...explanation.formatting import layer_in, shorten
from ...explanation.methods import has_two_signals
from ...explanation.summary import class_text
from ..canvas.page import Span, text_width

if TYPE_CHECKING:
    from ...explanation.explanation import Explanation
    from ..canvas.page import Page
    from ..scene.scene import Scene

MOST: int = SIZES["question"]["MOST"]
"""More classes than this are counted only."""
_TOLD = SENTENCES["question"]
NAME: int = SIZES["question"]["NAME"]
SIZE = 22


def draw_headline(page: Page, scene: Scene) -> None:
    """Why this class rather than another; the rule under a name is its probability."""
    own, colours = scene.explanation, page.colours
    target, contrast = question_of(scene)
    probabilities = own.probabilities
    ranked = sorted(range(len(own.labels)), key=lambda c: -probabilities[c])
    shown = ranked[:MOST]
    if target not in shown:
        shown[-1] = target
    x, y = 0.0, float(SIZE)
    x += page.text(0, y, _TOLD["why"], SIZE, colours.muted) + 14
    for c in shown:
        on, name = c == target, f"{shorten(own.labels[c], NAME)} "
        sure = class_text(own, c)
        wide = text_width(name, SIZE, bold=on) + text_width(sure, 13)
        if x + wide > page.width and x:
            x, y = 0.0, y + 40
        ink = colours.ink if on else colours.muted
        # A name broader than the page is written smaller, the rest in proportion.
        scale = min(1.0, page.width / wide)
        advance = page.text(x, y, name, SIZE * scale, ink, bold=on)
        page.text(x + advance, y, sure, 13 * scale, colours.soft if on else colours.muted)
        page.rect(x, y + 9, wide * scale, 3, colours.rule)
        share = 0.0 if own.classes == "measured" else float(probabilities[c])
        page.rect(x, y + 9, wide * scale * share, 3, ink)
        x += wide * scale + 22
    said = _TOLD["rather"].format(contrast=contrast_name(own, target, contrast))
    if others := len(own.labels) - len(shown):
        said = f"{_TOLD['more'].format(count=others)}   {said}"
    if x - 8 + text_width(said, 13) > page.width:
        x, y = 8.0, y + 34
    page.text(x - 8, y, said, 13, colours.soft)
    page.line(0, page.width, y + 26, y + 26, colours.rule)
    page.spans(0, y + 44, controls_in_words(scene), 12, colours.muted)
    page.line(0, page.width, y + 56, y + 56, colours.rule)
    page.advance(y + 66)
    draw_inexact(page, [inexact_note(own)])


def draw_inexact(page: Page, notes: Sequence[str]) -> None:
    """Which layers may be off, below the headline; nothing where all are exact."""
    for note in filter(None, notes):
        page.advance(page.paragraph(0, [Span(note)], 13, page.colours.warning) + 8)


def question_of(scene: Scene) -> tuple[int, int | None]:
    """The class that is asked about, and the one that it is set against."""
    own = scene.explanation
    if scene.sign > 0:
        return own.target, own.contrast
    return (1 - own.target, None) if own.contrast is None else (own.contrast, own.target)


def contrast_name(explanation: Explanation, target: int, contrast: int | None) -> str:
    """What stands against the class."""
    if contrast is not None:
        return shorten(explanation.labels[contrast], NAME)
    if explanation.classes != "exclusive":
        return str(_TOLD[explanation.classes])
    output = explanation.config.get("output", "logit")
    if output != "logit" and len(explanation.labels) == 2:
        return shorten(explanation.labels[1 - target])
    return str(_TOLD["others" if output == "margin" else "any"])


def controls_in_words(scene: Scene) -> list[Span]:
    """Layer, λ, grain and part in sight, where the view has its controls."""
    state, own = scene.state, scene.explanation
    layer = (
        SENTENCES["layers"]["all"] if scene.layer is None else layer_in(scene.layers, scene.layer)
    )
    lam = [f"λ = {own.fusion.lam:.2f}"] if has_two_signals(own.method) else []
    parts = [layer, *lam, f"{state.granularity}s" if own.image is None else "patches"]
    if state.span is not None:
        first, last = state.span
        parts.append(f"tokens {first + 1} to {last + 1} of {len(own.tokens)}")
    return [Span("  ·  ".join(parts))]
