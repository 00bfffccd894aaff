"""The default baseline starts no path where the model's first norm is singular."""

import warnings

import numpy as np
import pytest
import torch
import transformers as hf

from calig_nb import Explainer
from calig_nb.explanation.summary import recipe
from calig_nb.models.singular import starts_singular

from ..helpers import zoo
from ..helpers.zoo import SENTENCE, tiny_tokenizer, zoo_model


def untrained(*ids, name="llama"):
    """A model without positions whose embeddings of these tokens are zero."""
    model = zoo_model(name)
    with torch.no_grad():
        model.get_input_embeddings().weight[list(ids)] = 0
    return model


def explainer(model, **options):
    return Explainer(model, tiny_tokenizer(**options), cache=False)


def entering(model, ids):
    """What enters the first norm: here the embeddings alone."""
    return model.get_input_embeddings().weight[ids].detach()


def test_an_untrained_padding_row_gives_way_to_the_mask_and_says_why():
    model = untrained(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is a default: nobody is warned
        got = explainer(model).explain(SENTENCE)
    assert got.config["baselines"] == "[MASK]"
    assert got.config["why_baselines"] == "as [PAD] enters as zero"
    assert "against [MASK], as [PAD] enters as zero" in recipe(got.config)
    assert got.converged.all()
    ids = torch.tensor([tiny_tokenizer()(SENTENCE)["input_ids"]])
    other = torch.where((ids == 2) | (ids == 3), ids, 4)
    with torch.no_grad():
        change = model(ids).logits - model(other).logits
    np.testing.assert_allclose(
        got.layer_attributions.sum(axis=1), change[0, got.target], rtol=0.011
    )


def test_the_unknown_token_is_next_and_last_the_padding_with_a_warning():
    got = explainer(untrained(0, 4)).explain(SENTENCE)
    assert got.config["baselines"] == "[UNK]"
    with pytest.warns(UserWarning, match=r"\[PAD\] enters the first block as \(nearly\) zero"):
        got = explainer(untrained(0, 4, 1)).explain(SENTENCE)
    assert got.config["baselines"] == "[PAD]"
    assert "why_baselines" not in got.config


def test_named_by_hand_it_is_used_and_warned_about_once():
    model = explainer(untrained(0))
    with pytest.warns(UserWarning, match="leave baselines out, or give 'mask'") as caught:
        got = model.explain([SENTENCE, "Not bad."], baselines="pad")
    assert len([one for one in caught if one.category is UserWarning]) == 1
    assert {one.config["baselines"] for one in got} == {"[PAD]"}
    assert all(one.config["singular"] for one in got)


def test_a_trained_row_changes_nothing():
    own = zoo_model("llama")
    with torch.no_grad():
        own.get_input_embeddings().weight[0] = own.get_input_embeddings().weight[9]
    model = explainer(own)
    default, named = model.explain(SENTENCE), model.explain(SENTENCE, baselines="pad")
    np.testing.assert_array_equal(default.layer_attributions, named.layer_attributions)
    assert default.config == named.config
    assert "why_baselines" not in default.config


def test_positions_make_a_zero_row_regular():
    got = explainer(untrained(0, name="bert")).explain(SENTENCE)
    assert got.config["baselines"] == "[PAD]"


def test_a_model_is_looked_at_once_and_again_when_its_weights_change():
    model = untrained(0)
    own = explainer(model)
    looks = []
    entering_states = own.engine.model.entering_states
    own.engine.model.entering_states = lambda inputs: looks.append(1) or entering_states(inputs)
    reader = own.engine.reader
    text = reader.read(SENTENCE)
    assert [reader.make_baseline(text, "auto")[1] for _ in range(3)] == ["[MASK]"] * 3
    first = len(looks)
    assert first == 3, "the text, [PAD] and [MASK]"
    with torch.no_grad():
        model.get_input_embeddings().weight[4] = 0
    assert reader.make_baseline(text, "auto")[1] == "[UNK]"
    assert len(looks) == first + 4
    with torch.no_grad():
        model.get_input_embeddings().weight[0] += 1 + torch.arange(16) / 8
    assert reader.make_baseline(text, "auto")[1] == "[PAD]"
    assert not reader.baseline_note("auto")
    assert len(looks) == first + 4, "a row that is not zero needs no look"


def test_a_black_picture_that_enters_as_zero_gives_way_to_the_mean_colour():
    config = hf.ViTConfig(**zoo.IMAGE_OPTIONS, **zoo.PATCHES, num_labels=3)
    model = zoo.rough(hf.ViTForImageClassification(config))
    with torch.no_grad():
        model.vit.embeddings.patch_embeddings.projection.bias.zero_()
        model.vit.embeddings.position_embeddings[:, 1:] = 0
    got = Explainer(model, zoo.processor(), cache=False)
    found = got.explain(zoo.picture())
    assert found.config["baselines"] == "its mean colour"
    assert found.config["why_baselines"] == "as mid-grey enters as zero"
    with torch.no_grad():
        model.vit.embeddings.position_embeddings.normal_()
    assert got.explain(zoo.picture()).config["baselines"] == "mid-grey"


def test_what_is_alike_in_both_counts_for_nothing():
    states = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    start = states.clone()
    states[0] = start[0] = 0
    assert not starts_singular(states, start)
    start[1] = 1e-3 * states[1]
    assert starts_singular(states, start)
    start[1] = 3 + 0.1 * states[2]
    assert not starts_singular(states, start)
    start[1] = 3  # no spread, however large: a norm takes the mean away
    assert starts_singular(states, start)
