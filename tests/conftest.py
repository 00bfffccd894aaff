"""The environment of the tests, and the six fixtures that they share."""

from __future__ import annotations

import os
from collections import Counter

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["CALIG_NB_CACHE"] = "off"  # tests count what is computed
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # the kernels of notebooks share the cores

import numpy as np
import pytest
import torch

from calig_nb import Explainer
from calig_nb.models.block_model import BlockModel

from .helpers.zoo import (
    FAMILIES,
    SENTENCE,
    ZOO,
    tiny_model,
    tiny_tokenizer,
    trace,
    zoo_inputs,
    zoo_model,
)

torch.set_num_threads(1)
torch.backends.mha.set_fastpath_enabled(False)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What the full run alone runs: see the markers in pyproject.toml."""
    numbers = Counter()
    for item in items:
        if not isinstance(item, pytest.Function):  # the cell of a notebook
            continue
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        name, sampled = parameters.get("name"), item.get_closest_marker("sampled")
        number = numbers[item.module.__name__, item.function]
        numbers[item.module.__name__, item.function] += 1
        if (
            (name in ZOO and name not in FAMILIES)
            or (sampled and number % sampled.args[0])
            or item.function.__module__ != item.module.__name__  # collected again elsewhere
        ):
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture
def explainer(tokenizer):
    return Explainer(tiny_model("bert"), tokenizer)


@pytest.fixture(scope="session")
def explanation(tokenizer):
    return Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=ZOO)
def traced(request):
    """Every kind of model, traced on a pair of rows: (name, inputs, model, trace)."""
    name = request.param
    model = BlockModel(zoo_model(name))
    with model.preserve():
        inputs = zoo_inputs(name)
        yield name, inputs, model, trace(model, inputs)
