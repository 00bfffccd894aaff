"""Layer-wise Integrated Gradients of one model of every kind: against Captum, and by hand."""

from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients

from calig_nb import Explainer
from calig_nb.attribution.integrated_gradients import layer_integrated_gradients
from calig_nb.attribution.request import Target, score_function

from ..helpers import reference as by_hand
from ..helpers import zoo
from ..helpers.captum_probes import probes
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.whole_model import slow_logits
from ..helpers.zoo import SCORE, SENTENCE, ZOO, logits_of, row, zoo_blocks, zoo_depth, zoo_model

NODES = 5
TEXTS = ["A bad film.", SENTENCE, "It is not good, but it is not bad, and a film is a film."]
TEXT_MODELS = [name for name in ZOO if name not in zoo.IMAGES]


def integrals(model, inputs, hidden_states, **options):
    """Every layer's integral from the second row of its hidden states to the first."""
    with torch.no_grad():
        scores = SCORE(zoo.replay(model, row(inputs), 0, hidden_states[0])).tolist()
    score = score_function([[Target(1, None, "logit")]])
    ((*layers,),) = layer_integrated_gradients(
        lambda points: model.gradients(row(inputs), points, score),
        [hidden[:1] for hidden in hidden_states],
        [hidden[1:] for hidden in hidden_states],
        np.full((1, 1, len(hidden_states)), scores[0] - scores[1]),
        apart=not model.joins,
        **options,
    )
    return [
        replace(layer, attributions=layer.attributions[0], converged=layer.converged[0])
        for layer in layers
    ]


def apart(got, expected):
    """Relative L1 difference of two layers' token values."""
    return np.abs(got - expected).sum() / np.abs(expected).sum()


def test_every_layer_equals_the_whole_model_run_point_by_point(traced):
    name, inputs, model, trace = traced
    for layer, got in enumerate(integrals(model, inputs, trace.hidden_states, n_steps=NODES)):

        def gradient(point, layer=layer):
            leaf = point[None].detach().requires_grad_()
            score = SCORE(slow_logits(model.model, name, inputs, layer, leaf)).sum()
            return torch.autograd.grad(score, leaf)[0][0]

        end, start = trace.hidden_states[layer]
        expected = by_hand.integrated_gradients(gradient, start, end, NODES)
        assert apart(got.attributions, expected) <= 1e-9


@pytest.mark.filterwarnings("ignore:Multiple layers")
def test_every_layer_equals_captums(traced):
    """By two nodes: Captum keeps weights in single precision, which holds one half exactly."""
    name, inputs, model, _ = traced
    user, hidden_states = model.model, []

    def forward(first, *others):
        return SCORE(logits_of(user(**dict(zip(inputs, (first, *others), strict=True)))))

    (own, other), *rest = (values.split(1) for values in inputs.values())
    rest = tuple(values[0] for values in rest)
    chains = [(zoo_blocks(user, name), zoo_depth(name))]
    if name == "t5":  # its decoder reads the text too, and what enters it is part of every layer
        chains.append((user.transformer.decoder.block[:1], 1))
    with ExitStack() as stack:
        places, *others = (stack.enter_context(probes(*chain)) for chain in chains)
        read = [own_places[0] for own_places in others]
        for place in (*places, *read):
            place.register_forward_hook(lambda _, args, __: hidden_states.append(*args))
        with torch.no_grad():
            forward(torch.cat([own, other]), *(values.expand(2, -1) for values in rest))
        ends, options = list(hidden_states), {"n_steps": 2, "method": "gausslegendre"}
        ends, beside = ends[: len(places)], ends[len(places) :]
        ends = [torch.cat([end, *beside], dim=1) for end in ends]
        for place, got in zip(places, integrals(model, inputs, ends, n_steps=2), strict=True):
            found = LayerIntegratedGradients(forward, [place, *read]).attribute(
                own, other, additional_forward_args=rest, **options
            )
            expected = torch.cat([part.sum(dim=-1)[0].detach() for part in found]).numpy()
            assert apart(got.attributions, expected) <= 1e-9


def test_what_is_said_to_have_converged_has(traced):
    name, inputs, model, trace = traced
    exact = integrals(model, inputs, trace.hidden_states, n_steps=200)
    found = integrals(model, inputs, trace.hidden_states, tolerance=1e-3)
    # Weights this rough, and the kinks of a ReLU, can be too much, which is then said.
    rough = name.startswith(("distilbert", "t5", "llama", "qwen2"))
    assert rough or all(got.converged for got in found)
    for got, reference in zip(found, exact, strict=True):
        assert not got.converged or apart(got.attributions, reference.attributions) <= 1e-3


@pytest.mark.parametrize("name", TEXT_MODELS)
def test_a_list_of_texts_gives_what_each_gives_alone_and_changes_nothing(name, tokenizer):
    user = zoo_model(name)
    model = getattr(user, "encoder", user)  # of a module of one's own, what it holds
    before = state_of(model)
    explainer = Explainer(user, tokenizer)
    batch = explainer.explain(TEXTS, target=1, n_steps=NODES)
    for text, got in zip(TEXTS, batch, strict=True):
        alone = explainer.explain(text, target=1, n_steps=NODES)
        assert got.tokens == alone.tokens
        for kind in ("layer_attributions", "attention_relevance", "baseline_scores"):
            expected = getattr(alone, kind)
            np.testing.assert_allclose(
                getattr(got, kind), expected, rtol=0, atol=1e-6 * np.abs(expected).max()
            )
    assert_unchanged(model, before)
