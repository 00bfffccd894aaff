"""What the recipes share: numbers, options, tokenizer, batches, training, writing of the model."""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ...pipeline.cache import Calibration, save_calibration
from ...pipeline.explainer import Explainer

WORDPIECE_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
TYPOGRAPHY = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "--", "—": "--", "…": "..."}

Model = TypeVar("Model", bound=nn.Module)
AnyRecipe = TypeVar("AnyRecipe", bound="Recipe")


@dataclass(frozen=True)
class Recipe:
    """The numbers that every recipe has.

    Attributes:
        seed: Seed of all draws.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        warm_up: Share of the steps in which the learning rate rises to its peak; from there it
            falls as a cosine to zero.
        weight_decay: AdamW's.
        mean_decay: Decay of the running mean of the weights, which is what is kept; 0 keeps the
            last weights.
        calibration: Inputs not trained on that the layer weights are estimated from.
    """

    seed: int = 0
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    intermediate: int = 384
    warm_up: float = 0.06
    weight_decay: float = 0.05
    mean_decay: float = 0.0
    calibration: int = 20


@dataclass(frozen=True)
class TextRecipe(Recipe):
    """The numbers of a text classifier's recipe, beside those of :class:`Recipe`.

    Attributes:
        vocabulary: Pieces of words.
        positions: Longest text in tokens, special tokens included.
        spread: Standard deviation of the first word embeddings.
        batch_tokens: Tokens per optimiser step, padding included.
        learning_rate: Its peak.
        smoothing: Share of a label given to all labels alike.
    """

    vocabulary: int = 8000
    positions: int = 512
    spread: float = 0.1
    batch_tokens: int = 1024
    learning_rate: float = 1e-3
    smoothing: float = 0.1


def parse_options(
    parser: argparse.ArgumentParser, recipe_class: type[AnyRecipe], *numbers: str
) -> tuple[argparse.Namespace, AnyRecipe]:
    """The options of the command line, and the recipe with the numbers given there.

    Torch's threads and seed are set, too.

    Args:
        parser: With the recipe's own options.
        recipe_class: Holds the default of each number.
        numbers: Fields of the recipe that are options, beside its seed.
    """
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    for name in ("seed", *numbers):
        default = getattr(recipe_class, name)
        parser.add_argument(f"--{name}", type=int, default=default, help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    options = parser.parse_args()
    known = {field.name for field in fields(recipe_class)}
    recipe = recipe_class(**{k: v for k, v in vars(options).items() if k in known})
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)
    return options, recipe


def train_wordpiece(texts: Sequence[str], size: int, longest: int) -> PreTrainedTokenizerFast:
    """Lower-case WordPiece tokenizer trained on the texts.

    Args:
        texts: Texts to learn the word pieces from.
        size: Number of word pieces.
        longest: Most tokens that the model reads.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token=WORDPIECE_TOKENS["unk_token"]))
    plain = [normalizers.Replace(typeset, typed) for typeset, typed in TYPOGRAPHY.items()]
    tokenizer.normalizer = normalizers.Sequence(
        [*plain, normalizers.BertNormalizer(lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=list(WORDPIECE_TOKENS.values()), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap_tokenizer(
        tokenizer,
        longest,
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **WORDPIECE_TOKENS,
    )


def wrap_tokenizer(
    tokenizer: Tokenizer, longest: int, *, single: str, pair: str = "$A:0 $B:1", **options: Any
) -> PreTrainedTokenizerFast:
    """The tokenizer as Transformers has it, with special tokens round each text.

    Args:
        tokenizer: It already has its vocabulary.
        longest: Most tokens that the model reads.
        single: Template of one text.
        pair: Template of two texts.
        options: Special tokens by role and other settings of ``PreTrainedTokenizerFast``.
    """
    marks = [mark for mark in dict.fromkeys(single.split()) if not mark.startswith("$")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(mark, tokenizer.token_to_id(mark)) for mark in marks],
    )
    options = {"model_input_names": ["input_ids", "attention_mask"], **options}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=longest, **options)


def shape_options(recipe: Recipe) -> dict[str, Any]:
    """Width, blocks and heads as a Transformers configuration names them."""
    return {
        "hidden_size": recipe.hidden,
        "num_hidden_layers": recipe.layers,
        "num_attention_heads": recipe.heads,
        "intermediate_size": recipe.intermediate,
    }


def classifier_options(
    recipe: TextRecipe, tokenizer: PreTrainedTokenizerBase, labels: Sequence[str]
) -> dict[str, Any]:
    """The part of a text classifier's configuration that all of them share."""
    return {
        **shape_options(recipe),
        "vocab_size": len(tokenizer),
        "max_position_embeddings": recipe.positions,
        "pad_token_id": tokenizer.pad_token_id,
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
        "attn_implementation": "eager",  # the fastest, for texts this short
    }


