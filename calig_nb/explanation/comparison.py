"""Explanations side by side: what stands for what, and how they differ. NumPy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from .explanation import Explanation
from .formatting import method_title
from .fusion import normalise
from .units import Granularity, Unit

Row = tuple[tuple[int, ...], ...]
"""For each explanation the units that correspond to those of the others; none where it has none."""

MOST, MOST_PICTURES = 6, 4
"""More explanations than this cannot be told apart side by side."""


def comparable(explanations: Any) -> tuple[Explanation, ...]:
    """The explanations as views draw them, if they can be set side by side on one scale.

    Raises:
        TypeError: If they are not a list of explanations.
        ValueError: If there are fewer than two or more than six (of pictures: four), or texts
            and pictures are mixed, or their units differ, or different inputs, or models of
            different classes, are explained for different classes.
    """
    if isinstance(explanations, Explanation) or not isinstance(explanations, Sequence):
        kind = type(explanations).__name__
        raise TypeError(f"A comparison takes a list of explanations, got {kind}.")
    for i, item in enumerate(explanations):
        if not isinstance(item, Explanation):
            raise TypeError(
                f"A comparison takes Explanations, got {type(item).__name__} as number {i}. "
                "Make one with Explainer.explain."
            )
    first = explanations[0] if explanations else None
    kinds = [_kind(e) for e in explanations]
    if len(set(kinds)) > 1:
        i = kinds.index("text" if kinds[0] == "picture" else "picture")
        raise ValueError(
            f"A comparison takes texts or pictures, not both: number 0 is of a {kinds[0]} and "
            f"number {i} of a {kinds[i]}. Compare those of one kind with each other."
        )
    most, of = (MOST_PICTURES, " of pictures") if "picture" in kinds else (MOST, "")
    if first is None or not 2 <= len(explanations) <= most:
        raise ValueError(f"A comparison takes 2 to {most} explanations{of}, got {len(kinds)}.")
    if first.fusion.channels != "split":
        raise ValueError(
            f"A comparison needs fusion.channels='split', got {first.fusion.channels!r}."
        )
    for i, other in enumerate(explanations[1:], 1):
        for name in ("channels", "normalisation", "gamma", "readout"):
            ours, theirs = (getattr(e.fusion, name) for e in (first, other))
            if ours != theirs:
                raise ValueError(
                    f"Shares are in different units: fusion.{name} is {ours!r} for number 0 and "
                    f"{theirs!r} for number {i}. Bring them together with with_fusion."
                )
        ours, theirs = (e.config.get("output", "logit") for e in (first, other))
        if ours != theirs:
            raise ValueError(
                f"Scores are in different units: output is {ours!r} for number 0 and {theirs!r} "
                f"for number {i}. Explain both with the same output=."
            )
        if first.target_name == other.target_name:
            continue
        if not same_input(first, other):
            raise ValueError(
                f"Different {kinds[0]}s must be explained for the same class, got "
                f"{first.target_name!r} for number 0 and {other.target_name!r} for number {i}. "
                f"Explain both with target={first.target_name!r}."
            )
        if kinds[0] == "picture" and set(first.labels) != set(other.labels):
            both = [label for label in first.labels if label in other.labels]
            raise ValueError(
                f"Models of different classes must explain one that both know, got "
                f"{first.target_name!r} of {len(first.labels)} classes for number 0 and "
                f"{other.target_name!r} of {len(other.labels)} for number {i}. "
                + (f"Explain both with target={both[0]!r}." if both else "They share no class.")
            )
    return tuple(explanation.drawn for explanation in explanations)


def _kind(explanation: Explanation) -> str:
    return "text" if explanation.image is None else "picture"


def same_input(one: Explanation, other: Explanation) -> bool:
    """Whether one text, one question, or one picture as the model saw it, was explained twice."""
    if one.image is None or other.image is None:
        return one.image is other.image and one.inputs == other.inputs
    return np.array_equal(one.image, other.image)


def names_of(explanations: Sequence[Explanation]) -> tuple[str, ...]:
    """Names that tell explanations apart: by method, class, model or λ, or by number."""
    features = (
        lambda e: method_title(str(e.config.get("method", ""))),
        lambda e: e.target_name + ("" if e.contrast is None else f" / {e.labels[e.contrast]}"),
        lambda e: str(e.config.get("model", "")).rstrip("/").split("/")[-1],
        lambda e: f"λ = {e.fusion.lam:g}",
    )
    for feature in features:
        names = tuple(feature(e) for e in explanations)
        if len(set(names)) == len(names):
            return names
    same = all(same_input(explanations[0], e) for e in explanations)
    kind = "number" if same else _kind(explanations[0])
    return tuple(f"{kind} {i}" for i in range(1, len(explanations) + 1))


def align(explanations: Sequence[Explanation], granularity: Granularity) -> tuple[Row, ...]:
    """What corresponds to what, in reading order.

    Units of one text correspond where they share characters, so that two tokenizers meet at the
    places where both begin a piece. Units of different texts are aligned as sequences; what was
    replaced corresponds in its order. Special tokens before the text correspond, and those after.
    Patches correspond by row and column where two pictures have the same grid, else not at all.

    Args:
        explanations: Two or more; all are aligned with the first.
        granularity: What the units are.

    Returns:
        The rows; every unit is in exactly one.
    """
    sides = [e.units(granularity) for e in explanations]
    parent = {(s, u): (s, u) for s, units in enumerate(sides) for u in range(len(units))}

    def root(node: tuple[int, int]) -> tuple[int, int]:
        while parent[node] != node:
            node = parent[node]
        return node

    for s, other in enumerate(explanations[1:], 1):
        for ours, theirs in _pairs(explanations[0], sides[0], other, sides[s]):
            low, high = sorted((root((0, ours)), root((s, theirs))))
            parent[high] = low
    order: list[tuple[int, int]] = []
    for s, units in enumerate(sides):
        after = 0
        for u in range(len(units)):
            group = root((s, u))
            if group not in order:
                order.insert(after, group)
            after = order.index(group) + 1
    if explanations[0].grid is not None:  # what is in one picture alone, picture after picture
        order.sort()
    rows: dict[tuple[int, int], list[list[int]]] = {group: [[] for _ in sides] for group in order}
    for (s, u), _ in parent.items():
        rows[root((s, u))][s].append(u)
    return tuple(tuple(tuple(units) for units in rows[group]) for group in order)


def _pairs(
    one: Explanation, ours: Sequence[Unit], other: Explanation, theirs: Sequence[Unit]
) -> Iterator[tuple[int, int]]:
    a, b = (_ordinary(units) for units in (ours, theirs))
    for own, foreign in zip(_outside(ours, a), _outside(theirs, b), strict=True):
        yield from ((i, j) for i in own for j in foreign)
    if one.grid is not None:
        if one.grid == other.grid:
            yield from zip(a, b, strict=True)
        return
    if one.text == other.text:
        spans = [
            [_span(e, units[i]) for i in inside]
            for e, units, inside in ((one, ours, a), (other, theirs, b))
        ]
        i = j = 0
        while i < len(a) and j < len(b):
            (start, end), (start_b, end_b) = spans[0][i], spans[1][j]
            if max(start, start_b) < min(end, end_b):
                yield a[i], b[j]
            i, j = (i + 1, j) if end <= end_b else (i, j + 1)
        return
    texts = [[u[i].text.casefold() for i in inside] for u, inside in ((ours, a), (theirs, b))]
    for tag, i, i2, j, j2 in SequenceMatcher(
        None, texts[0], texts[1], autojunk=False
    ).get_opcodes():
        if tag == "replace" and "".join(texts[0][i:i2]) == "".join(texts[1][j:j2]):
            yield from ((a[m], b[n]) for m in range(i, i2) for n in range(j, j2))
        elif tag in ("equal", "replace"):
            yield from zip(a[i:i2], b[j:j2], strict=False)


def _ordinary(units: Sequence[Unit]) -> list[int]:
    return [i for i, unit in enumerate(units) if not unit.special]


def _outside(units: Sequence[Unit], ordinary: list[int]) -> tuple[list[int], list[int]]:
    """Special units before the text, and those after it."""
    first, last = (ordinary[0], ordinary[-1]) if ordinary else (len(units), len(units))
    special = [i for i, unit in enumerate(units) if unit.special]
    return [i for i in special if i < first], [i for i in special if i > last]


def _span(explanation: Explanation, unit: Unit) -> tuple[int, int]:
    offsets = explanation.offsets[list(unit.tokens)]
    return int(offsets[:, 0].min()), int(offsets[:, 1].max())


@dataclasses.dataclass(frozen=True, eq=False)
class Difference:
    """Aligned values.

    Attributes:
        rows: The alignment.
        texts: What stands in each row, one text for each explanation; "" where it has nothing.
        values: (rows, explanations) evidence, summed over the units of the row; NaN where an
            explanation has none.
        special: (rows,) True where all are special tokens.
    """

    rows: tuple[Row, ...]
    texts: tuple[tuple[str, ...], ...]
    values: Array
    special: npt.NDArray[np.bool_]

    @property
    def difference(self) -> Array:
        """(rows,) second less first; the spread, largest less smallest, of more than two."""
        filled = np.nan_to_num(self.values)
        if filled.shape[1] == 2:
            signed: Array = filled[:, 1] - filled[:, 0]
            return signed
        spread: Array = filled.max(axis=1) - filled.min(axis=1)
        return spread


def difference(
    explanations: Sequence[Explanation],
    granularity: Granularity = "word",
    layer: int | None = None,
    lam: float | None = None,
) -> Difference:
    """The evidence of several explanations, row by row.

    Args:
        explanations: Two or more, see :func:`comparable`.
        granularity: What the rows are made of.
        layer: None takes the attributions over all layers, in shares; a number takes that
            layer's own share, λ r̂ + (1 - λ) colsum Ĝ, before its weight.
        lam: λ for all; by default each keeps its own.
    """
    rows = align(explanations, granularity)
    sides = []
    for explanation in explanations:
        own = explanation if lam is None else explanation.with_lam(lam)
        sides.append((explanation.units(granularity), per_token(own, layer)))
    values = np.full((len(rows), len(sides)), np.nan)
    texts = []
    for n, row in enumerate(rows):
        for s, members in enumerate(row):
            units, shares = sides[s]
            if members:
                values[n, s] = sum(shares[list(units[u].tokens)].sum() for u in members)
        texts.append(tuple(" ".join(sides[s][0][u].text for u in row[s]) for s in range(len(row))))
    special = [all(sides[s][0][u].special for s in range(len(row)) for u in row[s]) for row in rows]
    return Difference(rows, tuple(texts), values, np.array(special, dtype=bool))


def per_token(explanation: Explanation, layer: int | None = None) -> Array:
    """(T,) shares: over all layers, or λ r̂_b + (1 - λ) colsum Ĝ_b of one before its weight."""
    if layer is None:
        return explanation.attributions
    fusion, at = explanation.fusion, slice(layer, layer + 1)
    r, g = normalise(
        explanation.layer_attributions[layer : layer + 2],
        explanation.attention_relevance[at],
        fusion.normalisation,
    )
    shares: Array = fusion.lam * r[0] + (1 - fusion.lam) * g[0].sum(axis=0)
    return shares


def name_of(texts: Sequence[str]) -> str:
    """One name for a row: what all have, or what became of it; "∅" where there is nothing.

    Two tokenizers may part one stretch of text in two ways: spaces make no difference.
    """
    same = len({"".join(text.casefold().split()) for text in texts}) == 1
    return min(texts, key=len) if same else " → ".join(text or "∅" for text in texts)
