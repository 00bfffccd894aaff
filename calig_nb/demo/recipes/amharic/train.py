"""Recipe of the embedded `amharic` model: a small XLM-R that reads the mood of Amharic tweets.

``python -m calig_nb.demo.recipes.amharic.train --data DIR --out DIR``
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
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from ..common import follow, learn, weigh_layers
from .lessons import Lessons, advised, meanings
from .ngrams import NGrams, features
from .scores import scores
from .student import LABELS, Tweet, build_tokenizer, read, save


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe.

    Attributes:
        seed: Seed of all draws.
        epochs: Passes over the tweets.
        vocabulary: Pieces.
        positions: Longest text in tokens, special tokens included.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        dropout: Share of activations dropped in training.
        batch_tokens: Tokens per optimiser step, padding included.
        learning_rate: Peak, reached after `warm_up` of the steps, then a cosine to zero.
        warm_up: Share of the steps.
        weight_decay: AdamW's.
        hidden_share: Share of the pieces hidden behind the mask.
        spread: Standard deviation of the first word embeddings.
        smoothing: Share of a label given to all classes alike.
        advice: Weight of what n-grams, trained on the other folds, say of a tweet.
        folds: Parts of the tweets for that.
        penalty: Of the n-grams' squared weights.
        mean_decay: Decay of the running mean of the weights, which is what is kept.
        calibration: Dev tweets that the layer weights are estimated from.
    """

    seed: int = 0
    epochs: int = 6
    vocabulary: int = 8000
    positions: int = 256
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    intermediate: int = 384
    dropout: float = 0.2
    batch_tokens: int = 1536
    learning_rate: float = 1e-3
    warm_up: float = 0.1
    weight_decay: float = 0.05
    hidden_share: float = 0.15
    spread: float = 0.1
    smoothing: float = 0.1
    advice: float = 0.5
    folds: int = 5
    penalty: float = 3e-5
    mean_decay: float = 0.995
    calibration: int = 20


def configuration(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> XLMRobertaConfig:
    """Shape of the model; positions count from the one after the padding index."""
    return XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=0.1,
        max_position_embeddings=recipe.positions + tokenizer.pad_token_id + 1,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        attn_implementation="eager",
    )


def build_model(recipe: Recipe, lessons: Lessons) -> XLMRobertaForSequenceClassification:
    """Untaught model whose pieces already mean something."""
    model = XLMRobertaForSequenceClassification(configuration(recipe, lessons.tokenizer))
    table = model.roberta.embeddings.word_embeddings.weight
    with torch.no_grad():
        known = lessons.ordinary
        table[known] = recipe.spread * meanings(lessons, recipe.hidden)[known]
    return model


def train(
    model: XLMRobertaForSequenceClassification, lessons: Lessons, recipe: Recipe, rng: random.Random
) -> XLMRobertaForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay, fused=True)
    steps = recipe.epochs * sum(1 for _ in lessons.batches(random.Random(recipe.seed)))
    mean, step = copy.deepcopy(model).eval(), 0
    model.train()
    for epoch in range(recipe.epochs):
        began, total, count = time.monotonic(), 0.0, 0
        for chosen in lessons.batches(rng):
            loss = objective(model, lessons, chosen, recipe, rng)
            total += learn(
                optimizer,
                loss,
                step / steps,
                peak=recipe.learning_rate,
                warm_up=recipe.warm_up,
            )
            count, step = count + 1, step + 1
            follow(mean, model, step, recipe.mean_decay)
        seconds = time.monotonic() - began
        print(f"epoch {epoch + 1}: loss {total / count:.3f}, {seconds:.0f} s", flush=True)
    return mean


def objective(
    model: XLMRobertaForSequenceClassification,
    lessons: Lessons,
    chosen: Sequence[int],
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    """How far the classes of some tweets are off, part of their pieces hidden, and of blanks."""
    ids, mask = lessons.read(chosen)
    ids = lessons.hidden(ids, recipe.hidden_share)
    blanks, nothing = lessons.blanks(ids.shape[1])
    ids, mask = torch.cat([ids, blanks]), torch.cat([mask, torch.ones_like(blanks)])
    targets = torch.cat([lessons.targets[list(chosen)], nothing])
    length = ids.shape[1]
    places = torch.arange(length) + lessons.tokenizer.pad_token_id + 1
    if rng.random() < 0.5:  # tweets are short, so only a shift trains the far positions
        places[1:] += rng.randint(0, recipe.positions - length)
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=places.expand(len(ids), -1)
    ).logits
    return F.cross_entropy(logits, targets)


@torch.inference_mode()
def answers(
    model: XLMRobertaForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
) -> list[int]:
    """The likeliest class of each text."""
    found: list[int] = []
    for start in range(0, len(texts), 64):
        rows = list(texts[start : start + 64])
        batch = tokenizer(rows, padding=True, truncation=True, return_tensors="pt")
        found += model(**batch).logits.argmax(dim=1).tolist()
    return found


def report(
    name: str,
    tweets: Sequence[Tweet],
    learnt: Sequence[Tweet],
    ngrams: NGrams,
    model: XLMRobertaForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Print how often the model is right, and two yardsticks."""
    texts, known = [tweet.text for tweet in tweets], [tweet.label for tweet in tweets]
    print(f"{name}, n = {len(tweets)}")
    for what, rows in (("training", learnt), (name, tweets)):
        labels = [tweet.label for tweet in rows]
        most = max(range(len(LABELS)), key=labels.count)
        same = [most] * len(known)
        print(f"  always {LABELS[most]}, as most of {what}: {scores(same, known, len(LABELS))}")
    found = ngrams.logits([features(text) for text in texts]).argmax(1).tolist()
    print(f"  n-grams: {scores(found, known, len(LABELS))}")
    print(f"  model: {scores(answers(model, tokenizer, texts), known, len(LABELS))}", flush=True)


def main() -> None:
    """Train, save, load what was saved, and print how good it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of amh.train.tsv, …")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--test", action="store_true", help="report on the test tweets, too")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--epochs", type=int, default=Recipe.epochs)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed, epochs=options.epochs)
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)

    tweets = read(options.data / "amh.train.tsv")
    texts, labels = [t.text for t in tweets], [t.label for t in tweets]
    tokenizer = build_tokenizer(texts, recipe.vocabulary, recipe.positions)
    targets = advised(tweets, recipe.advice, recipe.smoothing, recipe.folds, recipe.penalty)
    lessons = Lessons(tweets, targets, tokenizer, recipe.batch_tokens)
    model = build_model(recipe, lessons)
    save(train(model, lessons, recipe, rng), tokenizer, options.out)

    dev = read(options.data / "amh.dev.tsv")
    longer = [tweet.text for tweet in dev if len(tweet.text.split()) >= 8]
    weigh_layers(options.out, longer[: recipe.calibration])
    saved = XLMRobertaForSequenceClassification.from_pretrained(options.out, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    ngrams = NGrams([features(text) for text in texts], labels, len(LABELS), recipe.penalty)
    report("dev", dev, tweets, ngrams, saved.eval(), tokenizer)
    if options.test:
        test = read(options.data / "amh.test.tsv")
        report("test", test, tweets, ngrams, saved.eval(), tokenizer)
    print(f"{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()
