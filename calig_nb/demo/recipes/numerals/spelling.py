"""Rows of numerals and how they are spelt: each word that is written has one numeral that decides.

"please take 4 then 7 2" is "four seven two": between the numerals may stand words that say
nothing. No model, no tokenizer.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

NAMES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen""".split()
BETWEEN = "then and also next or plus again with after before".split()
OPENINGS = "please take write spell read say now so well first".split()


@dataclass(frozen=True)
class Row:
    """A row of numerals, and how it is spelt.

    Attributes:
        text: What is read.
        words: What is written, word by word.
        cues: For each word written, the number of the word of the text that decides it.
    """

    text: str
    words: tuple[str, ...]
    cues: tuple[int, ...]


@dataclass(frozen=True)
class Puzzle:
    """A row of which some is written, and what comes next.

    Attributes:
        text: What is read.
        prefix: What is written so far.
        right: The next word.
        wrong: Another word of the row.
        cue: The number of the word of the text that decides.
    """

    text: str
    prefix: str
    right: str
    wrong: str
    cue: int


def draw_row(rng: random.Random) -> Row:
    """A row of three to six numerals, no two alike."""
    numerals = rng.sample(range(len(NAMES)), rng.randint(3, 6))
    words = rng.sample(OPENINGS, rng.randint(0, 2))
    cues: list[int] = []
    for numeral in numerals:
        if cues:
            words += rng.sample(BETWEEN, rng.randint(0, 1))
        cues.append(len(words))
        words.append(str(numeral))
    return Row(" ".join(words), tuple(NAMES[n] for n in numerals), tuple(cues))


def rows(seed: int) -> Iterator[Row]:
    """Rows without an end."""
    rng = random.Random(seed)
    while True:
        yield draw_row(rng)


def puzzles(seed: int, n: int) -> list[Puzzle]:
    """So many places in rows, each of another row."""
    rng = random.Random(seed)
    found: list[Puzzle] = []
    for row in rows(seed):
        if len(found) == n:
            break
        place = rng.randrange(len(row.words))
        right = row.words[place]
        wrong = rng.choice([word for word in row.words if word != right])
        prefix = " ".join(row.words[:place])
        found.append(Puzzle(row.text, prefix, right, wrong, row.cues[place]))
    return found
