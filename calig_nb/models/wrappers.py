"""Wrappers that run a model in another way and compute the same: compiled, and on several devices.

Blocks are entered by replacing their ``forward``, which compiled code no longer calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from torch import nn

_COMPILED = "_orig_mod"
_COMPILED_FUNCTION = "_torchdynamo_orig_callable"
_COMPILED_CALL = "_compiled_call_impl"
_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside of ``torch.compile``, DataParallel and DistributedDataParallel."""
    while isinstance(model, _PARALLEL) or _COMPILED in getattr(model, "_modules", {}):
        model = cast(nn.Module, model.module if isinstance(model, _PARALLEL) else model._orig_mod)
    return model


def run_as_written(modules: Iterable[nn.Module]) -> None:
    """Let every compiled module among these run its own code, until attributes are restored."""
    for module in modules:
        own = vars(module)
        if _COMPILED in module._modules:
            own["forward"] = cast(nn.Module, module._modules[_COMPILED]).__call__
        elif (written := getattr(own.get("forward"), _COMPILED_FUNCTION, None)) is not None:
            own["forward"] = written
        if own.get(_COMPILED_CALL) is not None:
            own[_COMPILED_CALL] = None
