"""What a model chooses on its way, such as a token's experts, and how the choice is held.

A choice makes the score jump where it changes, so that no integral along a path is complete. It is
told by torch's functions as they are called within a block: no class is named here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .blocks import Run

_WITH_VALUES = ("topk", "max", "min", "sort")
"""They return values and where these were: a choice only where the latter is used."""
_WITHOUT = ("argmax", "argmin", "argsort")
_SPELT = {
    "__gt__": "gt", "greater": "gt", "__lt__": "lt", "less": "lt",
    "__ge__": "ge", "greater_equal": "ge", "__le__": "le", "less_equal": "le",
    "__eq__": "eq", "__ne__": "ne", "not_equal": "ne",
}  # fmt: skip
_COMPARISONS = {*_SPELT, *_SPELT.values()}


class Routing:
    """What each block of a model chooses for the items that were traced last.

    Blocks are watched once, and again where there are more tokens than ever before: some choose
    only in long texts. A model that chooses nothing is run as it is from then on.
    """

    def __init__(self) -> None:
        self._calls: dict[int, set[_Call]] = {}
        self._chosen: dict[int, _Chosen] = {}
        self._seen = self._tokens = 0
        self._holding = False

    @property
    def is_met(self) -> bool:
        """Whether any block chooses."""
        return bool(self._calls)

    def begin(self, n_tokens: int, hold: bool) -> None:
        """Before a forward pass over new items.

        Args:
            n_tokens: How many enter the first block.
            hold: Whether their choices are to hold for what goes with them, from now on.
        """
        self._tokens, self._chosen = n_tokens, {}
        self._holding = hold and self.is_met and not self._watches

    def must_repeat(self, hold: bool) -> bool:
        """After that pass: whether it only watched, and must be made again to hold choices."""
        watched, self._seen = self._watches, max(self._seen, self._tokens)
        return watched and hold and self.is_met

    def traced(self, layer: int, run: Run, n_items: int, n_rows: int) -> Run:
        """A block's computation in a pass whose first rows are the items, all others theirs."""
        if self._watches:
            calls = self._calls

            def watched(*args: Any, **kwargs: Any) -> Any:
                with _Watching(n_rows, self._tokens) as seen:
                    output = run(*args, **kwargs)
                if seen.calls:
                    calls.setdefault(layer, set()).update(seen.calls)
                return output

            return watched
        return self._held(layer, run, torch.arange(n_rows) % n_items, n_items)

    def replayed(self, layer: int, run: Run, items: Tensor) -> Run:
        """A block's computation for rows that go with these items of the pass before."""
        return self._held(layer, run, items, 0)

    @property
    def _watches(self) -> bool:
        return self._tokens > self._seen

    def _held(self, layer: int, run: Run, items: Tensor, n_new: int) -> Run:
        calls = self._calls.get(layer)
        if not self._holding or not calls:
            return run
        chosen = self._chosen.setdefault(layer, {})

        # Entered here and not about the model: blocks may be computed again, on another thread.
        def held(*args: Any, **kwargs: Any) -> Any:
            with _Holding(calls, chosen, items, n_new, self._tokens):
                return run(*args, **kwargs)

        return held


class _Call(NamedTuple):
    """Which call of a block it is: that of this number with such scores."""

    name: str
    axis: int
    n_axes: int
    number: int


class _Choice(NamedTuple):
    """A call that may choose.

    Attributes:
        call: Which it is.
        scores: What it chooses by.
        chosen: Where it found what it chose, integers or truths.
    """

    call: _Call
    scores: Tensor
    chosen: Tensor


class _Listening(TorchFunctionMode):
    """Tells of a block's calls that may choose row by row.

    Args:
        n_rows: Rows of the pass.
        n_tokens: Tokens of each.
    """

    def __init__(self, n_rows: int, n_tokens: int) -> None:
        super().__init__()
        self.n_rows, self.n_tokens = n_rows, n_tokens
        self._count: Counter[tuple[str, int, int]] = Counter()

    def choice(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Any
    ) -> _Choice | None:
        """The choice that this call may be; None where it is none."""
        if name not in _NAMES:
            return None
        scores, axis = args[0] if args else kwargs.get("input"), -1
        if name in _COMPARISONS:
            index = output
            sides = [a for a in (scores, *args[1:], *kwargs.values()) if torch.is_tensor(a)]
            scores = next((a for a in sides if a.shape == output.shape), None)
        else:
            found = _axis_of(name, args, kwargs)
            several = isinstance(output, tuple)
            if found is None or several != (name in _WITH_VALUES):
                return None  # the largest of all, or of two
            axis, index = found, output[1] if several else output
        if not torch.is_tensor(scores) or not scores.is_floating_point() or not scores.ndim:
            return None
        axis %= scores.ndim
        # Along the first axis lie the rows: what is chosen among them is no row's own.
        each, rest = divmod(len(scores), self.n_rows)
        if axis == 0 or rest or not each or (each > 1 and each % self.n_tokens):
            return None
        kind = _SPELT.get(name, name), axis, scores.ndim
        self._count[kind] += 1
        return _Choice(_Call(*kind, self._count[kind]), scores, index)


