"""What a reader looks at, as traits, and as a short string that brings another reader there."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets as t

from .._upward import import_upward
from ..explanation.fusion import Fusion
from ..explanation.summary import Story
from .static_output import render_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATIC = Path(__file__).parent / "static"
"""Where the bundles of the front end lie."""

_ROOM = __name__.rpartition(".")[0]
_OWN = frozenset({"theme", "static"})
"""Traits that belong to the reader and not to the exploration."""


class Choice(t.Enum):  # type: ignore[type-arg]
    """One of several names."""

    def validate(self, obj: Any, value: Any) -> Any:
        """The name, if it is one of them; nothing but a text can be."""
        if not isinstance(value, str):
            self.error(obj, value)
        return super().validate(obj, value)


class Places(t.List):  # type: ignore[type-arg]
    """Numbers of what a view shows; a word in their place stands for all of its."""

    def validate(self, obj: Any, value: Any) -> Any:
        """The numbers alone.

        Raises:
            traitlets.TraitError: If they are none, or the text has no such word.
        """
        if isinstance(value, (list, tuple)):
            try:
                found = [obj.places_of(one) if isinstance(one, str) else [one] for one in value]
            except ValueError as error:
                raise t.TraitError(f"{self.name}: {error}") from error
            value = [number for numbers in found for number in numbers]
        return super().validate(obj, value)


class State(anywidget.AnyWidget):  # type: ignore[misc]
    """The state that all views share. Every trait can be read, set, observed and linked."""

    _esm = STATIC / "calig.js"
    _css: Any = STATIC / "calig.css"
    bundle: ClassVar[str] = "calig"
    """Which of the bundles of the front end holds the view."""

    _busy = t.Bool(False).tag(sync=True)
    _error = t.Unicode("").tag(sync=True)

    selected = Places(t.Int()).tag(sync=True)
    layer = t.Int(None, allow_none=True).tag(sync=True)
    lam: Any = t.Float(0.5).tag(sync=True)
    granularity = Choice(["token", "word", "sentence", "passage"], "word").tag(sync=True)
    theme = Choice(["auto", "light", "dark"], "auto").tag(sync=True)
    static = t.Bool(True)
    """Whether a picture is stored beside the live view, for readers who have no kernel."""

    @property
    def state(self) -> str:
        """The exploration as a short string, such as ``"lam=0.3;selected=4,9;target=1"``.

        It names whatever is not as it is at rest; setting it restores that, and puts at rest
        what it does not name. The theme is the reader's own and no part of it.

        Raises:
            ValueError: If the string cannot be read, or does not fit what is shown.
        """
        told = {n: getattr(self, n) for n in self._exploration() if self._is_changed(n)}
        return ";".join(f"{n}={_write_value(value)}" for n, value in told.items())

    @state.setter
    def state(self, text: str) -> None:
        wanted = {
            n: _resting_value(trait) for n, trait in self._exploration().items()
        } | self._read_state(text)
        before = {n: getattr(self, n) for n in wanted}
        try:
            with self.hold_sync(), self.hold_trait_notifications():
                for name, value in wanted.items():
                    setattr(self, name, value)
        except t.TraitError as error:
            for name, value in before.items():
                setattr(self, name, value)
            raise ValueError(f"The state {text!r} does not fit this view: {error}") from error

    def _exploration(self) -> dict[str, Any]:
        """The traits of the exploration by name, in alphabetical order."""
        return {n: self.traits()[n] for n in sorted(self.options()) if n not in _OWN}

    @classmethod
    def options(cls) -> list[str]:
        """The names of the traits that can be given at the start."""
        own = cls.class_traits(sync=True).keys() - anywidget.AnyWidget.class_traits().keys()
        return sorted({"static", *(name for name in own if not name.startswith("_"))})

    def refuse_unknown(self, state: dict[str, Any]) -> None:
        """Refuse what is no trait of this view.

        Raises:
            TypeError: If an option is unknown.
        """
        options = self.options()
        if unknown := sorted(state.keys() - set(options)):
            raise TypeError(
                f"{type(self).__name__} has no option {unknown}; options are {options}."
            )

    def to_html(self, path: str | Path, max_bytes: int = 6_000_000) -> Path:
        """Write what is on screen as one HTML file that stays live; see :mod:`calig_nb.export`."""
        written: Path = import_upward("export", "write")(self, path, max_bytes)
        return written

    def places_of(self, word: str) -> Sequence[int]:
        """The numbers of a word, wherever it stands, for :attr:`selected`.

        Raises:
            ValueError: If there is no such word.
        """
        raise NotImplementedError

    def __dir__(self) -> list[str]:
        """What is for users, without what every widget has."""
        ours = [kind for kind in type(self).__mro__ if kind.__module__.startswith(_ROOM)]
        names = {name for kind in ours for name in vars(kind) if not name.startswith("_")}
        return sorted({*self.options(), *names, "close", "layout", "observe", "unobserve"})

    def describe(self) -> tuple[Story, Callable[[], Figure]]:
        """What is on screen in words, and what draws it."""
        raise NotImplementedError

    def _ipython_display_(self, **options: Any) -> None:
        """The live view, and after it what is seen where it cannot live."""
        from IPython.display import publish_display_data

        publish: Any = publish_display_data
        if bundle := self._repr_mimebundle_(**options):
            publish(*bundle)
        if self.static:
            publish(render_output(*self.describe()))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(self)}, metadata

    @t.validate("lam")
    def _check_lam(self, proposal: Any) -> Any:
        if proposal["value"] is None:  # where a view lets each keep its own
            return None
        try:
            return Fusion(lam=proposal["value"]).lam
        except ValueError as error:
            raise t.TraitError(str(error)) from error

    def _is_changed(self, name: str) -> bool:
        return name == "target" or getattr(self, name) != _resting_value(self.traits()[name])

    def _read_state(self, text: str) -> dict[str, Any]:
        if not isinstance(text, str):
            raise ValueError(f"state must be a string, got {text!r}.")
        explored = self._exploration()
        found: dict[str, Any] = {}
        for part in filter(None, (p.strip() for p in text.split(";"))):
            name, equals, value = (p.strip() for p in part.partition("="))
            if not equals or name not in explored or name in found:
                raise ValueError(
                    f"The state {text!r} cannot be read at {part!r}: it must hold name=value, "
                    f"each name once, parted by semicolons; names are {[*explored]}."
                )
            try:
                found[name] = _parse_value(explored[name], value)
            except (KeyError, ValueError):
                raise ValueError(
                    f"The state {text!r} cannot be read at {part!r}: {name} must be "
                    f"{explored[name].info()}."
                ) from None
        if "target" in explored and "target" not in found:
            raise ValueError(
                f"The state {text!r} names no target. Take the string from view.state, or from "
                "the button that copies it."
            )
        return found


def _resting_value(trait: Any) -> Any:
    """What a trait is when nothing has been done."""
    return [] if isinstance(trait, t.List) else trait.default_value


def _write_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(_write_value, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _parse_value(trait: Any, text: str) -> Any:
    if isinstance(trait, t.Enum):
        if text not in (trait.values or ()):
            raise ValueError(text)
        return text
    if isinstance(trait, t.Bool):
        return {"true": True, "false": False}[text]
    if isinstance(trait, (t.List, t.Tuple)):
        numbers = [int(part) for part in text.split(",")] if text else []
        if isinstance(trait, t.Tuple) and len(numbers) != 2:
            raise ValueError(text)
        return numbers if isinstance(trait, t.List) else tuple(numbers)
    number = float(text) if isinstance(trait, t.Float) else int(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
