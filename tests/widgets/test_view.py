"""The Python side of the views: the wire, strict options, validation, asking the model.

Traits that begin with an underscore (``_meta``, ``_r``, ``_error``) are the wire itself: what the
page is given to read. Messages of the page come in by ipywidgets' own ``_handle_custom_msg``.
"""

import dataclasses
import json
import re
from pathlib import Path

import anywidget
import numpy as np
import pytest
from traitlets import TraitError

import calig_nb as cn
from calig_nb import widgets
from calig_nb.widgets import wire

from ..helpers.zoo import SENTENCE

VIEWS = [cn.Workbench, cn.TokenView, cn.RelevanceFlow, cn.RolloutView]


def decoded(view):
    """Matrices as the browser reads them."""
    form = view._meta["matrix"]
    layers, tokens = len(form["scales"]), len(view._meta["tokens"])
    kind, most = {16: ("<i2", 32767), 8: ("i1", 127)}[form["bits"]]
    q = np.frombuffer(view._matrices, kind).reshape(layers, tokens, tokens) / most
    return q * np.abs(q) * np.array(form["scales"])[:, None, None]


@pytest.mark.parametrize("view_class", VIEWS)
def test_the_wire_carries_the_explanation(view_class, explanation):
    view = view_class(explanation)
    meta = json.loads(json.dumps(view._meta, allow_nan=False))
    assert meta["tokens"] == list(explanation.tokens)
    assert meta["score"] == explanation.score
    r = np.frombuffer(view._r, "<f4").reshape(4, 13)
    np.testing.assert_array_equal(r, explanation.layer_attributions.astype("f4"))
    columns = np.frombuffer(view._G_columns, "<f4").reshape(3, 13)
    np.testing.assert_allclose(columns, explanation.attention_relevance.sum(axis=1), rtol=1e-6)
    error = np.abs(decoded(view) - explanation.attention_relevance).max(axis=(1, 2))
    assert (error <= 4e-5 * np.abs(explanation.attention_relevance).max(axis=(1, 2))).all()


def test_eight_bits_stay_within_the_stated_loss(explanation, monkeypatch):
    monkeypatch.setattr(wire, "FINE_LIMIT", 0)
    view = cn.Workbench(explanation)
    assert view._meta["matrix"]["bits"] == 8
    g = explanation.attention_relevance
    assert (np.abs(decoded(view) - g).max(axis=(1, 2)) <= 0.008 * np.abs(g).max(axis=(1, 2))).all()


def test_large_matrices_follow_on_request(explanation, monkeypatch):
    monkeypatch.setattr(wire, "INLINE_LIMIT", 10)
    view = cn.Workbench(explanation)
    assert view._matrices == b""
    sent = []
    monkeypatch.setattr(view, "send", lambda content, buffers: sent.append((content, buffers)))
    view._handle_custom_msg({"kind": "matrices"}, [])
    view._handle_custom_msg({"kind": "nonsense"}, [])
    view._handle_custom_msg("nonsense", [])
    assert [content for content, _ in sent] == [{"kind": "matrices"}]
    assert sent[0][1] == [wire.matrices(explanation)[2]]


def test_the_first_state_stays_small():
    layers, tokens = 24, 512
    rng = np.random.default_rng(0)
    large = cn.Explanation(
        text="word " * tokens, tokens=("word",) * tokens, special=np.zeros(tokens, bool),
        offsets=np.stack([5 * np.arange(tokens), 5 * np.arange(tokens) + 4], axis=1),
        word_ids=np.arange(tokens), sentence_ids=np.zeros(tokens, int), labels=("no", "yes"),
        probabilities=np.array([0.1, 0.9]), target=1, contrast=None, score=1.0,
        baseline_scores=np.zeros(layers + 1),
        layer_attributions=rng.normal(size=(layers + 1, tokens)),
        attention_relevance=rng.normal(size=(layers, tokens, tokens)).astype("f4"),
        layer_weights=np.ones(layers), fusion=cn.Fusion(), n_steps=np.ones(layers + 1, int),
        token_error=np.zeros(layers + 1), converged=np.ones(layers + 1, bool), config={},
    )  # fmt: skip
    view = cn.Workbench(large)
    state = view.get_state()
    bundle = {"_esm", "_css"}
    binary = sum(len(v) for v in state.values() if isinstance(v, bytes))
    plain = {k: v for k, v in state.items() if not isinstance(v, bytes) and k not in bundle}
    text = len(json.dumps(plain, default=str))
    assert binary + text <= 300 * 1024
    assert view._meta["matrix"]["bits"] == 8


