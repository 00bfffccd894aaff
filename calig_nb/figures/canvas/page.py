"""A page that is drawn from the top down, in the live view's px."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from .fonts import fonts_for
from .palette import THEMES

PX = 100
"""Pixels of the live view in an inch: a figure 7 inches wide is the view 700 px wide."""
HATCH = "/////"
SANS = ("DejaVu Sans",)
SERIF = ("DejaVu Serif", "DejaVu Sans")
_MEASURE = 60.0
_UNHINTED = {"text.hinting": "none"}
"""Words keep the widths by which they were placed."""
_TYPE3, _TRUETYPE = 3, 42
"""Publishers refuse fonts of Type 3, which matplotlib embeds by itself."""
_DATED = {"svg": "Date", "svgz": "Date", "pdf": "CreationDate"}


literal_text = mpl.rc_context({"text.parse_math": False, "text.usetex": False})
"""Around a function that draws: dollars, backslashes and underscores make no formula of a name."""


class Span(NamedTuple):
    """A run of text in one style."""

    text: str
    colour: str | None = None
    bold: bool = False
    size: float | None = None


class Picture(Figure):
    """A matplotlib figure that a notebook cell shows by itself, also without pyplot.

    The same picture is written as the same bytes: without a date, with identifiers that repeat.
    """

    colours: int = 64
    """So many are enough where it is stored in few."""

    def savefig(self, fname: Any, *, svg_text: bool = False, **options: Any) -> None:
        """As matplotlib's; ``metadata`` may bring the date back.

        Fonts are embedded as TrueType, whatever matplotlib is set to; but in ``PdfPages``, which
        are written when they are closed, as it is set to, and in PostScript as Type 3 where the
        text is Chinese, Japanese or Korean.

        Args:
            fname: A path or an open file.
            svg_text: Whether an SVG holds text as text, to be searched and edited where its fonts
                are installed, and not as outlines.
            **options: Of :meth:`matplotlib.figure.Figure.savefig`.
        """
        suffix = FilePath(fname).suffix if isinstance(fname, (str, FilePath)) else ""
        kind = options.get("format") or suffix.lstrip(".") or mpl.rcParams["savefig.format"]
        if dated := _DATED.get(kind.lower()):
            options["metadata"] = {dated: None, **(options.get("metadata") or {})}
        settings: dict[str, Any] = {"svg.hashsalt": "calig_nb", **_UNHINTED}
        if not hasattr(fname, "get_pagecount"):
            settings["pdf.fonttype"] = _TRUETYPE
            # There matplotlib measures every letter of a font, which takes minutes for these.
            settings["ps.fonttype"] = _TYPE3 if self._is_east_asian() else _TRUETYPE
        if svg_text:
            settings["svg.fonttype"] = "none"
        with mpl.rc_context(settings):
            super().savefig(fname, **{"facecolor": self.get_facecolor(), **options})

    def _is_east_asian(self) -> bool:
        texts = "".join(text.get_text() for text in self.findobj(Text))
        return any(unicodedata.east_asian_width(c) in "WF" for c in texts)

    def _repr_png_(self) -> bytes:
        written = BytesIO()
        self.savefig(written, format="png", dpi=150)
        return written.getvalue()


class Page:
    """A figure and how far it has been drawn.

    Places are given in px, from the content's left edge and from ``y``, where the part that is
    being drawn begins; texts stand on their base line, as in SVG.
    """

    margin = 16.0

    def __init__(self, width: float, theme: str) -> None:
        self.width, self.colours = width * PX - 2 * self.margin, THEMES[theme]
        self.x, self.y, self.sheet = 0.0, self.margin, self.width
        self.figure = Picture(figsize=(width, 1), facecolor=self.colours.page)
        self.axes = self.figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        self.axes.set_autoscale_on(False)

    @contextmanager
    def column(self, x: float, width: float) -> Iterator[None]:
        """Draw into part of the width; what is drawn inside starts at its left edge."""
        before = self.x, self.width
        self.x, self.width = self.x + x, width
        yield
        self.x, self.width = before

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 11,
        colour: str | None = None,
        *,
        bold: bool = False,
        align: str = "left",
        family: Sequence[str] = SANS,
        angle: float = 0,
        halo: float = 0,
    ) -> float:
        """One run of text; returns its advance. A level one that would leave the page is moved."""
        if not text:
            return 0.0
        text = _drawable(text)
        advance = text_width(text, size, family, bold)
        if not angle:
            if advance > self.sheet:
                size, advance = size * self.sheet / advance, self.sheet
            left = x - advance * {"left": 0.0, "center": 0.5, "right": 1.0}[align] + self.x
            outer = self.margin - 4 if advance <= self.sheet - 8 else 0.0
            x += max(-outer, min(left, self.sheet + outer - advance)) - left
        drawn = self.axes.text(
            self.x + x,
            self.y + y,
            text,
            size=size * 72 / PX,
            color=colour or self.colours.ink,
            weight="bold" if bold else "normal",
            ha=align,
            va="baseline",
            rotation=angle,
            rotation_mode="anchor",
            family=fonts_for(text, tuple(family)),
            parse_math=False,
            usetex=False,
            zorder=1,
        )
        if halo:
            stroke = withStroke(linewidth=halo * 2 * 72 / PX, foreground=self.colours.page)
            drawn.set_path_effects([stroke])
        return advance

    def spans(
        self,
        x: float,
        y: float,
        spans: Sequence[Span],
        size: float = 12,
        colour: str | None = None,
        *,
        align: str = "left",
        halo: float = 0,
    ) -> float:
        """Runs of text in several styles on one line; returns the advance."""
        wide = [text_width(s.text, s.size or size, SANS, s.bold) for s in spans]
        scale = min(1.0, self.width / max(1e-9, sum(wide)))
        left = x - sum(wide) * scale * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        left = max(0.0, min(left, self.width - sum(wide) * scale))
        for span, advance in zip(spans, wide, strict=True):
            own = (span.size or size) * scale
            self.text(left, y, span.text, own, span.colour or colour, bold=span.bold, halo=halo)
            left += advance * scale
        return sum(wide)

    def paragraph(
        self, y: float, spans: Sequence[Span], size: float = 14, colour: str | None = None
    ) -> float:
        """Runs of text in as many lines as they take; returns the height."""
        line, x, apart, space = y + size, 0.0, False, text_width(" ", size, SANS)
        for span in spans:
            # A name from right to left is one piece, whatever it holds.
            pieces = (
                [span.text] if span.text.startswith("\u2068") else re.split("( )(?!%)", span.text)
            )
            for piece in pieces:
                if piece in ("", " "):
                    apart |= bool(piece)
                    continue
                advance = text_width(piece, span.size or size, SANS, span.bold)
                x += space * (apart and x > 0)
                if x + advance > self.width and x and apart:
                    x, line = 0.0, line + size * 1.45
                self.text(x, line, piece, span.size or size, span.colour or colour, bold=span.bold)
                x, apart = x + advance, False
        return line - y + size * 0.45

    def line(
        self,
        x1: float,
        x2: float,
        y1: float,
        y2: float,
        colour: str,
        width: float = 1,
        alpha: float = 1,
    ) -> None:
        """A straight line."""
        self.axes.plot(
            [self.x + x1, self.x + x2],
            [self.y + y1, self.y + y2],
            color=colour,
            alpha=alpha,
            lw=width * 72 / PX,
            solid_capstyle="butt",
            zorder=1,
        )

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: str | None = None,
        alpha: float = 1,
        *,
        hatch: str | None = None,
        hatch_colour: str | None = None,
        hatch_alpha: float = 0.8,
        edge: str | None = None,
        line: float = 1,
        label: str = "",
    ) -> None:
        """A rectangle: filled, hatched, outlined; the label says what it stands for."""
        ink = (hatch_colour or self.colours.page, hatch_alpha)
        self.axes.add_patch(
            Rectangle(
                (self.x + x, self.y + y),
                width,
                height,
                fill=colour is not None,
                facecolor=(colour, alpha) if colour else "none",
                hatch=hatch,
                edgecolor=edge or (ink if hatch else "none"),
                linewidth=line * 72 / PX if edge else 0,
                label=label,
            )
        )

    def bar(
        self, x: float, y: float, width: float, height: float, sign: float, label: str = ""
    ) -> None:
        """A bar whose sign is told by its hatching too."""
        hatch = None if sign > 0 or min(width, height) < 1.5 else HATCH
        self.rect(x, y, width, height, self.colours.bar(sign), hatch=hatch, label=label)

    def shape(
        self,
        points: Sequence[tuple[float, float]],
        codes: Any,
        *,
        clip: tuple[float, ...] | None = None,
        **style: Any,
    ) -> None:
        """A filled path; of it only what lies in the clip: left, top, right, bottom."""
        own = np.asarray(points, dtype=float)
        patch = PathPatch(
            Path(own + np.array([self.x, self.y]), codes), **{"linewidth": 0, "zorder": 1, **style}
        )
        self.axes.add_patch(patch)
        if clip and ((own < clip[:2]).any() or (own > clip[2:]).any()):
            left, top, right, bottom = clip
            box = Rectangle((self.x + left, self.y + top), right - left, bottom - top)
            patch.set_clip_path(box.get_path(), box.get_patch_transform() + self.axes.transData)

    def boxes(
        self,
        boxes: Any,
        colours: Any,
        hatch: str | None = None,
        alpha: float = 0.8,
        label: str = "",
    ) -> None:
        """Many rectangles (n, 4): x, y, width, height; those that are hatched are not filled."""
        boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
        x, y = boxes[:, 0] + self.x, boxes[:, 1] + self.y
        w, h = boxes[:, 2], boxes[:, 3]
        corners = np.stack(
            [np.stack([x + a * w, y + b * h], -1) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))], 1
        )
        if not hatch and not isinstance(colours, str):
            found = PolyCollection(
                list(corners), facecolors=colours, linewidths=0, zorder=1, label=label
            )
            self.axes.add_collection(found, autolim=False)
        elif len(boxes):  # one path of all is painted in one stroke
            closed = np.concatenate([corners, corners[:, :1]], axis=1).reshape(-1, 2)
            codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(boxes)
            self.axes.add_patch(
                PathPatch(
                    Path(closed, codes),
                    facecolor=colours or "none",
                    hatch=hatch,
                    linewidth=0,
                    zorder=1,
                    edgecolor=(self.colours.page, alpha) if hatch else "none",
                )
            )

    def advance(self, height: float) -> None:
        """Go on below what has been drawn."""
        self.y += height

    def finished(self) -> Figure:
        """The figure, as high as what was drawn."""
        height = self.y + self.margin
        self.figure.set_size_inches((self.width + 2 * self.margin) / PX, height / PX)
        self.axes.set(xlim=(-self.margin, self.width + self.margin), ylim=(height, 0))
        return self.figure


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no font draws and no file of vector graphics may hold."""

