"""All views of one explanation on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._design import SIZES
from .canvas.page import Page
from .flow import draw_flow
from .options import State
from .parts.headline import draw_headline
from .parts.ledger import draw_ledger
from .parts.legend import draw_legend
from .parts.prose import draw_prose
from .parts.score_line import draw_score_line
from .rollout import draw_fold, draw_rollout
from .scene.flow_layout import WIDE
from .scene.scene import scene_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation
    from .scene.scene import Scene

BRIEF: int = SIZES["page"]["BRIEF"]
"""Up to this many tokens there is room for the score line under the text."""
APART = 48


def workbench_figure(explanation: Explanation, **options: Any) -> Figure:
    """The question, the flow, the text, the ledger, the score line; the matrix if unfolded.

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
    if scene.order:
        page.line(0, page.width, 0, 0, page.colours.rule)
        page.advance(14)
        _draw_reading(page, scene)
        if state.matrix:
            draw_fold(page)
            draw_rollout(page, scene)
        page.line(0, page.width, 0, 0, page.colours.rule)
        page.advance(8)
        draw_legend(page, "flow", scene.name, scene.recipe)
    return page.finished()


def _draw_reading(page: Page, scene: Scene) -> None:
    """Text, ledger and score line; side by side where there is room."""
    if page.width < WIDE:
        draw_prose(page, scene)
        draw_ledger(page, scene)
        draw_score_line(page, scene)
        return
    right = max(320.0, (page.width - APART) / 2.55)
    left, top = page.width - APART - right, page.y
    brief = len(scene.explanation.tokens) <= BRIEF
    with page.column(0, left):
        draw_prose(page, scene)
        if brief:
            draw_score_line(page, scene)
    foot, page.y = page.y, top
    with page.column(left + APART, right):
        draw_ledger(page, scene)
        if not brief:
            draw_score_line(page, scene)
    page.y = max(page.y, foot) + 10
