"""Whether a score has kinks: along a path its gradients then jump, and integrals converge slowly.

Nothing is guessed from names of modules: what ran is read off the graph that autograd keeps.
"""

from __future__ import annotations

from torch import Tensor

_KINKED = (
    "Relu", "LeakyRelu", "PreluKernel", "RreluWithNoise", "Elu", "Celu", "Threshold", "Hardtanh",
    "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "Clamp", "Abs", "Maximum", "Minimum",
    "Max", "Min", "Amax", "Amin", "MaxPool2DWithIndices", "Median", "Kthvalue", "Topk", "Sort",
)  # fmt: skip
"""Torch's operations whose derivative is not continuous, as the nodes of its graph are called.

A clamp from below alone (``ClampMin``) keeps norms from zero, and is not met.
"""
_NAMES = {f"{name}Backward{number}" for name in _KINKED for number in ("", *range(4))}


def has_kinks(scores: Tensor) -> bool:
    """Whether an operation with a kink lies between a tensor and what it was made of."""
    seen, waiting = set(), [scores.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if type(node).__name__ in _NAMES:
            return True
        seen.add(node)
        waiting += [below for below, _ in node.next_functions]
    return False
