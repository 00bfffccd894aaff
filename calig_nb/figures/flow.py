"""Relevance through the layers: strips from the embeddings up, ribbons to the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .canvas.page import Page
from .options import State
from .parts.decision import draw_decision
from .parts.gutter import draw_gutter
from .parts.headline import draw_headline
from .parts.legend import draw_legend
from .parts.minimap import draw_minimap
from .parts.strips import draw_flips, draw_ribbons, draw_rules, draw_strips, draw_words, widths_of
from .scene.ancestry import MOST, steps_of, strongest
from .scene.flow_layout import labels_of, layout_of
from .scene.ribbons import flow_of
from .scene.scene import scene_of
from .scene.story import draw_caption, flow_story

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation
    from .scene.flow_layout import Layout
    from .scene.ribbons import Flow
    from .scene.scene import Scene


def flow_figure(explanation: Explanation, **options: Any) -> Figure:
    """One strip for each layer, and ribbons by which words' evidence reaches the decision.

    Args:
        explanation: What to draw.
        **options: See :class:`State`.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If an option is out of its range, or there are no two channels.
    """
    state = State.of(explanation, options)
    scene = scene_of(explanation, state)
    page = Page(state.width, state.theme)
    draw_headline(page, scene)
    draw_flow(page, scene)
    draw_legend(page, "flow", scene.name, scene.recipe)
    return page.finished()


def draw_flow(page: Page, scene: Scene) -> None:
    """The map of a long text, the flow, and what is said below it.

    Raises:
        ValueError: If the fusion has no two channels.
    """
    kind = scene.explanation.fusion.channels
    if kind != "split":
        raise ValueError(
            f"The flow draws two channels, so fusion.channels must be 'split', got {kind!r}. "
            "Use figure('tokens') instead."
        )
    if not scene.order:
        draw_caption(page, scene.evidence, flow_story(scene, {}))
        return
    draw_minimap(page, scene)
    layout, flow = place_flow(page, scene)
    draw_rules(page, layout)
    draw_ribbons(page, scene, layout, flow)
    draw_strips(page, scene, layout, flow)
    draw_decision(page, scene, layout, flow)
    draw_gutter(page, scene, layout)
    draw_flips(page, scene, layout)
    widths = widths_of(scene.units, layout.font)
    letters = [len(unit.text) for unit in scene.units]
    labels = labels_of(layout, widths, scene.active, scene.order, scene.net.tolist(), letters)
    draw_words(page, scene, layout, labels)
    page.advance(layout.height + 8)
    draw_caption(page, scene.evidence, flow_story(scene, flow.drawn))


def place_flow(page: Page, scene: Scene) -> tuple[Layout, Flow]:
    """Where everything of the flow stands."""
    own = scene.explanation
    layout = layout_of(
        page.width,
        scene.sight,
        own.layer_weights.tolist(),
        widths_of(scene.units, 12),
        scene.right_to_left,
    )
    found = steps_of(own, scene.units, scene.active, scene.sign, MOST)
    connected = own.fusion.readout == "all"
    total = scene.supporting + scene.opposing
    drawn = {u: strongest(found[u], u, connected, float(total[u])) for u in scene.active}
    return layout, flow_of(scene, layout, drawn)
