"""Where a word changes sides from one block to the next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...explanation.explanation import Array

FLIP = 0.12
"""Below this share of the largest cell a change of sign is noise."""


@dataclass(frozen=True)
class Flip:
    """A unit whose sign turns between block b - 1 and block b, to 1 or -1."""

    b: int
    unit: int
    to: int
    size: float


def flips_of(cells: Array, order: Sequence[int]) -> list[Flip]:
    """All of them, largest first.

    Args:
        cells: (L, units) signed.
        order: The units that are looked at.
    """
    least, found = FLIP * float(np.abs(cells).max(initial=0)), []
    for b in range(1, len(cells)):
        for u in order:
            before, after = float(cells[b - 1, u]), float(cells[b, u])
            size = min(abs(before), abs(after))
            if before * after < 0 and size > least:
                found.append(Flip(b, u, 1 if after > 0 else -1, size))
    return sorted(found, key=lambda flip: -flip.size)
