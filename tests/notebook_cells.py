"""The cells of the notebooks as tests: run by nbval, their outputs compared with the committed.

Text, tables and what is printed must agree, in their words exactly and in their decimals as far as
processors do. Of an image in HTML only the size is compared, and bars of progress are not.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from decimal import Decimal
from struct import unpack

from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile

from .run_notebooks import is_bar

IMAGE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")
DECIMAL = re.compile(r"[+−-]?\d+\.\d+(?:e[+-]\d+)?")


class Notebook(IPyNbFile):
    """A notebook, run from top to bottom in one kernel."""

    def collect(self) -> Iterator[Cell]:
        for item in super().collect():
            yield Cell.from_parent(
                self, name=item.name, cell_num=item.cell_num, cell=item.cell, options=item.options
            )


class Cell(IPyNbCell):
    """A cell of code."""

    def compare_outputs(
        self, test: list[NotebookNode], ref: list[NotebookNode], skip_compare: object = None
    ) -> bool:
        return super().compare_outputs([o for o in test if not is_bar(o)], ref, skip_compare)

    def sanitize(self, text: str) -> Output:
        return Output(IMAGE.sub(image_size, text))


def image_size(image: re.Match[str]) -> str:
    """Width and height in thousands of pixels, so that fonts of another machine change nothing."""
    width, height = unpack(">16x2I", b64decode(image[1][:32]))
    return f"{width / 1000:.1f} × {height / 1000:.1f}"


class Output(str):
    """The text of an output; equal to another that differs only as two processors do."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and is_same_output(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def is_same_output(one: str, other: str) -> bool:
    """Whether words and whole numbers are the same, and each decimal to one in its last digit.

    Spaces count as one, for a minus before 0.00 moves the columns of a table.
    """
    one, other = (re.sub(" +", " ", text) for text in (one, other))
    if DECIMAL.split(one) != DECIMAL.split(other):
        return False
    pairs = zip(DECIMAL.findall(one), DECIMAL.findall(other), strict=True)
    return all(is_close(*(Decimal(number.replace("−", "-")) for number in pair)) for pair in pairs)


def is_close(one: Decimal, other: Decimal) -> bool:
    """Whether both round a number near the same one: at most one apart in the last digit."""
    return abs(one - other) <= max(Decimal(1).scaleb(n.as_tuple().exponent) for n in (one, other))
