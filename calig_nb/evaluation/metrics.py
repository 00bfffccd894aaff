"""Is a map faithful to the model, and does it agree with people? Published metrics, pure.

A map gives every unit of a text a score, positive where it speaks for the explained class. What
the model says of a text is ℓ, the log-odds of that class, and p = sigmoid(ℓ); of a model that
measures, both are the value, in its own unit. A metric of
faithfulness comes in two halves: which units to delete (:func:`deletions`), and, given the answers
to the texts so made, what they mean (:func:`faithfulness`).

Sources:
    Comprehensiveness, sufficiency, their area over the perturbation curve (AOPC), token F1, AUPRC
    and IOU F1: DeYoung et al. (2020), ERASER, arXiv:1911.03429, sections 4 and 5. Log-odds:
    Shrikumar et al. (2017), arXiv:1704.02685, and Chen et al. (2019), arXiv:1808.02610. Deletion
    and insertion: Petsiuk, Das & Saenko (2018), arXiv:1806.07421. Leave-one-out as the reference:
    Li, Monroe & Jurafsky (2016), arXiv:1612.08220. AUPRC by steps: Davis & Goadrich (2006), since
    straight lines between its points are too kind.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

SHARES = (0.01, 0.05, 0.10, 0.20, 0.50)
"""Of the units, the strongest; rounded up, at least one."""
STEPS = 10
"""Of the deletion and the insertion curve."""
OPPOSING_SHARES = (0.10, 0.20)
FEW = 3
"""Below so many units a correlation says nothing."""
CLEAR = 0.1
"""Of the largest change by one unit: below it, which way a unit pulls is not judged."""
MATCH = 0.5
"""Intersection over union from which two spans are the same (ERASER)."""


class Metric(NamedTuple):
    """What a metric says.

    Attributes:
        title: Its name in words.
        better: "higher" or "lower".
        says: In one sentence.
    """

    title: str
    better: Literal["higher", "lower"]
    says: str


FAITHFULNESS = {
    "comprehensiveness": Metric(
        "comprehensiveness", "higher",
        "how far p falls when the strongest 1, 5, 10, 20 and 50 % are deleted, on average",
    ),
    "sufficiency": Metric(
        "sufficiency", "lower", "how far p falls when nothing but these is left, on average"
    ),
    "log_odds": Metric(
        "log-odds", "lower", "the change of log p when the strongest are deleted, on average"
    ),
    "deletion_auc": Metric(
        "deletion AUC", "lower", "mean p while units are deleted, the strongest first"
    ),
    "insertion_auc": Metric(
        "insertion AUC", "higher", "mean p while units are put back, the strongest first"
    ),
    "opposers_gain": Metric(
        "gain without opposers", "higher",
        "how far the log-odds rise when the 10 and 20 % that oppose most are deleted; 0 for a map "
        "in which nothing opposes",
    ),
    "sign_test": Metric(
        "sign test", "higher",
        "how often they rise at all; nothing is said of a map in which nothing opposes",
    ),
    "loo_correlation": Metric(
        "leave-one-out r", "higher",
        "correlation with what the log-odds lose when one unit is deleted",
    ),
    "sign_accuracy": Metric(
        "sign accuracy", "higher",
        "share of the units that matter whose sign is that of their leave-one-out",
    ),
}  # fmt: skip
PLAUSIBILITY = {
    "token_f1": Metric(
        "token F1", "higher",
        "overlap of the strongest units with the rationale, as many as rationales have on average",
    ),
    "auprc": Metric(
        "AUPRC", "higher", "area under precision and recall of the rationale, over all thresholds"
    ),
    "iou_f1": Metric(
        "IOU F1", "higher", "the same in runs of units, that match if they share half their union"
    ),
}  # fmt: skip
METRICS = {**FAITHFULNESS, **PLAUSIBILITY}


def strongest(scores: npt.ArrayLike, k: int) -> Marks:
    """(N,) True for the k units of highest score; of equal ones, those that come first."""
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    marks = np.zeros(len(order), dtype=bool)
    marks[order[:k]] = True
    return marks


def share_count(share: float, n: int) -> int:
    """How many units a share of n is: rounded up, at least one."""
    return max(1, int(np.ceil(share * n - 1e-9)))


def deletions(scores: npt.ArrayLike) -> Marks:
    """Which units to delete, step by step, to judge a map.

    Args:
        scores: (N,) at least one, finite.

    Returns:
        (rows, N) True where a unit goes: for each of ``SHARES`` without the strongest, for each
        with nothing but them, the deletion curve from the whole text on, the insertion curve from
        nothing on, and for each of ``OPPOSING_SHARES`` without those that oppose most.

    Raises:
        ValueError: If there are no scores, or one is not finite.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(
            "scores must be finite numbers, one for each of at least one unit, got "
            f"{np.array2string(scores, threshold=8)}."
        )
    n = len(scores)
    top = np.stack([strongest(scores, share_count(share, n)) for share in SHARES])
    curve = np.stack([strongest(scores, k) for k in _curve(n)])
    return np.concatenate([top, ~top, curve, ~curve, _opposers(scores)])


def leave_one_out(n: int) -> Marks:
    """(N, N) which units to delete, one at a time."""
    return np.eye(n, dtype=bool)


