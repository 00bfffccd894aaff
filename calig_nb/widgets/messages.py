"""What the page asks for when it is needed: a long rollout, the heads of a layer, a check."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ..explanation import fusion as fu
from ..explanation.explanation import Explanation
from ..explanation.methods import has_two_signals
from . import wire

Answer = tuple[dict[str, Any], list[bytes]]

FINE_LIMIT = 16_000_000
"""A rolled-out pair of up to so many bytes travels in 16 bits: 2,000 tokens."""
THUMBNAIL = 64
"""Cells along one side of a small picture."""


def answer(explanation: Explanation, question: dict[str, Any]) -> Answer | None:
    """The answer to one message of the page; None where it asks for nothing known.

    What goes wrong is part of the answer, in words, under "error".
    """
    known = {"matrices": _matrices, "rollout": _rollout, "heads": _heads, "check": _check}
    kind = question.get("kind")
    if kind not in known:
        return None
    echo: dict[str, Any] = {
        name: question[name] for name in ("kind", "id", "layer") if name in question
    }
    try:
        content, buffers = known[kind](explanation, question)
    except Exception as error:
        return {**echo, "error": str(error)}, []
    return {**echo, **content}, buffers


def _matrices(explanation: Explanation, _: dict[str, Any]) -> Answer:
    return {}, [wire.matrices(explanation)[2]]


def _layer(explanation: Explanation, question: dict[str, Any]) -> int:
    layer, last = question.get("layer"), len(explanation.layer_weights) - 1
    if not isinstance(layer, int) or not 0 <= layer <= last:
        raise ValueError(f"layer must lie between 0 and {last}, got {layer!r}.")
    return layer


def _rollout(explanation: Explanation, question: dict[str, Any]) -> Answer:
    """R - I after one layer, both channels, and thumbnails of it after every layer if asked."""
    layer = _layer(explanation, question)
    asked = explanation.with_lam(question["lam"])
    layers = len(asked.layer_weights) if question.get("film") else layer + 1
    frames = _carried_evidence(asked)
    film: list[npt.NDArray[np.float32]] = []
    chosen = np.empty((0, 0, 0), np.float32)
    for b, pair in enumerate(islice(frames, layers)):
        chosen = pair if b == layer else chosen
        if question.get("film"):
            film.append(_thumbnails(pair))
    bits, scales, content = wire.compand(chosen, FINE_LIMIT)
    said: dict[str, Any] = {"bits": bits, "scales": scales}
    if not film:
        return said, [content]
    stack = np.concatenate(film)
    small, sizes, pictures = wire.compand(stack, 0)
    said["film"] = {"bits": small, "scales": sizes, "cells": stack.shape[-1]}
    return said, [content, pictures]


def _carried_evidence(explanation: Explanation) -> Iterator[npt.NDArray[np.float32]]:
    """R - I after each layer; like the page, it counts what is not a number as zero."""
    r = np.nan_to_num(explanation.layer_attributions, nan=0, posinf=0, neginf=0)
    g = np.nan_to_num(explanation.attention_relevance, nan=0, posinf=0, neginf=0)
    weights = np.nan_to_num(explanation.layer_weights)
    own = np.eye(len(explanation.tokens), dtype=np.float32)
    for rollout in fu.rollouts(r, g, weights, explanation.fusion, np.float32):
        yield rollout - own


def _thumbnails(pair: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The pair in at most THUMBNAIL cells a side; the strongest of a cell stands for all."""
    size = pair.shape[-1]
    cells = min(size, THUMBNAIL)
    starts = -(-np.arange(cells) * size // cells)
    rows = np.maximum.reduceat(pair, starts, axis=1)
    small: npt.NDArray[np.float32] = np.maximum.reduceat(rows, starts, axis=2)
    return small


def _heads(explanation: Explanation, question: dict[str, Any]) -> Answer:
    layer = _layer(explanation, question)
    bits, scales, content = wire.compand(explanation.heads(layer), wire.FINE_LIMIT)
    return {"bits": bits, "scales": scales}, [content]


def _check(explanation: Explanation, question: dict[str, Any]) -> Answer:
    """What speaks for and against the map of that λ, in words."""
    asked = explanation.with_lam(question["lam"])
    at = f" (λ = {asked.fusion.lam:.2f})" if has_two_signals(asked.method) else ""
    return {"text": asked.check().text + at}, []
