"""Conductance: closed forms, completeness, and Captum's own sum."""

import numpy as np
import pytest
import torch
from captum.attr import LayerConductance

from calig_nb import Explainer
from calig_nb.attribution.conductance import conductance

from ..helpers.captum_probes import probes
from ..helpers.zoo import ARCHITECTURES, SENTENCE, tiny_model

torch.manual_seed(3)
INPUTS, BASELINES = torch.randn(2, 5, 4, dtype=torch.float64)
MIX, OUT = torch.randn(4, 4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)


def above(h):
    return torch.sin(h @ MIX)


def score(h):
    return torch.tanh(h @ OUT).sum(dim=-1).exp()


def passage(points):
    """Two layers, h_0 and above(h_0)."""
    lower = points.detach().requires_grad_()
    upper = above(lower)
    gradients = torch.autograd.grad(score(upper).sum(), [lower, upper])
    return [(lower.detach(), gradients[0][None]), (upper.detach(), gradients[1][None])]


def moved(points, direction):
    """dh/da of both layers, by forward-mode differentiation."""
    return [direction, torch.func.jvp(above, (points,), (direction,))[1]]


def change():
    difference = float(score(above(INPUTS[None])) - score(above(BASELINES[None])))
    return np.array([[difference, difference]])


def test_every_layer_is_complete_and_equals_a_fine_sum():
    layers = conductance(passage, INPUTS, BASELINES, change(), n_steps=65, tolerance=1e-8)
    alphas = (np.arange(20_000) + 0.5) / 20_000
    points = BASELINES + torch.tensor(alphas)[:, None, None] * (INPUTS - BASELINES)
    directions = moved(points, (INPUTS - BASELINES).expand_as(points))
    for layer, (_, gradients), direction in zip(layers, passage(points), directions):
        expected = (gradients[0] * direction).sum(dim=-1).mean(dim=0)
        np.testing.assert_allclose(layer.attributions[0], expected, atol=1e-7)
        assert layer.converged
        assert layer.attributions.sum() == pytest.approx(change()[0, 0], abs=1e-9)


def test_points_come_in_bounded_batches_and_none_twice():
    calls = []

    def counted(points):
        calls.append(len(points))
        return passage(points)

    layers = conductance(counted, INPUTS, BASELINES, change(), internal_batch_size=4)
    assert max(calls) <= 4
    assert sum(calls) == layers[0].n_steps == 9
    calls.clear()
    ends = passage(torch.stack([INPUTS, BASELINES]))
    known = conductance(counted, INPUTS, BASELINES, change(), ends=ends)
    assert sum(calls) == 7
    np.testing.assert_allclose(known[1].attributions, layers[1].attributions)


def test_too_few_nodes_are_said_aloud():
    layers = conductance(passage, INPUTS, BASELINES, change(), n_steps=5, tolerance=1e-6)
    assert layers[0].n_steps == 5
    assert not layers[0].converged


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_complete_on_every_architecture(name, tokenizer):
    explainer = Explainer(tiny_model(name), tokenizer)
    got = explainer.explain(SENTENCE, target=1, method="conductance", n_steps=65, tolerance=1e-4)
    exact = explainer.explain(SENTENCE, target=1, tolerance=1e-4)
    assert got.config["method"] == "conductance"
    change = abs(got.score - got.baseline_score)
    assert (np.abs(got.convergence_delta[got.converged]) <= 2e-4 * max(change, 1e-3)).all()
    # at the embeddings the two paths are one
    scale = np.abs(exact.layer_attributions[0]).sum()
    difference = np.abs(got.layer_attributions[0] - exact.layer_attributions[0]).sum()
    assert difference <= 6e-3 * scale  # DistilBERT's head has a kink


def test_it_agrees_with_captums_sum_as_that_grows_fine(tokenizer):
    user = tiny_model("bert")
    explanation = Explainer(user, tokenizer).explain(
        SENTENCE, target=1, method="conductance", n_steps=33
    )
    own = tokenizer(SENTENCE, return_tensors="pt")["input_ids"]
    baseline = own.clone()
    baseline[0, 1:-1] = tokenizer.pad_token_id
    with torch.no_grad():
        ends = [user.bert.embeddings(input_ids=ids) for ids in (own, baseline)]

    def forward(embedded):
        # positions and types are in the embeddings already: enter behind them
        hidden = embedded
        for layer in user.bert.encoder.layer:
            hidden = layer(hidden)
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        return user.classifier(user.bert.pooler(hidden))[:, 1]

    with probes(user.bert.encoder.layer) as places:
        for b, place in enumerate(places):
            found = LayerConductance(forward, place).attribute(
                ends[0], ends[1], n_steps=2000, method="riemann_middle", internal_batch_size=200
            )
            expected = found.sum(dim=-1)[0].detach().numpy()
            error = np.abs(explanation.layer_attributions[b] - expected).sum()
            assert error <= 0.01 * np.abs(expected).sum(), b
