"""Blocks with and without attention in one model: what is there is heard, the rest is stated."""

import numpy as np
import pytest
import torch
import transformers as hf
from torch import nn

from calig_nb import Explainer
from calig_nb.widgets import wire

from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import SENTENCE, tiny_tokenizer

SIZES = {"hidden_size": 32, "num_hidden_layers": 3}
HEADS = {"intermediate_size": 48, "num_attention_heads": 4}


def conv_and_attention(vocab):
    kinds = ["conv", "full_attention", "conv"]
    config = hf.Lfm2Config(
        vocab_size=vocab, **SIZES, **HEADS, num_key_value_heads=2, layer_types=kinds
    )
    return hf.Lfm2ForCausalLM(config)


def state_space(vocab):
    return hf.MambaForCausalLM(hf.MambaConfig(vocab_size=vocab, **SIZES, state_size=8))


def fourier(vocab):
    config = hf.FNetConfig(vocab_size=vocab, **SIZES, intermediate_size=48)
    return hf.FNetForSequenceClassification(config)


BUILT = {
    "lfm2": (conv_and_attention, [0, 2]),
    "mamba": (state_space, [0, 1, 2]),
    "fnet": (fourier, [0, 1, 2]),
}


pytestmark = pytest.mark.filterwarnings("ignore:model has no attention matrix")


def rough(make, vocab):
    torch.manual_seed(0)
    model = make(vocab).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.fixture(scope="module", params=BUILT)
def hybrid(request):
    tokenizer = tiny_tokenizer()
    make, without = BUILT[request.param]
    model = rough(make, len(tokenizer))
    return model, Explainer(model, tokenizer, cache=False), without


def test_the_blocks_without_attention_are_named_and_bring_their_relevance_alone(hybrid):
    model, explainer, without = hybrid
    before = state_of(model)
    found = explainer.explain(SENTENCE, baselines="mask")
    assert_unchanged(model, before)
    assert found.config["without_attention"] == without
    heard = np.abs(found.attention_relevance).sum(axis=(1, 2)) > 0
    assert (~heard).nonzero()[0].tolist() == without
    assert found.to_frame("layer")["attention"].tolist() == [*heard, False]
    names = ", ".join(map(str, without))
    assert f"no attention in layers {names}" in wire.meta(found)["recipe"]
    assert found.converged.all()
    plain = explainer.explain(SENTENCE, baselines="mask", method="layer-ig")
    np.testing.assert_allclose(
        found.layer_attributions, plain.layer_attributions, rtol=1e-4, atol=1e-6
    )
    assert "without_attention" not in plain.config
    again = explainer.explain(SENTENCE, baselines="mask")
    np.testing.assert_allclose(again.attention_relevance, found.attention_relevance, atol=1e-6)


def test_what_a_block_with_attention_says_is_attention_times_its_gradient():
    """By plain hooks and autograd, at the one block that has any."""
    tokenizer = tiny_tokenizer()
    model = rough(conv_and_attention, len(tokenizer))
    found = Explainer(model, tokenizer, cache=False).explain(SENTENCE, baselines="mask")
    model.set_attn_implementation("eager")
    kept = []
    model.model.layers[1].self_attn.register_forward_hook(lambda m, i, o: kept.append(o[1]))
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    logits = model(ids).logits[0, -1]
    (gradient,) = torch.autograd.grad(logits[logits.argmax()], kept)
    expected = (kept[0] * gradient).mean(dim=1)[0]
    np.testing.assert_allclose(
        found.attention_relevance[1], expected.detach().numpy(), rtol=1e-4, atol=1e-7
    )


