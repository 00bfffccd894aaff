"""The rules integrate what they promise."""

import numpy as np
import pytest

from calig_nb.quadrature import RUNGS, derivative, gauss_legendre, leja


@pytest.mark.parametrize("n_steps", [1, 2, 5, 16, 50, 200])
def test_gauss_legendre_is_exact_to_degree_2n_minus_1(n_steps):
    nodes, weights = gauss_legendre(n_steps)
    for degree in {0, 1, n_steps, 2 * n_steps - 1}:
        assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-13)


@pytest.mark.parametrize("n_steps", RUNGS)
def test_leja_is_exact_to_degree_n_minus_1(n_steps):
    nodes, weights = leja(n_steps)
    for degree in {0, 1, 2, n_steps // 2, n_steps - 1}:
        assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-12)
    assert np.abs(weights).sum() < 1.5, "rounding must not be magnified"


def test_a_longer_leja_rule_keeps_every_node_of_a_shorter_one():
    longest = leja(RUNGS[-1]).nodes
    assert len(set(longest.round(12))) == RUNGS[-1]
    for n_steps in RUNGS:
        np.testing.assert_array_equal(leja(n_steps).nodes, longest[:n_steps])
    np.testing.assert_allclose(longest[:2], [1, 0], atol=1e-15)


def test_leja_with_a_power_of_two_is_clenshaw_curtis():
    nodes, weights = leja(9)
    assert sorted(nodes) == pytest.approx((1 - np.cos(np.pi * np.arange(9) / 8)) / 2, abs=1e-14)
    assert weights[:2] == pytest.approx(1 / 126, abs=1e-14)  # 1 / (N² - 1) / 2 for N = 8


@pytest.mark.parametrize("rule", [gauss_legendre, leja])
@pytest.mark.parametrize("n_steps", [3, 9, 17, 41])
def test_derivatives_are_exact_to_degree_n_minus_1(rule, n_steps):
    nodes = rule(n_steps).nodes
    matrix = derivative(nodes)
    for degree in {0, 1, 2, n_steps - 1}:
        expected = degree * nodes ** max(degree - 1, 0)
        np.testing.assert_allclose(matrix @ nodes**degree, expected, atol=1e-10 * n_steps**2)


@pytest.mark.parametrize("rule", [gauss_legendre, leja])
def test_rules_are_shared_so_nobody_may_change_them(rule):
    with pytest.raises(ValueError, match="read-only"):
        rule(5).weights[0] = 1


@pytest.mark.bad_input
@pytest.mark.parametrize(("rule", "n_steps", "least"), [(gauss_legendre, 0, 1), (leja, 1, 2)])
def test_too_few_steps_are_named(rule, n_steps, least):
    with pytest.raises(ValueError, match=f"n_steps must be at least {least}, got {n_steps}"):
        rule(n_steps)
