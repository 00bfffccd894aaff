"""A text longer than the model: covered evenly, complete, without a seam, drawn in phrases."""

import dataclasses

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb.explanation.long_text import LongText
from calig_nb.inputs.text import TextReader
from calig_nb.pipeline import long_text as assembly
from calig_nb.pipeline.long_text import FOLD, cut_windows, mean_logits, phrase_ids

from ..helpers.zoo import tiny_model

SENTENCE = "The plot is thin, but the acting is superb. "
LONG = "The plot is thin. Not bad, it is a film! But the acting, it is very good.\n" * 8
MOST = 48


@pytest.fixture
def text(tokenizer):
    return TextReader(tokenizer, MOST).read(LONG, longer=True)


@pytest.fixture
def placeless(tokenizer):
    """The explainer of a model to which all places are alike."""
    model = tiny_model("bert")
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.zero_()
    return cn.Explainer(model, tokenizer)


@pytest.fixture
def document(explainer, monkeypatch):
    monkeypatch.setattr(assembly, "WHOLE", 100)
    monkeypatch.setattr(assembly, "PHRASES", 60)
    return explainer.explain(LONG, target=1)


def test_every_token_is_in_as_many_windows(text):
    cut = cut_windows(text, MOST)
    seen = np.zeros(len(text.tokens))
    for window in cut:
        assert len(window.places) <= MOST
        seen[window.places] += 1
    assert (seen[~text.special] == FOLD).all()
    assert (seen[text.special] == len(cut)).all(), "each has the special tokens"
    assert sum(window.weight for window in cut) == pytest.approx(1)
    given = np.array([(~window.text.special).sum() for window in cut])
    np.testing.assert_allclose([w.weight for w in cut], given / given.sum())


def test_a_window_is_the_text_that_stands_there(text, tokenizer):
    for window in cut_windows(text, MOST):
        part = window.text
        assert part.tokens == tuple(text.tokens[t] for t in window.places)
        read = TextReader(tokenizer, MOST).read(part.text)
        assert torch.equal(read.model_inputs["input_ids"], part.model_inputs["input_ids"])
        assert np.array_equal(read.offsets, part.offsets), "no word is parted"


def test_a_text_that_fits_is_its_only_window(tokenizer):
    text = TextReader(tokenizer, MOST).read(SENTENCE)
    (window,) = cut_windows(text, MOST)
    assert window.text is text and window.weight == 1


def test_the_score_is_the_mean_of_the_windows(text, explainer):
    found = explainer.explain(LONG, target=1)
    model = tiny_model("bert")
    expected, below = 0.0, 0.0
    for window in cut_windows(text, MOST):
        ids = text.model_inputs["input_ids"][:, window.places]
        blank = ids.masked_fill(torch.from_numpy(~window.text.special), 0)
        with torch.no_grad():
            expected += window.weight * float(model(input_ids=ids).logits[0, 1])
            below += window.weight * float(model(input_ids=blank).logits[0, 1])
    assert found.score == pytest.approx(expected, abs=1e-10)
    np.testing.assert_allclose(found.baseline_scores, below, atol=1e-10)


def test_the_whole_is_complete_and_each_token_is_there_once(explainer, text):
    found = explainer.explain(LONG, n_steps=40)
    assert found.tokens == text.tokens
    assert np.abs(found.convergence_delta).max() < 1e-8
    for token, (start, end), special in zip(found.tokens, found.offsets, found.special):
        assert special or found.text[start:end] == token
    assert explainer.explain(LONG).converged.all()


def test_relevance_is_what_captum_finds_in_the_windows(explainer, text):
    captum = pytest.importorskip("captum.attr")
    found = explainer.explain(LONG, target=1, n_steps=30)
    model = tiny_model("bert")
    ig = captum.LayerIntegratedGradients(lambda ids: model(input_ids=ids).logits,
                                         model.bert.embeddings)  # fmt: skip
    expected = np.zeros(len(text.tokens))
    for window in cut_windows(text, MOST):
        ids = window.text.model_inputs["input_ids"]
        blank = ids.masked_fill(torch.from_numpy(~window.text.special), 0)
        own = ig.attribute(ids, blank, target=1, n_steps=30).sum(-1)[0].detach().numpy()
        expected[window.places] += window.weight * own
    np.testing.assert_allclose(found.layer_attributions[0], expected, atol=1e-7)


