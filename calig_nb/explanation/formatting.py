"""Numbers and names as they are printed, everywhere; format.js reads the same formats."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from html import escape

from .._design import FORMATS, SENTENCES

MINUS: str = FORMATS["MINUS"]
MISSING: str = FORMATS["MISSING"]
DIGITS: int = FORMATS["DIGITS"]
MOST_DIGITS: int = FORMATS["MOST_DIGITS"]
LABEL: int = FORMATS["LABEL"]
"""Characters of a name, wherever there is no less room."""
_UNSEEN = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)
_MARKUP = re.compile(r"[\\`*_\[\]|~$]")
"""What means something in Markdown, wherever it stands in a line."""
_OVERRIDES = re.compile("[\u202a-\u202e\u2066\u2067]")
"""They would turn the sentence around in which a name stands."""
_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT = "\n\u200c\u200d"
"""Lines; and the joiners, part of the writing in Persian, in Hindi and of emoji."""
_SUBSCRIPTS: str = FORMATS["SUBSCRIPTS"]
_MARK = 4
"""Digits of a subscript that tells namesakes apart."""
_ISOLATE: list[str] = FORMATS["ISOLATE"]
_LAYERS = SENTENCES["layers"]
THE_EMBEDDINGS: str = _LAYERS["the_embeddings"]
"""The layer below all others, where a sentence wants an article."""


def signed(value: float, digits: int = DIGITS, missing: str = MISSING) -> str:
    """A number with its sign; one that rounds to zero has none.

    Args:
        value: What is printed.
        digits: Decimals.
        missing: What stands for infinities and NaN.
    """
    if not math.isfinite(value):
        return missing
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else (MINUS if value < 0 else "+") + text


def signed_share(value: float) -> str:
    """A share with its sign and two digits, of a small one three; a dash for what is not there."""
    text = signed(value, 2 if abs(value) >= 0.1 else 3, "–")
    return "0" if text == "0.000" else text


def number(value: float, digits: int = DIGITS) -> str:
    """A number with a sign only where it is negative."""
    return signed(value, digits).removeprefix("+")


def percent(share: float) -> str:
    """A probability in percent, with a second decimal where it is nearly 0 or 1."""
    if not math.isfinite(share):
        return MISSING
    low, high = FORMATS["SHARP"]
    digits = FORMATS["SHARP_DIGITS" if share >= high or share < low else "PERCENT_DIGITS"]
    return _percent(f"{share * 100:.{digits}f}")


def error(share: float) -> str:
    """A relative error in percent."""
    if not math.isfinite(share):
        return MISSING
    if share >= FORMATS["LARGE_ERROR"]:
        return str(FORMATS["LARGE_ERROR_TEXT"])
    return _percent(f"{share * 100:.{FORMATS['PERCENT_DIGITS']}f}")


def _percent(value: str) -> str:
    return str(FORMATS["PERCENT"]).format(value=value)


def error_bound(share: float) -> str:
    """A relative error in percent, rounded up so that it stays a bound: "0.3 %"."""
    percent = 100 * share
    if percent < 0.001:
        return "0.001 %"
    scale = 10.0 ** (1 - math.floor(math.log10(percent)))
    return f"{math.ceil(percent * scale - 1e-9) / scale:.10g} %"


def digits_of(largest: float) -> int:
    """Decimals that keep two figures of the largest value."""
    if not largest > 0:
        return DIGITS
    return min(MOST_DIGITS, max(DIGITS, 1 - math.floor(math.log10(largest))))


def round_half_up(value: float) -> int:
    """To the nearest whole number, halves up, as JavaScript does."""
    return math.floor(value + 0.5)


def is_right_to_left(text: str) -> bool:
    """Whether a text's first letter runs from right to left."""
    first = next((c for c in text if c.isalpha()), "")
    return unicodedata.bidirectional(first) in ("R", "AL") if first else False


def isolate(text: str) -> str:
    """A name from right to left, kept from reordering the sentence that it stands in."""
    foreign = any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)
    return f"{_ISOLATE[0]}{text}{_ISOLATE[1]}" if foreign else text


def quote_marks(text: str) -> str:
    """Punctuation gets lost among words and figures."""
    marks = bool(text) and all(unicodedata.category(c)[0] in "PS" for c in text)
    return f"“{text}”" if marks else text


def shorten(text: str, length: int = LABEL) -> str:
    """A name of at most so many characters; the subscript that tells namesakes apart stays."""
    text = _OVERRIDES.sub("", text)
    if len(text) > length:
        mark = text[max(len(text.rstrip(_SUBSCRIPTS)), len(text) - _MARK) :]
        text = text[: length - 1] + FORMATS["ELLIPSIS"] + mark
    return isolate(text)


def legible(text: str, most: int = 10_000) -> str:
    """The text in one line of visible characters, cut where it is longer."""
    line = _UNSEEN.sub(" ", text).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def printable(text: str) -> str:
    """The text in one line that cannot steer a terminal: what is invisible is escaped."""
    return escape_unseen(" ".join(text.split()))


def escape_unseen(text: str, *, as_json: bool = False) -> str:
    """The text, line by line, with all that is invisible escaped as Python does, or as JSON."""
    return "".join(
        c
        if c in _KEPT or unicodedata.category(c) not in _STEERING
        else json.dumps(c)[1:-1]
        if as_json
        else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def in_markdown(text: str) -> str:
    """The text in one cell of a table in Markdown, where it shows just that."""
    return _MARKUP.sub(r"\\\g<0>", escape(legible(text), quote=False))


def method_title(method: str) -> str:
    """A method's name as it is written: CA-LIG in capitals, the others as they are called."""
    return method.replace("ca-lig", "CA-LIG")


def strip_brackets(name: str) -> str:
    """The name of a special token without its brackets."""
    inner = name
    for opening in ("[", "<"):
        if inner.startswith(opening):
            inner = inner[1:].removeprefix("|")
            break
    for closing in ("]", ">"):
        if inner.endswith(closing):
            inner = inner[:-1].removesuffix("|")
            break
    return inner or name


def distinct_labels(names: Sequence[str]) -> list[str]:
    """Names, with a subscript that tells them apart where they repeat."""
    count, seen, labels = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        mark = "".join(_SUBSCRIPTS[int(d)] for d in str(seen[name])) if count[name] > 1 else ""
        labels.append(quote_marks(name) + mark)
    return labels


def layer_name(layers: int, b: int) -> str:
    """What a layer is called."""
    kind = "embeddings" if b == 0 else "output" if b >= layers else "layer"
    return str(_LAYERS[kind]).format(layer=b)


def layer_in(layers: int, b: int) -> str:
    """The same inside a sentence."""
    return layer_name(layers, b).lower()
