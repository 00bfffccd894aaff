"""Maps of attention matrices, carried down from the positions that are pooled.

Axes: layers (0 ... L - 1), queries, keys. All are non-negative: they say where, not for or against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..models.block_model import BlockModel
from ..models.memory import Budget
from .evidence import Batch, Evidence, fits_eager_attention, map_evidence, trace_batch


def roll_attention(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """What the pooled positions look at, by the rollout that the request names.

    Raises:
        ValueError: If the model does not attend from every token to every token.
    """
    del budget
    method = batch.request.method
    positive: dict[int, list[Tensor]] = {}  # layer -> Ē of each target

    def keep_positive(layer: int, heads: Tensor) -> None:
        positive.setdefault(layer, []).append(positive_mean(heads))

    if method in WITH_GRADIENTS:
        trace, targets = trace_batch(model, batch, baselines=False, keep_heads=keep_positive)
        matrices = [torch.stack(positive[layer]) for layer in sorted(positive)]
    else:
        trace, targets = trace_batch(model, batch, baselines=False)
        frugal = not fits_eager_attention(model, batch.inputs)
        matrices = [mean[None] for mean in model.attentions(batch.inputs, frugal=frugal)]
    n, n_blocks = trace.n_tokens, len(trace.hidden_states) - 1
    if len(matrices) != n_blocks:
        raise ValueError(
            f"method={method!r} needs the attention matrix of every block, got {len(matrices)} of "
            f"{n_blocks}. Load the model with attn_implementation='eager'; where its blocks have "
            "none, use method='layer-ig', or 'ca-lig', which takes those there are."
        )
    if any(matrix.shape[1:] != (len(targets), n, n) for matrix in matrices):
        raise ValueError(
            f"method={method!r} needs attention of every token to every token, (tokens, tokens), "
            f"got matrices of shape {tuple(matrices[0].shape[2:])} for {n} tokens."
        )
    found: list[list[Evidence]] = []
    for i, own in enumerate(targets):
        found.append([])
        for k in range(len(own)):
            leaving = model.explained_tokens(trace.hidden_gradients[-1][k])
            rows = pooled_weights(leaving[i]).cpu()
            # Attention itself is the same for every target.
            stack = [matrix[min(k, len(matrix) - 1), i].double().cpu() for matrix in matrices]
            carried = torch.stack(ROLLOUTS[method](stack, rows)).numpy()
            used = stack[-1:] if len(carried) == 2 else stack
            shown = torch.stack(used).float().numpy()
            found[-1].append(map_evidence(trace, targets, i, k, carried, shown))
    return found


def pooled_weights(leaving: Tensor) -> Tensor:
    """The positions that the classifier reads, as weights.

    Args:
        leaving: ∂f/∂h_L, (tokens, hidden).

    Returns:
        (tokens,) equal weights that sum to 1, at the positions through which the gradient flows:
        [CLS] alone where that is pooled, every position where their mean is.
    """
    read = (leaving != 0).any(dim=-1).double()
    return read / read.sum().clamp(min=1)


def last_attention(attentions: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """Attention of the last block from the pooled positions.

    Args:
        attentions: L matrices (queries, keys), each the mean of its heads.
        rows: (tokens,) from :func:`pooled_weights`.

    Returns:
        Two rows (tokens,): the map, and ``rows``. Each sums to 1.
    """
    return [rows @ attentions[-1].to(rows), rows]


def attention_rollout(attentions: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """``Ã_b = (A_b + I) / 2``, and the pooled rows of ``Ã_{L-1} ... Ã_b``.

    Args:
        attentions: L matrices (queries, keys), each the mean of its heads.
        rows: (tokens,) from :func:`pooled_weights`.

    Returns:
        L + 1 rows (tokens,): the map, and what it was at each layer above; row L is ``rows``.
        Each sums to 1.

    Source:
        Abnar & Zuidema (2020), arXiv:2005.00928, section 3 and eq. 1. It ignores the class, the
        sign, values and everything but attention.
    """
    return _carry_down(attentions, rows, lambda carried, a: (carried @ a + carried) / 2)


def gradient_rollout(relevance: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """``R <- R + Ē_b R`` from ``R = I``, and the pooled rows of ``R - I``.

    Args:
        relevance: L matrices (queries, keys), ``Ē_b``: the mean over the heads of
            ``relu(A_b ⊙ ∂f/∂A_b)``.
        rows: (tokens,) from :func:`pooled_weights`.

    Returns:
        L + 1 rows (tokens,): the map without the pooled position's own start, and what it was
        at each layer above; row L is ``rows``.

    Source:
        Chefer, Gur & Wolf (2021), "Generic attention-model explainability", arXiv:2103.15679,
        eq. 5 (the mean of the heads after the positive part) and eq. 6; the diagonal start is
        left out of what is read, as there.
    """
    found = _carry_down(relevance, rows, lambda carried, e: carried + carried @ e)
    return [*(row - rows for row in found[:-1]), rows]


def gradient_rollout_rows(relevance: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """The pooled rows of ``Ā_{L-1} ... Ā_0``, ``Ā_b = I + Ē_b`` with rows that sum to one.

    Args:
        relevance: As :func:`gradient_rollout`.
        rows: (tokens,) from :func:`pooled_weights`.

    Returns:
        L + 1 rows (tokens,): the map and what it was at each layer above; row L is ``rows``. Each
        sums to 1; the pooled position keeps its start.

    Source:
        Chefer, Gur & Wolf (2021), "Transformer interpretability beyond attention visualization",
        arXiv:2012.09838, eq. 13 and 14, through all blocks. In the place of the LRP relevance of
        A stands A itself, as in the authors' later paper. Rows are normalised as in their code
        for BERT; their code for images does not.
    """

    def step(carried: Tensor, e: Tensor) -> Tensor:
        share = carried / (1 + e.sum(dim=-1))
        return share + share @ e

    return _carry_down(relevance, rows, step)


def _carry_down(
    matrices: Sequence[Tensor], rows: Tensor, step: Callable[[Tensor, Tensor], Tensor]
) -> list[Tensor]:
    """The rows at every layer from 0 to L, found from the top: vectors times matrices only."""
    found = [rows]
    for matrix in reversed(matrices):
        found.append(step(found[-1], matrix.to(rows)))
    return found[::-1]


ROLLOUTS: dict[str, Callable[[Sequence[Tensor], Tensor], list[Tensor]]] = {
    "attention": last_attention,
    "attention-rollout": attention_rollout,
    "gradient-rollout": gradient_rollout,
    "gradient-rollout-rows": gradient_rollout_rows,
}
"""By the name of the method."""

WITH_GRADIENTS = ("gradient-rollout", "gradient-rollout-rows")
"""Those that read Ē_b and not A_b."""


def positive_mean(heads: Tensor) -> Tensor:
    """(items, queries, keys) Ē of ``A ⊙ ∂f/∂A`` (items, heads, queries, keys)."""
    return torch.relu(heads).mean(dim=1)
