"""The picture in sentences; the twin of story.js."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

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

CLOSED = 0.03
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


def word(scene: Scene, unit: int) -> Part:
    """A unit by its name."""
    return Part(shorten(scene.labels[unit], 24), unit)


def list_in_words(items: Sequence[Story], last: str = " and ") -> Story:
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
    place = f"“{tokens[k]}”" if i == k else f"“{tokens[k]}” → “{tokens[i]}”"
    where = f"{layer_in(scene.layers, b)}, {place}{', …' if n > 1 else ''}"
    many = "One value is" if n == 1 else f"{n} values are"
    return [Part(f"{many} not a number ({where}): × where it would be drawn, counted as zero.")]


def _ribbons_in_words(scene: Scene, carried: Carried) -> str:
    own = [carried[u] for u in scene.active if u in carried]
    count, drawn = sum(n for n, _ in own), sum(mass for _, mass in own)
    total = sum(float(scene.supporting[u] + scene.opposing[u]) for u in scene.active)
    if not count or not total:
        return ""
    carries, whose = "s carry" if count > 1 else " carries", "its" if len(own) == 1 else "their"
    return f" {count} ribbon{carries} {round_half_up(drawn / total * 100)} % of {whose} evidence."


def _words_with_values(scene: Scene, units: Sequence[int], values: Array, d: int) -> list[Story]:
    return [[word(scene, u), Part(f" {signed(float(values[u]), d)}")] for u in units]


def rest_story(scene: Scene, carried: Carried) -> Story:
    """The strongest words."""
    d, grain = digits_of(scene.largest), scene.state.granularity
    ranked = strongest_first(scene.active, scene.net)
    if not ranked:
        return [Part(f"No {grain} carries evidence."), Part(_ribbons_in_words(scene, carried))]
    only = len(scene.order) == 1
    head = f"The only {grain}: " if only else f"The {len(ranked)} strongest {grain}s: "
    listed = list_in_words(_words_with_values(scene, ranked, scene.net, d), ", ")
    return [Part(head), *listed, Part("."), Part(_ribbons_in_words(scene, carried))]


def chosen_story(scene: Scene, active: Sequence[int], ribbons: str) -> Story:
    """What the selected words bring."""
    d = digits_of(scene.largest)
    if len(active) > 1:
        return [
            *list_in_words(_words_with_values(scene, active, scene.net, d)),
            Part("."),
            Part(ribbons),
        ]
    u = active[0]
    plus, minus = (number(float(side[u]), d) for side in scene.evidence_of)
    rank = scene.order.index(u) + 1 if u in scene.order else 0
    return [
        word(scene, u),
        Part(f" brings {plus} for and {minus} against {scene.name}: "),
        Part(f"net {signed(float(scene.net[u]), d)}", strong=True),
        Part(f", rank {rank} of {len(scene.order)}." if rank else "."),
        Part(ribbons),
    ]


def layer_story(scene: Scene, b: int) -> Story:
    """What happens in one layer."""
    where = Part(f"{layer_name(scene.layers, b)}: ")
    total = float(scene.entering.sum()) or 1.0
    share = number(float(scene.entering[:, b].sum()) / total * 100, 0)
    tail = Part(f" {share} % of the evidence enters here.")
    row, weight = scene.cells[b], float(scene.explanation.layer_weights[b])
    # Weak words change sign and rank by chance: the story is told about the strong ones.
    strong = scene.order[: max(6, math.ceil(len(scene.order) * 0.15))]
    if not strong:
        return [where, Part("nothing to weigh.")]
    if b > 0 and weight < CLOSED:
        return [
            where,
            Part(
                f"closed, weight {number(weight)}. Positions here no longer speak of their own "
                "words, so almost nothing enters."
            ),
        ]
    if flip := next((f for f in scene.flips if f.b == b), None):
        turned = "supporting" if flip.to > 0 else "opposing"
        return [where, word(scene, flip.unit), Part(f" turns {turned}."), tail]
    if b == 0:
        best, worst = max(strong, key=lambda u: row[u]), min(strong, key=lambda u: row[u])
        parts = []
        if row[best] > 0:
            parts.append([word(scene, best), Part(" supports most")])
        if row[worst] < 0:
            parts.append([word(scene, worst), Part(" opposes most")])
        return [where, *list_in_words(parts, ", "), Part("."), tail]
    grown = abs(row) - abs(scene.cells[b - 1])
    most = max(strong, key=lambda u: abs(grown[u]))
    verb = "supports" if row[most] > 0 else "opposes"
    how = f" {verb} {'more' if grown[most] > 0 else 'less'} strongly."
    return [where, word(scene, most), Part(how), tail]


def verdict(scene: Scene) -> Story:
    """The decision, when all layers have been played."""
    plus, minus = float(scene.supporting.sum()), float(scene.opposing.sum())
    return [
        Part(f"Decision: {number(plus)} supporting, {number(minus)} opposing, "),
        Part(f"net {signed(plus - minus)}", strong=True),
        Part(f" for {scene.name}."),
    ]


def sum_story(scene: Scene) -> Story:
    """Who speaks for the class and who against it."""
    values = scene.evidence
    ordinary = [u for u, unit in enumerate(scene.units) if not unit.special]
    ordinary = strongest_first(ordinary, values)
    largest = float(abs(values[ordinary[0]])) if ordinary else 0.0
    d, sides = digits_of(largest), []
    for sign, verb in ((1, "for"), (-1, "against")):
        strong = [u for u in ordinary if sign * values[u] > 0.02 * largest][:2]
        if strong:
            speak = f" speak{'' if len(strong) > 1 else 's'} {verb} "
            sides.append(
                [*list_in_words(_words_with_values(scene, strong, values, d)), Part(speak)]
            )
    layer = scene.layer
    where = (
        f"Over all {scene.layers} layers "
        if layer is None and scene.layers > 1
        else (f"In layer {layer} " if layer else "In the embeddings ")
    )
    if not sides:
        return [Part(where), Part("no word carries evidence.")]
    story = [Part(where)]
    for n, side in enumerate(sides):
        story += [*([Part("; ")] * bool(n)), *side, Part("it" if n else scene.name)]
    net = Part(f"Net {signed(float(values.sum()), d)}", strong=True)
    return [*story, Part(". "), net, Part(", in shares.")]
