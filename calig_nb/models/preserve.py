"""Running the user's model and leaving it exactly as it was, also after an exception."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from .mae import in_image_order


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, no parameter gradients, no cache, no shuffle; as before on leaving.

    What the model's own forward leaves behind goes too: transformers installs hooks when
    attention probabilities are first asked for, and some models draw random numbers.
    """
    flags = [(p, p.requires_grad) for p in model.parameters()]
    devices = {p.device for p, _ in flags if p.device.type == "cuda"}
    with torch.random.fork_rng(devices), attributes_restored(model.modules()):
        try:
            model.eval()
            in_image_order(model)
            for parameter, _ in flags:
                parameter.requires_grad_(False)
            with (
                settings(model, use_cache=False),
                # Without a pad token causal heads refuse more than one row. No token is -1.
                settings(model, only_none=True, pad_token_id=-1),
                torch.enable_grad(),
            ):
                yield
        finally:
            for parameter, requires_grad in flags:
                parameter.requires_grad_(requires_grad)


@contextmanager
def settings(model: nn.Module, *, only_none: bool = False, **values: Any) -> Iterator[None]:
    """Change settings (or set what is None) in all the model's configurations; then restore."""
    found = [getattr(module, "config", None) for module in model.modules()]
    configs = {id(config): config for config in found if hasattr(config, "__dict__")}
    for config in list(configs.values()):
        for name in getattr(config, "sub_configs", None) or {}:
            if (child := getattr(config, name, None)) is not None:
                configs[id(child)] = child
    with attributes_restored(configs.values()):
        for config in configs.values():
            for name, value in values.items():
                if hasattr(config, name) and not (only_none and getattr(config, name) is not None):
                    setattr(config, name, value)
        yield


@contextmanager
def attributes_restored(things: Iterable[Any]) -> Iterator[None]:
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


_DICTS = (dict, OrderedDict)
