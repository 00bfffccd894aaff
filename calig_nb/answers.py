"""From texts and requests to explanations: those asked before, and those computed together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import __version__
from . import cache as disk
from .evidence import Evidence, gather
from .fusion import Array, Fusion, layer_weights
from .identity import Identity
from .inputs import TextInputs, TextReader
from .memory import Budget
from .models import BlockModel
from .request import Request
from .results import Explanation
from .targets import Target, choose

BUCKET_TOKENS = 512
BUCKET_SLACK = 1.15
"""How much longer the longest text of a bucket may be than its shortest."""


@dataclass(eq=False)
class Answers:
    """Explanations, remembered or computed.

    Attributes:
        model: The model.
        reader: Its tokenizer.
        identity: The model's name, by its content.
        budget: How much may be in flight.
        cache: Where answers are kept, or None.
    """

    model: BlockModel
    reader: TextReader
    identity: Identity
    budget: Budget
    cache: disk.Cache | None

    def of(
        self, texts: Sequence[TextInputs], requests: Sequence[Request], progress: bool | None
    ) -> list[list[Explanation] | Exception]:
        """For each text its explanations, one a request; or why there are none."""
        from tqdm.auto import tqdm

        found: list[Any] = [self._remembered(text, requests) for text in texts]
        missing = [i for i, one in enumerate(found) if one is None]
        delay = 0 if progress else 2
        off = progress is False or (len(texts) == 1 and not progress)
        with tqdm(total=len(missing), disable=off, delay=delay, desc="explain") as bar:
            while missing:
                # What a model allows is known once it was traced: the first text goes alone.
                lengths = [len(texts[i].tokens) for i in missing]
                pads = requests[0].hidden_baseline is None
                bucket = next(buckets(lengths, pads)) if self.model.batches else [0]
                chosen = [missing[i] for i in bucket]
                for i, answer in zip(
                    chosen, self._computed([texts[i] for i in chosen], requests), strict=True
                ):
                    found[i] = answer
                missing = [i for i in missing if found[i] is None]
                bar.update(len(bucket))
        return found

    def _computed(
        self, texts: Sequence[TextInputs], requests: Sequence[Request]
    ) -> list[list[Explanation] | Exception]:
        """What :func:`compute` gives, kept in the cache; one bad text does not lose the others."""
        try:
            found = compute(self.model, self.reader, texts, requests, self.budget)
        except Exception as error:
            if len(texts) == 1:
                return [error]
            return [self._computed([text], requests)[0] for text in texts]
        for text, explanations in zip(texts, found, strict=True):
            for request, explanation in zip(requests, explanations, strict=True):
                if self.cache is not None and (key := self._key(text, request)):
                    self.cache.put(key, explanation)
        return [*found]

    def _remembered(
        self, text: TextInputs, requests: Sequence[Request]
    ) -> list[Explanation] | None:
        """What was asked before, where all of it was."""
        if self.cache is None:
            return None
        found = [
            self.cache.get(key) if (key := self._key(text, request)) else None
            for request in requests
        ]
        known = [one for one in found if one is not None]
        return known if len(known) == len(requests) else None

    def _key(self, text: TextInputs, request: Request) -> str:
        """The question's name in the cache; empty for a model whose answers cannot be named."""
        if not (model := self.identity.digest()):
            return ""
        asked, arrays = request.asked()
        arrays |= {name: value.numpy() for name, value in text.model_inputs.items()}
        return disk.key_of(model, arrays, {**asked, "text": text.text})


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


def compute(
    model: BlockModel,
    reader: TextReader,
    texts: Sequence[TextInputs],
    requests: Sequence[Request],
    budget: Budget,
) -> list[list[Explanation]]:
    """The explanations of a bucket of texts, for each text those that were asked for.

    Args:
        model: The model.
        reader: Its tokenizer.
        texts: The bucket.
        requests: One for each target; alike in all else.
        budget: How much may be in flight.

    Raises:
        ValueError: If the model's logits are not finite, or a class or baseline does not fit.
    """
    request = requests[0]
    probabilities: list[Array] = []
    labels: tuple[str, ...] = ()

    def choices(logits: Tensor) -> list[list[Target]]:
        nonlocal labels
        labels = labels_of(model, logits.shape[1])
        for text, row in zip(texts, logits, strict=True):
            if not torch.isfinite(row).all():
                raise ValueError(
                    f"model must return finite logits, got {row.tolist()} for {text.text!r:.60}. "
                    "Its weights or its precision are broken."
                )
            probabilities.append(probabilities_of(model, row))
        return [
            [choose(one.target, one.contrast, one.output, labels, row) for one in requests]
            for row in logits
        ]

    own = placed(model, reader.padded([text.model_inputs for text in texts]))
    names, others = [f"{request.hidden_baseline} hidden state"] * len(texts), None
    if request.hidden_baseline is None:
        replaced = [reader.baseline(text, request.baselines) for text in texts]
        names = [name for _, name in replaced]
        others = placed(model, reader.padded([inputs for inputs, _ in replaced]))
    with model.undisturbed():
        if len({len(text.tokens) for text in texts}) > 1:
            _refuse_padding_that_matters(model, own, placed(model, texts[0].model_inputs))
        found = gather(model, own, others, choices, request, budget)
    return [
        [
            _explanation(model, text, one, evidence, labels, probability, name)
            for one, evidence in zip(requests, items, strict=True)
        ]
        for text, items, probability, name in zip(texts, found, probabilities, names, strict=True)
    ]


def _refuse_padding_that_matters(
    model: BlockModel, rows: Mapping[str, Tensor], first: Mapping[str, Tensor]
) -> None:
    together, alone = model.predict({n: v[:1] for n, v in rows.items()}), model.predict(first)
    if "attention_mask" not in rows or not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise ValueError("padding changes what the model says of a text")


def labels_of(model: BlockModel, n_classes: int) -> tuple[str, ...]:
    """(C,) the classes' names, or their numbers."""
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


def _explanation(
    model: BlockModel,
    text: TextInputs,
    request: Request,
    found: Evidence,
    labels: tuple[str, ...],
    probabilities: Array,
    baseline: str,
) -> Explanation:
    n_tokens = len(text.tokens)
    r = found.layer_attributions[:, :n_tokens]
    return Explanation(
        **text.described(),
        labels=labels,
        probabilities=probabilities,
        target=found.target.index,
        contrast=found.target.contrast,
        score=found.score,
        baseline_scores=found.baseline_scores,
        layer_attributions=r,
        attention_relevance=found.attention_relevance[:, :n_tokens, :n_tokens],
        layer_weights=layer_weights([r], [text.special]),
        fusion=Fusion(),
        n_steps=found.n_steps,
        token_error=found.token_error,
        converged=found.converged,
        config={
            "method": request.method,
            "output": request.output,
            "antisymmetric": found.target.antisymmetric(len(labels)),
            "baselines": baseline,
            "tolerance": request.tolerance,
            "calibration": "layer weights from this text alone",
            "model": type(model.model).__name__,
            "dtype": str(model.placement[0]).removeprefix("torch."),
            "version": __version__,
        },
    )
