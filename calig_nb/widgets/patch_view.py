"""The explained picture under its map of evidence, patch by patch."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import traitlets as t

from ..explanation.explanation import Explanation
from ..explanation.summary import Story, story_of_one
from .selection import PatchSelection
from .state import STATIC, Choice
from .view import View

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 512
"""Pixels on the longer side of the picture as it is sent."""
FINE_LIMIT = 200_000
"""A picture of up to so many bytes is sent without a loss; what is larger as a JPEG."""
QUALITY = 88
STYLE = "\n".join(
    (STATIC / name).read_text(encoding="utf8") for name in ("calig.css", "patches.css")
)
"""Of the views of pictures."""


class PatchView(View):
    """A picture under its signed map, all layers as small pictures, and a ledger of patches.

    Blue patches support the class, orange ones, hatched, oppose it. A patch that is selected
    shows to which others it gave evidence and from which it received evidence.

    Options and traits are those of :class:`View`, the tokens being patches, row by row, and:

    Attributes:
        opacity: Of the map, in [0, 1]; at 0 the picture is seen in its own colours.

    Raises:
        ValueError: If the explanation is of a text.

    Example:
        >>> pictures = cn.load_demo('pictures')
        >>> picture = Path(cn.__file__).parent / 'demo' / 'pictures' / 'examples' / 'horse.png'
        >>> cn.PatchView(pictures.explain(picture), opacity=0.5)
        PatchView(Explanation(target='horse', score=2.38, tokens=65, layers=4, lam=0.5))
    """

    _esm = STATIC / "patches.js"
    _css = STYLE
    bundle = "patches"
    draws = ("picture",)

    _view = t.Unicode("patches").tag(sync=True)
    _picture = t.Bytes(b"").tag(sync=True, echo_update=False)

    granularity = Choice(["token"], "token").tag(sync=True)
    opacity: Any = t.Float(0.7, min=0, max=1).tag(sync=True)

    @property
    def selection(self) -> PatchSelection:
        """What is selected: patches by row and column, their pixels, a table."""
        return PatchSelection(self.explanation, tuple(sorted(self.selected)))

    @staticmethod
    def _sent(explanation: Explanation) -> dict[str, Any]:
        sent = View._sent(explanation)
        image = explanation.image
        assert image is not None
        return {
            **sent,
            "_meta": {**sent["_meta"], **picture_layout(explanation)},
            "_picture": encode_picture(image),
        }

    def describe(self) -> tuple[Story, Callable[[], Figure]]:
        """What is on screen in words, and what draws it."""
        return story_of_one(self.explanation, "token", self.layer), self.figure


def picture_layout(explanation: Explanation) -> dict[str, list[int]]:
    """Where the patches lie: rows and columns, height and width of the picture."""
    image, grid = explanation.image, explanation.grid
    assert image is not None and grid is not None
    return {"grid": list(grid), "size": list(image.shape[:2])}


def encode_picture(image: npt.NDArray[np.uint8]) -> bytes:
    """The picture as a PNG, or as a JPEG where that would be large.

    Args:
        image: (height, width, 3).
    """
    return _encode(np.ascontiguousarray(image).tobytes(), image.shape[0], image.shape[1])


@lru_cache(8)
def _encode(pixels: bytes, height: int, width: int) -> bytes:
    from PIL import Image

    picture = Image.frombytes("RGB", (width, height), pixels)
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    written = BytesIO()
    picture.save(written, "png", optimize=True)
    if written.tell() > FINE_LIMIT:
        written = BytesIO()
        picture.save(written, "jpeg", quality=QUALITY)
    return written.getvalue()
