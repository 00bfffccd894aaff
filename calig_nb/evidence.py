"""What one model says about one input for one target: both signals of CA-LIG, with their error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .attribution import LayerIntegral, attention_relevance, layer_integrated_gradients
from .fusion import Array
from .kernels import fast_matmul
from .methods import conductance
from .models import BlockModel, Trace
from .request import Request
from .targets import Target

Inputs = Mapping[str, Tensor]

EAGER_TOKENS = 512
"""Beyond so many tokens the matrices of written-out attention take more memory than they save."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The two signals, and the scores they are about.

    Attributes:
        score: f(x).
        baseline_scores: (L + 1,) f(x') for each layer.
        integrals: L + 1 layers of r_b, with their error.
        attention_relevance: (L, T, T) G_b.
    """

    score: float
    baseline_scores: Array
    integrals: list[LayerIntegral]
    attention_relevance: Array


def gather(
    model: BlockModel,
    own: Inputs,
    baseline: Inputs | None,
    target: Target,
    request: Request,
    batch_tokens: int,
) -> Evidence:
    """Both signals of one input. Where a pass does not fit into memory its batch is halved.

    Args:
        model: The model, undisturbed.
        own: The input, one row.
        baseline: Its baseline, one row; None where ``request`` asks for hidden states.
        target: The explained score.
        request: Method, nodes and tolerance.
        batch_tokens: Most tokens in one pass.
    """
    short = next(iter(own.values())).shape[-1] <= EAGER_TOKENS
    with ExitStack() as stack:
        if stack.enter_context(fast_matmul(*model.placement)) and short:
            stack.enter_context(model.eager_attention())
        rows = own if baseline is None else _stacked(own, baseline)
        trace = model.trace(rows, target.score)
        return _read(model, own, trace, target, request, batch_tokens)


def _stacked(own: Inputs, baseline: Inputs) -> Inputs:
    return {name: torch.cat([value, baseline[name]]) for name, value in own.items()}


def _read(
    model: BlockModel,
    own: Inputs,
    trace: Trace,
    target: Target,
    request: Request,
    batch_tokens: int,
) -> Evidence:
    """The evidence that follows from the trace of an input and, where it has one, its baseline."""
    scores = target.score(trace.logits).tolist()
    ends = None
    if len(trace.logits) == 1:
        starts, baseline_scores = _hidden_baseline(model, own, trace, target, request)
    else:
        starts = [hidden[1] for hidden in trace.hidden_states]
        baseline_scores = np.full(len(starts), scores[1])
        ends = [(g[0], g[1]) for g in trace.hidden_gradients]
    inputs = [hidden[0] for hidden in trace.hidden_states]
    if request.method == "conductance":  # its one path starts at the embeddings
        baseline_scores = np.full_like(baseline_scores, baseline_scores[0])
    changes = scores[0] - baseline_scores
    batch = max(1, batch_tokens // inputs[0].shape[0])
    if request.method == "conductance":
        integrals = conductance(
            lambda points: model.passage(own, points, target.score),
            inputs[0],
            starts[0],
            changes,
            n_steps=request.fixed_steps,
            tolerance=request.tolerance,
            internal_batch_size=batch,
        )
    else:
        integrals = layer_integrated_gradients(
            lambda layer, points: halving(
                lambda part: model.gradient(own, layer, part, target.score), points
            ),
            inputs,
            starts,
            changes,
            ends=ends,
            n_steps=request.fixed_steps,
            tolerance=request.tolerance,
            internal_batch_size=batch,
        )
    pairs = zip(trace.attentions, trace.attention_gradients, strict=True)
    relevance = torch.stack([attention_relevance(a[0], g[0]) for a, g in pairs])
    return Evidence(scores[0], baseline_scores, integrals, relevance.double().cpu().numpy())


def halving(run: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """``run(points)``, in two halves (and those in two) where memory does not suffice.

    Raises:
        torch.cuda.OutOfMemoryError: If a single point does not fit.
    """
    try:
        return run(points)
    except torch.cuda.OutOfMemoryError:
        if len(points) == 1:
            raise
    torch.cuda.empty_cache()
    middle = len(points) // 2
    return torch.cat([halving(run, points[:middle]), halving(run, points[middle:])])


def _hidden_baseline(
    model: BlockModel, own: Inputs, trace: Trace, target: Target, request: Request
) -> tuple[list[Tensor], Array]:
    """h'_b and f(x') for every layer, of a baseline that no input has."""
    warnings.warn(
        f"baselines={request.baselines!r} are hidden states that no input has: f(x') differs "
        "from layer to layer, and near zero LayerNorm is almost singular, so integrals "
        "converge slowly. Use 'pad' or 'mask' unless this is what you study.",
        stacklevel=8,
    )
    hidden = [h[0] for h in trace.hidden_states]
    if request.hidden_baseline == "zero":
        starts = [torch.zeros_like(h) for h in hidden]
    else:
        starts = [h.mean(dim=0, keepdim=True).expand_as(h) for h in hidden]
    with torch.no_grad():
        logits = [model.replay(own, b, start[None]) for b, start in enumerate(starts)]
    return starts, np.array([target.score(row).item() for row in logits])
