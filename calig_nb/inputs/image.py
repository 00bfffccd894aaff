"""The only file that knows image processors: pictures to tensors, patches and baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..models.block_model import BlockModel
from . import patch_grid as patches
from .image_loading import check_pixels, normalisation, open_image, pixels_to_image
from .text import AUTO, InputReader, TextInputs
from .word_segmentation import BoolArray

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation

BASELINES = {"zero": "mid-grey", "mean": "its mean colour", "blur": "itself, blurred"}
"""Pictures that need no other picture, with what they are called."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageInputs(TextInputs):
    """One picture as the model reads it; its ordinary tokens are patches, row by row.

    Attributes:
        image: (height, width, 3) the picture as the model sees it, 0 ... 255.
        grid: Rows and columns of patches.
    """

    image: npt.NDArray[np.uint8]
    grid: tuple[int, int]

    @property
    def config(self) -> dict[str, Any]:
        """Height and width, where the last patches reach beyond and ``image`` with them."""
        height, width = self.model_inputs["pixel_values"].shape[-2:]
        return {} if self.image.shape[:2] == (height, width) else {"pixels": [height, width]}


class ImageReader(InputReader):
    """Reads pictures with a Hugging Face image processor, or with any callable.

    Args:
        processor: The model's own image processor; or a callable that takes a PIL image and
            returns pixel values (3, height, width).
        model: The model, which says how many tokens a picture has, and which are patches.
    """

    deletions = ("mean", "blur", "zero")
    noun = "picture"
    is_of_pictures = True

    def __init__(self, processor: Any, model: BlockModel) -> None:
        self.processor, self.model = processor, model
        self._layouts: dict[tuple[int, ...], patches.Layout] = {}

    def is_single(self, inputs: Any) -> bool:
        """Whether this is one picture, not several."""
        if isinstance(inputs, (np.ndarray, Tensor)):
            return inputs.ndim < 4 or len(inputs) == 1
        return isinstance(inputs, (str, bytes, Mapping)) or not isinstance(inputs, Iterable)

    def label_of(self, picture: Any, number: int) -> str:
        """What a table calls a picture."""
        return str(picture) if isinstance(picture, (str, Path)) else f"picture {number}"

    def read(
        self,
        picture: Any,
        name: str = "inputs",
        position: int | None = None,
        classes: Sequence[int | str | None] = (),
        *,
        longer: bool = False,
    ) -> ImageInputs:
        """The picture as tensors, with what each token stands for; errors call it ``name``.

        Raises:
            TypeError: If it is no picture.
            ValueError: If it is empty, of another form or with other values than a picture has,
                or the processor or the model makes of it what is no grid of patches; or if a
                position is named.
        """
        del classes, longer
        if position is not None:
            raise ValueError(
                f"position is for models that answer at every token: leave it out, got {position}."
            )
        if isinstance(picture, Mapping):
            pixels = picture.get("pixel_values")
        else:
            own = open_image(picture, name)
            if hasattr(self.processor, "model_input_names"):
                pixels = self.processor(images=own, return_tensors="pt")
            else:
                pixels = self.processor(own)
            if isinstance(pixels, Mapping) and len(pixels) > 1 and "spatial_shapes" in pixels:
                raise ValueError(
                    f"{name} must become pixel values (3, height, width) by the processor, but "
                    "this one cuts the patches itself and says how many rows and columns they "
                    "are. A model that takes ready patches cannot be explained."
                )
            pixels = pixels.get("pixel_values") if isinstance(pixels, Mapping) else pixels
        return self._inputs(check_pixels(pixels, name))

    def read_anything(self) -> ImageInputs:
        """Some picture, as the model reads it."""
        return self.read(np.zeros((64, 64, 3), np.uint8))

    def read_again(self, explanation: Explanation) -> ImageInputs:
        """The picture of an explanation, as the model saw it.

        Raises:
            ValueError: If there is none, or the processor does not say how it was normalised.
        """
        image, scale = explanation.image, normalisation(self.processor)
        height, width = explanation.config.get("pixels", (None, None))
        if image is None or scale is None:
            why = "is about a text" if image is None else "was normalised by a callable"
            raise ValueError(f"explanation must hold a picture, but it {why}: explain it again.")
        mean, std = scale
        seen = image[:height, :width].astype(np.float32)
        rows = torch.from_numpy(seen).permute(2, 0, 1)[None] / 255
        return self._inputs((rows - mean) / std)

    def pad_batch(self, pictures: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Several pictures' inputs, a row each.

        Raises:
            ValueError: If they are not of one size: pictures cannot be padded.
        """
        sizes = {tuple(one["pixel_values"].shape[-2:]) for one in pictures}
        if len(sizes) > 1:
            raise ValueError(f"pictures must be of one size to share a pass, got {sorted(sizes)}.")
        return {"pixel_values": torch.cat([one["pixel_values"] for one in pictures])}

    def length_of(self, inputs: Mapping[str, Tensor]) -> int:
        """The width in pixels; inputs of about one length may share a pass."""
        return int(inputs["pixel_values"].shape[-1])

    def check_baselines(self, baselines: Any) -> Any:
        """The baseline as a request holds it: a name, or pixel values.

        Raises:
            TypeError, ValueError: As :meth:`read`, or if the name is unknown.
        """
        if isinstance(baselines, Tensor):
            return baselines
        if isinstance(baselines, str) and baselines in (AUTO, "pad", *BASELINES):
            return "zero" if baselines == "pad" else baselines
        if isinstance(baselines, str) and not Path(baselines).is_file():
            raise ValueError(
                f"baselines must be one of {[*BASELINES]}, another picture or a tensor of pixel "
                f"values for a model of pictures, got {baselines!r:.60}."
            )
        return self.read(baselines, "baselines").model_inputs["pixel_values"]

    def make_baseline(
        self, inputs: TextInputs, baselines: str | Tensor
    ) -> tuple[dict[str, Tensor], str]:
        """Another picture in the place of this one, and its name.

        Args:
            inputs: The picture.
            baselines: "zero", all pixel values zero: the mean colour of what the processor was
                made for; "mean", the mean colour of this picture; "blur", this picture blurred;
                "auto", the first of these that does not enter as zero vectors; or pixel values of
                its size.

        Raises:
            ValueError: If the pixel values do not fit.
        """
        own = inputs.model_inputs["pixel_values"]
        if isinstance(baselines, str):
            how = self.check_baselines(baselines)
            how = self._usual_picture(own) if how == AUTO else how
            return {"pixel_values": patches.blank_picture(own, how)}, BASELINES[how]
        other = baselines[None] if baselines.ndim == own.ndim - 1 else baselines
        if other.shape != own.shape or not baselines.is_floating_point():
            raise ValueError(
                f"baselines must be pixel values of shape {tuple(own.shape)} here, got "
                f"{tuple(baselines.shape)} of {baselines.dtype}."
            )
        return {"pixel_values": other.to(own)}, "another picture"

    def delete_units(
        self, inputs: TextInputs, deleted: BoolArray, how: str = "mean"
    ) -> dict[str, Tensor]:
        """The model's inputs when these patches are gone, their pixels replaced.

        Args:
            inputs: The picture.
            deleted: (tokens,) True for what goes. Special tokens stay, whatever it says.
            how: "mean" puts the picture's mean colour there, "blur" the blurred picture, "zero"
                mid-grey.

        Raises:
            ValueError: If there is no mark for each token.
        """
        assert isinstance(inputs, ImageInputs)
        if deleted.shape != inputs.special.shape:
            raise ValueError(
                f"deleted must have shape {inputs.special.shape} for this picture, got "
                f"{deleted.shape}."
            )
        own = inputs.model_inputs["pixel_values"]
        layout = self._layout(own)
        return {"pixel_values": patches.replace_patches(own, layout, deleted[~inputs.special], how)}

    def _usual_picture(self, own: Tensor) -> str:
        """The baseline where nothing is said."""

        def look(how: str | None) -> tuple[Tensor, str]:
            pixels = own if how is None else patches.blank_picture(own, how)
            (state,) = self.model.entering_states(self.model.to_device({"pixel_values": pixels}))
            return state[0], "" if how is None else BASELINES[how]

        return self.usual_baseline(self.model, [*BASELINES], look)

    def _inputs(self, pixels: Tensor) -> ImageInputs:
        pixels = pixels.to(self.model.placement[0])
        layout = self._layout(pixels)
        n, (rows, columns) = len(layout.special), layout.grid
        places, lines = np.full((2, n), -1)
        places[~layout.special] = np.arange(rows * columns)
        lines[~layout.special] = np.arange(rows * columns) // columns
        return ImageInputs(
            text="",
            model_inputs={"pixel_values": pixels},
            tokens=layout.names,
            special=layout.special,
            offsets=np.zeros((n, 2), dtype=np.int64),
            word_ids=places,
            sentence_ids=lines,
            image=pixels_to_image(
                patches.pad_to_grid(pixels, layout), normalisation(self.processor)
            ),
            grid=layout.grid,
        )

    def _layout(self, pixels: Tensor) -> patches.Layout:
        """What the model makes of pictures of this size, found by trying."""
        key = tuple(pixels.shape)
        if key not in self._layouts:
            with self.model.preserve():
                self._layouts[key] = patches.layout_of(self.model, pixels)
        return self._layouts[key]
