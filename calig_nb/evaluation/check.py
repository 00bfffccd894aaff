"""One explanation put to the test: its sums, and what the model says of it when words go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch

from .._arrays import Array
from .._validation import instance_of, one_of, whole_number
from ..attribution.request import Output, Target
from ..explanation.explanation import Explanation
from ..explanation.formatting import printable
from ..inputs.text import TextInputs
from ..pipeline.engine import Engine
from . import metrics
from .deletion import Marks, Scorer, ordinary_words, spread_to_tokens, sum_by_unit

if TYPE_CHECKING:
    from ..pipeline.explainer import Explainer

SURE = 0.95
"""Share of the random maps that a map must beat."""
MOST_RANDOM = 10_000
"""More of them say no more."""
SAME = 1e-3
"""Relative difference of two scores up to which they are the same model's."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What speaks for and against one explanation; plain values, fit for JSON.

    Falls are of the probability p of the class against all others, rises of its log-odds; where
    ``unit`` is "score", both are of the explained score, in the model's own unit. Ranks and
    relative numbers are shares.

    Attributes:
        method: How it was made.
        target: The explained class, by name; with a contrast "this rather than that".
        words: Ordinary words of the text, or patches of the picture.
        noun: Which of these.
        worst_delta: Largest |convergence delta| of a layer, relative to |f(x) − f(x′)|; None for
            a method that starts from no baseline.
        converged: Whether every layer met its tolerance.
        deletion: How words were deleted.
        random: How many random maps it was set against.
        comprehensiveness: How far p falls on average without its strongest 1 ... 50 % of words.
        comprehensiveness_random: The same for random maps, their mean.
        comprehensiveness_rank: Share of the random maps that it beats, a draw being half.
        opposers: How many words it says oppose the class.
        opposers_gain: How far the log-odds rise without the 10 and 20 % that oppose most; None
            where none does, as the next two.
        opposers_gain_random: The same for as many words at random, the mean.
        opposers_rank: Share of the random choices that it beats, a draw being half.
        unit: "probability"; or "score" of a model that measures, and of two independent classes
            set against each other, which have no probability together.

    Example:
        >>> check = explanation.check(random=20)
        >>> check.method, check.words
        ('ca-lig', 11)
    """

    method: str
    target: str
    words: int
    noun: str
    worst_delta: float | None
    converged: bool
    deletion: str
    random: int
    comprehensiveness: float
    comprehensiveness_random: float
    comprehensiveness_rank: float
    opposers: int
    opposers_gain: float | None
    opposers_gain_random: float | None
    opposers_rank: float | None
    unit: Literal["probability", "score"] = "probability"

    @property
    def holds(self) -> bool:
        """Whether it converged and beats 95 % of the random maps in all that could be tried."""
        ranks = (self.comprehensiveness_rank, self.opposers_rank)
        return self.converged and all(rank is None or rank >= SURE for rank in ranks)

    @property
    def text(self) -> str:
        """The same in words."""
        said = (self._verdict(), self._sums(), self._strongest(), self._signs())
        return " ".join(filter(None, said))

    def to_dict(self) -> dict[str, Any]:
        """All numbers, ``holds`` and ``text``, fit for JSON.

        Example:
            >>> explanation.check(random=20).to_dict()['target']
            'positive'
        """
        return {**asdict(self), "holds": self.holds, "text": self.text}

    def __repr__(self) -> str:
        return f"Check({printable(self.text)})"

    def _verdict(self) -> str:
        if self.holds:
            return "This explanation holds."
        if not self.converged:
            return "This explanation is not finished: some layers did not meet their tolerance."
        few = f" With so few {self.noun} chance often does as well." if self.words < 6 else ""
        return f"This explanation is not clearly better than chance.{few}"

    def _sums(self) -> str:
        if self.worst_delta is None:
            return ""
        return (
            f"Every layer sums to the change of the score, to {_percent(self.worst_delta)} at "
            "worst."
        )

    def _size(self, value: float, sign: str = "") -> str:
        """A change; in a unit of the model's own with three digits, whatever its size."""
        return f"{value:{sign}.2f}" if self.unit == "probability" else f"{value:{sign}#.3g}"

    def _strongest(self) -> str:
        return (
            f"Without its strongest {self.noun} the {self.unit} of {self.target} falls by "
            f"{self._size(self.comprehensiveness)} on average, without random ones by "
            f"{self._size(self.comprehensiveness_random)}: ahead of "
            f"{self.comprehensiveness_rank:.0%} of {self.random} random maps."
        ).replace("%", " %")

    def _signs(self) -> str:
        if self.opposers_gain is None or self.opposers_gain_random is None:
            return f"It names no {self.noun} that oppose."
        rises = self.opposers_gain > 0
        moves = "rise, as they should," if rises else "fall, where they should rise,"
        what, other = f"log-odds {moves}", "they change"
        if self.unit == "score":
            moves = "rises, as it should," if rises else "falls, where it should rise,"
            what, other = f"score {moves}", "it changes"
        return (
            f"Without the {self.noun} that oppose most the {what} by "
            f"{self._size(abs(self.opposers_gain))}; without random ones {other} by "
            f"{self._size(self.opposers_gain_random, '+')}: ahead of "
            f"{self.opposers_rank:.0%} of {self.random}."
        ).replace("%", " %")


