"""A model that says another thing now is another model, whatever the cache has of it."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.pipeline import cache as disk
from calig_nb.pipeline.cache import Calibration, load_calibration, save_calibration

from ..helpers.own_models import OwnClassifier
from ..helpers.zoo import SENTENCE, rough, tiny_model, tiny_tokenizer

TEXTS = ["A bad film.", "It is not good.", "The plot is thin.", "A superb film.", "Not bad."]
LONG = " ".join([SENTENCE] * 7)
OUTSIDE = {"factor": 1.0}


def helper(logits):
    """What ``forward`` calls, and no digest of the module sees."""
    return logits * OUTSIDE["factor"]


class Changing(OwnClassifier):
    """What it says depends on much that is no weight."""

    def __init__(self):
        super().__init__()
        self.temperature = 1.0
        self.settings = SimpleNamespace(factor=1.0)
        self.loose = torch.ones(2, dtype=torch.float64)
        self.squash = torch.tanh
        self.low_rank = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(2, 8)) for name in ("a", "b")}
        )
        self.adapters = ["a"]

    def forward(self, input_ids, attention_mask, output_attentions=False):
        output = super().forward(input_ids, attention_mask, None, output_attentions)
        x = self.squash(self.embed(input_ids).mean(dim=1)) * 0  # of no weight but for a change
        for name in self.adapters:
            x = x + 0.1 * self.low_rank[name].sum(dim=0)
        logits = output.logits + nn.functional.linear(x, self.head.weight)
        logits = helper(logits) / self.temperature * self.settings.factor * self.loose
        output.logits = logits
        return output


def outside(factor):
    OUTSIDE["factor"] = factor


CHANGES = {
    "set_adapter": lambda m: setattr(m, "adapters", ["b"]),
    "disable_adapter": lambda m: setattr(m, "adapters", []),
    "weights by .data": lambda m: m.trunk["steps"][0].mix.weight.data.zero_(),
    "an embedding by .data": lambda m: m.embed.weight.data.neg_(),
    "a plain attribute": lambda m: setattr(m, "temperature", 2.0),
    "an object's attribute": lambda m: setattr(m.settings, "factor", 0.5),
    "a tensor that is no buffer": lambda m: m.loose.data.mul_(3),
    "a helper": lambda m: outside(0.25),
}


@pytest.fixture(autouse=True)
def _restored():
    yield
    outside(1.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return rough(Changing())


@pytest.fixture
def words():
    """A tokenizer that reads up to 48 tokens, and pads."""
    return tiny_tokenizer()


@pytest.fixture
def cached(model, words, tmp_path):
    return Explainer(model, words, cache=tmp_path / "cache")


def said(model, tokenizer, text):
    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).logits[0].numpy()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_explained_anew(cached, model, words, change):
    before = cached.explain(SENTENCE, target=1)
    CHANGES[change](model)
    own = said(model, words, SENTENCE)[1]
    assert abs(own - before.score) > 1e-3, "or nothing was changed"
    expected = Explainer(model, words, cache=False).explain(SENTENCE, target=1)
    for explainer in (cached, Explainer(model, words, cache=cached.cache.folder)):
        found = explainer.explain(SENTENCE, target=1)
        assert found.score == pytest.approx(own, abs=1e-12)
        np.testing.assert_allclose(found.layer_attributions, expected.layer_attributions)


def test_a_list_of_classes_is_checked_as_one(cached, model, words):
    cached.explain(SENTENCE, target=[0, 1])
    outside(0.25)
    found = cached.explain(SENTENCE, target=[0, 1])
    np.testing.assert_allclose([one.score for one in found], said(model, words, SENTENCE))


def test_a_document_in_windows_is_checked_in_all_of_them(cached, model, words):
    before = cached.explain(LONG, target=1, n_steps=4)
    assert before.config["windows"] > 2
    assert cached.explain(LONG, target=1, n_steps=4).score == before.score
    # Only the last window has this word.
    long = LONG + " Very."
    first = cached.explain(long, target=1, n_steps=4)
    very = words.convert_tokens_to_ids("very")
    model.embed.weight.data[very] += 3
    found = cached.explain(long, target=1, n_steps=4)
    assert abs(found.score - first.score) > 1e-3
    expected = Explainer(model, words, cache=False).explain(long, target=1, n_steps=4)
    np.testing.assert_allclose(found.layer_attributions, expected.layer_attributions)


def test_a_changed_model_has_other_heads(words, tmp_path):
    model = tiny_model("bert")
    cached = Explainer(model, words, cache=tmp_path)
    before = cached.explain(SENTENCE, target=1)
    old = before.heads(1)
    np.testing.assert_allclose(before.heads(1), old, atol=1e-3 * np.abs(old).max())
    model.bert.encoder.layer[2].output.dense.weight.data.mul_(-1)
    expected = Explainer(model, words, cache=False).explain(SENTENCE, target=1).heads(1)
    assert np.abs(expected - old).max() > 0.01 * np.abs(old).max()
    np.testing.assert_allclose(before.heads(1), expected, atol=1e-6)


def test_a_changed_model_is_evaluated_anew(cached, model, words):
    asked = {"texts": TEXTS[:2], "targets": [1, 1], "methods": ["gradient-x-input"]}
    before = cn.evaluate(cached, **asked)
    assert cn.evaluate(cached, **asked).seconds.tolist() == before.seconds.tolist(), "from disk"
    outside(-1.0)
    found = cn.evaluate(cached, **asked)
    expected = cn.evaluate(Explainer(model, words, cache=False), **asked)
    np.testing.assert_allclose(found.values, expected.values)
    assert not np.allclose(found.values, before.values, equal_nan=True)


PARTS = {
    "a block": lambda m, o: m.bert.encoder.layer.__setitem__(1, o.bert.encoder.layer[1]),
    "fewer blocks": lambda m, o: setattr(m.bert.encoder, "layer", m.bert.encoder.layer[:2]),
    "the encoder": lambda m, o: setattr(m.bert, "encoder", o.bert.encoder),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("blocks", [None, "bert.encoder.layer"])
def test_a_model_with_other_parts_is_looked_at_again(words, part, blocks):
    model = tiny_model("bert")
    explainer = Explainer(model, words, blocks=blocks, cache=False)
    explainer.explain(SENTENCE, target=1)
    PARTS[part](model, tiny_model("bert", seed=3))
    found = explainer.explain(SENTENCE, target=1)
    expected = Explainer(model, words, cache=False).explain(SENTENCE, target=1)
    np.testing.assert_allclose(found.layer_attributions, expected.layer_attributions)


# --- the tokenizer is part of the question -----------------------------------------------------


def test_a_changed_padding_token_is_another_baseline(cached, model, words):
    before = cached.explain(SENTENCE, target=1)
    words.pad_token = "[MASK]"
    found = cached.explain(SENTENCE, target=1)
    ids = words(SENTENCE, return_tensors="pt")
    ids["input_ids"][0, 1:-1] = words.convert_tokens_to_ids("[MASK]")
    with torch.no_grad():
        own = model(**ids).logits[0, 1].item()
    assert found.baseline_score == pytest.approx(own, abs=1e-12)
    assert abs(found.baseline_score - before.baseline_score) > 1e-6


def test_a_changed_mask_token_is_another_deletion(cached, model, words):
    asked = {"texts": TEXTS[:1], "targets": [1], "methods": ["attention"], "deletion": "mask"}
    before = cn.evaluate(cached, **asked)
    words.mask_token = "film"
    found = cn.evaluate(cached, **asked)
    fresh = cn.evaluate(Explainer(model, words, cache=False), **asked)
    np.testing.assert_allclose(found.values, fresh.values)
    assert not np.allclose(found.values, before.values, equal_nan=True)


def test_tokens_that_are_named_otherwise_are_shown_so(cached, model):
    before = cached.explain(SENTENCE, target=1)
    other = tiny_tokenizer()
    other.add_special_tokens({"additional_special_tokens": ["superb"]})
    found = Explainer(model, other, cache=cached.cache.folder).explain(SENTENCE, target=1)
    assert found.special.sum() == before.special.sum() + 1


def test_renamed_classes_are_shown_by_their_new_names(words, tmp_path):
    model = tiny_model("bert")
    cached = Explainer(model, words, cache=tmp_path)
    cached.explain(SENTENCE, target=1)
    model.config.id2label = {0: "bad", 1: "so-so", 2: "good"}
    assert cached.explain(SENTENCE, target=1).target_name == "so-so"


# --- libraries and rounding ---------------------------------------------------------------------


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_the_versions_of_the_libraries_are_part_of_the_name(words, monkeypatch, library):
    explainer = Explainer(tiny_model("bert"), words)
    before = explainer.engine.identity.digest()
    monkeypatch.setattr(f"{library}.__version__", "0.0")
    assert explainer.engine.identity.digest() != before


def test_rounding_is_no_change_and_all_else_is():
    for kind in (np.float32, np.float64):
        kept = np.array([[3.0, -1.0], [0.5, 2.0]], dtype=kind)
        eps = np.finfo(kind).eps
        assert disk.agree(kept, kept)
        assert disk.agree(kept, kept * (1 + 8 * kind(eps)))
        assert not disk.agree(kept, kept * (1 + 1000 * kind(eps)))
        assert not disk.agree(kept, kept[:1])
        assert not disk.agree(kept * kind(np.nan), kept * kind(np.nan))
    third = np.array([[1 / 3]])
    assert disk.agree(third, third.astype(np.float32)), "the coarser precision decides"
    assert not disk.agree(third, third * (1 + 1e-9))
    assert not disk.agree(np.empty((0, 0)), np.empty((0, 0))), "nothing was said"


def test_a_pass_that_fails_costs_the_entry_and_not_the_answer(cached, monkeypatch):
    def fail(*_):
        raise RuntimeError("no plain pass here")

    monkeypatch.setattr("calig_nb.pipeline.recall.said_of", fail)
    first = cached.explain(SENTENCE, target=1)
    again = cached.explain(SENTENCE, target=1)
    np.testing.assert_array_equal(first.layer_attributions, again.layer_attributions)
    monkeypatch.undo()
    outside(0.25)
    assert cached.explain(SENTENCE, target=1).score != first.score


def test_a_model_that_is_never_the_same_is_never_answered_from_the_cache(words, tmp_path):
    class Moody(Changing):
        count = 0

        def forward(self, *args, **kwargs):
            output = super().forward(*args, **kwargs)
            Moody.count += 1
            output.logits = output.logits * (1 + 1e-3 * (Moody.count % 7))
            return output

    torch.manual_seed(0)
    cached = Explainer(rough(Moody()), words, cache=tmp_path)
    first, second = (cached.explain(SENTENCE, target=1).score for _ in range(2))
    assert first != second


# --- layer weights ------------------------------------------------------------------------------


def test_layer_weights_of_another_adapter_are_not_used(cached, model):
    calibrated = cached.calibrate(TEXTS)
    used = cached.explain(SENTENCE, target=1)
    np.testing.assert_array_equal(used.layer_weights, calibrated)
    outside(0.25)
    with pytest.warns(UserWarning, match=r"Layer weights from 5 texts, .* are not used: the model"):
        found = cached.explain(SENTENCE, target=1)
    assert found.config["calibration"] == "layer weights from this text alone"
    with pytest.warns(UserWarning, match="another model's"):
        assert cached.layer_weights is None
    outside(1.0)
    np.testing.assert_array_equal(cached.layer_weights, calibrated)


def test_each_adapter_finds_its_own_layer_weights(cached, model, words):
    weights = {}
    for name in ("a", "b"):
        model.adapters = [name]
        weights[name] = cached.calibrate(TEXTS).tolist() if name == "a" else None
    with pytest.warns(UserWarning, match="are not used"):
        weights["b"] = cached.calibrate(TEXTS).tolist()
    other = Explainer(model, words, cache=cached.cache.folder)
    for name in ("a", "b"):
        model.adapters = [name]
        with pytest.warns(UserWarning, match="Layer weights of an earlier calibration are used"):
            assert other.layer_weights.tolist() == weights[name]


def test_layer_weights_of_before_are_told_once_with_their_number_and_their_day(cached, words):
    weights = cached.calibrate(TEXTS)
    day = cached.engine.calibration.when
    assert day[:2] == "20" and len(day) == len("2026-03-01 12:30")
    later = Explainer(cached.model, words, cache=cached.cache.folder)
    told = rf"earlier calibration are used: 5 texts, {day}\. explainer\.calibrate\(None\) forgets"
    with pytest.warns(UserWarning, match=told) as caught:
        found = later.explain(SENTENCE)
    assert sum("earlier calibration" in str(one.message) for one in caught) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Layer weights")
        later.explain(SENTENCE)
    np.testing.assert_array_equal(found.layer_weights, weights)
    assert found.config["calibration"] == "layer weights from 5 texts of this model"
    assert found.config["calibrated"] == day
    assert repr(later).endswith(f"layer weights from 5 texts, {day})")


def test_layer_weights_can_be_forgotten(cached, words):
    cached.calibrate(TEXTS)
    assert cached.calibrate(None) is None
    assert cached.layer_weights is None
    assert Explainer(cached.model, words, cache=cached.cache.folder).layer_weights is None
    assert repr(cached).endswith("not calibrated)")
    found = cached.explain(SENTENCE)
    assert "calibrated" not in found.config


def test_a_few_texts_are_accepted_with_a_warning(cached):
    with pytest.warns(UserWarning, match="estimated from 1 text only.* at least 5"):
        cached.calibrate("A bad film.")
    with pytest.warns(UserWarning, match="estimated from 4 texts only"):
        cached.calibrate(TEXTS[:4])
    cached.calibrate(TEXTS)


@pytest.mark.parametrize("opened", [Explainer.from_pretrained, Explainer])
def test_layer_weights_beside_a_model_are_those_of_this_model(words, tmp_path, opened):
    model = tiny_model("bert", dtype=torch.float32)
    model.save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    save_calibration(Calibration((1.0, 0.5, 0.25), 7), tmp_path)
    explainer = opened(tmp_path, cache=False)
    assert explainer.layer_weights.tolist() == [1.0, 0.5, 0.25]
    explainer.model.bert.encoder.layer[0].output.dense.weight.data.zero_()
    with pytest.warns(UserWarning, match="Layer weights from 7 texts are not used"):
        assert explainer.layer_weights is None
    # Trained further and saved into the same folder.
    own = opened(tmp_path, cache=False)
    own.calibrate(TEXTS)
    save_calibration(own.engine.calibration, tmp_path)
    kept = load_calibration(tmp_path)
    assert kept.layer_weights == own.engine.calibration.layer_weights and len(kept.witnesses) == 3
    assert opened(tmp_path, cache=False).layer_weights is not None
    tiny_model("bert", dtype=torch.float32, seed=1).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="Layer weights from 5 texts, .* are not used"):
        assert opened(tmp_path, cache=False).layer_weights is None


def test_no_text_is_kept_with_the_layer_weights_but_a_few_as_ids(cached):
    cached.calibrate(TEXTS)
    (entry,) = cached.cache.own_folder.glob("*.weights")
    assert b"film" not in entry.read_bytes()
    assert len(cached.engine.calibration.witnesses) == 3
