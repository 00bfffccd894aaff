"""A table for the user, whose texts are shown as they are and do nothing."""

from __future__ import annotations

import pandas as pd

from .formatting import escape_unseen


class Table(pd.DataFrame):  # type: ignore[misc]
    """A pandas table; printed, no text in it steers the terminal, and none is set as a formula."""

    @property
    def _constructor(self) -> type[Table]:
        return Table

    def __repr__(self) -> str:
        return escape_unseen(super().__repr__())

    def _repr_html_(self) -> str | None:
        with pd.option_context("display.html.use_mathjax", False):
            html: str | None = super()._repr_html_()
        return html
