"""What is selected in a view, as Python takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..results import Explanation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Selection:
    """The selected tokens of an explanation; empty where nothing is selected.

    Attributes:
        explanation: What they are part of.
        indices: Their numbers, in reading order.
    """

    explanation: Explanation
    indices: tuple[int, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens themselves."""
        return tuple(self.explanation.tokens[i] for i in self.indices)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where they stand in the text, neighbours of one word joined; special tokens nowhere."""
        found: list[tuple[int, int]] = []
        for i in self.indices:
            start, end = (int(v) for v in self.explanation.offsets[i])
            if self.explanation.special[i] or start == end:
                continue
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, end))
        return tuple(found)

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands in the text at the spans."""
        return tuple(self.explanation.text[start:end] for start, end in self.spans)

    def to_frame(self) -> pd.DataFrame:
        """Their rows of :meth:`Explanation.to_frame`, by token."""
        return self.explanation.to_frame().iloc[list(self.indices)]

    @property
    def attributions(self) -> float:
        """Their evidence together, supporting less opposing. A share."""
        return float(np.sum(self.explanation.attributions[list(self.indices)]))

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"Selection({', '.join(map(repr, self.texts or self.tokens))})"
