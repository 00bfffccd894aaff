"""What one block adds, in both channels. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..explanation import fusion as fu

if TYPE_CHECKING:
    from ..explanation.explanation import Array, Explanation


def block(explanation: Explanation, b: int) -> Array:
    """(2, T, T) M_b of both channels; where the fusion is signed, its two halves."""
    only = slice(b, b + 1)
    matrices = fu.channels(
        explanation.layer_attributions[only], explanation.attention_relevance[only],
        explanation.layer_weights[only], explanation.fusion,
    )[:, 0]  # fmt: skip
    if len(matrices) == 2:
        return np.asarray(matrices)
    return np.stack([np.maximum(matrices[0], 0), np.maximum(-matrices[0], 0)])
