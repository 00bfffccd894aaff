"""Methods beside each other: the numbers, the cost, what is kept, and what is refused."""

import dataclasses

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb import Explainer, Fusion
from calig_nb.evaluation import metrics
from calig_nb.evaluation.cost import count_products
from calig_nb.evaluation.deletion import Scorer, ordinary_words, spread_to_tokens, sum_by_unit
from calig_nb.evaluation.evaluate import evaluate
from calig_nb.evaluation.rationales import units_marked
from calig_nb.evaluation.result import Evaluation
from calig_nb.evaluation.runner import TOGETHER, Run
from calig_nb.explanation.methods import METHODS
from calig_nb.inputs.text import TextReader
from calig_nb.pipeline.cache import Cache

from ..helpers.zoo import SENTENCE, tiny_model, tiny_tokenizer, zoo_model

TEXTS = (
    SENTENCE,
    "The acting is not good, but the film is superb.",
    "A very bad, thin, unlikely film.",
    "Not a film: a very good plot.",
    "It is it.",
)
TWO = ("ca-lig", "conductance")


@pytest.fixture(scope="module")
def subject(tokenizer):
    return Explainer(tiny_model("bert"), tokenizer)


@pytest.fixture(scope="module")
def found(subject):
    return evaluate(subject, TEXTS, methods=TWO, n_resamples=200)


def log_odds(model, ids, target):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)).long())
    z = logits.logits[0].double()
    others = torch.cat([z[:target], z[target + 1 :]])
    return float(z[target] - torch.logsumexp(others, 0))


@pytest.mark.parametrize("way", ["remove", "mask", "pad"])
def test_every_number_is_what_deleting_words_by_hand_gives(subject, tokenizer, way):
    model = subject.engine.model.model
    table = evaluate(subject, TEXTS[:3], methods=TWO, deletion=way).table
    by_hand = {name: [] for name in TWO}
    for text in TEXTS[:3]:
        ids = tokenizer(text)["input_ids"]
        for method in TWO:
            explanation = subject.explain(text, method=method)
            frame = explanation.to_frame("word")
            scores = frame[~frame["special"]]["attributions"].to_numpy()
            words = [u.tokens for u in explanation.units("word") if not u.special]

            def answer(rows, ids=ids, words=words, target=explanation.target):
                said = []
                for row in rows:
                    gone = {t for w in np.flatnonzero(row) for t in words[w]}
                    filler = {"mask": 4, "pad": 0}.get(way)
                    left = [i if t not in gone else filler for t, i in enumerate(ids)]
                    said.append(log_odds(model, [i for i in left if i is not None], target))
                return np.array(said)

            by_hand[method].append(
                metrics.faithfulness(
                    scores,
                    answer(metrics.deletions(scores)),
                    answer(metrics.leave_one_out(len(scores))),
                )
            )
    for method, expected in by_hand.items():
        for name in metrics.FAITHFULNESS:
            mean = np.nanmean([one[name] for one in expected])
            assert table.loc[method, (name, "mean")] == pytest.approx(mean, abs=1e-9), name


def test_deleted_tokens_are_taken_out_as_ids_and_nothing_is_tokenised_again(tokenizer):
    reader = TextReader(tiny_tokenizer(), 40)
    text = reader.read("It is unlikely that the plot is thin.")
    ids = text.model_inputs["input_ids"][0].tolist()

    class Ids:
        """What is left of a tokenizer: calling it, or decoding with it, fails."""

        mask_token, mask_token_id, pad_token, pad_token_id = "[MASK]", 4, "[PAD]", 0

    reader.tokenizer = Ids()
    gone = np.zeros(len(ids), dtype=bool)
    gone[[0, 2, 3]] = True
    kept = reader.delete_units(text, gone)
    assert kept["input_ids"].tolist() == [[ids[0], ids[1], *ids[4:]]], "[CLS] stays"
    assert kept["attention_mask"].tolist() == [[1] * (len(ids) - 2)]
    masked = reader.delete_units(text, gone, "mask")["input_ids"][0].tolist()
    assert masked == [ids[0], ids[1], 4, 4, *ids[4:]]
    assert text.model_inputs["input_ids"][0].tolist() == ids, "the text itself is as it was"
    assert reader.delete_units(text, ~gone | gone)["input_ids"].tolist() == [[2, 3]]
    with pytest.raises(ValueError, match=r"deleted must have shape .* got \(2,\)"):
        reader.delete_units(text, gone[:2])


