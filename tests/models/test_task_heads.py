"""Models that answer at every token: next tokens, token labels, answers; against themselves."""

import json
import warnings

import numpy as np
import pytest
import torch
import transformers as hf
from captum.attr import LayerIntegratedGradients
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers import models as token_models
from tokenizers.trainers import BpeTrainer

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel
from calig_nb.models.task_heads import READ, AnswerSpan, NextToken, task_of, with_task_head

from ..helpers.zoo import _FORWARD, _GROUPED, _SIZE, SENTENCE, rough, tiny_tokenizer

PROMPT = "The keys to the cabinet"
LONG = "The keys to the cabinet are on the table."
START = "<|endoftext|>"


@pytest.fixture(scope="module")
def bytes_():
    """A byte-level tokenizer as GPT-2 has it: no padding, one token for all special things."""
    tokenizer = Tokenizer(token_models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=340,
        special_tokens=[START],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    sentences = [LONG, "The key is here.", "The man was on the table."]
    tokenizer.train_from_iterator(sentences * 20, trainer)
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
        **dict.fromkeys(("unk_token", "bos_token", "eos_token"), START),
    )


_CONFIGS = {
    "gpt2": lambda n: hf.GPT2Config(
        vocab_size=n, n_embd=16, n_layer=3, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0
    ),
    "llama": lambda n: hf.LlamaConfig(**{**_SIZE, **_FORWARD, **_GROUPED, "vocab_size": n}),
    "qwen2": lambda n: hf.Qwen2Config(**{**_SIZE, **_FORWARD, **_GROUPED, "vocab_size": n}),
}
CAUSAL = tuple(_CONFIGS)


def language_model(name, tokenizer, dtype=torch.float64):
    """A random causal language model, nothing in it nearly linear."""
    torch.manual_seed(0)
    config = _CONFIGS[name](len(tokenizer))
    config.pad_token_id = None
    return rough(hf.AutoModelForCausalLM.from_config(config), dtype)


# Llama and Qwen2 turn positions and take attention's softmax in single precision, whatever the
# weights are: hence 1e-5 and not less.
def said(model, tokenizer, text):
    """The model's own logits, (tokens, vocabulary)."""
    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).logits[0]


def one_id(tokenizer, text):
    (found,) = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


@pytest.fixture(scope="module", params=CAUSAL)
def causal(request, bytes_):
    return language_model(request.param, bytes_)


@pytest.fixture
def gpt2(bytes_):
    return language_model("gpt2", bytes_)


@pytest.mark.parametrize("position", [None, 2, -2])
def test_score_and_probabilities_are_the_models_own(causal, bytes_, position):
    got = Explainer(causal, bytes_).explain(LONG, target=" are", contrast=" is", position=position)
    logits = said(causal, bytes_, LONG)[-1 if position is None else position]
    own, other = one_id(bytes_, " are"), one_id(bytes_, " is")
    assert got.score == pytest.approx(float(logits[own] - logits[other]), rel=1e-5)
    assert (got.target_name, got.labels[got.contrast]) == ("are", "is")
    p = logits.softmax(dim=0).numpy()
    candidates = got.config["candidates"]
    np.testing.assert_allclose(got.probabilities[:-1], p[candidates], rtol=1e-5)
    assert got.labels[-1] == "other tokens"
    assert got.probabilities.sum() == pytest.approx(1)
    assert set(np.argsort(-p)[:8]) <= set(candidates) and len(candidates) == 10
    assert np.all(np.diff(got.probabilities[:-1]) <= 0), "the likeliest first"
    assert got.config["position"] == (position or -1) % len(got.tokens)
    ids = torch.zeros_like(bytes_(LONG, return_tensors="pt")["input_ids"])  # all end of text
    with torch.no_grad():
        below = causal(ids).logits[0, got.config["position"]]
    assert got.baseline_score == pytest.approx(float(below[own] - below[other]), rel=1e-5)


