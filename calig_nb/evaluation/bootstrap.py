"""Bootstrap confidence intervals over items, all columns at once. NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._arrays import Array

LEVEL = 0.95


def bootstrap(
    values: npt.ArrayLike, n_resamples: int = 2000, seed: int = 0, level: float = LEVEL
) -> Array:
    """The mean over items, and its interval when the items are drawn again.

    Every column sees the same draws, so that the interval of a difference of columns is a paired
    one. NaN is left out; a column with fewer than two numbers has no interval.

    Args:
        values: (items, ...).
        n_resamples: Draws.
        seed: Of the draws.
        level: Of the interval; percentiles of the means.

    Returns:
        (3, ...) mean, lower and upper end.

    Raises:
        ValueError: If there is no item, or ``n_resamples`` or ``level`` is out of its range.

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("values must hold at least one item, got none.")
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}.")
    columns = array.reshape(len(array), -1)
    known = np.isfinite(columns)
    filled = np.where(known, columns, 0.0)
    n = len(array)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_resamples)
    weights = draws.astype(np.float64)
    counts = weights @ known
    with np.errstate(invalid="ignore"):
        means = (weights @ filled) / counts
        mean = filled.sum(axis=0) / known.sum(axis=0)
    found = np.full((3, columns.shape[1]), np.nan)
    found[0] = mean
    several = known.sum(axis=0) > 1
    if several.any():
        ends = (0.5 - level / 2, 0.5 + level / 2)
        found[1:, several] = np.nanquantile(means[:, several], ends, axis=0)
    return found.reshape(3, *array.shape[1:])
