"""Explained pictures side by side on a bare page: what a reader sees and does, and the twin."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from calig_nb.explanation.comparison import names_of
from calig_nb.explanation.explanation import Explanation
from calig_nb.figures import THEMES
from calig_nb.figures.options import State
from calig_nb.figures.scene.comparison import compare
from calig_nb.figures.scene.patch_comparison import ComparedPictures
from calig_nb.figures.scene.patch_map import drain_colours
from calig_nb.widgets import Comparison
from tests.helpers.made_up_pictures import drawing, explained_picture

from .hosts.exported import Opened
from .hosts.page import Sheet
from .hosts.twins import PAGE, bare, in_order, mounting, pixels, said, written

Live = Callable[..., Sheet]
SUN = 22
"""Row of the patch in row 3, column 6, where the sun stands."""


def method(name: str, seed: int, **more: Any) -> Explanation:
    """The same picture by another method."""
    own = explained_picture(seed=seed, **more)
    return dataclasses.replace(own, config={**own.config, "method": name})


def two(**more: Any) -> list[Explanation]:
    return [explained_picture(**more), method("gradient-x-input", 1, **more)]


def apart() -> list[Explanation]:
    return [explained_picture(), explained_picture((6, 4), seed=2)]


@pytest.fixture
def live(browser: Browser) -> Iterator[Live]:
    """Mount a comparison."""
    with mounting(browser) as mount:

        def mounted(explanations: Any = None, *, names: Any = None, **options: Any) -> Sheet:
            page = {name: options.pop(name) for name in PAGE if name in options}
            return mount(Comparison(explanations or two(), names, **options), **page)

        yield mounted


def place(s: Sheet, which: int, row: int, column: int, grid: Any = (8, 8)) -> tuple[float, float]:
    """The middle of a patch of one of the pictures on the page, counted from 0."""
    box = s.page.locator(".plate").nth(which).bounding_box()
    assert box
    x = box["x"] + (column + 0.5) / grid[1] * box["width"]
    return x, box["y"] + (row + 0.5) / grid[0] * box["height"]


def marked(s: Sheet, kind: str) -> list[int]:
    """On how many of the pictures something is outlined."""
    return [
        plate.locator(f"path.{kind}:not(.ground)").count()
        for plate in s.page.locator(".side-of:not([hidden]) .plate").all()
    ]


# What can be done with the mouse


def test_what_is_pointed_at_in_one_is_marked_in_all_with_its_numbers(live: Live) -> None:
    s = live()
    one, other = (e.attributions[SUN] for e in two())
    before = s.page.locator(".plate").nth(1).bounding_box()
    s.page.mouse.move(*place(s, 1, 2, 5))
    s.settle()
    assert marked(s, "pointed") == [1, 1, 1]
    feet = s.page.locator(".side-of:not([hidden]) .foot").all_inner_texts()
    assert feet == [
        f"row 3, column 6: {v:+.3f}".replace("-", "−") for v in (one, other, other - one)
    ]
    tip = s.page.locator(".tip")
    expect(tip).to_contain_text("row 3, column 6")
    expect(tip).to_contain_text("gradient-x-input")
    assert s.page.locator(".plate").nth(1).bounding_box() == before
    assert s.page.evaluate("saved") == []
    s.page.mouse.move(2, 2)
    s.settle()
    assert marked(s, "pointed") == [0, 0, 0]
    expect(s.page.locator(".foot").first).to_contain_text("in all: net +")


def test_a_click_in_the_difference_selects_the_patch_in_all(live: Live) -> None:
    s = live()
    s.page.mouse.click(*place(s, 2, 2, 5))
    s.settle()
    assert s.page.evaluate("saved") == [{"selected": [SUN]}]
    assert marked(s, "chosen") == [1, 1, 1]
    expect(s.page.locator(".caption")).to_contain_text("row 3, column 6 from +0.336 to +0.320")
    s.page.mouse.click(*place(s, 0, 2, 5))
    assert s.trait("selected") == []


def test_a_rectangle_over_one_picture_is_one_over_all_and_one_step(live: Live) -> None:
    s = live()
    mouse = s.page.mouse
    mouse.move(*place(s, 1, 1, 4))
    mouse.down()
    mouse.move(*place(s, 1, 2, 5), steps=6)
    mouse.up()
    s.settle()
    assert sorted(s.trait("selected")) == [13, 14, 21, 22]
    assert marked(s, "chosen") == [1, 1, 1]
    expect(s.page.locator(".caption")).to_contain_text("4 patches: CA-LIG +")
    s.page.get_by_role("button", name="Undo").click()
    assert s.trait("selected") == []


def test_one_slider_lays_all_maps_over_their_pictures(live: Live) -> None:
    s = live()
    s.page.get_by_label("Opacity of the map").press("Home")
    s.settle()
    assert s.trait("opacity") == 0
    image = drawing()
    box = s.page.locator(".plate").first.bounding_box()
    assert box
    at = [[(x + 0.5) / 96 * box["width"], (y + 0.5) / 96 * box["height"]]
          for y, x in ((10, 10), (40, 60), (90, 30))]  # fmt: skip
    for which in (1, 2, 5):  # two pictures, and their difference after the first's empty place
        canvas = f".side-of:nth-child({min(which, 3)}) .plate canvas"
        seen = pixels(s, canvas, at)
        own = [image[10, 10], image[40, 60], image[90, 30]]
        np.testing.assert_allclose(seen[:, :3] * 255, own, atol=6)


def test_layer_and_lambda_are_those_of_all(live: Live) -> None:
    s = live()
    first = s.page.locator(".foot").first
    before = first.inner_text()
    s.page.locator(".lam input").press("Home")
    s.settle()
    assert s.trait("lam") == 0 and first.inner_text() != before
    expected = two()[0].with_lam(0).attributions.sum()
    expect(first).to_contain_text(f"in all: net {expected:+.3f}")
    s.page.get_by_label("Layer").press("Home")
    s.settle()
    assert s.trait("layer") == 0
    s.page.get_by_role("button", name="Undo").click()
    assert s.trait("layer") is None


def test_a_row_of_the_difference_is_its_patch(live: Live) -> None:
    s = live()
    gap = two()[1].attributions - two()[0].attributions
    best = int(np.argmax(np.abs(gap[1:])))
    button = s.page.locator(".difference .word").first
    expect(button).to_have_text(f"{best // 8 + 1} · {best % 8 + 1}")
    expect(s.page.locator(".difference tbody tr")).to_have_count(12)
    button.click()
    s.settle()
    assert s.trait("selected") == [best + 1]
    assert marked(s, "chosen") == [1, 1, 1]
    expect(button).to_have_attribute("aria-pressed", "true")


# With the keyboard


def test_keyboard_only_path(live: Live) -> None:
    s = live()
    press = s.page.keyboard.press
    for _ in range(40):
        press("Tab")
        if s.page.evaluate("document.activeElement.matches('.cursor')"):
            break
    cursor = s.page.locator(".cursor").first
    expect(cursor).to_be_focused()
    assert s.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
    # It begins at the largest difference.
    gap = two()[1].attributions - two()[0].attributions
    best = int(np.argmax(np.abs(gap[1:])))
    s.settle()
    name = f"row {best // 8 + 1}, column {best % 8 + 1}"
    assert (cursor.get_attribute("aria-label") or "").startswith(f"1: CA-LIG. {name}: CA-LIG ")
    expect(s.page.locator(".caption")).to_contain_text(f"{name} from ")
    press("Home")
    press("ArrowRight")
    press("ArrowDown" if best // 8 < 7 else "ArrowUp")
    s.settle()
    row = best // 8 + (1 if best // 8 < 7 else -1)
    assert marked(s, "pointed") == [1, 1, 1]
    press("Enter")
    assert s.trait("selected") == [row * 8 + 2]
    press("ArrowRight")
    press("Shift+Enter")
    assert s.trait("selected") == [row * 8 + 2, row * 8 + 3]
    press("PageUp")
    assert s.trait("layer") == 0
    press("Tab")  # the same patch in the second picture
    expect(s.page.locator(".cursor").nth(1)).to_be_focused()
    press("Control+z")
    press("?")
    keys = s.page.get_by_role("region", name="Keyboard and mouse")
    expect(keys).to_contain_text("on a picture: patches, marked in all")
    expect(keys).not_to_contain_text("Space")
    press("Escape")
    press("Escape")
    s.settle()
    assert (s.trait("selected"), s.trait("layer")) == ([], None)


def test_the_state_is_copied_as_python_reads_it(live: Live) -> None:
    s = live(selected=[SUN, 14], opacity=0.5, lam=0.3, layer=2)
    view = Comparison(two())
    s.page.get_by_role("button", name="Copy the state of this view").click()
    s.settle()
    state = s.page.locator(".notice span").inner_text().split(": ", 1)[1]
    view.state = state
    assert (view.selected, view.opacity, view.lam, view.layer) == ([SUN, 14], 0.5, 0.3, 2)
    assert view.state == state


def test_what_python_sets_is_seen(live: Live) -> None:
    s = live()
    s.receive(selected=[SUN], layer=2, opacity=0.3, theme="dark")
    expect(s.page.locator(".caption")).to_contain_text("row 3, column 6 from ")
    assert marked(s, "chosen") == [1, 1, 1]
    expect(s.page.get_by_label("Opacity of the map")).to_have_value("0.3")
    expect(s.page.locator(".calig")).to_have_attribute("data-theme", "dark")
    assert s.page.evaluate("saved") == []


# Other grids, more pictures, hard inputs


def test_other_grids_stand_side_by_side_and_say_why_there_is_no_difference(live: Live) -> None:
    s = live(apart())
    expect(s.page.locator(".side-of:not([hidden])")).to_have_count(2)
    expect(s.page.locator(".pictures .how")).to_have_text(
        "No difference between picture 1 and picture 2: 8 × 8 patches there, 6 × 4 here."
    )
    expect(s.page.locator(".difference")).to_be_hidden()
    s.page.mouse.click(*place(s, 1, 5, 1, (6, 4)))
    s.settle()
    assert s.trait("selected") == [65 + 21]
    assert marked(s, "chosen") == [0, 1]
    expect(s.page.locator(".caption")).to_contain_text("picture 2 row 6, column 2 ")
    expect(s.page.locator(".foot").first).to_have_text("selected: no patch of this grid")


def test_the_difference_of_two_pictures_lies_on_neither(live: Live) -> None:
    s = live([explained_picture(), explained_picture(seed=1, image=drawing(80, 160))])
    expect(s.page.locator(".plate.bare")).to_have_count(1)
    expect(s.page.locator(".legend")).to_contain_text("lies on neither")
    boxes = [plate.bounding_box() or {} for plate in s.page.locator(".plate").all()[:2]]
    assert boxes[1]["width"] / boxes[1]["height"] == pytest.approx(2, abs=0.02)
    assert boxes[0]["y"] == boxes[1]["y"]


def test_four_have_three_differences_below_them(live: Live) -> None:
    four = [*two(), method("ig", 2), method("attn-lrp", 3)]
    s = live(four)
    shown = s.page.locator(".side-of:not([hidden])")
    expect(shown).to_have_count(7)
    tops = [(box.bounding_box() or {})["y"] for box in shown.all()]
    assert len(set(tops[:4])) == 1 and len(set(tops[4:])) == 1 and tops[4] > tops[0]
    expect(shown.nth(6).locator("b")).to_have_text("attn-lrp less CA-LIG")


def test_names_are_text_and_a_broken_picture_breaks_nothing(live: Live) -> None:
    evil = "<img src=x onerror=alert(1)>"
    both = [dataclasses.replace(e, labels=(evil, evil)) for e in two()]
    s = live(both, names=[evil, "other"])
    assert s.page.locator("#cell img").count() == 0
    assert evil in s.page.locator(".side-of b").first.inner_text()
    assert s.page.evaluate("saved") == []
    s.page.evaluate(
        "model.receive({_items: model.get('_items').map((i) => ({...i, _picture: new DataView("
        "new TextEncoder().encode('no picture').buffer)}))})"
    )
    s.receive(layer=1)
    expect(s.page.locator(".plate canvas").first).to_be_visible()


def test_what_is_not_a_number_is_marked_where_it_is(live: Live) -> None:
    one, other = two()
    r = one.layer_attributions.copy()
    r[1, SUN] = np.nan
    s = live([dataclasses.replace(one, layer_attributions=r), other])
    assert marked(s, "hole") == [1, 0, 0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("width", [360, 700, 1200])
@pytest.mark.parametrize("kind", ["two", "four", "apart", "long names"])
def test_nothing_is_wider_than_its_cell(live: Live, kind: str, width: int) -> None:
    names, made = None, two()
    if kind == "four":
        made = [*made, method("ig", 2), method("attn-lrp", 3)]
    elif kind == "apart":
        made = apart()
    elif kind == "long names":
        names = ["a_very_long_name_without_any_space_in_it_of_a_model", "another " * 9]
    s = live(made, names=names, width=width + 40, selected=[1])
    assert s.overflow() == 0
    tops = [(p.bounding_box() or {})["y"] for p in s.page.locator(".plate").all()[:2]]
    assert (tops[0] == tops[1]) == (width > 360)
    s.receive(theme="dark", layer=3)
    assert s.overflow() == 0


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["two", "apart"])
def test_axe_finds_nothing_serious(live: Live, axe: str, scheme: str, kind: str) -> None:
    s = live(two() if kind == "two" else apart(), color_scheme=scheme)
    s.page.evaluate(axe)
    run = """async () => {
      const {violations, passes} = await axe.run("#cell", {resultTypes: ["violations"]});
      return [violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)]), passes.length];
    }"""
    for change in (
        lambda: None,
        lambda: s.receive(selected=[4, SUN], layer=2),
        lambda: s.receive(theme="dark", opacity=0),
        lambda: [summary.click() for summary in s.page.locator("summary").all()],
    ):
        change()
        s.settle()
        violations, passed = s.page.evaluate(run)
        assert passed > 5
        assert [v for v in violations if v[0] in ("serious", "critical")] == []


def test_the_table_holds_every_patch(live: Live) -> None:
    s = live()
    s.page.locator("summary", has_text="Table").click()
    rows = s.page.locator("details .table tbody tr")
    expect(rows).to_have_count(65)
    cells = rows.nth(SUN).locator("td").all_inner_texts()
    one, other = (e.attributions[SUN] for e in two())
    assert cells == [f"{v:+.3f}".replace("-", "−") for v in (one, other, other - one)]


# The twin


STATES: list[dict[str, Any]] = [
    {},
    {"lam": 0.2, "selected": [SUN]},
    {"layer": 2, "opacity": 1.0, "selected": [13, 14, 21, 22]},
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_figure_holds_the_same_colours_and_words(
    live: Live, state: dict[str, Any], theme: str
) -> None:
    # One colour in each patch, so that a single pixel of it speaks for all.
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(30, 0).repeat(30, 1)
    both = two(image=image)
    s = live(both, width=740, color_scheme=theme, **state)
    figure = Comparison(both, **state).figure(theme=theme, width=7.32)
    p = ComparedPictures(
        compare(both, names_of(both), State(granularity="token", theme=theme, **state))
    )
    opacity = state.get("opacity", 0.7)
    under = drain_colours(image[15::30, 15::30], opacity, THEMES[theme].page).reshape(-1, 3) / 255
    shown = [("map 0", p.c.scenes[0].evidence), ("map 1", p.c.scenes[1].evidence),
             ("difference 1", p.differences[1])]  # fmt: skip
    for n, (label, values) in enumerate(shown):
        t = np.clip(values[1:] / p.limit, -1, 1)
        tones = THEMES[theme].tones(t)
        tones[np.abs(t) < 0.012, 3] = 0
        box = s.page.locator(".plate").nth(n).bounding_box()
        assert box
        side = box["width"] / 8
        points = [[(i % 8 + 0.5) * side, (i // 8 + 0.5) * side] for i in range(64)]
        seen = pixels(s, f".side-of:nth-child({n + 1}) .plate canvas", points)
        expected = under + (tones[:, :3] - under) * tones[:, 3:] * opacity
        clear = t >= 0  # hatching may run through the middle of what opposes
        np.testing.assert_allclose(seen[clear, :3], expected[clear], atol=0.02)
        assert (np.abs(seen[~clear, :3] - expected[~clear]) < 0.45).all()
        (painted,) = (c for c in figure.axes[0].collections if c.get_label() == label)
        drawn = np.abs(t) >= 0.012
        np.testing.assert_allclose(painted.get_facecolor()[:, :3], tones[drawn, :3], atol=1e-6)

    text = written(figure)
    for selector in (".question", ".caption", ".side-of:not([hidden]) :is(b, figcaption span)",
                     ".side-of:not([hidden]) .foot", ".scale span", ".legend .key"):  # fmt: skip
        for words in said(s, selector):
            assert bare(words) in text, selector
    in_order(said(s, ".difference tbody tr :is(th, small, td > b)"), text)


@pytest.mark.parametrize("state", [{}, {"selected": [SUN]}, {"selected": [70, 71]}], ids=str)
def test_the_figure_says_the_same_of_other_grids(live: Live, state: dict[str, Any]) -> None:
    s = live(apart(), width=740, **state)
    text = written(Comparison(apart(), **state).figure(width=7.32))
    for selector in (".caption", ".side-of:not([hidden]) .foot", ".pictures .how", ".legend .key"):
        for words in said(s, selector):
            assert bare(words) in text, selector


def test_an_exported_page_is_live_and_asks_for_nothing(browser: Browser, tmp_path: Any) -> None:
    page = Opened(browser, Comparison(two(), selected=[SUN]).to_html(tmp_path / "one.html"))
    s = page.live()
    assert marked(s, "chosen") == [1, 1, 1]
    s.page.mouse.click(*place(s, 1, 6, 1))
    s.page.locator(".lam input").press("End")
    s.settle()
    assert (s.trait("selected"), s.trait("lam")) == ([50], 1)
    page.close()
