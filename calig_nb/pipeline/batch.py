"""Texts that go through a model together: which, and what comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from .._arrays import Array
from .._version import __version__
from ..attribution.path_methods import Evidence, gather, trace_of
from ..attribution.request import Request
from ..attribution.scores import Target, choose
from ..attribution.single_pass import read
from ..explanation.explanation import Explanation
from ..explanation.methods import INTEGRALS, METHODS, fusion_of, weights_of
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..models.attention import KeepHeads
from ..models.block_model import BlockModel
from ..models.memory import Budget

BUCKET_TOKENS = 512
BUCKET_SLACK = 1.15
"""How much longer the longest text of a bucket may be than its shortest."""


def buckets(lengths: Sequence[int], pads: bool) -> Iterator[list[int]]:
    """Which texts are computed together: those of about one length, the shortest first.

    Args:
        lengths: (texts,) tokens of each.
        pads: Whether shorter texts may be padded; otherwise a bucket has one length.

    Yields:
        Indices into ``lengths``, each once.
    """
    bucket: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        longest = BUCKET_SLACK * lengths[bucket[0]] if bucket and pads else 0
        fits = bucket and (lengths[i] == lengths[bucket[0]] or lengths[i] <= longest)
        if bucket and not (fits and lengths[i] * (len(bucket) + 1) <= BUCKET_TOKENS):
            yield bucket
            bucket = []
        bucket.append(i)
    if bucket:
        yield bucket


class Bucket:
    """Texts of about one length that are computed together.

    Args:
        model: The model.
        reader: Its tokenizer or image processor.
        texts: The texts.
        requests: What is asked of each text, one request a target; alike in all else.

    Raises:
        ValueError: If a baseline does not fit a text; from its methods also if the model's
            logits are not finite, or a class does not fit.
    """

    def __init__(
        self,
        model: BlockModel,
        reader: Reader,
        texts: Sequence[TextInputs],
        requests: Sequence[Sequence[Request]],
    ) -> None:
        self.model, self.texts, self.requests = model, texts, requests
        self.request = requests[0][0]
        self.probabilities: list[Array] = []
        self.own = placed(model, reader.pad_batch([text.model_inputs for text in texts]))
        self.baselines: dict[str, Tensor] | None = None
        request = self.request
        self.names = [f"{request.hidden_baseline} hidden state"] * len(texts)
        if request.hidden_baseline is None:
            replaced = [reader.make_baseline(text, request.baselines) for text in texts]
            self.names = [name for _, name in replaced]
            kept = model.positions(self.own)
            self.own |= kept
            self.baselines = (
                placed(model, reader.pad_batch([inputs for inputs, _ in replaced])) | kept
            )

    def explanations(self, budget: Budget) -> list[list[Explanation]]:
        """For each text its explanations, one a request."""
        with self.model.undisturbed():
            if len({len(text.tokens) for text in self.texts}) > 1:
                alone = placed(self.model, self.texts[0].model_inputs)
                _refuse_padding_that_matters(self.model, self.own, alone)
            answer = gather if self.request.method in INTEGRALS else read
            found = answer(self.model, self.own, self.baselines, self.choices, self.request, budget)
        return [
            [
                self._explanation(i, request, evidence)
                for request, evidence in zip(self.requests[i], items, strict=True)
            ]
            for i, items in enumerate(found)
        ]

    def heads(self, keep: KeepHeads) -> None:
        """Give the heads of every layer to ``keep``, for the first text and request."""
        with self.model.undisturbed():
            trace_of(self.model, self.own, self.baselines, self.choices, keep)

    def choices(self, logits: Tensor) -> list[list[Target]]:
        """For each text its targets, given the logits (texts, classes)."""
        for text, row in zip(self.texts, logits, strict=True):
            if not torch.isfinite(row).all():
                raise ValueError(
                    f"model must return finite logits, got {row.tolist()} for {text.text!r:.60}. "
                    "Its weights or its precision are broken."
                )
        self.probabilities = [probabilities_of(self.model, row) for row in logits]
        named = [labels_of(self.model, logits.shape[1], text) for text in self.texts]
        return [
            [choose(one.target, one.contrast, one.output, labels, row) for one in own]
            for own, labels, row in zip(self.requests, named, logits, strict=True)
        ]

    def _explanation(self, i: int, request: Request, found: Evidence) -> Explanation:
        text, n_tokens = self.texts[i], len(self.texts[i].tokens)
        labels = labels_of(self.model, len(self.probabilities[i]), text)
        method = METHODS[request.method]
        r, described = found.layer_attributions[:, :n_tokens], text.explanation_fields()
        return Explanation(
            **described,
            labels=labels,
            probabilities=self.probabilities[i],
            target=found.target.index,
            contrast=found.target.contrast,
            score=found.score,
            baseline_scores=found.baseline_scores,
            layer_attributions=r,
            attention_relevance=found.attention_relevance[:, :n_tokens, :n_tokens],
            layer_weights=weights_of(request.method, r, text.special, "grid" in described),
            fusion=fusion_of(request.method),
            n_steps=found.n_steps,
            token_error=found.token_error,
            converged=found.converged,
            config={
                "method": request.method,
                "output": request.output,
                "antisymmetric": method.signed and found.target.antisymmetric(len(labels)),
                "baselines": self.names[i] if "baseline" in method.needs else "none",
                "tolerance": request.tolerance,
                "calibration": calibration_of(request.method, found.more),
                "model": type(self.model.own).__name__,
                "precision": request.precision,
                "dtype": str(self.model.placement[0]).removeprefix("torch."),
                "version": __version__,
                **text.config,
                **found.more,
            },
        )


def calibration_of(method: str, shares: Mapping[str, float]) -> str:
    """Where the layer weights come from, or what the method says, with its shares of f(x)."""
    said = METHODS[method].calibration
    for name, share in shares.items():
        value = f"{share:+.2f}".replace("-", "−")
        said += f"; {name.replace('_', ' ')} {value} of f(x)"
    return said


def _refuse_padding_that_matters(
    model: BlockModel, rows: Mapping[str, Tensor], first: Mapping[str, Tensor]
) -> None:
    together, alone = model.predict({n: v[:1] for n, v in rows.items()}), model.predict(first)
    if "attention_mask" not in rows or not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise ValueError("padding changes what the model says of a text")


def labels_of(model: BlockModel, n_classes: int, text: TextInputs) -> tuple[str, ...]:
    """(C,) the classes' names for this text, or their numbers."""
    if text.question is not None and text.question.labels:
        return text.question.labels
    named = model.labels or {}
    return tuple(str(named.get(index, index)) for index in range(n_classes))


def probabilities_of(model: BlockModel, logits: Tensor) -> Array:
    """(C,) what one text's logits (C,) say of each class."""
    apart = model.multi_label or len(logits) == 1
    probabilities = torch.sigmoid(logits) if apart else torch.softmax(logits, dim=0)
    return np.asarray(probabilities.double().cpu().numpy())


def placed(model: BlockModel, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Inputs where the model's weights are."""
    return {name: value.to(model.placement[1]) for name, value in inputs.items()}
