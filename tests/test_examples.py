"""The example in the docstring of every public name, run as it stands there."""

import doctest
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

import calig_nb as cn
from calig_nb.explanation.display import View
from calig_nb.explanation.methods import METHODS, MethodName

from .helpers.told import EXPLANATIONS

CLASSES = (cn.Explainer, cn.Explanation, cn.ByClass, cn.Check, cn.Evaluation, cn.Sanity)
"""Those whose methods are documented by examples too; a view's are those of its class."""
INTERNAL = {"with_model", "answer_sign", "block_matrices"}


def public_names():
    """What a user may call, by name."""
    for name in cn.__all__:
        yield name, getattr(cn, name)
    for kind in CLASSES:
        for name, value in inspect.getmembers(kind):
            own = inspect.isfunction(value) or inspect.ismethod(value)
            if own and not name.startswith("_") and name not in INTERNAL:
                yield f"{kind.__name__}.{name}", value


NAMES = dict(public_names())


@pytest.fixture(scope="module")
def made():
    """What the examples take for granted."""
    explainer = cn.load_demo()
    texts = ["A dull film.", "The acting is superb."]
    return {
        "cn": cn,
        "Path": Path,
        "explainer": explainer,
        "explanation": explainer.explain("The plot is thin, but the acting is superb."),
        "evaluation": cn.evaluate(explainer, texts, methods=["ca-lig", "ig"], progress=False),
        "sanity": cn.sanity(explainer, texts[:1], methods=["ig"], progress=False),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_has_an_example_that_runs(name, made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = inspect.getdoc(NAMES[name])
    found = doctest.DocTestParser().get_doctest(text, {**made}, name, None, 0)
    assert found.examples, f"{name} has no example"
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found, out=said.append)
    assert not said, "".join(said)


def test_dir_shows_what_is_for_the_user(made):
    assert {*dir(cn)} == {*cn.__all__, "__version__"}
    shown = {name: dir(made[name]) for name in ("explainer", "explanation")}
    shown["view"] = dir(made["explanation"].show())
    for name, names in shown.items():
        assert not [one for one in names if one.startswith("_")], name
    assert not {"engine", "with_model", "block_matrices", "comm", "keys"} & {
        one for names in shown.values() for one in names
    }
    assert {"explain", "predict", "labels"} <= {*shown["explainer"]}
    assert {"words", "word_attributions", "show", "to_frame"} <= {*shown["explanation"]}
    assert {"selected", "lam", "figure", "observe"} <= {*shown["view"]}


def test_what_an_editor_completes_is_what_there_is():
    assert get_args(MethodName) == tuple(METHODS)
    for view in get_args(View):
        kind = EXPLANATIONS["picture" if view == "patches" else "text"]
        assert kind.show(view) and kind.figure(view)
    with pytest.raises(ValueError, match=re.escape(f"view must be one of {get_args(View)}")):
        EXPLANATIONS["text"].show("bars")


POINTERS = [
    (cn, "compare", "Comparison"),
    (cn, "plot", ".show()"),
    ("explanation", "plot", "figure()"),
    ("explanation", "label", "target_name"),
    ("explanation", "to_csv", "to_frame('word').to_csv(path)"),
    ("explanation", "to_dict", "to_dict('records')"),
    ("explainer", "tokenizer", "processor"),
    ("explainer", "save", ".save(path)"),
]


@pytest.mark.parametrize(("owner", "name", "says"), POINTERS)
def test_a_name_that_is_expected_says_what_there_is(owner, name, says, made):
    owner = made.get(owner, owner)
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'") as caught:
        getattr(owner, name)
    assert says in str(caught.value)
    assert not hasattr(owner, name) and name not in dir(owner)


def test_a_property_that_fails_says_why_and_not_that_it_is_missing(made):
    broken = made["explainer"].without_cache()
    broken.engine = SimpleNamespace(model=SimpleNamespace())
    with pytest.raises(AttributeError, match="'labels'") as caught:
        _ = broken.labels
    assert "SimpleNamespace" in str(caught.value)
