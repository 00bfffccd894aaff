"""All methods on the same texts: faithfulness, agreement with people, cost.

The tables of ``calig_nb/evaluation/README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import calig_nb as cn
from calig_nb.evaluation import metrics
from calig_nb.explanation.methods import METHODS
from calig_nb.pipeline.cache import Cache

from .models import Subject, opened

LEAST_WORDS = 8
CALIBRATE_ON = 20
CLASSES = {"NEG": 0, "POS": 1}


@dataclass(frozen=True)
class Review:
    """A text, its class, and the characters that a person marked."""

    text: str
    label: int
    spans: list[tuple[int, int]]


@dataclass(frozen=True)
class Contest:
    """What is compared.

    Attributes:
        sentences: Those to choose from; labels after a tab are dropped.
        rationales: Folder of ERASER's movie reviews, ``val.jsonl`` and ``train.jsonl``, or None.
        n: Sentences.
        n_reviews: Reviews.
        review_tokens: Where a review is cut.
        methods: Names; all by default.
        deletions: How words are deleted.
        cache: Folder in which scores are kept, so that it can go on after an interruption.
        full: Whether the reviews are judged by deletion too, which takes long.
    """

    sentences: Sequence[str]
    rationales: Path | None = None
    n: int = 200
    n_reviews: int = 100
    review_tokens: int = 256
    methods: Sequence[str] = tuple(METHODS)
    deletions: Sequence[str] = ("remove",)
    cache: Path | None = None
    full: bool = False


def leaderboard(names: Sequence[str], contest: Contest) -> None:
    """Print the tables of each model."""
    for name in names:
        subject = opened(name)
        explainer = subject.explainer
        assert explainer is not None, f"{name} reads no text"
        explainer.cache = None if contest.cache is None else Cache(contest.cache)
        chosen, others = spread([one_of(line) for line in contest.sentences], contest.n)
        if explainer.layer_weights is None:
            explainer.calibrate(others or chosen[:CALIBRATE_ON])
        weights = np.array2string(explainer.layer_weights, precision=2, floatmode="fixed")
        for way in contest.deletions:
            found = cn.evaluate(
                explainer, chosen, methods=contest.methods, deletion=way, on_error="skip"
            )
            title = f"{subject.name}, {len(found.texts)} sentences, words deleted by: {way}"
            show(f"{title}; layer weights {weights}", found)
        if contest.rationales is not None:
            show_reviews(subject, contest)


def show_reviews(subject: Subject, contest: Contest) -> None:
    """Print the table of the movie reviews."""
    explainer = subject.explainer
    reviews = sampled(explainer, contest.rationales, contest.n_reviews, contest.review_tokens)
    said = explainer.predict([review.text for review in reviews])["label"]
    labels = [*subject.model.config.id2label.values()]
    right = np.mean([labels.index(own) == r.label for own, r in zip(said, reviews, strict=True)])
    found = cn.evaluate(
        explainer,
        [review.text for review in reviews],
        targets=[review.label for review in reviews],
        rationales=[review.spans for review in reviews],
        methods=contest.methods,
        metrics=None if contest.full else tuple(metrics.PLAUSIBILITY),
        on_error="skip",
    )
    share = found.config["rationale_share"]
    show(
        f"{subject.name}, {len(found.texts)} reviews of at most {contest.review_tokens} tokens, "
        f"{right:.0%} classified right, {share:.0%} of the words in rationales, true class",
        found,
    )


def sampled(explainer: cn.Explainer, folder: Path, n: int, n_tokens: int) -> list[Review]:
    """n reviews of at most so many tokens in which something is marked, those held out first."""
    found: list[Review] = []
    for name in ("val.jsonl", "train.jsonl"):
        if (missing := n - len(found)) > 0:
            own = [cut(explainer, review, n_tokens) for review in read(folder / name)]
            own = [review for review in own if review.spans]
            found += own[:: max(1, len(own) // missing)][:missing]
    return found


def show(title: str, found: cn.Evaluation) -> None:
    """Print means with intervals and cost, and the paired differences."""
    print(f"\n### {title}\n\n{found.to_markdown()}\n\n{found.to_markdown(differences=True)}")
    print(f"\n{found!r}", flush=True)


def one_of(line: str) -> str:
    """The sentence in a line, which may end with a tab and a label."""
    return line.rsplit("\t", 1)[0].strip()


def spread(sentences: Sequence[str], n: int) -> tuple[list[str], list[str]]:
    """Sentences of some length, evenly from all; and some of those between, to calibrate on."""
    long = [s for s in dict.fromkeys(sentences) if len(s.split()) >= LEAST_WORDS]
    step = max(1, len(long) // n)
    chosen = long[::step][:n]
    others = [s for s in long if s not in set(chosen)]
    return chosen, others[:: max(1, len(others) // CALIBRATE_ON)][:CALIBRATE_ON]


def read(file: Path) -> Iterator[Review]:
    """The reviews of a file; class and marks as ERASER gives them."""
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        starts = np.cumsum([0, *(len(word) + 1 for word in entry["words"])])
        spans = [(int(starts[a]), int(starts[b]) - 1) for a, b in entry["rationale_spans"]]
        yield Review(" ".join(entry["words"]), CLASSES[entry["label"]], spans)


def cut(explainer: cn.Explainer, review: Review, n_tokens: int) -> Review:
    """The review's beginning of so many tokens, whole words, with the marks that are in it."""
    tokenizer = explainer.engine.reader.tokenizer
    encoded = tokenizer(review.text, return_offsets_mapping=True, verbose=False)
    spans = [span for span in encoded["offset_mapping"] if span[1] > span[0]]
    room = n_tokens - (len(encoded["input_ids"]) - len(spans))
    if len(spans) <= room:
        return review
    end = review.text.rfind(" ", 0, spans[room][0] + 1)
    text = review.text[: end if end > 0 else spans[room][0]]
    kept = [(a, min(b, len(text))) for a, b in review.spans if a < len(text)]
    return Review(text, review.label, kept)
