"""Which form of the fusion? Several models, fresh texts; one half chooses, the other confirms.

What made ``forms.md``; SST2, MOVIES (ERASER's) and ENCODER (six blocks, fine-tuned) are folders:
``python -m tests.benchmarks.small_models --data SST2 --words ENCODER --most 25000 --names deep
--out MODELS``; ``python -m tests.benchmarks forms --texts SST2/dev.tsv --n 80 --rationales MOVIES
--calibration SST2/train.tsv --reviews 30 --review-tokens 128 --model ENCODER --model MODELS/deep
--keep KEPT --out tests/benchmarks/forms.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import calig_nb as cn
from calig_nb._arrays import Array
from calig_nb.evaluation.bootstrap import bootstrap
from calig_nb.evaluation.deletion import spread_to_tokens, sum_by_unit
from calig_nb.evaluation.evaluate import read_items
from calig_nb.evaluation.metrics import METRICS, Metric
from calig_nb.evaluation.runner import Item, Run, group_items
from calig_nb.pipeline import cache as disk

from .fusion_forms import (
    FORMS,
    REFERENCES,
    Signals,
    agreement,
    mapped,
    probes,
    reference,
    weights_of,
)
from .leaderboard import CALIBRATE_ON, one_of, sampled, spread
from .models import opened

AGREEMENT = "agreement"
FAITHFUL = (
    AGREEMENT, "loo_correlation", "sign_accuracy", "comprehensiveness", "deletion_auc",
    "opposers_gain",
)  # fmt: skip
PLAUSIBLE = ("auprc", "token_f1")
TOLD = {
    **METRICS,
    AGREEMENT: Metric("random deletions r", "higher", "correlation over random deletions"),
}
HALVES = ("the half that chooses", "the half that confirms")
NAMES = tuple(form.name for form in FORMS) + REFERENCES


@dataclass(frozen=True)
class Study:
    """What is measured.

    Attributes:
        sentences: Those to choose from, labels after a tab.
        calibration: Other sentences, which the layer weights are estimated from; by default some
            of those between the chosen ones.
        rationales: Folder of ERASER's movie reviews, or None.
        n: Sentences, half of which choose and half of which confirm.
        n_reviews: Reviews, likewise.
        review_tokens: Where a review is cut.
        keep: Folder in which explanations and scores are kept, or None.
        out: File for the tables, or None.
    """

    sentences: Sequence[str]
    calibration: Sequence[str] = ()
    rationales: Path | None = None
    n: int = 200
    n_reviews: int = 100
    review_tokens: int = 256
    keep: Path | None = None
    out: Path | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """One model: what every form scored.

    Attributes:
        title: The model in words.
        weights: (L,) of the default and of the form by conservative propagation.
        values: By metric (texts, forms and references); texts of both halves in turn.
    """

    title: str
    weights: tuple[Array, Array]
    values: dict[str, Array]

    def differences(self, metric: str, half: int) -> Array:
        """(3, forms) each less the default on the same texts: mean and its 95 % interval."""
        own = self.values[metric][half::2]
        return bootstrap(own - own[:, :1])

    def verdicts(self, metric: str, half: int) -> Array:
        """(forms,) 1 better than the default beyond the interval, -1 worse, else 0."""
        sign = 1 if TOLD[metric].better == "higher" else -1
        _, low, high = sign * self.differences(metric, half)
        return (np.fmin(low, high) > 0).astype(int) - (np.fmax(low, high) < 0).astype(int)


def study(names: Sequence[str], asked: Study) -> None:
    """Print the tables, and write them where that is asked."""
    found = [measured(name, asked) for name in names]
    text = "\n".join([*_head(asked, len(found)), *_summary(found)])
    text += "".join(f"\n{_table(one, half)}" for one in found for half in (1, 0))
    print(text, flush=True)
    if asked.out is not None:
        asked.out.write_text(text + "\n", encoding="utf-8")


def measured(name: str, asked: Study) -> Measured:
    """What every form scores with one model."""
    subject = opened(name)
    explainer = subject.explainer
    assert explainer is not None, f"{name} reads no text"
    explainer.cache = None if asked.keep is None else disk.Cache(asked.keep / subject.name)
    labels = {one_of(line): line.rpartition("\t")[2].strip() for line in asked.sentences}
    chosen, others = spread(list(labels), asked.n)
    if asked.calibration:
        others, _ = spread([one_of(line) for line in asked.calibration], CALIBRATE_ON)
    texts = others or chosen
    run = Run(explainer, {}, ("remove",), 0)
    items, _ = read_items(run, texts, None, None, "raise")
    calibration = [one for group in group_items(items) for one in signals(explainer, group)]
    weights = [weights_of(form, calibration) for form in FORMS]

    items, _ = read_items(run, chosen, None, None, "raise")
    scored(run, items, weights)
    right = np.mean([labels[item.source] == str(item.target) for item in items])
    values = {m: _column(items, m) for m in FAITHFUL}
    if asked.rationales is not None:
        reviews = sampled(explainer, asked.rationales, asked.n_reviews, asked.review_tokens)
        run = Run(explainer, {}, (), 0)
        items, run.share = read_items(
            run, [r.text for r in reviews], [r.label for r in reviews],
            [r.spans for r in reviews], "raise",
        )  # fmt: skip
        scored(run, items, weights)
        values |= {m: _column(items, m) for m in PLAUSIBLE}
    config = subject.model.config
    title = f"{subject.name}, {len(weights[0])} blocks, {config.hidden_size} wide"
    if right:
        title += f", {right:.0%} of the sentences right"
    by_map = next(i for i, form in enumerate(FORMS) if form.reference == "conservative")
    return Measured(title, (weights[0], weights[by_map]), values)


def signals(explainer: cn.Explainer, group: Sequence[Item]) -> Iterator[Signals]:
    """What the forms are made of, for texts of one target."""
    sources, target = [item.source for item in group], group[0].target
    found = {
        method: explainer.explain(sources, target=target, method=method, progress=False)
        for method in ("ca-lig", "conservative", "attn-lrp")
    }
    for own, *others in zip(*found.values(), strict=True):
        yield Signals(
            own.layer_attributions[:-1],
            np.asarray(own.attention_relevance),
            {one.method: one.layer_attributions[0] for one in others},
            own.special,
            own.pooled,
        )


def scored(run: Run, items: Sequence[Item], weights: Sequence[Array]) -> None:
    """Give every item what each form and reference scores; what is known is not done again."""
    stamps = [f"{form!r} {own.tolist()}" for form, own in zip(FORMS, weights, strict=True)]
    stamps += REFERENCES
    for group in group_items(items):
        keys = [_key(run, item) for item in group]
        cache = run.explainer.cache
        known = [(cache.get_trial(key) if cache is not None else None) or {} for key in keys]
        if all(stamp in one for one in known for stamp in stamps):
            found = iter(())
        else:
            found = signals(run.explainer, group)
        for item, key, one in zip(group, keys, known, strict=True):
            if signal := next(found, None):
                missing = {n: s for n, s in zip(NAMES, stamps, strict=True) if s not in one}
                maps = {n: sum_by_unit(_map(n, signal, weights), item.units) for n in missing}
                _score(run, item, maps)
                one |= {stamp: item.trials[n] for n, stamp in missing.items()}
                if cache is not None and missing:
                    cache.put_trial(key, one)
            item.trials = {n: one[s] for n, s in zip(NAMES, stamps, strict=True)}


def _map(name: str, signal: Signals, weights: Sequence[Array]) -> Array:
    for form, own in zip(FORMS, weights, strict=True):
        if form.name == name and name not in REFERENCES:
            return mapped(form, signal, own)
    return reference(name, signal)


def _score(run: Run, item: Item, maps: dict[str, Array]) -> None:
    """The package's own metrics, and the agreement with random deletions."""
    item.trials |= {name: {} for name in maps}
    run.score(item, maps)
    if not run.ways or not maps:
        return
    ids = item.text.model_inputs["input_ids"].flatten().tolist()
    rows = probes(len(item.units), [run.seed, *ids])
    tokens = spread_to_tokens(rows, item.units, len(item.text.tokens))
    whole = np.zeros((1, tokens.shape[1]), dtype=bool)
    answers = run.scorer.log_odds(item.text, np.concatenate([whole, tokens]), item.target)
    for name, scores in maps.items():
        item.trials[name][AGREEMENT] = agreement(scores, rows, answers[0] - answers[1:])


