"""The methods that integrate gradients along straight paths, from what they start and where to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from .._validation import warn_user
from ..explanation.methods import METHODS
from ..models.block_model import BlockModel, Trace
from ..models.memory import Budget
from ..models.points import Points, ScoreFn
from ..models.singular import starts_singular
from .evidence import Batch, Evidence, Relevance, Targets, trace_batch
from .integrated_gradients import LayerIntegral, layer_integrated_gradients
from .mixed_precision import integrate_in_bfloat16
from .request import score_function


def integrate_layers(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """Layer-wise Integrated Gradients, with attention relevance where the method has it.

    Serves ``ca-lig``, ``layer-ig``, and ``ig``, which keeps the embeddings and the last layer.
    """
    paths = trace_paths(model, batch, budget)
    request, last = batch.request, len(paths.inputs) - 1
    layers = (0, last) if request.method == "ig" else tuple(range(last + 1))
    n_items = len(paths.targets)
    ends = [(g[:, :n_items], g[:, n_items:]) for g in paths.trace.hidden_gradients]
    summed = paths.trace.cells.of_tokens
    gradients = partial(model.gradients, batch.inputs, score=paths.score, frugal=paths.frugal)
    integrate = partial(
        layer_integrated_gradients,
        inputs=paths.inputs,
        baselines=paths.baselines,
        score_changes=paths.score_changes,
        ends=ends if paths.traces_baselines else None,
        n_steps=request.fixed_steps,
        tolerance=request.tolerance,
        max_nodes=request.max_nodes,
        internal_batch_size=paths.points_in_pass,
        apart=not model.joins,
        layers=layers,
        summed=summed,
        kinks=model.has_kinks,
    )
    if request.precision == "bfloat16" and len(layers) == len(paths.inputs):
        found = integrate_in_bfloat16(
            integrate, gradients, paths.inputs, paths.baselines, request.tolerance,
            not model.joins, summed, request.max_nodes,
        )  # fmt: skip
    else:
        found = integrate(gradients)
    return paths.evidence(found, layers)


@dataclass(frozen=True, eq=False)
class Paths:
    """The straight paths of a batch in every layer's hidden state, traced at their ends.

    Attributes:
        method: Whose paths they are.
        trace: Of the inputs and, where they have any, of their baselines.
        targets: For each item its targets.
        score: The targets' scores as a function of logits.
        inputs: h_b for b = 0 ... L, each (items, tokens, hidden).
        baselines: h'_b, same shapes.
        scores: (items, targets) f(x).
        baseline_scores: (items, targets, L + 1) f(x').
        relevance: For each item and target (L, T, T) G_b; None for a method without.
        points_in_pass: How many points may share a pass.
        frugal: Whether not even one fits, so that blocks are computed again.
        free_scores: (items, targets, L + 1) f(x') where the baseline chooses its own experts;
            None of a model that chooses none.
        holds: Whether f has the input's choice all along the path.
    """

    method: str
    trace: Trace
    targets: Targets
    score: ScoreFn
    inputs: Sequence[Tensor]
    baselines: Sequence[Tensor]
    scores: Array
    baseline_scores: Array
    relevance: Sequence[Sequence[Relevance]] | None
    points_in_pass: int
    frugal: bool
    free_scores: Array | None = None
    holds: bool = False

    @property
    def score_changes(self) -> Array:
        """(items, targets, L + 1) f(x) - f(x')."""
        return np.asarray(self.scores[..., None] - self.baseline_scores)

    @property
    def traces_baselines(self) -> bool:
        """Whether the baselines are inputs too, so that both ends of the paths were traced."""
        return len(self.trace.logits) > len(self.targets)

    @property
    def without_attention(self) -> Sequence[int]:
        """The blocks without, for a method that asks for it."""
        if not METHODS[self.method].fused:
            return ()
        return tuple(sorted({*range(len(self.inputs) - 1)} - {*self.trace.attending}))

    def evidence(
        self, integrals: Sequence[Sequence[LayerIntegral]], layers: Sequence[int]
    ) -> list[list[Evidence]]:
        """For each item and target the evidence that its integrals, one a layer, give."""
        n = self.trace.n_tokens
        zeros = np.broadcast_to(np.float32(0), (len(layers) - 1, n, n))
        return [
            [
                Evidence(
                    target,
                    self.trace.logits[i],
                    float(self.scores[i, k]),
                    self.baseline_scores[i, k, list(layers)],
                    np.stack([integral.attributions[k] for integral in own]),
                    zeros if self.relevance is None else self.relevance[i][k],
                    np.array([integral.n_steps for integral in own]),
                    np.array([integral.token_error[k] for integral in own]),
                    np.array([integral.converged[k] for integral in own]),
                    without_attention=self.without_attention,
                    routing=self._routing(i, k, own, layers),
                    singular=self.traces_baselines
                    and starts_singular(self.inputs[0][i], self.baselines[0][i]),
                )
                for k, target in enumerate(self.targets[i])
            ]
            for i, own in enumerate(integrals)
        ]

    def _routing(
        self, i: int, k: int, integrals: Sequence[LayerIntegral], layers: Sequence[int]
    ) -> Array | None:
        """(layers,) what the choice of experts brings to the change of an item's score."""
        if self.free_scores is None:
            return None
        change = self.scores[i, k] - self.free_scores[i, k, list(layers)]
        if self.holds:
            return np.asarray(change - self.score_changes[i, k, list(layers)])
        return np.asarray(change - [integral.attributions[k].sum() for integral in integrals])


def trace_paths(model: BlockModel, batch: Batch, budget: Budget) -> Paths:
    """The paths of a batch, from a trace of its inputs and, where they have them, baselines.

    Raises:
        ValueError: As :func:`calig_nb.attribution.evidence.trace_batch`, or if the method needs
            attention of every token to every token and the model has another.
    """
    trace, targets = trace_batch(model, batch)
    n_items, score = len(targets), score_function(targets)
    relevance = None
    if METHODS[batch.request.method].fused and not trace.attending:
        warn_user(
            "model has no attention matrix that carries a gradient in any of its blocks: "
            f"method={batch.request.method!r} shows the relevance of its layers alone. Where it "
            "attends, load it with attn_implementation='eager'; method='layer-ig' needs none."
        )
    elif METHODS[batch.request.method].fused:
        _refuse_windows(trace)
        relevance = _take_relevance(trace, n_items, len(targets[0]))
    kept = sum(array.nbytes for one in relevance or () for array in one)
    kept += sum(tensor.nbytes for tensor in (*trace.hidden_states, *trace.hidden_gradients))
    inputs = [hidden[:n_items] for hidden in trace.hidden_states]
    if len(trace.logits) > n_items:
        starts = [hidden[n_items:] for hidden in trace.hidden_states]
        below = trace.scores[n_items:].double().cpu().numpy()[..., None].repeat(len(starts), -1)
    else:
        starts, below = _hidden_baselines(model, batch, inputs, score)
    free, holds = None, model.routes and batch.request.routing == "held"
    if model.routes:
        free = _free_scores(model, batch, starts, score, below) if holds else below
    budget = budget.less(kept)
    return Paths(
        batch.request.method,
        trace,
        targets,
        score,
        inputs,
        starts,
        trace.scores[:n_items].double().cpu().numpy(),
        below,
        relevance,
        budget.max_points(trace.row_bytes, inputs[0].shape[1], model.placement[1]),
        budget.is_exceeded_by(trace.row_bytes),
        free,
        holds,
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


def _take_relevance(trace: Trace, n_items: int, n_targets: int) -> list[list[Relevance]]:
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
    model: BlockModel, batch: Batch, inputs: Sequence[Tensor], score: ScoreFn
) -> tuple[list[Tensor], Array]:
    """h'_b and (items, targets, L + 1) f(x') of a baseline that no input has."""
    request = batch.request
    warn_user(
        f"baselines={request.baselines!r} are hidden states that no input has: f(x') differs "
        "from layer to layer, and near zero LayerNorm is almost singular, so integrals "
        "converge slowly. Use 'pad' or 'mask' unless this is what you study."
    )
    if request.hidden_baseline == "zero":
        starts = [torch.zeros_like(h) for h in inputs]
    else:
        parts = [model.split(h) for h in inputs]
        starts = [
            torch.cat([part.mean(dim=1, keepdim=True).expand_as(part) for part in one], dim=1)
            for one in parts
        ]
    return starts, _scores_from(model, batch, starts, score)


def _free_scores(
    model: BlockModel, batch: Batch, starts: Sequence[Tensor], score: ScoreFn, held: Array
) -> Array:
    """As ``held``, (items, targets, L + 1), but each baseline chooses its own experts.

    That of an input is the same whichever of its layers it is entered at.
    """
    layers = starts if batch.baselines is None else starts[:1]
    found = _scores_from(model, batch, layers, score, hold=False)
    return np.asarray(np.broadcast_to(found, held.shape))


def _scores_from(
    model: BlockModel, batch: Batch, states: Sequence[Tensor], score: ScoreFn, hold: bool = True
) -> Array:
    """(items, targets, layers) f of the states (items, tokens, hidden) that enter each layer."""
    items = torch.arange(len(states[0]))
    with torch.no_grad():
        found = [
            score(model.replay(batch.inputs, Points({b: h}, items), hold=hold), items)
            for b, h in enumerate(states)
        ]
    return np.asarray(torch.stack(found, dim=-1).double().cpu().numpy())
