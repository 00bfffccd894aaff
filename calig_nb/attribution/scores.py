"""What is explained: a class, alone or against another, and the score that stands for it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Output = Literal["logit", "margin", "log_odds", "prob"]


@dataclass(frozen=True)
class Target:
    """The explained score f, a function of the logits z.

    Attributes:
        index: The explained class, c.
        contrast: The class it is set against, k, or None.
        output: "logit" is z_c (z_c - z_k with a contrast); "margin" z_c less the mean of the
            others; "log_odds" z_c less the log-sum-exp of the others, which is
            log(p / (1 - p)); "prob" the probability itself, which saturates: where the model is
            sure its gradients vanish, and the integral needs many more nodes.
    """

    index: int
    contrast: int | None
    output: Output

    def score(self, logits: Tensor) -> Tensor:
        """(batch,) scores of logits (batch, classes); differentiable."""
        own = logits[:, self.index]
        if self.contrast is not None:
            return own - logits[:, self.contrast]
        if self.output == "logit":
            return own
        others = torch.cat([logits[:, : self.index], logits[:, self.index + 1 :]], dim=1)
        if self.output == "margin":
            return own - others.mean(dim=1) if others.shape[1] else own
        log_odds = own - torch.logsumexp(others, dim=1) if others.shape[1] else own
        return log_odds if self.output == "log_odds" else torch.sigmoid(log_odds)

    def linear(self, n_classes: int) -> bool:
        """Whether the score is a sum of multiples of the logits."""
        few = self.output == "log_odds" and n_classes <= 2
        return self.output in ("logit", "margin") or few

    def antisymmetric(self, n_classes: int) -> bool:
        """Whether the opposite question has the same answer with every sign turned around."""
        mirrored = self.output in ("margin", "log_odds") and n_classes == 2
        return self.contrast is not None or mirrored


def scored(targets: Sequence[Sequence[Target]]) -> Callable[[Tensor, Tensor], Tensor]:
    """The scores of several items at once, each having its own targets.

    Args:
        targets: For each item its targets; as many for each.

    Returns:
        A function of logits (rows, classes) and each row's item (rows,) that gives scores
        (rows, targets); differentiable.
    """
    distinct = list(dict.fromkeys(target for own in targets for target in own))
    index = torch.tensor([[distinct.index(target) for target in own] for own in targets])

    def score(logits: Tensor, items: Tensor) -> Tensor:
        columns = torch.stack([target.score(logits) for target in distinct], dim=1)
        return columns.gather(1, index[items.cpu()].to(columns.device))

    return score


def choose(
    target: int | str | None,
    contrast: int | str | None,
    output: Output,
    labels: Sequence[str],
    logits: Tensor,
) -> Target:
    """The target that a user asked for; the predicted class where none is named.

    Args:
        target: Class index or label; None for the predicted class.
        contrast: Class index or label to set it against, or None.
        output: Which score stands for the class.
        labels: (classes,) names.
        logits: (classes,) of the input.

    Raises:
        TypeError: If a class is neither an index nor a label.
        ValueError: If a class is unknown or out of range, if target and contrast are the same,
            if ``output`` cannot go with a contrast.
    """
    index = int(logits.argmax()) if target is None else _index("target", target, labels)
    against = None if contrast is None else _index("contrast", contrast, labels)
    if against == index:
        raise ValueError(
            f"contrast must differ from target, got {labels[index]!r} for both. "
            "Leave contrast out to explain the class alone."
        )
    if against is not None and output != "logit":
        raise ValueError(
            f"contrast is the difference of two logits, so output must be 'logit', got {output!r}."
        )
    return Target(index, against, output)


def _index(name: str, value: int | str, labels: Sequence[str]) -> int:
    if isinstance(value, str):
        folded = [label.casefold() for label in labels]
        if value in labels:
            return labels.index(value)
        if folded.count(value.casefold()) == 1:
            return folded.index(value.casefold())
        raise ValueError(f"{name} must be one of {list(labels)}, got {value!r}.")
    try:
        index = operator.index(value)
    except TypeError:
        index = -1
    if isinstance(value, bool) or (index < 0 and not hasattr(value, "__index__")):
        raise TypeError(f"{name} must be a class index or label, got {value!r}.")
    if not 0 <= index < len(labels):
        raise ValueError(
            f"{name} must lie between 0 and {len(labels) - 1} ({', '.join(labels)}), got {index}."
        )
    return index
