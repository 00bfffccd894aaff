"""Nodes and weights for integrals over [0, 1]. NumPy only; no model, no torch."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
SPACE_AT_THE_ENDS = 1e-4
TINY = np.finfo(np.float64).tiny
CANDIDATES = 5000

RUNGS = (3, 5, 9, 17, 33, 65, 129, 257, 513, 1025)
"""Sizes at which the nested rule is read off: each doubles the intervals of the one before."""
EVEN = 33
"""Rules of up to so many nodes have weights as even as a kinked function needs."""

_KRONROD = (
    0.857071947850130988,
    0.472560992093954142,
    1.222834740783167063,
    0.260738490475082119,
    0.672260314571992046,
    1.036888467380193104,
    1.405710046176410774,
)
"""Angles whose cosines, with either sign, take the rule from 3 nodes to 5, to 9 and to 17."""


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
def nested_rule(n_steps: int, kinks: bool = False) -> Quadrature:
    """The first n points of one sequence, with interpolatory weights.

    A longer rule keeps every node of a shorter one, in the same order, so nothing that was
    evaluated is lost. It starts with both ends of the interval and its middle, then takes the
    points of Kronrod and Patterson, which with 5, 9 and 17 nodes are exact to degree 7, 13 and
    25, close to what Gauss's rule does without keeping any; no such points exist beyond. From
    there on each pair of new points lies where the product of the distances to all points is
    largest (Leja), and n points are exact to degree n - 1.

    For a function with kinks even weights count, not high degrees. With more than 33 points they
    can be those of the least-squares polynomial of degree 3 n / 4, to which they are exact: on
    65 points the error of a jump is a third of that of the interpolatory weights.

    Args:
        n_steps: Points.
        kinks: Whether the weights are to be even.

    Raises:
        ValueError: If ``n_steps`` is below 2.

    Source:
        Patterson (1968), "The optimum addition of points to quadrature formulae", from the
        3-point Gauss-Lobatto rule.
    """
    if n_steps < 2:
        raise ValueError(f"n_steps must be at least 2, got {n_steps}.")
    points = _sequence(1 << (n_steps - 2).bit_length() if n_steps > 17 else 16)[:n_steps]
    if kinks and n_steps > EVEN:
        return _shared((points + 1) / 2, _fitted(points)[0])
    # Chebyshev polynomials keep the moment equations well conditioned: T_k(cos a) = cos(k a).
    degrees = np.arange(n_steps)
    chebyshev = np.cos(np.outer(degrees, np.arccos(points)))
    moments = np.zeros(n_steps)
    moments[::2] = 1 / (1.0 - degrees[::2] ** 2)
    weights = np.linalg.solve(chebyshev, moments)
    return _shared((points + 1) / 2, weights)


@lru_cache
def fine_detail(n_steps: int) -> Array:
    """The matrix that gives the upper half of the Legendre coefficients of what the rule fits.

    Of a function that jumps they are about as large as what the rule misses: the jump over n.

    Args:
        n_steps: Nodes of :func:`nested_rule`, at least 2.

    Returns:
        (coefficients, n_steps): ``fine_detail(n) @ values`` are those of degree above n / 2, of
        polynomials whose square has the mean 1 on [0, 1].
    """
    points = 2 * nested_rule(n_steps).nodes - 1
    if n_steps > EVEN:
        found = _fitted(points)[n_steps // 2 + 1 :]
    else:
        every = np.asarray(np.linalg.inv(_legendre(points, n_steps - 1)), dtype=np.float64)
        found = every[min(n_steps // 2 + 1, n_steps - 1) :]
    found.setflags(write=False)
    return found


def _legendre(points: Array, degree: int) -> Array:
    """(points, degree + 1) Legendre polynomials in [-1, 1], normalised to a mean square of 1."""
    size = np.sqrt(2 * np.arange(degree + 1) + 1)
    return np.asarray(np.polynomial.legendre.legvander(points, degree) * size)


def _fitted(points: Array) -> Array:
    """(coefficients, points): those of the least-squares polynomial of degree 3 n / 4.

    Points are weighed by the space round them, so that the fit is about that in the mean square.
    """
    polynomials = _legendre(points, 3 * len(points) // 4)
    space = np.sqrt(np.clip((1 - points) * (1 + points) / 4, SPACE_AT_THE_ENDS, None))
    weighed = polynomials.T * space
    return np.asarray(np.linalg.solve(weighed @ polynomials, weighed))


@lru_cache
def _sequence(n_least: int) -> Array:
    """At least n + 1 points of the nested sequence, in [-1, 1]."""
    points = [1.0, -1.0, 0.0]
    for angle in _KRONROD:
        points += [np.cos(angle), -np.cos(angle)]
    candidates = np.cos(np.linspace(0, np.pi / 2, CANDIDATES)[1:-1])
    products = np.log(np.abs(candidates[:, None] - points) + TINY).sum(axis=1)
    while len(points) <= n_least:
        point = candidates[products.argmax()]
        points += [point, -point]
        products += np.log(np.abs(candidates**2 - point**2) + TINY)
    return np.array(points)


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
