"""Any bytes give an explanation that can be used without much memory, or an error of ours."""

import dataclasses
import json
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as arrays_of
from safetensors.numpy import save as written

import calig_nb as cn
from calig_nb.explanation.explanation import Explanation
from calig_nb.explanation.long_text import LongText
from calig_nb.explanation.serialization import (
    FORMAT,
    from_bytes,
    heads_from_bytes,
    heads_to_bytes,
    to_bytes,
)

from ..helpers.told import EXPLANATIONS, text

TEXT = EXPLANATIONS["text"]
BLANK = text(attention_relevance=np.broadcast_to(np.float32(0), TEXT.attention_relevance.shape))
MIB = 1 << 20


def long_text():
    """A long text in miniature, whose tokens stand for phrases too."""
    fields = {field.name: getattr(TEXT, field.name) for field in dataclasses.fields(Explanation)}
    nan = np.broadcast_to(np.float32(np.nan), TEXT.attention_relevance.shape)
    given = np.ones((2, *TEXT.layer_attributions[1:].shape), np.float32)
    return LongText(**fields | {"attention_relevance": nan}, given=given, condensed=TEXT)


FILES = {
    "text": to_bytes(TEXT), "blank": to_bytes(BLANK), "long": to_bytes(long_text()),
    "picture": to_bytes(EXPLANATIONS["picture"]),
}  # fmt: skip


def parts_of(content):
    """Arrays and plain values of a file."""
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return arrays_of(content), json.loads(metadata["explanation"])


def file_of(arrays, values, mark=FORMAT):
    return written(arrays, {"format": mark, "explanation": json.dumps(values)})


def changed(**changes):
    """The text's file with other values, or other arrays."""
    arrays, values = parts_of(FILES["text"])
    for name, value in changes.items():
        values.pop(name, None), arrays.pop(name, None)
        if isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            values[name] = value
    return file_of(arrays, values)


def use(explanation, draw=False):
    """Every public call that needs no model; those that cannot be served say so."""
    e = explanation
    calls = [
        lambda: (e.attributions, e.words, e.word_attributions, e.answer, e.inputs, repr(e)),
        lambda: [e.to_frame(grain) for grain in ("token", "word", "sentence", "passage", "layer")],
        lambda: e.top(3),
        lambda: e.rollout(),
        lambda: e.with_lam(0.25).supporting,
        lambda: pickle.loads(pickle.dumps(e)).opposing,
        lambda: e.ask(0),
        lambda: e.heads(0),
        lambda: e.show(),
        lambda: cn.by_class([e]).to_frame(),
        lambda: cn.MarkWords(e).compare(),
        *([lambda: e.figure(), lambda: e.figure("flow"), lambda: e.figure("rollout")] * draw),
    ]
    for call in calls:
        try:
            call()
        except (TypeError, ValueError) as error:
            assert_ours(error)


def assert_ours(error):
    frame = error.__traceback__
    while frame.tb_next is not None:
        frame = frame.tb_next
    assert "/calig_nb/" in frame.tb_frame.f_code.co_filename, repr(error)


def load_and_use(content, draw=False):
    try:
        found = from_bytes(content)
    except ValueError as error:
        assert_ours(error)
    else:
        with np.errstate(all="ignore"):
            use(found, draw)


@pytest.mark.parametrize("kind", FILES)
def test_what_was_written_is_read_and_used(kind):
    load_and_use(FILES[kind], draw=True)
    (arrays, values), (again, more) = map(
        parts_of, (FILES[kind], to_bytes(from_bytes(FILES[kind])))
    )
    assert values == more and arrays.keys() == again.keys()
    for name in arrays.keys() - {"condensed"}:
        assert arrays[name].tobytes() == again[name].tobytes()


def many_tokens(count, layers=1):
    """A file of so many tokens between which no matrix is held."""
    special = np.zeros(count, bool)
    offsets = np.zeros((count, 2), np.int64)
    ids = np.zeros(count, np.int64)
    rows = {"layer_attributions": np.ones((layers + 1, count), np.float32)}
    arrays, values = parts_of(FILES["text"])
    values |= {
        "tokens": ["a"] * count, "zeros": {"attention_relevance": ["<f4", [layers, count, count]]},
    }  # fmt: skip
    del arrays["attention_relevance"]
    arrays |= {"special": special, "offsets": offsets, "word_ids": ids, "sentence_ids": ids, **rows}
    per_layer = ("baseline_scores", "n_steps", "token_error", "converged", "layer_weights")
    for name in per_layer:
        arrays[name] = arrays[name][: layers + (name != "layer_weights")]
    return file_of(arrays, values)


