"""A text that is longer than the model, explained as one.

Overlapping windows of the model's length cover it so that each token is in just as many, and the
score of the text is the mean of the windows' scores, each weighed by its tokens. That mean is
linear, so the windows' relevance, weighed alike and added up token by token, is complete for the
whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from ..attribution.request import Request
from ..explanation.explanation import Explanation
from ..explanation.long_text import LongText
from ..explanation.methods import METHODS, fusion_of, weights_of
from ..inputs.text import TextInputs
from ..inputs.word_segmentation import IntArray
from ..models.block_model import BlockModel
from .batch import describe_calibration

FOLD = 2
"""How many windows hold each token. More would make the seams fainter and cost as much more."""
NUDGE = 8
"""A seam moves by up to so many tokens, so as not to part a word."""
WHOLE = 1024
"""Up to so many tokens the matrices between tokens are kept, added up; beyond, of phrases."""
PHRASES = 1024
"""A longer text is drawn in at most so many phrases."""


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


def cut_windows(text: TextInputs, most: int) -> list[Window]:
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
    seams = [_seam_near(text, round(first + (last - first) * j / count)) for j in range(count + 1)]
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


def mean_logits(model: BlockModel, windows: Sequence[Window]) -> Tensor:
    """(C,) the mean of the windows' logits."""
    with model.preserve(), torch.no_grad():
        rows = [w.weight * model.predict(model.to_device(w.text.model_inputs))[0] for w in windows]
    return torch.stack(rows).sum(dim=0)


def phrase_ids(text: TextInputs, most: int) -> IntArray:
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


def _seam_near(text: TextInputs, at: int) -> int:
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


def request_for(request: Request, window: Window, n_tokens: int) -> Request:
    """The request about one window: of a baseline in token ids, those that stand there."""
    given = request.baselines
    if not isinstance(given, Tensor):
        return request
    if given.numel() != n_tokens:
        raise ValueError(
            f"baselines must be token ids of shape ({n_tokens},), got {tuple(given.shape)}."
        )
    return replace(request, baselines=given.reshape(-1)[torch.from_numpy(window.places)])


