"""An exercise: mark the words that you think matter, then see the model's evidence."""

from __future__ import annotations

from html import escape
from typing import Any, Literal, get_args

import anywidget
import ipywidgets as ipw
import numpy as np
import traitlets as t

from .._validation import list_of, one_of
from ..evaluation.metrics import Marks, plausibility, strongest
from ..explanation.explanation import Explanation
from ..explanation.formatting import LABEL, is_right_to_left, legible
from .state import STATIC
from .views import TokenView

Side = Literal["both", "supporting", "opposing"]

MOST = 150
"""Words that can be marked; a longer text is no exercise."""
_ASKED = {
    "both": "Which words matter most for “{}”, be it for or against?",
    "supporting": "Which words speak most for “{}”?",
    "opposing": "Which words speak most against “{}”?",
}


class _Keys(anywidget.AnyWidget):  # type: ignore[misc]
    """Unseen; beside it no key that is pressed on a button is a command of the notebook."""

    _esm = STATIC / "keys.js"


class MarkWords(ipw.VBox):  # type: ignore[misc]
    """The words of a text as buttons; what is marked is scored against the model's evidence.

    The evidence stays hidden until the marks are compared with it. Each word is a button, so that
    Tab and the space bar do what the mouse does, and a line below says what is marked. Marking
    anew hides the evidence again.

    Args:
        explanation: What is asked about.
        side: "both" asks for the words with most evidence whatever its sign; "supporting" and
            "opposing" for those with most of that sign.
        marked: Words marked at the start.

    Attributes:
        marked: Numbers of the marked words, as in :attr:`words`; can be set and observed.
        score: Token F1 of the marks, in [0, 1]; None until they are compared. Where k words are
            marked, the k with most evidence on the side asked for are the model's (fewer, where
            fewer have any).

    Raises:
        TypeError: If the first argument is not an explanation.
        ValueError: If ``side`` is unknown or has no evidence, or the text has no word or too many.
        traitlets.TraitError: If a mark is no word of the text.

    Source:
        Token F1 as in DeYoung et al. (2020), ERASER, arXiv:1911.03429, section 5; the marks are
        the rationale.

    Example:
        >>> cn.MarkWords(explanation, marked=[3, 9]).compare() > 0
        True
    """

    marked: Any = t.List(t.Int())
    score: Any = t.Float(None, allow_none=True)

    def __init__(self, explanation: Explanation, side: Side = "both", *, marked: Any = ()) -> None:
        if not isinstance(explanation, Explanation):
            raise TypeError(
                f"MarkWords must be given an Explanation, got {type(explanation).__name__}. "
                "Make one with Explainer.explain."
            )
        one_of("side", side, get_args(Side))
        self._explanation = explanation
        self._units = [unit for unit in explanation.units("word") if not unit.special]
        if not 1 <= len(self._units) <= MOST:
            raise ValueError(
                f"The text must have 1 to {MOST} words to mark, got {len(self._units)}. Explain a "
                "sentence or two of it."
            )
        values = np.array([explanation.attributions[list(u.tokens)].sum() for u in self._units])
        self._evidence = {"both": abs(values), "supporting": values, "opposing": -values}[side]
        if not (self._evidence > 0).any():
            raise ValueError(f"side must be one that some word is on, got {side!r}: none is.")
        narrow = ipw.Layout(width="auto")
        self._toggles = [
            ipw.ToggleButton(description=legible(word, LABEL), layout=narrow) for word in self.words
        ]
        self._button = ipw.Button(layout=ipw.Layout(width="auto", align_self="flex-start"))
        self._said = ipw.HTML()
        asked = _ASKED[side].format(legible(explanation.target_name, LABEL))
        flow = f"{_direction(explanation.text)} wrap"
        row = ipw.Box(self._toggles, layout=ipw.Layout(flex_flow=flow, width="100%"))
        keys = _Keys(layout=ipw.Layout(display="none"))
        self._parts = [ipw.HTML(_text_html(asked)), row, self._button, self._said, keys]
        super().__init__(self._parts)
        self.add_class("calig-box")
        self.marked = list_of("marked", marked, "words' numbers")
        self._hide()
        self.observe(self._hide, "marked")
        for i, toggle in enumerate(self._toggles):
            toggle.observe(lambda change, i=i: self._mark(i, change["new"]), "value")
        self._button.on_click(self._press)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that can be marked, in reading order."""
        return tuple(unit.text for unit in self._units)

    def compare(self) -> float:
        """Score the marks and show the model's evidence, with the marked words selected.

        Returns:
            Token F1, also kept as :attr:`score`.

        Raises:
            ValueError: If nothing is marked.
        """
        if not self.marked:
            raise ValueError("marked must hold at least one word, got none.")
        own = np.isin(np.arange(len(self._units)), self.marked)
        k = min(len(self.marked), int((self._evidence > 0).sum()))
        self.score = plausibility(self._evidence, own, k / len(own))["token_f1"]
        self._show(own, strongest(self._evidence, k))
        return float(self.score)

    def __repr__(self) -> str:
        score = "not compared" if self.score is None else f"Token F1 {self.score:.2f}"
        return f"MarkWords({len(self._units)} words, {len(self.marked)} marked, {score})"

    @t.validate("marked")
    def _check_marked(self, proposal: Any) -> list[int]:
        last = len(self._units) - 1
        if wrong := [i for i in proposal["value"] if not 0 <= i <= last]:
            raise t.TraitError(f"marked must hold words between 0 and {last}, got {wrong}.")
        return sorted(set(proposal["value"]))

    def _mark(self, word: int, on: bool) -> None:
        others = [i for i in self.marked if i != word]
        self.marked = [*others, word] if on else others

    def _press(self, _: Any) -> None:
        if self.score is not None:
            self.marked = []
        elif self.marked:
            self.compare()
        else:
            self._said.value = _text_html("Mark at least one word first.")

    def _hide(self, _: Any = None) -> None:
        """The marks as they are, and no evidence."""
        self.score = None  # if any, it was of other marks
        for i, toggle in enumerate(self._toggles):
            toggle.value, toggle.disabled = i in self.marked, False
        self._button.description = "Compare"
        self._said.value = _text_html(f"Marked: {self._quote_words(self.marked)}.")
        self.children = self._parts

    def _show(self, own: Marks, models: Marks) -> None:
        """The score in words, and the evidence."""
        for toggle in self._toggles:
            toggle.disabled = True
        self._button.description = "Again"
        k, m = int(own.sum()), int(models.sum())
        chance = 2 * k * m / len(own) / (k + m)
        found = (own & models, own & ~models, ~own & models)
        both, yours, others = (self._quote_words(np.flatnonzero(marks)) for marks in found)
        self._said.value = _text_html(
            f"Token F1 {self.score:.2f}; by chance {chance:.2f}. You and the model: {both}. Only "
            f"you: {yours}. Only the model: {others}."
        )
        selected = [token for i in self.marked for token in self._units[i].tokens]
        self.children = [*self._parts, TokenView(self._explanation, selected=selected)]

    def _quote_words(self, numbers: Any) -> str:
        return ", ".join(f"“{legible(self.words[i], LABEL)}”" for i in numbers) or "none"


def _text_html(text: str) -> str:
    """The text as HTML that shows just that: no markup, no formula."""
    return f'<span class="tex2jax_ignore mathjax_ignore" dir="auto">{escape(text)}</span>'


def _direction(text: str) -> str:
    return "row-reverse" if is_right_to_left(text) else "row"
