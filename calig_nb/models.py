"""The only file that knows transformers' models: trace, replay from a block, undisturbed.

No architecture is named here. A model is run by its own ``forward``, so that masks, position
biases, pooling and heads come out right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from . import blocks

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
        attentions: L tensors (batch, heads, queries, keys), after the softmax.
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
        blocks: Path of its list of blocks, such as "encoder.layer"; found by itself when None.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: If its weights are on the meta device or in half precision, or if ``blocks``
            names no module list.
    """

    def __init__(self, model: nn.Module, path: str | None = None) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if any(p.is_meta for p in model.parameters()):
            raise ValueError(
                "model must have its weights loaded, got weights on the meta device. "
                "Load them with from_pretrained on a folder or a hub name."
            )
        dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
        if not dtypes or not dtypes <= {torch.float32, torch.float64}:
            got = ", ".join(sorted(str(d).removeprefix("torch.") for d in dtypes)) or "none"
            raise ValueError(
                f"model must have float32 or float64 weights, got {got}: gradients in half "
                "precision are too coarse to integrate. Load it with dtype=torch.float32, or "
                "call model.float()."
            )
        self.model = model
        self._blocks = None if path is None else blocks.named(model, path)
        self._recorded: list[Any] = []

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The weights' precision."""
        return next(p.dtype for p in self.model.parameters() if p.is_floating_point())

    @property
    def labels(self) -> Mapping[int, str] | None:
        """The classes' names by index, where the configuration holds them."""
        return getattr(getattr(self.model, "config", None), "id2label", None)

    @property
    def multi_label(self) -> bool:
        """Whether the classes do not exclude each other."""
        problem = getattr(getattr(self.model, "config", None), "problem_type", None)
        return problem == "multi_label_classification"

    @property
    def max_tokens(self) -> int | None:
        """Most tokens that the position table can tell apart; None where nothing is stated."""
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Embedding) and name.endswith(("position_embeddings", "wpe")):
                # A table with a padding index counts positions from the one after it.
                skipped = 0 if module.padding_idx is None else module.padding_idx + 1
                return module.num_embeddings - skipped
        return getattr(getattr(self.model, "config", None), "max_position_embeddings", None)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Evaluation mode, no parameter gradients, no cache; everything as before on leaving.

        What the model's own forward leaves behind goes too: transformers installs hooks the first
        time that attention probabilities are asked for.
        """
        flags = [(p, p.requires_grad) for p in self.model.parameters()]
        with _attributes_restored(self.model.modules()):
            try:
                self.model.eval()
                for parameter, _ in flags:
                    parameter.requires_grad_(False)
                with _settings(self.model, use_cache=False), torch.enable_grad():
                    yield
            finally:
                for parameter, requires_grad in flags:
                    parameter.requires_grad_(requires_grad)

    def predict(self, inputs: ModelInputs) -> Tensor:
        """Logits (batch, classes) of a plain forward pass."""
        with torch.no_grad():
            return _logits_of(self.model, self.model(**inputs))

    def trace(self, inputs: ModelInputs, score: ScoreFn) -> Trace:
        """One forward and one backward pass over all rows of ``inputs``.

        Raises:
            ValueError: If the blocks are not found, or attention probabilities that carry a
                gradient cannot be had.
        """
        modules = self._find(inputs)
        calls: list[blocks.Call] = []

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index == 0:  # the leaf that gradients lead back to
                leaf = blocks.hidden_of(args, kwargs).detach().requires_grad_()
                args, kwargs = blocks.with_hidden(args, kwargs, leaf)
            output = run(*args, **kwargs)
            calls.append(blocks.Call(blocks.hidden_of(args, kwargs), output))
            return output

        with (
            _settings(self.model, _attn_implementation="eager"),
            blocks.taken_over(modules, enter),
        ):
            output = self._with_attentions(inputs)
        logits = _logits_of(self.model, output)
        attentions = tuple(getattr(output, "attentions", None) or ())
        if len(attentions) != len(calls) or any(a is None or a.grad_fn is None for a in attentions):
            raise ValueError(
                f"model must return one attention matrix with a gradient for each of its "
                f"{len(calls)} blocks, got {len(attentions)}. Load it with "
                "attn_implementation='eager'; kernels that never form the matrix cannot be served."
            )
        hidden = [*(call.hidden for call in calls), blocks.returned(calls[-1].output)]
        gradients = torch.autograd.grad(score(logits).sum(), [*hidden, *attentions])
        self._recorded = [call.output for call in calls]
        if any(isinstance(rest, tuple) and len(rest) > 1 for rest in self._recorded):
            # What a block returns beside its hidden state may depend on the request.
            row = {name: value[:1] for name, value in inputs.items()}
            self._recorded = [c.output for c in blocks.record(modules, lambda: self.predict(row))]
        self._recorded = [_without_hidden(output) for output in self._recorded]
        return Trace(
            logits.detach(),
            tuple(h.detach() for h in hidden),
            gradients[: len(hidden)],
            tuple(a.detach() for a in attentions),
            gradients[len(hidden) :],
        )

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

        repeated = {k: v.expand(len(hidden), *v.shape[1:]) for k, v in inputs.items()}
        with blocks.taken_over(self._find(inputs), enter):
            return _logits_of(self.model, self.model(**repeated))

    def gradient(self, inputs: ModelInputs, layer: int, hidden: Tensor, score: ScoreFn) -> Tensor:
        """∂score/∂hidden for each row of ``hidden`` entering block ``layer``; same shape."""
        leaf = hidden.detach().requires_grad_()
        total = score(self.replay(inputs, layer, leaf)).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
        return gradient

    def _find(self, inputs: ModelInputs) -> Sequence[nn.Module]:
        if self._blocks is None:
            self._blocks = blocks.find(self.model, lambda: self.predict(inputs))
        return self._blocks

    def _with_attentions(self, inputs: ModelInputs) -> Any:
        try:
            return self.model(**inputs, output_attentions=True)
        except TypeError as error:
            if "output_attentions" not in str(error):
                raise
            raise ValueError(
                "model must return its attention probabilities when called with "
                f"output_attentions=True; {type(self.model).__name__} refused: {error}."
            ) from error


def _logits_of(model: nn.Module, output: Any) -> Tensor:
    logits = output if torch.is_tensor(output) else getattr(output, "logits", None)
    if logits is None or logits.ndim != 2:
        got = "no logits" if logits is None else f"logits of shape {tuple(logits.shape)}"
        raise ValueError(
            "model must have a classification head that returns logits (batch, classes); "
            f"{type(model).__name__} returned {got}. Load it with "
            "AutoModelForSequenceClassification."
        )
    return logits


def _without_hidden(output: Any) -> Any:
    """The form of a block's output, the rest of a tuple kept and its hidden state dropped."""
    return (None, *output[1:]) if isinstance(output, tuple) else None


@contextmanager
def _attributes_restored(things: Iterable[Any]) -> Iterator[None]:
    """Give each thing back the attributes it has now; dictionaries among them by content."""
    before = [
        (
            thing,
            dict(vars(thing)),
            {k: copy(v) for k, v in vars(thing).items() if type(v) in _DICTS},
        )
        for thing in things
    ]
    try:
        yield
    finally:
        for thing, attributes, contents in before:
            vars(thing).clear()
            vars(thing).update(attributes)
            for name, content in contents.items():
                attributes[name].clear()
                attributes[name].update(content)


_DICTS = (dict, OrderedDict)


@contextmanager
def _settings(model: nn.Module, **values: Any) -> Iterator[None]:
    """Change settings in every configuration that the model holds, then restore them exactly."""
    configs = {id(c): c for m in model.modules() if (c := getattr(m, "config", None)) is not None}
    for config in list(configs.values()):
        for name in getattr(config, "sub_configs", None) or {}:
            if (child := getattr(config, name, None)) is not None:
                configs[id(child)] = child
    with _attributes_restored(configs.values()):
        for config in configs.values():
            for name, value in values.items():
                if hasattr(config, name):
                    setattr(config, name, value)
        yield
