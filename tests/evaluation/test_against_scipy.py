"""Our statistics against those of SciPy and scikit-learn, which the package does without."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score

from calig_nb.evaluation.bootstrap import bootstrap
from calig_nb.evaluation.metrics import average_precision
from calig_nb.evaluation.sanity import spearman

DRAWS = 20_000


@pytest.mark.parametrize("n", [10, 20, 200])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_bootstrap_intervals_are_those_of_scipy(n, level, rng):
    """Within the error of both runs: four deviations of the difference of two quantiles."""
    values = rng.gamma(2.0, size=n)  # skewed: the ends lie at different distances
    mean, low, high = bootstrap(values, DRAWS, seed=1, level=level)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=DRAWS, confidence_level=level, method="percentile", rng=2
    )
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    tail = 0.5 - level / 2
    density = stats.gaussian_kde(theirs.bootstrap_distribution)
    for own, other in zip((low, high), theirs.confidence_interval, strict=True):
        error = np.sqrt(2 * tail * (1 - tail) / DRAWS) / density(other)[0]
        assert own == pytest.approx(other, abs=4 * error)
        assert 4 * error < 0.1 * (high - low), "else nothing is shown"


@pytest.mark.parametrize("n_levels", [3, 10, 10**6], ids=["many ties", "some ties", "no ties"])
def test_rank_correlation_is_that_of_scipy(n_levels, rng):
    for n in (4, 9, 60):
        a, b = rng.integers(n_levels, size=(2, n)) + rng.integers(n_levels, size=n)
        expected = stats.spearmanr(a, b).statistic
        assert spearman(a.astype(float), b.astype(float)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_levels", [2, 5, 10**6], ids=["many ties", "some ties", "no ties"])
def test_average_precision_is_that_of_scikit_learn(n_levels, rng):
    for n in (4, 9, 60):
        scores = rng.integers(-n_levels, n_levels, size=n) / n_levels
        marks = np.arange(n) % 3 == 0
        expected = average_precision_score(marks, scores)
        assert average_precision(scores, marks) == pytest.approx(expected, abs=1e-12)
