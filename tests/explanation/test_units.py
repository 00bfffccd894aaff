"""What is summed over what: one definition, here and in the browser."""

import json

import numpy as np
import pytest

from calig_nb.explanation.units import PASSAGE, merge_units, passage_ids

from ..helpers import reference as by_hand

CASES = list(by_hand.unit_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['text'][:5]} {c['granularity']}")
def test_units_and_their_sums(case):
    kind = case["granularity"]
    ids = None if kind == "token" else np.array(case[f"{kind}_ids"])
    special = np.array(case["special"], bool)
    offsets = np.array(case["offsets"])
    units = merge_units(kind, case["text"], case["tokens"], special, offsets, ids)
    assert [list(unit.tokens) for unit in units] == case["members"]
    if case["names"]:
        assert [unit.text for unit in units] == case["names"]
    values = np.array(case["values"])
    np.testing.assert_allclose([values[list(u.tokens)].sum() for u in units], case["sums"])


def test_shared_vectors_are_those_of_the_definition():
    stored = json.loads(by_hand.UNIT_VECTORS.read_text())
    made = json.loads(json.dumps(CASES))
    assert by_hand.alike(stored, made), "run: python -m tests.by_hand"


def test_a_frame_sums_what_the_units_say(explanation):
    for kind in ("token", "word", "sentence", "passage"):
        frame = explanation.to_frame(kind)
        for name in ("attributions", "supporting", "opposing"):
            whole = getattr(explanation, name)
            parts = [whole[list(u.tokens)].sum() for u in explanation.units(kind)]
            np.testing.assert_allclose(frame[name], parts)
        np.testing.assert_allclose(frame["layer_1"].sum(), explanation.layer_attributions[1].sum())


def places(sentences, length=20):
    """Tokens of one letter: ``length`` for each sentence, between two special ones."""
    ids = [-1, *np.repeat(np.arange(sentences), length).tolist(), -1]
    offsets = [(0, 0), *((2 * t, 2 * t + 1) for t in range(sentences * length)), (0, 0)]
    return "x " * (sentences * length), np.array(offsets), np.array(ids)


def test_a_passage_is_full_after_so_many_tokens_and_ends_with_its_sentence():
    passages = passage_ids(*places(10))
    assert passages[0] == passages[-1] == -1
    sizes = np.bincount(passages[1:-1])
    assert (sizes % 20 == 0).all() and (sizes[:-1] >= PASSAGE).all() and len(sizes) == 3


def test_a_passage_ends_with_its_paragraph():
    text, offsets, ids = places(3)
    text = text[:39] + "\n" + text[40:]
    assert passage_ids(text, offsets, ids)[1:-1].tolist() == [0] * 20 + [1] * 40


def test_no_ordinary_token_makes_no_passage():
    assert passage_ids("", np.zeros((2, 2), int), np.array([-1, -1])).tolist() == [-1, -1]
