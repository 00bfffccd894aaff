"""The running text; a bar over each word that supports, a hatched one under each that opposes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..._design import SENTENCES, SIZES
from ...explanation.formatting import THE_EMBEDDINGS, layer_in, strip_brackets
from ..canvas.page import SANS, SERIF, text_width
from .score_line import draw_head

if TYPE_CHECKING:
    from ..canvas.page import Page
    from ..scene.scene import Scene

_TOLD = SENTENCES["text"]
LONG: int = SIZES["text"]["LONG"]
"""Above this many tokens the text is set small and weak bars are left out earlier."""
LARGE: float = SIZES["text"]["LARGE"]
LARGEST: float = SIZES["text"]["LARGEST"]
CHIP = 10
MARKS = ("Pe", "Pf", "Po")


@dataclass(frozen=True)
class Piece:
    """Part of a word with a bar of its own; ``joined`` to the next one across the space."""

    unit: int
    text: str
    joined: bool = False


@dataclass
class Word:
    """What stays on one line: pieces, and whether a space comes before."""

    pieces: list[Piece] = field(default_factory=list)
    spaced: bool = False
    chip: bool = False
    glued: bool = False
    fresh: bool = False
    second: bool = False

    @property
    def text(self) -> str:
        """What is written."""
        return "".join(piece.text for piece in self.pieces)


def draw_prose(
    page: Page, scene: Scene, *, specimen: bool = False, small: bool = False, head: bool = True
) -> None:
    """The text, set as a specimen or not; ``small`` where it stands beside others."""
    if head:
        layer, grain = scene.layer, scene.state.granularity
        title, note = _TOLD["title"], _TOLD["note"].format(grain=grain)
        if layer is not None:
            where = layer_in(scene.layers, layer)
            title = _TOLD["title_at"].format(layer=where if layer else THE_EMBEDDINGS)
            note = _TOLD["note_at"].format(layer=where)
        draw_head(page, title, note)
    long = len(scene.explanation.tokens) > LONG
    family = SERIF if specimen else SANS
    size = size_of(scene, page.width, specimen, small)
    bar = size * ((0.72 if long else 0.95) if specimen else (0.64 if long else 0.8))
    height = size * 1.25 + 2 * bar + 10
    width = page.width
    if not specimen and not long:
        width = min(width, 72 * text_width("0", size, family))
    lines = list(_fill_lines(list(words(scene)), size, width, family))
    if specimen and not long and len(lines) > 1:
        lines = _balance_lines(scene, lines, size, width, family)
    shares = shares_of(scene)
    for n, line in enumerate(lines):
        if n and line[0][1].fresh:
            page.advance(0.9 * size)
        base = bar + 5 + size * 0.98
        banded = [(x, x + _word_width(word, size, family)) for x, word in line if word.second]
        if banded:  # the second of two texts lies on a band
            low, high = banded[0][0] - 0.15 * size, banded[-1][1] + 0.15 * size
            left = page.width - high if scene.right_to_left else low
            page.rect(left, base - size * 0.98, high - low, size * 1.25, page.colours.band)
        for x, word in line:
            wide = _word_width(word, size, family)
            left = page.width - x - wide if scene.right_to_left else x
            (_draw_chip if word.chip else _draw_word)(
                page, scene, word, left, base, size, bar, shares, specimen
            )
        page.advance(height)
    page.advance(8)


def shares_of(scene: Scene) -> list[float]:
    """Height of each unit's bar, -1 ... 1; zero where it is too weak to be drawn."""
    largest = scene.largest if scene.layer is None else scene.largest_cell
    least = 0.06 if len(scene.explanation.tokens) > LONG else 0.03
    shares = np.clip(scene.evidence / largest, -1, 1)
    return [0.0 if abs(share) < least else float(f"{share:.2f}") for share in shares]