@pytest.mark.parametrize("method", ["ca-lig", "conductance", "ig", "attn-lrp", "occlusion"])
def test_a_seam_cannot_be_told_where_all_places_are_alike(placeless, method):
    found = placeless.explain(SENTENCE * 20, target=0, method=method, n_steps=9)
    assert found.config["windows"] > 8
    repeats = found.layer_attributions[:, 1:-1].reshape(len(found.n_steps), 20, -1)
    inner = repeats[:, 5:-5]
    change = np.abs(inner - inner.mean(axis=1, keepdims=True)).max()
    assert change < 0.02 * np.abs(inner).max()
    values = found.attributions[1:-1].reshape(20, -1)[5:-5]
    assert np.abs(values - values.mean(axis=0)).max() < 0.02 * np.abs(values).max()


@pytest.mark.full
def test_a_seam_cannot_be_told_in_the_embedded_model():
    found = cn.load_demo("topics").explain(
        "The striker scored twice in the second half, and the coach praised a patient side. "
        "The bank said profits rose by a tenth in the third quarter. " * 60,
        target="sport",
        method="ig",
    )
    assert found.config["windows"] > 5
    repeats = found.layer_attributions[0, 1:-1].reshape(60, -1)[15:-15]
    assert np.abs(repeats - repeats.mean(axis=0)).max() < 0.01 * np.abs(repeats).max()


def test_several_classes_share_the_windows(explainer, monkeypatch):
    monkeypatch.setattr(assembly, "WHOLE", 100)
    every = explainer.explain(LONG, target=[0, 1, 2])
    assert [e.target for e in every] == [0, 1, 2]
    alone = explainer.explain(LONG, target=2)
    np.testing.assert_allclose(every[2].attributions, alone.attributions, atol=1e-4)
    total = sum(e.probabilities[e.target] for e in every)
    assert total == pytest.approx(1)
    frame = cn.Comparison(every).to_frame("sentence")
    assert len(frame) == 24 + 2


def test_the_predicted_class_is_that_of_the_whole(explainer, text):
    logits = mean_logits(explainer.engine.model, cut_windows(text, MOST))
    found = explainer.explain(LONG)
    assert found.target == int(logits.argmax())
    np.testing.assert_allclose(found.probabilities, torch.softmax(logits, 0), atol=1e-6)
    table = explainer.predict([LONG, SENTENCE])
    assert table.loc[0, found.target_name] == pytest.approx(found.probabilities[found.target])


def test_a_contrast_is_antisymmetric(explainer):
    one, other = (
        explainer.explain(LONG, target=a, contrast=b, n_steps=9) for a, b in ((0, 1), (1, 0))
    )
    np.testing.assert_allclose(one.layer_attributions, -other.layer_attributions, atol=1e-9)


def test_a_phrase_is_of_one_sentence_and_special_tokens_stay_alone(text):
    for most in (30, 50, 90):
        units = phrase_ids(text, most)
        assert units[-1] < most and set(np.diff(units)) <= {0, 1}
        for unit in range(units[-1] + 1):
            own = units == unit
            assert len(set(text.sentence_ids[own])) == 1
            assert not text.special[own].any() or own.sum() == 1
        for word in range(text.word_ids.max() + 1):
            assert len(set(units[text.word_ids == word])) == 1
    assert phrase_ids(text, 12)[-1] < 12, "fewer than sentences"
    assert np.array_equal(phrase_ids(text, 1000), np.arange(len(text.tokens)))


def test_a_document_has_its_tokens_and_is_drawn_in_phrases(document, text):
    assert isinstance(document, LongText)
    assert document.tokens == text.tokens
    assert document.layer_attributions.shape == (4, len(text.tokens))
    drawn = document.drawn
    assert len(drawn.tokens) <= 60
    assert drawn.score == document.score
    np.testing.assert_allclose(drawn.convergence_delta, document.convergence_delta, atol=1e-12)
    assert "mean of" in cn.widgets.wire.meta(drawn)["recipe"]
    assert len(document.to_frame("sentence")) == len(drawn.to_frame("sentence"))
    view = document.show()
    assert len(view.explanation.tokens) == len(drawn.tokens)
    assert len(document.figure("tokens").findobj()) > 100


def test_its_evidence_is_the_sum_by_hand(document):
    small = document.condensed
    expected = np.zeros((2, len(document.tokens)))
    for b, weight in enumerate(document.layer_weights):
        r_norm = np.abs(small.layer_attributions[b]).sum()
        g_norm = np.abs(small.attention_relevance[b].sum(axis=0)).sum()
        for c, sign in enumerate((1, -1)):
            for t, r in enumerate(document.layer_attributions[b]):
                own = 0.3 * max(sign * r, 0) / r_norm + 0.7 * document.given[c, b, t] / g_norm
                expected[c, t] += weight * own
    found = document.with_lam(0.3)
    np.testing.assert_allclose([found.supporting, found.opposing], expected, atol=1e-7)


