"""Gradients of several targets' scores, laid out layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def gradients_of(scores: Tensor, tensors: Iterable[Tensor]) -> list[Tensor]:
    """For each tensor the gradients of the scores (rows, targets), (targets, ...).

    A tensor that a score does not depend on has the gradient zero.
    """
    columns, tensors = scores.sum(dim=0).unbind(), list(tensors)
    found = [
        torch.autograd.grad(
            column, tensors, retain_graph=i + 1 < len(columns), materialize_grads=True
        )
        for i, column in enumerate(columns)
    ]
    return list(by_layer(found))


def by_layer(targets: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """For each layer (targets, ...); one target's tensors are not copied, they may be large."""
    layers = zip(*targets, strict=True)
    return tuple(one[0][None] if len(one) == 1 else torch.stack(one) for one in layers)
