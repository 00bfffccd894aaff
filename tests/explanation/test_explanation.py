"""What an explanation promises: shapes, units, sums, immutability, tables."""

import dataclasses

import numpy as np
import pytest

import calig_nb as cn
from calig_nb import Fusion
from calig_nb.explanation import fusion as fu

from ..helpers.zoo import SENTENCE


def test_the_map_is_the_fusion_of_its_parts(explanation):
    matrices = fu.channels(
        explanation.layer_attributions,
        explanation.attention_relevance,
        explanation.layer_weights,
        explanation.fusion,
    )
    supporting, opposing = fu.read_out(matrices, 1.0, np.ones(13))
    np.testing.assert_allclose(explanation.supporting, supporting)
    np.testing.assert_allclose(explanation.opposing, opposing)
    np.testing.assert_allclose(explanation.attributions, supporting - opposing)


def test_rollout_columns_sum_to_the_evidence(explanation):
    for channel in ("supporting", "opposing"):
        rollout = explanation.rollout(channel=channel)
        np.testing.assert_allclose(rollout.sum(axis=0) - 1, getattr(explanation, channel))
    np.testing.assert_allclose(explanation.rollout().sum(axis=0), explanation.attributions)
    first = explanation.rollout(layer=0, channel="supporting") - np.eye(13)
    np.testing.assert_allclose(first, explanation.with_lam(0.5).block_matrices(0)[0])


def test_with_lam_computes_nothing_anew(explanation):
    other = explanation.with_lam(1)
    assert other.fusion.lam == 1
    assert explanation.fusion.lam == 0.5, "the original stays"
    np.testing.assert_array_equal(other.layer_attributions, explanation.layer_attributions)
    expected = fu.channels(
        explanation.layer_attributions, 0 * explanation.attention_relevance,
        explanation.layer_weights, Fusion(lam=1),
    )  # fmt: skip
    np.testing.assert_allclose(other.supporting, fu.read_out(expected, 1, np.ones(13))[0])


def test_other_forms_of_the_fusion_can_be_tried(explanation):
    pooled = explanation.with_fusion(Fusion(readout="pooled"))
    assert explanation.pooled.tolist() == [True] + [False] * 12, "BERT pools its first position"
    np.testing.assert_allclose(pooled.attributions, explanation.rollout()[0], atol=1e-12)
    signed = explanation.with_fusion(Fusion(channels="signed"))
    np.testing.assert_allclose(signed.rollout().sum(axis=0), signed.attributions, atol=1e-12)
    assert (signed.supporting >= 0).all()
    assert (signed.opposing >= 0).all()


def test_a_picture_comes_with_its_grid(explanation, tmp_path):
    ordinary = int((~explanation.special).sum())
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    pictured = dataclasses.replace(explanation, image=image, grid=(1, ordinary))
    pictured.save(tmp_path / "picture.safetensors")
    again = cn.load(tmp_path / "picture.safetensors")
    np.testing.assert_array_equal(again.image, image)
    assert again.grid == (1, ordinary)
    with pytest.raises(ValueError, match=rf"grid must hold the {ordinary} ordinary tokens"):
        dataclasses.replace(explanation, image=image, grid=(3, ordinary))
    with pytest.raises(ValueError, match="give both or neither"):
        dataclasses.replace(explanation, image=image)
    with pytest.raises(ValueError, match=r"image must have shape \(4, 6, 3\)"):
        dataclasses.replace(explanation, image=image[..., :1], grid=(1, ordinary))


def test_two_texts_in_one_are_told_apart(explanation):
    segments = np.where(explanation.special, -1, explanation.word_ids > 4)
    pair = dataclasses.replace(explanation, segment_ids=segments)
    np.testing.assert_array_equal(pair.segment_ids, segments)
    with pytest.raises(ValueError, match=r"segment_ids must have shape \(13,\)"):
        dataclasses.replace(explanation, segment_ids=segments[1:])


