"""The texts in a table, which would else be read as the names of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .text import PARTS


def read_column(inputs: Any, text: str | Sequence[str] | None = None, name: str = "inputs") -> Any:
    """The texts of a table's column, or pairs of two; what is no table as it is.

    Args:
        inputs: A DataFrame, or another table that names its columns; or anything else.
        text: The column that holds the texts; two for pairs.
        name: What ``inputs`` is called in errors.

    Raises:
        TypeError: If it is a table and no column is named, or a column is named of no table.
        ValueError: If the table has no such column.
    """
    named = (getattr(inputs, kind, None) for kind in ("columns", "column_names"))
    columns = next(([*one] for one in named if isinstance(one, Iterable)), [])
    if not columns:
        if text is not None:
            raise TypeError(
                f"text={text!r} names the column of a table, but {name} is no table: got "
                f"{type(inputs).__name__}. Leave it out."
            )
        return inputs
    names = [text] if isinstance(text, str) else [*(text or ())]
    if not 1 <= len(names) <= len(PARTS):
        raise TypeError(
            f"{name} must be texts, got a table with the columns {columns}. Give the column that "
            f"holds them, or name it to explain, predict and calibrate: text={str(columns[0])!r}."
        )
    if absent := [one for one in names if one not in columns]:
        raise ValueError(f"text must name a column of the table, {columns}, got {absent[0]!r}.")
    found = [[*inputs[one]] for one in names]
    if len(found) == 1:
        return found[0]
    return [dict(zip(PARTS, pair, strict=True)) for pair in zip(*found, strict=True)]
