"""What stands around the views on a page: the answer, and how well it was explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..explanation.explanation import Explanation
from ..explanation.formatting import LABEL, error_bound, legible, signed_share
from ..explanation.summary import Story, has_probabilities, probability_text, recipe

_NAME = 60


@dataclass(frozen=True)
class Words:
    """Text around the views, cleaned; it is escaped where it is written.

    Attributes:
        title: Of the page.
        heading: The answer.
        notes: How the evidence was found, and how exact it is.
    """

    title: str
    heading: str
    notes: tuple[str, ...]


def of_one(explanation: Explanation) -> Words:
    """The words around the views of one explanation."""
    e = explanation
    return Words(
        title=f"Why {legible(e.target_name, LABEL)}? {legible(e.text, _NAME) or 'A picture'}",
        heading=_verdict(e),
        notes=(_how(e), _exactness([e])),
    )


def of_several(explanations: Sequence[Explanation], names: Sequence[str], story: Story) -> Words:
    """The words around a comparison, of which the story names the largest difference."""
    unit = "word" if explanations[0].image is None else "patch"
    largest = f"“{story.rows[0][0]}” makes" if story.rows else f"No {unit} makes"
    heading = f"{largest} the {'largest difference' if len(story.rows) > 1 else 'difference'}"
    if story.head[-1] not in ("difference", "spread"):
        heading = legible(" beside ".join(names), 100)
    return Words(
        title=legible(" beside ".join(names), 100),
        heading=heading,
        notes=(*dict.fromkeys(_how(e) for e in explanations), _exactness(explanations)),
    )


def _verdict(e: Explanation) -> str:
    target = legible(e.target_name, _NAME)
    against = "" if e.contrast is None else f" rather than {legible(e.labels[e.contrast], _NAME)}"
    if not has_probabilities(e):
        return f"The model gives {target} a {probability_text(e)}{against}"
    if e.classes == "independent":  # it answers each of them
        return f"The model gives {target} {probability_text(e)}{against}"
    if e.answer == e.target_name:
        return f"The model answers {target}, at {probability_text(e)}{against}"
    best = e.labels.index(e.answer)
    answer = f"The model answers {legible(e.answer, _NAME)}, at {probability_text(e, best)}"
    return f"{answer}; this is what speaks for {target}{against}"


def _how(e: Explanation) -> str:
    made = recipe(e.config) or "an unnamed method"
    parts = [f"Method: {made}", f"{len(e.layer_weights)} layers", f"{len(e.tokens)} tokens"]
    if e.grid is not None:
        parts[-1] = f"{e.grid[0]} × {e.grid[1]} patches"
    if model := str(e.config.get("model", "")).replace("\\", "/").rstrip("/").split("/")[-1]:
        parts.append(model)
    parts.append(f"score {signed_share(e.score)}")
    if np.isfinite(e.baseline_score) and e.config.get("baselines") != "none":
        parts[-1] += f" against {signed_share(e.baseline_score)} of the baseline"
    return ", ".join(legible(part, 150) for part in parts) + "."


def _exactness(explanations: Sequence[Explanation]) -> str:
    gaps, errors, missed = [], [], 0
    for e in explanations:
        gain = np.abs(e.score - e.baseline_scores)
        gaps += [d / g for d, g in zip(np.abs(e.convergence_delta), gain, strict=True) if g > 0]
        errors += e.token_error.tolist()
        missed += int((~e.converged).sum())
    said = []
    if worst := _largest(gaps):
        said.append(f"Each layer’s evidence adds up to the change of the score within {worst}")
    if worst := _largest(errors):
        said.append(f"the estimated error of its tokens is at most {worst}")
    if missed:
        said.append(f"{missed} of the layers did not meet the tolerance")
    return "; ".join(said) + "." if said else "Its error is not known."


def _largest(values: Iterable[float]) -> str:
    known = [v for v in values if np.isfinite(v)]
    return error_bound(max(known)) if known else ""
