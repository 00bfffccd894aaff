"""The table as text, and where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .build import TASKS, TITLES
from .verdict import OK, VERDICTS, Verdict

PAGE = Path(__file__).parents[2] / "calig_nb" / "models" / "README.md"
BEGIN, END = "<!-- the table of the zoo -->", "<!-- its end -->"


def counts(verdicts: Sequence[Verdict]) -> str:
    """How often each verdict is met, a row a task."""
    shown = [v for v in VERDICTS if any(one.verdict == v for one in verdicts)]
    lines = [
        f"| task | classes | {' | '.join(shown)} |",
        f"|---|--:|{'--:|' * len(shown)}",
    ]
    for task in TASKS:
        own = Counter(one.verdict for one in verdicts if one.entry.task == task)
        if own:
            numbers = " | ".join(str(own[v]) for v in shown)
            lines.append(f"| {TITLES[task]} | {sum(own.values())} | {numbers} |")
    return "\n".join(lines)


def table(verdicts: Sequence[Verdict]) -> str:
    """Counts, then task by task the classes: those that are plainly ok in one line."""
    parts = [counts(verdicts)]
    for task in TASKS:
        own = [one for one in verdicts if one.entry.task == task]
        if not own:
            continue
        plain = [one for one in own if is_plain(one)]
        worst = max((one.error or 0 for one in plain), default=0)
        parts.append(f"### {TITLES[task].capitalize()}")
        if plain:
            names = ", ".join(one.entry.name for one in plain)
            parts.append(f"{len(plain)} ok, worst error {worst:.2%}: {names}.")
        rest = [one for one in own if not is_plain(one)]
        if rest:
            lines = ["| class | verdict | worst error | method | remark |", "|---|---|--:|---|---|"]
            for one in sorted(rest, key=lambda one: (VERDICTS.index(one.verdict), one.entry.name)):
                error = "" if one.error is None else f"{one.error:.2%}"
                remark = one.remark.replace("|", "\\|").replace("<", "&lt;")
                lines.append(
                    f"| {one.entry.name} | {one.verdict} | {error} | {one.method} | {remark} |"
                )
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def is_plain(one: Verdict) -> bool:
    """Whether there is nothing to say of it but that it is right."""
    ordinary = ("blocks", "not compared", "float32")
    return one.verdict == OK and all(any(o in r for o in ordinary) for r in one.remarks)


def write(verdicts: Sequence[Verdict], page: Path = PAGE) -> None:
    """Put the table between its two marks.

    Raises:
        ValueError: If the page has not both.
    """
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page} must hold {BEGIN!r} and after it {END!r}, once each.")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n\n{table(verdicts)}\n\n{END}{after}")