def test_a_text_without_special_tokens_is_never_empty():
    reader = TextReader(tiny_tokenizer(), 40)
    text = dataclasses.replace(reader.read(SENTENCE), special=np.zeros(13, dtype=bool))
    assert len(text.tokens) == 13
    left = reader.delete_units(text, np.ones(13, dtype=bool))
    assert left["input_ids"].tolist() == [[0]]
    assert left["attention_mask"].tolist() == [[1]]


def test_all_rows_come_in_one_order_however_they_are_batched(subject):
    scorer, text = Scorer(subject.engine), subject.engine.reader.read(TEXTS[1])
    rng = np.random.default_rng(0)
    rows = rng.random((40, len(text.tokens))) < 0.5
    rows[7] = rows[3]
    together = scorer.log_odds(text, rows, 1)
    alone = [scorer.log_odds(text, row[None], 1)[0] for row in rows]
    np.testing.assert_allclose(together, alone, rtol=1e-9)
    assert together[7] == together[3]


@pytest.mark.parametrize("name", ["gpt2-no-pad", "gpt2", "roberta", "t5"])
def test_a_model_that_padding_disturbs_is_not_padded(name):
    explainer = Explainer(zoo_model(name), tiny_tokenizer())
    scorer, text = Scorer(explainer.engine), explainer.engine.reader.read(TEXTS[0])
    rows = np.eye(len(text.tokens), dtype=bool).cumsum(axis=0).astype(bool)
    together = scorer.log_odds(text, rows, 1)
    alone = [scorer.log_odds(text, row[None], 1)[0] for row in rows]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_odds_against_a_contrast_and_of_classes_that_do_not_exclude_each_other(subject):
    text = subject.engine.reader.read(SENTENCE)
    none = np.zeros((1, len(text.tokens)), dtype=bool)
    scorer = Scorer(subject.engine)
    (z,) = scorer.logits([text.model_inputs]).double().numpy()
    assert scorer.log_odds(text, none, 2, 0)[0] == pytest.approx(z[2] - z[0])
    p = np.exp(z[2]) / np.exp(z).sum()
    assert scorer.log_odds(text, none, 2)[0] == pytest.approx(np.log(p / (1 - p)))
    model = tiny_model("bert")
    model.config.problem_type = "multi_label_classification"
    many = Scorer(Explainer(model, subject.engine.reader.tokenizer).engine)
    assert many.log_odds(text, none, 2)[0] == pytest.approx(z[2])


def test_all_methods_by_default_on_the_same_texts_with_a_random_map_beside_them(subject, found):
    every = evaluate(subject, TEXTS[:2], n_resamples=10)
    assert every.methods == (*METHODS, "random")
    assert found.methods == (*TWO, "random")
    assert found.texts == TEXTS
    assert found.metrics == tuple(metrics.FAITHFULNESS)
    assert found.values.shape == (5, 3, 9)
    predicted = subject.predict(TEXTS)["label"].tolist()
    assert list(found.targets) == predicted


def test_the_random_map_is_that_of_its_text_and_seed(subject, found):
    turned = evaluate(subject, TEXTS[::-1], methods=TWO[:1], n_resamples=10)
    np.testing.assert_allclose(turned.values[::-1, -1], found.values[:, -1], rtol=1e-9)
    other = evaluate(subject, TEXTS, methods=TWO[:1], n_resamples=10, seed=1)
    assert np.abs(np.nan_to_num(other.values[:, -1] - found.values[:, -1])).max() > 1e-3
    np.testing.assert_allclose(other.values[:, 0], found.values[:, 0], rtol=1e-9)


def test_targets_are_explained_as_asked(subject):
    asked = evaluate(subject, TEXTS[:3], targets=[0, "LABEL_1", None], methods=TWO[:1])
    assert asked.targets[:2] == ("LABEL_0", "LABEL_1")


