"""Left and right of the strips: names and weights of the layers; evidence, net and error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import error, layer_name, number, round_half_up, signed
from ..canvas.page import Span
from ..scene.scene import TINY

if TYPE_CHECKING:
    from ..canvas.page import Page
    from ..scene.flow_layout import Layout
    from ..scene.scene import Scene

_TOLD = SENTENCES["flow"]
LINE: float = SIZES["gutter"]["LINE"]
"""Labels closer than this are thinned out."""
BOLD: float = SIZES["gutter"]["BOLD"]
"""From this relative error on the figure is bold."""


def draw_gutter(page: Page, scene: Scene, layout: Layout) -> None:
    """One row for each block, bottom up."""
    colours, strips = page.colours, layout.strips
    x1, width, wide, middle = layout.x1, layout.width, layout.wide, layout.middle
    axis = round_half_up(x1 + (66 if wide else 44 if middle else 26)) + 0.5
    largest = max(TINY, float(scene.entering.max(initial=0)))
    reach = (42 if wide else 28 if middle else 20) / largest
    told = wide and _has_errors(scene)
    head, net = strips[-1].top - 14, width - 50 if told else width
    page.line(layout.x0, x1, layout.output, layout.output, colours.rule)
    muted = colours.muted
    if middle:
        output = layer_name(scene.layers, scene.layers)
        page.text(layout.x0 - 20, layout.output + 4, output, 11, muted, align="right")
        entering = _TOLD["evidence_entering" if wide else "entering"]
        page.text(axis, head, entering, 11, muted, align="center")
        page.text(net, head, _TOLD["net_head"], 11, muted, align="right")
    if told:
        page.text(width, head, _TOLD["error_head"], 11, muted, align="right")
    last, upto = math.inf, math.floor(scene.upto)
    for b, strip in enumerate(strips):
        on, mid = scene.state.layer == b, strip.mid
        dim = 0.4 if (scene.state.layer is not None and not on) or b > upto else 1.0
        _draw_bars(page, scene, layout, b, axis, reach, dim)
        if last - mid < LINE and not on:
            continue
        last = mid
        _draw_figures(page, scene, layout, b, net, dim)
    page.line(axis, axis, strips[-1].top - 6, layout.bottom + 4, muted)


def _has_errors(scene: Scene) -> bool:
    """Not every method has an error."""
    return any(map(math.isfinite, scene.errors))


def _draw_bars(
    page: Page, scene: Scene, layout: Layout, b: int, axis: float, reach: float, dim: float
) -> None:
    colours, strip = page.colours, layout.strips[b]
    side, weight = layout.x0 - 8.5, float(scene.explanation.layer_weights[b])
    half = max(2.5, min(max(weight, 0), 1) * layout.slot) / 2
    on = scene.state.layer == b
    page.line(side, side, strip.top, strip.top + strip.height, colours.rule)
    ink = colours.ink if on else colours.muted
    page.line(side, side, strip.mid - half, strip.mid + half, ink, 3, dim)
    bar = min(max(strip.height * 0.5, 4), 9)
    plus, minus = reach * scene.entering[:, b]
    top = strip.mid - bar / 2
    hatch = "/////" if bar > 4 else None
    page.rect(axis - minus, top, minus, bar, colours.opposes, dim, hatch=hatch, hatch_alpha=0.6)
    page.rect(axis, top, plus, bar, colours.supports, dim)


def _draw_figures(page: Page, scene: Scene, layout: Layout, b: int, net: float, dim: float) -> None:
    colours, strip, wide, x0 = page.colours, layout.strips[b], layout.wide, layout.x0
    on, mid = scene.state.layer == b, strip.mid
    ink = colours.ink if on else colours.soft
    if dim < 1:
        ink = colours.muted
    plus, minus = scene.entering[:, b]
    if not layout.middle:
        page.text(x0 - 12, mid + 4, f"{b}", 11, ink, bold=on, align="right")
    else:
        weight = number(float(scene.explanation.layer_weights[b]))
        two_lines = wide and b > 0 and strip.height + strip.top - layout.above(b) >= 36
        name = [Span(layer_name(scene.layers, b), bold=on)]
        if wide and b > 0 and not two_lines:
            name.append(Span(f" {weight}", colours.muted, size=10.5))
        page.spans(x0 - 20, mid + (-2 if two_lines else 4), name, 12, ink, align="right")
        if two_lines:
            told = _TOLD["weight"].format(weight=weight)
            page.text(x0 - 20, mid + 12, told, 10.5, colours.muted, align="right")
        ink = colours.muted if dim < 1 else colours.soft
        page.text(net, mid + 4, signed(float(plus - minus)), 11, ink, align="right")
    if wide and _has_errors(scene):
        e = float(scene.errors[b])
        strong = e > BOLD
        ink = colours.ink if strong and dim == 1 else colours.muted
        page.text(layout.width, mid + 4, error(e), 11, ink, bold=strong, align="right")
