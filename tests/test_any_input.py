"""Whatever is given to a public call: a result, or an error of ours that names it.

No error comes from inside NumPy, torch or the standard library, where nothing says which argument
was meant.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

import calig_nb as cn
from calig_nb._version import PACKAGE
from calig_nb.evaluation.check import check
from calig_nb.pipeline.cache import Cache

from .helpers.told import EXPLANATIONS
from .helpers.zoo import tiny_model, tiny_tokenizer

TEXT = "good plot"
MADE = EXPLANATIONS["text"]


class Subject:
    """What calls are made on; made once, when the first is."""

    @property
    def explainer(self):
        if "found" not in vars(self):
            self.found = cn.Explainer(tiny_model("bert"), tiny_tokenizer())
            self.made = self.found.explain(TEXT)
            self.many = self.found.explain(TEXT, target=[0, 1])
        return self.found

    @property
    def explanation(self):
        return self.explainer and self.made


S = Subject()


def explain(**more):
    return S.explainer.explain(TEXT, **{"n_steps": 3, **more})


def evaluate(**more):
    options = {
        "progress": False,
        "methods": ["gradient-x-input"],
        "metrics": ["comprehensiveness"],
        "n_resamples": 5,
    }
    return cn.evaluate(S.explainer, [TEXT], **{**options, **more})


def sanity(**more):
    return cn.sanity(S.explainer, ["good plot film"], **{"methods": ["gradient-x-input"], **more})


def make(**more):
    """An explanation with one field that is another."""
    fields = {name: getattr(MADE, name) for name in vars(MADE) if not name.startswith("_")}
    return cn.Explanation(**{**fields, **more})


def of(call, *names):
    """A row for each of a call's arguments by name."""
    return [(name, lambda value, name=name: call(**{name: value})) for name in names]


