"""What the user is told at the door: values that are refused, and warnings at the user's line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

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
    level = users = 1
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith(str(PACKAGE)):
            users = level + 1
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=users)
