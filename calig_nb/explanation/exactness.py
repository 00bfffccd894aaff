"""What of an explanation missed its tolerance, in words: below its headline, and as a warning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._arrays import Array
from .formatting import THE_EMBEDDINGS, error_bound, layer_in
from .methods import INTEGRALS

if TYPE_CHECKING:
    from .explanation import Explanation

NAMED = 3
"""More layers than this are counted, and the worst is named."""
MASS_FLOOR = 0.01


def relative_miss(values: Array, change: Array) -> Array:
    """What sums miss of the score's change, relative to it, or to 1 % of the L1 mass if more.

    Args:
        values: (..., tokens).
        change: (...) f(x) - f(x').
    """
    scale = np.maximum(np.abs(change), MASS_FLOOR * np.abs(values).sum(axis=-1))
    return np.asarray(np.abs(values.sum(axis=-1) - change) / np.where(scale > 0, scale, 1))


def layer_errors(explanation: Explanation) -> Array:
    """(L + 1,) each layer's relative error, as known: of its token values, and of their sum."""
    e = explanation
    missed = relative_miss(e.layer_attributions, e.score - e.baseline_scores)
    errors: Array = np.nan_to_num(e.token_error, posinf=np.inf) + np.nan_to_num(missed)
    return errors


def worst_error(explanation: Explanation) -> float:
    """The largest error of a layer that did not converge; 0 where all did."""
    errors = layer_errors(explanation)[~explanation.converged]
    return float(errors.max(initial=0))


def inexact_note(explanation: Explanation) -> str:
    """The layers that did not converge, and by how much they may be off; empty where all did.

    As in: Layer 2 is not exact: its values may be off by 6 %.
    """
    late = np.flatnonzero(~explanation.converged)
    if not len(late) or explanation.method not in INTEGRALS:
        return ""
    errors, layers = layer_errors(explanation), len(explanation.converged) - 1
    worst, off = int(late[errors[late].argmax()]), _off_by(worst_error(explanation))
    names = [_name(layers, int(b)) for b in late]
    if len(names) > NAMED:
        most = f"{_name(layers, worst)} most"
        said = f"{len(names)} of {layers + 1} layers are not exact, {most}: values may be {off}"
    elif len(names) == 1 and late[0] > 0:
        said = f"{names[0]} is not exact: its values may be {off}"
    else:
        listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        said = f"{listed} are not exact: their values may be {off}"
    return f"{said[0].upper()}{said[1:]}."


def inexact_warning(explanations: Sequence[Explanation | None]) -> str:
    """The warning about what was explained in one call.

    Empty where every layer converged, and no path starts where the model is singular.
    """
    known = {i: e for i, e in enumerate(explanations) if e is not None}
    late = {i: e for i, e in known.items() if inexact_note(e)}
    if not late:
        singular = next((e for e in known.values() if e.config.get("singular")), None)
        return "" if singular is None else _singular(singular)
    worst = max(late, key=lambda i: worst_error(late[i]))
    found = late[worst]
    said = f"{inexact_note(found)} {_remedy(found)}"
    if len(explanations) == 1:
        return said
    noun = "texts" if found.image is None else "pictures"
    have = "has" if len(late) == 1 else "have"
    return (
        f"{len(late)} of {len(explanations)} {noun} {have} layers that are not exact, most of all "
        f"number {worst}: {said}"
    )


def _name(layers: int, b: int) -> str:
    """A layer's name in a sentence that begins with it, or not."""
    name = layer_in(layers, b)
    return THE_EMBEDDINGS if b == 0 else f"the {name}" if b == layers else name


def _off_by(error: float) -> str:
    if not 0 < error:
        return "off"
    return f"off by {error_bound(error)}" if error < 1 else "off by more than their own size"


def _singular(explanation: Explanation) -> str:
    """Why a baseline is no good start, and what to take instead."""
    name = explanation.config.get("baselines")
    others = "'mask' or a text" if explanation.image is None else "'mean' or 'blur'"
    return (
        f"The baseline {name} enters the first block as (nearly) zero, where the model's norm is "
        f"singular: leave baselines out, or give {others}."
    )


def _remedy(explanation: Explanation) -> str:
    """What can be done about it."""
    if explanation.config.get("singular"):
        return _singular(explanation)
    others = "or other baselines"
    if np.isnan(explanation.token_error).all():  # the nodes were fixed
        return f"Take n_steps='auto', more n_steps {others}."
    if explanation.method == "conductance":
        return f"It is a preview of few nodes: give n_steps, take method='ca-lig' {others}."
    return f"Give a larger max_nodes, a larger tolerance {others}."
