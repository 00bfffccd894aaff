"""The matrix as it is drawn: cells, names, sums along the edges, what is pinned and selected."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import shorten, signed, strip_brackets
from ..canvas.page import HATCH, fit_text, text_width
from ..scene.flow_layout import MIDDLE, WIDE
from ..scene.matrix import choose_named, pool_cells
from ..scene.scene import TINY
from .strips import cross

if TYPE_CHECKING:
    from ..._arrays import Array
    from ..canvas.page import Page
    from ..scene.matrix import Matrix

_TOLD = SENTENCES["matrix"]
_MATRIX = SIZES["matrix"]
FONT: float = _MATRIX["FONT"]
ROW: float = _MATRIX["ROW"]
COLUMN: float = _MATRIX["COLUMN"]
FINE: float = _MATRIX["FINE"]
"""Cells smaller than this, in px, are drawn as one picture."""
FAINT: float = _MATRIX["FAINT"]
LARGEST_SIDE: float = _MATRIX["LARGEST_SIDE"]
LARGEST_CELL: float = _MATRIX["LARGEST_CELL"]
ANGLE: float = _MATRIX["ANGLE"]
BESIDE = 316
"""What stands right of a wide page's board."""
DOTS = 3
"""Dots of the picture in one px."""
LEAST: int = _MATRIX["LEAST"]
APART: float = _MATRIX["APART"]
"""Ends of sentences are drawn from so many units on, where they stand so many px apart."""


