"""Do the maps follow what the model learned, and nothing else? One call, one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._upward import import_upward
from .._validation import (
    instance_of,
    list_of,
    one_of,
    read_only,
    real_between,
    whole_number,
)
from ..attribution.request import Request
from ..explanation.formatting import printable, shorten
from ..explanation.methods import METHODS
from ..inputs.table import read_column
from ..inputs.text import TextInputs
from ..pipeline.explainer import Explainer
from .bootstrap import bootstrap
from .deletion import Scorer, ordinary_words, sum_by_unit
from .evaluate import MADE_BY
from .metrics import FEW
from .weight_randomization import copy_explainer, randomize_weights, shift_logits

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..pipeline.engine import Engine

Array = npt.NDArray[np.float64]

TRAINED = "as trained"
CHANGES = ("batch", "padding", "logit shift")
SHIFT = 3.0
MOST_SEED = 2**63 - 1
"""Larger numbers torch does not take."""
INVARIANT = 0.02
"""Relative change of a map up to which it counts as the same: twice the default tolerance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sanity:
    """How maps change with what they must follow, and with what they must not.

    Attributes:
        texts: (N,) what was explained.
        methods: (M,) names.
        depths: (D,) how far down the weights were drawn anew: "as trained", "head", "block L - 1"
            ... "block 0", "embeddings"; each with all before it.
        signed: (N, M, D) Spearman's correlation of the words' values with those of the trained
            model, for the same class.
        unsigned: (N, M, D) the same of their sizes.
        other_class: (N, M) the same between the maps of the predicted and of the next likely
            class; a map that follows the class is far below 1, for two classes near −1.
        changes: (N, M, 3) relative L1 change of a map when the text shares a pass with itself,
            when it is padded to twice its length, and when a constant is added to all logits; NaN
            where a model is never padded, or a method refuses the constant.
        seed: Of the weights and of the bootstrap.

    Example:
        >>> sanity.depths[:3]
        ('as trained', 'head', 'block 3')
    """

    texts: tuple[str, ...]
    methods: tuple[str, ...]
    depths: tuple[str, ...]
    signed: Array
    unsigned: Array
    other_class: Array
    changes: Array
    seed: int = 0

    def __post_init__(self) -> None:
        n, m, d = len(self.texts), len(self.methods), len(self.depths)
        shapes = {
            "signed": (n, m, d), "unsigned": (n, m, d), "other_class": (n, m),
            "changes": (n, m, len(CHANGES)),
        }  # fmt: skip
        for name, shape in shapes.items():
            object.__setattr__(self, name, read_only(name, getattr(self, name), shape))

    @cached_property
    def correlations(self) -> Array:
        """(2, 3, M, D) of signed values and of sizes: mean, lower and upper end over the texts."""
        both = [bootstrap(values, seed=self.seed) for values in (self.signed, self.unsigned)]
        return np.stack(both)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each method: correlation at each depth, with the other class, and changes."""
        import pandas as pd

        found = {f"r, {depth} drawn": self.signed[:, :, d] for d, depth in enumerate(self.depths)}
        found["r, other class"] = self.other_class
        found |= {f"change by {name}": self.changes[..., k] for k, name in enumerate(CHANGES)}
        rows = pd.Index(self.methods, name="method")
        columns = {}
        for name, values in found.items():
            worst = name.startswith("change")
            known = np.where(np.isfinite(values), values, -np.inf).max(axis=0)
            columns[name] = (
                np.where(np.isfinite(known), known, np.nan) if worst else bootstrap(values)[0]
            )
        return pd.DataFrame(columns, index=rows).drop(columns=f"r, {TRAINED} drawn")

    @property
    def text(self) -> str:
        """What was found, in words; a line for each method."""
        lines = []
        for j, method in enumerate(self.methods):
            mean, low, high = bootstrap(self.signed[:, j, -1], seed=self.seed)
            depends = "follows the weights" if low <= 0 or mean < 0.5 else "HARDLY follows them"
            other = bootstrap(self.other_class[:, j])[0]
            worst = self.changes[:, j][np.isfinite(self.changes[:, j])].max(initial=0.0)
            same = "stays" if worst <= INVARIANT else "CHANGES"
            name = shorten(printable(method))
            next_class = "" if np.isnan(other) else f"for the next likely class {other:+.2f}; "
            lines.append(
                f"{name} {depends}: with all of them random its map correlates "
                f"{mean:+.2f} [{low:+.2f}, {high:+.2f}] with the trained one's; "
                f"{next_class}in a batch, padded or with shifted logits it {same} the same (at "
                f"most {100 * worst:.2g} % apart)."
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Sanity({len(self.texts)} texts)\n{self.text}"

    def figure(self, **state: Any) -> Figure:
        """Correlation by depth with its interval; see :mod:`calig_nb.figures`.

        Example:
            >>> sanity.figure().savefig('sanity.pdf')
        """
        figure: Figure = import_upward("figures", "sanity_figure")(self, **state)
        return figure


def sanity(
    explainer: Explainer,
    texts: Sequence[str],
    *,
    methods: Sequence[str] = ("ca-lig",),
    tolerance: float = 0.01,
    seed: int = 0,
    progress: bool | None = None,
) -> Sanity:
    """Three sanity checks at once; the model itself is never touched, only a copy of it.

    Model randomisation: weights are drawn anew from the head down to the embeddings, each step
    on top of those before, and the same class is explained each time. A map that stays alike
    shows the text, not the model. Label randomisation: a trained model cannot be trained again
    on random labels here, so two substitutes are given: the map of the next likely class, and
    the first step above, a head that knows no labels. Input invariance: what must change nothing.

    Args:
        explainer: Whose model.
        texts: A handful; each of three words or more.
        methods: Names, see :func:`calig_nb.methods`.
        tolerance: Relative error at which integrals stop.
        seed: Of the weights and of the bootstrap.
        progress: A progress bar; by default only if it takes over two seconds.

    Returns:
        A :class:`Sanity`: correlations in [-1, 1] and relative changes; ``.text`` says them.

    Raises:
        TypeError, ValueError: If a text or a method cannot be served, or the model not copied.

    Source:
        Adebayo et al. (2018), arXiv:1810.03292, sections 4.1 and 4.2; Kindermans et al. (2019),
        arXiv:1711.00867, for the invariance.

    Example:
        >>> sanity = cn.sanity(explainer, ['A dull film.'], methods=['ig'], progress=False)
        >>> sanity.methods
        ('ig',)
    """
    from tqdm.auto import tqdm

    instance_of("explainer", explainer, Explainer, MADE_BY)
    texts = list_of("texts", read_column(texts, name="texts"), wanted := "at least one text")
    methods = list_of("methods", methods, named := "at least one name")
    for name, given, what in (("texts", texts, wanted), ("methods", methods, named)):
        if not given:
            raise TypeError(f"{name} must be a list of {what}, got none.")
    for method in methods:
        one_of("methods", method, tuple(METHODS))
    real_between("tolerance", tolerance, 0, 1, inside=True)
    seed = whole_number("seed", seed, 0, MOST_SEED)
    read = [explainer.engine.reader.read(text, f"texts[{i}]") for i, text in enumerate(texts)]
    for i, text in enumerate(read):
        if len(ordinary_words(text)) < FEW:
            raise ValueError(f"texts[{i}] must have at least {FEW} words, got {text.text!r:.60}.")
    scorer = Scorer(explainer.engine)
    logits = [scorer.logits([text.model_inputs])[0] for text in read]
    order = [row.argsort(descending=True).tolist() for row in logits]
    targets = [ranked[0] for ranked in order]
    twin = copy_explainer(explainer).engine

    def maps(method: str, classes: Sequence[int]) -> list[Array]:
        return [
            _map(twin, text, Request(target=target, method=method, tolerance=tolerance))
            for text, target in zip(read, classes, strict=True)
        ]

    delay, off = 0 if progress else 2, progress is False
    with tqdm(desc="sanity", unit="step", disable=off, delay=delay) as bar:
        trained = {method: maps(method, targets) for method in methods}
        bar.update()
        # Of multiple choice another class is another text, which has no map of this one.
        apart = all(len(ranked) > 1 for ranked in order) and not any(map(_is_choice, read))
        others = [ranked[1] for ranked in order] if apart else None
        opposite = {m: maps(m, others) if others else trained[m] for m in methods}
        bar.update()
        changes = [
            [
                _changes(twin, text, Request(target=target, method=m, tolerance=tolerance), own)
                for m, own in zip(methods, [trained[m][i] for m in methods], strict=True)
            ]
            for i, (text, target) in enumerate(zip(read, targets, strict=True))
        ]
        bar.update()
        cascade = {TRAINED: trained}
        first = twin.model.to_device(read[0].model_inputs)
        for depth in randomize_weights(twin.model, first, seed):
            cascade[depth] = {method: maps(method, targets) for method in methods}
            bar.update()
    pairs = [
        [[(trained[m][i], found[m][i]) for found in cascade.values()] for m in methods]
        for i in range(len(read))
    ]
    return Sanity(
        texts=tuple(text.text for text in read),
        methods=tuple(methods),
        depths=tuple(cascade),
        signed=np.array([[[spearman(a, b) for a, b in m] for m in i] for i in pairs]),
        unsigned=np.array(
            [[[spearman(np.abs(a), np.abs(b)) for a, b in m] for m in i] for i in pairs]
        ),
        other_class=np.array(
            [[spearman(trained[m][i], opposite[m][i]) for m in methods] for i in range(len(read))]
        )
        if others
        else np.full((len(read), len(methods)), np.nan),
        changes=np.array(changes),
        seed=seed,
    )


def spearman(a: Array, b: Array) -> float:
    """Pearson's correlation of ranks, equal values sharing theirs; 0 where one is flat."""
    ranks = [_ranks(values) for values in (a, b)]
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Array) -> Array:
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(count) - count
    ranks: Array = (below + (count - 1) / 2)[group]
    return ranks