def test_every_layer_is_complete_and_agrees_with_captum(causal, bytes_):
    """By two nodes: Captum keeps weights in single precision, which holds one half exactly."""
    ids = bytes_(PROMPT, return_tensors="pt")["input_ids"]
    own, other = one_id(bytes_, " are"), one_id(bytes_, " is")
    explainer = Explainer(causal, bytes_)
    options = {"target": " are", "contrast": " is", "position": 3}
    whole = explainer.explain(PROMPT, **options, tolerance=1e-4)
    change = whole.score - whole.baseline_score
    assert np.abs(whole.convergence_delta[whole.converged]).max() <= 1e-4 * abs(change)
    assert whole.converged.sum() >= len(whole.converged) - 1, "kinks this rough may be too much"
    got = explainer.explain(PROMPT, **options, n_steps=2)

    def forward(tokens):
        logits = causal(tokens).logits[:, 3]
        return logits[:, own] - logits[:, other]

    base = causal.base_model
    layers = getattr(base, "layers", getattr(base, "h", None))
    embedding = base.drop if hasattr(base, "drop") else base.embed_tokens
    for row, place in zip(got.layer_attributions, [embedding, *layers], strict=True):
        found = LayerIntegratedGradients(forward, place).attribute(
            ids, torch.zeros_like(ids), n_steps=2, method="gausslegendre"
        )
        found = found[0] if isinstance(found, tuple) else found
        expected = found.sum(dim=-1)[0].detach().numpy()
        np.testing.assert_allclose(row, expected, atol=1e-6 * np.abs(expected).sum())


@pytest.mark.parametrize("method", ["ca-lig", "conductance", "attention-rollout", "conservative"])
def test_what_comes_after_the_position_has_exactly_no_relevance(causal, bytes_, method):
    got = Explainer(causal, bytes_).explain(LONG, position=3, method=method)
    assert len(got.tokens) > 6
    assert not got.layer_attributions[:, 4:].any()
    if method == "ca-lig":
        assert not got.attention_relevance[:, 4:].any()
        assert not got.attention_relevance[:, :, 4:].any()
    assert not got.attributions[4:].any()
    assert got.attributions[:4].any()
    if got.layer_attributions[-1].any() and method == "ca-lig":
        assert got.pooled.tolist() == [t == 3 for t in range(len(got.tokens))]


def test_later_words_change_nothing(causal, bytes_):
    short = Explainer(causal, bytes_).explain(PROMPT, target=" are", contrast=" is")
    own = short.config["position"]
    long = Explainer(causal, bytes_).explain(LONG, target=" are", contrast=" is", position=own)
    # Where they form the attention matrix llama and qwen2 take its softmax in float32.
    for found, expected in (
        (long.layer_attributions, short.layer_attributions),
        (long.attributions, short.attributions),
    ):
        np.testing.assert_allclose(found[..., : own + 1], expected, atol=1e-6)


def test_attention_is_a_triangle(causal, bytes_):
    got = Explainer(causal, bytes_).explain(LONG)
    assert got.attention_relevance.any(axis=(1, 2)).all()
    assert not np.triu(got.attention_relevance, 1).any()
    assert not np.triu(got.rollout(), 1).any()


def test_the_likeliest_token_is_explained_unless_another_is_named(gpt2, bytes_):
    explainer = Explainer(gpt2, bytes_)
    best = int(said(gpt2, bytes_, PROMPT)[-1].argmax())
    got = explainer.explain(PROMPT)
    assert got.target == 0 and got.config["candidates"][0] == best
    assert explainer.explain(PROMPT, target=best).target == 0
    both = explainer.explain(PROMPT, target=[None, " are", 7], contrast=" is")
    assert [one.config["candidates"][one.target] for one in both] == [
        best, one_id(bytes_, " are"), 7
    ]  # fmt: skip
    np.testing.assert_allclose(
        both[1].layer_attributions,
        explainer.explain(PROMPT, target=" are", contrast=" is").layer_attributions,
    )


def test_log_odds_are_those_of_the_whole_vocabulary(gpt2, bytes_):
    got = Explainer(gpt2, bytes_).explain(PROMPT, target=" are", output="log_odds")
    p = float(said(gpt2, bytes_, PROMPT)[-1].softmax(dim=0)[one_id(bytes_, " are")])
    assert got.score == pytest.approx(np.log(p / (1 - p)))
    assert np.abs(got.convergence_delta).max() <= 0.01 * abs(got.score - got.baseline_score)


def test_the_picker_asks_about_the_same_candidates(gpt2, bytes_):
    got = Explainer(gpt2, bytes_).explain(PROMPT, target=" are", contrast=" is")
    turned = got.ask(got.contrast, got.target)
    assert turned.labels == got.labels
    np.testing.assert_allclose(turned.layer_attributions, -got.layer_attributions, atol=1e-9)
    others = got.ask(len(got.labels) - 1, None)
    assert others.target_name == "other tokens"
    assert got.heads(1).shape == (2, len(got.tokens), len(got.tokens))


