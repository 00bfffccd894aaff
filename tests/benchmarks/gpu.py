"""The engine and the Captum loop on a GPU, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch

from .against_captum import best_batch, extrapolated
from .captum_loops import Answer, captum, engine
from .models import opened, texts_of
from .tables import Table
from .timing import timed, token_error


def on_gpu(names: Sequence[str], texts: Sequence[str], lengths: Sequence[int], steps: int) -> None:
    """Print a row for each model and length; a sentence where there is no GPU."""
    if not torch.cuda.is_available():
        print("\nNo GPU: torch.cuda finds none here, so its rows are left out.")
        return
    table = Table(
        f"On {torch.cuda.get_device_name()}",
        "model", "tokens", "engine s", "captum s", "ratio", "engine MiB", "captum MiB", "error",
    )  # fmt: skip
    for name in names:
        for n_tokens in lengths:
            subject = opened(name, n_tokens, "cuda")
            question = subject.question(texts_of(subject, texts, n_tokens, 1)[0])
            ask = partial(engine, subject, question)
            found = ask()
            seconds, _ = timed(ask, 3)
            batch = best_batch(captum, subject, question, steps)
            loop = partial(captum, subject, question, steps, batch)
            ratio = error = None
            if subject.scale_only:
                other = extrapolated(captum, subject, question, steps, batch)
            else:
                other, _ = timed(loop)
                ratio = other / seconds
                exact = engine(subject, question, n_steps=200).values
                error = token_error(found.values, exact)
            theirs = _peak(partial(loop, layers=(0,)))
            table.add(
                subject.name, question.n_tokens, seconds, other, ratio, _peak(ask), theirs, error
            )


def _peak(call: Callable[[], Answer]) -> float:
    """MiB that a call takes above what was there before."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return (torch.cuda.max_memory_allocated() - before) / 2**20
