"""Tables as Markdown, printed row by row, because rows can take minutes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

FIRST = 34


class Table:
    """A table whose rows are printed as they come."""

    def __init__(self, title: str, *columns: str) -> None:
        self.widths = [max(8, len(column)) for column in columns]
        self.widths[0] = max(FIRST, self.widths[0])
        print(f"\n### {title}\n")
        self._print(columns)
        self._print(["-" * width for width in self.widths])

    def add(self, *cells: object) -> None:
        """One row; numbers to three digits, None as a dash."""
        self._print([shown(cell) for cell in cells])

    def _print(self, cells: Sequence[str]) -> None:
        padded = [cell.rjust(width) for cell, width in zip(cells, self.widths, strict=True)]
        padded[0] = cells[0].ljust(self.widths[0])
        print("| " + " | ".join(padded) + " |")
        sys.stdout.flush()


def shown(value: object) -> str:
    """A cell's text."""
    if value is None or value != value:
        return "–"
    if not isinstance(value, float):
        return str(value)
    if value and abs(value) < 0.01:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
