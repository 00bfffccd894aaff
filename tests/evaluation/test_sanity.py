"""Sanity: maps fade with the weights, follow the class, ignore batches, padding and shifts."""

import dataclasses

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.evaluation.sanity import CHANGES, spearman
from calig_nb.evaluation.weight_randomization import (
    copy_explainer,
    randomize_weights,
    shift_logits,
)

from ..helpers.zoo import SENTENCE, tiny_model, zoo_model

TEXTS = (
    SENTENCE,
    "The acting is not good, but the film is superb.",
    "A very bad, thin, unlikely film.",
)


@pytest.fixture(scope="module")
def subject(tokenizer):
    return Explainer(tiny_model("bert"), tokenizer)


@pytest.fixture(scope="module")
def found(subject):
    return cn.sanity(subject, TEXTS, methods=("ca-lig", "conductance"))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_model_itself_is_never_touched(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    model = explainer.engine.model.model
    before, modules = weights(model), [*model.modules()]
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules]
    cn.sanity(explainer, TEXTS[:1])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [*model.modules()] == modules
    assert hooks == [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in modules]
    one = explainer.explain(SENTENCE).attributions
    again = Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE).attributions
    np.testing.assert_array_equal(one, again)


def test_weights_are_drawn_from_the_top_down_and_stay_drawn(subject):
    twin = copy_explainer(subject)
    model = twin.engine.model
    inputs = subject.engine.reader.read(SENTENCE).model_inputs
    last, moved = weights(model.model), {}
    for part in randomize_weights(model, inputs, seed=0):
        now = weights(model.model)
        moved[part] = {name for name, value in now.items() if not torch.equal(value, last[name])}
        last = now
    assert [*moved] == ["head", "block 2", "block 1", "block 0", "embeddings"]
    for part, names in moved.items():
        start = {"head": ("classifier", "bert.pooler"), "embeddings": ("bert.embeddings",)}
        expected = start.get(part, (f"bert.encoder.layer.{part[-1]}.",))
        assert names and all(name.startswith(expected) for name in names), part
    own = {n: p.detach() for n, p in subject.engine.model.model.named_parameters()}
    alike = {name for name, value in own.items() if value.std() == 0}  # LayerNorms of ones
    assert set().union(*moved.values()) == set(own) - alike, "every weight is drawn in the end"
    for name, value in own.items():
        if value.numel() > 500:
            drawn = last[name]
            assert drawn.std() == pytest.approx(float(value.std()), rel=0.15), name
            together = torch.stack([drawn.flatten(), value.flatten()])
            assert abs(float(torch.corrcoef(together)[0, 1])) < 0.15, name


def test_draws_are_those_of_their_seed(subject):
    inputs = subject.engine.reader.read(SENTENCE).model_inputs

    def drawn(seed):
        model = copy_explainer(subject).engine.model
        return [*randomize_weights(model, inputs, seed)] and weights(model.model)

    first, same, other = drawn(0), drawn(0), drawn(1)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if first[name].ndim > 1)


@pytest.mark.parametrize("name", ["albert", "t5-encoder", "gpt2", "llama", "vit-mae"])
def test_every_architecture_is_drawn_whole(name):
    from calig_nb.models.block_model import BlockModel

    from ..helpers.zoo import row, zoo_inputs

    model = BlockModel(zoo_model(name))
    before, inputs = weights(model.model), row(zoo_inputs(name))
    parts = [*randomize_weights(model, inputs, seed=0)]
    assert parts[0] == "head" and parts[-1] == "embeddings"
    after = weights(model.model)
    names = {n for n, p in model.model.named_parameters() if p.std() > 0}
    assert all(not torch.equal(before[n], after[n]) for n in names)
    assert torch.isfinite(model.predict(inputs)).all()


@pytest.mark.full
def test_maps_fade_with_the_weights_on_a_trained_model():
    explainer = cn.load_demo("sentiment")
    explainer.cache = None
    texts = [
        "The plot is thin, but the acting is superb.",
        "Despite a clumsy ending, this is the most original thriller of the year.",
        "It promises a great deal and keeps none of it.",
        "I have seen better special effects in a school play.",
    ]
    found = cn.sanity(explainer, texts)
    r = found.correlations[0, 0, 0]
    assert found.depths == (
        "as trained", "head", "block 3", "block 2", "block 1", "block 0", "embeddings",
    )  # fmt: skip
    assert r[0] == 1
    assert (r[1:] < 0.7).all() and r[-1] < 0.4
    assert np.nanmean(found.other_class) < -0.8, "of two classes one speaks against the other"
    assert "ca-lig follows the weights" in found.text and "stays the same" in found.text


