"""One explanation of a model at a time, and nobody runs the model meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import CodeType, FrameType
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
    before = _calls_elsewhere({id(module) for module in model.modules()}, door)
    while any(call in _stack(thread) for thread, call in before):
        time.sleep(1e-3)
        raise_held()


def _locks_of(model: nn.Module) -> list[Any]:
    """The locks of all its modules, in one order; as a rule they share one."""
    modules = [*model.modules()]
    with _MAKING:
        locks = [_LOCKS.get(module) for module in modules]
        known = {id(lock): lock for lock in locks if lock is not None}
        if None in locks:
            shared = next(iter(known.values()), None) or threading.RLock()
            known[id(shared)] = shared
            for module, lock in zip(modules, locks, strict=True):
                if lock is None:
                    _LOCKS[module] = shared
    return [known[number] for number in sorted(known)]


def _calls_elsewhere(modules: set[int], door: CodeType) -> list[tuple[int, FrameType]]:
    """The calls of these modules on other threads, but for those that wait at the door."""
    found = []
    for thread in sys._current_frames().keys() - {threading.get_ident()}:
        stack = _stack(thread)
        if not any(frame.f_code is door for frame in stack):
            calls = (frame for frame in stack if frame.f_code is _CALL)
            found += [(thread, c) for c in calls if id(c.f_locals.get("self")) in modules]
    return found


def _stack(thread: int) -> list[FrameType]:
    """What a thread runs, the innermost call first."""
    frame, found = sys._current_frames().get(thread), []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found
