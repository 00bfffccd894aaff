"""The methods beside layer-wise Integrated Gradients, as pure functions with their sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .attribution import LayerIntegral, judged
from .quadrature import Quadrature, derivative, leja

PassageFn = Callable[[Tensor], Sequence[tuple[Tensor, Tensor]]]
"""Points at the embeddings -> for each layer (h_b, ∂f/∂h_b), each (points, tokens, hidden)."""

PREVIEW_NODES = 17


def conductance(
    passage: PassageFn,
    inputs: Tensor,
    baselines: Tensor,
    score_changes: npt.ArrayLike,
    *,
    n_steps: int | None = None,
    tolerance: float = 0.01,
    internal_batch_size: int = 16,
) -> list[LayerIntegral]:
    """Layer conductance of every layer from one path: the passes do not grow with the depth.

    The path is straight at the embeddings, h_0(a) = h'_0 + a (h_0 - h'_0), and what the network
    makes of it above: ``r_b[t] = Σ_d ∫ ∂f/∂h_b[t, d] · dh_b[t, d]/da da``. Every layer is
    complete. At the embeddings it equals layer-wise Integrated Gradients; above it follows
    states that some input has, and gives another answer. dh_b/da is that of the polynomial
    through the h_b at all nodes, so both factors are as exact as the nodes allow.

    Args:
        passage: The network, called with at most ``internal_batch_size`` points at a time.
        inputs: h_0, (tokens, hidden).
        baselines: h'_0, same shape.
        score_changes: (L + 1,) f(x) - f(x') for each layer.
        n_steps: Nodes; 17 by default, for a preview. The states of all of them are held.
        tolerance: Relative; what the verdict is about.
        internal_batch_size: Points in one pass.

    Returns:
        L + 1 integrals, in units of the score.

    Raises:
        ValueError: If ``n_steps`` is below 2.

    Source:
        Dhamdhere, Sundararajan & Yan (2018), arXiv:1805.12233, eq. 4; Shrikumar et al. (2018),
        arXiv:1807.09946, for the path integral.
    """
    rule = leja(PREVIEW_NODES if n_steps is None else n_steps)
    delta = inputs - baselines
    batches = []
    for start in range(0, len(rule.nodes), internal_batch_size):
        alphas = torch.tensor(rule.nodes[start : start + internal_batch_size]).to(delta)
        batches.append(passage(baselines + alphas[:, None, None] * delta))
    changes = np.asarray(score_changes, dtype=np.float64).tolist()
    shorter = leja(max(2, len(rule.nodes) // 2 + 1))
    integrals = []
    for layer, change in enumerate(changes):
        hidden, gradients = (torch.cat([b[layer][side] for b in batches]) for side in (0, 1))
        now, before = (_integrated(part, hidden, gradients) for part in (rule, shorter))
        integrals.append(judged(now, before, len(rule.nodes), change, tolerance))
    return integrals


def _integrated(rule: Quadrature, hidden: Tensor, gradients: Tensor) -> npt.NDArray[np.float64]:
    """Σ_d ∫ g · dh by a rule whose nodes are the first of those that were evaluated."""
    n = len(rule.nodes)
    moved = torch.tensordot(torch.tensor(derivative(rule.nodes)).to(hidden), hidden[:n], dims=1)
    products = (gradients[:n] * moved).sum(dim=-1, dtype=torch.float64)
    return np.asarray(rule.weights @ products.cpu().numpy())
