"""Numbers and names as they are printed; the twin of format.js."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

MINUS = "−"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign; one that rounds to zero has none."""
    if not math.isfinite(value):
        return "n/a"
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else (MINUS if value < 0 else "+") + text


def number(value: float, digits: int = 2) -> str:
    """A number with a sign only where it is negative."""
    return signed(value, digits).removeprefix("+")


def percent(share: float) -> str:
    """A probability."""
    if not math.isfinite(share):
        return "n/a"
    sharp = share >= 0.9995 or share < 0.0005
    return f"{share * 100:.{2 if sharp else 1}f} %"


def error(share: float) -> str:
    """A relative error."""
    if not math.isfinite(share):
        return "n/a"
    return "> 1000 %" if share >= 10 else f"{share * 100:.1f} %"


def digits(largest: float) -> int:
    """Decimals that keep two figures of the largest value."""
    if not largest > 0:
        return 2
    return min(6, max(2, 1 - math.floor(math.log10(largest))))


def rounded(value: float) -> int:
    """To the nearest whole number, halves up, as JavaScript does."""
    return math.floor(value + 0.5)


def is_right_to_left(text: str) -> bool:
    """Whether a text's first letter runs from right to left."""
    first = next((c for c in text if c.isalpha()), "")
    return unicodedata.bidirectional(first) in ("R", "AL") if first else False


def isolated(text: str) -> str:
    """A name from right to left, kept from reordering the sentence that it stands in."""
    foreign = any(unicodedata.bidirectional(c) in ("R", "AL") for c in text)
    return f"\u2068{text}\u2069" if foreign else text


def quoted(text: str) -> str:
    """Punctuation gets lost among words and figures."""
    marks = bool(text) and all(unicodedata.category(c)[0] in "PS" for c in text)
    return f"“{text}”" if marks else text


def short(text: str, length: int) -> str:
    """A name of at most so many characters."""
    return isolated(text if len(text) <= length else f"{text[: length - 1]}…")


def bare(name: str) -> str:
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


def told(names: Sequence[str]) -> list[str]:
    """Names, told apart by a subscript where they repeat."""
    count, seen, labels = Counter(names), Counter[str](), []
    for name in names:
        seen[name] += 1
        mark = "".join(chr(0x2080 + int(d)) for d in str(seen[name])) if count[name] > 1 else ""
        labels.append(quoted(name) + mark)
    return labels


def layer_name(layers: int, b: int) -> str:
    """What a layer is called."""
    return "Embeddings" if b == 0 else "Output" if b >= layers else f"Layer {b}"


def layer_in(layers: int, b: int) -> str:
    """The same inside a sentence."""
    return layer_name(layers, b).lower()
