"""Replay, trace and restoration on several architectures, none of which the package names."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import LayerIntegratedGradients
from torch import nn

from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel

from ..helpers import zoo
from ..helpers.captum_probes import probes
from ..helpers.model_state import assert_unchanged, state_of
from ..helpers.own_models import OwnBlock, OwnClassifier
from ..helpers.zoo import ARCHITECTURES, SENTENCE, gradient, replay, tiny_model
from ..helpers.zoo import trace as trace_pair

every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.fixture
def pair(tokenizer):
    """The sentence and its baseline as one batch."""
    inputs = dict(tokenizer(SENTENCE, return_tensors="pt"))
    ids = inputs["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    inputs.pop("token_type_ids", None)
    return {
        "input_ids": torch.cat([inputs["input_ids"], ids]),
        "attention_mask": inputs["attention_mask"].expand(2, -1),
    }


def first(pair):
    return {name: value[:1] for name, value in pair.items()}


@every_architecture
def test_replay_from_any_block_equals_the_full_forward(name, pair):
    model = BlockModel(tiny_model(name))
    with model.preserve():
        trace = trace_pair(model, pair)
        full = model.predict(pair)
        for layer, hidden in enumerate(trace.hidden_states):
            with torch.no_grad():
                replayed = replay(model, first(pair), layer, hidden)
            torch.testing.assert_close(replayed, full, rtol=0, atol=1e-12)
    torch.testing.assert_close(trace.logits, full, rtol=0, atol=1e-12)
    assert len(trace.hidden_states) == 4


@every_architecture
def test_replay_computes_only_the_blocks_from_there_on(name, pair):
    model = BlockModel(tiny_model(name))
    with model.preserve():
        trace = trace_pair(model, pair)
        ran = []
        # the first linear map of a block tells that the block was computed
        linear = next(m for m in model.find(first(pair))[0].modules() if hasattr(m, "weight"))
        linear.register_forward_hook(lambda *_: ran.append(1))
        shared = name == "albert"
        for layer, expected in [(0, 1), (1, 0)] if not shared else [(0, 3), (2, 1), (3, 0)]:
            ran.clear()
            replay(model, first(pair), layer, trace.hidden_states[layer])
            assert len(ran) == expected


@every_architecture
def test_gradients_equal_autograd_through_the_whole_model(name, pair):
    model = BlockModel(tiny_model(name))
    with model.preserve():
        trace = trace_pair(model, pair)
        for layer, expected in enumerate(trace.hidden_gradients):
            got = gradient(model, first(pair), layer, trace.hidden_states[layer])
            torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


@every_architecture
def test_attention_gradients_equal_autograd_through_eager_attention(name, pair):
    user = tiny_model(name)
    model = BlockModel(user)
    with model.preserve():
        trace = trace_pair(model, pair)
    eager = copy.deepcopy(user)
    eager.config._attn_implementation = "eager"
    output = eager(**first(pair), output_attentions=True)
    gradients = torch.autograd.grad(output.logits[0, 1], output.attentions)
    assert len(trace.heads) == 3
    for layer in range(3):
        expected = output.attentions[layer] * gradients[layer]
        torch.testing.assert_close(trace.heads[layer], expected, rtol=1e-6, atol=1e-12)
        torch.testing.assert_close(trace.relevance[layer], expected.mean(dim=1))


def captum_by_layer(user, own, baseline, places, target):
    """Captum's layer-wise Integrated Gradients of a logit, one layer at a time."""

    def forward(ids, mask):
        return user(input_ids=ids, attention_mask=mask).logits[:, target]

    for place in places:
        yield LayerIntegratedGradients(forward, place).attribute(
            own["input_ids"], baseline, additional_forward_args=(own["attention_mask"],),
            n_steps=200, method="gausslegendre", internal_batch_size=50,
        ).sum(dim=-1)[0]  # fmt: skip


FIXED, ADAPTIVE = {"n_steps": 200}, {"tolerance": 1e-9}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bert", FIXED),
        ("albert", FIXED),
        ("distilbert", FIXED),  # a ReLU in its head: no rule reaches 1e-9 on it
        ("gpt2", FIXED),
        ("bert", ADAPTIVE),
        ("albert", ADAPTIVE),
        ("gpt2", ADAPTIVE),
    ],
)
def test_every_layer_agrees_with_captum(name, options, tokenizer):
    user = tiny_model(name)
    explanation = Explainer(user, tokenizer).explain(SENTENCE, target=1, **options)
    own = tokenizer(SENTENCE, return_tensors="pt")
    ids = own["input_ids"].clone()
    ids[0, 1:-1] = tokenizer.pad_token_id
    blocks = [module for module in user.modules() if type(module).__name__ == zoo.ZOO[name][0]]
    with probes(blocks, 3) as places:
        expected = list(captum_by_layer(user, own, ids, places, 1))
    assert len(expected) == len(explanation.layer_attributions) == 4
    assert explanation.converged.all()
    for layer, reference in enumerate(expected):
        got = torch.from_numpy(explanation.layer_attributions[layer].copy())
        scale = reference.abs().sum()
        assert (got - reference).abs().sum() <= 1e-6 * scale, f"layer {layer}"


@pytest.mark.parametrize("name", ["bert", "albert", "gpt2", "deberta-v2"])
def test_in_double_precision_every_layer_is_complete_to_ten_digits(name, tokenizer):
    got = Explainer(tiny_model(name), tokenizer).explain(SENTENCE, target=1, tolerance=1e-10)
    assert abs(got.convergence_delta).max() < 1e-10
    assert got.converged.all()
    assert got.token_error.max() <= 1e-10


