"""A digest of what a model computes, by which its answers are found again on disk.

It sees most of what a model depends on, not all: what is found is believed only where the model
says the same as it did then.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from .exclusive import exclusive_use

_TORCHS_OWN = {*vars(nn.Module()), "training"}
_PLAIN = (bool, int, float, complex, str, bytes, type(None))


class Identity:
    """The digest of one model, computed anew only when something that it stands for changes.

    Args:
        model: The model.
        blocks: Where its blocks were said to be: other blocks give other answers.
    """

    def __init__(self, model: nn.Module, blocks: str | None = None) -> None:
        self._model = model
        self._blocks = "" if blocks is None else f" {blocks}"
        self._known: tuple[object, str] = (None, "")

    def digest(self) -> str:
        """64 hexadecimal digits for weights, configuration, plain attributes and code.

        Code is that of the modules, and the version of the libraries that they come from.

        Empty where hooks or a replaced ``forward`` may change the answer in ways that cannot be
        named.
        """
        with exclusive_use(self._model):  # as it is while nobody explains it
            return self._digest()

    def _digest(self) -> str:
        modules = [*self._model.modules()]
        if any(m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in modules):
            return ""
        state = {n: t for n, t in self._model.state_dict().items() if torch.is_tensor(t)}
        kinds = dict.fromkeys(type(module) for module in modules)
        code = [*map(_code_of, kinds), *_versions(kinds)]
        parts = [
            (name, type(module).__qualname__, _plain_attributes(module))
            for name, module in self._model.named_modules(remove_duplicate=False)
        ]
        named = f"{parts} {getattr(self._model, 'config', '')} {code}{self._blocks}"
        marks = (named, [(tensor.data_ptr(), tensor._version) for tensor in state.values()])
        if self._known[0] != marks:
            digest = hashlib.sha256(named.encode())
            for name, tensor in state.items():
                digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
            self._known = (marks, digest.hexdigest())
        return self._known[1]


def _code_of(kind: type[nn.Module]) -> str:
    """A class and what its ``forward`` is compiled to: in a notebook classes are edited."""
    code = getattr(kind.forward, "__code__", None)
    constants = [
        sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
        for constant in getattr(code, "co_consts", ())
        if not hasattr(constant, "co_code")
    ]
    compiled = (getattr(code, "co_code", b""), getattr(code, "co_names", ()), constants)
    return f"{kind.__module__}.{kind.__qualname__} {compiled}"


def _versions(kinds: Iterable[type[nn.Module]]) -> list[str]:
    """The libraries that compute: torch, transformers, and those that the modules come from."""
    names = {"torch", "transformers", *(kind.__module__.partition(".")[0] for kind in kinds)}
    return [f"{name} {getattr(sys.modules.get(name), '__version__', '')}" for name in sorted(names)]


def _plain_attributes(module: nn.Module) -> dict[str, Any]:
    """What a module keeps in plain values, such as a temperature, or the adapter that is on."""
    own = vars(module)
    return {name: own[name] for name in own if name not in _TORCHS_OWN and _is_plain(own[name])}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return isinstance(value, _PLAIN)
