"""What the page is told when it asks: the rollout of a long input, the heads of a layer."""

import dataclasses

import numpy as np
import pytest

import calig_nb as cn
from calig_nb.widgets import messages as answers
from calig_nb.widgets import wire
from calig_nb.widgets.messages import answer

from ..helpers.attention_heads import with_heads

ASKED = {"kind": "rollout", "id": 3, "lam": 0.3, "layer": 1, "film": True}


def decoded(content, buffer, side):
    kind, most = {16: ("<i2", 32767), 8: ("i1", 127)}[content["bits"]]
    q = np.frombuffer(buffer, kind).reshape(-1, side, side) / most
    return q * np.abs(q) * np.array(content["scales"])[:, None, None]


def expected(explanation, lam, layer):
    own = np.eye(len(explanation.tokens))
    other = explanation.with_lam(lam)
    return np.stack([other.rollout(layer, c) - own for c in ("supporting", "opposing")])


def test_the_rollout_is_that_of_the_explanation(explanation):
    content, (buffer, film) = answer(explanation, ASKED)
    assert {k: content[k] for k in ("kind", "id", "layer", "bits")} == {
        "kind": "rollout", "id": 3, "layer": 1, "bits": 16,
    }  # fmt: skip
    want = expected(explanation, 0.3, 1)
    np.testing.assert_allclose(decoded(content, buffer, 13), want, atol=1e-4 * want.max())
    thumbnails = decoded(content["film"], film, 13).reshape(3, 2, 13, 13)
    for layer in range(3):
        want = expected(explanation, 0.3, layer)
        np.testing.assert_allclose(thumbnails[layer], want, atol=0.01 * want.max())


def test_the_film_comes_only_when_asked_for(explanation):
    content, buffers = answer(explanation, {**ASKED, "film": False})
    assert len(buffers) == 1 and "film" not in content


def test_thumbnails_keep_the_strongest_of_each_cell(explanation, monkeypatch):
    monkeypatch.setattr(answers, "THUMBNAIL", 5)
    content, (_, film) = answer(explanation, ASKED)
    assert content["film"]["cells"] == 5
    small = decoded(content["film"], film, 5).reshape(3, 2, 5, 5)
    whole = expected(explanation, 0.3, 2)
    np.testing.assert_allclose(small[2].max(axis=(1, 2)), whole.max(axis=(1, 2)), rtol=0.02)


def test_what_is_not_a_number_counts_as_zero(explanation):
    g = explanation.attention_relevance.copy()
    g[0, 2, 3] = np.nan
    odd = dataclasses.replace(explanation, attention_relevance=g)
    content, _ = answer(odd, ASKED)
    assert np.isfinite(content["scales"]).all() and max(content["scales"]) > 0


def test_heads_come_on_request(explanation):
    kept = with_heads(explanation)
    content, (buffer,) = answer(kept, {"kind": "heads", "layer": 1})
    heads = decoded(content, buffer, 13)
    g = explanation.attention_relevance[1]
    np.testing.assert_allclose(heads.mean(axis=0), g, atol=1e-4 * np.abs(g).max())
    assert cn.RolloutView(kept)._meta["no_heads"] == ""


def test_heads_that_are_missing_are_explained_in_words(explanation):
    saved = dataclasses.replace(explanation, source=None)
    content, buffers = answer(saved, {"kind": "heads", "layer": 1})
    assert content["error"].startswith("heads need the model")
    assert buffers == []
    assert cn.RolloutView(saved)._meta["no_heads"] == wire.NO_HEADS


def test_a_check_is_of_the_map_with_the_λ_on_the_page(explanation):
    content, buffers = answer(explanation, {"kind": "check", "lam": 0.0})
    assert content == {
        "kind": "check", "text": explanation.with_lam(0.0).check().text + " (λ = 0.00)"
    }  # fmt: skip
    assert buffers == [] and content["text"] != explanation.check().text + " (λ = 0.00)"


def test_a_check_of_one_signal_names_no_λ(explainer):
    one = explainer.explain("The film is bad, it is not good.", method="ig")
    content, _ = answer(one, {"kind": "check", "lam": 0.5})
    assert content["text"] == one.check().text


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"kind": "heads", "layer": 2}, "layer 2 was not kept."),
        ({"kind": "heads", "layer": 9}, "layer must lie between 0 and 2, got 9."),
        ({**ASKED, "layer": None}, "layer must lie between 0 and 2, got None."),
        ({**ASKED, "lam": 3}, "lam must lie in [0, 1], got 3"),
        ({"kind": "check", "lam": 3}, "lam must lie in [0, 1], got 3"),
    ],
)
def test_what_goes_wrong_is_part_of_the_answer(explanation, question, error):
    content, buffers = answer(with_heads(explanation), question)
    assert content["error"].startswith(error)
    assert content["kind"] == question["kind"] and buffers == []


@pytest.mark.bad_input
def test_what_has_no_model_cannot_be_checked(explanation):
    saved = dataclasses.replace(explanation, source=None)
    content, _ = answer(saved, {"kind": "check", "lam": 0.5})
    assert "got NoneType. A check needs the model" in content["error"]


@pytest.mark.bad_input
def test_questions_that_are_not_known_are_not_answered(explanation):
    assert answer(explanation, {"kind": "nonsense"}) is None
    assert answer(explanation, {}) is None
