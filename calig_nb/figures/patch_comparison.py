"""Explained pictures side by side on one scale, and their differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._design import SENTENCES, SIZES
from .._validation import real_between
from ..explanation.comparison import comparable, names_of
from ..explanation.display import Theme
from ..explanation.formatting import method_title, number, round_half_up, signed
from ..explanation.summary import class_text
from .canvas.page import Page, Span
from .comparison import FEW, check_shown, draw_rows, draw_title
from .options import State, check_page
from .parts.patch_notes import draw_legend
from .parts.patch_plate import Plates
from .patches import LARGEST, draw_scale
from .scene.comparison import compare
from .scene.patch_comparison import ComparedPictures, pictures_story
from .scene.story import draw_caption

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..explanation.explanation import Explanation

NARROWEST: float = SIZES["patches"]["NARROWEST"]
APART: float = SIZES["patches"]["APART"]
"""Width of a picture's column at least, room between two, in px."""


def patch_comparison_figure(
    explanations: Sequence[Explanation],
    names: Sequence[str] | None = None,
    *,
    lam: float | None = None,
    layer: int | None = None,
    selected: Sequence[int] = (),
    opacity: float = 0.7,
    theme: Theme = "light",
    width: float = 7.0,
    k: int | None = None,
) -> Figure:
    """Each picture under its map, and each difference to the first, all on one scale.

    Args:
        explanations: Two to four of pictures; see
            :func:`calig_nb.explanation.comparison.comparable`.
        names: What to call them; by default after what tells them apart.
        lam: λ for all; None leaves each its own.
        layer: None draws the attributions over all layers; a number that layer's own shares,
            before its weight.
        selected: Selected rows of the patches' alignment.
        opacity: Of the maps, 0 ... 1.
        theme: "light" or "dark".
        width: In inches; an inch holds 100 px of the live view.
        k: Rows of the difference; by default as many as on screen.

    Raises:
        ValueError: If they cannot be compared or are of texts, or an option is out of its range.
    """
    explanations = comparable(explanations)
    if explanations[0].image is None:
        raise ValueError(
            "patch_comparison_figure draws pictures, and these explanations are of texts: use "
            "comparison_figure, or Comparison(...).figure()."
        )
    check_page(theme, width)
    check_shown(explanations, layer, k)
    real_between("opacity", opacity, 0, 1)
    state = State(
        lam=lam,
        layer=layer,
        selected=selected,
        granularity="token",
        opacity=opacity,
        theme=theme,
        width=width,
    )
    c = compare(explanations, names_of(explanations) if names is None else names, state)
    p = ComparedPictures(c)
    page = Page(width, theme)
    draw_title(page, c, "patches")
    draw_caption(page, p.evidence, pictures_story(p))
    page.advance(4)
    _draw_pictures(page, p)
    draw_scale(page, p.limit)
    for reason in p.lacking:
        page.advance(page.paragraph(0, [Span(reason)], 12, page.colours.muted) + 4)
    page.advance(8)
    if p.shared and c.order:
        draw_rows(page, c, k or FEW, "row · column", p.names)
        page.advance(10)
    page.line(0, page.width, 0, 0, page.colours.rule)
    page.advance(8)
    draw_legend(page, legend(p))
    return page.finished()


@dataclass(frozen=True, eq=False)
class _Plate:
    """One picture on the page: what stands over it, how high it is, what draws it, its sum."""

    name: str
    said: str
    height: float
    draw: Callable[[], None]
    foot: str


def columns_of(width: float, count: int, differences: int) -> int:
    """How many pictures stand beside each other; the twin of columnsOf in patches/compared.js."""
    fit = max(1, int((width + APART) // (NARROWEST + APART)))
    most = count + (differences if count == 2 else 0)
    if fit >= most:
        return most
    return min(fit, 2)


def _draw_pictures(page: Page, p: ComparedPictures) -> None:
    """The pictures, then their differences, in rows."""
    count, across = len(p.c.names), columns_of(page.width, len(p.c.names), len(p.differences))
    side = min(LARGEST, (page.width - (across - 1) * APART) // across)
    sides = [_side(page, p, i, side) for i in range(count)]
    others = [_difference(page, p, i, side) for i in p.differences]
    rows = [sides + others] if count == 2 else [sides, others]
    for row in rows:
        for start in range(0, len(row), across):
            _draw_row(page, row[start : start + across], side)


def _draw_row(page: Page, row: Sequence[_Plate], side: float) -> None:
    """Pictures of one row: all begin at one height, whatever stands over them."""
    top, colours, heads = page.y, page.colours, 0.0
    for n, plate in enumerate(row):
        page.y = top
        with page.column(n * (side + APART), side):
            high = page.paragraph(0, [Span(plate.name, colours.ink, True)], 14)
            high += page.paragraph(high, [Span(plate.said, colours.muted)], 12)
            heads = max(heads, high)
    foot = top
    for n, plate in enumerate(row):
        page.y = top + heads + 6
        with page.column(n * (side + APART), side):
            plate.draw()
            page.advance(plate.height + 4)
            page.advance(page.paragraph(0, [Span(plate.foot, colours.soft)], 12) + 14)
        foot = max(foot, page.y)
    page.y = foot


def _side(page: Page, p: ComparedPictures, i: int, side: float) -> _Plate:
    """An explained picture."""
    scene, own = p.c.scenes[i], p.c.scenes[i].explanation
    plates = Plates(page, scene)
    wide = float(round_half_up(min(side, side * plates.ratio)))
    method, name = method_title(own.method), p.c.names[i]
    said = SENTENCES["comparison"]["side"].format(
        name=scene.name,
        probability=class_text(own, own.target),
        score=signed(own.score),
    )

    def draw() -> None:
        plates.draw(0, 0, wide, scene.evidence, p.limit, p.chosen(i), f"map {i}")
        for unit in dict.fromkeys(int(scene.unit_of[k]) for _, _, k in scene.lost):
            plates.hole(unit, wide)

    return _Plate(
        name,
        said if method == name else f"{method}: {said}",
        plates.height(wide),
        draw,
        p.sum_of(i),
    )


def _difference(page: Page, p: ComparedPictures, i: int, side: float) -> _Plate:
    """What one has more, or less, than the first."""
    first, values = p.c.scenes[0], p.differences[i]
    plates = Plates(page, first)
    wide = float(round_half_up(min(side, side * plates.ratio)))

    def draw() -> None:
        plates.draw(0, 0, wide, values, p.limit, p.chosen(0), f"difference {i}", bare=not p.same(i))

    return _Plate(
        f"{p.c.names[i]} less {p.c.names[0]}",
        "the difference, on the same scale",
        plates.height(wide),
        draw,
        p.sum_of(i, difference=True),
    )


def legend(p: ComparedPictures) -> list[tuple[str, str]]:
    """(mark, meaning) of each; the mark may be none."""
    c = p.c
    recipes = {scene.recipe for scene in c.scenes}
    recipe = recipes.pop() if len(recipes) == 1 else ""
    keys = [
        (
            "sup",
            f"supports {c.name}" + "; in a difference: more than the first" * bool(p.differences),
        ),
        ("opp", f"opposes {c.name}, hatched" + "; in a difference: less" * bool(p.differences)),
        ("", "no colour: no evidence; a picture pales under its map"),
        ("", f"one scale for all: the deepest colour is {number(p.limit, c.digits)}"),
    ]
    bare = [i for i in p.differences if not p.same(i)]
    keys += [("", "a difference of two pictures lies on neither")] * bool(bare)
    return keys + [("", recipe)] * bool(recipe)
