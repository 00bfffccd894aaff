"""The picture under its map, all layers as small pictures, links, and the ledger of patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._design import SENTENCES, SIZES
from ..explanation.formatting import digits_of, number, round_half_up, signed
from .canvas.page import HATCH, Page, Span, text_width
from .options import State
from .parts.headline import draw_headline
from .parts.patch_notes import draw_ledger, draw_legend, draw_links, legend
from .parts.patch_plate import Plates
from .scene.flow_layout import MIDDLE
from .scene.patch_story import patch_story
from .scene.scene import scene_of
from .scene.story import draw_caption

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation

_TOLD = SENTENCES["patches"]
_PATCHES = SIZES["patches"]
LARGEST: float = _PATCHES["LARGEST"]
"""Longest side of the picture, px; room beside it, and longer side of a small one."""
BESIDE: float = _PATCHES["BESIDE"]
FRAME: float = _PATCHES["FRAME"]


def patches_figure(explanation: Explanation, **options: Any) -> Figure:
    """The explained picture under its map, the film of the layers, and the ledger.

    Patches that support the class are blue, those that oppose it orange and hatched; where no
    evidence is, the picture is seen. Beside the film stand the links of selected patches.

    Args:
        explanation: Of a picture.
        **options: See :class:`State`.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If an option is out of its range, or the explanation is of a text.
    """
    if explanation.image is None:
        raise ValueError(
            "view 'patches' draws a picture, and this explanation is of a text: use 'tokens', "
            "'flow', 'rollout' or 'workbench'."
        )
    state = State.of(explanation, options)
    scene = scene_of(explanation, state)
    page = Page(state.width, state.theme)
    plates = Plates(page, scene)
    links = plates.map.links(scene.selected) if scene.selected else None
    draw_headline(page, scene)
    draw_caption(page, scene.evidence, patch_story(scene, links))
    apart = page.width >= MIDDLE + 100
    side = min(LARGEST, page.width // 2 if apart else page.width)
    wide = float(round_half_up(min(side, side * plates.ratio)))
    top = page.y
    draw_main(plates, wide)
    foot, page.y = page.y, top if apart else page.y
    left = wide + BESIDE if apart else 0
    with page.column(left, page.width - left):
        draw_film(plates)
        if links is not None:
            draw_links(plates, links)
        draw_ledger(plates)
    page.y = max(page.y, foot)
    page.line(0, page.width, 0, 0, page.colours.rule)
    page.advance(8)
    draw_legend(page, legend(scene))
    return page.finished()


def draw_main(plates: Plates, width: float) -> None:
    """The picture, its scale, and what is not on it."""
    page, scene, own = plates.page, plates.scene, plates.map
    at = 0 if scene.layer is None else scene.layer + 1
    values, limit = own.frames[at], own.limits[min(at, 1)]
    plates.draw(0, 0, width, values, limit, scene.selected, "map")
    for unit in dict.fromkeys(int(scene.unit_of[k]) for _, _, k in scene.lost):
        plates.hole(unit, width)
    page.advance(plates.height(width) + 10)
    with page.column(0, width):
        draw_scale(page, limit)
        if own.others:
            said = [f"{scene.labels[u]} {signed(float(values[u]))}" for u in own.others]
            told = [Span(f"Not on the picture: {'   '.join(said)}")]
            page.spans(width / 2, 14, told, 12, page.colours.muted, align="center")
            page.advance(24)
    page.advance(8)


def draw_scale(page: Page, limit: float) -> None:
    """From the strongest opposition to the strongest support, in the middle of the page."""
    colours, most, steps = page.colours, number(limit, digits_of(limit)), 48
    low, high = _TOLD["low"].format(most=most), _TOLD["high"].format(most=most)
    x = (page.width - text_width(low, 11) - text_width(high, 11) - 2 * steps - 16) / 2
    x += page.text(x, 11, low, 11, colours.opposes_text) + 8
    t = (2 * (np.arange(steps) + 0.5)) / steps - 1
    full = np.ones(steps)
    page.boxes(
        np.stack([x + 2 * np.arange(steps), 3 * full, 2 * full, 9 * full], -1), colours.tones(t)
    )
    page.rect(x, 3, steps, 9, colours.page, 0, hatch=HATCH, hatch_alpha=0.5)
    page.text(x + 2 * steps + 8, 11, high, 11, colours.supports_text)
    page.advance(22)


def draw_film(plates: Plates) -> None:
    """The picture itself, and all layers as small pictures."""
    page, scene, own, colours = plates.page, plates.scene, plates.map, plates.page.colours
    wide = float(round_half_up(FRAME * min(1.0, plates.ratio)))
    high = plates.height(wide)
    across = max(1, int((page.width - 6) // (wide + 14)))
    at = 0 if scene.layer is None else scene.layer + 1
    layers = (f"{b}" for b in range(1, scene.layers))
    names = [_TOLD["picture"], "all", SENTENCES["layers"]["short"], *layers]
    for place, name in enumerate(names):
        x, y, n = place % across * (wide + 14), place // across * (high + 30), place - 1
        ink = colours.ink if n == at else colours.muted
        page.text(x + 5 + wide / 2, y + high + 19, name, 11, ink, bold=n == at, align="center")
        if n < 0:
            plates.itself(x + 5, y + 5, wide)
            continue
        values = own.frames[n]
        plates.draw(x + 5, y + 5, wide, values, own.limits[min(n, 1)], label=f"frame {n}")
        if n == at:
            page.rect(x, y, wide + 10, high + 25, edge=colours.ink)
    page.advance(-(-len(names) // across) * (high + 30) + 14)