class WindowSum:
    """What the windows of one text add up to, for one request."""

    def __init__(self, text: TextInputs, request: Request) -> None:
        self.text, self.request = text, request
        self.whole = len(text.tokens) <= WHOLE
        self.units = phrase_ids(text, WHOLE if self.whole else PHRASES)
        self.parts: list[tuple[float, Explanation]] = []
        self.r: Any = 0.0

    def add(self, window: Window, found: Explanation) -> None:
        """Take one window in; its matrices are not kept.

        Raises:
            ValueError: If the model adds tokens of its own, which would be others in each window.
        """
        if len(found.tokens) != len(window.places):
            added = len(found.tokens) - len(window.places)
            raise ValueError(
                f"inputs must have at most {len(window.places)} tokens for a model that adds "
                f"{added} of its own, got {len(self.text.tokens)}. "
                "Shorten the text, or explain it in parts."
            )
        n_layers, n_tokens = len(found.layer_weights), len(self.text.tokens)
        if not self.parts:
            n_units = int(self.units[-1]) + 1
            self.r = np.zeros((n_layers + 1, n_tokens))
            self.log = np.zeros(len(found.labels))
            self.given = np.zeros((2, n_layers, n_tokens), dtype=np.float32)
            self.g = np.zeros((n_layers, n_units, n_units), dtype=np.float32)
            self.mass = np.zeros(n_layers + 1)
            self.error = np.zeros(n_layers + 1)
        weight, places = window.weight, window.places
        self.r[:, places] += weight * found.layer_attributions
        mass = weight * np.abs(found.layer_attributions).sum(axis=1)
        self.mass += mass
        self.error += mass * found.token_error
        relevance = found.attention_relevance
        if any(relevance.strides):
            units = self.units[places]
            runs = np.flatnonzero(np.diff(units, prepend=-1))
            where = np.ix_(units[runs], units[runs])
            for b, g in enumerate(relevance):
                self.given[0, b, places] += weight * np.maximum(g, 0).sum(axis=0)
                self.given[1, b, places] += weight * np.maximum(-g, 0).sum(axis=0)
                rows = np.add.reduceat(g, runs, axis=0)
                self.g[b][where] += weight * np.add.reduceat(rows, runs, axis=1)
        blank = np.broadcast_to(np.float32(0), relevance.shape)
        self.parts.append((weight, replace(found, attention_relevance=blank)))

    def explanation(self, model: BlockModel) -> Explanation:
        """The explanation of the whole text."""
        weights = np.array([weight for weight, _ in self.parts])
        found = [explanation for _, explanation in self.parts]
        first, method = found[0], METHODS[self.request.method]
        scores = np.array([one.score for one in found])
        shares = {
            name: float(weights * scores @ [one.config[name] for one in found] / (weights @ scores))
            for name, value in first.config.items()
            if isinstance(value, float) and name != "tolerance"
        }
        common: dict[str, Any] = {
            "labels": first.labels,
            "probabilities": model.probabilities(torch.from_numpy(weights @ _logits(model, found))),
            "target": first.target,
            "contrast": first.contrast,
            "score": float(weights @ scores),
            "baseline_scores": weights @ np.stack([one.baseline_scores for one in found]),
            "layer_weights": weights_of(method.name, self.r, self.text.special),
            "fusion": fusion_of(method.name),
            "n_steps": np.max([one.n_steps for one in found], axis=0),
            "token_error": np.divide(
                self.error, self.mass, out=np.zeros_like(self.error), where=self.mass > 0
            ),
            "converged": np.all([one.converged for one in found], axis=0),
            "config": {
                **first.config,
                "calibration": describe_calibration(method.name, shares),
                "windows": len(found),
                "overlap": f"each token in {FOLD} windows",
                **_routing(weights, found),
                **shares,
            },
        }
        relevance = self.g if method.fused else np.broadcast_to(np.float32(0), self.g.shape)
        if self.whole:
            own = {"layer_attributions": self.r, "attention_relevance": relevance}
            return Explanation(**common, **self.text.explanation_fields(), **own)
        shape = (len(first.layer_weights), len(self.units), len(self.units))
        return LongText(
            **common,
            **self.text.explanation_fields(),
            layer_attributions=self.r,
            attention_relevance=np.broadcast_to(np.float32(np.nan), shape),
            given=self.given,
            condensed=Explanation(
                **common,
                **_describe_phrases(self.text, self.units),
                layer_attributions=np.add.reduceat(self.r, _starts(self.units), axis=1),
                attention_relevance=relevance,
            ),
        )


def _routing(weights: Array, found: Sequence[Explanation]) -> dict[str, Any]:
    """What the choice of experts brings to the mean of the windows, where it is stated."""
    rows = [one.config.get("routing_scores") for one in found]
    return {"routing_scores": (weights @ np.array(rows)).tolist()} if all(rows) else {}


def _starts(units: IntArray) -> IntArray:
    return np.flatnonzero(np.diff(units, prepend=-1))


def _describe_phrases(text: TextInputs, units: IntArray) -> dict[str, Any]:
    """The phrases as an explanation describes its tokens; each is one word."""
    starts = _starts(units)
    ends = np.append(starts[1:], len(units)) - 1
    special = text.special[starts]
    offsets = np.stack([text.offsets[starts, 0], text.offsets[ends, 1]], axis=1)
    return {
        "text": text.text,
        "tokens": tuple(
            text.tokens[t] if alone else text.text[start:end]
            for t, alone, (start, end) in zip(starts, special, offsets, strict=True)
        ),
        "special": special,
        "offsets": offsets,
        "word_ids": np.where(special, -1, np.cumsum(~special) - 1),
        "sentence_ids": text.sentence_ids[starts],
    }


def _logits(model: BlockModel, found: Sequence[Explanation]) -> Array:
    """(windows, C) logits, up to a constant of each window where classes exclude each other."""
    given = np.array([one.probabilities for one in found])
    if (classes := model.classes(given.shape[1])) == "measured":
        return given
    p = np.clip(given, 1e-38, 1 - 1e-16)
    logits: Array = np.log(p) - (np.log1p(-p) if classes == "independent" else 0)
    return logits
