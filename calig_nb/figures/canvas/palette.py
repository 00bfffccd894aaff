"""The colours of the live views, as a drawing needs them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from ..._design import COLOURS, SIZES

_TONES = SIZES["tones"]
DENSE: float = _TONES["DENSE"]
"""From this tone on the colour deepens instead of getting denser."""
EXPONENT: float = _TONES["EXPONENT"]
"""Compressive, so that the many weak values can be told from none."""
STEPS: int = _TONES["STEPS"]


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


THEMES = {theme: Palette(**colours) for theme, colours in COLOURS.items()}
