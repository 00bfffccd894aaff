"""Layer conductance: all layers from one path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from ..models.block_model import BlockModel
from ..models.memory import Budget
from .ca_lig import trace_paths
from .evidence import Batch, Evidence
from .integrated_gradients import LayerIntegral, SumFn, judge_integral, keep_tokens
from .quadrature import Quadrature, derivative, nested_rule

PassageFn = Callable[[Tensor], Sequence[tuple[Tensor, Tensor]]]
"""Points at the embeddings -> for each layer h_b, (points, tokens, hidden), and ∂f/∂h_b, (targets,
points, tokens, hidden)."""

PassageEnds = Sequence[tuple[Tensor, Tensor]]
"""The same for two points, the input and the baseline."""

PREVIEW_NODES = 9


def integrate_conductance(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """Layer conductance of every layer, with attention relevance."""
    paths = trace_paths(model, batch, budget)
    n_items, trace, request = len(paths.targets), paths.trace, batch.request
    n_layers = len(paths.inputs)
    # The one path starts at the embeddings, whatever the layer.
    below = paths.baseline_scores[..., :1].repeat(n_layers, -1)
    free = None if paths.free_scores is None else paths.free_scores[..., :1].repeat(n_layers, -1)
    paths = replace(paths, baseline_scores=below, free_scores=free)
    found = []
    for i in range(n_items):
        ends = [
            (h[i::n_items], g[:, i::n_items])  # the item's row and its baseline's
            for h, g in zip(trace.hidden_states, trace.hidden_gradients, strict=True)
        ]
        integrals = conductance(
            partial(model.passage, batch.inputs, item=i, score=paths.score),
            paths.inputs[0][i],
            paths.baselines[0][i],
            paths.score_changes[i],
            ends=ends if paths.traces_baselines else None,
            n_steps=request.fixed_steps,
            tolerance=request.tolerance,
            internal_batch_size=paths.points_in_pass,
            summed=trace.cells.of_tokens,
            kinks=model.has_kinks,
        )
        found.append(integrals)
    return paths.evidence(found, range(len(paths.inputs)))


def conductance(
    passage: PassageFn,
    inputs: Tensor,
    baselines: Tensor,
    score_changes: Array,
    *,
    ends: PassageEnds | None = None,
    n_steps: int | None = None,
    tolerance: float = 0.01,
    internal_batch_size: int = 16,
    summed: SumFn = keep_tokens,
    kinks: bool = False,
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
        score_changes: (targets, L + 1) f(x) - f(x') for each layer.
        ends: What the passage of the input and of the baseline is, where it is known already.
        n_steps: Nodes; 9 by default, for a preview. The states of all of them are held.
        tolerance: Relative; what the verdict is about.
        internal_batch_size: Points in one pass.
        summed: What a layer's tokens are summed in; the error is that of the sums.
        kinks: Whether the gradients may jump along the path, as behind a ReLU.

    Returns:
        L + 1 integrals, in units of the score.

    Raises:
        ValueError: If ``n_steps`` is below 2.

    Source:
        Dhamdhere, Sundararajan & Yan (2018), arXiv:1805.12233, eq. 4; Shrikumar et al. (2018),
        arXiv:1807.09946, for the path integral.
    """
    rule = nested_rule(PREVIEW_NODES if n_steps is None else n_steps)
    delta = inputs - baselines
    batches = [] if ends is None else [ends]
    for start in range(0 if ends is None else 2, len(rule.nodes), internal_batch_size):
        alphas = torch.tensor(rule.nodes[start : start + internal_batch_size]).to(delta)
        batches.append(passage(baselines + alphas[:, None, None] * delta))
    n = len(rule.nodes)
    rules = [nested_rule(max(2, n // part + 1), kinks) for part in (4, 2)]
    rules.append(nested_rule(n, kinks))
    integrals = []
    for layer in range(len(batches[0])):
        hidden = torch.cat([batch[layer][0] for batch in batches])
        gradients = torch.cat([batch[layer][1] for batch in batches], dim=1)
        own = partial(summed, layer)
        met = [_along_states(part, hidden, gradients, own) for part in rules]
        values = [np.tensordot(part.weights, f, 1) for part, f in zip(rules, met, strict=True)]
        jumping = met[-1] if kinks else None
        integrals.append(judge_integral(values, n, score_changes[:, layer], tolerance, jumping))
    return integrals


def _along_states(
    rule: Quadrature, hidden: Tensor, gradients: Tensor, summed: Callable[[Tensor], Tensor]
) -> Array:
    """(nodes, targets, cells) Σ_d g · dh/da at a rule's nodes, the first that were evaluated."""
    n = len(rule.nodes)
    moved = torch.tensordot(torch.tensor(derivative(rule.nodes)).to(hidden), hidden[:n], dims=1)
    products = summed((gradients[:, :n] * moved).sum(dim=-1, dtype=torch.float64))
    return np.asarray(products.swapaxes(0, 1).cpu().numpy())
