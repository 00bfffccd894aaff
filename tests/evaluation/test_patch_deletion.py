"""Perturbation AUC against hand-made curves."""

import numpy as np
import pytest

from calig_nb.evaluation.patch_deletion import perturbation_auc, removals


def test_the_strongest_go_first_and_then_the_weakest():
    scores = np.array([0.3, -1.0, 2.0, 0.0, 0.5, 0.1, 0.2, -0.5, 1.0, 0.7])
    positive, negative = removals(scores)
    assert positive.sum(axis=1).tolist() == negative.sum(axis=1).tolist() == list(range(10))
    assert np.flatnonzero(positive[3]).tolist() == [2, 8, 9]
    assert np.flatnonzero(negative[3]).tolist() == [1, 3, 7]


def test_of_equal_ones_those_that_come_first_go_first_both_ways():
    positive, negative = removals(np.zeros(20))
    assert np.array_equal(positive, negative)
    assert np.flatnonzero(positive[1]).tolist() == [0, 1]


def test_the_area_of_curves_that_are_known():
    always, never = np.ones(10), np.eye(1, 10)[0]
    assert perturbation_auc(always) == pytest.approx(90)
    assert perturbation_auc(never) == pytest.approx(5)  # half a step
    half = np.array([1] * 5 + [0] * 5)
    assert perturbation_auc(half) == pytest.approx(45)
    assert perturbation_auc(np.stack([always, half])).tolist() == pytest.approx([90, 45])
    assert perturbation_auc(np.linspace(1, 0.1, 10)) == pytest.approx(49.5)


@pytest.mark.bad_input
def test_what_is_no_map_and_no_curve_is_refused():
    with pytest.raises(ValueError, match="finite numbers, one for each of at least one patch"):
        removals([])
    with pytest.raises(ValueError, match="finite numbers"):
        removals([1.0, np.nan])
    with pytest.raises(ValueError, match=r"10 values.*got shape \(9,\)"):
        perturbation_auc(np.ones(9))
