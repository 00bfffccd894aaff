"""The colours of the live views: theme.css decides them, a test holds both together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

DENSE = 0.72
"""From this tone on the colour deepens instead of getting denser."""
EXPONENT = 0.72
"""Compressive, so that the many weak values can be told from none."""
STEPS = 100


@dataclass(frozen=True)
class Palette:
    """The colours of one theme."""

    page: str
    ink: str
    soft: str
    muted: str
    rule: str
    band: str
    supports: str
    opposes: str
    supports_text: str
    opposes_text: str
    supports_deep: str
    opposes_deep: str
    warning: str

    def bar(self, value: float) -> str:
        """Colour of a bar; what is not positive opposes, as in shapes.js."""
        return self.supports if value > 0 else self.opposes

    def text(self, value: float) -> str:
        """Colour of a word that stands for a value."""
        return self.opposes_text if value < 0 else self.supports_text

    def tones(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Colours of signed values in -1 ... 1, zero being the page: (..., 4) red to opacity.

        The twin of palette.js.
        """
        t = np.clip(np.asarray(values, dtype=np.float64), -1, 1)
        t = np.floor((t + 1) * STEPS + 0.5) / STEPS - 1
        a = np.abs(t) ** EXPONENT
        positive = (t >= 0)[..., None]
        base = np.where(positive, to_rgb(self.supports), to_rgb(self.opposes))
        deep = np.where(positive, to_rgb(self.supports_deep), to_rgb(self.opposes_deep))
        k = np.clip((a - DENSE) / (1 - DENSE), 0, 1)[..., None]
        opacity = np.minimum(1, a / DENSE)[..., None]
        return np.concatenate([base + (deep - base) * k, opacity], axis=-1)


THEMES = {
    "light": Palette(
        "#ffffff",
        "#14171b",
        "#4d545c",
        "#666d76",
        "#dfe2e6",
        "#eef0f2",
        "#347ec4",
        "#c3611f",
        "#0c60a3",
        "#964100",
        "#034f8a",
        "#7d3400",
        "#8a5a00",
    ),
    "dark": Palette(
        "#15171b",
        "#eef0f2",
        "#b3bac2",
        "#949ba4",
        "#30343a",
        "#24272c",
        "#5aa3ec",
        "#e57f46",
        "#75b6f9",
        "#fa9259",
        "#9ac9f9",
        "#f7b28f",
        "#e8b64c",
    ),
}