class _Watching(_Listening):
    """Learns what a block chooses: of what may be a choice that of which use is made.

    Attributes:
        calls: Those found. A comparison is one only of scores among which something was chosen.
    """

    def __init__(self, n_rows: int, n_tokens: int) -> None:
        super().__init__(n_rows, n_tokens)
        self.calls: set[_Call] = set()
        self._open: dict[int, _Choice] = {}
        self._among: set[torch.Size] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        if self._open and name != "__get__":  # its shape is no use of it
            for tensor in _tensors_in((args, kwargs)):
                if (used := self._open.pop(id(tensor), None)) is not None:
                    self.calls.add(used.call)
        output = func(*args, **kwargs)
        if (choice := self.choice(name, args, kwargs, output)) is not None:
            if name not in _COMPARISONS:
                self._among.add(choice.scores.shape)
            if choice.scores.shape in self._among:
                self._open[id(choice.chosen)] = choice
        return output


class _Holding(_Listening):
    """Gives every row what was chosen for its item, and its own value of that.

    Args:
        calls: What is held.
        chosen: For the items; filled here from the first rows where these are new.
        items: (rows,) the item of each.
        n_new: How many of the first rows are new items.
        n_tokens: Tokens of each row.
    """

    def __init__(
        self, calls: set[_Call], chosen: _Chosen, items: Tensor, n_new: int, n_tokens: int
    ) -> None:
        super().__init__(len(items), n_tokens)
        self.calls, self.chosen, self.items, self.n_new = calls, chosen, items, n_new
        self._largest: tuple[Tensor, int, Tensor] | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs, name = kwargs or {}, getattr(func, "__name__", "")
        output = func(*args, **kwargs)
        if (choice := self.choice(name, args, kwargs, output)) is None:
            return output
        call, scores, index = choice
        if call in self.calls:
            index = self._hold(call, index)
            if name == "argmax":
                self._largest = scores, call.axis, index
        elif (
            name == "max"
            and self._largest is not None
            and self._largest[0] is scores
            and self._largest[1] == call.axis
        ):
            index = self._largest[2].reshape(index.shape)
        else:
            return output
        if name not in _WITH_VALUES:
            return index
        if index.ndim < scores.ndim:
            values = scores.gather(call.axis, index.unsqueeze(call.axis)).squeeze(call.axis)
        else:
            values = scores.gather(call.axis, index)
        return type(output)((values, index))

    def _hold(self, call: _Call, index: Tensor) -> Tensor:
        rows = index.reshape(self.n_rows, -1, *index.shape[1:])
        if self.n_new:
            self.chosen[call] = rows[: self.n_new].clone()
        known = self.chosen.get(call)
        if known is None or known.shape[1:] != rows.shape[1:]:
            raise ValueError(
                "model must choose the same way along the path as for the input, for "
                f"routing='held', but made another choice of shape {tuple(index.shape)}. Use "
                "routing='free', which leaves all choices."
            )
        return known[self.items.to(known.device)].reshape(index.shape)


_Chosen = dict[_Call, Tensor]
"""(items, ...) what was chosen for each item, by the call."""
_NAMES = {*_WITH_VALUES, *_WITHOUT, *_COMPARISONS}


def _axis_of(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> int | None:
    """The axis along which a call chooses; None where it is over all."""
    place = 2 if name == "topk" else 1
    given = args[place] if len(args) > place else kwargs.get("dim", kwargs.get("axis"))
    if name in ("argsort", "sort", "topk") and (given is None or isinstance(given, bool)):
        return -1
    return given if isinstance(given, int) else None


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if torch.is_tensor(value):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors_in(part)
