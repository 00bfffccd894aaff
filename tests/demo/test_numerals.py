"""The recipe that spells numerals: its rows, its pieces, and what its model is asked."""

from itertools import islice

import pytest
import torch

from calig_nb.demo.recipes.numerals import train as recipe
from calig_nb.demo.recipes.numerals.spelling import NAMES, puzzles, rows
from calig_nb.pipeline.explainer import Explainer

from ..benchmarks.numerals import explained, is_strongest


def test_each_word_has_the_numeral_that_decides_it():
    for row in islice(rows(0), 200):
        read = row.text.split()
        numerals = [int(word) for word in read if word.isdigit()]
        spelt = [NAMES[n] for n in numerals]
        assert [*row.words] == spelt
        assert [NAMES[int(read[cue])] for cue in row.cues] == [*row.words]
    for one in puzzles(1, 50):
        assert NAMES[int(one.text.split()[one.cue])] == one.right != one.wrong
        assert one.right not in one.prefix.split()


def test_a_step_of_the_recipe_learns_and_its_model_is_explained():
    tiny = recipe.Recipe(steps=4, batch=8, hidden=16, layers=2, heads=2, intermediate=24)
    tokenizer = recipe.build_tokenizer()
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(recipe.build_model(tiny, tokenizer))
        before = models[-1].state_dict()["model.shared.weight"].clone()
        recipe.train(models[-1], tokenizer, tiny)
    first, second = (model.state_dict() for model in models)
    for name, value in first.items():
        assert torch.equal(value, second[name]), "the same seed, the same model"
    assert not torch.equal(before, first["model.shared.weight"])
    asked = puzzles(2, 3)
    assert 0 <= recipe.accuracy(models[0], tokenizer, asked) <= 1
    explainer = Explainer(models[0], tokenizer, cache=False)
    for one in asked:
        got = explained(explainer, one, "layer-ig", True)
        assert got.target_name == one.right and got.labels[got.contrast] == one.wrong
        assert isinstance(is_strongest(one, got, whole=False), bool)


@pytest.mark.full
def test_the_recipe_finds_what_decides(tmp_path):
    tokenizer, own = recipe.build_tokenizer(), recipe.Recipe()
    torch.manual_seed(0)
    model = recipe.build_model(own, tokenizer)
    recipe.train(model, tokenizer, own)
    asked = puzzles(recipe.TESTS, 200)
    assert recipe.accuracy(model, tokenizer, asked) > 0.95
