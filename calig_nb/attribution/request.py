"""What is asked of an explainer, checked once at the door."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy.typing as npt
from torch import Tensor

from .._validation import one_of
from ..explanation.fusion import Fusion
from ..explanation.methods import METHODS
from .scores import Output

Precision = Literal["float32", "bfloat16"]

HIDDEN_BASELINES = ("zero", "mean")
"""Baselines that are hidden states and no input; for study only."""


@dataclass(frozen=True)
class Request:
    """One question to a model; the fields are documented at :meth:`Explainer.explain`.

    ``pixels`` says that it is about pictures.

    Raises:
        TypeError: If a value is of the wrong kind.
        ValueError: If a value is out of its range.
    """

    target: int | str | None = None
    contrast: int | str | None = None
    output: Output = "logit"
    method: str = "ca-lig"
    baselines: str | Tensor = "pad"
    n_steps: int | Literal["auto"] = "auto"
    tolerance: float = 0.01
    lam: float = 0.5
    precision: Precision = "float32"
    pixels: bool = False

    def __post_init__(self) -> None:
        one_of("output", self.output, get_args(Output))
        one_of("method", self.method, tuple(METHODS))
        one_of("precision", self.precision, get_args(Precision))
        if not isinstance(self.baselines, (str, Tensor)):
            raise TypeError(
                "baselines must be 'pad', 'mask', 'zero', 'mean', a text or a tensor of token "
                f"ids, got {self.baselines!r:.60}."
            )
        steps = self.n_steps
        if steps != "auto" and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise ValueError(f"n_steps must be 'auto' or a whole number from 1, got {steps!r}.")
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must lie between 0 and 1, got {self.tolerance}.")
        if self.method == "occlusion" and self.hidden_baseline is not None:
            raise ValueError(
                "baselines must be tokens for occlusion, which replaces them one by one: 'pad', "
                f"'mask', a text or a tensor of token ids, got {self.baselines!r}."
            )
        Fusion(lam=self.lam)

    @property
    def fixed_steps(self) -> int | None:
        """The number of nodes, where one was asked for."""
        return None if self.n_steps == "auto" else int(self.n_steps)

    @property
    def hidden_baseline(self) -> str | None:
        """The name of the hidden-state baseline, where one was asked for."""
        named = isinstance(self.baselines, str) and self.baselines in HIDDEN_BASELINES
        if self.pixels:  # there they are pictures
            return None
        return str(self.baselines) if named else None

    def asked(self) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
        """What names the answer on disk: all but λ, as plain values and as arrays."""
        plain = {
            n: repr(v) for n, v in vars(self).items() if n not in ("lam", "baselines", "pixels")
        }
        if isinstance(self.baselines, str):
            return {**plain, "baselines": self.baselines}, {}
        return plain, {"baselines": self.baselines.cpu().numpy()}

    def about(self, target: int, contrast: int | None) -> Request:
        """The same request about another class."""
        output = self.output if contrast is None else "logit"
        return replace(self, target=target, contrast=contrast, output=output)
