"""The quickstart in a real JupyterLab: the picture appears, answers, and Python reads it back."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.helpers.hostile_texts import HOSTILE

from .hosts.lab import NOTEBOOKS, Lab, lab, word

ANOTHER = """async (source) => {
  const panel = jupyterapp.shell.currentWidget;
  panel.content.activeCellIndex = panel.content.widgets.length - 1;
  await jupyterapp.commands.execute("notebook:insert-cell-below");
  panel.content.activeCell.model.sharedModel.setSource(source);
  await jupyterapp.commands.execute("notebook:run-cell");
}"""
NOTEBOOK = """() => {
  const {content, sessionContext} = jupyterapp.shell.currentWidget;
  const {id} = sessionContext.session.kernel;
  return {
    kernel: id, mode: content.mode, active: content.activeCellIndex,
    dialogs: document.querySelectorAll(".jp-Dialog").length,
    cells: content.widgets.map((cell) => [
      cell.model.type, cell.model.sharedModel.getSource(), cell.model.executionCount,
      content.isSelected(cell), cell.outputHidden, cell.inputHidden,
    ]),
  };
}"""
KEYS = [
    *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    *("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"),
    *("Enter", "Space", "Tab", "Escape", "Delete", "Backspace", "Shift+Enter", "Shift+ArrowDown"),
    *("dd", "00", "ii"),
]
WATCH_NOW = """() => {
  window.seen = [];
  window.alert = () => window.seen.push("a token was executed");
  document.addEventListener("securitypolicyviolation", (e) =>
    window.seen.push(`${e.violatedDirective} ${e.blockedURI}`));
}"""


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests here, over a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(NOTEBOOKS, folder, dirs_exist_ok=True)
    with lab(browser, folder, tmp_path_factory.mktemp("lab")) as made:
        made.run("01_quickstart.ipynb")
        yield made
        made.close()


def show(opened: Lab, source: str) -> None:
    """Run the source in a fresh cell at the end of the notebook."""
    opened.page.evaluate(ANOTHER, source)


@pytest.fixture
def workbench(opened: Lab) -> Locator:
    """A fresh workbench in a cell of its own at the end of the notebook."""
    opened.execute("from IPython.display import display\nview = explanation.show()")
    show(opened, "view")
    view = opened.page.locator(".jp-Cell .calig").last
    view.scroll_into_view_if_needed()
    expect(view.locator(".prose .w").first).to_be_visible()
    return view


def test_a_click_and_a_drag_are_read_back_in_python(opened: Lab, workbench: Locator) -> None:
    word(workbench, "superb").click()
    expect(word(workbench, "superb")).to_have_attribute("aria-selected", "true")
    slider = workbench.get_by_role("slider", name=re.compile("lambda|λ", re.I))
    box = slider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + box["width"] / 2, y)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] * 0.8, y, steps=8)
    opened.page.mouse.up()
    expect(workbench.get_by_text(re.compile(r"^0\.[78]\d$")).first).to_be_visible()
    opened.reads("round(view.lam, 1)", "0.8")
    opened.reads("view.explanation.fusion.lam == view.lam", "True")
    opened.reads("[explanation.tokens[i] for i in view.selected]", "['superb']")


def test_python_sets_what_the_view_shows(opened: Lab, workbench: Locator) -> None:
    opened.execute("view.selected = [explanation.tokens.index('thin')]; view.layer = 1")
    expect(word(workbench, "thin")).to_have_attribute("aria-selected", "true")
    expect(workbench.get_by_role("radio", name="Layer 1")).to_be_checked()


def test_another_class_is_explained_by_the_kernel(opened: Lab, workbench: Locator) -> None:
    target = opened.execute("print(view.explanation.target_name)")
    other = "negative" if target == "positive" else "positive"
    workbench.get_by_role("radio", name=re.compile(f"^{other}")).click()
    expect(workbench.locator(".caption")).not_to_contain_text("…", timeout=20_000)
    expect(workbench.get_by_text(f"supports {other}").first).to_be_visible(timeout=20_000)
    # ``_error`` is what the page is told
    opened.reads("f'{view.explanation.target_name}{view._error}'", other)


def test_the_explanation_on_screen_can_be_checked(opened: Lab, workbench: Locator) -> None:
    workbench.get_by_role("button", name=re.compile("^Check this explanation")).click()
    notice = workbench.get_by_role("status").filter(has_text="on average")
    expect(notice).to_contain_text("This explanation holds.", timeout=20_000)
    said = notice.locator("span").text_content()
    assert opened.execute("print(view.check().text, end=' (λ = 0.50)')") == said


def test_words_are_marked_with_the_keyboard_and_scored(opened: Lab) -> None:
    opened.execute("marks = cn.MarkWords(explanation)")
    show(opened, "marks")
    cell = opened.page.locator(".jp-Cell").last
    cell.get_by_role("button", name="superb", exact=True).focus()
    opened.page.keyboard.press("Space")
    expect(cell.get_by_text("Marked: “superb”.")).to_be_visible()
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Tab")  # over the full stop
    expect(cell.get_by_role("button", name="Compare")).to_be_focused()
    opened.page.keyboard.press("Enter")
    expect(cell.get_by_text(re.compile("You and the model: “superb”"))).to_be_visible()
    expect(cell.locator(".calig .w[aria-selected=true]")).to_have_text("superb")
    opened.reads("(marks.score, [marks.words[i] for i in marks.marked])", "(1.0, ['superb'])")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("where", ["word", "button", "slider", "choice", "word to mark"])
def test_no_key_is_taken_by_the_notebook(opened: Lab, workbench: Locator, where: str) -> None:
    cell = opened.page.locator(".jp-Cell").last
    if where == "word to mark":
        show(opened, "cn.MarkWords(explanation)")
    focused = {
        "word": workbench.locator(".prose .w:not(.chip)").first,
        "button": workbench.get_by_role("button", name="Copy the state"),
        "slider": workbench.get_by_role("slider"),
        "choice": workbench.get_by_role("radio", name="words", exact=True),
        "word to mark": cell.get_by_role("button", name="superb", exact=True),
    }[where].first
    focused.focus()
    before = opened.page.evaluate(NOTEBOOK)
    for keys in KEYS:
        focused.focus()
        for key in [keys] if keys not in ("dd", "00", "ii") else keys:
            opened.page.keyboard.press(key)
        assert opened.page.evaluate(NOTEBOOK) == before, keys
    assert opened.execute("print(explanation.target_name)") in ("positive", "negative")
    marked = opened.page.locator("[data-lm-suppress-shortcuts]")
    expect(marked).to_have_count(1)
    opened.page.evaluate("() => document.activeElement.blur()")
    expect(marked).to_have_count(0)


def test_keys_do_what_the_help_says(opened: Lab, workbench: Locator) -> None:
    press = opened.page.keyboard.press
    superb = word(workbench, "superb")
    superb.focus()
    press("Enter")
    expect(superb).to_have_attribute("aria-selected", "true")
    press("ArrowLeft")
    expect(workbench.locator(".w:focus")).to_have_text("is")
    press("Shift+Enter")
    expect(workbench.locator(".prose .w[aria-selected=true]")).to_have_count(2)
    press("Escape")
    expect(workbench.locator(".prose .w[aria-selected=true]")).to_have_count(0)
    press("Control+z")
    expect(workbench.locator(".prose .w[aria-selected=true]")).to_have_count(2)
    workbench.get_by_role("slider").first.focus()
    press("ArrowRight")
    expect(workbench.locator(".lam output")).to_have_text("0.51")
    workbench.get_by_role("radio", name="words", exact=True).focus()
    press("ArrowRight")
    expect(workbench.get_by_role("radio", name="tokens", exact=True)).to_be_checked()
    workbench.locator(".flow").focus()
    press("Space")
    expect(workbench.locator(".play")).to_contain_text("Pause")
    press("Space")
    expect(workbench.locator(".play")).to_contain_text("Resume")
    press("?")
    expect(workbench.locator(".help")).to_be_visible()
    press("Escape")
    expect(workbench.locator(".help")).to_be_hidden()


BOXES = {
    "HBox": ("HBox([view, other])", [0.5, 0.5]),
    "HBox in VBox": ("VBox([HBox([view, other])])", [0.5, 0.5]),
    "VBox": ("VBox([view, other])", [1, 1]),
    "centred": ("VBox([view, other], layout=Layout(align_items='center'))", [1, 1]),
    "GridBox": (
        "GridBox([view, other], layout=Layout(grid_template_columns='1fr 1fr'))",
        [0.5] * 2,
    ),
    "GridBox, auto": (
        "GridBox([view, other], layout=Layout(grid_template_columns='auto auto'))",
        [0.5, 0.5],
    ),
    "AppLayout": ("AppLayout(left_sidebar=view, center=other)", [1 / 4, 3 / 4]),
    "GridspecLayout": ("grid(view, other)", [0.5, 0.5]),
    "beside a button": ("HBox([Button(description='Next'), view])", [0.8]),
    "Tab": ("Tab([view, other])", [1]),
    "Accordion": ("Accordion([view], selected_index=0)", [1]),
    "as wide as asked": ("HBox([view, other], layout=Layout(width='600px'))", [0.354, 0.354]),
}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("box", BOXES)
def test_views_share_the_width_of_a_box(opened: Lab, box: str) -> None:
    source, shares = BOXES[box]
    opened.execute(
        "from ipywidgets import *\n"
        "view, other = explanation.show('tokens'), explanation.show('tokens')\n"
        "def grid(*views):\n    made = GridspecLayout(1, 2)\n"
        "    made[0, 0], made[0, 1] = views\n    return made\n"
    )
    show(opened, source)
    cell = opened.page.locator(".jp-Cell").last
    views = cell.locator(".calig:visible")
    expect(views).to_have_count(len(shares))
    views.first.scroll_into_view_if_needed()
    area = cell.locator(".jp-OutputArea-output").last.evaluate("(node) => node.clientWidth")
    for view, share in zip(views.all(), shares, strict=True):
        expect(view.locator(".prose .w").first).to_be_visible()
        found = view.bounding_box()
        assert found is not None
        assert found["width"] == pytest.approx(share * area, abs=0.06 * area), (box, area)
        assert found["height"] < 1500
    if folder := os.environ.get("CALIG_SHOTS"):
        cell.screenshot(path=f"{folder}/box_{box.replace(' ', '_')}.png")


@pytest.mark.full
def test_hostile_text_is_text(opened: Lab, workbench: Locator) -> None:
    """Through a kernel and its messages; in JupyterLab's own page, live and static."""
    opened.page.evaluate(WATCH_NOW)
    said = opened.execute(
        f"import sys; sys.path.insert(0, {str(NOTEBOOKS.parent)!r})\n"
        "import calig_nb as cn\nfrom tests.helpers.hostile_texts import HOSTILE, LONG, hostile\n"
        "odd = hostile(explainer.explain(LONG))\n"
        "names = [HOSTILE[0], HOSTILE[10] + 'b']\n"
        "both = cn.Comparison([odd, odd.with_lam(0)], names, granularity='token')\n"
        "view = odd.show(granularity='token')"
    )
    assert said == ""
    views = opened.page.locator(".jp-Cell .calig")
    for shown in ("view", "both"):
        before = views.count()
        show(opened, shown)
        expect(views).to_have_count(before + 1)
        views.last.scroll_into_view_if_needed()
        expect(views.last).to_contain_text(HOSTILE[1])
        expect(views.last).to_contain_text(HOSTILE[0])
        static = opened.page.locator(".calig-static").last
        expect(static.locator("img[src^='data:image/png']")).to_have_count(1)
        expect(static).to_be_hidden()
        for place in (views.last, static):
            inside = "script, textarea, a[href], [onerror], [onload], img:not([src^='data:'])"
            assert place.locator(inside).count() == 0
    assert opened.page.evaluate("() => window.seen") == []


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_view_follows_the_theme(opened: Lab, workbench: Locator, theme: str) -> None:
    opened.theme(theme)
    try:
        ink = workbench.evaluate("(node) => getComputedStyle(node).color")
        light = [int(part) for part in re.findall(r"\d+", ink)[:3]]
        assert (sum(light) > 600) == ("Dark" in theme)
        if folder := os.environ.get("CALIG_SHOTS"):
            word(workbench, "superb").click()
            workbench.scroll_into_view_if_needed()
            workbench.screenshot(path=f"{folder}/lab_{theme.split()[-1].lower()}.png")
    finally:
        opened.theme("JupyterLab Light")


def test_nothing_was_fetched_and_the_console_is_silent(opened: Lab) -> None:
    assert opened.complaints == []


def test_patches_of_a_picture_are_read_back_in_python(opened: Lab) -> None:
    opened.execute(
        "import dataclasses, numpy as np\n"
        "n = int((~explanation.special).sum())\n"
        "image = np.full((20, 20 * n, 3), 120, np.uint8)\n"
        "nowhere = np.zeros_like(explanation.offsets)\n"
        "picture = dataclasses.replace(\n"
        "    explanation, text='', offsets=nowhere, image=image, grid=(1, n))\n"
        "view = picture.show()"
    )
    show(opened, "view")
    view = opened.page.locator(".jp-Cell .calig[data-view=patches]").last
    plate = view.locator(".main .plate")
    plate.scroll_into_view_if_needed()
    expect(plate.locator("canvas")).to_be_visible()
    plate.click(position={"x": 4, "y": 4})
    expect(view.locator(".caption")).to_contain_text("brings")
    expect(view.locator(".links-of .plate").first).to_be_visible()
    opened.reads("view.selection.patches", "((0, 0),)")
