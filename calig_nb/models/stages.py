"""Blocks within stages: what a model runs through that merges its tokens on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from torch import nn

from . import blocks


def opened(
    modules: Sequence[nn.Module], run_model: Callable[[], Any]
) -> tuple[Sequence[nn.Module], Sequence[int]]:
    """The blocks inside of stages; blocks as they are.

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
        calls = stack.enter_context(blocks.recorded(modules))
        inner = [[stack.enter_context(blocks.recorded(run)) for run in runs] for runs in inside]
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
            if len(own) == len(run) and blocks.is_chain(own) and own[0].hidden is call.hidden
        )
        if (run := next(fits, None)) is None:
            return modules, ()
        starts.append(len(found))
        found += run
    return found, starts
