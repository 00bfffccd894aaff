"""Explanations and attention heads as bytes and files: safetensors, no pickle."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import secrets
import stat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._validation import file_path, list_of, shown, whole_number
from .explanation import Explanation
from .fusion import Fusion
from .long_text import LongText
from .schema import ARRAYS

FORMAT = "calig_nb explanation 1"
PART = ".part"
"""Ending of a file that is being written."""
LARGEST = 1 << 26
"""A picture in black has at most so many values."""
_ZEROS = "zeros"
_IMPLIED = ("<f4", "<f8", "|u1")
_NOT_STORED = ("source",)


def save(explanation: Explanation, path: str | Path) -> None:
    """Write an explanation; the file appears whole or not at all.

    Args:
        explanation: What to keep.
        path: Where, ``*.safetensors``. An existing file is replaced.

    Raises:
        OSError: As :func:`write_whole`.
    """
    write_whole(file_path("path", path), to_bytes(explanation))


def load(path: str | Path) -> Explanation:
    """Open a saved explanation. It needs neither torch nor the model.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError, ValueError: If the file is damaged, or is not an explanation.

    Example:
        >>> explanation.save('why.safetensors')
        >>> cn.load('why.safetensors').text
        'The plot is thin, but the acting is superb.'
    """
    file = file_path("path", path)
    if not file.is_file():
        raise FileNotFoundError(f"There is no saved explanation at {path}.")
    try:
        return from_bytes(file.read_bytes())
    except ValueError as error:
        raise ValueError(
            f"{path} is not a readable explanation: {str(error).rstrip('.')}."
        ) from error


def to_bytes(explanation: Explanation) -> bytes:
    """The bytes of an explanation, as one safetensors file."""
    from safetensors.numpy import save as written_out

    arrays: dict[str, npt.NDArray[Any]] = {}
    plain: dict[str, Any] = {}
    zeros: dict[str, tuple[str, tuple[int, ...], str]] = {}
    for entry in dataclasses.fields(explanation):
        value = getattr(explanation, entry.name)
        if isinstance(value, np.ndarray) and value.ndim == 3 and _one_value(value):
            # may be large, and says nothing
            zeros[entry.name] = (value.dtype.str, value.shape, str(value.flat[0]))
        elif isinstance(value, Explanation):
            arrays[entry.name] = np.frombuffer(to_bytes(value), np.uint8)
        elif isinstance(value, np.ndarray):
            arrays[entry.name] = np.ascontiguousarray(value)
        elif entry.name == "fusion":
            plain[entry.name] = dataclasses.asdict(value)
        elif entry.name not in _NOT_STORED:
            plain[entry.name] = value
    written: bytes = written_out(
        arrays, {"format": FORMAT, "explanation": json.dumps({**plain, _ZEROS: zeros})}
    )
    return written


def from_bytes(content: bytes) -> Explanation:
    """The explanation in these bytes.

    Raises:
        ValueError: If they hold none.
    """
    fields = _read_fields(content)
    try:
        if "condensed" not in fields:
            return Explanation(**fields)
        small = Explanation(**_read_fields(fields.pop("condensed").tobytes()))
        return LongText(**fields, condensed=small)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _read_fields(content: bytes) -> dict[str, Any]:
    """The fields of an explanation in these bytes, each of the kind that it is stored as."""
    arrays, metadata = _read_tables(content)
    if (mark := metadata.get("format", "no such mark")) != FORMAT:
        kind, _, version = mark.rpartition(" ")
        if kind == FORMAT.rpartition(" ")[0] and version.isdecimal():
            raise ValueError(
                f"it was written by a later version of calig_nb, as {mark!r}, and this one reads "
                f"{FORMAT!r}: update calig_nb"
            )
        raise ValueError(f"it is marked {shown(mark)}, not {FORMAT!r}")
    plain = plain_values(metadata.get("explanation", ""))
    try:
        for name, implied in plain.pop(_ZEROS, {}).items():
            arrays[name] = _implied_array(name, *implied)
        fusion = Fusion(**plain.pop("fusion"))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"its tables do not fit: {error}") from error
    arrays_only = {*ARRAYS, "image", "condensed"}
    values = {name for name, value in plain.items() if value is not None}
    if wrong := sorted((arrays_only | {*_NOT_STORED}) & values | (arrays.keys() - arrays_only)):
        raise ValueError(f"{wrong[0]} is not stored as it must be")
    return {**arrays, **plain, "fusion": fusion}


def plain_values(text: str | bytes) -> dict[str, Any]:
    """The values by name in a piece of JSON.

    Raises:
        ValueError: If it holds none.
    """
    try:
        found = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"its values cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"its values must have names, got {shown(found)}")
    return found


def _read_tables(content: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """The arrays in a safetensors file, and what is noted beside them."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as arrays_of

    try:
        arrays = arrays_of(content)
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(str(error)) from error
    length = int.from_bytes(content[:8], "little")
    return arrays, plain_values(content[8 : 8 + length]).get("__metadata__") or {}


