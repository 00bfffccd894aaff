"""Does the numeral carry the word that spells it? Each method, the deciding word being known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calig_nb.demo.recipes.numerals.spelling import Puzzle, puzzles
from calig_nb.explanation.explanation import Explanation
from calig_nb.pipeline.explainer import Explainer

from .agreement import CONTENDERS, wilson
from .tables import Table

SEED = 2_000_000
"""Of the rows; training, calibration and the accuracy have others."""


def numerals(folder: str, n: int, methods: Sequence[str] | None) -> None:
    """Print, for each method, in how many of n places the right numeral has most evidence.

    Args:
        folder: Where the recipe wrote the model.
        n: Places.
        methods: By name; all by default.
    """
    explainer = Explainer.from_pretrained(folder, cache=None)
    asked = puzzles(SEED, n)
    for title, contrast in (("The next word", False), ("The next word, not another", True)):
        table = Table(
            f"{title}, {n} places", "method",
            "numeral supports most", "95 %", "of all words, output so far included", "95 %",
        )  # fmt: skip
        for method in methods or CONTENDERS:
            found = [explained(explainer, one, method, contrast) for one in asked]
            cells: list[object] = []
            for whole in (False, True):
                pairs = zip(asked, found, strict=True)
                right = sum(is_strongest(one, its, whole=whole) for one, its in pairs)
                low, high = wilson(right, n)
                cells += [f"{right / n:.1%}", f"{low:.1%} to {high:.1%}"]
            table.add(method, *cells)


def explained(explainer: Explainer, one: Puzzle, method: str, contrast: bool) -> Explanation:
    """Why the model writes this word next."""
    own = {"contrast": f" {one.wrong}"} if contrast else {}
    given = {"text": one.text, "prefix": one.prefix}
    found: Explanation = explainer.explain(given, target=f" {one.right}", method=method, **own)
    return found


def is_strongest(one: Puzzle, explanation: Explanation, *, whole: bool) -> bool:
    """Whether the numeral that decides supports most of the words of the input, or of all."""
    values = np.where(explanation.special, -np.inf, explanation.supporting)
    if not whole and explanation.segment_ids is not None:
        values = np.where(explanation.segment_ids == 0, values, -np.inf)
    return bool(explanation.word_ids[int(values.argmax())] == one.cue)
