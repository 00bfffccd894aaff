"""Lists and several targets share passes, and give what each gives by itself."""

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from calig_nb import Explainer
from calig_nb.pipeline.batch import BATCH_TOKENS, explain_batch, group_by_length
from calig_nb.pipeline.cache import Cache

from ..helpers import zoo
from ..helpers.zoo import SENTENCE, tiny_model

TEXTS = [
    "Good.", SENTENCE, "Not good.", "The plot is thin, but the film is superb.", "Bad.",
    "It is not bad.", "The acting is thin.",
]  # fmt: skip
TEXT_MODELS = [name for name in zoo.ZOO if name not in zoo.IMAGES and not name.endswith("no-pad")]
NUMBERS = ("layer_attributions", "attention_relevance", "token_error", "score", "attributions")


def assert_same(got, expected, tolerance=1e-9):
    for name in NUMBERS:
        one, other = np.asarray(getattr(got, name)), np.asarray(getattr(expected, name))
        np.testing.assert_allclose(one, other, atol=tolerance * max(1, np.abs(other).max()))
    np.testing.assert_array_equal(got.n_steps, expected.n_steps)
    assert (got.text, got.tokens, got.target) == (expected.text, expected.tokens, expected.target)


@pytest.fixture
def sizes(monkeypatch):
    """How many texts went through the model together, each time."""
    found = []

    def counted(model, reader, texts, requests, budget):
        found.append(len(texts))
        return explain_batch(model, reader, texts, requests, budget)

    monkeypatch.setattr("calig_nb.pipeline.engine.explain_batch", counted)
    return found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", TEXT_MODELS)
def test_a_list_gives_what_each_text_gives_alone(name, tokenizer, sizes):
    explainer = Explainer(zoo.zoo_model(name), tokenizer)
    together = explainer.explain(TEXTS, target=1)
    carries = name in ("t5", "t5-encoder", "deberta-v2")  # a block's second output is one text's
    carries |= name == "electra" and transformers.__version__ < "5"
    assert carries or max(sizes) > 1
    assert sum(sizes) == len(TEXTS)
    for got, text in zip(together, TEXTS, strict=True):
        # some kernels take the softmax in single precision, whatever the weights are
        assert_same(got, explainer.explain(text, target=1), 1e-6)


def test_a_column_of_a_table_is_a_list(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    column = pd.Series(TEXTS[:3], index=[7, 8, 9])
    for texts in (column, column.to_numpy(), tuple(TEXTS[:3]), iter(TEXTS[:3])):
        assert [e.text for e in explainer.explain(texts)] == TEXTS[:3]


@pytest.mark.parametrize("baselines", ["pad", "mask", "bad", "mean"])
@pytest.mark.parametrize("method", ["ca-lig", "conductance"])
@pytest.mark.filterwarnings("ignore:baselines='mean'")
def test_every_question_may_be_asked_of_a_list(baselines, method, tokenizer, sizes):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    options = {"baselines": baselines, "method": method, "contrast": 2, "target": 1}
    together = explainer.explain(TEXTS, **options)
    assert max(sizes) > 1 or baselines == "mean", "a mean would take the padding in"
    for got, text in zip(together, TEXTS, strict=True):
        assert_same(got, explainer.explain(text, **options))


@pytest.mark.parametrize("inputs", [SENTENCE, TEXTS[:3]])
@pytest.mark.parametrize("output", ["logit", "margin", "prob"])
def test_several_targets_share_passes(inputs, output, tokenizer, sizes):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    single = isinstance(inputs, str)
    found = explainer.explain(inputs, target=[2, 0], output=output, n_steps=7)
    texts = [inputs] if single else inputs
    assert sum(sizes) == len(texts)
    for text, answers in zip(texts, [found] if single else found, strict=True):
        assert [e.target for e in answers] == [2, 0]
        for got in answers:
            alone = explainer.explain(text, target=got.target, output=output, n_steps=7)
            assert_same(got, alone)


def test_several_targets_take_fewer_passes_than_each_alone(tokenizer, monkeypatch):
    user = tiny_model("bert")
    explainer, passes = Explainer(user, tokenizer), []
    explainer.explain(SENTENCE)
    user.bert.embeddings.register_forward_hook(lambda *_: passes.append(1))
    explainer.explain(SENTENCE, target=0)
    alone = len(passes)
    passes.clear()
    explainer.explain(SENTENCE, target=[0, 1, 2])
    assert len(passes) < 2 * alone


def test_groups_hold_each_text_once_and_have_one_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 300, 200).tolist()
    for pads in (True, False):
        found = list(group_by_length(lengths, pads))
        assert sorted(i for group in found for i in group) == list(range(200))
        for group in found:
            own = [lengths[i] for i in group]
            assert max(own) <= (1.15 * min(own) if pads else min(own))
            assert len(group) == 1 or max(own) * len(group) <= BATCH_TOKENS
    assert len(list(group_by_length(lengths, True))) < len(list(group_by_length(lengths, False)))


