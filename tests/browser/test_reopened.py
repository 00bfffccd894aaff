"""A saved notebook, read again: with and without its kernel, trusted or not, and as a web page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, Route, expect

from .hosts.lab import lab

pytestmark = pytest.mark.full

CELLS = [
    "import calig_nb as cn\n"
    "explainer = cn.load_demo('sentiment')\n"
    "e = explainer.explain('The plot is thin, but the acting is superb.', target='positive')",
    "e",
    "display(e.show('tokens'), e.show('rollout'))\nprint('after')",
    "cn.Comparison([e, explainer.explain('The acting is thin.', target='positive')])",
]
VIEWS = 4
NO_KERNEL = [
    "--KernelSpecManager.ensure_native_kernel=False",
    "--KernelSpecManager.allowed_kernelspecs=none",
]
OPEN = """async (path) => {
  const panel = await jupyterapp.commands.execute("docmanager:open", {path, factory: "Notebook"});
  await panel.context.ready;
}"""
TRUSTED = """() => jupyterapp.shell.currentWidget.content.widgets
  .filter((cell) => cell.model.type === "code").every((cell) => cell.model.trusted)"""
SAVE = """async () => {
  await jupyterapp.commands.execute("docmanager:save");
  jupyterapp.shell.currentWidget.dispose();
}"""
KERNEL = "() => jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
UGLY = re.compile(r"Error|not found|Loading widget|undefined|Traceback")


def fresh() -> nbformat.NotebookNode:
    """The notebook as it is before it is run."""
    cells = [nbformat.v4.new_code_cell(source, id=f"cell{i}") for i, source in enumerate(CELLS)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=spec)


def pictures_are_there(page: Page, within: str) -> None:
    """Each picture is seen, its table too, and nothing that is ugly."""
    pictures = page.locator(f"{within} img[alt*='positive']")
    expect(pictures).to_have_count(VIEWS, timeout=20_000)
    for i in range(VIEWS):
        pictures.nth(i).scroll_into_view_if_needed()
        expect(pictures.nth(i)).to_be_visible()
        assert pictures.nth(i).evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 700
        box = pictures.nth(i).bounding_box()
        assert box is not None and box["width"] > 500 and box["height"] > 200
    tables = page.locator(f"{within} table", has_text="superb")
    expect(tables).to_have_count(VIEWS)
    expect(page.locator(f"{within} pre", has_text="after").last).to_be_visible()
    seen = page.locator(within)
    assert not UGLY.search("\n".join(seen.all_inner_texts()))


@pytest.fixture(scope="module")
def saved(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Path]]:
    """The notebook as JupyterLab saved it, and the folder of its own files."""
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("lab")
    nbformat.write(fresh(), folder / "own.ipynb")
    with lab(browser, folder, scratch) as made:
        made.run("own.ipynb")
        live = made.page.locator(".jp-OutputArea .calig")
        expect(live).to_have_count(VIEWS, timeout=20_000)
        for i in range(VIEWS):
            live.nth(i).scroll_into_view_if_needed()
            expect(live.nth(i)).to_be_visible()
        static = made.page.locator(".jp-OutputArea .calig-static")
        expect(static).to_have_count(VIEWS)
        for i in range(VIEWS):
            expect(static.nth(i)).to_be_hidden()
        expect(made.page.locator(".jp-OutputArea pre", has_text="after")).to_be_visible()
        assert made.complaints == []
        made.page.evaluate(SAVE)
    notebook = nbformat.read(folder / "own.ipynb", as_version=4)
    assert "widgets" not in notebook.metadata
    notebook.cells[0].source += "\n"
    nbformat.write(notebook, folder / "another.ipynb")  # its signature is not ours
    yield folder, scratch


@pytest.mark.parametrize("kernel", [True, False], ids=["a fresh kernel", "no kernel"])
@pytest.mark.parametrize("name", ["own", "another"], ids=["trusted", "untrusted"])
def test_a_saved_notebook_is_never_blank(
    browser: Browser, saved: tuple[Path, Path], name: str, kernel: bool
) -> None:
    folder, scratch = saved
    with lab(browser, folder, scratch, options=() if kernel else NO_KERNEL) as made:
        made.page.evaluate(OPEN, f"{name}.ipynb")
        if kernel:
            made.page.wait_for_function(f"({KERNEL})() === 'idle'", timeout=60_000)
        elif (dialog := made.page.locator(".jp-Dialog")).count():
            dialog.get_by_role("button", name=re.compile("No Kernel|Select")).last.click()
        assert made.page.evaluate(TRUSTED) is (name == "own")
        made.page.wait_for_timeout(3000)  # for two seconds JupyterLab hopes to find the view
        pictures_are_there(made.page, ".jp-OutputArea")
        assert (made.page.evaluate(KERNEL) is None) is (not kernel)
        assert made.page.locator(".calig").count() == 0


@pytest.fixture
def offline(browser: Browser) -> Iterator[Callable[[Path], Page]]:
    """Opens a file of this machine, and nothing else."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})

    def gate(route: Route) -> None:
        allowed = route.request.url.startswith(("file:", "data:", "blob:"))
        route.continue_() if allowed else route.abort()

    context.route("**/*", gate)

    def opened(path: Path) -> Page:
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="domcontentloaded")
        return page

    yield opened
    context.close()


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_a_saved_notebook_as_a_web_page(
    saved: tuple[Path, Path], offline: Callable[[Path], Page], tmp_path: Path, template: str
) -> None:
    shutil.copy(saved[0] / "own.ipynb", tmp_path)
    body, _ = HTMLExporter(template_name=template).from_filename(str(tmp_path / "own.ipynb"))
    (tmp_path / "own.html").write_text(body, encoding="utf-8")
    pictures_are_there(offline(tmp_path / "own.html"), "body")


def test_a_notebook_with_the_state_of_its_widgets_as_a_web_page(
    offline: Callable[[Path], Page], tmp_path: Path
) -> None:
    """Then nbconvert asks the network for the views, and writes nothing in their place."""
    notebook = fresh()
    NotebookClient(notebook, timeout=120, store_widget_state=True).execute()
    assert "widgets" in notebook.metadata
    body, _ = HTMLExporter().from_notebook_node(notebook)
    (tmp_path / "own.html").write_text(body, encoding="utf-8")
    pictures_are_there(offline(tmp_path / "own.html"), "body")
