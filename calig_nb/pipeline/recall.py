"""Whether what was kept is still the model's: it must say the same of the input as it did then.

No digest sees all that a model depends on: an adapter that was switched, weights written past
torch's counters, a helper that ``forward`` calls. So what is kept is kept with the logits of one
plain pass of the input and its baseline, and is believed where a pass gives them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..attribution.request import Request
from ..inputs.reader import Reader
from ..inputs.text import TextInputs
from ..models.block_model import BlockModel
from . import cache as disk
from .batch import collate, own_labels
from .long_text import cut_windows, request_for

Rows = Mapping[str, Tensor]
"""What a model is called with: a row for an input, and one for its baseline."""


class Recall:
    """One question to a model as it is now: its name in the cache, and what the model says.

    Args:
        model: The model.
        reader: Its tokenizer or image processor.
        digest: The model's name.
        text: The input.
        request: What is asked.
        asked: What else names the answer, as plain values and arrays.

    Raises:
        TypeError, ValueError: If the baseline does not fit the input.
    """

    def __init__(
        self,
        model: BlockModel,
        reader: Reader,
        digest: str,
        text: TextInputs,
        request: Request,
        asked: Mapping[str, Any],
    ) -> None:
        self._question = model, reader, text, request
        plain, given = request.key_parts()
        rows = {
            f"{name} {window}": value.cpu().numpy()
            for window, own in enumerate(rows_of(*self._question))
            for name, value in own.items()
        }
        labels = own_labels(text) or sorted(model.labels.items())
        # All that the answer repeats of the input is part of its name: tokenizers change too.
        said = {**text.config, **text.explanation_fields(), **asked}
        arrays = {name: value for name, value in said.items() if isinstance(value, np.ndarray)}
        values = {name: value for name, value in said.items() if name not in arrays}
        self.key = disk.key_of(
            digest, {**arrays, **given, **rows}, {**values, **plain, "labels": labels}
        )

    @cached_property
    def said(self) -> npt.NDArray[Any]:
        """(rows, C) the logits of a plain pass; empty where none comes through."""
        try:
            return said_of(self._question[0], rows_of(*self._question))
        except Exception:  # the answer is computed, or was; it is not remembered
            return np.empty((0, 0))

    def says(self) -> npt.NDArray[Any]:
        """The same, as the cache asks for it; the pass is made once."""
        return self.said


def rows_of(model: BlockModel, reader: Reader, text: TextInputs, request: Request) -> list[Rows]:
    """For each window of a text (itself, where it fits) its row and that of its baseline.

    A baseline of hidden states has no row.

    Raises:
        TypeError, ValueError: If the baseline does not fit.
    """
    found: list[Rows] = []
    for window in cut_windows(text, reader.max_tokens):
        own = request_for(request, window, len(text.tokens))
        batch = collate(model, reader, [window.text], [[own]])
        sides = [batch.inputs] if batch.baselines is None else [batch.inputs, batch.baselines]
        found.append({name: torch.cat([side[name] for side in sides]) for name in batch.inputs})
    return found


def said_of(model: BlockModel, rows: Sequence[Rows]) -> npt.NDArray[Any]:
    """(rows, C) the logits of a plain pass of each, in the model's own precision."""
    with model.preserve():
        logits = torch.cat([model.predict(model.to_device(one)) for one in rows]).cpu()
    return np.asarray((logits.float() if logits.element_size() < 4 else logits).numpy())
