"""Arrays: their type, and those that a result keeps, of the right shape and read-only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def read_only(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """The array itself if nobody can write it, else a copy that nobody can.

    Raises:
        ValueError: If it has another shape; ``name`` is what the message calls it.
    """
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape} to fit the rest, got {array.shape}.")
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array
