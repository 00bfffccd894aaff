"""The rollout matrix in a real JupyterLab: Python answers what the page asks, and reads it back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from .hosts.lab import NOTEBOOKS, SHOW, Lab, lab

pytestmark = pytest.mark.full

# Rows and columns of what is on screen, from the numbers of the kernel.
LINK = """
import numpy as np
net = view.explanation.rollout(view.layer).copy()
np.fill_diagonal(net, 0)
print(f"{np.abs(net).max():.4f}")
"""


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One JupyterLab for all tests here."""
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copy(NOTEBOOKS / "01_quickstart.ipynb", folder)
    with lab(browser, folder, tmp_path_factory.mktemp("lab")) as made:
        made.run("01_quickstart.ipynb")
        yield made
        made.close()


def shown(opened: Lab, code: str) -> Locator:
    """The view that this code makes, in a cell of its own."""
    assert opened.execute(f"import calig_nb as cn\n{code}") == ""
    opened.page.evaluate(SHOW)
    view = opened.page.locator(".jp-Cell .calig").last
    view.scroll_into_view_if_needed()
    expect(view.locator(".board")).to_be_visible()
    return view


def test_a_pinned_cell_is_read_back_as_a_selection(opened: Lab) -> None:
    view = shown(opened, "view = cn.RolloutView(explanation, granularity='token')")
    view.locator(".links button").first.click()
    expect(view.locator(".board .pinned, .board .cell")).to_have_count(1)
    opened.reads("view.cell is None", "False")
    said = opened.execute(
        "row, column = view.cell\n"
        "net = view.explanation.rollout()\n"
        "print(view.selection.indices == (column,), len(view.selection.to_frame()), "
        "f'{abs(net[row, column]):.3f}')"
    )
    assert said.startswith("True 1 ")
    opened.page.mouse.move(2, 2)
    expect(view.locator(".board .chip + text")).to_contain_text(said.split()[-1])
    assert opened.execute("print(type(view.figure()).__name__)") == "Picture"


def test_a_long_input_is_rolled_out_by_the_kernel(opened: Lab) -> None:
    make = (
        "text = 'The plot is thin, but the acting is superb and the waste is obvious. ' * 30\n"
        "view = cn.RolloutView(explainer.explain(text), granularity='token')"
    )
    view = shown(opened, make)
    assert int(opened.execute("print(len(view.explanation.tokens))")) > 200
    expect(view.locator(".telling")).not_to_contain_text("Working", timeout=20_000)
    first = view.locator(".links button").first.locator("span").last
    largest = float(opened.execute(LINK))
    assert abs(float(first.inner_text()[1:]) - largest) < 2e-4 + 0.01 * largest
    view.get_by_role("radio", name="Up to layer 1").click()
    expect(view.locator(".telling")).to_contain_text("Up to layer 1")
    expect(view.locator(".telling")).not_to_contain_text("Working", timeout=20_000)
    largest = float(opened.execute(LINK))
    assert abs(float(first.inner_text()[1:]) - largest) < 2e-4 + 0.01 * largest


def test_python_walks_through_it(opened: Lab) -> None:
    view = shown(opened, "view = explanation.show(matrix=True)")
    opened.execute("view.channel = 'opposing'; view.alone = True; view.layer = 1")
    expect(view.get_by_role("radio", name="opposing")).to_be_checked()
    expect(view.locator(".telling")).to_contain_text("Layer 1 alone")
    opened.execute("view.zoom = [2, 3, 8]")
    expect(view.locator(".board [data-row]")).to_have_count(8)
    view.locator(".board").press("0")
    expect(view.locator(".board [data-row]")).not_to_have_count(8)
    opened.reads("view.zoom", "[]")
    assert view.locator(".heads button").count() == 0
    opened.execute("view.heads = True")
    expect(view.locator(".heads button").first).to_be_visible(timeout=10_000)
    view.get_by_role("button", name="Hide the heads").click()
    opened.reads("(view.heads, 'heads' in view.state)", "(False, False)")
    opened.execute("view.matrix = False")
    expect(view.locator(".board")).to_be_hidden()


def test_python_puts_models_with_two_tokenizers_side_by_side(opened: Lab) -> None:
    code = """
import dataclasses, numpy as np
whole_text = "A charmingly unpretentious, supercalifragilistic masterpiece."
one = explainer.explain(whole_text)
whole = one.units("word")
assert len(one.tokens) > len(whole)
words = [list(unit.tokens) for unit in whole]
def joined(values, axis):
    return np.stack([values.take(w, axis).sum(axis) for w in words], axis)
r, g = one.layer_attributions, one.attention_relevance
spans = [(min(one.offsets[w, 0]), max(one.offsets[w, 1])) for w in words]
first = [w[0] for w in words]
other = dataclasses.replace(
    one, tokens=tuple(unit.text for unit in whole), special=one.special[first],
    offsets=np.array(spans), word_ids=one.word_ids[first],
    sentence_ids=one.sentence_ids[first], layer_attributions=joined(r, 1),
    attention_relevance=joined(joined(g, 1), 2), source=None)
view = cn.Comparison([one, other], ["pieces", "words"], granularity="token")
"""
    assert opened.execute(f"import calig_nb as cn\n{code}") == ""
    opened.page.evaluate(SHOW)
    view = opened.page.locator(".jp-Cell .calig").last
    view.scroll_into_view_if_needed()
    expect(view.locator(".side")).to_have_count(2)
    rows = int(opened.execute("print(sum(not s for s in view.to_frame().special))"))
    words = int(opened.execute("print(sum(not u.special for u in whole))"))
    assert rows == words
    view.locator(".side").last.locator(".w:not(.chip)").nth(2).hover()
    expect(view.locator(".tip tr")).to_have_count(3)
    expect(view.locator(".tip")).to_contain_text("pieces")
    assert "→" not in view.locator(".difference tbody").inner_text()


def test_nothing_was_fetched_and_the_console_is_silent(opened: Lab) -> None:
    assert opened.complaints == []
