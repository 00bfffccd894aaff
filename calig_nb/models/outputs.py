"""What a model returns, whatever holds it: an object, a dict or a tuple."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


def part_of(output: Any, name: str, number: int = 0) -> Any:
    """The part of this name; None where there is none.

    Args:
        output: What the model returned.
        name: What it is called in an object or a dict.
        number: Its place among the tensors of a tuple, which has no names.
    """
    if isinstance(output, Mapping):
        return output.get(name)
    if type(output) in (tuple, list):
        tensors = [part for part in output if torch.is_tensor(part)]
        return tensors[number] if number < len(tensors) else None
    return getattr(output, name, None)
