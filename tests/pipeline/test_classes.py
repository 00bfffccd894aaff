"""Exclusive or independent classes, or measured values; and what they are called."""

import json

import numpy as np
import pytest
import torch
import transformers as hf

import calig_nb as cn
from calig_nb import Explainer
from calig_nb._validation import distinct_names
from calig_nb.attribution.request import Target
from calig_nb.cli import _as_json, _as_table
from calig_nb.evaluation import metrics
from calig_nb.export.wording import of_one
from calig_nb.figures.parts.headline import contrast_name
from calig_nb.models.block_model import BlockModel
from calig_nb.widgets.wire import meta

from ..helpers.own_models import OwnClassifier
from ..helpers.zoo import SENTENCE, rough, tiny_model

LONG = " ".join([SENTENCE] * 7)
MULTI, VALUES = "multi_label_classification", "regression"


def built(tokenizer, n_labels, problem=None, names=None):
    model = tiny_model("bert", n_labels=n_labels)
    model.config.problem_type = problem
    if names:
        model.config.id2label = dict(enumerate(names))
    return Explainer(model, tokenizer, cache=False)


@pytest.fixture
def toxic(tokenizer):
    """Three labels, each of which holds or not."""
    return built(tokenizer, 3, MULTI, ["toxic", "rude", "funny"])


@pytest.fixture
def stars(tokenizer):
    """One value."""
    return built(tokenizer, 1, None, ["stars"])


def logits(explainer, text=SENTENCE, filler=None):
    ids = explainer.processor(text, return_tensors="pt")
    if filler is not None:
        ids["input_ids"][0, 1:-1] = filler
    with torch.no_grad():
        return explainer.model(**ids).logits[0].numpy()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def own_integral(model, ids, pad, score, nodes=128):
    """Integrated gradients of the embeddings' output, token by token; the model's own passes."""
    start = ids.clone()
    start[0, 1:-1] = pad
    h, low = (model.bert.embeddings(input_ids=one).detach() for one in (ids, start))
    points, weights = np.polynomial.legendre.leggauss(nodes)
    at, weights = (torch.from_numpy(v)[:, None, None] for v in ((points + 1) / 2, weights / 2))
    hidden = x = (low + at * (h - low)).requires_grad_()
    for block in model.bert.encoder.layer:
        left = block(hidden)
        hidden = left[0] if isinstance(left, tuple) else left
    scores = score(model.classifier(model.bert.pooler(hidden)))
    gradient = (weights * torch.autograd.grad(scores.sum(), x)[0]).sum(dim=0)
    return ((h - low)[0] * gradient).sum(dim=-1).numpy()


# --- independent classes ------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["logit", "margin", "log_odds", "prob"])
def test_each_output_of_an_independent_class_is_its_own(toxic, output):
    z, low = logits(toxic), logits(toxic, filler=0)
    f = sigmoid if output == "prob" else lambda z: z
    got = toxic.explain(SENTENCE, target="rude", output=output, tolerance=1e-6)
    assert got.score == pytest.approx(f(z)[1], abs=1e-12)
    assert got.baseline_score == pytest.approx(f(low)[1], abs=1e-12)
    assert got.converged.all() and got.classes == "independent"
    np.testing.assert_allclose(got.probabilities, sigmoid(z), atol=1e-12)
    assert not got.config["antisymmetric"]


def test_the_relevance_of_a_sigmoid_is_that_of_an_integral_by_hand(toxic):
    got = toxic.explain(SENTENCE, target="rude", output="prob", tolerance=1e-6)
    ids = toxic.processor(SENTENCE, return_tensors="pt")["input_ids"]
    expected = own_integral(toxic.model, ids, 0, lambda z: torch.sigmoid(z[:, 1]))
    np.testing.assert_allclose(got.layer_attributions[0], expected, atol=2e-6)


def test_two_independent_classes_are_not_each_others_opposite(tokenizer):
    two = built(tokenizer, 2, MULTI)
    margin = two.explain(SENTENCE, target=0, output="margin")
    assert margin.score == pytest.approx(logits(two)[0], abs=1e-12)
    assert margin.answer_sign(1, None) == 0 and not meta(margin)["antisymmetric"]
    assert contrast_name(margin, 0, None) == "not"
    exclusive = built(tokenizer, 2).explain(SENTENCE, target=0, output="margin")
    assert exclusive.answer_sign(1, None) == -1
    assert contrast_name(exclusive, 0, None) == "LABEL_1"


