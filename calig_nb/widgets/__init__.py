"""The live views. They take explanations and know neither torch nor a model."""

from __future__ import annotations

from typing import Any

from .._validation import one_of
from ..explanation.explanation import Explanation
from .comparison import Comparison as Comparison
from .mark_words import MarkWords as MarkWords
from .patch_comparison import PatchComparison as PatchComparison
from .patch_view import PatchView as PatchView
from .selection import PatchSelection as PatchSelection
from .selection import Selection as Selection
from .view import View as View
from .views import RelevanceFlow as RelevanceFlow
from .views import RolloutView as RolloutView
from .views import TokenView as TokenView
from .views import Workbench as Workbench

_VIEWS: dict[str, type[View]] = {
    "workbench": Workbench,
    "tokens": TokenView,
    "flow": RelevanceFlow,
    "rollout": RolloutView,
    "patches": PatchView,
}


def show(explanation: Explanation, view: str = "workbench", **state: Any) -> View:
    """The view of that name; the workbench of a picture is "patches".

    Raises:
        ValueError: If there is no such view, or it does not draw what was explained.
    """
    one_of("view", view, tuple(_VIEWS))
    if view == "workbench" and explanation.image is not None:
        view = "patches"
    return _VIEWS[view](explanation, **state)
