"""Threads that share a model: explanations take turns, predictions are what they always were."""

import copy
import threading

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.models.preserve import preserve_model

from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import SENTENCE, OwnHead, tiny_model

TEXTS = ["Not a good film.", "The plot is thin, but the acting is superb."]


def together(*calls):
    """What each call gives, or raises; all at once, on a thread each."""
    found, start = [None] * len(calls), threading.Barrier(len(calls))

    def run(i, call):
        try:
            start.wait()
            found[i] = call()
        except BaseException as error:
            found[i] = error

    threads = [threading.Thread(target=run, args=one) for one in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_one_explainer_on_four_threads(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    before = state_of(explainer.model)
    expected = [explainer.explain(text).layer_attributions for text in TEXTS]
    found = together(*(lambda k=i % 2: explainer.explain(TEXTS[k]) for i in range(8)))
    for i, one in enumerate(found):
        np.testing.assert_allclose(one.layer_attributions, expected[i % 2], rtol=1e-9, atol=1e-12)
    assert_unchanged(explainer.model, before)


def test_explainers_of_one_model_and_of_models_that_share_a_part(tokenizer):
    encoder = tiny_model("bert").bert
    models = [OwnHead(encoder).double().eval(), OwnHead(encoder).double().eval()]
    explainers = [Explainer(m, tokenizer) for m in (*models, models[0])]
    expected = [e.explain(SENTENCE).layer_attributions for e in explainers]
    found = together(*(lambda e=e: e.explain(SENTENCE) for e in explainers * 2))
    for i, one in enumerate(found):
        np.testing.assert_allclose(one.layer_attributions, expected[i % 3], rtol=1e-9, atol=1e-12)
    assert all("forward" not in vars(module) for model in models for module in model.modules())


def test_evaluate_and_predict_beside_an_explanation(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)

    def evaluate():
        return cn.evaluate(explainer, TEXTS, methods=["ca-lig", "occlusion"], progress=False)

    evaluate()  # the first time more is tried
    expected = evaluate()
    found, table, *_ = together(evaluate, lambda: explainer.predict(TEXTS),
                                lambda: explainer.explain(TEXTS))  # fmt: skip
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
    np.testing.assert_array_equal(found.passes, expected.passes)
    assert list(table["label"]) == list(explainer.predict(TEXTS)["label"])


@pytest.fixture
def held():
    """A model that a thread holds as an explanation does, until it is told to let go."""
    model, entered, leave = tiny_model("bert"), threading.Event(), threading.Event()

    def hold():
        with preserve_model(model):
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hold)
    model.train()
    thread.start()
    entered.wait(20)
    yield model, leave
    leave.set()
    thread.join()


def test_a_prediction_waits_and_is_the_users_own(held, tokenizer):
    """In training mode it keeps its dropout and its gradients, whatever is explained meanwhile."""
    model, leave = held
    encoded = tokenizer(SENTENCE, return_tensors="pt")
    seen = []

    def train():
        output = model(**encoded)
        output.logits.sum().backward()
        seen.append((model.training, output.attentions))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join(0.2)
    assert not seen, "it waits"
    leave.set()
    thread.join()
    assert seen == [(True, None)]
    assert model.classifier.weight.grad.abs().sum() > 0


def test_who_came_first_is_waited_for(tokenizer):
    """A prediction that runs already must not meet another attention on its way."""
    model, inside, go_on = tiny_model("bert"), threading.Event(), threading.Event()
    explainer = Explainer(model, tokenizer)
    encoded = tokenizer(SENTENCE, return_tensors="pt")
    expected, explained = model(**encoded).logits, []

    def pause(*_):
        inside.set()
        go_on.wait(20)

    hook = model.bert.encoder.layer[1].register_forward_pre_hook(pause)
    logits = []
    first = threading.Thread(target=lambda: logits.append(model(**encoded)))
    first.start()
    inside.wait(20)
    second = threading.Thread(target=lambda: explained.append(explainer.explain(SENTENCE)))
    second.start()
    second.join(0.2)
    assert not explained
    assert model.config._attn_implementation == "sdpa"
    go_on.set()
    first.join()
    second.join()
    hook.remove()
    assert torch.equal(logits[0].logits, expected)
    assert logits[0].attentions is None
    assert explained


def test_a_part_by_itself_goes_through_untouched(tokenizer):
    """A block that another thread calls is not taken for one of ours."""
    model = tiny_model("bert")
    explainer = Explainer(model, tokenizer)
    block, hidden = model.bert.encoder.layer[0], torch.randn(1, 5, 16, dtype=torch.float64)
    with torch.no_grad():
        expected = block(hidden)
    wrong, done = [], threading.Event()

    def call():
        with torch.no_grad():
            while not done.is_set():
                if not torch.allclose(block(hidden), expected, rtol=1e-9):
                    wrong.append(1)

    thread = threading.Thread(target=call)
    thread.start()
    plain = Explainer(copy.deepcopy(tiny_model("bert")), tokenizer).explain(SENTENCE)
    found = explainer.explain(SENTENCE)
    done.set()
    thread.join()
    assert not wrong
    np.testing.assert_allclose(found.layer_attributions, plain.layer_attributions, rtol=1e-9)
