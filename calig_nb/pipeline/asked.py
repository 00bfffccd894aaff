"""What a user asks of each text: the text as the model reads it, and its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from .._validation import warn_user
from ..attribution.request import Request
from ..inputs.reader import Reader
from ..inputs.text import TextInputs


class Asked(NamedTuple):
    """One text with its requests, one a target, in which classes are called as they are there."""

    text: TextInputs
    requests: list[Request]


def asked(
    reader: Reader,
    text: Any,
    number: int | None,
    requests: Sequence[Request],
    position: int | None,
    on_error: str,
) -> Asked | None:
    """What is asked of one text; None where it is skipped.

    Args:
        reader: The model's.
        text: As the user gave it.
        number: Its place in a list; None for a text alone.
        requests: As the user named the classes; alike in all but the target.
        position: Of the token that is asked about, or None.
        on_error: "raise" or "skip".

    Raises:
        TypeError, ValueError: If it cannot be read, or the question does not fit it.
    """
    classes = (*(one.target for one in requests), requests[0].contrast)
    try:
        read = reader.read(
            text,
            "inputs" if number is None else f"inputs[{number}]",
            position,
            classes,
            longer=True,
        )
    except (TypeError, ValueError) as error:
        if on_error == "raise" or number is None:
            raise
        warn_user(f"A text is skipped: {error}")
        return None
    if read.question is None or not read.question.targets:
        return Asked(read, list(requests))
    if read.question.candidates and requests[0].output == "margin":
        raise ValueError(
            "output='margin' is the distance to the mean of all other classes, which says nothing "
            "of a vocabulary: use 'logit' with a contrast, or 'log_odds'."
        )
    *targets, contrast = read.question.targets
    pairs = zip(requests, targets, strict=True)
    return Asked(read, [replace(one, target=t, contrast=contrast) for one, t in pairs])