def test_words_and_sentences_keep_the_sums(explanation):
    assert " ".join(explanation.words) == "The plot is thin , but the acting is superb ."
    (cls, sentence, sep) = explanation.units("sentence")
    assert (cls.text, sentence.text, sep.text) == ("[CLS]", SENTENCE, "[SEP]")
    for granularity in ("token", "word", "sentence"):
        frame = explanation.to_frame(granularity)
        assert frame["attributions"].sum() == pytest.approx(explanation.attributions.sum())
        np.testing.assert_allclose(
            frame[[f"layer_{b}" for b in range(4)]].sum(),
            explanation.layer_attributions.sum(axis=1),
        )
        np.testing.assert_allclose(frame["supporting"] - frame["opposing"], frame["attributions"])


def test_the_layer_table_states_the_error(explanation):
    frame = explanation.to_frame("layer")
    np.testing.assert_allclose(frame["convergence_delta"], explanation.convergence_delta)
    assert frame["converged"].all()
    assert frame["n_steps"].tolist() == explanation.n_steps.tolist()
    assert frame["layer_weight"][0] == 1


def test_top_is_sorted_by_strength_and_leaves_special_tokens_out(explanation):
    top = explanation.top(4)
    assert len(top) == 4
    strength = top["attributions"].abs().to_numpy()
    assert (np.diff(strength) <= 0).all()
    assert not set(top["word"]) & {"[CLS]", "[SEP]"}
    ordinary = explanation.to_frame("word").query("not special")["attributions"].abs()
    assert strength[0] == ordinary.max()


def test_nothing_can_be_changed(explanation):
    with pytest.raises(dataclasses.FrozenInstanceError):
        explanation.score = 1.0
    for name in (
        "layer_attributions",
        "attention_relevance",
        "layer_weights",
        "special",
        "n_steps",
    ):
        with pytest.raises(ValueError, match="read-only"):
            getattr(explanation, name)[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        explanation.supporting[0] = 1


def test_the_makers_own_arrays_stay_writable(explanation):
    mine = explanation.layer_weights.copy()
    dataclasses.replace(explanation, layer_weights=mine)
    mine[0] = 5


def test_half_characters_are_made_whole(explanation):
    tokens = ("a\ud800b", *explanation.tokens[1:])
    odd = dataclasses.replace(explanation, tokens=tokens, text=explanation.text + "\udfffx")
    assert odd.tokens[0] == "a\ufffdb" and odd.text == explanation.text + "\ufffdx"
    assert odd.tokens[1:] == explanation.tokens[1:]


def test_repr_is_the_same_every_time(explanation):
    assert repr(explanation) == repr(dataclasses.replace(explanation))
    assert "0x" not in repr(explanation)
    assert "tokens=13, layers=3, lam=0.5" in repr(explanation)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": ("a", "b")}, r"special must have shape \(2,\) to fit the rest"),
        ({"labels": ("a",)}, r"probabilities must have shape \(1,\)"),
        ({"layer_attributions": np.zeros((3, 13))}, r"must have shape \(4, 13\).*got \(3, 13\)"),
        ({"target": 3}, "target must lie between 0 and 2, got 3"),
        ({"contrast": -1}, "contrast must lie between 0 and 2, got -1"),
    ],
)
def test_parts_that_do_not_fit_are_named(explanation, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(explanation, **change)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.rollout(layer=3), "layer must lie between 0 and 2, got 3"),
        (lambda e: e.rollout(layer=-1), "layer must lie between 0 and 2, got -1"),
        (lambda e: e.rollout(channel="both"), r"channel must be one of \('net'"),
        (lambda e: e.units("letter"), r"granularity must be one of \('token', 'word'"),
        (lambda e: e.to_frame("letter"), r"granularity must be one of \('token', 'word'"),
        (lambda e: e.top(0), "k must be at least 1, got 0"),
        (lambda e: e.with_lam(1.5), r"lam must lie in \[0, 1\], got 1.5"),
        (lambda e: e.with_lam(float("nan")), r"lam must lie in \[0, 1\], got nan"),
        (lambda e: e.show("matrix"), r"view must be one of \('workbench', 'tokens', 'flow'"),
        (lambda e: e.figure("matrix"), r"view must be one of \('workbench', 'tokens', 'flow'"),
    ],
)
def test_bad_questions_are_named(explanation, call, message):
    with pytest.raises(ValueError, match=message):
        call(explanation)
