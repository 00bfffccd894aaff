"""See why a Transformer decided what it decided: signed relevance, layer by layer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .demo import demos as demos
    from .demo import load_demo as load_demo
    from .evaluation.check import Check as Check
    from .evaluation.evaluate import evaluate as evaluate
    from .evaluation.result import Evaluation as Evaluation
    from .evaluation.sanity import Sanity as Sanity
    from .evaluation.sanity import sanity as sanity
    from .explanation.by_class import ByClass as ByClass
    from .explanation.by_class import by_class as by_class
    from .explanation.explanation import Explanation as Explanation
    from .explanation.fusion import Fusion as Fusion
    from .explanation.methods import methods as methods
    from .explanation.serialization import load as load
    from .pipeline.explainer import Explainer as Explainer
    from .pipeline.explainer import explain as explain
    from .widgets import Comparison as Comparison
    from .widgets import MarkWords as MarkWords
    from .widgets import PatchView as PatchView
    from .widgets import RelevanceFlow as RelevanceFlow
    from .widgets import RolloutView as RolloutView
    from .widgets import TokenView as TokenView
    from .widgets import Workbench as Workbench

_HOME = {
    "ByClass": "explanation.by_class",
    "Check": "evaluation.check",
    "Comparison": "widgets",
    "Evaluation": "evaluation.result",
    "Explainer": "pipeline.explainer",
    "Explanation": "explanation.explanation",
    "Fusion": "explanation.fusion",
    "MarkWords": "widgets",
    "PatchView": "widgets",
    "RelevanceFlow": "widgets",
    "RolloutView": "widgets",
    "Sanity": "evaluation.sanity",
    "TokenView": "widgets",
    "Workbench": "widgets",
    "by_class": "explanation.by_class",
    "demos": "demo",
    "evaluate": "evaluation.evaluate",
    "explain": "pipeline.explainer",
    "load": "explanation.serialization",
    "load_demo": "demo",
    "methods": "explanation.methods",
    "sanity": "evaluation.sanity",
}

__all__ = sorted(_HOME)

_POINTERS = {
    "compare": "Comparison([one, other]) sets explanations side by side.",
    "explainer": "Explainer(model, tokenizer) makes one.",
    "from_pretrained": "Explainer.from_pretrained(name) loads a model and its tokenizer.",
    "plot": "An explanation draws itself: .show() live, .figure() for a paper.",
    "predict": "Explainer(model, tokenizer).predict(texts) is a table.",
    "save": "An explanation saves itself: .save(path); load(path) opens it.",
    "show": "An explanation shows itself: .show() live, .figure() for a paper.",
}
"""Names that are expected here, and what there is instead."""


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing the package costs next to nothing."""
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    pointer = f" {_POINTERS[name]}" if name in _POINTERS else ""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.{pointer}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
