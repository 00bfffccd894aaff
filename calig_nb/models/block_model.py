"""The only file that knows transformers' models: trace them, and replay them from a block.

No architecture is named here: a model is run by its own ``forward``, so that masks, position
biases, pooling and heads come out right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..attribution.integrated_gradients import Points
from . import blocks
from .attention import Eager, Fused, KeepHeads, mean_attentions
from .bypass import joining
from .classifier import Classifier, ModelInputs, logits_of
from .gradients import by_layer, gradients_of
from .last_block import PooledBlock
from .memory import release_memory
from .token_cells import Cells, cells_of
from .trace import Seen, Trace, observe, rows_of

ScoreFn = Callable[[Tensor, Tensor], Tensor]
"""Maps logits (rows, classes) and each row's item (rows,) to scores (rows, targets)."""


class BlockModel(Classifier):
    """A classifier seen as a chain of blocks that can be entered anywhere.

    Args:
        model: A torch classifier that returns logits (batch, classes).
        path: Where its list of blocks is, such as "encoder.layer"; found by itself when None.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: As :class:`Classifier`, or if ``path`` names no module list.
    """

    def __init__(self, model: nn.Module, path: str | None = None) -> None:
        super().__init__(model)
        self._blocks = None if path is None else blocks.blocks_at(self.own, path)
        self._around: Sequence[nn.Module] = ()
        self._starts: Sequence[int] = ()
        self._cells: dict[Any, Cells] = {}
        self._recorded: list[Any] = []
        self._pooled = PooledBlock()
        self._lengths: set[int] = set()
        self._checked = False
        self.joins = True

    @property
    def batches(self) -> bool:
        """Whether several inputs may share a pass; known once one was traced."""
        carried = (o[1:] for o in self._recorded if isinstance(o, tuple))
        return self.joins and self._checked and not any(map(blocks.batch_sizes, carried))

    def block_size(self, inputs: ModelInputs) -> int:
        """Weights of a block."""
        return sum(weight.numel() for weight in self.find(inputs)[0].parameters())

    def trace(
        self,
        inputs: ModelInputs,
        baselines: ModelInputs | None,
        choose: Callable[[Tensor], ScoreFn],
        *,
        keep: KeepHeads | None = None,
        frugal: bool = False,
    ) -> Trace:
        """One forward pass over the items and their baselines, and one backward pass a target.

        Baselines lend what enters the first block; all else (mask, decoder's tokens, pooled
        position) is the item's own, as in ``replay``.

        Args:
            inputs: What the model is called with, a row for each item.
            baselines: The same for their baselines, or None for none.
            choose: Given the items' logits, what the score is.
            keep: Called with each layer and its A ⊙ ∂score/∂A before the heads are averaged.
            frugal: Whether attention stays fused, its matrices being formed one head at a time,
                and blocks are computed again for the backward pass: slower, in far less memory.

        Raises:
            ValueError: If the blocks are not found or cannot be entered, or attention
                probabilities that carry a gradient cannot be had.
        """
        n_items = len(next(iter(inputs.values())))
        modules = self.find(inputs)
        sides = [inputs] if baselines is None else [inputs, baselines]
        starts = [blocks.entering_state(modules, partial(self.predict, side)) for side in sides]
        entering = torch.cat(starts).requires_grad_()
        items = torch.arange(len(entering)) % n_items
        run, cells = partial(self._trace, inputs, items, entering, choose), self.cells(inputs)
        heard = self.model, self._around, n_items, keep, cells
        # Matrices of windows are small.
        found = run(Fused(*heard), True) if frugal and cells.grid is None else None
        return found or cast(Trace, run(Eager(*heard), False))

    def replay(self, inputs: ModelInputs, points: Points, *, frugal: bool = False) -> Tensor:
        """Logits when points enter blocks of the items that were traced last.

        Points of the lowest layer go through its block; those of the layers above join them on
        their way. Blocks below are not computed, and of the last block only what is read.

        Args:
            inputs: What the model is called with, a row for each item.
            points: The hidden states, at layers 0 ... L; L replaces what leaves the last block.
                Gradients flow into them.
            frugal: Whether blocks are computed again for the backward pass, in less memory.

        Returns:
            (all points, classes) logits, in the order of ``points.items``.
        """
        n_all, first = len(points.items), min(points.hidden)

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index < first:
                here = index + 1 == first and first not in self._starts
                joined = points.hidden[first] if here else None
                passed = blocks.hidden_of(args, kwargs) if joined is None else joined
                return blocks.with_output_hidden(self._recorded[index], passed)
            before = () if index == first else (blocks.hidden_of(args, kwargs),)
            joining = (points.hidden[index],) if index in points.hidden else ()
            hidden = torch.cat([*before, *joining]) if before and joining else (before + joining)[0]
            args, kwargs = blocks.replace_hidden(args, kwargs, hidden)
            if len(hidden) < n_all:
                args, kwargs = blocks.first_rows((args, kwargs), len(hidden), n_all)
            output = self._run(index, run, args, kwargs, frugal)
            if index + 1 == len(self._recorded) and index + 1 in points.hidden:
                left = torch.cat([blocks.returned_hidden(output), points.hidden[index + 1]])
                output = blocks.with_output_hidden(output, left)
            return output

        with blocks.intercept_calls(self.find(inputs), enter):
            return logits_of(self.model, self.model(**rows_of(inputs, points.items)))

    def gradients(
        self, inputs: ModelInputs, points: Points, score: ScoreFn, *, frugal: bool = False
    ) -> dict[int, Tensor]:
        """∂score/∂hidden for every point.

        Returns:
            Layer -> (targets, points, tokens, hidden).
        """
        if len(points.hidden) > 1 and len(points.items) in self._lengths:
            # So many rows could not be told from what is not a row: one layer after the other.
            sizes = [len(hidden) for hidden in points.hidden.values()]
            singly = zip(points.hidden.items(), points.items.split(sizes), strict=True)
            parts = (Points({layer: hidden}, items) for (layer, hidden), items in singly)
            alone = (self.gradients(inputs, part, score, frugal=frugal) for part in parts)
            return {layer: g for one in alone for layer, g in one.items()}
        leaves = {layer: h.detach().requires_grad_() for layer, h in points.hidden.items()}
        logits = self.replay(inputs, Points(leaves, points.items), frugal=frugal)
        found = gradients_of(score(logits, points.items), leaves.values())
        if frugal:
            release_memory()
        return dict(zip(leaves, found, strict=True))

    def passage(
        self,
        inputs: ModelInputs,
        hidden: Tensor,
        *,
        item: int,
        score: ScoreFn,
        also: Iterable[Tensor] = (),
    ) -> list[tuple[Tensor, Tensor]]:
        """What points at the embeddings of one item become on their way to the score.

        Returns:
            L + 1 pairs of h_b (batch, tokens, hidden) and ∂score/∂h_b (targets, batch, tokens,
            hidden); and a pair for each weight in ``also``, which must require a gradient.
        """
        items = torch.full((len(hidden),), item)
        with blocks.record_calls(self.find(inputs)) as calls:
            points = Points({0: hidden.detach().requires_grad_()}, items)
            logits = self.replay(inputs, points)
        layers = [*(call.hidden for call in calls), calls[-1].returned, *also]
        gradients = gradients_of(score(logits, items), layers)
        return [(h.detach(), g) for h, g in zip(layers, gradients, strict=True)]

    def attentions(self, inputs: ModelInputs, *, frugal: bool = False) -> list[Tensor]:
        """L tensors (items, cells, cells): attention probabilities, the mean of the heads."""
        modules, cells = self.find(inputs), self.cells(inputs)
        eager = Eager(self.model, self._around, 0, None, cells)
        run = partial(self.model, **inputs)
        fused = frugal and cells.grid is None
        return mean_attentions(eager, modules, lambda more: run(**more), fused)

    def find(self, inputs: ModelInputs) -> Sequence[nn.Module]:
        """The blocks, looked for once."""
        if self._blocks is None:
            self._blocks = blocks.find_blocks(self.model, lambda: self.predict(inputs))
        if not self._around:
            self._blocks, self._starts = blocks.blocks_of_stages(
                self._blocks, lambda: self.predict(inputs)
            )
            self._around = blocks.enclosing_modules(self.model, self._blocks)
        return self._blocks

    def cells(self, inputs: ModelInputs) -> Cells:
        """The tokens in which inputs of this shape are explained."""
        shape = tuple((name, *value.shape[1:]) for name, value in inputs.items())
        if next(iter(inputs.values())).ndim == 2:  # token ids
            return Cells()
        if shape not in self._cells:
            one = {name: value[:1] for name, value in inputs.items()}
            self._cells[shape] = cells_of(self.find(inputs), lambda: self.predict(one))
        return self._cells[shape]

    def _trace(
        self,
        inputs: ModelInputs,
        items: Tensor,
        entering: Tensor,
        choose: Callable[[Tensor], ScoreFn],
        reader: Eager,
        frugal: bool,
    ) -> Trace | None:
        """The trace, as heard by ``reader``; None if it heard nothing it could read."""
        with reader.set_up():
            seen = observe(self.model, self.find(inputs), inputs, items, entering, reader, frugal)
            reader.told(seen.outputs)
            if isinstance(reader, Fused) and reader.heard != [*range(len(seen.outputs))]:
                return None
            scores = choose(seen.logits[: reader.n_items].detach())(seen.logits, items)
            wanted = [*seen.hidden, *reader.wanted, *seen.linear.values()]
            n_hidden, n_attention = len(seen.hidden), len(reader.wanted)
            gradients, relevance, inner = [], [], []
            for column in range(scores.shape[1]):
                reader.last = column + 1 == scores.shape[1]
                found = torch.autograd.grad(
                    scores[:, column].sum(),
                    wanted,
                    retain_graph=not reader.last,
                    allow_unused=True,
                )
                relevance.append(reader.read(len(items), found[n_hidden : n_hidden + n_attention]))
                gradients.append(found[:n_hidden])
                inner.append(found[n_hidden + n_attention :])
        if any(g is None for g in gradients[0]) or len(relevance[0]) != len(seen.outputs):
            raise ValueError(
                "model must return its attention probabilities when called with "
                "output_attentions=True, or a model inside it must: one attention matrix with a "
                f"gradient for each of its {len(seen.outputs)} blocks, got {len(relevance[0])}. "
                "Load it with attn_implementation='eager'; what never forms the matrix cannot be "
                "served."
            )
        trace = Trace(
            seen.logits.detach(),
            scores.detach(),
            tuple(h.detach() for h in seen.hidden),
            by_layer(gradients),
            list(by_layer(relevance)),
            seen.row_bytes,
            reader.cells,
        )
        self._learn(inputs, items, seen, inner, trace)
        return trace

    def _run(self, index: int, run: blocks.Run, args: Any, kwargs: Any, frugal: bool) -> Any:
        """A block's own computation; of the last one, only what is read."""

        def compute(*args: Any, **kwargs: Any) -> Any:
            with self._pooled.narrowed() if index + 1 == len(self._recorded) else nullcontext():
                return run(*args, **kwargs)

        computed = partial(checkpoint, compute, use_reentrant=False) if frugal else compute
        return computed(*args, **kwargs)

    def _learn(
        self,
        own: ModelInputs,
        items: Tensor,
        seen: Seen,
        inner: Sequence[Sequence[Tensor | None]],
        trace: Trace,
    ) -> None:
        """Take from a trace what replaying needs to know."""
        outputs = seen.outputs
        if any(isinstance(output, tuple) and len(output) > 1 for output in outputs):
            # What a block returns beside its hidden state may depend on the request.
            with blocks.record_calls(self.find(own)) as calls:
                self.predict(own)
            outputs = [call.output for call in calls]
        self._recorded = [blocks.with_output_hidden(output, None) for output in outputs]
        self._lengths = seen.lengths
        self._pooled = PooledBlock.of(seen.linear, inner, trace.hidden_gradients[-1])
        if not self._checked:
            self.joins = joining(partial(self.replay, own), items, trace)
            self._checked = len(trace.logits) > 1
