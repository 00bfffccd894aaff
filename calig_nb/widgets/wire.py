"""What travels from an explanation to the browser; wire.js reads it."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from ..explanation.exactness import inexact_note
from ..explanation.explanation import Explanation
from ..explanation.methods import INTEGRALS, has_two_signals
from ..explanation.summary import class_text, recipe

VERSION = 1
FINE_LIMIT = 4_000_000
"""Matrices of up to so many bytes in 16 bits travel so; larger ones in 8."""
MARKED = 200
"""So many entries of G that are no numbers are marked; their number is sent whole."""
INLINE_LIMIT = 200_000
"""Matrices of up to so many bytes are part of the state; larger ones follow on request."""

NO_HEADS = "Heads need the model, which a saved explanation has not."
NO_SIGNAL = "This method shows no heads."


def meta(explanation: Explanation) -> dict[str, Any]:
    """All that is not a large array, as plain JSON values; NaN and infinities become null."""
    bits, scales, _ = matrices(explanation)
    delta, heads = explanation.convergence_delta, explanation.has_heads
    if explanation.method not in INTEGRALS:  # what the biases hold is no error
        delta = np.full_like(delta, np.nan)
    gaps = np.argwhere(~np.isfinite(explanation.attention_relevance))
    return {
        "version": VERSION,
        "text": explanation.text,
        "tokens": list(explanation.tokens),
        "special": explanation.special.astype(int).tolist(),
        "offsets": _utf16_offsets(explanation.text, explanation.offsets),
        "word_ids": explanation.word_ids.tolist(),
        "sentence_ids": explanation.sentence_ids.tolist(),
        "passage_ids": explanation.passage_ids.tolist(),
        "second": None
        if explanation.segment_ids is None
        else (explanation.segment_ids == 1).tolist(),
        "labels": list(explanation.labels),
        "probs": _finite(explanation.probabilities),
        "said": [class_text(explanation, c) for c in range(len(explanation.labels))],
        "classes": explanation.classes,
        "answer": explanation.answer,
        "target": explanation.target,
        "contrast": explanation.contrast,
        "output": explanation.config.get("output", "logit"),
        "score": explanation.score,
        "baseline_scores": _finite(explanation.baseline_scores),
        "convergence_delta": _finite(delta),
        "n_steps": explanation.n_steps.tolist(),
        "converged": explanation.converged.astype(int).tolist(),
        "layer_weights": _finite(explanation.layer_weights),
        "recipe": recipe(explanation.config),
        "inexact": inexact_note(explanation),
        "fusion": {
            "lam": explanation.fusion.lam,
            "gamma": explanation.fusion.gamma,
            "readout": explanation.fusion.readout,
            "pooled": explanation.pooled.astype(int).tolist(),
        },
        "live": explanation.source is not None,
        "no_heads": "" if heads else NO_HEADS if has_two_signals(explanation.method) else NO_SIGNAL,
        "single": not has_two_signals(explanation.method),
        "antisymmetric": bool(explanation.config.get("antisymmetric", False)),
        "matrix": {"bits": bits, "scales": scales},
        "gaps": gaps[:MARKED].tolist(),
        "gap_count": len(gaps),
    }


def floats(array: npt.ArrayLike) -> bytes:
    """Little-endian float32 in C order."""
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def column_sums(explanation: Explanation) -> bytes:
    """The column sums of each G_b, (L, T); what is no number counts as zero, as in the matrix."""
    finite = np.nan_to_num(explanation.attention_relevance, nan=0, posinf=0, neginf=0)
    return floats(finite.sum(axis=1))


def matrices(explanation: Explanation) -> tuple[int, list[float], bytes]:
    """G_b, one matrix for each block; see :func:`compand`.

    Returns:
        Bits of an integer, the scale of each block, and the integers, little-endian (L, T, T).
    """
    return compand(explanation.attention_relevance, FINE_LIMIT)


def compand(
    stack: npt.NDArray[Any], fine_limit: int, step: int = 1
) -> tuple[int, list[float], bytes]:
    """Matrices in whole numbers with a square-root scale, so that small values keep their digits.

    A value is ``q |q| scale_n`` with q = integer / 127 or / 32767. Of the strongest entry of its
    matrix, 16 bits lose at most 3e-5 and 8 bits 0.8 %. What is not finite becomes zero.

    Args:
        stack: (N, rows, columns).
        fine_limit: 16 bits are taken where they come to no more bytes than this, else 8.
        step: Of the integers only multiples of this are used, which compress better; 8 bits then
            lose ``step`` times as much.

    Returns:
        Bits of an integer, the scale of each matrix, and the integers, little-endian.
    """
    bits, kind, most = (16, "<i2", 32767) if 2 * stack.size <= fine_limit else (8, "i1", 127)
    clean = np.nan_to_num(stack, nan=0.0, posinf=0.0, neginf=0.0)
    scales = np.abs(clean).max(axis=(1, 2), initial=0)
    shares = clean / np.where(scales > 0, scales, 1)[:, None, None]
    levels = most // step
    integers = np.rint(np.sign(shares) * np.sqrt(np.abs(shares)) * levels) * step
    scales = scales * (most / (levels * step)) ** 2
    return bits, scales.tolist(), integers.astype(kind).tobytes()


def _finite(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _utf16_offsets(text: str, offsets: npt.NDArray[np.int64]) -> list[list[int]]:
    """Offsets in UTF-16 units, in which JavaScript counts a string."""
    units = [0, *accumulate(2 if ord(character) > 0xFFFF else 1 for character in text)]
    return [[units[start], units[end]] for start, end in offsets.tolist()]
