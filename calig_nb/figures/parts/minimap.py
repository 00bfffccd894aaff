"""The whole of a long text as one line of bars, and the window that is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..._design import SIZES
from ..scene.scene import strongest_first

if TYPE_CHECKING:
    from ..canvas.page import Page
    from ..scene.scene import Scene

LONG: int = SIZES["minimap"]["LONG"]
"""From this number of tokens on a text has a map."""
HEIGHT: float = SIZES["minimap"]["HEIGHT"]
LEAST = 0.02


def draw_minimap(page: Page, scene: Scene) -> None:
    """A unit's bar stands over all its tokens; what is out of sight steps back."""
    count, colours, span = len(scene.explanation.tokens), page.colours, scene.state.span
    if count < LONG:
        return
    width, middle = page.width, HEIGHT / 2

    def placed(start: float, stop: float) -> tuple[float, float]:
        low, high = start / count * width, stop / count * width
        return (width - high, width - low) if scene.right_to_left else (low, high)

    page.line(0, width, middle, middle, colours.rule)
    for sign in (1, -1):
        boxes = []
        for u in reversed(strongest_first(range(len(scene.units)), scene.net)):
            v = float(np.clip(scene.net[u] / scene.largest, -1, 1))
            if abs(v) < LEAST or v * sign < 0:
                continue
            tokens = scene.units[u].tokens
            low, high = placed(tokens[0], tokens[-1] + 1)
            apart = 0 if scene.state.granularity == "word" else 1
            height = abs(v) * (middle - 2)
            boxes.append(
                (low, middle - (height if v > 0 else 0), max(1, high - low - apart), height)
            )
        page.boxes(boxes, colours.bar(sign))
    low, high = placed(*((span[0], span[1] + 1) if span else (0, count)))
    for left, right in ((0.0, low), (high, width)):
        if right > left:
            page.rect(left, 0, right - left, HEIGHT, colours.page, 0.6)
    page.rect(low, 0, high - low, HEIGHT, edge=colours.soft if span else colours.rule, line=1.5)
    page.advance(HEIGHT + 8)