@pytest.mark.bad_input
def test_a_small_file_asks_for_no_gigabytes():
    content = many_tokens(42_426)
    assert len(content) < 3e6, "and its matrices would take 2 · 8 · 42,426² bytes, 26.8 GiB"
    tracemalloc.start()
    try:
        found = from_bytes(content)
        assert found.top().loc[0, "attributions"] == pytest.approx(0.5), "λ of it"
        for call in (found.rollout, found.show, found.figure, lambda: found.block_matrices(0)):
            with pytest.raises(ValueError, match=r"would take 26\.8 GiB.*Use top\(\) or to_frame"):
                call()
        assert tracemalloc.get_traced_memory()[1] < 300 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"score": "x"}, "score must be a number"),
        ({"score": math.inf}, "score must be finite, got inf"),
        ({"target": 1.5}, "target must be a whole number and lie between 0 and 1, got 1.5"),
        ({"target": True}, "target must be a whole number"),
        ({"contrast": 9}, "contrast must lie between 0 and 1, got 9"),
        ({"text": 3}, "text must be of type str, got int: 3"),
        ({"tokens": "abc"}, "tokens must be a list of texts"),
        ({"tokens": [1] * 8}, "tokens must be of type str, got int: 1"),
        ({"labels": []}, "tokens, layer_weights and labels must hold something"),
        ({"config": []}, "config must be of type dict"),
        ({"config": {"split": 2**62}}, r"config\['split'\] must lie between 0 and"),
        ({"config": {"candidates": [0.5]}}, r"config\['candidates'\] must be a whole number"),
        ({"config": {"without_attention": ["0"]}}, r"config\['without_attention'\] must be a wh"),
        ({"config": {"x": [[[[[1]]]]]}}, r"config\['x'\] must be a plain value"),
        ({"source": {"a": 1}}, "source is not stored as it must be"),
        ({"special": [True] * 8}, "special is not stored as it must be"),
        ({"extra": 1}, "unexpected keyword argument 'extra'"),
        ({"fusion": {"lam": "x"}}, "lam must be a number"),
        ({"fusion": {"gamma": -1}}, "gamma must be positive and finite, got -1"),
        ({"offsets": np.full((8, 2), 2**62)}, r"offsets must lie in the text, 0 to 26, got \[\["),
        ({"offsets": np.zeros((8, 2), np.float64)}, "offsets must be an array of whole numbers"),
        ({"word_ids": np.arange(8)[::-1].copy()}, "word_ids must be numbers from 0, and -1"),
        ({"word_ids": np.array([-1, 3, 2, 2, 2, 2, 2, -1])}, "word_ids must be in reading order"),
        ({"word_ids": np.array([-1, *[2**40] * 6, -1])}, "word_ids must be numbers from 0"),
        ({"layer_weights": np.array([1, 2, np.nan])}, "layer_weights must lie between 0 and 1"),
        ({"n_steps": np.full(4, -1)}, "n_steps must be at least 0"),
        ({"probabilities": np.zeros(2, np.complex64)}, "probabilities must be an array of real"),
        ({"zeros": {"given": ["<U99999999", [2, 3, 8]]}}, "given cannot be"),
        ({"zeros": {"image": ["|u1", [60_000, 60_000, 3]]}}, "image cannot be a picture"),
        ({"zeros": {"attention_relevance": ["<f4", [-1, 8, 8]]}}, "attention_relevance must lie"),
        ({"zeros": {"attention_relevance": 3}}, "its tables do not fit"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(changes, says):
    with pytest.raises(ValueError, match=says):
        from_bytes(changed(**changes))


@pytest.mark.bad_input
def test_values_deep_within_each_other_are_refused():
    arrays, values = parts_of(FILES["text"])
    deep = json.dumps(values)[:-1] + ', "x": ' + "[" * 200_000 + "]" * 200_000 + "}"
    with pytest.raises(ValueError, match="its values cannot be read: "):
        from_bytes(written(arrays, {"format": FORMAT, "explanation": deep}))
    inside = to_bytes(long_text())
    for _ in range(3):  # a long text within a long text within ...
        arrays, values = parts_of(FILES["long"])
        inside = file_of({**arrays, "condensed": np.frombuffer(inside, np.uint8)}, values)
    with pytest.raises(ValueError, match="unexpected keyword argument"):
        from_bytes(inside)


@pytest.mark.bad_input
def test_a_file_of_a_later_version_is_named_as_one(tmp_path):
    later = "calig_nb explanation 2"
    (tmp_path / "why.safetensors").write_bytes(file_of(*parts_of(FILES["text"]), later))
    with pytest.raises(ValueError, match=r"a later version of calig_nb, as .* 2', .*: update"):
        cn.load(tmp_path / "why.safetensors")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"\xff" * 40, written({"values": np.zeros(3)}),
        written({"values": np.zeros((2, 3, 3)), "scale": np.zeros(5)}),
        written({"values": np.zeros((2, 3, 3), int), "scale": np.zeros(2, int)}),
    ],
)  # fmt: skip
def test_heads_that_are_none_are_refused(content):
    assert heads_from_bytes(heads_to_bytes(np.ones((2, 3, 3), np.float32))).shape == (2, 3, 3)
    with pytest.raises(ValueError) as caught:
        heads_from_bytes(content)
    assert_ours(caught.value)


MANY = settings(max_examples=60, deadline=None, derandomize=True, database=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
ARRAYS = st.builds(
    lambda kind, shape, seed: np.random.default_rng(seed).integers(-3, 3, shape).astype(kind),
    st.sampled_from(["f4", "f8", "i4", "i8", "u1", "?", "f2"]),
    st.sampled_from([(), (0,), (3,), (4,), (8,), (8, 2), (4, 8), (3, 8, 8), (2, 3, 8)]),
    st.integers(0, 99),
)


@pytest.mark.bad_input
@MANY
@given(st.sampled_from([*FILES]), st.data())
def test_any_change_of_the_bytes(kind, data):
    content = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    load_and_use(bytes(content))


@pytest.mark.bad_input
@MANY
@given(st.sampled_from([*FILES]), st.data())
def test_any_change_of_a_field(kind, data):
    arrays, values = parts_of(FILES[kind])
    name = data.draw(st.sampled_from(sorted({*arrays, *values} - {"condensed"})))
    values.pop(name, None), arrays.pop(name, None)
    if data.draw(st.booleans()):
        arrays[name] = data.draw(ARRAYS)
    else:
        values[name] = data.draw(JSON)
    load_and_use(file_of(arrays, values), draw=data.draw(st.integers(0, 9)) == 0)


@pytest.mark.bad_input
@MANY
@given(st.binary(max_size=300))
def test_any_bytes(content):
    load_and_use(content)
