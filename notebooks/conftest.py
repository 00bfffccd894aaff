"""Each cell of code is a test: see tests/notebook_cells.py."""

from pathlib import Path

import pytest

import tests.conftest  # noqa: F401  the kernels' environment
from tests.notebook_cells import Notebook


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Notebook | None:
    return Notebook.from_parent(parent, path=file_path) if file_path.suffix == ".ipynb" else None