def faithfulness(
    scores: npt.ArrayLike, answers: Array, alone: Array, measured: bool = False
) -> dict[str, float]:
    """What the model's answers say of a map.

    Args:
        scores: (N,) the map.
        answers: (rows,) ℓ for each row of :func:`deletions`.
        alone: (N,) ℓ for each row of :func:`leave_one_out`.
        measured: Whether ℓ are values of a model that measures; there is no log p then.

    Returns:
        The metrics of ``FAITHFULNESS`` by name; NaN where one says nothing.
    """
    scores = np.asarray(scores, dtype=np.float64)
    s, c = len(SHARES), STEPS + 1
    without, only, deleted, inserted, relieved = np.split(
        np.asarray(answers, dtype=np.float64), np.cumsum([s, s, c, c])
    )
    whole = deleted[0]
    gain = float((relieved - whole).mean())
    spent = np.array(_curve(len(scores))) / len(scores)
    drops = whole - np.asarray(alone, dtype=np.float64)
    p = np.asarray if measured else probability
    log_odds = np.nan if measured else _log_probability(without) - _log_probability(whole)
    return {
        "comprehensiveness": float((p(whole) - p(without)).mean()),
        "sufficiency": float((p(whole) - p(only)).mean()),
        "log_odds": float(np.mean(log_odds)),
        "deletion_auc": _area(p(deleted), spent),
        "insertion_auc": _area(p(inserted), spent),
        "opposers_gain": gain,
        "sign_test": float(gain > 0) if (scores < 0).any() else float("nan"),
        "loo_correlation": correlation(scores, drops),
        "sign_accuracy": sign_accuracy(scores, drops),
    }


def correlation(scores: Array, drops: Array) -> float:
    """Pearson's r; NaN for under three units or drops all alike, 0 for a map that is flat."""
    if len(drops) < FEW or np.ptp(drops) == 0:
        return float("nan")
    if np.ptp(scores) == 0:
        return 0.0
    return float(np.corrcoef(scores, drops)[0, 1])


def sign_accuracy(scores: Array, drops: Array) -> float:
    """Share of the units with a clear drop whose score has its sign; NaN where none drops."""
    largest = np.abs(drops).max(initial=0.0)
    if largest == 0:
        return float("nan")
    clear = np.abs(drops) >= CLEAR * largest
    return float((np.sign(scores) == np.sign(drops))[clear].mean())


def plausibility(scores: npt.ArrayLike, rationale: Marks, share: float) -> dict[str, float]:
    """How well a map agrees with what a person marked.

    Args:
        scores: (N,) the map.
        rationale: (N,) True for the units that a person marked.
        share: Of the units, how many the map may choose: in ERASER the mean share of the
            rationales of a data set.

    Returns:
        The metrics of ``PLAUSIBILITY`` by name; NaN where nothing is marked.

    Raises:
        ValueError: If both do not have the same length.
    """
    scores, rationale = np.asarray(scores, dtype=np.float64), np.asarray(rationale, dtype=bool)
    if scores.shape != rationale.shape:
        raise ValueError(
            f"rationale must have a mark for each of {len(scores)} units, got {len(rationale)}."
        )
    if not rationale.any():
        return dict.fromkeys(PLAUSIBILITY, float("nan"))
    chosen = strongest(scores, max(1, round(share * len(scores))))
    return {
        "token_f1": _f1((chosen & rationale).sum(), chosen.sum(), rationale.sum()),
        "auprc": average_precision(scores, rationale),
        "iou_f1": _iou_f1(chosen, rationale),
    }


def average_precision(scores: Array, rationale: Marks) -> float:
    """Σ (Rₜ − Rₜ₋₁) Pₜ over the thresholds t; units of one score enter together."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(rationale[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float((np.diff(hits, prepend=0) * precision).sum() / hits[-1])


def probability(log_odds: Array) -> Array:
    """Of a class, from its log-odds."""
    return np.exp(_log_probability(log_odds))


def _log_probability(log_odds: Array) -> Array:
    return -np.logaddexp(0, -log_odds)


def _area(values: Array, at: Array) -> float:
    """Under straight lines between the points."""
    return float(((values[1:] + values[:-1]) / 2 * np.diff(at)).sum())


def _curve(n: int) -> list[int]:
    return [round(step * n / STEPS) for step in range(STEPS + 1)]


def _opposers(scores: Array) -> Marks:
    """(shares, N) the units below zero that oppose most, no more than each share."""
    n, opposing = len(scores), int((scores < 0).sum())
    counts = [min(share_count(share, n), opposing) for share in OPPOSING_SHARES]
    return np.stack([strongest(-scores, k) for k in counts])


def _f1(hits: float, chosen: float, wanted: float) -> float:
    return float(2 * hits / (chosen + wanted))


def _iou_f1(chosen: Marks, rationale: Marks) -> float:
    """F1 of the runs of chosen units, a run counting if it matches a run of the rationale."""
    own, wanted = _runs(chosen), _runs(rationale)
    best = [
        max(
            max(0, min(end, stop) - max(start, begin)) / (max(end, stop) - min(start, begin))
            for begin, stop in wanted
        )
        for start, end in own
    ]
    return _f1(sum(one >= MATCH for one in best), len(own), len(wanted))


def _runs(marks: Marks) -> list[tuple[int, int]]:
    """Start and end of each run of True."""
    edges = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
