"""Marking words: the score by hand, the buttons, and what is refused."""

import dataclasses

import ipywidgets as ipw
import numpy as np
import pytest
from traitlets import TraitError

import calig_nb as cn
from calig_nb.widgets import mark_words as marking

from ..helpers.zoo import SENTENCE


def evidence(explanation):
    frame = explanation.to_frame("word")
    return frame[~frame["special"]]["attributions"].to_numpy()


def said(exercise):
    return exercise.children[3].value


def buttons(exercise):
    return exercise.children[1].children


def press_compare(exercise):
    exercise.children[2].click()


def test_the_score_is_token_f1_with_the_models_words(explanation):
    values = abs(evidence(explanation))
    order = np.argsort(-values, kind="stable").tolist()
    exercise = cn.MarkWords(explanation, marked=[*order[:2], order[-1]])
    assert exercise.words == explanation.words and exercise.score is None
    # Three are marked, two of which are among the three strongest: 2 · 2 / (3 + 3).
    assert exercise.compare() == exercise.score == pytest.approx(2 / 3)
    assert f"Token F1 0.67; by chance {3 / len(values):.2f}." in said(exercise)
    assert f"Only the model: “{explanation.words[order[2]]}”" in said(exercise)
    exercise.marked = order[:4]
    assert exercise.score is None and exercise.compare() == 1


@pytest.mark.parametrize(("side", "sign"), [("supporting", 1), ("opposing", -1)])
def test_one_side_counts_its_own_words_only(explanation, side, sign):
    values = sign * evidence(explanation)
    own = int((values > 0).sum())
    n = len(values)
    assert 0 < own < n
    exercise = cn.MarkWords(explanation, side, marked=range(n))
    # All n are marked, and the model has but its own: 2 own / (n + own), the same by chance.
    assert exercise.compare() == pytest.approx(2 * own / (n + own))
    assert f"by chance {2 * own / (n + own):.2f}" in said(exercise)
    exercise.marked = [int(values.argmin())]
    assert exercise.compare() == 0


@pytest.mark.full
def test_chance_is_what_random_marks_score_on_average(explanation, rng):
    exercise = cn.MarkWords(explanation, "opposing")
    n = len(exercise.words)
    scores = []
    for _ in range(300):
        exercise.marked = rng.permutation(n)[:4].tolist()
        scores.append(exercise.compare())
    told = float(said(exercise).split("by chance ")[1][:4])
    assert np.mean(scores) == pytest.approx(told, abs=0.05)


def test_the_evidence_is_hidden_until_it_is_asked_for(explanation):
    exercise = cn.MarkWords(explanation)
    assert not any(isinstance(child, cn.TokenView) for child in exercise.children)
    buttons(exercise)[2].value = True
    buttons(exercise)[0].value = True
    assert exercise.marked == [0, 2] and "Marked: “The”, “is”." in said(exercise)
    press_compare(exercise)
    view = exercise.children[-1]
    assert isinstance(view, cn.TokenView)
    words = [u.tokens for u in explanation.units("word") if not u.special]
    assert view.selected == [*words[0], *words[2]]
    assert all(toggle.disabled for toggle in buttons(exercise))
    assert repr(exercise) == f"MarkWords(11 words, 2 marked, Token F1 {exercise.score:.2f})"
    press_compare(exercise)  # again
    assert exercise.marked == [] and exercise.score is None
    assert not any(toggle.value or toggle.disabled for toggle in buttons(exercise))
    assert not any(isinstance(child, cn.TokenView) for child in exercise.children)
    assert repr(exercise) == "MarkWords(11 words, 0 marked, not compared)"


def test_what_python_marks_is_shown_and_what_is_shown_can_be_observed(explanation):
    exercise = cn.MarkWords(explanation, marked=[3])
    seen = []
    exercise.observe(lambda change: seen.append(change["new"]), "marked")
    exercise.marked = [5, 1, 5]
    assert [i for i, toggle in enumerate(buttons(exercise)) if toggle.value] == [1, 5]
    buttons(exercise)[1].value = False
    assert seen == [[1, 5], [5]]


def test_words_are_text_and_every_word_is_a_button(explainer):
    explanation = explainer.explain("a <b>film</b> & it")
    exercise = cn.MarkWords(explanation, marked=range(len(explanation.words)))
    assert [toggle.description for toggle in buttons(exercise)] == list(explanation.words)
    assert all(isinstance(toggle, ipw.ToggleButton) for toggle in buttons(exercise))
    assert "“&lt;”" in said(exercise) and "“&amp;”" in said(exercise)
    assert "<b>" not in said(exercise)


def test_words_run_as_the_script_does(explanation):
    def flow(text):
        return cn.MarkWords(dataclasses.replace(explanation, text=text)).children[1].layout

    assert flow(SENTENCE).flex_flow == "row wrap"
    hebrew = "".join(c if c == " " else "ש" for c in SENTENCE)
    assert flow(hebrew).flex_flow == "row-reverse wrap"


def test_nothing_is_compared_where_nothing_is_marked(explanation):
    exercise = cn.MarkWords(explanation)
    press_compare(exercise)
    assert "Mark at least one word first." in said(exercise) and exercise.score is None
    with pytest.raises(ValueError, match="marked must hold at least one word, got none"):
        exercise.compare()


@pytest.mark.bad_input
def test_bad_input_is_named(explanation, monkeypatch):
    with pytest.raises(TypeError, match="MarkWords must be given an Explanation, got str"):
        cn.MarkWords(SENTENCE)
    with pytest.raises(ValueError, match=r"side must be one of \('both', .* got 'left'"):
        cn.MarkWords(explanation, "left")
    with pytest.raises(TraitError, match=r"marked must hold words between 0 and 10, got \[11\]"):
        cn.MarkWords(explanation, marked=[2, 11])
    nobody = dataclasses.replace(
        explanation,
        layer_attributions=abs(explanation.layer_attributions),
        attention_relevance=abs(explanation.attention_relevance),
    )
    with pytest.raises(ValueError, match="side must be one that some word is on, got 'opposing'"):
        cn.MarkWords(nobody, "opposing")
    monkeypatch.setattr(marking, "MOST", 4)
    with pytest.raises(ValueError, match="The text must have 1 to 4 words to mark, got 11"):
        cn.MarkWords(explanation)
