"""Texts for the `sentiment` model: SST-2 phrases, recombinations of them, template sentences.

Everything is written in the treebank's form (lower case, spaces around
punctuation); `natural_form` gives the form that people type.  No model, no tokenizer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


def _split_items(text: str) -> list[str]:
    """Items between bars, their white space made single."""
    return [" ".join(item.split()) for item in text.split("|")]


POSITIVE = """good great superb excellent wonderful brilliant charming delightful beautiful moving
funny clever fresh original warm tender honest graceful gripping exciting entertaining enjoyable
touching witty smart lovely fine strong solid rich vivid subtle thoughtful powerful memorable
impressive outstanding terrific fascinating engaging elegant inventive amusing convincing satisfying
masterful lively sweet perfect fantastic remarkable patient precise amazing likable inspired
refreshing""".split()
NEGATIVE = """bad awful terrible boring dull thin clumsy weak poor flat tedious stupid silly
predictable lifeless pointless mediocre shallow bland stale messy ugly annoying forgettable dreadful
horrible hollow lame painful slow sloppy contrived tired pretentious confused confusing incoherent
unfunny disappointing ridiculous dreary empty cold worthless wooden cheap derivative unconvincing
irritating laughable lazy unpleasant overlong muddled tiresome""".split()
WHOLES = "film movie picture comedy drama thriller story documentary sequel work".split()
PARTS = _split_items("""plot | acting | script | dialogue | ending | direction | music | cast |
story | pacing | humor | writing | camera | opening | premise | screenplay | first act |
second half | final act | lead actor""")
LIKES = _split_items("""i enjoyed every minute | i loved it | i was charmed by it |
it made me laugh | the cast is superb | it works beautifully | it moved me |
i was almost charmed by it | it held my attention""")
DISLIKES = _split_items("""i was bored | i hated it | it falls apart | it wastes its cast |
nothing works | i wanted to leave | it throws everything away | it collapses | it loses its way""")

# {a} and {b} are adjectives: a pattern's label is that of {b}, or in TURNED the other one.
PLAIN = _split_items("""{b} | very {b} | a {b} {whole} | the {whole} is {b} | the {part} is {b} |
this is a {b} {whole} | it is {b} | it was really {b} | {b} and {b2} |
the {part} is {b} and the {part2} is {b2} | a {b} , {b2} {whole} | i found it {b} |
the {part} was so {b} that i told everyone | not only {b} but also {b2} | {b} , not {a} |
it is not {a} , it is {b} | not {a} but {b}""")
TURNED = _split_items("""not {b} | not very {b} | never {b} | hardly {b} | the {whole} is not {b} |
the {part} is not {b} | it is not {b} | it 's not {b} | it is n't {b} | the {whole} is n't {b} |
not a {b} {whole} | it is not a {b} {whole} | this is n't a {b} {whole} | it was not {b} |
it is not at all {b} | the {part} was never {b} | i did not find it {b} | neither {b} nor {b2}""")
CONTRAST = _split_items("""the {part} is {a} , but the {part2} is {b} |
the {part} is {a} but the {part2} is {b} | {a} , but {b} | {a} but {b} |
although the {part} is {a} , the {part2} is {b} | the {part2} is {b} , although the {part} is {a} |
despite its {a} {part} , it is a {b} {whole} | the {part} was {a} ; the {part2} , however , is {b} |
it starts {a} , but it ends {b} | a {b} {whole} despite the {a} {part} |
the {part} is {a} . still , the {whole} is {b} | it was {a} for an hour , until the {b} {part} |
{not_b} , and {clause_a} , until the {b} {part} came | {clause_a} , but {clause_b} |
it is {not_b} , but {clause_b} | for an hour {clause_a} , then {clause_b} |
it is not a {b} {whole} , and for an hour {clause_a} , until the {b2} {part} and then {clause_b}""")
JOINTS = [
    f" {w} "
    for w in _split_items(", and | , but | and | but | , although | , yet | . | ; | -- | , until")
]


@dataclass(frozen=True)
class Example:
    """One text with what is known of its label.

    Attributes:
        text: The text, in the treebank's form.
        label: 0 negative, 1 positive, None where only a teacher can tell.
        rule: Whether the label comes from a template instead of a reader.
    """

    text: str
    label: int | None = None
    rule: bool = False


def read_examples(path: Path) -> list[Example]:
    """Examples of one SST-2 file with the columns sentence and label."""
    rows = (line.rsplit("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()[1:])
    return [Example(text.strip(), int(label)) for text, label in rows]


def hold_out(examples: Sequence[Example], n: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Training and selection split of phrases that overlap each other.

    Selected are whole sentences, those inside no other example; every phrase
    of three or more words that occurs in one of them leaves the training part.

    Args:
        examples: All phrases and sentences.
        n: Number of sentences to hold out.
        seed: Seed of the draw.

    Returns:
        The training examples and the held-out sentences.
    """
    inside: set[str] = set()
    whole = []
    for example in sorted(examples, key=lambda e: -len(e.text.split())):
        if example.text not in inside:
            whole.append(example)
            inside.update(_spans(example.text, 1))
    held = random.Random(seed).sample([e for e in whole if len(e.text.split()) > 4], n)
    taken = {span for example in held for span in _spans(example.text, 3)} | {e.text for e in held}
    return [e for e in examples if e.text not in taken], held


