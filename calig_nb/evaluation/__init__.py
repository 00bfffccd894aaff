"""Whether to trust an explanation: faithfulness, plausibility, sanity, one check."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {"Check": "check", "Evaluation": "result", "METRICS": "metrics", "Sanity": "sanity"}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Load a name on first use: results and metrics are wanted where torch is not."""
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")
