"""The matrix kernel that is fastest here at full single precision, for the time of a pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

MODE = "bf16"
MOST_ERROR = 5e-6
LEAST_GAIN = 1.2


@contextmanager
def fast_matmul(dtype: torch.dtype, device: torch.device) -> Iterator[bool]:
    """Use oneDNN's kernel inside, where a probe finds it faster and as exact; restored after.

    The switch is named for bfloat16 because it *allows* rounding to it. Processors without such
    instructions for matrices compute in float32 all the same, at twice the speed of the default
    kernel or more; where the probe finds an error above that of float32 the switch stays as it is.

    Yields:
        Whether the switch is on. Fused attention is slow under it, so write attention out then.
    """
    backend = getattr(getattr(torch.backends, "mkldnn", None), "matmul", None)
    fits = dtype == torch.float32 and device.type == "cpu"
    if not fits or not hasattr(backend, "fp32_precision") or not _worthwhile():
        yield False
        return
    with _allowed():
        yield True


@contextmanager
def _allowed() -> Iterator[None]:
    backend: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = backend.fp32_precision
    backend.fp32_precision = MODE
    try:
        yield
    finally:
        backend.fp32_precision = before


@lru_cache
def _worthwhile() -> bool:
    """Whether the kernel keeps single precision in the products that a pass consists of."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    x, w, q = draw(384, 256), draw(512, 256), draw(8, 96, 64)
    products: list[tuple[Callable[[Tensor, Tensor], Tensor], Tensor, Tensor]] = [
        (torch.nn.functional.linear, x, w),
        (lambda a, b: a @ b, draw(384, 512), w),
        (lambda a, b: a @ b.transpose(1, 2), q, draw(8, 96, 64)),
    ]
    with torch.no_grad(), _allowed():
        for product, a, b in products:
            exact = product(a.double(), b.double())
            if (product(a, b).double() - exact).abs().max() > MOST_ERROR * exact.abs().max():
                return False
        fast = _seconds(lambda: torch.nn.functional.linear(x, w))
    return _seconds(lambda: torch.nn.functional.linear(x, w)) > LEAST_GAIN * fast


def _seconds(call: Callable[[], object]) -> float:
    """The best of a few runs."""
    call()
    runs = []
    for _ in range(7):
        began = time.perf_counter()
        call()
        runs.append(time.perf_counter() - began)
    return min(runs)