def test_start_and_end_of_an_answer_are_independent(tokenizer):
    torch.manual_seed(0)
    config = hf.BertConfig(
        vocab_size=80, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24,
    )  # fmt: skip
    explainer = Explainer(rough(hf.BertForQuestionAnswering(config)), tokenizer, cache=False)
    asked = {"text": "Is the film good?", "text_pair": SENTENCE}
    scores = {
        output: explainer.explain(asked, target="end", position=9, output=output).score
        for output in ("logit", "margin", "log_odds", "prob")
    }
    assert scores["margin"] == scores["log_odds"] == scores["logit"]
    assert scores["prob"] == pytest.approx(sigmoid(scores["logit"]))
    places = [explainer.explain(asked, target=name).config["position"] for name in ("end", "END")]
    assert places[0] == places[1]
    with pytest.raises(ValueError, match=r"labels must be left out .* start and end"):
        Explainer(explainer.model, tokenizer, labels=["a", "b"])


def test_one_logit_that_says_yes_or_no(tokenizer):
    yes = built(tokenizer, 1, MULTI, ["spam"])
    z = logits(yes)
    got = yes.explain(SENTENCE, output="prob")
    assert got.score == pytest.approx(sigmoid(z)[0], abs=1e-12)
    assert yes.predict(SENTENCE).loc[0, "spam"] == pytest.approx(sigmoid(z)[0], abs=1e-12)
    assert of_one(got).heading == f"The model gives spam {100 * sigmoid(z)[0]:.1f} %"


def test_a_check_of_two_independent_classes_speaks_of_their_scores(toxic):
    alone = toxic.explain(SENTENCE, target="toxic").check(random=3)
    assert alone.unit == "probability" and "the probability of toxic" in alone.text
    both = toxic.explain(SENTENCE, target="toxic", contrast="rude").check(random=3)
    assert both.unit == "score" and "the score of toxic rather than rude" in both.text


@pytest.mark.parametrize("problem", [MULTI, VALUES])
def test_answers_at_every_token_stay_exclusive_whatever_an_old_configuration_says(
    tokenizer, problem
):
    torch.manual_seed(0)
    config = hf.BertConfig(
        vocab_size=80, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, num_labels=3, problem_type=problem,
    )  # fmt: skip
    explainer = Explainer(rough(hf.BertForTokenClassification(config)), tokenizer, cache=False)
    assert explainer.explain(SENTENCE, position=2).probabilities.sum() == pytest.approx(1)
    config = hf.GPT2Config(
        vocab_size=80, n_embd=16, n_layer=2, n_head=2, problem_type=problem, num_labels=1
    )
    explainer = Explainer(rough(hf.GPT2LMHeadModel(config)), tokenizer, cache=False)
    assert explainer.explain(SENTENCE).probabilities.sum() == pytest.approx(1)
    assert explainer.labels == ()


# --- measured values ----------------------------------------------------------------------------


def test_a_value_is_spoken_of_in_its_own_unit(stars, capsys):
    value = logits(stars)[0]
    got = stars.explain(SENTENCE)
    assert got.score == pytest.approx(value, abs=1e-12)
    assert got.probabilities.tolist() == pytest.approx([value], abs=1e-12)
    assert (got.target_name, got.answer, got.classes) == ("stars", "stars", "measured")
    table = stars.predict([SENTENCE])
    assert list(table.columns) == ["text", "stars"]
    assert table.loc[0, "stars"] == pytest.approx(value, abs=1e-12)
    sent = meta(got)
    assert sent["said"] == [f"{value:+.2f}".replace("-", "−")] and sent["classes"] == "measured"
    assert of_one(got).heading.startswith("The model gives stars a score of")
    assert contrast_name(got, 0, None) == "the baseline"
    _as_table(got, [])
    _as_json(got, [])
    printed = capsys.readouterr().out
    assert f"stars: {value:.4g}; score" in printed and "%" not in printed
    assert json.loads(printed[printed.index("{") :])["values"]["stars"] == pytest.approx(value)


def test_a_value_of_a_document_is_the_mean_of_its_windows(stars):
    got = stars.explain(LONG, n_steps=4)
    assert got.config["windows"] > 2
    assert got.probabilities[0] == pytest.approx(got.score, abs=1e-9)
    assert stars.predict([LONG]).loc[0, "stars"] == pytest.approx(got.score, abs=1e-9)


def test_a_check_of_a_value_falls_in_its_own_unit(stars):
    stars.model.classifier.weight.data.mul_(50)  # a sigmoid would be saturated
    got = stars.explain(SENTENCE)
    found = got.check(random=4)
    frame = got.to_frame("word")
    scores = frame[~frame["special"]]["attributions"].to_numpy()
    words = [unit.tokens for unit in got.units("word") if not unit.special]
    ids = stars.processor(SENTENCE, return_tensors="pt")["input_ids"][0].tolist()
    fell = []
    for row in metrics.deletions(scores)[: len(metrics.SHARES)]:
        gone = {t for w in np.flatnonzero(row) for t in words[w]}
        kept = torch.tensor([[i for t, i in enumerate(ids) if t not in gone]])
        with torch.no_grad():
            left = stars.model(kept, torch.ones_like(kept)).logits[0, 0].item()
        fell.append(got.score - left)
    assert found.comprehensiveness == pytest.approx(np.mean(fell), rel=1e-9)
    assert abs(found.comprehensiveness) > 0.5, "where a probability would not move"
    assert "the score of stars falls by" in found.text
    assert "probability" not in found.text and "log-odds" not in found.text
    assert found.unit == "score" and found.to_dict()["unit"] == "score"


