"""Layer-wise Integrated Gradients and attention gradients on plain tensors.

No model class and no tokenizer: what a network does is a function from points to gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .quadrature import RUNGS, Quadrature, gauss_legendre, leja

Array = npt.NDArray[np.float64]
GradientFn = Callable[[int, Tensor], Tensor]
"""(layer, hidden states (points, tokens, hidden)) -> ∂score/∂hidden states, same shape."""

MAX_NODES = 129
CHANGE_FACTOR = 3
MASS_FLOOR = 0.01


@dataclass(frozen=True, eq=False)
class LayerIntegral:
    """Integrated Gradients of one layer's hidden state, with what is known of the error.

    Attributes:
        attributions: (tokens,) signed, in units of the score.
        n_steps: Gradients that were evaluated along the path.
        token_change: L1 change of the token values over the last two refinements, relative to
            their L1 norm: the error of the shorter rule, several times that of the result. NaN
            with a fixed ``n_steps``.
        converged: Whether the tolerance was met.
    """

    attributions: Array
    n_steps: int
    token_change: float
    converged: bool


def layer_integrated_gradients(
    gradient: GradientFn,
    inputs: Sequence[Tensor],
    baselines: Sequence[Tensor],
    score_changes: npt.ArrayLike,
    *,
    ends: Sequence[tuple[Tensor, Tensor]] | None = None,
    n_steps: int | None = None,
    tolerance: float = 0.01,
    max_nodes: int = MAX_NODES,
    internal_batch_size: int = 16,
) -> list[LayerIntegral]:
    """Integrated Gradients of the score with respect to every layer's hidden state.

    ``r_b[t] = Σ_d (h_b - h'_b)[t, d] · ∫ ∂f_b/∂h[t, d] (h'_b + a (h_b - h'_b)) da`` over a in
    [0, 1], f_b being the rest of the network from layer b on. At each layer the values sum to
    the change of the score (completeness).

    The integral is refined on a nested rule until the sum misses the score's change by at most
    ``tolerance`` times that change (or times 1 % of the layer's L1 mass, where that is more) and
    the token values moved by at most 3 ``tolerance`` in L1 over the last two refinements: a sum
    can be right by luck. The top layer goes first, and each layer starts one rung below where
    the one above it stopped.

    Args:
        gradient: The network. Called with at most ``internal_batch_size`` points at a time.
        inputs: h_b for b = 0 ... L, each (tokens, hidden).
        baselines: h'_b, same shapes.
        score_changes: (L + 1,) f(x) - f(x') for each layer.
        ends: The gradients at h_b and at h'_b, where they are known already.
        n_steps: A fixed number of Gauss-Legendre nodes instead of the adaptive rule.
        tolerance: Relative, see above.
        max_nodes: Where refinement gives up; the layer is then not ``converged``.
        internal_batch_size: Points in one pass.

    Returns:
        L + 1 integrals, in the order of the layers. Sums are formed in double precision.

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
    changes = np.asarray(score_changes, dtype=np.float64)
    integrals: list[LayerIntegral] = []
    rung = 0
    for layer in reversed(range(len(inputs))):
        path = _Path(gradient, layer, inputs[layer], baselines[layer], internal_batch_size)
        if n_steps is not None:
            integral = _fixed(path, gauss_legendre(n_steps), changes[layer], tolerance)
        else:
            if ends is not None:
                path.know(*ends[layer])
            integral, rung = _refined(path, changes[layer], tolerance, max_nodes, max(0, rung - 1))
        integrals.append(integral)
    return integrals[::-1]


def attention_relevance(attentions: Tensor, gradients: Tensor) -> Tensor:
    """How far query i looking at key j speaks for the score.

    ``G = mean over heads of A ⊙ ∂f/∂A``.

    Args:
        attentions: A, (heads, queries, keys).
        gradients: ∂f/∂A, same shape.

    Returns:
        (queries, keys), signed, in units of the score.
    """
    return (attentions * gradients).mean(dim=0)


class _Path:
    """The straight line from a baseline to an input, and the gradients met along it so far."""

    def __init__(
        self, gradient: GradientFn, layer: int, inputs: Tensor, baselines: Tensor, batch: int
    ) -> None:
        self.gradient, self.layer, self.batch = gradient, layer, batch
        self.baselines, self.delta = baselines, inputs - baselines
        self.values: list[Array] = []

    def know(self, at_inputs: Tensor, at_baselines: Tensor) -> None:
        """Take over the gradients at both ends, the first two nodes of the nested rule."""
        self.values += [self._along(at_inputs), self._along(at_baselines)]

    def integrate(self, rule: Quadrature) -> Array:
        """(tokens,) integral by this rule; nodes met before are not evaluated again."""
        new = rule.nodes[len(self.values) :]
        for start in range(0, len(new), self.batch):
            nodes = torch.tensor(new[start : start + self.batch]).to(self.delta)
            points = self.baselines + nodes[:, None, None] * self.delta
            self.values += list(self._along(self.gradient(self.layer, points)))
        return rule.weights @ np.stack(self.values[: len(rule.nodes)])

    def _along(self, gradients: Tensor) -> Array:
        products = (gradients * self.delta).sum(dim=-1, dtype=torch.float64)
        return products.cpu().numpy()


def _fixed(path: _Path, rule: Quadrature, change: float, tolerance: float) -> LayerIntegral:
    values = path.integrate(rule)
    return LayerIntegral(values, len(rule.nodes), np.nan, _complete(values, change, tolerance))


LADDER = (2, *RUNGS)


def _refined(
    path: _Path, change: float, tolerance: float, max_nodes: int, rung: int
) -> tuple[LayerIntegral, int]:
    """The integral, and the rung of the ladder at which it stopped."""
    while True:
        rung += 1
        values = path.integrate(leja(LADDER[rung]))
        before = path.integrate(leja(LADDER[max(0, rung - 2)]))
        integral = judged(values, before, LADDER[rung], change, tolerance)
        if integral.converged or rung + 1 == len(LADDER) or LADDER[rung + 1] > max_nodes:
            return integral, rung


def judged(
    values: Array, before: Array, n_steps: int, change: float, tolerance: float
) -> LayerIntegral:
    """Token values with the verdict on them.

    Args:
        values: (tokens,) by a rule of ``n_steps`` nodes.
        before: (tokens,) by the rule two rungs below; neighbours on the ladder share most of
            their nodes, and agree before either is right.
        n_steps: Gradients evaluated.
        change: f(x) - f(x').
        tolerance: As in :func:`layer_integrated_gradients`.
    """
    mass = np.abs(values).sum()
    moved = float(np.abs(values - before).sum() / mass) if mass > 0 else 0.0
    done = _complete(values, change, tolerance) and moved <= CHANGE_FACTOR * tolerance
    return LayerIntegral(values, n_steps, moved, done)


def _complete(values: Array, change: float, tolerance: float) -> bool:
    scale = max(abs(change), MASS_FLOOR * np.abs(values).sum())
    return bool(abs(values.sum() - change) <= tolerance * scale)
