"""The methods that give one map: each by its own identity, or by the sums in loops."""

from contextlib import suppress
from threading import Thread
from unittest.mock import patch

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, InputXGradient
from torch import nn

from calig_nb.attribution import METHOD_FUNCTIONS
from calig_nb.attribution.attention_rollout import (
    attention_rollout,
    gradient_rollout,
    gradient_rollout_rows,
    last_attention,
    pooled_weights,
)
from calig_nb.attribution.conservative import constant_rules
from calig_nb.attribution.occlusion import occlusion
from calig_nb.attribution.request import Request, Target
from calig_nb.models.block_model import BlockModel
from calig_nb.models.memory import Budget

from ..helpers import reference as by_hand
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.whole_model import SHAPES, embeddings
from ..helpers.zoo import (
    ZOO,
    Softmaxes,
    batch_of,
    logits_of,
    row,
    zoo_inputs,
    zoo_model,
)

TARGET = Target(1, None, "logit")
BUDGET = Budget(1 << 30, None)


def evidence(user, name, method, target=TARGET, budget=BUDGET):
    """What a method says of the first of a pair of inputs, the second being its baseline."""
    model = BlockModel(user)
    with model.preserve():
        return found_by(model, name, method, target, budget)


def found_by(model, name, method, target, budget=BUDGET):
    inputs = zoo_inputs(name)
    batch = batch_of(row(inputs), row(inputs, 1), Request(method=method))
    with patch("calig_nb.attribution.evidence.choose_target", lambda *_: target):
        return METHOD_FUNCTIONS[method](model, batch, budget)[0][0]


