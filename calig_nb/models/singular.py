"""Whether a path starts where the first norm of a model is singular.

A norm divides by the spread of a token's features. Where a padding row was never trained and no
positions are added, a baseline enters as zero vectors: there gradients are thousands of times those
at any text, and the integral is about that point, not about the text.
"""

from __future__ import annotations

from torch import Tensor

SINGULAR = 0.01
"""Of the spread that a token of the text has, less is too near to the singularity."""


def starts_singular(states: Tensor, baselines: Tensor) -> bool:
    """Whether a token of the baseline has nearly no spread over its features.

    Args:
        states: (tokens, hidden) what enters the first block for an input.
        baselines: The same for its baseline; tokens that are alike in both are left aside.
    """
    replaced = (states != baselines).any(dim=-1)
    if not replaced.any():
        return False
    own, start = (h[replaced].double().std(dim=-1, correction=0) for h in (states, baselines))
    return bool((start < SINGULAR * own.median()).any())
