"""See why a Transformer decided what it decided: signed relevance, layer by layer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .cache import load as load
    from .catalogue import methods as methods
    from .checks import Check as Check
    from .classes import ByClass as ByClass
    from .classes import by_class as by_class
    from .demo import demos as demos
    from .demo import load_demo as load_demo
    from .evaluation import evaluate as evaluate
    from .explainer import Explainer as Explainer
    from .fusion import Fusion as Fusion
    from .results import Explanation as Explanation
    from .scorecard import Evaluation as Evaluation
    from .soundness import Sanity as Sanity
    from .soundness import sanity as sanity
    from .widgets import Comparison as Comparison
    from .widgets import MarkWords as MarkWords
    from .widgets import PatchView as PatchView
    from .widgets import RelevanceFlow as RelevanceFlow
    from .widgets import RolloutView as RolloutView
    from .widgets import TokenView as TokenView
    from .widgets import Workbench as Workbench

_HOME = {
    "ByClass": "classes",
    "Check": "checks",
    "Comparison": "widgets",
    "Evaluation": "scorecard",
    "Explainer": "explainer",
    "Explanation": "results",
    "Fusion": "fusion",
    "MarkWords": "widgets",
    "PatchView": "widgets",
    "RelevanceFlow": "widgets",
    "RolloutView": "widgets",
    "Sanity": "soundness",
    "TokenView": "widgets",
    "Workbench": "widgets",
    "by_class": "classes",
    "demos": "demo",
    "evaluate": "evaluation",
    "load": "cache",
    "load_demo": "demo",
    "methods": "catalogue",
    "sanity": "soundness",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing the package costs next to nothing."""
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")


def __dir__() -> list[str]:
    return [*globals(), *_HOME]
