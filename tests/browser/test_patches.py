"""The view of a picture on a bare page: what a reader sees and does, and its twin by value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from calig_nb.figures import THEMES
from calig_nb.figures.options import State
from calig_nb.figures.scene.patch_map import PatchMap, drain_colours
from calig_nb.figures.scene.scene import scene_of
from calig_nb.widgets import PatchView
from tests.helpers.made_up_pictures import drawing, explained_picture

from .hosts.exported import Opened
from .hosts.page import ROOT, Sheet
from .hosts.twins import PAGE, bare, marks, mounting, over, pixels, said, traits_of, written

Live = Callable[..., Sheet]
SUN = 22
"""Token of row 3, column 6, where the sun stands."""


@pytest.fixture
def live(browser: Browser) -> Iterator[Live]:
    """Mount a view of a picture."""
    with mounting(browser) as mount:

        def mounted(explanation: Any = None, *, without: Any = (), **options: Any) -> Sheet:
            page = {name: options.pop(name) for name in PAGE if name in options}
            return mount(PatchView(explanation or explained_picture(), **options), without, **page)

        yield mounted


def place(s: Sheet, row: int, column: int, grid: tuple[int, int] = (8, 8)) -> tuple[float, float]:
    """The middle of a patch on the page, counted from 0."""
    box = s.page.locator(".main .plate").bounding_box()
    assert box
    x = box["x"] + (column + 0.5) / grid[1] * box["width"]
    return x, box["y"] + (row + 0.5) / grid[0] * box["height"]


def net(s: Sheet) -> str:
    """The sum below the ledger."""
    text: str = s.page.locator(".ledger .sum b").inner_text()
    return text


# What can be done with the mouse


def test_a_click_selects_a_patch_and_shows_where_its_evidence_went(live: Live) -> None:
    s = live()
    expect(s.page.locator(".links-of .plate")).to_have_count(2)
    expect(s.page.locator(".links-of .plate").first).to_be_hidden()
    s.page.mouse.click(*place(s, 2, 5))
    s.settle()
    assert s.page.evaluate("saved") == [{"selected": [SUN]}]
    expect(s.page.locator(".caption")).to_contain_text("row 3, column 6 brings 0.")
    expect(s.page.locator(".caption")).to_contain_text("It gave most to ")
    expect(s.page.locator(".links-of .plate").first).to_be_visible()
    expect(s.page.locator(".main .plate path.chosen:not(.ground)")).to_have_count(1)
    expect(s.page.locator(".entry.on")).to_have_text(["3 · 60.34"])
    s.page.mouse.click(*place(s, 2, 5))
    s.settle()
    assert s.trait("selected") == []


def test_shift_adds_any_number_and_a_patch_of_the_links_can_be_picked(live: Live) -> None:
    s = live()
    s.page.keyboard.down("Shift")
    for column in range(6):
        s.page.mouse.click(*place(s, 0, column))
    s.page.keyboard.up("Shift")
    s.settle()
    assert s.trait("selected") == [1, 2, 3, 4, 5, 6]
    expect(s.page.locator(".caption")).to_contain_text("6 patches bring")
    plate = s.page.locator(".side-of .plate").nth(1)
    plate.click(position={"x": 4, "y": (plate.bounding_box() or {})["height"] - 4})
    assert s.trait("selected") == [57]


def test_a_rectangle_is_drawn_over_the_picture_and_is_one_step(live: Live) -> None:
    s = live()
    mouse = s.page.mouse
    mouse.move(*place(s, 1, 4))
    mouse.down()
    mouse.move(*place(s, 2, 5), steps=6)
    mouse.up()
    s.settle()
    assert sorted(s.trait("selected")) == [13, 14, 21, 22]
    s.page.get_by_role("button", name="Undo").click()
    assert s.trait("selected") == []
    s.page.get_by_role("button", name="Redo").click()
    assert sorted(s.trait("selected")) == [13, 14, 21, 22]


def test_pointing_shows_values_and_moves_nothing(live: Live) -> None:
    s = live()
    before = s.page.locator(".main .plate").bounding_box()
    caption = s.page.locator(".caption").inner_text()
    s.page.mouse.move(*place(s, 2, 5))
    tip = s.page.locator(".tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("row 3, column 6")
    expect(tip).to_contain_text("supports sun")
    expect(tip.locator("rect")).to_have_count(6)
    expect(s.page.locator(".entry.hot")).to_have_text(["3 · 60.34"])
    s.page.wait_for_timeout(250)
    assert s.page.locator(".caption").inner_text() == caption
    assert s.page.locator(".main .plate").bounding_box() == before
    assert s.page.evaluate("saved") == []
    s.page.mouse.move(2, 2)
    expect(tip).to_be_hidden()


def test_a_frame_of_the_film_chooses_its_layer(live: Live) -> None:
    s = live()
    before = pixels(s, ".main .plate canvas", [[300, 150]])
    s.page.get_by_role("radio", name="Layer 3", exact=True).click()
    s.settle()
    assert s.trait("layer") == 3
    expect(s.page.locator(".caption")).to_contain_text("Layer 3: ")
    assert (pixels(s, ".main .plate canvas", [[300, 150]]) != before).any()
    s.page.get_by_role("radio", name="All layers").click()
    assert s.trait("layer") is None


def test_playing_goes_through_the_layers_to_the_verdict(live: Live) -> None:
    s = live(explained_picture(layers=2), reduced_motion="reduce")
    s.page.get_by_role("button", name="Play").click()
    expect(s.page.locator(".frames [aria-checked=true] span")).to_have_text("emb.")
    expect(s.page.locator(".caption")).to_contain_text("Decision: ", timeout=8000)
    assert s.trait("play") == 2


def test_lambda_is_fused_anew_as_python_does(live: Live) -> None:
    own = explained_picture()
    s = live(own)
    s.page.locator(".lam input").press("ArrowLeft")
    s.page.locator(".lam input").press("Home")
    s.settle()
    assert s.trait("lam") == 0
    expected = own.with_lam(0).attributions
    best = int(np.argmax(np.where(own.special, -np.inf, expected)))
    first = s.page.locator(".ledger .plus .entry").first
    expect(first).to_have_attribute("title", own.tokens[best])
    expect(first.locator(".value")).to_have_text(f"{expected[best]:.2f}")
    assert net(s) == f"{expected.sum():+.2f} net"


def test_the_map_can_be_lifted_off_the_picture(live: Live) -> None:
    s = live()
    slider = s.page.get_by_label("Opacity of the map")
    slider.press("Home")
    s.settle()
    assert s.trait("opacity") == 0
    image, points = drawing(), [(10, 10), (40, 60), (90, 30)]
    box = s.page.locator(".main .plate").bounding_box()
    assert box
    at = [[(x + 0.5) / 96 * box["width"], (y + 0.5) / 96 * box["height"]] for y, x in points]
    seen = pixels(s, ".main .plate canvas", at)
    np.testing.assert_allclose(seen[:, :3] * 255, [image[p] for p in points], atol=6)
    s.page.get_by_role("button", name="Undo").click()
    assert s.trait("opacity") == 0.7


def test_the_other_class_turns_the_map_at_once(live: Live) -> None:
    s = live()
    before = net(s)
    s.page.get_by_role("radio", name="moon").click()
    s.settle()
    assert s.page.evaluate("saved") == [{"target": 0}]
    assert net(s) == before.replace("+", "−")
    assert "opposes moon" in s.page.locator(".legend").inner_text()


def test_a_special_token_stands_beside_the_picture_and_has_links_too(live: Live) -> None:
    s = live()
    s.page.get_by_role("button", name="[CLS] +0.03").click()
    s.settle()
    assert s.trait("selected") == [0]
    expect(s.page.locator(".links-of .head b")).to_have_text("[CLS] and the others")
    expect(s.page.locator(".main .plate path")).to_have_count(0)


# With the keyboard


def test_keyboard_only_path(live: Live) -> None:
    s = live()
    press = s.page.keyboard.press
    for _ in range(40):
        press("Tab")
        if s.page.evaluate("document.activeElement.matches('.cursor')"):
            break
    cursor = s.page.locator(".cursor")
    expect(cursor).to_be_focused()
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert s.page.evaluate(outline) != "none"
    # It begins at the strongest patch, and its tip stands beside it.
    s.settle()
    expect(s.page.locator(".tip b")).to_have_text("row 3, column 6")
    for key in ("ArrowUp", "ArrowLeft"):
        press(key)
    s.settle()
    assert (cursor.get_attribute("aria-label") or "").startswith("row 2, column 5: +0.")
    expect(s.page.locator(".caption")).to_contain_text("row 2, column 5 brings")
    press("Enter")
    press("ArrowRight")
    press("Shift+Enter")
    assert s.trait("selected") == [13, 14]
    press("PageUp")
    assert s.trait("layer") == 0
    press("End")
    s.settle()
    expect(s.page.locator(".tip b")).to_have_text("row 2, column 8")
    press(" ")
    expect(s.page.get_by_role("button", name="Pause")).to_be_visible()
    press(" ")
    press("Control+z")
    press("?")
    expect(s.page.get_by_role("region", name="Keyboard and mouse")).to_be_visible()
    expect(s.page.get_by_role("region", name="Keyboard and mouse")).to_contain_text("patch")
    press("Escape")
    press("Escape")
    s.settle()
    assert (s.trait("selected"), s.trait("layer")) == ([], None)


def test_the_state_is_copied_as_python_reads_it(live: Live) -> None:
    s = live(selected=[SUN, 14], opacity=0.5, lam=0.3, layer=2, channel="supporting")
    view = PatchView(explained_picture())
    s.page.get_by_role("button", name="Copy the state of this view").click()
    s.settle()
    state = s.page.locator(".notice span").inner_text().split(": ", 1)[1]
    view.state = state
    assert (view.selected, view.opacity, view.lam) == ([SUN, 14], 0.5, 0.3)
    assert view.state == state


def test_what_python_sets_is_seen(live: Live) -> None:
    s = live()
    s.receive(selected=[SUN], layer=2, opacity=0.3, theme="dark", channel="opposing")
    expect(s.page.locator(".caption")).to_contain_text("Layer 2: row 3, column 6 has net")
    expect(s.page.get_by_role("radio", name="opposing")).to_have_attribute("aria-checked", "true")
    expect(s.page.get_by_label("Opacity of the map")).to_have_value("0.3")
    expect(s.page.locator(".calig")).to_have_attribute("data-theme", "dark")
    assert s.page.evaluate("saved") == []


# Hard inputs


def test_names_are_text_and_a_broken_picture_breaks_nothing(live: Live) -> None:
    evil = "<img src=x onerror=alert(1)>"
    own = explained_picture()
    own = dataclasses.replace(own, labels=(evil, evil), tokens=(evil,) * len(own.tokens))
    s = live(own, selected=[3], without=("_picture",))
    assert s.page.locator("#cell img").count() == 0
    assert evil in s.page.locator(".caption").inner_text()
    assert s.page.evaluate("saved") == []
    s.page.evaluate("model.receive({_picture: view(btoa('no picture'))})")
    s.receive(layer=1)
    expect(s.page.locator(".main .plate canvas")).to_be_visible()


def test_what_is_not_a_number_is_marked(live: Live) -> None:
    own = explained_picture()
    r = own.layer_attributions.copy()
    r[1, SUN] = np.nan
    s = live(dataclasses.replace(own, layer_attributions=r))
    expect(s.page.locator(".main .plate path.hole:not(.ground)")).to_have_count(1)
    expect(s.page.locator(".caption")).to_contain_text("One value is not a number")


def test_matrices_may_come_later(live: Live) -> None:
    own = explained_picture()
    s = live(own, without=("_matrices",), selected=[SUN])
    s.page.wait_for_function("sent.length === 1")
    assert s.page.evaluate("sent") == [{"kind": "matrices"}]
    expect(s.page.locator(".links-of .how").first).to_contain_text("on their way")
    content = traits_of(PatchView(own))[1]["_matrices"]
    s.page.evaluate("(text) => model.message({kind: 'matrices'}, [view(text)])", content)
    s.settle()
    expect(s.page.locator(".links-of .plate").first).to_be_visible()
    assert net(s) == f"{own.attributions.sum():+.2f} net"


@pytest.mark.sampled(5)
@pytest.mark.parametrize("width", [360, 700, 1200])
@pytest.mark.parametrize("grid", [(1, 1), (3, 9), (8, 8), (24, 16)], ids=str)
def test_nothing_is_wider_than_its_cell(live: Live, grid: tuple[int, int], width: int) -> None:
    s = live(explained_picture(grid, layers=12), width=width + 40, selected=[1])
    assert s.overflow() == 0
    box = s.page.locator(".main .plate").bounding_box()
    least = min(1.0, grid[1] / grid[0]) * (320 if width == 360 else 330)
    assert box and least - 12 <= box["width"] <= 441
    s.receive(theme="dark", layer=3)
    assert s.overflow() == 0


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(live: Live, axe: str, scheme: str) -> None:
    s = live(color_scheme=scheme)
    s.page.evaluate(axe)
    run = """async () => {
      const {violations, passes} = await axe.run("#cell", {resultTypes: ["violations"]});
      return [violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)]), passes.length];
    }"""
    for change in (
        lambda: None,
        lambda: s.receive(selected=[4, SUN], layer=2),
        lambda: s.receive(_error="Something went wrong.", theme="dark", opacity=0),
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
    expect(s.page.locator(".table tbody tr")).to_have_count(65)
    expect(s.page.locator(".table tbody tr").nth(SUN)).to_contain_text("row 3, column 6")


def test_the_bundles_are_small_and_whole() -> None:
    static = ROOT / "calig_nb/widgets/static"
    code, style = ((static / f"patches.{kind}").read_text("utf8") for kind in ("js", "css"))
    assert len(code.encode()) <= 110_000 and len(style.encode()) <= 4096
    assert "import " not in code[:200] and "//" not in style


# The twin


STATES: list[dict[str, Any]] = [
    {},
    {"lam": 0.2, "selected": [SUN, 14]},
    {"layer": 2, "opacity": 1.0},
    {"channel": "supporting", "selected": [0]},
    {"channel": "opposing", "layer": 4, "target": 0},
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
    own = explained_picture(image=image)
    s = live(own, width=740, color_scheme=theme, **state)
    view = PatchView(own, **state)
    figure = view.figure(theme=theme)
    scene = scene_of(view.explanation, State.of(own, {"target": 1, **state}))
    numbers = PatchMap(scene)
    at = 0 if scene.layer is None else scene.layer + 1
    values = numbers.frames[at][numbers.patches] / numbers.limits[min(at, 1)]

    box = s.page.locator(".main .plate").bounding_box()
    assert box
    side = box["width"] / 8
    points = [[(i % 8 + 0.5) * side, (i // 8 + 0.5) * side] for i in range(64)]
    seen = pixels(s, ".main .plate canvas", points)
    opacity = state.get("opacity", 0.7)
    under = drain_colours(image[15::30, 15::30], opacity, THEMES[theme].page).reshape(-1, 3) / 255
    tones = THEMES[theme].tones(np.clip(values, -1, 1))
    tones[np.abs(values) < 0.012, 3] = 0
    expected = under + (tones[:, :3] - under) * tones[:, 3:] * opacity
    # Hatching may run through the middle of what opposes.
    clear = values >= 0
    np.testing.assert_allclose(seen[clear, :3], expected[clear], atol=0.02)
    hatched = np.abs(seen[~clear, :3] - expected[~clear])
    assert (hatched < 0.3).all()

    (painted,) = (c for c in figure.axes[0].collections if c.get_label() == "map")
    drawn = np.abs(values) >= 0.012
    np.testing.assert_allclose(painted.get_facecolor()[:, :3], tones[drawn, :3], atol=1e-6)
    np.testing.assert_allclose(painted.get_facecolor()[:, 3], tones[drawn, 3] * opacity, atol=1e-6)

    # The same words in the same order, but for the controls, which a figure has not.
    text = written(figure)
    for selector in (".caption", ".main .others", ".links-of .head b", ".links-of .side-of .how",
                     ".ledger .sum", ".legend .key"):  # fmt: skip
        for words in said(s, selector):
            if words not in ("Apatchandtheothers",):
                assert bare(words) in text, selector
    names = [bare(n) for n in s.page.locator(".ledger .minus .name").all_inner_texts()]
    names += [bare(n) for n in s.page.locator(".ledger .plus .name").all_inner_texts()]
    bars = [int(str(bar.get_label()).split()[1]) for bar in marks(figure, "ledger")]
    grid = [divmod(numbers.patches.index(u), 8) for u in bars]
    assert names == [f"{r + 1}·{c + 1}" for r, c in grid]


def test_what_is_drawn_over_the_page_is_the_palette(live: Live) -> None:
    """Without a picture the map stands on the page, in the palette of all views."""
    s = live(without=("_picture",), opacity=1.0)
    seen = pixels(s, ".main .plate canvas", [[5.5 * 55, 2.5 * 55]])
    deepest = THEMES["light"].tones(np.array([1.0]))
    np.testing.assert_allclose(over(seen, "light"), over(deepest, "light"), atol=0.01)


def test_an_exported_page_is_live_and_asks_for_nothing(browser: Browser, tmp_path: Any) -> None:
    page = Opened(browser, explained_picture().to_html(tmp_path / "one.html", selected=[SUN]))
    s = page.live()
    expect(s.page.locator(".links-of .plate").first).to_be_visible()
    expect(s.page.locator(".crop").first).to_be_visible()
    s.page.mouse.click(*place(s, 6, 1))
    s.page.locator(".lam input").press("End")
    s.settle()
    assert (s.trait("selected"), s.trait("lam")) == ([50], 1)
    page.close()