def close(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


# --- gradient x input, occlusion: Captum --------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
def test_gradient_times_input_agrees_with_captum(name):
    user = zoo_model(name)
    own, _, rest = embeddings(user, name)
    expected = InputXGradient(rest).attribute(own.requires_grad_()).sum(dim=-1)[0].detach()
    found = evidence(user, name, "gradient-x-input")
    close(found.layer_attributions[0], expected.numpy(), 1e-6)
    assert np.isnan(found.baseline_scores).all()


@pytest.mark.parametrize("name", SHAPES)
def test_occlusion_agrees_with_captum(name):
    user = zoo_model(name)
    own, baseline, rest = embeddings(user, name)
    tokens = torch.arange(own.shape[1])[None, :, None].expand_as(own)
    with torch.no_grad():
        ablated = FeatureAblation(rest).attribute(own, baseline, feature_mask=tokens)
    found = evidence(user, name, "occlusion").layer_attributions
    close(found[0], ablated[0, :, 0].numpy(), 1e-6)
    assert not found[1].any()


def test_occlusion_replaces_ids():
    """On BERT the same as calling the model with one id changed after the other."""
    user, inputs = zoo_model("bert"), zoo_inputs("bert")
    ids, mask = inputs["input_ids"][:1], inputs["attention_mask"][:1]
    with torch.no_grad():
        score = user(input_ids=ids, attention_mask=mask).logits[0, 1]
        expected = []
        for t in range(ids.shape[1]):
            other = ids.clone()
            other[0, t] = inputs["input_ids"][1, t]
            lost = score - user(input_ids=other, attention_mask=mask).logits[0, 1]
            expected.append(float(lost))
    found = evidence(user, "bert", "occlusion", budget=Budget(1 << 30, 20)).layer_attributions[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[0] == found[-1] == 0  # special tokens are in the baseline too


def test_occlusion_of_a_linear_network_is_its_terms_and_passes_are_bounded():
    torch.manual_seed(0)
    inputs, baselines = torch.randn(2, 2, 5, 3, dtype=torch.float64)
    baselines[:, 0] = inputs[:, 0]
    weights = torch.randn(2, 5, 3, dtype=torch.float64)
    sizes = []

    def scores(hidden, items):
        sizes.append(len(hidden))
        return torch.stack([(hidden * w).sum(dim=(1, 2)) + items for w in weights], dim=1)

    found = occlusion(scores, inputs, baselines, internal_batch_size=4)
    expected = torch.einsum("itd,ktd->ikt", inputs - baselines, weights)
    torch.testing.assert_close(found, expected)
    assert max(sizes) <= 4
    assert sum(sizes) == 2 * (1 + 4)


# --- attention ----------------------------------------------------------------------------------


def eager_matrices(user, name):
    """A and ∂f/∂A of every block, by autograd through the model's own softmaxes."""
    for module in user.modules():
        if hasattr(getattr(module, "config", None), "_attn_implementation"):
            module.config._attn_implementation = "eager"
    with Softmaxes() as softmaxes:
        logits = logits_of(user(**row(zoo_inputs(name))))
    gradients = torch.autograd.grad(logits[0, 1], softmaxes.found)
    return [a[0].double() for a in softmaxes.found], [g[0].double() for g in gradients]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("method", list(by_hand.ROLLOUTS))
def test_rollouts_replicate_their_definition(name, method):
    attentions, gradients = eager_matrices(zoo_model(name), name)
    expected = by_hand.ROLLOUTS[method](
        [a.tolist() for a in attentions], [g.tolist() for g in gradients], [0]
    )
    found = evidence(zoo_model(name), name, method)
    close(found.layer_attributions[0], np.array(expected), 1e-5)
    assert (found.layer_attributions >= 0).all()
    assert (found.attention_relevance >= 0).all()


@pytest.mark.parametrize("method", list(by_hand.ROLLOUTS))
def test_rollouts_replicate_their_definition_where_the_mean_is_pooled(method, rng):
    a = rng.random((3, 2, 4, 4))
    a /= a.sum(axis=-1, keepdims=True)
    gradients = rng.normal(size=a.shape)
    expected = by_hand.ROLLOUTS[method](a.tolist(), gradients.tolist(), range(4))
    functions = {
        "attention": last_attention,
        "attention-rollout": attention_rollout,
        "gradient-rollout": gradient_rollout,
        "gradient-rollout-rows": gradient_rollout_rows,
    }
    with_gradients = method.startswith("gradient")
    means = np.maximum(a * gradients, 0).mean(axis=1) if with_gradients else a.mean(axis=1)
    rows = pooled_weights(torch.ones(4, 3))
    found = functions[method](list(torch.tensor(means)), rows)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)
    np.testing.assert_array_equal(found[-1], rows)
    if method != "gradient-rollout":
        assert all(float(carried.sum()) == pytest.approx(1) for carried in found)


@pytest.mark.parametrize("name", ["bert", "gpt2", "modernbert", "llama"])
def test_long_texts_form_attention_head_by_head_with_the_same_result(name):
    model, inputs = BlockModel(zoo_model(name)), row(zoo_inputs(name))
    with model.preserve():
        eager = model.attentions(inputs)
        frugal = model.attentions(inputs, frugal=True)
    assert len(eager) == len(frugal) == 3
    for a, b in zip(eager, frugal, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, check_dtype=False)
        torch.testing.assert_close(a.sum(dim=-1), torch.ones_like(a[..., 0]))


# --- conservative propagation -------------------------------------------------------------------

CONSERVED = [(name, m) for name in ZOO for m in ("conservative", "attn-lrp")]
CONSERVED.remove(("t5", "attn-lrp"))


def without_biases(user):
    with torch.no_grad():
        for name, parameter in user.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    return user


# Some architectures take their softmax in float32, so two forward passes differ by so much.
SINGLE = ("vit", "deit", "beit", "beit-shared", "vit-mae", "swin", "modernbert", "llama",
          "llama-no-pad", "qwen2", "qwen2-no-pad")  # fmt: skip
# Their relative positions are states too, through the biases of a norm; AttnLRP gives them a part.
ROUGH = ("deberta", "beit")


@pytest.mark.parametrize(("name", "method"), CONSERVED)
def test_relevance_is_conserved(name, method):
    """With what biases and constants hold it is the logit; without, at every layer."""
    tolerance = 1e-3 if name.startswith(ROUGH) else 1e-6 if name in SINGLE else 1e-12
    full = evidence(zoo_model(name), name, method)
    total = full.layer_attributions[0].sum() + sum(full.more.values())
    mass = np.abs(full.layer_attributions[0]).sum() + sum(map(abs, full.more.values()))
    assert abs(total - full.score) <= tolerance * mass
    if method == "conservative":
        bare = evidence(without_biases(zoo_model(name)), name, method)
        assert bare.more["bias_share"] == 0
        if name != "t5":  # its decoder starts from a constant
            totals = bare.layer_attributions.sum(axis=1)
            masses = np.abs(bare.layer_attributions).sum(axis=1)
            assert (np.abs(totals - bare.score) <= tolerance * masses).all()


def test_conservative_relevance_of_bert_equals_its_rules_by_hand():
    user = zoo_model("bert")
    found = evidence(user, "bert", "conservative")
    expected = by_hand.conservative_bert(user, row(zoo_inputs("bert")), 1)
    for layer, relevance in enumerate(expected):
        close(found.layer_attributions[layer], relevance.numpy(), 1e-10)


def test_conservative_relevance_of_a_contrast_is_the_difference():
    a, b, both = (
        evidence(zoo_model("bert"), "bert", "conservative", target)
        for target in (Target(1, None, "logit"), Target(0, None, "logit"), Target(1, 0, "logit"))
    )
    expected = a.layer_attributions - b.layer_attributions
    np.testing.assert_allclose(both.layer_attributions, expected, atol=1e-12)


class Multiplied(nn.Module):
    """A head behind a running product, which no rule knows."""

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return self.linear(x.cumprod(dim=-1))


@pytest.mark.bad_input
def test_what_conservative_propagation_cannot_account_for_is_refused():
    multiplied = zoo_model("bert")
    multiplied.classifier = Multiplied(multiplied.classifier)
    with pytest.raises(ValueError, match=r"must find in the model.*softmax or.*missed .*%"):
        evidence(multiplied, "bert", "attn-lrp")
    with pytest.raises(ValueError, match=r"output must be 'logit' or 'margin' for 3 classes, got"):
        evidence(zoo_model("bert"), "bert", "conservative", Target(1, None, "prob"))


@pytest.mark.bad_input
def test_probabilities_for_logits_are_refused():
    user = zoo_model("bert")
    user.classifier = nn.Sequential(user.classifier, nn.Softmax(dim=-1))
    with pytest.raises(ValueError, match=r"that no softmax closes.*a model that returns logits"):
        evidence(user, "bert", "conservative")


def test_attn_lrp_of_one_head_equals_its_rules_by_hand():
    torch.manual_seed(1)
    q, k, v, out = torch.randn(4, 5, 3, dtype=torch.float64)
    leaves = [part.clone().requires_grad_() for part in (q, k, v)]
    with constant_rules(nn.Identity(), halved=True) as rules:
        a = (leaves[0] @ leaves[1].transpose(0, 1)).softmax(dim=-1)
        score = ((a @ leaves[2]) * out).sum()
        found = torch.autograd.grad(score, [*leaves, rules.unit])
    expected = by_hand.attn_lrp_head(q.tolist(), k.tolist(), v.tolist(), out.tolist())
    for part, gradient, relevance in zip((q, k, v), found, expected[:3], strict=False):
        np.testing.assert_allclose(part * gradient, relevance, atol=1e-12)
    assert float(found[-1]) == pytest.approx(expected[3])
    total = sum(np.sum(relevance) for relevance in expected)
    assert float(score.detach()) == pytest.approx(total)


class Gated(nn.Module):
    """A block of a user's own: nothing but a gate of tanh and a product of two states."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x):
        return torch.tanh(self.a(x)) * self.b(x) + self.a(x) * self.b(x)


def test_gates_are_held_and_products_halved():
    torch.manual_seed(0)
    block, x = Gated().double(), torch.randn(1, 4, 16, dtype=torch.float64)
    x.requires_grad_()
    with torch.no_grad():
        for bias in (block.a.bias, block.b.bias):
            bias.zero_()
    with constant_rules(block):
        y = block(x)
        (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(y, block(x))
    torch.testing.assert_close((gradient * x).sum(), y.sum())


# --- nothing left behind ------------------------------------------------------------------------


STOPS = {  # where the score is refused: in the pass with held factors, at once, in a batch
    "conservative": lambda logits: len(logits) == 1,
    "attention-rollout": lambda logits: True,
    "occlusion": lambda logits: not logits.requires_grad,
}


class Failing(Target):
    """A target whose score cannot be had at a given moment."""

    def score(self, logits):
        if STOPS[self.output](logits):
            raise RuntimeError("stop")
        return logits[:, self.index]

    def is_linear(self, n_classes):
        return True


@pytest.mark.parametrize("method", STOPS)
@pytest.mark.parametrize("fails", [False, True])
def test_the_model_and_the_process_are_left_as_they_were(method, fails):
    user, plain = zoo_model("bert").train(), zoo_model("bert", seed=1)
    next(user.parameters()).requires_grad_(False)
    before, logits = state_of(user), plain(**zoo_inputs("bert")).logits
    if fails:
        with pytest.raises(RuntimeError, match="stop"):
            evidence(user, "bert", method, Failing(1, None, method))
    else:
        evidence(user, "bert", method)
    assert_unchanged(user, before)
    assert not any("forward" in vars(module) for module in user.modules())
    assert torch.equal(plain(**zoo_inputs("bert")).logits, logits)
    x = torch.ones((), requires_grad=True)
    assert float(torch.autograd.grad(torch.tanh(x), x)[0]) == pytest.approx(1 - np.tanh(1) ** 2)


@pytest.mark.parametrize("target", [TARGET, Failing(1, None, "conservative")])
def test_weights_that_lend_a_gradient_give_it_back_at_once(target):
    model = BlockModel(zoo_model("bert"))
    with model.preserve():
        with suppress(RuntimeError):
            found_by(model, "bert", "conservative", target)
        assert not any(p.requires_grad for p in model.model.parameters())


def test_another_model_is_not_held_while_one_is():
    """Rules are of this thread: what another one computes meanwhile is plain."""
    found = []

    def plain():
        x = torch.ones((), requires_grad=True)
        found.append(float(torch.autograd.grad(torch.tanh(x), x)[0]))

    with constant_rules(zoo_model("bert")):
        thread = Thread(target=plain)
        thread.start()
        thread.join()
    assert found == [pytest.approx(1 - np.tanh(1) ** 2)]
