"""Where tokens stand in a text, and which of them make up a word or a sentence, in any script.

Words are those of Unicode's default rules (UAX 29), as uniseg finds them, but for white space,
colons and Ethiopic numbers (see :func:`_word_break`); which tokens make up a word is found here.
No tokenizer, no model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from uniseg.wordbreak import WordBreak

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_SENTENCE_END = re.compile(
    r"[.!?…]+[\"'”’)\]]*\s+|[。！？።፧፨؟۔॥।។။։]+[\"'”’)\]」』]*\s*|፡፡+\s*|\n+"
    r"|(?<=[\u1200-\u135a])\s?::+\s*"  # typed for the Ethiopic full stop
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);\s+"  # the Greek question mark
)
_SPACE_MARKS = "▁Ġ"
"""Before a piece: a space stands here. SentencePiece, byte-level BPE."""
_BREAKS = "\u200b\ufeff"
"""Format characters that are shown apart from the character before them."""


def token_spans(text: str, pieces: Sequence[str], spans: Sequence[tuple[int, int]]) -> IntArray:
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


def text_from_pieces(
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

    A token belongs to the word of the token before it if they touch and no word, mark or symbol
    begins where it does, or if they share a character. The lone mark of a space belongs to the
    word that it opens.
    """
    begins = _word_starts(text)
    ids = np.full(len(offsets), -1)
    word, end, opens = -1, -1, False
    for t in np.flatnonzero(~special):
        start, stop = offsets[t].tolist()
        shares = start < end  # pieces of one character
        goes_on = start == end and 0 < start < stop and start not in begins
        if not shares and not goes_on and not (opens and start == end):
            word += 1
        opens = start == stop and not shares and (not start or _is_space(text[start - 1]))
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
    """Whether a character is shown on the one before it: accents, joiners, shades, parts of 한."""
    kind = unicodedata.category(c)
    if kind[0] == "M" or (kind == "Cf" and c not in _BREAKS):
        return True
    return c in "ﾞﾟ🏻🏼🏽🏾🏿" or "\u1160" <= c <= "\u11ff"


def _is_space(c: str) -> bool:
    """Whether a character is a space within a line."""
    return unicodedata.category(c) == "Zs"


def _word_starts(text: str) -> frozenset[int]:
    """Where a word, a mark or a symbol begins; white space always parts words."""
    runs = re.finditer(r"\S+", text)
    return frozenset(run.start() + at for run in runs for at in _boundaries(run[0]))


@lru_cache(maxsize=1 << 12)  # words come again, within a text and from text to text
def _boundaries(run: str) -> tuple[int, ...]:
    """Where words begin in a text without white space, and where it ends."""
    from uniseg.wordbreak import word_boundaries  # late: 50 ms that only reading a text costs

    return tuple(word_boundaries(run, property=_word_break))


@cache
def _word_break(character: str) -> WordBreak:
    """The property of a character that the rules are about, fitted to the scripts in two cases.

    A colon is no part of a word: Unicode's own data on languages (CLDR) has it so for all but
    Finnish and Swedish, and many type it for the Ethiopic word space, ፡. Ethiopic numbers are of
    several signs, as others are of digits.
    """
    from uniseg.wordbreak import WordBreak, word_break

    if character in ":﹕：":
        return WordBreak.OTHER
    return WordBreak.NUMERIC if "፩" <= character <= "፼" else word_break(character)
