"""One grid of tokens for all layers of a model whose layers have different ones, and the sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from . import blocks

Grid = tuple[int, int]


class Cells:
    """The tokens of a model whose layers all have the same: nothing is summed.

    Attributes:
        grid: Rows and columns, where the tokens are a grid's cells; else None.
    """

    grid: Grid | None

    def __init__(self) -> None:
        self.grid = None

    def of_tokens(self, layer: int, values: Tensor) -> Tensor:
        """(..., cells): the sums of a layer's token values (..., tokens) in each cell."""
        del layer
        return values

    def of_pairs(self, block: int, values: Tensor) -> Tensor:
        """(items, ..., cells, cells): the sums of what a block says of its queries and keys.

        Args:
            block: Its number.
            values: (items, ..., queries, keys); with windows, (items * windows, ..., queries,
                keys), those of one item together.
        """
        del block
        return values

    def of_attention(self, block: int, probabilities: Tensor) -> Tensor:
        """As :meth:`of_pairs` for probabilities: the mean of a cell's queries, the sum of keys."""
        del block
        return probabilities

    def members(self, n_tokens: int) -> Tensor:
        """(tokens,) the cell of each token that enters the first block."""
        return torch.arange(n_tokens)

    def count(self, n_tokens: int) -> int:
        """How many cells there are where so many tokens enter the first block."""
        return n_tokens


@dataclass(frozen=True, eq=False)
class TwiceRead(Cells):
    """The blocks' own tokens, where more of the model reads the text: what both say is summed.

    Attributes:
        n: The tokens that enter the first block.
        places: (all tokens,) the block's token that each stands for, the block's own first; -1
            for those that stand for none, such as the one that a decoder starts from.
    """

    n: int
    places: Tensor
    grid: None = None

    def of_tokens(self, layer: int, values: Tensor) -> Tensor:
        """(..., cells): the sums of token values (..., all tokens) of each token of the blocks."""
        del layer
        stands = (self.places >= 0).to(values.device)
        sums = values.new_zeros(*values.shape[:-1], self.n)
        places = self.places.clamp(min=0).to(values.device)
        return sums.index_add_(-1, places, torch.where(stands, values, 0))

    def members(self, n_tokens: int) -> Tensor:
        """(all tokens,) the cell of each; what stands for none never changes, and may be in any."""
        del n_tokens
        return self.places.clamp(min=0)

    def count(self, n_tokens: int) -> int:
        """How many tokens enter the first block."""
        del n_tokens
        return self.n


@dataclass(frozen=True, eq=False)
class GridCells(Cells):
    """The cells of one grid, the last stage's; earlier tokens are summed in the cell they lie in.

    Sums keep what is complete complete. What a window's queries find in padding belongs to no
    token and is left out; queries in padding are read by nobody.

    Attributes:
        grid: Rows and columns of cells.
        span: Rows and columns of the embeddings' tokens in a cell; at the far edges maybe fewer.
        places: (tokens,) for each of L + 1 layers: the cell of each token.
        windows: (windows, rows) for each of L blocks: the token in each row of the windows that
            its attention works in, -1 for padding.
    """

    grid: Grid
    span: Grid
    places: Sequence[Tensor]
    windows: Sequence[Tensor]

    @property
    def n(self) -> int:
        """The number of cells."""
        return self.grid[0] * self.grid[1]

    def of_tokens(self, layer: int, values: Tensor) -> Tensor:
        """(..., cells): the sums of a layer's token values (..., tokens) in each cell."""
        sums = values.new_zeros(*values.shape[:-1], self.n)
        return sums.index_add_(-1, self.places[layer].to(values.device), values)

    def of_pairs(self, block: int, values: Tensor) -> Tensor:
        """(items, ..., cells, cells), windows undone; as it is where these are not its windows."""
        windows, n = self.windows[block], self.n
        n_windows, n_rows = windows.shape
        if values.shape[-2:] != (n_rows, n_rows) or len(values) % n_windows:
            return values
        # Padding has a bin of its own.
        own = torch.where(windows < 0, n, self.places[block][windows])
        pairs = (own[:, :, None] * (n + 1) + own[:, None, :]).flatten().to(values.device)
        rows = values.reshape(-1, n_windows, *values.shape[1:]).movedim(1, -3).flatten(-3)
        sums = rows.new_zeros(*rows.shape[:-1], (n + 1) ** 2).index_add_(-1, pairs, rows)
        return sums.reshape(*sums.shape[:-1], n + 1, n + 1)[..., :n, :n]

    def of_attention(self, block: int, probabilities: Tensor) -> Tensor:
        """(items, ..., cells, cells): the mean of a cell's queries, the sum of its keys."""
        sums = self.of_pairs(block, probabilities)
        if sums is probabilities:
            return sums
        return sums / self.of_tokens(block, sums.new_ones(len(self.places[block])))[:, None]

    def members(self, n_tokens: int) -> Tensor:
        """(tokens,) the cell of each token that enters the first block."""
        return self.places[0]

    def count(self, n_tokens: int) -> int:
        """How many cells there are."""
        return self.n


