"""What the caption of a picture says; the twin of patches/story.js."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._design import SENTENCES
from ...explanation.formatting import digits_of, layer_name, number, round_half_up, signed
from .patch_map import strongest_other
from .story import Story, brings, holes_story, layer_story, sum_story, tell, verdict, word

if TYPE_CHECKING:
    from ..._arrays import Array
    from .patch_map import Links
    from .scene import Scene
_TOLD = SENTENCES["patches"]


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
        return tell(_TOLD["none"])
    return sum_story(scene)


def _chosen_story(scene: Scene, chosen: Sequence[int], links: Links | None) -> Story:
    layer, own = scene.layer, list(chosen)
    d = digits_of(scene.largest if layer is None else scene.largest_cell)
    told = _links_in_words(scene, own, links)
    patches = _TOLD["several"].format(count=len(own))
    if layer is not None:
        return tell(
            _TOLD["has" if len(own) == 1 else "have"],
            layer=layer_name(scene.layers, layer),
            patch=word(scene, own[0]),
            patches=patches,
            net=signed(float(scene.evidence[own].sum()), d),
            weight=number(float(scene.explanation.layer_weights[layer])),
            links=told,
        )
    if len(own) == 1:
        return brings(scene, own[0], d, told)
    plus, minus = (float(side[own].sum()) for side in scene.evidence_of)
    supporting, opposing = (
        f"{round_half_up(v / (float(side.sum()) or 1) * 100)}"
        for v, side in zip((plus, minus), scene.evidence_of, strict=True)
    )
    return tell(
        _TOLD["bring"],
        patches=patches,
        plus=number(plus, d),
        minus=number(minus, d),
        name=scene.name,
        net=signed(plus - minus, d),
        supporting=supporting,
        opposing=opposing,
        links=told,
    )


def _links_in_words(scene: Scene, chosen: Sequence[int], links: Links | None) -> Story:
    """Where their evidence went, and whence they had it."""
    if links is None:
        return []
    d = digits_of(links.limit)

    def most(values: Array, verb: str) -> Story:
        other = strongest_other(values, chosen)
        if other is None:
            return tell(_TOLD[f"{verb}_nothing"])
        value = signed(float(values[other]), d)
        return tell(_TOLD[verb], patch=word(scene, other), value=value)

    return tell(
        _TOLD["they" if len(chosen) > 1 else "it"],
        gave=most(links.gave, "gave"),
        received=most(links.received, "received"),
    )
