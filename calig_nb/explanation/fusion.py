"""CA-LIG's fusion and relevance rollout. Pure NumPy; its twin in the browser is fusion.js.

Axes: layers (blocks 0 ... L - 1), queries, keys; a token is a key. ``layer_attributions``
is r, ``attention_relevance`` is G in the formulas of :func:`channels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from .._validation import one_of, real_between

Normalisation = Literal["columns", "max", "none"]
Channels = Literal["split", "signed"]
Readout = Literal["all", "pooled"]
Channel = Literal["net", "supporting", "opposing"]

WEIGHT_EXPONENT = 6
PATCH_EXPONENT = 2


@dataclass(frozen=True)
class Fusion:
    """How the two signals become one signed map; the defaults are CA-LIG's as chosen here.

    Attributes:
        lam: λ in [0, 1]; 1 keeps the layer-wise gradients only, 0 the attention gradients only.
        gamma: γ > 0, how strongly later blocks act on what earlier ones carried.
        normalisation: "columns" divides r_b by its L1 norm and G_b by the L1 norm of its column
            sums; "max" divides both by their largest magnitude; "none" leaves them.
        channels: "split" keeps supporting and opposing evidence apart, so that two negatives
            never make a positive; "signed" rolls one signed matrix out.
        readout: "all" sums the rollout over every position; "pooled" over those positions
            that the classifier pools.

    Raises:
        ValueError: If a value is outside its range.

    Example:
        >>> cn.Fusion(lam=0.3)
        Fusion(lam=0.3, gamma=1.0, normalisation='columns', channels='split', readout='all')
    """

    lam: float = 0.5
    gamma: float = 1.0
    normalisation: Normalisation = "columns"
    channels: Channels = "split"
    readout: Readout = "all"

    def __post_init__(self) -> None:
        only = "1 uses the layer-wise gradients only, 0 the attention gradients only."
        lam = real_between("lam", self.lam, 0, 1, rule=f"lie in [0, 1]. {only}")
        gamma = real_between(
            "gamma", self.gamma, 0, np.inf, rule="be positive and finite", inside=True
        )
        object.__setattr__(self, "lam", lam)
        object.__setattr__(self, "gamma", gamma)
        one_of("normalisation", self.normalisation, get_args(Normalisation))
        one_of("channels", self.channels, get_args(Channels))
        one_of("readout", self.readout, get_args(Readout))


def layer_weights(
    layer_attributions: Sequence[npt.ArrayLike],
    special: Sequence[npt.ArrayLike],
    *,
    patches: bool = False,
) -> Array:
    """Weight of each block: does position t at layer b still speak of token t?

    ``w_b = (mean over the inputs of max(0, cos(r_b, r_0))) ** 6`` over ordinary tokens, w_0 = 1;
    squared instead for patches, whose relevance is rougher, so that cosines are lower though the
    layers still help (the exponent with the best perturbation AUC on training pictures that the
    embedded model was not taught).

    Args:
        layer_attributions: One (L + 1, tokens) array for each input; row L is not used.
        special: One (tokens,) mask for each input; special tokens are left out.
        patches: The inputs are pictures.

    Returns:
        (L,) weights in [0, 1]. They need no labels. An input whose r_0 or r_b vanishes counts
        with cosine 0.
    """
    cosines = []
    for attributions, mask in zip(layer_attributions, special, strict=True):
        r = np.asarray(attributions, dtype=np.float64)[:-1, ~np.asarray(mask, dtype=bool)]
        norms = np.linalg.norm(r, axis=1)
        products = norms * norms[0]
        cosine = np.divide(r @ r[0], products, out=np.zeros(len(r)), where=products > 0)
        cosines.append(np.maximum(cosine, 0))
    weights: Array = np.mean(cosines, axis=0) ** (PATCH_EXPONENT if patches else WEIGHT_EXPONENT)
    weights[0] = 1.0
    return weights


def normalise(
    layer_attributions: npt.ArrayLike, attention_relevance: npt.ArrayLike, how: Normalisation
) -> tuple[Array, Array]:
    """Balance r_b and G_b by their token-level mass; a zero norm leaves zeros.

    Returns:
        r̂ (L, tokens) and Ĝ (L, queries, keys), signed and without unit.
    """
    g = np.asarray(attention_relevance, dtype=np.float64)
    r = np.asarray(layer_attributions, dtype=np.float64)[: len(g)]
    r_scale, g_scale = scales(r, g, how)
    return r * r_scale[:, None], g * g_scale[:, None, None]


def scales(
    layer_attributions: npt.ArrayLike, attention_relevance: npt.ArrayLike, how: Normalisation
) -> tuple[Array, Array]:
    """(L,) and (L,) what :func:`normalise` multiplies r_b and G_b with."""
    g = np.asarray(attention_relevance, dtype=np.float64)
    r = np.asarray(layer_attributions, dtype=np.float64)[: len(g)]
    if how == "none":
        return np.ones(len(g)), np.ones(len(g))
    if how == "max":
        r_norm, g_norm = np.abs(r).max(axis=1), np.abs(g).max(axis=(1, 2))
    else:
        r_norm, g_norm = np.abs(r).sum(axis=1), np.abs(g.sum(axis=1)).sum(axis=1)
    r_scale = np.divide(1.0, r_norm, out=np.zeros_like(r_norm), where=r_norm > 0)
    g_scale = np.divide(1.0, g_norm, out=np.zeros_like(g_norm), where=g_norm > 0)
    return r_scale, g_scale


def channels(
    layer_attributions: npt.ArrayLike,
    attention_relevance: npt.ArrayLike,
    weights: npt.ArrayLike,
    fusion: Fusion,
) -> Array:
    """The matrices that each block adds, one stack per channel.

    ``M_b^s = w_b [ λ diag(relu(s r̂_b)) + (1 - λ) relu(s Ĝ_b) ]`` for s = + (supporting) and
    s = - (opposing).

    Returns:
        (2, L, queries, keys), both non-negative; with ``fusion.channels == "signed"``
        (1, L, queries, keys), signed, without the relu.

    Source:
        Mersha & Kalita (2026), arXiv:2602.16608, for the ingredients; norms and channels are
        this project's choice.
    """
    r, g = normalise(layer_attributions, attention_relevance, fusion.normalisation)
    signs = (1.0, -1.0) if fusion.channels == "split" else (1.0,)
    stacks = np.empty((len(signs), *g.shape))
    diagonal = np.arange(g.shape[-1])
    for stack, sign in zip(stacks, signs, strict=True):
        least = 0.0 if fusion.channels == "split" else -np.inf
        np.multiply(1 - fusion.lam, np.maximum(sign * g, least), out=stack)
        stack[:, diagonal, diagonal] += fusion.lam * np.maximum(sign * r, least)
    stacks *= np.asarray(weights, dtype=np.float64)[:, None, None]
    return stacks


def diagonals(layer_attributions: npt.ArrayLike, weights: npt.ArrayLike, fusion: Fusion) -> Array:
    """The matrices of :func:`channels` where attention says nothing, G = 0: (channels, L, tokens).

    There they are zero beside their diagonals, and as many numbers as tokens stand for them.
    """
    w = np.asarray(weights, dtype=np.float64)
    r, _ = normalise(layer_attributions, np.zeros((len(w), 1, 1)), fusion.normalisation)
    kept = [np.maximum(r, 0), np.maximum(-r, 0)] if fusion.channels == "split" else [r]
    return fusion.lam * np.stack(kept) * w[:, None]


def start_of(readout: Readout, pooled: npt.ArrayLike) -> Array:
    """(tokens,) 1 for each position whose rollout row is read out, else 0."""
    pooled = np.asarray(pooled, dtype=np.float64)
    return pooled if readout == "pooled" else np.ones_like(pooled)


def read_out(matrices: Array, gamma: float, start: Array) -> Array:
    """Evidence that each token carried into the read-out positions, per channel.

    Column sums of ``R``, where ``R <- R + γ M_b R`` from ``R = I``, less the token itself.
    They are vector-matrix products from the top, O(L T²).

    Args:
        matrices: (channels, L, queries, keys) from :func:`channels`, or from :func:`diagonals`.
        gamma: γ.
        start: (tokens,) from :func:`start_of`.

    Returns:
        (channels, tokens) shares, without unit.
    """
    rows = np.tile(start, (len(matrices), 1))
    for layer in reversed(range(matrices.shape[1])):
        block = matrices[:, layer]
        carried = rows * block if block.ndim == 2 else np.einsum("cq,cqk->ck", rows, block)
        rows = rows + gamma * carried
    return rows - start


def roll_out(matrices: Array, gamma: float, upto: int) -> Array:
    """R after the first ``upto`` blocks, per channel: (channels, queries, keys).

    ``R[i, j]`` is the evidence that token j carried into position i, the identity included.
    """
    rollout = np.tile(np.eye(matrices.shape[-1]), (len(matrices), 1, 1))
    for layer in range(upto):
        rollout = rollout + gamma * matrices[:, layer] @ rollout
    return rollout


def rollouts(
    layer_attributions: npt.ArrayLike,
    attention_relevance: npt.ArrayLike,
    weights: npt.ArrayLike,
    fusion: Fusion,
    dtype: npt.DTypeLike = np.float64,
) -> Iterator[npt.NDArray[Any]]:
    """R after block 0, after block 1, ...: each (channels, queries, keys), the identity included.

    The same as :func:`roll_out` over :func:`channels`, but no more than one block's matrices are
    held at a time. Given the rows of some blocks only, R starts as the identity before them.

    Args:
        layer_attributions: (L, tokens) or more rows; those beyond L are not used.
        attention_relevance: (L, queries, keys).
        weights: (L,).
        fusion: λ, γ and the form of the fusion.
        dtype: In which the products are taken.
    """
    r, g = np.asarray(layer_attributions), np.asarray(attention_relevance)
    w = np.asarray(weights, dtype=np.float64)
    count = 2 if fusion.channels == "split" else 1
    rollout = np.tile(np.eye(g.shape[-1], dtype=dtype), (count, 1, 1))
    for b in range(len(g)):
        matrix = channels(r[b : b + 1], g[b : b + 1], w[b : b + 1], fusion)[:, 0].astype(dtype)
        rollout = rollout + fusion.gamma * (matrix @ rollout)
        yield rollout


def entering_evidence(matrices: Array, gamma: float, start: Array) -> Array:
    """(channels, L) evidence that enters at each block; the rows sum to the channel's total."""
    carried = np.ones((len(matrices), matrices.shape[-1]))
    masses = []
    for layer in range(matrices.shape[1]):
        added = gamma * np.einsum("cqk,ck->cq", matrices[:, layer], carried)
        masses.append(added @ start)
        carried = carried + added
    return np.stack(masses, axis=1)


