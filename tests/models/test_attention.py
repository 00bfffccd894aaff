"""Both ways of hearing attention, the heads, and the last block where it is read."""

import numpy as np
import pytest
import torch

from calig_nb import Explainer, load
from calig_nb.explanation.serialization import heads_from_bytes, heads_to_bytes
from calig_nb.models.block_model import BlockModel
from calig_nb.models.points import Points
from calig_nb.pipeline.cache import Cache

from ..helpers import zoo
from ..helpers.zoo import SENTENCE, gradient, replay, row, tiny_model

FUSED = ("bert", "roberta", "distilbert", "electra", "albert", "modernbert", "gpt2", "llama",
         "qwen2", "vit", "deit", "dinov2")  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", zoo.ZOO)
def test_attention_left_fused_says_the_same(name, monkeypatch):
    """Heads formed from what enters and leaves the kernel, a few queries at a time."""
    monkeypatch.setattr("calig_nb.models.attention.QUERIES", 4)
    model, inputs = BlockModel(zoo.zoo_model(name)), zoo.zoo_inputs(name)
    with model.preserve():
        eager, fused = (zoo.trace(model, inputs, frugal=frugal) for frugal in (False, True))
    assert len(fused.heads) == len(eager.heads) > 0
    for kind in ("heads", "relevance", "hidden_gradients"):
        for got, expected in zip(getattr(fused, kind), getattr(eager, kind), strict=True):
            scale = expected.abs().max()
            assert (got - expected).abs().max() <= 1e-5 * scale, kind


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FUSED)
def test_the_matrices_are_never_formed_where_torch_has_a_kernel(name):
    model, inputs = BlockModel(zoo.zoo_model(name)), zoo.zoo_inputs(name)
    configs = [module.config for module in model.model.modules() if hasattr(module, "config")]
    if not any(config._attn_implementation == "sdpa" for config in configs):
        pytest.skip("this version of transformers writes its attention out")
    with model.preserve(), zoo.Softmaxes() as softmaxes:
        zoo.trace(model, inputs, frugal=True)
    assert not any(found.requires_grad for found in softmaxes.found)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", zoo.ZOO)
def test_computing_blocks_again_changes_nothing(name):
    model, inputs = BlockModel(zoo.zoo_model(name)), zoo.zoo_inputs(name)
    with model.preserve():
        trace = zoo.trace(model, inputs)
        for layer, hidden in enumerate(trace.hidden_states):
            points = Points({layer: hidden}, torch.zeros(2, dtype=int))
            plain, again = (
                model.gradients(row(inputs), points, lambda logits, _: logits[:, 1:2], frugal=f)
                for f in (False, True)
            )
            torch.testing.assert_close(again[layer], plain[layer])


@pytest.mark.parametrize("name", zoo.ZOO)
def test_points_of_all_layers_may_share_a_pass(name):
    model, inputs = BlockModel(zoo.zoo_model(name)), zoo.zoo_inputs(name)
    with model.preserve():
        trace = zoo.trace(model, inputs)
        if not model.joins:
            assert name in ("t5", "t5-encoder", "swin"), "only where blocks hand on more than that"
            return
        points = Points(
            dict(enumerate(trace.hidden_states)),
            torch.zeros(2 * len(trace.hidden_states), dtype=int),
        )
        together = model.gradients(row(inputs), points, lambda logits, _: logits[:, 1:2])
        for layer, hidden in enumerate(trace.hidden_states):
            alone = gradient(model, row(inputs), layer, hidden)
            torch.testing.assert_close(together[layer][0], alone, rtol=1e-6, atol=1e-9)


def test_rows_that_look_like_something_else_go_layer_by_layer(monkeypatch):
    model, inputs = BlockModel(tiny_model("bert")), zoo.zoo_inputs("bert")
    with model.preserve():
        trace = zoo.trace(model, inputs)
        points = Points(
            {0: trace.hidden_states[0], 2: trace.hidden_states[2]}, torch.zeros(4, dtype=int)
        )
        together = model.gradients(row(inputs), points, lambda logits, _: logits[:, 1:2])
        asked, replay = [], model.replay

        def counted(inputs, points, **options):
            asked.append((len(points.hidden), options["frugal"]))
            return replay(inputs, points, **options)

        monkeypatch.setattr(model, "replay", counted)
        model._lengths = {4}  # as if a bias of the inside were 4 long, like the rows
        apart = model.gradients(row(inputs), points, lambda logits, _: logits[:, 1:2], frugal=True)
    assert asked == [(1, True), (1, True)]
    for layer in (0, 2):
        torch.testing.assert_close(apart[layer], together[layer])


