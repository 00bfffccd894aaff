"""What every view shares: its state, the wire, and asking the model about another class."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets as t

from ..explanation.explanation import Explanation
from ..explanation.formatting import printable
from ..explanation.summary import Story, legible_granularity, story_of_one
from . import wire
from .messages import answer
from .selection import Selection
from .state import Choice, State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..evaluation.check import Check


class View(State):
    """A live picture of an explanation. Its public traits can be read, set, observed and linked.

    Args:
        explanation: What to show.
        **state: Initial values of the traits below.

    Attributes:
        selected: Indices of the selected tokens; a word set among them stands for all of its.
        layer: The block that is looked at, 0 ... L - 1; None for all.
        lam: λ in [0, 1].
        channel: What the matrix shows: "net", "supporting" or "opposing".
        granularity: "token", "word", "sentence" or "passage".
        theme: "auto" follows the notebook; "light"; "dark".
        static: Whether a picture and a small table follow the live view, which hides them: they
            are seen where the notebook is read without a kernel.
        target: Index of the explained class.
        contrast: Index of the class it is set against, or None.
        span: First and last token in sight; None for the whole text.
        play: How many blocks have been passed while the layers are played, with fraction; None
            when nothing is played.
        alone: The matrix of one layer alone, instead of the rollout up to it.
        residual: Whether the matrix shows what each position brought along itself.
        cell: The pinned cell of the matrix: row and column, as tokens; or nothing.
        head: The attention head whose matrix is shown; None for all, fused.
        heads: Whether the heads of the layer are laid out beside the matrix.
        zoom: The part of the matrix that is shown: its first row, first column and side, in units
            of the granularity; or nothing for the whole.
        matrix: Whether the workbench's rollout matrix is unfolded.
        state: All of these but the theme as a string that can be shared.

    Raises:
        TypeError: If an option is unknown, or the first argument is not an explanation.
        traitlets.TraitError: If a value is out of its range.
    """

    draws: ClassVar[tuple[str, ...]] = ("text", "picture")
    """What kinds of input the view is made for."""

    _view = t.Unicode("workbench").tag(sync=True)
    _meta = t.Dict().tag(sync=True, echo_update=False)
    _r = t.Bytes(b"").tag(sync=True, echo_update=False)
    _G_columns = t.Bytes(b"").tag(sync=True, echo_update=False)
    _matrices = t.Bytes(b"").tag(sync=True, echo_update=False)

    target = t.Int(0).tag(sync=True)
    contrast = t.Int(None, allow_none=True).tag(sync=True)
    channel = Choice(["net", "supporting", "opposing"], "net").tag(sync=True)
    span = t.Tuple(t.Int(), t.Int(), default_value=None, allow_none=True).tag(sync=True)
    play = t.Float(None, allow_none=True).tag(sync=True)
    alone = t.Bool(False).tag(sync=True)
    residual = t.Bool(False).tag(sync=True)
    cell = t.List(t.Int()).tag(sync=True)
    head = t.Int(None, allow_none=True).tag(sync=True)
    heads = t.Bool(False).tag(sync=True)
    zoom = t.List(t.Int()).tag(sync=True)
    matrix = t.Bool(False).tag(sync=True)

    def __init__(self, explanation: Explanation, **state: Any) -> None:
        name = type(self).__name__
        if not isinstance(explanation, Explanation):
            raise TypeError(
                f"{name} must be given an Explanation, got {type(explanation).__name__}. "
                "Make one with Explainer.explain."
            )
        self.refuse_unknown(state)
        explanation = explanation.drawn
        kind = "text" if explanation.image is None else "picture"
        if kind not in self.draws:
            instead = "TokenView or Workbench" if kind == "text" else "PatchView"
            raise ValueError(
                f"{name} draws a {self.draws[0]}, and this explanation is of a {kind}: use "
                f"{instead}, or explanation.show()."
            )
        if explanation.fusion.channels != "split":
            raise ValueError(
                f"{name} draws two channels, so fusion.channels must be 'split', got "
                f"{explanation.fusion.channels!r}. Use explanation.figure() or to_frame() instead."
            )
        self._explanation = explanation
        asked = {"lam": explanation.fusion.lam, "target": explanation.target}
        # With the message that opens the widget: a view may be drawn before another is heard.
        sent = self._sent(explanation)
        super().__init__(**{**asked, "contrast": explanation.contrast, **state, **sent})
        self.on_msg(self._answer)
        self.observe(self._ask, ["target", "contrast"])
        if (self.target, self.contrast) != (explanation.target, explanation.contrast):
            self._ask()

    @property
    def explanation(self) -> Explanation:
        """What is on screen, with the λ that is set there."""
        return self._explanation.with_lam(self.lam)

    @property
    def selection(self) -> Selection:
        """What is selected: tokens, spans of the text, a table."""
        return Selection(self.explanation, tuple(sorted(self.selected)))

    def places_of(self, word: str) -> tuple[int, ...]:
        """Indices of the tokens of a word; see :meth:`Explanation.tokens_of`."""
        return self._explanation.tokens_of(word)

    def check(self, **options: Any) -> Check:
        """What is on screen put to the test; see :func:`calig_nb.evaluation.check.check`."""
        found: Check = self.explanation.check(**options)
        return found

    def figure(self, **state: Any) -> Figure:
        """What is on screen as a matplotlib figure, as vector graphics in the same colours.

        Args:
            **state: What shall differ from the traits, see :class:`calig_nb.figures.State`;
                ``width`` in inches, 100 px of the live view each; ``k``, rows of the ledger.
        """
        from ..figures import State as Shown

        names = {field.name for field in dataclasses.fields(Shown)} & set(self.options())
        shown = {name: getattr(self, name) for name in names}
        shown["theme"] = "light" if self.theme == "auto" else self.theme
        if not self._explanation.answer_sign(self.target, self.contrast):
            # The last answer stays on screen until the next one is there.
            shown |= {"target": self._explanation.target, "contrast": self._explanation.contrast}
        return self._explanation.figure(**{"view": self._view, **shown, **state})

    def describe(self) -> tuple[Story, Callable[[], Figure]]:
        """What is on screen in words, and what draws it."""
        shown = self.explanation
        asked: Any = self.granularity
        grain = legible_granularity([shown], asked)
        return story_of_one(shown, grain, self.layer), lambda: self.figure(granularity=grain)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._explanation!r})"

    @t.validate("layer")
    def _check_layer(self, proposal: Any) -> Any:
        layer, last = proposal["value"], len(self._explanation.layer_weights) - 1
        if layer is not None and not 0 <= layer <= last:
            raise t.TraitError(f"layer must be None or lie between 0 and {last}, got {layer}.")
        return layer

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        last = len(self._explanation.tokens) - 1
        if wrong := [i for i in proposal["value"] if not 0 <= i <= last]:
            raise t.TraitError(f"selected must hold tokens between 0 and {last}, got {wrong}.")
        return list(proposal["value"])

    @t.validate("span")
    def _check_span(self, proposal: Any) -> Any:
        span, last = proposal["value"], len(self._explanation.tokens) - 1
        if span is not None and not 0 <= span[0] <= span[1] <= last:
            raise t.TraitError(
                f"span must be None or (first, last) tokens between 0 and {last}, got {span}."
            )
        return span

    @t.validate("play")
    def _check_play(self, proposal: Any) -> Any:
        play, layers = proposal["value"], len(self._explanation.layer_weights)
        if play is not None and not 0 <= play <= layers:
            raise t.TraitError(f"play must be None or lie between 0 and {layers}, got {play}.")
        return play

    @t.validate("cell")
    def _check_cell(self, proposal: Any) -> list[int]:
        cell, last = list(proposal["value"]), len(self._explanation.tokens) - 1
        if cell and (len(cell) != 2 or any(not 0 <= i <= last for i in cell)):
            raise t.TraitError(
                f"cell must be [] or [row, column] with tokens between 0 and {last}, got {cell}."
            )
        return cell

    @t.validate("head")
    def _check_head(self, proposal: Any) -> Any:
        if proposal["value"] is not None and proposal["value"] < 0:
            raise t.TraitError(f"head must be None or at least 0, got {proposal['value']}.")
        return proposal["value"]

    @t.validate("zoom")
    def _check_zoom(self, proposal: Any) -> list[int]:
        zoom, last = list(proposal["value"]), len(self._explanation.tokens)
        if zoom and (len(zoom) != 3 or zoom[2] < 1 or any(not 0 <= i <= last for i in zoom)):
            raise t.TraitError(
                f"zoom must be [] or [row, column, side] with whole numbers between 0 and {last}, "
                f"the side at least 1, got {zoom}."
            )
        return zoom

    @t.validate("target", "contrast")
    def _check_class(self, proposal: Any) -> Any:
        index, labels = proposal["value"], self._explanation.labels
        if index is not None and not 0 <= index < len(labels):
            raise t.TraitError(
                f"{proposal['trait'].name} must lie between 0 and {len(labels) - 1} "
                f"({', '.join(map(printable, labels))}), got {index}."
            )
        return index

    @staticmethod
    def _sent(explanation: Explanation) -> dict[str, Any]:
        """The traits that carry an explanation."""
        _, _, content = wire.matrices(explanation)
        return {
            "_meta": wire.meta(explanation),
            "_r": wire.floats(explanation.layer_attributions),
            "_G_columns": wire.column_sums(explanation),
            "_matrices": content if len(content) <= wire.INLINE_LIMIT else b"",
        }

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        self._busy = content.get("kind") == "check"  # it runs the model, which may take a while
        if found := answer(self._explanation, content):
            self.send(*found)
        self._busy = False

    def _ask(self, _: Any = None) -> None:
        """Explain the class that was picked, and show what comes back or what went wrong."""
        current = (self._explanation.target, self._explanation.contrast)
        if self._explanation.source is None or (self.target, self.contrast) == current:
            return
        self._busy, self._error = True, ""
        try:
            self._explanation = self._explanation.ask(self.target, self.contrast)
            with self.hold_sync():
                for name, value in self._sent(self._explanation).items():
                    setattr(self, name, value)
        except Exception as error:
            self._error = str(error)
            with self.hold_trait_notifications():
                self.target, self.contrast = current
        finally:
            self._busy = False
