"""Masked language models: which word stands at the mask; against themselves."""

import json

import numpy as np
import pytest
import torch
import transformers as hf

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.models.task_heads import MaskedToken, NextToken, with_task_head

from ..helpers.documented import run_documented
from ..helpers.hooked_path import layer_attributions
from ..helpers.masked_tokenizers import TOKENIZERS, without_offsets
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import _FORWARD, _SIZE, rough

pytestmark = pytest.mark.sampled(3)

TEXT = "The plot is [MASK], but the acting is superb."
_ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
_MODERN = {"local_attention": 4, "global_attn_every_n_layers": 2}
_MODERN |= {f"{n}_token_id": i for n, i in (("pad", 0), ("cls", 2), ("sep", 3), ("bos", 2))}
MODELS = {
    "bert": (hf.BertForMaskedLM, hf.BertConfig, "##", "BertLayer", {}),
    "bert-pretraining": (hf.BertForPreTraining, hf.BertConfig, "##", "BertLayer", {}),
    "roberta": (hf.RobertaForMaskedLM, hf.RobertaConfig, "Ġ", "RobertaLayer", _ROBERTA),
    "xlm-r": (hf.XLMRobertaForMaskedLM, hf.XLMRobertaConfig, "▁", "XLMRobertaLayer", _ROBERTA),
    "albert": (
        hf.AlbertForMaskedLM, hf.AlbertConfig, "##", "AlbertLayer", {"embedding_size": 8}
    ),
    "electra": (
        hf.ElectraForMaskedLM, hf.ElectraConfig, "##", "ElectraLayer", {"embedding_size": 8}
    ),
    "deberta-v2": (
        hf.DebertaV2ForMaskedLM, hf.DebertaV2Config, "##", "DebertaV2Layer", _DEBERTA
    ),
    "modernbert": (
        hf.ModernBertForMaskedLM, hf.ModernBertConfig, "##", "ModernBertEncoderLayer", _MODERN
    ),
    "distilbert": (
        hf.DistilBertForMaskedLM, hf.DistilBertConfig, "##", "TransformerBlock",
        {"hidden_dim": 24},
    ),
    "mpnet": (hf.MPNetForMaskedLM, hf.MPNetConfig, "Ġ", "MPNetLayer", _ROBERTA),
}  # fmt: skip
"""The model's class, its configuration's, the tokenizer, the blocks' class, and options."""
KEEPS_POSITIONS = ("roberta", "xlm-r", "mpnet")


@pytest.fixture(scope="module")
def tokenizers():
    return {name: made() for name, made in TOKENIZERS.items()}


def masked_model(name, tokenizer):
    """A random masked language model, nothing in it nearly linear."""
    torch.manual_seed(0)
    model, config, _, _, more = MODELS[name]
    size = {**_SIZE, **_FORWARD, "vocab_size": len(tokenizer)}
    return rough(model(config(**{**size, **more})))


@pytest.fixture(scope="module", params=MODELS)
def masked(request, tokenizers):
    tokenizer = tokenizers[MODELS[request.param][2]]
    return request.param, masked_model(request.param, tokenizer), tokenizer


@pytest.fixture(scope="module")
def bert(tokenizers):
    return masked_model("bert", tokenizers["##"]), tokenizers["##"]


def written(tokenizer, text=TEXT):
    return text.replace("[MASK]", tokenizer.mask_token)


def answer_of(output):
    return output.logits if hasattr(output, "logits") else output.prediction_logits


