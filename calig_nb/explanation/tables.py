"""The numbers of an explanation as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .explanation import Explanation
from .units import Granularity

if TYPE_CHECKING:
    import pandas as pd


def frame(
    explanation: Explanation, granularity: Granularity | Literal["layer"] = "token"
) -> pd.DataFrame:
    """The numbers as a table.

    Args:
        explanation: What is tabled.
        granularity: "token", "word", "sentence" or "passage" gives a row for each, its evidence
            summed
            over its tokens, with one column of r_b for each layer; "layer" gives a row for
            each layer with its total, its error and what it took.
    """
    import pandas as pd

    if granularity == "layer":
        weights = [*explanation.layer_weights, np.nan]
        return pd.DataFrame(
            {
                "layer": np.arange(len(explanation.n_steps)),
                "total": explanation.layer_attributions.sum(axis=1),
                "convergence_delta": explanation.convergence_delta,
                "token_error": explanation.token_error,
                "n_steps": explanation.n_steps,
                "converged": explanation.converged,
                "layer_weight": weights,
            }
        )
    columns = {n: getattr(explanation, n) for n in ("attributions", "supporting", "opposing")}
    columns |= {f"layer_{b}": r for b, r in enumerate(explanation.layer_attributions)}
    return pd.DataFrame(
        {
            granularity: unit.text,
            "special": unit.special,
            **{name: values[list(unit.tokens)].sum() for name, values in columns.items()},
        }
        for unit in explanation.units(granularity)
    )


def top(explanation: Explanation, k: int, granularity: Granularity) -> pd.DataFrame:
    """The k ordinary words with most relevance, strongest first, whatever its sign."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    table = frame(explanation, granularity)
    table = table[~table["special"]][[granularity, "attributions", "supporting", "opposing"]]
    order = table["attributions"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order[:k]].reset_index(drop=True)