def test_several_ways_of_deleting_stand_beside_each_other(subject, found):
    both = evaluate(subject, TEXTS, methods=TWO, deletion=("remove", "mask"), n_resamples=10)
    k = len(metrics.FAITHFULNESS)
    assert both.metrics[0] == "comprehensiveness (remove)"
    assert both.metrics[k] == "comprehensiveness (mask)"
    np.testing.assert_allclose(both.values[..., :k], found.values, rtol=1e-9)
    masked = evaluate(subject, TEXTS, methods=TWO, deletion="mask", n_resamples=10)
    np.testing.assert_allclose(both.values[..., k:], masked.values, rtol=1e-9)


def test_options_and_fusions_of_one_method_can_be_compared(subject):
    forms = {
        "as it is": {},
        "λ 1": {"lam": 1.0},
        "γ 16": {"fusion": Fusion(gamma=16.0)},
    }
    compared = evaluate(subject, TEXTS[:2], methods=forms, n_resamples=10)
    assert compared.methods == (*forms, "random")
    one = subject.explain(TEXTS[0]).with_fusion(Fusion(gamma=16.0))
    assert compared.config["methods"]["γ 16"]["fusion"] == repr(one.fusion)
    r = compared.values[0, :3, compared.metrics.index("loo_correlation")]
    assert np.abs(np.diff(r[[0, 1, 2, 0]])).min() > 1e-4
    text = subject.engine.reader.read(TEXTS[0])
    units, scorer = ordinary_words(text), Scorer(subject.engine)
    alone = np.concatenate([np.zeros((1, len(units)), bool), metrics.leave_one_out(len(units))])
    said = scorer.log_odds(text, spread_to_tokens(alone, units, len(text.tokens)), one.target)
    expected = np.corrcoef(sum_by_unit(one.attributions, units), said[0] - said[1:])[0, 1]
    assert r[2] == pytest.approx(expected, rel=1e-6)


def test_plausibility_is_counted_where_people_marked(subject):
    rationales = [["superb"], None, [(2, 10)], [], [1, 0, 0, 0]]
    found = evaluate(subject, TEXTS, rationales=rationales, methods=TWO[:1])
    assert found.metrics[-3:] == tuple(metrics.PLAUSIBILITY)
    said = np.isfinite(found.values[:, 0, -1])
    assert said.tolist() == [True, False, True, False, True]
    shares = [1 / 11, 2 / 9, 1 / 4]
    assert found.config["rationale_share"] == pytest.approx(np.mean(shares))
    explanation = subject.explain(TEXTS[0]).to_frame("word")
    scores = explanation[~explanation["special"]]["attributions"].to_numpy()
    expected = metrics.plausibility(scores, np.arange(11) == 9, np.mean(shares))
    assert found.values[0, 0, -2] == pytest.approx(expected["auprc"])


def test_only_the_metrics_that_are_asked_for(subject, found, monkeypatch):
    some = evaluate(subject, TEXTS, methods=TWO, metrics=["sign_accuracy", "sufficiency"])
    assert some.metrics == ("sufficiency", "sign_accuracy")
    np.testing.assert_allclose(some.values, found.values[..., [1, 8]], rtol=1e-9)

    def never(*_, **__):
        raise AssertionError("nothing is to be deleted")

    monkeypatch.setattr(Scorer, "log_odds", never)
    marks = [["good"]] * 2
    plausible = evaluate(subject, TEXTS[1:4:2], rationales=marks, methods=TWO, metrics=["auprc"])
    assert plausible.metrics == ("auprc",)
    assert np.isfinite(plausible.values).all()


