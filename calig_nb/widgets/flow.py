"""Relevance through the layers, from the embeddings to the decision."""

from __future__ import annotations

import traitlets as t

from .view import View


class RelevanceFlow(View):
    """One strip for each layer, and the ribbons by which a word's evidence reaches the decision.

    Options and traits are those of :class:`View`.
    """

    _view = t.Unicode("flow").tag(sync=True)
