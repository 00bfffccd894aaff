"""The methods beside layer-wise Integrated Gradients, as pure functions with their sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .attribution import LADDER, MAX_NODES, Array, LayerIntegral, judged
from .quadrature import gauss_legendre, leja

TangentsFn = Callable[[Tensor, Tensor], Sequence[tuple[Tensor, Tensor]]]
"""(points, their direction) at the embeddings -> for each layer (∂f/∂h, ∂h/∂a), same batch."""


def conductance(
    tangents: TangentsFn,
    inputs: Tensor,
    baselines: Tensor,
    score_changes: npt.ArrayLike,
    *,
    n_steps: int | None = None,
    tolerance: float = 0.01,
    max_nodes: int = MAX_NODES,
    internal_batch_size: int = 16,
) -> list[LayerIntegral]:
    """Layer conductance of every layer from one path: the cost does not depend on the depth.

    The path is straight at the embeddings, h_0(a) = h'_0 + a (h_0 - h'_0), and what the network
    makes of it above: ``r_b[t] = Σ_d ∫ ∂f/∂h_b[t, d] · dh_b[t, d]/da da``. Every layer is
    complete. At the embeddings it equals layer-wise Integrated Gradients; above it follows
    states that some input has, and gives another answer. dh_b/da is exact (forward-mode).

    Args:
        tangents: The network along the path, at most ``internal_batch_size`` points at a time.
        inputs: h_0, (tokens, hidden).
        baselines: h'_0, same shape.
        score_changes: (L + 1,) f(x) - f(x') for each layer.
        n_steps: A fixed number of Gauss-Legendre nodes; None refines until all layers are within
            ``tolerance``, as :func:`~calig_nb.attribution.layer_integrated_gradients` does.
        tolerance: Relative.
        max_nodes: Where refinement gives up.
        internal_batch_size: Points in one pass.

    Returns:
        L + 1 integrals, in units of the score.

    Source:
        Dhamdhere, Sundararajan & Yan (2018), arXiv:1805.12233, eq. 4; Shrikumar et al. (2018),
        arXiv:1807.09946, for the path integral.
    """
    changes = np.asarray(score_changes, dtype=np.float64)
    delta = inputs - baselines
    values: list[Array] = []  # one (layers, tokens) for each node

    def integrated(nodes: Array, weights: Array) -> Array:
        new = nodes[len(values) :]
        for start in range(0, len(new), internal_batch_size):
            alphas = torch.tensor(new[start : start + internal_batch_size]).to(delta)
            points = baselines + alphas[:, None, None] * delta
            pairs = tangents(points, delta.expand_as(points))
            products = [(g * dh).sum(dim=-1, dtype=torch.float64) for g, dh in pairs]
            values.extend(torch.stack(products, dim=1).cpu().numpy())
        return np.tensordot(weights, np.stack(values[: len(nodes)]), axes=1)

    if n_steps is not None:
        fixed = integrated(*gauss_legendre(n_steps))
        scale = tolerance * np.abs(changes)
        done = np.abs(fixed.sum(axis=1) - changes) <= scale
        rows = zip(fixed, done.tolist(), strict=True)
        return [LayerIntegral(row, n_steps, np.nan, right) for row, right in rows]
    rung = 0
    while True:
        rung += 1
        size = LADDER[rung]
        now, before = integrated(*leja(size)), integrated(*leja(LADDER[max(0, rung - 2)]))
        pairs = zip(now, before, changes.tolist(), strict=True)
        layers = [judged(n, b, size, change, tolerance) for n, b, change in pairs]
        last = rung + 1 == len(LADDER) or LADDER[rung + 1] > max_nodes
        if last or all(layer.converged for layer in layers):
            return layers
