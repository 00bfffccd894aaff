"""Masked autoencoders: their patches in the order of the picture, whatever the shuffle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def in_image_order(model: nn.Module) -> None:
    """Let every patch enter, and in its own place, until the modules' attributes are restored.

    ``ViTMAEModel`` draws a random order of the patches and keeps the first of them; at mask ratio
    0 it keeps all, but shuffled still. A classifier cannot tell (position was added before), a map
    can. Here its ``random_masking`` gets noise in ascending order, which shuffles nothing, also
    where the caller gave other noise.

    Source:
        He et al. (2022), arXiv:2111.06377, section 3; the shuffle as in their code.
    """
    for module in model.modules():
        if callable(run := getattr(module, "random_masking", None)):
            module.random_masking = _ordered(run, module)  # type: ignore[assignment]


def _ordered(run: Callable[..., Any], module: nn.Module) -> Callable[..., Any]:
    def masking(sequence: Tensor, noise: Tensor | None = None) -> Any:
        ratio = getattr(getattr(module, "config", None), "mask_ratio", 0.0)
        if ratio > 0:
            raise ValueError(
                f"model must see the whole picture, but its mask_ratio is {ratio}: it decides on "
                "patches drawn at random. Set config.mask_ratio = 0 in the encoder."
            )
        ascending = torch.arange(sequence.shape[1], device=sequence.device)
        return run(sequence, noise=ascending.float().expand(len(sequence), -1))

    return masking
