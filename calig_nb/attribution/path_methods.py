"""What one model says about a few inputs: both signals of CA-LIG, with their error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._arrays import Array
from .._validation import warn_user
from ..explanation.methods import METHODS
from ..models import blocks
from ..models.attention import KeepHeads
from ..models.block_model import BlockModel
from ..models.kernels import UnfusedAttention, fast_matmul
from ..models.memory import Budget
from ..models.trace import Trace
from .conductance import conductance
from .integrated_gradients import LayerIntegral, Points, layer_integrated_gradients
from .mixed_precision import rounded
from .request import Request
from .scores import Target, scored

FAST_WORK = 3e7
"""Weights of a block, times tokens, below which the fast kernel loses more on shapes that are new
to it than it gains: some ninety tokens at 192 wide, seventeen at 384 wide."""

Inputs = Mapping[str, Tensor]
Relevance = npt.NDArray[np.float32]
Choose = Callable[[Tensor], Sequence[Sequence[Target]]]
"""Logits of inputs -> the targets of each, as many for each."""

SHORT = 512
"""Beyond so many tokens the matrices of written-out attention take more memory than they save."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The two signals for one input and one target, and the scores they are about.

    Attributes:
        target: The explained score.
        score: f(x).
        baseline_scores: (L + 1,) f(x') for each layer.
        layer_attributions: (L + 1, T) r_b.
        attention_relevance: (L, T, T) G_b.
        n_steps: (L + 1,) gradients evaluated.
        token_error: (L + 1,) estimated relative error of the token values.
        converged: (L + 1,) whether the tolerance was met.
        more: What else was found, by name.
    """

    target: Target
    score: float
    baseline_scores: Array
    layer_attributions: Array
    attention_relevance: Relevance
    n_steps: npt.NDArray[np.int64]
    token_error: Array
    converged: npt.NDArray[np.bool_]
    more: Mapping[str, float] = field(default_factory=dict)


def gather(
    model: BlockModel,
    own: Inputs,
    baselines: Inputs | None,
    choose: Choose,
    request: Request,
    budget: Budget,
) -> list[list[Evidence]]:
    """Both signals of a few inputs of one length; for each input, those of its targets.

    Args:
        model: The model, undisturbed.
        own: The inputs, a row each.
        baselines: Their baselines, a row each; None where ``request`` asks for hidden states.
        choose: Given the inputs' logits, the targets of each; as many for each.
        request: Method, nodes and tolerance.
        budget: How much may be in flight.
    """
    with fastest_kernels(model, own):
        trace, targets = trace_of(model, own, baselines, choose)
        refuse_stages(model, own, trace)
        if METHODS[request.method].fused:
            _refuse_windows(trace)
        return _read(model, own, trace, targets, request, budget)


def trace_of(
    model: BlockModel,
    own: Inputs,
    baselines: Inputs | None,
    choose: Choose,
    keep: KeepHeads | None = None,
) -> tuple[Trace, Sequence[Sequence[Target]]]:
    """The trace of a few inputs for the targets that are chosen by their logits, and these."""
    targets: list[Sequence[Target]] = []

    def score_of(logits: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        targets[:] = choose(logits)
        return scored(targets)

    return model.trace(own, baselines, score_of, keep=keep, frugal=not short(model, own)), targets


def short(model: BlockModel, own: Inputs) -> bool:
    """Whether attention matrices may be written out."""
    return n_tokens(model, own) <= SHORT


def n_tokens(model: BlockModel, own: Inputs) -> int:
    """How many enter the first block."""
    value = next(iter(own.values()))
    if value.ndim == 2:
        return value.shape[1]
    return blocks.entering_state(model.find(own), partial(model.predict, own)).shape[1]


def refuse_stages(model: BlockModel, own: Inputs, trace: Trace) -> None:
    """An explanation has one value for each token in each layer: none may be merged on the way.

    Raises:
        ValueError: If the layers have different numbers of tokens.
    """
    lengths = [hidden.shape[1] for hidden in trace.hidden_states]
    if len(set(lengths)) > 1 and trace.cells.grid is None:
        last = model.find(own)[-1]
        path = next((n for n, m in model.model.named_modules() if m is last), "path.to.stage")
        raise ValueError(
            "model must have the same tokens in every layer, or tell each block the grid (rows, "
            f"columns) that its tokens fill as Swin does, got {lengths} tokens. Explain its "
            f'last stage, the blocks that run there: Explainer(..., blocks="{path}.blocks").'
        )


def _refuse_windows(trace: Trace) -> None:
    n = trace.n_tokens
    for shape in (relevance.shape for relevance in trace.attention_relevance):
        if shape[-2:] != (n, n):
            raise ValueError(
                f"model must attend from all {n} tokens to all, but in windows that cannot be told "
                f"it attends from {shape[-2]} to {shape[-1]}. Use method='layer-ig', which needs "
                "no attention."
            )


@contextmanager
def fastest_kernels(model: BlockModel, own: Inputs) -> Iterator[None]:
    """The fastest kernels for this model and inputs of this length."""
    work = model.block_size(own) * n_tokens(model, own)
    with ExitStack() as stack:
        fast = work >= FAST_WORK and stack.enter_context(fast_matmul(*model.placement))
        if fast and short(model, own):
            stack.enter_context(UnfusedAttention())
        yield


def _read(
    model: BlockModel,
    own: Inputs,
    trace: Trace,
    targets: Sequence[Sequence[Target]],
    request: Request,
    budget: Budget,
) -> list[list[Evidence]]:
    """The evidence that follows from the trace of inputs and, where they have them, baselines."""
    n_items, score = len(targets), scored(targets)
    last = len(trace.hidden_states) - 1
    layers = (0, last) if request.method == "ig" else tuple(range(last + 1))
    if METHODS[request.method].fused:
        relevance = _relevance(trace, n_items, len(targets[0]))
    else:
        n = trace.n_tokens
        zeros = np.broadcast_to(np.float32(0), (len(layers) - 1, n, n))
        relevance = [[zeros] * len(targets[0]) for _ in range(n_items)]
    held = sum(array.nbytes for one in relevance for array in one if array.strides[0])
    held += sum(tensor.nbytes for tensor in (*trace.hidden_states, *trace.hidden_gradients))
    budget = budget.less(held)
    inputs = [hidden[:n_items] for hidden in trace.hidden_states]
    scores = trace.scores[:n_items].double().cpu().numpy()
    if with_baselines := len(trace.logits) > n_items:
        starts = [hidden[n_items:] for hidden in trace.hidden_states]
        below = trace.scores[n_items:].double().cpu().numpy()[..., None].repeat(len(starts), -1)
    else:
        starts, below = _hidden_baselines(model, own, inputs, score, request)
    if request.method == "conductance":  # its one path starts at the embeddings
        below = below[..., :1].repeat(len(starts), -1)
    changes = scores[..., None] - below
    batch = budget.max_points(trace.row_bytes, inputs[0].shape[1], model.placement[1])
    found: list[list[LayerIntegral]]
    if request.method == "conductance":
        found = []
        for i in range(n_items):
            known = [
                (h[i::n_items], g[:, i::n_items])
                for h, g in zip(trace.hidden_states, trace.hidden_gradients, strict=True)
            ]
            one = conductance(
                partial(model.passage, own, item=i, score=score),
                inputs[0][i],
                starts[0][i],
                changes[i],
                ends=known if with_baselines else None,
                n_steps=request.fixed_steps,
                tolerance=request.tolerance,
                internal_batch_size=batch,
                summed=trace.cells.of_tokens,
            )
            found.append(one)
    else:
        ends = [(g[:, :n_items], g[:, n_items:]) for g in trace.hidden_gradients]
        frugal, summed = budget.is_exceeded_by(trace.row_bytes), trace.cells.of_tokens
        gradients = partial(model.gradients, own, score=score, frugal=frugal)
        integrate = partial(
            layer_integrated_gradients,
            inputs=inputs,
            baselines=starts,
            score_changes=changes,
            ends=ends if with_baselines else None,
            n_steps=request.fixed_steps,
            tolerance=request.tolerance,
            internal_batch_size=batch,
            apart=not model.joins,
            layers=layers,
            summed=summed,
        )
        if request.precision == "bfloat16" and len(layers) == len(inputs):
            apart = not model.joins
            found = rounded(integrate, gradients, inputs, starts, request.tolerance, apart, summed)
        else:
            found = integrate(gradients)
    return [
        [
            Evidence(
                target,
                float(scores[i, k]),
                below[i, k, list(layers)],
                np.stack([integral.attributions[k] for integral in found[i]]),
                relevance[i][k],
                np.array([integral.n_steps for integral in found[i]]),
                np.array([integral.token_error[k] for integral in found[i]]),
                np.array([integral.converged[k] for integral in found[i]]),
            )
            for k, target in enumerate(targets[i])
        ]
        for i in range(n_items)
    ]


def _relevance(trace: Trace, n_items: int, n_targets: int) -> list[list[Relevance]]:
    """For each item and target (L, T, T), moved out of the trace layer by layer: it may be large.

    Read-only, so that nobody needs a copy of it.
    """
    n_layers, shape = len(trace.attention_relevance), trace.attention_relevance[0].shape[2:]
    found = [
        [np.empty((n_layers, *shape), dtype=np.float32) for _ in range(n_targets)]
        for _ in range(n_items)
    ]
    for layer in range(n_layers):
        matrices = trace.attention_relevance.pop(0)
        for item, targets in enumerate(found):
            for target, array in enumerate(targets):
                array[layer] = matrices[target, item].float().cpu().numpy()
    for targets in found:
        for array in targets:
            array.setflags(write=False)
    return found


def _hidden_baselines(
    model: BlockModel,
    own: Inputs,
    inputs: Sequence[Tensor],
    score: Callable[[Tensor, Tensor], Tensor],
    request: Request,
) -> tuple[list[Tensor], Array]:
    """h'_b and (items, targets, L + 1) f(x') of a baseline that no input has."""
    warn_user(
        f"baselines={request.baselines!r} are hidden states that no input has: f(x') differs "
        "from layer to layer, and near zero LayerNorm is almost singular, so integrals "
        "converge slowly. Use 'pad' or 'mask' unless this is what you study."
    )
    if request.hidden_baseline == "zero":
        starts = [torch.zeros_like(h) for h in inputs]
    else:
        starts = [h.mean(dim=1, keepdim=True).expand_as(h) for h in inputs]
    items = torch.arange(len(inputs[0]))
    with torch.no_grad():
        logits = [model.replay(own, Points({b: h}, items)) for b, h in enumerate(starts)]
        below = torch.stack([score(row, items) for row in logits], dim=-1)
    return starts, below.double().cpu().numpy()
