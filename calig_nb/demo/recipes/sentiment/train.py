"""Recipe of the embedded `sentiment` model: a small BERT that a larger one teaches SST-2.

``python -m calig_nb.demo.recipes.sentiment.train --data DIR --teacher DIR --out DIR``
"""

from __future__ import annotations

import argparse
import copy
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
)

from ..common import follow, learn, weigh_layers
from .corpus import Example, hold_out, natural, read, recombinations, templates
from .lessons import UNKNOWN, Batch, Lesson, batches, blanks, documents, judge, lessons
from .student import build_model, build_tokenizer, save


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe.

    Attributes:
        seed: Seed of all draws.
        epochs: Passes over the lessons.
        held_out: Training sentences kept back, by which this recipe was chosen.
        templates: Rule-labelled sentences; each is learnt twice an epoch.
        recombinations: Unlabelled texts for the teacher to judge.
        documents: Long texts of joined sentences.
        vocabulary: Word pieces.
        positions: Longest text in tokens, special tokens included.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        spread: Standard deviation of the first word embeddings.
        batch_tokens: Tokens per optimiser step, padding included.
        learning_rate: Peak, reached after `warm_up` of the steps, then a cosine to zero.
        warm_up: Share of the steps.
        weight_decay: AdamW's.
        feature_weight: Weight of predicting the teacher's sentence vector.
        label_weight: Weight of the known labels.
        smoothing: Share of a known label given to the other one.
        mean_decay: Decay of the running mean of the weights, which is what is kept.
        calibration: Held-out sentences that the layer weights are estimated from.
    """

    seed: int = 0
    epochs: int = 4
    held_out: int = 500
    templates: int = 9000
    recombinations: int = 90_000
    documents: int = 2000
    vocabulary: int = 8000
    positions: int = 512
    hidden: int = 192
    layers: int = 4
    heads: int = 6
    intermediate: int = 512
    spread: float = 0.1
    batch_tokens: int = 1024
    learning_rate: float = 7e-4
    warm_up: float = 0.06
    weight_decay: float = 0.05
    feature_weight: float = 1.0
    label_weight: float = 0.5
    smoothing: float = 0.1
    mean_decay: float = 0.999
    calibration: int = 20


def configuration(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> BertConfig:
    """Shape of the model; eager attention is the fastest for texts this short."""
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        max_position_embeddings=recipe.positions,
        pad_token_id=tokenizer.pad_token_id,
        id2label={0: "negative", 1: "positive"},
        label2id={"negative": 0, "positive": 1},
        attn_implementation="eager",
    )


def train(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    taught: Sequence[Lesson],
    recipe: Recipe,
    rng: random.Random,
) -> BertForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    projection = nn.Linear(recipe.hidden, taught[0].feature.numel())
    weights = [*model.parameters(), *projection.parameters()]
    optimizer = torch.optim.AdamW(weights, weight_decay=recipe.weight_decay, fused=True)
    per_epoch = sum(
        1 for _ in batches(taught, tokenizer, recipe.batch_tokens, random.Random(recipe.seed))
    )
    steps, step = recipe.epochs * per_epoch, 0
    mean = copy.deepcopy(model).eval()
    model.train()
    for epoch in range(recipe.epochs):
        began, total, count = time.monotonic(), 0.0, 0
        for batch in batches(taught, tokenizer, recipe.batch_tokens, rng):
            loss = objective(model, projection, batch, recipe, rng)
            total += learn(
                optimizer,
                loss,
                step / steps,
                peak=recipe.learning_rate,
                warm_up=recipe.warm_up,
            )
            count, step = count + 1, step + 1
            follow(mean, model, step, recipe.mean_decay)
        print(
            f"epoch {epoch + 1}: loss {total / count:.3f}, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    return mean


def objective(
    model: BertForSequenceClassification,
    projection: nn.Linear,
    batch: Batch,
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    """Distance from the teacher's margin and sentence vector and from the known labels."""
    length = batch.input_ids.shape[1]
    places = torch.arange(length)
    if rng.random() < 0.5:  # the texts are short, so only a shift trains the far positions
        places[1:] += rng.randint(0, recipe.positions - length)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=places[None],
            output_hidden_states=True,
        )
        vectors = projection(output.hidden_states[-1][:, 0]).float()
    margins = (output.logits[:, 1] - output.logits[:, 0]).float()
    loss = F.binary_cross_entropy_with_logits(margins, batch.margins.sigmoid())
    loss = loss + 0.1 * F.mse_loss(margins, batch.margins)
    known = batch.labels != UNKNOWN
    if known.any():
        labels = batch.labels[known] * (1 - recipe.smoothing) + recipe.smoothing / 2
        loss = loss + recipe.label_weight * F.binary_cross_entropy_with_logits(
            margins[known], labels
        )
    seen = batch.features.any(dim=1)
    if seen.any():
        loss = loss + recipe.feature_weight * F.mse_loss(vectors[seen], batch.features[seen])
    return loss


def accuracy(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
) -> float:
    """Share of the examples whose own label is the likelier one."""
    right = 0
    for start in range(0, len(examples), 64):
        rows = examples[start : start + 64]
        batch = tokenizer(
            [e.text for e in rows], padding=True, truncation=True, return_tensors="pt"
        )
        with torch.inference_mode():
            found = model(**batch).logits.argmax(dim=1).tolist()
        right += sum(label == e.label for label, e in zip(found, rows, strict=True))
    return right / len(examples)


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.tsv and dev.tsv")
    parser.add_argument(
        "--teacher", type=Path, required=True, help="folder of a model fine-tuned on SST-2"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed, epochs=options.epochs)
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)

    phrases, held = hold_out(read(options.data / "train.tsv"), recipe.held_out, recipe.seed)
    patterned = templates(recipe.templates, rng)
    examples = [
        *phrases,
        *patterned,
        *recombinations([e.text for e in phrases], recipe.recombinations, rng),
    ]
    written = [e.text for e in [*phrases, *patterned]]
    tokenizer = build_tokenizer(
        [*written, *map(natural, written)], recipe.vocabulary, recipe.positions
    )
    model = build_model(configuration(recipe, tokenizer), tokenizer, options.teacher, recipe.spread)
    began = time.monotonic()
    judgements = judge([e.text for e in examples], options.teacher)
    print(
        f"{len(examples)} texts judged by the teacher, {time.monotonic() - began:.0f} s", flush=True
    )

    taught = lessons(examples, judgements, tokenizer)
    sentences = [lesson for lesson in taught[: len(phrases)] if len(lesson.forms[0]) > 8]
    taught += taught[len(phrases) : len(phrases) + len(patterned)]
    taught += documents(sentences, recipe.documents, recipe.positions - 3, rng)
    taught += blanks(tokenizer.mask_token_id, judgements.features.shape[1])
    save(train(model, tokenizer, taught, recipe, rng), tokenizer, options.out)

    texts = [natural(example.text) for example in held if len(example.text.split()) >= 8]
    weigh_layers(options.out, texts[: recipe.calibration])
    saved = BertForSequenceClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    for name, found in (("held out of train", held), ("dev", read(options.data / "dev.tsv"))):
        typed = [Example(natural(e.text), e.label) for e in found]
        print(
            f"{name}: {accuracy(saved, tokenizer, found):.4f} as in the treebank, "
            f"{accuracy(saved, tokenizer, typed):.4f} as typed, n = {len(found)}"
        )


if __name__ == "__main__":
    main()
