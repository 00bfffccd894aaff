"""Lessons for the `amharic` model: tweets in batches, what to learn of each, blanks, meanings."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..common import group_by_length, smooth_labels
from .ngrams import NGrams, features
from .tweets import LABELS, Tweet


class Lessons:
    """Tweets as tensors, in batches of about one length.

    Args:
        tweets: The tweets.
        targets: (tweets, classes) what is to be learnt of each.
        tokenizer: The model's.
        batch_tokens: Tokens of a batch, padding included.
    """

    def __init__(
        self,
        tweets: Sequence[Tweet],
        targets: Tensor,
        tokenizer: PreTrainedTokenizerBase,
        batch_tokens: int,
    ) -> None:
        self.ids = tokenizer([t.text for t in tweets], truncation=True)["input_ids"]
        self.targets, self.tokenizer, self.batch_tokens = targets, tokenizer, batch_tokens
        self.ordinary = torch.ones(len(tokenizer), dtype=torch.bool)
        self.ordinary[tokenizer.all_special_ids] = False

    def draw_batches(self, rng: random.Random) -> list[list[int]]:
        """The tweets of each batch; every tweet once, those of a batch about as long."""
        lengths = [len(ids) for ids in self.ids]
        return group_by_length(lengths, self.batch_tokens, rng, jitter=6)

    def blanks(self, length: int) -> tuple[Tensor, Tensor]:
        """Two rows that say nothing, of pad and of mask tokens, and equal odds of all classes."""
        t = self.tokenizer
        fillers = torch.tensor([[t.pad_token_id], [t.mask_token_id]]).expand(2, length).clone()
        fillers[:, 0], fillers[:, -1] = t.bos_token_id, t.eos_token_id
        return fillers, torch.full((2, len(LABELS)), 1 / len(LABELS))

    def hide_pieces(self, ids: Tensor, share: float) -> Tensor:
        """The ids with a share of the ordinary ones hidden behind the mask."""
        where = self.ordinary[ids] & (torch.rand(ids.shape) < share)
        return torch.where(where, self.tokenizer.mask_token_id, ids)


def piece_vectors(lessons: Lessons, width: int) -> Tensor:
    """(pieces, width) latent semantic analysis: pieces of like tweets are alike, of unit variance.

    Source:
        Deerwester et al. (1990); each count damped and weighed by how rare the piece is.
    """
    counts = torch.zeros(len(lessons.ordinary), len(lessons.ids))
    for column, ids in enumerate(lessons.ids):
        places, times = torch.unique(torch.tensor(ids), return_counts=True)
        counts[places, column] = 1 + times.float().log()
    counts[~lessons.ordinary] = 0
    rarity = torch.log(len(lessons.ids) / (1 + (counts > 0).sum(dim=1)))
    vectors, sizes, _ = torch.svd_lowrank(counts * rarity[:, None], q=width, niter=2)
    vectors = vectors * sizes.sqrt()
    return vectors / vectors[lessons.ordinary].std()


def mix_targets(
    tweets: Sequence[Tweet], advice: float, smoothing: float, folds: int, penalty: float
) -> Tensor:
    """(tweets, classes) what is to be learnt of each: its label, smoothed, and some advice.

    The advice on a tweet is of n-grams that were trained without it.
    """
    labels = torch.tensor([tweet.label for tweet in tweets])
    known = smooth_labels(labels, len(LABELS), smoothing)
    counted = [features(tweet.text) for tweet in tweets]
    heard = torch.empty_like(known)
    order = torch.randperm(len(tweets))
    for fold in order.chunk(folds):
        others = sorted(set(range(len(tweets))) - set(fold.tolist()))
        own, known_labels = [counted[i] for i in others], labels[others].tolist()
        learnt = NGrams(own, known_labels, len(LABELS), penalty)
        heard[fold] = learnt.logits([counted[i] for i in fold.tolist()]).softmax(1)
    return (1 - advice) * known + advice * heard
