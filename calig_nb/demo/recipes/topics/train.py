"""Recipe of the embedded `topics` model: a small BERT that learns the topic of news articles.

``python -m calig_nb.demo.recipes.topics.train --data FILE --out DIR``
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
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

from ..common import follow, learn, weigh_layers
from ..sentiment.student import build_tokenizer, save
from .articles import BLANK, LABELS, Article, Batch, batches, read


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe.

    Attributes:
        seed: Seed of all draws.
        steps: Batches learnt from.
        vocabulary: Word pieces.
        positions: Longest text in tokens, special tokens included.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        spread: Standard deviation of the first word embeddings.
        longest: Most tokens of a passage, until the articles are learnt whole.
        whole: Share of the steps in which they are.
        batch_tokens: Tokens per optimiser step.
        learning_rate: Peak, reached after `warm_up` of the steps, then a cosine to zero.
        warm_up: Share of the steps.
        weight_decay: AdamW's.
        smoothing: Share of a label given to all five.
        dropout: In the hidden states.
        mean_decay: Decay of the running mean of the weights, which is what is kept.
        calibration: Held-out articles that the layer weights are estimated from.
    """

    seed: int = 0
    steps: int = 500
    vocabulary: int = 8000
    positions: int = 512
    hidden: int = 160
    layers: int = 4
    heads: int = 5
    intermediate: int = 480
    spread: float = 0.1
    longest: int = 256
    whole: float = 0.15
    batch_tokens: int = 2048
    learning_rate: float = 1e-3
    warm_up: float = 0.06
    weight_decay: float = 0.05
    smoothing: float = 0.1
    dropout: float = 0.1
    mean_decay: float = 0.99
    calibration: int = 20


def build_model(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, encoded: Sequence[Sequence[int]]
) -> BertForSequenceClassification:
    """Untaught model whose word embeddings know which word pieces occur in the same articles.

    Its position embeddings are zero and stay so.
    """
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        max_position_embeddings=recipe.positions,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
        attn_implementation="eager",  # the fastest in bfloat16, for passages this short
    )
    model = BertForSequenceClassification(config)
    words = company(encoded, len(tokenizer), recipe.hidden)
    words[tokenizer.all_special_ids] = 0
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.copy_(recipe.spread * words)
        # A topic needs no word order, and without it the windows of a long text meet seamlessly.
        model.bert.embeddings.position_embeddings.weight.zero_().requires_grad_(False)
    return model


def company(encoded: Sequence[Sequence[int]], pieces: int, width: int) -> Tensor:
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
    taught: Sequence[tuple[Sequence[int], int]],
    recipe: Recipe,
) -> BertForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    optimizer = torch.optim.AdamW(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    mean = copy.deepcopy(model).eval()
    model.train()
    began, total = time.monotonic(), 0.0
    drawn = batches(
        taught,
        tokenizer,
        longest=recipe.longest,
        positions=recipe.positions,
        size=recipe.batch_tokens,
        steps=recipe.steps,
        whole=recipe.whole,
        rng=random.Random(recipe.seed),
    )
    for step, batch in enumerate(drawn):
        loss = objective(model, batch, recipe)
        done = step / recipe.steps
        total += learn(optimizer, loss, done, peak=recipe.learning_rate, warm_up=recipe.warm_up)
        follow(mean, model, step + 1, recipe.mean_decay)
        if (step + 1) % 50 == 0:
            print(
                f"step {step + 1}: loss {total / 50:.3f}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
            total = 0.0
    return mean


def objective(model: BertForSequenceClassification, batch: Batch, recipe: Recipe) -> Tensor:
    """Distance from the known topics; a blank text shall be each topic's alike."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
        ).logits
    known = batch.labels != BLANK
    wanted = torch.full(logits.shape, 1 / len(LABELS))
    topics = F.one_hot(batch.labels[known], len(LABELS))
    wanted[known] = topics * (1 - recipe.smoothing) + recipe.smoothing / len(LABELS)
    return F.cross_entropy(logits.float(), wanted)


def accuracy(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    articles: Sequence[Article],
) -> float:
    """Share of the articles, cut to what the model reads, whose own topic is the likeliest."""
    right = 0
    for text, label in articles:
        batch = tokenizer(text, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            right += int(model(**batch).logits.argmax()) == label
    return right / len(articles)


def interval(share: float, n: int) -> tuple[float, float]:
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
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed, steps=options.steps)
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)

    taught, held = read(options.data)
    texts = [article.text for article in taught]
    tokenizer = build_tokenizer(texts, recipe.vocabulary, recipe.positions)
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    model = build_model(recipe, tokenizer, encoded)
    print(
        f"{len(taught)} articles of {sum(map(len, encoded)) / len(encoded):.0f} tokens, "
        f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million parameters",
        flush=True,
    )
    lessons = [(tokens, a.label) for tokens, a in zip(encoded, taught, strict=True)]
    save(train(model, tokenizer, lessons, recipe), tokenizer, options.out)
    some = held[:: len(held) // recipe.calibration][: recipe.calibration]
    weigh_layers(options.out, [article.text[:1000] for article in some])

    saved = BertForSequenceClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    share, n = accuracy(saved, tokenizer, held), len(held)
    low, high = interval(share, n)
    print(f"held out: {share:.4f} ({low:.4f} to {high:.4f}), n = {n}")
    first = [Article(" ".join(a.text.split()[:30]), a.label) for a in held]
    print(f"their first 30 words alone: {accuracy(saved, tokenizer, first):.4f}")


if __name__ == "__main__":
    main()