def test_numbers_that_are_not_finite_become_null(explanation):
    r = explanation.layer_attributions.copy()
    r[1, 3] = np.nan
    odd = dataclasses.replace(explanation, layer_attributions=r)
    view = cn.Workbench(odd)
    assert view._meta["convergence_delta"][1] is None
    json.dumps(view._meta, allow_nan=False)


def test_offsets_are_counted_as_javascript_counts(explainer):
    text = "😀 bad film"
    view = explainer.explain(text).show()
    units = text.encode("utf-16-le")
    for token, (start, end) in zip(view._meta["tokens"], view._meta["offsets"]):
        if (start, end) != (0, 0):
            assert units[2 * start : 2 * end].decode("utf-16-le") == token


def test_state_can_be_given_read_and_observed(explanation):
    view = explanation.show("tokens", lam=0.25, layer=1, selected=[4, 5], granularity="token")
    assert isinstance(view, cn.TokenView)
    assert (view.lam, view.layer, view.selected, view.granularity) == (0.25, 1, [4, 5], "token")
    seen = []
    view.observe(lambda change: seen.append(change["new"]), "selected")
    view.set_state({"selected": [2]})  # as the browser does
    assert seen == [[2]]
    assert view.explanation.fusion.lam == 0.25


def test_another_class_is_asked_for_and_sent(explainer):
    view = explainer.explain(SENTENCE, target=0).show()
    before = view._r
    view.set_state({"target": 2})
    assert view._meta["target"] == 2
    assert view._r != before
    assert view.explanation.target == 2
    assert (view._busy, view._error) == (False, "")
    view.contrast = 1
    assert view._meta["contrast"] == 1


def test_what_is_on_screen_can_be_checked_from_both_sides(explainer, monkeypatch):
    view = explainer.explain(SENTENCE, target=0).show(lam=0.2)
    assert view.check() == view.explanation.check(explainer)
    assert view.check(random=3).random == 3
    view.target = 1
    assert view.check().target == view.explanation.target_name
    told = []
    view.observe(lambda change: told.append(change["new"]), "_busy")
    monkeypatch.setattr(view, "send", lambda content, buffers: told.append(content["text"]))
    view._handle_custom_msg({"kind": "check", "lam": 0.2}, [])
    assert told == [True, view.check().text + " (λ = 0.20)", False]


def test_a_class_can_be_asked_for_from_the_start(explainer):
    assert explainer.explain(SENTENCE, target=0).show(target=1).explanation.target == 1


def test_a_failed_question_is_shown_and_taken_back(explainer):
    view = explainer.explain(SENTENCE, target=0).show()
    view.contrast = 0
    assert "contrast must differ from target" in view._error
    assert (view.target, view.contrast, view._busy) == (0, None, False)
    assert view._meta["target"] == 0


def test_without_a_model_nothing_is_asked(explanation, tmp_path):
    explanation.save(tmp_path / "one.safetensors")
    view = cn.load(tmp_path / "one.safetensors").show()
    assert not view._meta["live"]
    view.target = (view.target + 1) % 3
    assert view._error == ""


