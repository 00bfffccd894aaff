"""What a figure shows of an explanation: the traits of the live views, as options."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from .._validation import list_of, one_of, real_between, shown, whole_number
from ..explanation.display import Theme
from ..explanation.fusion import Channel, Fusion
from ..explanation.units import Granularity
from .canvas.palette import THEMES

if TYPE_CHECKING:
    from ..explanation.explanation import Explanation


@dataclass(frozen=True, kw_only=True)
class State:
    """The options of every figure. What a live view does not show has no effect on its twin.

    Attributes:
        lam: λ, where it shall differ from the explanation's.
        layer: The block that is looked at, 0 ... L - 1; None for all.
        selected: Selected tokens.
        granularity: "token", "word", "sentence" or "passage".
        target: Index of the explained class; None for the explanation's own question.
        contrast: Index of the class it is set against, or None.
        span: First and last token in sight; None for the whole text.
        play: How many blocks have been passed while the layers are played; None: not playing.
        channel: Of the matrix: "net", "supporting" or "opposing".
        alone: The matrix of one layer alone, instead of the rollout up to it.
        residual: The matrix with what each position brought along; it cancels in "net".
        cell: Row and column of the matrix' pinned cell, as tokens; None or nothing for none.
        head: A single attention head of the layer, in units of the score.
        matrix: Whether the workbench's rollout matrix is unfolded.
        opacity: Of the map on a picture, 0 ... 1.
        theme: "light" or "dark".
        width: In inches; an inch holds 100 px of the live view.
        k: Rows of the ledger; by default as many as on screen.
    """

    lam: float | None = None
    layer: int | None = None
    selected: Sequence[int] = ()
    granularity: Granularity = "word"
    target: int | None = None
    contrast: int | None = None
    span: tuple[int, int] | None = None
    play: float | None = None
    channel: Channel = "net"
    alone: bool = False
    residual: bool = False
    cell: Sequence[int] | None = None
    head: int | None = None
    matrix: bool = False
    opacity: float = 0.7
    theme: Theme = "light"
    width: float = 7.0
    k: int | None = None

    @classmethod
    def of(cls, explanation: Explanation, options: dict[str, Any]) -> State:
        """The options, checked against the explanation.

        Raises:
            TypeError: If an option is unknown.
            ValueError: If one is out of its range.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := sorted(options.keys() - set(known)):
            raise TypeError(f"A figure has no option {unknown}; options are {known}.")
        state = cls(**options)
        state._check(explanation)
        return state

    def _check(self, explanation: Explanation) -> None:
        check_page(self.theme, self.width)
        one_of("channel", self.channel, get_args(Channel))
        one_of("granularity", self.granularity, get_args(Granularity))
        last, layers = len(explanation.tokens) - 1, len(explanation.layer_weights)
        classes = len(explanation.labels) - 1
        for name, most in (("layer", layers - 1), ("target", classes), ("contrast", classes)):
            if (value := getattr(self, name)) is not None:
                whole_number(name, value, 0, most, also="be None or ")
        for name, least in (("head", 0), ("k", 1)):
            if (value := getattr(self, name)) is not None:
                whole_number(name, value, least)
        for name in ("selected", "cell", "span"):
            if (asked := getattr(self, name)) is not None or name == "selected":
                object.__setattr__(self, name, checked_tokens(name, asked, last))
        if self.cell is not None and len(self.cell) not in (0, 2):
            raise ValueError(f"cell must hold a row and a column, got {shown(self.cell)}.")
        if self.span is not None and (len(self.span) != 2 or self.span[0] > self.span[1]):
            raise ValueError(f"span must be None or (first, last), got {shown(self.span)}.")
        if self.play is not None:
            rule = f"be None or lie between 0 and {layers}"
            real_between("play", self.play, 0, layers, rule=rule)
        if self.lam is not None:
            Fusion(lam=self.lam)
        real_between("opacity", self.opacity, 0, 1)


def check_page(theme: str, width: float) -> None:
    """Refuse a page that cannot be drawn.

    Raises:
        ValueError: If there is no such theme, or the width is out of its range.
    """
    one_of("theme", theme, tuple(THEMES))
    real_between("width", width, 2, 50, rule="lie between 2 and 50 inches")


def checked_tokens(name: str, numbers: Any, last: int) -> tuple[int, ...]:
    """Numbers of tokens, 0 to ``last``.

    Raises:
        TypeError, ValueError: If they are none.
    """
    entries = list_of(name, numbers, "tokens' numbers")
    if wrong := [i for i in entries if not (_is_whole(i) and 0 <= i <= last)]:
        raise ValueError(f"{name} must hold tokens between 0 and {last}, got {shown(wrong)}.")
    return tuple(map(int, entries))


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)
