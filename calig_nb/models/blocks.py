"""The blocks of any model: found by watching a forward pass, entered by intercepting calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from threading import get_ident
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

Run = Callable[..., Any]
Enter = Callable[[int, Run, tuple[Any, ...], dict[str, Any]], Any]
"""Takes over a call: (how many came before it, the block's forward, args, kwargs) -> output."""

WANTED = (
    "a torch.nn.ModuleList or torch.nn.Sequential of modules of one class that the forward pass "
    "runs through in order, each taking the hidden state (batch, tokens, hidden) that the one "
    'before returned. Name it by hand with Explainer(..., blocks="path.to.list").'
)


class Call(NamedTuple):
    """One call of a block: what it took and what it returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    @property
    def hidden(self) -> Tensor:
        """The hidden state that entered."""
        return hidden_of(self.args, self.kwargs)

    @property
    def returned(self) -> Tensor:
        """The hidden state that left."""
        return returned_hidden(self.output)

    @property
    def reads_another(self) -> bool:
        """Whether it took a second sequence beside its own, as a decoder takes an encoder's."""
        own = self.hidden
        return any(
            _is_hidden(value) and value.ndim == own.ndim and len(value) == len(own)
            for value in (*self.args, *self.kwargs.values())
            if value is not own
        )


@contextmanager
def intercept_calls(modules: Sequence[nn.Module], enter: Enter) -> Iterator[None]:
    """Send every call of these modules through ``enter``; calls are counted from 0.

    Calls are counted and not modules, because layers may share one.
    """
    count = 0

    def numbered(_: nn.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal count
        index, count = count, count + 1
        return enter(index, run, args, kwargs)

    with intercept_each(modules, numbered):
        yield


@contextmanager
def intercept_each(
    modules: Sequence[nn.Module],
    enter: Callable[[nn.Module, Run, tuple[Any, ...], dict[str, Any]], Any],
) -> Iterator[None]:
    """Send every call of these modules through ``enter``, which is told the module.

    Calls on other threads are not ours, and go through untouched.
    """
    own = get_ident()

    def guard(module: nn.Module, run: Run) -> Run:
        def forward(*args: Any, **kwargs: Any) -> Any:
            ours = get_ident() == own
            return enter(module, run, args, kwargs) if ours else run(*args, **kwargs)

        return forward

    with ExitStack() as stack:
        for module in {id(m): m for m in modules}.values():
            if "forward" in vars(module):
                stack.callback(setattr, module, "forward", module.forward)
            else:
                stack.callback(vars(module).pop, "forward", None)
            module.forward = guard(module, module.forward)
        yield


@contextmanager
def record_calls(modules: Sequence[nn.Module]) -> Iterator[list[Call]]:
    """Record every call of these modules within the context, in the order in which they return."""
    calls: list[Call] = []

    def enter(_: int, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = run(*args, **kwargs)
        calls.append(Call(args, kwargs, output))
        return output

    with intercept_calls(modules, enter):
        yield calls


def entering_states(
    chains: Sequence[Sequence[nn.Module]], run_model: Callable[[], Any]
) -> list[Tensor]:
    """The hidden state that enters each chain first; what follows the last is not computed.

    Raises:
        ValueError: If the model never calls one of them.
    """
    found: dict[int, Tensor] = {}

    def enter_chain(number: int, index: int, run: Run, args: Any, kwargs: Any) -> Any:
        if index == 0:
            found[number] = hidden_of(args, kwargs)
        if len(found) == len(chains):
            raise _Reached
        return run(*args, **kwargs)

    with suppress(_Reached), ExitStack() as stack:
        for number, modules in enumerate(chains):
            stack.enter_context(intercept_calls(modules, partial(enter_chain, number)))
        run_model()
    if len(found) < len(chains):
        raise ValueError(f"model must run its blocks, but never called them; they must be {WANTED}")
    return [found[number] for number in range(len(chains))]


@contextmanager
def replaced_states(
    chains: Sequence[Sequence[nn.Module]], states: Sequence[Tensor]
) -> Iterator[None]:
    """Inside, what enters each chain first is the state given for it."""

    def enter_chain(state: Tensor, index: int, run: Run, args: Any, kwargs: Any) -> Any:
        if index == 0:
            args, kwargs = replace_hidden(args, kwargs, state)
        return run(*args, **kwargs)

    with ExitStack() as stack:
        for modules, state in zip(chains, states, strict=True):
            stack.enter_context(intercept_calls(modules, partial(enter_chain, state)))
        yield


def first_argument(module: nn.Module, run_model: Callable[[], Any]) -> Any:
    """What a module is first called with; nothing from there on is computed. None if it is not."""
    found = []

    def enter(_: int, run: Run, args: Any, kwargs: Any) -> Any:
        found.append(next(iter((*args, *kwargs.values()))))
        raise _Reached

    with suppress(_Reached), intercept_calls([module], enter):
        run_model()
    return found[0] if found else None


def enclosing_modules(model: nn.Module, modules: Sequence[nn.Module]) -> list[nn.Module]:
    """The modules that contain all of these, and so return after them, the innermost first."""
    wanted = set(modules)
    return [m for m in model.modules() if wanted <= {*m.modules()} - {m}]


def find_blocks(model: nn.Module, run_model: Callable[[], Any]) -> Sequence[nn.Module]:
    """The module list whose members a forward pass runs through one after the other.

    Members must be of one class, and each call's hidden state must be what the call before it
    returned. Of several such lists the outermost count, of these the ones that read no other
    sequence (a decoder reads the encoder's), and of these the one with most parameters.

    Raises:
        ValueError: If there is none; the message says what was looked for.
    """
    lists = {
        name: list(members)
        for name, members in _lists(model).items()
        if len({type(member) for member in members}) == 1
        # A sequence of one is a wrapper about the whole model as often as a block.
        and (len(members) > 1 or isinstance(members, nn.ModuleList))
    }
    with ExitStack() as stack:
        calls = {name: stack.enter_context(record_calls(lists[name])) for name in lists}
        run_model()
    chains = [name for name in lists if is_chain(calls[name])]
    outermost = [n for n in chains if not any(n.startswith(f"{other}.") for other in chains)]
    if not outermost:
        looked_at = ", ".join(f"{n} ({len(calls[n])} calls)" for n in lists) or "none"
        raise ValueError(f"model has no chain of blocks: {WANTED} Lists looked at: {looked_at}.")
    alone = [n for n in outermost if not any(call.reads_another for call in calls[n])]
    sizes = {n: sum(p.numel() for m in lists[n] for p in m.parameters()) for n in outermost}
    return lists[max(alone or outermost, key=lambda name: sizes[name])]


def find_readers(
    model: nn.Module, modules: Sequence[nn.Module], run_model: Callable[[], Any]
) -> list[Sequence[nn.Module]]:
    """Other chains that read the input themselves, beside what these blocks make of it.

    Such is a decoder that is given the text too. One that begins with what the blocks return
    reads nothing of its own.

    Args:
        model: The model.
        modules: Its blocks.
        run_model: Runs it; gradients flow.
    """
    own = {part for block in modules for part in block.modules()}
    lists = {
        name: list(members)
        for name, members in _lists(model).items()
        if len({type(member) for member in members}) == 1
        and not any(part in own for member in members for part in member.modules())
    }
    if not lists:
        return []

    starts: list[Tensor] = []

    def enter(index: int, run: Run, args: Any, kwargs: Any) -> Any:
        if index == 0:
            starts.append(hidden_of(args, kwargs).detach().requires_grad_())
            args, kwargs = replace_hidden(args, kwargs, starts[0])
        return run(*args, **kwargs)

    def is_made_of_them(state: Tensor) -> bool:
        if not state.requires_grad:
            return False
        found = torch.autograd.grad(state.sum(), starts, retain_graph=True, allow_unused=True)
        return found[0] is not None

    with ExitStack() as stack:
        calls = {name: stack.enter_context(record_calls(lists[name])) for name in lists}
        stack.enter_context(intercept_calls(modules, enter))
        run_model()
    chains = [
        name
        for name in lists
        if is_chain(calls[name])
        and any(call.reads_another for call in calls[name])
        and not is_made_of_them(calls[name][0].hidden)
    ]
    return [lists[n] for n in chains if not any(n.startswith(f"{other}.") for other in chains)]


def blocks_of_stages(
    modules: Sequence[nn.Module], run_model: Callable[[], Any]
) -> tuple[Sequence[nn.Module], Sequence[int]]:
    """The blocks inside of stages, for a model that merges its tokens on the way; else the same.

    Stages differ from blocks in that their numbers of tokens do. Each must hand what enters it to
    its first block as it is. What it does after its last one, such as merging its tokens, counts
    to that block.

    Args:
        modules: What a model runs through, one after the other.
        run_model: Runs it.

    Returns:
        The blocks; and the number of the first block of every stage, none where there are none.
    """
    inside = [
        [list(part) for part in module.modules() if isinstance(part, nn.ModuleList)]
        for module in modules
    ]
    if not all(inside):
        return modules, ()
    with ExitStack() as stack:
        calls = stack.enter_context(record_calls(modules))
        inner = [[stack.enter_context(record_calls(run)) for run in runs] for runs in inside]
        run_model()
    if len(calls) != len(modules):
        return modules, ()
    if len({call.hidden.shape[1] for call in calls} | {calls[-1].returned.shape[1]}) == 1:
        return modules, ()
    found: list[nn.Module] = []
    starts: list[int] = []
    for call, runs, heard in zip(calls, inside, inner, strict=True):
        fits = (
            run
            for run, own in zip(runs, heard, strict=True)
            if len(own) == len(run) and is_chain(own) and own[0].hidden is call.hidden
        )
        if (run := next(fits, None)) is None:
            return modules, ()
        starts.append(len(found))
        found += run
    return found, starts


def blocks_at(model: nn.Module, path: str) -> Sequence[nn.Module]:
    """The module list at ``path``.

    Raises:
        ValueError: If there is no module list of that name; the message lists those there are.
    """
    lists = {name: members for name, members in _lists(model).items() if name}
    if path not in lists or not len(lists[path]):
        raise ValueError(f"blocks must be one of {[*lists]}, got {path!r}.")
    return list(lists[path])


def hidden_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden state among a block's arguments."""
    for value in (*args[:1], kwargs.get("hidden_states"), *kwargs.values()):
        if _is_hidden(value):
            return cast(Tensor, value)
    raise _NoHiddenState(f"A block was called without a hidden state; it must be {WANTED}")


def replace_hidden(
    args: tuple[Any, ...], kwargs: dict[str, Any], hidden: Tensor
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A block's arguments with another hidden state among them."""
    old = hidden_of(args, kwargs)
    if args and args[0] is old:
        return (hidden, *args[1:]), kwargs
    return args, {name: hidden if value is old else value for name, value in kwargs.items()}


def second_place(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | str | None:
    """Where a block is given a second sequence beside its own; None if it is given none, or more.

    Returns:
        Its number among the arguments without a name, or its name.
    """
    own = hidden_of(args, kwargs)
    found = {
        place: value
        for place, value in (*enumerate(args), *kwargs.items())
        if _is_hidden(value)
        and value is not own
        and value.ndim == own.ndim
        and len(value) == len(own)
    }
    return next(iter(found)) if len({*map(id, found.values())}) == 1 else None


def value_at(place: int | str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The argument at a place, as :func:`second_place` names it."""
    return args[place] if isinstance(place, int) else kwargs[place]


def replace_at(
    place: int | str, args: tuple[Any, ...], kwargs: dict[str, Any], value: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A block's arguments with another value at a place."""
    if isinstance(place, int):
        return (*args[:place], value, *args[place + 1 :]), kwargs
    return args, {**kwargs, place: value}


def returned_hidden(output: Any) -> Tensor:
    """The hidden state in a block's output: a tensor, or the one of fewest axes in a tuple.

    Attention probabilities, which some blocks return in front of it, have an axis more.
    """
    parts = [
        part for part in (output if isinstance(output, tuple) else [output]) if _is_hidden(part)
    ]
    if not parts:
        raise _NoHiddenState(f"A block returned {type(output).__name__}; it must be {WANTED}")
    return cast(Tensor, min(parts, key=lambda part: part.ndim))


def first_rows(value: Any, n_rows: int, n_all: int) -> Any:
    """``value`` with the first ``n_rows`` rows of every tensor in it that has ``n_all``."""
    if torch.is_tensor(value):
        return value[:n_rows] if value.ndim and len(value) == n_all else value
    if isinstance(value, tuple | list):
        return type(value)(first_rows(part, n_rows, n_all) for part in value)
    if isinstance(value, dict):
        return {name: first_rows(part, n_rows, n_all) for name, part in value.items()}
    return value


def batch_sizes(value: Any) -> set[int]:
    """The sizes of the first dimensions of all tensors in it."""
    if torch.is_tensor(value):
        return {len(value)} if value.ndim else set()
    parts = value.values() if isinstance(value, dict) else value
    inner = parts if isinstance(value, tuple | list | dict) else ()
    return set().union(*(batch_sizes(part) for part in inner))


def with_output_hidden(output: Any, hidden: Tensor | None) -> Any:
    """A block's output with ``hidden`` in it, beside what else the block returned when it ran.

    None keeps the place and drops the values.
    """
    old = returned_hidden(output)
    new = old.new_empty((0,) * old.ndim) if hidden is None else hidden
    if not isinstance(output, tuple):
        return new
    return tuple(new if part is old else part for part in output)


def are_close(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors differ by rounding alone: by at most 1 % of the largest magnitude.

    Kernels differ between passes, in float32 by far less.
    """
    return a.shape == b.shape and bool((a - b).abs().max() <= 1e-2 * b.abs().max())


class _NoHiddenState(ValueError):
    """A module list that is not a chain of blocks."""


class _Reached(BaseException):
    """What was waited for was called; no model's own ``except Exception`` is to stop it."""


def _lists(model: nn.Module) -> dict[str, nn.ModuleList | nn.Sequential]:
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList | nn.Sequential)
    }


def _is_hidden(value: Any) -> bool:
    return torch.is_tensor(value) and value.is_floating_point() and value.ndim >= 3


def is_chain(calls: Sequence[Call]) -> bool:
    """Whether each call took the very hidden state that the one before it returned."""
    try:
        following = [call.hidden for call in calls][1:]
        left = [call.returned for call in calls][:-1]
    except _NoHiddenState:
        return False
    return bool(calls) and all(a is b for a, b in zip(left, following, strict=True))
