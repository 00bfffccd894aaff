"""How good answers are: accuracy and macro-F1, with intervals. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def scores(found: Sequence[int], known: Sequence[int], n_classes: int) -> str:
    """Accuracy and macro-F1 in percent, each with its 95 % interval.

    The interval is of 2,000 draws of as many texts, that is of the table of answers by labels.
    """
    answers = np.bincount(n_classes * np.asarray(known) + np.asarray(found), minlength=n_classes**2)
    n = answers.sum()
    draws = np.random.default_rng(0).multinomial(n, answers / n, size=2000)
    tables = np.concatenate([answers[None], draws]).reshape(-1, n_classes, n_classes)
    said = []
    for name, values in (("accuracy", _accuracy(tables)), ("macro-F1", _macro_f1(tables))):
        low, high = np.quantile(values[1:], (0.025, 0.975))
        said.append(f"{name} {values[0]:.1%} ({low:.1%} to {high:.1%})")
    return ", ".join(said)


def _accuracy(tables: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(tables,) shares on the diagonal of (tables, labels, answers)."""
    right = np.diagonal(tables, axis1=1, axis2=2).sum(axis=1)
    return np.asarray(right / tables.sum(axis=(1, 2)))


def _macro_f1(tables: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(tables,) mean over the classes of twice the hits by labels and answers; 0 without a hit."""
    right = np.diagonal(tables, axis1=1, axis2=2)
    both = tables.sum(axis=1) + tables.sum(axis=2)
    return np.asarray((2 * right / np.maximum(both, 1)).mean(axis=1))