def _key(run: Run, item: Item) -> str:
    arrays = {name: value.numpy() for name, value in item.text.model_inputs.items()}
    if item.rationale is not None:
        arrays["rationale"] = item.rationale
    asked = {"study": run.ways, "target": item.target, "share": run.share, "seed": run.seed}
    return disk.key_of(run.explainer.engine.identity.digest() or "", arrays, asked)


def _column(items: Sequence[Item], metric: str) -> Array:
    return np.array([[item.trials[name][metric] for name in NAMES] for item in items])


def _head(asked: Study, n_models: int) -> list[str]:
    reviews = ""
    if asked.rationales is not None:
        reviews = f" and {asked.n_reviews} reviews of at most {asked.review_tokens} tokens"
    return [
        "# Forms of the fusion",
        "",
        f"{n_models} models; {asked.n} sentences{reviews}, every second of which chooses and the "
        "others confirm. Layer weights from other sentences. Words deleted by removing them. Each "
        "form less the default on the same texts, with 95 % intervals; ▲ better and ▽ worse "
        "beyond them. Last in each table: methods without a fusion.",
        "",
        "A form wins if on the confirming half of every model it is ahead in a metric of "
        "faithfulness and in one of agreement with people, and behind in none. In how many "
        "metrics of all models it is ahead and behind:",
        "",
    ]


