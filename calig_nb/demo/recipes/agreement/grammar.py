"""Sentences for the `agreement` model, in each of which one word decides what a later one must be.

Subjects decide the number of their verbs, whatever nouns stand between; who acts decides the
pronoun, whoever else is named; a negation of the verb decides "any", one inside a relative clause
does not. No model, no tokenizer.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["number", "pronoun", "negation"]
KINDS: tuple[Kind, ...] = ("number", "pronoun", "negation")

_IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "city": "cities", "story": "stories",
    "knife": "knives", "shelf": "shelves", "actress": "actresses", "waitress": "waitresses",
    "box": "boxes", "bus": "buses", "glass": "glasses", "family": "families", "party": "parties",
}  # fmt: skip
MALE = "man boy king father son brother uncle actor waiter prince".split()
FEMALE = "woman girl queen mother daughter sister aunt actress waitress lady".split()
EITHER = "teacher doctor student driver neighbour child farmer pilot singer guest".split()
THINGS = """key cabinet table house door window book letter picture box chair lamp garden tree car
train bridge road city story shop school boat ship knife shelf bag coat cup plate clock map song cat
dog bird horse flower river wall tower ring phone bus glass family party hill island
engine""".split()
MEN = "paul peter john tom david james".split()
WOMEN = "anna mary susan lisa emma sarah".split()
PLACES = "to near behind beside under above of with from in on by".split()
LOOKS = "old new small big red green strange beautiful broken famous heavy dirty".split()
STATES = "ready lost open clean late empty here gone safe old new beautiful quiet".split()
ADVERBS = "often always now still soon".split()


class Verb(NamedTuple):
    """A verb: after plurals, after a singular, in the past."""

    base: str
    third: str
    past: str


_ALONE = """sleep sleeps slept, laugh laughs laughed, sing sings sang, wait waits waited,
fall falls fell, move moves moved, stand stands stood, arrive arrives arrived"""
_WITH = """see sees saw, like likes liked, love loves loved, know knows knew, find finds found,
hold holds held, carry carries carried, paint paints painted, watch watches watched,
want wants wanted, hear hears heard, follow follows followed, visit visits visited,
buy buys bought, sell sells sold"""
_MEET = "thanked met called helped told saw visited liked heard".split()


def _verbs(listed: str) -> list[Verb]:
    return [Verb(*one.split()) for one in listed.split(",")]


ALONE, WITH = _verbs(_ALONE), _verbs(_WITH)
PAIRS = (("is", "are"), ("was", "were"), ("has", "have"))


@dataclass(frozen=True)
class Puzzle:
    """The beginning of a sentence, and which of two words must follow.

    Attributes:
        kind: What decides: a number, a person, a negation.
        prompt: The sentence so far.
        right: The word that must follow.
        wrong: The word that must not.
        cue: Which word of the prompt decides, counted from 0.
        attractors: How many others stand between that would ask for the wrong word.
        rest: How the sentence ends.
        seen: Whether training may use it: pairs of subject and first noun after it are kept back.
    """

    kind: Kind
    prompt: str
    right: str
    wrong: str
    cue: int
    attractors: int
    rest: str
    seen: bool = True

    @property
    def sentence(self) -> str:
        """The whole sentence."""
        return f"{self.prompt} {self.right} {self.rest} ."


def plural(noun: str) -> str:
    """The noun for several."""
    return _IRREGULAR.get(noun, f"{noun}s")


def is_held_out(subject: str, other: str) -> bool:
    """Whether sentences of these two are kept from training: one pair in ten."""
    return zlib.crc32(f"{subject} {other}".encode()) % 10 == 0


class Grammar:
    """Source of sentences, drawn at random.

    Args:
        seed: Of all draws.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def puzzle(self, kind: Kind | None = None) -> Puzzle:
        """A sentence of a kind; of number three times as often as of each other kind."""
        chosen = kind or self.rng.choices(KINDS, (6, 2, 2))[0]
        return {"number": self._number, "pronoun": self._pronoun, "negation": self._negation}[
            chosen
        ]()

    def puzzles(self, n: int, kind: Kind, *, seen: bool, attracted: bool = True) -> list[Puzzle]:
        """Different sentences, n of them, with an attractor or with any number of them."""
        found: dict[str, Puzzle] = {}
        while len(found) < n:
            one = self.puzzle(kind)
            if one.seen == seen and (one.attractors or not attracted):
                found.setdefault(one.prompt, one)
        return list(found.values())

    def lessons(self) -> Iterator[str]:
        """Sentences to learn from, one to three at a time, without end."""
        while True:
            wanted = self.rng.choices((1, 2, 3), (8, 1, 1))[0]
            sentences: list[str] = []
            while len(sentences) < wanted:
                one = self.puzzle()
                if one.seen:
                    sentences.append(one.sentence)
            yield " ".join(sentences)

    # Parts of sentences.

    def _phrase(self, noun: str, several: bool, *, telling: bool = True) -> list[str]:
        """A noun with its article, which may tell the number too."""
        look = [self.rng.choice(LOOKS)] if self.rng.random() < 0.2 else []
        this = "these" if several else "this"
        first = this if telling and self.rng.random() < 0.25 else "the"
        return [first, *look, plural(noun) if several else noun]

    def _noun(self) -> str:
        kinds = (THINGS, MALE, FEMALE, EITHER)
        return self.rng.choice(self.rng.choices(kinds, (5, 1, 1, 1))[0])

    def _draw_plural(self) -> bool:
        return self.rng.random() < 0.5

    def _verb_form(self, verbs: list[Verb], several: bool) -> str:
        verb = self.rng.choice(verbs)
        return verb.base if several else verb.third

    def _number(self) -> Puzzle:
        rng, several = self.rng, self._draw_plural()
        noun = self._noun()
        words = self._phrase(noun, several, telling=False)
        cue, others, numbers = len(words) - 1, [], []
        for _ in range(rng.choices((0, 1, 2), (3, 5, 2))[0]):
            other, many = self._noun(), self._draw_plural()
            others.append(other)
            numbers.append(many)
            phrase, form = self._phrase(other, many), rng.random()
            if form < 0.6 or len(others) > 1:  # a clause only about the subject itself
                words += [rng.choice(PLACES), *phrase]
            elif form < 0.8:
                words += ["that", *phrase, self._verb_form(WITH, many)]
            else:
                words += ["that", rng.choice(WITH).past, *phrase]
        if rng.random() < 0.1:
            words.append(rng.choice(ADVERBS))
        right, wrong, rest = self._predicate(several)
        return Puzzle(
            "number", " ".join(words), right, wrong, cue, sum(n != several for n in numbers), rest,
            not others or not is_held_out(noun, others[0]),
        )  # fmt: skip

    def _predicate(self, several: bool) -> tuple[str, str, str]:
        rng, form = self.rng, self.rng.random()
        if form < 0.6:
            pair = rng.choices(PAIRS, (6, 3, 2))[0]
            state = rng.choice(STATES)
            place = " ".join([rng.choice(PLACES), *self._phrase(self._noun(), self._draw_plural())])
            rest = rng.choice((state, state, place, f"not {state}"))
            rest = f"been {state}" if pair[0] == "has" else rest
            return pair[several], pair[not several], rest
        alone = rng.random() < 0.5
        verb = rng.choice(ALONE if alone else WITH)
        ends = self._phrase(self._noun(), self._draw_plural())
        rest = rng.choice(ADVERBS) if alone else " ".join(ends)
        own, other = (verb.base, verb.third)[:: 1 if several else -1]
        return own, other, rest

    def _person(self) -> tuple[list[str], int]:
        """Words for somebody, and who that is: 0 he, 1 she, 2 they."""
        who = self.rng.choices((0, 1, 2), (2, 2, 1))[0]
        if who == 2:
            noun = self.rng.choice(EITHER + MALE + FEMALE)
            return self._phrase(noun, True, telling=False), 2
        names, nouns = ((MEN, MALE), (WOMEN, FEMALE))[who]
        if self.rng.random() < 0.4:
            return [self.rng.choice(names)], who
        return self._phrase(self.rng.choice(nouns), False, telling=False), who

    def _pronoun(self) -> Puzzle:
        rng = self.rng
        (words, who), form = self._person(), rng.random()
        cue, subject, attractors, another, other = len(words) - 1, words[-1], 0, who, ""
        if form < 0.6:
            phrase, another = self._person()
            other, attractors = phrase[-1], int(another != who)
            words += [
                rng.choice(_MEET),
                *phrase,
                rng.choice(("because", "before", "after")),
            ]
            forms = ("he", "she", "they")
            rest = rng.choice(ALONE).past
        elif form < 0.85:
            words += [rng.choice(("lost", "found", "sold", "forgot"))]
            forms = ("his", "her", "their")
            rest = rng.choice(THINGS)
        else:
            words += [rng.choice(("hurt", "saw", "liked", "painted"))]
            forms, rest = ("himself", "herself", "themselves"), "again"
        wrong = another if attractors else rng.choice([w for w in range(3) if w != who])
        seen = not other or not is_held_out(subject, other)
        return Puzzle(
            "pronoun", " ".join(words), forms[who], forms[wrong], cue, attractors, rest, seen
        )

    def _negation(self) -> Puzzle:
        rng = self.rng
        negated, several = self._draw_plural(), self._draw_plural()
        noun, verb, thing = self._noun(), rng.choice(WITH), plural(rng.choice(THINGS))
        words, attractors, inner = self._phrase(noun, several), 0, False
        if rng.random() < 0.5:
            inner = self._draw_plural()
            clause, own = rng.choice(ALONE), rng.choice(ADVERBS)
            words += ["that", *(["did", "not", clause.base] if inner else [clause.past]), own]
            attractors = int(inner != negated)
        elif rng.random() < 0.5:
            words += [rng.choice(PLACES), *self._phrase(self._noun(), self._draw_plural())]
        if negated and rng.random() < 0.6:
            words += ["did", "not", verb.base]
            cue = len(words) - 2
        elif negated:
            words += ["never", verb.past]
            cue = len(words) - 2
        else:
            words += [verb.past]
            cue = len(words) - 1
        right, wrong = ("any", "some") if negated else ("some", "any")
        return Puzzle(
            "negation", " ".join(words), right, wrong, cue, attractors, thing,
            not is_held_out(noun, verb.base),
        )  # fmt: skip
