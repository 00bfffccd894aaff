"""The ways to one answer: token values of every layer. This package's, and loops over Captum's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from captum.attr import LayerConductance, LayerIntegratedGradients
from torch import Tensor

from calig_nb.attribution import METHOD_FUNCTIONS
from calig_nb.attribution.evidence import Batch, fastest_kernels
from calig_nb.attribution.request import Request
from calig_nb.models import kernels
from calig_nb.models.block_model import BlockModel
from calig_nb.models.memory import Budget

from ..helpers.captum_probes import probes
from .models import Question, Subject

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Answer:
    """(layers, tokens) values with the nodes and the verdict of each layer.

    Attributes:
        map: (tokens,) the fused explanation, where there is one.
    """

    values: Array
    nodes: Array
    converged: Array
    map: Array | None = None


def engine(subject: Subject, question: Question, **request: Any) -> Answer:
    """This package, by its public way for texts; attention gradients of all layers included."""
    if subject.explainer is not None:
        got = subject.explainer.explain(question.text, target=question.target, **request)
        return Answer(got.layer_attributions, got.n_steps, got.converged, got.attributions)
    model, budget = BlockModel(subject.model), Budget.from_options(None, None, subject.device)
    asked = Request(target=question.target, **request)
    batch = Batch(question.own, question.baseline, [""], [[asked]], [()], [question.text])
    with model.preserve(), fastest_kernels(model, batch.inputs):
        ((got,),) = METHOD_FUNCTIONS[asked.method](model, batch, budget)
    return Answer(got.layer_attributions, got.n_steps, got.converged)


def preview(subject: Subject, question: Question, **request: Any) -> Answer:
    """All layers from one path."""
    return engine(subject, question, method="conductance", **request)


def captum(
    subject: Subject, question: Question, n_steps: int, batch: int, layers: Sequence[int] = ()
) -> Answer:
    """LayerIntegratedGradients as people run it: one layer after the other, its default rule."""
    name, *_ = question.own

    def forward(first: Tensor, *others: Tensor) -> Tensor:
        rest = dict(zip(question.rest, others, strict=True))
        return question.score(subject.model(**{name: first}, **rest).logits)

    with probes(*subject.chain) as places:
        return _each(
            [places[layer] for layer in layers] or places,
            lambda place: LayerIntegratedGradients(forward, place).attribute(
                question.own[name],
                question.baseline[name],
                additional_forward_args=tuple(question.rest.values()),
                n_steps=n_steps,
                internal_batch_size=batch,
            ),
            n_steps,
        )


def captum_conductance(
    subject: Subject, question: Question, n_steps: int, batch: int, layers: Sequence[int] = ()
) -> Answer:
    """LayerConductance, one layer after the other, along the path of the embeddings."""
    model = subject.model
    with probes(*subject.chain) as places, torch.no_grad():
        ends: list[Tensor] = []
        with places[0].register_forward_hook(lambda _, args, __: ends.append(args[0])):
            model(**question.own)
            model(**question.baseline)

    def forward(embedded: Tensor) -> Tensor:
        rows = {k: v.expand(len(embedded), *v.shape[1:]) for k, v in question.own.items()}
        with places[0].register_forward_hook(lambda *_: embedded):
            return question.score(model(**rows).logits)

    with probes(*subject.chain) as places:
        after = places[1:]  # the first is the path itself
        return _each(
            [after[layer] for layer in layers] or after,
            lambda place: LayerConductance(forward, place).attribute(
                ends[0], ends[1], n_steps=n_steps, internal_batch_size=batch
            ),
            n_steps,
        )


def _each(places: Sequence[torch.nn.Module], attribute: Any, n_steps: int) -> Answer:
    rows = []
    for place in places:
        found = attribute(place)
        found = found[0] if isinstance(found, tuple) else found
        rows.append(found.sum(dim=-1)[0].detach().double().cpu().numpy().ravel())
    longest = max(len(row) for row in rows)
    values = np.stack([np.pad(row, (0, longest - len(row))) for row in rows])
    return Answer(values, np.full(len(rows), n_steps), np.ones(len(rows), bool))


def forward(subject: Subject, question: Question) -> Tensor:
    """The model's own pass, which everything else is made of."""
    with torch.no_grad():
        return subject.model(**question.own).logits


@contextmanager
def default_kernel() -> Iterator[None]:
    """This package without the matrix kernel that it would choose."""
    with patch.object(kernels, "_is_worthwhile", lambda: False):
        yield


@contextmanager
def chosen_kernel(subject: Subject) -> Iterator[bool]:
    """Anybody with the kernels that this package would choose; yields whether it does."""
    with ExitStack() as stack:
        chosen = stack.enter_context(kernels.fast_matmul(torch.float32, subject.device))
        if chosen:
            stack.enter_context(kernels.UnfusedAttention())
        yield chosen
