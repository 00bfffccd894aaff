"""The text with its evidence: words that support and words that oppose."""

from __future__ import annotations

import traitlets as t

from .view import View


class TokenView(View):
    """Running text whose bars rise where a word supports and hang where it opposes, with a ledger.

    Options and traits are those of :class:`View`.
    """

    draws = ("text",)

    _view = t.Unicode("tokens").tag(sync=True)
