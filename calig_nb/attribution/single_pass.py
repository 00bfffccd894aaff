"""What one model says about a few inputs by the methods that give one map and need no integral."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from .._arrays import Array
from ..models.block_model import BlockModel
from ..models.memory import Budget
from ..models.preserve import settings
from ..models.trace import Trace
from .attention_rollout import MAPS, WITH_GRADIENTS, pooled_rows, positive_part
from .conservative import RULES, biases_of, conserved, held
from .integrated_gradients import Points
from .occlusion import occlusion
from .path_methods import (
    Choose,
    Evidence,
    Inputs,
    Relevance,
    fastest_kernels,
    refuse_stages,
    short,
    trace_of,
)
from .request import Request
from .scores import Target, scored

UNACCOUNTED = 1e-3
"""Most of the score, relative to the relevance's mass, that conservative propagation may miss."""


def read(
    model: BlockModel,
    own: Inputs,
    baselines: Inputs | None,
    choose: Choose,
    request: Request,
    budget: Budget,
) -> list[list[Evidence]]:
    """The map of a few inputs of one length; for each input, those of its targets.

    Arguments are those of :func:`calig_nb.attribution.path_methods.gather`. Row 0 of
    ``layer_attributions`` is the method's map; the rows above are what it was in the
    upper layers, where the method has them. Where it has none the network counts as one block.

    Raises:
        ValueError: If the model or the score is not one that the method can serve.
    """
    method = request.method
    # A baseline row more shows, once, whether several inputs may share a pass.
    lent = baselines if method == "occlusion" or not model.batches else None
    heads: dict[int, list[Tensor]] = {}

    def keep(layer: int, found: Tensor) -> None:
        heads.setdefault(layer, []).append(positive_part(found))

    with fastest_kernels(model, own):
        gradients = method in WITH_GRADIENTS
        trace, targets = trace_of(model, own, lent, choose, keep if gradients else None)
        refuse_stages(model, own, trace)
        if method in MAPS:
            matrices = [torch.stack(heads[layer]) for layer in sorted(heads)]
            if not gradients:
                means = model.attentions(own, frugal=not short(model, own))
                matrices = [mean[None] for mean in means]
            return _rolled(method, trace, targets, matrices)
        if method == "gradient-x-input":
            return _products(trace, targets)
        if method == "occlusion":
            return _occluded(model, own, trace, targets, budget)
        return _conserved(method, model, own, trace, targets)


def _evidence(
    target: Target,
    score: float,
    rows: Array,
    matrices: Relevance | None = None,
    *,
    n_steps: int = 0,
    baseline_score: float = np.nan,
    more: Mapping[str, float] | None = None,
) -> Evidence:
    """A map that nothing was integrated for: no error is known, nor any baseline as a rule."""
    n_rows, n_tokens = rows.shape
    if matrices is None:
        matrices = np.broadcast_to(np.float32(0), (n_rows - 1, n_tokens, n_tokens))
    return Evidence(
        target,
        score,
        np.full(n_rows, baseline_score),
        rows,
        matrices,
        np.full(n_rows, n_steps),
        np.full(n_rows, np.nan),
        np.ones(n_rows, dtype=bool),
        more or {},
    )


def _products(trace: Trace, targets: Sequence[Sequence[Target]]) -> list[list[Evidence]]:
    """Gradient times hidden state at every layer; the map is that of the embeddings.

    Source:
        Shrikumar et al. (2016), arXiv:1605.01713, section 3.2.
    """
    found: list[Array] = []
    for h, g in zip(trace.hidden_states, trace.hidden_gradients, strict=True):
        products = (h * g).sum(dim=-1, dtype=torch.float64)
        found.append(trace.cells.of_tokens(len(found), products).cpu().numpy())
    rows = np.stack(found)  # (L + 1, targets, rows, cells)
    return [
        [
            _evidence(target, float(trace.scores[i, k]), rows[:, k, i], n_steps=1)
            for k, target in enumerate(own)
        ]
        for i, own in enumerate(targets)
    ]


def _rolled(
    method: str,
    trace: Trace,
    targets: Sequence[Sequence[Target]],
    matrices: Sequence[Tensor],
) -> list[list[Evidence]]:
    """What the pooled positions look at; matrices are (targets or 1, items, queries, keys)."""
    shape = trace.n_tokens
    if any(matrix.shape[1:] != (len(targets), shape, shape) for matrix in matrices):
        raise ValueError(
            f"method={method!r} needs attention of every token to every token, (tokens, tokens), "
            f"got matrices of shape {tuple(matrices[0].shape[2:])} for {shape} tokens."
        )
    found: list[list[Evidence]] = []
    for i, own in enumerate(targets):
        found.append([])
        for k, target in enumerate(own):
            rows = pooled_rows(trace.hidden_gradients[-1][k, i]).cpu()
            stack = [matrix[min(k, len(matrix) - 1), i].double().cpu() for matrix in matrices]
            carried = torch.stack(MAPS[method](stack, rows)).numpy()
            used = stack[-1:] if len(carried) == 2 else stack
            shown = torch.stack(used).float().numpy()
            found[-1].append(_evidence(target, float(trace.scores[i, k]), carried, shown))
    return found


