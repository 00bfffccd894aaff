"""What every reader of inputs says of them besides their tensors; as it is for texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation


class Reading:
    """How inputs are counted, named and compared; a reader of pictures has its own ways.

    Attributes:
        noun: What an input is.
        max_tokens: Most tokens that the model reads at once.
        pixels: Whether inputs are pictures.
        deletions: How parts of an input may be deleted; the first is the default.
    """

    noun = "text"
    max_tokens = 10**9
    pixels = False
    deletions: tuple[str, ...] = ("remove", "mask", "pad")

    def single(self, inputs: Any) -> bool:
        """Whether this is one input, not several."""
        return isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable)

    def named(self, one: Any, number: int) -> str:
        """What a table says of it."""
        del number
        return str(one)

    def length(self, inputs: Mapping[str, Tensor]) -> int:
        """Tokens: inputs of about one length may share a pass."""
        return int(inputs["input_ids"].shape[1])

    def baselines_of(self, baselines: Any) -> Any:
        """The baseline as a request holds it."""
        return baselines

    def read(self, one: Any, name: str = "inputs") -> Any:
        """The input as the model reads it; errors call it ``name``."""
        raise NotImplementedError

    def again(self, explanation: Explanation) -> Any:
        """What was explained, read anew.

        Raises:
            ValueError: If it was not what this reads.
        """
        raise NotImplementedError
