"""What surrounds a call, wraps a model or changes it afterwards: the same numbers, or a refusal."""

import contextlib
import copy

import numpy as np
import pytest
import torch
from torch import nn

import calig_nb as cn
from calig_nb import Explainer

from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import SENTENCE, tiny_model


@pytest.fixture(scope="module")
def plain(tokenizer):
    return Explainer(tiny_model("bert", torch.float32), tokenizer).explain(SENTENCE, target=1)


def assert_same(found, plain):
    """The very same numbers: nothing was rounded, nothing ran in another way."""
    assert found.score == plain.score
    assert found.labels == plain.labels
    np.testing.assert_array_equal(found.layer_attributions, plain.layer_attributions)
    np.testing.assert_array_equal(found.attention_relevance, plain.attention_relevance)


AROUND = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference": torch.inference_mode,
    "no_grad": torch.no_grad,
    "both": lambda: _both(torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)),
}


@contextlib.contextmanager
def _both(one, other):
    with one, other:
        yield


@pytest.mark.parametrize("around", AROUND)
def test_what_surrounds_a_call_changes_nothing(around, plain, tokenizer):
    explainer = Explainer(tiny_model("bert", torch.float32), tokenizer)
    before = state_of(explainer.model)
    with AROUND[around]():
        assert_same(explainer.explain(SENTENCE, target=1), plain)
        frame = explainer.predict([SENTENCE])
        assert torch.is_autocast_enabled("cpu") == (around in ("autocast", "both"))
        assert torch.is_inference_mode_enabled() == (around in ("inference", "both"))
    np.testing.assert_allclose(
        frame.iloc[0, 2:].astype(float), plain.probabilities, rtol=0, atol=1e-6
    )
    assert_unchanged(explainer.model, before)


@pytest.mark.parametrize("around", ["autocast", "inference"])
@pytest.mark.parametrize(
    "method", ["occlusion", "attention-rollout", "conservative", "conductance"]
)
def test_nor_for_any_method(around, method, tokenizer):
    alone, within = (Explainer(tiny_model("bert", torch.float32), tokenizer) for _ in range(2))
    expected = alone.explain(SENTENCE, target=1, method=method)
    with AROUND[around]():
        assert_same(within.explain(SENTENCE, target=1, method=method), expected)


@pytest.mark.parametrize("around", AROUND)
def test_nor_a_check(around, tokenizer):
    explainer = Explainer(tiny_model("bert", torch.float32), tokenizer)
    alone = explainer.explain(SENTENCE).check(random=2)
    with AROUND[around]():
        assert explainer.explain(SENTENCE).check(random=2) == alone


def _compiled(model):
    return torch.compile(model, backend=_refuse)


def _compiled_in_place(model):
    model.compile(backend=_refuse)
    return model


def _compiled_blocks(model):
    layers = model.bert.encoder.layer
    for i, layer in enumerate(layers):
        layers[i] = torch.compile(layer, backend=_refuse)
    return model


def _compiled_inside(model):
    model.bert = torch.compile(model.bert, backend=_refuse)
    return model


def _compiled_forward(model):
    model.forward = torch.compile(model.forward, backend=_refuse)
    return model


def _refuse(graph, inputs):
    raise AssertionError("compiled code ran")


@pytest.mark.parametrize(
    "wrap",
    [
        _compiled,
        _compiled_in_place,
        _compiled_blocks,
        _compiled_inside,
        _compiled_forward,
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model, backend=_refuse)),
    ],
)
def test_a_compiled_model_runs_as_it_was_written(wrap, plain, tokenizer):
    model = wrap(tiny_model("bert", torch.float32).eval()).eval()
    attributes = [dict(vars(module)) for module in model.modules()]
    assert_same(Explainer(model, tokenizer).explain(SENTENCE, target=1), plain)
    for module, before in zip(model.modules(), attributes, strict=True):
        assert all(vars(module)[name] is value for name, value in before.items())


# --- changed after the explainer was made --------------------------------------------------------


@pytest.mark.bad_input
@pytest.mark.parametrize("change", ["bfloat16", "half", "meta"])
def test_weights_that_became_too_coarse_are_refused(change, tokenizer):
    explainer = Explainer(tiny_model("bert", torch.float32), tokenizer)
    explanation = explainer.explain(SENTENCE)
    (explainer.model.to("meta") if change == "meta" else getattr(explainer.model, change)())
    asked = (
        lambda: explainer.explain(SENTENCE),
        lambda: explainer.predict(SENTENCE),
        lambda: explanation.heads(0),
        lambda: explanation.check(),
        lambda: cn.evaluate(explainer, [SENTENCE], methods=["ig"]),
    )
    for ask in asked:
        with pytest.raises(ValueError, match=r"model must have (float32 or float64 w|its w)eights"):
            ask()


def test_weights_that_became_finer_are_served(tokenizer):
    explainer = Explainer(tiny_model("bert", torch.float32), tokenizer)
    explainer.explain(SENTENCE)
    explainer.model.double()
    found = explainer.explain(SENTENCE, target=1, tolerance=1e-9)
    assert found.config["dtype"] == "float64"
    assert abs(found.convergence_delta).max() < 1e-9


@pytest.mark.bad_input
def test_weights_made_in_inference_mode_are_refused_and_a_copy_served(plain, tokenizer):
    with torch.inference_mode():
        model = tiny_model("bert", torch.float32)
    with pytest.raises(ValueError, match=r"made within torch.inference_mode.*copy.deepcopy"):
        Explainer(model, tokenizer)
    assert_same(Explainer(copy.deepcopy(model), tokenizer).explain(SENTENCE, target=1), plain)
