"""A model and its processor from a folder or from the hub, by what its configuration says it is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .._validation import file_path, shown
from .task_heads import WRITING, task_of

_MODULES = {"AutoTokenizer": "tokenization_auto", "AutoImageProcessor": "image_processing_auto"}

_SHARED = ("cache_dir", "local_files_only", "revision", "token", "trust_remote_code")


def load_pretrained(name_or_path: str | Path, **options: Any) -> tuple[nn.Module, Any]:
    """The model, in evaluation mode, and its tokenizer or image processor.

    Args:
        name_or_path: What the ``from_pretrained`` of transformers takes.
        **options: For the model's ``from_pretrained``. The weights are loaded as float32 unless
            ``dtype`` says otherwise; remote code is not run unless ``trust_remote_code`` says so.

    Raises:
        FileNotFoundError: If there is no such folder.
        TypeError: If it is neither a folder nor a name.
        ValueError: If what lies there cannot be loaded: it has no tokenizer or image processor,
            or lacks weights of the model, which would be random. The message says why.
    """
    import transformers

    name = name_or_path
    if isinstance(name, os.PathLike) or (isinstance(name, str) and _is_local(name)):
        folder = file_path("A model's folder", name)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"There is no folder {str(folder)!r} with a model in it. Give the folder that "
                "save_pretrained wrote, or a name on the hub, as in 'owner/model'."
            )
    elif not isinstance(name, str) or not name.strip():
        raise TypeError(f"A model is loaded from a folder or a name on the hub, got {shown(name)}.")
    try:
        return _load(transformers, name_or_path, options)
    except Exception as error:
        if isinstance(error, ImportError):
            raise  # a package that the model needs is missing, and the message names it
        what = f"The model {shown(str(name), 300)}"
        raise ValueError(
            f"{what} cannot be loaded with its tokenizer or image processor: {error}"
        ) from error


def _is_local(name: str) -> bool:
    """Whether a name can only be that of a folder: names on the hub have one slash at most."""
    return Path(name).is_absolute() or name.startswith((".", "~")) or name.count("/") > 1


def _load(
    transformers: Any, name_or_path: str | Path, options: dict[str, Any]
) -> tuple[nn.Module, Any]:
    options = {"dtype": torch.float32, "trust_remote_code": False, **options}
    shared = {name: options[name] for name in _SHARED if name in options}
    config = transformers.AutoConfig.from_pretrained(name_or_path, **shared)
    named = (getattr(config, "architectures", None) or [])[:1]
    kinds = [getattr(transformers, name, None) for name in named]
    task = WRITING if _writes(config, named) else task_of(named, next(iter(kinds), None))
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


def _writes(config: Any, names: Sequence[str]) -> bool:
    """Whether transformers counts an encoder-decoder among those that write."""
    table = import_module("transformers.models.auto.modeling_auto")
    known = table.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.values()
    return bool(getattr(config, "is_encoder_decoder", False)) and not {*names}.isdisjoint(known)


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


def open_bundle(model: Any, processor: Any) -> tuple[Any, Any]:
    """A model and its processor, also out of an object that holds both.

    So do a pipeline of transformers and a CrossEncoder of sentence-transformers.

    Args:
        model: A module, or what holds one as ``model`` beside its tokenizer or image processor.
        processor: The user's own, which goes first; or None.

    Raises:
        ValueError: If it is a model of sentence vectors, which has no classes.
    """
    inner = getattr(model, "model", None)
    parts = (getattr(model, name, None) for name in ("tokenizer", "image_processor"))
    own = next((part for part in parts if part is not None), None)
    if own is None or (isinstance(model, nn.Module) and not isinstance(inner, nn.Module)):
        if hasattr(model, "encode") and hasattr(model, "tokenizer"):
            raise ValueError(
                f"model must decide between classes, and a {type(model).__name__} gives vectors: "
                "there is no score to explain. A classifier on top of it can be."
            )
        return model, processor
    return inner, own if processor is None else processor