def test_a_check_and_an_evaluation_ask_the_same_question(gpt2, bytes_, tmp_path):
    explainer = Explainer(gpt2, bytes_)
    got = explainer.explain(LONG, target=" are", contrast=" is", position=6)
    got.save(tmp_path / "one.safetensors")
    kept = cn.load(tmp_path / "one.safetensors")
    assert kept.labels == got.labels and kept.config == got.config
    check = kept.check(explainer, random=5)
    assert check.target == "are rather than is"
    assert json.dumps(check.to_dict())
    with pytest.raises(ValueError, match="must hold the model"):
        kept.check(Explainer(language_model("llama", bytes_), bytes_), random=5)
    found = cn.evaluate(explainer, [PROMPT, LONG], targets=[" are", None], methods=["ca-lig"])
    assert found.targets[0] == "are"
    assert found.table["comprehensiveness", "mean"].notna().all()


def test_deleting_tokens_moves_the_position_and_keeps_the_candidates(gpt2, bytes_):
    explainer = Explainer(gpt2, bytes_)
    read = explainer.engine.reader.read(LONG, position=4, classes=(" are", None))
    gone = np.zeros(len(read.tokens), dtype=bool)
    gone[[1, 4, 6]] = True
    left = explainer.engine.reader.delete_units(read, gone)
    assert left[READ].tolist() == [[1, 1, 1, *[0] * (len(gone) - 6)]]
    assert torch.equal(left["candidates"], read.model_inputs["candidates"])
    assert left["input_ids"].shape == (1, len(gone) - 3)
    every = explainer.engine.reader.delete_units(read, ~gone | gone)
    assert {name: value.shape[1] for name, value in every.items()} == {
        "input_ids": 1, "attention_mask": 1, READ: 1, "candidates": 10
    }  # fmt: skip
    logits = explainer.engine.model.predict(left)[0]
    with torch.no_grad():
        own = gpt2(left["input_ids"]).logits[0, 2]
    torch.testing.assert_close(logits[:-1], own[read.model_inputs["candidates"][0]])


def test_prompts_share_passes_and_give_what_each_gives_alone(causal, bytes_):
    texts = [PROMPT, "The man on the table", "The key", LONG]
    explainer = Explainer(causal, bytes_)
    together = explainer.explain(texts, target=" are", contrast=" is")
    for text, got in zip(texts, together, strict=True):
        alone = explainer.explain(text, target=" are", contrast=" is")
        assert got.labels == alone.labels
        np.testing.assert_allclose(got.layer_attributions, alone.layer_attributions, atol=1e-7)


def test_an_answer_is_kept_and_no_other_question_gets_it(gpt2, bytes_, tmp_path):
    explainer = Explainer(gpt2, bytes_, cache=tmp_path)
    options = {"target": " are", "contrast": " is"}
    first = explainer.explain(LONG, position=3, **options)
    other = explainer.explain(LONG, position=4, **options)
    assert first.score != other.score
    explainer.engine.model.forward = None  # nothing may be computed
    again = explainer.explain(LONG, position=3, **options)
    np.testing.assert_array_equal(again.layer_attributions, first.layer_attributions)


def test_the_model_is_as_before(gpt2, bytes_):
    before = {name: value.clone() for name, value in gpt2.state_dict().items()}
    attributes = {id(m): set(vars(m)) for m in gpt2.modules()}
    gpt2.train()
    with pytest.warns(UserWarning, match="model is in train mode"):
        Explainer(gpt2, bytes_).explain(PROMPT)
    assert all(module.training for module in gpt2.modules())
    assert {id(m): set(vars(m)) for m in gpt2.modules()} == attributes
    for name, value in gpt2.state_dict().items():
        assert torch.equal(value, before[name])
    assert gpt2.config.use_cache and not gpt2.config.output_attentions
    gpt2.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Explainer(gpt2, bytes_, blocks="transformer.h").explain(PROMPT)
    with pytest.raises(ValueError, match=r"blocks must be one of \['transformer.h'"):
        Explainer(gpt2, bytes_, blocks="transformer.g")


def test_only_the_logits_that_are_read_are_computed(causal, bytes_):
    head = NextToken(causal)
    ids = bytes_(LONG, return_tensors="pt")["input_ids"]
    shapes = []
    hook = causal.get_output_embeddings().register_forward_hook(
        lambda _, __, output: shapes.append(tuple(output.shape))
    )
    upto = torch.ones_like(ids)
    upto[:, 4:] = 0
    try:
        with torch.no_grad():
            head.token_logits(upto, input_ids=ids)
    finally:
        hook.remove()
    assert shapes == [(1, 1, len(bytes_))]


