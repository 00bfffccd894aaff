"""Fusion, layer weights and rollout against the formulas written out as loops."""

import json

import numpy as np
import pytest

from calig_nb.explanation import fusion as fu
from calig_nb.explanation.fusion import Fusion

from ..helpers import reference as by_hand

CASES = list(by_hand.cases())
every_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"L{len(c['G'])}T{len(c['special'])}"
)


def matrices_of(case):
    fusion = Fusion(lam=case["lam"], gamma=case["gamma"], readout=case["readout"])
    return fusion, fu.channels(case["r"], case["G"], case["layer_weights"], fusion)


@every_case
def test_fusion_replicates_the_definition(case):
    fusion, matrices = matrices_of(case)
    start = fu.start_of(fusion.readout, case["pooled"])
    supporting, opposing = fu.read_out(matrices, fusion.gamma, start)
    entering = fu.entering_evidence(matrices, fusion.gamma, start)
    rollout = fu.roll_out(matrices, fusion.gamma, len(case["G"]))
    expected = case["expected"]
    np.testing.assert_allclose(supporting, expected["supporting"], atol=1e-12)
    np.testing.assert_allclose(opposing, expected["opposing"], atol=1e-12)
    np.testing.assert_allclose(supporting - opposing, expected["attributions"], atol=1e-12)
    np.testing.assert_allclose(entering[0], expected["entering_supporting"], atol=1e-12)
    np.testing.assert_allclose(entering[1], expected["entering_opposing"], atol=1e-12)
    np.testing.assert_allclose(rollout[0], expected["rollout_supporting"], atol=1e-12)
    np.testing.assert_allclose(rollout[1], expected["rollout_opposing"], atol=1e-12)


@every_case
def test_layer_weights_replicate_the_definition(case):
    got = fu.layer_weights([case["r"]], [case["special"]])
    np.testing.assert_allclose(got, case["expected"]["input_weights"], atol=1e-12)


def test_layer_weights_average_the_cosines_of_several_inputs():
    pair = [CASES[2], CASES[3]]
    for patches, exponent in ((False, 6), (True, 2)):
        got = fu.layer_weights(
            [c["r"] for c in pair], [c["special"] for c in pair], patches=patches
        )
        expected = by_hand.layer_weights([(c["r"], c["special"]) for c in pair], exponent)
        np.testing.assert_allclose(got, expected, atol=1e-12)


@every_case
def test_what_enters_at_the_blocks_sums_to_the_total(case):
    fusion, matrices = matrices_of(case)
    start = fu.start_of(fusion.readout, case["pooled"])
    total = fu.read_out(matrices, fusion.gamma, start).sum(axis=1)
    np.testing.assert_allclose(
        fu.entering_evidence(matrices, fusion.gamma, start).sum(axis=1), total
    )


def test_both_signs_swap_when_the_question_is_turned_around():
    case = CASES[4]
    _, matrices = matrices_of(case)
    _, mirrored = matrices_of({**case, "r": -np.array(case["r"]), "G": -np.array(case["G"])})
    np.testing.assert_allclose(matrices[::-1], mirrored)
    assert (matrices >= 0).all(), "channels never mix, so two negatives never make a positive"


def test_signed_channel_is_the_plain_signed_rollout():
    case = CASES[4]
    fusion = Fusion(lam=0.3, channels="signed")
    (matrix,) = fu.channels(case["r"], case["G"], case["layer_weights"], fusion)
    r, g = fu.normalise(case["r"], case["G"], "columns")
    for b, weight in enumerate(case["layer_weights"]):
        np.testing.assert_allclose(matrix[b], weight * (0.3 * np.diag(r[b]) + 0.7 * g[b]))


def test_max_normalisation_makes_the_largest_entry_one():
    case = CASES[4]
    r, g = fu.normalise(case["r"], case["G"], "max")
    np.testing.assert_allclose(np.abs(r).max(axis=1), 1)
    np.testing.assert_allclose(np.abs(g).max(axis=(1, 2)), 1)
    raw_r, raw_g = fu.normalise(case["r"], case["G"], "none")
    np.testing.assert_array_equal(raw_r, np.array(case["r"])[:-1])
    np.testing.assert_array_equal(raw_g, case["G"])


def test_shared_vectors_are_those_of_the_definition():
    stored = json.loads(by_hand.VECTORS.read_text())
    made = json.loads(json.dumps(CASES))
    assert by_hand.alike(stored, made), "run: python -m tests.by_hand"


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lam": 1.5}, r"lam must lie in \[0, 1\], got 1.5"),
        ({"lam": float("nan")}, r"lam must lie in \[0, 1\], got nan"),
        ({"gamma": 0.0}, "gamma must be positive and finite, got 0.0"),
        ({"gamma": float("inf")}, "gamma must be positive and finite, got inf"),
        ({"normalisation": "l2"}, r"normalisation must be one of \('columns', 'max', 'none'\)"),
        ({"channels": "both"}, r"channels must be one of \('split', 'signed'\), got 'both'"),
        ({"readout": "cls"}, r"readout must be one of \('all', 'pooled'\), got 'cls'"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Fusion(**options)


@pytest.mark.parametrize("normalisation", ["columns", "max", "none"])
@pytest.mark.parametrize("channels", ["split", "signed"])
@pytest.mark.parametrize("readout", ["all", "pooled"])
def test_where_attention_says_nothing_the_diagonals_say_all(rng, normalisation, channels, readout):
    r, weights = rng.normal(size=(4, 7)), rng.random(3)
    form = Fusion(
        lam=0.7, gamma=0.9, normalisation=normalisation, channels=channels, readout=readout
    )
    whole = fu.channels(r, np.zeros((3, 7, 7)), weights, form)
    few = fu.diagonals(r, weights, form)
    np.testing.assert_array_equal(few, np.diagonal(whole, axis1=2, axis2=3))
    pooled = np.arange(7) < 2
    np.testing.assert_array_equal(fu.evidence(few, form, pooled), fu.evidence(whole, form, pooled))
