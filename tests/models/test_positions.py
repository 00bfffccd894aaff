"""Replaced words keep their positions, also where padding is not counted (RoBERTa and its kin)."""

import pytest
import torch
import transformers as hf

from calig_nb import Explainer
from calig_nb.evaluation.deletion import Scorer
from calig_nb.models.block_model import KEPT, Classifier

from ..helpers.script_tokenizers import xlm_r
from ..helpers.zoo import PADDING, rough, zoo_inputs, zoo_model

TEXT = "ፊልሙ በጣም ጥሩ ነው።"


@pytest.fixture(scope="module")
def tokenizer():
    return xlm_r(0)


@pytest.fixture(scope="module")
def model(tokenizer):
    torch.manual_seed(0)
    config = hf.XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=64, pad_token_id=1, num_labels=2,
    )  # fmt: skip
    return rough(hf.XLMRobertaForSequenceClassification(config))


@pytest.mark.parametrize("name", PADDING)
def test_they_are_those_that_the_model_counts(name):
    model = Classifier(zoo_model(name))
    inputs = {key: value.clone() for key, value in zoo_inputs(name).items()}
    inputs["input_ids"][1] = inputs["input_ids"][0]
    inputs["input_ids"][1, 6:], inputs["attention_mask"][1, 6:] = PADDING[name], 0
    kept = model.positions(inputs)
    assert kept[KEPT].shape == inputs["input_ids"].shape
    with model.preserve():
        torch.testing.assert_close(model.predict({**inputs, **kept}), model.predict(inputs))


@pytest.mark.parametrize("name", ["bert", "gpt2", "deberta-v2", "vit"])
def test_other_models_need_none(name):
    assert Classifier(zoo_model(name)).positions(zoo_inputs(name)) == {}


def test_the_baseline_has_the_words_places(model, tokenizer):
    explanation = Explainer(model, tokenizer).explain(TEXT, target=0)
    ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
    places = torch.arange(2, 2 + ids.shape[1])[None]
    ids[0, 1:-1] = tokenizer.pad_token_id
    mask = torch.ones_like(ids)
    with torch.no_grad():
        kept = model(input_ids=ids, attention_mask=mask, position_ids=places).logits[0, 0]
        lost = model(input_ids=ids, attention_mask=mask).logits[0, 0]
    assert explanation.baseline_score == pytest.approx(float(kept), abs=1e-9)
    assert abs(float(kept - lost)) > 1e-3, "where they stand matters to this model"


def test_a_word_deleted_by_padding_leaves_the_others_where_they_are(model, tokenizer):
    explainer = Explainer(model, tokenizer)
    text = explainer.engine.reader.read(TEXT)
    gone = text.word_ids == 1
    (found,) = Scorer(explainer.engine).log_odds(text, gone[None], 0, 1, "pad")
    ids = text.model_inputs["input_ids"].clone()
    places = torch.arange(2, 2 + ids.shape[1])[None]
    ids[0, torch.from_numpy(gone)] = tokenizer.pad_token_id
    mask = torch.ones_like(ids)
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, position_ids=places).logits[0]
    assert found == pytest.approx(float(logits[0] - logits[1]), abs=1e-9)


class Wrapper(torch.nn.Module):
    """Hands on what it is given, as PEFT and DataParallel do."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.config = inner, inner.config

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


class Plain(Wrapper):
    """Takes no positions at all."""

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        return self.inner(input_ids=input_ids, attention_mask=attention_mask).logits


class Embedding(Wrapper):
    """Looks words up by itself, so that its model counts every place."""

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        words = self.inner.get_input_embeddings()(input_ids)
        return self.inner(inputs_embeds=words, attention_mask=attention_mask).logits


@pytest.mark.parametrize(
    "wrap", [Wrapper, Plain, Embedding, torch.nn.DataParallel], ids=lambda one: one.__name__
)
def test_a_wrapper_does_not_lose_them(wrap, model, tokenizer):
    told, heard = (
        Explainer(one, tokenizer).explain(TEXT, target=0, tolerance=1e-6)
        for one in (model, wrap(model).eval())
    )
    assert told.baseline_score == pytest.approx(heard.baseline_score, abs=1e-12)
    assert abs(told.layer_attributions - heard.layer_attributions).max() < 1e-9
    assert heard.labels == told.labels


def test_positions_of_its_own_are_the_models(model, tokenizer):
    """A text that its tokenizer gave positions keeps these."""
    inputs = {n: torch.tensor([v]) for n, v in tokenizer(TEXT).items()}
    inputs["position_ids"] = torch.arange(3, 3 + inputs["input_ids"].shape[1])[None]
    assert torch.equal(Classifier(model).positions(inputs)[KEPT], inputs["position_ids"])
