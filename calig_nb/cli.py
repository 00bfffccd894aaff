"""The command line: ``calig-nb explain "text"`` and ``calig-nb demo``."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .explanation.formatting import escape_unseen, printable

if TYPE_CHECKING:
    from .explanation.explanation import Explanation

_BAR = 12
_SUPPORTS, _OPPOSES, _PLAIN = "\x1b[34m", "\x1b[33m", "\x1b[0m"
_WRITERS: dict[str, Callable[[Explanation, Path], Any]] = {
    "figure": lambda explanation, path: explanation.save(path),
    "save": lambda explanation, path: explanation.save(path),
    "html": lambda explanation, path: explanation.to_html(path),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what went wrong is said on standard error, without a traceback.

    Returns:
        The exit code: 0 done; 1 it could not be done; 2 the command was not understood (argparse
        leaves with it); 130 interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    asked = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: _print_error("warning", message)
            asked.run(asked)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _print_error("error", "interrupted.")
        return 130
    except BrokenPipeError:  # the reader has seen enough: `calig-nb explain ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # also what a library raises of files that it cannot read
        _print_error("error", error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="calig-nb", description="See why a Transformer decided what it decided."
    )
    parser.add_argument("--version", action="version", version=f"calig-nb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="explain one decision about a text")
    explain.add_argument("text", help="the text; - reads it from standard input")
    explain.add_argument(
        "--choice",
        action="append",
        metavar="TEXT",
        help="of multiple choice, what can be chosen; once for each",
    )
    explain.add_argument(
        "--model",
        default="sentiment",
        help="an embedded model (see calig-nb demo --list), a folder, or a name on the hub",
    )
    explain.set_defaults(run=_explain)

    demo = commands.add_parser("demo", help="explain an example with an embedded model")
    demo.add_argument("model", nargs="?", default="sentiment", help="which one (%(default)s)")
    demo.add_argument("--list", action="store_true", help="list the embedded models, and stop")
    demo.set_defaults(run=_demo)

    for command in (explain, demo):
        add = command.add_argument
        add("--target", help="class label or index; the predicted class by default")
        add("--contrast", help="why the target rather than this class")
        add("--output", help="logit, margin, log_odds or prob (logit)")
        add("--method", default="ca-lig", help="ca-lig, or another method (%(default)s)")
        add("--baselines", help="pad, mask or a text (pad; of a picture zero, mean or blur)")
        add("--tolerance", type=float, default=0.01, help="relative error (%(default)s)")
        add("--lam", type=float, default=0.5, help="λ of the fusion, 0 to 1 (%(default)s)")
        add("--granularity", default="word", help="token, word, sentence or passage (%(default)s)")
        add("--top", type=int, metavar="K", help="only the K strongest, strongest first")
        add("--json", action="store_true", help="print JSON instead of a table")
        add("--figure", type=Path, metavar="FILE", help="write a figure: .pdf, .svg or .png")
        add("--save", type=Path, metavar="FILE", help="write the explanation, for calig_nb.load")
        add("--html", type=Path, metavar="FILE", help="write a page, live without a network")
    return parser


def _explain(asked: argparse.Namespace) -> None:
    text = sys.stdin.read() if asked.text == "-" else asked.text
    choices = asked.choice
    _answer(asked, {"inputs": text if choices is None else {"text": text, "choices": choices}})


def _demo(asked: argparse.Namespace) -> None:
    from .demo import demos, example

    if asked.list:
        print(demos().drop(columns="example").to_string())
    else:
        _answer(asked, example(asked.model))


def _answer(asked: argparse.Namespace, example: dict[str, Any]) -> None:
    files = {name: path for name in _WRITERS if (path := getattr(asked, name)) is not None}
    for name, path in files.items():
        _check_writable(name, path)

    from .demo import demos, load_demo
    from .pipeline.explainer import Explainer

    if asked.model in demos().index:
        explainer = load_demo(asked.model)
    else:
        explainer = Explainer.from_pretrained(asked.model)
    options = {
        "target": _class(asked.target),
        "contrast": _class(asked.contrast),
        "output": asked.output,
        "method": asked.method,
        "baselines": asked.baselines,
        "tolerance": asked.tolerance,
        "lam": asked.lam,
    }
    given = {name: value for name, value in options.items() if value is not None}
    explanation = explainer.explain(**(example | given))
    for name, path in files.items():
        _WRITERS[name](explanation, path)
    show = _as_json if asked.json else _as_table
    granularity = asked.granularity if explanation.image is None else "token"
    show(explanation, _rows(explanation, granularity, asked.top))


def _check_writable(name: str, path: Path) -> None:
    """Refuse a file that cannot be written before the work is done, not after."""
    if not path.parent.is_dir():
        raise ValueError(f"--{name} must lie in an existing folder, got {str(path)!r}: make it.")
    if path.is_dir():
        raise ValueError(f"--{name} must be a file, got the folder {str(path)!r}.")


def _class(name: str | None) -> int | str | None:
    if name is not None and name.isdecimal() and len(name) < 10:
        return int(name)
    return name


def _rows(explanation: Explanation, granularity: Any, k: int | None) -> list[dict[str, Any]]:
    """The ordinary units in reading order, or the k strongest of them."""
    if k is not None:
        table = explanation.top(k, granularity)
    else:
        table = explanation.to_frame(granularity)
        table = table[~table["special"]]
    table = table.rename(columns={granularity: "text"})
    rows: list[dict[str, Any]] = table[["text", "attributions", "supporting", "opposing"]].to_dict(
        "records"
    )
    return rows


def _as_json(explanation: Explanation, rows: list[dict[str, Any]]) -> None:
    against = None if explanation.contrast is None else explanation.labels[explanation.contrast]
    answer = {
        "text": explanation.text,
        "target": explanation.target_name,
        "contrast": against,
        "values" if explanation.classes == "measured" else "probabilities": dict(
            zip(explanation.labels, explanation.probabilities.tolist(), strict=True)
        ),
        "score": explanation.score,
        "baseline_score": explanation.baseline_score,
        "convergence_delta": explanation.convergence_delta.tolist(),
        "converged": bool(explanation.converged.all()),
        "units": rows,
    }
    text = json.dumps(_json_values(answer), ensure_ascii=False, allow_nan=False, indent=2)
    print(escape_unseen(text, as_json=True))


def _json_values(value: Any) -> Any:
    """The same without what JSON has no word for: NaN and infinities become null."""
    if isinstance(value, dict):
        return {name: _json_values(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_json_values(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_table(explanation: Explanation, rows: list[dict[str, Any]]) -> None:
    """A line for each unit: opposing evidence to the left, supporting to the right."""
    e = explanation
    against = "" if e.contrast is None else f" rather than {printable(e.labels[e.contrast])}"
    worst = max(abs(e.convergence_delta), default=0.0)
    value = e.probabilities[e.target]
    said = f"{value:.4g}" if e.classes == "measured" else f"{value:.1%}"
    print(
        f"{printable(e.target_name)}{against}: {said}; "
        f"score {e.score:.2f}, baseline {e.baseline_score:.2f}, "
        f"error of the sum at most {worst:.2g}"
        + ("" if e.converged.all() else "; some layers missed their tolerance")
    )
    room = max(8, shutil.get_terminal_size().columns - 2 * _BAR - len(" +0.000 │"))
    texts = [_fit_columns(printable(row["text"]), room) for row in rows]
    column = max((_width(text) for text in texts), default=0)
    longest = max((abs(row["attributions"]) for row in rows), default=0.0) or 1.0
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for text, row in zip(texts, rows, strict=True):
        value = row["attributions"]
        bar = "█" * round(abs(value) / longest * _BAR)
        left, right = (bar, "") if value < 0 else ("", bar)
        hue = _OPPOSES if value < 0 else _SUPPORTS
        drawn = f"{left:>{_BAR}}│{right:<{_BAR}}"
        drawn = f"{hue}{drawn}{_PLAIN}" if coloured else drawn
        print(f"{text}{' ' * (column - _width(text))} {value:+.3f} {drawn}".rstrip())


def _fit_columns(text: str, columns: int) -> str:
    kept = ""
    for c in text:
        if _width(kept + c) > columns - 1:
            return kept + "…"
        kept += c
    return text


def _width(text: str) -> int:
    """Columns that a terminal gives to a text."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def _print_error(what: str, message: object) -> None:
    print(f"calig-nb: {what}: {printable(str(message))}", file=sys.stderr)
