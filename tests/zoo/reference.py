"""Integrated gradients and attention relevance once more, by plain hooks: nothing of the package.

The state that enters a block is replaced by the straight line from h' to h, and gradient times
difference is summed over Gauss-Legendre nodes, in more and more panels until that settles.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

RULES = ((1, 32), (1, 64), (8, 64), (32, 64), (128, 64))
"""Panels and nodes in each, tried one after the other until the values settle."""
SETTLED = 2e-4
"""Relative L1 change from one rule to the next at which they have."""
HOPELESS = 0.02
"""A change, after two thousand nodes, from which four times as many will not make them settle."""
Inputs = Mapping[str, Tensor]
Score = Callable[[Any], Tensor]
"""What the model returns -> (rows,) scores."""


def is_state(value: Any) -> bool:
    """Whether this may be a hidden state."""
    return torch.is_tensor(value) and value.is_floating_point() and value.ndim >= 3


def entering(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden state among what a block is called with."""
    if args and isinstance(args[0], (tuple, list)):
        args = (*args[0], *args[1:])
    for value in (*args[:1], kwargs.get("hidden_states"), *kwargs.values()):
        if is_state(value):
            return value
    raise ValueError("no hidden state among a block's arguments")


def leaving(output: Any, like: Tensor) -> Tensor:
    """The hidden state among what a block returns; the first that looks like what entered."""
    values = output if isinstance(output, (tuple, list)) else [output]
    if isinstance(output, Mapping):
        values = [*output.values()]
    for value in values:
        if is_state(value) and value.ndim == like.ndim:
            return value
    raise ValueError("no hidden state among what a block returns")


def swapped(value: Any, old: Tensor, new: Tensor) -> Any:
    """The same with ``new`` wherever ``old`` itself stands."""
    if value is old:
        return new
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(swapped(one, old, new) for one in value))
    if isinstance(value, (tuple, list)):
        return type(value)(swapped(one, old, new) for one in value)
    if type(value) is dict:
        return {name: swapped(one, old, new) for name, one in value.items()}
    return value


class Routing(torch.overrides.TorchFunctionMode):
    """Keeps what was chosen by scores, and chooses the same in later passes of more rows.

    Which entries were the largest, and which scores were above or below others.
    """

    places = ("topk", "max")
    truths = ("argmax", "gt", "__gt__", "lt", "__lt__")

    def __init__(self, known: Sequence[Tensor] | None = None) -> None:
        super().__init__()
        self.found: list[Tensor] = []
        self.known = known

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name, several = getattr(func, "__name__", ""), isinstance(result, tuple)
        if name not in (self.places if several else self.truths):
            return result
        if not torch.is_tensor(args[0]) or not args[0].is_floating_point():
            return result
        chosen = result[1] if several else result
        self.found.append(chosen)
        if self.known is None or len(self.found) > len(self.known):
            return result
        own = self.known[len(self.found) - 1]
        copies, rest = divmod(len(chosen), len(own)) if chosen.ndim else (0, 1)
        if rest or own.shape[1:] != chosen.shape[1:]:
            return result
        indices = own.repeat(copies, *[1] * (own.ndim - 1))
        if not several:
            return indices
        if indices.ndim < args[0].ndim:
            return result
        dim = (kwargs or {}).get("dim", args[2] if len(args) > 2 else -1)
        return type(result)((args[0].gather(dim, indices), indices))


class Attention(torch.overrides.TorchFunctionMode):
    """Notes whether tokens attend to each other while ``states`` is still empty.

    Args:
        states: Of the blocks, filled as they run.
    """

    def __init__(self, states: Sequence[Tensor]) -> None:
        super().__init__()
        self.states, self.comes_first = states, False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in ("softmax", "scaled_dot_product_attention"):
            self.comes_first = self.comes_first or not self.states
        return func(*args, **(kwargs or {}))


@dataclass(frozen=True)
class Integral:
    """One layer's values, and how far they moved from the rule before.

    Attributes:
        values: (tokens,) gradient times difference.
        unsettled: Relative L1 change from the rule before.
        change: f at h less f at h', along this path.
        n_nodes: Gradients that were taken.
    """

    values: np.ndarray
    unsettled: float
    change: float
    n_nodes: int


