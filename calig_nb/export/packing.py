"""Attention relevance in as few bytes as a page may have, and what that costs the evidence."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Array
from ..explanation import fusion as fu
from ..explanation.explanation import Explanation
from ..widgets import wire

FINE_LIMIT = 400_000
"""Matrices of up to so many bytes in 16 bits travel so: 128 tokens and 12 layers."""
STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Every s-th of the 8-bit numbers is used: the coarser, the fewer bytes after compression."""


@dataclass(frozen=True)
class Packed:
    """Matrices that fit.

    Attributes:
        forms: For each explanation the bits of a number and the scale of each matrix.
        contents: For each explanation the numbers, deflated, in base64.
        levels: How many numbers there are on either side of zero.
        loss: Most by which the evidence of any token changes, as a share of the strongest
            token's; at the λ that is set or at λ = 0, whichever is worse.
    """

    forms: tuple[dict[str, Any], ...]
    contents: tuple[str, ...]
    levels: int
    loss: float

    @property
    def size(self) -> int:
        """Characters of the contents together."""
        return sum(map(len, self.contents))


def pack(explanations: Sequence[Explanation], room: int) -> Packed:
    """The attention relevance of the explanations, as finely as there is room for.

    Args:
        explanations: One or more; all are packed alike.
        room: Most characters.

    Raises:
        ValueError: If not even the coarsest form fits.
    """
    fine = 2 * sum(e.attention_relevance.size for e in explanations) <= FINE_LIMIT
    size = 0
    for step in (0, *STEPS) if fine else STEPS:
        found = [_pack_one(e, step) for e in explanations]
        size = sum(len(content) for _, content, _ in found)
        if size <= room:
            forms, contents, decoded = zip(*found, strict=True)
            loss = max(_loss(e, g) for e, g in zip(explanations, decoded, strict=True))
            return Packed(forms, contents, 127 // step if step else 32767, loss)
    raise ValueError(
        f"The matrices need at least {size:,} bytes, and max_bytes leaves {max(0, room):,} for "
        "them. Allow more with max_bytes=, or explain a shorter text."
    )


def _pack_one(explanation: Explanation, step: int) -> tuple[dict[str, Any], str, Array]:
    """Form, content, and the matrices as the page will read them; step 0 takes 16 bits."""
    stack = explanation.attention_relevance
    limit = 0 if step else 2 * stack.size
    bits, scales, content = wire.compand(stack, limit, max(1, step))
    most, kind = (127, "i1") if bits == 8 else (32767, "<i2")
    shares = np.frombuffer(content, kind).reshape(stack.shape) / most
    decoded = shares * np.abs(shares) * np.array(scales)[:, None, None]
    text = base64.b64encode(zlib.compress(content, 9)).decode("ascii")
    return {"bits": bits, "scales": scales}, text, decoded


def _loss(explanation: Explanation, decoded: Array) -> float:
    clean = np.nan_to_num(explanation.attention_relevance, nan=0.0, posinf=0.0, neginf=0.0)
    worst = 0.0
    for lam in sorted({0.0, explanation.fusion.lam}):
        exact, coarse = (_evidence(explanation, g, lam) for g in (clean, decoded))
        strongest = float(np.abs(exact).max(initial=0))
        if strongest > 0:
            worst = max(worst, float(np.abs(coarse - exact).max()) / strongest)
    return worst


def _evidence(explanation: Explanation, matrices: Any, lam: float) -> Array:
    """(2, T) supporting and opposing evidence, holding one block's matrices at a time."""
    r = np.nan_to_num(explanation.layer_attributions, nan=0.0, posinf=0.0, neginf=0.0)
    w = np.nan_to_num(explanation.layer_weights)
    fusion = dataclasses.replace(explanation.fusion, lam=lam)
    start = fu.start_of(fusion.readout, explanation.pooled)
    rows: Array = np.tile(start, (2, 1))
    for b in reversed(range(len(w))):
        one = slice(b, b + 1)
        block = fu.channels(r[one], matrices[one], w[one], fusion)[:, 0]
        rows = rows + fusion.gamma * np.einsum("cq,cqk->ck", rows, block)
    return rows - start