def test_an_evaluation_of_a_value_is_in_its_own_unit(stars):
    stars.model.classifier.weight.data.mul_(50)
    found = cn.evaluate(stars, [SENTENCE], methods=["ca-lig"])
    row = found.table.loc["ca-lig"]
    own = stars.explain(SENTENCE).check(random=2)
    assert row["comprehensiveness", "mean"] == pytest.approx(own.comprehensiveness, rel=1e-6)
    assert np.isnan(row["log_odds", "mean"])
    assert abs(row["deletion_auc", "mean"]) > 1
    assert found.config["classes"] == "measured"


@pytest.mark.bad_input
@pytest.mark.parametrize("output", ["margin", "log_odds", "prob"])
def test_a_value_has_no_probability(stars, output):
    with pytest.raises(ValueError, match="output must be 'logit', the value itself, for a model"):
        stars.explain(SENTENCE, output=output)


@pytest.mark.bad_input
def test_of_several_values_none_is_the_predicted_one(tokenizer):
    several = built(tokenizer, 3, VALUES, ["joy", "fear", "anger"])
    for text in (SENTENCE, LONG):
        with pytest.raises(ValueError, match=r"target must name one of .*'fear'.*measures all"):
            several.explain(text)
    z = logits(several)
    got = several.explain(SENTENCE, target="fear", contrast="joy")
    assert got.score == pytest.approx(z[1] - z[0], abs=1e-12)
    np.testing.assert_allclose(got.probabilities, z, atol=1e-12)
    assert several.predict(SENTENCE).loc[0, "anger"] == pytest.approx(z[2], abs=1e-12)
    every = several.explain(SENTENCE, target=["joy", "anger"])
    assert cn.by_class(every).said == (meta(every[0])["said"][0], meta(every[1])["said"][2])


def test_a_model_of_ones_own_with_one_output_measures(tokenizer):
    torch.manual_seed(0)
    model = OwnClassifier()
    model.head = torch.nn.Linear(8, 1)
    explainer = Explainer(rough(model), tokenizer, labels=["price"], cache=False)
    got = explainer.explain(SENTENCE)
    assert got.probabilities[0] == got.score and got.target_name == "price"


def test_scores_of_each_kind_of_class():
    z = torch.randn(4, 3, dtype=torch.float64)
    for output in ("logit", "margin", "log_odds"):
        torch.testing.assert_close(Target(1, None, output, "independent").score(z), z[:, 1])
        assert Target(1, None, output, "independent").is_linear(3)
    prob = Target(1, None, "prob", "independent")
    torch.testing.assert_close(prob.score(z), torch.sigmoid(z[:, 1]))
    assert not prob.is_linear(3)
    assert not Target(0, None, "log_odds", "independent").is_antisymmetric(2)
    assert Target(0, 1, "logit", "independent").is_antisymmetric(2)


# --- names --------------------------------------------------------------------------------------

GRADES = ["bad", "so-so", "good"]
NAMED = {
    "string keys": {"id2label": {"0": "bad", "1": "so-so", "2": "good"}},
    "whole numbers": {"id2label": {0: "bad", 1: "so-so", 2: "good"}},
    "NumPy's numbers": {"id2label": {np.int64(i): n for i, n in enumerate(GRADES)}},
    "a list": {"id2label": ["bad", "so-so", "good"]},
    "a tuple": {"id2label": ("bad", "so-so", "good")},
    "the other way round": {"id2label": None, "label2id": {"good": 2, "bad": 0, "so-so": 1}},
}


@pytest.mark.parametrize("form", NAMED)
def test_names_are_read_in_every_form(tokenizer, form):
    model = tiny_model("bert")
    vars(model.config).update(NAMED[form])
    explainer = Explainer(model, tokenizer, cache=False)
    assert explainer.labels == ("bad", "so-so", "good")
    got = explainer.explain(SENTENCE, target="so-so", n_steps=2)
    assert (got.target, got.labels) == (1, ("bad", "so-so", "good"))
    assert list(explainer.predict(SENTENCE))[2:] == ["bad", "so-so", "good"]


def test_a_configuration_may_be_a_mapping(tokenizer):
    torch.manual_seed(0)
    model = rough(OwnClassifier())
    model.config = {"id2label": {"0": "no", "1": "yes"}, "problem_type": MULTI}
    got = Explainer(model, tokenizer, cache=False).explain(SENTENCE, target="yes", n_steps=2)
    assert got.target == 1 and got.classes == "independent"


