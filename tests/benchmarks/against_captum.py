"""The engine against loops over Captum, and the preview against Captum's conductance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from .captum_loops import (
    Answer,
    captum,
    captum_conductance,
    chosen_kernel,
    default_kernel,
    engine,
    preview,
)
from .models import Question, Subject, opened, texts_of
from .tables import Table
from .timing import correlation, middle, peak_memory, timed, token_error

STEPS = (4, 8, 12, 16, 20, 24, 32, 40, 50, 64, 80)
BATCHES = (5, 10, 25, 50)
BATCH_TOKENS = 6400
PREVIEW_REFERENCE_TOKENS = 128

Run = Callable[..., Answer]


@dataclass
class Row:
    """What one contender took for all questions of a table.

    Attributes:
        who: The function of ``contenders`` whose memory is measured; none of some.
        batch: Captum's internal batch size.
    """

    name: str
    who: str = ""
    batch: int = 0
    seconds: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    memory: float | None = None
    note: str = ""

    def measure(self, run: Callable[[], Answer], reference: np.ndarray, repeats: int) -> Answer:
        """One question more."""
        seconds, answer = timed(run, repeats)
        self.seconds.append(seconds)
        self.errors.append(token_error(answer.values, reference))
        return answer


@dataclass(frozen=True)
class Settings:
    """How a comparison is made.

    Attributes:
        most: Texts.
        tolerance: The engine's, and what the oracle has to reach.
        reference: Gauss-Legendre nodes of the values that errors are relative to.
        steps: Captum's.
        repeats: Runs of which the fastest counts.
        memory: Whether to measure it.
    """

    most: int = 20
    tolerance: float = 0.01
    reference: int = 200
    steps: int = 50
    repeats: int = 1
    memory: bool = True


def compare(name: str, texts: Sequence[str], n_tokens: int, settings: Settings) -> None:
    """Print one table: a model, at a length."""
    subject = opened(name, n_tokens or 512)
    most = 1 if subject.scale_only else settings.most
    questions = [subject.question(t) for t in texts_of(subject, texts, n_tokens, most)]
    engine(subject, questions[0])  # chooses the kernel
    lengths = sorted(question.n_tokens for question in questions)
    span = f"{lengths[0]}" if lengths[0] == lengths[-1] else f"{lengths[0]} to {lengths[-1]}"
    scale = ", random weights: for scale only, no ratios" if subject.scale_only else ""
    table = Table(
        f"{subject.name}, {span} tokens, {len(questions)} texts{scale}",
        "contender", "seconds", "x engine", "MiB", "error", "worst", "how",
    )  # fmt: skip
    if subject.scale_only:
        rows, remarks = _for_scale(subject, questions[0], settings)
    else:
        rows, remarks = _in_full(subject, questions, settings)
    ours = sum(rows[0].seconds)
    asked = {"n_tokens": n_tokens or 512, "text": questions[-1].text}
    for row in rows:
        ratio = None if subject.scale_only else sum(row.seconds) / ours
        if settings.memory and row.who:
            # The lowest layer takes most, and each layer as much as the loop.
            one = {"n_steps": settings.steps, "batch": row.batch, "layers": [0]}
            row.memory = peak_memory(row.who, name, asked, **(one if row.batch else {}))
        worst = max(row.errors, default=None)
        error, batch = middle(row.errors), f"batch {row.batch}" if row.batch else ""
        how = ", ".join(part for part in (row.note, batch) if part)
        table.add(row.name, sum(row.seconds), ratio, row.memory, error, worst, how)
    print(*remarks, sep="\n")


def _in_full(
    subject: Subject, questions: Sequence[Question], settings: Settings
) -> tuple[list[Row], list[str]]:
    repeats = settings.repeats
    batch = best_batch(captum, subject, questions[0], settings.steps)
    other_batch = best_batch(captum_conductance, subject, questions[0], settings.steps)
    own = Row(f"engine, tolerance {settings.tolerance:g}", "engine")
    fifty = Row(f"captum, {settings.steps} steps", "captum", batch)
    oracle = Row("captum oracle, same tolerance", batch=batch)
    equal = Row("captum oracle, engine's error", batch=batch)
    plain = Row("engine on the default kernel")
    chosen = Row("captum on the engine's kernel", batch=batch)
    look = Row("preview", "preview")
    name = f"captum conductance, {settings.steps} steps"
    loop = Row(name, "captum_conductance", other_batch)
    nodes, taken, related, maps, late = [], [], [], [], []
    for index, question in enumerate(questions):
        ask = partial(engine, subject, question, tolerance=settings.tolerance)
        reference = engine(subject, question, n_steps=settings.reference)
        exact = reference.values
        found = own.measure(ask, exact, repeats)
        nodes.append(int(found.nodes.sum()))
        late += [f"text {index} layer {b}" for b in np.flatnonzero(~found.converged)]
        run = partial(captum, subject, question, batch=batch)
        fifty.measure(partial(run, settings.steps), exact, repeats)
        taken.append(_oracles(run, exact, settings, (oracle, equal), own.errors[-1]))
        with default_kernel():
            plain.measure(ask, exact, repeats)
        with chosen_kernel(subject):
            chosen.measure(partial(run, settings.steps), exact, repeats)

        short = question.n_tokens <= PREVIEW_REFERENCE_TOKENS
        seconds, seen = timed(partial(preview, subject, question), repeats)
        look.seconds.append(seconds)
        related.append(correlation(seen.values[1:], exact[1:]))
        if seen.map is not None and reference.map is not None:
            maps.append(correlation(seen.map, reference.map))
        run = partial(captum_conductance, subject, question, settings.steps, other_batch)
        seconds, slow = timed(run, repeats)
        loop.seconds.append(seconds)
        if short:
            fine = preview(subject, question, n_steps=65).values
            look.errors.append(token_error(seen.values, fine))
            loop.errors.append(token_error(slow.values, fine[1:]))
    own.note = f"{middle(nodes):g} nodes over all layers (median)"
    for at, row in enumerate((oracle, equal)):
        steps = [pair[at] for pair in taken]
        row.note = f"{min(steps)} to {max(steps)} steps"
    plain.note = f"captum takes {sum(fifty.seconds) / sum(plain.seconds):.3g} x as long"
    look.note = f"captum takes {sum(fifty.seconds) / sum(look.seconds):.3g} x as long"
    remarks = [
        f"\nLayers that did not converge: {'; '.join(late) or 'none'}.",
        f"The preview's correlation to the exact values: {np.mean(related):.3f} over the layers"
        + (f", {np.mean(maps):.3f} of the explanations." if maps else "."),
    ]
    return [own, fifty, oracle, equal, plain, chosen, look, loop], remarks


def _for_scale(
    subject: Subject, question: Question, settings: Settings
) -> tuple[list[Row], list[str]]:
    own = Row(f"engine, tolerance {settings.tolerance:g}", "engine")
    look = Row("preview", "preview")
    ask = partial(engine, subject, question, tolerance=settings.tolerance)
    seconds, found = timed(ask, settings.repeats)
    own.seconds.append(seconds)
    own.note = f"{found.nodes.sum()} nodes over all layers"
    if question.n_tokens <= PREVIEW_REFERENCE_TOKENS:
        exact = engine(subject, question, n_steps=settings.reference // 4).values
        own.errors.append(token_error(found.values, exact))
    look.seconds.append(timed(partial(preview, subject, question), settings.repeats)[0])
    rows = [own, look]
    for run in (captum, captum_conductance):
        batch = best_batch(run, subject, question, settings.steps // 2)
        name = f"{run.__name__.replace('_', ' ')}, {settings.steps} steps *"
        seconds = extrapolated(run, subject, question, settings.steps, batch)
        rows.append(Row(name, run.__name__, batch, [seconds]))
    late = ", ".join(str(b) for b in np.flatnonzero(~found.converged)) or "none"
    return rows, [
        f"\nLayers that did not converge: {late}.",
        "* from the lowest and the highest layer and fewer steps, linearly.",
    ]


def _oracles(
    run: Run, exact: np.ndarray, settings: Settings, rows: tuple[Row, Row], engines: float
) -> list[int]:
    """Take the smallest step counts that reach the tolerance, and the engine's own error."""
    wanted, taken = [settings.tolerance, engines], [0, 0]
    for steps in STEPS:
        seconds, found = timed(partial(run, steps), settings.repeats)
        error = token_error(found.values, exact)
        for at, row in enumerate(rows):
            if not taken[at] and (error <= wanted[at] or steps == STEPS[-1]):
                taken[at] = steps
                row.seconds.append(seconds)
                row.errors.append(error)
        if all(taken):
            break
    return taken


def best_batch(run: Run, subject: Subject, question: Question, n_steps: int) -> int:
    """The fastest internal batch size at the middle layer."""
    fitting = [b for b in BATCHES if b * question.n_tokens <= BATCH_TOKENS and b <= n_steps]
    middle_layer = subject.chain[1] // 2

    def seconds(batch: int) -> float:
        ask = partial(run, subject, question, n_steps, batch, layers=(middle_layer,))
        return timed(ask, 2 if question.n_tokens <= 64 else 1)[0]

    return min(fitting or BATCHES[:1], key=seconds)


def extrapolated(run: Run, subject: Subject, question: Question, n_steps: int, batch: int) -> float:
    """Seconds of the whole loop: linear in the steps and in the layers, which it is."""
    depth = subject.chain[1] + (run is captum)
    ends = []
    for layer in (0, depth - 1):
        one, two = (
            timed(partial(run, subject, question, k * batch, batch, layers=(layer,)))[0]
            for k in (1, 2)
        )
        ends.append(one + (two - one) * (n_steps / batch - 1))
    return depth * sum(ends) / 2
