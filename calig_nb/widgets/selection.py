"""What is selected in a view, as Python takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..explanation.explanation import Explanation

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


@dataclass(frozen=True, eq=False, repr=False)
class PatchSelection(Selection):
    """The selected patches of a picture; special tokens stand nowhere on it."""

    @property
    def patches(self) -> tuple[tuple[int, int], ...]:
        """Row and column of each patch, counted from 0 at the top left."""
        numbers = np.cumsum(~self.explanation.special) - 1
        columns = (self.explanation.grid or (1, 1))[1]
        own = [i for i in self.indices if not self.explanation.special[i]]
        return tuple((int(numbers[i]) // columns, int(numbers[i]) % columns) for i in own)

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """(height, width) which pixels of ``explanation.image`` are selected."""
        image, grid = self.explanation.image, self.explanation.grid
        assert image is not None and grid is not None
        chosen = np.zeros(grid, dtype=np.bool_)
        chosen[tuple(zip(*self.patches, strict=True)) or ([], [])] = True
        rows, columns = (
            np.arange(size) * count // size
            for size, count in zip(image.shape[:2], grid, strict=True)
        )
        return np.asarray(chosen[np.ix_(rows, columns)])