CALLS = [
    ("model", lambda v: cn.Explainer(v)),
    ("processor", lambda v: cn.Explainer(S.explainer.model, v)),
    *of(lambda **o: cn.Explainer(S.explainer.model, S.explainer.processor, **o),
        "blocks", "batch_tokens", "memory", "cache"),
    ("model", cn.Explainer.from_pretrained),
    ("cache", lambda v: setattr(S.explainer.without_cache(), "cache", v)),
    *of(Cache, "folder", "max_bytes"),
    ("inputs", lambda v: S.explainer.explain(v, n_steps=3)),
    ("inputs", lambda v: S.explainer.predict(v)),
    ("position", lambda v: S.explainer.predict(TEXT, v)),
    *of(explain, "target", "contrast", "position", "output", "method", "baselines", "n_steps",
        "tolerance", "lam", "precision", "routing", "on_error"),
    ("inputs", lambda v: S.explainer.without_cache().calibrate(v)),
    *of(lambda **o: S.explainer.without_cache().calibrate([TEXT], n_steps=3, **o),
        "target", "method", "on_error", "lam"),
    ("lam", lambda v: S.explanation.with_lam(v)),
    ("fusion", lambda v: S.explanation.with_fusion(v)),
    *of(cn.Fusion, "lam", "gamma", "normalisation", "channels", "readout"),
    ("granularity", lambda v: S.explanation.units(v)),
    ("granularity", lambda v: S.explanation.to_frame(v)),
    *of(lambda **o: S.explanation.top(**o), "k", "granularity"),
    *of(lambda **o: S.explanation.rollout(**o), "layer", "channel"),
    ("layer", lambda v: S.explanation.heads(v)),
    ("target", lambda v: S.explanation.ask(v)),
    ("contrast", lambda v: S.explanation.ask(0, v)),
    ("word", lambda v: S.explanation[v]),
    *of(lambda **o: S.explanation.check(**{"random": 2, **o}), "random", "deletion", "seed"),
    ("explainer", lambda v: check(S.explanation, v)),
    ("explanation", lambda v: check(v, S.explainer)),
    *of(lambda **o: MADE.figure(**{"view": "tokens", **o}),
        "view", "lam", "layer", "selected", "granularity", "target", "contrast", "span", "play",
        "channel", "cell", "head", "opacity", "theme", "width", "k"),
    *of(lambda **o: MADE.show(**o),
        "view", "lam", "layer", "selected", "granularity", "target", "contrast", "span", "play",
        "channel", "alone", "residual", "cell", "head", "heads", "zoom", "matrix", "theme"),
    ("explanations", lambda v: cn.by_class(v)),
    *of(lambda **o: cn.by_class(S.explainer and S.many, **o), "granularity", "layer"),
    ("k", lambda v: cn.by_class(S.explainer and S.many).to_frame(v)),
    *of(lambda **o: cn.by_class(S.explainer and S.many).figure(**o), "k", "theme", "width"),
    ("comparison", lambda v: cn.Comparison(v)),
    *of(lambda **o: cn.Comparison([MADE, MADE.with_lam(0)], **o),
        "names", "layer", "lam", "selected", "granularity", "theme"),
    *of(lambda **o: cn.Comparison([MADE, MADE.with_lam(0)]).figure(**o), "k", "width", "theme"),
    ("Explanation", lambda v: cn.TokenView(v)),
    ("Explanation", lambda v: cn.MarkWords(v)),
    *of(lambda **o: cn.MarkWords(MADE, **o), "side", "marked"),
    ("state", lambda v: setattr(MADE.show(), "state", v)),
    ("explainer", lambda v: cn.evaluate(v, [TEXT])),
    ("texts", lambda v: cn.evaluate(S.explainer, v, methods=["gradient-x-input"])),
    *of(evaluate, "targets", "rationales", "methods", "metrics", "deletion", "tolerance",
        "n_resamples", "seed", "on_error"),
    ("explainer", lambda v: cn.sanity(v, [TEXT])),
    ("texts", lambda v: cn.sanity(S.explainer, v, methods=["gradient-x-input"])),
    *of(sanity, "methods", "tolerance", "seed"),
    ("path", cn.load),
    ("name", cn.load_demo),
    ("path", lambda v: MADE.to_html(v)),
    *of(make, *(name for name in vars(MADE) if name != "source" and not name.startswith("_"))),
]  # fmt: skip
NAMES = [f"{number} {name}" for number, (name, _) in enumerate(CALLS)]
WRONG = (
    None, True, -1, 2**70, 0.5, math.nan, "x", "\0", [], ["x"], {"a": 1}, np.arange(2),
)  # fmt: skip
MORE = (
    0, math.inf, "", "\ud800", b"x", [0], [None], [[0], [1, 2]], {}, (1, 2, 3), np.array(0.5),
    object(),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def assert_named(name, call, value):
    """The call gives a result, or an error that is raised here and names the argument."""
    try:
        call(value)
    except TraitError as error:  # the own language of widgets' traits
        assert name in str(error)
    except (TypeError, ValueError, OSError) as error:
        frame = error.__traceback__
        while frame.tb_next is not None:
            frame = frame.tb_next
        file = frame.tb_frame.f_code.co_filename
        assert file.startswith(str(PACKAGE)), f"{error!r} comes from {file}:{frame.tb_lineno}"
        said = " ".join(str(error).lower().split())
        # Of what is said to be missing, or not to fit the others, the name says enough.
        if "there is no" not in said and "to fit the rest" not in said:
            assert name.lower() in said, f"{error!r} does not name {name}"
            assert "got" in said or repr(value).lower() in said, f"{error!r} names no value"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.getbasetemp())  # of what may be a path


@pytest.mark.bad_input
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "call"), CALLS, ids=NAMES)
def test_what_cannot_be_used_is_named(name, call):
    for value in WRONG:
        assert_named(name, call, value)


@pytest.mark.full
@pytest.mark.bad_input
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "call"), CALLS, ids=NAMES)
def test_what_else_cannot_be_used_is_named(name, call):
    for value in MORE:
        assert_named(name, call, value)


@pytest.mark.bad_input
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(CALLS), JSON)
def test_any_json_is_used_or_named(row, value):
    assert_named(*row, value)


@pytest.mark.full
@pytest.mark.bad_input
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(CALLS), JSON)
def test_much_more_json_is_used_or_named(row, value):
    assert_named(*row, value)
