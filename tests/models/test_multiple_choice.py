"""Multiple choice: why this choice; against the models themselves."""

import json

import numpy as np
import pytest
import torch
import transformers as hf

import calig_nb as cn
from calig_nb import Explainer

from ..helpers.documented import run_documented
from ..helpers.hooked_path import layer_attributions
from ..helpers.masked_tokenizers import TOKENIZERS, without_offsets
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import _FORWARD, _SIZE, rough

pytestmark = pytest.mark.sampled(3)

QUESTION = {
    "text": "The plot is thin.",
    "choices": ["The film is not good.", "But the acting is superb.", "A bad film."],
}
_ROBERTA = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
_DEBERTA = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
_MODERN = {"local_attention": 4, "global_attn_every_n_layers": 2}
_MODERN |= {f"{n}_token_id": i for n, i in (("pad", 0), ("cls", 2), ("sep", 3), ("bos", 2))}
MODELS = {
    "bert": (hf.BertForMultipleChoice, hf.BertConfig, "##", "BertLayer", {}),
    "roberta": (hf.RobertaForMultipleChoice, hf.RobertaConfig, "Ġ", "RobertaLayer", _ROBERTA),
    "xlm-r": (
        hf.XLMRobertaForMultipleChoice, hf.XLMRobertaConfig, "▁", "XLMRobertaLayer", _ROBERTA
    ),
    "albert": (
        hf.AlbertForMultipleChoice, hf.AlbertConfig, "##", "AlbertLayer", {"embedding_size": 8}
    ),
    "electra": (
        hf.ElectraForMultipleChoice, hf.ElectraConfig, "##", "ElectraLayer", {"embedding_size": 8}
    ),
    "deberta-v2": (
        hf.DebertaV2ForMultipleChoice, hf.DebertaV2Config, "##", "DebertaV2Layer", _DEBERTA
    ),
    "modernbert": (
        hf.ModernBertForMultipleChoice, hf.ModernBertConfig, "##", "ModernBertEncoderLayer",
        _MODERN,
    ),
    "distilbert": (
        hf.DistilBertForMultipleChoice, hf.DistilBertConfig, "##", "TransformerBlock",
        {"hidden_dim": 24},
    ),
    "mpnet": (hf.MPNetForMultipleChoice, hf.MPNetConfig, "Ġ", "MPNetLayer", _ROBERTA),
}  # fmt: skip
"""The model's class, its configuration's, the tokenizer, the blocks' class, and options."""
KEEPS_POSITIONS = ("roberta", "xlm-r", "mpnet")


@pytest.fixture(scope="module")
def tokenizers():
    return {name: made() for name, made in TOKENIZERS.items()}


def choosing_model(name, tokenizer):
    """A random multiple-choice model, nothing in it nearly linear."""
    torch.manual_seed(0)
    model, config, _, _, more = MODELS[name]
    return rough(model(config(**{**_SIZE, **_FORWARD, "vocab_size": len(tokenizer), **more})))


def fitting(name, tokenizer):
    """As this model takes them: without the types of pairs where it knows none."""
    if name == "distilbert":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


@pytest.fixture(scope="module", params=MODELS)
def choosing(request):
    tokenizer = fitting(request.param, TOKENIZERS[MODELS[request.param][2]]())
    return request.param, choosing_model(request.param, tokenizer), tokenizer


@pytest.fixture(scope="module")
def bert(tokenizers):
    return choosing_model("bert", tokenizers["##"]), tokenizers["##"]


def own_logits(model, tokenizer, question=QUESTION):
    """The model's own logits of all choices, padded to one length, in one call."""
    pairs = [question["text"]] * len(question["choices"]), question["choices"]
    encoded = tokenizer(*pairs, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**{name: value[None] for name, value in encoded.items()}).logits[0]


@pytest.mark.parametrize("target", [None, 2])
def test_score_and_probabilities_are_the_models_own(choosing, target):
    _, model, tokenizer = choosing
    before = state_of(model)
    got = Explainer(model, tokenizer).explain(QUESTION, target=target)
    logits = own_logits(model, tokenizer)
    best = int(logits.argmax()) if target is None else target
    assert got.labels == (*QUESTION["choices"],) and got.target == best
    assert got.score == pytest.approx(float(logits[best]), rel=1e-5)
    np.testing.assert_allclose(got.probabilities, logits.softmax(dim=0).numpy(), rtol=1e-5)
    assert got.inputs == QUESTION
    assert got.text == f"{QUESTION['text']}\n{QUESTION['choices'][best]}"
    assert {*got.segment_ids.tolist()} == {-1, 0, 1}
    assert_unchanged(model, before)


