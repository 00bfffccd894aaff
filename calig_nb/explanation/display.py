"""What an explanation hands on: to a picture, a page, a file, a test.

Each is the duty of a module above this one, or beside it, and is called by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._upward import import_upward

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


class Shown:
    """The part of an explanation that shows it; ``self`` is one."""

    def check(self: Any, explainer: Any = None, **options: Any) -> Any:
        """How far to trust this; see :func:`calig_nb.evaluation.check.check`."""
        if explainer is None and self.source is not None:
            return self.source.check(self, **options)
        return import_upward("evaluation.check", "check")(self, explainer, **options)

    def save(self: Any, path: str | Path) -> None:
        """Write one safetensors file; see :func:`calig_nb.load`."""
        import_upward("explanation.serialization", "save")(self, path)

    def figure(self: Any, view: str | None = None, **state: Any) -> Figure:
        """The picture of ``view`` as a matplotlib figure; see :mod:`calig_nb.figures`."""
        drawn: Figure = import_upward("figures", "figure")(self.drawn, view, **state)
        return drawn

    def show(self: Any, view: str = "workbench", **state: Any) -> Any:
        """The live view; see :mod:`calig_nb.widgets`."""
        return import_upward("widgets", "show")(self.drawn, view, **state)

    def to_html(self: Any, path: str | Path, view: str = "workbench", **state: Any) -> Path:
        """Write the live view as one HTML file without a network; see :mod:`calig_nb.export`."""
        written: Path = import_upward("export", "write_explanation")(
            self.drawn, path, view, **state
        )
        return written

    _display_ = show  # as marimo asks

    def _ipython_display_(self, **options: Any) -> None:
        self.show()._ipython_display_(**options)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.show()._repr_mimebundle_(**options)