_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that direct text, which matplotlib obeys from 3.11 on, and drew as boxes before."""
_DIRECTED = mpl.__version_info__ >= (3, 11)


def _drawable(text: str) -> str:
    """The text with characters that cannot be drawn as U+FFFD."""
    return _CONTROL.sub("\ufffd", text if _DIRECTED else _DIRECTION.sub("", text))


@lru_cache
def _renderer() -> Any:
    return FigureCanvasAgg(Figure(figsize=(1, 1), dpi=72)).get_renderer()


@lru_cache(65536)
def _advance(text: str, family: tuple[str, ...], bold: bool) -> float:
    font = FontProperties(
        family=fonts_for(text, family), size=_MEASURE, weight="bold" if bold else "normal"
    )
    with mpl.rc_context(_UNHINTED):
        with_stop, stop = (
            _renderer().get_text_width_height_descent(t, font, False)[0] for t in (f"{text}|", "|")
        )
    return float(with_stop - stop) / _MEASURE


def text_width(text: str, size: float, family: Sequence[str] = SANS, bold: bool = False) -> float:
    """Width in px; the renderer leaves out white space at the end, so a stop is added."""
    return _advance(_drawable(text), tuple(family), bold) * size


def fit_text(text: str, size: float, room: float, family: Sequence[str] = SANS) -> str:
    """The text, cut with an ellipsis where it is longer than the room."""
    if text_width(text, size, family) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = text_width(text[:middle] + "…", size, family) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low] + "…"
