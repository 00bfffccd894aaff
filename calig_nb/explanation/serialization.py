"""Explanations and attention heads as bytes and files: safetensors, no pickle."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import stat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .explanation import Explanation
from .fusion import Fusion
from .long_text import LongText

FORMAT = "calig_nb explanation 1"
PART = ".part"
"""Ending of a file that is being written."""
_ZEROS = "zeros"
_NOT_STORED = ("source",)


def save(explanation: Explanation, path: str | Path) -> None:
    """Write an explanation; the file appears whole or not at all.

    Args:
        explanation: What to keep.
        path: Where, ``*.safetensors``. An existing file is replaced.

    Raises:
        OSError: As :func:`write_whole`.
    """
    write_whole(Path(path), to_bytes(explanation))


def load(path: str | Path) -> Explanation:
    """Open a saved explanation. It needs neither torch nor the model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or is not an explanation.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no saved explanation at {path}.")
    try:
        return from_bytes(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a readable explanation: {error}.") from error


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
    from safetensors import SafetensorError
    from safetensors.numpy import load as arrays_of

    try:
        fields = dict(arrays_of(content))
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        if metadata.get("format") != FORMAT:
            got = metadata.get("format", "no such mark")
            raise ValueError(f"it is marked {got!r}, not {FORMAT!r}")
        fields |= json.loads(metadata["explanation"])
        for name, (kind, shape, *value) in fields.pop(_ZEROS, {}).items():
            fields[name] = np.broadcast_to(np.array(float(*value), kind), shape)
        fields["fusion"] = Fusion(**fields["fusion"])
        fields["tokens"], fields["labels"] = tuple(fields["tokens"]), tuple(fields["labels"])
        if fields.get("grid"):
            fields["grid"] = tuple(fields["grid"])
        if "condensed" in fields:
            return LongText(**fields | {"condensed": from_bytes(fields["condensed"].tobytes())})
        return Explanation(**fields)
    except (SafetensorError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from error


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
    from safetensors import SafetensorError
    from safetensors.numpy import load as arrays_of

    try:
        stored = arrays_of(content)
        return np.asarray(stored["values"] * stored["scale"][:, None, None], dtype=np.float32)
    except (SafetensorError, KeyError) as error:
        raise ValueError(str(error)) from error


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
