"""The ledger: the strongest words against each other, and the sum of all. In shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import digits_of, number, shorten, signed
from ..canvas.page import SANS, SERIF, Span, fit_text
from ..scene.flow_layout import MIDDLE
from ..scene.scene import strongest_first
from .score_line import draw_head

if TYPE_CHECKING:
    from ..canvas.page import Page
    from ..scene.scene import Scene

_TOLD = SENTENCES["ledger"]
WEAK: float = SIZES["ledger"]["WEAK"]
"""Words below this share of the strongest are not listed."""
ROW = 24.0


def draw_ledger(page: Page, scene: Scene, serif: bool = False) -> None:
    """Opposing words left, supporting words right, on one scale."""
    colours, state, values = page.colours, scene.state, scene.evidence
    narrow = page.sheet < MIDDLE
    rows = state.k or (5 if narrow else 8 if len(scene.explanation.tokens) > 24 else 6)
    draw_head(page, _TOLD["title"], _TOLD["note"].format(grain=state.granularity))
    minus, plus = strongest_sides(scene, rows)
    middle, d = page.width / 2, digits_of(float(np.abs(values).max(initial=0)))
    top = max((abs(values[u]) for u in [*minus, *plus]), default=1.0)
    against, speaking = (
        SENTENCES["flow"][verb].format(name=scene.name) for verb in ("opposes", "supports")
    )
    room = middle - 8
    page.text(middle - 8, 10, fit_text(against, 12, room), 12, colours.opposes_text, align="right")
    page.text(middle + 8, 10, fit_text(speaking, 12, room), 12, colours.supports_text)
    page.advance(20)
    family, size = (SERIF, 14) if serif else (SANS, 13)
    longest = 60 if state.granularity in ("sentence", "passage") else 20
    for sign, members in ((-1, minus), (1, plus)):
        align = "left" if sign > 0 else "right"
        for n, u in enumerate(members):
            y = n * ROW + ROW / 2
            wide = abs(values[u]) / top * middle * (0.30 if narrow else 0.38)
            page.bar(middle - (wide if sign < 0 else 0), y - 5, wide, 10, sign, f"ledger {u}")
            value = number(abs(float(values[u])), d)
            left = middle - wide - 8 - 8 - 6.5 * len(value)
            name = fit_text(shorten(scene.labels[u], longest), size, left, family)
            x = middle + sign * (wide + 8)
            bold = u in scene.selected
            advance = page.text(x, y + 4.5, name, size, bold=bold, align=align, family=family)
            page.text(x + sign * (advance + 8), y + 4, value, 12, colours.muted, align=align)
    count = max(len(minus), len(plus))
    if not count:
        page.text(0, 16, _TOLD["none"], 13, colours.muted)
    page.line(middle, middle, 0, max(1, count) * ROW, colours.muted)
    page.advance(max(1, count) * ROW + 8)
    foot, net = sum_in_words(scene)
    spans = [
        Span(_TOLD["equals"].format(sum=foot)),
        Span(_TOLD["net"].format(net=signed(net)), colours.ink, True),
    ]
    page.advance(page.paragraph(0, spans, 12, colours.soft) + 24)


def strongest_sides(scene: Scene, rows: int) -> tuple[list[int], list[int]]:
    """Opposing and supporting units, strongest first."""
    values = scene.evidence
    largest = float(np.abs(values).max(initial=0))
    worth = [
        u
        for u in strongest_first(range(len(scene.units)), values)
        if (scene.state.granularity == "token" or not scene.units[u].special)
        and abs(values[u]) > WEAK * largest
    ]
    minus, plus = ([u for u in worth if sign * values[u] > 0][:rows] for sign in (-1, 1))
    return minus, plus


def sum_in_words(scene: Scene, pieces: str = "tokens") -> tuple[str, float]:
    """The sum of all tokens, or patches, in words, and the net."""
    values, layer, told = scene.evidence, scene.layer, _TOLD[f"{pieces}_sum"]
    supporting, opposing, weight = float(scene.supporting.sum()), float(scene.opposing.sum()), ""
    if layer is not None:
        supporting, opposing = float(values[values > 0].sum()), float(-values[values < 0].sum())
        weight = number(float(scene.explanation.layer_weights[layer]))
        told = _TOLD[f"{pieces}_sum_at"]
    told = told.format(plus=number(supporting), minus=number(opposing), weight=weight)
    return told, supporting - opposing
