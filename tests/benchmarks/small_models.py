"""Small classifiers to try forms on, other than the embedded one, from labelled phrases.

``python -m tests.benchmarks.small_models --data DIR --out DIR``, DIR with ``train.tsv`` and
``dev.tsv`` of SST-2; a folder for each model, some two minutes of one core each.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from calig_nb.demo.recipes import common
from calig_nb.demo.recipes.sentiment.corpus import Example, natural_form, read_examples
from calig_nb.demo.recipes.sentiment.lessons import (
    Judgements,
    blank_lessons,
    build_lessons,
    join_documents,
)
from calig_nb.demo.recipes.sentiment.student import build_model
from calig_nb.demo.recipes.sentiment.train import Recipe, configuration, train

SURE = 3.0
"""Margin that a label is worth."""

RECIPES = {
    "deep": Recipe(
        seed=1, epochs=2, documents=100, vocabulary=6000, hidden=128, layers=6, heads=4,
        intermediate=384, batch_tokens=2048, feature_weight=0.0, mean_decay=0.995,
    ),
    "wide": Recipe(
        seed=2, epochs=2, documents=100, vocabulary=10_000, hidden=160, layers=5, heads=5,
        intermediate=448, batch_tokens=2048, feature_weight=0.0, mean_decay=0.995,
    ),
}  # fmt: skip
"""The embedded model has 4 blocks, is 192 wide, and learnt from a teacher."""


def made(recipe: Recipe, examples: Sequence[Example], words: Path | None, out: Path) -> None:
    """Train a model on labels and write it; ``words`` is whose word vectors it starts from."""
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    texts = [example.text for example in examples]
    tokenizer = common.train_wordpiece(
        [*texts, *map(natural_form, texts)], recipe.vocabulary, recipe.positions
    )
    config = configuration(recipe, tokenizer)
    if words is None:
        model = BertForSequenceClassification(config)
    else:
        model = build_model(config, tokenizer, words, recipe.spread)
    margins = torch.tensor([SURE if example.label else -SURE for example in examples])
    taught = build_lessons(examples, Judgements(margins, torch.zeros(len(examples), 1)), tokenizer)
    sentences = [lesson for lesson in taught if len(lesson.forms[0]) > 8]
    taught += join_documents(sentences, recipe.documents, 256, rng)
    taught += blank_lessons(tokenizer.mask_token_id, 1)
    common.save_model(train(model, tokenizer, taught, recipe, rng), tokenizer, out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make them, and print their accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.tsv and dev.tsv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the models' folders")
    parser.add_argument("--words", type=Path, help="folder of a model to take word vectors from")
    parser.add_argument("--most", type=int, help="phrases to learn from (all)")
    parser.add_argument("--names", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    examples = read_examples(asked.data / "train.tsv")
    judged = read_examples(asked.data / "dev.tsv")
    if asked.most is not None:
        examples = random.Random(0).sample(examples, asked.most)
    for name in asked.names:
        made(RECIPES[name], examples, asked.words, asked.out / name)
        model = BertForSequenceClassification.from_pretrained(asked.out / name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(asked.out / name)
        print(f"{name}: {common.accuracy(model.eval(), tokenizer, judged):.4f} on dev", flush=True)


if __name__ == "__main__":
    main()