def test_a_phrase_has_the_net_evidence_of_its_tokens(document):
    """To first order: the rollout adds what passes through several matrices."""
    linear = cn.Fusion(gamma=1e-6)
    tokens = document.with_fusion(linear).attributions
    shown = document.with_fusion(linear).drawn
    assert shown.attributions.sum() == pytest.approx(tokens.sum(), rel=1e-4)
    for ids in range(document.sentence_ids.max() + 1):
        own = tokens[document.sentence_ids == ids].sum()
        assert shown.attributions[shown.sentence_ids == ids].sum() == pytest.approx(own, rel=1e-3)


def test_matrices_add_up_where_they_are_kept(explainer, text):
    found = explainer.explain(LONG, target=1, n_steps=5)
    expected = np.zeros_like(found.attention_relevance, dtype=float)
    for window in cut_windows(text, MOST):
        own = explainer.explain(window.text.text, target=1, n_steps=5)
        expected[:, window.places[:, None], window.places] += (
            window.weight * own.attention_relevance
        )
    np.testing.assert_allclose(found.attention_relevance, expected, atol=1e-5)


def test_a_document_survives_a_file(document, tmp_path):
    document.save(tmp_path / "long.safetensors")
    opened = cn.load(tmp_path / "long.safetensors")
    assert isinstance(opened, LongText)
    np.testing.assert_array_equal(opened.attributions, document.attributions)
    np.testing.assert_array_equal(opened.drawn.attributions, document.drawn.attributions)
    assert np.isnan(opened.attention_relevance).all()
    assert repr(opened) == repr(document)


def test_a_document_asked_before_is_not_computed_again(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(assembly, "WHOLE", 100)
    model = tiny_model("bert")
    first = cn.Explainer(model, tokenizer, cache=tmp_path).explain(LONG)
    later, runs = cn.Explainer(model, tokenizer, cache=tmp_path), []
    later.explain(SENTENCE)  # the default baseline is looked for once
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, _: runs.append(1) if module is model else None
    )
    again = later.explain(LONG)
    hook.remove()
    assert len(runs) == first.config["windows"], "each must say the same again"
    np.testing.assert_array_equal(again.attributions, first.attributions)
    assert again.config == first.config


def test_another_class_is_asked_of_the_whole(document):
    shown = document.drawn.ask(2, None)
    assert len(shown.tokens) == len(document.drawn.tokens)
    assert shown.target == 2
    other = dataclasses.replace(document, fusion=cn.Fusion(lam=0.2))
    assert other.drawn.fusion.lam == 0.2


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_a_list_may_hold_texts_of_any_length(explainer):
    short, long = explainer.explain([SENTENCE, LONG], target=1)
    assert "windows" not in short.config
    assert long.config["windows"] > 2
    weights = explainer.calibrate([SENTENCE, LONG])
    assert weights[0] == 1 and (weights <= 1).all()


def test_token_ids_as_a_baseline_are_cut_alike(explainer, text):
    ids = text.model_inputs["input_ids"][0].clone()
    ids[torch.from_numpy(~text.special)] = 0
    given = explainer.explain(LONG, target=1, baselines=ids, n_steps=5)
    padded = explainer.explain(LONG, target=1, n_steps=5)
    np.testing.assert_allclose(given.layer_attributions, padded.layer_attributions, atol=1e-9)


@pytest.mark.bad_input
def test_what_a_document_has_not_is_said(document, explainer, tokenizer):
    with pytest.raises(ValueError, match=r"no matrix between them.*explanation.drawn.rollout\(\)"):
        document.rollout()
    with pytest.raises(ValueError, match=r"fusion\.readout must be 'all' for a document of"):
        _ = document.with_fusion(cn.Fusion(readout="pooled")).attributions
    with pytest.raises(ValueError, match=r"heads belong to one pass, this text took \d+"):
        document.heads(0)
    with pytest.raises(ValueError, match=r"baselines must be token ids of shape \(\d+,\), got"):
        explainer.explain(LONG, baselines=torch.arange(5))
    text = TextReader(tokenizer, None).read("good " * 40, longer=True)
    with pytest.raises(ValueError, match="it reads too few at once to explain a longer text"):
        cut_windows(text, 12)
    with pytest.raises(ValueError, match="must have at most 48 tokens for this model"):
        document.check()