def group_by_length(
    lengths: Sequence[int], size: int, rng: random.Random, jitter: float
) -> list[list[int]]:
    """Indices of the texts of each batch, of about one length, in random order.

    Args:
        lengths: Tokens of each text.
        size: Most tokens in a batch, padding included.
        rng: Source of the draws.
        jitter: Most tokens by which texts change places in the order of their lengths.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] + jitter * rng.random())
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * lengths[i] > size:
            groups.append([])
        groups[-1].append(i)
    rng.shuffle(groups)
    return groups


def pad_rows(rows: Iterable[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """(rows, tokens) ids, filled up to the longest row, and the attention mask."""
    ids = [torch.tensor(row) for row in rows]
    return (
        pad_sequence(ids, batch_first=True, padding_value=padding),
        pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
    )


def draw_positions(length: int, longest: int, rng: random.Random) -> Tensor:
    """(tokens,) positions, half of the time shifted all but the first.

    The texts are short, so only a shift trains the far positions.
    """
    places = torch.arange(length)
    if rng.random() < 0.5:
        places[1:] += rng.randint(0, longest - length)
    return places


def smooth_labels(labels: Tensor, n_classes: int, share: float) -> Tensor:
    """(texts, classes) probabilities: a share of each label is given to all classes alike."""
    return F.one_hot(labels, n_classes) * (1 - share) + share / n_classes


def train(
    model: Model,
    optimizer: torch.optim.Optimizer,
    passes: Iterable[Iterable[Any]],
    loss_of: Callable[[Any], Tensor],
    recipe: Recipe,
    *,
    peak: float,
    n_steps: int,
    message: str = "epoch {number}: loss {loss:.3f}, {seconds:.0f} s",
    evaluate: Callable[[Model], str] = lambda mean: "",
) -> Model:
    """The running mean of the model's weights at the end of training.

    Args:
        model: What learns, in place.
        optimizer: Its rate is set here; the gradient is cut to a norm of one.
        passes: The batches of each pass; after each a line is printed.
        loss_of: The loss of a batch.
        recipe: Gives ``warm_up`` and ``mean_decay``.
        peak: Of the learning rate.
        n_steps: Batches in all passes, for the learning rate.
        message: The line, with the ``number`` of passes, the ``step``, the mean ``loss`` of the
            pass, its ``seconds`` and those since the ``start``.
        evaluate: What the line also says, from the running mean.
    """
    mean, step, start = copy.deepcopy(model).eval(), 0, time.monotonic()
    for number, batches in enumerate(passes, 1):
        model.train()
        losses, pass_start = [], time.monotonic()
        for batch in batches:
            rate = learning_rate(step / n_steps, peak, recipe.warm_up)
            losses.append(take_step(optimizer, loss_of(batch), rate))
            step += 1
            update_mean(mean, model, step, recipe.mean_decay)
        now = time.monotonic()
        line = message.format(
            number=number,
            step=step,
            loss=sum(losses) / len(losses),
            seconds=now - pass_start,
            start=now - start,
        )
        print(line + evaluate(mean), flush=True)
    return mean


def learning_rate(progress: float, peak: float, warm_up: float) -> float:
    """The rate after a share of the training: up to the peak, then a cosine to zero."""
    return peak * min(progress / warm_up, 0.5 + 0.5 * math.cos(math.pi * min(progress, 1)))


def take_step(optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> float:
    """One step down the gradient of the loss, which is given back."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    value: float = loss.item()
    return value


@torch.no_grad()
def update_mean(mean: nn.Module, model: nn.Module, steps: int, decay: float) -> None:
    """Bring the running mean of the weights up to what the model is after so many steps."""
    decay = min(decay, steps / (steps + 10))
    torch._foreach_lerp_(list(mean.parameters()), list(model.parameters()), 1 - decay)


def save_model(model: nn.Module, processor: Any, out: Path) -> None:
    """Write the weights at half precision, and the model's tokenizer or image processor."""
    copy.deepcopy(model).half().save_pretrained(out)  # type: ignore[operator]
    (out / "model.safetensors").chmod(0o644)
    processor.save_pretrained(out)
    if isinstance(processor, PreTrainedTokenizerFast):  # some versions write another class
        path = out / "tokenizer_config.json"
        settings = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
        path.write_text(json.dumps(settings, indent=2) + "\n")


def weigh_layers(folder: Path, inputs: Sequence[Any]) -> None:
    """Estimate the layer weights of the model in the folder on some inputs, and keep them there."""
    weights = Explainer.from_pretrained(folder, cache=False).calibrate(list(inputs)).tolist()
    rounded = tuple(round(weight, 6) for weight in weights)
    save_calibration(Calibration(rounded, len(inputs)), folder)


@torch.inference_mode()
def predict_labels(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    *,
    batch_size: int = 64,
) -> list[int]:
    """The index of the likeliest label of each text, cut to what the model reads."""
    labels: list[int] = []
    for start in range(0, len(texts), batch_size):
        rows = list(texts[start : start + batch_size])
        batch = tokenizer(rows, padding=True, truncation=True, return_tensors="pt")
        labels += model(**batch).logits.argmax(dim=1).tolist()
    return labels


def accuracy(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Any],
    *,
    batch_size: int = 64,
) -> float:
    """Share of the examples, each with ``text`` and ``label``, whose own label is the likeliest."""
    texts = [example.text for example in examples]
    labels = predict_labels(model, tokenizer, texts, batch_size=batch_size)
    right: list[bool] = [label == e.label for label, e in zip(labels, examples, strict=True)]
    return sum(right) / len(right)
