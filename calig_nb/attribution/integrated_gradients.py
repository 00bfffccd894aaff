"""Layer-wise Integrated Gradients on plain tensors.

No model class and no tokenizer: what a network does is a function from points to gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._arrays import Array
from ..explanation.exactness import relative_miss
from ..models.points import GradientFn, Points
from .quadrature import RUNGS, Quadrature, fine_detail, gauss_legendre, nested_rule

MAX_NODES = 129
FEW = 17
"""Up to so many nodes an estimate alone is not believed."""
KINKED = 1.25
"""The error of a function with kinks, in units of its fine detail; measured, the most is 1."""


SumFn = Callable[[int, Tensor], Tensor]
"""A layer and its token values (..., tokens) -> their sums in what is explained, (..., cells)."""


def keep_tokens(layer: int, values: Tensor) -> Tensor:
    """The token values themselves: nothing is summed."""
    del layer
    return values


@dataclass(frozen=True, eq=False)
class LayerIntegral:
    """Integrated Gradients of one layer's hidden state, with what is known of the error.

    Attributes:
        attributions: (targets, tokens) signed, in units of the score.
        n_steps: Gradients that were evaluated along the path.
        token_error: (targets,) estimated L1 error of the token values, relative to their L1
            norm. NaN with a fixed ``n_steps``.
        converged: (targets,) whether the tolerance was met.
    """

    attributions: Array
    n_steps: int
    token_error: Array
    converged: npt.NDArray[np.bool_]


def layer_integrated_gradients(
    gradients: GradientFn,
    inputs: Sequence[Tensor],
    baselines: Sequence[Tensor],
    score_changes: Array,
    *,
    ends: Sequence[tuple[Tensor, Tensor]] | None = None,
    n_steps: int | None = None,
    tolerance: float = 0.01,
    max_nodes: int = MAX_NODES,
    internal_batch_size: int = 16,
    apart: bool = False,
    layers: Sequence[int] | None = None,
    summed: SumFn = keep_tokens,
    kinks: bool = False,
) -> list[list[LayerIntegral]]:
    """Integrated Gradients of the scores with respect to every layer's hidden state.

    ``r_b[t] = Σ_d (h_b - h'_b)[t, d] · ∫ ∂f_b/∂h[t, d] (h'_b + a (h_b - h'_b)) da`` over a in
    [0, 1], f_b being the rest of the network from layer b on. At each layer the values sum to
    the change of the score (completeness).

    Every integral is refined on a nested rule until the sum misses the score's change by at most
    ``tolerance`` times that change (or times 1 % of the layer's L1 mass, where that is more) and
    the estimated L1 error of the token values is at most ``tolerance``, see
    :func:`judge_integral`: a sum can be right by luck, and an estimate small. A round evaluates
    the new points of whatever is not done, so that points of several layers and inputs share a
    pass.

    Args:
        gradients: The network. Called with at most ``internal_batch_size`` points at a time.
        inputs: h_b for b = 0 ... L, each (items, tokens, hidden).
        baselines: h'_b, same shapes.
        score_changes: (items, targets, L + 1) f(x) - f(x').
        ends: For each layer the gradients at h_b and at h'_b, (targets, items, tokens, hidden)
            each, where they are known already.
        n_steps: A fixed number of Gauss-Legendre nodes instead of the adaptive rule.
        tolerance: Relative, see above.
        max_nodes: Where refinement gives up, at least 5; what is not done then is not
            ``converged``.
        internal_batch_size: Points in one pass.
        apart: Whether every pass keeps to one layer.
        layers: Those to integrate, upwards; all by default.
        summed: What a layer's tokens are summed in; the error is that of the sums.
        kinks: Whether the gradients may jump along a path, as behind a ReLU.

    Returns:
        For each item one integral a layer, L + 1 by default. Sums are formed in double
        precision.

    Raises:
        ValueError: If ``n_steps``, ``max_nodes`` or ``internal_batch_size`` is below 1, or
            ``tolerance`` is not positive.

    Source:
        Sundararajan, Taly & Yan (2017), arXiv:1703.01365, eq. 1, in the space of each layer.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance}.")
    for name, value in (("n_steps", n_steps), ("max_nodes", max_nodes)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    if internal_batch_size < 1:
        raise ValueError(f"internal_batch_size must be at least 1, got {internal_batch_size}.")
    n_items, layers = len(inputs[0]), range(len(inputs)) if layers is None else layers
    paths = [
        _Path(layer, item, start := baselines[layer][item], inputs[layer][item] - start, summed)
        for layer in layers
        for item in range(n_items)
    ]
    if n_steps is not None:
        rule = gauss_legendre(n_steps)
        _evaluate(gradients, paths, rule, internal_batch_size, apart)
        for path in paths:
            values, change = path.integral(rule), score_changes[path.item, :, path.layer]
            met = relative_miss(values, change) <= tolerance
            path.found = LayerIntegral(values, n_steps, np.full(len(change), np.nan), met)
    else:
        if ends is not None:
            for path in paths:
                path.values = [path.along(end[:, path.item]) for end in ends[path.layer]]
        most = max_nodes, internal_batch_size
        _refine(gradients, paths, score_changes, tolerance, *most, apart, kinks)
    found = {(path.layer, path.item): path.found for path in paths}
    return [
        [integral for layer in layers if (integral := found[layer, item])]
        for item in range(n_items)
    ]


@dataclass(eq=False)
class _Path:
    """The straight line from a baseline to an input, and the gradients met along it so far."""

    layer: int
    item: int
    baselines: Tensor
    delta: Tensor
    summed: SumFn
    values: list[Array] = field(default_factory=list)
    found: LayerIntegral | None = None

    def along(self, gradients: Tensor) -> Array:
        """(..., tokens) products with the path's direction, of gradients (..., tokens, hidden)."""
        products = (gradients * self.delta).sum(dim=-1, dtype=torch.float64)
        return np.asarray(self.summed(self.layer, products).cpu().numpy())

    def points(self, nodes: Sequence[float]) -> Tensor:
        """(nodes, tokens, hidden) points on the line."""
        alphas = torch.tensor(nodes, dtype=torch.float64).to(self.delta)
        return self.baselines + alphas[:, None, None] * self.delta

    def integral(self, rule: Quadrature) -> Array:
        """(targets, tokens) by a rule whose nodes are the first of those that were evaluated."""
        return np.tensordot(rule.weights, np.stack(self.values[: len(rule.nodes)]), axes=1)


def _evaluate(
    gradients: GradientFn, paths: Sequence[_Path], rule: Quadrature, batch: int, apart: bool
) -> None:
    """Evaluate the rule's nodes; those met before are not evaluated again."""
    new = [(path, node) for path in paths for node in rule.nodes[len(path.values) :].tolist()]
    groups: Iterable[list[tuple[_Path, float]]] = [new]
    if apart:
        groups = [list(group) for _, group in groupby(new, key=lambda one: one[0].layer)]
    for group in groups:
        for start in range(0, len(group), batch):
            _pass(gradients, group[start : start + batch])


def _pass(gradients: GradientFn, points: Sequence[tuple[_Path, float]]) -> None:
    """One pass; in two halves (and those in two) where a GPU's memory does not suffice.

    Raises:
        torch.cuda.OutOfMemoryError: If a single point does not fit.
    """
    runs = [
        (path, [node for _, node in run]) for path, run in groupby(points, key=lambda one: one[0])
    ]
    hidden = {
        layer: torch.cat([path.points(nodes) for path, nodes in group])
        for layer, group in groupby(runs, key=lambda run: run[0].layer)
    }
    items = torch.tensor([path.item for path, _ in points])
    try:
        found = gradients(Points(hidden, items))
    except torch.cuda.OutOfMemoryError:
        if len(points) == 1:
            raise
        found = None
    if found is None:  # outside of the handler, which keeps the failed pass's tensors alive
        torch.cuda.empty_cache()
        middle = len(points) // 2
        _pass(gradients, points[:middle])
        _pass(gradients, points[middle:])
        return
    for layer, group in groupby(runs, key=lambda run: run[0].layer):
        start = 0
        for path, nodes in group:
            own = path.along(found[layer][:, start : start + len(nodes)])
            path.values += list(own.swapaxes(0, 1))
            start += len(nodes)


def _refine(
    gradients: GradientFn,
    paths: Sequence[_Path],
    score_changes: Array,
    tolerance: float,
    max_nodes: int,
    batch: int,
    apart: bool,
    kinks: bool,
) -> None:
    """Climb the nested rule, round by round, with the paths that are not done."""
    ladder = (2, *RUNGS)
    for rung in range(2, len(ladder)):
        if ladder[rung] > max(max_nodes, ladder[2]):
            break
        rules = [nested_rule(n_nodes, kinks) for n_nodes in ladder[rung - 2 : rung + 1]]
        _evaluate(gradients, paths, rules[-1], batch, apart)
        for path in paths:
            change = score_changes[path.item, :, path.layer]
            values = [path.integral(rule) for rule in rules]
            met = np.stack(path.values) if kinks else None
            path.found = judge_integral(values, ladder[rung], change, tolerance, met)
        paths = [path for path in paths if path.found and not path.found.converged.all()]


def judge_integral(
    values: Sequence[Array],
    n_steps: int,
    change: Array,
    tolerance: float,
    jumping: Array | None = None,
) -> LayerIntegral:
    """The integral of one layer: its token values, their error, and whether that is met.

    Of a smooth integrand, what the values moved by is the error of the rule before. Doubling the
    nodes about doubles the degree to which a rule is exact, so the new error is about a power of
    two of that: 0.4 times the power of 3/2 is taken, or half the move, times the proportion of
    the last two moves, where that is more.

    Where the integrand may jump, moves are small by luck as often as not. There the error is in
    proportion to what the nodes still see of fine detail, token by token.

    The estimate and what the sum misses must both meet the tolerance; from few nodes, where the
    one is a guess and the other is known, both together.

    Args:
        values: (targets, tokens) each, by rules of a quarter, of half and of all the nodes.
        n_steps: Gradients evaluated.
        change: (targets,) f(x) - f(x').
        tolerance: As in :func:`layer_integrated_gradients`.
        jumping: (n_steps, targets, tokens) the integrand at the nodes, where it may jump.
    """
    quarter, half, full = values
    mass = np.abs(full).sum(axis=-1)
    mass = np.where(mass > 0, mass, 1)
    if jumping is None:
        moved = np.abs(full - half).sum(axis=-1) / mass
        earlier = np.abs(half - quarter).sum(axis=-1) / mass
        proportion = moved / np.maximum(np.maximum(earlier, moved), np.finfo(float).tiny)
        error = np.minimum(moved, np.maximum(0.4 * moved**1.5, 0.5 * moved * proportion))
    else:
        detail = np.abs(np.tensordot(fine_detail(n_steps), jumping, axes=1)).sum(axis=-1)
        error = KINKED * np.sqrt((detail**2).mean(axis=0)) / mass
    missed = relative_miss(full, change)
    met = error + missed if n_steps <= FEW else np.maximum(error, missed)
    return LayerIntegral(full, n_steps, error, met <= tolerance)
