"""One model of every kind: what the package computes against the same by hand, in float64."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from calig_nb import Explainer
from calig_nb.models import blocks
from calig_nb.models.block_model import BlockModel

from ..helpers import reference as by_hand
from ..helpers import zoo
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.own_models import Output, OwnBlock, OwnClassifier
from ..helpers.whole_model import close, slow_logits
from ..helpers.zoo import SCORE, ZOO, logits_of, row, zoo_blocks, zoo_inputs, zoo_model

NO_PAD = tuple(name for name in ZOO if name.endswith("no-pad"))


def path_points(trace, layer):
    """Both ends of a path and a point within: (3, tokens, hidden)."""
    start, end = trace.hidden_states[layer].flip(0)
    return torch.stack([end, 0.3 * end + 0.7 * start, start])


# Eager attention takes its softmax in float32 in some architectures, whatever the weights are,
# and the model's own kernel does not: hence 1e-6. Between passes of one kernel there is no such
# difference.
def test_replay_from_every_block_equals_the_models_own_forward(traced):
    name, inputs, model, trace = traced
    own = logits_of(zoo_model(name)(**row(inputs)))
    for layer, hidden in enumerate(trace.hidden_states):
        single = zoo.replay(model, row(inputs), layer, hidden[:1])
        close(single, own, 1e-6)
        points = path_points(trace, layer)
        replayed = zoo.replay(model, row(inputs), layer, points)
        close(replayed, slow_logits(model.model, name, inputs, layer, points), 1e-10)
        close(replayed[[0, 2]], trace.logits, 1e-6)
    assert list(model.find(row(inputs))) == zoo_blocks(model.model, name)


def test_the_baselines_row_is_its_own_forward(traced):
    """Where nothing but the blocks reads the text; a decoder and pooling at the last token do."""
    name, inputs, _, trace = traced
    if name not in ("t5", *zoo.CAUSAL):
        close(trace.logits[1:], logits_of(zoo_model(name)(**row(inputs, 1))), 1e-6)


def test_gradients_at_every_block_equal_autograd_through_the_whole_model(traced):
    name, inputs, model, trace = traced
    for layer, ends in enumerate(trace.hidden_gradients):
        points = path_points(trace, layer).requires_grad_()
        total = SCORE(slow_logits(model.model, name, inputs, layer, points)).sum()
        (expected,) = torch.autograd.grad(total, points)
        got = zoo.gradient(model, row(inputs), layer, points)
        close(got, expected, 1e-10)
        close(ends, expected[[0, 2]], 1e-5)


def test_attention_and_its_gradients_equal_autograd_through_the_softmaxes(traced):
    name, inputs, _, trace = traced
    eager = zoo_model(name)
    for module in eager.modules():
        if isinstance(module, PreTrainedModel):
            module.config._attn_implementation = "eager"
            module.config.output_attentions = True  # before transformers 5, fused without
    with zoo.Softmaxes() as softmaxes:
        logits = logits_of(eager(**row(inputs)))
    kept = softmaxes.found[: len(trace.heads)]  # T5's decoder comes after the encoder
    gradients = torch.autograd.grad(SCORE(logits).sum(), kept)
    assert len(kept) == len(trace.hidden_states) - 1
    for layer, (heads, mean, own, gradient) in enumerate(
        zip(trace.heads, trace.relevance, kept, gradients, strict=True)
    ):
        expected = (own * gradient).double()
        if name == "swin":  # windows of 2 x 2, every other block's shifted by 1
            grid, merges = ((8, 8), 1) if layer < 2 else ((4, 4), 0)
            by_head = [
                by_hand.cell_pairs(one.tolist(), grid, 2, layer % 2, merges)
                for one in expected.unbind(dim=1)
            ]
            expected = torch.tensor(np.stack(by_head))[None]
        close(heads, expected, 1e-5)
        torch.testing.assert_close(mean, heads.mean(dim=1))


def plain_attributes(user):
    """Values that a forward pass might change in passing, such as Swin's window."""
    plain = (bool, int, float, str, type(None))
    return [{k: v for k, v in vars(m).items() if isinstance(v, plain)} for m in user.modules()]


@pytest.mark.parametrize("name", ZOO)
def test_nothing_is_left_behind(name):
    user = zoo_model(name).train()
    next(user.parameters()).requires_grad_(False)
    inside = [m for m in user.modules() if isinstance(m, PreTrainedModel)]
    before = [state_of(m) for m in inside]
    attributes, random = plain_attributes(user), torch.get_rng_state()
    cudnn = {k: getattr(torch.backends.cudnn, k) for k in ("enabled", "benchmark", "deterministic")}
    model, inputs = BlockModel(user), zoo_inputs(name)
    with model.preserve():
        trace = zoo.trace(model, inputs)
        zoo.gradient(model, row(inputs), 1, trace.hidden_states[1])
        torch.rand(1)  # as a model might
    assert torch.equal(torch.get_rng_state(), random)
    assert {k: getattr(torch.backends.cudnn, k) for k in cudnn} == cudnn
    assert plain_attributes(user) == attributes
    for module, state in zip(inside, before, strict=True):
        assert_unchanged(module, state)