def test_what_a_cell_shows_is_the_same_every_time(explanation):
    bundles = [explanation._repr_mimebundle_() for _ in range(2)]
    for data, _ in bundles:
        assert "application/vnd.jupyter.widget-view+json" in data
        assert data["text/plain"].startswith("Workbench(Explanation(target=")
    assert bundles[0][0]["text/plain"] == bundles[1][0]["text/plain"]


def test_the_bundles_are_small():
    static = Path(widgets.__file__).parent / "static"
    assert all(script.stat().st_size <= 110_000 for script in static.glob("*.js"))
    assert all(style.stat().st_size <= 30_000 for style in static.glob("*.css"))


def test_the_front_end_reads_what_python_sends(explanation):
    view = cn.Workbench(explanation)
    bundle = (Path(widgets.__file__).parent / "static" / "calig.js").read_text(encoding="utf8")
    source = (Path(__file__).parents[2] / "widgets_js/src/evidence/wire.js").read_text("utf8")
    read = set(re.findall(r"\bmeta\.(\w+)", source))
    assert len(read) > 20 and read <= set(view._meta)
    assert set(re.findall(r"(?<!meta\.)\bfusion\.(\w+)", source)) == set(view._meta["fusion"])
    shared = (
        view.traits(sync=True).keys()
        - anywidget.AnyWidget.class_traits().keys()
        - {"_esm", "_css", "_anywidget_id"}
    )
    assert len(shared) > 15 and [name for name in shared if f'"{name}"' not in bundle] == []


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"laier": 1},
            TypeError,
            r"Workbench has no option \['laier'\]; options are \['alone', 'cell', 'channel'",
        ),
        ({"_meta": {}}, TypeError, r"Workbench has no option \['_meta'\]"),
        ({"lam": 1.5}, TraitError, r"lam must lie in \[0, 1\], got 1.5"),
        ({"lam": float("nan")}, TraitError, r"lam must lie in \[0, 1\], got nan"),
        ({"layer": 3}, TraitError, "layer must be None or lie between 0 and 2, got 3"),
        ({"selected": [13]}, TraitError, r"selected must hold tokens between 0 and 12, got \[13\]"),
        ({"granularity": "letter"}, TraitError, "granularity"),
        ({"theme": "sepia"}, TraitError, "theme"),
        ({"cell": [3]}, TraitError, r"cell must be \[\] or \[row, column\] .* 0 and 12, got \[3\]"),
        ({"cell": [3, 13]}, TraitError, r"cell must be .* got \[3, 13\]"),
        ({"head": -1}, TraitError, "head must be None or at least 0, got -1"),
        ({"target": 3}, TraitError, "target must lie between 0 and 2 .*got 3"),
    ],
)
def test_bad_state_is_named(explanation, options, error, message):
    with pytest.raises(error, match=message):
        cn.Workbench(explanation, **options)


@pytest.mark.bad_input
def test_what_cannot_be_drawn_is_refused(explanation):
    with pytest.raises(TypeError, match="TokenView must be given an Explanation, got ndarray"):
        cn.TokenView(explanation.attributions)
    signed = explanation.with_fusion(cn.Fusion(channels="signed"))
    with pytest.raises(ValueError, match=r"fusion.channels must be 'split', got 'signed'"):
        cn.Workbench(signed)


def test_gaps_in_the_matrices_are_named_and_count_as_zero(explanation):
    relevance = explanation.attention_relevance.copy()
    relevance[1, 2, 3], relevance[2, 0, 0] = np.nan, np.inf
    view = dataclasses.replace(explanation, attention_relevance=relevance).show()
    assert view._meta["gaps"] == [[1, 2, 3], [2, 0, 0]] and view._meta["gap_count"] == 2
    sums = np.frombuffer(view._G_columns, "<f4").reshape(relevance.shape[:2])
    relevance[1, 2, 3] = relevance[2, 0, 0] = 0
    assert np.allclose(sums, relevance.sum(axis=1))
    assert explanation.show()._meta["gaps"] == []
