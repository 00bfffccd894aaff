"""The pieces of a text that evidence is summed over: tokens, words, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .fusion import one_of

Granularity = Literal["token", "word", "sentence"]


@dataclass(frozen=True)
class Unit:
    """One token, word or sentence.

    Attributes:
        text: What stands in the text there; a special token's name.
        tokens: Indices of its tokens.
        special: Whether it is a special token, which is never merged.
    """

    text: str
    tokens: tuple[int, ...]
    special: bool


def merged(
    granularity: Granularity,
    text: str,
    tokens: Sequence[str],
    special: npt.NDArray[np.bool_],
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64] | None,
) -> tuple[Unit, ...]:
    """The units of a text in reading order.

    Args:
        granularity: What the units are.
        text: The text.
        tokens: (T,) what each token stands for.
        special: (T,) True for special tokens.
        offsets: (T, 2) where the tokens stand.
        ids: (T,) the unit that each ordinary token belongs to; None leaves tokens alone.

    Raises:
        ValueError: If ``granularity`` is unknown.
    """
    one_of("granularity", granularity, get_args(Granularity))
    groups: dict[int, list[int]] = {}
    for t in range(len(tokens)):
        unit = -1 - t if ids is None or special[t] else int(ids[t])
        groups.setdefault(unit, []).append(t)
    units = []
    for members in groups.values():
        start, end = offsets[members, 0].min(), offsets[members, 1].max()
        piece = tokens[members[0]] if len(members) == 1 else text[start:end]
        units.append(Unit(piece, tuple(members), bool(special[members[0]])))
    return tuple(units)
