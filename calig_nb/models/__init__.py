"""A torch model seen as a chain of blocks: found, traced, entered anywhere, left as it was."""

from .block_model import BlockModel
from .fingerprint import Identity
from .memory import Budget
from .pretrained import load_pretrained
from .task_heads import with_task_head

__all__ = ["BlockModel", "Budget", "Identity", "load_pretrained", "with_task_head"]
