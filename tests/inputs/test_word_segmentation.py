"""Pieces, words and sentences of ten scripts, by tokenizers of four families built here."""

import unicodedata

import numpy as np
import pytest
from tokenizers import (
    models,
)

from calig_nb.inputs.text import WHITE_SPACE, TextReader
from calig_nb.inputs.word_segmentation import sentence_ids, text_from_pieces, word_ids

from ..helpers.script_tokenizers import byte_level, t5, wordpiece, xlm_r
from ..helpers.scripts import WORDS_OF

UNSPACED = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI")


in_ten_scripts = pytest.mark.parametrize("text", WORDS_OF, ids=map(str, range(len(WORDS_OF))))


KINDS = {
    "XLM-R": lambda: xlm_r(700),
    "XLM-R, letters": lambda: xlm_r(0),
    "T5": lambda: t5(700),
    "GPT-2": lambda: byte_level(700, prefix=False, trim=False),
    "GPT-2, bytes": lambda: byte_level(1, prefix=False, trim=True),
    "RoBERTa": lambda: byte_level(700, prefix=True, trim=True),
    "BERT uncased": lambda: wordpiece(900, plain=True),
    "BERT cased": lambda: wordpiece(900, plain=False),
    "BERT cased, letters": lambda: wordpiece(1, plain=False),
}


@pytest.fixture(scope="module", params=KINDS)
def reader(request):
    return TextReader(KINDS[request.param](), None)


def words_of(inputs):
    """What stands in the text where each word's tokens stand."""
    return [
        inputs.text[inputs.offsets[own, 0].min() : inputs.offsets[own, 1].max()]
        for own in (inputs.word_ids == n for n in range(inputs.word_ids.max() + 1))
    ]


def expected(text):
    """The words of the list; those of a run without spaces as one."""
    found = []
    for word in WORDS_OF[text].split("|"):
        run = found and found[-1] + word
        if run and run in text and is_unspaced(run):
            found[-1] = run
        else:
            found.append(word)
    return found


def refined(found, word):
    """How many of the found pieces make up the word, or the run of words; 0 if they do not."""
    for n in range(1, len(found) + 1):
        whole = "".join(found[:n])
        if whole == word and (n == 1 or is_unspaced(word)):
            return n
        if not word.startswith(whole):
            return 0
    return 0


def is_unspaced(word):
    return all(unicodedata.name(c).startswith(UNSPACED) for c in word)


def letters(text):
    return "".join(text.split())


@in_ten_scripts
def test_words_are_those_that_a_reader_sees(reader, text):
    found = words_of(reader.read(text))
    rest = found
    for word in expected(text):
        n = refined(rest, word)
        assert n, f"{word!r} expected, found {rest[:3]} in {found}"
        rest = rest[n:]
    assert not rest


@in_ten_scripts
def test_a_token_is_exactly_what_it_stands_for(reader, text):
    inputs = reader.read(text)
    backend = reader.tokenizer.backend_tokenizer
    pieces = reader.tokenizer.convert_ids_to_tokens(inputs.model_inputs["input_ids"][0])
    assert "<unk>" not in pieces
    covered = np.zeros(len(text), bool)
    group, end = [], 0
    ordinary = [t for t, special in enumerate(inputs.special) if not special]
    for t in ordinary:
        start, stop = inputs.offsets[t]
        if start >= end:
            check_pieces(backend, text, [pieces[u] for u in group], inputs.offsets[group])
            group = []
        group, end = [*group, t], max(end, stop)
        shown = text[start:stop]
        assert inputs.tokens[t] == (shown or WHITE_SPACE)
        assert shown == shown.strip()
        covered[start:stop] = True
    check_pieces(backend, text, [pieces[u] for u in group], inputs.offsets[group])
    assert all(c.isspace() for c, seen in zip(text, covered) if not seen), "nothing is left out"


def check_pieces(backend, text, pieces, offsets):
    """Pieces that cannot be told apart in the text are together the text that they stand for."""
    text = text[offsets[:, 0].min() : offsets[:, 1].max()] if pieces else ""
    if not text:  # white space, or some bytes of it
        return
    if isinstance(backend.model, models.BPE):
        written = backend.decoder.decode(pieces)
    else:
        text = backend.normalizer.normalize_str(text)
        written = "".join(piece.removeprefix("##").replace("▁", "") for piece in pieces)
    assert letters(written) == letters(text)


@in_ten_scripts
def test_no_word_begins_in_the_middle_of_a_character(reader, text):
    for word in words_of(reader.read(text)):
        assert unicodedata.category(word[0])[0] != "M"
        assert word[0] not in "\u200c\u200d" and word[-1] != "\u200d"


