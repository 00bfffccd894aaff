"""A model and its processor from a folder or from the hub, by what its configuration says it is."""

from __future__ import annotations

from collections.abc import Mapping
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

    Raises:
        ValueError: If the folder has no tokenizer or image processor, or the checkpoint lacks
            weights of the model, which would be random.
    """
    import transformers

    options = {"dtype": torch.float32, "trust_remote_code": False, **options}
    shared = {name: options[name] for name in _SHARED if name in options}
    config = transformers.AutoConfig.from_pretrained(name_or_path, **shared)
    task = task_of((getattr(config, "architectures", None) or [])[:1])
    # By their short names some versions ask for torchvision, which they can do without.
    module = import_module(f"transformers.models.auto.{_MODULES[task.processor]}")
    try:
        processor = getattr(module, task.processor).from_pretrained(name_or_path, **shared)
    except Exception as error:  # of many kinds, which seldom say what is missing
        if not Path(name_or_path).is_dir():
            raise
        noun = "tokenizer" if task.processor == "AutoTokenizer" else "image processor"
        said = " ".join(str(error).split())
        raise ValueError(
            f"name_or_path must be a folder with the model's {noun}, which cannot be loaded from "
            f"{str(name_or_path)!r}: {said:.200}. Save it there with "
            "processor.save_pretrained, or give model and processor to Explainer."
        ) from error
    options["output_loading_info"] = True
    model, found = getattr(transformers, task.loader).from_pretrained(name_or_path, **options)
    _refuse_missing_weights(name_or_path, model, found)
    return model.eval(), processor


def _refuse_missing_weights(
    name_or_path: str | Path, model: nn.Module, found: Mapping[str, Any]
) -> None:
    """Refuse a model some of whose weights are drawn at random, at each load anew.

    Args:
        name_or_path: Where it is from.
        model: The model.
        found: What its ``from_pretrained`` says of the checkpoint.
    """
    other_shape = {key[0] if isinstance(key, tuple) else key for key in found["mismatched_keys"]}
    named = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    absent = [name for name in named if name in {*found["missing_keys"], *other_shape}]
    if absent:
        shown = ", ".join(absent[:4]) + (", …" if len(absent) > 4 else "")
        raise ValueError(
            f"name_or_path must hold all weights of {type(model).__name__}, but "
            f"{str(name_or_path)!r} lacks {len(absent)} of them: {shown}. They would be random, "
            "and the answer another at each load. Give a checkpoint that was fine-tuned with its "
            "head; or load the model yourself, and give model and processor to Explainer."
        )
