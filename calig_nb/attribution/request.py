"""What is explained of a model, and how: a request, checked at the door; a target; its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy.typing as npt
import torch
from torch import Tensor

from .._validation import one_of, real_between, shown, whole_number
from ..explanation.formatting import printable
from ..explanation.fusion import Fusion
from ..explanation.methods import METHODS
from ..models.block_model import Classes
from ..models.points import ScoreFn

Output = Literal["logit", "margin", "log_odds", "prob"]
Precision = Literal["float32", "bfloat16"]
Routing = Literal["held", "free"]

MOST_STEPS = 5000
"""More nodes than this are not known of any rule."""

LEAST_NODES, MOST_NODES = 5, 1025
"""What refinement may be bounded by."""

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
    baselines: str | Tensor = "auto"
    n_steps: int | Literal["auto"] = "auto"
    tolerance: float = 0.01
    max_nodes: int = 129
    lam: float = 0.5
    precision: Precision = "float32"
    routing: Routing = "held"
    pixels: bool = False

    def __post_init__(self) -> None:
        one_of("output", self.output, get_args(Output))
        one_of("method", self.method, tuple(METHODS))
        one_of("precision", self.precision, get_args(Precision))
        one_of("routing", self.routing, get_args(Routing))
        if not isinstance(self.baselines, (str, Tensor)):
            raise TypeError(
                "baselines must be 'pad', 'mask', 'zero', 'mean', a text or a tensor of token "
                f"ids, got {shown(self.baselines)}."
            )
        if not (isinstance(self.n_steps, str) and self.n_steps == "auto"):
            try:
                whole_number("n_steps", self.n_steps, 1, MOST_STEPS)
            except (TypeError, ValueError):
                raise ValueError(
                    f"n_steps must be 'auto' or a whole number from 1 to {MOST_STEPS}, got "
                    f"{shown(self.n_steps)}."
                ) from None
        tolerance = real_between("tolerance", self.tolerance, 0, 1, inside=True)
        object.__setattr__(self, "tolerance", tolerance)
        most = whole_number("max_nodes", self.max_nodes, LEAST_NODES, MOST_NODES)
        object.__setattr__(self, "max_nodes", most)
        if self.method == "occlusion" and self.hidden_baseline is not None:
            raise ValueError(
                "baselines must be tokens for occlusion, which replaces them one by one: 'pad', "
                f"'mask', a text or a tensor of token ids, got {self.baselines!r}."
            )
        Fusion(lam=self.lam)

    @classmethod
    def for_targets(
        cls, target: int | str | Sequence[int | str] | None, **options: Any
    ) -> list[Request]:
        """One request for each target, alike in all else.

        Raises:
            TypeError, ValueError: As the class, or if there is no target.
        """
        if not names_several(target):
            return [cls(target, **options)]  # type: ignore[arg-type]
        assert isinstance(target, Sequence)
        if not target:
            raise ValueError("target must name at least one class, got an empty list.")
        return [cls(one, **options) for one in target]

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

    def key_parts(self) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
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


def names_several(target: Any) -> bool:
    """Whether this names several classes, and not one."""
    return isinstance(target, Sequence) and not isinstance(target, (str, bytes))


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
        classes: What the logits are. Independent classes are each set against their own absence,
            whose logit is 0: "margin" and "log_odds" are z_c, "prob" is its sigmoid. A measured
            value has but "logit", itself.
    """

    index: int
    contrast: int | None
    output: Output
    classes: Classes = "exclusive"

    def score(self, logits: Tensor) -> Tensor:
        """(batch,) scores of logits (batch, classes); differentiable."""
        own = logits[:, self.index]
        if self.contrast is not None:
            return own - logits[:, self.contrast]
        if self.output == "logit":
            return own
        if self.classes != "exclusive":
            return torch.sigmoid(own) if self.output == "prob" else own
        others = torch.cat([logits[:, : self.index], logits[:, self.index + 1 :]], dim=1)
        if self.output == "margin":
            return own - others.mean(dim=1) if others.shape[1] else own
        log_odds = own - torch.logsumexp(others, dim=1) if others.shape[1] else own
        return log_odds if self.output == "log_odds" else torch.sigmoid(log_odds)

    def is_linear(self, n_classes: int) -> bool:
        """Whether the score is a sum of multiples of the logits."""
        few = self.output == "log_odds" and (n_classes <= 2 or self.classes != "exclusive")
        return self.output in ("logit", "margin") or few

    def is_antisymmetric(self, n_classes: int) -> bool:
        """Whether the opposite question has the same answer with every sign turned around."""
        mirrored = self.output in ("margin", "log_odds") and n_classes == 2
        return self.contrast is not None or (mirrored and self.classes == "exclusive")


def score_function(targets: Sequence[Sequence[Target]]) -> ScoreFn:
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


def choose_target(
    target: int | str | None,
    contrast: int | str | None,
    output: Output,
    labels: Sequence[str],
    logits: Tensor,
    classes: Classes = "exclusive",
) -> Target:
    """The target that a request names; the predicted class where it names none.

    Args:
        target: Class index or label; None for the predicted class.
        contrast: Class index or label to set it against, or None.
        output: Which score stands for the class.
        labels: (classes,) names.
        logits: (classes,) of the input.
        classes: What they are.

    Raises:
        TypeError: If a class is neither an index nor a label.
        ValueError: If a class is unknown or out of range, if target and contrast are the same,
            if ``output`` cannot go with a contrast or with measured values, or if none of
            several values is named.
    """
    if classes == "measured" and output != "logit":
        raise ValueError(
            "output must be 'logit', the value itself, for a model that measures and has no "
            f"probabilities, got {output!r}. If its one logit is a yes or no, set "
            "model.config.problem_type = 'multi_label_classification'."
        )
    if classes == "measured" and target is None and len(labels) > 1:
        raise ValueError(
            f"target must name one of {list(labels)}: the model measures all of them, and none is "
            "the predicted one."
        )
    index = int(logits.argmax()) if target is None else _class_index("target", target, labels)
    against = None if contrast is None else _class_index("contrast", contrast, labels)
    if against == index:
        raise ValueError(
            f"contrast must differ from target, got {labels[index]!r} for both. "
            "Leave contrast out to explain the class alone."
        )
    if against is not None and output != "logit":
        raise ValueError(
            f"contrast is the difference of two logits, so output must be 'logit', got {output!r}."
        )
    return Target(index, against, output, classes)


def _class_index(name: str, value: int | str, labels: Sequence[str]) -> int:
    if isinstance(value, str):
        folded = [label.casefold() for label in labels]
        if value in labels:
            return labels.index(value)
        if folded.count(value.casefold()) == 1:
            return folded.index(value.casefold())
        raise ValueError(f"{name} must be one of {list(labels)}, got {shown(value)}.")
    try:
        return whole_number(
            name, value, 0, len(labels) - 1, more=f" ({', '.join(map(printable, labels))})"
        )
    except TypeError:
        several = "" if name == "contrast" else ", or a list of them"
        raise TypeError(
            f"{name} must be a class index or label{several}, got {shown(value)}."
        ) from None