def _occluded(
    model: BlockModel,
    own: Inputs,
    trace: Trace,
    targets: Sequence[Sequence[Target]],
    budget: Budget,
) -> list[list[Evidence]]:
    """Leave-one-out at the embeddings; mask, positions and the pooled position stay."""
    n_items, score = len(targets), scored(targets)
    embeddings = trace.hidden_states[0]

    def scores(hidden: Tensor, items: Tensor) -> Tensor:
        with torch.no_grad():
            return score(model.replay(own, Points({0: hidden}, items)), items)

    batch = budget.max_points(trace.row_bytes, embeddings.shape[1], model.placement[1])
    found = occlusion(
        scores,
        embeddings[:n_items],
        embeddings[n_items:],
        cells=trace.cells.members(embeddings.shape[1]),
        internal_batch_size=batch,
    )
    # What leaves the last block has no value of its own.
    rows = np.stack([found.cpu().numpy(), np.zeros(found.shape)], axis=2)
    return [
        [_evidence(target, float(trace.scores[i, k]), rows[i, k]) for k, target in enumerate(one)]
        for i, one in enumerate(targets)
    ]


def _conserved(
    method: str,
    model: BlockModel,
    own: Inputs,
    trace: Trace,
    targets: Sequence[Sequence[Target]],
) -> list[list[Evidence]]:
    """Conservative propagation or AttnLRP; a model they cannot account for is refused."""
    n_classes, halved = trace.logits.shape[1], method == "attn-lrp"
    if any(not target.linear(n_classes) for one in targets for target in one):
        raise ValueError(
            f"method={method!r} shares a sum of logits among the tokens, so output must be "
            f"'logit' or 'margin' for {n_classes} classes, got {targets[0][0].output!r}."
        )
    plain = scored(targets)

    def score(logits: Tensor, items: Tensor) -> Tensor:
        if not logits.requires_grad:
            raise ValueError(
                f"method={method!r} must find a path from the blocks to the logits that no softmax "
                "closes, but all of the model's end in one. Give it a model that returns logits."
            )
        return plain(logits, items)

    biases = list(biases_of(model.model).values())
    found: list[list[Evidence]] = []
    for i, one in enumerate(targets):
        entering = trace.hidden_states[0][i : i + 1]
        # Asked for its attention, a model that was built with another kind writes it out too.
        asked = {"output_attentions": True} if halved else {}
        written = settings(model.model, _attn_implementation="eager" if halved else "sdpa", **asked)
        with written, _requiring_grad(biases), held(model.model, halved=halved) as rules:
            pairs = model.passage(own, entering, item=i, score=score, also=[*biases, rules.unit])
        n_layers = len(pairs) - len(biases) - 1
        relevance, shares = conserved(
            pairs[:n_layers], pairs[n_layers:-1], pairs[-1], trace.cells.of_tokens
        )
        scores = trace.scores[i].double()
        missed = (scores - relevance[:, 0].sum(dim=-1) - shares.sum(dim=-1)).abs()
        mass = relevance[:, 0].abs().sum(dim=-1) + shares.abs().sum(dim=-1)
        lost = float((missed / mass.clamp(min=torch.finfo(scores.dtype).tiny)).max())
        if rules.attentions < n_layers - 1 or not lost <= UNACCOUNTED:
            raise ValueError(
                f"method={method!r} must find in the model, from its first block on, only linear "
                f"maps and what it has rules for: {RULES}. Of this model it found attention "
                f"{rules.attentions} times in {n_layers - 1} blocks, and missed {lost:.1%} of the "
                "relevance. Use another method; calig_nb.methods() names them."
            )
        found.append([])
        for k, target in enumerate(one):
            named = {"bias_share": float(shares[k, 0])}
            if shares[k, 1].abs() > 1e-9 * mass[k]:  # a mask rounds to nothing
                named["constant_share"] = float(shares[k, 1])
            rows = relevance[k].cpu().numpy()
            evidence = _evidence(
                target, float(scores[k]), rows, n_steps=1, baseline_score=0.0, more=named
            )
            found[-1].append(evidence)
    return found


@contextmanager
def _requiring_grad(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """Inside, these weights ask for a gradient; afterwards, as before."""
    before = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_(True)
        yield
    finally:
        for weight, flag in zip(weights, before, strict=True):
            weight.requires_grad_(flag)
