"""Gradient times input, at the embeddings and at every layer above."""

from __future__ import annotations

import numpy as np
import torch

from ..models.block_model import BlockModel
from ..models.memory import Budget
from .evidence import Batch, Evidence, map_evidence, trace_batch


def multiply_gradients(model: BlockModel, batch: Batch, budget: Budget) -> list[list[Evidence]]:
    """``Σ_d h_b[t, d] · ∂f/∂h_b[t, d]`` at every layer; the map is that of the embeddings.

    Source:
        Shrikumar et al. (2016), arXiv:1605.01713, section 3.2.
    """
    del budget
    trace, targets = trace_batch(model, batch, baselines=False)
    found = []
    for layer, (h, g) in enumerate(zip(trace.hidden_states, trace.hidden_gradients, strict=True)):
        products = (h * g).sum(dim=-1, dtype=torch.float64)
        found.append(trace.cells.of_tokens(layer, products).cpu().numpy())
    rows = np.stack(found)  # (L + 1, targets, rows, cells)
    return [
        [map_evidence(trace, targets, i, k, rows[:, k, i], n_steps=1) for k in range(len(own))]
        for i, own in enumerate(targets)
    ]
