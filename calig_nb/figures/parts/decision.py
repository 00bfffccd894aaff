"""The decision above the flow: the score, the balance with its names and numbers, the lens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import (
    digits_of,
    layer_in,
    number,
    round_half_up,
    shorten,
    signed,
)
from ..canvas.page import HATCH, Span, text_width

if TYPE_CHECKING:
    from ..._arrays import Array
    from ..canvas.page import Page
    from ..scene.flow_layout import Layout
    from ..scene.ribbons import Flow
    from ..scene.scene import Scene

_TOLD = SENTENCES["flow"]
_DECISION = SIZES["decision"]
WARN: float = _DECISION["WARN"]
"""From this relative error on the warning colour is used."""
NAME: int = _DECISION["NAME"]
BALANCE: float = _DECISION["BALANCE"]


def evidence_passed(entering: Array, upto: float) -> float:
    """Evidence that has entered after so many blocks, the last in part."""
    return float(entering @ np.clip(upto - np.arange(len(entering)), 0, 1))


def draw_decision(page: Page, scene: Scene, layout: Layout, flow: Flow) -> None:
    """All that stands above the output line."""
    plus, minus = (evidence_passed(side, scene.upto) for side in scene.entering)
    _draw_balance(page, scene, flow, plus, minus)
    _draw_heading(page, scene, layout, plus - minus)
    _draw_sides(page, scene, layout, flow, plus, minus)
    ink, y = page.colours.ink, flow.y
    page.line(flow.zero, flow.zero, y - 4, y + 20, ink)
    if scene.upto >= scene.layers and flow.ribbons:
        (_draw_lens if flow.magnified else _draw_names)(page, scene, layout, flow)
    at = flow.zero + (plus - minus) * flow.scale
    page.shape(
        [(at - 4.5, y - 8), (at + 4.5, y - 8), (at, y - 1.5), (at - 4.5, y - 8)],
        None,
        facecolor=ink,
        edgecolor=page.colours.page,
        linewidth=0.7,
    )


def _draw_balance(page: Page, scene: Scene, flow: Flow, plus: float, minus: float) -> None:
    colours, y = page.colours, flow.y

    def bar(x: float, width: float, sign: int, alpha: float) -> None:
        page.rect(
            x,
            y,
            width,
            BALANCE,
            colours.bar(sign),
            alpha,
            hatch=HATCH if sign < 0 else None,
            hatch_alpha=min(1.0, alpha * 1.2) * 0.8,
        )

    bar(flow.zero - minus * flow.scale, minus * flow.scale, -1, 0.3)
    bar(flow.zero, plus * flow.scale, 1, 0.3)
    if scene.upto < scene.layers or not flow.ribbons:
        return
    for segment in flow.segments:
        width = max(0.8, segment.bar[1] - segment.bar[0] - 0.8)
        left = segment.bar[0] if segment.sign > 0 else segment.bar[1] - width
        page.rect(left, y, width, BALANCE, colours.page)
        bar(left, width, segment.sign, 0.95)
        if flow.magnified:
            (a, b), (c, d), foot = segment.bar, segment.lens, y + BALANCE
            colour = colours.bar(segment.sign)
            corners = [(a, foot), (b, foot), (d, flow.lens - 1), (c, flow.lens - 1), (a, foot)]
            page.shape(corners, None, facecolor=(colour, 0.16))
            page.rect(c, flow.lens - 2, max(0.8, d - c), 2, colour)


def _draw_heading(page: Page, scene: Scene, layout: Layout, net: float) -> None:
    centre, d = (layout.x0 + layout.x1) / 2, digits_of(abs(scene.gain))
    base = number(scene.baseline, d)
    base = f"({base})" if scene.baseline < 0 else base
    based = math.isfinite(scene.gain)
    line, result = _TOLD["score"], number(scene.score)
    if based:
        line = _TOLD["gain"].format(score=number(scene.score, d), baseline=base)
        result = signed(scene.gain, d)
    top = 24 if layout.middle else 20
    page.spans(centre, top, [Span(line), Span(result, bold=True)], 17, align="center")
    worst = float(scene.errors[scene.worst])
    where = layer_in(scene.layers, scene.worst)
    error = _TOLD["error_up_to"].format(error=f"{worst * 100:.1f}", layer=where)
    error = _TOLD["small_error"] if worst < 0.0005 else error
    spans = [
        Span(_TOLD["above"] if layout.middle and based else ""),
        Span(_TOLD["net_relevance" if layout.middle else "net"].format(net=signed(net))),
    ]
    if math.isfinite(worst):
        said = _TOLD["convergence" if layout.middle else "error"].format(error=error)
        spans.append(Span(said, page.colours.warning if worst > WARN else None))
    y = 43 if layout.middle else 38
    page.spans(centre, y, spans, 12, page.colours.muted, align="center")


def _draw_sides(
    page: Page, scene: Scene, layout: Layout, flow: Flow, plus: float, minus: float
) -> None:
    """Both sums beside the bar, or above it where they do not fit."""
    colours, middle, y = page.colours, layout.middle, flow.y
    left, right = flow.zero - minus * flow.scale, flow.zero + plus * flow.scale
    free, long = min(left, layout.width - right), 27 if middle else NAME + 1
    while True:
        long -= 1
        label = shorten(scene.name, long)
        room = 16 + max(text_width(f"00.00 {verb} {label}", 12) for verb in ("opposes", "supports"))
        if long <= NAME or room < free:
            break
    against = [Span(f"opposes {label}  "), Span(number(minus), bold=True)]
    speaking = [Span(number(plus), bold=True), Span(f"  supports {label}")]
    opposes, supports = colours.opposes_text, colours.supports_text
    if middle and room < free:
        page.spans(left - 10, y + 12, against, 12, opposes, align="right")
        page.spans(right + 10, y + 12, speaking, 12, supports)
        return
    up = y - (24 if middle else 34)
    against = [Span(number(minus), bold=True), Span(f"  opposes {label}")]
    speaking = [Span(f"supports {label}  "), Span(number(plus), bold=True)]
    clash = 2 * room > layout.width
    page.spans(layout.x0 if middle else 0, up - 14 * clash, against, 12, opposes)
    page.spans(layout.x1 if middle else layout.width, up, speaking, 12, supports, align="right")


def _draw_names(page: Page, scene: Scene, layout: Layout, flow: Flow) -> None:
    """Names over the words' own stretches, as far as they fit."""
    taken: list[tuple[float, float]] = []
    for segment in sorted(flow.segments, key=lambda s: -s.mass):
        # A word is named once, on its stronger side.
        if (scene.net[segment.unit] > 0) != (segment.sign > 0):
            continue
        name = shorten(scene.labels[segment.unit], NAME)
        half, (low, high) = text_width(name, 11.5) / 2 + 3, segment.bar
        x = (low + high) / 2
        if 2 * half > high - low + 48 or any(x - half < b and x + half > a for a, b in taken):
            continue
        taken.append((x - half, x + half))
        colour = page.colours.text(segment.sign)
        page.text(x, flow.y - 13, name, 12, colour, bold=True, align="center")


