"""From the baseline's score to the text's, by what gradients count against and for the class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import THE_EMBEDDINGS, digits_of, layer_in, number, signed
from ..canvas.page import HATCH, Span, text_width

if TYPE_CHECKING:
    from ..canvas.page import Page
    from ..scene.scene import Scene

_TOLD = SENTENCES["text"]
HEIGHT: float = SIZES["text"]["HEIGHT"]


def draw_score_line(page: Page, scene: Scene) -> None:
    """In units of the score, on an axis of its own; nothing where there is no baseline."""
    if not math.isfinite(scene.gain):
        return
    b, colours = scene.layer or 0, page.colours
    d = digits_of(max(abs(scene.gain), 0.1))
    # Token by token whatever is shown: summing words first would let them cancel.
    own = scene.sign * scene.explanation.layer_attributions[b]
    plus, minus = float(own[own > 0].sum()), float(-own[own < 0].sum())
    title = _TOLD["line"].format(gain=signed(scene.gain, d))
    where = layer_in(scene.layers, b) if b else THE_EMBEDDINGS
    left = float(scene.delta[b])
    left_over = _TOLD["delta"].format(delta=signed(left, 3)) if math.isfinite(left) else ""
    note = _TOLD["line_note"].format(layer=where, delta=left_over)
    draw_head(page, title, note)
    baseline, score = scene.baseline, scene.score
    ends = (baseline, score, baseline - minus, baseline - minus + plus)
    low, span = min(ends), (max(ends) - min(ends)) or 1.0
    start, to, turn, reached = (2 + (v - low) / span * (page.width - 4) for v in ends)
    axis = 64.5
    page.rect(min(turn, start), 16, max(0.5, abs(start - turn)), 9, colours.opposes, hatch=HATCH)
    page.rect(min(turn, reached), 42, max(0.5, abs(reached - turn)), 9, colours.supports)
    page.line(0, page.width, axis, axis, colours.rule)
    page.line(start, start, 16, axis, colours.muted, 0.75)
    # The line passes behind the names.
    for y, text, ink in (
        (11, _TOLD["opposing"].format(value=signed(-minus, d)), colours.opposes_text),
        (37, _TOLD["supporting"].format(value=signed(plus, d)), colours.supports_text),
    ):
        page.text(turn, y, text, 12, ink, halo=2)
    page.line(start, to, axis, axis, colours.ink, 4)
    page.line(to, to, 42, axis + 5, colours.ink)
    taken = (math.inf, -math.inf)
    for x, name, bold in (
        (start, _TOLD["baseline"].format(value=number(baseline, d)), False),
        (to, _TOLD["score"].format(value=number(score, d)), True),
    ):
        wide = text_width(name, 12, bold=bold) + 4
        left = min(max(x - wide / 2, 0), page.width - wide)
        meets = left < taken[1] + 8 and left + wide > taken[0] - 8
        taken = (left, left + wide)
        ink = colours.ink if bold else colours.muted
        page.text(left, 94 if meets else 80, name, 12, ink, bold=bold)
    page.advance(HEIGHT + 8)


def draw_head(page: Page, title: str, note: str) -> None:
    """A part's title and, at the right or below it, what it is in."""
    colours = page.colours
    page.spans(0, 12, [Span(title, colours.soft, True)], 12)
    apart = text_width(title, 12, bold=True) + text_width(note, 12) + 16 > page.width
    if apart:
        page.text(0, 28, note, 12, colours.muted)
    else:
        page.text(page.width, 12, note, 12, colours.muted, align="right")
    page.advance(36 if apart else 22)
