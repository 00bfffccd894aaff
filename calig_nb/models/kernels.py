"""The kernels that are fastest here at full single precision, for the time of a pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

MODE = "bf16"
MOST_ERROR = 5e-6
LEAST_GAIN = 1.2


@contextmanager
def fast_matmul(dtype: torch.dtype, device: torch.device) -> Iterator[bool]:
    """Use oneDNN's matrix kernel where a probe finds it faster and as exact; restored after.

    The switch is named for bfloat16 because it *allows* rounding to it. Processors without such
    instructions for matrices compute in float32 all the same, at twice the speed of the default
    kernel or more; where the probe finds an error above that of float32 the switch stays as it is.

    Yields:
        Whether the switch is on. Fused attention is slow under it: see :class:`UnfusedAttention`.
    """
    backend = getattr(getattr(torch.backends, "mkldnn", None), "matmul", None)
    fits = dtype == torch.float32 and device.type == "cpu"
    if not fits or not hasattr(backend, "fp32_precision") or not _is_worthwhile():
        yield False
        return
    with _bf16_allowed():
        yield True


class UnfusedAttention(TorchFunctionMode):
    """Computes torch's fused attention as two batched products and a softmax.

    Under the fast matrix kernel this is four times as fast as fused attention up to some hundred
    tokens, and keys are not transposed in memory for each head. Models that write attention out
    by themselves are not concerned.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Torch's hook into every call of its functions."""
        written = _attention if func is nn.functional.scaled_dot_product_attention else func
        return written(*args, **(kwargs or {}))


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """As ``torch.nn.functional.scaled_dot_product_attention``, without dropout."""
    del dropout_p  # models are explained in evaluation mode
    if enable_gqa:
        shared = query.shape[-3] // key.shape[-3]
        key, value = (t.repeat_interleave(shared, dim=-3) for t in (key, value))
    lead, queries = query.shape[:-2], query.shape[-2]
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    q, k, v = (t.reshape(-1, *t.shape[-2:]) for t in (query * scale, key, value))
    scores = torch.bmm(q, k.transpose(1, 2)).view(*lead, queries, -1)
    if is_causal:
        attn_mask = torch.ones_like(scores[(0,) * len(lead)], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = scores.softmax(dim=-1).view(len(q), queries, -1)
    return torch.bmm(weights, v).view(*lead, queries, -1)


@contextmanager
def _bf16_allowed() -> Iterator[None]:
    backend: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = backend.fp32_precision
    backend.fp32_precision = MODE
    try:
        yield
    finally:
        backend.fp32_precision = before


@lru_cache
def _is_worthwhile() -> bool:
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
    with torch.no_grad(), _bf16_allowed():
        for product, a, b in products:
            exact = product(a.double(), b.double())
            if (product(a, b).double() - exact).abs().max() > MOST_ERROR * exact.abs().max():
                return False
        fast = _best_seconds(lambda: torch.nn.functional.linear(x, w))
    return _best_seconds(lambda: torch.nn.functional.linear(x, w)) > LEAST_GAIN * fast


def _best_seconds(call: Callable[[], object]) -> float:
    """The shortest of seven runs."""
    call()
    runs = []
    for _ in range(7):
        began = time.perf_counter()
        call()
        runs.append(time.perf_counter() - began)
    return min(runs)