def test_a_rationale_may_come_in_four_forms(subject):
    text = subject.engine.reader.read("It is unlikely that it is good.")
    units = ordinary_words(text)
    marks = [0, 0, 1, 0, 0, 0, 1, 0]
    tokens = [int(t in {i for u, m in zip(units, marks) if m for i in u.tokens})
              for t in range(len(text.tokens))]  # fmt: skip
    for form in (
        marks,
        np.array(marks, dtype=bool),
        tokens,
        [(6, 14), (26, 30)],
        ["unlikely", "good"],
    ):
        got = units_marked(form, text.text, text.offsets, units)
        assert got.tolist() == [bool(m) for m in marks], form
    assert units_marked(["IT"], text.text, text.offsets, units).tolist() == [1, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("rationale", "message"),
    [
        ("good", "must be marks of 0 and 1, one a token or one a word"),
        (3, "must be marks of 0 and 1"),
        ([[1, 2, 3]], "must be marks of 0 and 1"),
        ([0, 2, 1], "marks of 0 and 1, got"),
        ([0, 1, 1], r"a mark for each of 18 tokens or of 8 words, got 3\. .*characters"),
        ([(3, 3)], r"the start before the end, got \(3, 3\)"),
        ([(0, 99)], r"within 0 and 31, .* got \(0, 99\)"),
        (["bad"], "words of the text, got 'bad'"),
        ([""], "words of the text, got ''"),
    ],
)
def test_a_rationale_that_does_not_fit_is_refused(subject, rationale, message):
    text = subject.engine.reader.read("It is unlikely that it is good.")
    with pytest.raises((TypeError, ValueError), match=message):
        units_marked(rationale, text.text, text.offsets, ordinary_words(text))


class Interrupted:
    """Stops like a user does, in the group after so many; counts what was explained.

    It stands within a run, where the groups are: they cannot be seen from outside.
    """

    def __init__(self, monkeypatch, after=10**9):
        self.texts, inner = [], Run._explain

        def explained(run, items, asked):
            if len(self.texts) >= after:
                raise KeyboardInterrupt
            self.texts += [item.text.text for item in items]
            return inner(run, items, asked)

        monkeypatch.setattr(Run, "_explain", explained)


MANY = tuple(f"{text} {'very ' * n}good." for text in TEXTS for n in range(5))


def test_an_interrupted_evaluation_continues_where_it_stopped(subject, tmp_path, monkeypatch):
    assert len(MANY) > 2 * TOGETHER
    whole = evaluate(subject, MANY, methods=TWO, n_resamples=50)
    explainer = Explainer(
        subject.engine.model.model, subject.engine.reader.tokenizer, cache=tmp_path
    )
    with monkeypatch.context() as patched:
        first = Interrupted(patched, after=4 * TOGETHER)
        with pytest.raises(KeyboardInterrupt):
            evaluate(explainer, MANY, methods=TWO)
    with monkeypatch.context() as patched:
        second = Interrupted(patched)
        resumed = evaluate(explainer, MANY, methods=TWO, n_resamples=50)
    assert first.texts and second.texts
    assert not set(first.texts) & set(second.texts), "nothing is explained twice"
    assert len(first.texts) + len(second.texts) == 2 * len(MANY)
    np.testing.assert_allclose(resumed.values, whole.values, rtol=1e-6)
    assert (resumed.passes[:, :2] > 0).all(), "what it cost is remembered too"
    with monkeypatch.context() as patched:
        third = Interrupted(patched)
        again = evaluate(explainer, MANY, methods=TWO, n_resamples=50)
    assert not third.texts
    np.testing.assert_array_equal(again.values, resumed.values)
    np.testing.assert_array_equal(again.seconds, resumed.seconds)
    kept = explainer.cache.own_folder.glob("*.*")
    assert {path.suffix for path in kept} == {".trial"}, "maps are not kept"


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_what_would_change_a_score_is_not_taken_from_the_cache(tokenizer, tmp_path, monkeypatch):
    model = tiny_model("bert")
    explainer = Explainer(model, tokenizer, cache=tmp_path)
    asked = {"methods": TWO[:1], "n_resamples": 10}
    evaluate(explainer, TEXTS[:2], **asked)
    seen = Interrupted(monkeypatch)
    for changed in (
        {"deletion": "mask"},
        {"tolerance": 0.1},
        {"targets": [1, 2]},
        {"rationales": [["thin"], None]},
        {"methods": {"ca-lig": {"lam": 0.3}}},
    ):
        seen.texts.clear()
        evaluate(explainer, TEXTS[:2], **{**asked, **changed})
        assert seen.texts, changed
    evaluate(explainer, TEXTS[:2], **asked)
    explainer.calibrate(TEXTS[2:])
    seen.texts.clear()
    evaluate(explainer, TEXTS[:2], **asked)
    assert seen.texts, "other layer weights"
    with torch.no_grad():
        model.classifier.bias += 1
    seen.texts.clear()
    evaluate(explainer, TEXTS[:2], **asked)
    assert seen.texts, "another model"
    seen.texts.clear()
    evaluate(explainer, TEXTS[1::-1], **asked)
    assert not seen.texts, "their order is no matter"


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_layer_weights_that_only_the_cache_knows_are_used(tokenizer, tmp_path):
    first = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    plain = evaluate(first, TEXTS, methods=TWO[:1])
    first.calibrate(TEXTS[2:])
    calibrated = evaluate(first, TEXTS, methods=TWO[:1])
    for path in first.cache.own_folder.glob("*.trial"):
        path.unlink()
    later = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    again = evaluate(later, TEXTS, methods=TWO[:1])
    np.testing.assert_allclose(again.values, calibrated.values, rtol=1e-6)
    assert np.nanmax(np.abs(plain.values - calibrated.values)) > 1e-3


