"""Pairs of texts: premise and hypothesis, question and passage."""

import numpy as np
import pytest
import torch
from tokenizers import processors

import calig_nb as cn
from calig_nb.figures import State
from calig_nb.figures.parts.prose import words
from calig_nb.figures.scene.scene import scene_of
from calig_nb.inputs.text import TextReader

from ..helpers.zoo import tiny_model, tiny_tokenizer

PAIR = {"text": "The plot is thin. ", "text_pair": " But not bad, the film!"}
A, B = PAIR["text"], PAIR["text_pair"]


def slow(fast):
    class Slow:
        is_fast = False

        def __call__(self, *texts, return_offsets_mapping, **options):
            assert not return_offsets_mapping
            return fast(*texts, **options)

        def __getattr__(self, name):
            return getattr(fast, name)

    return Slow()


@pytest.fixture(scope="session")
def tokenizer():
    made = tiny_tokenizer()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return made


@pytest.fixture
def explainer(tokenizer):
    return cn.Explainer(tiny_model("bert"), tokenizer)


@pytest.fixture
def read(tokenizer):
    return TextReader(tokenizer, 40).read(PAIR)


def test_offsets_slice_both_texts(read):
    assert read.text == f"{A}\n{B}" and read.split == len(A)
    second = [token for token, segment in zip(read.tokens, read.segment_ids) if segment == 1]
    assert second == ["But", "not", "bad", ",", "the", "film", "!"]
    for token, (start, end), segment in zip(read.tokens, read.offsets, read.segment_ids):
        if segment >= 0:
            assert read.text[start:end] == token
            assert (end <= len(A)) if segment == 0 else (start > len(A))


def test_the_model_reads_what_its_tokenizer_makes_of_both(read, tokenizer):
    expected = tokenizer(A, B, return_tensors="pt")
    assert set(read.model_inputs) == set(expected)
    for name, value in expected.items():
        assert torch.equal(read.model_inputs[name], value)
    types = expected["token_type_ids"][0].numpy()
    assert types.any()
    assert np.array_equal(read.segment_ids, np.where(read.special, -1, types))


def test_no_word_and_no_sentence_is_in_both(tokenizer):
    read = TextReader(tokenizer, 40).read({"text": "a thin", "text_pair": "ly bad film"})
    for ids in (read.word_ids, read.sentence_ids):
        first, second = (set(ids[read.segment_ids == n].tolist()) for n in (0, 1))
        assert first and second and not first & second


def test_a_tokenizer_that_tells_no_offsets_tells_the_texts_apart(read, tokenizer):
    found = TextReader(slow(tokenizer), 40).read(PAIR)
    assert found.segment_ids.tolist() == read.segment_ids.tolist()
    first, second = found.text.split("\n")
    assert found.split == len(first)
    assert (first.split()[0], second.split()[0]) == ("the", "but")


def test_a_text_alone_has_no_segments(explanation):
    assert explanation.segment_ids is None
    assert explanation.inputs == explanation.text


def test_an_explanation_keeps_both_texts(explainer, tmp_path):
    found = explainer.explain(PAIR)
    assert found.inputs == PAIR
    assert found.converged.all()
    assert set(found.segment_ids.tolist()) == {-1, 0, 1}
    found.save(tmp_path / "pair.safetensors")
    opened = cn.load(tmp_path / "pair.safetensors")
    assert opened.inputs == PAIR
    assert np.array_equal(opened.segment_ids, found.segment_ids)
    assert found.check(random=2).words == len(found.words)


def test_attributions_are_those_of_the_pair_and_complete(tokenizer):
    explainer = cn.Explainer(tiny_model("bert").double(), tokenizer)
    found = explainer.explain(PAIR, n_steps=40)
    assert np.abs(found.convergence_delta).max() < 1e-8
    with torch.no_grad():
        model = tiny_model("bert").double().eval()
        logits = model(**tokenizer(A, B, return_tensors="pt")).logits[0]
    assert found.score == pytest.approx(float(logits[found.target]))


def test_integrated_gradients_of_a_pair_agree_with_captum(tokenizer):
    captum = pytest.importorskip("captum.attr")
    model = tiny_model("bert").double().eval()
    found = cn.Explainer(model, tokenizer).explain(PAIR, n_steps=40, target=1)
    own = dict(tokenizer(A, B, return_tensors="pt"))
    ids = own.pop("input_ids")
    blank = ids.masked_fill(torch.from_numpy(~found.special), tokenizer.pad_token_id)

    def score(ids):
        return model(input_ids=ids, **{n: v.expand(len(ids), -1) for n, v in own.items()}).logits

    reference = captum.LayerIntegratedGradients(score, model.bert.embeddings).attribute(
        ids, blank, target=1, n_steps=40
    )
    np.testing.assert_allclose(
        found.layer_attributions[0], reference.sum(-1)[0].detach(), atol=1e-7
    )


def test_a_list_may_hold_pairs_and_texts(explainer):
    alone = explainer.explain(PAIR)
    both = explainer.explain([PAIR, "The plot is thin."])
    np.testing.assert_allclose(both[0].attributions, alone.attributions, atol=1e-4)
    assert both[1].segment_ids is None
    table = explainer.predict([PAIR, PAIR])
    assert table.loc[0, "text_pair"] == B


def test_another_class_is_asked_of_the_same_pair(explainer):
    found = explainer.explain(PAIR, target=0)
    other = found.ask(1, None)
    assert other.inputs == PAIR
    assert other.score == pytest.approx(explainer.explain(PAIR, target=1).score)
    assert found.heads(0).shape[1:] == (len(found.tokens),) * 2


def test_the_place_of_the_break_is_part_of_the_question(tokenizer, tmp_path):
    explainer = cn.Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    one = explainer.explain({"text": "a thin plot\nbut good", "text_pair": "a film"})
    other = explainer.explain({"text": "a thin plot", "text_pair": "but good\na film"})
    assert one.text == other.text
    assert one.inputs != other.inputs
    again = explainer.explain({"text": "a thin plot", "text_pair": "but good\na film"})
    assert again.inputs == other.inputs
    assert np.array_equal(again.segment_ids, other.segment_ids)


def test_the_second_text_starts_on_its_own_line(explainer):
    written = list(words(scene_of(explainer.explain(PAIR), State(granularity="word"))))
    assert ["But"] == [word.text for word in written if word.fresh]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ({"text": "good"}, ValueError, r"pair \{'text': …, 'text_pair': …\}, got the keys"),
        ({**PAIR, "more": "x"}, ValueError, "got the keys"),
        ({"premise": "a", "hypothesis": "b"}, ValueError, "premise or a question, is the text"),
        ({"text": "good", "text_pair": " "}, ValueError, r"inputs\['text_pair'\] must hold at le"),
        ({"text": "", "text_pair": "good"}, ValueError, r"inputs\['text'\] must hold at least on"),
        ({"text": "good", "text_pair": 3}, TypeError, r"inputs\['text_pair'\] must be a text"),
        ({"text": "good", "text_pair": "[SEP]"}, ValueError, "both texts must hold at least one o"),
        ({"text": "good " * 30, "text_pair": "bad " * 30}, ValueError, "must have at most 40"),
    ],
)
def test_bad_pairs_are_named(tokenizer, pair, error, message):
    for made in (tokenizer, slow(tokenizer)):
        with pytest.raises(error, match=message):
            TextReader(made, 40).read(pair)
