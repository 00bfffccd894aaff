"""One explanation of a model at a time, and nobody runs the model meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from .interrupts import HeldInterrupts, raise_held

_LOCKS: WeakKeyDictionary[nn.Module, Any] = WeakKeyDictionary()
_MAKING = threading.Lock()
_PATIENCE = 0.05
"""Seconds after which who waits looks whether it was interrupted."""
_CALL = nn.Module._call_impl.__code__


@contextmanager
def exclusive_use(model: nn.Module) -> Iterator[None]:
    """Within, no other thread is: one lock for a model and all that shares a part of it.

    An interrupt does not leave it locked.
    """
    with HeldInterrupts(), ExitStack() as stack:
        for lock in _locks_of(model):
            while not lock.acquire(timeout=_PATIENCE):
                raise_held()
            stack.callback(lock.release)
        yield


def hold_other_threads(model: nn.Module) -> None:
    """Calls of the model on other threads wait from now on until it is as it was.

    Its attributes must be restored afterwards, and the lock be held. Calls that began before are
    waited for.
    """
    run, own = model.forward, threading.get_ident()

    def forward(*args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == own:
            return run(*args, **kwargs)
        with exclusive_use(model):
            return model.forward(*args, **kwargs)

    door = forward.__code__
    vars(model)["forward"] = wraps(run)(forward)
    modules = {id(module) for module in model.modules()}
    while _runs_elsewhere(modules, door):
        time.sleep(1e-3)
        raise_held()


def _locks_of(model: nn.Module) -> list[Any]:
    """The locks of all its modules, in one order; as a rule they share one."""
    modules = [*model.modules()]
    with _MAKING:
        known = {id(lock): lock for m in modules if (lock := _LOCKS.get(m)) is not None}
        shared = next(iter(known.values()), None) or threading.RLock()
        for module in modules:
            _LOCKS.setdefault(module, shared)
    return [known[number] for number in sorted(known)] or [shared]


def _runs_elsewhere(modules: set[int], door: CodeType) -> bool:
    """Whether another thread is inside one of these modules, and not waiting at the door."""
    own = threading.get_ident()
    for thread, top in sys._current_frames().items():
        frame = None if thread == own else top
        while frame is not None and frame.f_code is not door:
            if frame.f_code is _CALL and id(frame.f_locals.get("self")) in modules:
                return True
            frame = frame.f_back
    return False
