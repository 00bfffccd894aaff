"""A text that is longer than the model, explained as one.

Overlapping windows of the model's length cover it so that each token is in just as many, and the
score of the text is the mean of the windows' scores, each weighed by its tokens. That mean is
linear, so the windows' relevance, weighed alike and added up token by token, is complete for the
whole text (:mod:`calig_nb.pipeline.long_text`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..inputs.segmentation import IntArray
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from .batch import placed

FOLD = 2
"""How many windows hold each token. More would make the seams fainter and cost as much more."""
NUDGE = 8
"""A seam moves by up to so many tokens, so as not to part a word."""


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a text that the model reads at once.

    Attributes:
        text: The part, with the special tokens of the whole.
        places: (tokens,) where each of its tokens stands in the whole.
        weight: Of its score in that of the whole; all weights sum to 1.
    """

    text: TextInputs
    places: IntArray
    weight: float


def windows(text: TextInputs, most: int) -> list[Window]:
    """The windows of a text; the text itself where it fits.

    The ordinary tokens are cut in cells of about equal length; a window is ``FOLD`` cells in a row,
    at the ends fewer, so that every token is in ``FOLD`` of them.

    Args:
        text: The text.
        most: Most tokens that the model reads, special tokens included.

    Raises:
        ValueError: If the model reads too little for windows.
    """
    n = len(text.tokens)
    if n <= most:
        return [Window(text, np.arange(n), 1.0)]
    ordinary = np.flatnonzero(~text.special)
    first, last = int(ordinary[0]), int(ordinary[-1]) + 1
    cell = (most - first - (n - last) - 2 * NUDGE) // FOLD
    if cell < 1:
        raise ValueError(
            f"inputs must have at most {most} tokens for this model, got {n}: it reads too few at "
            "once to explain a longer text in windows. Shorten the text."
        )
    count = -(-(last - first) // cell)
    seams = [_nudged(text, round(first + (last - first) * j / count)) for j in range(count + 1)]
    spans = [(seams[max(0, j)], seams[min(count, j + FOLD)]) for j in range(1 - FOLD, count)]
    before, after = np.arange(first), np.arange(last, n)
    return [
        Window(
            _part(text, places := np.concatenate([before, np.arange(start, end), after])),
            places,
            (end - start) / (FOLD * (last - first)),
        )
        for start, end in spans
    ]


def mean_logits(model: BlockModel, cut: Sequence[Window]) -> Tensor:
    """(C,) the mean of the windows' logits."""
    with model.undisturbed(), torch.no_grad():
        rows = [w.weight * model.predict(placed(model, w.text.model_inputs))[0] for w in cut]
    return torch.stack(rows).sum(dim=0)


def phrases(text: TextInputs, most: int) -> IntArray:
    """(T,) the phrase of each token: as few words of one sentence as make at most ``most``.

    Special tokens stay by themselves. Where there are more sentences than that, phrases cross them.
    """
    special, words, sentences = text.special, text.word_ids, text.sentence_ids
    if len(special) <= most:
        return np.arange(len(special))
    if sentences.max() + 1 + special.sum() > most:
        sentences = np.where(special, -1, 0)
    starts = np.full(sentences.max() + 1, len(words))
    np.minimum.at(starts, sentences[~special], words[~special])
    within = words - starts[sentences]
    size = 1
    while True:
        pair = np.stack([sentences, np.where(special, -1, within // size)])
        fresh = (pair[:, 1:] != pair[:, :-1]).any(axis=0) | special[1:] | special[:-1]
        found = np.concatenate([[0], np.cumsum(fresh)])
        if found[-1] < most:
            return found
        size += 1


def _nudged(text: TextInputs, at: int) -> int:
    """The nearest place from ``at`` on, backwards, where a word begins."""
    for place in range(at, max(at - NUDGE, 0), -1):
        if place == len(text.tokens) or text.word_ids[place] != text.word_ids[place - 1]:
            return place
    return at


def _part(text: TextInputs, places: IntArray) -> TextInputs:
    own = places[~text.special[places]]
    start, end = int(text.offsets[own, 0].min()), int(text.offsets[own, 1].max())
    return TextInputs(
        text=text.text[start:end],
        model_inputs={name: value[:, places] for name, value in text.model_inputs.items()},
        tokens=tuple(text.tokens[t] for t in places),
        special=text.special[places],
        offsets=np.where(text.special[places, None], 0, text.offsets[places] - start),
        word_ids=text.word_ids[places],
        sentence_ids=text.sentence_ids[places],
    )
