"""What people try first works as they mean it: names, folders, bundles, copies."""

import copy
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from traitlets import TraitError
from transformers import pipeline

import calig_nb as cn
from calig_nb import Explainer

from ..helpers.zoo import SENTENCE, tiny_model

FOLDER = Path(cn.__file__).parent / "demo" / "sentiment"


@pytest.fixture(scope="module")
def named():
    return Explainer(FOLDER)


def test_a_folder_is_an_explainer_with_its_calibration(named):
    expected = cn.load_demo()
    np.testing.assert_array_equal(named.layer_weights, expected.layer_weights)
    one, other = named(SENTENCE), expected.explain(SENTENCE)
    np.testing.assert_array_equal(one.attributions, other.attributions)
    assert cn.explain(named, SENTENCE, target=0).target_name == "negative"
    again = cn.explain(str(FOLDER), SENTENCE)
    np.testing.assert_array_equal(again.attributions, other.attributions)
    made = cn.explain(named.model, SENTENCE, named.processor, lam=0.25)
    assert made.lam == 0.25


def test_an_explainer_says_what_it_holds(named, tokenizer):
    assert repr(named) == (
        "Explainer(BertForSequenceClassification, 2 classes: negative, positive, 4 layers, "
        "layer weights from 20 texts)"
    )
    many = Explainer(tiny_model("bert", n_labels=10), tokenizer)
    assert "10 classes: LABEL_0, " in repr(many) and "LABEL_7 and 2 more" in repr(many)
    assert repr(many).endswith("3 layers, not calibrated)")


class CrossEncoder(torch.nn.Module):
    """As in sentence-transformers: a model beside its tokenizer."""

    def __init__(self, model, tokenizer):
        super().__init__()
        self.model, self.tokenizer = model, tokenizer


class SentenceTransformer(torch.nn.Sequential):
    """As in sentence-transformers: vectors, no classes."""

    def encode(self, texts):
        raise NotImplementedError


def test_what_holds_model_and_tokenizer_is_opened(named):
    model, tokenizer = named.model, named.processor
    held = (
        CrossEncoder(model, tokenizer),
        pipeline("text-classification", model=model, tokenizer=tokenizer),
    )
    for one in held:
        explainer = Explainer(one)
        assert explainer.model is model and explainer.processor is tokenizer
    vectors = SentenceTransformer()
    vectors.tokenizer = tokenizer
    with pytest.raises(ValueError, match="a SentenceTransformer gives vectors: there is no score"):
        Explainer(vectors)


@pytest.mark.bad_input
@pytest.mark.parametrize("path", ["/no/such/folder", "./none", Path("none"), "a/b/c"])
def test_a_folder_that_is_not_there_is_named(path):
    for load in (Explainer, Explainer.from_pretrained):
        with pytest.raises(FileNotFoundError, match=r"There is no folder '.*(none|folder|c)' with"):
            load(path)


@pytest.mark.bad_input
def test_files_that_cannot_be_loaded_are_named(tmp_path):
    folder = Path(shutil.copytree(FOLDER, tmp_path / "cut"))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:9999])
    with pytest.raises(ValueError, match=r"The model '.*cut' cannot be loaded .*: .*header"):
        Explainer(folder)
    folder = Path(shutil.copytree(FOLDER, tmp_path / "other"))
    (folder / "calig_nb.json").write_text('{"layer_weights": ["x"]}')
    with pytest.raises(ValueError, match=r"calig_nb.json must hold layer weights, but "):
        Explainer(folder)
    (folder / "calig_nb.json").write_text('{"layer_weights": [1.0, 0.5], "n_inputs": 9}')
    with pytest.raises(ValueError, match="are of 2 layers, and it has 4: calibrate it again"):
        Explainer(folder).explain("good")


@pytest.fixture(scope="module")
def explained(named):
    return named("The plot is thin, and the acting is superb.")


def test_words_and_values_go_together(explained):
    e, words = explained, explained.to_frame("word")
    words = words[~words["special"]]
    assert len(e.words) == len(e.word_attributions) == 11
    assert e.words == tuple(words["word"])
    np.testing.assert_allclose(e.word_attributions, words["attributions"])
    assert dict(zip(e.words, e.word_attributions))["superb"] == e["superb"] == e["Superb"]
    by_hand = words.loc[words["word"] == "is", "attributions"]
    assert len(by_hand) == 2 and e["is"] == pytest.approx(by_hand.sum())
    assert [(word, value) for word, value in e] == [*zip(e.words, e.word_attributions)]
    frame = pd.DataFrame(e)
    assert [*frame.columns] == ["word", "attribution"] and len(frame) == 11
    assert e.lam == e.fusion.lam == 0.5
    for wrong, error, says in (("zebra", ValueError, "got 'zebra'"), (0, TypeError, "to_frame")):
        with pytest.raises(error, match=says):
            e[wrong]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_copy_shares_the_model(again, explained):
    other = again(explained)
    np.testing.assert_array_equal(other.attributions, explained.attributions)
    assert other.source is explained.source and not other.layer_attributions.flags.writeable
    assert (other.config is explained.config) == (again is copy.copy)


def test_a_pickled_explanation_is_a_saved_one(explained):
    content = pickle.dumps(explained)
    assert len(content) < 20_000, "without the model"
    other = pickle.loads(content)
    np.testing.assert_array_equal(other.attributions, explained.attributions)
    assert other.source is None and not other.layer_attributions.flags.writeable


def test_words_can_be_selected(explained, named):
    view = explained.show()
    view.selected = ["superb", 1]
    assert [explained.tokens[i] for i in view.selected] == ["superb", "The"]
    assert explained.show(selected=["is"]).selection.texts == ("is", "is")
    with pytest.raises(TraitError, match=r"selected: word must be one of .* got 'zebra'"):
        view.selected = ["zebra"]
    assert view.selected == explained.show(selected=["superb", 1]).selected, "as before"
    both = cn.Comparison([explained, named("The plot is fat, and the acting is superb.")])
    both.selected = ["fat", "superb"]
    assert both.selection["token"].tolist() == ["thin → fat", "superb"]
    with pytest.raises(TraitError, match="got 'zebra'"):
        both.selected = ["zebra"]


def test_a_cache_can_be_set_as_it_is_given(tokenizer, tmp_path):
    explainer = Explainer(tiny_model("bert"), tokenizer, cache=None)
    assert explainer.cache is None
    explainer.cache = tmp_path
    explainer.explain(SENTENCE)
    assert len(explainer.cache) == 1 and explainer.cache.folder == tmp_path
    explainer.cache = False
    assert explainer.cache is None


@pytest.mark.filterwarnings("ignore:Layer weights")
@pytest.mark.bad_input
def test_calibration_takes_one_class_and_what_can_be_explained(tokenizer):
    explainer = Explainer(tiny_model("bert"), tokenizer)
    with pytest.raises(TypeError, match=r"target must be one class to calibrate, got \[0, 1\]"):
        explainer.calibrate([SENTENCE], target=[0, 1])
    with pytest.warns(UserWarning, match="skipped"):
        weights = explainer.calibrate([SENTENCE, ""], on_error="skip")
    np.testing.assert_array_equal(weights, explainer.without_cache().calibrate([SENTENCE]))
    assert "from 1 text" in repr(explainer)
