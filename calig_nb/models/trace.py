"""What is seen when a model runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from . import blocks
from . import last_block as pooled
from .attention import Eager
from .classifier import ModelInputs, logits_of
from .memory import saved_bytes
from .token_cells import Cells


@dataclass(frozen=True, eq=False)
class Trace:
    """What one forward and one backward pass over a batch give; each row has its own score.

    The first rows are the items that are explained; as many rows of baselines may follow.

    Attributes:
        logits: (rows, classes).
        scores: (rows, targets).
        hidden_states: L + 1 tensors (rows, tokens, hidden): what enters each block, and last
            what leaves the last one.
        hidden_gradients: ∂score/∂hidden_states, L + 1 tensors (targets, rows, tokens, hidden).
        attention_relevance: L tensors (targets, items, cells, cells): A ⊙ ∂score/∂A, A being
            the attention probabilities after the softmax, averaged over the heads.
        row_bytes: What a row's forward pass keeps for its backward pass, about.
        cells: What tokens, queries and keys are summed in.
    """

    logits: Tensor
    scores: Tensor
    hidden_states: tuple[Tensor, ...]
    hidden_gradients: tuple[Tensor, ...]
    attention_relevance: list[Tensor]
    row_bytes: int
    cells: Cells = field(default_factory=Cells)

    @property
    def n_tokens(self) -> int:
        """Tokens, or cells, in which every layer is explained."""
        grid = self.cells.grid
        return self.hidden_states[0].shape[1] if grid is None else grid[0] * grid[1]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a forward pass met on its way.

    Attributes:
        hidden: L + 1 hidden states, as in :class:`Trace`.
        outputs: What each block returned.
        logits: (rows, classes).
        linear: The linear maps of the last block, with what each returned.
        lengths: First dimensions of what a block takes that are not its rows.
        row_bytes: As in :class:`Trace`.
    """

    hidden: list[Tensor]
    outputs: list[Any]
    logits: Tensor
    linear: dict[nn.Module, Tensor]
    lengths: set[int]
    row_bytes: int


def observe(
    model: nn.Module,
    modules: Sequence[nn.Module],
    own: ModelInputs,
    items: Tensor,
    entering: Tensor,
    reader: Eager,
    frugal: bool,
) -> Seen:
    """What a forward pass meets when ``entering`` enters the first block.

    Args:
        model: The model.
        modules: Its blocks.
        own: The items' inputs.
        items: (rows,) which item's inputs each row goes with.
        entering: (rows, tokens, hidden); those of the items first.
        reader: How attention is heard.
        frugal: Whether blocks are computed again for the backward pass; their maps are not
            watched then.

    Raises:
        ValueError: If what enters the first block is random.
    """
    hidden: list[Tensor] = []
    outputs: list[Any] = []
    last: list[dict[nn.Module, Tensor]] = [{}]
    row_bytes: list[int] = []
    lengths: set[int] = set()

    def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        if index == 0:
            n_items = int(items.max()) + 1
            same = blocks.hidden_of(args, kwargs)[:n_items], entering[:n_items]
            if not blocks.are_close(*same):
                raise ValueError(
                    "model must give the same hidden states each time, but what enters its "
                    "first block is random. Fix its noise."
                )
            args, kwargs = blocks.replace_hidden(args, kwargs, entering)
        reader.layer = index
        hidden.append(blocks.hidden_of(args, kwargs))
        lengths.update(blocks.batch_sizes((args, kwargs)))
        block = modules[index % len(modules)]
        measured = saved_bytes(block) if index == 0 else nullcontext([0])
        if frugal:
            reader.layer = -1  # nobody listens
            small, named = blocks.first_rows((args, kwargs), 1, len(items))
            with measured as saved:
                if index == 0:
                    run(*small, **named)
            reader.layer = index
            outputs.append(checkpoint(run, *args, use_reentrant=False, **kwargs))
        else:
            with measured as saved, pooled.linear_outputs(block) as linear:
                outputs.append(run(*args, **kwargs))
            saved[0] //= len(items)
            last[:] = [{m: f[0] for m, f in linear.items() if len(f) == 1 and f[0].requires_grad}]
        row_bytes.append(saved[0])
        return outputs[-1]

    with reader.listening() as options, blocks.intercept_calls(modules, enter):
        logits = logits_of(model, model(**rows_of(own, items), **options))
    hidden.append(blocks.returned_hidden(outputs[-1]))
    return Seen(
        hidden, outputs, logits, last[-1], lengths - {len(items)}, row_bytes[0] * len(outputs)
    )


def rows_of(inputs: ModelInputs, items: Tensor) -> ModelInputs:
    """The items' inputs, a row for each of ``items``."""
    if all(len(value) == 1 for value in inputs.values()):
        return {name: value.expand(len(items), *value.shape[1:]) for name, value in inputs.items()}
    return {name: value[items.to(value.device)] for name, value in inputs.items()}
