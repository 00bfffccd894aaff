"""What an explanation hands on: to a table, a picture, a page, a file, a test.

The only calls upward: each hands the explanation to the file whose duty it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from .._upward import import_upward
from .units import Granularity

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

    from ..evaluation.check import Check
    from ..pipeline.explainer import Explainer
    from ..widgets import View
    from .explanation import Explanation


class Shown:
    """The part of an :class:`Explanation` that shows it."""

    @property
    def _own(self) -> Explanation:
        return cast("Explanation", self)

    @property
    def drawn(self) -> Explanation:
        """What the views draw: this; of a long document, its phrases."""
        return self._own

    def to_frame(self, granularity: Granularity | Literal["layer"] = "token") -> pd.DataFrame:
        """The numbers as a table; see :mod:`calig_nb.explanation.tables`."""
        from .tables import frame

        return frame(self._own, granularity)

    def top(self, k: int = 10, granularity: Granularity = "word") -> pd.DataFrame:
        """The k ordinary words with most relevance, strongest first, whatever its sign."""
        from .tables import top

        return top(self._own, k, granularity)

    def check(self, explainer: Explainer | None = None, **options: Any) -> Check:
        """How far to trust this; see :func:`calig_nb.evaluation.check.check`."""
        own = self._own
        check: Check
        if explainer is None and own.source is not None:
            check = own.source.check(own, **options)
        else:
            check = import_upward("evaluation.check", "check")(own, explainer, **options)
        return check

    def save(self, path: str | Path) -> None:
        """Write one safetensors file; see :func:`calig_nb.load`."""
        from ..pipeline.cache import save

        save(self._own, path)

    def figure(self, view: str | None = None, **state: Any) -> Figure:
        """The picture of ``view`` as a matplotlib figure; see :mod:`calig_nb.figures`."""
        from ..figures import figure

        return figure(self.drawn, view, **state)

    def show(self, view: str = "workbench", **state: Any) -> View:
        """The live view; see :mod:`calig_nb.widgets`."""
        from ..widgets import show

        return show(self.drawn, view, **state)

    def to_html(self, path: str | Path, view: str = "workbench", **state: Any) -> Path:
        """Write the live view as one HTML file without a network; see :mod:`calig_nb.export`."""
        from ..export import write_explanation

        return write_explanation(self.drawn, path, view, **state)

    _display_ = show  # as marimo asks

    def _ipython_display_(self, **options: Any) -> None:
        self.show()._ipython_display_(**options)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.show()._repr_mimebundle_(**options)
