"""Chains whose blocks are of several classes, or whose states have other axes; by hand too."""

import pytest
import transformers as hf

from calig_nb import Explainer

from ..helpers.layer_paths import layer_attributions
from ..helpers.zoo import SENTENCE
from .test_finding_blocks import HYBRIDS, XLNET, built

CASES = {
    "jamba": (*HYBRIDS["jamba"], 1),
    "xlnet": (
        "XLNetConfig",
        ("XLNetLayer",),
        {**XLNET, "head": hf.XLNetForSequenceClassification},
        0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_the_integral_by_hand(name, tokenizer):
    config, kinds, options, token_axis = CASES[name]
    user = built(config, **options)
    members = [m for m in user.modules() if type(m).__name__ in kinds]
    assert len(members) == 3
    explainer = Explainer(user, tokenizer, cache=False)
    asked = {"method": "layer-ig", "n_steps": 48}
    got = explainer.explain(SENTENCE, target=1, **asked)
    inputs = dict(tokenizer(SENTENCE, return_tensors="pt"))
    ids = inputs["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    baseline = {**inputs, "input_ids": ids}
    expected = layer_attributions(user, members, inputs, baseline, 1, 48, token_axis)
    error = abs(got.layer_attributions - expected).sum(axis=1) / abs(expected).sum(axis=1)
    assert (error < 1e-6).all(), error
