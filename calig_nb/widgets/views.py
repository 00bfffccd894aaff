"""The views of one text: the workbench, and each of its parts alone."""

from __future__ import annotations

import traitlets as t

from .view import View


class Workbench(View):
    """The question, the flow through the layers, the text, the ledger and the table, linked.

    Options and traits are those of :class:`View`.

    Example:
        >>> cn.Workbench(explanation, layer=2)
        Workbench(Explanation(target='positive', score=1.90, tokens=13, layers=4, lam=0.5))
    """

    draws = ("text",)

    _view = t.Unicode("workbench").tag(sync=True)


class TokenView(View):
    """Running text whose bars rise where a word supports and hang where it opposes, with a ledger.

    Options and traits are those of :class:`View`.

    Example:
        >>> view = cn.TokenView(explanation)
        >>> view.selected = ['superb']
        >>> view.selection
        Selection('superb')
    """

    draws = ("text",)

    _view = t.Unicode("tokens").tag(sync=True)


class RelevanceFlow(View):
    """One strip for each layer, and the ribbons by which a word's evidence reaches the decision.

    Options and traits are those of :class:`View`.

    Example:
        >>> cn.RelevanceFlow(explanation, lam=0.3).explanation.lam
        0.3
    """

    _view = t.Unicode("flow").tag(sync=True)


class RolloutView(View):
    """A film of the layers and one large matrix: rows receive evidence, columns give it.

    Options and traits are those of :class:`View`.

    Example:
        >>> cn.RolloutView(explanation, channel='supporting').channel
        'supporting'
    """

    _view = t.Unicode("rollout").tag(sync=True)
