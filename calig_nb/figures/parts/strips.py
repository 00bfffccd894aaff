"""The flow's plot: ribbons, a strip of cells for each block, sign flips, the words below."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.path import Path

from ..._design import SIZES
from ...explanation.formatting import round_half_up, shorten, strip_brackets
from ..canvas.page import SANS, fit_text, text_width

if TYPE_CHECKING:
    from ..._arrays import Array
    from ...explanation.units import Unit
    from ..canvas.page import Page
    from ..scene.flow_layout import Label, Layout
    from ..scene.ribbons import Flow, Ribbon
    from ..scene.scene import Scene

_FLOW = SIZES["flow"]
FAINT: float = _FLOW["FAINT"]
"""Cells below this share of the deepest tone are left out."""
SLIVER: float = _FLOW["SLIVER"]
"""Strips lower than this cannot show hatching: support stands above their line."""
RECEDE: float = _FLOW["RECEDE"]
"""Words that the drawn ribbons do not touch recede."""
FLAT: float = _FLOW["FLAT"]
NAME: int = _FLOW["NAME"]
ROW: float = _FLOW["ROW"]
RIBBON: float = SIZES["ribbons"]["OPACITY"]
_BAND = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]


def name_of(unit: Unit) -> str:
    """A unit's name where there is little room."""
    return strip_brackets(unit.text) if unit.special else shorten(unit.text, NAME)


def draw_rules(page: Page, layout: Layout) -> None:
    """Each strip's line, below all else."""
    for strip in layout.strips:
        page.line(layout.x0, layout.x1, strip.mid, strip.mid, page.colours.rule)


def draw_ribbons(page: Page, scene: Scene, layout: Layout, flow: Flow) -> None:
    """The widest below; those out of sight, or not yet reached, end at the plot's edge."""
    layer, layers = scene.state.layer, scene.layers
    playing = scene.upto < layers
    floor = layout.front(scene.upto) if playing else layout.output - 1
    whole = layout.last - layout.first == len(scene.units)
    left, right = layout.x0 - 6, layout.x1 + 6
    if whole:
        left, right = -page.margin, page.width + page.margin
    for ribbon in sorted(flow.ribbons, key=lambda r: r.low[0] - r.low[1]):
        if ribbon.b == layers and playing:
            continue
        if ribbon.b == layers:
            box = (-page.margin, -page.margin, page.width + page.margin, layout.output)
        elif ribbon.levels[0] <= floor:
            continue
        else:
            box = (left, floor, right, layout.height)
        _draw_ribbon(page, ribbon, box, 0.3 if layer is not None and ribbon.b != layer else 1.0)


def _draw_ribbon(page: Page, ribbon: Ribbon, box: tuple[float, ...], opacity: float) -> None:
    (a, b), (c, d), (low, high) = ribbon.low, ribbon.high, ribbon.levels
    if max(b, d) < box[0] or min(a, c) > box[2]:
        return
    pad = max(0.0, (0.9 - ribbon.width) / 2)
    a, b, c, d, bend = a - pad, b + pad, c - pad, d + pad, (low - high) / 2
    points = [
        (a, low),
        (a, low - bend),
        (c, high + bend),
        (c, high),
        (d, high),
        (d, high + bend),
        (b, low - bend),
        (b, low),
        (a, low),
    ]
    colours = page.colours
    page.shape(
        points,
        _BAND,
        facecolor=(colours.bar(ribbon.sign), RIBBON * opacity),
        clip=box,
        hatch="////" if ribbon.sign < 0 and ribbon.width > 2.5 else None,
        edgecolor=(colours.opposes_deep, 0.42 * opacity),
        label=f"ribbon {ribbon.unit} {ribbon.sign} {ribbon.b} {ribbon.source} {ribbon.goal}",
    )


def draw_strips(page: Page, scene: Scene, layout: Layout, flow: Flow) -> None:
    """A cell for each unit in sight and each block; see :meth:`Palette.tones`."""
    seen = np.arange(layout.first, layout.last)
    x = np.array([layout.x(int(u)) for u in seen])
    gap = 1.0 if layout.column > 14 else 0.5 if layout.column > 5 else 0.0
    wide = max(layout.column, 1.0) - 2 * gap
    clear, cells, tones, against = [], [], [], []
    for b, strip in enumerate(layout.strips):
        weight = float(scene.explanation.layer_weights[b])
        tall = max(2.5, min(1.0, weight) * layout.slot)
        sliver = tall < SLIVER or layout.slot < 2 * SLIVER - 6
        height = max(3.0, tall / 2) if sliver else tall
        t = scene.cells[b, seen] / scene.tone
        drawn = np.abs(t) >= FAINT
        top = strip.mid - (np.where(t > 0, height, 0) if sliver else np.full(len(t), height / 2))
        boxes = np.stack([x - wide / 2, top, np.full(len(t), wide), np.full(len(t), height)], -1)
        colours = page.colours.tones(t)
        colours[:, 3] *= _dim(scene, b) * _shade(scene, flow, b)[seen]
        cells.append(boxes[drawn])
        tones.append(colours[drawn])
        if not sliver:  # what lies beneath would muddle the tone
            clear.append(boxes[drawn & (np.abs(t) > FLAT)])
            against.append(boxes[drawn & (t < 0)])
    if clear:
        page.boxes(np.concatenate(clear), page.colours.page)
    page.boxes(np.concatenate(cells), np.concatenate(tones), label="cells")
    if against:
        page.boxes(np.concatenate(against), None, hatch="////")
    for b, unit in dict.fromkeys((b, int(scene.unit_of[k])) for b, _, k in scene.lost):
        if b < scene.layers and layout.first <= unit < layout.last:
            cross(page, layout.x(unit), layout.strips[b].mid, 4)


