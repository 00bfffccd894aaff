"""Explanations side by side on one scale, and how they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import traitlets as t

from .._validation import list_of, valid_text
from ..explanation.comparison import align, comparable, difference, name_of, names_of
from ..explanation.explanation import Explanation
from ..explanation.formatting import printable
from ..explanation.summary import Story, legible_granularity, story_of_several
from ..explanation.units import Granularity
from . import wire
from .state import State

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Comparison(State):
    """Two to six explanations on one locked scale, with their difference row by row.

    Two methods, two classes, two models or two values of λ for one text; or two texts for one
    class: their words are aligned, so that an edit shows which word turned the decision. Of
    pictures it is a :class:`PatchComparison`.

    Args:
        explanations: What to compare; differences are taken to the first.
        names: What to call them; by default after what tells them apart.
        **state: Initial values of the traits below.

    Attributes:
        selected: Selected rows of ``to_frame("token")``, in all explanations at once; a word set
            among them stands for all of its rows.
        layer: The block that is looked at, of all; None for all blocks.
        lam: λ in [0, 1] for all; None leaves each its own.
        granularity: "token", "word", "sentence" or "passage".
        theme: "auto", "light" or "dark".
        static: As in every view.

    Raises:
        TypeError: If these are not explanations, or an option is unknown.
        ValueError: If they cannot be compared; the message says why, and what to do.
        traitlets.TraitError: If a value is out of its range.

    Example:
        >>> other = explainer.explain('The plot is fat, but the acting is superb.')
        >>> comparison = cn.Comparison([explanation, other])
        >>> comparison.selected = ['fat']
        >>> comparison.selection['token'].tolist()
        ['thin → fat']
    """

    draws: ClassVar[str] = "text"
    """What kind of input the view is made for."""
    _by_kind: ClassVar[dict[str, type[Comparison]]] = {}

    _view = t.Unicode("comparison").tag(sync=True)
    _items: Any = t.List().tag(sync=True, echo_update=False)
    _rows = t.Dict().tag(sync=True, echo_update=False)

    lam: Any = t.Float(None, allow_none=True).tag(sync=True)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._by_kind[cls.draws] = cls

    def __new__(cls, explanations: Any = (), *args: Any, **state: Any) -> Comparison:
        """The comparison that draws such explanations: pictures have one of their own."""
        many = isinstance(explanations, Sequence)
        pictured = many and any(getattr(e, "image", None) is not None for e in explanations)
        kind = cls._by_kind.get("picture", cls) if pictured and cls is Comparison else cls
        return cast("Comparison", super().__new__(kind, explanations, *args, **state))

    def __init__(
        self,
        explanations: Sequence[Explanation],
        names: Sequence[str] | None = None,
        **state: Any,
    ) -> None:
        self._explanations = comparable(explanations)
        self.refuse_unknown(state)
        self._names = (
            names_of(self._explanations)
            if names is None
            else tuple(valid_text(str(name)) for name in list_of("names", names, "names"))
        )
        if len(self._names) != len(self._explanations):
            raise ValueError(
                f"names must hold {len(self._explanations)} names, got {len(self._names)}."
            )
        self._rows_of: dict[str, Any] = {
            name: align(self._explanations, name) for name in self.traits()["granularity"].values
        }
        metas = [wire.meta(e) for e in self._explanations]
        if len({meta["recipe"] for meta in metas}) > 1:
            for meta in metas:  # one legend stands for all
                meta["recipe"] = ""
        contents = [wire.matrices(e)[2] for e in self._explanations]
        inline = sum(map(len, contents)) <= wire.INLINE_LIMIT
        items = [
            {
                "_name": name,
                "_meta": meta,
                "_r": wire.floats(e.layer_attributions),
                "_G_columns": wire.column_sums(e),
                "_matrices": content if inline else b"",
                **self._more(e),
            }
            for name, e, meta, content in zip(
                self._names, self._explanations, metas, contents, strict=True
            )
        ]
        super().__init__(**state, _rows=self._rows_of, _items=items)
        self.on_msg(self._answer)

    def _more(self, explanation: Explanation) -> dict[str, Any]:
        """What else is sent of one."""
        return {}

    @property
    def originals(self) -> tuple[Explanation, ...]:
        """What is compared, each with its own λ."""
        return self._explanations

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """What is on screen, with the λ that is set there."""
        lam = self.lam
        return tuple(e if lam is None else e.with_lam(lam) for e in self._explanations)

    @property
    def names(self) -> tuple[str, ...]:
        """What the explanations are called."""
        return self._names

    def places_of(self, word: str) -> list[int]:
        """The rows of ``to_frame("token")`` that hold a word of any of the texts.

        Raises:
            ValueError: If none of them has it.
        """
        found, errors = [], []
        for e in self._explanations:
            try:
                found.append({*e.tokens_of(word)})
            except ValueError as error:
                found.append(set())
                errors.append(error)
        if len(errors) == len(found):
            raise errors[0]
        rows = enumerate(self._rows_of["token"])
        return [n for n, row in rows if any(a & {*b} for a, b in zip(found, row, strict=True))]

    def to_frame(self, granularity: Granularity | None = None) -> pd.DataFrame:
        """The aligned evidence, a row for each unit, in reading order, as it is on screen.

        Args:
            granularity: "token", "word", "sentence" or "passage"; by default the trait.

        Returns:
            A name, one column for each explanation (NaN where it has no such unit), and the
            difference, second less first; of more than two the spread, largest less smallest.
        """
        from ..explanation.table import Table

        grain: Any = granularity or self.granularity
        found = difference(self._explanations, grain, self.layer, self.lam)
        frame = Table(found.values, columns=list(self._names))
        frame.insert(0, grain, [name_of(texts) for texts in found.texts])
        frame.insert(1, "special", found.special)
        frame["difference" if len(self._names) == 2 else "spread"] = found.difference
        return frame

    @property
    def selection(self) -> pd.DataFrame:
        """The selected rows of ``to_frame("token")``."""
        return self.to_frame("token").iloc[list(self.selected)]

    def figure(self, **state: Any) -> Figure:
        """The picture on screen as a matplotlib figure; ``state`` replaces single traits.

        Args:
            **state: ``lam``, ``layer``, ``selected``, ``granularity`` or ``theme`` as above;
                ``width`` in inches; ``k``, the most rows of the difference. The channel is one
                of matrices, of which this view has none.
        """
        from ..figures import comparison_figure

        theme = "dark" if self.theme == "dark" else "light"
        names = ("lam", "layer", "selected", "granularity")
        shown: dict[str, Any] = {name: getattr(self, name) for name in names}
        return comparison_figure(
            self._explanations, self._names, **{**shown, "theme": theme, **state}
        )

    def describe(self) -> tuple[Story, Callable[[], Figure]]:
        """What is on screen in words, and what draws it."""
        asked: Any = self.granularity
        grain = legible_granularity(self._explanations, asked)
        story = story_of_several(self._explanations, self._names, grain, self.layer, self.lam)
        return story, lambda: self.figure(granularity=grain)

    def __repr__(self) -> str:
        return f"Comparison({', '.join(map(printable, self._names))})"

    @t.validate("layer")
    def _check_layer(self, proposal: Any) -> Any:
        layer = proposal["value"]
        last = min(len(e.layer_weights) for e in self._explanations) - 1
        if layer is not None and not 0 <= layer <= last:
            raise t.TraitError(
                f"layer must be None or lie between 0 and {last}, which all of them have, "
                f"got {layer}."
            )
        return layer

    @t.validate("selected")
    def _check_selected(self, proposal: Any) -> list[int]:
        last = len(self._rows_of["token"]) - 1
        if wrong := [i for i in proposal["value"] if not 0 <= i <= last]:
            raise t.TraitError(
                f"selected must hold rows of to_frame('token') between 0 and {last}, got {wrong}."
            )
        return list(proposal["value"])

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("kind") == "matrices":
            item = content.get("item")
            if isinstance(item, int) and 0 <= item < len(self._explanations):
                buffer = wire.matrices(self._explanations[item])[2]
                self.send({"kind": "matrices", "item": item}, [buffer])
