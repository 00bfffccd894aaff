"""The blocks of any model: found by watching a forward pass, entered by taking over their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Run = Callable[..., Any]
Enter = Callable[[int, Run, tuple[Any, ...], dict[str, Any]], Any]
"""Takes over a call: (how many came before it, the block's forward, args, kwargs) -> output."""

WANTED = (
    "a torch.nn.ModuleList of modules of one class that the forward pass runs through in order, "
    "each taking the hidden state (batch, tokens, hidden) that the one before returned. Name it "
    'by hand with Explainer(..., blocks="path.to.list").'
)


class Call(NamedTuple):
    """What one call of a block took and returned."""

    hidden: Tensor
    output: Any


@contextmanager
def taken_over(modules: Sequence[nn.Module], enter: Enter) -> Iterator[None]:
    """Send every call of these modules through ``enter``; calls are counted from 0.

    Calls are counted and not modules, because layers may share one.
    """
    count = 0

    def guard(run: Run) -> Run:
        def forward(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            index, count = count, count + 1
            return enter(index, run, args, kwargs)

        return forward

    with ExitStack() as stack:
        for module in {id(m): m for m in modules}.values():
            if "forward" in vars(module):
                stack.callback(setattr, module, "forward", module.forward)
            else:
                stack.callback(delattr, module, "forward")
            module.forward = guard(module.forward)
        yield


def record(modules: Sequence[nn.Module], run_model: Callable[[], Any]) -> list[Call]:
    """Every call of these modules during ``run_model()``, in order."""
    calls: list[Call] = []

    def enter(_: int, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = run(*args, **kwargs)
        calls.append(Call(hidden_of(args, kwargs), output))
        return output

    with taken_over(modules, enter):
        run_model()
    return calls


def find(model: nn.Module, run_model: Callable[[], Any]) -> Sequence[nn.Module]:
    """The module list whose members a forward pass runs through one after the other.

    Members must be of one class, and each call's hidden state must be what the call before it
    returned. Of several such lists the one with most parameters counts; in an encoder-decoder
    the one that runs first.

    Raises:
        ValueError: If there is none; the message says what was looked for.
    """
    lists = {
        name: list(module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(member) for member in module}) == 1
    }
    outermost = {
        name: members
        for name, members in lists.items()
        if not any(name.startswith(f"{other}.") for other in lists)
    }
    chains: dict[str, int] = {}
    seen: dict[str, int] = {}
    for name, members in outermost.items():
        try:
            calls = record(members, run_model)
        except _NoHiddenState:
            continue
        seen[name] = len(calls)
        if calls and _is_chain(calls):
            chains[name] = sum(p.numel() for member in members for p in member.parameters())
    if not chains:
        looked_at = ", ".join(f"{n} ({seen.get(n, 0)} calls)" for n in outermost) or "none"
        raise ValueError(f"model has no chain of blocks: {WANTED} Lists looked at: {looked_at}.")
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        return outermost[next(iter(chains))]
    return outermost[max(chains, key=lambda name: chains[name])]


def named(model: nn.Module, path: str) -> Sequence[nn.Module]:
    """The module list at ``path``.

    Raises:
        ValueError: If there is no module list of that name; the message lists those there are.
    """
    lists = {name: m for name, m in model.named_modules() if isinstance(m, nn.ModuleList)}
    if path not in lists or not len(lists[path]):
        raise ValueError(f"blocks must be one of {[n for n in lists if n]}, got {path!r}.")
    return list(lists[path])


def hidden_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden state among a block's arguments."""
    for value in (*args[:1], kwargs.get("hidden_states"), *kwargs.values()):
        if torch.is_tensor(value) and value.is_floating_point() and value.ndim >= 3:
            return value
    raise _NoHiddenState(f"A block was called without a hidden state; it must be {WANTED}")


def with_hidden(
    args: tuple[Any, ...], kwargs: dict[str, Any], hidden: Tensor
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same arguments with the hidden state replaced."""
    old = hidden_of(args, kwargs)
    if args and args[0] is old:
        return (hidden, *args[1:]), kwargs
    return args, {name: hidden if value is old else value for name, value in kwargs.items()}


def returned(output: Any) -> Tensor:
    """The hidden state in a block's output, which is a tensor or begins with one."""
    first = output[0] if isinstance(output, tuple) else output
    if not torch.is_tensor(first):
        raise _NoHiddenState(f"A block returned {type(first).__name__}; it must be {WANTED}")
    return first


def like(recorded: Any, hidden: Tensor) -> Any:
    """A block's output holding ``hidden``, beside what else the block returned when it ran."""
    return (hidden, *recorded[1:]) if isinstance(recorded, tuple) else hidden


class _NoHiddenState(ValueError):
    """A module list that is not a chain of blocks."""


def _is_chain(calls: Sequence[Call]) -> bool:
    try:
        outputs = [returned(call.output) for call in calls]
    except _NoHiddenState:
        return False
    following = [call.hidden for call in calls[1:]]
    return all(a is b for a, b in zip(outputs[:-1], following, strict=True))
