"""Who reads for a model: by its processor, or by what the model itself takes."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..models.block_model import BlockModel
from . import task_text as prompts
from .image import ImageReader

Reader = prompts.Reader | ImageReader


def reader_of(model: BlockModel, processor: Any) -> Reader:
    """What reads texts, or pictures, for this model.

    Raises:
        TypeError: If ``processor`` is neither a tokenizer nor an image processor.
    """
    processor = getattr(processor, "image_processor", processor)
    of_pictures = "pixel_values" in getattr(processor, "model_input_names", ()) or (
        callable(processor)
        and not hasattr(processor, "all_special_ids")
        and any(isinstance(module, nn.Conv2d) for module in model.model.modules())
    )
    return ImageReader(processor, model) if of_pictures else prompts.reader_of(model, processor)
