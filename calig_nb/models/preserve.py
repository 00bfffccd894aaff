"""Running the user's model and leaving it exactly as it was, also after an exception."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .wrappers import run_as_written

_DICTS = (dict, OrderedDict)


@contextmanager
def preserve_model(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, no parameter gradients, no cache, no shuffle; as before on leaving.

    Compiled modules run as they were written, in the weights' own precision, and with gradients,
    whatever the caller's autocast, inference mode or ``no_grad`` say.

    What the model's own forward leaves behind goes too: transformers installs hooks when
    attention probabilities are first asked for, and some models draw random numbers.
    """
    flags = [(p, p.requires_grad) for p in model.parameters()]
    devices = {p.device for p, _ in flags if p.device.type == "cuda"}
    kinds = {p.device.type for p, _ in flags}
    with (
        _plain_autograd(kinds),
        torch.random.fork_rng(devices),
        restored_attributes(model.modules()),
    ):
        try:
            model.eval()
            run_as_written(model.modules())
            keep_image_order(model)
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            with (
                changed_settings(model, use_cache=False, return_dict=True),
                # Without a pad token causal heads refuse more than one row. No token is -1.
                changed_settings(model, only_none=True, pad_token_id=-1),
            ):
                yield
        finally:
            for parameter, requires_grad in flags:
                parameter.requires_grad_(requires_grad)


@contextmanager
def _plain_autograd(kinds: Iterable[str]) -> Iterator[None]:
    """Gradients, and no rounding, on devices of these kinds; on this thread only."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in kinds:
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield


@contextmanager
def changed_settings(model: nn.Module, *, only_none: bool = False, **values: Any) -> Iterator[None]:
    """Change settings (or set what is None) in all the model's configurations; then restore."""
    found = [getattr(module, "config", None) for module in model.modules()]
    configs = {id(config): config for config in found if hasattr(config, "__dict__")}
    for config in list(configs.values()):
        for name in getattr(config, "sub_configs", None) or {}:
            if (child := getattr(config, name, None)) is not None:
                configs[id(child)] = child
    with restored_attributes(configs.values()):
        for config in configs.values():
            for name, value in values.items():
                if hasattr(config, name) and not (only_none and getattr(config, name) is not None):
                    setattr(config, name, value)
        yield


@contextmanager
def restored_attributes(things: Iterable[Any]) -> Iterator[None]:
    """Give each thing back the attributes it has now; dictionaries among them by content."""
    before = [
        (
            thing,
            dict(vars(thing)),
            {k: v.copy() for k, v in vars(thing).items() if type(v) in _DICTS},
        )
        for thing in things
    ]
    try:
        yield
    finally:
        for thing, attributes, contents in before:
            vars(thing).clear()
            vars(thing).update(attributes)
            for name, content in contents.items():
                attributes[name].clear()
                attributes[name].update(content)


def keep_image_order(model: nn.Module) -> None:
    """Let a masked autoencoder see every patch in its own place, until attributes are restored.

    ``ViTMAEModel`` draws a random order of the patches and keeps the first of them; at mask ratio
    0 it keeps all, but shuffled still. A classifier cannot tell (position was added before), a map
    can. Here its ``random_masking`` gets noise in ascending order, which shuffles nothing, also
    where the caller gave other noise.

    Source:
        He et al. (2022), arXiv:2111.06377, section 3; the shuffle as in their code.
    """
    for module in model.modules():
        if callable(run := getattr(module, "random_masking", None)):
            module.random_masking = _without_shuffle(run, module)  # type: ignore[assignment]


def _without_shuffle(run: Callable[..., Any], module: nn.Module) -> Callable[..., Any]:
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
