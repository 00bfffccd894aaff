"""Recipe of the embedded `topics` model: a small BERT that learns the topic of news articles.

``python -m calig_nb.demo.recipes.topics.train --data FILE --out DIR``
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
)

from .. import common
from .articles import BLANK, LABELS, Article, Batch, draw_batches, read_articles

PASS = 50
"""Steps from one line of the report to the next."""


@dataclass(frozen=True)
class Recipe(common.TextRecipe):
    """The recipe's own numbers, beside those of :class:`common.TextRecipe`.

    Attributes:
        steps: Batches learnt from.
        longest: Most tokens of a passage, until the articles are learnt whole.
        whole: Share of the steps in which they are.
        dropout: In the hidden states.
    """

    hidden: int = 160
    heads: int = 5
    intermediate: int = 480
    batch_tokens: int = 2048
    mean_decay: float = 0.99
    steps: int = 500
    longest: int = 256
    whole: float = 0.15
    dropout: float = 0.1


def build_model(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, encoded: Sequence[Sequence[int]]
) -> BertForSequenceClassification:
    """The untrained model, whose word embeddings know which word pieces share their articles.

    Its position embeddings are zero and stay so.
    """
    config = BertConfig(
        **common.classifier_options(recipe, tokenizer, LABELS),
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=0.0,
    )
    model = BertForSequenceClassification(config)
    words = cooccurrence_vectors(encoded, len(tokenizer), recipe.hidden)
    words[tokenizer.all_special_ids] = 0
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(recipe.spread * words)
        # A topic needs no word order, and without it the windows of a long text meet seamlessly.
        model.bert.embeddings.position_embeddings.weight.zero_().requires_grad_(False)
    return model


def cooccurrence_vectors(encoded: Sequence[Sequence[int]], pieces: int, width: int) -> Tensor:
    """(pieces, width) of unit spread: latent semantic analysis of texts, without their labels.

    Source:
        Deerwester et al. (1990), counts as log(1 + n) times the inverse document frequency.
    """
    counts = torch.zeros(len(encoded), pieces)
    for row, tokens in zip(counts, encoded, strict=True):
        row += torch.bincount(torch.tensor(tokens), minlength=pieces)
    rarity = torch.log(len(encoded) / (1 + (counts > 0).sum(dim=0)))
    weighed = F.normalize(torch.log1p(counts) * rarity.clamp(min=0), dim=1)
    _, sizes, directions = torch.svd_lowrank(weighed, q=width, niter=4)
    words = directions * sizes.sqrt()
    return words / words.std()


def train(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    lessons: Sequence[tuple[Sequence[int], int]],
    recipe: Recipe,
) -> BertForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    batches = draw_batches(
        lessons,
        tokenizer,
        longest=recipe.longest,
        positions=recipe.positions,
        size=recipe.batch_tokens,
        steps=recipe.steps,
        whole=recipe.whole,
        rng=random.Random(recipe.seed),
    )
    weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return common.train(
        model,
        torch.optim.AdamW(weights, weight_decay=recipe.weight_decay, fused=True),
        (islice(batches, PASS) for _ in range(0, recipe.steps, PASS)),
        lambda batch: objective(model, batch, recipe),
        recipe,
        peak=recipe.learning_rate,
        n_steps=recipe.steps,
        message="step {step}: loss {loss:.3f}, {start:.0f} s",
    )


def objective(model: BertForSequenceClassification, batch: Batch, recipe: Recipe) -> Tensor:
    """Cross entropy of the topics; a blank text shall be each topic's alike."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
        ).logits
    known = batch.labels != BLANK
    targets = torch.full(logits.shape, 1 / len(LABELS))
    targets[known] = common.smooth_labels(batch.labels[known], len(LABELS), recipe.smoothing)
    return F.cross_entropy(logits.float(), targets)


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n."""
    z = 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


def main() -> None:
    """Train, save, load what was saved, and print its accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="file with a JSON object of id, label, text a line"
    )
    options, recipe = common.parse_options(parser, Recipe, "steps")

    articles, held_out = read_articles(options.data)
    texts = [article.text for article in articles]
    tokenizer = common.train_wordpiece(texts, recipe.vocabulary, recipe.positions)
    tokens = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    model = build_model(recipe, tokenizer, tokens)
    print(
        f"{len(articles)} articles of {sum(map(len, tokens)) / len(tokens):.0f} tokens, "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million parameters",
        flush=True,
    )
    lessons = [(ids, article.label) for ids, article in zip(tokens, articles, strict=True)]
    common.save_model(train(model, tokenizer, lessons, recipe), tokenizer, options.out)
    some = held_out[:: len(held_out) // recipe.calibration][: recipe.calibration]
    common.weigh_layers(options.out, [article.text[:1000] for article in some])

    model = BertForSequenceClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    share, n = common.accuracy(model, tokenizer, held_out, batch_size=1), len(held_out)
    low, high = wilson_interval(share, n)
    print(f"held out: {share:.4f} ({low:.4f} to {high:.4f}), n = {n}")
    beginnings = [Article(" ".join(a.text.split()[:30]), a.label) for a in held_out]
    share = common.accuracy(model, tokenizer, beginnings, batch_size=1)
    print(f"their first 30 words alone: {share:.4f}")


if __name__ == "__main__":
    main()
