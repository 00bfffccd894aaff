"""A map on its picture: main picture, film and links alike; the twin of patches/paint.js."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..._design import SIZES
from ...explanation.formatting import round_half_up
from ..scene.patch_map import PatchMap, drain_colours
from .strips import cross

if TYPE_CHECKING:
    from ..._arrays import Array
    from ..canvas.page import Page
    from ..scene.scene import Scene

_PATCHES = SIZES["patches"]
FINE: float = _PATCHES["FINE"]
FAINT: float = _PATCHES["FAINT"]
CRISP: float = _PATCHES["CRISP"]
"""Patches below so many px are not hatched, below this tone not drawn; larger pixels are seen."""
SHADES = 4
"""Hatching is as dense as the colour below it, in so many steps."""
COLOURS = 256
"""Of a figure that is stored in few colours: a photograph needs more than a drawing."""


class Plates:
    """The maps of one page, all on the same picture.

    Attributes:
        page: Where they are drawn.
        scene: What they show.
        map: Their numbers.
        ratio: Width of the picture by its height.
    """

    def __init__(self, page: Page, scene: Scene) -> None:
        image = scene.explanation.image
        assert image is not None
        self.page, self.scene, self.map = page, scene, PatchMap(scene)
        self._image, self.ratio = image, image.shape[1] / image.shape[0]
        self._under = drain_colours(image, scene.state.opacity, page.colours.page)
        page.figure.colours = COLOURS

    def height(self, width: float) -> float:
        """Of a picture so wide."""
        return float(round_half_up(width / self.ratio))

    def draw(
        self,
        x: float,
        y: float,
        width: float,
        values: Array,
        limit: float,
        chosen: Sequence[int] = (),
        label: str = "",
        bare: bool = False,
    ) -> None:
        """A map on its picture.

        Args:
            x: Left.
            y: Top.
            width: In px.
            values: Of each unit.
            limit: What the deepest tone stands for.
            chosen: Units that are outlined.
            label: Of the coloured patches.
            bare: On the page instead, in a frame.
        """
        page, (rows, columns), height = self.page, self.map.grid, self.height(width)
        if bare:
            page.rect(x, y, width, height, edge=page.colours.rule)
        else:
            self._pixels(self._under, x, y, width, height)
        t = np.clip(values[self.map.patches] / limit, -1, 1)
        seen = np.flatnonzero(np.abs(t) >= FAINT)
        t, full = t[seen], np.ones(len(seen))
        w, h = width / columns, height / rows
        gap = 1 if min(w, h) > 14 else 0.5 if min(w, h) > 9 else 0
        left, top = x + seen % columns * w + gap / 2, y + seen // columns * h + gap / 2
        boxes = np.stack([left, top, (w - gap) * full, (h - gap) * full], -1)
        tones, opacity = page.colours.tones(t), self.scene.state.opacity
        density = tones[:, 3].copy()
        tones[:, 3] *= opacity
        page.boxes(boxes, tones, label=label)
        if min(w, h) >= FINE:
            # On a picture the lines would outdo a colour that is weaker than they are.
            shade = np.ceil(density * SHADES)
            for step in range(1, SHADES + 1):
                drawn = boxes[(t < 0) & (shade == step)]
                page.boxes(drawn, None, hatch="////", alpha=0.5 * opacity * step / SHADES)
        for line, ink in ((5, page.colours.page), (2, page.colours.ink)):
            self._outline(x, y, w, h, chosen, ink, line)

    def itself(self, x: float, y: float, width: float) -> None:
        """The picture in its own colours."""
        self._pixels(self._image, x, y, width, self.height(width))

    def crop(self, unit: int, x: float, y: float, side: float) -> tuple[int, int]:
        """What is seen in one patch; returns its row and column."""
        (rows, columns), (height, width) = self.map.grid, self._image.shape[:2]
        row, column = divmod(self.map.patches.index(unit), columns)
        down, along = (
            slice(n * size // count, max((n + 1) * size // count, n * size // count + 1))
            for n, size, count in ((row, height, rows), (column, width, columns))
        )
        self._pixels(self._image[down, along], x, y, side, side)
        return row, column

    def hole(self, unit: int, width: float) -> None:
        """A cross where a value is not a number."""
        if unit not in self.map.patches:
            return
        rows, columns = self.map.grid
        row, column = divmod(self.map.patches.index(unit), columns)
        w, h = width / columns, self.height(width) / rows
        cross(self.page, (column + 0.5) * w, (row + 0.5) * h, min(w, h, 24) * 0.28)

    def _pixels(
        self, image: npt.NDArray[np.uint8], x: float, y: float, width: float, height: float
    ) -> None:
        """Pixels, smoothed where they are small."""
        left, top = self.page.x + x, self.page.y + y
        crisp = width / image.shape[1] >= CRISP
        self.page.axes.imshow(
            image,
            extent=(left, left + width, top + height, top),
            aspect="auto",
            zorder=1,
            interpolation="nearest" if crisp else "bilinear",
        )

    def _outline(
        self, x: float, y: float, w: float, h: float, chosen: Sequence[int], ink: str, line: float
    ) -> None:
        """The border of some patches together."""
        rows, columns = self.map.grid
        inside = np.zeros((rows + 2, columns + 2), dtype=bool)
        for u in chosen:
            if u in self.map.patches:
                row, column = divmod(self.map.patches.index(u), columns)
                inside[row + 1, column + 1] = True
        for row, column in np.argwhere(inside):
            left, top = x + (column - 1) * w, y + (row - 1) * h
            for beside, ends in (
                ((row - 1, column), (left, left + w, top, top)),
                ((row + 1, column), (left, left + w, top + h, top + h)),
                ((row, column - 1), (left, left, top, top + h)),
                ((row, column + 1), (left + w, left + w, top, top + h)),
            ):
                if not inside[beside]:
                    self.page.line(*ends, ink, line)
