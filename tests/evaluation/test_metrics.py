"""The metrics against slow re-statements, on linear models, at chance and on bad input."""

import itertools

import numpy as np
import pytest

from calig_nb.evaluation import metrics as me
from calig_nb.evaluation.bootstrap import bootstrap
from calig_nb.evaluation.metrics import deletions, faithfulness, leave_one_out, plausibility


def linear(weights, bias=0.0):
    """A model whose log-odds are the sum of the weights of the words that are there."""
    weights = np.asarray(weights, dtype=float)
    return lambda deleted: (~np.asarray(deleted)) @ weights + bias


def judged(scores, model):
    n = len(scores)
    return faithfulness(scores, model(deletions(scores)), model(leave_one_out(n)))


def p(log_odds):
    return 1 / (1 + np.exp(-log_odds))


def slowly(scores, model):
    """Every metric as its paper writes it, one text at a time, with plain loops and lists."""
    n = len(scores)
    ranking = sorted(range(n), key=lambda i: (-scores[i], i))

    def answer(kept):
        return float(model([i not in kept for i in range(n)]))

    everything, whole = set(range(n)), answer(set(range(n)))
    found = {"comprehensiveness": 0.0, "sufficiency": 0.0, "log_odds": 0.0, "opposers_gain": 0.0}
    for percent in (1, 5, 10, 20, 50):
        k = max(1, -(-percent * n // 100))
        top = set(ranking[:k])
        found["comprehensiveness"] += (p(whole) - p(answer(everything - top))) / 5
        found["sufficiency"] += (p(whole) - p(answer(top))) / 5
        found["log_odds"] += (np.log(p(answer(everything - top))) - np.log(p(whole))) / 5
    for name, of in (("deletion_auc", lambda k: everything - set(ranking[:k])),
                     ("insertion_auc", lambda k: set(ranking[:k]))):  # fmt: skip
        points = [
            (round(step * n / 10) / n, p(answer(of(round(step * n / 10))))) for step in range(11)
        ]
        found[name] = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
    worst = [i for i in sorted(range(n), key=lambda i: (scores[i], i)) if scores[i] < 0]
    for percent in (10, 20):
        gone = set(worst[: max(1, -(-percent * n // 100))])
        found["opposers_gain"] += (answer(everything - gone) - whole) / 2
    found["sign_test"] = float(found["opposers_gain"] > 0) if worst else np.nan
    drops = [whole - answer(everything - {i}) for i in range(n)]
    found["loo_correlation"] = np.corrcoef(scores, drops)[0, 1]
    clear = [i for i in range(n) if abs(drops[i]) >= 0.1 * max(map(abs, drops))]
    same = [np.sign(scores[i]) == np.sign(drops[i]) for i in clear]
    found["sign_accuracy"] = sum(same) / len(same)
    return found


@pytest.mark.parametrize("n", [3, 4, 7, 10, 20, 41, 100])
def test_faithfulness_is_what_the_papers_define(n, rng):
    for _ in range(5):
        weights, scores = rng.standard_normal(n), rng.standard_normal(n).round(1)
        cross = rng.standard_normal((n, n)) / n

        def model(deleted, weights=weights, cross=cross):
            here = (~np.asarray(deleted)).astype(float)
            return here @ weights + np.einsum("...i,ij,...j->...", here, cross, here)

        found, expected = judged(scores, model), slowly(scores.tolist(), model)
        assert found.keys() == set(me.FAITHFULNESS)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def test_the_true_weights_of_a_linear_model_score_perfect(rng):
    weights = np.array([2.0, -1.5, 0.3, 1.2, -0.2, 0.1])
    perfect = judged(weights, linear(weights, bias=-0.4))
    assert perfect["loo_correlation"] == pytest.approx(1)
    assert perfect["sign_accuracy"] == 1
    assert perfect["sign_test"] == 1
    for order in itertools.permutations(range(6)):
        other = judged(weights[list(order)], linear(weights, bias=-0.4))
        for name, metric in me.FAITHFULNESS.items():
            sign = 1 if metric.better == "higher" else -1
            assert sign * other[name] <= sign * perfect[name] + 1e-12, name


@pytest.mark.full
def test_random_maps_score_at_chance(rng):
    found = []
    for _ in range(1500):
        weights = rng.standard_normal(20)
        scores = rng.standard_normal(20)
        found.append(judged(scores, linear(weights)))
    mean = {name: np.nanmean([one[name] for one in found]) for name in found[0]}
    assert mean["loo_correlation"] == pytest.approx(0, abs=0.02)
    assert mean["sign_accuracy"] == pytest.approx(0.5, abs=0.02)
    assert mean["sign_test"] == pytest.approx(0.5, abs=0.05)
    assert mean["opposers_gain"] == pytest.approx(0, abs=0.1)
    assert mean["deletion_auc"] == pytest.approx(mean["insertion_auc"], abs=0.02)


def test_of_a_map_without_opposers_nothing_is_deleted_as_one():
    found = judged([3.0, 2.0, 1.0, 0.0], linear([1, -1, 1, 1]))
    assert found["opposers_gain"] == 0
    assert np.isnan(found["sign_test"])


def test_one_word_is_judged_as_far_as_it_goes():
    found = judged([1.0], linear([2.0]))
    assert found["comprehensiveness"] == pytest.approx(p(2) - p(0))
    assert found["sufficiency"] == 0
    assert np.isnan(found["loo_correlation"])
    assert found["sign_accuracy"] == 1


def test_a_flat_map_correlates_with_nothing():
    assert judged([1.0] * 5, linear([1, 2, 3, 4, 5]))["loo_correlation"] == 0


def test_sure_models_do_not_overflow():
    found = judged([1.0, 2.0, -3.0], linear([400.0, 400.0, -2000.0]))
    assert all(np.isfinite(value) for value in found.values())


def slow_average_precision(scores, rationale):
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = [i for i, score in enumerate(scores) if score >= threshold]
        hits = sum(bool(rationale[i]) for i in chosen)
        recall = hits / sum(rationale)
        total, before = total + (recall - before) * hits / len(chosen), recall
    return total


def slow_iou_f1(chosen, rationale):
    def runs(marks):
        groups = itertools.groupby(range(len(marks)), key=lambda i: bool(marks[i]))
        return [set(run) for marked, run in ((m, list(g)) for m, g in groups) if marked]

    own, wanted = runs(chosen), runs(rationale)
    hits = sum(max(len(a & b) / len(a | b) for b in wanted) >= 0.5 for a in own)
    precision, recall = hits / len(own), hits / len(wanted)
    return 0.0 if not hits else 2 * precision * recall / (precision + recall)


def test_plausibility_is_what_eraser_defines(rng):
    for _ in range(300):
        n = int(rng.integers(2, 30))
        scores, rationale = rng.standard_normal(n).round(1), rng.random(n) < 0.4
        rationale[0] |= not rationale.any()
        share = float(rng.uniform(0.05, 0.9))
        found = plausibility(scores, rationale, share)
        order = sorted(range(n), key=lambda i: (-scores[i], i))[: max(1, round(share * n))]
        chosen = np.isin(np.arange(n), order)
        hits = (chosen & rationale).sum()
        precision, recall = hits / chosen.sum(), hits / rationale.sum()
        f1 = 0 if not hits else 2 * precision * recall / (precision + recall)
        assert found["token_f1"] == pytest.approx(f1)
        assert found["auprc"] == pytest.approx(slow_average_precision(scores, rationale))
        assert found["iou_f1"] == pytest.approx(slow_iou_f1(chosen, rationale))


def test_plausibility_at_its_best_at_chance_and_without_marks(rng):
    rationale = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 0], dtype=bool)
    assert set(plausibility(rationale * 1.0, rationale, 0.3).values()) == {1.0}
    chance = [plausibility(rng.random(10), rationale, 0.3) for _ in range(4000)]
    assert np.mean([one["token_f1"] for one in chance]) == pytest.approx(0.3, abs=0.01)
    assert 0.3 < np.mean([one["auprc"] for one in chance]) < 0.5
    assert plausibility(np.ones(10), rationale, 0.3)["auprc"] == pytest.approx(0.3)
    assert np.isnan([*plausibility(rng.random(10), np.zeros(10), 0.3).values()]).all()


def test_the_bootstrap_is_the_slow_one(rng):
    values = rng.standard_normal((40, 3, 2))
    values[3, 1, 0] = np.nan
    draws = np.random.default_rng(7).multinomial(40, np.full(40, 1 / 40), size=300)
    means = np.array([np.nanmean(np.repeat(values, draw, axis=0), axis=0) for draw in draws])
    mean, low, high = bootstrap(values, 300, seed=7)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=0))
    np.testing.assert_allclose(low, np.quantile(means, 0.025, axis=0))
    np.testing.assert_allclose(high, np.quantile(means, 0.975, axis=0))


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    inside = [
        abs(np.diff(np.sign(bootstrap(rng.standard_normal(60), 400)[1:]))[0]) for _ in range(400)
    ]
    assert np.mean(np.array(inside) == 2) == pytest.approx(0.95, abs=0.03)


def test_one_number_has_no_interval_and_none_no_mean():
    values = np.array([[1.0, np.nan], [np.nan, np.nan]])
    found = bootstrap(values)
    assert found[0, 0] == 1
    assert np.isnan(found[1:, 0]).all()
    assert np.isnan(found[:, 1]).all()


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deletions([]), "scores must be finite numbers, one for each of at least one unit"),
        (lambda: deletions([1, np.nan]), "scores must be finite numbers"),
        (lambda: plausibility([1, 2], [1, 0, 1], 0.5), "a mark for each of 2 units, got 3"),
        (lambda: bootstrap([]), "values must hold at least one item"),
        (lambda: bootstrap([1.0], 0), "n_resamples must be at least 1, got 0"),
        (lambda: bootstrap([1.0], level=1), "level must lie between 0 and 1, got 1"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
