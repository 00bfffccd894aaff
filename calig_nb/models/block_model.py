"""One model seen as a chain of blocks: traced forward and backward, and replayed from a block.

No architecture is named here: a model is run by its own ``forward``, so that masks, position
biases, pooling and heads come out right.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from .._arrays import Array
from .._validation import distinct_names, shown, warn_user
from . import blocks
from .attention import Attention, Eager, Fused, KeepHeads, mean_attentions
from .interrupts import raise_held
from .kernels import fit_threads
from .kinks import has_kinks
from .memory import release_memory, saved_bytes
from .outputs import part_of
from .points import Points, ScoreFn
from .preserve import preserve_model
from .routing import Routing
from .token_cells import Cells, TwiceRead, cells_of, columns_of

ModelInputs = Mapping[str, Tensor]
"""What a model is called with, by name."""
Classes = Literal["exclusive", "independent", "measured"]
"""What logits are: of classes of which one holds (softmax); of classes each of which holds or not
(sigmoid); or no logits of classes at all but values, in a unit of the model's own."""
KEPT = "kept_positions"
"""Among them (batch, tokens): what a table of positions is asked for, whatever the tokens are."""
PAST_BLOCKS = 0.05
"""A larger part of the change of the logits from baseline to input that passes the blocks by is
refused, a smaller one stated."""
SMALL_PART = 1e-3
"""So small a part is not warned about."""
PIXELS = 256
"""Numbers of a picture that make a token, about."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What one forward and one backward pass over a batch give; each row has its own score.

    The first rows are the items that are explained; as many rows of baselines may follow.

    Attributes:
        logits: (rows, classes).
        scores: (rows, targets).
        hidden_states: L + 1 tensors (rows, tokens, hidden): what enters each block, and last
            what leaves the last one. Where more of the model reads the text, as a decoder does,
            its tokens follow, the same in every layer.
        hidden_gradients: ∂score/∂hidden_states, L + 1 tensors (targets, rows, tokens, hidden).
        attention_relevance: L tensors (targets, items, cells, cells): A ⊙ ∂score/∂A, A being
            the attention probabilities after the softmax, averaged over the heads; zeros where a
            block's were not heard.
        row_bytes: What a row's forward pass keeps for its backward pass, about.
        cells: What tokens, queries and keys are summed in.
        attending: The blocks whose attention was heard.
    """

    logits: Tensor
    scores: Tensor
    hidden_states: tuple[Tensor, ...]
    hidden_gradients: tuple[Tensor, ...]
    attention_relevance: list[Tensor]
    row_bytes: int
    cells: Cells = field(default_factory=Cells)
    attending: Sequence[int] = ()

    @property
    def n_tokens(self) -> int:
        """Tokens, or cells, in which every layer is explained."""
        return self.cells.count(self.hidden_states[0].shape[1])


@dataclass(frozen=True, eq=False)
class Forward:
    """What one forward pass met on its way, held for the backward pass.

    Attributes:
        model: The model.
        inputs: What it was called with, a row for each item.
        items: (rows,) which item's inputs each row goes with; the items come first.
        logits: (rows, classes).
        hidden: L + 1 hidden states of the blocks.
        beside: What entered other chains that read the text.
        outputs: What each block returned.
        linear: The linear maps of the last block, with what each returned.
        lengths: First dimensions of what a block takes that are not its rows.
        row_bytes: As in :class:`Trace`.
        attention: How attention was heard.
    """

    model: BlockModel
    inputs: ModelInputs
    items: Tensor
    logits: Tensor
    hidden: Sequence[Tensor]
    beside: Sequence[Tensor]
    outputs: Sequence[Any]
    linear: Mapping[nn.Module, Tensor]
    lengths: set[int]
    row_bytes: int
    attention: Attention

    def backward(self, scores: Tensor, keep_heads: KeepHeads | None = None) -> Trace:
        """One backward pass a target, through the graph that the forward pass left.

        Args:
            scores: (rows, targets) made of ``logits``.
            keep_heads: Called with each layer and its A ⊙ ∂score/∂A before the heads are
                averaged, target by target.

        Raises:
            ValueError: If something flows past the hidden states of a block.
        """
        if not scores.requires_grad:
            raise ValueError(
                "model must let gradients flow from its blocks to its score, but it computes them "
                "without, as reversible layers do, which keep no states. It cannot be explained."
            )
        attention = self.attention
        attention.keep_heads = keep_heads
        # What autograd is asked for, in three runs: hidden states, attention, linear maps.
        hidden = [*self.hidden, *self.beside]
        wanted = [*hidden, *attention.wanted, *self.linear.values()]
        n_hidden, n_upto = len(hidden), len(hidden) + len(attention.wanted)
        gradients, relevance, inner = [], [], []
        with attention.configured():  # blocks may be computed again
            for column in range(scores.shape[1]):
                attention.last = column + 1 == scores.shape[1]
                found = torch.autograd.grad(
                    scores[:, column].sum(),
                    wanted,
                    retain_graph=not attention.last,
                    allow_unused=True,
                )
                relevance.append(attention.relevance(len(self.items), found[n_hidden:n_upto]))
                flows: Sequence[Any] = self.layers(found[:n_hidden], are_gradients=True)
                gradients.append(flows)
                inner.append(found[n_upto:])
        if any(g is None for g in gradients[0]):
            raise ValueError(
                "model must reach its score through every block, but from some block on nothing "
                f"of the hidden state reaches it; its blocks must be {blocks.WANTED}"
            )
        states = self.layers(hidden, are_gradients=False)
        n = attention.cells.count(max(h.shape[1] for h in states[:1] if h is not None))
        nothing = self.logits.new_zeros(1).expand(attention.n_items, n, n)
        heard = [[one.get(b, nothing) for b in range(len(self.outputs))] for one in relevance]
        trace = Trace(
            self.logits.detach(),
            scores.detach(),
            tuple(h.detach() for h in states if h is not None),
            stack_targets(gradients),
            list(stack_targets(heard)),
            self.row_bytes,
            attention.cells,
            tuple(relevance[0]),
        )
        self.model.learn(self, trace, inner)
        return trace

    def layers(
        self, found: Sequence[Tensor | None], *, are_gradients: bool
    ) -> Sequence[Tensor | None]:
        """L + 1 states, or gradients, of what the graph was watched at, one for each layer.

        Args:
            found: Of ``hidden`` and of ``beside``, in their order; None for no gradient.
            are_gradients: Whether they are gradients.
        """
        del are_gradients
        n_blocks = len(self.hidden)
        beside = [
            torch.zeros_like(state) if one is None else one
            for state, one in zip(self.beside, found[n_blocks:], strict=True)
        ]
        return _join_each(found[:n_blocks], beside)


