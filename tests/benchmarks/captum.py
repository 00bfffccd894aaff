"""The engine against a loop of Captum over the layers: ``python -m tests.benchmarks.captum``.

Both sides explain the same logit of the same texts with the same baseline, in one process and on
one core. Captum runs as people run it: LayerIntegratedGradients, 50 steps, its default rule,
one layer after the other; and, as nobody can, with the smallest number of steps that reaches the
engine's tolerance. Errors are relative L1 errors of the token values against 200 nodes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

import calig_nb as cn

TOLERANCE = 0.01
STEPS = (4, 8, 12, 16, 20, 24, 32, 40, 50, 64, 80)


def seconds(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[float, Any]:
    """How long a call took, and what it returned."""
    began = time.perf_counter()
    result = call(*args, **options)
    return time.perf_counter() - began, result


def captum_layers(explainer: Any, text: str, target: int, n_steps: int) -> np.ndarray:
    """(L + 1, T) token values by Captum, layer by layer."""
    model, reader = explainer._model.model, explainer._reader
    inputs = reader.read(text)
    own = inputs.model_inputs
    ids = reader.baseline(inputs, "pad")[0]["input_ids"]
    rest = {name: value for name, value in own.items() if name != "input_ids"}

    def forward(input_ids: torch.Tensor) -> torch.Tensor:
        batch = {k: v.expand(len(input_ids), -1) for k, v in rest.items()}
        return model(input_ids=input_ids, **batch).logits[:, target]

    rows = []
    for module in [model.bert.embeddings, *model.bert.encoder.layer]:
        found = LayerIntegratedGradients(forward, module).attribute(
            own["input_ids"], ids, n_steps=n_steps, internal_batch_size=25
        )
        found = found[0] if isinstance(found, tuple) else found
        rows.append(found.sum(dim=-1)[0].detach().double().numpy())
    return np.stack(rows)


def error(found: np.ndarray, reference: np.ndarray) -> float:
    """The worst layer's relative L1 error."""
    errors = np.abs(found - reference).sum(axis=1) / np.abs(reference).sum(axis=1)
    return float(errors.max())


def main() -> None:
    """Print a row for each text and the ratios of the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="folder of a BERT classifier; the embedded one by default")
    parser.add_argument("--texts", type=Path, required=True, help="a file, one text a line")
    parser.add_argument("--most", type=int, default=20, help="texts to use")
    parser.add_argument("--no-oracle", action="store_true", help="leave the smallest steps out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    explainer = (
        cn.Explainer.from_pretrained(options.model, cache=False)
        if options.model
        else cn.load_demo("sentiment")
    )
    explainer.cache = None
    texts = options.texts.read_text(encoding="utf-8").splitlines()[: options.most]
    explainer.explain(texts[0])
    totals: dict[str, list[float]] = {"engine": [], "preview": [], "captum 50": [], "oracle": []}
    errors: dict[str, list[float]] = {name: [] for name in totals}
    failed = 0
    print(f"{'tokens':>6}" + "".join(f"{name:>11}" for name in totals) + " steps")
    for text in texts:
        reference = explainer.explain(text, n_steps=200)
        target, exact = reference.target, reference.layer_attributions
        cost: dict[str, float] = {}
        cost["engine"], found = seconds(explainer.explain, text, tolerance=TOLERANCE)
        cost["preview"], preview = seconds(explainer.explain, text, method="conductance")
        cost["captum 50"], fifty = seconds(captum_layers, explainer, text, target, 50)
        errors["engine"].append(error(found.layer_attributions, exact))
        errors["captum 50"].append(error(fifty, exact))
        errors["preview"].append(error(preview.layer_attributions, exact))
        failed += int((~found.converged).sum())
        steps = 0
        if not options.no_oracle:
            for steps in STEPS:
                cost["oracle"], best = seconds(captum_layers, explainer, text, target, steps)
                if error(best, exact) <= TOLERANCE:
                    break
            errors["oracle"].append(error(best, exact))
        for name, value in cost.items():
            totals[name].append(value)
        row = "".join(f"{cost.get(name, float('nan')):11.2f}" for name in totals)
        print(f"{len(found.tokens):6}{row} {steps:5}", flush=True)
    print(f"layers that did not converge: {failed}")
    for name, values in totals.items():
        if values:
            ratio = sum(values) / sum(totals["engine"])
            print(
                f"{name:10} {sum(values):8.1f} s, {ratio:6.2f} x engine, "
                f"token error median {statistics.median(errors[name]):.1e}, "
                f"worst {max(errors[name]):.1e}"
            )


if __name__ == "__main__":
    main()
