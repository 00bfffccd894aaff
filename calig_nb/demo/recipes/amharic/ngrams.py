"""The yardstick of the `amharic` model: logistic regression on n-grams of words and letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F


def features(text: str) -> Counter[str]:
    """Words, pairs of words, and the runs of 2 to 5 letters within a word, its ends marked."""
    words = text.split()
    found = Counter(f"w {word}" for word in words)
    found.update(f"p {a} {b}" for a, b in pairwise(words))
    for word in (f"<{word}>" for word in words):
        for n in range(2, 6):
            found.update(word[i : i + n] for i in range(len(word) - n + 1))
    return found


class NGrams:
    """Multinomial logistic regression on weighted n-gram counts.

    Args:
        counted: (texts,) the :func:`features` that it learns from.
        labels: (texts,) the texts' classes.
        n_classes: How many there are.
        penalty: Of the squared weights, per text.
    """

    def __init__(
        self, counted: Sequence[Counter[str]], labels: Sequence[int], n_classes: int, penalty: float
    ) -> None:
        spread = Counter(name for counts in counted for name in counts)
        kept = sorted(name for name, n in spread.items() if n > 1)
        self.columns = {name: i for i, name in enumerate(kept)}
        self.rarity = torch.log(len(counted) / torch.tensor([float(spread[name]) for name in kept]))
        bags, known = self._bags(counted), torch.tensor(labels)
        self.weights = torch.zeros(len(kept), n_classes, requires_grad=True)
        self.biases = torch.zeros(n_classes, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [self.weights, self.biases], max_iter=40, line_search_fn="strong_wolfe"
        )

        def loss() -> Tensor:
            optimizer.zero_grad()
            value = F.cross_entropy(self._logits(bags), known)
            value = value + penalty * self.weights.square().sum()
            value.backward()  # type: ignore[no-untyped-call]
            return value

        optimizer.step(loss)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def logits(self, counted: Sequence[Counter[str]]) -> Tensor:
        """(texts, classes) logits of some texts' features."""
        return self._logits(self._bags(counted))

    def _logits(self, bags: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        columns, starts, values = bags
        found = F.embedding_bag(
            columns, self.weights, starts, mode="sum", per_sample_weights=values
        )
        return found + self.biases

    def _bags(self, counted: Sequence[Counter[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """The n-grams of all texts in a row, where each text begins, and how much each counts.

        What counts is the damped number times the rarity; a text's values have length one.
        """
        columns, values, starts, start = [], [], [], 0
        for counts in counted:
            known = {self.columns[name]: n for name, n in counts.items() if name in self.columns}
            own = torch.tensor(list(known), dtype=torch.long)
            damped = 1 + torch.tensor(list(known.values()), dtype=torch.float32).log()
            columns.append(own)
            values.append(F.normalize(damped * self.rarity[own], dim=0))
            starts.append(start)
            start += len(own)
        return torch.cat(columns), torch.tensor(starts), torch.cat(values)
