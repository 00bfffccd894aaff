"""An explanation that can still ask its model for the heads of a layer."""

import dataclasses
from types import SimpleNamespace

import numpy as np


def with_heads(explanation):
    """The explanation with a source that gives two heads of every layer but the third."""

    def look(layer):
        if layer == 2:
            raise ValueError("layer 2 was not kept.")
        return np.stack([explanation.attention_relevance[layer] * s for s in (1.5, 0.5)])

    return dataclasses.replace(explanation, source=SimpleNamespace(attention_heads=look))
