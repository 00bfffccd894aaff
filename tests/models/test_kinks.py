"""Whether gradients may jump is read off what ran, whatever it is called."""

import pytest
import torch
import transformers as hf
from torch.nn import functional as F

from calig_nb.models.block_model import BlockModel
from calig_nb.models.kinks import has_kinks

from ..helpers.zoo import trace, zoo_inputs, zoo_model


@pytest.mark.parametrize(
    "function",
    [
        F.relu, F.leaky_relu, F.relu6, F.hardswish, F.selu, F.celu, torch.abs,
        lambda x: x.clamp(min=0), lambda x: x.topk(2)[0].sum(dim=-1, keepdim=True),
        lambda x: torch.maximum(x, -x), lambda x: x.amax(dim=-1, keepdim=True),
        lambda x: F.prelu(x, torch.tensor([0.2])),
    ],
)  # fmt: skip
def test_a_kink_is_seen_below_what_is_smooth(function):
    x = torch.randn(3, 4, requires_grad=True)
    assert has_kinks(torch.tanh(function(x) * 2))


@pytest.mark.parametrize("function", [F.gelu, F.silu, torch.tanh, F.normalize, F.softplus])
def test_what_is_smooth_has_none(function):
    x = torch.randn(3, 4, requires_grad=True)
    assert not has_kinks(torch.softmax(function(x), dim=-1) @ x.T)
    assert not has_kinks(x.detach())


@pytest.mark.parametrize(("name", "kinks"), [("bert", False), ("llama", False), ("t5", True)])
def test_a_model_is_known_once_it_was_traced(name, kinks):
    model = BlockModel(zoo_model(name))
    with model.preserve():
        trace(model, zoo_inputs(name))
    assert model.has_kinks is kinks


def test_another_activation_is_another_model():
    config = hf.BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        vocab_size=80, hidden_act="relu",
    )  # fmt: skip
    model = BlockModel(hf.BertForSequenceClassification(config).double().eval())
    with model.preserve():
        trace(model, zoo_inputs("bert"))
    assert model.has_kinks
