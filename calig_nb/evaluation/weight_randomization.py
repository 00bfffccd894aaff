"""Copies of a model with fewer and fewer of the weights that it learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..models.block_model import BlockModel, ModelInputs
from ..models.exclusive import exclusive_use

if TYPE_CHECKING:
    from ..pipeline.explainer import Explainer

HEAD, EMBEDDINGS = "head", "embeddings"


def copy_explainer(explainer: Explainer) -> Explainer:
    """An explainer of a copy of the model, with the same layer weights; it keeps nothing.

    Raises:
        ValueError: If the model cannot be copied.
    """
    try:
        with exclusive_use(explainer.engine.model.model):
            model = deepcopy(explainer.engine.model)
    except Exception as error:
        raise ValueError(f"model must be one that copy.deepcopy can copy: {error}") from error
    return explainer.without_cache().with_model(model)


def randomize_weights(model: BlockModel, inputs: ModelInputs, seed: int) -> Iterator[str]:
    """Draw a model's weights anew from the top down; the model is changed, so give a copy.

    Every weight tensor gets normal numbers of its own mean and spread, so that what is lost is
    what was learned and not the scale of things. What was drawn stays drawn.

    Args:
        model: What is changed.
        inputs: Any input; it shows what comes before the blocks.
        seed: Of the draws.

    Yields:
        What has just been drawn: "head", "block L - 1" ... "block 0", "embeddings".

    Source:
        Adebayo et al. (2018), Sanity Checks for Saliency Maps, arXiv:1810.03292, section 4.1.
    """
    generator = torch.Generator().manual_seed(seed)
    for name, weights in _parts(model, inputs):
        for weight in weights:
            _draw(weight, generator)
        yield name


def shift_logits(model: nn.Module, by: float) -> Any:
    """Add a constant to all logits; returns a handle whose ``remove()`` undoes it."""

    def add(_: nn.Module, __: Any, output: Any) -> Any:
        if torch.is_tensor(output):
            return output + by
        output.logits = output.logits + by
        return output

    return model.register_forward_hook(add)


def _parts(model: BlockModel, inputs: ModelInputs) -> list[tuple[str, list[Tensor]]]:
    """The weights from the top down; each once, where several parts share it the highest."""
    blocks = list(dict.fromkeys(model.find(inputs)))
    before = _called_before(model, blocks[0], inputs)
    inside = {id(p) for block in blocks for p in block.parameters()}
    early = {id(p) for module in before for p in module.parameters(recurse=False)}
    own = {id(p) for p in model.model.parameters(recurse=False)}  # class tokens and the like
    rest = [p for p in model.model.parameters() if id(p) not in inside]
    parts: list[tuple[str, list[Tensor]]]
    parts = [(HEAD, [p for p in rest if id(p) not in early | own])]
    parts += [(f"block {i}", [*block.parameters()]) for i, block in reversed([*enumerate(blocks)])]
    parts += [(EMBEDDINGS, [p for p in rest if id(p) in early | own])]
    return [(name, weights) for name, weights in parts if weights]


def _called_before(model: BlockModel, first: nn.Module, inputs: ModelInputs) -> Sequence[nn.Module]:
    """The modules that run before the first block does."""
    called: list[nn.Module] = []
    with ExitStack() as stack, model.preserve():
        for module in model.model.modules():
            handle = module.register_forward_pre_hook(lambda module, _: called.append(module))
            stack.callback(handle.remove)
        model.predict(inputs)
    around = {id(m) for m in model.model.modules() if first in set(m.modules())}
    return [m for m in called[: called.index(first)] if id(m) not in around]


def _draw(weight: Tensor, generator: torch.Generator) -> None:
    if weight.is_floating_point() and weight.numel() > 1:
        values = weight.detach().double().cpu()
        drawn = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        with torch.no_grad():
            weight.copy_(values.mean() + values.std() * drawn)
