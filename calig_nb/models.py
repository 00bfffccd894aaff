"""The only file that knows transformers' models: trace them, and replay them from a block.

No architecture is named here: a model is run by its own ``forward``, so that masks, position
biases, pooling and heads come out right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from . import blocks, pooled
from .attentions import Eager, Fused, KeepHeads
from .attribution import Points
from .memory import saved_bytes
from .pooled import PooledBlock
from .undisturbed import settings, undisturbed

ModelInputs = Mapping[str, Tensor]
ScoreFn = Callable[[Tensor, Tensor], Tensor]
"""Maps logits (rows, classes) and each row's item (rows,) to scores (rows, targets)."""


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
        attention_relevance: L tensors (targets, items, queries, keys): A ⊙ ∂score/∂A, A being
            the attention probabilities after the softmax, averaged over the heads. With windows,
            each window is a row, those of one input together.
        row_bytes: What a row's forward pass keeps for its backward pass, about.
    """

    logits: Tensor
    scores: Tensor
    hidden_states: tuple[Tensor, ...]
    hidden_gradients: tuple[Tensor, ...]
    attention_relevance: tuple[Tensor, ...]
    row_bytes: int


class BlockModel:
    """A classifier seen as a chain of blocks that can be entered anywhere.

    Args:
        model: A torch classifier that returns logits (batch, classes).
        path: Where its list of blocks is, such as "encoder.layer"; found by itself when None.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: If its weights are on the meta device or in half precision, or if ``path``
            names no module list.
    """

    def __init__(self, model: nn.Module, path: str | None = None) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if any(p.is_meta for p in model.parameters()):
            raise ValueError(
                "model must have its weights loaded, got weights on the meta device. Load them "
                "with from_pretrained."
            )
        dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
        if not dtypes or not dtypes <= {torch.float32, torch.float64}:
            got = ", ".join(sorted(str(d).removeprefix("torch.") for d in dtypes)) or "none"
            raise ValueError(
                f"model must have float32 or float64 weights, got {got}: half precision is too "
                "coarse to integrate. Load it with dtype=torch.float32, or call model.float()."
            )
        self.model = model
        self._blocks = None if path is None else blocks.named(model, path)
        self._recorded: list[Any] = []
        self._pooled = PooledBlock()
        self._lengths: set[int] = set()
        self._checked = False
        self.joins = True

    @property
    def placement(self) -> tuple[torch.dtype, torch.device]:
        """The weights' precision, and where they are."""
        first = next(p for p in self.model.parameters() if p.is_floating_point())
        return first.dtype, first.device

    @property
    def labels(self) -> Mapping[int, str] | None:
        """The classes' names by index, where the configuration holds them."""
        return cast("Mapping[int, str] | None", self._stated("id2label"))

    @property
    def multi_label(self) -> bool:
        """Whether the classes do not exclude each other."""
        return bool(self._stated("problem_type") == "multi_label_classification")

    @property
    def max_tokens(self) -> int | None:
        """Most tokens that the position table can tell apart; None where nothing is stated."""
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Embedding) and name.endswith(("position_embeddings", "wpe")):
                # A table with a padding index counts positions from the one after it.
                skipped = 0 if module.padding_idx is None else module.padding_idx + 1
                return module.num_embeddings - skipped
        return cast("int | None", self._stated("max_position_embeddings"))

    def undisturbed(self) -> AbstractContextManager[None]:
        """Evaluation mode and no parameter gradients; everything as before on leaving."""
        return undisturbed(self.model)

    def eager_attention(self) -> AbstractContextManager[None]:
        """Attention written out as matrix products, for the time of the context."""
        return settings(self.model, _attn_implementation="eager")

    def predict(self, inputs: ModelInputs) -> Tensor:
        """Logits (batch, classes) of a plain forward pass."""
        with torch.no_grad():
            return _logits_of(self.model, self.model(**inputs))

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
        modules = self._find(inputs)
        sides = [inputs] if baselines is None else [inputs, baselines]
        entering = torch.cat(
            [blocks.entering(modules, lambda s=side: self.predict(s)) for side in sides]
        ).requires_grad_()
        items = torch.arange(len(entering)) % n_items
        reader = (Fused if frugal else Eager)(self.model, modules, n_items, keep)
        seen = self._observe(inputs, items, entering, reader, frugal)
        scores = choose(seen.logits[:n_items].detach())(seen.logits, items)
        wanted = [*seen.hidden, *reader.wanted, *seen.linear.values()]
        n_hidden, n_attention = len(seen.hidden), len(reader.wanted)
        gradients, relevance, inner = [], [], []
        for target in range(scores.shape[1]):
            found = torch.autograd.grad(
                scores[:, target].sum(),
                wanted,
                retain_graph=target + 1 < scores.shape[1],
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
            tuple(torch.stack(layer) for layer in zip(*gradients, strict=True)),
            tuple(torch.stack(layer) for layer in zip(*relevance, strict=True)),
            seen.row_bytes,
        )
        self._learn(inputs, items, seen, inner, trace)
        return trace

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
        modules = self._find(inputs)

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index < first:
                joined = points.hidden[first] if index + 1 == first else None
                passed = blocks.hidden_of(args, kwargs) if joined is None else joined
                return blocks.like(self._recorded[index], passed)
            before = () if index == first else (blocks.hidden_of(args, kwargs),)
            joining = (points.hidden[index],) if index in points.hidden else ()
            hidden = torch.cat([*before, *joining]) if before and joining else (before + joining)[0]
            args, kwargs = blocks.with_hidden(args, kwargs, hidden)
            if len(hidden) < n_all:
                args, kwargs = blocks.first_rows((args, kwargs), len(hidden), n_all)
            output = self._run(index, run, args, kwargs, frugal)
            if index + 1 == len(self._recorded) and index + 1 in points.hidden:
                left = torch.cat([blocks.returned(output), points.hidden[index + 1]])
                output = blocks.like(output, left)
            return output

        with blocks.taken_over(modules, enter):
            return _logits_of(self.model, self.model(**_rows(inputs, points.items)))

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
            return {k: v for p in parts for k, v in self.gradients(inputs, p, score).items()}
        leaves = {layer: h.detach().requires_grad_() for layer, h in points.hidden.items()}
        logits = self.replay(inputs, Points(leaves, points.items), frugal=frugal)
        columns = score(logits, points.items).sum(dim=0).unbind()
        found = [
            torch.autograd.grad(column, [*leaves.values()], retain_graph=i + 1 < len(columns))
            for i, column in enumerate(columns)
        ]
        layers = zip(*found, strict=True)
        return {layer: torch.stack(g) for layer, g in zip(leaves, layers, strict=True)}

    def passage(
        self, inputs: ModelInputs, hidden: Tensor, items: Tensor, score: ScoreFn
    ) -> list[tuple[Tensor, Tensor]]:
        """What ``hidden`` becomes on its way from the first block to the score.

        Returns:
            L + 1 pairs of h_b (batch, tokens, hidden) and ∂score/∂h_b (targets, batch, tokens,
            hidden).
        """
        with blocks.recorded(self._find(inputs)) as calls:
            points = Points({0: hidden.detach().requires_grad_()}, items)
            logits = self.replay(inputs, points)
        layers = [*(call.hidden for call in calls), calls[-1].returned]
        columns = score(logits, items).sum(dim=0).unbind()
        found = [
            torch.autograd.grad(column, layers, retain_graph=i + 1 < len(columns))
            for i, column in enumerate(columns)
        ]
        gradients = zip(*found, strict=True)
        return [(h.detach(), torch.stack(g)) for h, g in zip(layers, gradients, strict=True)]

    def _stated(self, name: str) -> Any:
        return getattr(getattr(self.model, "config", None), name, None)

    def _find(self, inputs: ModelInputs) -> Sequence[nn.Module]:
        if self._blocks is None:
            self._blocks = blocks.find(self.model, lambda: self.predict(inputs))
        return self._blocks

    def _run(self, index: int, run: blocks.Run, args: Any, kwargs: Any, frugal: bool) -> Any:
        """A block's own computation; of the last one, only what is read."""

        def compute(*args: Any, **kwargs: Any) -> Any:
            with self._pooled.narrowed() if index + 1 == len(self._recorded) else nullcontext():
                return run(*args, **kwargs)

        if frugal:
            return checkpoint(compute, *args, use_reentrant=False, **kwargs)
        return compute(*args, **kwargs)

    def _observe(
        self, own: ModelInputs, items: Tensor, entering: Tensor, reader: Eager, frugal: bool
    ) -> _Seen:
        """Everything on the way, when ``entering`` enters."""
        hidden: list[Tensor] = []
        outputs: list[Any] = []
        last: list[dict[nn.Module, Tensor]] = []
        saved: list[list[int]] = []
        lengths: set[int] = set()
        modules = self._find(own)

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index == 0:
                n_items = int(items.max()) + 1
                same = blocks.hidden_of(args, kwargs)[:n_items], entering[:n_items]
                if not blocks.agree(*same):
                    raise ValueError(
                        "model must give the same hidden states each time, but what enters its "
                        "first block is random. Fix its noise, as ViTMAEModel's noise=."
                    )
                args, kwargs = blocks.with_hidden(args, kwargs, entering)
            reader.layer = index
            hidden.append(blocks.hidden_of(args, kwargs))
            lengths.update(blocks.lengths((args, kwargs)))
            compute = partial(checkpoint, run, use_reentrant=False) if frugal and index else run
            with ExitStack() as stack:
                linear = stack.enter_context(pooled.linear_outputs(modules[index % len(modules)]))
                if not index:
                    saved.append(stack.enter_context(saved_bytes(self.model)))
                outputs.append(compute(*args, **kwargs))
            last.append(
                {m: f[0] for m, f in linear.items() if len(f) == 1 and f[0].requires_grad}
            )
            del last[:-1]
            return outputs[-1]

        with reader.listening() as options, blocks.taken_over(modules, enter):
            logits = _logits_of(self.model, self.model(**_rows(own, items), **options))
        self._lengths = lengths - {len(items)}
        row_bytes = saved[0][0] * len(outputs) // len(items)
        hidden.append(blocks.returned(outputs[-1]))
        return _Seen(hidden, outputs, logits, last[-1], row_bytes)

    def _learn(
        self,
        own: ModelInputs,
        items: Tensor,
        seen: _Seen,
        inner: Sequence[Sequence[Tensor | None]],
        trace: Trace,
    ) -> None:
        """Take from a trace what replaying needs to know."""
        outputs = seen.outputs
        if any(isinstance(output, tuple) and len(output) > 1 for output in outputs):
            # What a block returns beside its hidden state may depend on the request.
            with blocks.recorded(self._find(own)) as calls:
                self.predict(own)
            outputs = [call.output for call in calls]
        self._recorded = [blocks.like(output, None) for output in outputs]
        self._pooled = PooledBlock.of(seen.linear, inner, trace.hidden_gradients[-1])
        if not self._checked:
            self._check(own, items, trace)

    def _check(self, own: ModelInputs, items: Tensor, trace: Trace) -> None:
        """Refuse a model in which something flows past the hidden states of a block."""

        def agrees(layers: Sequence[int]) -> bool:
            # Rows change places, so that what one pass left behind does not fit the next.
            flips = [(0,) if layer % 2 else () for layer in layers]
            hidden = {b: trace.hidden_states[b].flip(f) for b, f in zip(layers, flips, strict=True)}
            points = Points(hidden, torch.cat([items.flip(f) for f in flips]))
            with torch.no_grad():
                logits = self.replay(own, points).split(len(items))
            expected = [trace.logits.flip(f) for f in flips]
            return all(map(blocks.agree, logits, expected))

        n_layers = len(trace.hidden_states)
        for layer in range(n_layers):
            if not agrees([layer]):
                raise ValueError(
                    f"model must compute the same from block {layer} on, given what entered it, "
                    f"but something passes its blocks by; they must be {blocks.WANTED}"
                )
        try:
            self.joins = agrees([0, n_layers // 2, n_layers - 1])
        except (RuntimeError, ValueError, TypeError, IndexError):
            self.joins = False
        self._checked = len(trace.logits) > 1


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a forward pass met: hidden states, the blocks' outputs, logits, the last block's maps."""

    hidden: list[Tensor]
    outputs: list[Any]
    logits: Tensor
    linear: dict[nn.Module, Tensor]
    row_bytes: int


def _rows(inputs: ModelInputs, items: Tensor) -> ModelInputs:
    """The items' inputs, a row for each of ``items``."""
    if all(len(value) == 1 for value in inputs.values()):
        return {name: value.expand(len(items), *value.shape[1:]) for name, value in inputs.items()}
    return {name: value[items.to(value.device)] for name, value in inputs.items()}


def _logits_of(model: nn.Module, output: Any) -> Tensor:
    logits = output if torch.is_tensor(output) else getattr(output, "logits", None)
    if logits is None or logits.ndim != 2:
        got = "no logits" if logits is None else f"logits of shape {tuple(logits.shape)}"
        raise ValueError(
            "model must have a classification head that returns logits (batch, classes); "
            f"{type(model).__name__} returned {got}. Load it with "
            "AutoModelForSequenceClassification or AutoModelForImageClassification."
        )
    return logits
