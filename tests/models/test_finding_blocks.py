"""The blocks of models of every form, found by watching, against integrals by hand, in float64."""

import pytest
import torch
import transformers as hf
from torch import nn

from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel

from ..helpers.layer_paths import layer_attributions, run
from ..helpers.zoo import SENTENCE, picture, processor, rough, zoo_model

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
XLNET = {
    name: None for name in SIZE if name not in ("vocab_size", "num_labels", "pad_token_id")
} | {"d_model": 16, "n_layer": 3, "n_head": 2, "d_inner": 24}
AUTO = hf.AutoModelForSequenceClassification


def built(config, head=AUTO, seed=0, **options):
    """A random model of a configuration, no vector of it zero."""
    torch.manual_seed(seed)
    options = {name: value for name, value in {**SIZE, **options}.items() if value is not None}
    config = getattr(hf, config)(**options)
    config._experts_implementation = "eager"  # the grouped kernel takes no double precision
    user = rough(head.from_config(config) if hasattr(head, "from_config") else head(config))
    with torch.no_grad():
        for module in user.modules():
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx].normal_(std=0.2)
    return user


def members_of(user, kind):
    return [module for module in user.modules() if type(module).__name__ == kind]


def assert_explained(user, members, tokenizer, token_axis=1, text=SENTENCE, **options):
    """Every layer is what the same integral by hand gives."""
    nodes = 48
    blocks = options.pop("blocks", None)
    explainer = Explainer(user, tokenizer, cache=False, blocks=blocks)
    got = explainer.explain(text, target=1, n_steps=nodes, **options)
    inputs = dict(tokenizer(text, return_tensors="pt"))
    ids = inputs["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    baseline = {**inputs, "input_ids": ids}
    expected = layer_attributions(user, members, inputs, baseline, 1, nodes, token_axis)
    error = abs(got.layer_attributions - expected).sum(axis=1) / abs(expected).sum(axis=1)
    assert got.layer_attributions.shape == (len(members) + 1, ids.shape[1])
    assert (error < 1e-6).all(), error
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


def test_a_block_may_return_a_list(tokenizer):
    user = built("OpenAIGPTConfig")
    assert_explained(user, members_of(user, "Block"), tokenizer)


@pytest.mark.parametrize("text", [SENTENCE, "bad " + SENTENCE])
def test_states_may_have_their_axes_exchanged_and_come_in_a_dictionary(text, tokenizer):
    """SqueezeBERT's are (batch, hidden, tokens), also where it has as many of both: 14."""
    groups = ("q", "k", "v", "intermediate", "output")
    user = built(
        "SqueezeBertConfig",
        hidden_size=14,
        embedding_size=14,
        **{f"{name}_groups": 1 for name in groups},
    )
    members = members_of(user, "SqueezeBertModule")
    assert_explained(user, members, tokenizer, token_axis=2, text=text)


def refusal(user, tokenizer, **options):
    """What the error says to a user who asks, whatever the method."""
    said = set()
    for method in ("ca-lig", "layer-ig"):
        with pytest.raises(ValueError) as caught:
            Explainer(user, tokenizer, cache=False).explain(SENTENCE, method=method, **options)
        said.add(str(caught.value))
    (one,) = said
    return one


def test_the_first_axis_of_other_states_is_named(tokenizer):
    user = built(
        "Gemma3nTextConfig",
        hf.AutoModelForCausalLM,
        num_key_value_heads=1,
        head_dim=8,
        hidden_size_per_layer_input=8,
        vocab_size_per_layer_input=80,
        laurel_rank=4,
        num_kv_shared_layers=0,
        layer_types=["full_attention"] * 3,
        activation_sparsity_pattern=None,
    )
    said = refusal(user, tokenizer)
    assert "shape (4, 1, 13, 16) for 1 text of 13 tokens, whose first axis is not the batch" in said
    assert "random" not in said


def test_without_a_limit_the_model_sets_none(tokenizer):
    user = built("XLNetConfig", hf.XLNetForSequenceClassification, **XLNET)
    assert user.config.max_position_embeddings == -1
    assert BlockModel(user).max_tokens is None


def test_states_of_tokens_and_batch_exchanged_are_traced(tokenizer):
    """XLNet's are (tokens, batch, hidden); its attention is (queries, keys, batch, heads)."""
    user = built("XLNetConfig", hf.XLNetForSequenceClassification, **XLNET)
    model, members = BlockModel(user), members_of(user, "XLNetLayer")
    inputs = dict(tokenizer(SENTENCE, return_tensors="pt"))
    _, seen = run(user, members, inputs)
    with model.preserve():
        (state,) = model.entering_states(inputs)
        assert state.shape == (1, 13, 16)
        torch.testing.assert_close(state[0], seen[0][:, 0])


class Bypassed(nn.Module):
    """A model whose logits take a little of the input itself, past the blocks."""

    def __init__(self, user, part):
        super().__init__()
        self.inner, self.part, self.config = user, part, user.config
        self.beside = nn.Parameter(torch.randn(80, 3, dtype=torch.float64))

    def forward(self, **inputs):
        logits = self.inner(**inputs).logits
        return logits + self.part * self.aside(**inputs)

    def aside(self, input_ids=None, pixel_values=None, **others):
        if input_ids is None:
            return pixel_values.mean(dim=(2, 3))
        return nn.functional.embedding(input_ids, self.beside).mean(dim=1)


@pytest.mark.parametrize("kind", ["text", "picture"])
def test_what_enters_past_the_blocks_is_measured_and_stated(kind, tokenizer):
    """Blocks move the logits by a, and what passes them by moves them by b: b / a."""
    if kind == "text":
        user, reader, given = built("BertConfig"), tokenizer, SENTENCE
        own = dict(tokenizer(SENTENCE, return_tensors="pt"))
        ids = own["input_ids"].clone()
        ids[0, 1:-1] = tokenizer.pad_token_id
        other = {**own, "input_ids": ids}
    else:
        user, reader, given = zoo_model("vit"), processor(), picture()
        pixels = reader(images=given, return_tensors="pt")["pixel_values"].double()
        own, other = {"pixel_values": pixels}, {"pixel_values": torch.zeros_like(pixels)}
    model = Bypassed(user, 1.0).eval()
    with torch.no_grad():
        through = (user(**own).logits - user(**other).logits).norm()
        past = (model.aside(**own) - model.aside(**other)).norm()
    model.part = float(0.03 * through / past)
    with pytest.warns(UserWarning, match=r"3 % of the change from the baseline to the \w+ enters"):
        got = Explainer(model, reader, cache=False).explain(given, target=1, tolerance=1e-4)
    assert got.config["past_blocks"] == pytest.approx(0.03, abs=1e-4)
    assert abs(got.convergence_delta).max() < 1e-3
    model.part *= 4
    with pytest.raises(ValueError, match=rf"{kind} through its blocks alone, but 12 % of the chan"):
        Explainer(model, reader, cache=False).explain(given)


def test_where_nothing_passes_the_blocks_by_nothing_is_said(tokenizer):
    got = Explainer(built("BertConfig"), tokenizer, cache=False).explain(SENTENCE)
    assert "past_blocks" not in got.config


def test_a_model_whose_tokens_read_their_neighbours_is_not_padded(tokenizer):
    """MobileBERT's trigrams take the padding after a text for its next token."""
    user = built(
        "MobileBertConfig",
        embedding_size=16,
        intra_bottleneck_size=16,
        num_feedforward_networks=1,
        normalization_type="layer_norm",
    )
    with torch.no_grad():
        user.classifier.weight.mul_(1e-5)  # the logits hardly tell
    explainer = Explainer(user, tokenizer, cache=False)
    texts = [SENTENCE, SENTENCE.replace("acting", "film"), "bad " + SENTENCE]
    options = {"target": 1, "method": "ca-lig", "n_steps": 5}
    together = explainer.explain(texts, **options)
    for text, got in zip(texts, together, strict=True):
        alone = Explainer(user, tokenizer, cache=False).explain(text, **options)
        for name in ("layer_attributions", "attention_relevance"):
            torch.testing.assert_close(
                *(torch.tensor(getattr(one, name).copy()) for one in (got, alone)),
                rtol=1e-5, atol=1e-13,
            )  # fmt: skip


REFORMER = {
    "num_hidden_layers": None,
    "intermediate_size": None,
    "attention_head_size": 8,
    "feed_forward_size": 24,
    "axial_pos_shape": [4, 4],
    "axial_pos_embds_dim": [8, 8],
    "attn_layers": ["local", "local"],
    "local_attn_chunk_length": 4,
}


@pytest.mark.bad_input
def test_reversible_layers_are_refused(tokenizer):
    user = built("ReformerConfig", hf.ReformerForSequenceClassification, **REFORMER)
    assert "gradients flow from its blocks to its score" in refusal(user, tokenizer)


@pytest.mark.bad_input
def test_layers_of_several_lists_are_refused_without_advice_that_cannot_help(tokenizer):
    """XLM has a list of its attentions, one of its norms, and so on."""
    xlm = built("XLMConfig", emb_dim=16, n_layers=3, n_heads=2)
    said = refusal(xlm, tokenizer)
    assert "members of several lists, transformer.attentions, transformer.layer_norm1" in said
    assert "blocks=" not in said


@pytest.mark.bad_input
def test_what_is_not_the_whole_chain_is_not_taken(tokenizer):
    funnel = built(
        "FunnelConfig", num_hidden_layers=None, num_attention_heads=None, hidden_size=None,
        intermediate_size=None, d_model=16, n_head=2, d_head=8, d_inner=24, block_sizes=[2, 2],
    )  # fmt: skip
    said = refusal(funnel, tokenizer)
    assert "something passes its blocks by" in said
    canine = built("CanineConfig", num_hash_buckets=64, num_hash_functions=4,
                   local_transformer_stride=8)  # fmt: skip
    said = refusal(canine, tokenizer)
    assert "several lists, each of which goes on with what another returned" in said
    assert "blocks=" not in said


def test_a_state_that_is_query_key_and_value_is_replaced_in_all(tokenizer):
    """The first stage of Funnel, named by hand."""
    user = built(
        "FunnelConfig", num_hidden_layers=None, num_attention_heads=None, hidden_size=None,
        intermediate_size=None, d_model=16, n_head=2, d_head=8, d_inner=24, block_sizes=[2, 2],
    )  # fmt: skip
    members = members_of(user, "FunnelLayer")[:2]
    assert_explained(user, members, tokenizer, blocks="funnel.encoder.blocks.0")


@pytest.mark.bad_input
def test_latents_are_no_tokens(tokenizer):
    options = {"num_blocks": 1, "num_self_attends_per_block": 2, "d_latents": 16, "d_model": 16,
               "num_self_attention_heads": 2, "num_cross_attention_heads": 2}  # fmt: skip
    user = built("PerceiverConfig", num_hidden_layers=None, num_latents=16, **options)
    said = refusal(user, tokenizer)
    assert "13 tokens as one, in their order, but 16 places enter its first block" in said
    few = built("PerceiverConfig", num_hidden_layers=None, num_latents=8, **options)
    assert "13 tokens as one, but only 8 places enter its first block" in refusal(few, tokenizer)


HYBRIDS = {
    "jamba": (
        "JambaConfig",
        ("JambaMambaDecoderLayer", "JambaAttentionDecoderLayer"),
        {
            "num_key_value_heads": 1, "num_experts": 1, "mamba_d_state": 4, "mamba_dt_rank": 2,
            "attn_layer_period": 2, "attn_layer_offset": 1,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HYBRIDS)
def test_blocks_of_several_classes_are_one_chain(name, tokenizer):
    config, kinds, options = HYBRIDS[name]
    user = built(config, **options)
    model = BlockModel(user)
    members = [module for module in user.modules() if type(module).__name__ in kinds]
    with model.preserve():
        assert [*model.find(dict(tokenizer(SENTENCE, return_tensors="pt")))] == members


def test_boxes_beside_token_ids_reach_the_model_and_missing_ones_are_warned_about(tokenizer):
    user = built("LayoutLMConfig", max_2d_position_embeddings=64)
    ids = tokenizer(SENTENCE)["input_ids"]
    boxes = [[t, t + 1, t + 2, t + 3] for t in range(len(ids))]
    explainer = Explainer(user, tokenizer, cache=False)
    with pytest.warns(UserWarning, match="reads where each token stands on its page"):
        without = explainer.explain(SENTENCE, target=1)
    got = explainer.explain({"input_ids": ids, "bbox": boxes}, target=1)
    given = {"input_ids": torch.tensor([ids]), "bbox": torch.tensor([boxes])}
    assert got.score == pytest.approx(user(**given).logits[0, 1].item(), rel=1e-6)
    assert abs(got.score - without.score) > 1e-3
    check = got.check(random=2)
    assert check is not None
    several = explainer.explain([{"input_ids": ids[:n], "bbox": boxes[:n]} for n in (12, 12, 13)])
    assert [one.config["bbox"] for one in several] == [boxes[:n] for n in (12, 12, 13)]


@pytest.mark.bad_input
def test_what_a_model_needs_more_is_told_with_its_own_words(tokenizer):
    user = built("BrosConfig", hf.AutoModelForTokenClassification)
    with pytest.warns(UserWarning, match="on its page"):
        said = refusal(user, tokenizer, position=3)
    assert "BrosForTokenClassification failed: ValueError: " in said
    assert "You have to specify bbox" in said
