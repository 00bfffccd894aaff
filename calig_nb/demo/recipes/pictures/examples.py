"""The pictures that the package ships: drawn by this code, so that nobody else owns them.

``python -m calig_nb.demo.recipes.pictures.examples DIR`` draws them again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 32
SCALE = 16
"""Drawn so many times larger, then made smaller: soft edges, as in a photograph."""

Draw = ImageDraw.ImageDraw


def airplane(draw: Draw) -> None:
    """An airliner against the sky, its nose to the right."""
    shade, body = (150, 158, 168), (236, 238, 240)
    draw.polygon(_at((13, 15), (18, 15), (11, 6), (8, 6)), shade)
    draw.polygon(_at((3, 8), (6, 8), (9, 15), (4, 15)), body)
    draw.ellipse(_box(3, 13.5, 29, 18.5), body)
    draw.polygon(_at((3, 14.5), (8, 13.6), (8, 17.5)), body)
    draw.polygon(_at((12, 17), (18, 17), (10, 26), (6.5, 26)), shade)
    draw.ellipse(_box(11, 19, 15, 21), (90, 96, 106))
    for x in range(10, 25, 2):
        draw.ellipse(_box(x, 15, x + 0.9, 15.9), (60, 76, 100))
    draw.polygon(_at((26, 14.6), (28.4, 15.6), (26, 15.8)), (50, 60, 80))


def automobile(draw: Draw) -> None:
    """A red car on a road, from the side."""
    draw.rectangle(_box(0, 22, 32, 32), (112, 110, 108))
    draw.rectangle(_box(0, 26.5, 32, 27.2), (206, 200, 176))
    draw.ellipse(_box(2, 23.5, 30, 26.5), (66, 64, 64))
    draw.polygon(_at((8, 15.5), (12, 9), (21, 9), (25.5, 15.5)), (168, 26, 28))
    draw.polygon(_at((10, 15.2), (12.8, 10.2), (16, 10.2), (16, 15.2)), (58, 74, 90))
    draw.polygon(_at((17, 15.2), (17, 10.2), (20.4, 10.2), (23.6, 15.2)), (58, 74, 90))
    draw.rounded_rectangle(_box(2, 14.5, 30, 22.5), 2 * SCALE, (196, 32, 32))
    draw.rectangle(_box(2, 18.4, 30, 19), (140, 20, 22))
    draw.ellipse(_box(27.6, 15.6, 30, 18), (250, 240, 190))
    draw.rectangle(_box(2, 15.6, 3.4, 18), (110, 10, 14))
    for x in (5, 20.5):
        draw.ellipse(_box(x, 18.5, x + 6.5, 25), (22, 22, 24))
        draw.ellipse(_box(x + 1.8, 20.3, x + 4.7, 23.2), (176, 178, 182))


def cat(draw: Draw) -> None:
    """The face of a tabby, close by."""
    fur, dark, pale = (164, 126, 88), (92, 64, 42), (224, 204, 178)
    draw.ellipse(_box(4, 21, 28, 42), fur)
    for side in (1, -1):
        draw.polygon([_mirror(p, side) for p in _at((5, 14), (5.5, 1.5), (14, 7))], fur)
        draw.polygon([_mirror(p, side) for p in _at((6.8, 10), (7, 4.5), (11.5, 7.5))], pale)
    draw.ellipse(_box(4.5, 5, 27.5, 26), fur)
    for x in (12.5, 15.5, 18.5):
        draw.line(_at((x, 6), (x * 0.7 + 4.8, 10.5)), dark, round(1.1 * SCALE))
    for side in (1, -1):
        for y in (17, 19.5):
            draw.line(
                [_mirror(p, side) for p in _at((4.8, y), (9, y + 0.6))], dark, round(0.9 * SCALE)
            )
    draw.ellipse(_box(10.5, 17.5, 21.5, 25.5), pale)
    for x in (9, 19):
        draw.ellipse(_box(x, 12, x + 4.2, 16), (196, 204, 92))
        draw.ellipse(_box(x + 1.4, 12, x + 2.8, 16), (16, 18, 14))
    draw.polygon(_at((14.4, 18.4), (17.6, 18.4), (16, 20.4)), (196, 116, 112))
    draw.arc(_box(12.6, 19.4, 16, 22.8), 10, 170, dark, round(0.5 * SCALE))
    draw.arc(_box(16, 19.4, 19.4, 22.8), 10, 170, dark, round(0.5 * SCALE))


def horse(draw: Draw) -> None:
    """A brown horse on a meadow, its head to the right."""
    draw.rectangle(_box(0, 17, 32, 32), (104, 140, 66))
    draw.rectangle(_box(0, 13.5, 32, 17), (66, 98, 54))
    coat, mane = (122, 76, 44), (46, 28, 20)
    for x, shade in ((9, 0.75), (19.4, 0.75), (7, 1), (17.6, 1)):
        own = _darken(coat, shade)
        draw.polygon(_at((x, 17), (x + 3, 17), (x + 2.2, 28), (x + 0.6, 28)), own)
        draw.rectangle(_box(x + 0.4, 27.6, x + 2.5, 29), mane)
    draw.line(_at((6.4, 12), (4, 15), (3.8, 21)), mane, round(1.8 * SCALE))
    draw.ellipse(_box(5.6, 10.4, 22.4, 19.4), coat)
    draw.polygon(_at((17.5, 12), (22.6, 16.4), (26.6, 7.6), (23.4, 4.4)), coat)
    draw.polygon(_at((23.2, 4.2), (26.8, 4.8), (30.6, 10.4), (28.8, 12.2), (24.6, 8.8)), coat)
    draw.polygon(_at((23.6, 5), (23.8, 2.2), (25.4, 4.6)), coat)
    draw.polygon(_at((23.8, 3.2), (22.2, 4), (16.6, 11.6), (18.6, 12.2), (23.4, 6.4)), mane)
    draw.ellipse(_box(26, 6.2, 26.9, 7.1), (14, 10, 8))


EXAMPLES: dict[str, tuple[Callable[[Draw], None], tuple[int, int, int], tuple[int, int, int]]] = {
    "airplane": (airplane, (96, 150, 214), (184, 212, 238)),
    "automobile": (automobile, (188, 204, 214), (170, 176, 172)),
    "cat": (cat, (88, 84, 92), (126, 112, 104)),
    "horse": (horse, (168, 200, 226), (206, 220, 224)),
}
"""By name: what draws it, and the colours of what is behind, above and below."""


def draw_example(name: str) -> Image.Image:
    """(32, 32) picture of a name, with a little grain, always the same, as a camera leaves it."""
    draw_on, top, bottom = EXAMPLES[name]
    share = np.linspace(0, 1, SIDE * SCALE)[:, None, None]
    behind = (1 - share) * np.array(top) + share * np.array(bottom)
    canvas = np.broadcast_to(behind, (SIDE * SCALE, SIDE * SCALE, 3)).astype(np.uint8)
    large = Image.fromarray(np.ascontiguousarray(canvas))
    draw_on(ImageDraw.Draw(large))
    soft = large.filter(ImageFilter.GaussianBlur(SCALE / 3)).resize(
        (SIDE, SIDE), Image.Resampling.BOX
    )
    grain = np.random.default_rng(0).normal(0, 5, (SIDE, SIDE, 1))
    return Image.fromarray((np.asarray(soft) + grain).clip(0, 255).astype(np.uint8))


def _at(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(SCALE * x, SCALE * y) for x, y in points]


def _box(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [SCALE * side for side in (left, top, right, bottom)]


def _mirror(point: tuple[float, float], side: int) -> tuple[float, float]:
    """The point, or its mirror image."""
    return point if side > 0 else (SIDE * SCALE - point[0], point[1])


def _darken(colour: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(share * part) for part in colour)
    return red, green, blue


def main(folder: Path) -> None:
    """Draw all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        draw_example(name).save(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
