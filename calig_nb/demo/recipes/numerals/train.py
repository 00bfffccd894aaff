"""Recipe of a small encoder-decoder that spells rows of numerals.

``python -m calig_nb.demo.recipes.numerals.train --out DIR``
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from .. import common
from .spelling import BETWEEN, NAMES, OPENINGS, Puzzle, puzzles, rows

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "<s>", "</s>"
LONGEST = 64
PASS = 200
"""Steps from one line of the report to the next."""
TESTS = 1_000_000
"""Seeds from here on belong to tests."""


@dataclass(frozen=True)
class Recipe(common.Recipe):
    """The recipe's own numbers, beside those of :class:`common.Recipe`.

    Attributes:
        steps: Of the optimiser.
        batch: Rows a step.
        learning_rate: Its peak.
        faint: Share of the rows whose words fade into the pad token, some wholly or all in part,
            in what is read and in what is written, so that the model knows nothing of blanks.
        n_test: Places that the accuracy is measured on.
    """

    hidden: int = 64
    layers: int = 2
    heads: int = 4
    intermediate: int = 128
    steps: int = 1600
    batch: int = 64
    learning_rate: float = 3e-3
    faint: float = 0.25
    n_test: int = 1000


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Tokenizer of words, one token each, with an end after the text."""
    words = [*map(str, range(len(NAMES))), *NAMES, *BETWEEN, *OPENINGS]
    names = [PAD, UNKNOWN, START, END, *dict.fromkeys(words)]
    tokenizer = Tokenizer(
        models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return common.wrap_tokenizer(
        tokenizer,
        LONGEST,
        single=f"$A {END}",
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        clean_up_tokenization_spaces=False,
    )


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> BartForConditionalGeneration:
    """A BART of the recipe's shape; its decoder starts from the start token."""
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=recipe.hidden,
        encoder_layers=recipe.layers,
        decoder_layers=recipe.layers,
        encoder_attention_heads=recipe.heads,
        decoder_attention_heads=recipe.heads,
        encoder_ffn_dim=recipe.intermediate,
        decoder_ffn_dim=recipe.intermediate,
        max_position_embeddings=LONGEST,
        dropout=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        decoder_start_token_id=tokenizer.bos_token_id,
        forced_eos_token_id=None,
    )
    return BartForConditionalGeneration(config)


def draw_batches(
    tokenizer: PreTrainedTokenizerBase, recipe: Recipe
) -> Iterator[tuple[Tensor, ...]]:
    """What is read and its mask, what is written, what follows it, and how far both faded."""
    rng, drawn = random.Random(recipe.seed), rows(recipe.seed)
    start = tokenizer.bos_token_id
    while True:
        group = list(islice(drawn, recipe.batch))
        read = tokenizer([row.text for row in group])["input_ids"]
        written = tokenizer([" ".join(row.words) for row in group])["input_ids"]
        ids, mask = common.pad_rows(read, tokenizer.pad_token_id)
        following, _ = common.pad_rows(written, -100)
        so_far, _ = common.pad_rows([[start, *row[:-1]] for row in written], tokenizer.pad_token_id)
        fading = torch.zeros(ids.shape), torch.zeros(so_far.shape)
        for i in range(len(group)):
            if rng.random() < recipe.faint:
                share, wholly = rng.random(), rng.random() < 0.5
                # The end of what is read and the start of what is written stay.
                for part, places in zip(
                    fading, (range(len(read[i]) - 1), range(1, len(written[i]))), strict=True
                ):
                    for t in places:
                        part[i, t] = float(rng.random() < share) if wholly else share
        yield ids, mask, so_far, following, *fading


def train(
    model: BartForConditionalGeneration, tokenizer: PreTrainedTokenizerBase, recipe: Recipe
) -> None:
    """Learn to spell; the model's weights change in place."""
    batches = islice(draw_batches(tokenizer, recipe), recipe.steps)
    table = model.get_input_embeddings().weight
    blank = tokenizer.pad_token_id

    def objective(batch: tuple[Tensor, ...]) -> Tensor:
        ids, mask, so_far, following, faded, faded_so_far = batch
        read = torch.lerp(table[ids], table[blank], faded[..., None])
        written = torch.lerp(table[so_far], table[blank], faded_so_far[..., None])
        logits = model(
            inputs_embeds=read, attention_mask=mask, decoder_inputs_embeds=written, use_cache=False
        ).logits
        return F.cross_entropy(logits.flatten(0, 1), following.flatten(), ignore_index=-100)

    common.train(
        model,
        torch.optim.AdamW(
            model.parameters(), lr=0.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
        ),
        (islice(batches, PASS) for _ in range(0, recipe.steps, PASS)),
        objective,
        recipe,
        peak=recipe.learning_rate,
        n_steps=recipe.steps,
        message="step {step}: loss {loss:.3f}, {start:.0f} s",
    )
    model.eval()


def accuracy(
    model: BartForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    asked: Sequence[Puzzle],
) -> float:
    """Share of the places at which the right word is the likeliest."""
    right, start = 0, model.config.decoder_start_token_id
    for one in asked:
        ids = tokenizer(one.text, return_tensors="pt")["input_ids"]
        own = tokenizer(one.prefix, add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = model(input_ids=ids, decoder_input_ids=torch.tensor([[start, *own]])).logits
        right += int(logits[0, -1].argmax() == tokenizer.convert_tokens_to_ids(one.right))
    return right / len(asked)


def main() -> None:
    """Train, save, load what was saved, and print its accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    options, recipe = common.parse_options(parser, Recipe, "steps")

    tokenizer = build_tokenizer()
    model = build_model(recipe, tokenizer)
    print(f"{len(tokenizer)} words, {model.num_parameters() / 1e6:.2f} million parameters")
    train(model, tokenizer, recipe)
    common.save_model(model, tokenizer, options.out)

    shown = puzzles(TESTS - 1, recipe.calibration)
    common.weigh_layers(options.out, [{"text": p.text, "prefix": p.prefix} for p in shown])
    model = AutoModelForSeq2SeqLM.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    share = accuracy(model, tokenizer, puzzles(TESTS, recipe.n_test))
    print(f"next words: {share:.4f}, n = {recipe.n_test}", flush=True)


if __name__ == "__main__":
    main()
