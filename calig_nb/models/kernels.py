"""The kernels that are fastest here at full single precision, for the time of a pass."""

from __future__ import annotations

import threading
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
SMALL_WORK = 3e7
"""Weights of a block, times tokens, below which a pass is too small to be shared among threads."""
PROBE_SHARE = 0.02
"""Of the time, how much may go into finding out how many threads pay."""


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


class FittingThreads:
    """Within, passes of this thread take as many of torch's threads as pay; restored after.

    Threads wait for each other by spinning. Where another process takes a core, that can cost ten
    times the work. How many pay is measured, by :func:`fit_threads`, and measured again now and
    then, for neighbours come and go; never more than torch is set to.
    """

    current = threading.local()

    def __enter__(self) -> None:
        """Note what torch is set to."""
        self.most = torch.get_num_threads()
        self.is_outermost = getattr(self.current, "threads", None) is None
        if self.is_outermost:
            self.current.threads = self

    def __exit__(self, *_: object) -> None:
        """Put it back."""
        if self.is_outermost:
            self.current.threads = None
            torch.set_num_threads(self.most)

    def set(self, n_threads: int) -> None:
        """Set this thread's number, and leave alone what other threads find."""
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
            # Torch keeps one number more, for threads that it meets for the first time.
            other = threading.Thread(target=torch.set_num_threads, args=(self.most,))
            other.start()
            other.join()


def fit_threads(work: float) -> None:
    """Set how many threads the next pass takes; see :class:`FittingThreads`.

    Args:
        work: Weights of a block, times tokens.
    """
    threads: FittingThreads | None = getattr(FittingThreads.current, "threads", None)
    if threads is not None and threads.most > 1:
        threads.set(1 if work < SMALL_WORK else _paying.count(threads.most))


class _PayingThreads:
    """How many threads pay, as last measured."""

    def __init__(self) -> None:
        self.known: tuple[int, int, float] = (0, 1, 0.0)
        """The most that were tried, how many of them pay, and until when that is believed."""

    def count(self, most: int) -> int:
        tried, paying, until = self.known
        if tried == most and time.monotonic() < until:
            return paying
        began = time.monotonic()
        paying = _measure(most)
        now = time.monotonic()
        self.known = (most, paying, now + (now - began) / PROBE_SHARE)
        return paying


_paying = _PayingThreads()


def _measure(most: int) -> int:
    """The most threads of 1, 2, 4 ... ``most`` that are each clearly faster than the one before.

    On average they must be faster than one thread at its best: a wait now and then is the harm.
    """
    x, w, y = torch.ones(256, 256), torch.ones(256, 512), torch.empty(256, 512)

    def seconds(n_threads: int, limit: float) -> list[float]:
        torch.set_num_threads(n_threads)
        found: list[float] = []
        while len(found) < 12 and sum(found) < limit:
            began = time.perf_counter()
            torch.mm(x, w, out=y)
            y.tanh_()
            found.append(time.perf_counter() - began)
        return found[1:]  # the first wakes the threads

    try:
        with torch.no_grad():
            least, best, n = min(seconds(1, float("inf"))), 1, 1
            while n < most:
                n = min(2 * n, most)
                own = seconds(n, 12 * least)
                if len(own) < 11 or (mean := sum(own) / len(own)) * LEAST_GAIN > least:
                    break
                least, best = mean, n
    finally:
        torch.set_num_threads(most)
    return best


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


_users: list[str] = []
"""The setting that each thread found; the switch is the whole process's, so the last of them puts
back what the first one found."""
_switching = threading.Lock()


@contextmanager
def _bf16_allowed() -> Iterator[None]:
    backend: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    with _switching:
        _users.append(_users[0] if _users else backend.fp32_precision)
        backend.fp32_precision = MODE
    try:
        yield
    finally:
        with _switching:
            before = _users.pop()
            if not _users:
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