def _implied_array(name: str, kind: str, shape: list[int], value: str = "0") -> npt.NDArray[Any]:
    """An array of one value, which no memory holds."""
    sizes = [whole_number(name, size, 0, LARGEST) for size in list_of(name, shape, "sizes")]
    if kind not in _IMPLIED or len(sizes) != 3 or value not in ("0", "0.0", "nan"):
        raise ValueError(f"{name} cannot be {sizes} times {shown(value)} of {shown(kind)}")
    if kind == "|u1" and math.prod(sizes) > LARGEST:
        raise ValueError(f"{name} cannot be a picture of {sizes}")
    return np.broadcast_to(np.array(value, np.float64).astype(kind), sizes)


def _one_value(array: npt.NDArray[Any]) -> bool:
    return array.size > 0 and (not any(array.strides) or not array.any())


def heads_to_bytes(heads: npt.NDArray[np.float32]) -> bytes:
    """(H, T, T) in half precision, each head to its own scale."""
    from safetensors.numpy import save as to_bytes

    peaks = np.abs(heads).max(axis=(1, 2))
    scale = np.where(peaks > 0, peaks, 1).astype(np.float32)
    values = (heads / scale[:, None, None]).astype(np.float16)
    written: bytes = to_bytes({"values": values, "scale": scale})
    return written


def heads_from_bytes(content: bytes) -> npt.NDArray[np.float32]:
    """The heads in these bytes, (H, T, T).

    Raises:
        ValueError: If they hold none.
    """
    stored, _ = _read_tables(content)
    values, scale = (stored.get(name, np.empty(0)) for name in ("values", "scale"))
    if values.ndim != 3 or values.shape[1] != values.shape[2] or scale.shape != values.shape[:1]:
        raise ValueError(f"heads must be (H, T, T), got {values.shape} and {scale.shape}")
    if {values.dtype.kind, scale.dtype.kind} != {"f"}:
        raise ValueError(f"heads must be real numbers, got {values.dtype} and {scale.dtype}")
    return np.asarray(values * scale[:, None, None], dtype=np.float32)


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, in the place of one that is there.

    As with any program that writes there, a new file has the mode that the user's umask gives, a
    file that is there keeps its own, behind a symbolic link its target is written, and a device
    or a pipe is written to.

    Raises:
        OSError: If the folder does not exist, or it or the file cannot be written to.
    """
    file = Path(os.path.realpath(path))
    before = file.stat() if file.exists() else None
    if before is not None and not os.access(file, os.W_OK):
        raise PermissionError(f"{path} is write-protected: choose another name, or allow it.")
    if before is not None and not stat.S_ISREG(before.st_mode):
        file.write_bytes(content)  # a folder says so itself
        return
    part = file.with_name(f"{secrets.token_hex(16)}{PART}")
    try:
        part.write_bytes(content)
        if before is not None:
            part.chmod(stat.S_IMODE(before.st_mode))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
