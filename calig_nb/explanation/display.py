"""What an explanation hands on: to a picture, a page, a file, a test.

Each is the duty of a module above this one, or beside it, and is called by name.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._upward import import_upward

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Shown:
    """The part of an explanation that shows it; ``self`` is one."""

    def check(self: Any, explainer: Any = None, **options: Any) -> Any:
        """How far to trust this; see :func:`calig_nb.evaluation.check.check`."""
        if explainer is None and self.source is not None:
            return self.source.check(self, **options)
        return import_upward("evaluation.check", "check")(self, explainer, **options)

    def save(self: Any, path: str | Path) -> None:
        """Write one file, whole or not at all; what it is, its ending says.

        Args:
            path: ``*.safetensors`` for all the numbers, see :func:`calig_nb.load`; ``*.pdf``,
                ``*.svg`` or ``*.png`` for :meth:`figure`; ``*.html`` for the page of
                :meth:`to_html`; ``*.csv`` for the table of the tokens. An existing file is
                replaced.

        Raises:
            TypeError: If ``path`` is none.
            ValueError: If it ends in something else.
            OSError: If the folder does not exist, or cannot be written to.
        """
        if not isinstance(path, (str, Path)):
            raise TypeError(f"path must be a str or a Path, got {type(path).__name__}.")
        ending = Path(path).suffix.lower()
        if ending not in _WRITERS:
            raise ValueError(f"path must end in one of {(*_WRITERS,)}, got {str(path)!r}.")
        _WRITERS[ending](self, path)

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


def _save_numbers(explanation: Any, path: str | Path) -> None:
    import_upward("explanation.serialization", "save")(explanation, path)


def _save_picture(explanation: Any, path: str | Path) -> None:
    written, kind = BytesIO(), Path(path).suffix[1:].lower()
    explanation.figure().savefig(written, format=kind, bbox_inches="tight")
    import_upward("explanation.serialization", "write_whole")(path, written.getvalue())


def _save_page(explanation: Any, path: str | Path) -> None:
    explanation.to_html(path)


def _save_table(explanation: Any, path: str | Path) -> None:
    table = explanation.to_frame().to_csv(index=False)
    import_upward("explanation.serialization", "write_whole")(path, table.encode("utf8"))


_WRITERS: dict[str, Callable[[Any, str | Path], None]] = {
    ".safetensors": _save_numbers,
    **dict.fromkeys((".pdf", ".svg", ".png"), _save_picture),
    ".html": _save_page,
    ".csv": _save_table,
}
