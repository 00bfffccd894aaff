"""The views' twins in matplotlib: the same picture as vector graphics, for papers and slides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._validation import one_of
from .by_class import classes_figure as classes_figure
from .canvas.palette import THEMES as THEMES
from .canvas.palette import Palette as Palette
from .comparison import comparison_figure as comparison_figure
from .evaluation import evaluation_figure as evaluation_figure
from .flow import flow_figure as flow_figure
from .options import State as State
from .patch_comparison import patch_comparison_figure as patch_comparison_figure
from .patches import patches_figure as patches_figure
from .rollout import rollout_figure as rollout_figure
from .sanity import sanity_figure as sanity_figure
from .tokens import tokens_figure as tokens_figure
from .workbench import workbench_figure as workbench_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation

_VIEWS: dict[str, Callable[..., Figure]] = {
    "workbench": workbench_figure,
    "tokens": tokens_figure,
    "flow": flow_figure,
    "rollout": rollout_figure,
    "patches": patches_figure,
}


def figure(explanation: Explanation, view: str | None = None, **state: Any) -> Figure:
    """The picture of a view; ``state`` holds the options of :class:`State`.

    Args:
        explanation: What to draw.
        view: "tokens", see :func:`tokens_figure`; "flow", see :func:`flow_figure`; "rollout",
            see :func:`rollout_figure`; "workbench", see :func:`workbench_figure`; "patches", see
            :func:`patches_figure`. By default "tokens", of a picture "patches".
        **state: Its options.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If there is no such view, an option is out of its range, or the view does not
            draw what was explained.
    """
    pictured = explanation.image is not None
    view = ("patches" if pictured else "tokens") if view is None else view
    one_of("view", view, tuple(_VIEWS))
    if pictured and view == "workbench":
        view = "patches"
    if pictured and view == "tokens":
        raise ValueError(
            "view 'tokens' draws a text, and this explanation is of a picture: use 'patches', "
            "'flow' or 'rollout'."
        )
    return _VIEWS[view](explanation, **state)
