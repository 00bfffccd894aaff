"""Recipe of the embedded `sentiment` model: a small BERT that a larger one teaches SST-2.

``python -m calig_nb.demo.recipes.sentiment.train --data DIR --teacher DIR --out DIR``
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
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

from .. import common
from .corpus import Example, hold_out, natural_form, read_examples, recombinations, templates
from .lessons import (
    UNKNOWN,
    Batch,
    Lesson,
    blank_lessons,
    build_lessons,
    draw_batches,
    join_documents,
    judge_texts,
)
from .student import build_model


@dataclass(frozen=True)
class Recipe(common.TextRecipe):
    """The recipe's own numbers, beside those of :class:`common.TextRecipe`.

    Attributes:
        epochs: Passes over the lessons.
        held_out: Training sentences kept back, by which this recipe was chosen.
        templates: Rule-labelled sentences; each is learnt twice an epoch.
        recombinations: Unlabelled texts for the teacher to judge.
        documents: Long texts of joined sentences.
        feature_weight: Weight of predicting the teacher's sentence vector.
        label_weight: Weight of the known labels.
    """

    hidden: int = 192
    heads: int = 6
    intermediate: int = 512
    learning_rate: float = 7e-4
    mean_decay: float = 0.999
    epochs: int = 4
    held_out: int = 500
    templates: int = 9000
    recombinations: int = 90_000
    documents: int = 2000
    feature_weight: float = 1.0
    label_weight: float = 0.5


def configuration(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> BertConfig:
    """Shape and labels of the model."""
    return BertConfig(**common.classifier_options(recipe, tokenizer, ("negative", "positive")))


def train(
    model: BertForSequenceClassification,
    tokenizer: PreTrainedTokenizerBase,
    lessons: Sequence[Lesson],
    recipe: Recipe,
    rng: random.Random,
) -> BertForSequenceClassification:
    """The running mean of the model's weights at the end of training."""
    projection = nn.Linear(recipe.hidden, lessons[0].feature.numel())
    weights = [*model.parameters(), *projection.parameters()]
    draw = partial(draw_batches, lessons, tokenizer, recipe.batch_tokens)
    return common.train(
        model,
        torch.optim.AdamW(weights, weight_decay=recipe.weight_decay, fused=True),
        (draw(rng) for _ in range(recipe.epochs)),
        lambda batch: objective(model, projection, batch, recipe, rng),
        recipe,
        peak=recipe.learning_rate,
        n_steps=recipe.epochs * sum(1 for _ in draw(random.Random(recipe.seed))),
    )


def objective(
    model: BertForSequenceClassification,
    projection: nn.Linear,
    batch: Batch,
    recipe: Recipe,
    rng: random.Random,
) -> Tensor:
    """Distance from the teacher's margin and sentence vector and from the known labels."""
    places = common.draw_positions(batch.input_ids.shape[1], recipe.positions, rng)
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
    has_vector = batch.features.any(dim=1)
    if has_vector.any():
        distance = F.mse_loss(vectors[has_vector], batch.features[has_vector])
        loss = loss + recipe.feature_weight * distance
    return loss


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of train.tsv and dev.tsv")
    parser.add_argument(
        "--teacher", type=Path, required=True, help="folder of a model fine-tuned on SST-2"
    )
    options, recipe = common.parse_options(parser, Recipe, "epochs")
    rng = random.Random(recipe.seed)

    read = read_examples(options.data / "train.tsv")
    phrases, held_out = hold_out(read, recipe.held_out, recipe.seed)
    patterns = templates(recipe.templates, rng)
    examples = [
        *phrases,
        *patterns,
        *recombinations([e.text for e in phrases], recipe.recombinations, rng),
    ]
    texts = [e.text for e in [*phrases, *patterns]]
    tokenizer = common.train_wordpiece(
        [*texts, *map(natural_form, texts)], recipe.vocabulary, recipe.positions
    )
    model = build_model(configuration(recipe, tokenizer), tokenizer, options.teacher, recipe.spread)
    start = time.monotonic()
    judgements = judge_texts([e.text for e in examples], options.teacher)
    seconds = time.monotonic() - start
    print(f"{len(examples)} texts judged by the teacher, {seconds:.0f} s", flush=True)

    lessons = build_lessons(examples, judgements, tokenizer)
    sentences = [lesson for lesson in lessons[: len(phrases)] if len(lesson.forms[0]) > 8]
    lessons += lessons[len(phrases) : len(phrases) + len(patterns)]
    lessons += join_documents(sentences, recipe.documents, recipe.positions - 3, rng)
    lessons += blank_lessons(tokenizer.mask_token_id, judgements.features.shape[1])
    common.save_model(train(model, tokenizer, lessons, recipe, rng), tokenizer, options.out)

    texts = [natural_form(example.text) for example in held_out if len(example.text.split()) >= 8]
    common.weigh_layers(options.out, texts[: recipe.calibration])
    model = BertForSequenceClassification.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    dev = read_examples(options.data / "dev.tsv")
    for name, treebank in (("held out of train", held_out), ("dev", dev)):
        natural = [Example(natural_form(e.text), e.label) for e in treebank]
        print(
            f"{name}: {common.accuracy(model, tokenizer, treebank):.4f} as in the treebank, "
            f"{common.accuracy(model, tokenizer, natural):.4f} as typed, n = {len(treebank)}"
        )


if __name__ == "__main__":
    main()
