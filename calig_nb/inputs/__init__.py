"""Text, pair or picture to tensors, with what each token stands for, baselines and deletions."""

from .image import ImageReader
from .reader import Reader, reader_of
from .text import TextInputs, TextReader

__all__ = ["ImageReader", "Reader", "TextInputs", "TextReader", "reader_of"]
