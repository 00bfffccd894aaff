"""Recipe of the embedded `amharic` model: a small XLM-R that reads the mood of Amharic tweets.

``python -m calig_nb.demo.recipes.amharic.train --data DIR --out DIR``
"""

from __future__ import annotations

import argparse
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

from .. import common
from .lessons import Lessons, mix_targets, piece_vectors
from .ngrams import NGrams, features
from .scores import scores
from .tweets import LABELS, Tweet, build_tokenizer, read_tweets, round_vocabulary


@dataclass(frozen=True)
class Recipe(common.TextRecipe):
    """The recipe's own numbers, beside those of :class:`common.TextRecipe`.

    Attributes:
        epochs: Passes over the tweets.
        dropout: Share of activations dropped in training.
        hidden_share: Share of the pieces hidden behind the mask.
        advice: Weight of what n-grams, trained on the other folds, say of a tweet.
        folds: Parts of the tweets for that.
        penalty: Of the n-grams' squared weights.
    """

    warm_up: float = 0.1
    mean_decay: float = 0.995
    positions: int = 256
    batch_tokens: int = 1536
    epochs: int = 6
    dropout: float = 0.2
    hidden_share: float = 0.15
    advice: float = 0.5
    folds: int = 5
    penalty: float = 3e-5


def configuration(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> XLMRobertaConfig:
    """Shape and labels of the model; positions count from the one after the padding index."""
    options = common.classifier_options(recipe, tokenizer, LABELS)
    options["max_position_embeddings"] += tokenizer.pad_token_id + 1
    return XLMRobertaConfig(
        **options,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=0.1,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def build_model(recipe: Recipe, lessons: Lessons) -> XLMRobertaForSequenceClassification:
    """The untrained model, whose pieces already mean something."""
    model = XLMRobertaForSequenceClassification(configuration(recipe, lessons.tokenizer))
    table = model.roberta.embeddings.word_embeddings.weight
    with torch.no_grad():
        known = lessons.ordinary
        table[known] = recipe.spread * piece_vectors(lessons, recipe.hidden)[known]
    return model


def train(
    model: XLMRobertaForSequenceClassification, lessons: Lessons, recipe: Recipe, rng: random.Random
) -> XLMRobertaForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    return common.train(
        model,
        torch.optim.AdamW(model.parameters(), weight_decay=recipe.weight_decay, fused=True),
        (lessons.draw_batches(rng) for _ in range(recipe.epochs)),
        lambda chosen: objective(model, lessons, chosen, recipe, rng),
        recipe,
        peak=recipe.learning_rate,
        n_steps=recipe.epochs * len(lessons.draw_batches(random.Random(recipe.seed))),
    )


def objective(
    model: XLMRobertaForSequenceClassification,
    lessons: Lessons,
    chosen: Sequence[int],
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    """Cross entropy of some tweets, part of their pieces hidden, and of two blank texts."""
    ids, mask = common.pad_rows([lessons.ids[i] for i in chosen], lessons.tokenizer.pad_token_id)
    ids = lessons.hide_pieces(ids, recipe.hidden_share)
    blanks, nothing = lessons.blanks(ids.shape[1])
    ids, mask = torch.cat([ids, blanks]), torch.cat([mask, torch.ones_like(blanks)])
    targets = torch.cat([lessons.targets[list(chosen)], nothing])
    places = common.draw_positions(ids.shape[1], recipe.positions, rng)
    places += lessons.tokenizer.pad_token_id + 1
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=places.expand(len(ids), -1)
    ).logits
    return F.cross_entropy(logits, targets)


def print_scores(
    name: str,
    tweets: Sequence[Tweet],
    training: Sequence[Tweet],
    ngrams: NGrams,
    model: XLMRobertaForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    """Print how often the model is right, and two yardsticks."""
    texts, labels = [tweet.text for tweet in tweets], [tweet.label for tweet in tweets]
    print(f"{name}, n = {len(tweets)}")
    for what, rows in (("training", training), (name, tweets)):
        counts = [tweet.label for tweet in rows]
        most = max(range(len(LABELS)), key=counts.count)
        same = [most] * len(labels)
        print(f"  always {LABELS[most]}, as most of {what}: {scores(same, labels, len(LABELS))}")
    guesses = ngrams.logits([features(text) for text in texts]).argmax(1).tolist()
    print(f"  n-grams: {scores(guesses, labels, len(LABELS))}")
    guesses = common.predict_labels(model, tokenizer, texts)
    print(f"  model: {scores(guesses, labels, len(LABELS))}", flush=True)


def main() -> None:
    """Train, save, load what was saved, and print how good it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of amh.train.tsv, …")
    parser.add_argument("--test", action="store_true", help="report on the test tweets, too")
    options, recipe = common.parse_options(parser, Recipe, "epochs")
    rng = random.Random(recipe.seed)

    tweets = read_tweets(options.data / "amh.train.tsv")
    texts, labels = [t.text for t in tweets], [t.label for t in tweets]
    tokenizer = build_tokenizer(texts, recipe.vocabulary, recipe.positions)
    targets = mix_targets(tweets, recipe.advice, recipe.smoothing, recipe.folds, recipe.penalty)
    lessons = Lessons(tweets, targets, tokenizer, recipe.batch_tokens)
    model = build_model(recipe, lessons)
    common.save_model(train(model, lessons, recipe, rng), tokenizer, options.out)
    round_vocabulary(options.out)

    dev = read_tweets(options.data / "amh.dev.tsv")
    longer = [tweet.text for tweet in dev if len(tweet.text.split()) >= 8]
    common.weigh_layers(options.out, longer[: recipe.calibration])
    model = XLMRobertaForSequenceClassification.from_pretrained(options.out, dtype=torch.float32)
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    ngrams = NGrams([features(text) for text in texts], labels, len(LABELS), recipe.penalty)
    print_scores("dev", dev, tweets, ngrams, model, tokenizer)
    if options.test:
        test = read_tweets(options.data / "amh.test.tsv")
        print_scores("test", test, tweets, ngrams, model, tokenizer)
    print(f"{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()
