"""What figures say of made-up explanations, for the views to say the same.

``python -m tests.helpers.told`` writes the vectors that the JavaScript tests share.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from calig_nb.explanation import formatting
from calig_nb.explanation.comparison import align
from calig_nb.explanation.explanation import Explanation
from calig_nb.explanation.fusion import Fusion
from calig_nb.figures.canvas.page import Page
from calig_nb.figures.flow import place_flow
from calig_nb.figures.options import State
from calig_nb.figures.rollout import matrix_story, reading_note
from calig_nb.figures.scene.comparison import compare, comparison_story
from calig_nb.figures.scene.matrix import Matrix
from calig_nb.figures.scene.patch_comparison import ComparedPictures, pictures_story
from calig_nb.figures.scene.patch_map import PatchMap
from calig_nb.figures.scene.patch_story import patch_story
from calig_nb.figures.scene.scene import scene_of
from calig_nb.figures.scene.story import flow_story, text_of, text_story
from calig_nb.widgets import wire

from .made_up_pictures import explained_picture

VECTORS = Path(__file__).parents[1] / "data" / "sentences.json"
NUMBERS = (0.0, 1e-9, 0.0004, 0.004, -0.0126, 0.126, 0.5, -1.5, 0.9996, 12.345, None)
NAMES = ("film", "film", ",", "internationalisation", "internationalisation", "رائع", "🙂🙂")
WORDS = ("not", "good", ",", "but", "good", "enough")


def text(words: tuple[str, ...] = WORDS, seed: int = 0, **more: Any) -> Explanation:
    """A sentence of made-up evidence over three layers."""
    rng = np.random.default_rng(seed)
    tokens, layers = ("[CLS]", *words, "[SEP]"), 3
    count = len(tokens)
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])[:-1].tolist()
    offsets = [(0, 0), *((at, at + len(word)) for at, word in zip(starts, words)), (0, 0)]
    special = np.array([True, *[False] * len(words), True])
    return Explanation(
        text=" ".join(words),
        tokens=tokens,
        special=special,
        offsets=np.array(offsets),
        word_ids=np.where(special, -1, np.arange(count) - 1),
        sentence_ids=np.where(special, -1, 0),
        **{
            "labels": ("bad", "good"),
            "probabilities": np.array([0.2, 0.8]),
            "target": 1,
            "contrast": None,
            "score": 2.25,
            "baseline_scores": np.full(layers + 1, 0.5),
            "layer_attributions": rng.normal(size=(layers + 1, count)),
            "attention_relevance": rng.normal(size=(layers, count, count)).astype(np.float32),
            "layer_weights": np.array([1.0, 0.75, 0.5]),
            "fusion": Fusion(),
            "n_steps": np.full(layers + 1, 8),
            "token_error": np.full(layers + 1, np.nan),
            "converged": np.full(layers + 1, True),
            "config": {"output": "margin", "antisymmetric": True, "method": "ca-lig"},
            **more,
        },
    )


def lossy() -> Explanation:
    """The same with two values that are not numbers."""
    whole = text()
    g = whole.attention_relevance.copy()
    g[1, 4, 2] = g[2, 3, 3] = np.nan
    return text(attention_relevance=g)


EXPLANATIONS = {
    "text": text(),
    "edited": text(("not", "bad", ",", "but", "good", "enough"), seed=1,
                   probabilities=np.array([0.7, 0.3])),
    "other": text(seed=2),
    "lost": lossy(),
    "picture": explained_picture((3, 3), 3),
    "second picture": explained_picture((3, 3), 3, seed=1),
    "coarse picture": explained_picture((2, 2), 3),
}  # fmt: skip
STORIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("flow", "text", state) for state in (
        {}, {"selected": [2]}, {"selected": [2, 5]}, {"layer": 0}, {"layer": 1}, {"layer": 2},
        {"play": 1.5}, {"play": 3}, {"granularity": "token", "lam": 0.2}, {"target": 0},
        {"granularity": "sentence"},
    )),
    *(("text", "text", state) for state in (
        {}, {"layer": 0}, {"layer": 2}, {"selected": [5]}, {"selected": [1, 2]}, {"target": 0},
    )),
    *(("text", "lost", state) for state in ({}, {"selected": [2]})),
    *(("matrix", "text", state) for state in (
        {}, {"layer": 1, "alone": True}, {"layer": 0}, {"cell": [4, 2]},
        {"cell": [3, 3], "channel": "supporting", "residual": True},
        {"cell": [3, 3], "channel": "opposing", "residual": True, "layer": 1, "alone": True},
        {"granularity": "sentence", "channel": "opposing"},
    )),
    ("matrix", "lost", {"cell": [4, 2]}),
    *(("patches", "picture", {"granularity": "token", **state}) for state in (
        {}, {"selected": [4]}, {"selected": [4, 5]}, {"layer": 1}, {"play": 3},
        {"selected": [4], "layer": 1}, {"selected": [4, 9], "layer": 2}, {"lam": 0.0},
    )),
)  # fmt: skip
COMPARED: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    *(("comparison", ("text", "edited"), state) for state in (
        {}, {"selected": [2]}, {"layer": 1}, {"granularity": "sentence"},
    )),
    ("comparison", ("text", "other", "edited"), {}),
    ("comparison", ("text", "other"), {}),
    ("comparison", ("text", "text"), {}),
    *(("pictures", ("picture", "second picture"), {"granularity": "token", **state}) for state in (
        {}, {"selected": [1, 2]}, {"selected": [1, 2, 3, 4]},
    )),
    *(("pictures", ("picture", "coarse picture"), {"granularity": "token", **state}) for state in (
        {}, {"selected": [2, 3]}, {"selected": [1, 2, 3, 4]},
    )),
)  # fmt: skip


def say(view: str, explanation: Explanation, state: dict[str, Any]) -> list[str]:
    """What a figure says of one explanation."""
    scene = scene_of(explanation, State.of(explanation, state))
    if view == "text":
        return [text_of(text_story(scene))]
    if view == "flow":
        return [text_of(flow_story(scene, place_flow(Page(7, "light"), scene)[1].drawn))]
    if view == "matrix":
        m = Matrix(scene)
        return [text_of(matrix_story(m)), *([] if m.missing else [reading_note(m)])]
    links = PatchMap(scene).links(scene.selected) if scene.selected else None
    return [text_of(patch_story(scene, links))]


def say_of_several(
    view: str, explanations: list[Explanation], names: tuple[str, ...], state: dict[str, Any]
) -> list[str]:
    """What a figure says of several explanations."""
    c = compare(explanations, names, State(**state))
    if view == "comparison":
        return [text_of(comparison_story(c))]
    p = ComparedPictures(c)
    sums = [p.sum_of(i) for i in range(len(names))]
    differences = [p.sum_of(i, difference=True) for i in p.differences]
    return [text_of(pictures_story(p)), *p.lacking, *sums, *differences]


def packed(explanation: Explanation) -> dict[str, Any]:
    """What a view gets of an explanation, its arrays as text."""
    arrays = {
        "_r": wire.floats(explanation.layer_attributions),
        "_G_columns": wire.column_sums(explanation),
        "_matrices": wire.matrices(explanation)[2],
    }
    own = {"_meta": wire.meta(explanation), "_grid": explanation.grid}
    return {**own, **{name: b64encode(content).decode() for name, content in arrays.items()}}


def compared() -> Iterator[dict[str, Any]]:
    """Each comparison with its rows and its sentences."""
    for view, names, state in COMPARED:
        explanations = [EXPLANATIONS[name] for name in names]
        grains = ("token", "word", "sentence", "passage")
        rows = {grain: align(explanations, grain) for grain in grains}
        told = say_of_several(view, explanations, names, state)
        yield {"view": view, "names": names, "state": state, "rows": rows, "told": told}


def vectors() -> dict[str, Any]:
    """Explanations, and all that is said of them; numbers and names as they are printed."""
    numbers = [np.nan if value is None else value for value in NUMBERS]
    written = {
        "signed": [formatting.signed(value) for value in numbers],
        "number": [formatting.number(value, 3) for value in numbers],
        "percent": [formatting.percent(abs(value)) for value in numbers],
        "error": [formatting.error(abs(value)) for value in numbers],
        "digits": [formatting.digits_of(value) for value in numbers],
        "labels": formatting.distinct_labels(NAMES),
        "short": [formatting.shorten(name, 16) for name in formatting.distinct_labels(NAMES)],
        "layers": [formatting.layer_name(3, b) for b in range(4)],
    }
    stories = [
        {"view": view, "name": name, "state": state, "told": say(view, EXPLANATIONS[name], state)}
        for view, name, state in STORIES
    ]
    return {
        "numbers": NUMBERS,
        "names": NAMES,
        "written": written,
        "explanations": {name: packed(one) for name, one in EXPLANATIONS.items()},
        "stories": stories,
        "compared": list(compared()),
    }


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(vectors(), ensure_ascii=False) + "\n", "utf-8")