def _summary(found: Sequence[Measured]) -> list[str]:
    """For each form, in how many tables of a model and a metric it is ahead and behind."""
    rows = [
        "| form | where it was chosen | confirmed | of these, faithfulness | people | wins |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for j, name in enumerate(NAMES[1:], 1):
        counts = [
            [one.verdicts(m, half)[j] for one in found for m in one.values] for half in (0, 1)
        ]
        said = [f"{count.count(1)}, {count.count(-1)}" for count in counts]
        kinds = []
        for metrics in (FAITHFUL, PLAUSIBLE):
            own = [one.verdicts(m, 1)[j] for one in found for m in metrics if m in one.values]
            kinds.append(f"{own.count(1)}, {own.count(-1)}")
        rows.append(
            f"| {name} | {said[0]} | {said[1]} | {kinds[0]} | {kinds[1]} | {_wins(found, j)} |"
        )
    return rows


def _wins(found: Sequence[Measured], j: int) -> str:
    """Whether, on every model's confirming half, it is behind nowhere and ahead of both kinds."""
    for one in found:
        kinds = [
            [one.verdicts(m, 1)[j] for m in metrics if m in one.values]
            for metrics in (FAITHFUL, PLAUSIBLE)
        ]
        if any(-1 in own for own in kinds) or not all(1 in own for own in kinds if own):
            return "no"
    return "yes"


def _table(one: Measured, half: int) -> str:
    first, by_map = (np.array2string(w, precision=2, floatmode="fixed") for w in one.weights)
    shown = [m for m in (*FAITHFUL, *PLAUSIBLE) if m in one.values]
    titles = [f"{TOLD[m].title} {'↑' if TOLD[m].better == 'higher' else '↓'}" for m in shown]
    means = [f"{np.nanmean(one.values[m][half::2, 0]):.3f}" for m in shown]
    lines = [
        f"\n## {one.title}: {HALVES[half]}",
        f"\nLayer weights {first}; by conservative propagation, ^4, {by_map}.\n",
        f"| | {' | '.join(titles)} |",
        "| --- " * (len(shown) + 1) + "|",
        f"| default | {' | '.join(means)} |",
    ]
    found = [(one.differences(m, half), one.verdicts(m, half)) for m in shown]
    for j, name in enumerate(NAMES[1:], 1):
        cells = [
            f"{d[0, j]:+.3f} [{d[1, j]:+.3f}, {d[2, j]:+.3f}]{('', ' ▲', ' ▽')[v[j]]}"
            for d, v in found
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
