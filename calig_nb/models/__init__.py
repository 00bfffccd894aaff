"""A torch model seen as a chain of blocks: found, traced, entered anywhere, left as it was."""

from .block_model import BlockModel

__all__ = ["BlockModel"]
