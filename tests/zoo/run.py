"""Each class in a process of its own: one that crashes or hangs is a verdict, never the end."""

from __future__ import annotations

import multiprocessing as mp
import multiprocessing.connection
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import transformers as hf

from .build import Entry
from .verdict import CRASH, Verdict, explain_class

PRELOADED = ("LlamaForCausalLM", "ViTForImageClassification", "T5ForConditionalGeneration")
"""What all have in common is imported once, before the fork."""
MEMORY = 6 << 30
"""Bytes that one class may take: one that was not made small is not to take the machine."""


def run_all(
    entries: Sequence[Entry],
    jobs: int = 1,
    timeout: float = 300,
    explain: Callable[..., Verdict] = explain_class,
    **options: Any,
) -> Iterator[Verdict]:
    """The verdicts, each as soon as it is there.

    Args:
        entries: The classes.
        jobs: How many at a time.
        timeout: Seconds for one.
        explain: Gives the verdict of one.
        **options: For ``explain``.
    """
    torch.set_num_threads(1)  # before the fork: threads do not survive it
    for name in PRELOADED:
        getattr(hf, name)
    context = mp.get_context("fork")
    waiting, running = list(reversed(entries)), []
    while waiting or running:
        while waiting and len(running) < jobs:
            entry = waiting.pop()
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(theirs, explain, entry, options))
            process.start()
            theirs.close()
            running.append((entry, process, ours, time.monotonic()))
        mp.connection.wait([ours for _, _, ours, _ in running], timeout=1)
        for one in [*running]:
            entry, process, ours, began = one
            late = time.monotonic() - began > timeout
            if not ours.poll() and process.is_alive() and not late:
                continue
            try:
                found = ours.recv() if ours.poll() else None
            except EOFError:
                found = None
            if found is None:
                if late:
                    process.kill()
                process.join()
                why = f"took over {timeout:.0f} s" if late else f"exit code {process.exitcode}"
                found = Verdict(entry, CRASH, remarks=(why,))
            process.join()
            ours.close()
            running.remove(one)
            yield found


def _work(connection: Any, explain: Callable[..., Verdict], entry: Entry, options: Any) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    try:
        found = explain(entry, **options)
    except BaseException as error:  # of the harness itself
        found = Verdict(entry, CRASH, remarks=(f"the harness: {type(error).__name__}: {error}",))
    connection.send(found)