def test_every_layer_is_integrated_gradients_by_hooks(choosing):
    name, model, tokenizer = choosing
    got = Explainer(model, tokenizer).explain(QUESTION, target=1, tolerance=1e-4)
    encoded = tokenizer(QUESTION["text"], QUESTION["choices"][1], return_tensors="pt")
    ids = encoded.pop("input_ids")
    kept = [i for i in tokenizer.all_special_ids if i != tokenizer.unk_token_id]
    special = torch.isin(ids, torch.tensor(kept))
    baseline = torch.where(special, ids, tokenizer.pad_token_id)
    if name in KEEPS_POSITIONS:
        encoded["position_ids"] = 2 + torch.arange(ids.shape[1])[None]

    def run(ids, rows):
        given = {key: value.expand(rows, -1)[:, None] for key, value in encoded.items()}
        return model(input_ids=ids.expand(rows, -1)[:, None], **given).logits[:, 0]

    blocks = [m for m in model.modules() if type(m).__name__ == MODELS[name][3]]
    expected = layer_attributions(
        blocks, 3, lambda rows: run(ids, rows), lambda rows: run(baseline, rows)
    )
    assert got.converged.all()
    for row, wanted in zip(got.layer_attributions, expected, strict=True):
        np.testing.assert_allclose(row, wanted, atol=2e-4 * np.abs(wanted).sum())
    assert got.baseline_score == pytest.approx(run(baseline, 1).item(), rel=1e-5)


def test_the_others_are_held(bert):
    model, tokenizer = bert
    explainer, logits = Explainer(model, tokenizer), own_logits(*bert)
    alone = explainer.explain(QUESTION, target=0)
    against = explainer.explain(QUESTION, target=0, contrast=2)
    assert against.score == pytest.approx(float(logits[0] - logits[2]))
    assert against.baseline_score == pytest.approx(alone.baseline_score - float(logits[2]))
    np.testing.assert_allclose(against.layer_attributions, alone.layer_attributions, atol=1e-9)
    sure = explainer.explain(QUESTION, target=0, output="prob")
    p = float(logits.softmax(dim=0)[0])
    below = logits.clone()
    below[0] = alone.baseline_score
    assert sure.score == pytest.approx(p)
    assert sure.baseline_score == pytest.approx(float(below.softmax(dim=0)[0]))
    margin = explainer.explain(QUESTION, target=0, output="margin")
    assert margin.score == pytest.approx(float(logits[0] - logits[1:].mean()))
    assert "the other choices held" in cn.explanation.summary.recipe(alone.config)


def test_each_choice_is_explained_by_its_own_text(bert):
    explainer = Explainer(*bert)
    every = explainer.explain(QUESTION, target=[1, "A bad film.", 0], contrast=None)
    for got, number in zip(every, (1, 2, 0), strict=True):
        assert got.target == number and got.text.endswith(QUESTION["choices"][number])
        alone = explainer.explain(QUESTION, target=number)
        np.testing.assert_allclose(got.layer_attributions, alone.layer_attributions, atol=1e-9)
    asked = every[0].ask(2)
    assert asked.text == every[1].text and asked.labels == every[0].labels
    np.testing.assert_allclose(asked.layer_attributions, every[1].layer_attributions, atol=1e-9)
    assert asked.heads(0).shape[1] == len(asked.tokens)
    assert every[0].answer_sign(0, None) == 0


def test_two_choices_are_compared(bert):
    one, other = Explainer(*bert).explain(QUESTION, target=[0, 2])
    view = cn.Comparison([one, other])
    table = view.to_frame()
    prompt = list(one.words[:5])
    assert table.iloc[1:6, 0].tolist() == prompt, "what both read stands side by side"
    elsewhere = Explainer(*bert).explain({**QUESTION, "text": "A film."}, target=1)
    with pytest.raises(ValueError, match="must be explained for the same class"):
        cn.Comparison([one, elsewhere])
    with pytest.raises(ValueError, match="explanations must all be of one text"):
        cn.by_class([one, other])


