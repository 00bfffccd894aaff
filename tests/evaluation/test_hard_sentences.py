"""The hard set: what leave-one-out says of it, and that it does tell methods apart."""

from collections import Counter

import numpy as np
import pytest

from calig_nb import evaluate, load_demo
from calig_nb.evaluation import metrics
from calig_nb.evaluation.deletion import Scorer, ordinary_words, spread_to_tokens

from ..helpers.hard_sentences import HARD
from ..helpers.sentences import SENTENCES

KINDS = ("negation", "contrast", "concession", "irony", "long distance")


@pytest.fixture(scope="module")
def explainer():
    explainer = load_demo("sentiment")
    explainer.cache = None
    return explainer


@pytest.fixture(scope="module")
def judged(explainer):
    return evaluate(
        explainer,
        [hard.text for hard in HARD],
        targets=[hard.label for hard in HARD],
        methods={"ca-lig": {}, "λ 1, no attention": {"lam": 1.0}},
    )


def test_there_are_twelve_of_each_kind_all_different():
    assert Counter(hard.kind for hard in HARD) == dict.fromkeys(KINDS, 12)
    assert len({hard.text for hard in HARD} | set(SENTENCES)) == 60 + len(SENTENCES)
    labels = Counter(hard.label for hard in HARD)
    assert 24 <= labels[1] <= 36


@pytest.mark.full
def test_leave_one_out_says_what_is_stored(explainer):
    scorer = Scorer(explainer.engine)
    for hard in HARD:
        text = explainer.engine.reader.read(hard.text)
        units, n = ordinary_words(text), len(text.tokens)
        rows = np.concatenate([np.zeros((1, len(units)), bool), metrics.leave_one_out(len(units))])
        whole, *alone = scorer.log_odds(text, spread_to_tokens(rows, units, n), hard.label)
        drops = whole - np.array(alone)
        assert whole == pytest.approx(hard.log_odds, abs=0.02), hard.text
        for word, piece, drop in hard.strongest:
            assert units[word].text == piece
            assert drops[word] == pytest.approx(drop, abs=0.02), (hard.text, piece)
        others = np.delete(np.abs(drops), [word for word, _, _ in hard.strongest])
        least = min(abs(drop) for _, _, drop in hard.strongest)
        assert others.max(initial=0) <= least + 0.02


@pytest.mark.full
def test_the_map_agrees_with_leave_one_out_far_better_than_chance(judged):
    names = judged.metrics
    for metric in ("loo_correlation", "sign_accuracy", "comprehensiveness", "opposers_gain"):
        assert judged.better("random", metric) == -1, metric
    r = judged.means[0, 0, names.index("loo_correlation")]
    assert r > 0.6
    own = judged.means[0, 0, names.index("sign_accuracy")]
    assert own > 0.7


@pytest.mark.full
def test_it_tells_methods_apart(judged):
    """Without its attention half the map is clearly less faithful here, in the signs above all."""
    assert judged.better("λ 1, no attention", "loo_correlation") == -1
