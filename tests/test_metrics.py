"""Measures of faithfulness and plausibility: restated in loops, at chance, and at their best."""

import itertools
import math

import numpy as np
import pytest

from calig_nb import metrics as m

N = 30


@pytest.fixture(params=range(4))
def case(request):
    """Attributions, a linear model's weights, and what people marked."""
    rng = np.random.default_rng(request.param)
    attributions = rng.normal(size=N).round(1)  # with ties
    return attributions, rng.normal(size=N), rng.random(N) < 0.3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def ranked(values):
    """Units, strongest first; ties in reading order."""
    return sorted(range(len(values)), key=lambda i: (-values[i], i))


def kept(n, gone):
    return [i not in gone for i in range(n)]


# --- the slow way -------------------------------------------------------------------------------


def test_the_strongest_units_by_hand(case):
    values, _, _ = case
    for share in (*m.SHARES, 1.0):
        count = max(1, math.ceil(round(share * N, 9)))
        assert set(np.flatnonzero(m.strongest(values, share))) == set(ranked(values)[:count])
    assert m.strongest([1.0] * 100, 0.07).sum() == 7  # 0.07 · 100 is a little over 7


def test_rows_by_hand(case):
    values, _, _ = case
    rows = {
        "without": m.without_strongest(values),
        "only": m.only_strongest(values),
        "opposing": m.without_opposing(values),
    }
    for share, without, only in zip(m.SHARES, rows["without"], rows["only"], strict=True):
        top = ranked(values)[: max(1, math.ceil(round(share * N, 9)))]
        assert without.tolist() == kept(N, top)
        assert (only == ~without).all()
    for share, without in zip((0.1, 0.2), rows["opposing"], strict=True):
        low = [i for i in ranked(-values)[: math.ceil(round(share * N, 9))] if values[i] < 0]
        assert without.tolist() == kept(N, low)
    for step, row in enumerate(m.deletion(values)):
        assert row.tolist() == kept(N, ranked(values)[: round(step * N / 10)])
        assert (m.insertion(values)[step] == ~row).all()
    assert m.without_each(3).tolist() == [kept(3, [i]) for i in range(3)]


def test_scores_by_hand(case):
    values, weights, _ = case
    score = sigmoid(weights.sum())
    scores = [sigmoid(sum(w for w, k in zip(weights, row) if k)) for row in m.deletion(values)]
    assert m.comprehensiveness(score, scores) == pytest.approx(
        sum(score - s for s in scores) / len(scores)
    )
    assert m.sufficiency(score, scores) == m.comprehensiveness(score, scores)
    assert m.log_odds(score, scores) == pytest.approx(
        sum(math.log(s / score) for s in scores) / len(scores)
    )
    assert m.opposing_gain(score, scores) == pytest.approx(sum(s - score for s in scores) / 11)
    total = sum((a + b) / 2 / 10 for a, b in itertools.pairwise(scores))
    assert m.area(scores) == pytest.approx(total)
    assert m.area([0.7] * 11) == pytest.approx(0.7)


def test_agreement_with_leave_one_out_by_hand(case):
    values, drops, _ = case
    assert m.loo_correlation(values, drops) == pytest.approx(np.corrcoef(values, drops)[0, 1])
    largest = max(abs(d) for d in drops)
    asked = [i for i in range(N) if abs(drops[i]) >= 0.1 * largest]
    right = sum(values[i] * drops[i] > 0 for i in asked)
    assert m.sign_agreement(values, drops) == pytest.approx(right / len(asked))


def test_plausibility_by_hand(case):
    values, _, marked = case
    chosen = m.strongest(values, 0.2)
    both = sum(a and b for a, b in zip(chosen, marked))
    precision, recall = both / sum(chosen), both / sum(marked)
    f1 = 2 * precision * recall / (precision + recall) if both else 0
    assert m.token_f1(chosen, marked) == pytest.approx(f1)
    assert m.iou(chosen, marked) == pytest.approx(
        both / sum(a or b for a, b in zip(chosen, marked))
    )
    points = [(0.0, 1.0)]
    for threshold in sorted(set(values.tolist()), reverse=True):
        above = [v >= threshold for v in values]
        hit = sum(a and b for a, b in zip(above, marked))
        points.append((hit / sum(marked), hit / sum(above)))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
    assert m.auprc(values, marked) == pytest.approx(area)


