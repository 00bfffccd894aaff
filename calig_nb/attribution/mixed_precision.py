"""Passes in bfloat16, with the error that it makes measured, and undone where it is too large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from ..models.points import GradientFn, Points
from .integrated_gradients import MAX_NODES, LayerIntegral, SumFn, keep_tokens

MOST_NODES = 33
"""Where refinement stops helping: what is left then is rounding."""


def integrate_in_bfloat16(
    integrate: Callable[..., list[list[LayerIntegral]]],
    gradients: GradientFn,
    inputs: Sequence[Tensor],
    baselines: Sequence[Tensor],
    tolerance: float,
    apart: bool,
    summed: SumFn = keep_tokens,
    max_nodes: int = MAX_NODES,
) -> list[list[LayerIntegral]]:
    """Integrals of passes in bfloat16; layers that miss the tolerance by it are done again.

    The rounding of each layer is measured in the middle of its path, where both precisions are
    evaluated, and added to the estimated error. What then misses the tolerance for any input is
    integrated again in the model's own precision.

    Args:
        integrate: Layer-wise Integrated Gradients, but for the gradients and what bounds them.
        gradients: The network, in the model's own precision.
        inputs: h_b for b = 0 ... L, each (items, tokens, hidden).
        baselines: h'_b, same shapes.
        tolerance: Relative.
        apart: Whether every pass keeps to one layer.
        summed: What a layer's tokens are summed in.
        max_nodes: Where ``integrate`` gives up.

    Returns:
        For each item L + 1 integrals.
    """

    def low(points: Points) -> dict[int, Tensor]:
        device = next(iter(points.hidden.values())).device.type
        with torch.autocast(device, torch.bfloat16):
            return {layer: g.to(inputs[layer]) for layer, g in gradients(points).items()}

    found = integrate(low, max_nodes=min(max_nodes, MOST_NODES))
    errors = _rounding_errors(gradients, low, inputs, baselines, apart, summed)
    again = set()
    for layer, error in enumerate(errors):
        for item, integrals in enumerate(found):
            one = integrals[layer]
            total = np.nan_to_num(one.token_error) + error[:, item]
            good = one.converged & (total <= tolerance)
            integrals[layer] = replace(one, token_error=total, converged=good)
            if not good.all():
                again.add(layer)
    layers = sorted(again)
    for integrals, exact in zip(found, integrate(gradients, layers=layers), strict=True):
        for layer, one in zip(layers, exact, strict=True):
            integrals[layer] = one
    return found


def _rounding_errors(
    gradients: GradientFn,
    low: GradientFn,
    inputs: Sequence[Tensor],
    baselines: Sequence[Tensor],
    apart: bool,
    summed: SumFn,
) -> list[Array]:
    """For each layer (targets, items) relative L1 error of token values in the path's middle."""
    items = torch.arange(len(inputs[0]))
    middle = {
        b: (h + start) / 2 for b, (h, start) in enumerate(zip(inputs, baselines, strict=True))
    }
    passes = [{b: h} for b, h in middle.items()] if apart else [middle]
    exact, rough = (
        {b: g for one in passes for b, g in run(Points(one, items.repeat(len(one)))).items()}
        for run in (gradients, low)
    )
    errors = []
    for layer, (h, start) in enumerate(zip(inputs, baselines, strict=True)):
        true, off = (
            summed(layer, (g * (h - start)).sum(dim=-1, dtype=torch.float64))
            for g in (exact[layer], rough[layer] - exact[layer])
        )
        mass = true.abs().sum(dim=-1)
        error = off.abs().sum(dim=-1) / torch.where(mass > 0, mass, 1)
        errors.append(np.asarray(error.cpu().numpy()))
    return errors