def test_a_damaged_trial_is_computed_again(tokenizer, tmp_path):
    explainer = Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    first = evaluate(explainer, TEXTS[:1], methods=TWO[:1])
    for path in explainer.cache.own_folder.glob("*.trial"):
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.warns(UserWarning, match="computed anew"):
        again = evaluate(explainer, TEXTS[:1], methods=TWO[:1])
    np.testing.assert_allclose(again.values, first.values, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_the_explainer_is_as_before(tokenizer, tmp_path):
    explainer = Explainer(tiny_model("bert"), tokenizer, cache=Cache(tmp_path).folder)
    explainer.calibrate(TEXTS[:2])
    model = explainer.engine.model.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cache, weights = explainer.cache, explainer.layer_weights
    evaluate(explainer, TEXTS[:2])
    assert explainer.cache is cache
    np.testing.assert_array_equal(explainer.layer_weights, weights)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not torch.nn.modules.module._global_forward_hooks, "nothing is left on other models"


def test_passes_are_what_the_nodes_say(subject):
    model, ids = subject.engine.model.model, subject.engine.reader.read(SENTENCE).model_inputs
    with count_products(model) as one, torch.no_grad():
        model(**ids)
    with count_products(model) as three, torch.no_grad():
        model(**{name: value.repeat(3, 1) for name, value in ids.items()})
    assert three.passes(one) == pytest.approx(3)
    explanation = subject.explain(SENTENCE, n_steps=6)
    steps = explanation.n_steps[:-1] * (3 - np.arange(3)) / 3
    cost = evaluate(subject, [SENTENCE], methods={"six": {"n_steps": 6}}, n_resamples=10).cost.loc[
        "six", "passes"
    ]
    assert steps.sum() < cost < steps.sum() + 5, "and the passes that every method takes"


def test_one_bad_text_is_skipped_for_all_or_raised(subject, monkeypatch):
    with pytest.warns(UserWarning, match="texts\\[1\\] must hold at least one word"):
        found = evaluate(subject, [TEXTS[0], " ", TEXTS[1]], methods=TWO, on_error="skip")
    assert found.texts == TEXTS[:2]
    inner = Explainer.explain

    def explain(self, texts, **options):
        bad = options["method"] == "conductance"
        if bad and any(text == TEXTS[1] for text in texts):
            error = ValueError("this one not")
            error.explanations = [
                None if text == TEXTS[1] else inner(self, text, **options) for text in texts
            ]
            raise error
        return inner(self, texts, **options)

    monkeypatch.setattr(Explainer, "explain", explain)
    with pytest.warns(UserWarning, match=r"texts\[1\] is skipped: conductance: this one not"):
        found = evaluate(subject, TEXTS[:3], methods=TWO, on_error="skip")
    assert found.texts == (TEXTS[0], TEXTS[2])
    with pytest.raises(ValueError, match="this one not"):
        evaluate(subject, TEXTS[:3], methods=TWO)
    with pytest.warns(UserWarning, match="conductance is left out, it explains none"):
        found = evaluate(subject, TEXTS[1:2], methods=TWO, on_error="skip")
    assert found.methods == ("ca-lig", "random")


def test_the_table_the_pairs_the_frame_and_the_words(found):
    table, pairs = found.table, found.differences
    means = np.nanmean(found.values, axis=0)
    np.testing.assert_allclose(table.xs("mean", axis=1, level=1), means)
    np.testing.assert_allclose(
        pairs.loc["random"].xs("mean", level=1),
        np.nanmean(found.values[:, 2] - found.values[:, 0], axis=0),
    )
    assert (pairs.loc["ca-lig"] == 0).all()
    long = found.to_frame()
    assert long.shape == (5 * 3 * 9, 6)
    picked = long[(long["method"] == "conductance") & (long["metric"] == "sufficiency")]
    np.testing.assert_array_equal(picked["value"], found.values[:, 1, 1])
    assert found.cost.loc["random"].tolist() == [0, 0]
    assert repr(found).startswith("Evaluation(3 methods, 5 texts, 9 metrics; ca-lig is ahead in ")
    assert found.to_markdown().splitlines()[0].startswith("| method | comprehensiveness ↑ |")
    assert "<td>conductance</td>" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0, 0] = 1


