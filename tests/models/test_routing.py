"""Mixtures of experts: each token's choice held along the path, against routers made by hand."""

import copy

import numpy as np
import pytest
import torch
import transformers as hf
from captum.attr import LayerIntegratedGradients
from torch import nn

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel
from calig_nb.models.points import Points

from ..helpers.captum_probes import probes
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.zoo import SENTENCE, tiny_tokenizer, trace

NODES = 64
_SIZE = {
    "vocab_size": 80, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64,
    "num_labels": 3, "pad_token_id": 0, "num_experts_per_tok": 2,
}  # fmt: skip


class HeldMixtral(nn.Module):
    """Softmax over all experts, then the chosen ones' probabilities, made to sum to one."""

    normalised = True

    def __init__(self, router, index):
        super().__init__()
        self.weight, self.index = router.weight, index

    def forward(self, x):
        logits = nn.functional.linear(x.reshape(-1, x.shape[-1]), self.weight)
        index = self.index.repeat(len(logits) // len(self.index), 1)
        chosen = logits.float().softmax(dim=-1).gather(1, index)
        if self.normalised:
            chosen = chosen / chosen.sum(dim=-1, keepdim=True)
        return logits, chosen, index


class HeldQwen(HeldMixtral):
    normalised = False


class HeldGptOss(nn.Module):
    """The chosen experts' logits, and softmax over these."""

    def __init__(self, router, index):
        super().__init__()
        self.weight, self.bias, self.index = router.weight, router.bias, index

    def forward(self, x):
        logits = x @ self.weight.T + self.bias
        index = self.index.repeat(len(logits) // len(self.index), 1)
        return logits, logits.gather(1, index).softmax(dim=1), index


KINDS = {
    "mixtral": (HeldMixtral, "gate", lambda: hf.MixtralConfig(**_SIZE, num_local_experts=4)),
    "qwen2_moe": (
        HeldQwen,
        "gate",
        lambda: hf.Qwen2MoeConfig(
            **_SIZE,
            num_experts=4,
            moe_intermediate_size=12,
            shared_expert_intermediate_size=12,
            norm_topk_prob=False,
        ),
    ),
    "gpt_oss": (
        HeldGptOss,
        "router",
        lambda: hf.GptOssConfig(**_SIZE, num_local_experts=4, head_dim=8),
    ),
}


@pytest.fixture(scope="module", params=[*KINDS])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def experts(kind):
    """A classifier whose experts are chosen otherwise for the baseline, in double precision."""
    torch.manual_seed(1)
    model = hf.AutoModelForSequenceClassification.from_config(
        KINDS[kind][2](), experts_implementation="eager", attn_implementation="eager"
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3) if parameter.ndim > 1 else parameter.add_(
                0.1 * torch.randn_like(parameter)
            )
    return model.double().eval()


@pytest.fixture(scope="module")
def explainer(experts):
    return Explainer(experts, tiny_tokenizer(), cache=None)


@pytest.fixture(scope="module")
def held(explainer):
    return explainer.explain(SENTENCE, target=1, baselines="mask", n_steps=NODES, method="layer-ig")


@pytest.fixture(scope="module")
def rows(explainer):
    """Token ids of the sentence and of its baseline, and the mask of either."""
    ids = torch.tensor([explainer.processor(SENTENCE)["input_ids"]])
    special = (ids == 2) | (ids == 3)
    return ids, torch.where(special, ids, explainer.processor.mask_token_id)


@pytest.fixture(scope="module")
def by_hand(experts, kind, rows):
    """A copy of the model whose routers give the choice that was made for the sentence."""
    make, name, _ = KINDS[kind]
    model, found = copy.deepcopy(experts), []
    routers = [getattr(layer.mlp, name) for layer in model.model.layers]
    hooks = [
        router.register_forward_hook(lambda module, args, out: found.append(out[2]))
        for router in routers
    ]
    model(input_ids=rows[0])
    for hook in hooks:
        hook.remove()
    for layer, router, index in zip(model.model.layers, routers, found, strict=True):
        setattr(layer.mlp, name, make(router, index))
    return model


def run(model, ids, place=None, state=None):
    """The logit of class 1, and what enters each layer and leaves the last, one of them given."""
    seen = []

    def enter(index, hidden):
        seen.append(hidden if index != place else state)
        return seen[-1]

    layers = model.model.layers
    hooks = [
        layer.register_forward_pre_hook(lambda _, args, i=i: (enter(i, args[0]), *args[1:]))
        for i, layer in enumerate(layers)
    ]
    hooks.append(layers[-1].register_forward_hook(lambda _, args, out: enter(len(layers), out)))
    try:
        return model(input_ids=ids.expand(1 if state is None else len(state), -1)).logits[
            :, 1
        ], seen
    finally:
        for hook in hooks:
            hook.remove()


def test_the_held_score_is_the_models_own_at_the_input(explainer, experts, by_hand, rows, held):
    own, copied = (float(run(model, rows[0])[0].detach()) for model in (experts, by_hand))
    assert abs(own - copied) < 1e-12
    assert abs(held.score - own) < 1e-6  # norms round in single precision
    model = BlockModel(experts)
    inputs = {
        "input_ids": torch.cat(rows),
        "attention_mask": torch.ones(2, rows[0].shape[1]).long(),
    }
    with model.preserve():
        scores = [trace(model, inputs, hold=hold).logits[:, 1] for hold in (False, True)]
    assert abs(scores[0][0] - scores[1][0]) < 1e-12
    assert abs(scores[0][1] - scores[1][1]) > 1e-3, "its baseline chooses otherwise"


def test_every_layer_equals_routers_made_by_hand(by_hand, rows, held):
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    (score, ends), (below, starts) = (run(by_hand, ids) for ids in rows)
    assert abs(held.baseline_score - float(below.detach())) < 1e-6
    for layer, (end, start) in enumerate(zip(ends, starts, strict=True)):
        end, start = end.detach(), start.detach()
        alphas = torch.tensor((nodes + 1) / 2)[:, None, None]
        points = (start + alphas * (end - start)).requires_grad_()
        (gradient,) = torch.autograd.grad(run(by_hand, rows[0], layer, points)[0].sum(), points)
        mean = torch.tensordot(torch.tensor(weights / 2), gradient, dims=1)
        expected = (mean * (end - start)[0]).sum(dim=-1).numpy()
        got = held.layer_attributions[layer]
        assert np.abs(got - expected).sum() < 1e-5 * np.abs(expected).sum()
        assert abs(expected.sum() - float((score - below).detach())) < 1e-2


def test_captum_on_the_copy_agrees(by_hand, rows, held):
    members = list(by_hand.model.layers)
    with probes(members) as places:
        for layer, place in enumerate(places):
            captum = LayerIntegratedGradients(lambda ids: by_hand(input_ids=ids).logits, place)
            found = captum.attribute(
                *rows, target=1, n_steps=NODES, method="gausslegendre", internal_batch_size=NODES
            )
            expected = found.sum(dim=-1)[0].detach().numpy()
            difference = np.abs(held.layer_attributions[layer] - expected).sum()
            assert difference < 1e-4 * np.abs(expected).sum()


def test_held_is_the_default_complete_and_stated(explainer, experts, rows):
    held = explainer.explain(SENTENCE, target=1, baselines="mask")
    assert held.config["routing"] == "held" and held.converged.all()
    own = [float(run(experts, ids)[0].detach()) for ids in rows]
    brought = np.array(held.config["routing_scores"])
    np.testing.assert_allclose(brought, held.baseline_scores - own[1], atol=1e-5)
    whole = held.layer_attributions.sum(axis=1) + brought
    np.testing.assert_allclose(whole, own[0] - own[1], atol=0.02 * np.ptp([*own, 0]))
    np.testing.assert_array_equal(held.to_frame("layer")["routing"], brought)
    assert f"routing held ({'−' if brought[0] < 0 else '+'}{abs(brought[0]):.2f})" in told(held)


def told(explanation):
    from calig_nb.explanation.summary import recipe

    return recipe(explanation.config)


def test_free_misses_the_jumps_and_says_how_much(explainer, experts, rows):
    free = explainer.explain(SENTENCE, target=1, baselines="mask", routing="free")
    own = [float(run(experts, ids)[0].detach()) for ids in rows]
    assert abs(free.baseline_score - own[1]) < 1e-5
    missed = np.array(free.config["routing_scores"])
    np.testing.assert_allclose(missed, -free.convergence_delta, atol=1e-9)
    assert np.abs(missed).max() > 0.02 and not free.converged.all()
    assert "routing free" in told(free)


def test_texts_together_or_alone_are_the_same(explainer):
    texts = [SENTENCE, "A bad film, but the acting is good.", "The plot is not bad."]
    many = explainer.explain(texts, target=[0, 1], baselines="mask")
    for text, found in zip(texts, many, strict=True):
        alone = explainer.explain(text, target=[0, 1], baselines="mask")
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_allclose(
                one.layer_attributions, other.layer_attributions, atol=2e-2, rtol=0
            )
            np.testing.assert_allclose(
                one.config["routing_scores"], other.config["routing_scores"], atol=1e-5
            )


def test_points_of_several_items_and_layers_share_a_pass(experts, kind, rows):
    inputs = {"input_ids": torch.cat([rows[0], rows[0].flip(1)])}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    baselines = {**inputs, "input_ids": rows[1].expand(2, -1)}
    # Torch's kernel knows no attention sinks, which GPT-OSS has.
    for frugal in (False,) if kind == "gpt_oss" else (False, True):
        model = BlockModel(experts)
        with model.preserve():
            forward = model.forward(inputs, baselines, frugal=frugal)
            found = forward.backward(forward.logits[:, 1:2])
            assert model.routes and model.joins

            def score(logits, items):
                return logits[:, 1:2]

            # One row of every item at each layer, in two orders.
            order = torch.tensor([3, 0, 2, 1])
            hidden = {b: h[order] for b, h in enumerate(found.hidden_states)}
            items = torch.tensor([1, 0, 0, 1]).repeat(len(hidden))
            together = model.gradients(inputs, Points(hidden, items), score, frugal=frugal)
            for layer, own in enumerate(found.hidden_gradients):
                apart = model.gradients(
                    inputs, Points({layer: hidden[layer]}, items[:4]), score, frugal=frugal
                )
                torch.testing.assert_close(together[layer], apart[layer], rtol=1e-6, atol=1e-9)
                torch.testing.assert_close(together[layer], own[:, order], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method", ["conductance", "ig", "ca-lig"])
def test_methods_that_integrate_are_complete(explainer, method):
    found = explainer.explain(SENTENCE, method=method, baselines="mask", n_steps=65)
    change = found.score - found.baseline_scores
    assert np.abs(found.convergence_delta).max() < 0.01 * np.abs(change).max()
    assert len(found.config["routing_scores"]) == len(found.n_steps)


def test_hidden_baselines_hold_too(explainer):
    with pytest.warns(UserWarning, match="no input has"):
        found = explainer.explain(SENTENCE, method="layer-ig", baselines="mean", n_steps=200)
    change = found.score - found.baseline_scores
    np.testing.assert_allclose(found.layer_attributions.sum(axis=1), change, atol=1e-2)
    assert len(found.config["routing_scores"]) == len(change)


def test_methods_without_a_path_choose_as_the_model_does(explainer, experts):
    found = [
        explainer.explain(SENTENCE, method="occlusion", baselines="mask", routing=routing)
        for routing in ("held", "free")
    ]
    np.testing.assert_array_equal(*(one.layer_attributions for one in found))
    ids = torch.tensor([explainer.processor(SENTENCE)["input_ids"]])
    without = ids.clone()
    without[0, 2] = explainer.processor.mask_token_id
    change = [
        float(experts(input_ids=one).logits[0, found[0].target].detach()) for one in (ids, without)
    ]
    assert abs(found[0].layer_attributions[0, 2] - (change[0] - change[1])) < 1e-5
    assert "routing" not in found[0].config


def test_the_model_is_left_as_it_was(explainer, experts):
    before = state_of(experts)
    explainer.explain(SENTENCE, baselines="mask")
    explainer.explain(SENTENCE, baselines="mask", routing="free", method="layer-ig")
    assert_unchanged(experts, before)


def test_what_is_stated_is_saved(explainer, tmp_path):
    found = explainer.explain(SENTENCE, baselines="mask", n_steps=5)
    found.save(tmp_path / "a.safetensors")
    loaded = cn.load(tmp_path / "a.safetensors")
    assert loaded.config["routing_scores"] == found.config["routing_scores"]
    broken = {**vars(found), "config": {**found.config, "routing_scores": [0.1]}}
    fields = {name: value for name, value in broken.items() if not name.startswith("_")}
    with pytest.raises(ValueError, match="routing_scores"):
        cn.Explanation(**fields)


def top_k_of_groups(scores):
    """Group by group, as DeepSeek does: the better half of the groups, then of their experts."""
    p = scores.sigmoid()
    biased = p + torch.tensor([0.0, 0.1, -0.1, 0.05])
    groups = biased.unflatten(-1, (2, 2)).topk(2, dim=-1)[0].sum(dim=-1)
    best = torch.zeros_like(groups).scatter_(-1, groups.topk(1, dim=-1, sorted=False)[1], 1)
    biased = biased.masked_fill(~best.repeat_interleave(2, dim=-1).bool(), -torch.inf)
    index = torch.topk(biased, k=2, dim=-1, sorted=False).indices
    return p.gather(-1, index), index


def one_by_one(scores):
    """As PhiMoE: the best, then the best of the rest, each among those that come near it."""
    taken, chosen = scores, []
    for _ in range(2):
        with torch.no_grad():
            top, index = taken.max(dim=-1, keepdim=True)
            far = (top - scores) / scores.abs().clamp(min=top) > 0.3
        near = taken.masked_fill(far, -torch.inf)
        chosen.append((near.softmax(dim=-1).gather(-1, index), index))
        taken = scores.scatter(-1, index, -torch.inf)
    return tuple(torch.cat(parts, dim=-1) for parts in zip(*chosen, strict=True))


def single(scores):
    """As Switch: one expert, weighed by its probability, which is the largest."""
    p = scores.softmax(dim=-1)
    index = p.argmax(dim=-1, keepdim=True)
    return p.max(dim=-1).values[..., None], index


def largest(scores):
    weight, index = scores.softmax(dim=-1).max(-1)
    return weight[..., None], index[..., None]


def ordered(scores):
    p, index = scores.softmax(dim=-1).sort(descending=True)
    return p[..., :2] / p[..., :2].sum(dim=-1, keepdim=True), index[..., :2]


def flat(route):
    """Over tokens of all rows in one axis."""

    def routed(scores):
        parts = route(scores.flatten(0, 1))
        return tuple(part.unflatten(0, scores.shape[:2]) for part in parts)

    routed.of = route
    return routed


def held_weights(route, scores, index, own):
    """What each router's weights are when the choice is held: by its definition."""
    name = getattr(route, "of", route).__name__
    if name == "top_k_of_groups":
        return scores.sigmoid().gather(-1, index)
    if name in ("single", "largest"):
        return scores.softmax(dim=-1).gather(-1, index)
    if name == "ordered":
        chosen = scores.softmax(dim=-1).gather(-1, index)
        return chosen / chosen.sum(dim=-1, keepdim=True)
    # Those that came near the best for the input, and with the best taken out the second.
    weights, taken = [], own
    for n in range(2):
        top = taken.gather(-1, index[..., n : n + 1])
        far = (top - own) / own.abs().clamp(min=top) > 0.3
        gone = far | (taken == -torch.inf)
        p = scores.masked_fill(gone, -torch.inf).softmax(dim=-1)
        weights.append(p.gather(-1, index[..., n : n + 1]))
        taken = own.scatter(-1, index[..., :1], -torch.inf)
    return torch.cat(weights, dim=-1)


class Experts(nn.Module):
    def __init__(self, route):
        super().__init__()
        self.route, self.held = route, None
        self.gate, self.experts = nn.Linear(8, 4), nn.Parameter(torch.randn(4, 8, 8))

    def forward(self, x):
        scores = 2 * self.gate(x)
        if self.held is None:
            weights, index = self.route(scores)
            self.last = scores.detach(), index.detach()
        else:
            own, index = (part.expand(len(x), *part.shape[1:]) for part in self.held)
            weights = held_weights(self.route, scores, index, own)
        outputs = torch.einsum("rth,ehk->rtek", x, self.experts).tanh()
        chosen = outputs.gather(2, index[..., None].expand(*index.shape, 8))
        return (weights[..., None] * chosen).sum(dim=2)


class Block(nn.Module):
    def __init__(self, route):
        super().__init__()
        self.norm, self.query, self.mlp = nn.LayerNorm(8), nn.Linear(8, 8), Experts(route)

    def forward(self, x):
        a = torch.softmax(self.query(x) @ x.transpose(1, 2), dim=-1)[:, None]
        x = x + a[:, 0] @ self.norm(x)
        pooled = x.max(dim=1, keepdim=True).values  # continuous, though it has places too
        return x + self.mlp(self.norm(x)) + 0.1 * pooled, a


class Mixture(nn.Module):
    def __init__(self, route):
        super().__init__()
        self.embed, self.head = nn.Embedding(80, 8), nn.Linear(8, 2)
        self.blocks = nn.ModuleList([Block(route), Block(route)])

    def forward(self, input_ids, attention_mask=None, output_attentions=False):
        x, found = self.embed(input_ids), []
        for block in self.blocks:
            x, a = block(x)
            found.append(a)
        logits = self.head(x.mean(dim=1))
        return (logits, tuple(found)) if output_attentions else (logits,)


ROUTERS = [top_k_of_groups, one_by_one, single, largest, ordered]


@pytest.fixture(
    scope="module",
    params=[*ROUTERS, *map(flat, ROUTERS)],
    ids=lambda route: f"flat-{route.of.__name__}" if hasattr(route, "of") else route.__name__,
)
def mixture(request):
    torch.manual_seed(3)
    return Mixture(request.param).double().eval()


def test_every_kind_of_router_is_held(mixture):
    tokenizer = tiny_tokenizer()
    found = Explainer(mixture, tokenizer, cache=None).explain(
        SENTENCE, target=1, baselines="mask", method="layer-ig", n_steps=NODES
    )
    ids = torch.tensor([tokenizer(SENTENCE)["input_ids"]])
    special = (ids == 2) | (ids == 3)
    baseline = torch.where(special, ids, tokenizer.mask_token_id)
    copied = copy.deepcopy(mixture)
    own = float(copied(ids)[0][0, 1].detach())
    free = float(mixture(baseline)[0][0, 1].detach())
    for block in copied.blocks:
        block.mlp.held = block.mlp.last
    assert abs(float(copied(ids)[0][0, 1].detach()) - own) < 1e-12, "the reference is right"
    below = float(copied(baseline)[0][0, 1].detach())
    assert abs(found.score - own) < 1e-12 and abs(found.baseline_score - below) < 1e-12
    assert abs(below - free) > 1e-4, "the baseline chooses otherwise"
    np.testing.assert_allclose(found.config["routing_scores"], below - free, atol=1e-9)
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    start, end = (copied.embed(one).detach() for one in (baseline, ids))
    for layer in range(3):
        points = start + torch.tensor((nodes + 1) / 2)[:, None, None] * (end - start)
        points.requires_grad_()
        x = points
        for block in copied.blocks[layer:]:
            x, _ = block(x)
        (gradient,) = torch.autograd.grad(copied.head(x.mean(dim=1))[:, 1].sum(), points)
        expected = torch.tensordot(torch.tensor(weights / 2), gradient * (end - start), dims=1)
        np.testing.assert_allclose(
            found.layer_attributions[layer], expected.sum(dim=-1).numpy(), atol=1e-9
        )
        if layer < 2:
            start, end = (copied.blocks[layer](h)[0].detach() for h in (start, end))


def test_a_model_that_chooses_nothing_is_watched_once_and_run_as_it_is():
    model = Mixture(None).double().eval()
    for block in model.blocks:
        block.mlp = nn.Linear(8, 8).double()
    modes = []
    for block in model.blocks:
        block.mlp.register_forward_hook(
            lambda *_: modes.append(torch._C._len_torch_function_stack())
        )
    explainer = Explainer(model, tiny_tokenizer(), cache=None)
    found = explainer.explain(SENTENCE, baselines="mask", routing="free")
    assert found.converged.all() and not {"routing", "routing_scores"} & found.config.keys()
    assert "routing" not in found.to_frame("layer") and "routing" not in told(found)
    assert sum(modes) == 3 * len(model.blocks), "two first traces, and what is looked up, once"
    modes.clear()
    for text in (SENTENCE, "A bad film."):
        explainer.explain(text, baselines="mask")
    assert not any(modes), "what is no longer is not watched again"
    explainer.explain(f"{SENTENCE} {SENTENCE}", baselines="mask")
    assert sum(modes) == len(model.blocks)


def test_a_long_text_states_the_mean_of_its_windows():
    torch.manual_seed(3)
    tokenizer = tiny_tokenizer()
    explainer = Explainer(Mixture(top_k_of_groups).double().eval(), tokenizer, cache=None)
    found = explainer.explain(f"{SENTENCE} " * 9, baselines="mask", method="layer-ig", n_steps=9)
    assert found.config["windows"] > 1 and found.config["routing"] == "held"
    assert len(found.to_frame("layer")["routing"]) == 3


def test_routing_is_held_or_free():
    with pytest.raises(ValueError, match=r"routing must be one of \('held', 'free'\), got 'loose'"):
        Explainer(Mixture(single), tiny_tokenizer(), cache=None).explain("A", routing="loose")
