"""What the fields of an explanation must be: kinds, shapes and ranges. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .._validation import (
    instance_of,
    list_of,
    read_only,
    real_between,
    shown,
    valid_text,
    whole_number,
)
from .fusion import Fusion

ARRAYS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "special": ("b", ("T",)),
    "offsets": ("i", ("T", 2)),
    "word_ids": ("i", ("T",)),
    "sentence_ids": ("i", ("T",)),
    "segment_ids": ("i", ("T",)),
    "probabilities": ("f", ("C",)),
    "baseline_scores": ("f", ("L + 1",)),
    "layer_attributions": ("f", ("L + 1", "T")),
    "attention_relevance": ("f", ("L", "T", "T")),
    "layer_weights": ("f", ("L",)),
    "n_steps": ("i", ("L + 1",)),
    "token_error": ("f", ("L + 1",)),
    "converged": ("b", ("L + 1",)),
    "given": ("f", (2, "L", "T")),
}
"""Of each array its kind, as NumPy's letter, and its shape: T tokens, L layers, C classes."""
MOST_WORDS = 1 << 31
"""No text has so many; a part of one keeps the numbers that its words have in the whole."""
NESTED = 4
"""So many lists may lie in each other in the configuration."""


def checked_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an explanation, checked, as it keeps them; arrays are read-only.

    Args:
        given: By name; what has no rule is left out.

    Raises:
        TypeError: If a field is of the wrong kind.
        ValueError: If one has another shape than fits the others, or a value out of its range.
    """
    found: dict[str, Any] = {"text": valid_text(instance_of("text", given["text"], str))}
    for name in ("tokens", "labels"):
        parts = [instance_of(name, part, str) for part in list_of(name, given[name], "texts")]
        found[name] = tuple(map(valid_text, parts))
    n_layers = np.shape(_array("layer_weights", given["layer_weights"]))[:1] or (0,)
    sizes = {"T": len(found["tokens"]), "L": n_layers[0], "C": len(found["labels"])}
    if not all(sizes.values()):
        raise ValueError(f"tokens, layer_weights and labels must hold something, got {sizes}.")
    sizes["L + 1"] = sizes["L"] + 1
    for name, (kind, letters) in ARRAYS.items():
        if name in given and not (name == "segment_ids" and given[name] is None):
            shape = tuple(n if isinstance(n, int) else sizes[n] for n in letters)
            found[name] = read_only(name, given[name], shape, kind)
    for name in ("target", "contrast"):
        if name == "target" or given[name] is not None:
            found[name] = whole_number(name, given[name], 0, sizes["C"] - 1)
    found["score"] = real_between("score", given["score"], -1e300, 1e300, rule="be finite")
    instance_of("fusion", given["fusion"], Fusion, "Import it from calig_nb.")
    found |= _checked_picture(given.get("image"), given.get("grid"), found["special"])
    _check_ranges(found)
    _check_config(given["config"], found)
    return found


def _array(name: str, value: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array, got {shown(value)}.") from None


def _checked_picture(image: Any, grid: Any, special: npt.NDArray[np.bool_]) -> dict[str, Any]:
    if (image is None) != (grid is None):
        both = f"{shown(image)} and {shown(grid)}"
        raise ValueError(f"image and grid belong together: give both or neither, got {both}.")
    if image is None:
        return {}
    shape = (*_array("image", image).shape[:2], 3)
    pixels = read_only("image", image, shape, "u")
    if pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"image must hold bytes, at least one, got {shape} of {pixels.dtype}.")
    rows = tuple(whole_number("grid", n, 1) for n in list_of("grid", grid, "two numbers"))
    if len(rows) != 2 or rows[0] * rows[1] != (ordinary := int((~special).sum())):
        raise ValueError(f"grid must hold the {ordinary} ordinary tokens, got {rows}.")
    return {"image": pixels, "grid": rows}


def _check_ranges(found: Mapping[str, Any]) -> None:
    """Refuse numbers that cannot be what their field says."""
    special, offsets = found["special"], found["offsets"]
    starts, ends = offsets[:, 0], offsets[:, 1]
    within = (starts >= 0) & (starts <= ends) & (ends <= len(found["text"]))
    _refuse("offsets", offsets, within.all(), f"lie in the text, 0 to {len(found['text'])}")
    for name in ("word_ids", "sentence_ids"):
        ids = found[name]
        fits = (ids >= -1) & (ids < MOST_WORDS) & (~special | (ids == -1))
        _refuse(name, ids, fits.all(), "be numbers from 0, and -1 for special tokens")
    words = found["word_ids"][found["word_ids"] >= 0]
    _refuse("word_ids", words, (np.diff(words) >= 0).all(), "be in reading order")
    if "segment_ids" in found:
        ids = found["segment_ids"]
        fits = (ids >= -1) & (ids <= 1) & ((ids == -1) == special)
        _refuse("segment_ids", ids, fits.all(), "be 0 or 1, and -1 for special tokens")
    weights = found["layer_weights"]
    fits = (weights >= 0) & (weights <= 1)
    _refuse("layer_weights", weights, fits.all(), "lie between 0 and 1")
    for name in ("n_steps", "given"):
        if name in found:
            _refuse(name, found[name], not (found[name] < 0).any(), "be at least 0")


def _refuse(name: str, values: Any, fits: Any, rule: str) -> None:
    if not fits:
        raise ValueError(f"{name} must {rule}, got {shown(np.asarray(values).tolist())}.")


def _check_config(config: Any, found: Mapping[str, Any]) -> None:
    """Refuse a configuration of other than plain values, or one that does not fit the rest."""
    instance_of("config", config, dict)
    for name, value in config.items():
        instance_of("config", name, str, "Its keys are names.")
        if not _is_plain(value, NESTED):
            raise TypeError(f"config[{name!r}] must be a plain value, got {shown(value)}.")
    numbers = {"split": len(found["text"]), "position": len(found["tokens"]) - 1, "windows": None}
    for name, most in numbers.items():
        if config.get(name) is not None:
            whole_number(f"config[{name!r}]", config[name], 0, most)
    if "choices" in config:
        choices = list_of("config['choices']", config["choices"], "texts")
        for one in choices:
            instance_of("config['choices']", one, str)
        n = len(found["labels"])
        whole_number("The length of config['choices']", len(choices), n, n)
    if "routing_scores" in config:
        scores = list_of("config['routing_scores']", config["routing_scores"], "numbers")
        for score in scores:
            real_between("config['routing_scores']", score, -1e300, 1e300, rule="be finite")
        n_rows = len(found["n_steps"])
        whole_number("The length of config['routing_scores']", len(scores), n_rows, n_rows)
    lists = (
        ("candidates", 1, len(found["labels"])), ("pixels", 2, 2),
        ("without_attention", 1, len(found["n_steps"])),
    )  # fmt: skip
    for name, least, most in lists:
        if name in config:
            entries = list_of(f"config[{name!r}]", config[name], "whole numbers")
            for entry in entries:
                whole_number(f"config[{name!r}]", entry, 0)
            whole_number(f"The length of config[{name!r}]", len(entries), least, most)


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, (list, tuple, dict)):
        inside = [*value, *value.values()] if isinstance(value, dict) else value
        return depth > 0 and all(_is_plain(one, depth - 1) for one in inside)
    return value is None or isinstance(value, (str, bool, int, float))
