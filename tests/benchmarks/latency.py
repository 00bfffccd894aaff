"""What a person waits for: importing, loading, explaining, showing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile

from .tables import Table
from .timing import median_seconds, timed

TWENTY_WORDS = (
    "The plot is thin and the jokes are old, but the acting is superb and the ending moved me "
    "to tears."
)
FRESH = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def waits() -> None:
    """Print a row for each."""
    import calig_nb as cn
    from calig_nb.pipeline.cache import Cache

    table = Table("What a person waits for, median", "what", "ms")
    explainer = cn.load_demo("sentiment")
    explainer.cache = None
    explanation = explainer.explain(TWENTY_WORDS)
    load = "import torch; began = time.perf_counter(); import calig_nb; calig_nb.load_demo()"
    table.add("import calig_nb", 1000 * fresh("import calig_nb"))
    table.add("load_demo, transformers imported", 1000 * median_seconds(cn.load_demo, 3))
    table.add("load_demo after import torch", 1000 * fresh(load, 3))
    words, tokens = len(TWENTY_WORDS.split()), len(explanation.tokens)
    for what, call in (
        (f"explain {words} words, {tokens} tokens", lambda: explainer.explain(TWENTY_WORDS)),
        ("the preview", lambda: explainer.explain(TWENTY_WORDS, method="conductance")),
        ("with_lam and attributions", lambda: explanation.with_lam(0.3).attributions),
        ("show", explanation.show),
        ("figure", explanation.figure),
    ):
        table.add(what, 1000 * median_seconds(call))
    with tempfile.TemporaryDirectory() as folder:
        explainer.cache = Cache(folder)
        again = median_seconds(lambda: explainer.explain(TWENTY_WORDS))
    table.add("explain what was asked before", 1000 * again)
    hit, one_pass = hit_and_pass(12, 768)
    table.add("the same with BERT-base's shape, 128 tokens", 1000 * hit)
    table.add("of which its check, a plain pass of two rows", 1000 * one_pass)


def hit_and_pass(layers: int, width: int, repeats: int = 5) -> tuple[float, float]:
    """Seconds of an answer from the cache, its check included, and of a plain pass of two rows.

    Args:
        layers: Of a BERT with random weights.
        width: Its hidden size.
        repeats: The least of so many counts.
    """
    import torch
    import transformers as hf

    from calig_nb import Explainer

    from ..helpers.zoo import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = 512
    config = hf.BertConfig(
        vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers,
        num_attention_heads=width // 64, intermediate_size=4 * width,
    )  # fmt: skip
    model = hf.BertForSequenceClassification(config).eval()
    text = " ".join(["film"] * 126)
    rows = tokenizer([text, text], return_tensors="pt")

    def one_pass() -> None:
        with torch.no_grad():
            model(**rows)

    with tempfile.TemporaryDirectory() as folder:
        explainer = Explainer(model, tokenizer, cache=folder)

        def hit() -> None:
            explainer.explain(text, target=0, method="gradient-x-input")

        for call in (hit, hit, one_pass):
            call()
        return timed(hit, repeats)[0], timed(one_pass, repeats)[0]


def fresh(statement: str, repeats: int = 5) -> float:
    """Median seconds that a statement takes in a new interpreter."""
    code = FRESH.format(statement)
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(repeats)
    ]
    return statistics.median(float(run.stdout.split()[-1]) for run in runs)