def test_relevance_is_integrated_as_by_hand(hybrid):
    """The state that enters each block on the straight line, 64 nodes, by plain hooks."""
    model, explainer, _ = hybrid
    found = explainer.explain(SENTENCE, baselines="mask", tolerance=1e-4)
    text = explainer.engine.reader.read(SENTENCE, classes=(None, None))
    inputs, _ = explainer.engine.reader.make_baseline(text, "mask")
    own = {name: text.model_inputs[name] for name in ("input_ids",)}
    other = {name: inputs[name] for name in own}
    modules = [model.get_submodule(path) for path in explainer.blocks]

    def run(rows, layer=None, state=None):
        seen = []

        def enter(module, args, kwargs):
            hidden = args[0] if args else kwargs["hidden_states"]
            if state is not None and module is modules[layer]:
                hidden = state
            seen.append(hidden)
            rest = {**kwargs, "hidden_states": hidden} if not args else kwargs
            return (hidden, *args[1:]) if args else args, rest

        hooks = [m.register_forward_pre_hook(enter, with_kwargs=True) for m in modules]
        try:
            logits = model(**rows).logits
        finally:
            for hook in hooks:
                hook.remove()
        logits = logits[:, -1] if logits.ndim == 3 else logits
        return logits, seen

    with torch.no_grad():
        logits, above = run(own)
        below = run(other)[1]
    ids = text.question.candidates if text.question is not None else None
    target = int(logits[0].argmax()) if ids is None else ids[found.target]
    nodes, weights = np.polynomial.legendre.leggauss(64)
    for layer in range(len(modules)):
        start, way = below[layer], above[layer] - below[layer]
        total = 0
        for node, weight in zip((nodes + 1) / 2, weights / 2):
            state = (start + node * way).requires_grad_()
            score = run(own, layer, state)[0][0, target]
            total = total + weight * torch.autograd.grad(score, state)[0]
        expected = (total * way).sum(dim=-1)[0].numpy()
        error = np.abs(found.layer_attributions[layer] - expected).sum() / np.abs(expected).sum()
        assert error < 1e-3, layer


@pytest.mark.parametrize("method", ["attention", "attention-rollout", "gradient-rollout"])
def test_a_method_that_is_made_of_attention_says_what_is_missing(hybrid, method):
    _, explainer, without = hybrid
    with pytest.raises(ValueError, match=rf"every block, got {3 - len(without)} of 3\."):
        explainer.explain(SENTENCE, baselines="mask", method=method)


def test_heads_are_those_of_a_block_that_has_some(hybrid):
    _, explainer, without = hybrid
    found = explainer.explain(SENTENCE, baselines="mask")
    for layer in range(3):
        if layer in without:
            with pytest.raises(ValueError, match="layer must be one whose block has attention"):
                found.heads(layer)
        else:
            heads = found.heads(layer)
            np.testing.assert_allclose(
                heads.mean(axis=0), found.attention_relevance[layer], rtol=1e-4, atol=1e-7
            )


class OwnBlock(nn.Module):
    """With torch's kernel, of which nothing is returned."""

    def __init__(self):
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(32, 32) for _ in range(4))

    def forward(self, hidden):
        q, k, v = (m(hidden).unflatten(-1, (4, 8)).transpose(1, 2) for m in self.maps[:3])
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return hidden + self.maps[3](mixed.transpose(1, 2).flatten(2)).tanh()


class OwnModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.embedding = nn.Embedding(vocab, 32)
        self.trunk = nn.ModuleList(OwnBlock() for _ in range(2))
        self.head = nn.Linear(32, 3)

    def forward(self, input_ids, attention_mask=None):
        hidden = self.embedding(input_ids)
        for block in self.trunk:
            hidden = block(hidden)
        return self.head(hidden.mean(dim=1))


def test_a_model_of_ones_own_that_calls_torchs_kernel_is_heard_through_it():
    tokenizer = tiny_tokenizer()
    model = rough(OwnModel, len(tokenizer))
    found = Explainer(model, tokenizer, cache=False).explain(SENTENCE, baselines="mask")
    assert "without_attention" not in found.config
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    hidden = model.embedding(ids)
    for layer, block in enumerate(model.trunk):
        q, k, v = (m(hidden).unflatten(-1, (4, 8)).transpose(1, 2) for m in block.maps[:3])
        a = (q @ k.transpose(2, 3) * 8**-0.5).softmax(dim=-1).detach().requires_grad_()
        mixed = block.maps[3]((a @ v).transpose(1, 2).flatten(2)).tanh()
        hidden = after = hidden + mixed
        for rest in model.trunk[layer + 1 :]:
            after = rest(after)
        logits = model.head(after.mean(dim=1))[0]
        (gradient,) = torch.autograd.grad(logits[found.target], a, retain_graph=True)
        expected = (a * gradient).mean(dim=1)[0].detach().numpy()
        np.testing.assert_allclose(found.attention_relevance[layer], expected, atol=1e-7)
