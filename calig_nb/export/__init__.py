"""The standalone page: a view in one HTML file, live without a kernel and without a network."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np

from .._validation import file_path, warn_user, whole_number
from .._version import __version__
from ..explanation.formatting import error_bound
from ..explanation.serialization import write_whole
from ..widgets import Comparison, View, show
from ..widgets.state import State
from ..widgets.static_output import render_picture
from . import wording as wo
from .packing import Packed, pack
from .page import Contents, document

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation

MAX_BYTES = 6_000_000
_NO_HEADS = "Heads need the notebook: this page was made without them."
_WORTH_A_WARNING = 0.01
"""A loss above this is warned of; every loss is stated on the page."""
_SLACK = 2000
"""Characters for the scales of the matrices and the statement of the loss."""


def write_explanation(
    explanation: Explanation,
    path: str | Path,
    view: str = "workbench",
    max_bytes: int = MAX_BYTES,
    **state: Any,
) -> Path:
    """Write the page of an explanation; see :func:`write`."""
    shown = show(explanation, view, **state)
    try:
        return write(shown, path, max_bytes)
    finally:
        shown.close()


def write(shown: View | Comparison, path: str | Path, max_bytes: int = MAX_BYTES) -> Path:
    """Write a view as it is on screen as one HTML file; it appears whole or not at all.

    λ, layer, selection, granularity, play, theme, matrix and undo stay live in it. Single heads
    and other classes need the notebook, and the page says so. The same view gives the same bytes.

    Args:
        shown: A view, or a comparison.
        path: Where, ``*.html``. An existing file is replaced.
        max_bytes: The file is no larger. The attention relevance travels in 16 or 8 bits, or more
            coarsely where that does not fit; the page states by how much that changes the
            evidence, and over 1 % there is a warning.

    Returns:
        The path.

    Raises:
        ValueError: If the path does not end in .html, or the page does not fit in max_bytes.
        OSError: If the folder does not exist, or the file cannot be written.
    """
    file = _page_file(path)
    max_bytes = whole_number("max_bytes", max_bytes, 1)
    content = html(shown, max_bytes).encode("utf8")
    try:
        write_whole(file, content)
    except PermissionError as error:
        why = error.strerror or "it is write-protected"
        raise PermissionError(f"{file} cannot be written: {why}. Choose another folder.") from error
    return file


def html(shown: View | Comparison, max_bytes: int = MAX_BYTES) -> str:
    """The page as a string; see :func:`write`."""
    with np.errstate(invalid="ignore"):  # what is not a number is drawn as such
        story, draw = shown.describe()
        if isinstance(shown, Comparison):
            explanations = shown.explanations
            words = wo.of_several(explanations, shown.names, story)
        else:
            explanations = (shown.explanation,)
            words = wo.of_one(*explanations)
        image = render_picture(story, draw)
    traits = {name: getattr(shown, name) for name in sorted(own_traits(shown))}
    bundle = shown.bundle
    bare = Contents(_without_kernel(traits, None), [], words, story, image, bundle)
    packed = pack(explanations, max_bytes - len(document(bare).encode("utf8")) - _SLACK)
    if packed.loss > _WORTH_A_WARNING:
        warn_user(
            f"To fit into {max_bytes:,} bytes the matrices were coarsened: the evidence of a "
            f"token may change by {error_bound(packed.loss)} of the strongest. Allow more with "
            "max_bytes=."
        )
    told = dataclasses.replace(words, notes=(*words.notes, _statement(packed)))
    return document(
        Contents(_without_kernel(traits, packed), packed.contents, told, story, image, bundle)
    )


def own_traits(shown: State) -> set[str]:
    """Names of the traits that the page's views read."""
    inherited = anywidget.AnyWidget.class_traits().keys() | {"_esm", "_css", "_anywidget_id"}
    return set(shown.traits(sync=True).keys() - inherited)


def _without_kernel(traits: dict[str, Any], packed: Packed | None) -> dict[str, Any]:
    """The traits where no kernel is: matrices follow by themselves, and nothing else can be had."""

    def one(item: dict[str, Any], n: int) -> dict[str, Any]:
        form = (
            {**packed.forms[n], "within": _loss_in_words(packed)}
            if packed
            else item["_meta"]["matrix"]
        )
        meta = {**item["_meta"], "live": False, "no_heads": _NO_HEADS, "matrix": form}
        return {**item, "_meta": meta, "_matrices": b""}

    resting = {**traits, "_busy": False, "_error": ""}
    if "_items" not in traits:
        return one(resting, 0)
    return {**resting, "_items": [one(item, n) for n, item in enumerate(traits["_items"])]}


def _loss_in_words(packed: Packed) -> str:
    return f"{error_bound(packed.loss)} of the strongest token"


def _statement(packed: Packed) -> str:
    bits = "16 bits" if packed.levels > 127 else "8 bits"
    coarse = f", {packed.levels} levels to either side" if packed.levels < 127 else ""
    return (
        f"Attention relevance is kept in {bits}{coarse}: the evidence of a token stays within "
        f"{_loss_in_words(packed)}. Made by calig_nb {__version__}; "
        "this page needs no network and sends nothing. Single heads and other classes need the "
        "notebook."
    )


def _page_file(path: str | Path) -> Path:
    file = file_path("path", path)
    if file.suffix.lower() not in (".html", ".htm"):
        raise ValueError(
            f"path must end in .html, by which a browser knows a page, got {str(path)!r}. "
            "For a picture use figure().savefig, for the numbers save."
        )
    if file.is_dir():
        raise IsADirectoryError(f"path must be a file, but {file} is a folder: name a file in it.")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent}: make it first.")
    return file