def _map(engine: Engine, text: TextInputs, request: Request, *beside: TextInputs) -> Array:
    """The words' values, computed in one pass with the texts ``beside``."""
    texts = [text, *beside]
    found = engine.explain_together(texts, [[request]] * len(texts))[0][0]
    return sum_by_unit(found.attributions, ordinary_words(found))


def _changes(engine: Engine, text: TextInputs, request: Request, own: Array) -> list[float]:
    """How far the map moves with what it must not follow."""
    moved = []
    for beside in (text, _double(engine, text)):
        try:
            moved.append(None if beside is None else _map(engine, text, request, beside))
        except ValueError:  # this model's texts are never padded
            moved.append(None)
    handle = shift_logits(engine.model.model, SHIFT)
    try:
        moved.append(_map(engine, text, request))
    except ValueError:  # a method may refuse a constant that it has no rule for
        moved.append(None)
    finally:
        handle.remove()
    mass = np.abs(own).sum() or 1.0
    return [float("nan") if m is None else float(np.abs(m - own).sum() / mass) for m in moved]


def _double(engine: Engine, text: TextInputs) -> TextInputs | None:
    """The text twice over, where the model takes so much."""
    if engine.reader.is_of_pictures:
        return None
    try:
        return engine.reader.read(f"{text.text} {text.text}")
    except (TypeError, ValueError):
        return None


def _is_choice(text: TextInputs) -> bool:
    return text.question is not None and bool(text.question.pairs)