class Board:
    """Places of one matrix on a page; text from right to left mirrors it."""

    def __init__(self, page: Page, m: Matrix) -> None:
        self.page, self.m, self.rtl = page, m, m.scene.right_to_left
        units = m.scene.units
        middle, wide = page.width >= MIDDLE, page.width >= WIDE
        room = 104 if middle else 62
        names = [strip_brackets(unit.text) if unit.special else unit.text for unit in units]
        self.names = [fit_text(shorten(name, 24), FONT, room) for name in names]
        widths = [text_width(name, FONT) for name in self.names]
        longest = max(widths)
        self.margin = 40.0 if middle else 26.0
        left = longest + 12
        right = max(self.margin + 10, math.ceil(longest * math.cos(math.radians(ANGLE))) + 4)
        board = page.width - BESIDE if wide else page.width
        side = max(60, min(LARGEST_SIDE, board - left - right))
        cell = min(LARGEST_CELL, side / len(units))
        self.cell = math.floor(cell) if cell >= 4 else cell
        self.side = self.cell * len(units)
        self.flat = all(w + 6 <= self.cell for w in widths)
        rise = 0 if self.flat else longest * math.sin(math.radians(ANGLE))
        self.y0 = 28.0 if self.flat else math.ceil(rise) + 18.0
        self.x0 = right if self.rtl else left
        self.x1, self.y1 = self.x0 + self.side, self.y0 + self.side
        self.width = left + self.side + right
        self.height = self.y1 + self.margin + 14

    def x(self, column: npt.ArrayLike) -> Array:
        """Centres of columns."""
        place = (np.asarray(column) + 0.5) * self.cell
        return np.asarray(self.x1 - place if self.rtl else self.x0 + place)

    def y(self, row: npt.ArrayLike) -> Array:
        """Centres of rows."""
        return np.asarray(self.y0 + (np.asarray(row) + 0.5) * self.cell)

    def draw(self) -> None:
        """All of it; the page goes on below."""
        page, colours = self.page, self.page.colours
        if self.cell < FINE:
            picture(page, self.m.shown / self.m.limit, self.x0, self.y0, self.side, self.rtl)
        else:
            self._cells()
        page.rect(self.x0 - 0.5, self.y0 - 0.5, self.side + 1, self.side + 1, edge=colours.rule)
        self._sums()
        self._ends()
        self._names()
        self._marks()
        page.advance(self.height)

    def _cells(self) -> None:
        """Vector graphics; a cell beyond the scale carries its sign as a mark."""
        page, cell = self.page, self.cell
        t = self.m.shown / self.m.limit
        rows, columns = np.nonzero(np.abs(t) >= FAINT)
        size = cell - (1 if cell > 14 else 0.5 if cell > 9 else 0)
        x, y, values = self.x(columns), self.y(rows), t[rows, columns]
        full = np.full(len(x), float(size))
        boxes = np.stack([x - size / 2, y - size / 2, full, full], -1)
        page.boxes(boxes, page.colours.tones(values), label="cells")
        page.boxes(boxes[values < 0], None, hatch="////", alpha=0.5)
        r, beyond = min(5, cell * 0.3), np.abs(values) > 1.0001
        for cx, cy, value in zip(x[beyond], y[beyond], values[beyond], strict=True):
            page.line(cx - r, cx + r, cy, cy, page.colours.page, 1.5)
            if value > 0:
                page.line(cx, cx, cy - r, cy + r, page.colours.page, 1.5)

    def _sums(self) -> None:
        """Sums of the columns below and of the rows beside, on one scale."""
        page, m, cell = self.page, self.m, self.cell
        cut = m.largest_sum
        given, taken = (np.clip(v, -cut, cut) for v in m.sums)
        spans = [(max(0, v.max()), max(0, -v.min())) for v in (given, taken)]
        reach = self.margin / max(TINY, *(plus + minus for plus, minus in spans))
        thick = max(0.75, cell - (1 if cell > 9 else 0))
        below = self.y1 + 8 + spans[0][0] * reach
        away = -1 if self.rtl else 1
        beside = (self.x0 if self.rtl else self.x1) + away * (8 + spans[1][1] * reach)
        for sign in (1, -1):
            boxes = []
            for u, v in enumerate(given):
                if v * sign > 0 and (tall := abs(v) * reach) >= 0.3:
                    top = below - tall if v > 0 else below
                    boxes.append((float(self.x(u)) - thick / 2, top, thick, tall))
            for u, v in enumerate(taken):
                if v * sign > 0 and (tall := abs(v) * reach) >= 0.3:
                    left = beside if (v > 0) != self.rtl else beside - tall
                    boxes.append((left, float(self.y(u)) - thick / 2, tall, thick))
            page.boxes(boxes, page.colours.bar(sign))
            if sign < 0 and thick >= 3:
                page.boxes(boxes, None, hatch="////", alpha=0.5)
        # The gap says that a sum goes on.
        for u in np.flatnonzero(np.abs(m.sums[0]) > cut).tolist():
            end = below - 0.8 * given[u] * reach
            page.rect(float(self.x(u)) - thick / 2, end - 1.5, thick, 3, page.colours.page)
        for u in np.flatnonzero(np.abs(m.sums[1]) > cut).tolist():
            end = beside + away * 0.8 * taken[u] * reach
            page.rect(end - 1.5, float(self.y(u)) - thick / 2, 3, thick, page.colours.page)
        page.line(self.x0, self.x1, below, below, page.colours.muted)
        page.line(beside, beside, self.y0, self.y1, page.colours.muted)

    def _ends(self) -> None:
        """Where sentences end."""
        scene, page = self.m.scene, self.page
        stops = scene.stops
        if len(scene.units) < LEAST or self.side <= APART * len(stops):
            return
        for stop in stops:
            x = float(self.x(stop)) + (-1 if self.rtl else 1) * self.cell / 2
            y = float(self.y(stop)) + self.cell / 2
            page.line(x, x, self.y0, self.y1, page.colours.muted, alpha=0.4)
            page.line(self.x0, self.x1, y, y, page.colours.muted, alpha=0.4)

    def _names(self) -> None:
        page, m, colours = self.page, self.m, self.page.colours
        selected, count = m.scene.selected, len(self.names)
        row, column = m.cross or (None, None)
        rows = [u for u in (row, *selected) if u is not None]
        columns = [u for u in (column, *selected) if u is not None]
        for u in choose_named(count, self.cell, ROW, rows, m.plain.sum(1)):
            special = m.scene.units[u].special
            x = self.x1 + 8 if self.rtl else self.x0 - 8
            ink = colours.ink if u == row else colours.muted if special else colours.soft
            page.text(
                x,
                float(self.y(u)) + 4,
                self.names[u],
                10.5 if special else FONT,
                ink,
                bold=u == row,
                align="left" if self.rtl else "right",
            )
        room = 1 if self.flat else COLUMN
        for u in choose_named(count, self.cell, room, columns, m.plain.sum(0)):
            strong = u == column if m.cross else u in selected
            special = m.scene.units[u].special
            ink = colours.ink if strong else colours.muted if special else colours.soft
            size = 10.5 if special else FONT
            if self.flat:
                page.text(
                    float(self.x(u)),
                    self.y0 - 8,
                    self.names[u],
                    size,
                    ink,
                    bold=strong,
                    align="center",
                )
                continue
            side = -1 if self.rtl else 1
            page.text(
                float(self.x(u)) + 3 * side,
                self.y0 - 8,
                self.names[u],
                size,
                ink,
                bold=strong,
                align="right" if self.rtl else "left",
                angle=side * ANGLE,
            )

    def _marks(self) -> None:
        page, m, colours = self.page, self.m, self.page.colours
        size = max(3.0, self.cell)
        for u in m.scene.selected:
            page.rect(float(self.x(u)) - size / 2, self.y0, size, self.side, edge=colours.muted)
        reach = min(max(self.cell / 3, 2.5), 5)
        for row, column in m.missing:
            cross(page, float(self.x(column)), float(self.y(row)), reach)
        if m.cross is None:
            return
        row, column = m.cross
        x, y, half = float(self.x(column)), float(self.y(row)), size / 2
        for a, b in ((self.x0, x - half), (x + half, self.x1)):
            page.line(a, b, y, y, colours.muted)
        for a, b in ((self.y0, y - half), (y + half, self.y1)):
            page.line(x, x, a, b, colours.muted)
        page.rect(x - half, y - half, size, size, edge=colours.ink, line=2.5)
        text = signed(float(m.shown[row, column]), m.digits)
        wide, beside = text_width(text, 12, bold=True) + 10, half + 8
        left = x - beside - wide if x + beside + wide > self.x1 else x + beside
        left = max(self.x0, min(self.x1 - wide, left))
        top = y - half - 26
        top = min(self.y1 - 20, y + half + 6) if top < self.y0 else top
        page.rect(left, top, wide, 20, colours.page, edge=colours.rule)
        page.text(left + wide / 2, top + 14, text, 12, bold=True, align="center")


