"""``python -m tests.zoo``: the table of every class of transformers."""

from __future__ import annotations

import argparse
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CALIG_NB_CACHE"] = "off"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from .build import TASKS, entries
from .run import run_all
from .table import counts, write


def main() -> int:
    """Run what is asked for, line by line, then the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo", description=__doc__)
    parser.add_argument("--task", action="append", choices=TASKS, help="by default all")
    parser.add_argument("--only", action="append", default=[], help="classes whose name holds this")
    parser.add_argument("--seed", type=int, default=0, help="of weights and texts")
    parser.add_argument("--jobs", type=int, default=1, help="classes at a time")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one class")
    parser.add_argument("--untrained-padding", action="store_true", help="its embedding is zero")
    parser.add_argument("--write", action="store_true", help="put the table in models/README.md")
    parser.add_argument("--verdict", action="append", default=[], help="show these verdicts only")
    asked = parser.parse_args()
    found = [
        one
        for task in asked.task or TASKS
        for one in entries(task)
        if not asked.only or any(part.lower() in one.name.lower() for part in asked.only)
    ]
    verdicts = []
    options = {"seed": asked.seed, "untrained_padding": asked.untrained_padding}
    for one in run_all(found, asked.jobs, asked.timeout, **options):
        verdicts.append(one)
        if not asked.verdict or one.verdict in asked.verdict:
            error = "" if one.error is None else f"{one.error:.2%}"
            name = f"{one.entry.task:8} {one.entry.name:44}"
            print(f"{name} {one.verdict:13} {error:>9}  {one.remark}", flush=True)
    print(counts(verdicts))
    if asked.write:
        write(verdicts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
