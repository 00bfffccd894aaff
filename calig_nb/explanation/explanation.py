"""What an explanation is: frozen, self-checking, read-only arrays. NumPy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from .._validation import instance_of, one_of, shown, whole_number
from . import fusion as fu
from .display import Shown
from .fusion import Channel, Fusion
from .methods import has_two_signals
from .schema import checked_fields
from .units import Granularity, Unit, merge_units, passage_ids

if TYPE_CHECKING:
    import pandas as pd


MOST_IMPLIED = 1 << 25
"""So many numbers of matrices between tokens are formed though none of them is held."""


class WordEvidence(NamedTuple):
    """A word of a text, and its evidence: positive for the target. A share."""

    word: str
    attribution: float


class Source(Protocol):
    """What made an explanation and still holds the model: it can be asked for more."""

    def explain_again(self, target: int, contrast: int | None) -> Explanation:
        """The same input and options about another class."""

    def attention_heads(self, layer: int) -> npt.NDArray[np.float32]:
        """(H, T, T) A ⊙ ∂f/∂A of one layer."""

    def check(self, explanation: Explanation, **options: Any) -> Any:
        """How far to trust the explanation, or the same under another λ."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Explanation(Shown):
    """Why a model gave one score to one text, layer by layer and token by token.

    Two units occur. ``layer_attributions`` are in units of the score f and complete: every layer
    sums to f(x) - f(x'). ``attributions``, ``supporting`` and ``opposing`` are shares: evidence
    relative to each layer's L1 mass, weighed and summed over the layers.

    A method with one signal has its map in row 0 of ``layer_attributions`` (above it, what the map
    is in upper layers, if it is anything there), no λ, and weights that read that row; f(x') is NaN
    where it has no baseline. If it is unsigned, nothing opposes, and rows are shares.

    Attributes:
        text: The explained text; of a pair both, a line break between them.
        tokens: (T,) pieces of the text, special tokens by name.
        special: (T,) True for special tokens.
        offsets: (T, 2) start and end of each token in ``text``.
        word_ids: (T,) number of each token's word; -1 for special tokens.
        sentence_ids: (T,) number of its sentence; -1 for special tokens.
        labels: (C,) the classes.
        probabilities: (C,) what the model says of the text; of a model that measures (regression)
            its values, in its own unit: see ``classes``.
        target: Index of the explained class.
        contrast: Index of the class it is set against, or None.
        score: f(x).
        baseline_scores: (L + 1,) f(x'); all the same unless the baseline is a hidden state.
        layer_attributions: (L + 1, T) r_b, signed, in units of f. Row b belongs to the hidden
            state that enters block b, row L to what leaves the last block.
        attention_relevance: (L, T, T) G_b, signed, in units of f; rows are queries.
        layer_weights: (L,) w_b in [0, 1].
        fusion: λ, γ and the form of the fusion.
        n_steps: (L + 1,) gradients evaluated for each layer.
        token_error: (L + 1,) estimated relative L1 error of the token values; NaN where the
            nodes were fixed.
        converged: (L + 1,) whether the tolerance was met.
        config: What else was asked and found, as plain values: method, output, baselines,
            tolerance, model, calibration, package version. Of a model that chooses experts also
            "routing", and as "routing_scores" what the choice brings beside each layer's
            attributions, in units of f.
        segment_ids: (T,) which of two texts each token belongs to, -1 for special tokens; None
            where there is one text.
        image: (height, width, 3) the explained picture as the model saw it, 0 ... 255; None for
            a text. ``text`` is then empty and each ordinary token a patch.
        grid: Rows and columns of patches, which the ordinary tokens fill row by row; or None.
        source: What made it and can be asked for more, by :meth:`ask`, :meth:`heads` and
            :meth:`check`; None for one that was saved.

    Example:
        >>> explanation
        Explanation(target='positive', score=1.90, tokens=13, layers=4, lam=0.5)
        >>> round(explanation['superb'], 1)
        1.2
        >>> for word, evidence in list(explanation)[:2]:
        ...     print(word, round(evidence, 2))
        The 0.01
        plot -0.1
    """

    text: str
    tokens: tuple[str, ...]
    special: npt.NDArray[np.bool_]
    offsets: npt.NDArray[np.int64]
    word_ids: npt.NDArray[np.int64]
    sentence_ids: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    probabilities: Array
    target: int
    contrast: int | None
    score: float
    baseline_scores: Array
    layer_attributions: Array
    attention_relevance: npt.NDArray[np.float32]
    layer_weights: Array
    fusion: Fusion
    n_steps: npt.NDArray[np.int64]
    token_error: Array
    converged: npt.NDArray[np.bool_]
    config: dict[str, Any]
    segment_ids: npt.NDArray[np.int64] | None = None
    image: npt.NDArray[np.uint8] | None = None
    grid: tuple[int, int] | None = None
    source: Source | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, value in checked_fields(vars(self)).items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        against = "" if self.contrast is None else f", contrast={self.labels[self.contrast]!r}"
        return (
            f"Explanation(target={self.target_name!r}{against}, score={self.score:.2f}, "
            f"tokens={len(self.tokens)}, layers={len(self.layer_weights)}, lam={self.fusion.lam})"
        )

    @property
    def drawn(self) -> Explanation:
        """What the views draw: this; of a long document, its phrases.

        Raises:
            ValueError: If matrices that hold nothing would take gigabytes.
        """
        self._refuse_huge_matrices()
        return self

    @property
    def target_name(self) -> str:
        """The explained class by name."""
        return self.labels[self.target]

    @property
    def classes(self) -> str:
        """What ``probabilities`` are.

        "exclusive": of classes of which one holds, which sum to 1; "independent": of classes each
        of which holds or not; "measured": no probabilities but the model's own values.
        """
        return str(self.config.get("classes", "exclusive"))

    @property
    def answer(self) -> str:
        """What the model says: the likeliest class, which all other tokens together are not.

        Of a model that measures, the value that was explained.
        """
        if self.classes == "measured":
            return self.target_name
        named = self.probabilities[: len(self.config.get("candidates", self.labels))]
        return self.labels[int(np.argmax(named))]

    @property
    def inputs(self) -> str | dict[str, Any]:
        """What was explained, as ``Explainer.explain`` takes it.

        A text; a pair of them; a text and its choices; or, of an encoder-decoder, the text and, as
        the prefix, its output so far.
        """
        split = self.config.get("split")
        if split is None:
            return self.text
        if "choices" in self.config:
            return {"text": self.text[:split], "choices": [*self.config["choices"]]}
        second = "prefix" if "n_output" in self.config else "text_pair"
        return {"text": self.text[:split], second: self.text[split + 1 :]}

    @property
    def layer_names(self) -> tuple[str, ...]:
        """(L + 1,) what each row of ``layer_attributions`` belongs to, from below.

        Of an encoder-decoder "encoder 0", ..., "decoder 0", ...: what enters that block, in its
        own chain. The last is what leaves the last block.

        Example:
            >>> explanation.layer_names
            ('layer 0', 'layer 1', 'layer 2', 'layer 3', 'output')
        """
        n = len(self.layer_weights)
        below = int(self.config.get("n_encoder_layers", 0))
        kinds = [("encoder", b) if b < below else ("decoder", b - below) for b in range(n)]
        named = [f"{kind} {b}" if below else f"layer {b}" for kind, b in kinds]
        return (*named, "output")

    @property
    def method(self) -> str:
        """The method's name; see :func:`calig_nb.methods`."""
        return str(self.config.get("method", "ca-lig"))

    @property
    def baseline_score(self) -> float:
        """f(x') at the embeddings; the baseline is not neutral as a rule."""
        return float(self.baseline_scores[0])

    @property
    def convergence_delta(self) -> Array:
        """(L + 1,) sum of each layer's attributions less f(x) - f(x'); 0 when exact."""
        change = self.score - self.baseline_scores
        return np.asarray(self.layer_attributions.sum(axis=1) - change)

    @property
    def words(self) -> tuple[str, ...]:
        """The ordinary words of the text, in reading order."""
        return tuple(unit.text for unit in self.units("word") if not unit.special)

    @property
    def word_attributions(self) -> Array:
        """(words,) evidence of each of :attr:`words`, that of its tokens summed. A share."""
        values = self.attributions
        own = (unit.tokens for unit in self.units("word") if not unit.special)
        return np.array([values[list(tokens)].sum() for tokens in own])

    @property
    def lam(self) -> float:
        """λ of the fusion; :meth:`with_lam` gives the same with another."""
        return self.fusion.lam

    def __iter__(self) -> Iterator[WordEvidence]:
        """The ordinary words in reading order, each with its evidence."""
        return map(WordEvidence, self.words, self.word_attributions.tolist())

    def __getitem__(self, word: str) -> float:
        """The evidence of a word, wherever it stands in the text: a sum of shares.

        Raises:
            TypeError: If it is not asked for by a word.
            ValueError: If the text has no such word.
        """
        return float(self.attributions[list(self.tokens_of(word))].sum())

    def tokens_of(self, word: str) -> tuple[int, ...]:
        """Indices of all tokens of a word, wherever it stands, whatever its case.

        Raises:
            TypeError: If ``word`` is not a text.
            ValueError: If the text has no such word.

        Example:
            >>> [explanation.tokens[i] for i in explanation.tokens_of('superb')]
            ['superb']
        """
        instance_of("word", word, str, "Numbers are for explanation.attributions and to_frame().")
        units = [unit for unit in self.units("word") if not unit.special]
        found = [unit for unit in units if unit.text.casefold() == word.strip().casefold()]
        if not found:
            raise ValueError(f"word must be one of {shown([*self.words], 200)}, got {shown(word)}.")
        return tuple(token for unit in found for token in unit.tokens)

    @property
    def passage_ids(self) -> npt.NDArray[np.int64]:
        """(T,) number of each token's passage, some sentences long; -1 for special tokens."""
        return passage_ids(self.text, self.offsets, self.sentence_ids)

    @property
    def pooled(self) -> npt.NDArray[np.bool_]:
        """(T,) positions that the classifier pools: those with relevance after the last block."""
        return np.asarray(self.layer_attributions[-1] != 0)

    @cached_property
    def _matrices(self) -> Array:
        self._refuse_huge_matrices()
        return fu.channels(
            self.layer_attributions, self.attention_relevance, self.layer_weights, self.fusion
        )

    @property
    def _has_implied_matrices(self) -> bool:
        """Whether G is one value that no memory holds, as in a method with one signal."""
        return not any(self.attention_relevance.strides)

    def _refuse_huge_matrices(self) -> None:
        """Refuse to form what would take gigabytes and says nothing."""
        size = self.attention_relevance.size
        if self._has_implied_matrices and size > MOST_IMPLIED:
            raise ValueError(
                f"The matrices between the {len(self.tokens)} tokens would take "
                f"{2 * 8 * size / 2**30:.1f} GiB, and method {self.method!r} says nothing there. "
                "Use top() or to_frame(), or explain a part of the text."
            )

    @cached_property
    def _evidence(self) -> Array:
        if self._has_implied_matrices and not self.attention_relevance.flat[0]:
            matrices = fu.diagonals(self.layer_attributions, self.layer_weights, self.fusion)
        else:
            matrices = self._matrices
        evidence = fu.evidence(matrices, self.fusion, self.pooled)
        evidence.setflags(write=False)
        return evidence

    @property
    def supporting(self) -> Array:
        """(T,) evidence of each token for the target, a share, non-negative."""
        return np.asarray(self._evidence[0])

    @property
    def opposing(self) -> Array:
        """(T,) evidence of each token against the target, a share, non-negative."""
        return np.asarray(self._evidence[1])

    @property
    def attributions(self) -> Array:
        """(T,) ``supporting - opposing``: positive speaks for the target. A share."""
        return self.supporting - self.opposing

    def rollout(self, layer: int | None = None, channel: Channel = "net") -> Array:
        """Evidence that each token (column) carried into each position (row): (T, T).

        Args:
            layer: After which block, 0 ... L - 1; the last by default.
            channel: "supporting" and "opposing" hold the residual diagonal of ones, which
                cancels in "net".

        Raises:
            ValueError: If there is no such layer or channel.

        Example:
            >>> explanation.rollout(layer=0).shape
            (13, 13)
        """
        one_of("channel", channel, get_args(Channel))
        last = len(self.layer_weights) - 1
        layer = last if layer is None else whole_number("layer", layer, 0, last)
        supporting, opposing = fu.signed_rollouts(self._matrices, self.fusion, layer + 1)
        parts = {"supporting": supporting, "opposing": opposing}
        return np.asarray(parts.get(channel, supporting - opposing))

    def ask(self, target: int, contrast: int | None = None) -> Explanation:
        """Why the model gives another class its score: the same input, the same options.

        Args:
            target: Index of the class.
            contrast: Index of the class to set it against, or None.

        Raises:
            ValueError: If a class does not fit, or the explanation came from a file: another
                class needs the model.

        Example:
            >>> explanation.ask(0).target_name
            'negative'
        """
        if self.source is None:
            raise ValueError(
                "another class needs the model, which a saved explanation has not: explain the "
                "text again."
            )
        return self.source.explain_again(target, contrast)

    @property
    def has_heads(self) -> bool:
        """Whether :meth:`heads` can be had: from one pass of a model that is still there."""
        return (
            self.source is not None
            and has_two_signals(self.method)
            and "windows" not in self.config
        )

    def heads(self, layer: int) -> npt.NDArray[np.float32]:
        """A ⊙ ∂f/∂A of one layer head by head, (H, T, T); their mean is ``attention_relevance``.

        They are formed when first asked for, by one more pass, and kept in the explainer's cache
        in half precision.

        Raises:
            ValueError: If there is no such layer, or the explanation came from a file: heads need
                the model.

        Example:
            >>> explanation.heads(layer=3).shape
            (6, 13, 13)
        """
        layer = whole_number("layer", layer, 0, len(self.layer_weights) - 1)
        if not has_two_signals(self.method):
            raise ValueError(f"heads belong to method 'ca-lig', this is {self.method!r}.")
        if "windows" in self.config:
            raise ValueError(
                f"heads belong to one pass, this text took {self.config['windows']}: explain a "
                "part of it that the model can read at once."
            )
        if self.source is None:
            raise ValueError(
                "heads need the model, which a saved explanation has not: explain the text again."
            )
        return self.source.attention_heads(layer)

    def with_lam(self, lam: float) -> Explanation:
        """The same evidence fused with another λ; nothing is computed anew.

        Where a method has one signal there is nothing to weigh, and all stays as it is.

        Raises:
            ValueError: If ``lam`` is outside [0, 1].

        Example:
            >>> explanation.with_lam(0.25).lam
            0.25
        """
        changed = dataclasses.replace(self.fusion, lam=lam)
        return self.with_fusion(changed) if has_two_signals(self.method) else self

    def with_fusion(self, fusion: Fusion) -> Explanation:
        """The same evidence under another form of the fusion.

        Raises:
            TypeError: If ``fusion`` is no :class:`Fusion`.

        Example:
            >>> explanation.with_fusion(cn.Fusion(gamma=0.5)).fusion.gamma
            0.5
        """
        instance_of("fusion", fusion, Fusion, "As in with_fusion(calig_nb.Fusion(gamma=0.5)).")
        return dataclasses.replace(self, fusion=fusion)

    def units(self, granularity: Granularity = "word") -> tuple[Unit, ...]:
        """The text in tokens, words, sentences or passages; special tokens stay by themselves.

        Raises:
            ValueError: If ``granularity`` is unknown.

        Example:
            >>> [unit.text for unit in explanation.units('sentence')]
            ['[CLS]', 'The plot is thin, but the acting is superb.', '[SEP]']
        """
        one_of("granularity", granularity, get_args(Granularity))
        ids = None if granularity == "token" else getattr(self, f"{granularity}_ids", None)
        return merge_units(granularity, self.text, self.tokens, self.special, self.offsets, ids)

    def answer_sign(self, target: int, contrast: int | None) -> int:
        """How this answers the question for a class: 1 it does, -1 mirrored, 0 it does not."""
        if (target, contrast) == (self.target, self.contrast):
            return 1
        if not self.config.get("antisymmetric", False):
            return 0
        if self.contrast is not None:
            return -1 if (target, contrast) == (self.contrast, self.target) else 0
        return -1 if len(self.labels) == 2 and (target, contrast) == (1 - self.target, None) else 0

    def block_matrices(self, layer: int) -> Array:
        """(2, T, T) M_b, what one block adds, for and against; of a signed fusion its halves."""
        self._refuse_huge_matrices()
        only = slice(layer, layer + 1)
        matrices = fu.channels(
            self.layer_attributions[only],
            self.attention_relevance[only],
            self.layer_weights[only],
            self.fusion,
        )[:, 0]
        if len(matrices) == 2:
            return np.asarray(matrices)
        return np.stack([np.maximum(matrices[0], 0), np.maximum(-matrices[0], 0)])

    def to_frame(self, granularity: Granularity | Literal["layer"] = "token") -> pd.DataFrame:
        """The numbers as a table.

        Args:
            granularity: "token", "word", "sentence" or "passage" gives a row for each, its
                evidence summed over its tokens, with one column of r_b for each layer; "layer"
                gives a row for each layer with its total, its error and what it took; of a model
                that chooses experts, also what the choice brings beside, in units of f.

        Raises:
            ValueError: If ``granularity`` is unknown.

        Example:
            >>> explanation.to_frame('word').shape
            (13, 10)
        """
        import pandas as pd

        from .table import Table

        one_of("granularity", granularity, (*get_args(Granularity), "layer"))
        if granularity == "layer":
            routing = self.config.get("routing_scores")
            without, layers = self.config.get("without_attention"), range(len(self.n_steps))
            return pd.DataFrame(
                {
                    "layer": np.array(layers),
                    "total": self.layer_attributions.sum(axis=1),
                    "convergence_delta": self.convergence_delta,
                    "token_error": self.token_error,
                    "n_steps": self.n_steps,
                    "converged": self.converged,
                    "layer_weight": [*self.layer_weights, np.nan],
                    **(
                        {"attention": [b not in {*without, layers[-1]} for b in layers]}
                        if without
                        else {}
                    ),
                    **({} if routing is None else {"routing": routing}),
                }
            )
        columns = {n: getattr(self, n) for n in ("attributions", "supporting", "opposing")}
        columns |= {f"layer_{b}": r for b, r in enumerate(self.layer_attributions)}
        return Table(
            {
                granularity: unit.text,
                "special": unit.special,
                **{name: values[list(unit.tokens)].sum() for name, values in columns.items()},
            }
            for unit in self.units(granularity)
        )

    def top(self, k: int = 10, granularity: Granularity = "word") -> pd.DataFrame:
        """The k ordinary words with most relevance, strongest first, whatever its sign.

        Raises:
            ValueError: If ``k`` is below 1.

        Example:
            >>> explanation.top(2)['word'].tolist()
            ['superb', 'thin']
        """
        k = whole_number("k", k, 1)
        one_of("granularity", granularity, get_args(Granularity))
        table = self.to_frame(granularity)
        table = table[~table["special"]][[granularity, "attributions", "supporting", "opposing"]]
        order = table["attributions"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order[:k]].reset_index(drop=True)