def picture(page: Page, t: Array, x: float, y: float, side: float, rtl: bool) -> None:
    """A matrix as one picture, a dot for each cell; of those that share one the strongest."""
    ordered = pool_cells(t, max(1, round(side * DOTS)))
    ordered = ordered[:, ::-1] if rtl else ordered
    left, top = page.x + x, page.y + y
    page.axes.imshow(
        page.colours.tones(ordered),
        extent=(left, left + side, top + side, top),
        interpolation="nearest",
        aspect="auto",
        zorder=1,
    )


def draw_scale(page: Page, m: Matrix, hatch: bool = True) -> None:
    """From the strongest opposition to the strongest support, as the cells are toned."""
    colours, most = page.colours, signed(m.limit, m.digits).removeprefix("+")
    x = page.text(0, 11, _TOLD["low"].format(most=most), 11, colours.opposes_text) + 8
    steps = 48
    t = (2 * (np.arange(steps) + 0.5)) / steps - 1
    boxes = np.stack(
        [x + 2 * np.arange(steps), np.full(steps, 3), np.full(steps, 2.0), np.full(steps, 9)], -1
    )
    page.boxes(boxes, colours.tones(t))
    if hatch:
        page.rect(x, 3, steps, 9, colours.page, 0, hatch=HATCH, hatch_alpha=0.5)
    page.text(x + 2 * steps + 8, 11, _TOLD["high"].format(most=most), 11, colours.supports_text)
    page.advance(24)