def test_the_lone_mark_of_a_space_shows_as_one_and_belongs_to_its_word():
    reader = TextReader(xlm_r(0), None)
    inputs = reader.read("ሰላም ለሁሉ።")
    pieces = reader.tokenizer.convert_ids_to_tokens(inputs.model_inputs["input_ids"][0])
    lone = [t for t, piece in enumerate(pieces) if piece == "▁"]
    assert len(lone) == 2
    for t in lone:
        assert inputs.tokens[t] == WHITE_SPACE
        assert inputs.offsets[t].tolist() == [inputs.offsets[t + 1, 0]] * 2
        assert inputs.word_ids[t] == inputs.word_ids[t + 1]
    assert words_of(inputs) == ["ሰላም", "ለሁሉ", "።"]


def test_a_line_break_is_no_part_of_the_next_word():
    inputs = TextReader(byte_level(1, prefix=False, trim=False), None).read("no\n\nyes")
    assert inputs.tokens == ("<s>", "n", "o", WHITE_SPACE, WHITE_SPACE, "y", "e", "s", "</s>")
    assert inputs.word_ids.tolist() == [-1, 0, 0, 1, 2, 3, 3, 3, -1]


def test_a_zero_width_space_parts_words():
    inputs = TextReader(byte_level(1, prefix=False, trim=False), None).read("ab\u200bcd")
    assert words_of(inputs) == ["ab", "\u200b", "cd"]


@pytest.mark.parametrize(
    "words",  # a bar where one ends
    [
        "U.S.A|.",
        "a.b.c",
        "example.com",
        "カタカナ",
        "ﾊﾟﾝﾀ",
        "can’t|,| won't|:| |'|so|'",
        "3.5| km|,| 1,000.50|,| ١٢٫٥|,| 3|.|a| x_1 |__init__",
        "at |12|:|30| c|:|a",  # the default rules alone have c:a
        "https|:|/|/|example.com|/|a|-|b",
        "ሰላም|፡|ለዓለም|።",
        "ሰላም|:|ለዓለም|:|:",
        "2012| ዓ.ም| ፳፻፲፮|፣",  # the default rules alone part each sign of a number
        "الفيلم| رائعٌ|،| می‌خواهم",
        'צה״ל| ג׳ירפה| מנכ"ל',
        "ส|วั|ส|ดี",
        "我|喜|欢|で|す|。",
        "한국어| 좋아",
        unicodedata.normalize("NFD", "한국어| café"),
        "👨‍👩‍👧|x|👍🏽|👍|❤️|1️⃣",
        "so|🇩🇪|🇫🇷|🇮",
        "soft\u00adly| ab|\u200b|cd| ab\ufeffcd",
        "1\u00a0|000| 1\u202f|000",  # the default rules alone let a narrow space join
    ],
)
def test_words_part_where_unicode_parts_them(words):
    text = words.replace("|", "")
    letters = np.array([(i, i + 1) for i, c in enumerate(text) if not c.isspace()])
    ids = word_ids(text, letters, np.zeros(len(letters), bool))
    found = [text[a : b + 1] for a, b in ((letters[ids == n, 0].min(), letters[ids == n, 0].max())
                                          for n in range(ids.max() + 1))]  # fmt: skip
    assert found == [word.strip() for word in words.split("|") if word.strip()]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("ፊልሙ ጥሩ ነው። ምግቡም ጥሩ ነው። አመሰግናለሁ", 3),
        ("ፊልሙ ጥሩ ነው፡፡ ምግቡም ጥሩ ነው :: አመሰግናለሁ::", 3),
        ("ሰላም፡ለዓለም፡ሁሉ።", 1),
        ("Τι ώρα είναι; Δεν ξέρω· ρώτα.", 2),
        ("one; two; three", 1),
        ("这是好电影。真的？真的！", 3),
        ("هل الفيلم جيد؟ نعم، جيد جدا.", 2),
        ("यह अच्छा है। हाँ।", 2),
        ("at 3.5 km. Then 1,000.50 more", 2),
    ],
)
def test_sentences_end_as_their_script_ends_them(text, sentences):
    letters = np.array([(i, i + 1) for i, c in enumerate(text) if not c.isspace()])
    ids = sentence_ids(text, letters, np.zeros(len(letters), bool))
    assert len(set(ids.tolist())) == sentences


@pytest.mark.parametrize(
    ("pieces", "text", "tokens"),
    [
        (["▁ሰ", "ላም", "▁", "ነው", "።", "</s>"], "ሰላም ነው።", ["ሰ", "ላም", "", "ነው", "።", ""]),
        (["th", "##in", "plot", "</s>"], "thin plot", ["th", "in", "plot", ""]),
    ],
)
def test_tokens_alone_are_put_together_as_text(pieces, text, tokens):
    special = np.array([piece == "</s>" for piece in pieces])
    found, spans = text_from_pieces(pieces, special)
    assert found == text
    assert [found[start:end] for start, end in spans] == tokens


def test_there_are_thirty_sentences():
    assert len(WORDS_OF) >= 30
    for text, words in WORDS_OF.items():
        assert letters(words.replace("|", "")) == letters(text), text
