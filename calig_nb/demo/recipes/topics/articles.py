"""What the `topics` model learns from: articles, and passages of them in batches. No model."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..common import pad_rows

LABELS = ("business", "entertainment", "politics", "sport", "tech")
BLANK = -1


class Article(NamedTuple):
    """One article and the index of its topic."""

    text: str
    label: int


class Batch(NamedTuple):
    """Passages of one length: all (rows, tokens), the labels (rows,), -1 where no topic fits."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


def read_articles(path: Path) -> tuple[list[Article], list[Article]]:
    """Articles to learn from, and every fifth of each topic, in the order of their names, held out.

    Some articles were published twice: one that is also held out is not learnt from.

    Args:
        path: Lines of JSON with ``id``, ``label`` and ``text``.

    Raises:
        ValueError: If there is a topic that is not one of :data:`LABELS`, or none of some topic.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    if (found := sorted({row["label"] for row in rows})) != sorted(LABELS):
        raise ValueError(f"the topics must be {list(LABELS)}, got {found}.")
    training: list[Article] = []
    held_out: list[Article] = []
    for number, label in enumerate(LABELS):
        own = sorted((row for row in rows if row["label"] == label), key=lambda row: row["id"])
        for i, row in enumerate(own):
            (held_out if i % 5 == 4 else training).append(Article(row["text"].strip(), number))
    known = {article.text for article in held_out}
    return [article for article in training if article.text not in known], held_out


def draw_batches(
    articles: Sequence[tuple[Sequence[int], int]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    longest: int,
    positions: int,
    size: int,
    steps: int,
    whole: float,
    rng: random.Random,
) -> Iterator[Batch]:
    """Passages cut at random, one length a batch; towards the end whole articles.

    Some words are blanked out and one passage in sixteen is blank altogether, so that a text of
    which little is left says little.

    Args:
        articles: Tokens and label of each.
        tokenizer: Gives the special tokens.
        longest: Most tokens of a passage.
        positions: Most tokens that the model reads.
        size: Tokens in a batch.
        steps: Batches.
        whole: Share of the steps, at the end, with the longest texts.
        rng: Source of the draws.
    """
    pile: list[int] = []
    for step in range(steps):
        most = positions - 2 if step >= (1 - whole) * steps else longest
        least = most if most > longest else 16
        length = round(math.exp(rng.uniform(math.log(least), math.log(most))))
        rows, labels = [], []
        for _ in range(max(1, size // (length + 2))):
            pile = pile or rng.sample(range(len(articles)), len(articles))
            tokens, label = articles[pile.pop()]
            start = rng.randint(0, max(0, len(tokens) - length))
            passage = draw_blanks(list(tokens[start : start + length]), tokenizer, rng)
            rows.append([tokenizer.cls_token_id, *passage, tokenizer.sep_token_id])
            labels.append(label if any(t != passage[0] for t in passage) else BLANK)
        yield Batch(*pad_rows(rows, tokenizer.pad_token_id), torch.tensor(labels))


def draw_blanks(
    tokens: list[int], tokenizer: PreTrainedTokenizerBase, rng: random.Random
) -> list[int]:
    """The passage with none, some or all of its tokens replaced by [PAD] or [MASK]."""
    blank = rng.choice((tokenizer.pad_token_id, tokenizer.mask_token_id))
    if rng.random() < 1 / 16:
        return [blank] * len(tokens)
    share = rng.uniform(0, 0.6) if rng.random() < 0.5 else 0.0
    return [blank if rng.random() < share else token for token in tokens]