def own_logits(model, tokenizer, text, place=None):
    """The model's own logits where the mask stands."""
    encoded = tokenizer(written(tokenizer, text), return_tensors="pt")
    if place is None:
        (place,) = (encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero().flatten()
    with torch.no_grad():
        return answer_of(model(**encoded))[0, place]


def one_id(tokenizer, word):
    (found,) = tokenizer(word, add_special_tokens=False)["input_ids"]
    return found


def in_place(name, word):
    """As this tokenizer's vocabulary has a word after a space."""
    return f" {word}" if MODELS[name][2] == "Ġ" else word


@pytest.mark.filterwarnings("ignore:.MASK. is read as")
def test_score_and_probabilities_are_the_models_own(masked):
    name, model, tokenizer = masked
    got = Explainer(model, tokenizer).explain(TEXT, target="good", contrast="bad")
    logits = own_logits(model, tokenizer, TEXT)
    own, other = (one_id(tokenizer, in_place(name, word)) for word in ("good", "bad"))
    assert got.score == pytest.approx(float(logits[own] - logits[other]), rel=1e-5)
    assert (got.target_name, got.labels[got.contrast]) == ("good", "bad")
    p, candidates = logits.softmax(dim=0).numpy(), got.config["candidates"]
    np.testing.assert_allclose(got.probabilities[:-1], p[candidates], rtol=1e-5)
    assert got.labels[-1] == "other tokens" and got.probabilities.sum() == pytest.approx(1)
    assert set(np.argsort(-p)[:8]) <= {*candidates} and len(candidates) == 10
    assert not any(mark in label for label in got.labels for mark in "▁Ġ")


@pytest.mark.filterwarnings("ignore:.MASK. is read as")
def test_every_layer_is_integrated_gradients_by_hooks(masked):
    name, model, tokenizer = masked
    got = Explainer(model, tokenizer).explain(TEXT, target="good", contrast="bad", tolerance=1e-4)
    encoded = tokenizer(written(tokenizer), return_tensors="pt")
    ids, place = encoded.pop("input_ids"), got.config["position"]
    assert int(ids[0, place]) == tokenizer.mask_token_id
    kept = [i for i in tokenizer.all_special_ids if i != tokenizer.unk_token_id]
    baseline = torch.where(torch.isin(ids, torch.tensor(kept)), ids, tokenizer.pad_token_id)
    if name in KEEPS_POSITIONS:
        encoded["position_ids"] = 2 + torch.arange(ids.shape[1])[None]
    own, other = (one_id(tokenizer, in_place(name, word)) for word in ("good", "bad"))

    def run(ids, rows):
        given = {key: value.expand(rows, -1) for key, value in encoded.items()}
        logits = answer_of(model(input_ids=ids.expand(rows, -1), **given))[:, place]
        return logits[:, own] - logits[:, other]

    blocks = [m for m in model.modules() if type(m).__name__ == MODELS[name][3]]
    expected = layer_attributions(
        blocks, 3, lambda rows: run(ids, rows), lambda rows: run(baseline, rows)
    )
    assert got.converged.all()
    for row, wanted in zip(got.layer_attributions, expected, strict=True):
        np.testing.assert_allclose(row, wanted, atol=2e-4 * np.abs(wanted).sum())
    assert got.baseline_score == pytest.approx(run(baseline, 1).item(), rel=1e-5)


@pytest.mark.filterwarnings("ignore:.MASK. is read as")
def test_the_mask_says_nothing_and_is_called_what_it_is(masked):
    _, model, tokenizer = masked
    before = state_of(model)
    got = Explainer(model, tokenizer).explain(TEXT)
    place = got.config["position"]
    assert got.tokens[place] == tokenizer.mask_token and got.special[place]
    assert got.text == written(tokenizer)
    assert not got.layer_attributions[0, place], "the baseline has the mask too"
    assert "[MASK]" not in got.words and got.words[:3] == ("The", "plot", "is")
    assert got.pooled.tolist() == [t == place for t in range(len(got.tokens))]
    assert_unchanged(model, before)


def test_only_the_logits_at_the_mask_are_computed(masked):
    _, model, tokenizer = masked
    head = with_task_head(model)
    ids = tokenizer(written(tokenizer), return_tensors="pt")["input_ids"]
    shapes = []
    hook = model.get_output_embeddings().register_forward_hook(
        lambda _, __, output: shapes.append(tuple(output.shape))
    )
    upto = torch.ones_like(ids)
    upto[:, 5:] = 0
    try:
        with torch.no_grad():
            found = head.token_logits(upto, input_ids=ids)
            whole = answer_of(model(input_ids=ids))
    finally:
        hook.remove()
    torch.testing.assert_close(found, whole[:, 4], rtol=1e-10, atol=1e-10)
    assert shapes[0] == (1, 1, len(tokenizer))


def test_foreign_spellings_of_the_mask_are_said_once(tokenizers):
    explainer = Explainer(masked_model("roberta", tokenizers["Ġ"]), tokenizers["Ġ"])
    with pytest.warns(UserWarning, match=r"\[MASK\] is read as <mask>, which is how this") as told:
        got = explainer.explain([TEXT, "The [mask] is superb.", "The <mask> is bad."])
    assert len(told) == 1
    assert [one.text.count("<mask>") for one in got] == [1, 1, 1]
    assert got[0].text == TEXT.replace("[MASK]", "<mask>")


def test_the_likeliest_word_is_explained_unless_another_is_named(bert):
    model, tokenizer = bert
    explainer = Explainer(model, tokenizer)
    best = int(own_logits(model, tokenizer, TEXT).argmax())
    assert explainer.explain(TEXT).config["candidates"][0] == best
    both = explainer.explain(TEXT, target=[None, "good", 7, "##ly"], contrast="bad")
    found = [one.config["candidates"][one.target] for one in both]
    assert found == [
        best,
        *tokenizer.convert_tokens_to_ids(["good"]),
        7,
        *tokenizer.convert_tokens_to_ids(["##ly"]),
    ]
    turned = both[1].ask(both[1].contrast, both[1].target)
    np.testing.assert_allclose(turned.layer_attributions, -both[1].layer_attributions, atol=1e-9)
    assert both[1].heads(1).shape == (2, 13, 13)
    table = explainer.predict(TEXT)
    assert table["label"][0] == explainer.explain(TEXT).labels[0]
    classes = cn.by_class(explainer.explain(TEXT, target=["good", "bad"]), "word")
    assert classes.names == ("good", "bad")


def test_log_odds_are_those_of_the_whole_vocabulary(bert):
    model, tokenizer = bert
    got = Explainer(model, tokenizer).explain(TEXT, target="good", output="log_odds")
    p = float(own_logits(model, tokenizer, TEXT).softmax(dim=0)[one_id(tokenizer, "good")])
    assert got.score == pytest.approx(np.log(p / (1 - p)))


def test_one_of_several_masks_is_named(bert):
    model, tokenizer = bert
    explainer, text = Explainer(model, tokenizer), "The [MASK] is [MASK]."
    got = explainer.explain(text, position=4, target="good")
    assert got.special.tolist() == [True, False, False, False, True, False, True]
    logits = own_logits(model, tokenizer, text, 4)
    assert got.score == pytest.approx(float(logits[one_id(tokenizer, "good")]))
    assert got.layer_attributions[0, 2], "the other mask is a word like any"
    with pytest.raises(
        ValueError, match=r"which of the text's 2 masks .*: \[MASK\] stands at 2, 4"
    ):
        explainer.explain(text)


def test_a_word_without_a_mask_is_explained_where_it_stands(bert):
    model, tokenizer = bert
    text = "The plot is thin."
    got = Explainer(model, tokenizer).explain(text, position=4, target="thin")
    logits = own_logits(model, tokenizer, text, 4)
    assert got.score == pytest.approx(float(logits[one_id(tokenizer, "thin")]))
    assert not got.special[4] and got.layer_attributions[0, 4]
    assert got.words == ("The", "plot", "is", "thin", ".")


def test_a_mask_in_the_second_of_two_texts(tokenizers):
    tokenizer = tokenizers["Ġ"]
    explainer = Explainer(masked_model("roberta", tokenizer), tokenizer)
    pair = {"text": "The plot is thin.", "text_pair": "The acting is <mask>."}
    got = explainer.explain(pair, target="good")
    assert got.config["candidates"][got.target] == one_id(tokenizer, " good")
    assert got.segment_ids[got.config["position"]] == -1 and got.inputs == pair


def test_a_word_goes_on_with_what_stands_before_the_mask(tokenizers):
    tokenizer = tokenizers["Ġ"]
    explainer = Explainer(masked_model("roberta", tokenizer), tokenizer)
    for text, word in (("The <mask>", " film"), ("The plot.<mask>", ".")):
        got = explainer.explain(text, target=word)
        assert got.config["candidates"][got.target] == one_id(tokenizer, word)


def test_a_check_and_an_evaluation_ask_the_same_question(bert, tmp_path):
    explainer = Explainer(*bert, cache=tmp_path)
    got = explainer.explain(TEXT, target="good", contrast="bad")
    got.save(tmp_path / "one.safetensors")
    kept = cn.load(tmp_path / "one.safetensors")
    assert kept.labels == got.labels and kept.config == got.config
    check = kept.check(explainer, random=5)
    assert check.target == "good rather than bad" and check.words == len(got.words)
    assert json.dumps(check.to_dict())
    texts = [TEXT, "A [MASK] film.", "The acting is [MASK]."]
    found = cn.evaluate(explainer, texts, targets=["good", None, "bad"], methods=["ca-lig"])
    assert (found.targets[0], found.targets[2]) == ("good", "bad")
    assert found.table["comprehensiveness", "mean"].notna().all()
    explainer.engine.model.forward = None  # nothing may be computed
    again = explainer.explain(TEXT, target="good", contrast="bad")
    np.testing.assert_array_equal(again.layer_attributions, got.layer_attributions)


def test_texts_share_passes_and_give_what_each_gives_alone(bert):
    explainer = Explainer(*bert)
    texts = [TEXT, "A [MASK] film.", "The acting is not [MASK].", "The plot is [MASK]."]
    for text, got in zip(texts, explainer.explain(texts, target="good"), strict=True):
        alone = explainer.explain(text, target="good")
        assert got.labels == alone.labels
        np.testing.assert_allclose(got.layer_attributions, alone.layer_attributions, atol=1e-7)


@pytest.mark.parametrize("method", ["ig", "occlusion", "attention-rollout", "conservative"])
def test_other_methods_answer_too(bert, method):
    got = Explainer(*bert).explain(TEXT, target="good", method=method)
    assert got.method == method and got.attributions[~got.special].any()


def test_from_a_folder(bert, tmp_path):
    model, tokenizer = bert
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    explainer = Explainer.from_pretrained(tmp_path, cache=False, dtype=torch.float64)
    got = explainer.explain(TEXT, target="good")
    assert got.target_name == "good" and got.config["model"] == "BertForMaskedLM"
    assert explainer.blocks[0] == "bert.encoder.layer.0"

    from calig_nb.cli import main

    assert main(["explain", TEXT, "--model", str(tmp_path), "--target", "good"]) in (0, None)


@pytest.mark.filterwarnings("ignore:.MASK. is read as")
def test_what_the_docs_ask_is_answered(tokenizers):
    explainer = Explainer(masked_model("roberta", tokenizers["Ġ"]), tokenizers["Ġ"])
    found = run_documented("A masked word", explainer)
    assert found[0].target_name == "France" and found[0].labels[found[0].contrast] == "Spain"
    assert [one.config["position"] for one in found] == [4, 4, 4]
    assert [bool(one.special[4]) for one in found] == [True, True, False]


def test_what_the_weights_were_trained_for_is_seen(tokenizers):
    size = {"vocab_size": 80, "emb_dim": 16, "n_layers": 2, "n_heads": 2}
    for causal, head in ((False, MaskedToken), (True, NextToken)):
        model = hf.XLMWithLMHeadModel(hf.XLMConfig(**size, causal=causal))
        assert type(with_task_head(model)) is head
    vit = hf.ViTMAEForPreTraining(hf.ViTMAEConfig(hidden_size=16, num_attention_heads=2))
    assert with_task_head(vit) is vit


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("text", "asked", "message"),
    [
        ("The plot", {}, r"must hold the mask token .* writes \[MASK\], as in .*by position="),
        (TEXT, {"target": "not good"}, r"exactly one token, got 'not good', .* 2: 'not', 'good'"),
        (TEXT, {"target": "☃"}, r"target must be a token that the model knows, got '☃'"),
        (TEXT, {"target": 80}, r"target must be a token as text or its id, 0 to \d+, got 80"),
        (TEXT, {"target": True}, r"its id, 0 to \d+, got True"),
        (TEXT, {"target": "good", "contrast": "good"}, r"contrast must differ from target"),
        (TEXT, {"position": 99}, r"position must be the number of a token, 0 to 12"),
        (TEXT, {"output": "margin"}, r"output='margin' is the distance .* with a contrast"),
        (f"{TEXT} " * 9, {"position": 4}, r"must have at most 48 tokens"),
    ],
)
def test_a_bad_question_is_refused(bert, text, asked, message):
    with pytest.raises(ValueError, match=message):
        Explainer(*bert).explain(text, **asked)


