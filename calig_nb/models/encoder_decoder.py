"""Encoder-decoders that write, seen as one chain: the encoder's blocks, and then the decoder's.

A layer has the tokens of both: at the encoder's blocks their states and what enters the decoder
first, at the decoder's blocks what they read of the encoder and their own states. So each layer
holds all that the rest of the model computes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from . import blocks
from .attention import Attention, Eager, attention_relevance
from .block_model import (
    BlockModel,
    Forward,
    ModelInputs,
    Trace,
    gradients_of,
    is_by_token,
    linear_outputs,
    logits_of,
    rows_for,
)
from .memory import saved_bytes
from .outputs import part_of
from .points import Points, ScoreFn
from .task_heads import NextOutputToken
from .token_cells import Cells


class EncoderDecoder(BlockModel):
    """An encoder-decoder that can be entered at any block of either chain.

    Layer b = 0 ... E - 1 holds what enters the encoder's block b and what enters the decoder's
    first block; layer E + j what the decoder's blocks read of the encoder, and what enters the
    decoder's block j; the last layer what leaves it. Of two widths the narrower is filled up with
    zeros. Tokens by which an encoder fills up its windows, and which the decoder does not read,
    are left out.

    Args:
        model: An encoder-decoder, seen as a classifier of its next token.
    """

    def _learn_anew(self) -> None:
        super()._learn_anew()
        self._chains: Sequence[Sequence[nn.Module]] = ()
        self._recorded: list[Any] = []
        self._turn = 0
        self._shapes: Sequence[tuple[int, int]] = ()
        self._place: int | str = 0
        self._counting: Sequence[nn.Module] | None = None

    @property
    def n_layers(self) -> int | None:
        """How many blocks run in both chains; known once one was traced."""
        return len(self._recorded) or None

    @property
    def layer_config(self) -> dict[str, int]:
        """How many of the layers are the encoder's; known once one was traced."""
        return {"n_encoder_layers": self._turn}

    def chains(self, inputs: ModelInputs) -> Sequence[Sequence[nn.Module]]:
        """The encoder's blocks, and the decoder's; looked for once.

        Raises:
            ValueError: If they are not found.
        """
        if not self._chains:
            run = partial(self.predict, inputs)
            n_rows = len(next(iter(inputs.values())))
            encoder = blocks.find_blocks(self.model, partial(self.call, inputs), n_rows)
            with torch.enable_grad():
                readers = blocks.find_readers(self.model, encoder, partial(self.call, inputs))
            if len(readers) != 1:
                raise ValueError(
                    "model must have a chain of blocks in its encoder and one in its decoder, "
                    f"whose blocks read the encoder's output, got {len(readers)} such decoders; "
                    f"they must be {blocks.WANTED}"
                )
            with blocks.record_calls(encoder) as calls:
                run()
            with blocks.record_calls(readers[0]) as reading:
                run()
            place = blocks.second_place(reading[0].args, reading[0].kwargs)
            if place is None:
                raise ValueError(
                    "model must give each of its decoder's blocks what the encoder made of the "
                    "input, and it cannot be told which of their arguments that is."
                )
            read = blocks.value_at(place, reading[0].args, reading[0].kwargs)
            if read.shape[1] > calls[0].hidden.shape[1]:
                raise ValueError(
                    "model must read in its decoder what its encoder made of each token, got "
                    f"{calls[0].hidden.shape[1]} tokens in the encoder and {read.shape[1]} that "
                    "are read."
                )
            self._place, self._turn = place, len(calls)
            self._around = blocks.enclosing_modules(self.model, [*encoder, *readers[0]])
            self._chains = encoder, readers[0]
        return self._chains

    def find(self, inputs: ModelInputs) -> blocks.Chain:
        """The blocks of both, the encoder's first."""
        encoder, decoder = self.chains(inputs)
        return blocks.Chain([*encoder, *decoder])

    def entering_states(self, inputs: ModelInputs) -> list[Tensor]:
        """(rows, tokens, hidden) what enters the encoder's first block, and the decoder's."""
        return blocks.entering_states(self.chains(inputs), partial(self.predict, inputs))

    def split(self, hidden: Tensor) -> Sequence[Tensor]:
        """(rows, all tokens, hidden) as the input's tokens, and those of the output so far."""
        n = self._shapes[1][0]
        return hidden[:, :n], hidden[:, n:]

    def explained_tokens(self, hidden: Tensor) -> Tensor:
        """(rows, tokens, hidden) of those that an explanation is about: all."""
        return hidden

    def last_tokens(self, hidden: Tensor) -> Tensor:
        """(..., tokens, hidden) of those that the last block works on: the output's."""
        n, (_, width) = self._shapes[1][0], self._shapes[2]
        return hidden[..., n:, :width]

    def cells(self, inputs: ModelInputs) -> Cells:
        """The tokens in which inputs are explained: all, nothing is summed."""
        del inputs
        return Cells()

    def token_columns(self, inputs: ModelInputs) -> list[Tensor]:
        """The column of ``inputs`` that each token of both chains is.

        Raises:
            ValueError: If the model adds tokens or drops some.
        """
        raise ValueError(
            "model must read each token of the input, and of the output so far, as one, but "
            f"{inputs['input_ids'].shape[1]} tokens became {sum(n for n, _ in self._shapes[::2])}."
        )

    def forward(
        self,
        inputs: ModelInputs,
        baselines: ModelInputs | None = None,
        *,
        attention: bool = True,
        frugal: bool = False,
        hold: bool = True,
    ) -> Forward:
        """As :meth:`BlockModel.forward`; attention is written out, and no choice is held.

        Raises:
            ValueError: If the blocks are not found or cannot be entered, or the inputs are padded.
        """
        del frugal, hold
        mask = inputs.get("attention_mask")
        if mask is not None and not mask.all():
            raise ValueError(
                "inputs of one batch must have as many tokens in the input, and in the output so "
                "far, as each other."
            )
        n_items = len(next(iter(inputs.values())))
        sides = [inputs] if baselines is None else [inputs, baselines]
        with self._kept_positions(inputs):
            states = [self.entering_states(side) for side in sides]
        starts = [torch.cat(parts) for parts in zip(*states, strict=True)]
        items = torch.arange(len(starts[0])) % n_items
        modules = self.find(inputs)
        self.begin_pass(len(items) * sum(start.shape[1] for start in starts))
        start, output_start = (one.requires_grad_() for one in starts)
        around = self.model, self._around, n_items
        hearing = _Both(*around, self._turn) if attention else Attention(*around, Cells())
        own: list[Tensor] = []
        read: list[Tensor] = []
        written: list[Tensor] = []
        outputs: list[Any] = []
        last: dict[nn.Module, Tensor] = {}
        row_bytes: list[int] = []
        lengths: set[int] = set()

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            nonlocal last
            in_decoder = index >= self._turn
            if index == 0:
                same = blocks.hidden_of(args, kwargs)[:n_items], start[:n_items]
                if not blocks.are_close(*same):
                    raise ValueError(
                        "model must give the same hidden states each time, but what enters its "
                        "first block is random. Fix its noise."
                    )
                args, kwargs = blocks.replace_hidden(args, kwargs, start)
            if index == self._turn:
                args, kwargs = blocks.replace_hidden(args, kwargs, output_start)
            (written if in_decoder else own).append(blocks.hidden_of(args, kwargs))
            if in_decoder:  # each block has its own, so that gradients tell which of them reads
                shared: Tensor = blocks.value_at(self._place, args, kwargs)
                read.append(shared.view_as(shared))
                args, kwargs = blocks.replace_at(self._place, args, kwargs, read[-1])
            lengths.update(blocks.batch_sizes((args, kwargs)))
            block = modules[index] if index < len(modules) else modules[-1]
            measured = saved_bytes(block) if index == 0 else nullcontext([0])
            with measured as saved, linear_outputs(block) as linear:
                outputs.append(run(*args, **kwargs))
            by = blocks.returned_hidden(outputs[-1]).shape[:2]
            last = {m: f[0] for m, f in linear.items() if is_by_token(f, by)}
            row_bytes.append(saved[0] // len(items))
            return outputs[-1]

        with hearing.configured():
            with hearing.listening() as options, blocks.intercept_calls(modules, enter):
                logits = logits_of(self.model, self.call(rows_for(inputs, items), **options))
        hearing.hear_blocks(outputs)
        written.append(blocks.returned_hidden(outputs[-1]))
        self._shapes = [(one.shape[1], one.shape[2]) for one in (start, read[0], output_start)]
        return _BothForward(
            self, inputs, items, logits, [*own, *read, *written], (), outputs, last,
            lengths - {len(items)}, row_bytes[0] * len(outputs), hearing,
        )  # fmt: skip

    def layers(
        self, found: Sequence[Tensor | None], *, are_gradients: bool
    ) -> Sequence[Tensor | None]:
        """L + 1 states or gradients (..., all tokens, hidden), the output's tokens following.

        Args:
            found: What enters the encoder's blocks, what each of the decoder's reads, what enters
                them and what leaves the last one; or the gradients.
            are_gradients: What a block reads, the blocks above it read too: their gradients are
                summed, and the last layer has none.
        """
        n_read = (len(found) - self._turn - 1) // 2
        own, rest = found[: self._turn], found[self._turn :]
        read, written = list(rest[:n_read]), rest[n_read:]
        if any(one is None for one in (*own, *written)):
            return [None] * (self._turn + n_read + 1)
        if are_gradients:
            total: Tensor | None = None
            for j in range(n_read - 1, -1, -1):
                one = read[j]
                total = total if one is None else one if total is None else total + one
                read[j] = total
        n = self._shapes[1][0]
        pairs = [(one if one is None else one[..., :n, :], written[0]) for one in own] + list(
            zip([*read, None if are_gradients else read[-1]], written, strict=True)
        )
        return [self._joined(*pair) for pair in pairs]

    def learn(
        self, forward: Forward, trace: Trace, inner: Sequence[Sequence[Tensor | None]]
    ) -> None:
        """As :meth:`BlockModel.learn`.

        Raises:
            ValueError: As there, or if gradients are not numbers.
        """
        if not all(torch.isfinite(flow).all() for flow in trace.hidden_gradients):
            raise ValueError(
                "model must have gradients that are numbers, and some are not, as those of LED "
                "beside the padding that it fills its windows with. Give a text whose tokens fill "
                "them (a multiple of model.config.attention_window), or make them smaller."
            )
        super().learn(forward, trace, inner)

    def replay(
        self, inputs: ModelInputs, points: Points, *, frugal: bool = False, hold: bool = True
    ) -> Tensor:
        """As :meth:`BlockModel.replay`, the decoder's blocks being entered after the encoder's."""
        del hold
        n_all, first, turn = len(points.items), min(points.hidden), self._turn
        self.begin_pass(n_all * points.hidden[first].shape[1])
        states = {
            layer: self._parted(layer, points.hidden[layer]) for layer in sorted(points.hidden)
        }
        below = [layer for layer in states if layer < turn]
        n_below = sum(len(points.hidden[layer]) for layer in below)

        filling = self._shapes[0][0] - self._shapes[1][0]
        filled: Tensor | None = None

        def joining(index: int) -> list[Tensor]:
            """What enters a block from outside, in the order of the rows."""
            if index < turn and index in states:
                own = states[index][0]
                filler = [] if filled is None else [filled[:1].expand(len(own), -1, -1)]
                return [torch.cat([own, *filler], dim=1)]
            if index < turn:
                return []
            starting = [*below, turn] if index == turn else [index]
            return [states[layer][1] for layer in starting if layer in states]

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            nonlocal filled
            if index == 0 and filling:
                filled = blocks.hidden_of(args, kwargs)[:, -filling:].detach()
            if index < first:
                passed = blocks.hidden_of(args, kwargs)
                if index + 1 == first == len(self._recorded):
                    passed = states[first][1]
                return blocks.with_output_hidden(self._recorded[index], passed)
            before = () if index in (first, turn) else (blocks.hidden_of(args, kwargs),)
            parts = [*before, *joining(index)]
            hidden = parts[0] if len(parts) == 1 else torch.cat(parts)
            args, kwargs = blocks.replace_hidden(args, kwargs, hidden)
            if index >= turn:
                computed = blocks.value_at(self._place, args, kwargs)[:n_below]
                given = [states[layer][0] for layer in states if turn <= layer <= index]
                read = torch.cat([computed, *given] if n_below else given)
                args, kwargs = blocks.replace_at(self._place, args, kwargs, read)
            if len(hidden) < n_all:
                args, kwargs = blocks.first_rows((args, kwargs), len(hidden), n_all)
            output = self.run_block(index, run, args, kwargs, frugal)
            missing = []
            if index + 1 == turn and n_below < n_all:  # read by nobody
                n, width = self._shapes[0]
                missing = [hidden.new_zeros(n_all - n_below, n, width)]
            if index + 1 == len(self._recorded) and index + 1 in states:
                missing = [states[index + 1][1]]
            if missing:
                left = torch.cat([blocks.returned_hidden(output), *missing])
                output = blocks.with_output_hidden(output, left)
            return output

        with blocks.intercept_calls(self.find(inputs), enter):
            return logits_of(self.model, self.call(rows_for(inputs, points.items)))

    def passage(
        self,
        inputs: ModelInputs,
        hidden: Tensor,
        *,
        item: int,
        score: ScoreFn,
        also: Iterable[Tensor] = (),
    ) -> list[tuple[Tensor, Tensor]]:
        """As :meth:`BlockModel.passage`."""
        items = torch.full((len(hidden),), item)
        start = hidden.detach().requires_grad_()
        with blocks.record_calls(self.find(inputs)) as calls:
            logits = self.replay(inputs, Points({0: start}, items))
        reading = calls[self._turn :]
        met = [
            *(call.hidden for call in calls[: self._turn]),
            *(blocks.value_at(self._place, call.args, call.kwargs) for call in reading),
            *(call.hidden for call in reading),
            calls[-1].returned,
        ]
        weights = list(also)
        found = gradients_of(score(logits, items), [*met, *weights])
        states = self.layers(met, are_gradients=False)
        flows = self.layers(found[: len(met)], are_gradients=True)
        return [
            (h.detach(), g)
            for h, g in zip([*states, *weights], [*flows, *found[len(met) :]], strict=True)
            if h is not None and g is not None
        ]

    def attentions(self, inputs: ModelInputs, *, frugal: bool = False) -> list[Tensor]:
        """L tensors (items, all tokens, all tokens): attention probabilities, the mean of heads.

        A block passes the other chain's tokens on as they are; in the decoder's, attention to the
        output and attention to the input count half each.
        """
        del frugal
        self.find(inputs)
        both = _Both(self.model, self._around, 0, self._turn)
        with torch.no_grad(), both.configured(), both.listening() as options:
            self.call(inputs, **options)
        return both.probabilities()

    @contextmanager
    def _kept_positions(self, inputs: ModelInputs) -> Iterator[None]:
        """Within, what counts tokens that are no padding says what it said first, of the inputs.

        M2M100 and its kin make positions of token ids: a text whose words are replaced by padding
        would have none.
        """
        if self._counting is None:
            self._counting = self._modules_that_count(inputs)
        said: dict[nn.Module, Any] = {}

        def enter(module: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if module not in said:
                said[module] = run(*args, **kwargs)
            return said[module]

        with blocks.intercept_each(self._counting, enter):
            yield

    def _modules_that_count(self, inputs: ModelInputs) -> Sequence[nn.Module]:
        """Those that are given token ids, and say the same of any that are no padding."""
        ids = inputs["input_ids"][:1]
        padding = getattr(self.own.config, "pad_token_id", None)
        some = [one for one in range(self.n_token_ids or 3) if one != padding][:2]
        heard: list[dict[nn.Module, tuple[Tensor, Any]]] = []

        def enter(module: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            output = run(*args, **kwargs)
            given = next(iter((*args, *kwargs.values())), None)
            if torch.is_tensor(given) and not given.is_floating_point() and torch.is_tensor(output):
                heard[-1].setdefault(module, (given, output))
            return output

        for one in some:
            heard.append({})
            row = {name: value[:1] for name, value in inputs.items()}
            with blocks.intercept_each([*self.own.modules()], enter):
                self.entering_states({**row, "input_ids": torch.full_like(ids, one)})
        first, second = heard
        return [
            module
            for module, (given, output) in first.items()
            if module in second
            and not torch.equal(given, second[module][0])
            and torch.equal(output, second[module][1])
        ]

    def _joined(self, own: Tensor | None, output: Tensor | None) -> Tensor:
        """(..., all tokens, widest) of the input's tokens and the output's; None for zeros."""
        assert output is not None
        width = max(w for _, w in self._shapes)
        if own is None:
            own = output.new_zeros(*output.shape[:-2], *self._shapes[1])
        parts = [pad(one, (0, width - one.shape[-1])) for one in (own, output)]
        return torch.cat(parts, dim=-2)

    def _parted(self, layer: int, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What was joined: the input's tokens and the output's, in their own widths."""
        n, width = self._shapes[1][0], self._shapes[int(layer >= self._turn)][1]
        return hidden[:, :n, :width], self.last_tokens(hidden)


@dataclass(frozen=True, eq=False)
class _BothForward(Forward):
    """A forward pass through both chains."""

    def layers(
        self, found: Sequence[Tensor | None], *, are_gradients: bool
    ) -> Sequence[Tensor | None]:
        """As :meth:`EncoderDecoder.layers`."""
        assert isinstance(self.model, EncoderDecoder)
        return self.model.layers(found, are_gradients=are_gradients)


class _Both(Eager):
    """Attention written out in both chains: of the encoder, of the decoder, and between them.

    Args:
        model: The model.
        around: The modules that hold the blocks of both chains, the innermost first.
        n_items: As for :class:`Eager`.
        turn: The number of the encoder's blocks.
    """

    def __init__(
        self, model: nn.Module, around: Sequence[nn.Module], n_items: int, turn: int
    ) -> None:
        super().__init__(model, around, n_items, Cells())
        self.turn = turn

    @contextmanager
    def listening(self) -> Iterator[Mapping[str, Any]]:
        """Gives the options of a forward pass whose attention is heard."""
        own = getattr(self.model, "explained", self.model)
        has_option = "output_attentions" in signature(own.forward).parameters
        with blocks.record_calls(self.around) as outer:
            yield {"output_attentions": True} if has_option else {}
        found = (_both_attentions(call.output) for call in outer)
        self.seen = next(filter(None, found), ())
        self.wanted = tuple(a for a in self.seen if a.requires_grad)

    def hear_blocks(self, outputs: Sequence[Any]) -> None:
        """The blocks that attend from all tokens to all; those in windows do not."""
        whole = len(self.wanted) == len(self.seen) == 2 * len(outputs) - self.turn
        kept = [layer for layer, a in enumerate(self._by_block(self.wanted)) if a is not None]
        self.layers = kept if whole else ()

    def relevance(self, n_rows: int, gradients: Sequence[Tensor | None]) -> dict[int, Tensor]:
        """Block -> (items, all tokens, all tokens), for one target."""
        if not self.layers:
            return {}
        heads = []
        for a, gradient in zip(self.wanted, gradients, strict=True):
            n = len(a) * self.n_items // n_rows
            flow = torch.zeros_like(a[:n]) if gradient is None else gradient[:n]
            heads.append(attention_relevance(a[:n].detach(), flow))
        found = {}
        for layer, one in enumerate(self._by_block(heads)):
            if one is not None and self.keep_heads is not None:
                self.keep_heads(layer, one)
            if one is not None:
                found[layer] = one.mean(dim=1)
        return found

    def probabilities(self) -> list[Tensor]:
        """(rows, all tokens, all tokens) A of each block, the mean of its heads."""
        halved = [a if b < self.turn else a / 2 for b, a in enumerate(self.seen)]
        found = []
        for block, one in enumerate(self._by_block(halved)):
            if one is None:
                raise ValueError(
                    "model must attend from all tokens to all for this method, and its encoder "
                    "attends in windows."
                )
            mean = one.mean(dim=1)
            n = self.seen[0].shape[-1]
            kept = slice(n, None) if block < self.turn else slice(None, n)
            mean.diagonal(dim1=1, dim2=2)[:, kept] = 1
            found.append(mean)
        return found

    def _by_block(self, heads: Sequence[Tensor]) -> Iterator[Tensor | None]:
        """(rows, heads, all tokens, all tokens) of each block; None for windows."""
        own, rest = heads[: self.turn], heads[self.turn :]
        among, across = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        for one in own if across else ():
            n, n_output = across[0].shape[-1], across[0].shape[-2]
            yield pad(one, (0, n_output, 0, n_output)) if one.shape[-2:] == (n, n) else None
        for one, other in zip(among, across, strict=True):
            yield pad(torch.cat([other, one], dim=-1), (0, 0, other.shape[-1], 0))


def _both_attentions(output: Any) -> tuple[Tensor, ...]:
    """The attention of the encoder, of the decoder, and between them, that a module lists."""
    names = ("encoder_attentions", "decoder_attentions", "cross_attentions")
    lists = [part_of(output, name) for name in names]
    if not all(isinstance(one, (tuple, list)) and one for one in lists):
        return ()
    found = tuple(a for one in lists for a in one)
    if len(lists[1]) != len(lists[2]) or not all(torch.is_tensor(a) for a in found):
        return ()
    n = lists[1][0].shape[-1]  # a decoder of several streams attends from each of them
    plain = all(a.shape[-2:] == (n, n) for a in lists[1]) and lists[2][0].shape[-2] == n
    return found if plain else ()


def block_model_of(
    model: nn.Module,
    path: str | None = None,
    labels: Sequence[str] | Mapping[Any, str] | None = None,
) -> BlockModel:
    """A classifier seen as a chain of blocks; an encoder-decoder that writes as two of them.

    Args:
        model: A classifier, or what is seen as one.
        path: As for :class:`BlockModel`.
        labels: As for :class:`BlockModel`.

    Raises:
        TypeError: As :class:`BlockModel`.
        ValueError: As :class:`BlockModel`, or if a path is given for an encoder-decoder.
    """
    if not isinstance(model, NextOutputToken):
        return BlockModel(model, path, labels)
    if path is not None:
        raise ValueError(
            "blocks must be left out for an encoder-decoder, whose layers are the blocks of both "
            f"its encoder and its decoder, got {path!r}."
        )
    return EncoderDecoder(model, labels=labels)
