"""Maps that are read off attention matrices, carried down from the positions that are pooled.

Axes: layers (0 ... L - 1), queries, keys. All are non-negative: they say where, not for or against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def pooled_rows(leaving: Tensor) -> Tensor:
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
        rows: (tokens,) from :func:`pooled_rows`.

    Returns:
        Two rows (tokens,): the map, and ``rows``. Each sums to 1.
    """
    return [rows @ attentions[-1].to(rows), rows]


def attention_rollout(attentions: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """``Ã_b = (A_b + I) / 2``, and the pooled rows of ``Ã_{L-1} ... Ã_b``.

    Args:
        attentions: L matrices (queries, keys), each the mean of its heads.
        rows: (tokens,) from :func:`pooled_rows`.

    Returns:
        L + 1 rows (tokens,): the map, and what it was at each layer above; row L is ``rows``.
        Each sums to 1.

    Source:
        Abnar & Zuidema (2020), arXiv:2005.00928, section 3 and eq. 1. It ignores the class, the
        sign, values and everything but attention.
    """
    return _carried(attentions, rows, lambda carried, a: (carried @ a + carried) / 2)


def gradient_rollout(relevance: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """``R <- R + Ē_b R`` from ``R = I``, and the pooled rows of ``R - I``.

    Args:
        relevance: L matrices (queries, keys), ``Ē_b``: the mean over the heads of
            ``relu(A_b ⊙ ∂f/∂A_b)``.
        rows: (tokens,) from :func:`pooled_rows`.

    Returns:
        L + 1 rows (tokens,): the map without the pooled position's own start, and what it was
        at each layer above; row L is ``rows``.

    Source:
        Chefer, Gur & Wolf (2021), "Generic attention-model explainability", arXiv:2103.15679,
        eq. 5 (the mean of the heads after the positive part) and eq. 6; the diagonal start is
        left out of what is read, as there.
    """
    found = _carried(relevance, rows, lambda carried, e: carried + carried @ e)
    return [*(row - rows for row in found[:-1]), rows]


def gradient_rollout_rows(relevance: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """The pooled rows of ``Ā_{L-1} ... Ā_0``, ``Ā_b = I + Ē_b`` with rows that sum to one.

    Args:
        relevance: As :func:`gradient_rollout`.
        rows: (tokens,) from :func:`pooled_rows`.

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

    return _carried(relevance, rows, step)


def _carried(
    matrices: Sequence[Tensor], rows: Tensor, step: Callable[[Tensor, Tensor], Tensor]
) -> list[Tensor]:
    """The rows at every layer from 0 to L, found from the top: vectors times matrices only."""
    found = [rows]
    for matrix in reversed(matrices):
        found.append(step(found[-1], matrix.to(rows)))
    return found[::-1]


MAPS: dict[str, Callable[[Sequence[Tensor], Tensor], list[Tensor]]] = {
    "attention": last_attention,
    "attention-rollout": attention_rollout,
    "gradient-rollout": gradient_rollout,
    "gradient-rollout-rows": gradient_rollout_rows,
}
"""By the name of the method."""

WITH_GRADIENTS = ("gradient-rollout", "gradient-rollout-rows")
"""Those that read Ē_b and not A_b."""


def positive_part(heads: Tensor) -> Tensor:
    """(items, queries, keys) Ē of ``A ⊙ ∂f/∂A`` (items, heads, queries, keys)."""
    return torch.relu(heads).mean(dim=1)