def first_order_evidence(
    layer_attributions: Array,
    given: npt.NDArray[Any],
    scales: tuple[Array, Array],
    weights: npt.ArrayLike,
    fusion: Fusion,
) -> Array:
    """Supporting and opposing evidence of each token, (2, T), to first order in γ.

    The column sums of ``γ Σ_b M_b``: what :func:`evidence` gives but for products of matrices.

    Args:
        layer_attributions: (L, tokens) or more rows; those beyond L are not used.
        given: (2, L, tokens) column sums of relu(G_b) and of relu(-G_b).
        scales: (L,) and (L,) from :func:`scales`.
        weights: (L,).
        fusion: λ, γ and the form of the channels; the read-out is "all".
    """
    r_scale, g_scale = (scale[:, None] for scale in scales)
    w = np.asarray(weights, dtype=np.float64)
    r = np.asarray(layer_attributions, dtype=np.float64)[: len(w)] * (fusion.lam * r_scale)
    parts = [
        fusion.gamma * w @ (np.maximum(sign * r, 0) + (1 - fusion.lam) * g_scale * own)
        for sign, own in zip((1.0, -1.0), np.asarray(given, dtype=np.float64), strict=True)
    ]
    return np.stack(parts) if fusion.channels == "split" else _parted((parts[0] - parts[1])[None])


def evidence(matrices: Array, fusion: Fusion, pooled: npt.NDArray[np.bool_]) -> Array:
    """Supporting and opposing evidence of each token, (2, T), in either form of the channels."""
    found = read_out(matrices, fusion.gamma, start_of(fusion.readout, pooled))
    return _parted(found) if fusion.channels == "signed" else found


def signed_rollouts(matrices: Array, fusion: Fusion, upto: int) -> Array:
    """Supporting and opposing rollout after ``upto`` blocks, (2, T, T), in either form."""
    found = roll_out(matrices, fusion.gamma, upto)
    return _parted(found - np.eye(found.shape[-1])) if fusion.channels == "signed" else found


def _parted(signed: Array) -> Array:
    return np.concatenate([np.maximum(signed, 0), np.maximum(-signed, 0)])
