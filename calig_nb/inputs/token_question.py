"""What is asked of a model that answers at every token: where, and between which answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """Where a model is asked, and what its classes are there.

    Attributes:
        position: Number of the token that is read.
        labels: (C,) names of the classes, where they are this text's own; else empty.
        candidates: Token ids of these classes, the likeliest first; the last class, which has
            none, is all other tokens together.
        asked: Targets, and last the contrast, as the classes here are called; or none.
        stays: Whether the token that is read must stay when words are deleted.
        beside: Inputs that do not hold a value for each token.
    """

    position: int
    labels: tuple[str, ...] = ()
    candidates: tuple[int, ...] = ()
    asked: tuple[int | str | None, ...] = ()
    stays: bool = False
    beside: tuple[str, ...] = ()

    @property
    def predictable(self) -> int | None:
        """How many classes a prediction may name: all but the others together; None for all."""
        return len(self.candidates) or None

    @property
    def kept(self) -> dict[str, Any]:
        """What an explanation keeps of it, as plain values."""
        found: dict[str, Any] = {"position": self.position}
        return {**found, "candidates": list(self.candidates)} if self.candidates else found


def again(kept: dict[str, Any]) -> dict[str, Any]:
    """What to ask a reader, so that it puts the question that an explanation kept."""
    return {"position": kept.get("position"), "classes": tuple(kept.get("candidates", ()))}
