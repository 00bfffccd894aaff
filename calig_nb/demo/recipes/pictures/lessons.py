"""Pictures for the `pictures` model: read from an archive, and turned about for learning."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLASSES = ("airplane", "automobile", "cat", "horse")
SIDE = 32
SHIFT = 4
"""Pixels that a picture may be moved by, each way."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with their classes.

    Attributes:
        pixels: (pictures, 3, 32, 32), 0 ... 255.
        labels: (pictures,) indices into ``CLASSES``.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, which: Tensor) -> Pictures:
        """The pictures at some indices."""
        return Pictures(self.pixels[which], self.labels[which])


def read_pictures(archive: Path, part: str) -> Pictures:
    """The pictures of one part, ``part/class/name.jpg`` in a zip archive, in order of their names.

    Raises:
        ValueError: If a class has none there, or one has another size.
    """
    pixels, labels = [], []
    with zipfile.ZipFile(archive) as files:
        names = sorted(name for name in files.namelist() if name.endswith(".jpg"))
        for label, kind in enumerate(CLASSES):
            own = [name for name in names if name.startswith(f"{part}/{kind}/")]
            if not own:
                raise ValueError(f"{archive} must hold {part}/{kind}/*.jpg, got none.")
            for name in own:
                with Image.open(BytesIO(files.read(name))) as picture:
                    array = np.array(picture.convert("RGB"))
                if array.shape != (SIDE, SIDE, 3):
                    raise ValueError(f"{name} must be {SIDE} by {SIDE}, got {array.shape}.")
                pixels.append(torch.from_numpy(array).permute(2, 0, 1))
                labels.append(label)
    return Pictures(torch.stack(pixels), torch.tensor(labels))


def hold_out(pictures: Pictures, n: int, seed: int) -> tuple[Pictures, Pictures]:
    """All pictures but n, and these n, drawn at random."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    return pictures.part(order[n:]), pictures.part(order[:n])


def scale_pixels(pixels: Tensor) -> Tensor:
    """Pixels of 0 ... 255 as −1 ... 1, as the model's image processor scales them."""
    return pixels.float() / 127.5 - 1


def draw_batches(
    pictures: Pictures, size: int, rng: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass in random order: scaled pixels, moved and mirrored at random, and labels.

    What is left over is dropped.
    """
    order = torch.randperm(len(pictures), generator=rng)
    for which in order[: len(order) // size * size].view(-1, size):
        yield mirror_and_move(scale_pixels(pictures.pixels[which]), rng), pictures.labels[which]


def mirror_and_move(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """(pictures, 3, side, side) each mirrored or not, and moved; edges are repeated outwards."""
    n, _, side, _ = pixels.shape
    mirrored = torch.rand(n, generator=rng) < 0.5
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels)
    moved = torch.randint(-SHIFT, SHIFT + 1, (2, n, 1), generator=rng)
    rows, columns = (torch.arange(side) + moved).clamp(0, side - 1)
    return pixels[
        torch.arange(n)[:, None, None, None],
        torch.arange(3)[None, :, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def change_colours(pixels: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures each a little brighter or darker, with more or less contrast and colour."""

    def factor(spread: float) -> Tensor:
        drawn = torch.rand(len(pixels), 1, 1, 1, generator=rng).to(pixels)
        return 1 + spread * (2 * drawn - 1)

    grey = pixels.mean(dim=1, keepdim=True)
    pixels = grey + (pixels - grey) * factor(0.3)
    level = pixels.mean(dim=(1, 2, 3), keepdim=True)
    pixels = level + (pixels - level) * factor(0.2) + (factor(0.2) - 1)
    return pixels.clamp(-1, 1)
