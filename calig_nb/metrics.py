"""What an explanation is worth, in published measures. NumPy, pure: no model, no text.

A faithfulness measure has two halves: which units to take away, as rows of a mask that is True
where a unit is *kept*, and what the model's scores of those rows come to. In between anybody may
score the rows, many at a time. ``n`` is the number of units, tokens or words, special ones left
out. Ties go to the unit that comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .fusion import Array

Mask = npt.NDArray[np.bool_]

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
OPPOSING_SHARES = (0.1, 0.2)
POINTS = 11
NOTABLE = 0.1
"""Leave-one-out changes below this part of the largest have no sign worth asking for."""


def strongest(attributions: npt.ArrayLike, share: float) -> Mask:
    """(n,) True for the ``max(1, ceil(share · n))`` units that support most.

    Raises:
        ValueError: If ``share`` is outside of (0, 1], or there is no unit.
    """
    values = _checked(attributions)
    if not 0 < share <= 1:
        raise ValueError(f"share must lie above 0 and at most at 1, got {share}.")
    chosen = np.zeros(len(values), dtype=bool)
    # Rounding must not make 0.07 · 100 eight units.
    chosen[_falling(values)[: max(1, int(np.ceil(round(share * len(values), 9))))]] = True
    return chosen


# --- faithfulness: which rows to score ------------------------------------------------------------


def without_strongest(attributions: npt.ArrayLike, shares: Sequence[float] = SHARES) -> Mask:
    """(shares, n) what is kept when the strongest units go: for comprehensiveness, log-odds."""
    return ~np.stack([strongest(attributions, share) for share in shares])


def only_strongest(attributions: npt.ArrayLike, shares: Sequence[float] = SHARES) -> Mask:
    """(shares, n) what is kept when all but the strongest units go: for sufficiency."""
    return np.stack([strongest(attributions, share) for share in shares])


def deletion(attributions: npt.ArrayLike, points: int = POINTS) -> Mask:
    """(points, n) what is kept as units go, the strongest first: from all to none."""
    values = _checked(attributions)
    rank = np.empty(len(values), dtype=np.int64)
    rank[_falling(values)] = np.arange(len(values))
    gone = np.rint(np.linspace(0, len(values), points))
    return np.asarray(rank >= gone[:, None])


def insertion(attributions: npt.ArrayLike, points: int = POINTS) -> Mask:
    """(points, n) what is kept as units come, the strongest first: from none to all."""
    return ~deletion(attributions, points)


def without_opposing(
    attributions: npt.ArrayLike, shares: Sequence[float] = OPPOSING_SHARES
) -> Mask:
    """(shares, n) what is kept when the units that oppose most go; never one that does not."""
    values = _checked(attributions)
    return ~np.stack([strongest(-values, share) & (values < 0) for share in shares])


def without_each(n: int) -> Mask:
    """(n, n) what is kept when one unit goes: leave-one-out."""
    return ~np.eye(n, dtype=bool)


# --- faithfulness: what the scores come to --------------------------------------------------------


def comprehensiveness(score: float, without: npt.ArrayLike) -> float:
    """Mean loss of probability when the strongest units go. Higher is better.

    Args:
        score: p(x) of the explained class.
        without: (shares,) p of the rows of :func:`without_strongest`.

    Source:
        DeYoung et al. (2020), ERASER, arXiv:1911.03429, eq. 1; the mean over the shares, where
        eq. 3 counts the empty share too, which scales all alike.
    """
    return float(np.mean(score - np.asarray(without)))


def sufficiency(score: float, only: npt.ArrayLike) -> float:
    """Mean loss of probability when only the strongest units stay. Lower is better.

    Args:
        score: p(x) of the explained class.
        only: (shares,) p of the rows of :func:`only_strongest`.

    Source:
        DeYoung et al. (2020), arXiv:1911.03429, eq. 2, averaged over shares as eq. 3.
    """
    return float(np.mean(score - np.asarray(only)))


def log_odds(score: float, without: npt.ArrayLike) -> float:
    """Mean ``log(p(x without the strongest) / p(x))``. Lower is better.

    Source:
        Shrikumar et al. (2017), arXiv:1704.02685; in this form Sanyal & Ren (2021),
        arXiv:2108.13654, section 4.2, averaged over shares.
    """
    tiny = np.finfo(float).tiny
    return float(np.mean(np.log(np.maximum(without, tiny)) - np.log(max(score, tiny))))


def area(curve: npt.ArrayLike) -> float:
    """Area below a deletion (lower is better) or insertion curve (higher), over [0, 1].

    Source:
        Petsiuk et al. (2018), RISE, arXiv:1806.07421, section 4.1.
    """
    values = np.asarray(curve, dtype=np.float64)
    return float(np.mean((values[1:] + values[:-1]) / 2))


def opposing_gain(score: float, without: npt.ArrayLike) -> float:
    """Mean rise of the score when the most opposing units go: are signs right? Higher is better.

    0 for an explanation in which nothing opposes.

    Args:
        score: f(x).
        without: (shares,) f of the rows of :func:`without_opposing`.
    """
    return float(np.mean(np.asarray(without) - score))


def loo_correlation(attributions: npt.ArrayLike, drops: npt.ArrayLike) -> float:
    """Pearson's correlation with what leave-one-out says; 0 where either does not vary.

    Args:
        attributions: (n,).
        drops: (n,) f(x) less f of the rows of :func:`without_each`.

    Source:
        Jain & Wallace (2019), arXiv:1902.10186, section 4.1, with Pearson for Kendall.
    """
    a, b = _checked(attributions), np.asarray(drops, dtype=np.float64)
    a, b = a - a.mean(), b - b.mean()
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.clip(a @ b / norm, -1, 1)) if norm > 0 else 0.0


def sign_agreement(attributions: npt.ArrayLike, drops: npt.ArrayLike) -> float:
    """Share of units with the sign that leave-one-out gives them; a value of 0 has none.

    Only units whose drop is at least a tenth of the largest count. NaN where all drops are 0.
    """
    a, b = _checked(attributions), np.asarray(drops, dtype=np.float64)
    asked = (np.abs(b) >= NOTABLE * np.abs(b).max()) & (b != 0)
    return float(np.mean(np.sign(a[asked]) == np.sign(b[asked]))) if asked.any() else float("nan")


# --- plausibility: agreement with what people marked ----------------------------------------------


def token_f1(predicted: npt.ArrayLike, marked: npt.ArrayLike) -> float:
    """Harmonic mean of precision and recall of units; 0 where nothing is shared.

    Args:
        predicted: (n,) True for the units that are given as a rationale, as by :func:`strongest`.
        marked: (n,) True for those that people marked.

    Source:
        DeYoung et al. (2020), arXiv:1911.03429, section 4.1.
    """
    p, m = _both(predicted, marked)
    return float(2 * (p & m).sum() / max(p.sum() + m.sum(), 1))


def iou(predicted: npt.ArrayLike, marked: npt.ArrayLike) -> float:
    """Units in both over units in either; 0 where there are none.

    Source:
        DeYoung et al. (2020), arXiv:1911.03429, section 4.1, over units.
    """
    p, m = _both(predicted, marked)
    return float((p & m).sum() / max((p | m).sum(), 1))


def iou_f1(predicted: npt.ArrayLike, marked: npt.ArrayLike, threshold: float = 0.5) -> float:
    """F1 of spans: a predicted run of units counts if it has such an IoU with a marked run.

    Source:
        DeYoung et al. (2020), arXiv:1911.03429, section 4.1.
    """
    p, m = (_runs(mask) for mask in _both(predicted, marked))
    if not p or not m:
        return 0.0

    def overlap(a: range, b: range) -> float:
        both = max(0, min(a.stop, b.stop) - max(a.start, b.start))
        return both / (len(a) + len(b) - both)

    hits = sum(max(overlap(own, other) for other in m) >= threshold for own in p)
    precision, recall = hits / len(p), hits / len(m)
    return 2 * precision * recall / (precision + recall) if hits else 0.0


def auprc(attributions: npt.ArrayLike, marked: npt.ArrayLike) -> float:
    """Area below precision over recall as the threshold falls; by trapezes, as ERASER has it.

    At chance it is the share of marked units. NaN where nothing is marked.

    Source:
        DeYoung et al. (2020), arXiv:1911.03429, section 4.1.
    """
    values, m = _checked(attributions), np.asarray(marked, dtype=bool)
    if not m.any():
        return float("nan")
    order = _falling(values)
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)  # of ties
    hits = np.cumsum(m[order])[ends]
    precision = np.concatenate([[1.0], hits / (ends + 1)])
    recall = np.concatenate([[0.0], hits / m.sum()])
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())


def _checked(attributions: npt.ArrayLike) -> Array:
    values = np.asarray(attributions, dtype=np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError(f"attributions must have shape (n,), n > 0, got {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("attributions must be finite, got NaN or infinity among them.")
    return values


def _falling(values: Array) -> npt.NDArray[np.int64]:
    return np.argsort(-values, kind="stable")


def _both(predicted: npt.ArrayLike, marked: npt.ArrayLike) -> tuple[Mask, Mask]:
    p, m = np.asarray(predicted, dtype=bool), np.asarray(marked, dtype=bool)
    if p.shape != m.shape or p.ndim != 1:
        raise ValueError(f"predicted must have the shape of marked {m.shape}, got {p.shape}.")
    return p, m


def _runs(mask: Mask) -> list[range]:
    """The runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [range(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]
