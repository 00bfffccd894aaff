"""The door: values refused or made fit to keep, and warnings at the line of the user's."""

from __future__ import annotations

import operator
import os
import sys
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from ._version import PACKAGE

T = TypeVar("T")


def shown(value: object, most: int = 60) -> str:
    """A value as an error quotes it: in one line, and cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a user's own object, or a whole number of thousands of digits
        text = f"a value of {type(value).__name__}"
    return text if len(text) <= most else text[: most - 1] + "…"


def one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a value outside a closed list of names, naming the list.

    Raises:
        ValueError: If ``value`` is not in ``allowed``.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {shown(value)}.")


def whole_number(
    name: str, value: Any, least: int, most: int | None = None, *, also: str = "", more: str = ""
) -> int:
    """The value as a whole number in its range; also one of NumPy or torch.

    Args:
        name: What the message calls it.
        value: What was given.
        least: The smallest number that is allowed.
        most: The largest, or None.
        also: What else is allowed, for the message: "be None or ".
        more: What the message says about the largest.

    Raises:
        TypeError: If it is no whole number.
        ValueError: If it is out of its range.
    """
    rule = f"be at least {least}" if most is None else f"lie between {least} and {most}{more}"
    found = value.item() if getattr(value, "shape", None) == () else value
    try:
        number = None if isinstance(found, bool) else operator.index(found)
    except TypeError:  # arrays have the method too, and refuse it
        number = None
    if number is None:
        raise TypeError(f"{name} must {also}be a whole number and {rule}, got {shown(value)}.")
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name} must {also}{rule}, got {shown(value)}.")
    return number


def real_between(
    name: str, value: Any, least: float, most: float, *, rule: str = "", inside: bool = False
) -> float:
    """The value as a real number from ``least`` to ``most``; also one of NumPy or torch.

    Args:
        name: What the message calls it.
        value: What was given.
        least: The smallest number that is allowed.
        most: The largest.
        rule: The range in the words of the message, which may end in a remedy.
        inside: Whether the ends themselves are refused.

    Raises:
        TypeError: If it is no real number.
        ValueError: If it is out of its range, or NaN.
    """
    rule, _, remedy = (rule or f"lie between {least:g} and {most:g}").partition(". ")
    got = f"{rule}, got {shown(value)}.{remedy and ' '}{remedy}"
    found: Any = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(found, bool) or not issubclass(type(found), Real):
        raise TypeError(f"{name} must be a number and {got}")
    if not (least < found < most if inside else least <= found <= most):
        raise ValueError(f"{name} must {got}")
    return found if isinstance(found, (int, float)) else float(found)


def instance_of(name: str, value: object, kind: type[T], remedy: str = "") -> T:
    """The value, if it is of a kind.

    Args:
        name: What the message calls it.
        value: What was given.
        kind: What it must be.
        remedy: A sentence that ends the message.

    Raises:
        TypeError: If it is of another kind.
    """
    if not isinstance(value, kind):
        got = f"{type(value).__name__}: {shown(value)}. {remedy}".rstrip()
        raise TypeError(f"{name} must be of type {kind.__name__}, got {got}")
    return value


def list_of(name: str, value: Any, what: str) -> list[Any]:
    """The entries of a list, a column or anything else that is gone through; no text is one.

    Raises:
        TypeError: If it is none.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list of {what}, got {shown(value)}.")
    if getattr(value, "shape", None) == ():
        raise TypeError(f"{name} must be a list of {what}, got one number alone: {shown(value)}.")
    return list(value)


def file_path(name: str, value: Any) -> Path:
    """The path, if it can be one.

    Raises:
        TypeError: If it is neither a text nor a path.
        ValueError: If no file can have this name.
    """
    try:
        path = os.fspath(value)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise TypeError(f"{name} must be a path or its text, got {shown(value)}.")
    try:
        possible = (
            b"\0" not in os.fsencode(path) and max(map(len, Path(path).parts), default=0) < 256
        )
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ValueError(f"{name} must be a path that a file can have, got {shown(value)}.")
    return Path(path)


def point_from(owner: object, name: str, pointers: Mapping[str, str]) -> NoReturn:
    """Say that there is no such attribute, and what to use where it was expected.

    Raises:
        AttributeError: Always; where a property of this name failed, its own.
    """
    if hasattr(type(owner), name):
        object.__getattribute__(owner, name)
    pointer = f" {pointers[name]}" if name in pointers else ""
    raise AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}.{pointer}")


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


def read_only(
    name: str, value: npt.ArrayLike, shape: tuple[int, ...], kinds: str = "biuf"
) -> npt.NDArray[np.generic]:
    """The array itself if nobody can write it, else a copy that nobody can.

    Args:
        name: What the message calls it.
        value: The array.
        shape: What it must have.
        kinds: What its entries may be, as NumPy's one-letter kinds.

    Raises:
        TypeError: If its entries are of another kind.
        ValueError: If it has another shape.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.array(None)
    if array.dtype.kind not in kinds and array.size:
        wanted = " or ".join(_KINDS[kind] for kind in kinds)
        raise TypeError(f"{name} must be an array of {wanted}, got {shown(value)}.")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} to fit the rest, got {array.shape}.")
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


_KINDS = {"b": "truth values", "i": "whole numbers", "u": "numbers from 0", "f": "real numbers"}


def valid_text(text: str) -> str:
    """The text with half characters (lone surrogates), which nothing can write, as U+FFFD."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
