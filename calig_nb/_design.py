"""What Python's figures and the browser's views share; both read ``_design.json``.

In a sentence ``{name}`` is a place to fill, and what stands between stars is bold.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_DESIGN = json.loads(Path(__file__).with_name("_design.json").read_text("utf-8"))

COLOURS: dict[str, dict[str, str]] = _DESIGN["colours"]
"""Of each theme, by role."""
FORMATS: dict[str, Any] = _DESIGN["formats"]
"""How numbers and names are printed."""
SIZES: dict[str, dict[str, Any]] = _DESIGN["sizes"]
"""Lengths in px, shares and counts, by what is drawn."""
SENTENCES: dict[str, dict[str, Any]] = _DESIGN["sentences"]
"""Templates by what is told."""
