"""How much a model computes inside a context, in passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

from ..models.interrupts import HeldInterrupts


@dataclass
class Effort:
    """Multiplications by weight matrices.

    Attributes:
        products: How many, of forward passes; gradients cost about twice as many more.
    """

    products: int = 0

    def passes(self, one: Effort) -> float:
        """In passes that took so much."""
        return self.products / max(one.products, 1)


@contextmanager
def count_products(model: nn.Module) -> Iterator[Effort]:
    """Count what this model's weight matrices do inside; layers that are left out cost nothing.

    Other threads' calls do not count. Nothing is left on the model, nor on others.
    """
    sizes = {
        id(module): weight.numel()
        for module in model.modules()
        if isinstance(weight := getattr(module, "weight", None), Tensor)
        and weight.ndim == 2
        and not isinstance(module, nn.Embedding)
    }
    effort, own = Effort(), get_ident()

    def count(module: nn.Module, _: Any, output: Any) -> None:
        size = sizes.get(id(module)) if get_ident() == own else None
        if size is not None and isinstance(output, Tensor) and output.shape[-1]:
            effort.products += size * (output.numel() // output.shape[-1])

    with HeldInterrupts(), ExitStack() as stack:
        stack.callback(register_module_forward_hook(count).remove)
        yield effort
