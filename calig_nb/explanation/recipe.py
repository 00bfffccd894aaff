"""How an explanation was made, in words, as every picture says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def recipe(config: Mapping[str, Any]) -> str:
    """As in: CA-LIG of the logit against [PAD], layer weights from 8 texts of this model."""
    method, output, baseline, weights = (
        str(config.get(name) or "") for name in ("method", "output", "baselines", "calibration")
    )
    weights = weights.removeprefix(f"{method}: ")
    made = method.upper() if method == "ca-lig" else method
    against = baseline[:24] if baseline != "none" else ""
    parts = (made, output and f"of the {output}", against and f"against {against}")
    windows = config.get("windows")
    mean = windows and f"mean of {windows} windows"
    return ", ".join(filter(None, (" ".join(filter(None, parts)), mean, weights)))
