"""What a model says, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..inputs.reader import Reader
from ..models.block_model import BlockModel
from .batch import labels_of
from .long_text import cut_windows, mean_logits

if TYPE_CHECKING:
    import pandas as pd


def predictions(
    model: BlockModel, reader: Reader, inputs: Iterable[Any], position: int | None
) -> pd.DataFrame:
    """One row an input: its label, and the probability of every class."""
    from ..explanation.table import Table

    rows = []
    for i, one in enumerate(inputs):
        read = reader.read(one, position=position, longer=True)
        logits = mean_logits(model, cut_windows(read, reader.max_tokens))
        labels = labels_of(model, len(logits), read)
        named = zip(labels, model.probabilities(logits), strict=True)
        first = read.question is not None and read.question.candidates
        label = labels[0 if first else int(logits.argmax())]
        said = one if isinstance(one, Mapping) else {reader.noun: reader.label_of(one, i)}
        rows.append({**said, "label": label, **dict(named)})
    return Table(rows)
