"""A model and its processor from a folder or from the hub, by what its configuration says it is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .task_heads import task_of

_MODULES = {"AutoTokenizer": "tokenization_auto", "AutoImageProcessor": "image_processing_auto"}

_SHARED = ("cache_dir", "local_files_only", "revision", "token", "trust_remote_code")


def load_pretrained(name_or_path: str | Path, **options: Any) -> tuple[nn.Module, Any]:
    """The model, in evaluation mode, and its tokenizer or image processor.

    Args:
        name_or_path: What the ``from_pretrained`` of transformers takes.
        **options: For the model's ``from_pretrained``. The weights are loaded as float32 unless
            ``dtype`` says otherwise; remote code is not run unless ``trust_remote_code`` says so.
    """
    import transformers

    options = {"dtype": torch.float32, "trust_remote_code": False, **options}
    shared = {name: options[name] for name in _SHARED if name in options}
    config = transformers.AutoConfig.from_pretrained(name_or_path, **shared)
    task = task_of((getattr(config, "architectures", None) or [])[:1])
    # By their short names some versions ask for torchvision, which they can do without.
    module = import_module(f"transformers.models.auto.{_MODULES[task.processor]}")
    processor = getattr(module, task.processor).from_pretrained(name_or_path, **shared)
    model = getattr(transformers, task.loader).from_pretrained(name_or_path, **options)
    return model.eval(), processor
