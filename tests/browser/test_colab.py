"""Every tutorial in a kernel with Colab's versions, on a page that is built as Colab's is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, expect

from .hosts.colab import Colab, code_cells, colab

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
VIEWS = {"02": 0, "05": 1, "06": 1, "11": 1}
"""In these tutorials fewer than three cells show a view."""
VERSIONS = {"ipywidgets": "7.7.1", "anywidget": "0.9.21", "traitlets": "5.7.1", "IPython": "7.34.0"}

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the environment with Colab's versions; without it there is nothing to test."""
    named = os.environ.get("CALIG_COLAB")
    if not named:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("CALIG_COLAB names no Python with Colab's versions: see .ci/run.")
    return Path(named)


@pytest.fixture
def session(browser: Browser, python: Path, tmp_path: Path) -> Iterator[Colab]:
    """A fresh kernel and page."""
    folder = tmp_path / "content"
    folder.mkdir()
    with colab(browser, python, folder, tmp_path) as made:
        yield made
        assert made.complaints == []


def test_the_versions_are_colabs(session: Colab) -> None:
    for name, version in VERSIONS.items():
        assert session.execute(f"import {name}; print({name}.__version__)") == version
    source = "import google.colab.output as o; import calig_nb as cn; cn.Workbench"
    assert session.execute(source) == ""


def round_trip(session: Colab, frame: Frame, model: str) -> None:
    """Python sets what the page shows, and the page what Python reads."""
    frame.frame_element().scroll_into_view_if_needed()
    view = frame.locator(".calig").first
    find = f"import ipywidgets; v = ipywidgets.Widget.widgets[{model!r}]"
    session.execute(f"{find}; v.theme = 'dark'")
    assert session.until(lambda: view.get_attribute("data-theme") == "dark")
    opacity = view.get_by_label("Opacity of the map")
    if opacity.count():  # of a picture
        session.execute("v.theme = 'auto'; v.opacity = 0.25")
        assert session.until(lambda: opacity.input_value() == "0.25")
        opacity.press("Home")
        assert session.until(lambda: session.execute("print(v.opacity)") in ("0", "0.0"))
        return
    session.execute("v.theme = 'auto'; v.granularity = 'word'")
    assert session.until(view.get_by_role("radio", name="words").first.is_checked)
    view.get_by_role("radio", name="tokens", exact=True).first.click()
    assert session.until(lambda: session.execute("print(v.granularity)") == "token")


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_a_tutorial_runs_and_each_view_renders_and_answers(session: Colab, file: Path) -> None:
    for source in code_cells(file):
        session.cell(source)
    session.settle()
    assert len(session.places) >= VIEWS.get(file.name[:2], 3)
    for model, frames in session.places.items():
        for frame in frames:
            frame.frame_element().scroll_into_view_if_needed()  # else it draws nothing
            view = frame.locator(".calig")
            assert session.until(view.first.is_visible)
            assert view.first.evaluate("(node) => node.getBoundingClientRect().height") > 150
            static = frame.locator(".calig-static")
            expect(static).to_have_count(1)
            expect(static).to_be_hidden()
            assert frame.locator(".calig .notice.error:visible").count() == 0
        round_trip(session, frames[0], model)
    # Within two seconds, or anywidget takes no message of Python ever after.
    assert max(session.times, default=0) < 1000, session.times


def test_views_of_two_cells_move_together_through_the_kernel(session: Colab) -> None:
    session.cell(
        "import calig_nb as cn\nfrom traitlets import link\n"
        "e = cn.load_demo('sentiment').explain('The acting is superb.')\n"
        "a, b = e.show('tokens'), e.show('flow')\nlink((a, 'granularity'), (b, 'granularity'))"
    )
    first, second = session.cell("a"), session.cell("b")
    assert first is not None and second is not None and first != second
    first.frame_element().scroll_into_view_if_needed()
    first.get_by_role("radio", name="tokens").first.click()
    second.frame_element().scroll_into_view_if_needed()  # out of sight it draws nothing
    assert session.until(second.get_by_role("radio", name="tokens").first.is_checked)


def test_what_is_large_comes_through_the_kernel(session: Colab) -> None:
    session.cell(
        "import calig_nb as cn\n"
        "e = cn.load_demo('sentiment').explain('The plot is thin but the acting is superb. ' * 20)"
    )
    frame = session.cell("view = e.show()\nview")
    assert frame is not None
    # ``_matrices`` is on the wire: nothing of them came with the first state
    assert session.execute("print(len(view._matrices))") == "0"
    assert session.until(frame.locator(".prose .w").first.is_visible)
    session.settle(1.5)
    assert frame.locator(".calig .notice.error:visible").count() == 0
