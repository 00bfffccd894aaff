"""Whether all that a model computes from a block on follows from what enters the block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..attribution.integrated_gradients import Points
from . import blocks
from .trace import Trace


def joining(replay: Callable[[Points], Tensor], items: Tensor, trace: Trace) -> bool:
    """Whether points of several layers may share a pass.

    Args:
        replay: Points to logits, as :meth:`calig_nb.models.block_model.BlockModel.replay`.
        items: (rows,) the item of each row that was traced.
        trace: What it gave.

    Raises:
        ValueError: If something flows past the hidden states of a block.
    """

    def agrees(layers: Sequence[int]) -> bool:
        # Rows change places, so that what one pass left behind does not fit the next.
        flips = [(0,) if layer % 2 else () for layer in layers]
        hidden = {b: trace.hidden_states[b].flip(f) for b, f in zip(layers, flips, strict=True)}
        points = Points(hidden, torch.cat([items.flip(f) for f in flips]))
        with torch.no_grad():
            logits = torch.split(replay(points), len(items))
        expected = [trace.logits.flip(f) for f in flips]
        return all(map(blocks.are_close, logits, expected))

    n_layers = len(trace.hidden_states)
    for layer in range(n_layers):
        if not agrees([layer]):
            raise ValueError(
                f"model must compute the same from block {layer} on, given what entered it, "
                f"but something passes its blocks by; they must be {blocks.WANTED}"
            )
    try:
        return agrees([0, n_layers // 2, n_layers - 1])
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
