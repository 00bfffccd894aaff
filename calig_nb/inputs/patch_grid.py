"""What a model makes of a picture: which of its tokens are patches, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..models import blocks
from ..models.block_model import BlockModel
from ..models.token_cells import Cells, GridCells

PROBES = 12
"""Of so many patches it is tried whether their pixels move their own token."""
BLUR = 0.1
"""Standard deviation of the blur, relative to the picture's shorter side."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What a model makes of pictures of one size.

    Attributes:
        grid: Rows and columns of patches, which the ordinary tokens fill row by row.
        special: (tokens,) True for those that no pixel reaches, such as [CLS].
        names: (tokens,) of the tokens.
        size: Height and width of a patch in pixels; the last ones may reach beyond the picture.
    """

    grid: tuple[int, int]
    size: tuple[int, int]
    special: npt.NDArray[np.bool_]
    names: tuple[str, ...]


def layout_of(model: BlockModel, pixels: Tensor) -> Layout:
    """The tokens that enter the first block: those that another picture changes are patches.

    Args:
        model: The model, preserved.
        pixels: (1, 3, height, width).

    Raises:
        ValueError: If they do not fill a grid, or a patch's pixels do not move its token most.
    """
    draws = torch.Generator().manual_seed(0)
    noise = torch.randn(pixels.shape, generator=draws, dtype=pixels.dtype)
    device = model.placement[1]
    first, second = (
        {"pixel_values": one.to(device)} for one in (pixels, pixels + noise.to(pixels))
    )
    modules = model.find(first)
    shapes: list[tuple[int, int]] = []
    strides: list[tuple[int, ...]] = []

    def enter(module: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        output = run(*args, **kwargs)
        if isinstance(module, nn.Conv2d) and torch.is_tensor(output) and output.ndim == 4:
            shapes.append((output.shape[2], output.shape[3]))
            strides.append(module.stride)
        return output

    convolutions = [module for module in model.model.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad(), blocks.intercept_each(convolutions, enter):
        one, other = (
            blocks.entering_states([modules], partial(model.predict, inputs))[0]
            for inputs in (first, second)
        )
    blocks.check_states(one, first)
    special = (one == other).all(dim=-1)[0].cpu().numpy()
    cells, span = model.cells(first), None
    if isinstance(cells, GridCells):
        grid: tuple[int, int] | None = cells.grid
        special, span = np.zeros(cells.n, dtype=np.bool_), cells.span
    else:
        grid = _grid(shapes[-1] if shapes else None, int((~special).sum()), pixels.shape[-2:])
    if grid is None:
        raise ValueError(
            "model must cut a picture into a grid of patches, a token each, but of "
            f"{len(special)} tokens that enter its first block {int((~special).sum())} depend on "
            f"the picture, which fill no grid of its shape, {tuple(pixels.shape[-2:])}."
        )
    height, width = (side // count for side, count in zip(pixels.shape[-2:], grid, strict=True))
    if span is not None and strides:
        height, width = (own * step for own, step in zip(span, strides[-1], strict=True))
    names = iter(_special_names(model.model, int(special.sum())))
    places = iter(np.ndindex(*grid))
    layout = Layout(
        grid,
        (height, width),
        special,
        tuple(
            next(names) if one else "row {}, column {}".format(*(i + 1 for i in next(places)))
            for one in special
        ),
    )
    if not _moves_its_own(model, modules, layout, first, second, cells):
        raise ValueError(
            "model must cut a picture into a grid of patches, a token each, in the picture's "
            f"order, but of the {len(one[0])} places that enter its first block it is not the one "
            "of a patch that the patch's pixels move most: they are latents, or in another order. "
            "What they say cannot be laid on the picture."
        )
    return layout


def _moves_its_own(
    model: BlockModel,
    modules: Sequence[nn.Module],
    layout: Layout,
    picture: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    cells: Cells,
) -> bool:
    """Whether the pixels of most patches move the token in their place, and none that is far.

    Args:
        model: The model.
        modules: Its blocks.
        layout: What is tried.
        picture: Its inputs.
        other: Those of another picture, whose pixels come in the patches' places.
        cells: What tokens are summed in.
    """
    n = layout.grid[0] * layout.grid[1]
    chosen = np.unique(np.linspace(0, n - 1, PROBES).round().astype(int))
    pixels = picture["pixel_values"]
    marks = torch.zeros(len(chosen), 1, *pixels.shape[-2:], dtype=torch.bool)
    for mark, patch in zip(marks, chosen, strict=True):
        row, column = divmod(int(patch), layout.grid[1])
        height, width = layout.size
        down, right = row * height, column * width
        mark[0, down : down + height, right : right + width] = True
    changed = torch.where(marks.to(pixels.device), other["pixel_values"], pixels)
    with torch.no_grad():
        own, moved = (
            blocks.entering_states([modules], partial(model.predict, {"pixel_values": one}))[0]
            for one in (pixels, changed)
        )
    change = (moved - own).abs().sum(dim=-1).cpu()
    by_token = change[:, ~torch.from_numpy(layout.special)] if cells.grid is None else change
    by_patch = cells.of_tokens(0, by_token).double().numpy()
    at = np.array([*np.ndindex(*layout.grid)])
    distance = abs(at[chosen][:, None] - at).max(axis=-1)
    own_change = by_patch[np.arange(len(chosen)), chosen]
    # Convolutions before the blocks may lie half a patch aside: a neighbour may move as much.
    near = own_change >= 0.5 * by_patch.max(axis=1)
    far = np.where(distance > 1, by_patch, 0).sum(axis=1) / np.maximum(
        (distance > 1).sum(axis=1), 1
    )
    return bool((near & (own_change > 2 * far)).mean() > 0.7)


def replace_patches(
    pixels: Tensor, layout: Layout, gone: npt.NDArray[np.bool_], how: str
) -> Tensor:
    """The picture when these patches are replaced.

    Args:
        pixels: (1, 3, height, width).
        layout: Of its patches.
        gone: (rows * columns,) True for the patches that go.
        how: See :func:`blank_picture`.
    """
    marks = torch.from_numpy(gone.reshape(layout.grid))
    for axis, side in enumerate(layout.size):
        marks = marks.repeat_interleave(side, dim=axis)
    down, right = (own - side for own, side in zip(pixels.shape[-2:], marks.shape, strict=True))
    marks = nn.functional.pad(marks, (0, right, 0, down))  # what no patch covers stays
    return torch.where(marks, blank_picture(pixels, how), pixels)


def pad_to_grid(pixels: Tensor, layout: Layout) -> Tensor:
    """The picture, grown to the right and down by zeros where its last patches reach beyond."""
    sides = [count * side for count, side in zip(layout.grid, layout.size, strict=True)]
    down, right = (max(0, side - own) for side, own in zip(sides, pixels.shape[-2:], strict=True))
    return nn.functional.pad(pixels, (0, right, 0, down))


def blank_picture(pixels: Tensor, how: str) -> Tensor:
    """A picture of the same size that says little, to stand in for this one.

    Args:
        pixels: (pictures, 3, height, width).
        how: "zero" is mid-grey, "mean" the picture's mean colour, "blur" the picture after a
            Gaussian blur whose standard deviation is a tenth of its shorter side.
    """
    if how == "zero":
        return torch.zeros_like(pixels)
    if how == "mean":
        return pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels)
    return blur(pixels, BLUR * min(pixels.shape[-2:]))


def blur(pixels: Tensor, deviation: float) -> Tensor:
    """A Gaussian blur; beyond its edges the picture goes on as it ends."""
    reach = max(1, round(3 * deviation))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = torch.exp(-((steps / deviation) ** 2) / 2)
    weights = (weights / weights.sum()).to(pixels)
    n, channels = pixels.shape[:2]
    wide = nn.functional.pad(pixels, (reach, reach, reach, reach), mode="replicate")
    single = wide.reshape(n * channels, 1, *wide.shape[2:])
    down = nn.functional.conv2d(single, weights[None, None, :, None])
    return nn.functional.conv2d(down, weights[None, None, None]).reshape(pixels.shape)


def _grid(
    convolved: tuple[int, int] | None, n_patches: int, size: tuple[int, ...]
) -> tuple[int, int] | None:
    """Rows and columns: what the last convolution gave, or that with patches merged alike."""
    if convolved is None:  # patches were cut by hand: of the picture's own proportions
        rows = round((n_patches * size[0] / size[1]) ** 0.5)
        return (rows, n_patches // rows) if rows and n_patches % rows == 0 else None
    rows, columns = convolved
    for factor in (1, 2, 4, 8, 16):
        merged = -(-rows // factor), -(-columns // factor)
        if n_patches and merged[0] * merged[1] == n_patches:
            return merged
    return None


def _special_names(model: nn.Module, n: int) -> list[str]:
    """[CLS] first; then the token for distillation, where the model has one; then registers."""
    distilled = any(name.endswith("distillation_token") for name, _ in model.named_parameters())
    names = ["[CLS]", "[DIST]"] if distilled else ["[CLS]"]
    return (names + [f"[REG {i + 1}]" for i in range(n)])[:n]
