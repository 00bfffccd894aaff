"""Explanations side by side: the alignment, the difference, and what cannot be compared."""

import dataclasses
import json

import numpy as np
import pytest
from traitlets import TraitError

import calig_nb as cn
from calig_nb.explanation.comparison import align, difference, name_of, names_of
from calig_nb.widgets import wire

from ..helpers.zoo import SENTENCE

EDITED = "The plot is thin, and the acting is not superb."


def pieces(text, tokens, words=None, sentences=None):
    """An explanation of made-up tokens: only what an alignment reads; specials have no place."""
    at, offsets = 0, []
    for token in tokens:
        found = -1 if token.startswith("<") else text.find(token, at)
        offsets.append((0, 0) if found < 0 else (found, found + len(token)))
        at = max(at, offsets[-1][1])
    n = len(tokens)
    special = np.array([token.startswith("<") for token in tokens])
    ids = np.where(special, -1, np.cumsum(~special) - 1)
    return cn.Explanation(
        text=text, tokens=tuple(tokens), special=special, offsets=np.array(offsets),
        word_ids=ids if words is None else np.array(words),
        sentence_ids=np.where(special, -1, 0) if sentences is None else np.array(sentences),
        labels=("no", "yes"), probabilities=np.array([0.5, 0.5]), target=1, contrast=None,
        score=1.0, baseline_scores=np.zeros(2),
        layer_attributions=np.arange(2 * n, dtype=float).reshape(2, n),
        attention_relevance=np.zeros((1, n, n), "f4"), layer_weights=np.ones(1),
        fusion=cn.Fusion(), n_steps=np.ones(2, int), token_error=np.zeros(2),
        converged=np.ones(2, bool), config={},
    )  # fmt: skip


def test_an_edit_is_aligned_word_by_word():
    one = pieces("a thin plot but good", ["<s>", "a", "thin", "plot", "but", "good", "</s>"])
    two = pieces("a plot and very good", ["<s>", "a", "plot", "and", "very", "good", "</s>"])
    assert align([one, two], "word") == (
        ((0,), (0,)), ((1,), (1,)), ((2,), ()), ((3,), (2,)),
        ((4,), (3,)), ((), (4,)), ((5,), (5,)), ((6,), (6,)),
    )  # fmt: skip


def test_two_tokenizers_meet_where_both_begin_a_piece():
    text = "unlikely masterpiece"
    one = pieces(text, ["<s>", "un", "likely", "master", "piece", "</s>"], [-1, 0, 0, 1, 1, -1])
    two = pieces(text, ["unl", "ikely", "masterpiece", "</s>"], [0, 0, 1, -1])
    assert align([one, two], "token") == (
        ((0,), ()), ((1, 2), (0, 1)), ((3, 4), (2,)), ((5,), (3,)),
    )  # fmt: skip
    assert align([one, two], "word") == (((0,), ()), ((1,), (0,)), ((2,), (1,)), ((3,), (2,)))


def test_one_stretch_of_text_has_one_name_however_it_is_parted():
    assert name_of(["thin ,", "Thin,"]) == "Thin,"
    assert name_of(["thin", ""]) == "thin → ∅"


def test_what_is_cut_differently_but_reads_alike_is_one_row():
    one = pieces("go masterpiece x", ["go", "master", "piece", "x"])
    two = pieces("go masterpiece y", ["go", "masterpiece", "y"])
    rows = align([one, two], "token")
    assert rows[0] == ((0,), (0,))
    assert sorted(u for row in rows for u in row[0]) == [0, 1, 2, 3]


def test_three_are_aligned_with_the_first():
    texts = ["a b c", "a c", "a b d c"]
    rows = align([pieces(text, text.split()) for text in texts], "word")
    assert rows == (((0,), (0,), (0,)), ((1,), (), (1,)), ((), (), (2,)), ((2,), (1,), (3,)))


def test_every_unit_is_in_one_row(explainer):
    both = [explainer.explain(text, target=1) for text in (SENTENCE, EDITED)]
    for granularity in ("token", "word", "sentence", "passage"):
        rows = align(both, granularity)
        for s, explanation in enumerate(both):
            units = [u for row in rows for u in row[s]]
            assert units == sorted(units) == list(range(len(explanation.units(granularity))))


def test_the_difference_is_second_less_first(explainer):
    one, two = (explainer.explain(text, target=1) for text in (SENTENCE, EDITED))
    found = difference([one, two])
    frame = cn.Comparison([one, two], ["a", "b"]).to_frame()
    row = frame[frame["word"] == "∅ → not"].iloc[0]
    assert np.isnan(row["a"]) and row["difference"] == row["b"]
    assert (frame["word"] == "but → and").sum() == 1
    np.testing.assert_allclose(
        found.difference.sum(), two.attributions.sum() - one.attributions.sum()
    )
    np.testing.assert_allclose(np.nansum(found.values[:, 0]), one.attributions.sum())
    assert frame["special"].tolist() == [True, *[False] * (len(frame) - 2), True]


def test_of_more_than_two_the_spread_is_told(explanation):
    three = [explanation, explanation.with_lam(0.0), explanation.with_lam(1.0)]
    frame = cn.Comparison(three).to_frame("token")
    assert list(frame.columns[2:]) == ["λ = 0.5", "λ = 0", "λ = 1", "spread"]
    values = np.stack([e.attributions for e in three])
    np.testing.assert_allclose(frame["spread"], values.max(axis=0) - values.min(axis=0))


