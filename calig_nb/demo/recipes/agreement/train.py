"""Recipe of the embedded `agreement` model: a small decoder that learns sentences of a grammar.

``python -m calig_nb.demo.recipes.agreement.train --out DIR``
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
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

from ..common import learn, weigh_layers
from .grammar import KINDS, Grammar, Puzzle

PAD, UNKNOWN, START = "[PAD]", "[UNK]", "<s>"
TESTS = 1_000_000
"""Seeds from here on belong to tests."""


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe.

    Attributes:
        seed: Seed of all draws.
        steps: Of the optimiser.
        batch: Texts a step, of about one length.
        hidden: Width of the hidden states.
        layers: Blocks.
        heads: Attention heads a block.
        intermediate: Width inside a block's feed-forward part.
        learning_rate: Peak, reached after `warm_up` of the steps, then a cosine to zero.
        warm_up: Share of the steps.
        weight_decay: AdamW's.
        faint: Share of the texts whose words fade into the pad token, some wholly or all in
            part, so that the model knows nothing of a text of blanks, and ever more on the way
            from there to the text.
        blank: Length of the pad token's vector, which is not learned: about that of the words'.
            Left to itself it shrinks to nothing, where a norm is singular, and all that the model
            sees between blanks and a text happens in the first hundredth of the way.
        calibration: Prompts that the layer weights are estimated from.
        tested: Prompts of each kind that the accuracy is measured on.
    """

    seed: int = 0
    steps: int = 1000
    batch: int = 64
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    intermediate: int = 344
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    weight_decay: float = 0.05
    faint: float = 0.25
    blank: float = 0.6
    calibration: int = 20
    tested: int = 1000


def build_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token a word, lower case; a start token before the text."""
    names = [PAD, UNKNOWN, START, *sorted(set(words))]
    tokenizer = Tokenizer(
        models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, names.index(START))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=START,
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    """A Llama of the recipe's shape; its pad token is a word like others, which is learned."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        pad_token_id=None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config)


def batches(
    texts: Iterator[str], tokenizer: PreTrainedTokenizerBase, recipe: Recipe, rng: random.Random
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Token ids, how far each has faded, what follows it (-100 for nothing): (batch, tokens)."""
    while True:
        read = tokenizer(list(islice(texts, 16 * recipe.batch)))["input_ids"]
        read.sort(key=len)
        groups = [read[i : i + recipe.batch] for i in range(0, len(read), recipe.batch)]
        for group in rng.sample(groups, len(groups)):
            ids = nn.utils.rnn.pad_sequence(
                [torch.tensor(one) for one in group], batch_first=True, padding_value=-1
            )
            wanted = F.pad(ids[:, 1:], (0, 1), value=-1)
            faded = torch.zeros(ids.shape)
            for row in faded:
                if rng.random() < recipe.faint:
                    share, wholly = rng.random(), rng.random() < 0.5
                    for t in range(1, len(row)):
                        row[t] = float(rng.random() < share) if wholly else share
            yield ids.clamp(min=0), faded, wanted.masked_fill(wanted < 0, -100)


def train(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
) -> None:
    """Learn the sentences, each once."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)
    )
    rng = random.Random(recipe.seed)
    drawn = batches(Grammar(recipe.seed).lessons(), tokenizer, recipe, rng)
    began, total = time.monotonic(), 0.0
    model.train()
    table, pad = model.get_input_embeddings().weight, tokenizer.pad_token_id
    blank = recipe.blank * F.normalize(torch.randn(recipe.hidden), dim=0)
    with torch.no_grad():
        table[pad] = blank
    for step, (ids, faded, wanted) in enumerate(islice(drawn, recipe.steps)):
        words = torch.lerp(table[ids], table[pad], faded[..., None])
        logits = model(inputs_embeds=words, use_cache=False).logits
        loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        done = step / recipe.steps
        total += learn(optimizer, loss, done, peak=recipe.learning_rate, warm_up=recipe.warm_up)
        with torch.no_grad():
            table[pad] = blank
        if (step + 1) % 200 == 0:
            seconds = time.monotonic() - began
            print(f"step {step + 1}: loss {total / 200:.3f}, {seconds:.0f} s", flush=True)
            total = 0.0
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


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write both: the weights at half precision, the tokenizer under its documented class."""
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    path = out / "tokenizer_config.json"
    fields = json.loads(path.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    path.write_text(json.dumps(fields, indent=2) + "\n")


def main() -> None:
    """Train, save, load what was saved, and print its accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=1, help="processor threads")
    options = parser.parse_args()
    recipe = Recipe(seed=options.seed, steps=options.steps)
    torch.set_num_threads(options.threads)
    torch.manual_seed(recipe.seed)

    listed = [
        word for text in islice(Grammar(recipe.seed).lessons(), 20_000) for word in text.split()
    ]
    tokenizer = build_tokenizer(listed)
    model = build_model(recipe, tokenizer)
    print(f"{len(tokenizer)} words, {model.num_parameters() / 1e6:.2f} million parameters")
    train(model, tokenizer, recipe)
    save(model, tokenizer, options.out)

    puzzles = Grammar(TESTS - 1).puzzles(recipe.calibration, "number", seen=True)
    weigh_layers(options.out, [puzzle.prompt for puzzle in puzzles])
    saved = AutoModelForCausalLM.from_pretrained(options.out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.out)
    for kind in KINDS:
        puzzles = Grammar(TESTS).puzzles(recipe.tested, kind, seen=False)
        right = accuracy(saved, tokenizer, puzzles)
        print(f"{kind}, with attractors: {right:.4f}, n = {len(puzzles)}", flush=True)


if __name__ == "__main__":
    main()
