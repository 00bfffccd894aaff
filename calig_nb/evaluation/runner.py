"""Trials: what one method scores on one text, computed together and kept one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from ..attribution.request import Request
from ..explanation.units import Unit
from ..inputs.text import TextInputs
from ..pipeline.batch import own_labels
from . import metrics
from .cost import count_products
from .deletion import Scorer, ordinary_words, spread_to_tokens, sum_by_unit
from .result import RANDOM

if TYPE_CHECKING:
    from ..pipeline.cache import Says
    from ..pipeline.explainer import Explainer

Marks = npt.NDArray[np.bool_]
Trial = dict[str, float]
"""What one method scored on one text, with its cost."""

TOGETHER = 8
"""Texts that are explained in one go; an interrupted evaluation loses no more than these."""


@dataclass(eq=False)
class Item:
    """One text, and what each method scored on it so far.

    Attributes:
        number: Its place among the texts that were given.
        source: The text as it was given.
        text: As the model reads it.
        units: Its ordinary words.
        target: The class to explain.
        label: Its name.
        rationale: (units,) what a person marked, or None.
        trials: By method.
        errors: By method, why there is no trial.
    """

    number: int
    source: str
    text: TextInputs
    units: tuple[Unit, ...]
    target: int
    label: str
    rationale: Marks | None = None
    trials: dict[str, Trial] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)

    @property
    def target_id(self) -> int:
        """The class as ``explain`` takes it: of a next token, its id."""
        question = self.text.question
        own = question is not None and question.candidates
        return own[self.target] if own else self.target


@dataclass(eq=False)
class Run:
    """One evaluation on its way.

    Attributes:
        explainer: Whose model.
        options: For each method, what ``explain`` is asked, and the fusion.
        ways: How words are deleted; none where faithfulness is not asked for.
        seed: Of the random map.
        share: Of the units, how many a map may choose against a rationale.
        measured: Whether the model gives values and no probabilities.
    """

    explainer: Explainer
    options: Mapping[str, Mapping[str, Any]]
    ways: tuple[str, ...]
    seed: int
    share: float | None = None
    measured: bool = False

    def __post_init__(self) -> None:
        self.scorer = Scorer(self.explainer.engine)
        # Maps are computed and timed here, and by the hundred: the cache keeps what they scored.
        # Its layer weights were found to be the model's; finding it again would count as cost.
        self.uncached = self.explainer.without_cache().with_model(self.explainer.engine.model)

    def finish(self, items: Sequence[Item], progress: bool | None, on_error: str) -> None:
        """Give every item its trials."""
        from tqdm.auto import tqdm

        cache, names = self.explainer.cache, self._names(items)
        for item in items:
            for name, asked in names[item.number].items():
                if cache is not None and (known := cache.get_trial(*asked)) is not None:
                    item.trials[name] = known
        todo = sum(not self._is_done(item) for item in items)
        delay, off = 0 if progress else 2, progress is False
        with tqdm(total=todo, disable=off, delay=delay, desc="evaluate") as bar:
            for group in group_items([item for item in items if not self._is_done(item)]):
                maps = self._maps(group, on_error)
                for item in group:
                    self.score(item, maps[item.number])
                    for name in maps[item.number]:
                        if cache is not None and name in names[item.number]:
                            key, says = names[item.number][name]
                            cache.put_trial(key, item.trials[name], says)
                bar.update(len(group))

    def _is_done(self, item: Item) -> bool:
        return all(name in item.trials for name in (*self.options, RANDOM))

    def _maps(self, group: Sequence[Item], on_error: str) -> dict[int, dict[str, Array]]:
        """For each item the maps that are missing, by method: (units,) each."""
        maps: dict[int, dict[str, Array]] = {item.number: {} for item in group}
        for name, options in self.options.items():
            missing = [item for item in group if name not in item.trials]
            if missing:
                for item, found in zip(missing, self._explain(missing, options), strict=True):
                    if isinstance(found, Exception):
                        if on_error == "raise":
                            raise found
                        item.errors[name] = found
                    else:
                        maps[item.number][name], item.trials[name] = found
        for item in group:
            if RANDOM not in item.trials:
                ids = next(iter(item.text.model_inputs.values())).flatten().numpy()
                ids = ids.tolist() if ids.dtype.kind == "i" else ids.view(np.uint32).tolist()
                draws = np.random.default_rng([self.seed, *ids])
                maps[item.number][RANDOM] = draws.standard_normal(len(item.units))
                item.trials[RANDOM] = {"passes": 0.0, "seconds": 0.0}
        return maps

    def _explain(
        self, items: Sequence[Item], options: Mapping[str, Any]
    ) -> list[tuple[Array, Trial] | Exception]:
        """Each item's map, and what it cost; or why there is none."""
        request = {name: value for name, value in options.items() if name != "fusion"}
        texts = [item.source for item in items]
        began = time.perf_counter()
        with count_products(self.uncached.engine.model.model) as effort:
            try:
                found = self.uncached.explain(
                    texts, target=items[0].target_id, progress=False, **request
                )
            except Exception as error:
                found = getattr(error, "explanations", None)
                if found is None:
                    raise
                found = [error if one is None else one for one in found]
        seconds = (time.perf_counter() - began) / len(items)
        with count_products(self.uncached.engine.model.model) as whole:
            self.scorer.logits([item.text.model_inputs for item in items])
        cost = {"passes": effort.passes(whole), "seconds": seconds}
        results: list[tuple[Array, Trial] | Exception] = []
        for one in found:
            if isinstance(one, Exception):
                results.append(one)
                continue
            if options.get("fusion") is not None:
                one = one.with_fusion(options["fusion"])
            own = sum_by_unit(one.attributions, ordinary_words(one))
            results.append((own, dict(cost)))
        return results

    def score(self, item: Item, maps: Mapping[str, Array]) -> None:
        """Judge the maps of one item together, so that no deletion is scored twice."""
        if not maps:
            return
        n, n_tokens = len(item.units), len(item.text.tokens)
        plans = [metrics.leave_one_out(n), *(metrics.deletions(scores) for scores in maps.values())]
        rows = spread_to_tokens(np.concatenate(plans), item.units, n_tokens)
        cuts = np.cumsum([len(plan) for plan in plans])[:-1]
        for way in self.ways:
            answers = self.scorer.log_odds(item.text, rows, item.target, deletion=way)
            alone, *changed = np.split(answers, cuts)
            for (name, scores), own in zip(maps.items(), changed, strict=True):
                found = metrics.faithfulness(scores, own, alone, self.measured)
                suffix = "" if len(self.ways) < 2 else f" ({way})"
                item.trials[name] |= {f"{metric}{suffix}": v for metric, v in found.items()}
        for name, scores in maps.items():
            if self.share is not None:
                marks = np.zeros(n, dtype=bool) if item.rationale is None else item.rationale
                item.trials[name] |= metrics.plausibility(scores, marks, self.share)

    def _names(self, items: Sequence[Item]) -> dict[int, dict[str, tuple[str, Says]]]:
        """For each item, by method, the trial's name on disk and what the model says of the text.

        Empty where nothing is kept.
        """
        engine, weights = self.explainer.engine, self.explainer.layer_weights
        digest = "" if engine.cache is None else engine.identity.digest()
        found: dict[int, dict[str, tuple[str, Says]]] = {item.number: {} for item in items}
        for item in items if digest else ():
            asked = {
                "rationale": item.rationale, "explained": item.target, "ways": self.ways,
                "share": self.share, "weights": weights, **self._deleted(item),
            }  # fmt: skip
            said: dict[str, Says] = {}  # methods with one baseline share a pass
            for name in (*self.options, RANDOM):
                own = self.options.get(name, next(iter(self.options.values())))
                request = self._request(own)
                trial = describe_options(own) if name in self.options else self.seed
                baseline = request.baselines if isinstance(request.baselines, str) else name
                for one in engine.recalls(item.text, [request], digest, **asked, trial=trial):
                    found[item.number][name] = one.key, said.setdefault(baseline, one.says)
        return found

    def _request(self, options: Mapping[str, Any]) -> Request:
        """What ``explain`` is asked, as a request."""
        reader = self.explainer.engine.reader
        own = {name: value for name, value in options.items() if name != "fusion"}
        start = reader.check_baselines(own.pop("baselines", "auto"))
        return Request(**own, baselines=start, pixels=reader.is_of_pictures)

    def _deleted(self, item: Item) -> dict[str, Any]:
        """What is left of a text without any of its words: what stands in their places changes."""
        reader, everything = self.explainer.engine.reader, ~item.text.special
        return {
            f"{way} {name}": value.cpu().numpy()
            for way in self.ways
            for name, value in reader.delete_units(item.text, everything, way).items()
        }


def describe_options(options: Mapping[str, Any]) -> dict[str, str]:
    """A method's options in words."""
    return {name: repr(value) for name, value in sorted(options.items())}


def group_items(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Items of one target among as many classes, and of about one length, a few at a time."""

    def asked(item: Item) -> tuple[int, int]:
        return item.target_id, len(own_labels(item.text))

    by_target = sorted(items, key=lambda item: (*asked(item), len(item.text.tokens)))
    for _, group in groupby(by_target, key=asked):
        own = list(group)
        for start in range(0, len(own), TOGETHER):
            yield own[start : start + TOGETHER]