@dataclass(frozen=True, eq=False)
class PooledBlock:
    """The linear maps of the last block whose output matters at a few positions only.

    Behind the last block a classifier reads the pooled position (or a few). Above its keys and
    values a block works position by position, so that all other positions are computed for
    nothing. Which maps these are is not guessed from names: they are those through which no
    gradient flows at the other positions. There they give zeros, which nothing reads.
    """

    modules: Sequence[nn.Module] = ()
    positions: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))

    @classmethod
    def of(
        cls,
        outputs: Mapping[nn.Module, Tensor],
        gradients: Sequence[Sequence[Tensor | None]],
        leaving: Tensor,
    ) -> PooledBlock:
        """The block as a backward pass showed it.

        Args:
            outputs: Linear maps that ran once, with what each returned, (rows, tokens, features).
            gradients: For each target ∂score/∂output for each map.
            leaving: ∂score/∂h_L, (targets, rows, tokens, hidden).
        """
        read = _positions_reached(leaving)
        positions = read.nonzero().flatten()
        if not len(positions) or 2 * len(positions) > len(read):
            return cls()
        narrow = []
        for module, *found in zip(outputs, *gradients, strict=True):
            reached = [_positions_reached(gradient) for gradient in found if gradient is not None]
            if len(reached) == len(found) and not any((one & ~read).any() for one in reached):
                narrow.append(module)
        return cls(narrow, positions)

    @contextmanager
    def narrowed(self) -> Iterator[None]:
        """Inside, these maps compute the positions that are read, and give zeros elsewhere."""

        def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            x: Tensor = next(iter((*args, *kwargs.values())))
            at = self.positions
            small = run(x.index_select(1, at))
            return small.new_zeros(*x.shape[:2], small.shape[-1]).index_copy(1, at, small)

        with blocks.intercept_each(self.modules, enter):
            yield


