"""A check of one explanation: its numbers by hand, its words, and whose model it was."""

import dataclasses
import json

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.evaluation import metrics
from calig_nb.evaluation.check import Check, check
from calig_nb.explanation.fusion import Fusion

from ..helpers.zoo import SENTENCE, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def demo():
    explainer = cn.load_demo("sentiment")
    explainer.cache = None
    return explainer


@pytest.fixture(scope="module")
def explained(demo):
    return demo.explain("The plot is thin and the jokes are old, but the acting is superb.")


@pytest.fixture(scope="module")
def checked(demo, explained):
    return explained.check(demo)


def turned(explanation):
    """The same explanation with every sign turned around."""
    return dataclasses.replace(
        explanation,
        layer_attributions=-explanation.layer_attributions,
        attention_relevance=-explanation.attention_relevance,
        score=-explanation.score,
        baseline_scores=-explanation.baseline_scores,
    )


def test_its_numbers_are_those_of_an_evaluation(demo, explained, checked):
    table = cn.evaluate(demo, [explained.text], methods=["ca-lig"]).table.loc["ca-lig"]
    assert checked.comprehensiveness == pytest.approx(table["comprehensiveness", "mean"], rel=1e-6)
    assert checked.opposers_gain == pytest.approx(table["opposers_gain", "mean"], rel=1e-6)
    masked = cn.evaluate(demo, [explained.text], methods=["ca-lig"], deletion="mask").table
    own = explained.check(demo, deletion="mask")
    expected = masked.loc["ca-lig"]["comprehensiveness", "mean"]
    assert own.comprehensiveness == pytest.approx(expected, rel=1e-6)


def test_a_good_explanation_holds_and_says_so(explained, checked):
    assert checked.holds and checked.converged
    assert checked.comprehensiveness_rank > 0.95 and checked.opposers_rank > 0.95
    change = explained.score - explained.baseline_score
    worst = np.abs(explained.convergence_delta).max() / abs(change)
    assert checked.worst_delta == pytest.approx(worst) and worst < 0.01
    for said in (
        "This explanation holds.",
        "Every layer sums to the change of the score",
        "the probability of positive falls by",
        "the log-odds rise, as they should, by",
        "of 100 random maps",
    ):
        assert said in checked.text


def test_the_same_turned_upside_down_does_not(demo, explained, monkeypatch):
    wrong = turned(explained)
    # a map that no model gave would be refused before it is checked
    monkeypatch.setattr("calig_nb.evaluation.check._refuse_another_model", lambda *_: None)
    found = check(wrong, demo)
    assert not found.holds
    assert found.comprehensiveness_rank < 0.1 and found.opposers_rank < 0.1
    assert "not clearly better than chance" in found.text
    assert "fall, where they should rise, by" in found.text


@pytest.mark.full
def test_chance_is_chance(demo):
    """Checked against itself, a random map stands anywhere among random maps."""
    explanation = demo.explain("The jokes are old, but the acting is superb.")
    rng, ranks = np.random.default_rng(0), []
    for _ in range(16):
        noise = rng.standard_normal(explanation.layer_attributions.shape)
        map_ = dataclasses.replace(
            explanation, layer_attributions=noise, fusion=Fusion(lam=1.0),
            baseline_scores=np.zeros(len(noise)),
        )  # fmt: skip
        ranks.append(map_.check(demo, random=25).comprehensiveness_rank)
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.2)
    assert min(ranks) < 0.35 and max(ranks) > 0.65


def test_it_is_plain_values_and_frozen(checked):
    again = json.loads(json.dumps(checked.to_dict()))
    assert again.pop("text") == checked.text and again.pop("holds") is True
    assert Check(**again) == checked
    with pytest.raises(dataclasses.FrozenInstanceError):
        checked.words = 3
    assert repr(checked) == f"Check({checked.text})"


def test_the_same_seed_gives_the_same_check(demo, explained, checked):
    assert explained.check(demo) == checked
    other = explained.check(demo, seed=1)
    assert other.comprehensiveness == pytest.approx(checked.comprehensiveness, rel=1e-5)
    assert other.comprehensiveness_random != checked.comprehensiveness_random


def test_no_text_is_scored_twice(demo, explained, monkeypatch):
    seen = []
    inner = type(demo.engine.model).predict
    monkeypatch.setattr(
        type(demo.engine.model),
        "predict",
        lambda self, rows: (seen.append(rows), inner(self, rows))[1],
    )
    explained.check(demo)
    rows = [
        tuple(i for i, m in zip(ids, mask) if m)
        for batch in seen[2:]  # before these the explainer is told from others, padding tried
        for ids, mask in zip(batch["input_ids"].tolist(), batch["attention_mask"].tolist())
    ]
    assert len(rows) - len(set(rows)) <= 3