@pytest.mark.bad_input
def test_a_tokenizer_without_a_mask_token_is_told_of(bert):
    model, _ = bert
    bare = TOKENIZERS["##"]()
    bare.mask_token = None
    with pytest.raises(ValueError, match="tokenizer names no mask token: set tokenizer"):
        Explainer(model, bare).explain(TEXT)


@pytest.mark.bad_input
def test_a_discriminator_names_no_words(tokenizers):
    torch.manual_seed(0)
    config = hf.ElectraConfig(**_SIZE, **_FORWARD, embedding_size=8)
    model = rough(hf.ElectraForPreTraining(config))
    with pytest.raises(ValueError, match=r"which of the vocabulary stands there, .*MaskedLM"):
        Explainer(model, tokenizers["##"]).explain(TEXT)


@pytest.mark.bad_input
def test_labels_are_the_words(bert):
    with pytest.raises(ValueError, match="labels must be left out for a model whose classes are"):
        Explainer(*bert, labels=["a", "b"])


def test_token_ids_and_tokenizers_that_tell_no_offsets(bert):
    model, tokenizer = bert
    expected = Explainer(model, tokenizer).explain(TEXT, target="good", contrast="bad")
    ids = tokenizer(TEXT)["input_ids"]
    given = Explainer(model, tokenizer).explain({"input_ids": ids}, target="good", contrast="bad")
    told = Explainer(model, without_offsets(tokenizer)).explain(TEXT, target="good", contrast="bad")
    for got in (given, told):
        assert got.tokens[4] == "[MASK]" and got.special[4] and got.labels == expected.labels
        np.testing.assert_allclose(got.layer_attributions, expected.layer_attributions, atol=1e-9)
    assert given.check(Explainer(model, tokenizer), random=3).target == "good rather than bad"
