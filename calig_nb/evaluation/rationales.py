"""What a person marked in a text, in any of three forms, as one mark a unit. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._validation import shown
from ..explanation.units import Unit

Marks = npt.NDArray[np.bool_]

_FORMS = (
    "marks of 0 and 1, one a token or one a word; (start, end) pairs of characters; or words of "
    "the text"
)


def units_marked(
    rationale: Any,
    text: str,
    offsets: npt.NDArray[np.int64],
    units: Sequence[Unit],
    name: str = "rationale",
) -> Marks:
    """Which units a person marked.

    Args:
        rationale: Marks of 0 and 1 (or True and False), one a token, special ones included, or
            one an ordinary unit; or a list of (start, end) pairs of characters, the end not
            included; or a list of words, or of longer pieces, each marked wherever it stands. An
            empty list marks nothing.
        text: The text.
        offsets: (T, 2) where its tokens stand.
        units: Its ordinary units.
        name: What errors call it.

    Returns:
        (units,) True for each that holds something marked.

    Raises:
        TypeError: If the rationale has none of these forms.
        ValueError: If it does not fit the text.
    """
    if isinstance(rationale, str) or not isinstance(rationale, (Sequence, np.ndarray)):
        raise TypeError(f"{name} must be {_FORMS}, got {shown(rationale)}.")
    if not len(rationale):
        return np.zeros(len(units), dtype=bool)
    if all(isinstance(one, str) for one in rationale):
        return _touched(_found(rationale, text, name), offsets, units)
    try:
        array = np.asarray(rationale) if _regular(rationale) else np.array(None)
    except ValueError:  # lists within lists, of several lengths
        array = np.array(None)
    if array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind in "iu":
        for start, end in array.tolist():
            if not 0 <= start < end <= len(text):
                raise ValueError(
                    f"{name} must hold (start, end) of characters within 0 and {len(text)}, the "
                    f"start before the end, got ({start}, {end})."
                )
        return _touched(array.tolist(), offsets, units)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be {_FORMS}, got {shown(rationale)}.")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must hold marks of 0 and 1, got {rationale!r:.60}.")
    marks = array.astype(bool)
    if len(marks) == len(units):
        return marks
    if len(marks) == len(offsets):
        return np.array([marks[list(unit.tokens)].any() for unit in units])
    raise ValueError(
        f"{name} must have a mark for each of {len(offsets)} tokens or of {len(units)} words, got "
        f"{len(marks)}. Where words were split in another way, give (start, end) of characters."
    )


def _regular(rationale: Any) -> bool:
    sizes = {len(one) if isinstance(one, (Sequence, np.ndarray)) else 0 for one in rationale}
    return len(sizes) == 1


def _found(pieces: Iterable[str], text: str, name: str) -> list[tuple[int, int]]:
    """Where the pieces stand, as whole words, whatever their case."""
    spans = []
    for piece in pieces:
        inside = re.escape(piece.strip())
        pattern = rf"(?<!\w){inside}(?!\w)" if inside else r"(?!)"
        matches = [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
        if not matches:
            raise ValueError(f"{name} must hold words of the text, got {piece!r}: {text!r:.60}.")
        spans += matches
    return spans


def _touched(
    spans: Sequence[tuple[int, int]], offsets: npt.NDArray[np.int64], units: Sequence[Unit]
) -> Marks:
    """The units that share a character with a span."""
    starts, ends = np.array(spans).T
    return np.array(
        [
            bool(
                (
                    (offsets[list(unit.tokens), :1] < ends)
                    & (offsets[list(unit.tokens), 1:] > starts)
                ).any()
            )
            for unit in units
        ]
    )