@pytest.mark.parametrize("name", [n for n in ZOO if n not in (*zoo.IMAGES, *NO_PAD)])
def test_padding_changes_nothing(name):
    model, inputs = BlockModel(zoo_model(name)), zoo_inputs(name)
    fill = {"input_ids": zoo.PADDING.get(name, 0), "attention_mask": 0}
    padded = {k: nn.functional.pad(v, (0, 2), value=fill[k]) for k, v in inputs.items()}
    padded["attention_mask"][1] = 1
    with model.preserve():
        single, batch = zoo.trace(model, row(inputs)), zoo.trace(model, padded)
    close(batch.logits[:1], single.logits, 1e-6)
    for kind in ("hidden_states", "hidden_gradients", "heads"):
        for got, expected in zip(getattr(batch, kind), getattr(single, kind), strict=True):
            real = got[:1, :, :9, :9] if kind == "heads" else got[:1, :9]
            close(real, expected if kind == "heads" else expected[:, :9], 1e-5)


# --- odd models, and those that cannot be served -----------------------------------------------


class Block(OwnBlock):
    def forward(self, x, other=None):
        self.stash = x
        return super().forward(x if other is None else x + other.mean(dim=1, keepdim=True))


class Odd(OwnClassifier):
    """Three blocks; subclasses say what happens between them and after."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.config = {"not": "a configuration of transformers"}
        self.steps, self.norm = nn.ModuleList(Block() for _ in range(3)), nn.LayerNorm(8)
        del self.trunk
        self.double().eval()

    def between(self, x):
        return x

    def end(self, left):
        return left[-1]

    def forward(self, input_ids, attention_mask, output_attentions=False, token_type_ids=None):
        left, attentions = [self.embed(input_ids)], ()
        for step in self.steps:
            x, a = step(self.between(left[-1]))
            left.append(x)
            attentions += (a,)
        return Output(self.head(self.end(left).mean(dim=1)), attentions)


class Normed(Odd):
    def between(self, x):
        return self.norm(x)


class Skipping(Odd):
    def end(self, left):
        return left[-1] + left[1]


class Stashing(Odd):
    """The first block leaves something that is read at the end and that no block returns."""

    def end(self, left):
        return left[-1] + self.steps[0].stash


class Restless(Odd):
    def end(self, left):
        return left[-1] + torch.rand(1)


class Averaging(Odd):
    def forward(self, **inputs):
        output = super().forward(**inputs)
        return Output(output.logits, tuple(a + 0 for a in output.attentions))


class Seq2Seq(nn.Module):
    """A decoder larger than its encoder, made first, and neither named nor configured as such."""

    def __init__(self):
        super().__init__()
        self.writer = nn.Sequential(*(Block() for _ in range(4)))
        self.reader = nn.Sequential(Block(), Block())
        self.embed = nn.Embedding(80, 8)

    def forward(self, input_ids, attention_mask):
        x = y = self.embed(input_ids)
        for step in self.reader:
            x, _ = step(x)
        for step in self.writer:
            y, _ = step(y, x)
        return y.mean(dim=1)


@pytest.fixture
def inputs():
    return zoo_inputs("bert")


def test_blocks_named_by_hand_are_served_where_none_are_found(inputs, tokenizer):
    user = Normed()
    with pytest.raises(ValueError, match=r"no chain of blocks.*steps \(3 calls\)"):
        zoo.trace(BlockModel(user), inputs)
    model = BlockModel(user, "steps")
    with model.preserve():
        trace = zoo.trace(model, inputs)
        for layer, gradients in enumerate(trace.hidden_gradients):
            hidden = trace.hidden_states[layer]
            close(zoo.replay(model, row(inputs), layer, hidden), user(**inputs).logits, 1e-12)
            close(zoo.gradient(model, row(inputs), layer, hidden), gradients, 1e-12)
    explanation = Explainer(user, tokenizer, blocks="steps").explain(zoo.SENTENCE, tolerance=1e-9)
    assert abs(explanation.convergence_delta).max() < 1e-9


def test_the_decoder_of_an_encoder_decoder_is_never_picked(inputs):
    user = Seq2Seq()
    assert list(blocks.find_blocks(user, lambda: user(**inputs))) == list(user.reader)


@pytest.mark.bad_input
@pytest.mark.parametrize("kind", [Skipping, Stashing, Restless])
def test_what_passes_the_blocks_by_is_refused(kind, inputs):
    model = BlockModel(kind(), "steps")
    with model.preserve(), pytest.raises(ValueError, match=r"the same from block . on.*passes"):
        zoo.trace(model, inputs)


@pytest.mark.bad_input
def test_a_random_embedding_is_refused(inputs):
    class Noisy(Odd):
        def forward(self, input_ids, attention_mask, **options):
            self.embed.weight.data += torch.rand(1)
            return super().forward(input_ids, attention_mask, **options)

    model = BlockModel(Noisy(), "steps")
    with model.preserve(), pytest.raises(ValueError, match="first block is random"):
        zoo.trace(model, inputs)


def test_attention_that_does_not_lead_to_the_logits_is_left_out(inputs):
    found = zoo.trace(BlockModel(Averaging()), inputs)
    assert not found.heads and not any(matrices.any() for matrices in found.relevance)


@pytest.mark.bad_input
def test_blocks_that_are_never_called_are_refused(inputs):
    user = Odd()
    user.spare = nn.ModuleList([OwnBlock()])
    with pytest.raises(ValueError, match="must run its blocks, but never called them"):
        zoo.trace(BlockModel(user, "spare"), inputs)