def cells_of(modules: Sequence[nn.Module], run_model: Callable[[], Any]) -> Cells:
    """The cells of a model whose blocks are told the grid (rows, columns) of their tokens.

    Others, and those with one grid and no windows, keep their tokens.

    Args:
        modules: Its blocks.
        run_model: Runs it on one input.
    """
    with torch.no_grad(), blocks.record_calls(modules) as calls:
        run_model()
    grids = [_stated_grid(call) for call in calls]
    if any(grid is None for grid in grids) or len(calls) != len(modules):
        return Cells()
    known = [grid for grid in grids if grid is not None]
    last = known[-1]
    if calls[-1].returned.shape[1] != last[0] * last[1]:
        return Cells()
    places = [torch.arange(last[0] * last[1])] * 2
    span = (1, 1)
    for below, above in reversed([*pairwise(known)]):
        down, along = _sides(below, above)
        rows, columns = torch.arange(below[0]) // down, torch.arange(below[1]) // along
        places.insert(0, places[0][(rows[:, None] * above[1] + columns).flatten()])
        span = span[0] * down, span[1] * along
    windows = [_windows(module, call) for module, call in zip(modules, calls, strict=True)]
    if len(set(known)) == 1 and all(len(one) == 1 for one in windows):
        return Cells()
    return GridCells(last, span, places, windows)


def columns_of(
    ids: Tensor, other: Tensor, run_model: Callable[[Tensor], Sequence[Tensor]]
) -> list[Tensor | None]:
    """For each token that a model makes of its inputs, which of them it stands for.

    Found by trying: inputs are exchanged half by half, so that the halves in which a token
    changes spell its number. What changes with a half and with its complement is mixed.

    Args:
        ids: (1, columns) inputs.
        other: (1, columns) other inputs, no two alike at one place.
        run_model: Inputs (rows, columns) -> tensors (rows, tokens, hidden).

    Returns:
        For each tensor (tokens,) the column, -1 for what changes with none; None where tokens
        are mixed.
    """
    numbers = torch.arange(1, ids.shape[1] + 1)
    bits = (numbers[None] >> torch.arange(len(f"{ids.shape[1]:b}"))[:, None]) % 2 == 1
    exchanged = torch.cat([torch.zeros_like(bits[:1]), bits, ~bits])
    rows = run_model(torch.where(exchanged.to(ids.device), other, ids))
    found: list[Tensor | None] = []
    for states in rows:
        change = (states[1:] - states[:1]).abs().amax(dim=-1).cpu()
        halves, complements = (change > 1e-3 * states[:1].abs().max().cpu()).chunk(2)
        spelled = (halves.long() << torch.arange(len(bits))[:, None]).sum(dim=0) - 1
        never = ~(halves | complements).any(dim=0)
        clear = never | ((halves ^ complements).all(dim=0) & (spelled < ids.shape[1]))
        found.append(spelled if clear.all() else None)
    return found


def _stated_grid(call: blocks.Call) -> Grid | None:
    """Rows and columns that a block is told: two whole numbers whose product its tokens are.

    They come as a pair, or one after the other among the arguments.
    """
    n_tokens = call.hidden.shape[1]
    given = (*call.args, *call.kwargs.values())
    pairs = [v for v in given if isinstance(v, tuple | list) and len(v) == 2]
    for rows, columns in (*pairs, *pairwise(given)):
        whole = type(rows) is int and type(columns) is int
        if whole and rows * columns == n_tokens:
            return rows, columns
    return None


def _sides(below: Grid, above: Grid) -> Grid:
    """How many rows, and how many columns, of tokens below are merged: as few as make the grid."""
    down, along = (
        next(side for side in range(1, b + 1) if -(-b // side) <= a)
        for b, a in zip(below, above, strict=True)
    )
    return down, along


def _windows(block: nn.Module, call: blocks.Call) -> Tensor:
    """(windows, rows) the token in each row of the windows a block attends in; -1 for padding.

    Found by trying: the block is given states of which no two are alike, and one of its parts is
    then given them, or what came of them one by one, in another order. Where none is, all tokens
    are one window.
    """
    n_tokens, width = call.hidden.shape[1:]
    draws = torch.Generator().manual_seed(0)
    probe = torch.randn(1, n_tokens, width, generator=draws, dtype=torch.float64).to(call.hidden)
    states, found = [probe], torch.arange(n_tokens)[None]

    def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        nonlocal found
        taken = next((v for v in (*args, *kwargs.values()) if torch.is_tensor(v)), None)
        if len(found) == 1 and taken is not None and taken.ndim == 3 and taken.shape[2] == width:
            found = next((w for s in states if (w := _order(s, taken)) is not None), found)
        output = run(*args, **kwargs)
        if torch.is_tensor(output) and output.shape == probe.shape:
            states.append(output)
        return output

    args, kwargs = blocks.replace_hidden(call.args, call.kwargs, probe)
    with torch.no_grad(), blocks.intercept_each([*block.modules()][1:], enter):
        block(*args, **kwargs)
    return found


def _order(states: Tensor, taken: Tensor) -> Tensor | None:
    """(windows, rows) which of the states (1, tokens, hidden) each of ``taken`` is, -1 for none.

    None if one of the states is missing, or there twice.
    """
    names = {row.tobytes(): i for i, row in enumerate(states[0].cpu().numpy())}
    rows = taken.flatten(0, 1).cpu().numpy()
    order = torch.tensor([names.get(row.tobytes(), -1) for row in rows])
    once = torch.equal(order[order >= 0].sort().values, torch.arange(states.shape[1]))
    return order.reshape(taken.shape[:2]) if once else None
