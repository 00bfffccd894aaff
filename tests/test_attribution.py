"""The integrals against closed forms, identities and a plain loop, in double precision."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from calig_nb.attribution import attention_relevance, layer_integrated_gradients

torch.manual_seed(0)
TOKENS, HIDDEN = 5, 4
WEIGHT = torch.randn(HIDDEN, 3, dtype=torch.float64)
INPUTS = torch.randn(TOKENS, HIDDEN, dtype=torch.float64)
BASELINES = torch.randn(TOKENS, HIDDEN, dtype=torch.float64)


def network(points):
    """A smooth score of (points, tokens, hidden)."""
    return torch.tanh(points @ WEIGHT).prod(dim=-1).sum(dim=-1).exp()


def linear(points):
    return (points @ WEIGHT).sum(dim=(1, 2))


def gradient_of(function, calls=None):
    def gradient(_, points):
        if calls is not None:
            calls.append(len(points))
        leaf = points.detach().requires_grad_()
        return torch.autograd.grad(function(leaf).sum(), leaf)[0]

    return gradient


def change(function):
    return [float(function(INPUTS[None]) - function(BASELINES[None]))]


def integrate(function=network, **options):
    (integral,) = layer_integrated_gradients(
        gradient_of(function), [INPUTS], [BASELINES], change(function), **options
    )
    return integral


def test_a_linear_score_gives_weight_times_difference():
    expected = ((INPUTS - BASELINES) * WEIGHT.sum(dim=1)).sum(dim=1).numpy()
    for options in ({}, {"n_steps": 1}, {"n_steps": 7}):
        got = integrate(linear, **options)
        np.testing.assert_allclose(got.attributions, expected, atol=1e-13)
        assert got.converged
    assert integrate(linear).n_steps == 3, "the shortest rule must be enough"


@pytest.mark.parametrize("options", [{"n_steps": 200}, {"tolerance": 1e-11}])
def test_agrees_with_captum(options):
    expected, _ = IntegratedGradients(network).attribute(
        INPUTS[None], BASELINES[None], n_steps=200, return_convergence_delta=True
    )
    got = integrate(**options).attributions
    # captum rounds its quadrature weights to single precision
    np.testing.assert_allclose(got, expected[0].sum(dim=-1).numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-4, 1e-8, 1e-12])
def test_the_token_error_stays_within_the_tolerance(tolerance):
    exact = integrate(n_steps=200).attributions
    got = integrate(tolerance=tolerance)
    assert got.converged
    assert np.abs(got.attributions - exact).sum() <= tolerance * np.abs(exact).sum()
    assert abs(got.attributions.sum() - change(network)[0]) <= tolerance * abs(change(network)[0])


def test_a_finer_tolerance_takes_more_nodes_and_reuses_those_it_has():
    steps = [integrate(tolerance=t).n_steps for t in (1e-1, 1e-4, 1e-8)]
    assert steps == sorted(set(steps))
    calls = []
    (got,) = layer_integrated_gradients(
        gradient_of(network, calls), [INPUTS], [BASELINES], change(network), tolerance=1e-6
    )
    assert sum(calls) == got.n_steps, "no node may be evaluated twice"


def test_known_ends_are_not_evaluated_again():
    ends = gradient_of(network)(0, torch.stack([INPUTS, BASELINES]))
    calls = []
    (got,) = layer_integrated_gradients(
        gradient_of(network, calls), [INPUTS], [BASELINES], change(network), ends=[tuple(ends)]
    )
    assert sum(calls) == got.n_steps - 2
    np.testing.assert_allclose(got.attributions, integrate().attributions, atol=1e-14)


@pytest.mark.parametrize("batch", [1, 3, 1000])
def test_batches_bound_the_points_and_change_nothing(batch):
    calls = []
    (got,) = layer_integrated_gradients(
        gradient_of(network, calls), [INPUTS], [BASELINES], change(network),
        tolerance=1e-6, internal_batch_size=batch,
    )  # fmt: skip
    assert max(calls) <= batch
    np.testing.assert_allclose(got.attributions, integrate(tolerance=1e-6).attributions, atol=1e-14)


def test_giving_up_is_said_aloud():
    got = integrate(tolerance=1e-10, max_nodes=5)
    assert got.n_steps == 5
    assert not got.converged


def test_a_sum_that_is_right_by_luck_does_not_stop_the_refinement():
    # Odd about the middle of the path: every symmetric rule has the sum 0 right at once.
    def odd(points):
        phase = 5 * points[..., 0]
        return (torch.cos(phase) * torch.tensor([1.0, -1.0])).sum(dim=-1)

    inputs = torch.tensor([[1.0], [1.0]], dtype=torch.float64)
    baselines = torch.zeros_like(inputs)
    (got,) = layer_integrated_gradients(gradient_of(odd), [inputs], [baselines], [0.0])
    exact = np.cos(5) - 1
    np.testing.assert_allclose(got.attributions, [exact, -exact], rtol=0.03)
    assert got.n_steps > 3


def test_an_input_equal_to_its_baseline_has_no_attributions():
    (got,) = layer_integrated_gradients(gradient_of(network), [INPUTS], [INPUTS], [0.0])
    assert not got.attributions.any()
    assert got.converged


def test_attention_relevance_is_the_mean_over_heads():
    attentions, gradients = torch.rand(2, 3, 5, 5).unbind(0)
    got = attention_relevance(attentions, gradients)
    for i in range(5):
        for j in range(5):
            expected = sum(attentions[h, i, j] * gradients[h, i, j] for h in range(3)) / 3
            torch.testing.assert_close(got[i, j], expected)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be positive, got 0.0"),
        ({"tolerance": float("nan")}, "tolerance must be positive, got nan"),
        ({"n_steps": 0}, "n_steps must be at least 1, got 0"),
        ({"max_nodes": 0}, "max_nodes must be at least 1, got 0"),
        ({"internal_batch_size": 0}, "internal_batch_size must be at least 1, got 0"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        integrate(**options)
