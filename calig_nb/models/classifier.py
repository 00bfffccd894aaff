"""A user's classifier: checked at the door, run as it is, and left as it was."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
from torch import Tensor, nn

from .preserve import undisturbed

ModelInputs = Mapping[str, Tensor]


class Classifier:
    """A torch classifier that returns logits (batch, classes).

    Args:
        model: The classifier.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: If its weights are on the meta device or in half precision.
    """

    def __init__(self, model: nn.Module) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        if any(p.is_meta for p in model.parameters()):
            raise ValueError(
                "model must have its weights loaded, got weights on the meta device. Load them "
                "with from_pretrained."
            )
        dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
        if not dtypes or not dtypes <= {torch.float32, torch.float64}:
            got = ", ".join(sorted(str(d).removeprefix("torch.") for d in dtypes)) or "none"
            raise ValueError(
                f"model must have float32 or float64 weights, got {got}: half precision is too "
                "coarse to integrate. Load it with dtype=torch.float32, or call model.float()."
            )
        self.model = model

    @property
    def own(self) -> nn.Module:
        """The user's module, also where it is seen as something else."""
        return cast(nn.Module, getattr(self.model, "explained", self.model))

    @property
    def placement(self) -> tuple[torch.dtype, torch.device]:
        """The weights' precision, and where they are."""
        first = next(p for p in self.model.parameters() if p.is_floating_point())
        return first.dtype, first.device

    @property
    def labels(self) -> Mapping[int, str] | None:
        """The classes' names by index, where the configuration holds them."""
        return cast("Mapping[int, str] | None", self._stated("id2label"))

    @property
    def multi_label(self) -> bool:
        """Whether the classes do not exclude each other."""
        return bool(self._stated("problem_type") == "multi_label_classification")

    @property
    def max_tokens(self) -> int | None:
        """Most tokens that the position table can tell apart; None where nothing is stated."""
        table = self._position_table()
        if table is None:
            return cast("int | None", self._stated("max_position_embeddings"))
        # A table with a padding index counts positions from the one after it.
        skipped = 0 if table.padding_idx is None else table.padding_idx + 1
        return table.num_embeddings - skipped

    def positions(self, inputs: ModelInputs) -> dict[str, Tensor]:
        """The positions of these inputs, to be kept where some of their tokens are replaced.

        RoBERTa and its kin do not count padding: a text whose words are replaced by it would have
        no positions but one, and its end another place. Other models need nothing.

        Returns:
            ``position_ids`` (batch, tokens) as the model counts them by itself; or nothing.
        """
        table, ids = self._position_table(), inputs.get("input_ids")
        takes = "position_ids" in inspect.signature(self.own.forward).parameters
        if table is None or table.padding_idx is None or ids is None or not takes:
            return {}
        counted = (ids != table.padding_idx).long()
        return {"position_ids": counted.cumsum(dim=1) * counted + table.padding_idx}

    def _position_table(self) -> nn.Embedding | None:
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Embedding) and name.endswith(("position_embeddings", "wpe")):
                return module
        return None

    def undisturbed(self) -> AbstractContextManager[None]:
        """Evaluation mode and no parameter gradients; everything as before on leaving."""
        return undisturbed(self.model)

    def predict(self, inputs: ModelInputs) -> Tensor:
        """Logits (batch, classes) of a plain forward pass."""
        with torch.no_grad():
            return logits_of(self.model, self.model(**inputs))

    def _stated(self, name: str) -> Any:
        if name in (of_head := getattr(self.model, "class_config", {})):
            return of_head[name]
        return getattr(getattr(self.model, "config", None), name, None)


def logits_of(model: nn.Module, output: Any) -> Tensor:
    """The logits (batch, classes) in a model's output.

    Raises:
        ValueError: If there are none.
    """
    logits = output if torch.is_tensor(output) else getattr(output, "logits", None)
    if logits is None or logits.ndim != 2:
        got = "no logits" if logits is None else f"logits of shape {tuple(logits.shape)}"
        raise ValueError(
            "model must have a classification head that returns logits (batch, classes); "
            f"{type(model).__name__} returned {got}. Load it with "
            "AutoModelForSequenceClassification or AutoModelForImageClassification."
        )
    return logits