def _draw_lens(page: Page, scene: Scene, layout: Layout, flow: Flow) -> None:
    """The sums and words of the magnified stretch, beside it."""
    y, m = flow.lens + 3, flow.magnification
    note = _TOLD["wider"].format(times=f"{m:.1f}" if m < 10 else round_half_up(m))
    d = digits_of(max(s.mass for s in flow.segments))
    for sign in (-1, 1):
        # A word that carries nothing here is not named.
        seen = (s for s in flow.segments if s.sign == sign and s.mass >= 0.5 * 10**-d)
        own = sorted(seen, key=lambda s: -s.mass)
        if not own:
            continue
        total = number(sum(s.mass for s in own), d)
        lenses = [s.lens for s in own]
        end = max(b for _, b in lenses) if sign > 0 else min(flow.zero, *(a for a, _ in lenses))
        room = layout.width - text_width(note, 11) - 16 - end if sign > 0 else end - 4
        listed = [f"{shorten(scene.labels[s.unit], NAME)} {number(s.mass, d)}" for s in own]
        full = " · ".join(listed) if len(listed) > 1 else total
        text = full if text_width(full, 12) + 10 < room else total
        page.text(
            end + 6 * sign,
            y,
            text,
            12,
            page.colours.text(sign),
            align="left" if sign > 0 else "right",
            halo=3,
        )
    below = y if layout.middle else y + 17
    page.text(layout.width, below, note, 11, page.colours.muted, align="right", halo=3)