def check(
    explanation: Explanation,
    explainer: Explainer | Engine | None,
    *,
    random: int = 100,
    deletion: str | None = None,
    seed: int = 0,
) -> Check:
    """Put one explanation to the test.

    Args:
        explanation: Also a saved one.
        explainer: One that holds the model which made it, or its engine; ``explanation.check()``
            takes what made it, which only a saved explanation has not.
        random: Random maps to set it against.
        deletion: How words go: "remove", "mask" or "pad"; or patches: "mean", "blur" or "zero".
            The first by default.
        seed: Of the random maps.

    Returns:
        A :class:`Check`; ``check.text`` says it in words. It costs about seven passes of the text
        for each random map, fewer where texts without some words are the same.

    Raises:
        TypeError: If ``explainer`` is not one.
        ValueError: If it holds another model, or an option is out of its range.
    """
    engine = getattr(explainer, "engine", explainer)
    if not isinstance(engine, Engine):
        raise TypeError(
            f"explainer must be a calig_nb.Explainer, got {type(explainer).__name__}. A check "
            "needs the model that made the explanation, which a saved one has not."
        )
    instance_of("explanation", explanation, Explanation, "Explainer.explain makes one.")
    random = whole_number("random", random, 1, MOST_RANDOM)
    seed = whole_number("seed", seed, 0)
    if deletion is not None:
        one_of("deletion", deletion, engine.reader.deletions)
    scorer = Scorer(engine)
    text = engine.reader.read_again(explanation)
    deletion = engine.reader.deletions[0] if deletion is None else deletion
    _refuse_another_model(explanation, scorer, text)
    units = ordinary_words(text)
    scores = sum_by_unit(explanation.attributions, ordinary_words(explanation))
    rows, n = metrics.deletions(scores), len(units)
    draws = np.random.default_rng(seed).permuted(np.tile(np.arange(n), (random, 1)), axis=1)
    chance = np.stack([metrics.deletions(draw) for draw in draws])
    top = slice(0, len(metrics.SHARES))
    opposing = slice(len(rows) - len(metrics.OPPOSING_SHARES), len(rows))
    fewer = np.stack([_as_many(draws, int(row.sum())) for row in rows[opposing]], axis=1)
    asked = [np.zeros((1, n), dtype=bool), rows[top], rows[opposing]]
    asked += [chance[:, top].reshape(-1, n), fewer.reshape(-1, n)]
    found = scorer.log_odds(
        text,
        spread_to_tokens(np.concatenate(asked), units, len(text.tokens)),
        explanation.target,
        explanation.contrast,
        deletion,
    )
    whole, own, own_opposing, others, other_opposing = np.split(
        found, np.cumsum([len(part) for part in asked])[:-1]
    )
    classes = engine.model.classes(len(explanation.labels))
    together = classes == "exclusive" or (classes == "independent" and explanation.contrast is None)
    p_of = metrics.probability if together else np.asarray
    p = p_of(whole)
    fell = float((p - p_of(own)).mean())
    falls = (p - p_of(others)).reshape(random, -1).mean(axis=1)
    rose = float((own_opposing - whole).mean())
    rises = (other_opposing - whole).reshape(random, -1).mean(axis=1)
    opposers = int((scores < 0).sum())
    return Check(
        method=str(explanation.config.get("method", "ca-lig")),
        target=_named(explanation),
        words=n,
        noun="patches" if engine.reader.is_of_pictures else "words",
        worst_delta=_worst_delta(explanation),
        converged=bool(explanation.converged.all()),
        deletion=deletion,
        random=random,
        comprehensiveness=fell,
        comprehensiveness_random=float(falls.mean()),
        comprehensiveness_rank=_rank(fell, falls),
        opposers=opposers,
        opposers_gain=rose if opposers else None,
        opposers_gain_random=float(rises.mean()) if opposers else None,
        opposers_rank=_rank(rose, rises) if opposers else None,
        unit="probability" if together else "score",
    )


