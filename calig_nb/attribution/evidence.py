"""What every method starts from and gives: a batch, its trace, and the evidence for each target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._arrays import Array
from ..explanation.methods import METHODS
from ..models.attention import KeepHeads
from ..models.block_model import BlockModel, ModelInputs, Trace
from ..models.kernels import UnfusedAttention, fast_matmul
from ..models.memory import Budget
from .request import Request, Routing, Target, choose_target, score_function

FAST_WORK = 3e7
"""Weights of a block, times tokens, below which the fast kernel loses more on shapes that are new
to it than it gains: some ninety tokens at 192 wide, seventeen at 384 wide."""
EAGER_TOKENS = 512
"""Beyond so many tokens the matrices of written-out attention take more memory than they save."""

Relevance = npt.NDArray[np.float32]
Targets = Sequence[Sequence[Target]]
"""For each item its targets; as many for each."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of about one length that go through the model together.

    Attributes:
        inputs: What the model is called with, a row for each item.
        baselines: The same for their baselines; None where hidden states are asked for.
        baseline_names: What each item's baseline is called.
        requests: For each item what is asked of it, one request a target; alike in all else.
        labels: For each item the names of classes that are its own; empty where they are the
            model's.
        names: What errors call each item.
    """

    inputs: ModelInputs
    baselines: ModelInputs | None
    baseline_names: Sequence[str]
    requests: Sequence[Sequence[Request]]
    labels: Sequence[tuple[str, ...]]
    names: Sequence[str]

    @property
    def request(self) -> Request:
        """What the requests have in common; its target is the first one's."""
        return self.requests[0][0]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The two signals for one input and one target, and the scores they are about.

    Attributes:
        target: The explained score.
        logits: (C,) what the model says of the input.
        score: f(x).
        baseline_scores: (L + 1,) f(x') for each layer.
        layer_attributions: (L + 1, T) r_b.
        attention_relevance: (L, T, T) G_b.
        n_steps: (L + 1,) gradients evaluated.
        token_error: (L + 1,) estimated relative error of the token values.
        converged: (L + 1,) whether the tolerance was met.
        more: What else was found, by name.
        without_attention: The blocks without, where the method takes it from all that have it.
        routing: (L + 1,) of a model that chooses experts, what its choices bring beside the
            attributions, in units of f; None of any other.
        singular: Whether the paths start where the model's first norm is singular.
    """

    target: Target
    logits: Tensor
    score: float
    baseline_scores: Array
    layer_attributions: Array
    attention_relevance: Relevance
    n_steps: npt.NDArray[np.int64]
    token_error: Array
    converged: npt.NDArray[np.bool_]
    more: Mapping[str, float] = field(default_factory=dict)
    without_attention: Sequence[int] = ()
    routing: Array | None = None
    singular: bool = False


MethodFunction = Callable[[BlockModel, Batch, Budget], list[list[Evidence]]]
"""A model that is preserved meanwhile, a batch and what may be in flight -> for each item the
evidence for each of its targets."""


def trace_batch(
    model: BlockModel,
    batch: Batch,
    *,
    baselines: bool = True,
    keep_heads: KeepHeads | None = None,
    routing: Routing | None = None,
) -> tuple[Trace, Targets]:
    """One forward and, for the targets chosen by its logits, one backward pass a target.

    Args:
        model: The model, preserved.
        batch: The inputs.
        baselines: Whether those of the batch are traced with its inputs.
        keep_heads: Takes each layer's A ⊙ ∂score/∂A before the heads are averaged.
        routing: Whether the choice of experts is held from here on; by default as requested.

    Raises:
        ValueError: If the model cannot be traced, its logits are not finite, a target does not
            fit, or tokens are merged on the way.
    """
    # A baseline row more shows, once, whether several inputs may share a pass.
    lent = batch.baselines if baselines or not model.batches else None
    frugal = not fits_eager_attention(model, batch.inputs)
    attention = keep_heads is not None or METHODS[batch.request.method].fused
    hold = (routing or batch.request.routing) == "held"
    forward = model.forward(batch.inputs, lent, attention=attention, frugal=frugal, hold=hold)
    targets = choose_targets(model, batch, forward.logits[: len(batch.requests)].detach())
    for name, row in zip(batch.names, forward.logits[len(batch.requests) :], strict=False):
        if not torch.isfinite(row).all():
            raise ValueError(
                f"baselines must be what the model can read, but its logits for that of "
                f"{name!r:.60} are {row.tolist()}: a vector of the model's, such as [PAD]'s, is "
                "broken. Mend it, or give other baselines."
            )
    scores = score_function(targets)(forward.logits, forward.items)
    trace = forward.backward(scores, keep_heads)
    _refuse_merged_tokens(model, batch.inputs, trace)
    return trace, targets


def choose_targets(model: BlockModel, batch: Batch, logits: Tensor) -> list[list[Target]]:
    """For each item the targets that its requests name, given its logits (items, classes).

    Raises:
        TypeError, ValueError: As :func:`calig_nb.attribution.request.choose_target`, or if the
            logits are not finite.
    """
    for name, row in zip(batch.names, logits, strict=True):
        if not torch.isfinite(row).all():
            raise ValueError(
                f"model must return finite logits, got {row.tolist()} for {name!r:.60}. "
                "Its weights or its precision are broken."
            )
    found = []
    for requests, labels, row in zip(batch.requests, batch.labels, logits, strict=True):
        names, classes = labels or model.class_names(len(row)), model.classes(len(row))
        found.append(
            [choose_target(r.target, r.contrast, r.output, names, row, classes) for r in requests]
        )
    return found


def map_evidence(
    trace: Trace,
    targets: Targets,
    item: int,
    k: int,
    rows: Array,
    matrices: Relevance | None = None,
    *,
    n_steps: int = 0,
    baseline_score: float = np.nan,
    more: Mapping[str, float] | None = None,
) -> Evidence:
    """The evidence of a map that nothing was integrated for, for an item's target number ``k``.

    No error is known, nor any baseline as a rule. Row 0 is the method's map; the rows above are
    what it was in the upper layers, where the method has them. Where it has none the network
    counts as one block.
    """
    n_rows, n_tokens = rows.shape
    if matrices is None:
        matrices = np.broadcast_to(np.float32(0), (n_rows - 1, n_tokens, n_tokens))
    return Evidence(
        targets[item][k],
        trace.logits[item],
        float(trace.scores[item, k]),
        np.full(n_rows, baseline_score),
        rows,
        matrices,
        np.full(n_rows, n_steps),
        np.full(n_rows, np.nan),
        np.ones(n_rows, dtype=bool),
        more or {},
    )


def count_tokens(model: BlockModel, inputs: ModelInputs) -> int:
    """How many tokens enter the first block."""
    value = next(iter(inputs.values()))
    if value.ndim == 2:
        return value.shape[1]
    return model.entering_states(inputs)[0].shape[1]


def fits_eager_attention(model: BlockModel, inputs: ModelInputs) -> bool:
    """Whether attention matrices may be written out."""
    return count_tokens(model, inputs) <= EAGER_TOKENS


@contextmanager
def fastest_kernels(model: BlockModel, inputs: ModelInputs) -> Iterator[None]:
    """Within, the fastest kernels for this model and inputs of this length."""
    work = model.block_size(inputs) * count_tokens(model, inputs)
    with ExitStack() as stack:
        fast = work >= FAST_WORK and stack.enter_context(fast_matmul(*model.placement))
        if fast and fits_eager_attention(model, inputs):
            stack.enter_context(UnfusedAttention())
        yield


def _refuse_merged_tokens(model: BlockModel, inputs: ModelInputs, trace: Trace) -> None:
    """An explanation has one value for each token in each layer: none may be merged on the way."""
    lengths = [hidden.shape[1] for hidden in trace.hidden_states]
    if len(set(lengths)) > 1 and trace.cells.grid is None:
        paths = model.block_paths(inputs)
        last = paths[-1].rpartition(".")[0]  # the list that holds the last block
        first = min(i for i, path in enumerate(paths) if path.rpartition(".")[0] == last)
        remedy = (
            f'Explain the blocks of its last list: Explainer(..., blocks="{last}").'
            if first and len(set(lengths[first:])) == 1
            else "No list of its blocks keeps them, so that it cannot be explained token by token."
        )
        raise ValueError(
            "model must have the same tokens in every layer, or tell each block the grid (rows, "
            f"columns) that its tokens fill as Swin does, got {lengths} tokens. {remedy}"
        )
