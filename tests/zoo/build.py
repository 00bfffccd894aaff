"""Tiny models of every class of transformers, and what reads their inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers as hf
from tokenizers import processors
from transformers.models.auto import modeling_auto as auto

from ..helpers.zoo import SENTENCE, WORDS, picture, tiny_tokenizer
from .shrink import tiny_config

STD, NOISE = 0.15, 0.1
MAPPINGS = {
    "text": "SEQUENCE_CLASSIFICATION",
    "token": "TOKEN_CLASSIFICATION",
    "qa": "QUESTION_ANSWERING",
    "causal": "CAUSAL_LM",
    "masked": "MASKED_LM",
    "choice": "MULTIPLE_CHOICE",
    "image": "IMAGE_CLASSIFICATION",
    "seq2seq": "SEQ_TO_SEQ_CAUSAL_LM",
}
TITLES = {
    "text": "text classification",
    "token": "token classification",
    "qa": "question answering",
    "causal": "causal language models",
    "masked": "masked language models",
    "choice": "multiple choice",
    "image": "image classification",
    "seq2seq": "encoder-decoders",
}
TASKS = tuple(MAPPINGS)


@dataclass(frozen=True)
class Entry:
    """A class of transformers for a task, with the kind of its configuration."""

    task: str
    model_type: str
    name: str


def entries(task: str) -> Iterator[Entry]:
    """Every class of that task, once, in the order of the alphabet."""
    names = getattr(auto, f"MODEL_FOR_{MAPPINGS[task]}_MAPPING_NAMES")
    found: dict[str, Entry] = {}
    for model_type, classes in sorted(names.items()):
        for name in [classes] if isinstance(classes, str) else classes:
            # of two kinds of configuration the one that is named as the class is
            own = name.lower().startswith(model_type.replace("_", "").replace("-", ""))
            if name not in found or own:
                found[name] = Entry(task, model_type, name)
    # one that writes is asked as such
    beside = auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES.values() if task == "masked" else ()
    found = {name: one for name, one in found.items() if name not in beside}
    yield from sorted(found.values(), key=lambda one: one.name.lower())


def tokenizer_for(task: str, between: str = "[SEP]") -> Any:
    """A tiny tokenizer with every special token; a prompt has no end."""
    tokenizer = tiny_tokenizer(bos_token="[CLS]", eos_token="[SEP]")
    ends = "" if task == "causal" else " [SEP]"
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single=f"[CLS] $A{ends}",
        pair=f"[CLS] $A {between} $B:1{ends and ' [SEP]:1'}",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def texts_for(seed: int) -> tuple[str, str]:
    """Two texts of unlike lengths; with another seed other words."""
    if seed == 0:
        return SENTENCE, "A film, not bad, but it is very thin."
    rng = np.random.default_rng(seed)
    words = [word for word in WORDS if word.isalpha()]
    return tuple(" ".join(rng.choice(words, n)) + "." for n in (10, 7))  # type: ignore[return-value]


def inputs_for(task: str, seed: int = 0) -> tuple[Any, Any]:
    """Two inputs as ``explain`` takes them, with what else is asked."""
    one, other = texts_for(seed)
    if task == "qa":
        return tuple({"question": "Is it [MASK]?", "context": text} for text in (one, other))  # type: ignore[return-value]
    if task == "choice":
        choices = ["a good film", "bad acting", "it is not"]
        return tuple({"text": text, "choices": choices} for text in (one, other))  # type: ignore[return-value]
    if task == "masked":
        return one.replace("superb", "[MASK]"), other.replace("very", "[MASK]")
    if task == "image":
        return picture(16, 16, seed), picture(16, 16, seed + 100)
    return one, other


def asked_for(task: str) -> dict[str, Any]:
    """More arguments of ``explain``."""
    if task == "seq2seq":
        return {"prefix": "a very"}
    return {"position": 3} if task in ("token", "qa") else {}


def build(entry: Entry, seed: int = 0, untrained_padding: bool = False) -> torch.nn.Module:
    """A random model of that class, nothing in it zero or nearly linear.

    Raises:
        Exception: Whatever keeps it from being built.
    """
    kind = hf.CONFIG_MAPPING[entry.model_type]
    options = {} if entry.task not in ("text", "token", "image") else {"num_labels": 3}
    if entry.task == "causal" and hasattr(kind, "is_decoder"):
        options["is_decoder"] = True  # else it reads what it is to foretell
    config = tiny_config(kind, len(tokenizer_for(entry.task)), **options)
    torch.manual_seed(seed)
    model_class = getattr(hf, entry.name)
    if (expected := model_class.config_class) is not None and not isinstance(config, expected):
        parts = [getattr(config, name, None) for name in getattr(kind, "sub_configs", {})]
        # the text's part of several
        config = next((part for part in parts if isinstance(part, expected)), config)
    return roughen(model_class(config), seed, untrained_padding)


def roughen(model: torch.nn.Module, seed: int = 0, untrained_padding: bool = False) -> Any:
    """The model with random weights, in double precision and evaluation mode."""
    draws = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.requires_grad or not parameter.is_floating_point():
                continue  # such as fixed positions
            noise = torch.randn(parameter.shape, generator=draws).to(parameter)
            if parameter.ndim > 1:
                parameter.copy_(STD * noise)
            else:
                parameter.add_(NOISE * noise)
        if untrained_padding:
            for module in model.modules():
                if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                    module.weight[module.padding_idx] = 0
    return model.double().eval()
