"""Explanations and attention heads as bytes: safetensors, no pickle."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from .explanation import Explanation
from .fusion import Fusion
from .long_text import Document

FORMAT = "calig_nb explanation 1"
_ZEROS = "zeros"
_NOT_STORED = ("source",)


def to_bytes(explanation: Explanation) -> bytes:
    """An explanation, whole."""
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
            return Document(**fields | {"condensed": from_bytes(fields["condensed"].tobytes())})
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
