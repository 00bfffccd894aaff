"""The door: values refused or made fit to keep, and warnings at the line of the user's."""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from types import FrameType

import numpy as np
import numpy.typing as npt

from ._version import PACKAGE


def one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Refuse a value outside a closed list, naming the list.

    Raises:
        ValueError: If ``value`` is not in ``allowed``.
    """
    if value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}.")


def warn_user(message: str) -> None:
    """Warn at the line that called this package, however deep inside the cause was found."""
    # The outermost frame of ours, not the first foreign one: decorators of torch stand in between.
    level, users, inside = 1, 1, f"{PACKAGE}{os.sep}"
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(inside):
            users = level + 1
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=users)


def distinct_names(names: Sequence[str], taken: Collection[str] = ()) -> tuple[str, ...]:
    """The names; those that are not alone, or taken, with their number from 0 behind them.

    Args:
        names: As they are.
        taken: Names of other things beside them.
    """
    count = Counter([*names, *taken])
    found = [f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(names)]
    if len({*found, *taken}) == len(found) + len({*taken}):
        return tuple(found)
    return tuple(f"{name} ({i})" for i, name in enumerate(names))  # one was called so already


def read_only(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """The array itself if nobody can write it, else a copy that nobody can.

    Raises:
        ValueError: If it has another shape; ``name`` is what the message calls it.
    """
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} to fit the rest, got {array.shape}.")
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


def valid_text(text: str) -> str:
    """The text with half characters (lone surrogates), which nothing can write, as U+FFFD."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
