"""Does the subject carry the number of its verb? Every method, where the deciding word is known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import calig_nb as cn
from calig_nb.demo.recipes.agreement.grammar import Grammar, Puzzle
from calig_nb.explanation.explanation import Explanation
from calig_nb.pipeline.explainer import Explainer

from .tables import Table

SEED = 2_000_000
"""Of the prompts; training, calibration and the accuracy have others."""
CONTENDERS = (
    "ca-lig", "conductance", "layer-ig", "ig", "gradient-x-input", "attention",
    "attention-rollout", "gradient-rollout", "conservative", "attn-lrp", "occlusion",
)  # fmt: skip


def agreement(n: int, methods: Sequence[str] | None) -> None:
    """Print, for each method, in how many of n prompts the subject has most evidence."""
    explainer = cn.load_demo("agreement")
    explainer.cache = None
    puzzles = Grammar(SEED).puzzles(n, "number", seen=False)
    table = Table(
        f"The right verb form rather than the wrong one, {n} prompts with attractors", "method",
        "subject supports most", "95 %", "subject has the largest net value", "95 %",
    )  # fmt: skip
    for method in methods or CONTENDERS:
        found = explained(explainer, puzzles, method)
        cells: list[object] = []
        for kind in ("supporting", "attributions"):
            right = int(sum(hits(puzzles, found, kind)))
            low, high = wilson(right, n)
            cells += [f"{right / n:.1%}", f"{low:.1%} to {high:.1%}"]
        table.add(method, *cells)


def explained(explainer: Explainer, puzzles: Sequence[Puzzle], method: str) -> list[Explanation]:
    """Why the right verb form and not the wrong one, for each prompt."""
    options = [{"target": f" {one.right}", "contrast": f" {one.wrong}"} for one in puzzles]
    return [
        explainer.explain(one.prompt, method=method, **own)
        for one, own in zip(puzzles, options, strict=True)
    ]


def hits(puzzles: Sequence[Puzzle], found: Sequence[Explanation], kind: str) -> list[bool]:
    """Whether the deciding word has the largest value of all words."""
    right = []
    for puzzle, explanation in zip(puzzles, found, strict=True):
        values = np.where(explanation.special, -np.inf, getattr(explanation, kind))
        strongest = explanation.word_ids[int(values.argmax())]
        right.append(bool(strongest == puzzle.cue))
    return right


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share, also where it is 0 or 1.

    Source:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    share, spread = right / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)