class Reference:
    """A copy of a model, whose blocks are entered by hooks.

    Args:
        model: The model; it is copied.
        paths: Dotted paths of its blocks, in the order in which they run.
        inputs: What it is called with, one row.
        baselines: The same of the baseline.
        score: From what it returns to (rows,) scores.
        n_layers: How often blocks run, where some are shared and named once.
        beside: Path of the first block of what reads the text too, as a decoder does; or None.
        held: Whether what ``topk`` finds is that of the input, all along.
        kept: Path of a table that is asked for the same rows whatever the input, as positions
            are that do not count padding; or None.
    """

    def __init__(
        self,
        model: nn.Module,
        paths: Sequence[str],
        inputs: Inputs,
        baselines: Inputs,
        score: Score,
        *,
        n_layers: int | None = None,
        beside: str | None = None,
        held: bool = False,
        kept: str | None = None,
    ) -> None:
        self.model = copy.deepcopy(model).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self.n_layers = n_layers or len(paths)
        own = {id(m): m for m in map(self.model.get_submodule, dict.fromkeys(paths))}
        self.blocks = [*own.values()]
        self.beside = None if beside is None else self.model.get_submodule(beside)
        self.kept = None if kept is None else self.model.get_submodule(kept)
        self.inputs, self.baselines, self.score = inputs, baselines, score
        self.routing: list[Tensor] | None = None
        self.asked: Tensor | None = None
        self.rowwise = False
        with Routing() as routing:
            self.own, self.own_beside, self.value = self._watch(inputs, remember=True)
        self.routes = bool(routing.found)
        two_stacks = getattr(self.model.config, "is_encoder_decoder", False)
        self.of_encoder = two_stacks and "encoder" in paths[0]
        names = {name.rsplit(".", 1)[-1] for name, _ in self.model.named_modules()}
        self.is_mixture = bool({"experts", "router", "gate"} & names)
        if held:
            self.routing = routing.found
        self.other, self.other_beside, self.baseline_value = self._watch(baselines)
        # rows that a model does not keep apart go alone
        pair = torch.cat([self.own[0], self.other[0]])
        twice = self._scores(0, pair, self._beside_at(np.array([1.0, 0.0])))
        self.rowwise = False
        if abs(float(twice[0]) - self.value) > 1e-6 * max(1.0, abs(self.value)):
            self.rowwise = True

    @contextmanager
    def _entered(self, layer: int | None, states: Tensor | None, record: list[Tensor] | None):
        """Hooks: the state that enters call ``layer`` replaced, or all of them recorded."""
        count, outer = 0, []

        def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
            nonlocal count
            number, count = count, count + 1
            hidden = entering(args, kwargs)
            outer.append(hidden)
            if record is not None:
                record.append(hidden.detach())
            if number != layer:
                return None
            return swapped(args, hidden, states), swapped(kwargs, hidden, states)

        def after(_: nn.Module, args: Any, output: Any) -> Any:
            like = outer.pop()
            if count < self.n_layers:
                return None
            hidden = leaving(output, like)
            if record is not None:
                record.append(hidden.detach())
            if layer != self.n_layers:
                return None
            if isinstance(output, Mapping):
                for name, value in output.items():
                    if value is hidden:
                        output[name] = states
                return output
            return swapped(output, hidden, states)

        with ExitStack() as stack:
            for block in self.blocks:
                handle = block.register_forward_pre_hook(before, with_kwargs=True)
                stack.callback(handle.remove)
                stack.callback(block.register_forward_hook(after).remove)
            yield

    @contextmanager
    def _besides(self, states: Tensor | None, record: list[Tensor] | None):
        """The same for the first block of what reads the text beside."""
        if self.beside is None:
            yield
            return

        def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
            hidden = entering(args, kwargs)
            if record is not None:
                record.append(hidden.detach())
            if states is None:
                return None
            return swapped(args, hidden, states), swapped(kwargs, hidden, states)

        handle = self.beside.register_forward_pre_hook(before, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _positions(self, remember: bool):
        if self.kept is None:
            yield
            return

        def before(_: nn.Module, args: Any) -> Any:
            if remember:
                self.asked = args[0][:1]
            return None if self.asked is None else (self.asked.expand(*args[0].shape),)

        handle = self.kept.register_forward_pre_hook(before)
        try:
            yield
        finally:
            handle.remove()

    def _routed(self) -> Any:
        return nullcontext() if self.routing is None else Routing(self.routing)

    def _watch(self, inputs: Inputs, remember: bool = False) -> tuple[list[Tensor], Any, float]:
        states: list[Tensor] = []
        beside: list[Tensor] = []
        with torch.no_grad(), self._entered(None, None, states), self._besides(None, beside):
            with self._positions(remember), self._routed(), Attention(states) as heard:
                value = float(self.score(self.model(**inputs))[0])
        self.attends_first = heard.comes_first
        if len(states) != self.n_layers + 1:
            raise ValueError(f"{len(states) - 1} blocks ran, not {self.n_layers}")
        return states, beside[0] if beside else None, value

    def _scores(self, layer: int, states: Tensor, beside: Tensor | None) -> Tensor:
        """(rows,) scores of states (rows, ...) that enter a block of the input."""
        if self.rowwise and len(states) > 1:
            rows = [
                self._scores(
                    layer, states[i : i + 1], None if beside is None else beside[i : i + 1]
                )
                for i in range(len(states))
            ]
            return torch.cat(rows)
        inputs = {k: v.expand(len(states), *v.shape[1:]) for k, v in self.inputs.items()}
        with self._entered(layer, states, None), self._besides(beside, None):
            with self._positions(False), self._routed():
                return self.score(self.model(**inputs))

    def _beside_at(self, nodes: np.ndarray) -> Tensor | None:
        if self.own_beside is None:
            return None
        a = torch.as_tensor(nodes).to(self.own_beside)[:, None, None]
        return self.other_beside + a * (self.own_beside - self.other_beside)

    def _integrate(self, layer: int, panels: int, nodes_each: int) -> list[Tensor]:
        """Gradient times difference of what enters a block, and of what enters beside."""
        x, w = np.polynomial.legendre.leggauss(nodes_each)
        own, other = self.own[layer], self.other[layer]
        sums = [torch.zeros_like(own)]
        if self.own_beside is not None:
            sums.append(torch.zeros_like(self.own_beside))
        for panel in range(panels):
            nodes = (panel + (x + 1) / 2) / panels
            a = torch.as_tensor(nodes).to(own).reshape(-1, *[1] * (own.ndim - 1))
            points = [(other + a * (own - other)).requires_grad_()]
            if (beside := self._beside_at(nodes)) is not None:
                points.append(beside.requires_grad_())
            scores = self._scores(layer, points[0], beside)
            found = torch.autograd.grad(scores.sum(), points, allow_unused=True)
            for total, gradient in zip(sums, found, strict=True):
                if gradient is not None:
                    weights = torch.as_tensor(w / 2 / panels).to(own)
                    total += torch.einsum("k,k...->...", weights, gradient)[None]
        sums[0] = sums[0] * (own - other)
        if self.own_beside is not None:
            sums[1] = sums[1] * (self.own_beside - self.other_beside)
        return [one[0].sum(dim=-1).flatten().double() for one in sums]

    def layer(self, layer: int) -> Integral:
        """Relevance of the tokens that enter a block; from the last one, of what leaves."""
        values, moved = None, np.inf
        for panels, each in RULES:
            parts = [part.numpy() for part in self._integrate(layer, panels, each)]
            found = parts[0]
            if len(parts) > 1:  # a decoder's token t is the one before; its first none, or the last
                found = found + np.roll(parts[1], -1)
            if values is not None:
                moved = float(np.abs(found - values).sum() / max(np.abs(found).sum(), 1e-30))
            values = found
            if moved < SETTLED or (panels >= 32 and moved > HOPELESS):
                break
        with torch.no_grad():
            ends = [
                float(self._scores(layer, state, beside)[0])
                for state, beside in (
                    (self.own[layer], self.own_beside),
                    (self.other[layer], self.other_beside),
                )
            ]
        return Integral(values, moved, ends[0] - ends[1], panels * each)

    def attention(self) -> list[np.ndarray] | None:
        """A ⊙ ∂f/∂A of each block, the mean over heads, through what the model returns.

        None where it does not return one matrix (batch, heads, tokens, tokens) for each block, or
        gives another score under eager attention.
        """
        model = copy.deepcopy(self.model)
        if not hasattr(model, "set_attn_implementation"):
            return None
        model.set_attn_implementation("eager")
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        with torch.enable_grad(), self._routed():
            output = model(**self.inputs, output_attentions=True)
            score = self.score(output)[0]
        if abs(float(score.detach()) - self.value) > 1e-3 * max(1.0, abs(self.value)):
            return None  # as in Falcon, whose eager attention adds a mask of truth values
        for name in ("encoder_attentions",) if self.of_encoder else ("attentions",):
            matrices = getattr(output, name, None)
            if matrices is None or len(matrices) != self.n_layers:
                continue
            if not all(torch.is_tensor(a) and a.ndim == 4 and a.requires_grad for a in matrices):
                continue
            found = torch.autograd.grad(score, matrices, retain_graph=True, allow_unused=True)
            if all(g is not None for g in found):
                pairs = zip(matrices, found, strict=True)
                return [(a * g)[0].mean(dim=0).detach().numpy() for a, g in pairs]
        return None


def read_beside(args: tuple[Any, ...], kwargs: Mapping[str, Any], hidden: Tensor) -> Tensor:
    """What a decoder's block reads of the encoder: the other state among its arguments."""
    for name, value in [*kwargs.items()] + [("", value) for value in args]:
        if is_state(value) and value.ndim == 3 and value is not hidden and "posit" not in name:
            return value
    raise ValueError("a decoder's block reads no encoder")


class TwoStacks(Reference):
    """An encoder-decoder that writes: the input's tokens through one, the output's by the other.

    Below the decoder the state that enters an encoder's block and what the decoder begins with
    move together. From decoder block j on the output's states move, and what the blocks from j
    on read of the encoder; the blocks below read the input's own.

    Args:
        model: The model.
        paths: Of the encoder's blocks, then of the decoder's.
        inputs: ``input_ids``, ``attention_mask`` and ``decoder_input_ids``.
        baselines: The same.
        score: As for :class:`Reference`.
        n_layers: Of both.
        **_: What is of no use here.
    """

    def __init__(
        self, model: nn.Module, paths: Sequence[str], inputs: Inputs, baselines: Inputs,
        score: Score, *, n_layers: int | None = None, held: bool = False, **_: Any,
    ) -> None:  # fmt: skip
        self.model = copy.deepcopy(model).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
        self.n_layers = len(paths) if n_layers is None else n_layers
        blocks = [self.model.get_submodule(path) for path in paths]
        self.turn = next(i for i, path in enumerate(paths) if "decoder" in path.split("."))
        self.encoder, self.decoder = blocks[: self.turn], blocks[self.turn :]
        self.inputs, self.baselines, self.score = inputs, baselines, score
        self.routing = None
        with Routing() as routing:
            self.value, self.own = self._pass(inputs, {}, {})
        if held:
            self.routing = routing.found
        self.routes, self.is_mixture, self.attends_first = bool(routing.found), False, False
        self.baseline_value, self.other = self._pass(baselines, {}, {})

    def _pass(
        self, inputs: Inputs, entered: Mapping[int, Tensor], read: Mapping[int, Tensor]
    ) -> tuple[Any, dict[str, Tensor]]:
        """Scores, with these states entering calls, and these read by decoder blocks."""
        seen: dict[str, Tensor] = {}
        calls = [0]

        def before(module: nn.Module, args: Any, kwargs: Any) -> Any:
            number = calls[0]
            calls[0] += 1
            hidden = entering(args, kwargs)
            seen[f"enters {number}"] = hidden
            if number >= self.turn:
                other = read_beside(args, kwargs, hidden)
                seen[f"read {number}"] = other
                if number in read:
                    args, kwargs = (swapped(v, other, read[number]) for v in (args, kwargs))
            if number in entered:
                args, kwargs = (swapped(v, hidden, entered[number]) for v in (args, kwargs))
            return args, kwargs

        def after(module: nn.Module, args: Any, output: Any) -> Any:
            if calls[0] < self.n_layers:
                return None
            hidden = leaving(output, seen[f"enters {self.n_layers - 1}"])
            seen[f"enters {self.n_layers}"] = hidden
            new = entered.get(self.n_layers)
            return None if new is None else swapped(output, hidden, new)

        with ExitStack() as stack:
            for block in dict.fromkeys([*self.encoder, *self.decoder]):
                handle = block.register_forward_pre_hook(before, with_kwargs=True)
                stack.callback(handle.remove)
                stack.callback(block.register_forward_hook(after).remove)
            with self._routed():
                scores = self.score(self.model(**inputs))
        if calls[0] != self.n_layers:
            raise ValueError(f"{calls[0]} blocks ran, not {self.n_layers}")
        if len(scores) > 1 or scores.requires_grad:
            return scores, seen
        return float(scores[0]), seen

    def _points(self, layer: int) -> list[str]:
        """Which states move: the text's, if any, and the output's."""
        if layer < self.turn:
            return [f"enters {layer}", f"enters {self.turn}"]
        read = [f"read {layer}"] if layer < self.n_layers else []
        return [*read, f"enters {layer}"]

    def _rows(self, layer: int, states: Sequence[Tensor]) -> Tensor:
        n = len(states[0])
        inputs = {k: v.expand(n, *v.shape[1:]) for k, v in self.inputs.items()}
        if layer < self.turn:
            return self._pass(inputs, {layer: states[0], self.turn: states[1]}, {})[0]
        read = dict.fromkeys(range(layer, self.n_layers), states[0]) if len(states) > 1 else {}
        return self._pass(inputs, {layer: states[-1]}, read)[0]

    def layer(self, layer: int) -> Integral:
        """Relevance of the text's tokens and, after them, of the output's so far."""
        names = self._points(layer)
        own, other = ([side[n].detach() for n in names] for side in (self.own, self.other))
        values, moved = None, np.inf
        for panels, each in RULES[:-1]:
            x, w = np.polynomial.legendre.leggauss(each)
            sums = [torch.zeros_like(one) for one in own]
            for panel in range(panels):
                a = torch.as_tensor((panel + (x + 1) / 2) / panels).to(own[0])[:, None, None]
                points = [
                    (h1 + a * (h - h1)).requires_grad_() for h, h1 in zip(own, other, strict=True)
                ]
                found = torch.autograd.grad(
                    self._rows(layer, points).sum(), points, allow_unused=True
                )
                for total, gradient in zip(sums, found, strict=True):
                    if gradient is not None:
                        weights = torch.as_tensor(w / 2 / panels).to(own[0])
                        total += torch.einsum("k,k...->...", weights, gradient)[None]
            parts = [
                (total * (h - h1))[0].sum(dim=-1)
                for total, h, h1 in zip(sums, own, other, strict=True)
            ]
            if len(parts) == 1:  # nothing reads the text any more
                parts.insert(0, torch.zeros(self.inputs["input_ids"].shape[1]))
            new = torch.cat([part.double() for part in parts]).numpy()
            if values is not None:
                moved = float(np.abs(new - values).sum() / max(np.abs(new).sum(), 1e-30))
            values = new
            if moved < SETTLED:
                break
        with torch.no_grad():
            ends = [
                float(torch.as_tensor(self._rows(layer, one)).flatten()[0]) for one in (own, other)
            ]
        return Integral(values, moved, ends[0] - ends[1], panels * each)

    def attention(self) -> None:
        """Not compared: two stacks have three kinds of it."""