def words(scene: Scene) -> Iterator[Word]:
    """The words in sight, as written.js puts them together."""
    own, of = scene.explanation, scene.unit_of
    first, last = scene.state.span or (0, len(own.tokens) - 1)
    grain, end = scene.state.granularity, int(own.offsets[first][0])
    joins = grain in ("sentence", "passage")
    t, last_text = first, ""
    while t <= last:
        if own.special[t]:
            name = Piece(int(of[t]), strip_brackets(own.tokens[t]))
            yield Word([name], True, chip=True, glued=t == last)
            t += 1
            continue
        if t == first:
            end = int(own.offsets[t][0])
        upto = t
        while upto < last and own.word_ids[t] >= 0 and own.word_ids[upto + 1] == own.word_ids[t]:
            upto += 1
        start, stop = int(own.offsets[t][0]), int(own.offsets[upto][1])
        before = own.text[end:start] if start > end else ""
        spaced = bool(before) or (t > 0 and bool(own.special[t - 1]))
        joined = joins and upto < last and of[upto + 1] == of[t]
        joined = joined and int(own.offsets[upto + 1][0]) > stop  # there is a space to cross
        groups = [(k, k) for k in range(t, upto + 1)] if grain == "token" else [(t, upto)]
        pieces = []
        for low, high in groups:
            written = own.text[max(end, int(own.offsets[low][0])) : int(own.offsets[high][1])]
            pieces.append(Piece(int(of[low]), written or own.tokens[low], joined))
            end = max(end, int(own.offsets[high][1]))
        text = "".join(piece.text for piece in pieces)
        mark = bool(text) and unicodedata.category(text[0]) in MARKS
        fresh = "\n" in before or (grain == "passage" and t > first and of[t] != of[t - 1])
        # A mark that follows its word, also after a space, must not start a line.
        alone = bool(text) and all(unicodedata.category(c) in MARKS for c in text)
        short = before == " " and alone and 0 < len(last_text) < 20
        glued = (mark and not spaced and t > 0) or short
        last_text = f"{last_text}{before}{text}" if glued else text
        second = own.segment_ids is not None and own.segment_ids[t] == 1
        yield Word(pieces, spaced, glued=glued, fresh=fresh, second=second)
        end, t = max(end, stop), upto + 1


def size_of(scene: Scene, width: float, specimen: bool, small: bool) -> float:
    """Size of the letters, in px."""
    own, count = scene.explanation, len(scene.explanation.tokens)
    narrow = small or width < 480
    if specimen:
        chips = int(own.special.sum()) * 40
        line = text_width(" ".join(own.text.split()), 20, SERIF) / 20
        fits = (width - chips - 8) // max(1.0, line)
        if fits >= LARGE:
            return min(fits, LARGEST)
        if count <= 24:
            return 20 if narrow else 26
        return (18 if narrow else 21) if count <= 60 else 18 if count <= LONG else 15 + (not narrow)
    return (
        (19 if narrow else 26)
        if count < 24
        else (15 if narrow else 17)
        if count <= LONG
        else (15 if narrow else 14)
    )


def _word_width(word: Word, size: float, family: tuple[str, ...]) -> float:
    return (
        text_width(word.text, CHIP, SANS, True) + 10
        if word.chip
        else text_width(word.text, size, family)
    )


def _fill_lines(
    every: list[Word], size: float, width: float, family: tuple[str, ...]
) -> Iterator[list[tuple[float, Word]]]:
    """Words with their places, line by line; what is glued stays with the word before."""
    space = text_width(" ", size, family)
    groups: list[list[Word]] = []
    for word in _break_words(every, size, width, family):
        if word.glued and groups:
            groups[-1].append(word)
        else:
            groups.append([word])
    line: list[tuple[float, Word]] = []
    x = 0.0
    for group in groups:
        wide = sum(
            _word_width(w, size, family) + (space if w.spaced and n else 0)
            for n, w in enumerate(group)
        )
        gap = space if group[0].spaced and line else 0.0
        if line and (x + gap + wide > width or group[0].fresh):
            yield line
            line, x, gap = [], 0.0, 0.0
        x += gap
        for n, word in enumerate(group):
            x += space if word.spaced and n else 0.0
            line.append((x, word))
            x += _word_width(word, size, family)
    if line:
        yield line


