"""What attention says for a score: A ⊙ ∂score/∂A of every block, by two ways of having it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from . import blocks
from .memory import release_memory
from .outputs import part_of
from .preserve import changed_settings
from .token_cells import Cells

KeepHeads = Callable[[int, Tensor], None]
"""Takes a layer and its A ⊙ ∂score/∂A, (items, heads, cells, cells)."""

QUERIES = 1024
"""Rows of an attention matrix that are formed at a time."""


def attention_relevance(attentions: Tensor, gradients: Tensor) -> Tensor:
    """How far query i looking at key j speaks for the score, head by head.

    ``A ⊙ ∂f/∂A``; G is its mean over the heads.

    Args:
        attentions: A, (..., heads, queries, keys).
        gradients: ∂f/∂A, same shape.

    Returns:
        (..., heads, queries, keys), signed, in units of the score.
    """
    return attentions * gradients


class Attention:
    """Attention that nobody asks about: the model runs as it is set, and no block is heard.

    Args:
        model: The model.
        around: The modules that hold all its blocks, the innermost first.
        n_items: Rows that are read; those after them are baselines.
        cells: What queries and keys are summed in.

    Attributes:
        keep_heads: Where the heads go before they are averaged; set before the backward pass.
        layer: The block that runs now; -1 while nobody listens.
        layers: The blocks whose attention was heard, upwards.
        wanted: Tensors whose gradients :meth:`relevance` takes.
        last: Whether no other target's backward pass follows.
    """

    def __init__(
        self, model: nn.Module, around: Sequence[nn.Module], n_items: int, cells: Cells
    ) -> None:
        self.model, self.around, self.n_items, self.cells = model, around, n_items, cells
        self.keep_heads: KeepHeads | None = None
        self.layers: Sequence[int] = ()
        self.wanted: tuple[Tensor, ...] = ()
        self.layer = 0
        self.last = True

    def configured(self) -> AbstractContextManager[None]:
        """The model's settings for the forward and for the backward pass, within the context."""
        return nullcontext()

    def listening(self) -> AbstractContextManager[Mapping[str, Any]]:
        """Gives the options of a forward pass whose attention is heard."""
        return nullcontext({})

    def within(self, block: nn.Module) -> AbstractContextManager[None]:
        """A block that runs now."""
        del block
        return nullcontext()

    def hear_blocks(self, outputs: Sequence[Any]) -> None:
        """Take what the blocks returned."""

    def relevance(self, n_rows: int, gradients: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """Block -> (items, cells, cells) A ⊙ ∂score/∂A, the mean of the heads, for one target.

        Args:
            n_rows: Rows that went through the model, all told.
            gradients: ∂score/∂A for each of ``wanted``.
        """
        del n_rows, gradients
        return {}


class Eager(Attention):
    """Attention written out: the model returns its probabilities, and autograd their gradients.

    Args:
        *given: As for :class:`Attention`.
        inside: Whether to listen to every module in the blocks, as is needed where the model does
            not list the attention of each block.
    """

    def __init__(self, *given: Any, inside: bool = False) -> None:
        super().__init__(*given)
        self.inside = inside
        self.seen: tuple[Tensor, ...] = ()
        self.formed: dict[int, list[Tensor]] = {}

    def configured(self) -> AbstractContextManager[None]:
        """The model's settings for the forward and for the backward pass, within the context."""
        return changed_settings(self.model, _attn_implementation="eager", output_attentions=True)

    @contextmanager
    def listening(self) -> Iterator[Mapping[str, Any]]:
        """Gives the options of a forward pass whose attention is heard."""
        own = getattr(self.model, "explained", self.model)  # a head hands on what it is given
        has_option = "output_attentions" in signature(own.forward).parameters
        with blocks.record_calls(self.around) as outer:
            yield {"output_attentions": True} if has_option else {}
        # The innermost module that returns attention returns the blocks' own, not a decoder's.
        found = (_attentions_of(call.output) for call in outer)
        self.seen = tuple(a for a in next(filter(None, found), ()) if a is not None)
        self.wanted = tuple(a for a in self.seen if a.requires_grad)

    @contextmanager
    def within(self, block: nn.Module) -> Iterator[None]:
        """A block that runs now: what its modules return is heard, where that is asked."""
        formed: list[Tensor] = []
        if self.layer >= 0:
            self.formed[self.layer] = formed

        def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            output = run(*args, **kwargs)
            formed.extend(filter(_is_map, output if isinstance(output, (tuple, list)) else ()))
            return output

        with blocks.intercept_each([*block.modules()][1:] if self.inside else (), enter):
            yield

    def hear_blocks(self, outputs: Sequence[Any]) -> None:
        """Take the attention that the blocks returned, where the model lists others'.

        So does one of stages, which lists that of each stage's last block.
        """
        if self.inside:
            self._hear_inside()
            return
        own = [part for output in outputs if isinstance(output, tuple) for part in output]
        own = [a for a in own if torch.is_tensor(a) and a.ndim == 4 and a.is_floating_point()]
        own = [a for a in own if a.requires_grad or not torch.is_grad_enabled()]
        own = [a for a in own if _is_distribution(a)]
        known = self.wanted if torch.is_grad_enabled() else self.seen
        if len(own) == len(outputs) and (self.cells.grid or len(known) != len(outputs)):
            self.seen = self.wanted = tuple(own)
        self.layers = range(len(self.wanted)) if len(self.wanted) == len(outputs) else ()

    def _hear_inside(self) -> None:
        """Of the matrices that a block formed, the one that the model lists, or else the first."""
        listed = {id(a) for a in self.seen}
        found = {}
        for layer, formed in self.formed.items():
            own = [a for a in formed if a.requires_grad and _is_distribution(a)]
            named = [a for a in formed if a.requires_grad and id(a) in listed]
            if chosen := [*named, *own]:
                found[layer] = chosen[0]
        self.layers, self.wanted = tuple(found), tuple(found.values())

    def relevance(self, n_rows: int, gradients: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """As for attention that nobody asks about; a block without a gradient is left out."""
        found: dict[int, Tensor] = {}
        for layer, a, gradient in zip(self.layers, self.wanted, gradients, strict=True):
            if gradient is None:
                continue
            own = len(a) * self.n_items // n_rows  # with windows, a row for each of them
            heads = attention_relevance(a[:own].detach(), gradient[:own])
            if self.keep_heads is not None:
                self.keep_heads(layer, self.cells.of_pairs(layer, heads))
            found[layer] = self.cells.of_pairs(layer, heads.mean(dim=1))
        return found


class Fused(Attention):
    """Attention left to torch's kernel: A and ∂score/∂A are formed afterwards, head by head.

    ``A = softmax(s Q Kᵀ + mask)`` and, since O = A V, ``∂score/∂A = ∂score/∂O Vᵀ``: what enters
    and leaves the kernel says both, and no matrix is kept.
    """

    def configured(self) -> AbstractContextManager[None]:
        """The model's settings for the forward and for the backward pass, within the context."""
        return changed_settings(self.model, _attn_implementation="sdpa")

    @contextmanager
    def listening(self) -> Iterator[Mapping[str, Any]]:
        """Gives the options of a forward pass whose attention is heard."""
        self.found: dict[int, Tensor] = {}
        self.heard: list[int] = []
        with _Listener(self._hear_kernel):
            yield {}

    def hear_blocks(self, outputs: Sequence[Any]) -> None:
        """Each block's attention is what the one call of the kernel within it says."""
        self.layers = self.heard if len({*self.heard}) == len(self.heard) else ()

    def relevance(self, n_rows: int, gradients: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """As for attention that nobody asks about: (items, queries, keys) of each block."""
        found, self.found = self.found, {}
        return {layer: found[layer] for layer in sorted(found)}

    def _hear_kernel(self, output: Tensor, call: Mapping[str, Any]) -> None:
        if output.requires_grad and self.layer >= 0:
            self.heard.append(self.layer)
            layer = self.layer  # the one that runs now; the hook is called much later
            call = {n: _item_rows(value, self.n_items, len(output)) for n, value in call.items()}
            output.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: self._form_matrices(layer, call, gradient)
            )

    def _form_matrices(self, layer: int, call: dict[str, Any], gradient: Tensor) -> None:
        with torch.no_grad():
            heads: list[Tensor] | None = [] if self.keep_heads is not None else None
            total: Tensor | float = 0.0
            for head in range(gradient.shape[1]):
                one = _head_relevance(call, head, gradient[: self.n_items, head])
                total = one + total
                if heads is not None:
                    heads.append(one)
            if heads is not None and self.keep_heads is not None:
                self.keep_heads(layer, torch.stack(heads, dim=1))
        assert isinstance(total, Tensor)
        self.found[layer] = total.div_(gradient.shape[1])
        if self.last:
            call.clear()
        release_memory()


def _attentions_of(output: Any) -> tuple[Tensor, ...] | None:
    """The attention that a module lists in what it returns."""
    if type(output) is tuple:  # as with return_dict=False: tensors, and lists of tensors
        lists = [part for part in output if isinstance(part, tuple) and all(map(_is_map, part))]
        return lists[-1] if lists else None
    found = part_of(output, "attentions")
    if not isinstance(found, (tuple, list)):
        return None
    # PVT v2 lists a tuple for each stage.
    return tuple(a for one in found for a in (one if isinstance(one, (tuple, list)) else (one,)))


def _is_distribution(a: Tensor) -> bool:
    return bool(((a.detach().sum(dim=-1) - 1).abs() < 1e-3).all())


def _is_map(part: Any) -> bool:
    square = torch.is_tensor(part) and part.ndim == 4 and part.shape[2] == part.shape[3]
    return bool(square and part.is_floating_point())


def _item_rows(value: Any, n_items: int, n_rows: int) -> Any:
    """The items' rows of an argument of the kernel; what layers share, as a mask, is no copy."""
    if not torch.is_tensor(value):
        return value
    rows = value.detach()[: n_items if len(value) == n_rows else None]
    return rows.clone() if value.requires_grad else rows


def mean_attentions(
    eager: Eager,
    modules: Sequence[nn.Module],
    run: Callable[[Mapping[str, Any]], Any],
    frugal: bool,
) -> list[Tensor]:
    """A of every block, the mean of its heads, (rows, cells, cells), from one forward pass.

    Args:
        eager: How attention is heard where it is written out.
        modules: The model's blocks.
        run: Runs it with these options.
        frugal: Whether attention stays fused, where it can, its matrices being formed one head
            at a time.
    """
    found: list[tuple[int, Tensor]] = []
    running = last = -1

    def enter(index: int, block: blocks.Run, args: Any, kwargs: Any) -> Any:
        nonlocal running, last
        running = last = index
        try:
            return block(*args, **kwargs)
        finally:
            running = -1

    def heard(output: Tensor, call: Mapping[str, Any]) -> None:
        if running >= 0:
            total = output.new_zeros(len(output), output.shape[2], call["key"].shape[2])
            for head in range(output.shape[1]):
                for rows, a in _probabilities(call, head):
                    total[:, rows] += a
            found.append((running, total / output.shape[1]))

    with torch.no_grad():
        if frugal:
            fused = Fused(eager.model, eager.around, 0, eager.cells)
            with fused.configured(), blocks.intercept_calls(modules, enter), _Listener(heard):
                run({})
            if [index for index, _ in found] == [*range(last + 1)]:
                return [mean for _, mean in found]
        with (
            eager.configured(),
            blocks.record_calls(modules) as calls,
            eager.listening() as options,
        ):
            run(options)
        eager.hear_blocks([call.output for call in calls])
    means = (heads.mean(dim=1) for heads in eager.seen)
    return [eager.cells.of_attention(block, mean) for block, mean in enumerate(means)]


def _head_relevance(call: Mapping[str, Any], head: int, gradient: Tensor) -> Tensor:
    """(items, queries, keys) A ⊙ ∂score/∂A of one head, a thousand queries at a time."""
    v = call["value"]
    v = v[:, head // (call["query"].shape[1] // v.shape[1])]
    result: Tensor = v.new_empty(*gradient.shape[:2], v.shape[1])
    for rows, a in _probabilities(call, head):
        result[:, rows] = a.mul_(gradient[:, rows] @ v.transpose(1, 2))
    return result


def _probabilities(call: Mapping[str, Any], head: int) -> Iterator[tuple[slice, Tensor]]:
    """A of one head, (items, queries, keys), a thousand queries at a time, and which these are."""
    q, k, mask = call["query"], call["key"], call["attn_mask"]
    q, k = q[:, head], k[:, head // (q.shape[1] // k.shape[1])]  # query heads may share a key
    if mask is not None:
        mask = mask[(None,) * (4 - mask.ndim)]
        mask = mask[:, min(head, mask.shape[1] - 1)]
    scale = q.shape[-1] ** -0.5 if call["scale"] is None else call["scale"]
    for start in range(0, q.shape[1], QUERIES):
        rows = slice(start, start + QUERIES)
        scores = q[:, rows] @ k.transpose(1, 2) * scale
        if call["is_causal"]:
            late = torch.ones(scores.shape[1:], dtype=torch.bool, device=q.device)
            scores.masked_fill_(late.triu_(start + 1), -torch.inf)
        if mask is not None:
            part = mask[:, rows] if mask.shape[1] > 1 else mask
            if part.dtype == torch.bool:
                scores.masked_fill_(~part, -torch.inf)
            else:
                scores += part
        yield rows, scores.softmax(dim=-1)


def _arguments(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> dict[str, Any]:
    """What torch's kernel was called with, by name."""
    del dropout_p, enable_gqa
    return {
        "query": query,
        "key": key,
        "value": value,
        "attn_mask": attn_mask,
        "is_causal": is_causal,
        "scale": scale,
    }


class _Listener(TorchFunctionMode):
    """Tells of every call of torch's attention kernel within the context."""

    def __init__(self, heard: Callable[[Tensor, Mapping[str, Any]], None]) -> None:
        super().__init__()
        self.heard = heard

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is nn.functional.scaled_dot_product_attention:
            self.heard(output, _arguments(*args, **(kwargs or {})))
        return output
