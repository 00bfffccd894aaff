"""What an evaluation found: methods beside each other on the same texts. Frozen, NumPy only."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._upward import import_upward
from .._validation import one_of
from ..explanation.formatting import in_markdown, isolate, legible, printable
from .bootstrap import LEVEL, bootstrap
from .metrics import METRICS, Metric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]

RANDOM = "random"


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """How faithful some methods are on some texts, and how well they agree with people.

    Attributes:
        texts: (N,) what was explained, by every method.
        targets: (N,) the class that was explained, by name.
        methods: (M,) names; the last is "random", a map of random numbers.
        metrics: (K,) names as in :data:`calig_nb.evaluation.metrics.METRICS`; where words were
            deleted in several ways, each followed by the way in brackets.
        values: (N, M, K) what each method scored on each text; NaN where a metric says nothing.
        passes: (N, M) what each map cost, in forward passes of its text; what gradients cost
            beside is not counted.
        seconds: (N, M) the same in seconds, of texts of one length together.
        config: What was asked, as plain values.
        n_resamples: Draws of the bootstrap.
        seed: Of the draws and of the random maps.

    Example:
        >>> evaluation
        Evaluation(3 methods, 2 texts, 9 metrics; ca-lig is ahead in ... of 9 comparisons)
    """

    texts: tuple[str, ...]
    targets: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Array
    passes: Array
    seconds: Array
    config: dict[str, Any]
    n_resamples: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        n, m, k = len(self.texts), len(self.methods), len(self.metrics)
        shapes = {"values": (n, m, k), "passes": (n, m), "seconds": (n, m)}
        for name, shape in shapes.items():
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape} for {n} texts, {m} methods and {k} metrics, "
                    f"got {array.shape}."
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if not n or not m or not k:
            raise ValueError(
                f"an evaluation must have texts, methods and metrics, got {n}, {m} and {k}."
            )

    def __repr__(self) -> str:
        ahead = self._ahead()
        return (
            f"Evaluation({len(self.methods)} methods, {len(self.texts)} texts, "
            f"{len(self.metrics)} metrics{'' if not ahead else '; ' + ahead})"
        )

    @cached_property
    def means(self) -> Array:
        """(3, M, K) mean, lower and upper end of its 95 % interval over the texts."""
        return bootstrap(self.values, self.n_resamples, self.seed)

    @cached_property
    def leads(self) -> Array:
        """(3, M, K) each method less the first, text by text: mean and its 95 % interval."""
        return bootstrap(self.values - self.values[:, :1], self.n_resamples, self.seed)

    @property
    def table(self) -> pd.DataFrame:
        """Methods by metrics: ``mean``, ``low`` and ``high`` of each."""
        return self._framed(self.means)

    @property
    def differences(self) -> pd.DataFrame:
        """Each method less the first on the same texts, as :attr:`table`.

        An interval without zero is a difference that the choice of texts does not explain.
        """
        return self._framed(self.leads)

    @property
    def cost(self) -> pd.DataFrame:
        """What a map cost, the median over the texts: ``passes`` and ``seconds``."""
        import pandas as pd

        from ..explanation.table import Table

        medians = {n: np.median(getattr(self, n), axis=0) for n in ("passes", "seconds")}
        return Table(medians, index=pd.Index(self.methods, name="method"))

    def metric(self, name: str) -> Metric:
        """What a metric says, and whether more of it is better.

        Raises:
            ValueError: If it is none of ``metrics``.

        Example:
            >>> evaluation.metric('comprehensiveness').better
            'higher'
        """
        one_of("metric", name, self.metrics)
        return METRICS[name.split(" ")[0]]

    def better(self, method: str, metric: str) -> int:
        """1 if a method is better than the first beyond its interval, -1 if worse, else 0.

        Raises:
            ValueError: If the method or the metric is not of this evaluation.

        Example:
            >>> evaluation.better('random', 'comprehensiveness') in (-1, 0, 1)
            True
        """
        one_of("method", method, self.methods)
        sign = 1 if self.metric(metric).better == "higher" else -1
        _, low, high = self.leads[:, self.methods.index(method), self.metrics.index(metric)] * sign
        return int(min(low, high) > 0) - int(max(low, high) < 0)

    def to_frame(self) -> pd.DataFrame:
        """One row for each text, method and metric.

        Returns:
            Columns ``item`` (the text's number), ``text``, ``target``, ``method``, ``metric`` and
            ``value`` (NaN where the metric says nothing).

        Example:
            >>> evaluation.to_frame().columns.tolist()
            ['item', 'text', 'target', 'method', 'metric', 'value']
        """
        from ..explanation.table import Table

        n, m, k = self.values.shape
        return Table(
            {
                "item": np.repeat(np.arange(n), m * k),
                "text": np.repeat(np.array(self.texts, dtype=object), m * k),
                "target": np.repeat(np.array(self.targets, dtype=object), m * k),
                "method": np.tile(np.repeat(np.array(self.methods, dtype=object), k), n),
                "metric": np.tile(np.array(self.metrics, dtype=object), n * m),
                "value": self.values.ravel(),
            }
        )

    def figure(self, metrics: Sequence[str] | None = None, **state: Any) -> Figure:
        """Means and intervals, a column for each metric; see :mod:`calig_nb.figures`.

        Args:
            metrics: Which columns; all by default.
            **state: ``theme``, "light" or "dark"; ``width`` in inches.

        Raises:
            ValueError: If a metric is unknown, or an option out of its range.

        Example:
            >>> evaluation.figure(['comprehensiveness']).savefig('methods.pdf')
        """
        figure: Figure = import_upward("figures", "evaluation_figure")(self, metrics, **state)
        return figure

    def to_markdown(self, differences: bool = False) -> str:
        """The table as text: means with intervals, and the cost; or the differences.

        Args:
            differences: Each method less the first instead; ▲ is better beyond the interval, ▽
                worse.

        Example:
            >>> evaluation.to_markdown().splitlines()[1][:11]
            '| --- | ---'
        """
        rows = self._cells(differences)
        lines = [f"| {' | '.join([in_markdown(name), *cells])} |" for name, *cells in rows]
        return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])

    def _repr_html_(self) -> str:
        head, *rows = self._cells(False)
        titles = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        note = html.escape(
            f"{len(self.texts)} texts; means and {LEVEL:.0%} intervals; ▲ better and ▽ worse than "
            f"{isolate(legible(self.methods[0]))} on the same texts, beyond the interval"
        )
        table = f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
        # What stands between dollars is no formula.
        return f'<div class="tex2jax_ignore mathjax_ignore">{table}<p>{note}</p></div>'

    def _cells(self, differences: bool) -> list[list[str]]:
        """The table in words, the titles first."""
        titles = [self._title(name) for name in self.metrics]
        cost = [] if differences else ["passes", "seconds"]
        names = [legible(method) for method in self.methods]
        rows = [["less " + names[0] if differences else "method", *titles, *cost]]
        found, spent = self.leads if differences else self.means, self.cost
        for j, method in enumerate(self.methods):
            if differences and not j:
                continue
            cells = [names[j]]
            for k, metric in enumerate(self.metrics):
                mark = {1: " ▲", -1: " ▽", 0: ""}[self.better(method, metric) if j else 0]
                cells.append(_shown(found[:, j, k], differences) + mark)
            if not differences:
                cells += [f"{spent['passes'].iloc[j]:.1f}", f"{spent['seconds'].iloc[j]:.3f}"]
            rows.append(cells)
        return rows

    def _title(self, name: str) -> str:
        metric, way = self.metric(name), name.partition(" ")[2]
        arrow = "↑" if metric.better == "higher" else "↓"
        return " ".join(part for part in (metric.title, way, arrow) if part)

    def _ahead(self) -> str:
        """On how many metrics the first method beats, or loses to, another."""
        others = [m for m in self.methods[1:] if m != RANDOM]
        verdicts = [self.better(m, k) for m in others for k in self.metrics]
        if not verdicts:
            return ""
        return (
            f"{printable(self.methods[0])} is ahead in {verdicts.count(-1)}, behind in "
            f"{verdicts.count(1)} of {len(verdicts)} comparisons"
        )

    def _framed(self, found: Array) -> pd.DataFrame:
        import pandas as pd

        from ..explanation.table import Table

        columns = pd.MultiIndex.from_product([self.metrics, ("mean", "low", "high")])
        flat = np.moveaxis(found, 0, 2).reshape(len(self.methods), -1)
        return Table(flat, index=pd.Index(self.methods, name="method"), columns=columns)


def _shown(triple: Array, signed: bool) -> str:
    """Mean and interval; a dash where nothing is said."""
    if not np.isfinite(triple[0]):
        return "–"
    mean, low, high = (f"{value:{'+' if signed else ''}.3f}" for value in triple)
    return mean if not np.isfinite(triple[1]) else f"{mean} [{low}, {high}]"
