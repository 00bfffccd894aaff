"""Methods on pictures: perturbation AUC with paired intervals.

The table of pictures in ``calig_nb/evaluation/README.md``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import calig_nb as cn
from calig_nb.evaluation.bootstrap import bootstrap
from calig_nb.evaluation.deletion import Scorer, ordinary_words, spread_to_tokens, sum_by_unit
from calig_nb.evaluation.patch_deletion import perturbation_auc, removals

METHODS = (
    "ca-lig", "layer-ig", "ig", "gradient-x-input", "conservative", "attention-rollout",
    "gradient-rollout", "occlusion",
)  # fmt: skip
RANDOM = "random"
FOLDER = Path(cn.__file__).parent / "demo" / "pictures"
WAYS = ("mean", "blur")
ENDINGS = (".png", ".jpg", ".jpeg")


def found_in(folder: Path | None, n: int, seed: int = 0) -> list[Path]:
    """n pictures of a folder and those below it, drawn at random; by default the examples."""
    folder = FOLDER if folder is None else folder
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if not files:
        raise ValueError(f"{folder} must hold pictures ({', '.join(ENDINGS)}), got none.")
    chosen = np.random.default_rng(seed).permutation(len(files))[:n]
    return [files[i] for i in sorted(chosen)]


def areas(
    explainer: cn.Explainer, pictures: Sequence[Path], methods: Sequence[str], seed: int = 0
) -> tuple[list[str], np.ndarray]:
    """(pictures, methods, ways, 2) perturbation AUC, positive and negative; names, random last.

    The class is the predicted one; a curve says whether it still is.
    """
    scorer = Scorer(explainer.engine)
    reader = explainer.engine.reader
    named = {name: explainer.explain(pictures, method=name, progress=False) for name in methods}
    table = []
    for i, path in enumerate(pictures):
        text = reader.read(path)
        units = ordinary_words(text)
        maps = [sum_by_unit(own[i].attributions, units) for own in named.values()]
        maps.append(np.random.default_rng([seed, i]).standard_normal(len(units)))
        plan = np.stack([removals(scores) for scores in maps])  # (methods, 2, shares, units)
        rows = spread_to_tokens(plan.reshape(-1, len(units)), units, len(text.tokens))
        rows, where = np.unique(rows, axis=0, return_inverse=True)
        target = next(iter(named.values()))[i].target
        of_ways = []
        for way in WAYS:
            logits = scorer.logits([reader.delete_units(text, row, way) for row in rows])
            kept = (logits.argmax(dim=1) == target).numpy()[where.reshape(-1)]
            of_ways.append(perturbation_auc(kept.reshape(plan.shape[:3])))
        table.append(np.stack(of_ways, axis=1))
    return [*named, RANDOM], np.stack(table)


def pictures(folder: Path | None, n: int, model: str | Path, methods=METHODS) -> None:
    """Print the table: means, and ▲ better, ▽ worse than the first where intervals exclude zero."""
    explainer = cn.Explainer.from_pretrained(model)
    explainer.cache = None
    files = found_in(folder, n)
    began = time.monotonic()
    names, found = areas(explainer, files, methods)
    weights = explainer.layer_weights
    said = "none" if weights is None else np.array2string(weights, precision=2)
    took = time.monotonic() - began
    print(f"\n### {Path(model).name}, {len(files)} pictures, {took:.0f} s; layer weights {said}\n")
    sides = (("positive", "↓"), ("negative", "↑"))
    columns = [f"{side}, {way} {arrow}" for way in WAYS for side, arrow in sides]
    print("| method | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    flat = found.reshape(*found.shape[:2], -1)  # (pictures, methods, ways and sides)
    better = np.array([-1, 1] * len(WAYS))
    means = bootstrap(flat)
    paired = bootstrap((flat - flat[:, :1]) * better)
    for m, name in enumerate(names):
        cells = []
        for c in range(len(columns)):
            _, low, high = paired[:, m, c]
            mark = " ▲" if low > 0 else " ▽" if high < 0 else ""
            mean, start, end = means[:, m, c]
            cells.append(f"{mean:.1f} ({start:.1f} to {end:.1f}){mark}")
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print(f"\n### {names[0]} against the others, paired, positive is better for it\n")
    print("| method | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for m, name in enumerate(names[1:], 1):
        cells = [f"{0 - a:+.1f} ({0 - c:+.1f} to {0 - b:+.1f})" for a, b, c in paired[:, m].T]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
