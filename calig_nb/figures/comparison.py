"""Explanations side by side on one scale, and their difference row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._design import SENTENCES, SIZES
from .._validation import one_of, whole_number
from ..explanation.comparison import comparable, names_of
from ..explanation.display import Theme
from ..explanation.exactness import inexact_note
from ..explanation.formatting import layer_in, number, signed
from ..explanation.methods import has_two_signals
from ..explanation.summary import class_text
from ..explanation.units import Granularity
from .canvas.page import Page, Span, fit_text
from .options import State, check_page
from .parts.headline import draw_inexact
from .parts.legend import draw_legend
from .parts.prose import draw_prose
from .parts.score_line import draw_head
from .scene.comparison import NOTHING, Compared, compare, comparison_story
from .scene.story import draw_caption

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation

_TOLD = SENTENCES["comparison"]
NARROWEST: float = SIZES["comparison"]["NARROWEST"]
APART = 36
FEW: int = SIZES["comparison"]["FEW"]
"""So many rows of the difference are drawn, unless another number is asked for."""
ROW = 23.0


def comparison_figure(
    explanations: Sequence[Explanation],
    names: Sequence[str] | None = None,
    *,
    lam: float | None = None,
    layer: int | None = None,
    selected: Sequence[int] = (),
    granularity: Granularity = "word",
    theme: Theme = "light",
    width: float = 7.0,
    k: int | None = None,
) -> Figure:
    """Each text with its bars, all on one scale, and below them the strongest differences.

    Args:
        explanations: Two to six, see :func:`calig_nb.explanation.comparison.comparable`.
        names: What to call them; by default after what tells them apart.
        lam: λ for all; None leaves each its own.
        layer: None draws the attributions over all layers; a number that layer's own shares,
            before its weight.
        selected: Selected rows of the tokens' alignment.
        granularity: "token", "word", "sentence" or "passage".
        theme: "light" or "dark".
        width: In inches; an inch holds 100 px of the live view.
        k: Rows of the difference; by default as many as on screen.

    Raises:
        ValueError: If they cannot be compared, or an option is out of its range.
    """
    explanations = comparable(explanations)
    if explanations[0].image is not None:
        raise ValueError(
            "comparison_figure draws texts, and these explanations are of pictures: use "
            "patch_comparison_figure, or Comparison(...).figure()."
        )
    check_page(theme, width)
    one_of("granularity", granularity, Granularity.__args__)  # type: ignore[attr-defined]
    check_shown(explanations, layer, k)
    state = State(
        lam=lam, layer=layer, selected=selected, granularity=granularity, theme=theme, width=width
    )
    c = compare(explanations, names_of(explanations) if names is None else names, state)
    page = Page(width, theme)
    draw_title(page, c, f"{granularity}s")
    draw_caption(page, c.changes, comparison_story(c))
    recipes = {scene.recipe for scene in c.scenes}
    draw_legend(page, "text", c.name, recipes.pop() if len(recipes) == 1 else "")
    page.advance(6)
    _draw_sides(page, c)
    if c.order:
        draw_rows(page, c, k or FEW, granularity, c.labels)
    return page.finished()


def check_shown(explanations: Sequence[Explanation], layer: int | None, k: int | None) -> None:
    """Refuse a layer that not all have, and a table without rows."""
    last = min(len(e.layer_weights) for e in explanations) - 1
    if layer is not None:
        whole_number("layer", layer, 0, last, also="be None or ")
    if k is not None:
        whole_number("k", k, 1)


def draw_title(page: Page, c: Compared, grain: str) -> None:
    """What is compared, at which layer and λ, in words or patches."""
    title = SENTENCES["question"]["against"].join(c.names)
    page.spans(0, 22, [Span(title, page.colours.muted)], 22)
    layer, shown = c.state.layer, [scene.explanation for scene in c.scenes]
    own = {e.fusion.lam for e in shown if has_two_signals(e.method)}
    layers = min(scene.layers for scene in c.scenes)
    parts = [
        SENTENCES["layers"]["all"] if layer is None else layer_in(layers, layer),
        *([f"λ = {own.pop():.2f}"] if len(own) == 1 else ["λ: each its own"] if own else []),
        grain,
    ]
    page.line(0, page.width, 36, 36, page.colours.rule)
    page.text(0, 54, "  ·  ".join(parts), 12, page.colours.muted)
    page.line(0, page.width, 66, 66, page.colours.rule)
    page.advance(76)
    notes = [inexact_note(explanation) for explanation in shown]
    draw_inexact(page, [f"{n}: {note}" for n, note in zip(c.names, notes, strict=True) if note])


def _draw_sides(page: Page, c: Compared) -> None:
    """The texts, as many beside each other as there is room for."""
    across = max(1, min(int(page.width // NARROWEST), len(c.names), 3))
    wide, top, foot = (page.width - (across - 1) * APART) / across, page.y, page.y
    for n, (name, scene) in enumerate(zip(c.names, c.scenes, strict=True)):
        column = n % across
        if not column:
            top = foot
        page.y = top
        with page.column(column * (wide + APART), wide):
            own = scene.explanation
            sure = class_text(own, own.target)
            page.line(0, wide, 0, 0, page.colours.rule)
            page.advance(8)
            page.text(0, 14, fit_text(name, 15, wide), 15, bold=True)
            said = _TOLD["side"].format(name=scene.name, probability=sure, score=signed(own.score))
            page.text(0, 32, said, 12, page.colours.muted)
            page.advance(44)
            draw_prose(page, scene, small=True, head=False)
            net = signed(float(scene.evidence.sum()))
            net = _TOLD["net"].format(net=net, name=scene.name)
            page.text(0, 4, net, 12, page.colours.soft)
            page.advance(24)
        foot = max(foot, page.y)
    page.y = foot


def draw_rows(page: Page, c: Compared, k: int, unit: str, labels: Sequence[str]) -> None:
    """The strongest differences: each explanation's bar on one axis, and the difference."""
    colours = page.colours
    page.line(0, page.width, 0, 0, colours.rule)
    page.advance(12)
    draw_head(page, _TOLD["title"], _TOLD["note"])
    first = min(page.width * 0.3, 260)
    column = (page.width - first) / (len(c.names) + 0.7)
    heads = [unit, *c.names, _TOLD["difference" if c.two else "spread_head"]]
    for i, name in enumerate(heads):
        x, room = (0.0, first) if i == 0 else (first + (i - 1) * column, column)
        page.text(x, 12, fit_text(name, 12, room - 8), 12, colours.muted)
    page.advance(20)
    for n in c.order[:k]:
        bold = n in c.selected
        page.text(0, 15, fit_text(labels[n], 13, first - 10), 13, bold=bold)
        for i, value in enumerate(c.found.values[n]):
            _draw_cell(page, c, first + i * column, column, float(value), f"row {n} {i}")
        change = float(c.changes[n])
        shown = signed(change, c.digits) if c.two else number(change, c.digits)
        page.text(first + len(c.names) * column, 15, shown, 12, bold=True)
        page.line(0, page.width, ROW - 1, ROW - 1, colours.rule, 0.5)
        page.advance(ROW)
    if rest := len(c.order) - k:
        if rest > 0:
            page.text(0, 16, f"{k} of {len(c.order)} rows", 11, colours.muted)
            page.advance(22)


def _draw_cell(
    page: Page, c: Compared, left: float, column: float, value: float, label: str
) -> None:
    """A bar from the middle of its column, and its number."""
    half = min((column - 62) / 2, 85)
    if half >= 12:
        middle = left + half
        page.line(middle, middle, 6, 16, page.colours.muted)
        if np.isfinite(value) and value:
            length = abs(value) / c.most * half
            page.bar(middle - (length if value < 0 else 0), 6, length, 10, value, label)
    text = signed(value, c.digits) if np.isfinite(value) else NOTHING
    x = left + 2 * half + 8 if half >= 12 else left
    page.text(x, 15, text, 11, page.colours.soft)
