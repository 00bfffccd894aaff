"""What is selected in a view, as tokens, as places in the text, and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..results import Explanation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Selection:
    """The selected tokens of an explanation.

    Attributes:
        explanation: What they are tokens of, with the λ of the view.
        indices: Which tokens.
    """

    explanation: Explanation
    indices: tuple[int, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The selected tokens."""
        return tuple(self.explanation.tokens[i] for i in self.indices)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where they stand in the text: start and end, one pair for each stretch that joins up."""
        spans: list[tuple[int, int]] = []
        for start, end in sorted(self.explanation.offsets[list(self.indices)].tolist()):
            if spans and start <= spans[-1][1] and end > start:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            elif end > start:
                spans.append((start, end))
        return tuple(spans)

    @property
    def text(self) -> str:
        """What is selected, as written; stretches are parted by an ellipsis."""
        return " … ".join(self.explanation.text[start:end] for start, end in self.spans)

    def to_frame(self) -> pd.DataFrame:
        """The rows of ``explanation.to_frame("token")`` that are selected."""
        return self.explanation.to_frame("token").iloc[list(self.indices)]

    def __repr__(self) -> str:
        return f"Selection({self.text!r}, tokens={self.indices})"

    def __len__(self) -> int:
        return len(self.indices)
