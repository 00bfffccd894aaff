"""What people call a picture, as one thing: a PIL image of three channels; and back to see it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

WANTED = (
    "a PIL image, the path of one, an array (height, width), (height, width, 3) or (height, width, "
    "4), a tensor (3, height, width), or {'pixel_values': what the processor returned}"
)
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


def open_image(picture: Any, name: str) -> Image.Image:
    """The picture with three channels of 8 bits, upright; what is transparent, upon white.

    Args:
        picture: See ``WANTED``. Numbers are whole from 0 to 255, or fractions from 0 to 1.
        name: What errors call it.

    Raises:
        TypeError: If it is no picture.
        ValueError: If it is empty, cannot be opened, or has another form or other values.
    """
    if isinstance(picture, (str, Path)):
        picture = _from_file(Path(picture), name)
    elif isinstance(picture, (np.ndarray, Tensor)):
        picture = _from_numbers(picture, name)
    if not isinstance(picture, Image.Image):
        kind = type(picture).__name__
        raise TypeError(f"{name} must be {WANTED}, got {kind}: {picture!r:.60}.")
    if picture.mode not in _MODES:
        raise ValueError(
            f"{name} must have 8 bits a channel, got a PIL image of mode {picture.mode!r}. Scale "
            "its values to 0 ... 255 and call .convert('RGB')."
        )
    if not all(picture.size):
        raise ValueError(f"{name} must hold at least one pixel, got a picture of {picture.size}.")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    plain: Image.Image = picture.convert("RGB")
    return plain


def normalisation(processor: Any) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation (3, 1, 1) that a processor made pixel values with, of 0 ... 1.

    None for a callable that does not say.
    """
    for one in (processor, *reversed(getattr(processor, "transforms", ()))):
        mean = getattr(one, "image_mean", getattr(one, "mean", None))
        std = getattr(one, "image_std", getattr(one, "std", None))
        if mean is not None and std is not None:
            if not getattr(one, "do_normalize", True):
                mean, std = 0.0, 1.0
            scale = 1.0 if getattr(one, "do_rescale", True) else 255.0
            both = (torch.as_tensor(value, dtype=torch.float32) / scale for value in (mean, std))
            mean, std = (value.expand(3)[:, None, None] for value in both)
            return mean, std
    return None


def pixels_to_image(pixels: Tensor, scale: tuple[Tensor, Tensor] | None) -> npt.NDArray[np.uint8]:
    """(height, width, 3), 0 ... 255, of pixel values (1, 3, height, width).

    Where it is unknown how they were normalised they are taken as they are, or, if they do not
    lie in 0 ... 1, stretched until they do.
    """
    values = pixels[0].float()
    if scale is not None:
        mean, std = scale
        values = values * std + mean
    elif values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / (values.max() - values.min())
    bytes_ = (255 * values.clamp(0, 1)).round().to(torch.uint8)
    return np.asarray(bytes_.permute(1, 2, 0).contiguous().numpy())


def check_pixels(pixels: Any, name: str) -> Tensor:
    """Pixel values (1, 3, height, width) of one picture.

    Raises:
        TypeError: If they are no numbers.
        ValueError: If they have another shape, or one is not finite.
    """
    if isinstance(pixels, np.ndarray):
        pixels = torch.from_numpy(np.array(pixels))
    if not isinstance(pixels, Tensor):
        raise TypeError(
            f"{name} must become pixel values, a tensor (3, height, width), by the processor, got "
            f"{type(pixels).__name__}. A callable is given a PIL image and returns them."
        )
    pixels = (pixels[None] if pixels.ndim == 3 else pixels).detach().cpu()
    assert isinstance(pixels, Tensor)
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3) or not pixels.numel():
        raise ValueError(
            f"{name} must become pixel values of shape (1, 3, height, width), got "
            f"{tuple(pixels.shape)}."
        )
    if not pixels.is_floating_point() or not torch.isfinite(pixels).all():
        what = "values that are not finite" if pixels.is_floating_point() else str(pixels.dtype)
        raise ValueError(f"{name} must become finite pixel values in floating point, got {what}.")
    return pixels


def _from_file(path: Path, name: str) -> Image.Image:
    if not path.is_file():
        raise ValueError(
            f"{name} must be {WANTED}: this model reads pictures. Got the text {str(path)!r:.60}, "
            "which is no file."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(path)
            picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{name} must be a picture that can be opened: {error}") from error
    return picture


def _from_numbers(array: npt.NDArray[Any] | Tensor, name: str) -> Image.Image:
    got = tuple(array.shape)
    if isinstance(array, Tensor):
        tensor = array.detach().cpu()
        tensor = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
        if tensor.ndim == 3 and tensor.shape[0] in (1, 3, 4):
            tensor = tensor.permute(1, 2, 0)
        values = tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
    else:
        values = array[0] if array.ndim == 4 and len(array) == 1 else array
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if not (values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (3, 4))):
        raise ValueError(f"{name} must be {WANTED}, got shape {got}.")
    if not values.size:
        raise ValueError(f"{name} must hold at least one pixel, got shape {got}.")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise ValueError(
                f"{name} must hold whole numbers from 0 to 255, or fractions from 0 to 1, got "
                f"values from {values.min():.4g} to {values.max():.4g}. What was normalised "
                "already goes in as {'pixel_values': tensor}."
            )
        values = np.round(255 * values)
    elif values.dtype.kind not in "iub" or values.min() < 0 or values.max() > 255:
        raise ValueError(
            f"{name} must hold whole numbers from 0 to 255, or fractions from 0 to 1, got "
            f"{values.dtype}."
        )
    elif values.dtype.kind == "b":
        values = 255 * values.astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(values.astype(np.uint8)))
