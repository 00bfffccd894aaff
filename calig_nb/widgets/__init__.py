"""The live views. They take explanations and know neither torch nor a model."""

from __future__ import annotations

from typing import Any

from ..fusion import one_of
from ..results import Explanation
from ._base import View as View
from .comparison import Comparison as Comparison
from .flow import RelevanceFlow as RelevanceFlow
from .marking import MarkWords as MarkWords
from .rollout import RolloutView as RolloutView
from .selection import Selection as Selection
from .tokens import TokenView as TokenView
from .workbench import Workbench as Workbench

_VIEWS: dict[str, type[View]] = {
    "workbench": Workbench,
    "tokens": TokenView,
    "flow": RelevanceFlow,
    "rollout": RolloutView,
}


def show(explanation: Explanation, view: str = "workbench", **state: Any) -> View:
    """The view of that name.

    Raises:
        ValueError: If there is no such view.
    """
    one_of("view", view, tuple(_VIEWS))
    return _VIEWS[view](explanation, **state)
