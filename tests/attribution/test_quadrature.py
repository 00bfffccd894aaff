"""The rules integrate what they promise."""

import numpy as np
import pytest

from calig_nb.attribution.quadrature import (
    RUNGS,
    derivative,
    fine_detail,
    gauss_legendre,
    nested_rule,
)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 16, 50, 200])
def test_gauss_legendre_is_exact_to_degree_2n_minus_1(n_steps):
    nodes, weights = gauss_legendre(n_steps)
    for degree in {0, 1, n_steps, 2 * n_steps - 1}:
        assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-13)


@pytest.mark.parametrize("n_steps", [*range(2, 40), *RUNGS])
def test_nested_is_exact_to_degree_n_minus_1(n_steps):
    nodes, weights = nested_rule(n_steps)
    for degree in {0, 1, 2, n_steps // 2, n_steps - 1} - {n_steps}:
        assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-12)
    assert np.abs(weights).sum() < 2, "rounding must not be magnified"


@pytest.mark.parametrize(("n_steps", "degree"), [(3, 3), (5, 7), (9, 13), (17, 25)])
def test_the_first_rungs_are_exact_far_beyond(n_steps, degree):
    nodes, weights = nested_rule(n_steps)
    legendre = np.polynomial.legendre.legvander(2 * nodes - 1, degree + 1)
    errors = np.abs(weights @ legendre - np.eye(degree + 2)[0])
    assert errors[:-1].max() < 1e-12
    assert errors[-1] > 1e-6, "the degree is stated, not exceeded"
    assert weights.min() > 0


def test_a_longer_rule_keeps_every_node_of_a_shorter_one():
    longest = nested_rule(RUNGS[-1]).nodes
    assert len(set(longest.round(12))) == RUNGS[-1]
    for n_steps in range(2, 258):
        np.testing.assert_array_equal(nested_rule(n_steps).nodes, longest[:n_steps])
    np.testing.assert_allclose(longest[:3], [1, 0, 0.5], atol=1e-15)


@pytest.mark.parametrize("rule", [gauss_legendre, nested_rule])
@pytest.mark.parametrize("n_steps", [3, 9, 17, 41])
def test_derivatives_are_exact_to_degree_n_minus_1(rule, n_steps):
    nodes = rule(n_steps).nodes
    matrix = derivative(nodes)
    for degree in {0, 1, 2, n_steps - 1}:
        expected = degree * nodes ** max(degree - 1, 0)
        np.testing.assert_allclose(matrix @ nodes**degree, expected, atol=1e-10 * n_steps**2)


@pytest.mark.parametrize("rule", [gauss_legendre, nested_rule])
def test_rules_are_shared_so_nobody_may_change_them(rule):
    with pytest.raises(ValueError, match="read-only"):
        rule(5).weights[0] = 1


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("rule", "n_steps", "least"), [(gauss_legendre, 0, 1), (nested_rule, 1, 2)]
)
def test_too_few_steps_are_named(rule, n_steps, least):
    with pytest.raises(ValueError, match=f"n_steps must be at least {least}, got {n_steps}"):
        rule(n_steps)


@pytest.mark.parametrize("n_steps", [n for n in RUNGS if n > 33])
def test_even_weights_are_exact_to_three_quarters_and_a_jump_costs_them_little(n_steps):
    nodes, weights = nested_rule(n_steps, kinks=True)
    np.testing.assert_array_equal(nodes, nested_rule(n_steps).nodes)
    legendre = np.polynomial.legendre.legvander(2 * nodes - 1, 3 * n_steps // 4)
    np.testing.assert_allclose(weights @ legendre, np.eye(legendre.shape[1])[0], atol=1e-12)
    assert np.abs(weights).sum() < 1.0001
    at, order = (np.arange(4000) + 0.5) / 4000, nodes.argsort()
    sums = np.concatenate([[0], np.cumsum(weights[order])])
    missed = sums[np.searchsorted(nodes[order], at)] - at
    assert np.sqrt((missed**2).mean()) < 0.5 / n_steps


@pytest.mark.parametrize("n_steps", [3, 5, 9, 17, 33, 65, 257])
def test_fine_detail_is_the_upper_half_of_the_legendre_coefficients(n_steps):
    nodes, matrix = nested_rule(n_steps).nodes, fine_detail(n_steps)
    first = n_steps // 2 + 1
    degrees = np.arange(first + len(matrix))
    legendre = np.polynomial.legendre.legvander(2 * nodes - 1, degrees[-1])
    found = matrix @ (legendre * np.sqrt(2 * degrees + 1))
    np.testing.assert_allclose(found, np.eye(len(degrees))[first:], atol=1e-9)