def made(values, names=("a", "b", "random"), metric="comprehensiveness"):
    n = len(values)
    return Evaluation(
        texts=("<b>",) * n, targets=("yes",) * n, methods=names, metrics=(metric,),
        values=np.array(values)[..., None], passes=np.zeros((n, 3)), seconds=np.zeros((n, 3)),
        config={},
    )  # fmt: skip


def test_better_means_better_beyond_the_interval_and_the_right_way_round(rng):
    noise = rng.standard_normal((60, 1))
    values = noise + np.array([0, 0.5, -0.5]) + 0.1 * rng.standard_normal((60, 3))
    up, down = made(values), made(values, metric="deletion_auc")
    assert [up.better(m, "comprehensiveness") for m in up.methods] == [0, 1, -1]
    assert [down.better(m, "deletion_auc") for m in down.methods] == [0, -1, 1]
    level = made(noise + 0.1 * rng.standard_normal((60, 3)) * [0, 1, 1])
    assert level.better("b", "comprehensiveness") == 0
    assert "a is ahead in 0, behind in 1 of 1" in repr(up)


def test_names_in_a_report_are_names():
    names = ("a|b\n<img src=x>", "$\\frac{$", "\x1b[2J_random_")
    found = made(np.zeros((3, 3)), names)
    head, _, *rows = found.to_markdown().splitlines()
    assert [row.split(" | ")[0] for row in rows] == [
        r"| a\|b &lt;img src=x&gt;", r"| \$\\frac{\$", r"| \[2J\_random\_",
    ]  # fmt: skip
    assert all(row.replace(r"\|", "").count("|") == head.count("|") for row in rows)
    assert "\x1b" not in found.to_markdown(True) + repr(found) + repr(found.table)
    assert "mathjax_ignore" in found._repr_html_()  # what stands between dollars is no formula


def test_names_are_text_and_not_markup(rng):
    shown = made(rng.random((5, 3)), names=("<i>", "b", "random"))._repr_html_()
    assert "<i>" not in shown and "&lt;i&gt;" in shown


def test_the_figure_shows_every_method_on_every_metric(found):
    figure = found.figure()
    assert len(figure.axes) == 9
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == list(found.methods)
    two = found.figure(["sign_accuracy", "log_odds"], theme="dark", width=5)
    assert [axes.get_title("left") for axes in two.axes] == ["sign accuracy", "log-odds"]
    dots = [line for line in two.axes[0].lines if line.get_marker() == "o"]
    k = found.metrics.index("sign_accuracy")
    np.testing.assert_allclose([d.get_xdata()[0] for d in dots], found.means[0, :, k])
    assert figure._repr_png_()[:4] == b"\x89PNG"


