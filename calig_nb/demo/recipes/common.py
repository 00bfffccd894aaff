"""What all recipes do: a step of learning, the running mean of the weights, the layer weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...pipeline.cache import Calibration, save_calibration
from ...pipeline.explainer import Explainer


def learn(
    optimizer: torch.optim.Optimizer, loss: Tensor, done: float, *, peak: float, warm_up: float
) -> float:
    """One step down the gradient of the loss, which is given back.

    Args:
        optimizer: Its rate is set here; the gradient is cut to a norm of one.
        loss: Of one batch.
        done: Share of the training that is over.
        peak: Of the learning rate, reached at ``warm_up``, then a cosine to zero.
        warm_up: Share of the training.
    """
    rate = peak * min(done / warm_up, 0.5 + 0.5 * math.cos(math.pi * min(done, 1)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def follow(mean: nn.Module, model: nn.Module, steps: int, decay: float) -> None:
    """Bring the running mean of the weights up to what the model is after so many steps."""
    decay = min(decay, steps / (steps + 10))
    torch._foreach_lerp_(list(mean.parameters()), list(model.parameters()), 1 - decay)


def weigh_layers(folder: Path, inputs: Sequence[Any]) -> None:
    """Estimate the layer weights of the model in the folder on some inputs, and keep them there."""
    weights = Explainer.from_pretrained(folder, cache=False).calibrate(list(inputs)).tolist()
    rounded = tuple(round(weight, 6) for weight in weights)
    save_calibration(Calibration(rounded, len(inputs)), folder)