def test_the_start_of_text_is_special_and_stays_in_the_baseline(gpt2, bytes_):
    got = Explainer(gpt2, bytes_).explain(f"{START}The key")
    assert got.special.tolist()[0] and not got.special[1:].any()
    assert not got.layer_attributions[0, 0]


def test_labels_are_told_apart(bytes_, gpt2):
    explainer = Explainer(gpt2, bytes_)
    piece, word = one_id(bytes_, "s"), one_id(bytes_, " is")
    got = explainer.explain("The key", target=[piece, word, 0, one_id(bytes_, "\n")])
    assert [one.target_name for one in got] == ["…s", "is", START, "↵"]
    start = explainer.explain("The key is ", target=piece)
    assert start.target_name == "s", "after a space nothing goes on"


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"target": " keys to"}, r"exactly one token, got ' keys to', .* 2: ' keys', ' to'.*"),
        ({"target": "here"}, r"' here', with a space before it, is one\. Name one token"),
        ({"target": ""}, r"exactly one token, got '', which this tokenizer reads as 0: none"),
        ({"target": 10**6}, r"target must be a token as text or its id, 0 to \d+, got 1000000"),
        ({"target": True}, r"its id, 0 to \d+, got True"),
        ({"contrast": 1.5}, r"contrast must be a token as text or its id, .* got 1\.5"),
        ({"target": " is", "contrast": " is"}, r"contrast must differ from target, got 'is'"),
        ({"position": 99}, r"position must be the number of a token, 0 to 4, .* got 99"),
        ({"position": -6}, r"position must be .* -1 to -5, got -6"),
        ({"position": 1.0}, r"position must be the number of a token"),
        ({"output": "margin"}, r"output='margin' is the distance .* use 'logit' with a contrast"),
    ],
)
def test_a_bad_question_is_refused(gpt2, bytes_, asked, message):
    with pytest.raises(ValueError, match=message):
        Explainer(gpt2, bytes_).explain(PROMPT, **asked)


@pytest.mark.bad_input
def test_more_of_a_word_is_warned_about(gpt2, bytes_):
    with pytest.warns(UserWarning, match="read as more of the word before it, “… the cabinett”"):
        Explainer(gpt2, bytes_).explain(PROMPT, target="t")


@pytest.mark.bad_input
def test_a_classifier_has_no_position(explainer):
    with pytest.raises(ValueError, match="position is for models that answer at every token"):
        explainer.explain(SENTENCE, position=2)


@pytest.fixture(scope="module")
def pieces():
    return tiny_tokenizer()


def test_words_that_a_tokenizer_does_not_know_are_refused(pieces):
    model = language_model("gpt2", pieces)
    with pytest.raises(ValueError, match=r"target must be a token that the model knows, got '☃'"):
        Explainer(model, pieces).explain("the plot,", target="☃")


def test_a_token_classifier_is_explained_at_one_token(pieces):
    torch.manual_seed(0)
    config = hf.BertConfig(**_SIZE, **_FORWARD, num_labels=3)
    model = rough(hf.AutoModelForTokenClassification.from_config(config))
    explainer = Explainer(model, pieces)
    got = explainer.explain(SENTENCE, target="LABEL_2", contrast="LABEL_0", position=4)
    logits = said(model, pieces, SENTENCE)[4]
    assert got.score == pytest.approx(float(logits[2] - logits[0]), abs=1e-10)
    np.testing.assert_allclose(got.probabilities, logits.softmax(dim=0).numpy(), rtol=1e-10)
    assert got.converged.all() and got.pooled.tolist() == [t == 4 for t in range(len(got.tokens))]
    assert explainer.predict(SENTENCE, position=4)["label"][0] == f"LABEL_{int(logits.argmax())}"
    assert got.check(random=3).words == len(got.words)
    with pytest.raises(ValueError, match=r"position must say which .* are 0 \[CLS\], 1 The"):
        explainer.explain(SENTENCE)


