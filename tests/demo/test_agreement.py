"""The embedded decoder and its grammar: what it learned, and that explanations find it."""

from itertools import islice

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb.demo.recipes.agreement.grammar import (
    FEMALE,
    KINDS,
    MALE,
    THINGS,
    Grammar,
    is_held_out,
    plural,
)
from calig_nb.demo.recipes.agreement.train import accuracy

from ..benchmarks.agreement import explained, hits, wilson

NOUNS = {word for one in MALE + FEMALE + THINGS for word in (one, plural(one))}


@pytest.fixture(scope="module")
def explainer():
    explainer = cn.load_demo("agreement")
    explainer.cache = None
    return explainer


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_word_is_likelier_after_prompts_with_attractors_never_seen(explainer, kind):
    puzzles = Grammar(77).puzzles(150, kind, seen=False)
    assert all(puzzle.attractors for puzzle in puzzles)
    tokenizer = explainer.engine.reader.tokenizer
    least = {"number": 0.97, "pronoun": 0.9, "negation": 0.97}[kind]
    assert accuracy(explainer.engine.model.own, tokenizer, puzzles) >= least


@pytest.mark.full
def test_most_evidence_is_the_subjects(explainer):
    puzzles = Grammar(78).puzzles(30, "number", seen=False)
    found = explained(explainer, puzzles, "ca-lig")
    assert np.mean(hits(puzzles, found, "attributions")) >= 0.9
    assert np.mean(hits(puzzles, found, "supporting")) >= 0.9
    assert np.mean([one.converged.all() for one in found]) >= 0.9
    for one in found:
        change = one.score - one.baseline_score
        assert np.abs(one.convergence_delta[one.converged]).max() <= 0.01 * abs(change)
        assert not np.triu(one.attention_relevance, 1).any()
        assert one.pooled.tolist() == [*[False] * (len(one.tokens) - 1), True]
    for method in ("ig", "attention", "attention-rollout"):
        other = explained(explainer, puzzles, method)
        assert np.mean(hits(puzzles, other, "attributions")) < 0.8


def test_a_text_of_blanks_favours_no_number(explainer):
    found = explainer.explain("The keys to the cabinet", target=" are", contrast=" is")
    assert found.score > 2
    assert abs(found.baseline_score) < 1


def test_the_attractor_does_not_decide(explainer):
    for prompt, target in (
        ("The keys to the cabinet", "are"), ("The key to the cabinets", "is"),
        ("The boys that the woman sees", "are"), ("The boy called the sisters before", "he"),
        ("The sisters called the boy before", "they"),
        ("The man that did not sleep still saw", "some"),
        ("The man did not see", "any"),
    ):  # fmt: skip
        pair = {"are": "is", "they": "he", "some": "any"}
        pair |= {other: own for own, other in pair.items()}
        found = explainer.explain(prompt, target=f" {target}", contrast=f" {pair[target]}")
        assert found.score > 0, prompt


def test_lessons_hold_no_sentence_that_was_kept_back():
    lessons = [text.split() for text in islice(Grammar(0).lessons(), 2000)]
    assert [" ".join(words) for words in lessons] == list(islice(Grammar(0).lessons(), 2000))
    assert is_held_out("key", "cabinet") in (True, False)
    kept = Grammar(5).puzzles(50, "number", seen=False)
    told = {" ".join(words) for words in lessons}
    assert not any(one.prompt in text for one in kept for text in told)


@pytest.mark.parametrize("kind", KINDS)
def test_one_word_decides(kind):
    for one in Grammar(3).puzzles(200, kind, seen=True, attracted=False):
        words = one.prompt.split()
        assert one.right != one.wrong
        assert one.sentence.startswith(f"{one.prompt} {one.right} ") and one.sentence.endswith(" .")
        if kind == "number":
            assert "this" not in words[: one.cue] and "these" not in words[: one.cue]
            assert one.attractors <= sum(word in NOUNS for word in words[one.cue + 1 :]) + 2
        if kind == "negation":
            assert (words[one.cue] in ("not", "never")) == (one.right == "any")


def test_an_interval_of_a_share():
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(100, 100) == pytest.approx((0.963, 1.0), abs=1e-3)
    assert wilson(0, 10)[0] == 0


def test_a_step_of_the_recipe_learns(tmp_path):
    from calig_nb.demo.recipes.agreement import train as recipe

    tiny = recipe.Recipe(steps=6, batch=8, hidden=16, layers=2, heads=2, intermediate=24)
    lessons = islice(Grammar(0).lessons(), 500)
    tokenizer = recipe.build_tokenizer([word for text in lessons for word in text.split()])
    torch.manual_seed(0)
    first, second = (recipe.build_model(tiny, tokenizer) for _ in range(2))
    second.load_state_dict(first.state_dict())
    before = {name: value.clone() for name, value in first.state_dict().items()}
    for model in (first, second):
        torch.manual_seed(1)
        recipe.train(model, tokenizer, tiny)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), "the same seed, the same model"
    assert any(not torch.equal(value, before[name]) for name, value in first.state_dict().items())
