"""What was finished before Ctrl-C is not lost."""

import random

import numpy as np
import pytest

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.pipeline.batch import explain_batch

from ..helpers.zoo import SENTENCE, tiny_model

TEXTS = ["Good.", "The plot is thin, but the acting is superb.", "Not good.", "Bad."]
DOCUMENT = " ".join(
    random.Random(0).choices("the plot is thin but superb not good film".split(), k=110)
)


@pytest.fixture
def interrupting(monkeypatch):
    """Sets at which batch an interrupt comes; counts batches in a list of their texts."""

    def at(number):
        batches = []

        def explain(model, reader, texts, *rest):
            if len(batches) == number:
                raise KeyboardInterrupt
            batches.append([text.text for text in texts])
            return explain_batch(model, reader, texts, *rest)

        monkeypatch.setattr("calig_nb.pipeline.engine.explain_batch", explain)
        return batches

    return at


@pytest.mark.parametrize("target", [None, [0, 2]])
def test_a_list_gives_what_was_finished_in_its_place(explainer, interrupting, target):
    expected = explainer.explain(TEXTS, target=target)
    batches = interrupting(2)
    with pytest.raises(KeyboardInterrupt) as caught:
        explainer.explain(TEXTS, target=target)
    found, done = caught.value.explanations, [text for batch in batches for text in batch]
    assert [one is not None for one in found] == [text in done for text in TEXTS]
    assert 0 < len(done) < 4
    for one, whole in zip(found, expected):
        if one is not None:
            pairs = zip(one, whole) if target else [(one, whole)]
            for a, b in pairs:
                np.testing.assert_allclose(a.attributions, b.attributions, rtol=1e-9)
                assert a.source is not None


def test_what_is_skipped_keeps_its_place(explainer, interrupting):
    batches = interrupting(2)
    with pytest.warns(UserWarning, match="skipped"), pytest.raises(KeyboardInterrupt) as caught:
        explainer.explain(["", *TEXTS], on_error="skip")
    found = caught.value.explanations
    assert len(found) == 5
    assert found[0] is None
    done = {text for batch in batches for text in batch}
    assert {one.text for one in found if one is not None} == done


def test_so_does_a_calibration(explainer, interrupting):
    interrupting(2)
    with pytest.raises(KeyboardInterrupt) as caught:
        explainer.calibrate(TEXTS)
    assert any(caught.value.explanations)
    assert explainer.layer_weights is None


@pytest.mark.parametrize("kept", [False, True])
def test_a_long_text_goes_on_where_it_stopped(tokenizer, tmp_path, interrupting, kept):
    def made():
        return Explainer(tiny_model("bert"), tokenizer, cache=tmp_path if kept else False)

    whole = Explainer(tiny_model("bert"), tokenizer, cache=False).explain(DOCUMENT)
    explainer, first = made(), interrupting(3)
    with pytest.raises(KeyboardInterrupt) as caught:
        explainer.explain(DOCUMENT)
    assert caught.value.explanations == [None]
    assert len(first) == 3
    rest = interrupting(None)
    found = (made() if kept else explainer).explain(DOCUMENT)
    assert len(rest) == whole.config["windows"] - 3
    np.testing.assert_array_equal(found.layer_attributions, whole.layer_attributions)
    np.testing.assert_array_equal(found.attributions, whole.attributions)
    if kept:
        assert len(explainer.cache) == 1, "the whole is kept, not its windows"
    explainer.explain(DOCUMENT)
    assert len(rest) == (1 if kept else 2) * whole.config["windows"] - 3


def test_an_evaluation_gives_the_texts_that_are_finished(explainer, monkeypatch):
    from calig_nb.evaluation import runner

    expected = cn.evaluate(explainer, TEXTS[1:2], methods=["ca-lig"], progress=False)
    monkeypatch.setattr(runner, "TOGETHER", 1)
    score, scored = runner.Run.score, []

    def interrupted(run, item, maps):
        if len(scored) == 1:
            raise KeyboardInterrupt
        score(run, item, maps)
        scored.append(item.source)

    monkeypatch.setattr(runner.Run, "score", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        cn.evaluate(explainer, [SENTENCE, TEXTS[1]], methods=["ca-lig"], progress=False)
    found = caught.value.evaluation
    assert list(found.texts) == scored
    if scored == TEXTS[1:2]:
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
