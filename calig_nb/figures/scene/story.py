"""The picture in sentences; story.js fills the same templates."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..._design import FORMATS, SENTENCES, SIZES
from ...explanation.formatting import (
    digits_of,
    layer_in,
    layer_name,
    number,
    round_half_up,
    shorten,
    signed,
)
from ..canvas.page import Span
from .scene import strongest_first

if TYPE_CHECKING:
    from ..._arrays import Array
    from ..canvas.page import Page
    from .scene import Scene

_TOLD = SENTENCES["story"]
NAME: int = FORMATS["NAME"]
CLOSED: float = SIZES["scene"]["CLOSED"]
"""Below this weight a block adds next to nothing."""
Carried = dict[int, tuple[int, float]]
"""Of each active unit, how many ribbons it has and how much evidence they carry."""


class Part(NamedTuple):
    """A piece of a sentence: words, a unit, or a number in bold."""

    text: str
    unit: int | None = None
    strong: bool = False


Story = list[Part]


def draw_caption(page: Page, values: Array, story: Sequence[Part], size: float = 14) -> None:
    """A sentence; units in the colour of their values."""
    colours = page.colours
    spans = [
        Span(part.text, colours.text(values[part.unit]), True)
        if part.unit is not None
        else Span(part.text, colours.ink if part.strong else colours.soft, part.strong)
        for part in story
    ]
    page.advance(page.paragraph(0, spans, size) + 10)


def text_of(story: Sequence[Part]) -> str:
    """A sentence as plain text."""
    return "".join(part.text for part in story)


def tell(template: str, **places: str | Part | Story) -> Story:
    """The sentence of a template.

    Args:
        template: With {places}, and *stars* round what is bold.
        **places: What stands there; text runs on, parts stay parts.
    """
    story: Story = []
    text, strong = "", False
    for piece in re.split(r"(\*|\{\w+\})", template):
        value = places[piece[1:-1]] if piece.startswith("{") else piece
        if isinstance(value, str) and piece != "*":
            text += value
            continue
        if text:
            story.append(Part(text, strong=strong))
        text, strong = "", strong != (piece == "*")
        if isinstance(value, Part):
            story.append(value)
        elif isinstance(value, list):
            story += value
    return [*story, Part(text, strong=strong)] if text else story


def word(scene: Scene, unit: int) -> Part:
    """A unit by its name."""
    return Part(shorten(scene.labels[unit], NAME), unit)


def list_in_words(items: Sequence[Story], last: str = _TOLD["and"]) -> Story:
    """Sentences joined into a list, the last by a word."""
    found: Story = []
    for n, item in enumerate(items):
        found += [Part(last if n == len(items) - 1 else ", ")] * bool(n)
        found += item
    return found


def flow_story(scene: Scene, carried: Carried) -> Story:
    """What the caption below the flow says."""
    play, layer = scene.state.play, scene.state.layer
    if not scene.order:
        return empty_story()
    if play is not None:
        return layer_story(scene, math.floor(play)) if play < scene.layers else verdict(scene)
    if scene.selected:
        return chosen_story(scene, scene.active, _ribbons_in_words(scene, carried))
    if scene.lost:
        return holes_story(scene)
    return rest_story(scene, carried) if layer is None else layer_story(scene, layer)


def text_story(scene: Scene) -> Story:
    """What the caption of the text says."""
    if not scene.order:
        return empty_story()
    if scene.lost and not scene.selected:
        return holes_story(scene)
    if scene.selected and scene.layer is None:
        return chosen_story(scene, scene.selected, "")
    return sum_story(scene)


def empty_story() -> Story:
    """When there is nothing to explain."""
    return [
        Part(
            "There is no ordinary token to explain: the input holds special tokens only. Give the "
            "explainer a text with at least one word."
        )
    ]


def holes_story(scene: Scene) -> Story:
    """Which values are not numbers, and what is made of them."""
    (b, i, k), n, tokens = scene.lost[0], len(scene.lost), scene.explanation.tokens

    def name(t: int) -> str:
        return shorten(tokens[t], NAME)

    where = _TOLD["place" if i == k else "step"].format(
        layer=layer_in(scene.layers, b), token=name(k), source=name(k), goal=name(i)
    )
    where += _TOLD["more"] if n > 1 else ""
    return tell(_TOLD["one_lost" if n == 1 else "lost"], where=where, count=f"{n}")


def _ribbons_in_words(scene: Scene, carried: Carried) -> str:
    own = [carried[u] for u in scene.active if u in carried]
    count, drawn = sum(n for n, _ in own), sum(mass for _, mass in own)
    total = sum(float(scene.supporting[u] + scene.opposing[u]) for u in scene.active)
    if not count or not total:
        return ""
    told: str = _TOLD["ribbons" if count > 1 else "ribbon"]
    whose = _TOLD["its" if len(own) == 1 else "their"]
    return told.format(count=count, share=round_half_up(drawn / total * 100), whose=whose)


def _words_with_values(scene: Scene, units: Sequence[int], values: Array, d: int) -> list[Story]:
    return [
        tell(_TOLD["word"], word=word(scene, u), value=signed(float(values[u]), d)) for u in units
    ]


def rest_story(scene: Scene, carried: Carried) -> Story:
    """The strongest words."""
    d, grain = digits_of(scene.largest), scene.state.granularity
    ranked = strongest_first(scene.active, scene.net)
    kind = "none" if not ranked else "only" if len(scene.order) == 1 else "strongest"
    return tell(
        _TOLD[kind],
        grain=grain,
        count=f"{len(ranked)}",
        words=list_in_words(_words_with_values(scene, ranked, scene.net, d), ", "),
        ribbons=_ribbons_in_words(scene, carried),
    )


def chosen_story(scene: Scene, active: Sequence[int], ribbons: str) -> Story:
    """What the selected words bring."""
    d = digits_of(scene.largest)
    if len(active) > 1:
        words = list_in_words(_words_with_values(scene, active, scene.net, d))
        return tell(_TOLD["chosen"], words=words, ribbons=ribbons)
    return brings(scene, active[0], d, [Part(ribbons)])


def brings(scene: Scene, unit: int, d: int, rest: Story) -> Story:
    """What one word brings, and its rank."""
    plus, minus = (number(float(side[unit]), d) for side in scene.evidence_of)
    rank = scene.order.index(unit) + 1 if unit in scene.order else 0
    ranked = _TOLD["rank"].format(rank=rank, count=len(scene.order)) if rank else "."
    told = tell(
        _TOLD["brings"],
        word=word(scene, unit),
        plus=plus,
        minus=minus,
        name=scene.name,
        net=signed(float(scene.net[unit]), d),
        rest=ranked,
    )
    return [*told, *rest]


def layer_story(scene: Scene, b: int) -> Story:
    """What happens in one layer."""
    where = tell(_TOLD["layer"], layer=layer_name(scene.layers, b))
    total = float(scene.entering.sum()) or 1.0
    share = number(float(scene.entering[:, b].sum()) / total * 100, 0)
    tail = tell(_TOLD["enters"], share=share)
    row, weight = scene.cells[b], float(scene.explanation.layer_weights[b])
    # Weak words change sign and rank by chance: the story is told about the strong ones.
    strong = scene.order[: max(6, math.ceil(len(scene.order) * 0.15))]
    if not strong:
        return [*where, *tell(_TOLD["nothing"])]
    if b > 0 and weight < CLOSED:
        return [
            *where,
            Part(
                f"closed, weight {number(weight)}. Positions here no longer speak of their own "
                "words, so almost nothing enters."
            ),
        ]
    if flip := next((f for f in scene.flips if f.b == b), None):
        turned = _TOLD["turns_supporting" if flip.to > 0 else "turns_opposing"]
        return [*where, *tell(turned, word=word(scene, flip.unit)), *tail]
    if b == 0:
        best, worst = max(strong, key=lambda u: row[u]), min(strong, key=lambda u: row[u])
        parts = []
        if row[best] > 0:
            parts.append(tell(_TOLD["supports_most"], word=word(scene, best)))
        if row[worst] < 0:
            parts.append(tell(_TOLD["opposes_most"], word=word(scene, worst)))
        return [*where, *list_in_words(parts, ", "), Part("."), *tail]
    grown = abs(row) - abs(scene.cells[b - 1])
    most = max(strong, key=lambda u: abs(grown[u]))
    verb, more = "supports" if row[most] > 0 else "opposes", grown[most] > 0
    told = _TOLD[f"{verb}_{'more' if more else 'less'}"]
    return [*where, *tell(told, word=word(scene, most)), *tail]


def verdict(scene: Scene) -> Story:
    """The decision, when all layers have been played."""
    plus, minus = float(scene.supporting.sum()), float(scene.opposing.sum())
    return tell(
        _TOLD["verdict"],
        plus=number(plus),
        minus=number(minus),
        net=signed(plus - minus),
        name=scene.name,
    )


def sum_story(scene: Scene) -> Story:
    """Who speaks for the class and who against it."""
    values = scene.evidence
    ordinary = [u for u, unit in enumerate(scene.units) if not unit.special]
    ordinary = strongest_first(ordinary, values)
    largest = float(abs(values[ordinary[0]])) if ordinary else 0.0
    d, sides = digits_of(largest), list[Story]()
    for sign, verb in ((1, "for"), (-1, "against")):
        strong = [u for u in ordinary if sign * values[u] > 0.02 * largest][:2]
        if strong:
            speak = f"{'speak' if len(strong) > 1 else 'speaks'}_{verb}"
            words = list_in_words(_words_with_values(scene, strong, values, d))
            name = _TOLD["it"] if sides else scene.name
            sides.append(tell(_TOLD[speak], words=words, name=Part(name)))
    layer = scene.layer
    all_layers = layer is None and scene.layers > 1
    place = "over_all" if all_layers else "in_layer" if layer else "in_embeddings"
    where = tell(_TOLD[place], layers=f"{scene.layers}", layer=f"{layer}")
    if not sides:
        return [*where, *tell(_TOLD["no_word"])]
    net = signed(float(values.sum()), d)
    return [*where, *list_in_words(sides, "; "), *tell(_TOLD["sum"], net=net)]
