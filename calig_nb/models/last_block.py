"""The last block, computed only where the classifier reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from . import blocks


@contextmanager
def linear_outputs(block: nn.Module) -> Iterator[dict[nn.Module, list[Tensor]]]:
    """Everything that each linear map of the block returns within the context."""
    seen: dict[nn.Module, list[Tensor]] = {}

    def enter(module: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        output = run(*args, **kwargs)
        seen.setdefault(module, []).append(output)
        return output

    with blocks.intercept_each([m for m in block.modules() if _is_linear(m)], enter):
        yield seen


@dataclass(frozen=True, eq=False)
class PooledBlock:
    """The linear maps of the last block whose output matters at a few positions only.

    Behind the last block a classifier reads the pooled position (or a few). Above its keys and
    values a block works position by position, so that all other positions are computed for
    nothing. Which maps these are is not guessed from names: they are those through which no
    gradient flows at the other positions. There they give zeros, which nothing reads.
    """

    modules: Sequence[nn.Module] = ()
    positions: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))

    @classmethod
    def of(
        cls,
        outputs: Mapping[nn.Module, Tensor],
        gradients: Sequence[Sequence[Tensor | None]],
        leaving: Tensor,
    ) -> PooledBlock:
        """The block as a backward pass showed it.

        Args:
            outputs: Linear maps that ran once, with what each returned, (rows, tokens, features).
            gradients: For each target ∂score/∂output for each map.
            leaving: ∂score/∂h_L, (targets, rows, tokens, hidden).
        """
        read = _reached(leaving)
        positions = read.nonzero().flatten()
        if not len(positions) or 2 * len(positions) > len(read):
            return cls()
        narrow = []
        for (module, output), *found in zip(outputs.items(), *gradients, strict=True):
            reached = [_reached(gradient) for gradient in found if gradient is not None]
            if output.ndim == 3 and output.shape[1] == len(read) and len(reached) == len(found):
                if not any((one & ~read).any() for one in reached):
                    narrow.append(module)
        return cls(narrow, positions)

    @contextmanager
    def narrowed(self) -> Iterator[None]:
        """Inside, these maps compute the positions that are read, and give zeros elsewhere."""

        def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            x: Tensor = next(iter((*args, *kwargs.values())))
            at = self.positions
            small = run(x.index_select(1, at))
            return small.new_zeros(*x.shape[:2], small.shape[-1]).index_copy(1, at, small)

        with blocks.intercept_each(self.modules, enter):
            yield


def _is_linear(module: nn.Module) -> bool:
    """Whether a module without parts maps features to features by one matrix."""
    names = {name: parameter.ndim for name, parameter in module.named_parameters(recurse=False)}
    alone = next(module.children(), None) is None and not isinstance(module, nn.Embedding)
    return alone and names.get("weight") == 2 and set(names) <= {"weight", "bias"}


def _reached(gradients: Tensor) -> Tensor:
    """(tokens,) whether any of (..., tokens, features) is not zero there."""
    return (gradients != 0).any(dim=-1).flatten(end_dim=-2).any(dim=0)
