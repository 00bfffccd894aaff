"""Text to tokens, words, sentences and baselines."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from calig_nb.inputs.text import TextReader

from ..helpers.zoo import SENTENCE, tiny_tokenizer


@pytest.fixture
def reader(tokenizer):
    return TextReader(tokenizer, 40)


def words_of(inputs):
    found = {}
    for token, word in zip(inputs.tokens, inputs.word_ids):
        if word >= 0:
            found.setdefault(int(word), []).append(token)
    return ["".join(pieces) for pieces in found.values()]


def test_tokens_are_the_text_they_stand_for(reader):
    inputs = reader.read(SENTENCE)
    assert inputs.tokens[0] == "[CLS]"
    assert inputs.tokens[1] == "The", "as typed, not lower-cased"
    assert inputs.tokens[-1] == "[SEP]"
    assert inputs.special.tolist() == [True] + [False] * 11 + [True]
    for token, (start, end), special in zip(inputs.tokens, inputs.offsets, inputs.special):
        assert (start, end) == (0, 0) if special else inputs.text[start:end] == token
    assert inputs.model_inputs["input_ids"].shape == (1, 13)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The plot thickly thins.", ["The", "plot", "thickly", "thins", "."]),
        ("It isn't 'good', it's bad", ["It", "isn't", "'", "good", "'", ",", "it's", "bad"]),
        ("x_1 = 3.5", ["x_1", "=", "3.5"]),
        ("é", ["é"]),  # a letter and a combining accent
        ("ሰላም ነው", ["ሰላም", "ነው"]),
        ("这是好", ["这", "是", "好"]),
    ],
)
def test_pieces_of_a_word_share_its_number(reader, text, expected):
    assert words_of(reader.read(text)) == expected


def byte_level_tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {c: i for i, c in enumerate([*alphabet, "<pad>", "<s>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>")


def test_byte_level_pieces_show_the_character_they_make_up():
    inputs = TextReader(byte_level_tokenizer(), None).read("a 😀b")
    assert "Ġ" not in "".join(inputs.tokens)
    assert words_of(inputs)[0] == "a"
    assert inputs.tokens[-1] == "b"
    assert "😀" in inputs.tokens


def test_a_slow_tokenizer_shows_its_own_tokens():
    fast = tiny_tokenizer()

    class Slow:
        is_fast = False

        def __call__(self, text, *, return_offsets_mapping, **options):
            assert not return_offsets_mapping
            return fast(text, **options)

        def __getattr__(self, name):
            return getattr(fast, name)

    inputs = TextReader(Slow(), None).read("the plot")
    assert inputs.tokens == ("[CLS]", "the", "plot", "[SEP]")
    assert inputs.text == "the plot"


def test_sentences_are_numbered(reader):
    inputs = reader.read("It is good. Is it?\nNot bad… a film")
    sentences = {}
    for token, number in zip(inputs.tokens, inputs.sentence_ids):
        sentences.setdefault(int(number), []).append(token)
    assert sorted(sentences) == [-1, 0, 1, 2, 3]
    assert sentences[1] == ["Is", "it", "?"]


def test_an_unknown_word_and_a_mask_are_ordinary(reader):
    inputs = reader.read("ß [MASK] [SEP] good")
    assert inputs.special.tolist() == [True, False, False, True, False, True]


def test_baselines_replace_ordinary_tokens_only(reader, tokenizer):
    inputs = reader.read(SENTENCE)
    for kind, token in (("pad", "[PAD]"), ("mask", "[MASK]")):
        replaced, name = reader.make_baseline(inputs, kind)
        ids = replaced["input_ids"][0].tolist()
        assert name == token
        assert [i for i, s in zip(ids, inputs.special) if not s] == [
            tokenizer.convert_tokens_to_ids(token)
        ] * 11
        assert (ids[0], ids[-1]) == (2, 3)
        assert torch.equal(replaced["attention_mask"], inputs.model_inputs["attention_mask"])
    replaced, name = reader.make_baseline(inputs, "a bad film")
    assert name == "“a bad film”"
    assert tokenizer.convert_ids_to_tokens(replaced["input_ids"][0])[1:5] == [
        "a", "bad", "film", "[PAD]"
    ]  # fmt: skip
    given = torch.arange(13)
    assert torch.equal(reader.make_baseline(inputs, given)[0]["input_ids"], given[None])
    assert "plot" in tokenizer.convert_ids_to_tokens(inputs.model_inputs["input_ids"][0])


def test_the_limit_is_the_smaller_of_tokenizer_and_model(tokenizer):
    assert TextReader(tokenizer, 40).max_tokens == 40
    assert TextReader(tokenizer, 100).max_tokens == 48
    assert TextReader(tokenizer, None).max_tokens == 48
    inputs = TextReader(tokenizer, 40).read("good " * 38)
    assert len(inputs.tokens) == 40


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "inputs must hold at least one word, got ''"),
        ("so\udcff", ValueError, r"must be a text, got the half character '\\udcff' at 2"),
        (" \n\t\u3000", ValueError, "inputs must hold at least one word"),
        ("[CLS] [SEP]", ValueError, "at least one ordinary token, got only special ones"),
        ("good " * 39, ValueError, "at most 40 tokens for this model, got 41. Shorten"),
        (7, TypeError, r"inputs must be a text \(str\), got int: 7"),
        (None, TypeError, "inputs must be a text .*got NoneType"),
        (b"good", TypeError, "inputs must be a text .*got bytes"),
    ],
)
def test_bad_texts_are_named(reader, text, error, message):
    with pytest.raises(error, match=message):
        reader.read(text)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        (torch.arange(5), r"token ids of shape \(13,\), got \(5,\)"),
        (torch.rand(13), r"token ids of shape \(13,\), got \(13,\) of torch.float32"),
        ("the plot " * 10, "a text of at most 11 tokens here, got 20"),
    ],
)
def test_bad_baselines_are_named(reader, baselines, message):
    with pytest.raises(ValueError, match=message):
        reader.make_baseline(reader.read(SENTENCE), baselines)


@pytest.mark.bad_input
def test_a_tokenizer_without_a_mask_says_so():
    reader = TextReader(byte_level_tokenizer(), None)
    with pytest.raises(ValueError, match="baselines='mask' needs a tokenizer with a mask token"):
        reader.make_baseline(reader.read("good"), "mask")
    assert reader.make_baseline(reader.read("good"), "pad")[1] == "<pad>"


@pytest.mark.bad_input
@pytest.mark.parametrize("processor", [None, "bert-base-uncased", len])
def test_what_is_no_tokenizer_is_refused(processor):
    with pytest.raises(TypeError, match="processor must be the model's tokenizer, got"):
        TextReader(processor, None)


def test_word_numbers_have_no_gaps(reader):
    ids = reader.read("Not bad, it's a thinly thin plot!").word_ids
    ordinary = ids[ids >= 0]
    assert np.array_equal(np.unique(ordinary), np.arange(ordinary.max() + 1))
