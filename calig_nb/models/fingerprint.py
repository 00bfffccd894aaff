"""A digest of what a model computes, so that an answer kept on disk is never another model's."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from .exclusive import exclusive_use


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
        """64 hexadecimal digits for weights, configuration and the code of the modules.

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
        code = [_code_of(kind) for kind in dict.fromkeys(type(module) for module in modules)]
        named = f"{self._model} {getattr(self._model, 'config', '')} {code}{self._blocks}"
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
