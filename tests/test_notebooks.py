"""Notebooks are committed as run, without widget state; nbval runs them anew."""

import re
from pathlib import Path

import nbformat
import pytest

from .run_notebooks import WIDGET, is_bar, run

ROOT = Path(__file__).parents[1]
VIEW = re.compile(r"(Workbench|TokenView|RelevanceFlow|RolloutView|PatchView|Comparison)\(")
FILES = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert [file.name for file in FILES][:1] == ["01_quickstart.ipynb"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_notebook_is_committed_as_run_and_clean(file):
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    for place in (ROOT, Path.home() / ""):
        assert f"{place}/" not in file.read_text(encoding="utf-8"), "a path of one machine"
    assert "widgets" not in notebook.metadata, "hosts refuse to show a notebook with widget state"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_view_is_there_without_a_kernel(file):
    notebook = nbformat.read(file, as_version=4)
    assert file.stat().st_size < 600_000
    for cell in notebook.cells:
        outputs = [output for output in cell.get("outputs", []) if "data" in output]
        for output in outputs:
            assert WIDGET not in output.data and WIDGET not in output.metadata
        views = [n for n, o in enumerate(outputs) if VIEW.match(o.data["text/plain"])]
        for n in views:
            markup = outputs[n + 1].data["text/html"]
            assert '<img alt="' in markup and 'src="data:image/png;base64,' in markup
            assert "<table>" in markup


def test_there_are_views_in_them():
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)
    assert text.count("calig-static") >= 15


@pytest.mark.parametrize("name", ["01_quickstart", "04_comparing", "07_pictures"])
def test_run_twice_a_notebook_is_the_same_file(name):
    """Pictures of every kind of view included.

    Against what is committed only as far as machines agree: that is nbval's duty.
    """
    file = ROOT / "notebooks" / f"{name}.ipynb"
    first, second = (nbformat.writes(run(file)) for _ in range(2))
    assert first == second


def test_a_bar_of_progress_is_no_output():
    for text, bar in {
        "explain:  17%|#6        | 1/6 [00:02<00:14,  2.98s/it]": True,
        "\rexplain:   0%|  | 0/6 [00:00<?]\rexplain: 100%|##| 6/6 [00:04<00:00]\n": True,
        "UserWarning: 50% of the layers did not converge": False,
        "windows:  50%|#####     | 2/4 [00:04]\nUserWarning: no": False,
    }.items():
        output = nbformat.v4.new_output("stream", name="stderr", text=text)
        assert is_bar(output) == bar


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_first_cell_installs_only_where_something_is_missing(file):
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("from importlib.util import find_spec\n")
    assert cells[0].outputs == []
    assert not any("%pip" in cell.source or "!pip" in cell.source for cell in cells[1:])
