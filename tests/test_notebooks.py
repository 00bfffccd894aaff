"""Notebooks are committed as run, without widget state; what they say now is what they said."""

import re
import shutil
import subprocess
import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from .notebook_cells import is_same_output
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
    assert file.stat().st_size < 700_000
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


@pytest.mark.full
@pytest.mark.parametrize("name", ["01_quickstart", "04_comparing", "07_pictures"])
def test_run_twice_a_notebook_is_the_same_file(name):
    """Pictures of every kind of view included.

    Against what is committed each cell is compared, as far as machines agree: notebook_cells.py.
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
        assert is_bar(new_output("stream", name="stderr", text=text)) == bar
        assert is_bar(new_output("display_data", {"text/plain": text})) == bar  # of a widget
        assert not is_bar(new_output("stream", name="stdout", text=text))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_first_cell_installs_only_where_something_is_missing(file):
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("from importlib.util import find_spec\n")
    assert cells[0].outputs == []
    assert not any("%pip" in cell.source or "!pip" in cell.source for cell in cells[1:])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_cell_is_left_out_of_the_comparison(file):
    for cell in nbformat.read(file, as_version=4).cells:
        assert "tags" not in cell.metadata and "NBVAL" not in cell.source


@pytest.mark.parametrize(
    ("committed", "now", "agrees"),
    [
        ("score=4.08, tokens=13", "score=4.08, tokens=13", True),
        ("score=4.08, tokens=13", "score=4.09, tokens=13", True),
        ("score=4.08, tokens=13", "score=4.10, tokens=13", False),
        ("score=4.08, tokens=13", "score=4.08, tokens=12", False),
        ("ahead of 98 % of 100.", "ahead of 97 % of 100.", False),
        ("“the” (−0.017)", "“the” (−0.018)", True),
        ("“the” (−0.017)", "“the” (+0.017)", False),
        ("<td>0.000</td>", "<td>-0.000</td>", True),
        ("a   0.00\nb   1.38", "a  -0.00\nb   1.38", True),
        ("4.8e-03", "4.9e-03", True),
        ("4.8e-03", "4.8e-02", False),
        ("0.05", "0.05 0.05", False),
        ("It names no word that opposes.", "It names no words that oppose.", False),
        ("one\ntwo", "one two", False),
    ],
)
def test_outputs_agree_in_words_and_but_for_the_last_digit(committed, now, agrees):
    assert is_same_output(committed, now) == agrees
    assert is_same_output(now, committed) == agrees


def test_a_cell_whose_output_is_outdated_fails(tmp_path):
    """In a run of pytest, with the options and the hook of this project."""

    def image(width, height):
        with BytesIO() as file:
            Image.new("1", (width, height)).save(file, "png")
            return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"

    cells = [
        new_code_cell(
            f"print({says!r})", execution_count=1, outputs=[new_output("stream", text=f"{said}\n")]
        )
        for said, says in [
            ("0.500", "0.501"),
            ("0.500", "0.502"),
            ("got 602.", "got 603."),
            (image(1050, 1864), image(1041, 1850)),
            (image(1050, 800), image(1050, 1864)),
            ("refused", "granted"),
        ]
    ]
    cells.append(new_code_cell("0.5", execution_count=1))
    nbformat.write(new_notebook(cells=cells), tmp_path / "outdated.ipynb")
    shutil.copy(ROOT / "notebooks" / "conftest.py", tmp_path)
    options = f"-n0 -rA -p no:cacheprovider -c pyproject.toml --rootdir={tmp_path}".split()
    command = [sys.executable, "-m", "pytest", *options, tmp_path]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    passed, failed = (re.findall(f"{n}.* .*Cell (.)", ran.stdout) for n in ("PASSED", "FAILED"))
    assert (passed, failed) == (["0", "3"], ["1", "2", "4", "5", "6"]), ran.stdout
