"""What stands around the views on a page: who answered what, and how well it was explained."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..comparison import difference, name_of
from ..results import Explanation

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DIRECTING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_NAMED = 3
"""So many words are named on either side."""
_COUNTS = 0.1
"""What is below this share of the strongest word is not named."""


@dataclass(frozen=True)
class Words:
    """Text around the views; ``heading``, ``lead`` and ``notes`` are HTML, escaped.

    Attributes:
        title: Of the page; plain.
        heading: The verdict.
        lead: Which words made it.
        alt: Both, plain, for those who cannot see the picture.
        columns: Heads of the table; plain.
        rows: Names and numbers of the table; plain.
        notes: How the evidence was found, and how exact it is.
    """

    title: str
    heading: str
    lead: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def printable(text: str) -> str:
    """The text, as long as before, with a replacement mark for what cannot be printed."""
    return _UNPRINTABLE.sub("\ufffd", text)


def escaped(text: str) -> str:
    """Text as HTML; what cannot be in a page shows as a replacement mark."""
    return html.escape(printable(text))


def short(text: str, most: int) -> str:
    """The text in one line of at most so many characters, without marks of direction."""
    line = " ".join(_DIRECTING.sub("", text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def of_one(explanation: Explanation) -> Words:
    """The words around the views of one explanation."""
    e = explanation
    verdict, target = _verdict(e), _name(e.target_name)
    supporting, opposing = _strongest(e)
    sides = [
        f'<span class="{kind}">{_listed(words)}</span> {_speaks(words)} most {what}'
        for words, kind, what in (
            (supporting, "for", f"for {target}"),
            (opposing, "against", "against it"),
        )
        if words
    ]
    lead = "; ".join(sides) + "." if sides else "No word carries evidence."
    return Words(
        title=f"Why {short(e.target_name, 40)}? {short(e.text, 60)}",
        heading=verdict,
        lead=lead,
        alt=_plain(f"{verdict}. {lead}"),
        columns=("word", "evidence"),
        rows=tuple((short(word, 60), _signed(value)) for word, value in _ranked(e)[:10]),
        notes=(_how(e), _exactness([e])),
    )


def of_several(explanations: Sequence[Explanation], names: Sequence[str]) -> Words:
    """The words around a comparison."""
    found = difference(explanations)
    shares = found.difference
    order = [
        i for i in np.argsort(-np.abs(shares), kind="stable") if shares[i] and not found.special[i]
    ]
    words = [(name_of(found.texts[i]), abs(float(shares[i]))) for i in order]
    made = _counting([(word, value) for word, value in words if re.search(r"\w", word)])
    heading = "No word makes a difference"
    if made:
        heading = f"{_listed(made)} make{'s' if len(made) == 1 else ''} the difference"
    answers = [_answer(e) for e in explanations]
    if len(set(answers)) == 1:
        lead = f"{answers[0]}. Side by side: {', '.join(map(_name, names))}."
    else:
        told = (f"{_name(n)}: {a[0].lower()}{a[1:]}" for n, a in zip(names, answers, strict=True))
        lead = "; ".join(told) + "."
    if len({e.target_name for e in explanations}) == 1:
        lead += f" What follows is evidence for {_name(explanations[0].target_name)}."
    alt = _plain(f"{heading}. {lead}")
    rows = [
        (
            short(name_of(found.texts[i]), 60),
            *map(_signed, found.values[i]),
            _signed(found.difference[i]),
        )
        for i in order[:10]
    ]
    last = "difference" if len(names) == 2 else "spread"
    return Words(
        title=short(" beside ".join(names), 100),
        heading=heading,
        lead=lead,
        alt=alt,
        columns=("word", *names, last),
        rows=tuple(rows),
        notes=(
            *dict.fromkeys(_how(e) for e in explanations),
            _exactness(explanations),
        ),
    )


def _verdict(e: Explanation) -> str:
    against = "" if e.contrast is None else f" rather than {_name(e.labels[e.contrast])}"
    if not _decided(e) or int(np.argmax(e.probabilities)) == e.target:
        return _answer(e) + against
    return f"{_answer(e)}; this is what speaks for {_name(e.target_name)}{against}"


def _answer(e: Explanation) -> str:
    if not _decided(e):
        return f"The model gives {_name(e.target_name)} a score of {_signed(e.score)}"
    best = int(np.argmax(e.probabilities))
    return f"The model answers {_name(e.labels[best])}, at {_percent(e.probabilities[best])}"


def _decided(e: Explanation) -> bool:
    return len(e.labels) > 1 and bool(np.isfinite(e.probabilities).all())


def _ranked(e: Explanation) -> list[tuple[str, float]]:
    """Ordinary words with their evidence, strongest first."""
    shares = np.nan_to_num(e.attributions)
    values = [
        (unit.text, float(shares[list(unit.tokens)].sum()))
        for unit in e.units("word")
        if not unit.special
    ]
    return sorted(values, key=lambda item: -abs(item[1]))


def _strongest(e: Explanation) -> tuple[list[str], list[str]]:
    """The words to name on either side."""
    ranked = [(word, value) for word, value in _ranked(e) if re.search(r"\w", word)]
    least = abs(ranked[0][1]) if ranked else 0.0
    supporting = _counting([(word, value) for word, value in ranked if value > 0], least)
    return supporting, _counting([(word, -value) for word, value in ranked if value < 0], least)


def _counting(ranked: Sequence[tuple[str, float]], largest: float = 0.0) -> list[str]:
    """Up to three of the strongest that count beside the very strongest, each name once."""
    least = _COUNTS * max(largest, ranked[0][1] if ranked else 0.0)
    return [*dict.fromkeys(word for word, value in ranked if value > least)][:_NAMED]


def _how(e: Explanation) -> str:
    method = str(e.config.get("method", "an unnamed method")).replace("ca-lig", "CA-LIG")
    parts = [
        f"Method: {escaped(method)}",
        f"{len(e.layer_weights)} layers",
        f"{len(e.tokens)} tokens",
    ]
    if model := str(e.config.get("model", "")).replace("\\", "/").rstrip("/").split("/")[-1]:
        parts.append(escaped(short(model, 80)))
    score = f"{escaped(str(e.config.get('output', 'logit')))} {_signed(e.score)}"
    baseline = str(e.config.get("baselines", "")) or "the baseline"
    parts.append(
        f"score: {score}, against {_signed(e.baseline_score)} for {escaped(short(baseline, 40))}"
    )
    return ", ".join(parts) + "."


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
    return relative(max(known)) if known else ""


def relative(share: float) -> str:
    """A relative error in percent, rounded up so that it stays a bound: "0.3 %"."""
    percent = 100 * share
    if percent < 0.001:
        return "0.001 %"
    scale = 10.0 ** (1 - np.floor(np.log10(percent)))
    return f"{np.ceil(percent * scale - 1e-9) / scale:.10g} %"


def _percent(p: float) -> str:
    return f"{100 * p:.{2 if p >= 0.9995 or p < 0.0005 else 1}f} %"


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    if not np.isfinite(value):
        return "n/a"
    return text.replace("-", "−") if float(text) else text[1:]


def _name(text: str, most: int = 60) -> str:
    return f"<b><bdi>{escaped(short(text, most))}</bdi></b>"


def _listed(words: Sequence[str]) -> str:
    names = [f"“{_name(word, 30)}”" for word in words]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _speaks(words: Sequence[str]) -> str:
    return "speaks" if len(words) == 1 else "speak"


def _plain(fragment: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", fragment))