def test_without_opposers_it_says_so(demo):
    explanation = demo.explain("The film is wonderful.")
    positive = dataclasses.replace(
        explanation,
        layer_attributions=np.abs(explanation.layer_attributions),
        attention_relevance=np.abs(explanation.attention_relevance),
    )
    found = positive.check(demo)
    assert found.opposers == 0 and found.opposers_gain is None and found.opposers_rank is None
    assert "It names no words that oppose." in found.text


def test_an_unfinished_integral_is_told(demo, explained):
    converged = np.array([False, *explained.converged[1:]])
    found = dataclasses.replace(explained, converged=converged).check(demo)
    assert not found.holds and "not finished" in found.text


def test_a_method_that_sums_to_nothing_has_no_delta(demo, explained):
    none = np.full(len(explained.baseline_scores), np.nan)
    found = dataclasses.replace(explained, baseline_scores=none).check(demo)
    assert found.worst_delta is None and "Every layer sums" not in found.text
    config = {**explained.config, "baselines": "none"}
    assert dataclasses.replace(explained, config=config).check(demo).worst_delta is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_contrast_is_checked_against_the_other_class(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    explanation = explainer.explain(SENTENCE, target=0, contrast=2)
    found = explanation.check(explainer, random=5)
    assert found.target == "LABEL_0 rather than LABEL_2"
    model = explainer.engine.model.model
    ids = tokenizer(SENTENCE, return_tensors="pt")
    with torch.no_grad():
        z = model(**ids).logits[0].double().numpy()
    frame = explanation.to_frame("word")
    scores = frame[~frame["special"]]["attributions"].to_numpy()
    words = [u.tokens for u in explanation.units("word") if not u.special]
    p, fell = 1 / (1 + np.exp(z[2] - z[0])), []
    for row in metrics.deletions(scores)[:5]:
        gone = {t for w in np.flatnonzero(row) for t in words[w]}
        kept = [i for t, i in enumerate(ids["input_ids"][0].tolist()) if t not in gone]
        with torch.no_grad():
            y = model(torch.tensor([kept]), torch.ones(1, len(kept)).long()).logits[0].double()
        fell.append(p - 1 / (1 + np.exp(float(y[2] - y[0]))))
    assert found.comprehensiveness == pytest.approx(np.mean(fell), rel=1e-6)


def test_a_saved_explanation_can_be_checked(demo, explained, checked, tmp_path):
    explained.save(tmp_path / "one.safetensors")
    assert cn.load(tmp_path / "one.safetensors").check(demo) == checked


def test_an_explanation_knows_who_made_it(demo, explained, checked, tmp_path):
    assert explained.check() == checked
    assert explained.with_lam(0.2).check() == explained.with_lam(0.2).check(demo)
    assert demo.explain(SENTENCE, method="ig").check().method == "ig"
    explained.save(tmp_path / "one.safetensors")
    with pytest.raises(TypeError, match=r"got NoneType\. A check .* a saved one has not"):
        cn.load(tmp_path / "one.safetensors").check()


@pytest.mark.bad_input
def test_another_model_is_refused(tokenizer):
    explanation = Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE)
    ok = explanation.check(Explainer(tiny_model("bert"), tokenizer), random=3)
    assert ok.words == 11, "the same weights in another object are the same model"
    others = {
        "it gives the text the score": Explainer(tiny_model("bert", seed=1), tokenizer),
        "its model is 'DistilBert": Explainer(tiny_model("distilbert"), tokenizer),
        "its classes are": Explainer(tiny_model("bert", n_labels=2), tokenizer),
    }
    loud = tiny_tokenizer()
    loud.add_tokens(["plot is"])
    others["its tokenizer splits the text in another way"] = Explainer(tiny_model("bert"), loud)
    for message, other in others.items():
        with pytest.raises(ValueError, match=f"explainer must hold the model .* but {message}"):
            explanation.check(other)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("explainer", "options", "error", "message"),
    [
        ("demo", {}, TypeError, "got str"),
        (..., {"random": 0}, ValueError, "random must lie between 1 and 10000, got 0"),
        (..., {"random": 2.5}, TypeError, "random must be a whole number .*, got 2.5"),
        (..., {"deletion": "burn"}, ValueError, "deletion must be one of"),
    ],
)
def test_bad_input_is_named(demo, explained, explainer, options, error, message):
    with pytest.raises(error, match=message):
        explained.check(demo if explainer is ... else explainer, **options)
