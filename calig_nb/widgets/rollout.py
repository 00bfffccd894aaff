"""Which position received evidence from which token, layer by layer."""

from __future__ import annotations

import traitlets as t

from .view import View


class RolloutView(View):
    """A film of the layers and one large matrix: rows receive evidence, columns give it.

    Options and traits are those of :class:`View`.
    """

    _view = t.Unicode("rollout").tag(sync=True)
