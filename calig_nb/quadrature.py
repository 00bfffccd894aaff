"""Nodes and weights for integrals over [0, 1]. NumPy only; no model, no torch."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RUNGS = (3, 5, 7, 9, 13, 17, 23, 31, 41, 55, 73, 97, 129, 193, 257)
"""Sizes at which the nested rule is read off, each about 1.35 times the one before."""


class Quadrature(NamedTuple):
    """A rule ``sum(weights * f(nodes))`` for the integral of f over [0, 1].

    Attributes:
        nodes: (n,) double precision, inside [0, 1].
        weights: (n,) double precision; they sum to 1.
    """

    nodes: Array
    weights: Array


@lru_cache
def gauss_legendre(n_steps: int) -> Quadrature:
    """The n-point Gauss-Legendre rule, exact for polynomials of degree 2 n - 1.

    Raises:
        ValueError: If ``n_steps`` is below 1.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be at least 1, got {n_steps}.")
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    return _shared((nodes + 1) / 2, weights / 2)


@lru_cache
def leja(n_steps: int) -> Quadrature:
    """The first n points of the symmetric R-Leja sequence, with interpolatory weights.

    The sequence is nested: a longer rule keeps every node of a shorter one, in the same
    order, so nothing that was evaluated is lost. It starts with both ends of the interval.
    With n - 1 a power of two it is the Clenshaw-Curtis rule. Exact to degree n - 1.

    Raises:
        ValueError: If ``n_steps`` is below 2.

    Source:
        Chkifa (2013), "On the Lebesgue constant of Leja sequences for the complex unit disk
        and of their real projection", the sequence of section 3.
    """
    if n_steps < 2:
        raise ValueError(f"n_steps must be at least 2, got {n_steps}.")
    angles = [0.0, np.pi, np.pi / 2]
    while len(angles) < n_steps:
        half = angles[(len(angles) + 1) // 2] / 2
        angles += [half, half + np.pi]
    # Chebyshev polynomials keep the moment equations well conditioned: T_k(cos a) = cos(k a).
    degrees = np.arange(n_steps)
    chebyshev = np.cos(np.outer(degrees, angles[:n_steps]))
    moments = np.zeros(n_steps)
    moments[::2] = 1 / (1.0 - degrees[::2] ** 2)
    weights = np.linalg.solve(chebyshev, moments)
    return _shared((np.cos(angles[:n_steps]) + 1) / 2, weights)


def derivative(nodes: Array) -> Array:
    """The matrix that turns values at the nodes into derivatives there.

    It differentiates the polynomial through all the values, so it is exact to degree n - 1, and
    for smooth functions its error falls as fast as that of the rule on the same nodes.

    Args:
        nodes: (n,) distinct; those of a rule above keep it well conditioned.

    Returns:
        (n, n): ``derivative(nodes) @ values``.

    Source:
        Berrut & Trefethen (2004), "Barycentric Lagrange interpolation", eq. 9.4.
    """
    differences = 4 * (nodes[:, None] - nodes)  # scaled to the interval's capacity: no underflow
    np.fill_diagonal(differences, 1)
    barycentric = 1 / differences.prod(axis=1)
    matrix = 4 * barycentric / barycentric[:, None] / differences
    np.fill_diagonal(matrix, 0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return np.asarray(matrix)


def _shared(nodes: Array, weights: Array) -> Quadrature:
    """A rule that is kept and handed out again, so its arrays are read-only."""
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return Quadrature(nodes, weights)
