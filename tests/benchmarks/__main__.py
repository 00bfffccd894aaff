"""Speed on one core. ``python -m tests.benchmarks`` prints a table; nothing here is a test."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch

TWENTY_WORDS = (
    "The plot is thin and the jokes are old, but the acting is superb and the ending moved me "
    "to tears."
)
FRESH = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def fresh(statement: str, repeats: int = 5) -> float:
    """Median seconds that a statement takes in a new interpreter."""
    code = FRESH.format(statement)
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(repeats)
    ]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)


def timed(call: Callable[[], object], repeats: int = 9) -> float:
    """Median seconds of a call, after one that warms up."""
    call()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    import calig_nb as cn
    from calig_nb.cache import Cache

    explainer = cn.load_demo("sentiment")
    kept, explainer.cache = Cache(tempfile.mkdtemp()), None
    explanation = explainer.explain(TWENTY_WORDS)
    rows = [
        ("import calig_nb", fresh("import calig_nb")),
        ("load_demo, transformers already imported", timed(lambda: cn.load_demo("sentiment"), 3)),
        (
            "load_demo after import torch",
            fresh(
                "import torch; began = time.perf_counter(); import calig_nb; calig_nb.load_demo()",
                3,
            ),
        ),
        (
            f"explain {len(TWENTY_WORDS.split())} words, {len(explanation.tokens)} tokens",
            timed(lambda: explainer.explain(TWENTY_WORDS)),
        ),
        (
            "the same by method='conductance'",
            timed(lambda: explainer.explain(TWENTY_WORDS, method="conductance")),
        ),
        ("with_lam and attributions", timed(lambda: explanation.with_lam(0.3).attributions)),
        ("show", timed(explanation.show)),
        ("figure", timed(explanation.figure)),
    ]
    explainer.cache = kept
    rows.append(("the same, asked before", timed(lambda: explainer.explain(TWENTY_WORDS))))
    print(f"one core of this machine, torch {torch.__version__}, median")
    for what, seconds in rows:
        print(f"{what:45} {1000 * seconds:9.1f} ms")


if __name__ == "__main__":
    main()
