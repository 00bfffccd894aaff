"""Points in a model's hidden states, and what it is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor


class Points(NamedTuple):
    """Points in the hidden states of several layers, which share one pass.

    Attributes:
        hidden: Layer -> (points, tokens, hidden), the lowest layer first.
        items: (all points,) the input whose mask and positions each goes with, in that order.
    """

    hidden: Mapping[int, Tensor]
    items: Tensor


GradientFn = Callable[[Points], Mapping[int, Tensor]]
"""Points -> layer -> ∂score/∂hidden states, (targets, points, tokens, hidden)."""

ScoreFn = Callable[[Tensor, Tensor], Tensor]
"""Logits (rows, classes) and each row's item (rows,) -> scores (rows, targets); differentiable."""
