"""The only file that knows transformers' models: trace them, and replay them from a block.

No architecture is named here: a model is run by its own ``forward``, so that masks, position
biases, pooling and heads come out right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast

import torch
from torch import Tensor, nn

from . import blocks
from .undisturbed import settings, undisturbed

ModelInputs = Mapping[str, Tensor]
ScoreFn = Callable[[Tensor], Tensor]
"""Maps logits (batch, classes) to one score for each row, (batch,)."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What one forward and one backward pass over a batch give; each row has its own score.

    Attributes:
        logits: (batch, classes).
        hidden_states: L + 1 tensors (batch, tokens, hidden): what enters each block, and last
            what leaves the last one.
        hidden_gradients: ∂score/∂hidden_states, same shapes.
        attentions: L tensors (batch, heads, queries, keys), after the softmax; with windows,
            each window is a row, those of one input together.
        attention_gradients: ∂score/∂attentions, same shapes.
    """

    logits: Tensor
    hidden_states: tuple[Tensor, ...]
    hidden_gradients: tuple[Tensor, ...]
    attentions: tuple[Tensor, ...]
    attention_gradients: tuple[Tensor, ...]


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
        self._checked = False

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

    def trace(self, inputs: ModelInputs, score: ScoreFn) -> Trace:
        """One forward and one backward pass over all rows of ``inputs``.

        The first row is the one that is explained. The others lend what enters the first block;
        all else (mask, decoder's tokens, pooled position) is the first row's, as in ``replay``.

        Raises:
            ValueError: If the blocks are not found or cannot be entered, or attention
                probabilities that carry a gradient cannot be had.
        """
        own = {name: value[:1] for name, value in inputs.items()}
        modules = self._find(inputs)
        entering = blocks.entering(modules, lambda: self.predict(inputs)).requires_grad_()
        hidden, outputs, logits, attentions = self._observe(own, entering)
        gradients: Sequence[Tensor | None] = ()
        if len(attentions) == len(outputs) and all(t.requires_grad for t in (logits, *attentions)):
            total = score(logits).sum()
            gradients = torch.autograd.grad(total, [*hidden, *attentions], allow_unused=True)
        known = [gradient for gradient in gradients if gradient is not None]
        if len(known) < len(hidden) + len(outputs):
            raise ValueError(
                "model must return its attention probabilities when called with "
                "output_attentions=True, or a model inside it must: one attention matrix with a "
                f"gradient for each of its {len(outputs)} blocks, got {len(attentions)}. Load it "
                "with attn_implementation='eager'; what never forms the matrix cannot be served."
            )
        if any(isinstance(output, tuple) and len(output) > 1 for output in outputs):
            # What a block returns beside its hidden state may depend on the request.
            with blocks.recorded(modules) as calls:
                self.predict(own)
            outputs = [call.output for call in calls]
        self._recorded = [blocks.like(output, None) for output in outputs]
        trace = Trace(
            logits.detach(),
            tuple(h.detach() for h in hidden),
            tuple(known[: len(hidden)]),
            tuple(a.detach() for a in attentions),
            tuple(known[len(hidden) :]),
        )
        if not self._checked:
            self._check(own, trace)
        return trace

    def replay(self, inputs: ModelInputs, layer: int, hidden: Tensor) -> Tensor:
        """Logits when ``hidden`` enters block ``layer`` of the input that was traced last.

        Args:
            inputs: What the model is called with, one row; repeated to the batch of ``hidden``.
            layer: 0 ... L; L replaces what leaves the last block. Blocks below are not computed.
            hidden: (batch, tokens, hidden); gradients flow into it.

        Returns:
            (batch, classes) logits.
        """

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index < layer:
                passed = hidden if index == layer - 1 else blocks.hidden_of(args, kwargs)
                return blocks.like(self._recorded[index], passed)
            if index == layer:
                args, kwargs = blocks.with_hidden(args, kwargs, hidden)
            return run(*args, **kwargs)

        with blocks.taken_over(self._find(inputs), enter):
            return _logits_of(self.model, self.model(**_repeated(inputs, len(hidden))))

    def gradient(self, inputs: ModelInputs, layer: int, hidden: Tensor, score: ScoreFn) -> Tensor:
        """∂score/∂hidden for each row of ``hidden`` entering block ``layer``; same shape."""
        leaf = hidden.detach().requires_grad_()
        return torch.autograd.grad(score(self.replay(inputs, layer, leaf)).sum(), leaf)[0]

    def passage(
        self, inputs: ModelInputs, hidden: Tensor, score: ScoreFn
    ) -> list[tuple[Tensor, Tensor]]:
        """What ``hidden`` becomes on its way from the first block to the score.

        Returns:
            L + 1 pairs (h_b, ∂score/∂h_b), each (batch, tokens, hidden).
        """
        with blocks.recorded(self._find(inputs)) as calls:
            logits = self.replay(inputs, 0, hidden.detach().requires_grad_())
        layers = [*(call.hidden for call in calls), calls[-1].returned]
        gradients = torch.autograd.grad(score(logits).sum(), layers)
        return [(h.detach(), g) for h, g in zip(layers, gradients, strict=True)]

    def _stated(self, name: str) -> Any:
        return getattr(getattr(self.model, "config", None), name, None)

    def _find(self, inputs: ModelInputs) -> Sequence[nn.Module]:
        if self._blocks is None:
            self._blocks = blocks.find(self.model, lambda: self.predict(inputs))
        return self._blocks

    def _observe(
        self, own: ModelInputs, entering: Tensor
    ) -> tuple[list[Tensor], list[Any], Tensor, tuple[Tensor, ...]]:
        """Hidden states, the blocks' outputs, logits, attentions, when ``entering`` enters."""
        hidden: list[Tensor] = []
        outputs: list[Any] = []

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index == 0:
                if not blocks.agree(blocks.hidden_of(args, kwargs)[:1], entering[:1]):
                    raise ValueError(
                        "model must give the same hidden states each time, but what enters its "
                        "first block is random. Fix its noise, as ViTMAEModel's noise=."
                    )
                args, kwargs = blocks.with_hidden(args, kwargs, entering)
            hidden.append(blocks.hidden_of(args, kwargs))
            outputs.append(run(*args, **kwargs))
            return outputs[-1]

        modules = self._find(own)
        asked = "output_attentions" in signature(self.model.forward).parameters
        options = {"output_attentions": True} if asked else {}
        with (
            settings(self.model, _attn_implementation="eager", output_attentions=True),
            blocks.recorded(blocks.around(self.model, modules)) as outer,
            blocks.taken_over(modules, enter),
        ):
            logits = _logits_of(self.model, self.model(**_repeated(own, len(entering)), **options))
        # The innermost module that returns attention returns the blocks' own, not a decoder's.
        found = (getattr(call.output, "attentions", None) for call in outer)
        attentions = tuple(a for a in next(filter(None, found), ()) if a is not None)
        return [*hidden, blocks.returned(outputs[-1])], outputs, logits, attentions

    def _check(self, own: ModelInputs, trace: Trace) -> None:
        """Refuse a model in which something flows past the hidden states of a block."""
        for layer, hidden in enumerate(trace.hidden_states):
            with torch.no_grad():
                # Rows change places, so that what one pass left behind does not fit the next.
                flip = (0,) if layer % 2 else ()
                logits = self.replay(own, layer, hidden.flip(flip)).flip(flip)
            if not blocks.agree(logits, trace.logits):
                raise ValueError(
                    f"model must compute the same from block {layer} on, given what entered it, "
                    f"but something passes its blocks by; they must be {blocks.WANTED}"
                )
        self._checked = len(trace.logits) > 1


def _repeated(inputs: ModelInputs, n_rows: int) -> ModelInputs:
    """One row's inputs, n times."""
    return {name: value.expand(n_rows, *value.shape[1:]) for name, value in inputs.items()}


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
