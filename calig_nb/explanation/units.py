"""The pieces of a text that evidence is summed over: tokens, words, sentences, passages.

The one definition of aggregation: a unit's evidence is the sum of its tokens', in every channel and
layer. lib/units.js is the twin in the browser; both pass tests/vectors/units.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .._validation import one_of

Granularity = Literal["token", "word", "sentence", "passage"]

PASSAGE = 64
"""So many ordinary tokens fill a passage; it ends with the sentence, or with the paragraph."""


@dataclass(frozen=True)
class Unit:
    """One token, word, sentence or passage.

    Attributes:
        text: What stands in the text there; a special token's name.
        tokens: Indices of its tokens.
        special: Whether it is a special token, which is never merged.
    """

    text: str
    tokens: tuple[int, ...]
    special: bool


def merge_units(
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
        unit = -1 - t if ids is None or special[t] or ids[t] < 0 else int(ids[t])
        groups.setdefault(unit, []).append(t)
    units = []
    for members in groups.values():
        start, end = offsets[members, 0].min(), offsets[members, 1].max()
        own = tokens[members[0]]
        whole = ids is None or special[members[0]]
        piece = own if whole else text[start:end] or "".join(tokens[t] for t in members)
        units.append(Unit(piece, tuple(members), bool(special[members[0]])))
    return tuple(units)


def passage_ids(
    text: str, offsets: npt.NDArray[np.int64], sentence_ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The passage of each token: whole sentences, up to a line break or until it is full.

    Args:
        text: The text.
        offsets: (T, 2) where the tokens stand.
        sentence_ids: (T,) the sentence of each token; -1 for special ones.

    Returns:
        (T,) numbers from 0 on; -1 for special tokens.
    """
    passages = np.full(len(sentence_ids), -1, dtype=np.int64)
    current, held, sentence, end = 0, 0, None, 0
    for t, own in enumerate(sentence_ids.tolist()):
        if own < 0:
            continue
        start = int(offsets[t, 0])
        fresh = sentence is not None and own != sentence
        if fresh and (held >= PASSAGE or "\n" in text[end:start]):
            current, held = current + 1, 0
        passages[t], held, sentence, end = current, held + 1, own, int(offsets[t, 1])
    return passages
