"""What a model says, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .._validation import distinct_names
from ..inputs.reader import Reader
from ..models.block_model import BlockModel
from .batch import labels_of
from .long_text import cut_windows, mean_logits

if TYPE_CHECKING:
    import pandas as pd


def predictions(
    model: BlockModel, reader: Reader, inputs: Iterable[Any], position: int | None
) -> pd.DataFrame:
    """One row an input: its label, and the probability of every class; or its values.

    A class called as another column gets its number behind its name.
    """
    from ..explanation.table import Table

    rows = []
    for i, one in enumerate(inputs):
        read = reader.read(one, position=position, longer=True)
        reader.warn_of_unknown_words(read, f"inputs[{i}]")
        logits = mean_logits(model, cut_windows(read, reader.max_tokens))
        labels = labels_of(model, len(logits), read)
        said = one if isinstance(one, Mapping) else {reader.noun: reader.label_of(one, i)}
        row = dict(said)
        if model.classes(len(logits)) != "measured":
            first = read.question is not None and read.question.candidates
            row["label"] = labels[0 if first else int(logits.argmax())]
        columns = distinct_names(labels, row)
        rows.append(row | dict(zip(columns, model.probabilities(logits), strict=True)))
    return Table(rows)
