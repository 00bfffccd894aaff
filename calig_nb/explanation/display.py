"""What an explanation hands on: to a picture, a page, a file, a test.

Each is the duty of a module above this one, or beside it, and is called by name.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._upward import import_upward
from .._validation import file_path, point_from

if TYPE_CHECKING:
    from matplotlib.figure import Figure


View = Literal["workbench", "tokens", "flow", "rollout", "patches"]
"""What draws an explanation."""
Theme = Literal["light", "dark"]

_POINTERS = {
    "display": "Use show().",
    "html": "Use to_html(path).",
    "label": "target_name is the explained class, answer what the model says.",
    "load": "calig_nb.load(path) opens what save(path) wrote.",
    "plot": "Use figure() for a picture, or show() for the live view.",
    "prediction": "answer is what the model says; probabilities of all classes.",
    "scores": "Use attributions, or word_attributions.",
    "to_csv": "Use to_frame('word').to_csv(path).",
    "to_dict": "Use to_frame('word').to_dict('records').",
    "to_json": "Use to_frame('word').to_json(path).",
    "to_pandas": "Use to_frame('word').",
    "values": "Use attributions, or word_attributions.",
    "visualize": "Use show().",
}
"""Names that are expected of an explanation, and what there is instead."""
_INTERNAL = ("answer_sign", "block_matrices", "drawn", "has_heads", "source")


class Shown:
    """The part of an explanation that shows it; ``self`` is one."""

    if not TYPE_CHECKING:  # it would hide misspelt names

        def __getattr__(self, name: str) -> Any:
            point_from(self, name, _POINTERS)

    def __dir__(self) -> list[str]:
        """What is for users."""
        return [n for n in super().__dir__() if not n.startswith("_") and n not in _INTERNAL]

    def __reduce__(self) -> Any:
        """As a saved one: without the model, and with nothing that runs when it is opened."""
        kept = import_upward("explanation.serialization", "to_bytes")(self)
        return import_upward("explanation.serialization", "from_bytes"), (kept,)

    def __copy__(self: Any) -> Any:
        return dataclasses.replace(self)

    def __deepcopy__(self: Any, memo: Any) -> Any:
        """The arrays, which nobody can write, and the model are shared."""
        return dataclasses.replace(self, config=copy.deepcopy(self.config, memo))

    def check(self: Any, explainer: Any = None, **options: Any) -> Any:
        """How far to trust this; see :func:`calig_nb.evaluation.check.check`.

        Example:
            >>> explanation.check(random=20).converged
            True
        """
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

        Example:
            >>> explanation.save('why.safetensors')
            >>> cn.load('why.safetensors').target_name
            'positive'
        """
        ending = file_path("path", path).suffix.lower()
        if ending not in _WRITERS:
            raise ValueError(f"path must end in one of {(*_WRITERS,)}, got {str(path)!r}.")
        _WRITERS[ending](self, path)

    def figure(self: Any, view: View | None = None, **state: Any) -> Figure:
        """The picture of ``view`` as a matplotlib figure; see :mod:`calig_nb.figures`.

        Example:
            >>> explanation.figure('flow', width=8).savefig('why.pdf')
        """
        drawn: Figure = import_upward("figures", "figure")(self.drawn, view, **state)
        return drawn

    def show(self: Any, view: View = "workbench", **state: Any) -> Any:
        """The live view; see :mod:`calig_nb.widgets`.

        Example:
            >>> explanation.show('tokens', selected=['superb'])
            TokenView(Explanation(target='positive', score=1.90, tokens=13, layers=4, lam=0.5))
        """
        return import_upward("widgets", "show")(self.drawn, view, **state)

    def to_html(self: Any, path: str | Path, view: View = "workbench", **state: Any) -> Path:
        """Write the live view as one HTML file without a network; see :mod:`calig_nb.export`.

        Example:
            >>> explanation.to_html('why.html').name
            'why.html'
        """
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