class Widths(torch.overrides.TorchFunctionMode):
    """The positions at which each linear map is computed."""

    def __init__(self, **named):
        super().__init__()
        self.named, self.found = {module.weight: name for name, module in named.items()}, {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.nn.functional.linear and args[1] in self.named:
            self.found[self.named[args[1]]] = args[0].shape[1]
        return func(*args, **(kwargs or {}))


def test_the_last_block_is_computed_where_it_is_read():
    user = tiny_model("bert")
    model, inputs = BlockModel(user), zoo.zoo_inputs("bert")
    first, last = user.bert.encoder.layer[0], user.bert.encoder.layer[-1]
    with model.preserve():
        trace = zoo.trace(model, inputs)
        with Widths(
            query=last.attention.self.query,
            key=last.attention.self.key,
            up=last.intermediate.dense,
            below=first.intermediate.dense,
        ) as widths:
            replay(model, row(inputs), 0, trace.hidden_states[0])
    tokens = inputs["input_ids"].shape[1]
    assert widths.found == {"query": 1, "up": 1, "key": tokens, "below": tokens}


def test_a_classifier_that_reads_all_positions_has_all_computed():
    model, inputs = BlockModel(zoo.zoo_model("dinov2")), zoo.zoo_inputs("dinov2")
    with model.preserve():
        zoo.trace(model, inputs)  # the class token, and the mean of the patches
    assert not model._pooled.modules  # the inside: none of them is narrowed


# --- heads --------------------------------------------------------------------------------------


@pytest.fixture
def explainer(tokenizer, tmp_path):
    return Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)


def test_the_mean_of_the_heads_is_the_relevance(explainer):
    for cache in (explainer.cache, None):
        explainer.cache = cache
        got = explainer.explain(SENTENCE, target=2, contrast=0)
        for layer in range(3):
            heads = got.heads(layer)
            assert heads.shape == (2, len(got.tokens), len(got.tokens))
            expected = got.attention_relevance[layer]
            np.testing.assert_allclose(heads.mean(axis=0), expected, atol=1e-3 * abs(heads).max())


def test_heads_are_formed_once_for_all_layers(explainer, monkeypatch):
    got = explainer.explain(SENTENCE)
    assert len(explainer.cache) == 1, "nobody asked for heads yet"
    first = got.heads(0)
    assert len(explainer.cache) == 4
    monkeypatch.setattr(BlockModel, "forward", lambda *_, **__: pytest.fail("formed again"))
    np.testing.assert_allclose(got.heads(0), first, atol=1e-3 * abs(first).max())
    got.heads(2)


def test_heads_lose_little_on_disk():
    heads = np.random.default_rng(0).normal(size=(3, 9, 9)).astype(np.float32)
    heads *= np.array([1e-9, 1, 1e6], dtype=np.float32)[:, None, None]
    got = heads_from_bytes(heads_to_bytes(heads))
    error = np.abs(got - heads).max(axis=(1, 2)) / np.abs(heads).max(axis=(1, 2))
    assert error.max() <= 5e-4
    zero = np.zeros((1, 2, 2), np.float32)
    np.testing.assert_array_equal(heads_from_bytes(heads_to_bytes(zero)), zero)


@pytest.mark.bad_input
def test_heads_that_cannot_be_had_are_refused(explainer, tmp_path):
    got = explainer.explain(SENTENCE)
    with pytest.raises(ValueError, match="layer must lie between 0 and 2, got 3"):
        got.heads(3)
    got.save(tmp_path / "one.safetensors")
    with pytest.raises(ValueError, match="heads need the model"):
        load(tmp_path / "one.safetensors").heads(0)
    cache, key = Cache(tmp_path), "a" * 64
    cache.put_heads(key, 1, np.ones((1, 2, 2), np.float32))
    (file,) = cache.own_folder.glob(f"{key}-1*")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.warns(UserWarning, match="checksum"):
        assert cache.get_heads(key, 1) is None
