"""The blocks of models of every form, found by watching, against torch's own hooks, in float64."""

import pytest
import torch
import transformers as hf

from calig_nb import Explainer

from ..helpers.layer_paths import layer_attributions
from ..helpers.zoo import SENTENCE, rough

SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "vocab_size": 80,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "num_labels": 3,
}
AUTO = hf.AutoModelForSequenceClassification


def built(config, head=AUTO, seed=0, **options):
    """A random model of a configuration, no vector of it zero."""
    torch.manual_seed(seed)
    config = getattr(hf, config)(**{**SIZE, **options})
    config._experts_implementation = "eager"  # the grouped kernel takes no double precision
    user = rough(head.from_config(config) if hasattr(head, "from_config") else head(config))
    with torch.no_grad():
        for module in user.modules():
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx].normal_(std=0.2)
    return user


def members_of(user, kind):
    return [module for module in user.modules() if type(module).__name__ == kind]


def assert_explained(user, members, tokenizer, tolerance=1e-6, **options):
    """Every layer is what torch's own hooks say, and the sums are complete."""
    nodes = options.pop("nodes", 48)
    got = Explainer(user, tokenizer, cache=False).explain(
        SENTENCE, target=1, n_steps=nodes, **options
    )
    inputs = dict(tokenizer(SENTENCE, return_tensors="pt"))
    ids = inputs["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    baseline = {**inputs, "input_ids": ids}
    expected = layer_attributions(user, members, inputs, baseline, 1, nodes)
    error = abs(got.layer_attributions - expected).sum(axis=1) / abs(expected).sum(axis=1)
    assert got.layer_attributions.shape == (len(members) + 1, 13)
    assert (error < tolerance).all(), error
    return got


FLAT = {
    "opt": ("OPTDecoderLayer", "OPTConfig", {"ffn_dim": 24, "word_embed_proj_dim": 16}),
    "i-bert": ("IBertLayer", "IBertConfig", {}),
    "mixtral": (
        "MixtralDecoderLayer",
        "MixtralConfig",
        {"num_key_value_heads": 1, "num_local_experts": 4, "num_experts_per_tok": 4},
    ),
    "jetmoe": (
        "JetMoeDecoderLayer",
        "JetMoeConfig",
        {"num_key_value_heads": 1, "kv_channels": 8, "num_local_experts": 2},
    ),
}


@pytest.mark.parametrize("name", FLAT)
def test_what_a_block_computes_inside_may_be_a_tuple_or_flat(name, tokenizer):
    """Routers return tuples; OPT and experts run on (batch * tokens, features)."""
    kind, config, options = FLAT[name]
    user = built(config, **options)
    assert_explained(user, members_of(user, kind), tokenizer)
