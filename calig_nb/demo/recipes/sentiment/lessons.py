"""What the `sentiment` model learns from: token ids, each text with a teacher's targets."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerBase

from ..common import group_by_length, pad_rows
from .corpus import Example, natural_form

UNKNOWN = -1
SURE = 3.0


@dataclass(frozen=True, eq=False)
class Judgements:
    """What the teacher says of some texts.

    Attributes:
        margins: (texts,) positive minus negative logit.
        features: (texts, components) sentence vectors, of unit variance.
    """

    margins: Tensor
    features: Tensor


@dataclass(frozen=True, eq=False)
class Lesson:
    """One text to learn from.

    Attributes:
        forms: Token ids without special tokens, in the treebank's and in natural form.
        margin: Wanted positive minus negative logit.
        label: 0, 1 or `UNKNOWN`.
        feature: (components,) the teacher's sentence vector, zeros where there is none.
    """

    forms: tuple[list[int], ...]
    margin: float
    label: int
    feature: Tensor


class Batch(NamedTuple):
    """Lessons of like length: padded ids with special tokens, and their targets."""

    input_ids: Tensor
    attention_mask: Tensor
    margins: Tensor
    labels: Tensor
    features: Tensor


def judge_texts(
    texts: Sequence[str], teacher: Path, *, components: int = 128, batch_size: int = 128
) -> Judgements:
    """The teacher's view of some texts.

    Runs under bfloat16 autocast: three times faster where the processor has
    it, and the teacher's own errors are far larger than the rounding.

    Args:
        texts: Texts to judge.
        teacher: Folder of a fine-tuned sequence classifier with labels 0 and 1.
        components: Principal components kept of the sentence vectors, which
            are the last hidden state of the first token and the tokens' mean.
        batch_size: Texts per forward pass.
    """
    model = AutoModelForSequenceClassification.from_pretrained(teacher, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(teacher)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    margins, vectors = (
        torch.empty(len(texts)),
        torch.empty(len(texts), 2 * model.config.hidden_size),
    )
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        batch = tokenizer(
            [texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt"
        )
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            output = model(**batch, output_hidden_states=True)
        states, mask = output.hidden_states[-1].float(), batch["attention_mask"][:, :, None]
        margins[rows] = (output.logits[:, 1] - output.logits[:, 0]).float()
        vectors[rows] = torch.cat([states[:, 0], (states * mask).sum(1) / mask.sum(1)], dim=1)
    features = principal_components(vectors, components)
    return Judgements(margins, features / features.std(0))


def principal_components(rows: Tensor, n: int) -> Tensor:
    """(rows, n) coordinates of centred rows along their `n` widest directions."""
    rows = rows - rows.mean(0)
    _, axes = torch.linalg.eigh(rows.T @ rows)
    coordinates: Tensor = rows @ axes[:, -n:]
    return coordinates


def piece_vectors(tokenizer: PreTrainedTokenizerBase, teacher: Path, width: int) -> Tensor:
    """(pieces, width) principal components of what the teacher makes of each word piece alone.

    Half of them come from its word embeddings, half from the states in the
    middle of its blocks; both are means over the teacher's own pieces.
    """
    guide = AutoModelForSequenceClassification.from_pretrained(teacher, dtype=torch.float32).eval()
    guide_tokenizer = AutoTokenizer.from_pretrained(teacher)
    pieces = [
        piece.removeprefix("##") for piece in tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    ]
    batch = guide_tokenizer(
        pieces, padding=True, return_special_tokens_mask=True, return_tensors="pt"
    )
    inner = (1 - batch.pop("special_tokens_mask"))[:, :, None]
    with torch.inference_mode():
        states = guide(**batch, output_hidden_states=True).hidden_states
        words = guide.get_input_embeddings()(batch["input_ids"])
    means = [
        (view * inner).sum(1) / inner.sum(1).clamp(min=1)
        for view in (words, states[len(states) // 2])
    ]
    halves = [principal_components(view, width // 2) for view in means]
    return torch.cat([half / half.std() for half in halves], dim=1)


def build_lessons(
    examples: Sequence[Example], judgements: Judgements, tokenizer: PreTrainedTokenizerBase
) -> list[Lesson]:
    """Lessons of judged examples; where the teacher doubts a template's rule, the rule prevails."""
    texts = [example.text for example in examples]
    treebank = tokenizer(texts, add_special_tokens=False)["input_ids"]
    natural = tokenizer([*map(natural_form, texts)], add_special_tokens=False)["input_ids"]
    lessons = []
    for i, example in enumerate(examples):
        margin = float(judgements.margins[i])
        label = UNKNOWN if example.label is None else example.label
        if example.rule and margin * (2 * label - 1) < SURE:
            margin = SURE * (2 * label - 1)
        forms = (treebank[i],) if treebank[i] == natural[i] else (treebank[i], natural[i])
        lessons.append(Lesson(forms, margin, label, judgements.features[i]))
    return lessons


def join_documents(
    parts: Sequence[Lesson], n: int, longest: int, rng: random.Random
) -> list[Lesson]:
    """Long texts of joined sentences of mostly one polarity; the margin is their mean.

    Args:
        parts: Sentences to join.
        n: Number of texts.
        longest: Most tokens in one, special tokens not counted.
        rng: Source of the draws.
    """
    sides = ([p for p in parts if p.margin < 0], [p for p in parts if p.margin >= 0])
    nothing = torch.zeros_like(parts[0].feature)
    documents = []
    for _ in range(n):
        size, positive_share = (
            rng.randint(40, longest),
            rng.choice((0.0, 0.1, 0.25, 0.75, 0.9, 1.0)),
        )
        ids: list[int] = []
        margins: list[float] = []
        while len(ids) < size:
            part = rng.choice(sides[rng.random() < positive_share])
            ids += part.forms[-1]
            margins.append(part.margin)
        documents.append(Lesson((ids[:longest],), sum(margins) / len(margins), UNKNOWN, nothing))
    return documents


def blank_lessons(mask_id: int, components: int) -> list[Lesson]:
    """Texts that say nothing, for which neither label may win: none or only masked tokens."""
    return [Lesson(([mask_id] * n,), 0.0, UNKNOWN, torch.zeros(components)) for n in range(64)]


def draw_batches(
    lessons: Sequence[Lesson], tokenizer: PreTrainedTokenizerBase, size: int, rng: random.Random
) -> Iterator[Batch]:
    """One pass over the lessons, each in a form drawn anew.

    A quarter of the texts have their full stop taken away, or get one.

    Args:
        lessons: The lessons.
        tokenizer: Gives the special tokens.
        size: Most tokens in a batch, padding included.
        rng: Source of the draws.
    """
    stop = tokenizer.convert_tokens_to_ids(".")
    rows = []
    for lesson in lessons:
        ids = rng.choice(lesson.forms)
        if ids and rng.random() < 0.25:
            ids = ids[:-1] if ids[-1] == stop and len(ids) > 1 else [*ids, stop]
        rows.append([tokenizer.cls_token_id, *ids, tokenizer.sep_token_id])
    for group in group_by_length([len(row) for row in rows], size, rng, jitter=1):
        yield Batch(
            *pad_rows((rows[i] for i in group), tokenizer.pad_token_id),
            torch.tensor([lessons[i].margin for i in group]),
            torch.tensor([lessons[i].label for i in group]),
            torch.stack([lessons[i].feature for i in group]),
        )
