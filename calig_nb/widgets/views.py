"""All views of one explanation, linked."""

from __future__ import annotations

import traitlets as t

from .view import View


class Workbench(View):
    """The question, the flow through the layers, the text, the ledger and the table, linked.

    Options and traits are those of :class:`View`.
    """

    draws = ("text",)

    _view = t.Unicode("workbench").tag(sync=True)
