"""How far the engine is from the least work that exactness needs, on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from calig_nb.attribution.request import Target, score_function
from calig_nb.models.block_model import BlockModel
from calig_nb.models.kernels import UnfusedAttention
from calig_nb.models.points import Points

from .captum_loops import chosen_kernel, engine
from .models import Question, Subject, opened, texts_of
from .tables import Table
from .timing import timed

BATCH_TOKENS = 1024


def floor(names: Sequence[str], texts: Sequence[str], lengths: Sequence[int]) -> None:
    """Print a row for each model and length."""
    table = Table(
        "Work: the least that the nodes need, and what was counted",
        "model", "tokens", "nodes", "least GF", "all GF", "seconds", "GF/s", "peak GF/s",
        "passes", "of peak", "floor s",
    )  # fmt: skip
    for name in names:
        for n_tokens in lengths:
            subject = opened(name, n_tokens)
            question = subject.question(texts_of(subject, texts, n_tokens, 1)[0])
            answer = engine(subject, question)
            seconds, _ = timed(partial(engine, subject, question), 3)
            counted, peak = operations(partial(engine, subject, question)), matrix_peak(subject)
            work, passes = tail_passes(subject, question, answer.nodes.tolist())
            table.add(
                subject.name, question.n_tokens, int(answer.nodes.sum()), work / 1e9,
                counted / 1e9, seconds, counted / seconds / 1e9, peak / 1e9,
                f"{passes / peak:.0%}", f"{counted / seconds / peak:.0%}", work / peak,
            )  # fmt: skip
    print(
        "\nleast: a tail pass of each layer x its nodes, both ends of all paths from one pass; "
        "passes: the share of the peak that tail passes reach by themselves; of peak: that of "
        "the whole call; floor: the least work at the peak."
    )


def tail_passes(subject: Subject, question: Question, nodes: Sequence[int]) -> tuple[float, float]:
    """Floating-point operations of the least exact work, and those in a second of its passes."""
    model, score = (
        BlockModel(subject.model),
        score_function([[Target(question.target, None, "logit")]]),
    )

    def gradients(layer: int, hidden: torch.Tensor) -> None:
        points = Points({layer: hidden}, torch.zeros(len(hidden), dtype=torch.long))
        model.gradients(question.own, points, score)

    work = done = spent = 0.0
    with model.preserve(), chosen_kernel(subject), UnfusedAttention():  # all products are counted
        forward = model.forward(question.own, question.baseline)
        trace = forward.backward(score(forward.logits, forward.items))
        for layer, count in enumerate(nodes):
            hidden = trace.hidden_states[layer][:1]
            one = operations(partial(gradients, layer, hidden))
            batch = max(1, min(count, BATCH_TOKENS // hidden.shape[1]))
            points = hidden.expand(batch, *hidden.shape[1:])
            # Both ends of every path come from one pass through all blocks.
            work += one * max(0, count - 2) + (2 * one if layer == 0 else 0)
            spent += timed(partial(gradients, layer, points), 3)[0] / batch * count
            done += one * count
    return work, done / spent


def operations(call: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products in a call."""
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _Nowhere()  # following modules into a backward pass does not always work
    with counter:
        call()
    return int(counter.get_total_flops())


class _Nowhere(nullcontext):
    parents = frozenset(["Global"])


def matrix_peak(subject: Subject) -> float:
    """The most floating-point operations a second that any plain matrix product reaches here."""
    width = subject.model.config.hidden_size
    shapes = [(1024, n, k) for n in (width, 4 * width) for k in (width, 4 * width)]
    best = 0.0
    with torch.no_grad(), chosen_kernel(subject):
        for m, n, k in [*shapes, (1024, 1024, 1024), (2048, 2048, 2048)]:
            x, w = (torch.randn(s, device=subject.device) for s in ((m, k), (n, k)))
            ask = partial(torch.nn.functional.linear, x, w)
            ask()
            best = max(best, 2 * m * n * k / timed(ask, 9)[0])
    return best