# --- the user's model is never changed -------------------------------------------------------


@every_architecture
def test_the_model_is_left_as_it_was(name, tokenizer):
    user = tiny_model(name, dtype=torch.float32)
    user.classifier_was_here = True
    next(user.parameters()).requires_grad_(False)
    user.register_forward_hook(lambda *_: None)
    before = state_of(user)
    Explainer(user, tokenizer).explain(SENTENCE)
    assert_unchanged(user, before)


@pytest.mark.parametrize("failing", ["forward", "backward", "keyboard"])
def test_the_model_is_left_as_it_was_after_an_exception(failing, tokenizer, monkeypatch):
    user = tiny_model("bert", dtype=torch.float32)
    user.train()
    user.bert.encoder.layer[1].eval()
    before = state_of(user)
    explainer = Explainer(user, tokenizer)
    error = {"forward": ValueError, "backward": RuntimeError, "keyboard": KeyboardInterrupt}
    raised = {**error, "forward": RuntimeError}
    calls = 0

    def interrupted(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls > (30 if failing == "forward" else 1):
            raise raised[failing]("in the middle")
        return kept(*args, **kwargs)

    if failing == "forward":
        kept = torch.nn.functional.layer_norm
        monkeypatch.setattr("torch.nn.functional.layer_norm", interrupted)
    else:
        kept = torch.autograd.grad
        monkeypatch.setattr("torch.autograd.grad", interrupted)
    with (
        pytest.raises(error[failing], match="in the middle"),
        pytest.warns(UserWarning, match="train"),
    ):
        explainer.explain(SENTENCE)
    assert calls > 1
    assert_unchanged(user, before)


# --- any model, or a clear refusal ------------------------------------------------------------


@pytest.mark.parametrize("blocks", [None, "trunk.steps"])
def test_a_model_of_ones_own_is_explained(blocks, tokenizer):
    torch.manual_seed(1)
    user = OwnClassifier().double().eval()
    got = Explainer(user, tokenizer, blocks=blocks).explain(SENTENCE, tolerance=1e-9)
    assert got.labels == ("0", "1")
    assert got.layer_attributions.shape == (3, 13)
    assert abs(got.convergence_delta).max() < 1e-9
    assert got.pooled.all(), "a mean pools every position"


@pytest.mark.bad_input
def test_a_model_without_blocks_is_refused_with_what_was_looked_for(tokenizer):
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(80, 2)

        def forward(self, input_ids, attention_mask, token_type_ids=None):
            return self.embed(input_ids).sum(dim=1)

    with pytest.raises(
        ValueError, match=r"no chain of blocks: a torch.nn.ModuleList.*has no list of modules\. Put"
    ):
        Explainer(Bag().eval(), tokenizer).explain(SENTENCE)


@pytest.mark.bad_input
def test_a_wrong_path_of_blocks_lists_those_there_are(tokenizer):
    with pytest.raises(ValueError, match=r"blocks must be one of \['bert.encoder.layer'\], got"):
        Explainer(tiny_model("bert"), tokenizer, blocks="encoder.block")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("dtype", "got"), [(torch.float16, "float16"), (torch.bfloat16, "bfloat16")]
)
def test_half_precision_is_refused(dtype, got, tokenizer):
    with pytest.raises(ValueError, match=f"float32 or float64 weights, got {got}.*model.float"):
        Explainer(tiny_model("bert", dtype=dtype), tokenizer)


@pytest.mark.bad_input
def test_the_meta_device_is_refused(tokenizer):
    with pytest.raises(ValueError, match="weights loaded, got weights on the meta device"):
        Explainer(tiny_model("bert").to("meta"), tokenizer)


@pytest.mark.bad_input
def test_what_is_no_model_is_refused(tokenizer):
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got int"):
        Explainer(3, tokenizer)


@pytest.mark.bad_input
def test_a_model_without_a_classification_head_is_refused(tokenizer):
    import transformers as hf

    user = hf.BertModel(tiny_model("bert").config).eval()
    with pytest.raises(
        ValueError, match=r"classification head.*AutoModelForSequenceClassification"
    ):
        Explainer(user, tokenizer).explain(SENTENCE)


class Hidden(OwnClassifier):
    """It cannot be asked for its attention."""

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        return super().forward(input_ids, attention_mask)


class Empty(OwnClassifier):
    """It is asked for its attention and gives none."""

    def forward(self, *args, output_attentions=False, **kwargs):
        return super().forward(*args, **kwargs)


@pytest.mark.parametrize("kind", [Hidden, Empty])
def test_what_a_model_hides_is_heard_from_its_blocks(kind, tokenizer):
    user, hiding = OwnClassifier().eval(), kind().eval()
    hiding.load_state_dict(user.state_dict())
    said, heard = (Explainer(one, tokenizer).explain(SENTENCE) for one in (user, hiding))
    np.testing.assert_array_equal(said.attention_relevance, heard.attention_relevance)


@pytest.mark.parametrize("change", [torch.detach, lambda a: 2 * a], ids=["cut", "no attention"])
def test_a_model_without_attention_that_carries_a_gradient_shows_relevance_alone(change, tokenizer):
    class Other(OwnBlock):
        def forward(self, x):
            x, a = super().forward(x)
            return x, change(a)

    user = Empty()
    user.trunk["steps"] = nn.ModuleList([Other(), Other()])
    with pytest.warns(UserWarning, match="no attention matrix.*relevance of its layers alone"):
        found = Explainer(user.eval(), tokenizer).explain(SENTENCE)
    assert found.config["without_attention"] == [0, 1]
    assert not found.attention_relevance.any()
