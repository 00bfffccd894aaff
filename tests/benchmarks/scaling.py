"""How time and memory grow with the tokens, the blocks and the precision that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .captum_loops import engine, forward
from .models import opened, texts_of
from .tables import Table
from .timing import peak_memory, timed

SHAPE = "bert-{}x384"


def growth(
    name: str,
    texts: Sequence[str],
    lengths: Sequence[int] = (128, 256, 384, 512),
    depths: Sequence[int] = (6, 12, 24),
    tolerances: Sequence[float] = (1e-2, 1e-3, 1e-4),
    memory: bool = True,
) -> None:
    """Print a row for each size: tokens and tolerances on a model, depths on random shapes.

    The last columns are the engine's seconds over those of the model's own forward pass times the
    nodes, and its memory over that of the forward pass: what stays level grows no faster.
    """
    table = Table(
        "Growth, beside the model's own forward pass x nodes",
        "model", "tokens", "blocks", "tolerance", "nodes", "seconds", "forward", "x nodes",
        "ratio", "MiB", "forward", "ratio",
    )  # fmt: skip
    deep = [SHAPE.format(depth) for depth in depths]
    sizes = [
        *((name, n_tokens, 1e-2) for n_tokens in lengths),
        *((name, lengths[0], tolerance) for tolerance in tolerances),
        *((shape, lengths[0], 1e-2) for shape in deep),
    ]
    for who, n_tokens, tolerance in dict.fromkeys(sizes):
        subject = opened(who, n_tokens)
        text = texts_of(subject, texts, n_tokens, 1)[0]
        question = subject.question(text)
        ask = partial(engine, subject, question, tolerance=tolerance)
        nodes = int(ask().nodes.sum())
        seconds, _ = timed(ask, 2)
        once, _ = timed(partial(forward, subject, question), 9)
        ours = plain = None
        if memory:
            asked = {"n_tokens": n_tokens, "text": text}
            ours = peak_memory("engine", who, asked, tolerance=tolerance)
            plain = peak_memory("forward", who, asked)
        table.add(
            subject.name, question.n_tokens, subject.chain[1], tolerance, nodes, seconds, once,
            once * nodes, seconds / once / nodes, ours, plain, ours / plain if plain else None,
        )  # fmt: skip
