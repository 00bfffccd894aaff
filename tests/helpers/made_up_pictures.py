"""Made-up explanations of a picture: a drawing in which it is known what decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calig_nb.explanation.explanation import Explanation
from calig_nb.explanation.fusion import Fusion


def drawing(height: int = 96, width: int = 96) -> npt.NDArray[np.uint8]:
    """A sun over a hill below a clear sky: (height, width, 3)."""
    y, x = np.mgrid[0 : 1 : 1j * height, 0 : 1 : 1j * width]
    sky = np.stack([110 + 90 * y, 160 + 60 * y, 235 - 15 * y], -1)
    hill = y > 0.72 - 0.16 * np.sin(3.2 * x)
    grass = np.stack([60 + 50 * y, 120 + 30 * np.sin(24 * x) * y, 60 + 10 * x], -1)
    picture = np.where(hill[..., None], grass, sky)
    away = np.hypot((x - 0.66) * width / height, y - 0.3)
    glow = np.clip((0.2 - away) / 0.02, 0, 1)[..., None]
    return np.asarray(np.rint(picture + (np.array([250, 205, 60]) - picture) * glow), np.uint8)


def explained_picture(
    grid: tuple[int, int] = (8, 8), layers: int = 6, seed: int = 0,
    image: npt.NDArray[np.uint8] | None = None, **more: Any,
) -> Explanation:  # fmt: skip
    """A picture whose sun supports "sun" and whose hill opposes it; [CLS] stands before."""
    rng = np.random.default_rng(seed)
    rows, columns = grid
    image = drawing(12 * rows, 12 * columns) if image is None else image
    count = rows * columns + 1
    y, x = np.divmod(np.arange(rows * columns), columns)
    y, x = (y + 0.5) / rows, (x + 0.5) / columns
    away = np.hypot(x - 0.66, y - 0.3)
    own = np.exp(-((away / 0.16) ** 2)) - 0.45 * (y > 0.75) * (0.4 + 0.6 * x)
    own = np.concatenate([[0.05], own + rng.normal(0, 0.05, len(own))])
    r = np.empty((layers + 1, count))
    for b in range(layers + 1):
        blur = rng.normal(0, 0.05 + 0.25 * b / layers, count)
        r[b] = own * (1 - 0.5 * b / layers) + blur
    r += ((2.4 - r.sum(axis=1)) / count)[:, None]
    places = np.stack([np.concatenate([[0.5], y]), np.concatenate([[0.5], x])], -1)
    distance = np.linalg.norm(places[:, None] - places[None], axis=-1)
    g = rng.normal(0, 1, (layers, count, count)) ** 3 * np.exp(-distance / 0.15) * 0.02
    g += own[None, None] * np.exp(-distance / 0.2) * 0.05
    g[:, 0] += own * 0.3
    special = np.zeros(count, bool)
    special[0] = True
    names = [f"row {r}, column {c}" for r in range(1, rows + 1) for c in range(1, columns + 1)]
    numbers = np.arange(rows * columns)
    score = 3.1
    return Explanation(**{
        "text": "", "tokens": ("[CLS]", *names), "special": special,
        "offsets": np.zeros((count, 2), int),
        "word_ids": np.concatenate([[-1], numbers]),
        "sentence_ids": np.concatenate([[-1], numbers // columns]),
        "labels": ("moon", "sun"), "probabilities": np.array([0.08, 0.92]),
        "target": 1, "contrast": None, "score": score,
        "baseline_scores": np.full(layers + 1, score - 2.4 + 0.02),
        "layer_attributions": r, "attention_relevance": g.astype(np.float32),
        "layer_weights": np.array([1.0, *np.linspace(0.9, 0.3, layers - 1)])[:layers],
        "fusion": Fusion(), "n_steps": np.full(layers + 1, 14),
        "token_error": np.full(layers + 1, np.nan), "converged": np.full(layers + 1, True),
        "config": {"output": "margin", "antisymmetric": True, "method": "ca-lig",
                   "baselines": "mean", "calibration": "layer weights from 8 pictures"},
        "image": image, "grid": grid,
        **more,
    })  # fmt: skip
