"""Methods side by side on the same texts: what each scores, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from .._arrays import Array
from .._validation import (
    instance_of,
    list_of,
    one_of,
    real_between,
    shown,
    warn_user,
    whole_number,
)
from .._version import __version__
from ..attribution.request import Request
from ..explanation.formatting import printable
from ..explanation.fusion import Fusion
from ..explanation.methods import METHODS
from ..inputs.table import read_column
from ..pipeline.explainer import Explainer
from .deletion import Deletion, ordinary_words
from .metrics import FAITHFULNESS, PLAUSIBILITY
from .rationales import units_marked
from .result import RANDOM, Evaluation
from .runner import Item, Run, describe_options

MADE_BY = "Explainer(model, tokenizer) makes one, or calig_nb.load_demo()."
MOST_DRAWS = 100_000
"""More of them say no more."""


def evaluate(
    explainer: Explainer,
    texts: Sequence[str],
    *,
    targets: Sequence[int | str | None] | None = None,
    rationales: Sequence[Any] | None = None,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]] | None = None,
    metrics: Sequence[str] | None = None,
    deletion: Deletion | Sequence[Deletion] | None = None,
    tolerance: float = 0.01,
    n_resamples: int = 2000,
    seed: int = 0,
    progress: bool | None = None,
    on_error: Literal["raise", "skip"] = "raise",
) -> Evaluation:
    """Which method says what this model does? All on the same texts, beside a random map.

    Words are deleted as tokens, all pieces of a word together; special tokens stay. What is
    deleted twice, by one method or by two, is scored once. Each text's scores are kept in the
    explainer's cache: an evaluation that was interrupted continues where it stopped. Of the texts
    that are finished it hangs on the ``KeyboardInterrupt``, as ``error.evaluation``.

    Args:
        explainer: Whose model.
        texts: At least one text or picture; some hundred tell methods apart.
        targets: The class to explain, for each text; the predicted ones by default. Against
            rationales give the true ones.
        rationales: What a person marked in each text: marks of 0 and 1, one a token or one a
            word; or (start, end) pairs of characters; or words. None for a text without.
        methods: Names, see :func:`calig_nb.methods`; all by default. Or names of your own with
            options of :meth:`Explainer.explain`, such as ``{"sure": {"lam": 1.0}}``, and
            ``fusion``, a :class:`Fusion`. The first is what the others are compared with.
        metrics: Names, see :data:`calig_nb.evaluation.metrics.METRICS`; by default all that
            can be had. Without those of faithfulness nothing is deleted, which saves most
            of the time.
        deletion: How words go: "remove" (the default) closes the gaps, "mask" and "pad" put that
            token in their places. How patches of pictures go: "mean" (the default) puts the
            picture's mean colour there, "blur" the blurred picture, "zero" mid-grey. Several are
            listed beside each other.
        tolerance: Relative error at which integrals stop.
        n_resamples: Draws of the bootstrap, for 95 % intervals of means over texts.
        seed: Of the draws and of the random map.
        progress: A progress bar; by default only if it takes over two seconds.
        on_error: What becomes of a text that one method cannot explain: "raise" the error, or
            "skip" the text for all methods, with a warning. A method that can explain none of
            them is left out.

    Returns:
        An :class:`Evaluation`.

    Raises:
        TypeError, ValueError: If a text, target, rationale, method or option is out of its range,
            or nothing is left to compare; the message names it.

    Source:
        For each metric as :mod:`calig_nb.evaluation.metrics` names it.

    Example:
        >>> texts = ['A dull film.', 'The acting is superb.']
        >>> evaluation = cn.evaluate(explainer, texts, methods=['ca-lig', 'ig'], progress=False)
        >>> evaluation.methods
        ('ca-lig', 'ig', 'random')
    """
    one_of("on_error", on_error, ("raise", "skip"))
    reader = instance_of("explainer", explainer, Explainer, MADE_BY).engine.reader
    wanted_ways = reader.deletions[:1] if deletion is None else deletion
    one = isinstance(wanted_ways, str)
    ways = (wanted_ways,) if one else tuple(list_of("deletion", wanted_ways, "ways"))
    for way in ways:
        one_of("deletion", way, reader.deletions)
    real_between("tolerance", tolerance, 0, 1, inside=True)
    n_resamples = whole_number("n_resamples", n_resamples, 1, MOST_DRAWS)
    seed = whole_number("seed", seed, 0)
    if not ways or len(set(ways)) < len(ways):
        raise ValueError(f"deletion must name one way or several different ones, got {ways}.")
    options = _method_options(methods, tolerance, reader.is_of_pictures)
    wanted = _wanted_metrics(metrics, rationales is not None)
    run = Run(explainer, options, ways if set(wanted) & set(FAITHFULNESS) else (), seed)
    items, share = read_items(run, texts, targets, rationales, on_error)
    run.share = share
    faithful = [name for name in wanted if name in FAITHFULNESS]
    named = [m if len(ways) == 1 else f"{m} ({way})" for way in ways for m in faithful]
    named += [name for name in wanted if name in PLAUSIBILITY]

    def judge(items: list[Item]) -> Evaluation:
        items, names = _keep_comparable(items, [*options, RANDOM])

        def table(columns: Sequence[str]) -> Array:
            return np.array([[[i.trials[m][k] for k in columns] for m in names] for i in items])

        cost = table(["passes", "seconds"])
        return Evaluation(
            texts=tuple(reader.label_of(item.source, item.number) for item in items),
            targets=tuple(item.label for item in items),
            methods=tuple(names),
            metrics=tuple(named),
            values=table(named),
            passes=cost[..., 0],
            seconds=cost[..., 1],
            config={
                "model": type(explainer.model).__name__,
                "methods": {n: describe_options(options[n]) for n in names if n != RANDOM},
                "deletion": list(ways),
                "tolerance": tolerance,
                "rationale_share": share,
                **({"classes": "measured"} if run.measured else {}),
                "version": __version__,
            },
            n_resamples=n_resamples,
            seed=seed,
        )

    try:
        run.finish(items, progress, on_error)
    except KeyboardInterrupt as interrupt:
        trials = [[item.trials.get(m, {}) for m in (*options, RANDOM)] for item in items]
        whole = [all({*named} <= own.keys() for own in tried) for tried in trials]
        if done := [item for item, is_whole in zip(items, whole, strict=True) if is_whole]:
            interrupt.evaluation = judge(done)  # type: ignore[attr-defined]
        raise
    return judge(items)


def _method_options(
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]] | None, tolerance: float, pixels: bool
) -> dict[str, dict[str, Any]]:
    """For each method what ``explain`` is asked, checked at the door."""
    if isinstance(methods, str):
        raise TypeError(f"methods must be a list of names, got the text {methods!r}.")
    if isinstance(methods, Mapping):
        given, named = [*methods], methods
    else:
        given = [*METHODS] if methods is None else list_of("methods", methods, "names")
        for name in given:
            instance_of("methods", name, str, "It holds names: see calig_nb.methods().")
        named = {name: {"method": name} for name in given}
    if not named or len(named) < len(given):
        raise ValueError(f"methods must be one or several different names, got {shown(given)}.")
    if RANDOM in named:
        raise ValueError(f"methods must not hold {RANDOM!r}: a random map is always beside them.")
    found = {}
    for name, own in named.items():
        if not isinstance(own, Mapping):
            raise TypeError(f"methods[{name!r}] must hold options of explain, got {shown(own)}.")
        options = {"tolerance": tolerance, **own}
        fusion = options.get("fusion")
        if fusion is not None and not isinstance(fusion, Fusion):
            raise TypeError(f"methods[{name!r}]: fusion must be a Fusion, got {shown(fusion)}.")
        if wrong := {"target", "contrast", "progress", "on_error"} & options.keys():
            raise ValueError(
                f"methods[{name!r}] must not hold {sorted(wrong)}: it is the same for all methods."
            )
        try:
            Request(**{n: v for n, v in options.items() if n != "fusion"}, pixels=pixels)
        except (TypeError, ValueError) as error:
            raise type(error)(f"methods[{name!r}]: {error}") from None
        found[str(name)] = options
    return found


def _wanted_metrics(metrics: Sequence[str] | None, marked: bool) -> list[str]:
    """The names of the metrics that are wanted."""
    known = [*FAITHFULNESS, *(PLAUSIBILITY if marked else ())]
    if metrics is None:
        return known
    names = [] if isinstance(metrics, str) else list_of("metrics", metrics, "names")
    for name in names:
        if isinstance(name, str) and name in PLAUSIBILITY and not marked:
            raise ValueError(f"metrics holds {name!r}, which needs rationales.")
        one_of("metrics", name, tuple(known))
    if not names or len(set(names)) < len(names):
        raise ValueError(f"metrics must be a list of different names, got {shown(metrics)}.")
    return [name for name in known if name in metrics]


def read_items(
    run: Run,
    texts: Sequence[str],
    targets: Sequence[int | str | None] | None,
    rationales: Sequence[Any] | None,
    on_error: str,
) -> tuple[list[Item], float | None]:
    """The texts as the model reads them, and the mean share of a text that people marked."""
    texts = list_of("texts", read_column(texts, name="texts"), "texts")
    targets = _one_each("targets", targets, len(texts))
    rationales = _one_each("rationales", rationales, len(texts))
    reader = run.scorer.engine.reader
    read = []
    for i, text in enumerate(texts):
        try:
            classes = None if targets is None else targets[i], None
            read.append((i, reader.read(text, f"texts[{i}]", classes=classes)))
        except (TypeError, ValueError) as error:
            if on_error == "raise":
                raise
            warn_user(f"A text is skipped: {error}")
    if not read:
        raise ValueError(f"texts must hold at least one that can be explained, got {len(texts)}.")
    wanted = [None if targets is None else targets[i] for i, _ in read]
    chosen, kind = run.scorer.choose_targets([text for _, text in read], wanted)
    run.measured = kind == "measured"
    items = [
        Item(i, texts[i], text, ordinary_words(text), *target)
        for (i, text), target in zip(read, chosen, strict=True)
    ]
    if rationales is None:
        return items, None
    for item in items:
        if (own := rationales[item.number]) is not None:
            item.rationale = units_marked(
                own, item.text.text, item.text.offsets, item.units, f"rationales[{item.number}]"
            )
    shares = [i.rationale.mean() for i in items if i.rationale is not None and i.rationale.any()]
    if not shares:
        raise ValueError("rationales must mark something in at least one text, got none that does.")
    return items, float(np.mean(shares))


def _one_each(name: str, values: Any, count: int) -> list[Any] | None:
    """As many values as texts, or None."""
    found = None if values is None else list_of(name, values, "one for each text")
    if found is not None and len(found) != count:
        raise ValueError(f"{name} must have one for each of {count} texts, got {len(found)}.")
    return found


def _keep_comparable(items: Sequence[Item], names: Sequence[str]) -> tuple[list[Item], list[str]]:
    """The texts that every method explained, and the methods that explained any."""
    kept = [name for name in names if any(name in item.trials for item in items)]
    for name in [name for name in names if name not in kept]:
        error = next(item.errors[name] for item in items if name in item.errors)
        warn_user(f"{printable(name)} is left out, it explains none of the texts: {error}")
    whole = [item for item in items if all(name in item.trials for name in kept)]
    for item in items:
        for name, error in item.errors.items():
            if name in kept:
                warn_user(f"texts[{item.number}] is skipped: {printable(name)}: {error}")
    if kept == [RANDOM] or not whole:
        raise ValueError("No text is left that the methods can explain; the warnings say why.")
    return whole, kept