def test_two_choices_are_no_mirror_of_each_other(bert):
    question = {**QUESTION, "choices": QUESTION["choices"][:2]}
    got = Explainer(*bert).explain(question, target=0, contrast=1)
    assert got.answer_sign(1, 0) == 0
    turned = got.ask(1, 0)
    assert turned.text.endswith(question["choices"][1])


def test_questions_share_passes_whatever_they_offer(bert):
    model, tokenizer = bert
    explainer = Explainer(model, tokenizer)
    questions = [
        QUESTION,
        {"text": "The acting is bad.", "choices": ["A film", "The plot"]},
        {"text": "It is good.", "choices": ["The film is bad.", "The film is thin.", "but not it"]},
    ]
    for question, got in zip(questions, explainer.explain(questions), strict=True):
        alone = explainer.explain(question)
        assert got.labels == (*question["choices"],) and got.text == alone.text
        np.testing.assert_allclose(got.layer_attributions, alone.layer_attributions, atol=1e-7)
    several = explainer.explain(questions[:2], target=[0, 1])
    assert [[one.target for one in some] for some in several] == [[0, 1], [0, 1]]
    table = explainer.predict(questions)
    assert table["label"].tolist() == [
        question["choices"][int(own_logits(model, tokenizer, question).argmax())]
        for question in questions
    ]
    found = cn.evaluate(explainer, questions, targets=[0, None, 2], methods=["ca-lig"])
    assert (found.targets[0], found.targets[2]) == ("The film is not good.", "but not it")
    assert found.table["comprehensiveness", "mean"].notna().all()
    sanity = cn.sanity(explainer, questions, methods=["ig"], progress=False)
    assert np.isnan(sanity.other_class).all() and np.nanmax(sanity.changes) < 1e-6


def test_what_is_kept_is_of_the_same_question(bert, tmp_path):
    explainer = Explainer(*bert, cache=tmp_path)
    got = explainer.explain(QUESTION, target=2)
    got.save(tmp_path / "one.safetensors")
    kept = cn.load(tmp_path / "one.safetensors")
    assert kept.inputs == QUESTION and kept.config == got.config
    check = kept.check(explainer, random=5)
    assert check.target == "A bad film." and check.words == len(got.words)
    assert json.dumps(check.to_dict())
    # The same pair, beside another choice: other probabilities.
    other = {**QUESTION, "choices": [*QUESTION["choices"][1:], "good"]}
    asked = explainer.explain(other, target="A bad film.")
    assert asked.text == got.text and asked.labels != got.labels
    assert asked.probabilities[asked.target] != got.probabilities[got.target]
    explainer.engine.model.forward = None  # nothing may be computed
    again = explainer.explain(QUESTION, target=2)
    np.testing.assert_array_equal(again.layer_attributions, got.layer_attributions)


def test_long_choices_are_cut_where_they_are_names(bert):
    long = "the film is not good, but it is not bad, and the acting is superb, but the plot is"
    question = {"text": "A", "choices": [f"{long} thin", f"{long} un"]}
    got = Explainer(bert[0], TOKENIZERS["##"]()).explain(question, target=f"{long} un")
    assert got.target == 1 and max(map(len, got.labels)) < 90 and len({*got.labels}) == 2
    assert got.inputs == question


def test_other_methods_and_layer_weights(bert):
    explainer = Explainer(*bert)
    for method in ("ig", "occlusion", "attention-rollout", "conservative"):
        assert explainer.explain(QUESTION, method=method).attributions.any()
    with pytest.warns(UserWarning, match="estimated from 2 texts only"):
        weights = explainer.calibrate([QUESTION, {**QUESTION, "text": "A film."}])
    np.testing.assert_array_equal(explainer.explain(QUESTION).layer_weights, weights)


def test_what_the_docs_ask_is_answered(bert):
    first, named, compared = run_documented("Multiple choice", Explainer(*bert))
    assert first.labels == ("The film is bad.", "But it is superb.")
    assert (named.target, named.contrast) == (1, 0)
    assert len(compared.explanations) == 2


