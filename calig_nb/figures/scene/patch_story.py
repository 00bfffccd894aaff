"""What the caption of a picture says; the twin of patches/story.js."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...explanation.formatting import digits_of, layer_name, number, round_half_up, signed
from .patch_map import strongest_other
from .story import Part, Story, holes_story, layer_story, sum_story, verdict, word

if TYPE_CHECKING:
    from ..._arrays import Array
    from .patch_map import Links
    from .scene import Scene


def patch_story(scene: Scene, links: Links | None) -> Story:
    """What is seen, in a sentence or two.

    Args:
        scene: What is on the page.
        links: Of the selected patches.
    """
    play, layer = scene.state.play, scene.state.layer
    if play is not None:
        return layer_story(scene, math.floor(play)) if play < scene.layers else verdict(scene)
    if scene.selected:
        return _chosen_story(scene, scene.selected, links)
    if scene.lost:
        return holes_story(scene)
    if layer is not None:
        return layer_story(scene, layer)
    if not any(scene.evidence[u] for u in scene.order):
        return [Part("No patch carries evidence.")]
    return sum_story(scene)


def _chosen_story(scene: Scene, chosen: Sequence[int], links: Links | None) -> Story:
    layer, own = scene.layer, list(chosen)
    d = digits_of(scene.largest if layer is None else scene.largest_cell)
    one = len(own) == 1
    who = word(scene, own[0]) if one else Part(f"{len(own)} patches")
    if layer is not None:
        net = signed(float(scene.evidence[own].sum()), d)
        weight = number(float(scene.explanation.layer_weights[layer]))
        return [
            Part(f"{layer_name(scene.layers, layer)}: "),
            who,
            Part(" has " if one else " have "),
            Part(f"net {net}", strong=True),
            Part(f", before the weight {weight}."),
            *_links_in_words(scene, own, links),
        ]
    plus, minus = (float(side[own].sum()) for side in scene.evidence_of)
    shares = [
        f"{round_half_up(v / (float(side.sum()) or 1) * 100)} %"
        for v, side in zip((plus, minus), scene.evidence_of, strict=True)
    ]
    rank = scene.order.index(own[0]) + 1 if own[0] in scene.order else 0
    standing = (
        f"; {shares[0]} of all that supports, {shares[1]} of all that opposes."
        if not one
        else f", rank {rank} of {len(scene.order)}."
        if rank
        else "."
    )
    brings = (
        f" bring{'s' * one} {number(plus, d)} for and {number(minus, d)} against {scene.name}: "
    )
    return [
        who,
        Part(brings),
        Part(f"net {signed(plus - minus, d)}", strong=True),
        Part(standing),
        *_links_in_words(scene, own, links),
    ]


def _links_in_words(scene: Scene, chosen: Sequence[int], links: Links | None) -> Story:
    """Where their evidence went, and whence they had it."""
    if links is None:
        return []
    d = digits_of(links.limit)

    def most(values: Array, verb: str, way: str) -> Story:
        other = strongest_other(values, chosen)
        if other is None:
            return [Part(f"{verb} nothing")]
        value = Part(f" {signed(float(values[other]), d)}")
        return [Part(f"{verb} most {way} "), word(scene, other), value]

    who = Part(" They " if len(chosen) > 1 else " It ")
    gave, received = most(links.gave, "gave", "to"), most(links.received, "received", "from")
    return [who, *gave, Part(" and "), *received, Part(".")]