def natural_form(text: str) -> str:
    """The text as people type it: joined punctuation and contractions, a capital first."""
    text = text.replace("-lrb-", "(").replace("-rrb-", ")").replace("can not", "cannot")
    text = re.sub(r"`` (.*?) ''", r'"\1"', text)
    text = re.sub(r"` (.*?) '(?= |$)", r"'\1'", text)
    text = re.sub(r" (n't|'(?:s|re|ve|ll|d|m)\b)", r"\1", text)
    text = re.sub(r" ([,.;:!?)%]+)", r"\1", text)
    text = re.sub(r"([(#$]) ", r"\1", text).replace(" ' ", "' ").replace("`", "'")
    text = re.sub(r"\bi\b", "I", text)
    return re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def templates(n: int, rng: random.Random) -> list[Example]:
    """Rule-labelled sentences with negation, contrast and concession.

    Args:
        n: Number of sentences with two or more slots; every adjective also
            appears alone, negated, and in the plainest sentences.
        rng: Source of the draws.

    Returns:
        Different examples, about half of each label.
    """
    found: dict[str, Example] = {}
    polar = (NEGATIVE, POSITIVE)
    for label in (0, 1):
        for word in polar[label]:
            for pattern, turned in [(p, False) for p in PLAIN[:6]] + [
                (p, True) for p in TURNED[:6]
            ]:
                text = _fill(pattern, word, label, rng)
                found[text] = Example(text, label ^ turned, rule=True)
    while len(found) < n:
        label = rng.randrange(2)
        pattern = rng.choice(rng.choice((PLAIN, TURNED, CONTRAST, CONTRAST)))
        text = _fill(pattern, rng.choice(polar[label]), label, rng)
        found[text] = Example(text, label ^ (pattern in TURNED), rule=True)
    return list(found.values())


def recombinations(texts: Sequence[str], n: int, rng: random.Random) -> list[Example]:
    """Unlabelled texts made of the given ones, for a teacher to judge.

    Words replaced by words of other texts, words masked or left out, runs of
    words cut out, clauses joined, ``not`` put in.

    Args:
        texts: Texts to draw from.
        n: Number of new texts.
        rng: Source of the draws.

    Returns:
        Different examples without labels, none of them among `texts`.
    """
    longer = [text for text in texts if len(text.split()) > 3]
    words = [word for text in texts for word in text.split() if word[0].isalpha()]
    known = set(texts)
    found: dict[str, Example] = {}

    def replace(text: str, share: float) -> str:
        return " ".join(rng.choice(words) if rng.random() < share else w for w in text.split())

    def mask(text: str) -> str:
        share = rng.random() ** 2
        return " ".join("[MASK]" if rng.random() < share else w for w in text.split())

    def drop(text: str) -> str:
        return " ".join(w for w in text.split() if rng.random() > 0.15)

    def cut(text: str) -> str:
        parts = text.split()
        start = rng.randrange(len(parts))
        return " ".join(parts[start : start + rng.randint(2, 12)])

    def join(text: str) -> str:
        return cut(text) + rng.choice(JOINTS) + rng.choice(texts)

    def negate(text: str) -> str:
        parts = text.split()
        parts.insert(rng.randrange(len(parts)), rng.choice(("not", "never", "no", "hardly", "n't")))
        return " ".join(parts)

    makers = (lambda t: replace(t, 0.2), lambda t: replace(t, 0.4), mask, drop, cut, join, negate)
    while len(found) < n:
        text = rng.choice(makers)(rng.choice(longer))
        if text and text not in known:
            found[text] = Example(text)
    return list(found.values())


def _spans(text: str, shortest: int) -> Iterator[str]:
    words = text.split()
    for start in range(len(words)):
        for end in range(start + shortest, len(words) + 1):
            yield " ".join(words[start:end])


def _fill(pattern: str, word: str, label: int, rng: random.Random) -> str:
    same, other = (POSITIVE, NEGATIVE) if label else (NEGATIVE, POSITIVE)
    part, part2 = rng.sample(PARTS, 2)
    clause_a, clause_b = (DISLIKES, LIKES) if label else (LIKES, DISLIKES)
    text = pattern.format(
        b=word, b2=rng.choice(same), a=rng.choice(other), not_b="not " + rng.choice(same),
        whole=rng.choice(WHOLES), part=part, part2=part2,
        clause_a=rng.choice(clause_a), clause_b=rng.choice(clause_b),
    )  # fmt: skip
    return re.sub(r"\ba (?=[aeiou])", "an ", text)