def test_a_module_without_a_configuration_can_be_given_names(tokenizer, tmp_path):
    torch.manual_seed(0)
    model = rough(OwnClassifier())
    for labels in (["no", "yes"], {0: "no", "1": "yes"}):
        explainer = Explainer(model, tokenizer, labels=labels, cache=tmp_path)
        assert explainer.labels == ("no", "yes")
        assert explainer.explain(SENTENCE, target="yes").labels == ("no", "yes")
    other = Explainer(model, tokenizer, labels=["nein", "ja"], cache=tmp_path)
    assert other.explain(SENTENCE, target=1).target_name == "ja", "and not what the cache has"
    renamed = Explainer(tiny_model("bert"), tokenizer, labels=["a", "b", "c"], cache=False)
    assert renamed.predict(SENTENCE).loc[0, "label"] in "abc"
    assert renamed.with_model(BlockModel(tiny_model("bert"))).labels[0] == "LABEL_0"


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["no"], ValueError, r"labels must name each of the model's 2 classes, got 1: \['no'\]"),
        (["a", "b", "c"], ValueError, "each of the model's 2 classes, got 3"),
        ({0: "a", 2: "b"}, ValueError, "each of the model's 2 classes, got 2"),
        ("ab", TypeError, "labels must be a list of the classes' names.* got 'ab'"),
        (3, TypeError, "labels must be a list of the classes' names.* got 3"),
        ({"no": 0}, ValueError, "labels must have the numbers of classes as its keys.* got 'no'"),
        ({-1: "no"}, ValueError, "as its keys, 0, 1 and so on, got -1"),
    ],
)
def test_names_that_do_not_fit_are_refused(tokenizer, labels, error, message):
    with pytest.raises(error, match=message):
        Explainer(rough(OwnClassifier()), tokenizer, labels=labels, cache=False).explain(SENTENCE)


@pytest.mark.bad_input
def test_names_that_cannot_be_read_say_what_to_do(tokenizer):
    model = tiny_model("bert")
    model.config.id2label = {"bad": "0"}
    with pytest.raises(ValueError, match=r"model.config.id2label must .* labels=\[...\]"):
        Explainer(model, tokenizer, cache=False).predict(SENTENCE)


def test_two_classes_of_one_name_are_told_apart(tokenizer):
    twice = built(tokenizer, 3, None, ["x", "y", "x"])
    assert twice.labels == ("x (0)", "y", "x (2)")
    table = twice.predict(SENTENCE)
    assert list(table.columns) == ["text", "label", "x (0)", "y", "x (2)"]
    p = torch.softmax(torch.from_numpy(logits(twice)), dim=0).numpy()
    np.testing.assert_allclose(table.iloc[0, 2:].to_numpy(dtype=float), p)
    with pytest.raises(ValueError, match=r"target must be one of \['x \(0\)', 'y', 'x \(2\)'\]"):
        twice.explain(SENTENCE, target="x")
    assert twice.explain(SENTENCE, target="x (2)", n_steps=2).target == 2


def test_a_class_may_be_called_as_a_column(tokenizer):
    columns = built(tokenizer, 3, None, ["text", "label", "text (0)"])
    table = columns.predict(SENTENCE)
    assert table.loc[0, "text"] == SENTENCE
    assert table.loc[0, "label"] in ("text", "label", "text (0)")
    assert len(set(table.columns)) == 5
    assert table.iloc[0, 2:].sum() == pytest.approx(1)
    pair = columns.predict([{"text": "Good?", "text_pair": "Bad."}])
    assert pair.loc[0, ["text", "text_pair"]].tolist() == ["Good?", "Bad."] and pair.shape[1] == 6
    named = built(tokenizer, 3, None, ["word", "supports", "z"])
    every = named.explain(SENTENCE, target=["word", "supports"], n_steps=2)
    frame = cn.by_class(every, "word").to_frame()
    assert list(frame) == ["word", "word (0)", "supports (1)", "supports"]


def test_numbers_behind_names_make_them_distinct():
    assert distinct_names(["a", "b"]) == ("a", "b")
    assert distinct_names(["a", "a"]) == ("a (0)", "a (1)")
    assert distinct_names(["a", "b"], {"a"}) == ("a (0)", "b")
    assert distinct_names(["a", "a", "a (0)"]) == ("a (0)", "a (1)", "a (0) (2)")


def test_names_that_differ_in_their_case_alone_are_both_known(tokenizer):
    cased = built(tokenizer, 3, None, ["Yes", "yes", "no"])
    assert cased.explain(SENTENCE, target="yes", n_steps=2).target == 1
    with pytest.raises(ValueError, match="target must be one of"):
        cased.explain(SENTENCE, target="YES")
