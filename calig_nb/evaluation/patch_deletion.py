"""Perturbation AUC of pictures: does the model still see it when patches go? Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

SHARES = tuple(step / 10 for step in range(10))
"""Of the patches that are gone: none to nine tenths."""


def removals(scores: npt.ArrayLike) -> Marks:
    """Which patches go, step by step.

    Args:
        scores: (N,) the map: positive where a patch speaks for the class.

    Returns:
        (2, 10, N) True where a patch is gone: first with the strongest going first, whose curve
        should fall (the positive test), then with the weakest (or most opposing) going first,
        whose curve should stay (the negative test).

    Raises:
        ValueError: If there are no scores, or one is not finite.

    Source:
        Chefer, Gur & Wolf (2021), arXiv:2012.09838, section 4.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise ValueError(
            "scores must be finite numbers, one for each of at least one patch, got "
            f"{np.array2string(scores, threshold=8)}."
        )
    counts = [round(share * len(scores)) for share in SHARES]
    marks = np.zeros((2, len(SHARES), len(scores)), dtype=bool)
    for way, sign in enumerate((-1, 1)):
        order = np.argsort(sign * scores, kind="stable")
        for step, count in enumerate(counts):
            marks[way, step, order[:count]] = True
    return marks


def perturbation_auc(kept: npt.ArrayLike) -> Array:
    """Area under a curve of :func:`removals`, in percent; at most 90, as in the paper.

    Args:
        kept: (..., 10) whether the class is still the predicted one, or how often, 0 to 1.

    Returns:
        (...) areas; of a positive test less is better, of a negative one more.

    Raises:
        ValueError: If there are not ten values.
    """
    values = np.asarray(kept, dtype=np.float64)
    if values.shape[-1:] != (len(SHARES),):
        raise ValueError(
            f"kept must have {len(SHARES)} values, one for each of the shares {SHARES}, got shape "
            f"{values.shape}."
        )
    steps = np.diff(np.array(SHARES))
    return np.asarray(100 * ((values[..., 1:] + values[..., :-1]) / 2 * steps).sum(axis=-1))
