"""What a model says of texts whose tokens are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._arrays import Array
from .._validation import one_of
from ..attribution.request import Output, Target, choose_target
from ..explanation.explanation import Explanation
from ..explanation.units import Unit, merge_units
from ..inputs.text import TextInputs
from ..models.block_model import Classes, ModelInputs
from ..pipeline.batch import group_by_length, labels_of, own_labels
from ..pipeline.engine import Engine

Marks = npt.NDArray[np.bool_]
Deletion = Literal["remove", "mask", "pad", "mean", "blur", "zero"]
"""Of words in a text the first three, of patches in a picture the others."""


@dataclass(eq=False)
class Scorer:
    """Scores texts with a model; every text that is asked about twice is computed once.

    Attributes:
        engine: Of the model.
    """

    engine: Engine
    _pads: bool | None = None

    def logits(self, inputs: Sequence[ModelInputs]) -> Tensor:
        """(inputs, classes) of any number of inputs, in passes of about one length.

        Raises:
            ValueError: If the model's logits are not finite.
        """
        model, reader = self.engine.model, self.engine.reader
        lengths = [reader.length_of(one) for one in inputs]
        found: dict[int, Tensor] = {}
        with model.preserve():
            for group in group_by_length(lengths, self._may_pad(inputs, lengths)):
                rows = model.to_device(reader.pad_batch([inputs[i] for i in group]))
                found |= dict(zip(group, model.predict(rows).cpu(), strict=True))
        logits = torch.stack([found[i] for i in range(len(inputs))])
        if not torch.isfinite(logits).all():
            raise ValueError(
                "model must return finite logits, also for texts with words deleted. Its weights "
                "or its precision are broken."
            )
        return logits

    def choose_targets(
        self, texts: Sequence[TextInputs], targets: Sequence[int | str | None]
    ) -> tuple[list[tuple[int, str]], Classes]:
        """The class of each text and its name, the one asked about, or the predicted one.

        Returns:
            These, and what the model's classes are.

        Raises:
            TypeError, ValueError: If a class is not one of the model's; the message names which.
        """
        sizes = [len(own_labels(text)) for text in texts]  # one size a pass
        logits: dict[int, Tensor] = {}
        for size in dict.fromkeys(sizes):
            alike = [i for i, own in enumerate(sizes) if own == size]
            rows = self.logits([texts[i].model_inputs for i in alike])
            logits |= dict(zip(alike, rows, strict=True))
        found = []
        for i, (text, target) in enumerate(zip(texts, targets, strict=True)):
            row = logits[i]
            labels = self.labels_of(row[None], text)
            if text.question is not None and text.question.targets:
                target = text.question.targets[0]
            try:
                index = choose_target(target, None, "logit", labels, row, self.classes(row)).index
            except (TypeError, ValueError) as error:
                raise type(error)(f"targets[{i}]: {error}") from None
            found.append((index, labels[index]))
        return found, self.classes(logits[0])

    def labels_of(self, logits: Tensor, text: TextInputs) -> tuple[str, ...]:
        """(C,) the names of the classes of this text's logits (rows, classes)."""
        return labels_of(self.engine.model, logits.shape[1], text)

    def classes(self, logits: Tensor) -> Classes:
        """What the last axis of these logits holds."""
        return self.engine.model.classes(logits.shape[-1])

    def log_odds(
        self,
        text: TextInputs,
        deleted: Marks,
        target: int,
        contrast: int | None = None,
        deletion: str | None = None,
    ) -> Array:
        """ℓ of a class when tokens are deleted: log p / (1 − p); against a contrast, their odds.

        Of a model that measures it is the value itself, or the difference of two.

        Args:
            text: The text.
            deleted: (rows, T) True where a token goes; special tokens stay.
            target: The class.
            contrast: The class it is set against, or None.
            deletion: See ``without`` of the reader; by default "remove" for texts, "mean" for
                pictures.

        Returns:
            (rows,)

        Raises:
            ValueError: If ``deletion`` is unknown or needs a token that the tokenizer has not.
        """
        reader = self.engine.reader
        deletion = reader.deletions[0] if deletion is None else deletion
        one_of("deletion", deletion, reader.deletions)
        masks = deleted & ~text.special
        # Not by np.unique(axis=0), which turns Ctrl-C into a TypeError.
        rows = dict(sorted({row.tobytes(): row for row in masks}.items()))
        place = {name: i for i, name in enumerate(rows)}
        kept = {} if deletion == "remove" else self.engine.model.positions(text.model_inputs)
        logits = self.logits(
            [reader.delete_units(text, row, deletion) | kept for row in rows.values()]
        )
        plain = contrast is not None or self.classes(logits) == "measured"
        output: Output = "logit" if plain else "log_odds"
        score = Target(target, contrast, output, self.classes(logits)).score(logits.double())
        return np.asarray(score.numpy()[[place[row.tobytes()] for row in masks]])

    def _may_pad(self, inputs: Sequence[ModelInputs], lengths: Sequence[int]) -> bool:
        """Whether padding leaves the model's answers alone; tried once, on the first two."""
        if self._pads is None and len(set(lengths)) > 1:
            model, reader = self.engine.model, self.engine.reader
            short, long = int(np.argmin(lengths)), int(np.argmax(lengths))
            both = model.to_device(reader.pad_batch([inputs[short], inputs[long]]))
            alone = model.predict(model.to_device(inputs[short]))
            self._pads = "attention_mask" in both and torch.allclose(
                model.predict(both)[:1], alone, rtol=1e-4, atol=1e-5
            )
        return bool(self._pads)


def ordinary_words(text: TextInputs | Explanation) -> tuple[Unit, ...]:
    """The ordinary words, in reading order; all pieces of a word go together.

    An explanation has those of its text, in tokens among which may be some that the model added.
    """
    found = merge_units("word", text.text, text.tokens, text.special, text.offsets, text.word_ids)
    return tuple(unit for unit in found if not unit.special)


def sum_by_unit(values: Array, units: Sequence[Unit]) -> Array:
    """(units,) sums of the values of their tokens."""
    return np.array([values[list(unit.tokens)].sum() for unit in units])


def spread_to_tokens(rows: Marks, units: Sequence[Unit], n_tokens: int) -> Marks:
    """(rows, units) as (rows, tokens)."""
    found = np.zeros((len(rows), n_tokens), dtype=bool)
    for column, unit in zip(rows.T, units, strict=True):
        found[:, list(unit.tokens)] = column[:, None]
    return found