def test_where_padding_matters_texts_go_alone(tokenizer, sizes):
    class Counting(torch.nn.Module):
        """A classifier that counts its tokens, padding and all."""

        def __init__(self):
            super().__init__()
            self.inner = tiny_model("bert")

        def forward(self, **inputs):
            output = self.inner(**inputs)
            output.logits = output.logits * inputs["input_ids"].shape[1]
            return output

    explainer = Explainer(Counting().eval(), tokenizer)
    for got, text in zip(explainer.explain(TEXTS, target=1), TEXTS, strict=True):
        assert_same(got, explainer.explain(text, target=1))


# --- one bad text does not lose the others ------------------------------------------------------


class Fragile(torch.nn.Module):
    """Infinite logits for texts with the word "bad"."""

    def __init__(self, tokenizer):
        super().__init__()
        self.inner = tiny_model("bert")
        self.bad = tokenizer.convert_tokens_to_ids("bad")

    def forward(self, input_ids, **inputs):
        output = self.inner(input_ids=input_ids, **inputs)
        output.logits = torch.where(
            (input_ids == self.bad).any(dim=1, keepdim=True), torch.inf, output.logits
        )
        return output


@pytest.mark.bad_input
def test_a_text_that_fails_leaves_the_others_finished(tokenizer, tmp_path):
    explainer = Explainer(Fragile(tokenizer).eval(), tokenizer, cache=tmp_path)
    with pytest.raises(ValueError, match=r"finite logits, got \[inf.*Bad") as caught:
        explainer.explain(TEXTS)
    kept = caught.value.explanations
    assert [e is None for e in kept] == ["bad" in text.lower() for text in TEXTS]
    assert len(explainer.cache) == len(TEXTS) - 2
    with pytest.warns(UserWarning, match=r"inputs\[.\] is skipped: model must return finite"):
        skipped = explainer.explain(TEXTS, on_error="skip")
    assert [e is None for e in skipped] == ["bad" in text.lower() for text in TEXTS]


@pytest.mark.bad_input
def test_a_text_that_cannot_be_read_is_skipped_on_request(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    with pytest.warns(UserWarning, match=r"skipped: inputs\[1\] must hold at least one word"):
        found = explainer.explain(["Good.", " ", "Bad."], on_error="skip")
    assert [e and e.text for e in found] == ["Good.", None, "Bad."]
    with pytest.raises(ValueError, match="at least one word"):
        explainer.explain(" ", on_error="skip")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": []}, "target must name at least one class, got an empty list"),
        ({"target": [0, 9]}, "target must lie between 0 and 2 .*, got 9"),
        ({"on_error": "ignore"}, "on_error must be one of .*raise.*skip.*, got 'ignore'"),
    ],
)
def test_bad_questions_are_named(options, message, tokenizer):
    with pytest.raises(ValueError, match=message):
        Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE, **options)


# --- layer weights stay with the model ------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_layer_weights_are_kept_with_the_model(tokenizer, tmp_path):
    first = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    assert first.layer_weights is None
    weights = first.calibrate(TEXTS)
    again = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    np.testing.assert_array_equal(again.layer_weights, weights)
    got = again.explain(SENTENCE)
    np.testing.assert_array_equal(got.layer_weights, weights)
    assert got.config["calibration"] == f"layer weights from {len(TEXTS)} texts of this model"
    assert Explainer(tiny_model("bert", seed=1), tokenizer, cache=tmp_path).layer_weights is None
    assert Cache(tmp_path).get_calibration("0" * 64) is None


def test_a_decoder_that_begins_with_the_texts_last_token_is_given_each_text_alone(tokenizer):
    """MBart moves it to the front: in a padded batch it lies where longer texts have a word."""
    torch.manual_seed(0)
    config = transformers.MBartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_ffn_dim=48, max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id, bos_token_id=tokenizer.cls_token_id,
    )  # fmt: skip
    model = transformers.MBartForSequenceClassification(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    explainer = Explainer(model, tokenizer, cache=None)
    texts = [SENTENCE, SENTENCE.replace("the ", ""), SENTENCE.replace("thin, ", "")]
    explainer.explain(texts[0])  # what a model allows is known once it was traced
    for text, found in zip(texts, explainer.explain(texts)):
        alone = explainer.explain(text)
        np.testing.assert_allclose(found.layer_attributions, alone.layer_attributions, rtol=1e-6)
        assert np.abs(found.convergence_delta).max() < 0.02 * abs(
            found.score - found.baseline_score
        )