def cross(page: Page, x: float, y: float, reach: float) -> None:
    """Stands where a value is not a number."""
    for side in (-reach, reach):
        page.line(x - reach, x + reach, y - side, y + side, page.colours.ink, 1.4)


def _dim(scene: Scene, b: int) -> float:
    layer = scene.state.layer
    return 0.32 if layer is not None and layer != b else 0.12 if b > math.floor(scene.upto) else 1.0


def _shade(scene: Scene, flow: Flow, b: int) -> Array:
    shade = np.ones(len(scene.units))
    if scene.selected:
        touched = set(scene.active)
        for ribbon in flow.ribbons:
            if ribbon.b == b:
                touched |= {ribbon.source, ribbon.goal}
        shade[:] = RECEDE
        shade[list(touched)] = 1
    return shade


def draw_flips(page: Page, scene: Scene, layout: Layout) -> None:
    """A diamond where a unit changes sign, the largest few."""
    seen = [flip for flip in scene.flips if layout.first <= flip.unit < layout.last]
    for flip in seen[: 14 if layout.middle else 8]:
        if flip.b > scene.upto:
            continue
        here, below = layout.strips[flip.b], layout.strips[flip.b - 1]
        x, y = layout.x(flip.unit), (here.top + here.height + below.top) / 2
        away = scene.state.layer is not None and scene.state.layer != flip.b
        page.shape(
            [(x, y - 4), (x + 4, y), (x, y + 4), (x - 4, y), (x, y - 4)],
            None,
            facecolor=page.colours.page,
            edgecolor=page.colours.soft,
            linewidth=0.9,
            alpha=0.3 if away else None,
            label=f"flip {flip.b} {flip.unit}",
        )


def draw_words(page: Page, scene: Scene, layout: Layout, labels: list[Label]) -> None:
    """The names below the strips, and what is selected."""
    bottom, colours = layout.bottom, page.colours
    for u in scene.selected:
        if layout.first <= u < layout.last:
            wide, x = max(2.0, layout.column), layout.x(u)
            page.rect(x - wide / 2, layout.output, wide, bottom - layout.output, colours.ink, 0.05)
            for side in (-1, 1):
                at = x + side * wide / 2
                page.line(at, at, layout.output, bottom + 2, colours.muted, 0.75)
    for label in labels:
        if label.row >= 0:
            x = layout.x(label.unit)
            page.line(x, x, bottom + 2, bottom + 11 + ROW * label.row, colours.rule)
    for label in labels:
        _draw_name(page, scene, layout, label)
    named = {label.unit for label in labels}
    for u in scene.selected:
        if layout.first <= u < layout.last and u not in named:
            x = min(max(layout.x(u), layout.x0 + 20), layout.x1 - 20)
            name = shorten(scene.units[u].text, 24)
            page.text(x, bottom + 21, name, 12, bold=True, align="center", halo=7)
    for stop in scene.stops if layout.axis == "thin" else ():
        if layout.first <= stop < layout.last:
            side = -1 if layout.right_to_left else 1
            at = round_half_up(layout.x(stop) + side * layout.column / 2) + 0.5
            page.line(at, at, bottom + 1, bottom + 7, colours.muted)


def _draw_name(page: Page, scene: Scene, layout: Layout, label: Label) -> None:
    unit, colours, bottom = scene.units[label.unit], page.colours, layout.bottom
    active = label.unit in scene.active
    ink = colours.text(scene.net[label.unit]) if active else colours.soft
    ink, size = (colours.muted, 10.5) if unit.special else (ink, layout.font)
    if layout.axis == "slant":
        # It leans to the left: what would leave the page there is cut.
        x = label.x + 4
        room = (x + page.margin - 4) / math.cos(math.radians(layout.angle))
        name = fit_text(name_of(unit), size, room)
        page.text(x, bottom + 14, name, size, ink, bold=active, align="right", angle=layout.angle)
        return
    y = bottom + (20 if label.row < 0 else 21 + ROW * label.row)
    halo = 3 if label.row >= 0 else 0
    page.text(label.x, y, name_of(unit), size, ink, bold=active, align="center", halo=halo)


def widths_of(units: tuple[Unit, ...], size: float) -> list[float]:
    """Of each unit's name, in px."""
    return [text_width(name_of(unit), size, SANS) for unit in units]
