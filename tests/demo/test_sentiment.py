"""The embedded `sentiment` model: what it gets right, how exact its explanations are."""

import numpy as np
import pytest

import calig_nb as cn

from ..helpers.sentences import SENTENCES

TURN = "The plot is thin, but the acting is superb."


@pytest.fixture(scope="module")
def explainer():
    return cn.load_demo("sentiment")


def test_short_negations_differ_from_what_they_negate(explainer):
    table = explainer.predict(["good", "not good", "bad", "not bad", TURN, TURN.lower()])
    assert table["label"].tolist() == [
        "positive", "negative", "negative", "positive", "positive", "positive"
    ]  # fmt: skip
    table = explainer.predict([f"The film is {w}." for w in ("good", "not good", "bad", "not bad")])
    assert table["label"].tolist() == ["positive", "negative", "negative", "positive"]


@pytest.mark.parametrize("request_", [{}, {"contrast": "negative"}, {"output": "margin"}])
def test_superb_supports_and_thin_opposes(explainer, request_):
    explanation = explainer.explain(TURN, target="positive", **request_)
    value = explanation.to_frame("word").set_index("word")["attributions"]
    assert value["superb"] == value.abs().max()
    assert value["thin"] < -0.1
    assert explanation.top(1)["word"][0] == "superb"


@pytest.mark.full
def test_fifty_sentences_are_exact_to_a_hundredth(explainer):
    assert len(set(SENTENCES)) == 50
    for sentence in SENTENCES:
        got = explainer.explain(sentence)
        reference = explainer.explain(sentence, n_steps=200).layer_attributions
        assert got.converged.all(), sentence
        change = abs(got.score - got.baseline_score)
        assert (np.abs(got.convergence_delta) <= 0.01 * change).all(), sentence
        error = np.abs(got.layer_attributions - reference).sum(axis=1)
        assert (error <= 0.01 * np.abs(reference).sum(axis=1)).all(), sentence


@pytest.mark.full
def test_a_text_of_512_tokens_is_explained(explainer):
    explanation = explainer.explain("A thin plot and superb acting. " * 71)
    assert 400 < len(explanation.tokens) <= 512
    assert explanation.converged.all()


@pytest.mark.full
def test_the_recipe_explains_itself():
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "calig_nb.demo.recipes.sentiment.train", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for option in ("--data", "--teacher", "--out", "--seed", "--epochs"):
        assert option in done.stdout