@pytest.mark.parametrize(
    ("predicted", "marked", "expected"),
    [
        ("##...##..", "##...##..", 1.0),
        ("##...##..", "##.......", 2 * 0.5 / 1.5),  # one of two, the one there is
        ("####.....", "##.......", 1.0),  # half of it is enough
        ("#####....", "##.......", 0.0),  # two fifths are not
        (".........", "##.......", 0.0),
        ("##.......", ".........", 0.0),
        ("#.#.#.#.#", "#########", 0.0),
    ],
)
def test_spans_by_hand(predicted, marked, expected):
    masks = [[c == "#" for c in text] for text in (predicted, marked)]
    assert m.iou_f1(*masks) == pytest.approx(expected)


# --- at their best, and at chance ---------------------------------------------------------------


def on_linear(attributions, weights):
    """All measures of an explanation of the linear model Σ w over the kept units."""
    score = weights.sum()
    rows = {
        "comprehensiveness": (m.comprehensiveness, m.without_strongest(attributions)),
        "sufficiency": (m.sufficiency, m.only_strongest(attributions)),
        "opposing": (m.opposing_gain, m.without_opposing(attributions)),
    }
    found = {name: measure(score, mask @ weights) for name, (measure, mask) in rows.items()}
    found["deletion"] = m.area(m.deletion(attributions) @ weights)
    found["insertion"] = m.area(m.insertion(attributions) @ weights)
    drops = score - m.without_each(len(weights)) @ weights
    found["loo"] = m.loo_correlation(attributions, drops)
    found["sign"] = m.sign_agreement(attributions, drops)
    return found


HIGHER = ("comprehensiveness", "opposing", "insertion", "loo", "sign")


def test_the_weights_explain_a_linear_model_perfectly(rng):
    weights = rng.normal(size=6)
    best = on_linear(weights, weights)
    assert best["loo"] == pytest.approx(1)
    assert best["sign"] == 1
    for order in itertools.permutations(range(6)):
        other = on_linear(weights[list(order)], weights)
        for name, value in other.items():
            better = value - best[name] if name in HIGHER else best[name] - value
            assert better <= 1e-12, name
    marked = weights > np.sort(weights)[3]
    assert m.auprc(weights, marked) == pytest.approx(1)
    assert m.token_f1(m.strongest(weights, 2 / 6), marked) == 1


def test_random_attributions_score_at_chance(rng):
    weights, marked = rng.normal(size=N), rng.permutation(N) < 9
    tries = [rng.normal(size=N) for _ in range(4000)]
    mean = {
        k: np.mean([on_linear(t, weights)[k] for t in tries]) for k in on_linear(weights, weights)
    }
    counts = [max(1, math.ceil(round(share * N, 9))) for share in m.SHARES]
    total = weights.sum()
    noise = 4 * np.abs(weights).sum() / math.sqrt(len(tries))
    assert mean["comprehensiveness"] == pytest.approx(total * np.mean(counts) / N, abs=noise)
    assert mean["sufficiency"] == pytest.approx(total * (1 - np.mean(counts) / N), abs=noise)
    assert mean["deletion"] == pytest.approx(total / 2, abs=noise)
    assert mean["insertion"] == pytest.approx(total / 2, abs=noise)
    assert mean["loo"] == pytest.approx(0, abs=0.02)
    assert mean["sign"] == pytest.approx(0.5, abs=0.02)
    assert np.mean([m.auprc(t, marked) for t in tries]) == pytest.approx(0.3, abs=0.06)
    expected = 2 * 6 * 0.3 / (6 + 9)
    f1 = np.mean([m.token_f1(m.strongest(t, 0.2), marked) for t in tries])
    assert f1 == pytest.approx(expected, abs=0.01)


def test_edges():
    assert m.loo_correlation([1, 1, 1], [1, 2, 3]) == 0
    assert math.isnan(m.sign_agreement([1, 2], [0, 0]))
    assert math.isnan(m.auprc([1, 2], [False, False]))
    assert m.token_f1([False, False], [False, False]) == 0
    assert m.iou([False, False], [False, False]) == 0
    assert m.opposing_gain(1.0, m.without_opposing([1.0, 2.0]) @ np.array([0.5, 0.5])) == 0
    assert m.log_odds(0.5, [0.0]) < -700  # no probability is an infinite loss
    assert m.deletion([3.0]).tolist()[0] == [True]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: m.strongest([1.0], 0), r"share must lie above 0 and at most at 1, got 0"),
        (lambda: m.strongest([], 0.5), r"attributions must have shape \(n,\), n > 0, got \(0,\)"),
        (lambda: m.deletion([np.nan]), "attributions must be finite"),
        (lambda: m.iou([True], [True, False]), r"have the shape of marked \(2,\), got \(1,\)"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
