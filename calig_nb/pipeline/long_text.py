"""What the windows of a long text add up to; see :mod:`calig_nb.pipeline.windows`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from ..attribution.request import Request
from ..explanation.explanation import Explanation
from ..explanation.long_text import Document
from ..explanation.methods import METHODS, fusion_of, weights_of
from ..inputs.segmentation import IntArray
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from .batch import calibration_of, probabilities_of
from .engine import Answers
from .windows import FOLD, Window, mean_logits, phrases, windows

WHOLE = 1024
"""Up to so many tokens the matrices between tokens are kept, added up; beyond, of phrases."""
PHRASES = 1024
"""A longer text is drawn in at most so many phrases."""


def answered(
    answers: Answers,
    texts: Sequence[TextInputs],
    requests: Sequence[Sequence[Request]],
    progress: bool | None,
) -> list[list[Explanation] | Exception]:
    """For each text, however long, its explanations, one for each of its requests; or why not."""
    most, both = answers.reader.max_tokens, list(zip(texts, requests, strict=True))
    short = [(text, own) for text, own in both if len(text.tokens) <= most]
    found = iter(answers.of([t for t, _ in short], [own for _, own in short], progress))
    return [
        next(found) if len(text.tokens) <= most else _explained(answers, text, own, progress)
        for text, own in both
    ]


def _explained(
    answers: Answers, text: TextInputs, requests: Sequence[Request], progress: bool | None
) -> list[Explanation] | Exception:
    if (known := answers.remembered(text, requests)) is not None:
        return known
    from tqdm.auto import tqdm

    try:
        cut = windows(text, answers.reader.max_tokens)
        chosen = int(mean_logits(answers.model, cut).argmax()) if _open(requests) else None
        asked = [r if r.target is not None else replace(r, target=chosen) for r in requests]
        sums = [_Sum(text, request) for request in asked]
        alone = replace(answers, cache=None)  # the whole is kept, not its windows
        delay = 0 if progress else 2
        for window in tqdm(cut, disable=progress is False, delay=delay, desc="windows"):
            own = [_of_window(request, window, len(text.tokens)) for request in asked]
            (found,) = alone.of([window.text], [own], False)
            if isinstance(found, Exception):
                raise found
            for one, explanation in zip(sums, found, strict=True):
                one.add(window, explanation)
        whole = [one.explanation(answers.model) for one in sums]
    except Exception as error:
        return error
    for request, explanation in zip(requests, whole, strict=True):
        answers.keep(text, request, explanation)
    return whole


def _open(requests: Sequence[Request]) -> bool:
    return any(request.target is None for request in requests)


def _of_window(request: Request, window: Window, n_tokens: int) -> Request:
    """The request about one window: of a baseline in token ids, those that stand there."""
    given = request.baselines
    if not isinstance(given, Tensor):
        return request
    if given.numel() != n_tokens:
        raise ValueError(
            f"baselines must be token ids of shape ({n_tokens},), got {tuple(given.shape)}."
        )
    return replace(request, baselines=given.reshape(-1)[torch.from_numpy(window.places)])


class _Sum:
    """What the windows of one text add up to, for one request."""

    def __init__(self, text: TextInputs, request: Request) -> None:
        self.text, self.request = text, request
        self.whole = len(text.tokens) <= WHOLE
        self.units = phrases(text, WHOLE if self.whole else PHRASES)
        self.parts: list[tuple[float, Explanation]] = []
        self.r: Any = 0.0

    def add(self, window: Window, found: Explanation) -> None:
        """Take one window in; its matrices are not kept."""
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
        """The whole."""
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
            "probabilities": probabilities_of(
                model, torch.from_numpy(weights @ _logits(model, found))
            ),
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
                "calibration": calibration_of(method.name, shares),
                "windows": len(found),
                "overlap": f"each token in {FOLD} windows",
                **shares,
            },
        }
        relevance = self.g if method.fused else np.broadcast_to(np.float32(0), self.g.shape)
        if self.whole:
            own = {"layer_attributions": self.r, "attention_relevance": relevance}
            return Explanation(**common, **self.text.explanation_fields(), **own)
        shape = (len(first.layer_weights), len(self.units), len(self.units))
        return Document(
            **common,
            **self.text.explanation_fields(),
            layer_attributions=self.r,
            attention_relevance=np.broadcast_to(np.float32(np.nan), shape),
            given=self.given,
            condensed=Explanation(
                **common,
                **_merged(self.text, self.units),
                layer_attributions=np.add.reduceat(self.r, _starts(self.units), axis=1),
                attention_relevance=relevance,
            ),
        )


def _starts(units: IntArray) -> IntArray:
    return np.flatnonzero(np.diff(units, prepend=-1))


def _merged(text: TextInputs, units: IntArray) -> dict[str, Any]:
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
    p = np.clip([one.probabilities for one in found], 1e-38, 1 - 1e-16)
    apart = model.multi_label or p.shape[1] == 1
    logits: Array = np.log(p) - (np.log1p(-p) if apart else 0)
    return logits
