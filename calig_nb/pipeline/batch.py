"""Texts that go through a model together: which, and the explanations that come of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._version import __version__
from ..attribution import METHOD_FUNCTIONS
from ..attribution.evidence import Batch, Evidence, Relevance, fastest_kernels
from ..attribution.request import Request
from ..explanation.explanation import Explanation
from ..explanation.methods import METHODS, fusion_of, weights_of
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..inputs.word_segmentation import IntArray
from ..models.block_model import BlockModel
from ..models.blocks import record_calls
from ..models.memory import Budget

BATCH_TOKENS = 512
"""Most tokens of the texts of a batch together."""
LENGTH_SLACK = 1.15
"""How much longer the longest text of a batch may be than its shortest."""


def group_by_length(lengths: Sequence[int], pads: bool) -> Iterator[list[int]]:
    """Which texts are computed together: those of about one length, the shortest first.

    Args:
        lengths: (texts,) tokens of each.
        pads: Whether shorter texts may be padded; otherwise a group has one length.

    Yields:
        Indices into ``lengths``, each once.
    """
    group: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        longest = LENGTH_SLACK * lengths[group[0]] if group and pads else 0
        fits = group and (lengths[i] == lengths[group[0]] or lengths[i] <= longest)
        if group and not (fits and lengths[i] * (len(group) + 1) <= BATCH_TOKENS):
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def explain_batch(
    model: BlockModel,
    reader: Reader,
    texts: Sequence[TextInputs],
    requests: Sequence[Sequence[Request]],
    budget: Budget,
) -> list[list[Explanation]]:
    """For each text its explanations, one a request, from passes that all the texts share.

    Args:
        model: The model.
        reader: Its tokenizer or image processor.
        texts: Of about one length.
        requests: What is asked of each text, one request a target; alike in all else.
        budget: How much may be in flight.

    Raises:
        TypeError, ValueError: If a baseline or a class does not fit a text, the model's logits
            are not finite, or the method cannot serve it.
    """
    batch = collate(model, reader, texts, requests)
    why = reader.baseline_note(batch.request.baselines)
    with model.preserve():
        if len({len(text.tokens) for text in texts}) > 1:
            _refuse_padding_that_matters(model, batch.inputs, texts[0].model_inputs)
        with fastest_kernels(model, batch.inputs):
            evidence = METHOD_FUNCTIONS[batch.request.method](model, batch, budget)
        columns = _shown_columns(model, batch, evidence[0][0].layer_attributions.shape[1])
    return [
        [
            build_explanation(model, text, request, name, found, columns, why)
            for request, found in zip(own, items, strict=True)
        ]
        for text, own, name, items in zip(
            texts, requests, batch.baseline_names, evidence, strict=True
        )
    ]


def _shown_columns(model: BlockModel, batch: Batch, n_tokens: int) -> IntArray:
    """(n_tokens,) which token of the inputs each is that the evidence is about, -1 for none.

    Raises:
        ValueError: If the model adds or drops tokens, and it cannot be told which.
    """
    ids = batch.inputs.get("input_ids")
    if ids is None or ids.shape[1] == n_tokens:
        return np.arange(n_tokens)
    return model.token_columns(batch.inputs)[0].numpy()


def collate(
    model: BlockModel,
    reader: Reader,
    texts: Sequence[TextInputs],
    requests: Sequence[Sequence[Request]],
) -> Batch:
    """Texts and what is asked of them as one batch, padded, with their baselines.

    Raises:
        ValueError: If a baseline does not fit a text.
    """
    request = requests[0][0]
    rows, baseline_rows = reader.pad_batch([text.model_inputs for text in texts]), None
    names = [f"{request.hidden_baseline} hidden state"] * len(texts)
    if request.hidden_baseline is None:
        replaced = [reader.make_baseline(text, request.baselines) for text in texts]
        baseline_rows, names = (
            reader.pad_batch([own for own, _ in replaced]),
            [n for _, n in replaced],
        )
    inputs, baselines = model.to_device(rows), None
    if baseline_rows is not None:
        positions = model.positions(inputs)
        inputs |= positions
        baselines = model.to_device(baseline_rows) | positions
    labels = [own_labels(text) for text in texts]
    return Batch(inputs, baselines, names, requests, labels, [text.text for text in texts])


def build_explanation(
    model: BlockModel,
    text: TextInputs,
    request: Request,
    baseline: str,
    found: Evidence,
    columns: IntArray,
    why: str = "",
) -> Explanation:
    """The evidence of one text and target as the explanation that a user gets.

    Args:
        model: The model.
        text: What was explained.
        request: What was asked.
        baseline: The baseline's name.
        found: The evidence; padding that it holds is left out.
        columns: (tokens of the evidence,) which token of the text each is; beyond the text for
            padding, -1 for what the model adds, which is shown as special tokens.
        why: Why the baseline is that one, where it is not the usual one.
    """
    noted, shown = text.config, np.flatnonzero(columns < len(text.tokens))
    if len(shown) != len(text.tokens):
        text = text.among(columns[shown])
    described = text.explanation_fields()
    labels = labels_of(model, len(found.logits), text)
    probabilities = model.probabilities(found.logits)
    r, method = found.layer_attributions[:, shown], METHODS[request.method]
    weights = weights_of(request.method, r, text.special, "grid" in described)
    return Explanation(
        **described,
        labels=labels,
        probabilities=probabilities,
        target=found.target.index,
        contrast=found.target.contrast,
        score=found.score,
        baseline_scores=found.baseline_scores,
        layer_attributions=r,
        attention_relevance=_pairs(found.attention_relevance, shown),
        layer_weights=weights,
        fusion=fusion_of(request.method),
        n_steps=found.n_steps,
        token_error=found.token_error,
        converged=found.converged,
        config={
            "method": request.method,
            "output": request.output,
            # Of multiple choice each class is explained by a text of its own.
            "antisymmetric": method.signed
            and "choices" not in noted
            and found.target.is_antisymmetric(len(labels)),
            "baselines": baseline if "baseline" in method.needs else "none",
            **({"why_baselines": why} if why and "baseline" in method.needs else {}),
            **({"singular": True} if found.singular else {}),
            "tolerance": request.tolerance,
            "max_nodes": request.max_nodes,
            "calibration": describe_calibration(request.method, found.more),
            **({} if found.target.classes == "exclusive" else {"classes": found.target.classes}),
            **_routing(request, found),
            "model": type(model.own).__name__,
            "precision": request.precision,
            "dtype": str(model.placement[0]).removeprefix("torch."),
            "version": __version__,
            **({"without_attention": [*w]} if (w := found.without_attention) else {}),
            **({"past_blocks": past} if (past := round(model.past_blocks, 4)) else {}),
            **model.layer_config,
            **noted,
            **found.more,
        },
    )


def _routing(request: Request, found: Evidence) -> dict[str, Any]:
    """What is said of the choice of experts, where the model makes one."""
    if found.routing is None:
        return {}
    return {"routing": request.routing, "routing_scores": found.routing.tolist()}


def _pairs(relevance: Relevance, shown: IntArray) -> Relevance:
    """(L, T, T) of the tokens that are shown; no copy where these are the first."""
    if (shown == np.arange(len(shown))).all():
        return relevance[:, : len(shown), : len(shown)]
    return relevance[:, shown][:, :, shown]


def describe_calibration(method: str, shares: Mapping[str, float]) -> str:
    """Where the layer weights come from, or what the method says, with its shares of f(x)."""
    description = METHODS[method].calibration
    for name, share in shares.items():
        value = f"{share:+.2f}".replace("-", "−")
        description += f"; {name.replace('_', ' ')} {value} of f(x)"
    return description


def own_labels(text: TextInputs) -> tuple[str, ...]:
    """(C,) the names of the classes that are this text's own; empty where they are the model's."""
    return () if text.question is None else text.question.labels


def labels_of(model: BlockModel, n_classes: int, text: TextInputs) -> tuple[str, ...]:
    """(C,) the classes' names for this text, or their numbers."""
    return own_labels(text) or model.class_names(n_classes)


def _refuse_padding_that_matters(
    model: BlockModel, rows: Mapping[str, Tensor], first: Mapping[str, Tensor]
) -> None:
    n_tokens = first["input_ids"].shape[1] if "input_ids" in first else 0
    together, padded = _said_and_entering(model, {name: value[:1] for name, value in rows.items()})
    alone, entering = _said_and_entering(model, model.to_device(first))
    # What a token becomes before the blocks may take from its neighbours, in padding too.
    reads = not torch.allclose(padded[:, :n_tokens], entering[:, :n_tokens], rtol=1e-3, atol=1e-4)
    same = torch.allclose(together, alone, rtol=1e-3, atol=1e-4)
    if "attention_mask" not in rows or reads or not same:
        raise ValueError("padding changes what the model says of a text")


def _said_and_entering(model: BlockModel, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The logits, and what entered the first block on the way."""
    with record_calls(model.find(inputs)) as calls:
        logits = model.predict(inputs)
    return logits, calls[0].hidden
