"""The rollout: a film of the layers, one large matrix, what it says and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._design import SENTENCES, SIZES
from ..explanation.formatting import layer_in, number, shorten, signed
from .canvas.page import Page, Span, text_width
from .options import State
from .parts.headline import draw_headline
from .parts.legend import draw_legend
from .parts.matrix_board import BESIDE, Board, draw_scale, picture
from .scene.flow_layout import WIDE
from .scene.matrix import Matrix, limit_of
from .scene.scene import scene_of
from .scene.story import (
    Story,
    draw_caption,
    holes_story,
    list_in_words,
    tell,
    text_story,
    word,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .._arrays import Array
    from ..explanation.explanation import Explanation
    from .scene.scene import Scene

_TOLD = SENTENCES["matrix"]
SIDE: float = SIZES["matrix"]["SIDE"]
STEP = 60
LINKS: int = SIZES["matrix"]["LINKS"]


def rollout_figure(explanation: Explanation, **options: Any) -> Figure:
    """The evidence that each word (column) carried into each position (row), and the sums.

    Args:
        explanation: What to draw.
        **options: See :class:`State`.

    Raises:
        TypeError: If an option is unknown.
        ValueError: If an option is out of its range.
    """
    state = State.of(explanation, options)
    scene = scene_of(explanation, state)
    page = Page(state.width, state.theme)
    draw_headline(page, scene)
    draw_caption(page, scene.evidence, text_story(scene))
    if scene.order:
        draw_rollout(page, scene)
        draw_legend(page, "matrix", scene.name, scene.recipe)
    return page.finished()


def draw_rollout(page: Page, scene: Scene) -> None:
    """Film, board, sentence, notes."""
    m = Matrix(scene)
    b, alone = m.b, scene.state.alone
    to = "{layer}" if alone else SENTENCES["layers"]["to"]
    labels = [SENTENCES["layers"]["short"], *(to.format(layer=n) for n in range(1, scene.layers))]
    draw_thumbs(page, m.film, labels, b, max(map(limit_of, m.film)), scene.right_to_left)
    board, top = Board(page, m), page.y
    board.draw()
    draw_caption(page, scene.evidence, matrix_story(m))
    wide, foot = page.width >= WIDE, page.y
    if wide:
        page.y = top + board.y0 - 10
    room = page.width - board.width - 24 if wide else page.width
    with page.column(board.width + 24 if wide else 0, max(room, BESIDE - 24) if wide else room):
        _draw_notes(page, m)
    page.y = max(page.y, foot)


def draw_thumbs(
    page: Page, film: Sequence[Array], labels: Sequence[str], at: int, limit: float, rtl: bool
) -> None:
    """Small matrices of which one is chosen."""
    across, colours = max(1, int(page.width // STEP)), page.colours
    for n, (values, label) in enumerate(zip(film, labels, strict=True)):
        x, y = n % across * STEP, n // across * (STEP + 12)
        picture(page, values / limit, x + 5, y + 5, SIDE, rtl)
        page.rect(x + 4.5, y + 4.5, SIDE + 1, SIDE + 1, edge=colours.rule)
        ink = colours.ink if n == at else colours.muted
        page.text(x + 28, y + 63, label, 11, ink, bold=n == at, align="center")
        if n == at:
            page.rect(x, y, 56, 68, edge=colours.ink)
    page.advance(-(-len(film) // across) * (STEP + 12) + 8)


def _draw_notes(page: Page, m: Matrix) -> None:
    """The channel, the scale, how to read it, the strongest links, the heads."""
    scene, state, colours = m.scene, m.scene.state, page.colours
    cancels = state.channel == "net" or m.alone
    told = [state.channel, _TOLD["this_alone" if m.alone else "up_to_this"]]
    told += [_TOLD["residual"]] * (state.residual and not cancels)
    page.advance(page.paragraph(0, [Span("  ·  ".join(told), colours.ink)], 13) + 4)
    draw_scale(page, m)
    page.advance(page.paragraph(0, [Span(reading_note(m))], 12, colours.soft) + 6)
    selected, labels = scene.selected, scene.labels
    one = selected[0] if len(selected) == 1 else None
    links = m.strongest(LINKS) if one is None else m.links(one, LINKS)
    if links:
        head = (
            _TOLD["links"]
            if one is None
            else _TOLD["links_of"].format(word=shorten(labels[one], 20))
        )
        page.text(0, 12, head, 12, colours.soft, bold=True)
        for n, (row, column, value) in enumerate(links):
            y, x = 32 + 20 * n, 0.0
            for text in (shorten(labels[column], 14), " → ", shorten(labels[row], 14)):
                x += page.text(x, y, text, 12)
            end = max(min(244.0, page.width), x + 16)
            page.text(end, y, signed(value, m.digits), 12, colours.text(value), align="right")
        page.advance(26 + 20 * len(links) + 8)
    if m.head is not None:
        heads = scene.sign * m.heads
        labels = [f"{h}" for h in range(len(heads))]
        page.text(0, 12, "Heads", 12, colours.soft, bold=True)
        page.advance(20)
        limit = max(map(limit_of, heads))
        draw_thumbs(page, list(heads), labels, m.head, limit, scene.right_to_left)


def reading_note(m: Matrix) -> str:
    """How to read it."""
    kind = "sum_head" if m.head is not None else "sum_alone" if m.alone else "sum"
    beyond = m.beyond
    outside = _TOLD["beyond" if beyond == 1 else "beyond_few"].format(count=beyond) * bool(beyond)
    note = _TOLD["note"].format(grain=m.scene.state.granularity, sum=_TOLD[kind], beyond=outside)
    missing = len(m.missing)
    holes = f" × marks {missing} cell{'s' * (missing > 1)} that could not be worked out whole."
    cut = any(np.abs(v).max(initial=0) > m.largest_sum for v in m.sums)
    return f"{note}{holes * bool(missing)}{_TOLD['gap'] * cut}"


def matrix_story(m: Matrix) -> Story:
    """What the caption below the matrix says."""
    scene = m.scene
    if m.cross is not None:
        return _cell_story(m)
    if scene.lost:
        return holes_story(scene)
    links = m.strongest(2)
    if not links:
        grain = scene.state.granularity
        return tell(_TOLD["none"], title=m.title, grain=grain)
    told = [
        tell(
            _TOLD["link"],
            column=word(scene, column),
            row=word(scene, row),
            value=signed(value, m.digits),
        )
        for row, column, value in links
    ]
    return tell(
        _TOLD["strongest_few" if len(links) > 1 else "strongest"],
        title=m.title,
        links=list_in_words(told, ", "),
        unit=m.unit,
    )


def _cell_story(m: Matrix) -> Story:
    row, column = m.cross or (0, 0)
    d, scene, own = m.digits, m.scene, row == column
    plus, minus = (number(float(side[row, column]), d) for side in m.pair)
    lost = [
        layer_in(scene.layers, b)
        for b, i, k in scene.lost
        if (scene.unit_of[i], scene.unit_of[k]) == m.cross and m.head is None and m.counts(b)
    ]
    missing = _TOLD["lost"].format(layers=", ".join(dict.fromkeys(lost))) if lost else ""
    return tell(
        _TOLD["kept" if own else "carried"],
        title=m.title,
        column=word(scene, column),
        row=word(scene, row),
        value=signed(float(np.asarray(m.shown)[row, column]), d),
        plus=plus,
        minus=minus,
        name=scene.name,
        itself=_TOLD["itself"] if scene.state.residual and not m.alone else "",
        lost=missing,
    )


def draw_fold(page: Page) -> None:
    """The line under which the workbench unfolds its matrix."""
    colours = page.colours
    page.line(0, page.width, 0, 0, colours.rule)
    x = page.text(0, 24, _TOLD["title"], 13, colours.soft) + 8
    told: str = _TOLD["subtitle"]
    if x + text_width(told, 12) <= page.width:
        page.text(x, 24, told, 12, colours.muted)
    page.advance(40)