class Classifier:
    """A torch classifier that returns logits (batch, classes).

    Args:
        model: The classifier.
        labels: The classes' names, in their order or by index; by default its configuration's.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: If its weights are on the meta device or in half precision.
    """

    def __init__(
        self, model: nn.Module, labels: Sequence[str] | Mapping[Any, str] | None = None
    ) -> None:
        if not isinstance(model, nn.Module):
            raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.")
        check_weights(model)
        self.model = model
        self.given_labels = None if labels is None else index_labels(labels, "labels")

    @property
    def own(self) -> nn.Module:
        """The user's module, also where it is seen as something else."""
        return cast(nn.Module, getattr(self.model, "explained", self.model))

    @property
    def placement(self) -> tuple[torch.dtype, torch.device]:
        """The weights' precision, and where they are."""
        first = next(p for p in self.model.parameters() if p.is_floating_point())
        return first.dtype, first.device

    @property
    def labels(self) -> Mapping[int, str]:
        """The classes' names by index, given or in the configuration; empty where there are none.

        Raises:
            TypeError, ValueError: If the configuration has them in no such form.
        """
        if self.given_labels is not None:
            return self.given_labels
        if named := self._stated("id2label"):
            return index_labels(named, "model.config.id2label")
        turned = self._stated("label2id") or {}
        return index_labels({i: name for name, i in turned.items()}, "model.config.label2id")

    def classes(self, n_classes: int) -> Classes:
        """What this many logits are, as the configuration states it.

        A single one of which nothing is stated is a value, as in transformers: "regression".
        """
        problem = self._stated("problem_type")
        if problem == "multi_label_classification":
            return "independent"
        return "measured" if problem == "regression" or n_classes == 1 else "exclusive"

    @property
    def max_tokens(self) -> int | None:
        """Most tokens that the position table can tell apart; None where nothing is stated."""
        table = self._position_table()
        if table is None:
            stated = cast("int | None", self._stated("max_position_embeddings"))
            return stated if stated is not None and stated > 0 else None  # XLNet says -1 for none
        # A table with a padding index counts positions from the one after it.
        skipped = 0 if table.padding_idx is None else table.padding_idx + 1
        return table.num_embeddings - skipped

    def positions(self, inputs: ModelInputs) -> dict[str, Tensor]:
        """The positions of these inputs, to be kept where some of their tokens are replaced.

        RoBERTa and its kin do not count padding: a text whose words are replaced by it would have
        no positions but one, and its end another place. Other models need nothing.

        Returns:
            What the table of positions is asked for, (batch, tokens), by a name that
            :meth:`call` knows; or nothing.
        """
        table, ids = self._position_table(), inputs.get("input_ids")
        if table is None or table.padding_idx is None or ids is None:
            return {}
        with self.preserve():
            counted = blocks.first_argument(table, partial(self.predict, inputs))
        return {} if not torch.is_tensor(counted) else {KEPT: counted.expand(len(ids), -1)}

    def takes(self, name: str) -> bool:
        """Whether the user's module can be called with an input of this name."""
        parameters = inspect.signature(self.own.forward).parameters.values()
        return any(one.name == name or one.kind is one.VAR_KEYWORD for one in parameters)

    def names(self, name: str) -> bool:
        """Whether the user's module names this input, and does not only take whatever comes."""
        return name in inspect.signature(self.own.forward).parameters

    @property
    def n_token_ids(self) -> int | None:
        """How many token ids the model knows; None where it, or one inside it, names no table."""
        table = self.token_table
        return None if table is None else table.num_embeddings

    @property
    def token_table(self) -> nn.Embedding | None:
        """The embeddings of the token ids; None where the model, or one inside it, names none."""
        for module in cast("Iterable[Any]", self.own.modules()):
            if hasattr(module, "get_input_embeddings"):
                try:
                    table = module.get_input_embeddings()
                except (AttributeError, NotImplementedError):  # of characters that are hashed
                    return None
                return table if isinstance(table, nn.Embedding) else None
        return None

    def _position_table(self) -> nn.Embedding | None:
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Embedding) and name.endswith(("position_embeddings", "wpe")):
                return module
        return None

    def call(self, inputs: ModelInputs, **options: Any) -> Any:
        """What the model returns; it is called in no other way.

        Args:
            inputs: What it is called with, a row for each item; positions that were kept do not
                reach it, its own table is asked for them.
            options: More of its arguments.

        Raises:
            ValueError: If it fails; the message has its own error and what it was called with.
        """
        # What was made in inference mode cannot be kept for a backward pass.
        own = {n: v.clone() if v.is_inference() else v for n, v in inputs.items() if n != KEPT}
        kept, table = inputs.get(KEPT), self._position_table()

        def enter(_: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            counted: Tensor = next(iter([*args, *kwargs.values()]))
            return run(
                kept if kept is not None and counted.shape[-1] == kept.shape[-1] else counted
            )

        tables = [] if kept is None or table is None else [table]
        try:
            with blocks.intercept_each(tables, enter):
                return self.model(**own, **options)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            if isinstance(error, ValueError) and _is_ours(error):
                raise
            given = ", ".join(f"{name} {tuple(value.shape)}" for name, value in own.items())
            raise ValueError(
                f"model must answer what it is called with, {given}, but {type(self.own).__name__} "
                f"failed: {type(error).__name__}: {shown(str(error), 200)}"
            ) from error

    def preserve(self) -> AbstractContextManager[None]:
        """Evaluation mode and no parameter gradients; everything as before on leaving.

        Raises:
            ValueError: If the weights are not what they were when the model was given.
        """
        check_weights(self.model)
        return preserve_model(self.model)

    def to_device(self, inputs: ModelInputs) -> dict[str, Tensor]:
        """Inputs where the weights are.

        Raises:
            ValueError: If there is a token that the model has no embedding for.
        """
        ids, known = inputs.get("input_ids"), self.n_token_ids
        if ids is not None and known is not None and int(ids.max()) >= known:
            raise ValueError(
                f"processor must be the model's own tokenizer, but of this one the text has the "
                f"token {int(ids.max())}, and the model knows {known}. Load both from one place."
            )
        return {name: value.to(self.placement[1]) for name, value in inputs.items()}

    def predict(self, inputs: ModelInputs) -> Tensor:
        """Logits (batch, classes) of a plain forward pass."""
        with torch.no_grad():
            return logits_of(self.model, self.call(inputs))

    def class_names(self, n_classes: int) -> tuple[str, ...]:
        """(C,) the classes' names, or their numbers; two of one name with their number behind it.

        Raises:
            ValueError: If ``labels`` were given, and not one for each class.
        """
        named, given = self.labels, self.given_labels
        if given is not None and sorted(given) != [*range(n_classes)]:
            raise ValueError(
                f"labels must name each of the model's {n_classes} classes, got {len(given)}: "
                f"{list(given.values())!r:.80}."
            )
        return distinct_names([named.get(index, str(index)) for index in range(n_classes)])

    def probabilities(self, logits: Tensor) -> Array:
        """(C,) what one input's logits (C,) say of each class; of a measured one its value."""
        classes, values = self.classes(len(logits)), logits
        if classes != "measured":
            apart = classes == "independent"
            values = torch.sigmoid(logits) if apart else torch.softmax(logits, dim=0)
        return np.asarray(values.double().cpu().numpy())

    def _stated(self, name: str) -> Any:
        if name in (of_head := getattr(self.model, "class_config", {})):
            return of_head[name]
        config = getattr(self.model, "config", None)
        return config.get(name) if isinstance(config, Mapping) else getattr(config, name, None)


class BlockModel(Classifier):
    """A classifier seen as a chain of blocks that can be entered anywhere.

    Args:
        model: A torch classifier that returns logits (batch, classes).
        path: Where its list of blocks is, such as "encoder.layer"; found by itself when None.
        labels: As for :class:`Classifier`.

    Attributes:
        joins: Whether points of several layers may share a pass; known once one was traced.
        past_blocks: The part of the change of the logits from the first baseline to the first input
            that passed the blocks by.
        has_kinks: Whether its gradients may jump, as behind a ReLU; known once one was traced.

    Raises:
        TypeError: If ``model`` is not a torch module.
        ValueError: As :class:`Classifier`, or if ``path`` names no module list.
    """

    def __init__(
        self,
        model: nn.Module,
        path: str | None = None,
        labels: Sequence[str] | Mapping[Any, str] | None = None,
    ) -> None:
        super().__init__(model, labels)
        self.path = path
        self._learn_anew()

    def _learn_anew(self) -> None:
        """Forget what was found out about the model."""
        self._module_ids = [*map(id, self.model.modules())]
        self._blocks = None if self.path is None else blocks.blocks_at(self.own, self.path)
        self._around: Sequence[nn.Module] = ()
        self._beside: Sequence[Sequence[nn.Module]] = ()
        self._sizes: Sequence[int] = ()
        self._cells: dict[Any, Cells] = {}
        self._recorded: list[Any] = []
        self._pooled = PooledBlock()
        self._lengths: set[int] = set()
        self._listener: Callable[..., Attention] | None = None
        self._attending: Sequence[int] = ()
        self._routing = Routing()
        self._checked = False
        self._lent: ModelInputs | None = None
        self._moves: bool | None = None
        self.joins, self.has_kinks = True, False
        self.past_blocks = 0.0

    def preserve(self) -> AbstractContextManager[None]:
        """As :meth:`Classifier.preserve`; a model with other parts than before is learned anew."""
        if self._module_ids != [*map(id, self.model.modules())]:
            self._learn_anew()
        return super().preserve()

    @property
    def n_layers(self) -> int | None:
        """How many blocks run; known once one was traced, or where the configuration says it."""
        stated = getattr(getattr(self.own, "config", None), "num_hidden_layers", None)
        return len(self._recorded) or (stated if isinstance(stated, int) else None)

    @property
    def routes(self) -> bool:
        """Whether blocks choose what they compute, as experts; known once one was traced."""
        return self._routing.is_met

    @property
    def layer_config(self) -> dict[str, int]:
        """What the configuration of an explanation says of the layers; nothing of one chain."""
        return {}

    @property
    def batches(self) -> bool:
        """Whether several inputs may share a pass; known once one was traced."""
        carried = (blocks.parts_returned(output)[1:] for output in self._recorded)
        return self.joins and self._checked and not any(map(blocks.batch_sizes, carried))

    def block_size(self, inputs: ModelInputs) -> int:
        """Weights of a block."""
        return _count_weights(self.find(inputs)[0])

    def predict(self, inputs: ModelInputs) -> Tensor:
        """Logits (batch, classes) of a plain forward pass."""
        first = next(iter(inputs.values()))
        self.begin_pass(first.numel() // (1 if first.ndim == 2 else PIXELS))
        return super().predict(inputs)

    def forward(
        self,
        inputs: ModelInputs,
        baselines: ModelInputs | None = None,
        *,
        attention: bool = True,
        frugal: bool = False,
        hold: bool = True,
    ) -> Forward:
        """One forward pass over the items and their baselines, held for its backward pass.

        Baselines lend what enters the first block, and other chains that read the text; all else
        (mask, pooled position) is the item's own, as in ``replay``.

        Args:
            inputs: What the model is called with, a row for each item.
            baselines: The same for their baselines, or None for none.
            attention: Whether attention is heard, in the blocks that have any.
            frugal: Whether attention stays fused, its matrices being formed one head at a time,
                and blocks are computed again for the backward pass: slower, in far less memory.
            hold: Whether what blocks choose for an item, as experts, holds for its baseline too,
                and for all points that are replayed afterwards.

        Raises:
            ValueError: If the blocks are not found or cannot be entered.
        """
        n_items = len(next(iter(inputs.values())))
        sides = [inputs] if baselines is None else [inputs, baselines]
        starts = [self.entering_states(side) for side in sides]
        self._lent = None if self._checked else baselines
        self._sizes = [state.shape[1] for state in starts[0]]
        entering = torch.cat([torch.cat(start, dim=1) for start in starts]).requires_grad_()
        cells = self.cells(inputs)
        own = self.model, self._around, n_items, cells

        def run(way: Attention, frugal: bool) -> Forward:
            self._routing.begin(self._sizes[0], hold)
            return self._run_forward(inputs, entering, way, frugal)

        def hear() -> Forward:
            if not attention:
                return run(Attention(*own), frugal)
            if frugal and cells.grid is None:  # matrices of windows are small
                found = run(Fused(*own), True)
                if [*found.attention.layers] == [*(self._attending or range(len(found.outputs)))]:
                    return found
                del found  # torch's kernel was never called: attention must be written out
            if self._listener is None:
                self._listener = self._find_listener(own, run)
            found = run(self._listener(*own), False)
            self._attending = tuple(found.attention.layers)
            return found

        found = hear()
        if self._routing.must_repeat(hold):
            del found
            found = hear()
        return found

    def _find_listener(
        self, own: Any, run: Callable[[Attention, bool], Forward]
    ) -> Callable[..., Attention]:
        """The first way to hear attention that hears it in every block; else in most of them."""
        most, best = -1, cast("Callable[..., Attention]", Attention)
        ways: Sequence[Callable[..., Attention]] = (
            Eager, partial(Eager, inside=True), Fused, Attention,
        )  # fmt: skip
        for way in ways:
            try:
                found = run(way(*own), False)
            except ValueError:
                if way is Attention:
                    raise
                continue
            if len(found.attention.layers) > most:
                most, best = len(found.attention.layers), way
            if most == len(found.outputs):
                break
        return best

    def replay(
        self, inputs: ModelInputs, points: Points, *, frugal: bool = False, hold: bool = True
    ) -> Tensor:
        """Logits when points enter blocks of the items that were traced last.

        Points of the lowest layer go through its block; those of the layers above join them on
        their way. Blocks below are not computed, and of the last block only what is read.

        Args:
            inputs: What the model is called with, a row for each item.
            points: The hidden states, at layers 0 ... L; L replaces what leaves the last block.
                Gradients flow into them.
            frugal: Whether blocks are computed again for the backward pass, in less memory.
            hold: Whether what blocks choose holds, where it was held in the trace.

        Returns:
            (all points, classes) logits, in the order of ``points.items``.
        """
        n_all, first = len(points.items), min(points.hidden)
        modules = self.find(inputs)
        self.begin_pass(n_all * points.hidden[first].shape[1])
        states = {layer: self.split(points.hidden[layer]) for layer in sorted(points.hidden)}
        own = {layer: parts[0] for layer, parts in states.items()}
        others = (parts[1:] for parts in states.values())
        beside = [torch.cat(parts) for parts in zip(*others, strict=True)]

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            if index < first:
                here = index + 1 == first and first not in modules.starts
                joined = own[first] if here else None
                passed = blocks.hidden_of(args, kwargs) if joined is None else joined
                return blocks.with_output_hidden(self._recorded[index], passed)
            before = () if index == first else (blocks.hidden_of(args, kwargs),)
            joining = (own[index],) if index in own else ()
            hidden = torch.cat([*before, *joining]) if before and joining else (before + joining)[0]
            args, kwargs = blocks.replace_hidden(args, kwargs, hidden)
            if len(hidden) < n_all:
                args, kwargs = blocks.first_rows((args, kwargs), len(hidden), n_all)
            if hold:
                run = self._routing.replayed(index, run, points.items[: len(hidden)])
            output = self.run_block(index, run, args, kwargs, frugal)
            if index + 1 == len(self._recorded) and index + 1 in own:
                left = torch.cat([blocks.returned_hidden(output), own[index + 1]])
                output = blocks.with_output_hidden(output, left)
            return output

        with (
            blocks.intercept_calls(modules, enter),
            blocks.replaced_states(self._beside, beside),
        ):
            return logits_of(self.model, self.call(rows_for(inputs, points.items)))

    def gradients(
        self, inputs: ModelInputs, points: Points, score: ScoreFn, *, frugal: bool = False
    ) -> dict[int, Tensor]:
        """∂score/∂hidden for every point.

        Returns:
            Layer -> (targets, points, tokens, hidden).
        """
        if len(points.hidden) > 1 and len(points.items) in self._lengths:
            # So many rows could not be told from what is not a row: one layer after the other.
            sizes = [len(hidden) for hidden in points.hidden.values()]
            singly = zip(points.hidden.items(), points.items.split(sizes), strict=True)
            parts = (Points({layer: hidden}, items) for (layer, hidden), items in singly)
            alone = (self.gradients(inputs, part, score, frugal=frugal) for part in parts)
            return {layer: g for one in alone for layer, g in one.items()}
        leaves = {layer: h.detach().requires_grad_() for layer, h in points.hidden.items()}
        logits = self.replay(inputs, Points(leaves, points.items), frugal=frugal)
        found = gradients_of(score(logits, points.items), leaves.values())
        if frugal:
            release_memory()
        return dict(zip(leaves, found, strict=True))

    def passage(
        self,
        inputs: ModelInputs,
        hidden: Tensor,
        *,
        item: int,
        score: ScoreFn,
        also: Iterable[Tensor] = (),
    ) -> list[tuple[Tensor, Tensor]]:
        """What points at the embeddings of one item become on their way to the score.

        Returns:
            L + 1 pairs of h_b (batch, tokens, hidden) and ∂score/∂h_b (targets, batch, tokens,
            hidden); and a pair for each weight in ``also``, which must require a gradient.
        """
        items = torch.full((len(hidden),), item)
        start = hidden.detach().requires_grad_()
        with blocks.record_calls(self.find(inputs)) as calls:
            logits = self.replay(inputs, Points({0: start}, items))
        own = [*(call.hidden for call in calls), calls[-1].returned]
        found = gradients_of(score(logits, items), [*own, start, *also])
        n, n_blocks = self._sizes[0], len(own)
        beside = [found[n_blocks][..., n:, :]] if self._beside else []
        layers = [*_join_each(own, [start[:, n:]] if beside else []), *also]
        gradients = [*_join_each(found[:n_blocks], beside), *found[n_blocks + 1 :]]
        return [(h.detach(), g) for h, g in zip(layers, gradients, strict=True)]

    def attentions(self, inputs: ModelInputs, *, frugal: bool = False) -> list[Tensor]:
        """L tensors (items, cells, cells): attention probabilities, the mean of the heads."""
        modules, cells = self.find(inputs), self.cells(inputs)
        eager = Eager(self.model, self._around, 0, cells)
        run = partial(self.call, inputs)
        fused = frugal and cells.grid is None
        return mean_attentions(eager, modules, lambda more: run(**more), fused)

    def find(self, inputs: ModelInputs) -> blocks.Chain:
        """The blocks, looked for once."""
        if self._blocks is None or not self._around:

            def run() -> Tensor:
                return logits_of(self.model, self.call(inputs))

            n_rows = len(next(iter(inputs.values())))
            chain = self._blocks or blocks.find_blocks(self.model, run, n_rows)
            with torch.no_grad():
                found = chain if chain.starts else blocks.blocks_of_stages(chain, run)
                found.swapped = blocks.exchanged_axes(found, inputs, self.call)
            around = blocks.enclosing_modules(self.model, found)
            beside = self._beside
            if "input_ids" in inputs:
                with torch.enable_grad():
                    beside = blocks.find_readers(self.model, found, partial(self.call, inputs))
                beside = [*beside, *blocks.find_aside(found, partial(self.predict, inputs))]
            # Together: interrupted in between, stages would be taken for blocks.
            self._blocks, self._around, self._beside = found, around, beside
        return self._blocks

    def chains(self, inputs: ModelInputs) -> Sequence[Sequence[nn.Module]]:
        """The blocks, and other chains that read the text."""
        return [self.find(inputs), *self._beside]

    def entering_states(self, inputs: ModelInputs) -> list[Tensor]:
        """(rows, tokens, hidden) what enters the first block, and other chains that read the text.

        Raises:
            ValueError: If the states are no tokens', or not of one width.
        """
        found = blocks.entering_states(self.chains(inputs), partial(self.predict, inputs))
        blocks.check_states(found[0], inputs)
        if len(widths := {state.shape[2] for state in found}) > 1:
            raise ValueError(
                "model must have one width in its encoder and its decoder, which reads the text "
                f"too, got {sorted(widths)}."
            )
        return found

    def split(self, hidden: Tensor) -> Sequence[Tensor]:
        """(rows, all tokens, hidden) as the blocks' own tokens, and those of other chains."""
        return hidden.split(self._sizes, dim=1) if self._beside else (hidden,)

    def explained_tokens(self, hidden: Tensor) -> Tensor:
        """(rows, tokens, hidden) of those among all tokens that an explanation is about."""
        return self.split(hidden)[0]

    def last_tokens(self, hidden: Tensor) -> Tensor:
        """(..., tokens, hidden) of those among all tokens that the last block works on."""
        return hidden[..., : self._sizes[0], :]

    def token_columns(self, inputs: ModelInputs) -> list[Tensor]:
        """For the blocks and for each other chain the column of ``inputs`` that each token is.

        Returns:
            (tokens,) columns, -1 for a token that the model adds by itself.

        Raises:
            ValueError: If that cannot be told.
        """
        mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
        longest = int(mask.sum(dim=1).argmax())
        one = {name: value[longest : longest + 1] for name, value in inputs.items()}
        ids = one["input_ids"]
        other = _exchanged(ids)

        def run(rows: Tensor) -> Sequence[Tensor]:
            items = torch.zeros(len(rows), dtype=torch.long)
            return self.entering_states({**rows_for(one, items), "input_ids": rows})

        columns = [one for one in columns_of(ids, other, run) if one is not None]
        if len(columns) <= len(self._beside) or (
            columns[0][columns[0] >= 0].tolist() != [*range(ids.shape[1])]
        ):
            n_places = self.entering_states(one)[0].shape[1]
            raise ValueError(
                f"model must read each of the text's {ids.shape[1]} tokens as one, in their order, "
                f"but {n_places} places enter its first block, and of these it cannot be told "
                "which token each stands for: what mixes tokens before its blocks cannot be "
                "explained token by token."
            )
        return columns

    def block_paths(self, inputs: ModelInputs) -> tuple[str, ...]:
        """Dotted paths of the blocks in the user's model, from below."""
        names = {id(module): name for name, module in self.own.named_modules()}
        return tuple(names[id(block)] for block in self.find(inputs))

    def cells(self, inputs: ModelInputs) -> Cells:
        """The tokens in which inputs of this shape are explained."""
        shape = tuple((name, *value.shape[1:]) for name, value in inputs.items())
        if next(iter(inputs.values())).ndim == 2:  # token ids
            return self._text_cells(inputs, shape)
        if shape not in self._cells:
            one = {name: value[:1] for name, value in inputs.items()}
            self._cells[shape] = cells_of(self.find(inputs), lambda: self.predict(one))
        return self._cells[shape]

    def _text_cells(self, inputs: ModelInputs, shape: Any) -> Cells:
        """Where other chains read the text, what they say goes to the blocks' own tokens."""
        if not self._beside:
            return Cells()
        mask = inputs.get("attention_mask")
        if mask is not None and not mask.all():
            self._refuse_moving_tokens(inputs, mask)
        if shape not in self._cells:
            own, *others = self.token_columns(inputs)
            n = len(own)
            place = {column: i for i, column in enumerate(own.tolist()) if column >= 0}
            named = [place.get(column, -1) for other in others for column in other.tolist()]
            self._cells[shape] = TwiceRead(n, torch.tensor([*range(n), *named]))
        return self._cells[shape]

    def _refuse_moving_tokens(self, inputs: ModelInputs, mask: Tensor) -> None:
        """Refuse padded texts where a token's place in another chain goes with its text's length.

        A decoder may begin with the last token of the text, wherever that is.

        Raises:
            ValueError: If it does.
        """
        if self._moves is None:
            row, width = int(mask.sum(dim=1).argmin()), mask.shape[1]
            n = int(mask[row].sum())
            own = {name: value[row : row + 1] for name, value in inputs.items()}
            short = {
                name: value[:, :n] if value.ndim > 1 and value.shape[1] == width else value
                for name, value in own.items()
            }
            pairs = zip(self.token_columns(inputs), self.token_columns(short), strict=True)
            self._moves = any(not torch.equal(long[: len(own)], own) for long, own in pairs)
        if self._moves:
            raise ValueError("padding moves the tokens that another chain of the model reads")

    def _run_forward(
        self, inputs: ModelInputs, entering: Tensor, attention: Attention, frugal: bool
    ) -> Forward:
        """What a forward pass meets when ``entering`` enters the first block.

        Args:
            inputs: The items' inputs.
            entering: (rows, all tokens, hidden); those of the items first.
            attention: How attention is heard.
            frugal: Whether blocks are computed again for the backward pass; their maps are not
                watched then.

        Raises:
            ValueError: If what enters the first block is random.
        """
        items = torch.arange(len(entering)) % attention.n_items
        modules = self.find(inputs)
        self.begin_pass(entering.shape[0] * entering.shape[1])
        start, *beside = self.split(entering)
        hidden: list[Tensor] = []
        outputs: list[Any] = []
        last: dict[nn.Module, Tensor] = {}
        row_bytes: list[int] = []
        lengths: set[int] = set()

        def enter(index: int, run: blocks.Run, args: Any, kwargs: Any) -> Any:
            nonlocal last
            if index == 0:
                n_items = attention.n_items
                same = blocks.hidden_of(args, kwargs)[:n_items], start[:n_items]
                if not blocks.are_close(*same):
                    raise ValueError(
                        "model must give the same hidden states each time, but what enters its "
                        "first block is random. Fix its noise."
                    )
                args, kwargs = blocks.replace_hidden(args, kwargs, start)
            attention.layer = index
            hidden.append(blocks.hidden_of(args, kwargs))
            lengths.update(blocks.batch_sizes((args, kwargs)))
            block = modules[index % len(modules)]
            measured = saved_bytes(block) if index == 0 else nullcontext([0])
            if frugal:
                attention.layer = -1  # one row more, to be measured: nobody listens
                small, named = blocks.first_rows((args, kwargs), 1, len(items))
                with measured as saved:
                    if index == 0:
                        run(*small, **named)
                attention.layer = index
                run = self._routing.traced(index, run, attention.n_items, len(items))
                outputs.append(checkpoint(run, *args, use_reentrant=False, **kwargs))
            else:
                run = self._routing.traced(index, run, attention.n_items, len(items))
                with measured as saved, linear_outputs(block) as linear, attention.within(block):
                    outputs.append(run(*args, **kwargs))
                saved[0] //= len(items)
                own = blocks.returned_hidden(outputs[-1]).shape[:2]
                last = {m: f[0] for m, f in linear.items() if is_by_token(f, own)}
            row_bytes.append(saved[0])
            return outputs[-1]

        with attention.configured():
            with (
                attention.listening() as options,
                blocks.intercept_calls(modules, enter),
                blocks.replaced_states(self._beside, beside),
            ):
                logits = logits_of(self.model, self.call(rows_for(inputs, items), **options))
            hidden.append(blocks.returned_hidden(outputs[-1]))
            attention.hear_blocks(outputs)
        return Forward(
            self, inputs, items, logits, hidden, beside, outputs, last, lengths - {len(items)},
            row_bytes[0] * len(outputs), attention,
        )  # fmt: skip

    def begin_pass(self, n_tokens: int) -> None:
        """Let an interrupt through that was held, and take as many threads as pay."""
        raise_held()
        if self.placement[1].type == "cpu":
            fit_threads(n_tokens * _count_weights(self._blocks[0]) if self._blocks else 0)

    def run_block(self, index: int, run: blocks.Run, args: Any, kwargs: Any, frugal: bool) -> Any:
        """A block's own computation; of the last one, only what is read."""

        def compute(*args: Any, **kwargs: Any) -> Any:
            with self._pooled.narrowed() if index + 1 == len(self._recorded) else nullcontext():
                return run(*args, **kwargs)

        computed = partial(checkpoint, compute, use_reentrant=False) if frugal else compute
        return computed(*args, **kwargs)

    def learn(
        self, forward: Forward, trace: Trace, inner: Sequence[Sequence[Tensor | None]]
    ) -> None:
        """Take from a trace what replaying needs to know.

        Args:
            forward: The forward pass.
            trace: What came of it.
            inner: For each target ∂score/∂output of each of the last block's linear maps.

        Raises:
            ValueError: If something flows past the hidden states of a block.
        """
        outputs, inputs = forward.outputs, forward.inputs
        if any(len(blocks.parts_returned(output)) > 1 for output in outputs):
            # What a block returns beside its hidden state may depend on the request.
            with blocks.record_calls(self.find(inputs)) as calls:
                self.predict(inputs)
            outputs = [call.output for call in calls]
        self._recorded = [blocks.with_output_hidden(output, None) for output in outputs]
        self._lengths = forward.lengths
        self._pooled = PooledBlock.of(
            forward.linear, inner, self.last_tokens(trace.hidden_gradients[-1])
        )
        if not self._checked:
            self.past_blocks = self._measure_past_blocks(inputs, trace)
            self.joins = self._layers_join(inputs, forward.items, trace)
            self.has_kinks = has_kinks(forward.logits)
            self._checked = len(trace.logits) > 1

    def _measure_past_blocks(self, inputs: ModelInputs, trace: Trace) -> float:
        """The part of the change from baseline to input that enters past the blocks.

        It is measured in the logits of the first item: with the baseline's states in the blocks,
        how far do they move when all else is the baseline's too?

        Raises:
            ValueError: If it is more than :data:`PAST_BLOCKS`.
        """
        one = {name: value[:1] for name, value in inputs.items()}
        if "input_ids" in inputs:
            alone, whole = self._logits_of_text_beside(one)
        elif self._lent is not None:
            n_items = len(next(iter(inputs.values())))
            other = {name: value[:1] for name, value in self._lent.items()}
            alone, whole = trace.logits[n_items : n_items + 1], self.predict(other)
        else:
            return 0.0
        moved = float((whole - alone).norm())
        change = float((trace.logits[:1] - alone).norm())
        if moved <= 1e-6 * float(alone.norm()):
            return 0.0
        share = moved / max(change, 1e-6 * moved)
        what = "text" if "input_ids" in inputs else "picture"
        part = f"{100 * share:.2g} %" if share < 1 else f"{share:.3g} times as much"
        if share > PAST_BLOCKS:
            raise ValueError(
                f"model must read the {what} through its blocks alone, but {part} of the change "
                f"from the baseline to this {what} enters past them, and at most "
                f"{100 * PAST_BLOCKS:.0f} % may: it would be missing. Let what reads the {what} "
                "beside them be a block too, or remove it."
            )
        if share > SMALL_PART:
            warn_user(
                f"{part} of the change from the baseline to the {what} enters past the model's "
                "blocks, and no layer shows it."
            )
        return share

    def _logits_of_text_beside(self, one: ModelInputs) -> tuple[Tensor, Tensor]:
        """One text's logits, the baseline's states being in the blocks, and then beside them too.

        What is looked up for a text is watched, so that all else, as the position that is pooled,
        stays the text's own.
        """
        chains = self.chains(one)
        ids = one["input_ids"]
        other = {**one, "input_ids": ids.flip(1)} if self._lent is None else self._lent
        other = {name: value[:1] for name, value in other.items()}
        states = [state.detach() for state in self.entering_states(other)]

        def looked_up(inputs: ModelInputs, instead: Sequence[Tensor] = ()) -> tuple[Tensor, Any]:
            with (
                torch.enable_grad(),
                LookUps(instead) as seen,
                blocks.replaced_states(chains, states),
            ):
                logits = logits_of(self.model, self.call(inputs))
            return logits, seen.found

        alone, found = looked_up(one)
        if not alone.requires_grad:
            return alone, alone
        weights = torch.arange(1, alone.shape[1] + 1).to(alone)
        flows = gradients_of((alone @ weights)[:, None], [values for _, values in found])
        if not any(flow.any() for flow in flows):
            return alone.detach(), alone.detach()
        others = looked_up(other)[1]
        whole, _ = looked_up(one, [values.detach() for _, values in others])
        return alone.detach(), whole.detach()

    def _layers_join(self, inputs: ModelInputs, items: Tensor, trace: Trace) -> bool:
        """Whether points of several layers may share a pass: replaying the trace gives it again.

        Args:
            inputs: What was traced.
            items: (rows,) the item of each row.
            trace: What it gave.

        Raises:
            ValueError: If not all that the model computes from a block on follows from what
                enters the block.
        """

        def agrees(layers: Sequence[int]) -> bool:
            # Rows change places, so that what one pass left behind does not fit the next.
            flips = [(0,) if layer % 2 else () for layer in layers]
            hidden = {b: trace.hidden_states[b].flip(f) for b, f in zip(layers, flips, strict=True)}
            points = Points(hidden, torch.cat([items.flip(f) for f in flips]))
            with torch.no_grad():
                logits = torch.split(self.replay(inputs, points), len(items))
            expected = [trace.logits.flip(f) for f in flips]
            return all(map(blocks.are_close, logits, expected))

        n_layers = len(trace.hidden_states)
        for layer in range(n_layers):
            if not agrees([layer]):
                raise ValueError(
                    f"model must compute the same from block {layer} on, given what entered it, "
                    f"but something passes its blocks by; they must be {blocks.WANTED}"
                )
        try:
            middle = n_layers // 2
            return agrees(sorted({0, 1, middle, min(middle + 1, n_layers - 1), n_layers - 1}))
        except (RuntimeError, ValueError, TypeError, IndexError):
            return False


def index_labels(named: Any, what: str) -> dict[int, str]:
    """Names of classes by index, from a list of them or a mapping, whose keys may be text.

    Args:
        named: The list or the mapping.
        what: What the message calls it.

    Raises:
        TypeError: If it is neither.
        ValueError: If an index is no whole number from 0.
    """
    if isinstance(named, str) or not isinstance(named, (Mapping, Sequence)):
        raise TypeError(
            f"{what} must be a list of the classes' names, or names by index, got {named!r:.60}."
        )
    pairs = named.items() if isinstance(named, Mapping) else enumerate(named)
    found = {}
    for key, name in pairs:
        try:
            index = int(key) if isinstance(key, str) else operator.index(key)
        except (TypeError, ValueError):
            index = -1
        if index < 0:
            raise ValueError(
                f"{what} must have the numbers of classes as its keys, 0, 1 and so on, got "
                f"{key!r:.60}. Name the classes by Explainer(..., labels=[...])."
            )
        found[index] = str(name)
    return found


def check_weights(model: nn.Module) -> None:
    """Refuse weights that cannot be integrated.

    Raises:
        ValueError: If they are on the meta device, in half precision, or made in inference mode.
    """
    weights = [p for p in model.parameters() if p.is_floating_point()]
    if any(p.is_meta for p in weights):
        raise ValueError(
            "model must have its weights loaded, got weights on the meta device. Load them "
            "with from_pretrained."
        )
    dtypes = {p.dtype for p in weights}
    if not dtypes or not dtypes <= {torch.float32, torch.float64}:
        got = ", ".join(sorted(str(d).removeprefix("torch.") for d in dtypes)) or "none"
        raise ValueError(
            f"model must have float32 or float64 weights, got {got}: half precision is too "
            "coarse to integrate. Load it with dtype=torch.float32, or call model.float()."
        )
    if any(p.is_inference() for p in weights):
        raise ValueError(
            "model must have weights that gradients can pass, got weights made within "
            "torch.inference_mode. Load it outside, or give copy.deepcopy(model), made outside."
        )


def logits_of(model: nn.Module, output: Any) -> Tensor:
    """The logits (batch, classes) in a model's output: a tensor, an object, a dict or a tuple.

    Raises:
        ValueError: If there are none.
    """
    logits = output if torch.is_tensor(output) else part_of(output, "logits")
    if not torch.is_tensor(logits) or logits.ndim != 2:
        got = f"logits of shape {tuple(logits.shape)}" if torch.is_tensor(logits) else "no logits"
        raise ValueError(
            "model must have a classification head that returns logits (batch, classes); "
            f"{type(model).__name__} returned {got}. Load it with "
            "AutoModelForSequenceClassification or AutoModelForImageClassification."
        )
    return logits


class LookUps(TorchFunctionMode):
    """Within, what embeddings give is held apart, so that gradients tell where it goes.

    Args:
        instead: What they give instead, one after the other, where it has the shape.

    Attributes:
        found: What was looked up, and what that gave.
    """

    def __init__(self, instead: Sequence[Tensor] = ()) -> None:
        super().__init__()
        self.instead = iter(instead)
        self.found: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Torch's hook into every call of its functions."""
        output = func(*args, **(kwargs or {}))
        if func is nn.functional.embedding:
            given = next(self.instead, None)
            fits = given is not None and given.shape == output.shape
            leaf = (given if fits and given is not None else output).detach().requires_grad_()
            self.found.append((args[0] if args else (kwargs or {})["input"], leaf))
            return leaf.clone()  # which may be added to in place
        return output


def _exchanged(ids: Tensor) -> Tensor:
    """Other token ids at every place, of those that the text has."""
    known = ids.unique()
    another = known[-1] if len(known) > 1 else (known[0] - 1).abs()
    return torch.where(ids == known[0], another, known[0])


def gradients_of(scores: Tensor, tensors: Iterable[Tensor]) -> list[Tensor]:
    """For each tensor the gradients of the scores (rows, targets), (targets, ...).

    A tensor that a score does not depend on has the gradient zero.
    """
    columns, tensors = scores.sum(dim=0).unbind(), list(tensors)
    found = [
        torch.autograd.grad(
            column, tensors, retain_graph=i + 1 < len(columns), materialize_grads=True
        )
        for i, column in enumerate(columns)
    ]
    return list(stack_targets(found))


def stack_targets(targets: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """For each layer (targets, ...); one target's tensors are not copied, they may be large."""
    layers = zip(*targets, strict=True)
    return tuple(one[0][None] if len(one) == 1 else torch.stack(one) for one in layers)


def _join_each(layers: Sequence[Any], beside: Sequence[Tensor]) -> Sequence[Any]:
    """Each layer's states or gradients (..., tokens, hidden), those beside it following."""
    if not beside:
        return layers
    return [one if one is None else torch.cat([one, *beside], dim=-2) for one in layers]


def rows_for(inputs: ModelInputs, items: Tensor) -> ModelInputs:
    """The items' inputs, a row for each of ``items``."""
    if all(len(value) == 1 for value in inputs.values()):
        return {name: value.expand(len(items), *value.shape[1:]) for name, value in inputs.items()}
    return {name: value[items.to(value.device)] for name, value in inputs.items()}


@contextmanager
def linear_outputs(block: nn.Module) -> Iterator[dict[nn.Module, list[Any]]]:
    """Everything that each linear map of the block returns within the context."""
    seen: dict[nn.Module, list[Any]] = {}

    def enter(module: nn.Module, run: blocks.Run, args: Any, kwargs: Any) -> Any:
        output = run(*args, **kwargs)
        seen.setdefault(module, []).append(output)
        return output

    with blocks.intercept_each([m for m in block.modules() if _is_linear(m)], enter):
        yield seen


def _is_ours(error: BaseException) -> bool:
    """Whether an error was raised by this package, and not in a model's own code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return str(name).partition(".")[0] == __name__.partition(".")[0]


def _count_weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def _is_linear(module: nn.Module) -> bool:
    """Whether a module without parts maps features to features by one matrix."""
    names = {name: parameter.ndim for name, parameter in module.named_parameters(recurse=False)}
    alone = next(module.children(), None) is None and not isinstance(module, nn.Embedding)
    return alone and names.get("weight") == 2 and set(names) <= {"weight", "bias"}


def is_by_token(outputs: Sequence[Any], own: tuple[int, ...]) -> bool:
    """Whether a module ran once and returned features of each token, (rows, tokens) as ``own``.

    A router of experts returns a tuple, or one row for each token of the whole batch.
    """
    one = outputs[0]
    by_token = torch.is_tensor(one) and one.ndim == 3 and one.shape[:2] == own
    return len(outputs) == 1 and by_token and one.requires_grad


def _positions_reached(gradients: Tensor) -> Tensor:
    """(tokens,) whether any of (..., tokens, features) is not zero there."""
    return (gradients != 0).any(dim=-1).flatten(end_dim=-2).any(dim=0)