@pytest.mark.parametrize("side", ["start", "end"])
def test_an_answer_is_explained_where_it_starts_and_ends(pieces, side):
    torch.manual_seed(0)
    config = hf.BertConfig(**_SIZE, **_FORWARD)
    model = rough(hf.AutoModelForQuestionAnswering.from_config(config))
    explainer = Explainer(model, pieces)
    got = explainer.explain(SENTENCE, target=side)
    with torch.no_grad():
        output = model(**pieces(SENTENCE, return_tensors="pt"))
    logits = output[f"{side}_logits"][0]
    best = int(logits[1:-1].argmax()) + 1
    p = float(logits.softmax(dim=0)[best])
    assert got.config["position"] == best
    assert got.target_name == side
    assert got.probabilities[got.target] == pytest.approx(p)
    assert got.score == pytest.approx(np.log(p / (1 - p)))
    assert got.converged.all()
    assert got.check(random=3).words == len(got.words)
    named = explainer.explain(SENTENCE, target=side, position=2)
    assert named.config["position"] == 2 and named.score != got.score


def test_an_answer_is_looked_for_in_the_passage(pieces):
    torch.manual_seed(0)
    config = hf.BertConfig(**_SIZE, **_FORWARD)
    model = rough(hf.AutoModelForQuestionAnswering.from_config(config))
    pair = {"question": "is the film good", "context": SENTENCE}
    got = Explainer(model, pieces).explain(pair, target="start")
    with torch.no_grad():
        logits = model(**pieces(*pair.values(), return_tensors="pt")).start_logits[0]
    at = got.config["position"]
    assert got.segment_ids[at] == 1
    assert logits[at] == logits[torch.from_numpy(got.segment_ids == 1)].max()
    assert got.probabilities[0] == pytest.approx(float(logits.softmax(dim=0)[at]))
    assert got.check(random=3).words == len(got.words)


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_causal_classifier_reads_its_last_token_whatever_side_is_padded(name, side):
    tokenizer = tiny_tokenizer(padding_side=side)
    torch.manual_seed(0)
    config = _CONFIGS[name](80)
    config.num_labels, config.pad_token_id = 3, 0
    model = rough(hf.AutoModelForSequenceClassification.from_config(config))
    explainer = Explainer(model, tokenizer)
    texts = [SENTENCE, "A bad film.", "It is not good, but it is not bad."]
    for text, got in zip(texts, explainer.explain(texts, target=1), strict=True):
        logits = said(model, tokenizer, text)
        assert got.score == pytest.approx(float(logits[1]), abs=1e-6)
        assert got.pooled.tolist() == [*[False] * (len(got.tokens) - 1), True]
        assert not np.triu(got.attention_relevance, 1).any()


def test_what_is_no_such_model_is_left_alone(pieces):
    config = hf.BertConfig(**_SIZE, **_FORWARD)
    model = hf.AutoModelForSequenceClassification.from_config(config)
    assert with_task_head(model) is model
    assert BlockModel(model).own is model


def test_from_a_folder(bytes_, gpt2, tmp_path):
    gpt2.float().save_pretrained(tmp_path)
    bytes_.save_pretrained(tmp_path)
    got = Explainer.from_pretrained(tmp_path, cache=False).explain(PROMPT, target=" are")
    assert got.target_name == "are" and got.config["model"] == "GPT2LMHeadModel"

    from calig_nb.cli import main

    assert main(["explain", PROMPT, "--model", str(tmp_path), "--target", " are"]) in (0, None)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("XLMForQuestionAnsweringSimple", AnswerSpan),
        ("LayoutLMv3ForQuestionAnswering", AnswerSpan),
        ("AlbertForQuestionAnswering", AnswerSpan),  # annotated as something else
        ("ViltForQuestionAnswering", None),
        ("BlipForQuestionAnswering", None),
        ("BertGenerationDecoder", NextToken),
        ("ReformerModelWithLMHead", NextToken),
        ("Gemma3ForConditionalGeneration", NextToken),
        ("BertForSequenceClassification", None),
    ],
)
def test_what_a_model_answers_is_seen_by_what_it_returns(name, head):
    kind = getattr(hf, name)
    assert task_of([base.__name__ for base in kind.__mro__], kind).head is head


@pytest.mark.bad_input
def test_answers_that_are_no_start_and_end_are_refused(tokenizer):
    config = hf.XLMConfig(vocab_size=80, emb_dim=16, n_layers=1, n_heads=2, pad_token_id=0)
    user = hf.XLMForQuestionAnswering(config).eval()
    with pytest.raises(ValueError, match=r"starts or ends there.* got \['start_top_log_probs'"):
        Explainer(user, tokenizer).explain({"text": "is it good?", "text_pair": SENTENCE})
