"""Run the notebooks, all or those named, and keep their outputs: ``python -m tests.run_notebooks``.

What is kept are pictures, tables and text, but no widget: neither its state nor the view, whose
number is another one each time and which nobody could open. So a notebook that says the same is
the same file, and every host shows it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
BAR = re.compile(r"(\s*\w+: +\d+%\|[^\r\n]*)+\s*")
WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path: Path) -> nbformat.NotebookNode:
    """What the notebook is after a run; the file stays as it is."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        store_widget_state=False,
        coalesce_streams=True,  # however often they were flushed
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not is_bar(output)]
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            output.get("metadata", {}).pop(WIDGET, None)
    return notebook


def is_bar(output: nbformat.NotebookNode) -> bool:
    """Whether it is a bar of progress, which comes only where a cell took long."""
    is_error = output.get("name") == "stderr"
    text = output.text if is_error else output.get("data", {}).get("text/plain", "")
    return bool(BAR.fullmatch(text))


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(run(file), file)
        print(file.name)
