"""Passes in bfloat16: the error is counted, and undone where it is too large."""

import numpy as np
import pytest

from calig_nb import Explainer, load_demo

from ..helpers.zoo import SENTENCE, tiny_model


@pytest.fixture(scope="module")
def demo():
    explainer = load_demo("sentiment")
    explainer.cache = None
    return explainer


def errors(got, exact):
    difference = np.abs(got.layer_attributions - exact.layer_attributions).sum(axis=1)
    return difference / np.abs(exact.layer_attributions).sum(axis=1)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("text", [SENTENCE, "Not bad.", "It was charming until its clumsy end."])
def test_the_result_stays_within_the_tolerance(demo, text):
    exact = demo.explain(text, n_steps=200)
    got = demo.explain(text, precision="bfloat16", tolerance=0.03)
    assert got.converged.all()
    assert errors(got, exact).max() <= 0.03
    assert (np.abs(got.token_error) <= 0.03).all()
    assert got.config["precision"] == "bfloat16"
    rough = demo.explain(text, precision="bfloat16", tolerance=0.2)
    assert errors(rough, exact).max() > 1e-4, "it was not rounded at all"


def test_what_rounding_spoils_is_done_again(demo):
    fine = {"tolerance": 1e-4, "target": "positive"}
    again, exact = (demo.explain(SENTENCE, precision=p, **fine) for p in ("bfloat16", "float32"))
    np.testing.assert_array_equal(again.layer_attributions[:-1], exact.layer_attributions[:-1])
    np.testing.assert_array_equal(again.converged, exact.converged)


def test_double_precision_is_never_rounded(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    low, own = (explainer.explain(SENTENCE, precision=p) for p in ("bfloat16", "float32"))
    np.testing.assert_allclose(low.layer_attributions, own.layer_attributions, atol=1e-12)


@pytest.mark.bad_input
def test_an_unknown_precision_is_named(demo):
    with pytest.raises(ValueError, match=r"precision must be one of .*'bfloat16'.*, got 'int8'"):
        demo.explain(SENTENCE, precision="int8")
