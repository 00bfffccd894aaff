"""Which reader a model's inputs need: by its processor, or by what the model itself takes."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..models.block_model import BlockModel
from ..models.task_heads import NextOutputToken
from .image import ImageReader
from .output_text import OutputReader
from .task_text import TASK_READERS
from .text import TextReader

Reader = TextReader | ImageReader


def reader_of(model: BlockModel, processor: Any) -> Reader:
    """The reader of texts, or of pictures, for this model.

    Raises:
        TypeError: If ``processor`` is neither a tokenizer nor an image processor.
    """
    processor = getattr(processor, "image_processor", processor)
    is_of_pictures = "pixel_values" in getattr(processor, "model_input_names", ()) or (
        callable(processor)
        and not hasattr(processor, "all_special_ids")
        and any(isinstance(module, nn.Conv2d) for module in model.model.modules())
    )
    if is_of_pictures:
        return ImageReader(processor, model)
    if isinstance(model.model, NextOutputToken):
        return OutputReader(processor, model)
    if task_reader := TASK_READERS.get(type(model.model)):
        return task_reader(processor, model)
    return TextReader(processor, model.max_tokens, model)
