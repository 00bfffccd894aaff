"""The budget: how many points share a pass, and what a pass is found to keep."""

import numpy as np
import pytest
import torch

from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel
from calig_nb.models.memory import Budget, saved_bytes

from ..helpers.zoo import SENTENCE, tiny_model

CPU = torch.device("cpu")


def test_points_are_bounded_by_tokens_and_by_bytes():
    assert Budget(1 << 40, 100).max_points(1, 10, CPU) == 10
    assert Budget(1 << 40, None).max_points(1, 32, CPU) == 32
    assert Budget(1000, 10**6).max_points(100, 10, CPU) == 5
    assert Budget(10, 10**6).max_points(100, 10, CPU) == 1
    assert Budget(100, None).is_exceeded_by(51)
    assert not Budget(100, None).is_exceeded_by(50)
    assert Budget(100, None).less(40) == Budget(60, None)
    assert Budget(100, None).less(400).max_points(1, 10, CPU) == 1
    assert 0 < Budget.from_options(None, None, CPU).memory <= 4 << 30


def test_what_autograd_keeps_is_counted_once_and_without_weights():
    layer = torch.nn.Linear(8, 8)
    x = torch.randn(4, 8, requires_grad=True)
    with saved_bytes(layer) as saved:
        y = torch.tanh(layer(x))  # keeps its input for the weight, and what tanh gave
    assert saved == [2 * 4 * 8 * 4]
    torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], (1 - y**2) @ layer.weight)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("memory", [1, 1 << 19, 1 << 40])
def test_a_small_budget_takes_longer_and_changes_nothing(memory, tokenizer, monkeypatch):
    user, sizes, frugal = tiny_model("bert"), [], []
    gradients = BlockModel.gradients

    def counted(model, inputs, points, score, **options):
        sizes.append(len(points.items))
        frugal.append(options["frugal"])
        return gradients(model, inputs, points, score, **options)

    monkeypatch.setattr(BlockModel, "gradients", counted)
    got = Explainer(user, tokenizer, memory=memory).explain(SENTENCE)
    small, all_frugal = list(sizes), all(frugal)
    sizes.clear()
    expected = Explainer(user, tokenizer).explain(SENTENCE)
    np.testing.assert_allclose(got.layer_attributions, expected.layer_attributions, atol=1e-12)
    assert sum(small) == sum(sizes)
    assert all_frugal == (memory == 1)
    assert (max(small) == 1) == (memory == 1)
    assert (len(small) > len(sizes)) == (memory < 1 << 40)


@pytest.mark.bad_input
@pytest.mark.parametrize("option", ["memory", "batch_tokens"])
def test_a_budget_below_one_is_named(option, tokenizer):
    with pytest.raises(ValueError, match=f"{option} must be at least 1, got 0"):
        Explainer(tiny_model("bert"), tokenizer, **{option: 0})