def test_a_tokenizer_that_tells_no_offsets_reads_the_text_itself_and_not_its_tokens():
    fast = tiny_tokenizer()

    class Slow:
        is_fast = False

        def __call__(self, text, *, return_offsets_mapping=False, **options):
            return fast(text, **options)

        def __getattr__(self, name):
            return getattr(fast, name)

    explainer, source = Explainer(tiny_model("bert"), Slow()), "It is unlikely that it is good."
    found = evaluate(explainer, [source], methods=TWO[:1])
    assert found.texts == (source,)
    text, explanation = explainer.engine.reader.read(source), explainer.explain(source)
    assert text.text == "it is unlikely that it is good ."
    units, scorer = ordinary_words(text), Scorer(explainer.engine)
    scores = sum_by_unit(explanation.attributions, units)
    rows = spread_to_tokens(metrics.deletions(scores), units, len(text.tokens))
    said = scorer.log_odds(text, rows, explanation.target)
    fell = metrics.probability(said[10]) - metrics.probability(said[:5])
    assert found.values[0, 0, 0] == pytest.approx(fell.mean(), rel=1e-6)


def test_a_progress_bar_comes_when_asked(subject, capsys):
    evaluate(subject, TEXTS[:2], methods=TWO[:1], progress=True)
    assert "evaluate" in capsys.readouterr().err
    evaluate(subject, TEXTS[:2], methods=TWO[:1], progress=False)
    assert not capsys.readouterr().err


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ("one text", {}, "texts must be a list of texts, got 'one text'"),
        ([], {}, "texts must hold at least one"),
        ([3], {}, r"texts\[0\] must be a text \(str\), got int"),
        (TEXTS, {"targets": [0]}, "targets must have one for each of 5 texts, got 1"),
        (TEXTS[:1], {"targets": ["great"]}, r"targets\[0\]: target must be one of .* got 'great'"),
        (TEXTS, {"rationales": [None]}, "rationales must have one for each of 5 texts, got 1"),
        (TEXTS[:1], {"rationales": [None]}, "rationales must mark something"),
        (TEXTS[:1], {"rationales": [[0, 1]]}, r"rationales\[0\] must have a mark for each"),
        (TEXTS, {"methods": "ca-lig"}, "methods must be a list of names, got the text 'ca-lig'"),
        (TEXTS, {"methods": []}, "methods must be one or several different names"),
        (TEXTS, {"methods": ["ca-lig", "ca-lig"]}, "several different names"),
        (TEXTS, {"methods": ["magic"]}, r"methods\['magic'\]: method must be one of"),
        (TEXTS, {"methods": ["random"]}, "must not hold 'random'"),
        (TEXTS, {"methods": {"a": {"target": 1}}}, r"methods\['a'\] must not hold \['target'\]"),
        (TEXTS, {"methods": {"a": {"fusion": 1}}}, r"methods\['a'\]: fusion must be a Fusion"),
        (TEXTS, {"methods": {"a": {"lam": 2}}}, r"methods\['a'\]: lam must lie in"),
        (TEXTS, {"methods": {"a": {"lambda": 2}}}, r"methods\['a'\]: .*unexpected keyword"),
        (TEXTS, {"metrics": "auprc"}, "metrics must be a list of different names, got 'auprc'"),
        (TEXTS, {"metrics": []}, "metrics must be a list of different names"),
        (TEXTS, {"metrics": ["beauty"]}, "metrics must be one of"),
        (TEXTS, {"metrics": ["auprc"]}, "metrics holds 'auprc', which needs rationales"),
        (TEXTS, {"deletion": "burn"}, "deletion must be one of"),
        (TEXTS, {"deletion": ()}, "deletion must name one way or several different ones"),
        (TEXTS, {"deletion": ("mask", "mask")}, "several different ones"),
        (TEXTS, {"tolerance": 2}, "tolerance must lie between 0 and 1, got 2"),
        (TEXTS, {"n_resamples": 0}, "n_resamples must lie between 1 and 100000, got 0"),
        (TEXTS, {"on_error": "cry"}, "on_error must be one of"),
    ],
)
def test_bad_input_is_named(subject, texts, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        evaluate(subject, texts, **options)


@pytest.mark.bad_input
def test_masking_needs_a_mask():
    tokenizer = tiny_tokenizer()
    tokenizer.mask_token = None
    explainer = Explainer(tiny_model("bert"), tokenizer)
    with pytest.raises(ValueError, match="deletion='mask' needs a tokenizer with a mask token"):
        evaluate(explainer, TEXTS[:1], deletion="mask", methods=TWO[:1])


def test_the_public_names_are_these():
    assert cn.evaluate is evaluate
    assert cn.Evaluation is Evaluation
