"""Two texts that a model reads as one: premise and hypothesis, question and passage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Span = tuple[int, int]
Text = str | Mapping[str, str]
"""A text, or a pair of them by the names of :data:`PARTS`."""
Inputs = Text | Iterable[Text]

PARTS = ("text", "text_pair")
"""The names of the two texts, in the order in which the tokenizer joins them."""
BETWEEN = "\n"
"""Stands between them in the text of an explanation: a line and a sentence end there."""


def parts_of(inputs: Any, name: str) -> tuple[str, ...]:
    """The text alone, or both texts of a pair, checked; errors call them ``name``.

    Raises:
        TypeError: If ``inputs`` is neither a text nor a pair of texts.
        ValueError: If a text is missing, unknown or empty, or holds half a character.
    """
    if not isinstance(inputs, Mapping):
        return (checked(inputs, name),)
    if set(inputs) != set(PARTS):
        raise ValueError(
            f"{name} must be a text or a pair {{'text': …, 'text_pair': …}}, got the keys "
            f"{list(inputs)}. What the model read first in training, as a premise or a question, "
            "is the text, what came second the text_pair."
        )
    return tuple(checked(inputs[part], f"{name}[{part!r}]") for part in PARTS)


def checked(text: Any, name: str) -> str:
    """The text, if it is one with at least one word."""
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text (str), got {type(text).__name__}: {text!r:.60}.")
    refuse_halves(text, name)
    if not text.strip():
        raise ValueError(f"{name} must hold at least one word, got {text!r}.")
    return text


def refuse_halves(text: str, name: str) -> None:
    """Half a character (a lone surrogate, of bytes that were no text) is no text."""
    for at, c in enumerate(text):
        if "\ud800" <= c <= "\udfff":
            raise ValueError(
                f"{name} must be a text, got the half character {c!r} at {at}: its bytes were "
                "read in another encoding. Read them anew, or drop it."
            )


def segments(tokenizer: Any, encoded: Any, parts: tuple[str, ...], special: BoolArray) -> IntArray:
    """(tokens,) which of the two texts each token belongs to; -1 for special tokens.

    A tokenizer that does not say is asked how many ordinary tokens the first text alone has.

    Raises:
        ValueError: If a text has no ordinary token.
    """
    if getattr(tokenizer, "is_fast", False):
        known = [-1 if number is None else number for number in encoded.sequence_ids(0)]
        found = np.where(special, -1, np.array(known, dtype=np.int64))
    else:
        alone = tokenizer(parts[0], return_offsets_mapping=False, verbose=False)["input_ids"]
        specials = {i for i, s in zip(encoded["input_ids"], special, strict=True) if s}
        first = sum(i not in specials for i in alone)
        found = np.where(special, -1, (np.cumsum(~special) > first).astype(np.int64))
    for number, part in enumerate(parts):
        if not (found == number).any():
            raise ValueError(
                f"both texts must hold at least one ordinary token, got {part!r:.60} as the "
                f"{PARTS[number]}."
            )
    return found


def shifted(spans: list[Span], segment_ids: IntArray, first: str) -> list[Span]:
    """Spans within each text as spans within both, joined by :data:`BETWEEN`."""
    by = np.where(segment_ids == 1, len(first) + len(BETWEEN), 0).tolist()
    return [(start + n, end + n) for (start, end), n in zip(spans, by, strict=True)]


def split_at(first: str, spans: list[Span], segment_ids: IntArray, fast: bool) -> int:
    """Where :data:`BETWEEN` stands in the joined text; where tokens are shown, before a token."""
    return len(first) if fast else spans[int(np.argmax(segment_ids == 1))][0] - len(BETWEEN)
