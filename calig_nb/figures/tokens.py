"""The running text with its bars, the ledger and the score line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .canvas.page import Page
from .options import State
from .parts.headline import draw_headline
from .parts.ledger import draw_ledger
from .parts.legend import draw_legend
from .parts.minimap import draw_minimap
from .parts.prose import draw_prose
from .parts.score_line import draw_score_line
from .scene.flow_layout import WIDE
from .scene.scene import scene_of
from .scene.story import draw_caption, text_story

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation


def tokens_figure(explanation: Explanation, **options: Any) -> Figure:
    """The running text with a bar for each word, the ledger, and the score line.

    Bars rise where a word supports the class and hang, hatched, where it opposes it.

    Args:
        explanation: What to draw.
        **options: See :class:`State`.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If an option is out of its range.
    """
    state = State.of(explanation, options)
    scene = scene_of(explanation, state)
    page = Page(state.width, state.theme)
    draw_headline(page, scene)
    draw_caption(page, scene.evidence, text_story(scene))
    if scene.order:
        draw_legend(page, "text", scene.name, scene.recipe)
        page.advance(12)
        draw_minimap(page, scene)
        draw_prose(page, scene, specimen=True)
        page.line(0, page.width, 0, 0, page.colours.rule)
        page.advance(14)
        apart, half, top = page.width >= WIDE, (page.width - 56) / 2, page.y
        with page.column(0, half if apart else page.width):
            draw_ledger(page, scene, serif=True)
        foot, page.y = page.y, top if apart else page.y
        with page.column(half + 56 if apart else 0, half if apart else page.width):
            draw_score_line(page, scene)
        page.y = max(page.y, foot)
    return page.finished()
