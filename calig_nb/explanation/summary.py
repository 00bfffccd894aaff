"""An explanation in words: how it was made, and what it says in a sentence and a small table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from .comparison import difference, name_of, per_token
from .exactness import inexact_note
from .explanation import Explanation
from .formatting import LABEL, legible, method_title, percent, signed, signed_share
from .methods import has_two_signals
from .units import Granularity

ROWS, TEXT, RECIPE = 5, 160, 120
CROWDED = 160
"""More words than this are drawn as sentences, more sentences as passages."""


@dataclass(frozen=True)
class Story:
    """What a view says without its picture.

    Attributes:
        sentence: The result in a sentence, or a few.
        head: The names of the table's columns.
        rows: Its cells, as text.
        lead: The part of the sentence that names what is strongest.
    """

    sentence: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lead: str = ""


def recipe(config: Mapping[str, Any]) -> str:
    """How an explanation was made, in words, as every picture says it.

    As in: CA-LIG of the logit against [PAD], layer weights from 8 texts of this model. Of a
    model that chooses experts also, behind the baseline: routing held (+0.40).
    """
    method, output, baseline, weights = (
        str(config.get(name) or "") for name in ("method", "output", "baselines", "calibration")
    )
    why = str(config.get("why_baselines") or "")
    weights = weights.removeprefix(f"{method}: ")
    against = baseline[:24] if baseline != "none" else ""
    parts = (
        method_title(method),
        f"of the {output}" if output else "",
        f"against {against}" if against else "",
    )
    windows = config.get("windows")
    mean = f"mean of {windows} windows" if windows else ""
    held = "the other choices held" if config.get("choices") else ""
    alone = ", ".join(map(str, config.get("without_attention", ())))
    silent = f"no attention in layers {legible(alone, 20)}" if alone else ""
    made = (" ".join(filter(None, parts)), why, held, mean, silent, _routing(config), weights)
    return legible(", ".join(filter(None, made)), RECIPE)


def _routing(config: Mapping[str, Any]) -> str:
    """Whether a choice of experts was held, and what it brings at the embeddings."""
    found = config.get("routing_scores")
    return f"routing {config.get('routing')} ({signed(found[0])})" if found else ""


def legible_granularity(
    explanations: Sequence[Explanation], granularity: Granularity
) -> Granularity:
    """The granularity, or the next coarser one in which a picture is not crowded."""
    grains = get_args(Granularity)
    for grain in grains[grains.index(granularity) :]:
        if max(len(e.units(grain)) for e in explanations) <= CROWDED:
            chosen: Granularity = grain
            return chosen
    return granularity


def story_of_one(explanation: Explanation, granularity: Granularity, layer: int | None) -> Story:
    """The words that decided, for and against."""
    values = per_token(explanation, layer)
    units = [unit for unit in explanation.units(granularity) if not unit.special]
    evidence = [(legible(u.text, LABEL), float(values[list(u.tokens)].sum())) for u in units]
    ordered = sorted(evidence, key=lambda pair: -abs(pair[1]))
    name = legible(explanation.target_name, LABEL)
    sides = [[pair for pair in ordered if sign * pair[1] > 0] for sign in (1, -1)]
    verbs = (f"supports {name}", f"opposes {name}")
    told = " ".join(_side_in_words(verb, side[:3]) for verb, side in zip(verbs, sides, strict=True))
    than = explanation.contrast
    against = "" if than is None else f" rather than {legible(explanation.labels[than], LABEL)}"
    where = "All layers" if layer is None else f"Layer {layer}"
    if has_two_signals(explanation.method):
        where += f", λ = {explanation.fusion.lam:.2f}"
    note = inexact_note(explanation)
    sentence = (
        f"Why {name} ({probability_text(explanation)}){against}? {told} "
        f"{where}: {signed_share(values.sum())} in all. {note}{' ' if note else ''}"
        f"{_input_in_words(explanation)}"
    )
    head = (verbs[0], "share", verbs[1], "share")
    return Story(sentence, head, tuple(_side_by_side(sides)), told)


def _input_in_words(explanation: Explanation) -> str:
    if explanation.image is None or explanation.grid is None:
        return f"The text: “{legible(explanation.text, TEXT)}”"
    (height, width), (rows, columns) = explanation.image.shape[:2], explanation.grid
    return f"A picture of {width} × {height} pixels, in {rows} × {columns} patches."


def story_of_several(
    explanations: Sequence[Explanation],
    names: Sequence[str],
    granularity: Granularity,
    layer: int | None,
    lam: float | None,
) -> Story:
    """What each says, and the strongest differences."""
    found = difference(explanations, granularity, layer, lam)
    called = [legible(name, LABEL) for name in names]
    order = [
        int(n) for n in np.argsort(-np.abs(found.difference), kind="stable") if not found.special[n]
    ][:ROWS]
    labels = {n: name_of([legible(text, LABEL) for text in found.texts[n]]) for n in order}
    sides = "; ".join(
        f"{name}: {legible(e.target_name, LABEL)} {probability_text(e)}"
        for name, e in zip(called, explanations, strict=True)
    )
    kind = "difference" if len(called) == 2 else "spread"
    told = ", ".join(f"“{labels[n]}” ({signed_share(found.difference[n])})" for n in order[:3])
    sentence = f"{sides}. Largest {kind}: {told or 'none'}."
    for name, e in zip(called, explanations, strict=True):
        sentence += f" {name}: {note}" if (note := inexact_note(e)) else ""
    rows = tuple(
        (labels[n], *map(signed_share, found.values[n]), signed_share(found.difference[n]))
        for n in order
    )
    return Story(sentence, (granularity, *called, kind), rows, sentence)


def probability_text(explanation: Explanation, label: int | None = None) -> str:
    """How likely a class is; the score where there is nothing to choose from.

    Args:
        explanation: Of what.
        label: Index of the class; by default the one that was explained.
    """
    label = explanation.target if label is None else label
    if not has_probabilities(explanation):
        return f"score of {signed_share(explanation.score)}"
    return percent(float(explanation.probabilities[label]))


def has_probabilities(explanation: Explanation) -> bool:
    """Whether the model says how likely its classes are; else there are scores alone."""
    several = len(explanation.labels) > 1 or explanation.classes == "independent"
    finite = bool(np.isfinite(explanation.probabilities).all())
    return several and finite and explanation.classes != "measured"


def class_text(explanation: Explanation, label: int) -> str:
    """What the model says of a class: how likely it is, or the value that it measured."""
    said = float(explanation.probabilities[label])
    return signed(said) if explanation.classes == "measured" else percent(said)


def _side_in_words(verb: str, side: list[tuple[str, float]]) -> str:
    if not side:
        return f"Nothing {verb}."
    (first, value), *others = side
    more = "".join(f", “{text}” ({signed_share(v)})" for text, v in others)
    return f"“{first}” {verb} most ({signed_share(value)}){', then' + more[1:] if more else ''}."


def _side_by_side(sides: list[list[tuple[str, float]]]) -> Iterator[tuple[str, ...]]:
    for i in range(min(ROWS, max(map(len, sides)))):
        pairs = [(s[i][0], signed_share(s[i][1])) if i < len(s) else ("", "") for s in sides]
        yield pairs[0] + pairs[1]
