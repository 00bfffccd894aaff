"""What an explanation says about a question; the twin of question.js. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation


def answers(explanation: Explanation, target: int, contrast: int | None) -> int:
    """What an explanation says about a question: 1 answers it, -1 mirrored, 0 does not."""
    own = explanation
    if (target, contrast) == (own.target, own.contrast):
        return 1
    if not own.config.get("antisymmetric", False):
        return 0
    if own.contrast is not None:
        return -1 if (target, contrast) == (own.contrast, own.target) else 0
    return -1 if len(own.labels) == 2 and (target, contrast) == (1 - own.target, None) else 0