def test_from_a_folder(bert, tmp_path, capsys):
    for part in bert:
        part.save_pretrained(tmp_path)
    explainer = Explainer.from_pretrained(tmp_path, cache=False, dtype=torch.float64)
    got = explainer.explain(QUESTION, target="A bad film.")
    assert got.config["model"] == "BertForMultipleChoice"
    assert explainer.blocks[0] == "bert.encoder.layer.0"

    from calig_nb.cli import main

    named = [part for one in QUESTION["choices"] for part in ("--choice", one)]
    options = ["--model", str(tmp_path), "--target", "1", "--json"]
    assert main(["explain", QUESTION["text"], *named, *options]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == QUESTION["choices"][1]


class Meeting(hf.BertForMultipleChoice):
    """Choices that see each other: each loses the mean of all."""

    def forward(self, *args, **kwargs):
        output = super().forward(*args, **kwargs)
        output.logits = output.logits - 0.5 * output.logits.mean(dim=1, keepdim=True)
        return output


class Doubled(hf.BertForMultipleChoice):
    """Two logits a choice."""

    def forward(self, *args, **kwargs):
        output = super().forward(*args, **kwargs)
        output.logits = torch.stack([output.logits, output.logits], dim=-1)
        return output


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("kind", "message"),
    [(Meeting, "the same logit whatever the others are"), (Doubled, "every choice one logit")],
)
def test_choices_that_meet_are_refused(tokenizers, kind, message):
    torch.manual_seed(0)
    tokenizer = tokenizers["##"]
    model = rough(kind(hf.BertConfig(**{**_SIZE, **_FORWARD, "vocab_size": len(tokenizer)})))
    with pytest.raises(ValueError, match=message):
        Explainer(model, tokenizer).explain(QUESTION)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("question", "asked", "error", "message"),
    [
        ("a film", {}, TypeError, r"a question and its choices for this model, \{'text': …,"),
        ({"text": "a", "text_pair": "b"}, {}, TypeError, r"got the keys \['text', 'text_pair'\]"),
        ({"text": "a", "choices": "bc"}, {}, TypeError, r"inputs\['choices'\] must be a list of t"),
        ({"text": "a", "choices": ["b"]}, {}, ValueError, "at least two different texts, got"),
        ({"text": "a", "choices": ["b", "b"]}, {}, ValueError, "at least two different texts"),
        ({"text": "a", "choices": ["b", ""]}, {}, ValueError, r"inputs\['choices'\]\[1\] must hol"),
        ({"text": "a", "choices": ["b", 3]}, {}, TypeError, r"inputs\['choices'\]\[1\] must be a"),
        ({"text": " ", "choices": ["b", "c"]}, {}, ValueError, r"inputs\['text'\] must hold"),
        (QUESTION, {"target": "none"}, ValueError, r"target must be one of the choices \['The f"),
        (QUESTION, {"target": 3}, ValueError, r"or its number, 0 to 2, got 3"),
        (QUESTION, {"target": True}, ValueError, r"or its number, 0 to 2, got True"),
        (QUESTION, {"contrast": 1.5}, ValueError, r"contrast must be one of the choices"),
        (QUESTION, {"target": 0, "contrast": 0}, ValueError, "contrast must differ from target"),
        (QUESTION, {"position": 1}, ValueError, "position is for models that answer at every"),
        ({"text": "a " * 50, "choices": ["b", "c"]}, {}, ValueError, "must have at most 48 tokens"),
    ],
)
def test_a_bad_question_is_refused(bert, question, asked, error, message):
    with pytest.raises(error, match=message):
        Explainer(*bert).explain(question, **asked)


@pytest.mark.bad_input
def test_a_bad_question_in_a_list_is_named(bert):
    with pytest.raises(TypeError, match=r"inputs\[1\] must be a question and its choices"):
        Explainer(*bert).explain([QUESTION, "a film"])


def test_a_tokenizer_that_tells_no_offsets(bert):
    model, tokenizer = bert
    expected = Explainer(model, tokenizer).explain(QUESTION)
    got = Explainer(model, without_offsets(tokenizer)).explain(QUESTION)
    assert got.inputs["choices"] == QUESTION["choices"]
    np.testing.assert_allclose(got.layer_attributions, expected.layer_attributions, atol=1e-9)