def test_one_lambda_for_all_and_a_layer(explanation):
    view = cn.Comparison([explanation, explanation.with_lam(0.1)], lam=0.3)
    assert np.abs(view.to_frame()["difference"]).max() == 0
    assert {e.fusion.lam for e in view.explanations} == {0.3}
    view.lam = None
    assert [e.fusion.lam for e in view.explanations] == [0.5, 0.1]
    view.layer = 1
    r, g = explanation.layer_attributions[1], explanation.attention_relevance[1].sum(axis=0)
    expected = 0.5 * r / np.abs(r).sum() + 0.5 * g / np.abs(g).sum()
    np.testing.assert_allclose(view.to_frame("token")["λ = 0.5"], expected, rtol=1e-6)


def test_names_say_what_differs(explainer, explanation):
    other = explainer.explain(SENTENCE, target=2)
    assert names_of([explanation, other]) == (explanation.target_name, other.target_name)
    quick = dataclasses.replace(explanation, config={"method": "conductance"})
    assert names_of([explanation, quick]) == ("CA-LIG", "conductance")
    assert names_of([explanation, explanation]) == ("number 1", "number 2")
    assert name_of(["Good", "good"]) == "Good"
    assert name_of(["good", ""]) == "good → ∅"


def test_the_wire_carries_all_of_them(explanation, monkeypatch):
    two = [explanation, explanation.with_lam(0.2)]
    view = cn.Comparison(two)
    assert [item["_name"] for item in view._items] == ["λ = 0.5", "λ = 0.2"]
    assert [item["_meta"]["fusion"]["lam"] for item in view._items] == [0.5, 0.2]
    json.dumps([item["_meta"] for item in view._items], allow_nan=False)
    assert view._items[0]["_matrices"] == wire.matrices(explanation)[2]
    assert set(view._rows) == {"token", "word", "sentence", "passage"}
    monkeypatch.setattr(wire, "INLINE_LIMIT", 10)
    large = cn.Comparison(two)
    assert large._items[0]["_matrices"] == b""
    sent = []
    monkeypatch.setattr(large, "send", lambda *message: sent.append(message))
    large._handle_custom_msg({"kind": "matrices", "item": 1}, [])
    for nonsense in ({"kind": "matrices", "item": 7}, {"kind": "matrices"}, "nonsense"):
        large._handle_custom_msg(nonsense, [])
    assert sent == [({"kind": "matrices", "item": 1}, [wire.matrices(explanation)[2]])]


def test_state_is_shared_and_restored(explanation):
    view = cn.Comparison([explanation, explanation.with_lam(0.2)])
    assert view.state == ""
    view.state = "granularity=token;layer=2;lam=0.5;selected=1,3"
    assert (view.granularity, view.layer, view.lam, view.selected) == ("token", 2, 0.5, [1, 3])
    assert view.selection["token"].tolist() == [explanation.tokens[1], explanation.tokens[3]]
    assert view.state == "granularity=token;lam=0.5;layer=2;selected=1,3"
    view.state = ""
    assert (view.lam, view.selected, view.layer) == (None, [], None)


@pytest.mark.bad_input
def test_what_cannot_be_compared_is_said(explainer, explanation):
    other = explainer.explain(EDITED, target=2)
    probability = dataclasses.replace(explanation, config={"output": "prob"})
    sharper = explanation.with_fusion(dataclasses.replace(explanation.fusion, gamma=2.0))
    signed = explanation.with_fusion(dataclasses.replace(explanation.fusion, channels="signed"))
    for wrong, kind, message in [
        (explanation, TypeError, "takes a list of explanations, got Explanation"),
        (None, TypeError, "takes a list of explanations, got NoneType"),
        ([explanation, "text"], TypeError, "got str as number 1"),
        ([], ValueError, "2 to 6 explanations, got 0"),
        ([explanation], ValueError, "2 to 6 explanations, got 1"),
        ([explanation] * 7, ValueError, "2 to 6 explanations, got 7"),
        ([explanation, probability], ValueError, "output is 'logit' for number 0 and 'prob'"),
        ([explanation, sharper], ValueError, "fusion.gamma is 1.0 for number 0 and 2.0"),
        ([explanation, signed], ValueError, "fusion.channels is 'split' for number 0"),
        ([signed, signed], ValueError, "needs fusion.channels='split', got 'signed'"),
        ([explanation, other], ValueError, "must be explained for the same class"),
    ]:
        with pytest.raises(kind, match=message):
            cn.Comparison(wrong)
    two = [explanation, explanation.with_lam(0.1)]
    with pytest.raises(ValueError, match="names must hold 2 names, got 1"):
        cn.Comparison(two, ["one"])
    with pytest.raises(TypeError, match=r"has no option \['target'\]"):
        cn.Comparison(two, target=1)
    for bad in ({"layer": 9}, {"selected": [99]}, {"lam": 2.0}):
        with pytest.raises(TraitError, match=next(iter(bad))):
            cn.Comparison(two, **bad)


def test_the_figure_draws_every_text_and_the_strongest_rows(explainer):
    both = [explainer.explain(text, target=1) for text in (SENTENCE, EDITED)]
    view = cn.Comparison(both, ["before", "after"], theme="dark")
    drawn = view.figure(k=3)
    written = [text.get_text() for text in drawn.axes[0].texts]
    frame = view.to_frame()
    ordinary = frame[~frame["special"]]
    strongest = ordinary.loc[ordinary["difference"].abs().sort_values(ascending=False).index[:3]]
    for name, change in zip(strongest["word"], strongest["difference"]):
        assert name in written and f"{change:+.2f}".replace("-", "−") in written
    assert {"before", "after", "difference", "superb"} <= set(written)
    with pytest.raises(ValueError, match="k must be at least 1"):
        view.figure(k=0)
    with pytest.raises(ValueError, match="layer must be None or lie between 0 and 2, got 7"):
        view.figure(layer=7)
