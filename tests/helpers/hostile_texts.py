"""Texts that no page, file or terminal should trust, and an explanation that is made of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</textarea><svg onload=alert(1)>",
    "</script>",
    "<!--",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "\u2066evil\u202c",
    "a\0b",
    "\x1b[2J\x07",
    "\ud800",
    "\u2028",
    '" onload="alert(1)',
    "&lt;b&gt;",
    "]]>",
    "$\\frac{",
    "x" * 10_000,
)
LONG = "The plot is thin, but the acting is superb, and so is the music of it."
"""Has a token for each of them."""


def hostile(explanation: Any) -> Any:
    """The explanation with these as tokens, text, class labels and descriptions."""
    count, classes = len(explanation.tokens), len(explanation.labels)
    tokens = [" ".join(HOSTILE[i % len(HOSTILE) :: count]) for i in range(count)]
    ends = np.cumsum([len(text) + 1 for text in tokens])
    return dataclasses.replace(
        explanation,
        text=" ".join(tokens),
        tokens=tuple(tokens),
        labels=HOSTILE[:classes],
        offsets=np.stack([ends - [len(text) + 1 for text in tokens], ends - 1], axis=1),
        word_ids=np.arange(count),
        special=np.zeros(count, bool),
        config={**explanation.config, "method": HOSTILE[1], "baselines": HOSTILE[0]},
    )
