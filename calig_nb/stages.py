"""Blocks within stages: what a model runs through that merges its tokens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from . import blocks


@dataclass(frozen=True, eq=False)
class Stages:
    """The modules that hold a run of blocks each; none, where the blocks are one run.

    Attributes:
        modules: The stages. What one does after its last block, such as merging its tokens,
            counts to that block.
        starts: The number of each stage's first block.
    """

    modules: Sequence[nn.Module] = ()
    starts: Sequence[int] = ()

    @contextmanager
    def entered(self, block: int, hidden: Tensor) -> Iterator[None]:
        """Inside, ``hidden`` is what enters ``block``, where a stage begins with it."""

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            output = run(*args, **kwargs)
            following = self.starts[index + 1] if index + 1 < len(self.starts) else None
            return blocks.like(output, hidden) if following == block else output

        with blocks.taken_over(self.modules if block in self.starts[1:] else (), enter):
            yield


def opened(
    modules: Sequence[nn.Module], run_model: Callable[[], Any]
) -> tuple[Sequence[nn.Module], Stages]:
    """The blocks inside of these and, as stages, these; if they are blocks themselves, as given.

    Stages differ from blocks in that their numbers of tokens do. Each must hand what enters it to
    its first block as it is.

    Args:
        modules: What a model runs through, one after the other.
        run_model: Runs it.
    """
    inside = [
        [list(part) for part in module.modules() if isinstance(part, nn.ModuleList)]
        for module in modules
    ]
    if not all(inside):
        return modules, Stages()
    with ExitStack() as stack:
        calls = stack.enter_context(blocks.recorded(modules))
        inner = [[stack.enter_context(blocks.recorded(run)) for run in runs] for runs in inside]
        run_model()
    found: list[nn.Module] = []
    starts: list[int] = []
    if len(calls) != len(modules):
        return modules, Stages()
    alike = len({call.hidden.shape[1] for call in calls} | {calls[-1].returned.shape[1]}) == 1
    for call, runs, heard in zip(calls, inside, inner, strict=True):
        fits = (
            run
            for run, own in zip(runs, heard, strict=True)
            if len(own) == len(run) and blocks.is_chain(own) and own[0].hidden is call.hidden
        )
        run = next(fits, None)
        if run is None or alike:
            return modules, Stages()
        starts.append(len(found))
        found += run
    return found, Stages(modules, starts)
