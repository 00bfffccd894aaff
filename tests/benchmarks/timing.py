"""Seconds, bytes and errors."""

from __future__ import annotations

import ctypes
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

T = TypeVar("T")
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def timed(call: Callable[[], T], repeats: int = 1) -> tuple[float, T]:
    """The least seconds of a call, and what it returned.

    On one thread these are the processor's own seconds, which nobody else's work disturbs.
    """
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    clock = time.process_time if alone else time.perf_counter
    best = float("inf")
    for _ in range(repeats):
        began = clock()
        result = call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        best = min(best, clock() - began)
    return best, result


def median_seconds(call: Callable[[], object], repeats: int = 9) -> float:
    """Median wall-clock seconds of a call, after one that warms up."""
    call()
    runs = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        runs.append(time.perf_counter() - began)
    return statistics.median(runs)


def token_error(found: np.ndarray, reference: np.ndarray) -> float:
    """The worst layer's relative L1 error of the token values."""
    errors = np.abs(found - reference).sum(axis=1) / np.abs(reference).sum(axis=1)
    return float(errors.max())


def correlation(found: np.ndarray, reference: np.ndarray) -> float:
    """Pearson's, of two maps; the mean over rows of two tables."""
    rows = zip(np.atleast_2d(found), np.atleast_2d(reference), strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in rows]))


def peak_memory(who: str, subject: str, question: dict[str, Any], **options: Any) -> float | None:
    """MiB above the loaded model that a contender takes at most, in an interpreter of its own.

    Args:
        who: A function of ``contenders``.
        subject: As ``subjects.opened`` takes it.
        question: ``n_tokens`` and ``text``.
        **options: The contender's.

    Returns:
        None where the system does not tell.
    """
    spec = {"who": who, "subject": subject, "question": question, "options": options}
    spec["threads"] = torch.get_num_threads()
    command = [sys.executable, "-m", __spec__.name, json.dumps(spec)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {who} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _measure(spec: dict[str, Any]) -> float | None:
    from . import captum_loops as contenders
    from . import models as subjects

    torch.set_num_threads(spec["threads"])
    if not _STATUS.exists() or not _RESET.exists():
        return None
    subject = subjects.opened(spec["subject"], spec["question"]["n_tokens"])
    run = getattr(contenders, spec["who"])
    if subject.explainer is not None:
        run(subject, subject.question("good"), **spec["options"])  # imports, and chooses a kernel
    question = subject.question(spec["question"]["text"])
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed goes back to the system
    before = _resident("VmRSS")
    _RESET.write_text("5")  # forgets the peak that was reached before
    run(subject, question, **spec["options"])
    return max(0.0, _resident("VmHWM") - before)


def _resident(name: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def middle(values: Sequence[float]) -> float:
    """The median; NaN of none."""
    return statistics.median(values) if values else float("nan")


if __name__ == "__main__":
    print(json.dumps(_measure(json.loads(sys.argv[1]))))
