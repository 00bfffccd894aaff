"""The views' twins in matplotlib: the same picture as vector graphics, for papers and slides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..fusion import one_of
from .classes import classes_figure as classes_figure
from .comparison import comparison_figure as comparison_figure
from .evaluation import evaluation_figure as evaluation_figure
from .flow import flow_figure as flow_figure
from .palette import THEMES as THEMES
from .palette import Palette as Palette
from .question import answers as answers
from .rollout import rollout_figure as rollout_figure
from .sanity import sanity_figure as sanity_figure
from .state import State as State
from .tokens import tokens_figure as tokens_figure
from .workbench import workbench_figure as workbench_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..results import Explanation

_VIEWS: dict[str, Callable[..., Figure]] = {
    "workbench": workbench_figure,
    "tokens": tokens_figure,
    "flow": flow_figure,
    "rollout": rollout_figure,
}


def figure(explanation: Explanation, view: str = "tokens", **state: Any) -> Figure:
    """The picture of a view; ``state`` holds the options of :class:`State`.

    Args:
        explanation: What to draw.
        view: "tokens", see :func:`tokens_figure`; "flow", see :func:`flow_figure`; "rollout",
            see :func:`rollout_figure`; "workbench", see :func:`workbench_figure`.
        **state: Its options.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If there is no such view, or an option is out of its range.
    """
    one_of("view", view, tuple(_VIEWS))
    return _VIEWS[view](explanation, **state)
