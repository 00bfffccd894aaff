"""Each cell of code is a test: see tests/notebook_cells.py."""

from pathlib import Path

import pytest

import tests.conftest  # noqa: F401  the kernels' environment
from tests.notebook_cells import Notebook

LONG = ("05_which_method.ipynb", "08_other_scripts.ipynb", "09_long_documents.ipynb")
"""What only the full run executes."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name in LONG:
            item.add_marker(pytest.mark.full)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Notebook | None:
    return Notebook.from_parent(parent, path=file_path) if file_path.suffix == ".ipynb" else None
