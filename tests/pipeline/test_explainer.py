"""Requests to explanations: completeness, identities, calibration, and every bad request."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
import transformers as hf

from calig_nb import Explainer
from calig_nb.attribution.integrated_gradients import MAX_NODES
from calig_nb.explanation.fusion import layer_weights
from calig_nb.models import BlockModel
from calig_nb.pipeline.cache import Calibration, save_calibration

from ..helpers import zoo
from ..helpers.zoo import SENTENCE, tiny_model

TEXTS = ["A bad film.", "It is not good, but it is not bad.", SENTENCE]


def test_every_layer_sums_to_the_change_of_the_score(explainer):
    for text in TEXTS:
        got = explainer.explain(text)
        assert got.converged.all()
        assert (got.baseline_scores == got.baseline_score).all()
        change = got.score - got.baseline_score
        np.testing.assert_allclose(got.layer_attributions.sum(axis=1), change, rtol=0.01)
        np.testing.assert_allclose(
            got.convergence_delta, got.layer_attributions.sum(axis=1) - change, atol=1e-15
        )


def test_the_score_and_the_baseline_score_are_the_models_own(explainer, tokenizer):
    got = explainer.explain(SENTENCE, target=2)
    ids = tokenizer(SENTENCE, return_tensors="pt")["input_ids"]
    model = tiny_model("bert")
    assert got.score == pytest.approx(model(ids).logits[0, 2].item(), abs=1e-12)
    logits = model(ids).logits[0]
    ids[0, 1:-1] = tokenizer.pad_token_id
    assert got.baseline_score == pytest.approx(model(ids).logits[0, 2].item(), abs=1e-12)
    np.testing.assert_allclose(got.probabilities, torch.softmax(logits, dim=0).detach().numpy())


def test_the_predicted_class_is_explained_unless_another_is_named(explainer):
    got = explainer.explain(SENTENCE)
    assert got.target == got.probabilities.argmax()
    assert explainer.explain(SENTENCE, target="LABEL_0").target_name == "LABEL_0"


def test_a_contrast_is_antisymmetric_and_linear(explainer):
    options = {"n_steps": 12}
    a, b = (explainer.explain(SENTENCE, target=t, **options) for t in (0, 2))
    ab = explainer.explain(SENTENCE, target=0, contrast=2, **options)
    ba = explainer.explain(SENTENCE, target=2, contrast=0, **options)
    np.testing.assert_allclose(ab.layer_attributions, -ba.layer_attributions, atol=1e-12)
    np.testing.assert_allclose(ab.attributions, -ba.attributions, atol=1e-9)
    np.testing.assert_allclose(
        ab.layer_attributions, a.layer_attributions - b.layer_attributions, atol=1e-12
    )
    np.testing.assert_allclose(
        ab.attention_relevance, a.attention_relevance - b.attention_relevance, atol=1e-6
    )


@pytest.mark.parametrize("output", ["logit", "margin", "log_odds", "prob"])
def test_every_output_is_complete(explainer, output):
    got = explainer.explain(SENTENCE, target=1, output=output)
    assert got.converged.all()
    assert got.config["output"] == output


@pytest.mark.parametrize("baselines", ["pad", "mask", "a bad film", torch.full((13,), 7)])
def test_every_baseline_is_complete(explainer, baselines):
    got = explainer.explain(SENTENCE, baselines=baselines)
    assert got.converged.all()
    assert len(set(got.baseline_scores)) == 1


@pytest.mark.parametrize("baselines", ["zero", "mean"])
def test_hidden_baselines_warn_and_are_complete_layer_by_layer(explainer, baselines):
    with pytest.warns(
        UserWarning, match=f"baselines='{baselines}' are hidden states that no input"
    ):
        got = explainer.explain(SENTENCE, baselines=baselines, n_steps=200)
    assert len(set(got.baseline_scores)) > 1
    assert np.abs(got.convergence_delta[1:]).max() < 1e-3


def test_a_preview_has_one_baseline_score_whatever_the_baseline(explainer):
    for baselines in ("pad", "mean"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = explainer.explain(SENTENCE, method="conductance", baselines=baselines, n_steps=65)
        assert len(set(got.baseline_scores)) == 1
        assert got.converged.all()


def test_batches_change_nothing(tokenizer):
    wide, narrow = (
        Explainer(tiny_model("bert"), tokenizer, batch_tokens=n).explain(SENTENCE)
        for n in (100_000, 1)
    )
    np.testing.assert_allclose(wide.layer_attributions, narrow.layer_attributions, atol=1e-12)


def test_single_precision_agrees_with_double(tokenizer):
    single = Explainer(tiny_model("bert", dtype=torch.float32), tokenizer).explain(SENTENCE)
    double = Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE)
    assert single.config["dtype"] == "float32"
    np.testing.assert_allclose(single.layer_attributions, double.layer_attributions, atol=2e-3)


def test_a_list_gives_a_list_and_the_same_numbers(explainer):
    together = explainer.explain(TEXTS)
    assert [e.text for e in together] == TEXTS
    alone = explainer.explain(TEXTS[1])
    np.testing.assert_allclose(together[1].attributions, alone.attributions, rtol=1e-9)
    assert explainer.explain([]) == []


def test_a_bad_text_in_a_list_is_named_before_anything_is_computed(explainer, monkeypatch):
    monkeypatch.setattr(
        "calig_nb.pipeline.engine.explain_batch", lambda *_: pytest.fail("computed too early")
    )
    with pytest.raises(ValueError, match=r"inputs\[2\] must hold at least one word, got ''"):
        explainer.explain(["Good.", "Bad.", ""])


@pytest.mark.parametrize(("shown", "expected"), [(None, False), (True, True), (False, False)])
def test_a_progress_bar_is_shown_on_request_or_when_it_takes_long(
    explainer, capsys, shown, expected
):
    explainer.explain(["Good.", "Bad."], progress=shown)
    assert ("explain" in capsys.readouterr().err) == expected


def test_predict_is_a_table(explainer):
    table = explainer.predict(TEXTS)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["text", "label", "LABEL_0", "LABEL_1", "LABEL_2"]
    np.testing.assert_allclose(table[["LABEL_0", "LABEL_1", "LABEL_2"]].sum(axis=1), 1)
    assert explainer.predict(TEXTS[0]).loc[0, "label"] == table.loc[0, "label"]


def test_multi_label_probabilities_are_independent(tokenizer):
    model = tiny_model("bert")
    model.config.problem_type = "multi_label_classification"
    got = Explainer(model, tokenizer).explain(SENTENCE)
    logits = model(**tokenizer(SENTENCE, return_tensors="pt")).logits[0]
    np.testing.assert_allclose(got.probabilities, torch.sigmoid(logits).detach())


def test_calibration_estimates_keeps_and_uses_the_layer_weights(explainer):
    before = explainer.explain(SENTENCE)
    assert explainer.layer_weights is None
    np.testing.assert_allclose(
        before.layer_weights, layer_weights([before.layer_attributions], [before.special])
    )
    assert before.config["calibration"] == "layer weights from this text alone"
    weights = explainer.calibrate(TEXTS)
    expected = explainer.explain(TEXTS)
    np.testing.assert_allclose(
        weights,
        layer_weights([e.layer_attributions for e in expected], [e.special for e in expected]),
    )
    after = explainer.explain(SENTENCE)
    np.testing.assert_array_equal(after.layer_weights, weights)
    np.testing.assert_array_equal(explainer.layer_weights, weights)
    assert after.config["calibration"] == "layer weights from 3 texts of this model"
    np.testing.assert_array_equal(after.layer_attributions, before.layer_attributions)


def test_a_saved_folder_is_the_same_model_with_its_weights(explainer, tokenizer, tmp_path):
    tiny_model("bert", dtype=torch.float32).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    save_calibration(Calibration((1.0, 0.5, 0.25), 7), tmp_path)
    again = Explainer.from_pretrained(tmp_path, dtype=torch.float64)
    assert again.layer_weights.tolist() == [1.0, 0.5, 0.25]
    np.testing.assert_allclose(
        again.explain(SENTENCE).layer_attributions,
        explainer.explain(SENTENCE).layer_attributions,
        atol=1e-4,
    )


def test_the_loaded_folder_is_single_precision_and_runs_no_remote_code(tmp_path, tokenizer):
    tiny_model("bert", dtype=torch.float16).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert Explainer.from_pretrained(tmp_path).explain("good").config["dtype"] == "float32"
    config = (tmp_path / "config.json").read_text()
    hostile = config.replace(
        '"model_type": "bert"', '"model_type": "own", "auto_map": {"AutoConfig": "evil.C"}'
    )
    (tmp_path / "config.json").write_text(hostile)
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    with pytest.raises((ValueError, OSError)):
        Explainer.from_pretrained(tmp_path)


def test_asking_about_another_class_is_the_same_request(explainer):
    first = explainer.explain(SENTENCE, target=0, output="margin", baselines="mask")
    other = first.ask(1, None)
    expected = explainer.explain(SENTENCE, target=1, output="margin", baselines="mask")
    np.testing.assert_array_equal(other.layer_attributions, expected.layer_attributions)
    assert first.ask(1, 2).contrast == 2


@pytest.mark.parametrize("name", ["bert", "gpt2", "t5", "vit"])
def test_it_names_its_model_its_classes_and_its_blocks(name, tokenizer):
    model = zoo.zoo_model(name)
    processor = (lambda image: torch.zeros(3, 8, 8)) if name == "vit" else tokenizer
    explainer = Explainer(model, processor)
    assert explainer.model is model and explainer.processor is processor
    assert explainer.labels == tuple(model.config.id2label.values())
    modules = dict(model.named_modules())
    assert [modules[path] for path in explainer.blocks] == zoo.zoo_blocks(model, name)


def test_a_language_model_names_its_blocks(tokenizer):
    model = hf.GPT2LMHeadModel(hf.GPT2Config(vocab_size=80, n_embd=16, n_layer=2, n_head=2))
    explainer = Explainer(model.eval(), tokenizer)
    assert explainer.model is model
    assert explainer.blocks == ("transformer.h.0", "transformer.h.1")


def test_without_its_cache_it_says_the_same_and_keeps_nothing(tokenizer, tmp_path):
    explainer = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    weights = explainer.calibrate(TEXTS)
    kept = len(explainer.cache)
    alone = explainer.without_cache()
    assert alone.cache is None and explainer.cache is not None
    np.testing.assert_array_equal(alone.layer_weights, weights)
    expected = explainer.explain(SENTENCE)
    found = alone.explain("A new one."), alone.explain(SENTENCE)
    np.testing.assert_allclose(found[1].attributions, expected.attributions, rtol=1e-12)
    assert len(explainer.cache) == kept, "of a text that was explained before and of a new one"


def test_another_model_takes_the_place_with_the_same_layer_weights(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    weights = explainer.calibrate(TEXTS)
    other = explainer.with_model(BlockModel(tiny_model("bert", seed=1)))
    assert other.model is not explainer.model
    np.testing.assert_array_equal(other.layer_weights, weights)
    assert other.explain(SENTENCE, target=1).score != explainer.explain(SENTENCE, target=1).score


def test_train_mode_warns_and_is_explained_in_evaluation_mode(tokenizer):
    model = tiny_model("bert")
    expected = Explainer(model, tokenizer).explain(SENTENCE)
    model.train()
    with pytest.warns(UserWarning, match=r"train mode: it is explained in evaluation mode"):
        got = Explainer(model, tokenizer).explain(SENTENCE)
    np.testing.assert_array_equal(got.layer_attributions, expected.layer_attributions)
    assert model.training


def test_nothing_else_warns(explainer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer.explain(SENTENCE)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"inputs": ""}, ValueError, "inputs must hold at least one word, got ''"),
        ({"inputs": "  \n"}, ValueError, "inputs must hold at least one word"),
        ({"inputs": "[CLS] [SEP]"}, ValueError, "at least one ordinary token"),
        ({"inputs": None}, TypeError, r"inputs must be a text \(str\), got NoneType"),
        ({"inputs": ["good", 3]}, TypeError, r"inputs\[1\] must be a text \(str\), got int"),
        ({"target": "joyful"}, ValueError, "target must be one of .*got 'joyful'"),
        ({"target": 3}, ValueError, "target must lie between 0 and 2"),
        ({"target": 1, "contrast": 1}, ValueError, "contrast must differ from target"),
        ({"output": "score"}, ValueError, "output must be one of .*got 'score'"),
        (
            {"method": "magic"},
            ValueError,
            r"method must be one of \('ca-lig', 'conductance', .*'occlusion'\), got 'magic'",
        ),
        ({"lam": 1.5}, ValueError, r"lam must lie in \[0, 1\], got 1.5"),
        ({"lam": float("nan")}, ValueError, r"lam must lie in \[0, 1\], got nan"),
        ({"n_steps": 0}, ValueError, "n_steps must be 'auto' or a whole number from 1, got 0"),
        ({"n_steps": 2.5}, ValueError, "n_steps must be 'auto' or a whole number from 1, got 2.5"),
        ({"n_steps": "many"}, ValueError, "n_steps must be 'auto' or .*got 'many'"),
        ({"tolerance": 0}, ValueError, "tolerance must lie between 0 and 1, got 0"),
        ({"tolerance": float("nan")}, ValueError, "tolerance must lie between 0 and 1, got nan"),
        ({"baselines": None}, TypeError, "baselines must be 'pad', 'mask'.*got None"),
    ],
)
def test_bad_requests_are_named(explainer, request_, error, message):
    with pytest.raises(error, match=message):
        explainer.explain(**{"inputs": SENTENCE, **request_})


@pytest.mark.bad_input
def test_an_unknown_option_is_a_type_error(explainer):
    with pytest.raises(TypeError, match="lamda"):
        explainer.explain(SENTENCE, lamda=0.5)


@pytest.mark.bad_input
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused(tokenizer, value):
    model = tiny_model("bert")
    with torch.no_grad():
        model.classifier.bias[1] = value
    with pytest.raises(ValueError, match=r"model must return finite logits, got \[.*(nan|inf)"):
        Explainer(model, tokenizer).explain(SENTENCE)


@pytest.mark.bad_input
def test_no_tokenizer_and_no_budget_are_refused():
    with pytest.raises(TypeError, match="processor must be the model's tokenizer, got None"):
        Explainer(tiny_model("bert"), None)
    with pytest.raises(ValueError, match="batch_tokens must be at least 1, got 0"):
        Explainer(tiny_model("bert"), None, batch_tokens=0)


@pytest.mark.bad_input
def test_calibration_without_texts_is_refused(explainer):
    with pytest.raises(ValueError, match="at least one text to calibrate on, got none"):
        explainer.calibrate([])
    assert explainer.layer_weights is None


@pytest.mark.parametrize("name", [name for name in zoo.ZOO if name not in zoo.IMAGES])
def test_every_text_model_is_explained_from_end_to_end(name, tokenizer):
    got = Explainer(zoo.zoo_model(name), tokenizer).explain(SENTENCE, target=1, tolerance=1e-3)
    change = abs(got.score - got.baseline_score)
    mass = np.abs(got.layer_attributions).sum(axis=1)
    within = np.abs(got.convergence_delta) <= 1e-3 * np.maximum(change, 0.01 * mass)
    assert within[got.converged].all()
    # Weights this rough, and the kinks of a ReLU, can be too much: then all nodes were tried.
    assert (got.n_steps[~got.converged] == MAX_NODES).all()
    assert got.converged.all() or name in (
        "distilbert",
        "llama",
        "llama-no-pad",
        "t5",
        "t5-encoder",
    )
    assert np.isfinite(got.attributions).all()


@pytest.mark.parametrize("name", ["bert", "roberta", "albert", "gpt2"])
def test_in_double_precision_the_error_reaches_the_tenth_digit(name, tokenizer):
    got = Explainer(zoo.zoo_model(name), tokenizer).explain(SENTENCE, tolerance=1e-10)
    assert got.converged.all()
    change = abs(got.score - got.baseline_score)
    assert np.abs(got.convergence_delta).max() <= 1e-10 * max(change, 1)
