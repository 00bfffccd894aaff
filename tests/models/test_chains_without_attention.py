"""Chains whose blocks are of several classes, whose states have other axes, or that are given the
embeddings once more; against integrals by hand."""

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
    # Its embeddings enter hybrid blocks again: both move together in every layer.
    "zamba": (
        "ZambaConfig",
        ("ZambaMambaDecoderLayer", "ZambaHybridLayer"),
        {
            "num_hidden_layers": 5, "num_key_value_heads": 2, "attention_hidden_size": 32,
            "n_mamba_heads": 2, "mamba_d_state": 4, "mamba_dt_rank": 2,
            "attn_layer_period": 2, "attn_layer_offset": 1,
        },
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_layer_is_the_integral_by_hand(name, tokenizer):
    config, kinds, options, token_axis = CASES[name]
    user = built(config, **options)
    inside = [m for m in user.modules() if type(m).__name__ in kinds]
    members = [m for m in inside if not any(m in {*o.modules()} - {o} for o in inside)]
    assert len(members) == (5 if name == "zamba" else 3)
    explainer = Explainer(user, tokenizer, cache=False)
    asked = {"method": "layer-ig", "n_steps": 48}
    got = explainer.explain(SENTENCE, target=1, **asked)
    inputs = dict(tokenizer(SENTENCE, return_tensors="pt"))
    ids = inputs["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    baseline = {**inputs, "input_ids": ids}
    expected = layer_attributions(
        user, members, inputs, baseline, 1, 48, token_axis, twice=name == "zamba"
    )
    error = abs(got.layer_attributions - expected).sum(axis=1) / abs(expected).sum(axis=1)
    assert (error < 1e-6).all(), error