def _break_words(
    every: list[Word], size: float, width: float, family: tuple[str, ...]
) -> Iterator[Word]:
    """Words longer than a line fall into pieces that fit."""
    for word in every:
        if word.chip or _word_width(word, size, family) <= width:
            yield word
            continue
        first = True
        for piece in word.pieces:
            text = piece.text
            while text:
                ahead = text[: int(8 * width / size)]  # more than a line holds
                wide = text_width(ahead, size, family)
                n = max(1, min(len(ahead), int(len(ahead) * width / wide)))
                while n > 1 and text_width(text[:n], size, family) > width:
                    n -= 1
                part = Piece(piece.unit, text[:n], piece.joined)
                yield Word([part], word.spaced and first, second=word.second)
                text, first = text[n:], False


def _balance_lines(
    scene: Scene,
    lines: list[list[tuple[float, Word]]],
    size: float,
    width: float,
    family: tuple[str, ...],
) -> list[list[tuple[float, Word]]]:
    """As many lines, of about one length."""
    every, low, high = list(words(scene)), width / len(lines) / 2, width
    for _ in range(10):
        middle = (low + high) / 2
        if len(list(_fill_lines(every, size, middle, family))) <= len(lines):
            high = middle
        else:
            low = middle
    return list(_fill_lines(every, size, high, family))


def _draw_chip(
    page: Page,
    scene: Scene,
    word: Word,
    x: float,
    base: float,
    size: float,
    bar: float,
    shares: list[float],
    specimen: bool,
) -> None:
    unit = word.pieces[0].unit
    wide, low = _word_width(word, size, SANS), base - size * 0.22
    _draw_bar(page, x, wide, low - 12, low + 4, bar, shares[unit], specimen, f"word {unit}")
    edge = page.colours.ink if unit in scene.selected else page.colours.rule
    page.rect(x, low - 11, wide, 15, edge=edge)
    page.text(x + 5, low, word.text, CHIP, page.colours.muted, bold=True)


def _draw_word(
    page: Page,
    scene: Scene,
    word: Word,
    x: float,
    base: float,
    size: float,
    bar: float,
    shares: list[float],
    specimen: bool,
) -> None:
    family, colours = SERIF if specimen else SANS, page.colours
    wide, done = text_width(word.text, size, family), 0.0
    top, foot = base - size * 0.98, base + size * 0.27
    # Letters join: the word is written in one run, its pieces are told by their bars.
    for n, piece in enumerate(word.pieces):
        upto = text_width("".join(p.text for p in word.pieces[: n + 1]), size, family)
        low = x + wide - upto if scene.right_to_left else x + done
        across = upto - done - (1 if n else 0)
        over = 0.29 * size if piece.joined else 0.0
        start = low - over if scene.right_to_left else low + (1 if n else 0)
        _draw_bar(
            page,
            start,
            across + over,
            top,
            foot,
            bar,
            shares[piece.unit],
            specimen,
            f"word {piece.unit}",
        )
        if piece.unit in scene.selected:
            page.rect(low, top, upto - done, foot - top, edge=colours.ink, line=1.5)
        done = upto
    weak = specimen and not any(shares[piece.unit] for piece in word.pieces)
    page.text(x, base, word.text, size, colours.soft if weak else colours.ink, family=family)


def _draw_bar(
    page: Page,
    x: float,
    wide: float,
    top: float,
    foot: float,
    bar: float,
    share: float,
    specimen: bool,
    label: str,
) -> None:
    """Support rises above the word, opposition hangs below it."""
    if not share:
        return
    colours, height, ink = page.colours, abs(share) * bar, 0.4 + 0.6 * min(1, abs(share) * 1.6)
    colour, edge = colours.bar(share), min(2.0, abs(share) * 16)
    y = top - height if share > 0 else foot
    hatch = None if share > 0 else "////"
    if not specimen:
        page.rect(x, y, wide, height, colour, ink, hatch=hatch, hatch_alpha=0.62, label=label)
        return
    fill = 0.26 if share > 0 else 0.14
    page.rect(
        x,
        y,
        wide,
        height,
        colour,
        fill,
        hatch=hatch,
        hatch_colour=colour,
        hatch_alpha=0.62,
        label=label,
    )
    page.rect(x, y if share > 0 else y + height - edge, wide, edge, colour, ink)
