"""Leave-one-out at the embeddings: no tokenizer, nothing is decoded and read again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..models.block_model import BlockModel
from ..models.memory import Budget
from ..models.points import Points
from .evidence import Batch, Evidence, map_evidence, trace_batch
from .request import score_function

ScoresFn = Callable[[Tensor, Tensor], Tensor]
"""Embeddings (rows, tokens, hidden) and each row's item (rows,) -> scores (rows, targets)."""


def occlude_tokens(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """Leave-one-out at the embeddings; mask, positions and the pooled position stay.

    A text without a word is another text, for which a model chooses its experts anew.
    """
    trace, targets = trace_batch(model, batch, routing="free")
    n_items, score = len(targets), score_function(targets)
    embeddings = trace.hidden_states[0]

    def scores(hidden: Tensor, items: Tensor) -> Tensor:
        with torch.no_grad():
            return score(model.replay(batch.inputs, Points({0: hidden}, items)), items)

    found = occlusion(
        scores,
        embeddings[:n_items],
        embeddings[n_items:],
        cells=trace.cells.members(embeddings.shape[1]),
        internal_batch_size=budget.max_points(
            trace.row_bytes, embeddings.shape[1], model.placement[1]
        ),
    )
    # What leaves the last block has no value of its own.
    rows = np.stack([found.cpu().numpy(), np.zeros(found.shape)], axis=2)
    return [
        [map_evidence(trace, targets, i, k, rows[i, k]) for k in range(len(own))]
        for i, own in enumerate(targets)
    ]


def occlusion(
    scores: ScoresFn,
    inputs: Tensor,
    baselines: Tensor,
    *,
    cells: Tensor | None = None,
    internal_batch_size: int = 16,
) -> Tensor:
    """``f(x) - f(x with token t replaced by its baseline)`` for each token t.

    Args:
        scores: The network from its embeddings on.
        inputs: h_0, (items, tokens, hidden).
        baselines: h'_0, same shape: the embeddings of what replaces the tokens, at their places.
        cells: (tokens,) where tokens are replaced together, the number of each one's cell.
        internal_batch_size: Rows in one forward pass.

    Returns:
        (items, targets, tokens), or cells, signed, in units of the score; 0 where nothing is
        replaced, as at special tokens. The values sum to nothing in particular. One forward pass
        for each token that is replaced, and one for the item itself.

    Source:
        Zeiler & Fergus (2014), arXiv:1311.2901, section 4.2; Li, Monroe & Jurafsky (2016),
        arXiv:1612.08220, eq. 1, with the difference of the scores.
    """
    changed = (inputs != baselines).any(dim=-1)
    cells = torch.arange(inputs.shape[1]) if cells is None else cells
    cells = cells.to(inputs.device)
    n = int(cells.max()) + 1
    places = changed.new_zeros(len(inputs), n, dtype=torch.long)
    places = places.index_add_(1, cells, changed.long()).nonzero()
    whole = torch.arange(len(inputs), device=places.device)
    wanted = torch.cat([torch.stack([whole, torch.full_like(whole, -1)], dim=1), places])
    parts = []
    for items, own in (part.T for part in torch.split(wanted, internal_batch_size)):
        gone = (cells == own[:, None])[..., None]
        parts.append(scores(torch.where(gone, baselines[items], inputs[items]), items))
    found = torch.cat(parts).double()
    values = found.new_zeros(len(inputs), found.shape[1], n)
    items, own = places.T
    values[items, :, own] = found[items] - found[len(inputs) :]
    return values
