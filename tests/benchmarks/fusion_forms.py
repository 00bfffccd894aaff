"""Forms of the fusion: one map each from the same signals, without labels. Pure NumPy.

A form is how the relevance of the layers, the attention gradients and, in some forms, another
method's map become one map. The package's own form is the first of ``FORMS``; the others are what
might replace it. ``python -m tests.benchmarks forms`` measures them (:mod:`.study`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calig_nb._arrays import Array
from calig_nb.evaluation.metrics import correlation
from calig_nb.explanation.fusion import Fusion, channels, evidence

Marks = npt.NDArray[np.bool_]
Reference = Literal["embeddings", "conservative", "attn-lrp", "none"]

REFERENCES = ("ig", "layer-ig", "conservative", "attn-lrp")
"""Methods that stand beside the forms; no fusion is in them."""
DEFAULT = Fusion()
PROBES = 48
"""Random deletions of a text; each takes away from one unit to half of them."""


@dataclass(frozen=True, eq=False)
class Signals:
    """What the forms of one text are made of.

    Attributes:
        layers: (L, tokens) r_b, relevance of the state that enters block b.
        attention: (L, queries, keys) G_b.
        others: (tokens,) each: maps of the whole network, "conservative" and "attn-lrp".
        special: (tokens,) True for special tokens.
        pooled: (tokens,) True where the classifier reads.
    """

    layers: Array
    attention: Array
    others: dict[str, Array]
    special: Marks
    pooled: Marks


@dataclass(frozen=True)
class Form:
    """One way to make a map.

    Attributes:
        name: In the tables.
        reference: What a layer must agree with to count: the layer of the embeddings, a map of
            the whole network, or nothing, where all layers count alike.
        exponent: Of the mean cosine with the reference.
        share: Exponent of the mean share of a layer's relevance that is on ordinary tokens.
        extra: Which map is one more layer of relevance.
        mass: μ, its weight over that of all layers together; 0 for none.
        fusion: λ, γ and the rest.
    """

    name: str
    reference: Reference = "embeddings"
    exponent: float = 6
    share: float = 0
    extra: Literal["conservative", "attn-lrp"] = "conservative"
    mass: float = 0
    fusion: Fusion = DEFAULT


FORMS = (
    Form("default"),
    Form("all layers alike", "none"),
    *(Form(f"layers by conservative, ^{p}", "conservative", p) for p in (4, 6, 8)),
    *(Form(f"layers by attn-lrp, ^{p}", "attn-lrp", p) for p in (4, 8)),
    Form("share^8 · cos^4", exponent=4, share=8),
    *(Form(f"+ conservative, μ = {m}", mass=m) for m in (0.25, 0.5, 1)),
    Form("+ attn-lrp, μ = 0.5", extra="attn-lrp", mass=0.5),
    *(
        Form(f"by conservative ^8, + conservative, μ = {m}", "conservative", 8, mass=m)
        for m in (0.25, 0.5, 1)
    ),
    *(Form(f"γ = {g}", fusion=Fusion(gamma=g)) for g in (4, 16)),
    Form("largest values as norm", fusion=Fusion(normalisation="max")),
    Form("largest values as norm, λ = 0.75", fusion=Fusion(0.75, normalisation="max")),
    Form("λ = 0.75", fusion=Fusion(0.75)),
    Form("by conservative ^8, γ = 4", "conservative", 8, fusion=Fusion(gamma=4)),
    Form("+ conservative, μ = 0.5, γ = 4", mass=0.5, fusion=Fusion(gamma=4)),
)


def weights_of(form: Form, calibration: Sequence[Signals]) -> Array:
    """(L,) weights of the layers, the largest 1, from texts without labels.

    ``w_b ~ mean(max(0, cos(r_b, reference)))^exponent · mean(share of |r_b|)^share``, over ordinary
    tokens. With the embeddings as reference these are
    :func:`calig_nb.explanation.fusion.layer_weights`.
    """
    cosines, shares = [], []
    for signals in calibration:
        plain = ~signals.special
        r = signals.layers[:, plain]
        if form.reference == "none":
            cosines.append(np.ones(len(r)))
        else:
            own = form.reference == "embeddings"
            other = r[0] if own else signals.others[form.reference][plain]
            norms = np.linalg.norm(r, axis=1) * np.linalg.norm(other)
            cosines.append(np.maximum(_ratio(r @ other, norms), 0))
        shares.append(_ratio(np.abs(r).sum(axis=1), np.abs(signals.layers).sum(axis=1)))
    weights: Array = np.mean(cosines, axis=0) ** form.exponent
    weights = weights * np.mean(shares, axis=0) ** form.share
    if not weights.max() > 0:
        raise ValueError(
            f"calibration must have a layer that agrees with the reference, got weights {weights} "
            f"of {form.name!r}."
        )
    return weights / weights.max()


def mapped(form: Form, signals: Signals, weights: Array) -> Array:
    """(tokens,) the map: supporting less opposing evidence of each token."""
    layers, attention = signals.layers, signals.attention
    if form.mass:
        layers = np.concatenate([signals.others[form.extra][None], layers])
        attention = np.concatenate([np.zeros_like(attention[:1]), attention])
        weights = np.append(form.mass * weights.sum(), weights)
    matrices = channels(layers, attention, weights, form.fusion)
    supporting, opposing = evidence(matrices, form.fusion, signals.pooled)
    return np.asarray(supporting - opposing)


def reference(name: str, signals: Signals) -> Array:
    """(tokens,) the map of one of ``REFERENCES``."""
    if name in signals.others:
        return signals.others[name]
    r = signals.layers
    if name == "ig":
        return r[0]
    mean: Array = _ratio(r, np.abs(r).sum(axis=1, keepdims=True)).mean(axis=0)
    return mean


def probes(n_units: int, seed: Sequence[int]) -> Marks:
    """(PROBES, units) True where a unit goes: random ones, from one to half of them."""
    draws = np.random.default_rng(seed)
    ranks = draws.permuted(np.tile(np.arange(n_units), (PROBES, 1)), axis=1)
    sizes = draws.integers(1, max(1, n_units // 2), size=PROBES, endpoint=True)
    return np.asarray(ranks < sizes[:, None])


def agreement(scores: Array, rows: Marks, drops: Array) -> float:
    """Correlation of what a map says that deletions take away with what they do.

    Args:
        scores: (units,) the map.
        rows: (rows, units) True where a unit goes.
        drops: (rows,) what the log-odds lose.

    Source:
        Ancona et al. (2018), arXiv:1711.06104, section 3.3, sensitivity-n; here the deletions
        are of several sizes.
    """
    return correlation(rows @ scores, drops)


def _ratio(values: Array, by: Array) -> Array:
    """Quotients, 0 where there is nothing to divide by."""
    return np.divide(values, by, out=np.zeros(np.broadcast(values, by).shape), where=by > 0)
