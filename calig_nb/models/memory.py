"""How much may be in flight at a time, and how much a pass keeps for its way back."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from .._validation import whole_number

MOST = 4 << 30
"""Bytes that a budget takes by default, at most."""
SHARE = 4
"""One of so many bytes that are free is taken by default."""
FAST_TOKENS = {"cpu": 1024, "cuda": 16384}
"""Where more tokens in one pass stop paying."""


@dataclass(frozen=True)
class Budget:
    """What a pass may take.

    Attributes:
        memory: Bytes above the model; by default a quarter of what is free, at most 4 GiB.
        tokens: Most tokens in one pass, or None for as many as pay.
    """

    memory: int
    tokens: int | None

    @classmethod
    def from_options(cls, memory: float | None, tokens: int | None, device: torch.device) -> Budget:
        """The budget that a user states; what is None, from the machine.

        Raises:
            TypeError, ValueError: If one is no whole number from 1.
        """
        if isinstance(memory, float) and memory.is_integer():
            memory = int(memory)  # 4e9 is how bytes are written
        given = {
            name: None if value is None else whole_number(name, value, 1)
            for name, value in (("batch_tokens", tokens), ("memory", memory))
        }
        free = _free_bytes(device) // SHARE
        return cls(given["memory"] or free, given["batch_tokens"])

    def less(self, n_bytes: int) -> Budget:
        """What is left of it while ``n_bytes`` are in use."""
        return replace(self, memory=max(1, self.memory - n_bytes))

    def max_points(self, row_bytes: int, n_tokens: int, device: torch.device) -> int:
        """The most points of a path that may share a pass, at least one.

        Args:
            row_bytes: What autograd keeps of one point.
            n_tokens: Tokens of one point.
            device: Where the pass runs.
        """
        tokens = self.tokens or FAST_TOKENS.get(device.type, FAST_TOKENS["cpu"])
        return max(1, min(tokens // n_tokens, self.memory // (2 * max(row_bytes, 1))))

    def is_exceeded_by(self, row_bytes: int) -> bool:
        """Whether not even one point's pass fits, twice over for what is made on the way."""
        return 2 * row_bytes > self.memory


@contextmanager
def saved_bytes(module: nn.Module) -> Iterator[list[int]]:
    """The bytes that autograd keeps of what a module does inside, beside its own weights."""
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()

    total = [0]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield total
    total[0] = sum(sizes.values())


def release_memory() -> None:
    """Give memory that is no longer in use back to the system.

    What recomputation leaves behind refers to itself, and the C library of Linux keeps much of
    what is freed.
    """
    gc.collect()
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@lru_cache
def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):
        return None


def _free_bytes(device: torch.device) -> int:
    """Bytes that are free on the device; of main memory at most SHARE * MOST."""
    if device.type == "cuda":
        return 3 * torch.cuda.mem_get_info(device)[0]
    try:
        stated = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        stated = None
    free = 1024 * int(stated[1]) if stated else SHARE * MOST
    return min(free, SHARE * MOST)
