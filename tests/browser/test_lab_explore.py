"""Every way of exploring, in a real JupyterLab, read back in the kernel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .hosts.lab import NOTEBOOKS, SHOW, Lab, lab, word

pytestmark = pytest.mark.full

LONG = "The plot is thin, but the acting is superb and the waste is obvious. " * 8


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests here."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(NOTEBOOKS / "01_quickstart.ipynb", folder)
    with lab(browser, folder, tmp_path_factory.mktemp("lab")) as made:
        made.run("01_quickstart.ipynb")
        assert made.execute("import calig_nb as cn") == ""
        yield made
        made.close()


def shown(opened: Lab, code: str) -> Locator:
    """The view that this code makes, in a cell of its own."""
    assert opened.execute(code) == ""
    opened.page.evaluate(SHOW)
    view = opened.page.locator(".jp-Cell .calig").last
    view.scroll_into_view_if_needed()
    expect(view.locator(".icon").first).to_be_visible()
    return view


def test_keys_walk_select_undo_and_redo(opened: Lab) -> None:
    view = shown(opened, "view = explanation.show()")
    word(view, "superb").click()
    view.get_by_role("radio", name="Layer 2").click()
    view.get_by_role("radio", name="tokens").click()
    opened.reads("(view.layer, view.granularity)", "(2, 'token')")
    opened.page.keyboard.press("Control+z")
    opened.reads("view.granularity", "word")
    opened.page.keyboard.press("Control+z")
    opened.reads("view.layer", "None")
    view.get_by_role("button", name="Redo").click()
    opened.reads("view.layer", "2")
    opened.page.keyboard.press("Escape")
    opened.reads("(view.layer, view.selected)", "(None, [])")
    view.locator(".prose .w").first.focus()
    opened.page.keyboard.press("ArrowRight")
    opened.page.keyboard.press("Enter")
    opened.reads("len(view.selected) > 0", "True")


def test_a_word_that_is_pointed_at_tells_its_numbers(opened: Lab) -> None:
    view = shown(opened, "view = explanation.show()")
    word(view, "superb").hover()
    tip = opened.page.locator(".calig-tip, .calig .tip").last
    expect(tip).to_contain_text("superb")
    value = opened.execute(
        "i = explanation.tokens.index('superb'); print(f'{explanation.attributions[i]:+.2f}')"
    )
    expect(tip).to_contain_text(value.replace("-", "−"))


def test_the_layers_play_and_tell_where_they_are(opened: Lab) -> None:
    view = shown(opened, "view = explanation.show('flow')")
    view.get_by_role("button", name="Play").click()
    opened.page.wait_for_timeout(900)
    view.get_by_role("button", name="Pause").click()
    opened.reads("view.play is not None and 0 < view.play", "True")
    opened.execute("view.play = 1")
    expect(view.locator(".caption")).to_contain_text("Layer 1:")


def test_a_state_is_restored_in_another_view(opened: Lab) -> None:
    view = shown(opened, "first = explanation.show(); view = first")
    word(view, "thin").click()
    view.get_by_role("radio", name="Layer 1").click()
    opened.reads("first.layer", "1")
    second = shown(opened, "view = explanation.show(); view.state = first.state")
    expect(word(second, "thin")).to_have_attribute("aria-selected", "true")
    expect(second.get_by_role("radio", name="Layer 1")).to_be_checked()
    opened.reads("view.state == first.state", "True")
    assert "layer" in opened.execute("view.state = 'layer=99'")
    assert opened.execute("print(view.layer)") == "1", "a bad state changes nothing"


def test_linked_views_move_together(opened: Lab) -> None:
    code = (
        "from ipywidgets import VBox; from traitlets import link\n"
        "one, two = explanation.show('tokens'), explanation.show('flow')\n"
        "pair = link((one, 'selected'), (two, 'selected')); view = VBox([one, two])"
    )
    assert opened.execute(code) == ""
    opened.page.evaluate(SHOW)
    views = opened.page.locator(".jp-Cell .calig")
    tokens = views.nth(views.count() - 2)
    tokens.scroll_into_view_if_needed()
    word(tokens, "superb").click()
    opened.reads("[explanation.tokens[i] for i in two.selected]", "['superb']")
    expect(views.last.locator(".caption")).to_contain_text("superb")


def test_heads_are_formed_by_the_model_on_demand(opened: Lab) -> None:
    view = shown(opened, "view = cn.RolloutView(explanation, granularity='token')")
    view.get_by_role("button", name=re.compile("the heads of layer")).click()
    head = view.get_by_role("radio", name="Head 1")
    expect(head).to_be_visible(timeout=20_000)
    head.click()
    opened.reads("view.head", "1")
    expect(view.locator(".telling")).to_contain_text("Head 1 of layer")


def test_a_long_text_is_seen_through_a_window(opened: Lab) -> None:
    view = shown(opened, f"view = explainer.explain({LONG!r}).show('flow')")
    view.locator(".flow").first.focus()
    opened.page.keyboard.press("+")
    opened.reads("view.span is not None", "True")
    opened.page.keyboard.press("0")
    opened.reads("(view.span in (None, ()))", "True")


def test_a_comparison_marks_a_word_in_all_its_parts(opened: Lab) -> None:
    view = shown(
        opened,
        "a, b = (explainer.explain(f'I expected a masterpiece and got {w}.', target='positive')"
        " for w in ('one', 'none'))\n"
        "view = cn.Comparison([a, b], ['got one', 'got none'])",
    )
    expect(view).to_contain_text("The decision turns")
    view.locator(".w", has_text=re.compile("^masterpiece$")).first.click()
    opened.reads("len(view.selected)", "1")
    expect(view.locator('.w[aria-selected="true"]')).to_have_count(2)
    assert opened.execute("print(type(view.figure()).__name__)") == "Picture"


def test_nothing_was_fetched_and_the_console_is_silent(opened: Lab) -> None:
    assert opened.complaints == []