def test_what_must_change_nothing_changes_nothing(found):
    assert found.changes.shape == (3, 2, len(CHANGES))
    assert np.isfinite(found.changes).all()
    assert found.changes.max() < 1e-5


def test_a_shift_of_the_logits_is_a_shift(subject):
    twin = copy_explainer(subject)
    before = twin.explain(SENTENCE, target=1)
    handle = shift_logits(twin.engine.model.model, 3.0)
    after = twin.explain(SENTENCE, target=1)
    handle.remove()
    assert after.score - before.score == pytest.approx(3)
    assert twin.explain(SENTENCE, target=1).score == pytest.approx(before.score)


def test_logits_that_are_a_plain_tensor_are_shifted_too():
    model = torch.nn.Linear(2, 3)
    before, handle = model(torch.ones(1, 2)), shift_logits(model, 2.0)
    torch.testing.assert_close(model(torch.ones(1, 2)), before + 2)
    handle.remove()
    torch.testing.assert_close(model(torch.ones(1, 2)), before)


def test_a_map_that_ignores_the_model_is_caught(subject, monkeypatch):
    """No method of the package does: the maps within are replaced."""

    def same(engine, text, request, *beside):
        return np.arange(1.0, 1 + len(text.tokens)) + 0.01 * len(beside)

    monkeypatch.setattr("calig_nb.evaluation.sanity._map", same)
    found = cn.sanity(subject, TEXTS)
    assert (found.signed == 1).all() and (found.other_class == 1).all()
    assert "HARDLY follows" in found.text


def test_a_method_that_refuses_a_constant_has_no_answer_there(subject, monkeypatch):
    """No method of the package does: the maps within are replaced."""

    def refuse(engine, text, request, *beside):
        if engine.model.model._forward_hooks:
            raise ValueError("no rule for it")
        return np.arange(float(len(text.tokens)))

    monkeypatch.setattr("calig_nb.evaluation.sanity._map", refuse)
    found = cn.sanity(subject, TEXTS[:1])
    assert np.isfinite(found.changes[0, 0]).tolist() == [True, True, False]


def test_a_model_that_is_never_padded_has_no_answer_there(tokenizer):
    found = cn.sanity(Explainer(zoo_model("gpt2"), tokenizer), TEXTS[:1], tolerance=0.1)
    said = np.isfinite(found.changes[0, 0])
    assert said[2]
    assert found.table["change by logit shift"].iloc[0] == pytest.approx(0, abs=1e-6)


def slow_ranks(values):
    return [(values < v).sum() + ((values == v).sum() - 1) / 2 for v in values]


def test_spearman_is_the_correlation_of_ranks(rng):
    for _ in range(50):
        a, b = rng.standard_normal((2, 12)).round(0)
        assert spearman(a, b) == pytest.approx(np.corrcoef(slow_ranks(a), slow_ranks(b))[0, 1])
    assert spearman(np.ones(4), np.arange(4.0)) == 0


def test_the_table_the_words_and_the_figure(found):
    table = found.table
    assert table.index.tolist() == ["ca-lig", "conductance"]
    mean = np.nanmean(found.signed[:, 1, 1])
    assert table.loc["conductance", "r, head drawn"] == pytest.approx(mean)
    assert repr(found).startswith("Sanity(3 texts)\nca-lig ")
    figure = found.figure(theme="dark")
    assert [axes.get_title("left") for axes in figure.axes] == ["signed values", "sizes alone"]
    line = next(line for line in figure.axes[0].lines if line.get_label() == "conductance")
    np.testing.assert_allclose(line.get_ydata(), found.correlations[0, 0, 1])
    assert figure._repr_png_()[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="signed must have shape"):
        dataclasses.replace(found, signed=np.zeros(3))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ("one", {}, "texts must be a list of at least one text, got 'one'"),
        ([], {}, "texts must be a list of at least one text"),
        (["Good."], {}, r"texts\[0\] must have at least 3 words, got 'Good.'"),
        ([" "], {}, r"texts\[0\] must hold at least one word"),
        (TEXTS, {"methods": "ca-lig"}, "methods must be a list of at least one name"),
        (TEXTS, {"methods": ()}, "methods must be a list of at least one name"),
        (TEXTS, {"methods": ["magic"]}, "methods must be one of"),
        (TEXTS, {"tolerance": 3}, "tolerance must lie between 0 and 1, got 3"),
    ],
)
def test_bad_input_is_named(subject, texts, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cn.sanity(subject, texts, **options)


@pytest.mark.bad_input
def test_a_model_that_cannot_be_copied_is_named(tokenizer):
    model = tiny_model("bert")
    model.lock = (i for i in range(3))
    with pytest.raises(ValueError, match=r"model must be one that copy\.deepcopy can copy"):
        cn.sanity(Explainer(model, tokenizer), TEXTS)
