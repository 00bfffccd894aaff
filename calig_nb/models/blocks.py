"""The blocks of any model: found by watching a forward pass, entered by intercepting calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from functools import partial
from itertools import combinations
from threading import get_ident
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

Run = Callable[..., Any]
Enter = Callable[[int, Run, tuple[Any, ...], dict[str, Any]], Any]
"""Takes over a call: (how many came before it, the block's forward, args, kwargs) -> output."""

WANTED = (
    "a torch.nn.ModuleList or torch.nn.Sequential of modules that the forward pass runs through in "
    "order, each taking the hidden state (batch, tokens, hidden) that the one before returned."
)
BY_HAND = 'Name it by hand with Explainer(..., blocks="path.to.list").'


class Chain(list[nn.Module]):
    """Blocks in their order, with how they are entered.

    Attributes:
        starts: Numbers of the blocks that begin a list of their own; before them the model may
            do more, such as merging tokens. None where all are in one list.
        swapped: Two axes that are exchanged in the blocks' own states, which are not (batch,
            tokens, hidden) but, say, (tokens, batch, hidden); who intercepts their calls sees
            (batch, tokens, hidden) all the same. None where there is nothing to exchange.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        starts: Sequence[int] = (),
        swapped: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(modules)
        self.starts, self.swapped = starts, swapped


class Aside(Chain):
    """What enters blocks beside their hidden state, the same in each: the embeddings once more.

    Attributes:
        place: The argument, by its number or its name.
    """

    def __init__(self, modules: Sequence[nn.Module], place: int | str) -> None:
        super().__init__(modules)
        self.place = place

    def of(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a block was given there; None if nothing."""
        if isinstance(self.place, str):
            return kwargs.get(self.place)
        return args[self.place] if self.place < len(args) else None

    def replace(self, args: tuple[Any, ...], kwargs: dict[str, Any], state: Tensor) -> Any:
        """The arguments with another state there."""
        if isinstance(self.place, str):
            return args, {**kwargs, self.place: state}
        return (*args[: self.place], state, *args[self.place + 1 :]), kwargs


class Call(NamedTuple):
    """One call of a block: what it took and what it returned."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    module: nn.Module

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
    axes = modules.swapped if isinstance(modules, Chain) else None

    def guard(module: nn.Module, run: Run) -> Run:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if get_ident() != own:
                return run(*args, **kwargs)
            if axes is None:
                return enter(module, run, args, kwargs)
            output = enter(module, _turned(run, axes), *_turn_arguments(args, kwargs, axes))
            return _turn_output(output, axes)

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

    def enter(module: nn.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = run(*args, **kwargs)
        calls.append(Call(args, kwargs, output, module))
        return output

    with intercept_each(modules, enter):
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
        chain = chains[number]
        if isinstance(chain, Aside):
            if number not in found and (state := chain.of(args, kwargs)) is not None:
                found[number] = state
        elif index == 0:
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
    """Inside, what enters each chain first, or blocks aside, is the state given for it."""

    def enter_chain(
        chain: Sequence[nn.Module], state: Tensor, index: int, run: Run, args: Any, kwargs: Any
    ) -> Any:
        if isinstance(chain, Aside):
            if chain.of(args, kwargs) is not None:
                args, kwargs = chain.replace(args, kwargs, state)
        elif index == 0:
            args, kwargs = replace_hidden(args, kwargs, state)
        return run(*args, **kwargs)

    with ExitStack() as stack:
        for modules, state in zip(chains, states, strict=True):
            stack.enter_context(intercept_calls(modules, partial(enter_chain, modules, state)))
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


def find_blocks(model: nn.Module, run_model: Callable[[], Any], n_rows: int | None = None) -> Chain:
    """The module list whose members a forward pass runs through one after the other.

    Every member must be called, and each call's hidden state must be what the call before it
    returned. Lists at the same place in several modules (those of a model's stages) are one chain
    where each begins with what is made of the one before. Of several chains those whose states
    are (batch, tokens, hidden) count, of these the outermost, of these the ones that read no other
    sequence (a decoder reads the encoder's), and of these the one with most parameters. What goes
    on in another list of the same kind is not the whole, and is not taken.

    Args:
        model: The model.
        run_model: Runs it; gradients flow.
        n_rows: Rows of its inputs, where known.

    Raises:
        ValueError: If there is none; the message says what was looked for.
    """
    lists = {
        name: flattened(members)
        for name, members in _lists(model).items()
        # A sequence of one is a wrapper about the whole model as often as a block.
        if len(members) > 1 or isinstance(members, nn.ModuleList)
    }
    plain = {name: chain for name, chain in lists.items() if chain and not chain.starts}
    joined = _lists_of_stages(plain)
    with ExitStack() as stack:
        calls = {name: stack.enter_context(record_calls(plain[name])) for name in plain}
        calls |= {name: stack.enter_context(record_calls(joined[name])) for name in joined}
        with torch.no_grad():
            run_model()
    lists = {**plain, **joined}
    called = {id(call.module) for own in calls.values() for call in own}
    chains = {
        name: chain
        for name, chain in lists.items()
        if all(id(module) in called for module in chain)
        and is_chain(calls[name], chain.starts)
        and _keeps_width(calls[name])
        and not _is_one_of_many(model, name, called)
    }
    by_token = [n for n in chains if _is_by_token(calls[n], n_rows)] or [*chains]
    outermost = [
        n
        for n in by_token
        if not any(n.startswith(f"{o}.") for o in by_token)
        and (n in plain or (len(calls[n]) == len(chains[n]) and _goes_on(chains[n], run_model)))
    ]
    parts = _parts_of_one(outermost, chains, run_model)
    found = [name for name in outermost if name not in parts]
    if not found:
        raise ValueError(_why_none(lists, calls, parts))
    alone = [n for n in found if not any(call.reads_another for call in calls[n])]
    sizes = {n: sum(p.numel() for m in chains[n] for p in m.parameters()) for n in found}
    return chains[max(alone or found, key=lambda name: sizes[name])]


def flattened(members: Iterable[nn.Module]) -> Chain:
    """The modules of a list; those of lists within it, each of which begins anew."""
    found: list[nn.Module] = []
    starts: list[int] = []
    for member in members:
        if isinstance(member, nn.ModuleList):
            starts.append(len(found))
            found += member
        else:
            found.append(member)
    return Chain(found, tuple(starts))


def _lists_of_stages(plain: Mapping[str, Chain]) -> dict[str, Chain]:
    """Lists of one kind at the same place in several modules, one after the other."""
    groups: dict[str, list[str]] = {}
    for name in plain:
        numbers = [*re.finditer(r"(?<![^.])\d+(?![^.])", name)]
        if numbers:
            start, end = numbers[-1].span()
            groups.setdefault(f"{name[:start]}*{name[end:]}", []).append(name)
    found = {}
    for place, names in groups.items():
        modules = [module for name in names for module in plain[name]]
        if len(names) > 1 and len({type(module) for module in modules}) == 1:
            lengths = [len(plain[name]) for name in names]
            found[place] = Chain(modules, [sum(lengths[:i]) for i in range(len(lengths))])
    return found


def _keeps_width(calls: Sequence[Call]) -> bool:
    """Whether states keep their width, or all blocks are of one class.

    What is in a sequence of several classes may be the steps within one block.
    """
    widths = {state.shape[-1] for call in calls for state in (call.hidden, call.returned)}
    return len(widths) == 1 or len({type(call.module) for call in calls}) == 1


def _is_by_token(calls: Sequence[Call], n_rows: int | None) -> bool:
    shapes = [call.hidden.shape for call in calls]
    return all(len(one) == 3 and n_rows in (None, one[0]) for one in shapes)


def _is_one_of_many(model: nn.Module, name: str, called: Collection[int]) -> bool:
    """Whether a list lies in a member of another one, of whose class other members ran too."""
    parts = name.split(".")
    for i, part in enumerate(parts):
        if not part.isdigit():
            continue
        holder = model.get_submodule(".".join(parts[:i]))
        if isinstance(holder, nn.ModuleList | nn.Sequential):
            own = holder[int(part)]
            others = [m for m in holder if m is not own and type(m) is type(own)]
            if any(id(module) in called for other in others for module in other.modules()):
                return True
    return False


def _goes_on(chain: Chain, run_model: Callable[[], Any]) -> bool:
    """Whether each of its lists but the first begins with what is made of the one before."""
    return all(_depends(chain, {start - 1: start for start in chain.starts if start}, run_model))


def _parts_of_one(
    names: Sequence[str], chains: Mapping[str, Chain], run_model: Callable[[], Any]
) -> list[str]:
    """Those of which one goes on with what another of the same kind of blocks returned."""
    found: set[str] = set()
    for one, other in combinations(names, 2):
        kinds = [{type(module) for module in chains[name]} for name in (one, other)]
        if kinds[0] == kinds[1]:
            for a, b in ((one, other), (other, one)):
                both = Chain([*chains[a], *chains[b]])
                n = len(chains[a])
                if all(_depends(both, {n - 1: n}, run_model)):
                    found |= {a, b}
    return [name for name in names if name in found]


def _depends(chain: Chain, links: Mapping[int, int], run_model: Callable[[], Any]) -> list[bool]:
    """Whether what enters one block depends on what another returned.

    Args:
        chain: The blocks.
        links: Number of the other -> number of the one.
        run_model: Runs the model.
    """
    left: dict[int, Tensor] = {}
    found: dict[int, bool] = {}
    places = {id(module): i for i, module in enumerate(chain)}

    def enter(module: nn.Module, run: Run, args: Any, kwargs: Any) -> Any:
        place = places[id(module)]
        before = next((a for a, b in links.items() if b == place), None)
        if before in left and place not in found:
            state = hidden_of(args, kwargs)
            grads = (
                torch.autograd.grad(state.sum(), left[before], retain_graph=True, allow_unused=True)
                if state.requires_grad
                else (None,)
            )
            found[place] = grads[0] is not None
        output = run(*args, **kwargs)
        if place in links:
            left[place] = returned_hidden(output).detach().requires_grad_()
            return with_output_hidden(output, left[place])
        return output

    with torch.enable_grad(), intercept_each(chain, enter):
        run_model()
    return [found.get(place, False) for place in links.values()]


def _why_none(
    lists: Mapping[str, Chain], calls: Mapping[str, Sequence[Call]], parts: Sequence[str]
) -> str:
    """What the error says where there is no chain: what was looked at, and why it is none."""
    start = f"model has no chain of blocks: {WANTED}"
    if parts:
        return (
            f"{start} Its layers are in several lists, each of which goes on with what another "
            f"returned, with more between them: {', '.join(parts)}. None of them is the whole."
        )
    heard = {name: own for name, own in calls.items() if "*" not in name}
    several = [n for n, own in heard.items() if len(own) == len(lists[n]) > 1]
    twins = [n for n in several if [len(lists[m]) for m in several].count(len(lists[n])) > 1]
    outer = [n for n in twins if not any(n.startswith(f"{o}.") for o in several)]
    if len(outer) > 1:
        return (
            f"{start} Its layers are no modules of a list: each is made of members of several "
            f"lists, {', '.join(outer)}, so that there is no block to enter. Put what a layer "
            "does into a module of its own, and these into one list."
        )
    looked_at = ", ".join(f"{n} ({len(own)} calls)" for n, own in heard.items() if own)
    if not looked_at:
        why = "None of its lists was called." if lists else "It has no list of modules."
        return f"{start} {why} Put its layers into one that it runs through."
    return f"{start} {BY_HAND} Lists looked at: {looked_at}."


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


def find_aside(modules: Sequence[nn.Module], run_model: Callable[[], Any]) -> list[Aside]:
    """The argument in which blocks are given the first hidden state once more, where they are.

    Args:
        modules: The blocks.
        run_model: Runs the model; nothing from the first block on is computed.
    """
    found: list[Aside] = []

    def enter(_: int, run: Run, args: Any, kwargs: Any) -> Any:
        state = hidden_of(args, kwargs)
        for place, value in (*enumerate(args), *kwargs.items()):
            again = torch.is_tensor(value) and value is not state and value.shape == state.shape
            if again and torch.equal(value, state):
                found.append(Aside(modules, place))
        raise _Reached

    with suppress(_Reached), intercept_calls(modules, enter):
        run_model()
    return found[:1]


def blocks_of_stages(modules: Sequence[nn.Module], run_model: Callable[[], Any]) -> Chain:
    """The blocks inside of stages, for a model that merges its tokens on the way; else the same.

    Stages differ from blocks in that their numbers of tokens do. Each must hand what enters it to
    its first block as it is. What it does after its last one, such as merging its tokens, counts
    to that block.

    Args:
        modules: What a model runs through, one after the other.
        run_model: Runs it.

    Returns:
        The blocks, which start anew in every stage.
    """
    inside = [
        [list(part) for part in module.modules() if isinstance(part, nn.ModuleList)]
        for module in modules
    ]
    if not all(inside):
        return Chain(modules)
    with ExitStack() as stack:
        calls = stack.enter_context(record_calls(modules))
        inner = [[stack.enter_context(record_calls(run)) for run in runs] for runs in inside]
        run_model()
    if len(calls) != len(modules):
        return Chain(modules)
    if len({call.hidden.shape[1] for call in calls} | {calls[-1].returned.shape[1]}) == 1:
        return Chain(modules)
    found: list[nn.Module] = []
    starts: list[int] = []
    for call, runs, heard in zip(calls, inside, inner, strict=True):
        fits = (
            run
            for run, own in zip(runs, heard, strict=True)
            if len(own) == len(run) and is_chain(own) and own[0].hidden is call.hidden
        )
        if (run := next(fits, None)) is None:
            return Chain(modules)
        starts.append(len(found))
        found += run
    return Chain(found, starts)


def exchanged_axes(
    modules: Sequence[nn.Module],
    inputs: Mapping[str, Tensor],
    run_model: Callable[[Mapping[str, Tensor]], Any],
) -> tuple[int, int] | None:
    """Two axes to be exchanged, so that the blocks' states of a text are (batch, tokens, hidden).

    Args:
        modules: The blocks, whose states may be (tokens, batch, hidden) or (batch, hidden,
            tokens) instead.
        inputs: What the model is called with, a row for each text.
        run_model: Runs it on such inputs.

    Returns:
        The axes; None where there is nothing to exchange, or no exchange would do.
    """
    if "input_ids" not in inputs:
        return None

    def fitting(inputs: Mapping[str, Tensor]) -> tuple[list[Any], tuple[int, ...]]:
        sizes = tuple(inputs["input_ids"].shape[:2])
        shape = tuple(entering_states([modules], partial(run_model, inputs))[0].shape)
        forms = {None: (0, 1), (0, 1): (1, 0), (1, 2): (0, 2)}
        found = [
            axes
            for axes, (rows, tokens) in forms.items()
            if len(shape) == 3 and (shape[rows], shape[tokens]) == sizes
        ]
        return found, (*shape, *sizes)

    found, taken = fitting(inputs)
    if len(found) > 1:  # other sizes tell the axes apart
        n_tokens = taken[-1]
        rows = next(n for n in range(1, 9) if n not in taken)
        fewer = next((n for n in range(n_tokens - 1, 0, -1) if n not in taken), n_tokens)
        found, _ = fitting(
            {
                name: value[:1, -fewer:].expand(rows, *value[:, -fewer:].shape[1:])
                if value.shape[1:2] == (n_tokens,)
                else value[:1].expand(rows, *value.shape[1:])
                for name, value in inputs.items()
            }
        )
    return found[0] if len(found) == 1 else None


def check_states(state: Tensor, inputs: Mapping[str, Tensor]) -> None:
    """Refuse what enters the first block if it holds no state for each token of each input.

    Args:
        state: What entered.
        inputs: What the model was called with, a row for each input.

    Raises:
        ValueError: If it is not (batch, tokens, hidden), or has fewer places than a text tokens.
    """
    rows, shape = len(next(iter(inputs.values()))), tuple(state.shape)
    n_tokens = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    if state.ndim == 3 and shape[0] == rows and shape[1] >= n_tokens:
        return
    if state.ndim == 4 and shape[0] == rows and not n_tokens:
        raise ValueError(
            "model must have tokens, which its blocks hand on as hidden states (batch, tokens, "
            f"hidden), but what enters its first block are maps of shape {shape}: a convolutional "
            "network has no tokens. Methods for pixels serve it, such as those of Captum."
        )
    if state.ndim == 3 and shape[0] == rows:
        raise ValueError(
            f"model must read each of the text's {n_tokens} tokens as one, but only {shape[1]} "
            "places enter its first block: what merges tokens before its blocks cannot be "
            "explained token by token."
        )
    raise ValueError(
        "model must hand on hidden states (batch, tokens, hidden), but what enters its first "
        f"block has the shape {shape} for {rows} {'text' if n_tokens else 'picture'}"
        f"{'s' if rows > 1 else ''}{f' of {n_tokens} tokens' if n_tokens else ''}, whose first "
        "axis is not the batch. Such blocks cannot be entered."
    )


def blocks_at(model: nn.Module, path: str) -> Chain:
    """The module list at ``path``.

    Raises:
        ValueError: If there is no module list of that name; the message lists those there are.
    """
    lists = {name: members for name, members in _lists(model).items() if name}
    if path not in lists or not len(lists[path]):
        raise ValueError(f"blocks must be one of {[*lists]}, got {path!r}.")
    return flattened(lists[path])


def hidden_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden state among a block's arguments."""
    for value in (*args[:1], kwargs.get("hidden_states"), *kwargs.values()):
        if _is_hidden(value):
            return cast(Tensor, value)
    raise _NoHiddenState(f"A block was called without a hidden state; it must be {WANTED}")


def replace_hidden(
    args: tuple[Any, ...], kwargs: dict[str, Any], hidden: Tensor
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A block's arguments with another hidden state, wherever it is among them.

    It may be there more than once, as query, key and value.
    """
    old = hidden_of(args, kwargs)
    return (
        tuple(hidden if value is old else value for value in args),
        {name: hidden if value is old else value for name, value in kwargs.items()},
    )


def parts_returned(output: Any) -> list[Any]:
    """What a block returned: the entries of a tuple, a list or a dictionary, or all in one."""
    if isinstance(output, Mapping):
        return [*output.values()]
    return [*output] if isinstance(output, tuple | list) else [output]


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
    """The hidden state in a block's output: a tensor, or the one of fewest axes among several.

    Attention probabilities, which some blocks return in front of it, have an axis more.
    """
    parts = [part for part in parts_returned(output) if _is_hidden(part)]
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
    if isinstance(output, Mapping):
        changed = copy(output)
        for name, part in output.items():
            if part is old:
                changed[name] = new  # type: ignore[index]
        return changed
    if not isinstance(output, tuple | list):
        return new
    parts = [new if part is old else part for part in output]
    return parts if isinstance(output, list) else tuple(parts)


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


def is_chain(calls: Sequence[Call], starts: Collection[int] = ()) -> bool:
    """Whether each call took the very hidden state that the one before it returned.

    Args:
        calls: In their order.
        starts: Numbers of those that need not.
    """
    try:
        entering = [call.hidden for call in calls]
        left = [call.returned for call in calls]
    except _NoHiddenState:
        return False
    pairs = enumerate(zip(left[:-1], entering[1:], strict=True), start=1)
    return bool(calls) and all(a is b or i in starts for i, (a, b) in pairs)


def _turned(run: Run, axes: tuple[int, int]) -> Run:
    """A block's forward between states whose axes are exchanged."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = _turn_arguments(args, kwargs, axes)
        return _turn_output(run(*args, **kwargs), axes)

    return forward


def _turn_arguments(args: Any, kwargs: Any, axes: tuple[int, int]) -> Any:
    return replace_hidden(args, kwargs, hidden_of(args, kwargs).transpose(*axes))


def _turn_output(output: Any, axes: tuple[int, int]) -> Any:
    return with_output_hidden(output, returned_hidden(output).transpose(*axes))
