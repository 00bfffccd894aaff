"""Interrupts that wait while something is entered or left."""

from __future__ import annotations

import contextlib
import inspect
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_SIGNALS = [s for s in signal.Signals if s.name in ("SIGINT", "SIGTERM", "SIGALRM")]
"""Those whose handlers raise as a rule: Ctrl-C, the end of a job, a time limit."""
_BETWEEN = ("__enter__", "__exit__", "remove", "__del__")


class HeldInterrupts:
    """Within, Ctrl-C raises as ever, but never while a context is entered or left.

    A signal may come between any two instructions: also where something was changed and the
    ``finally`` that undoes it is not yet, or no longer, in force. There, and where an object goes
    (Python drops what is raised there), it is noted, and raised when the next pass begins
    (:func:`raise_held`) or at the end. The handlers that were set go on being called, and are put
    back. Signals reach Python's main thread only; elsewhere this does nothing.
    """

    def __enter__(self) -> HeldInterrupts:
        """Set the handlers, unless they are set already."""
        self._before: dict[int, Callable[[int, FrameType | None], Any]] = {}
        self._held: list[int] = []
        if threading.current_thread() is threading.main_thread():
            self._base = _count(_user_of(sys._getframe(1)))
            try:
                for number in _SIGNALS:
                    before = signal.getsignal(number)
                    if callable(before) and not isinstance(_owner(before), HeldInterrupts):
                        self._before[number] = before
                        signal.signal(number, self._handle)
            except BaseException:  # of a signal that is not held yet
                self._put_back()
                raise
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Put the handlers back, and raise what was held."""
        try:
            self._put_back()
        finally:
            if isinstance(error, KeyboardInterrupt):  # once is enough
                self._held = [number for number in self._held if number != signal.SIGINT]
            self.deliver()

    def _put_back(self) -> None:
        """Give the signals their handlers; one that comes meanwhile interrupts nothing of it."""
        try:
            self._put_each_back()
        except BaseException:
            try:
                self._put_each_back()
            finally:
                self._put_each_back()
            raise

    def _put_each_back(self) -> None:
        for number, before in self._before.items():
            if _owner(signal.getsignal(number)) is self:
                signal.signal(number, before)

    def deliver(self) -> None:
        """Call the handlers of the signals that were held."""
        while self._held:
            number = self._held.pop()
            self._before[number](number, sys._getframe())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        inside = _count(frame) - self._base
        while frame is not None and inside > 0:
            if frame.f_code.co_name in _BETWEEN:
                self._held.append(number)
                return
            frame, inside = frame.f_back, inside - 1
        self._before[number](number, frame)


def raise_held() -> None:
    """Raise an interrupt that was held: here nothing is being entered or left."""
    if threading.current_thread() is threading.main_thread():
        holder = _owner(signal.getsignal(signal.SIGINT))
        if isinstance(holder, HeldInterrupts):
            holder.deliver()


def _owner(handler: Any) -> Any:
    return getattr(handler, "__self__", None)


def _count(frame: FrameType | None) -> int:
    """How many calls a frame is deep."""
    count = 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def _user_of(frame: FrameType) -> FrameType:
    """The frame whose ``with`` is entered, be it through generators."""
    while frame.f_back is not None and (
        frame.f_code.co_flags & inspect.CO_GENERATOR
        or frame.f_code.co_filename == contextlib.__file__
    ):
        frame = frame.f_back
    return frame
