"""Where tokens stand in a text, and which of them make up a word or a sentence, in any script.

Words follow Unicode's default rules (UAX 29) as far as people see them: a run of letters, marks and
digits, with the apostrophe inside a word and the separator inside a number. No tokenizer, no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_SENTENCE_END = re.compile(
    r"[.!?…]+[\"'”’)\]]*\s+|[。！？።፧፨؟۔॥।។။։]+[\"'”’)\]」』]*\s*|፡፡+\s*|\n+"
    r"|(?<=[\u1200-\u135a])\s?::+\s*"  # typed for the Ethiopic full stop
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);\s+"  # the Greek question mark
)
_UNSPACED_SCRIPTS = (
    "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "THAI", "LAO", "KHMER",
    "MYANMAR",
)  # fmt: skip
_SPACE_MARKS = "▁Ġ"
"""Before a piece: a space stands here. SentencePiece, byte-level BPE."""
_JOINER = "\u200d"
_BREAKS = "\u200b\ufeff"
"""Format characters that part words instead of belonging to one."""
_IN_NUMBERS = ".,'’٫٬"
_IN_WORDS = "'’·׳"
_IN_HEBREW = '"״'


def spans_in(text: str, pieces: Sequence[str], spans: Sequence[tuple[int, int]]) -> IntArray:
    """Where each token stands, in full and without white space around it.

    Args:
        text: The text.
        pieces: (T,) the tokens, by their names in the vocabulary.
        spans: (T,) start and end of each as the tokenizer says.

    Returns:
        (T, 2). A token that stands for white space alone is empty, at its end: a lone mark of a
        space is, though tokenizers let it stand for the letter that follows. Accents and joiners
        that the tokenizer drops stay with the token that they sit on.
    """
    placed = np.array([_stripped(text, *span) for span in spans], dtype=np.int64).reshape(-1, 2)
    for t, piece in enumerate(pieces):
        start, end = placed[t]
        if piece and not piece.strip(_SPACE_MARKS) and text[start:end] != piece:
            placed[t] = start if start < end else end
    covered = np.zeros(len(text) + 1, dtype=bool)
    for start, end in placed:
        covered[start:end] = True
    for t, (start, end) in enumerate(placed):
        while start < end < len(text) and not covered[end] and _sits(text[end]):
            end += 1
        placed[t, 1] = end
    return placed


def joined(
    names: Sequence[str], special: BoolArray, second: int = -1
) -> tuple[str, list[tuple[int, int]]]:
    """A text out of tokens alone, and where they stand in it; for tokenizers that do not say.

    A line ends before token ``second``.
    """
    spans, text = [], ""
    marked = any(name.startswith("▁") for name in names)
    for t, (name, is_special) in enumerate(zip(names, special, strict=True)):
        apart = name.startswith("▁") if marked else not name.startswith("##")
        text += "\n" if t == second else " " if text and apart and not is_special else ""
        start = len(text)
        piece = name.replace("▁", " ").strip() if marked else name.removeprefix("##")
        text += "" if is_special else piece
        spans.append((start, len(text)))
    return text, spans


def word_ids(text: str, offsets: IntArray, special: BoolArray) -> IntArray:
    """The number of each token's word, -1 for special tokens.

    Tokens of one word touch within a run of letters, marks and digits; where a script has no
    spaces, each stands alone, but no character is cut. The lone mark of a space belongs to the
    word that it opens.
    """
    ids = np.full(len(offsets), -1)
    word, end, opens = -1, -1, False
    for t in np.flatnonzero(~special):
        start, stop = offsets[t]
        inside = start < end  # pieces of one character
        touches = start == end and 0 < start < len(text) and start < stop and _joins(text, start)
        if not inside and not touches and not (opens and start == end):
            word += 1
        opens = start == stop and not inside and (not start or _is_space(text[start - 1]))
        ids[t], end = word, max(end, stop)
    return ids


def sentence_ids(text: str, offsets: IntArray, special: BoolArray) -> IntArray:
    """The number of each token's sentence, -1 for special tokens."""
    ends = np.array([match.end() for match in _SENTENCE_END.finditer(text)], dtype=np.int64)
    ids = np.searchsorted(ends, offsets[:, 0], side="right")
    ids = np.where(special, -1, ids)
    # Renumber without gaps: an end mark may be followed by no token of its own.
    _, dense = np.unique(ids[~special], return_inverse=True)
    ids[~special] = dense
    return ids


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends; empty at its end if nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _sits(c: str) -> bool:
    """Whether a character sits on the one before it: accents, joiners, shades, parts of 한."""
    kind = unicodedata.category(c)
    if kind[0] == "M" or (kind == "Cf" and c not in _BREAKS):
        return True
    return c in "ﾞﾟ🏻🏼🏽🏾🏿" or "\u1160" <= c <= "\u11ff"


def _base(text: str, at: int) -> int:
    """The place of the character that those at ``at`` and before it sit on."""
    while at > 0 and _sits(text[at]):
        at -= 1
    return at


def _joins(text: str, at: int) -> bool:
    """Whether the characters before and after position ``at`` belong to one word."""
    before, right = _base(text, at - 1), text[at]
    left = text[before]
    if _sits(right) or (text[at - 1] == _JOINER and not left.isspace()):
        return not left.isspace()
    if left in _IN_NUMBERS + _IN_WORDS + _IN_HEBREW and before > 0:
        return _bridges(text[_base(text, before - 1)], left, right)
    if right in _IN_NUMBERS + _IN_WORDS + _IN_HEBREW and at + 1 < len(text):
        return _bridges(left, right, text[at + 1])
    if _is_flag(left) and _is_flag(right):
        run = re.search("[🇦-🇿]*$", text[:at])
        return run is not None and len(run[0]) % 2 == 1
    if left.isdecimal() and right.isdecimal():
        return True
    return all((c.isalnum() or c == "_") and not _unspaced(c) for c in (left, right))


def _bridges(left: str, mark: str, right: str) -> bool:
    """Whether a mark between two characters leaves them one word."""
    if left.isdecimal() and right.isdecimal():
        return mark in _IN_NUMBERS
    if mark in _IN_HEBREW:
        return all("א" <= c <= "ת" for c in (left, right))
    return mark in _IN_WORDS and left.isalpha() and right.isalpha()


def _is_space(c: str) -> bool:
    """Whether a character is a space within a line."""
    return unicodedata.category(c) == "Zs"


def _unspaced(c: str) -> bool:
    return unicodedata.name(c, "").startswith(_UNSPACED_SCRIPTS)


def _is_flag(c: str) -> bool:
    """Whether a character is half a flag."""
    return "🇦" <= c <= "🇿"