def _refuse_another_model(explanation: Explanation, scorer: Scorer, text: TextInputs) -> None:
    """The same class of model, the same tokens, classes and score: the same model."""
    held, made = type(scorer.engine.model.own).__name__, explanation.config.get("model")
    wrong = None
    if held != made:
        wrong = f"its model is {held!r}, the explanation's was {made!r}"
    elif _ordinary_tokens(text) != _ordinary_tokens(explanation):
        wrong = "its tokenizer splits the text in another way"
    else:
        logits = scorer.logits([text.model_inputs])
        if (labels := scorer.labels_of(logits, text)) != explanation.labels:
            wrong = f"its classes are {list(labels)}"
        else:
            output = explanation.config.get("output", "logit")
            one_of("explanation.config['output']", output, get_args(Output))
            classes = scorer.classes(logits)
            target = Target(explanation.target, explanation.contrast, output, classes)
            score = float(target.score(logits.to(torch.float64))[0])
            if abs(score - explanation.score) > SAME * max(1.0, abs(explanation.score)):
                wrong = f"it gives the text the score {score:.4g}, not {explanation.score:.4g}"
    if wrong:
        raise ValueError(
            f"explainer must hold the model that made the explanation, but {wrong}. Explain the "
            "text again, or check with the explainer that made it."
        )


def _ordinary_tokens(text: TextInputs | Explanation) -> list[str]:
    """Without special ones, to which a model may have added its own."""
    return [token for token, special in zip(text.tokens, text.special, strict=True) if not special]


def _as_many(draws: Any, k: int) -> Marks:
    """(draws, N) as many words at random."""
    marks: Marks = draws < k
    return marks


def _rank(own: float, others: Array) -> float:
    """Share of the others that are below, a draw being half."""
    near = np.isclose(others, own, rtol=1e-6, atol=1e-9)
    return float(((others < own) & ~near).mean() + near.mean() / 2)


def _worst_delta(explanation: Explanation) -> float | None:
    change = explanation.score - explanation.baseline_scores
    if explanation.config.get("baselines") == "none" or not np.isfinite(change).all():
        return None
    floor = np.maximum(np.abs(change), 1e-12)
    return float((np.abs(explanation.convergence_delta) / floor).max())


def _named(explanation: Explanation) -> str:
    if explanation.contrast is None:
        return explanation.target_name
    return f"{explanation.target_name} rather than {explanation.labels[explanation.contrast]}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
