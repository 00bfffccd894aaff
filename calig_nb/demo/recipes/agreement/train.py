"""Recipe of the embedded `agreement` model: a small decoder that learns sentences of a grammar.

``python -m calig_nb.demo.recipes.agreement.train --out DIR``
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from .. import common
from .grammar import KINDS, Grammar, Puzzle

PAD, UNKNOWN, START = "[PAD]", "[UNK]", "<s>"
LONGEST = 128
"""Tokens that the model reads."""
PASS = 200
"""Steps from one line of the report to the next."""
TESTS = 1_000_000
"""Seeds from here on belong to tests."""


@dataclass(frozen=True)
class Recipe(common.Recipe):
    """The recipe's own numbers, beside those of :class:`common.Recipe`.

    Attributes:
        steps: Of the optimiser.
        batch: Texts a step, of about one length.
        learning_rate: Its peak.
        faint: Share of the texts whose words fade into the pad token, some wholly or all in
            part, so that the model knows nothing of a text of blanks, and ever more on the way
            from there to the text.
        blank: Length of the pad token's vector, which is not learned: about that of the words'.
            Left to itself it shrinks to nothing, where a norm is singular, and all that the model
            sees between blanks and a text happens in the first hundredth of the way.
        n_test: Prompts of each kind that the accuracy is measured on.
    """

    intermediate: int = 344
    warm_up: float = 0.05
    steps: int = 1000
    batch: int = 64
    learning_rate: float = 2e-3
    faint: float = 0.25
    blank: float = 0.6
    n_test: int = 1000


def build_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Tokenizer of lower-case words, one token each, with a start token before the text."""
    names = [PAD, UNKNOWN, START, *sorted(set(words))]
    tokenizer = Tokenizer(
        models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return common.wrap_tokenizer(
        tokenizer,
        LONGEST,
        single=f"{START} $A",
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        clean_up_tokenization_spaces=False,
    )


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    """A Llama of the recipe's shape; its pad token is a word like others, which is learned."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        **common.shape_options(recipe),
        max_position_embeddings=LONGEST,
        tie_word_embeddings=True,
        pad_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config)


def draw_batches(
    texts: Iterator[str], tokenizer: PreTrainedTokenizerBase, recipe: Recipe, rng: random.Random
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Token ids, how far each has faded, what follows it (-100 for nothing): (batch, tokens)."""
    while True:
        rows = tokenizer(list(islice(texts, 16 * recipe.batch)))["input_ids"]
        rows.sort(key=len)
        groups = [rows[i : i + recipe.batch] for i in range(0, len(rows), recipe.batch)]
        for group in rng.sample(groups, len(groups)):
            ids, _ = common.pad_rows(group, -1)
            following = F.pad(ids[:, 1:], (0, 1), value=-1)
            fading = torch.zeros(ids.shape)
            for row in fading:
                if rng.random() < recipe.faint:
                    share, wholly = rng.random(), rng.random() < 0.5
                    for t in range(1, len(row)):
                        row[t] = float(rng.random() < share) if wholly else share
            yield ids.clamp(min=0), fading, following.masked_fill(following < 0, -100)


def train(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
) -> None:
    """Learn the sentences, each once; the model's weights change in place."""
    lessons = Grammar(recipe.seed).lessons()
    drawn = draw_batches(lessons, tokenizer, recipe, random.Random(recipe.seed))
    batches = islice(drawn, recipe.steps)
    table, pad = model.get_input_embeddings().weight, tokenizer.pad_token_id
    blank = recipe.blank * F.normalize(torch.randn(recipe.hidden), dim=0)

    def objective(batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        ids, fading, following = batch
        with torch.no_grad():
            table[pad] = blank  # each step of the optimiser moves it
        words = torch.lerp(table[ids], table[pad], fading[..., None])
        logits = model(inputs_embeds=words, use_cache=False).logits
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
    with torch.no_grad():
        table[pad] = blank
    model.eval()


def accuracy(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, puzzles: Sequence[Puzzle]
) -> float:
    """Share of the prompts after which the right word is likelier than the wrong one."""
    right = 0
    for puzzle in puzzles:
        ids = tokenizer(puzzle.prompt, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, -1]
        own, other = tokenizer.convert_tokens_to_ids([puzzle.right, puzzle.wrong])
        right += int(logits[own] > logits[other])
    return right / len(puzzles)


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    options, recipe = common.parse_options(parser, Recipe, "steps")

    texts = islice(Grammar(recipe.seed).lessons(), 20_000)
    tokenizer = build_tokenizer([word for text in texts for word in text.split()])
    model = build_model(recipe, tokenizer)
    print(f"{len(tokenizer)} words, {model.num_parameters() / 1e6:.2f} million parameters")
    train(model, tokenizer, recipe)
    common.save_model(model, tokenizer, options.out)

    puzzles = Grammar(TESTS - 1).puzzles(recipe.calibration, "number", seen=True)
    common.weigh_layers(options.out, [puzzle.prompt for puzzle in puzzles])
    model = AutoModelForCausalLM.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    for kind in KINDS:
        puzzles = Grammar(TESTS).puzzles(recipe.n_test, kind, seen=False)
        share = accuracy(model, tokenizer, puzzles)
        print(f"{kind}, with attractors: {share:.4f}, n = {len(puzzles)}", flush=True)


if __name__ == "__main__":
    main()
