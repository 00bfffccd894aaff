"""The table of methods: what each says, where it comes from and what it costs. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from .fusion import Fusion, layer_weights

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Method:
    """One way to explain.

    Attributes:
        name: As ``Explainer.explain(method=...)`` takes it.
        says: What its value of a token is.
        signed: Whether a token can oppose. An unsigned method says where the model looks, and
            not for or against what.
        sums_to: What its token values sum to, which is the method's own test; empty for none.
        passes: Its cost for one text and one target: F forward and B backward passes; n are the
            nodes of a layer's integral, about 5 to 22, L the blocks, T the ordinary tokens.
        needs: What it needs beside the model.
        source: The paper, and where in it.
        fused: Whether it has both of CA-LIG's signals, so that λ weighs them.
    """

    name: str
    says: str
    signed: bool
    sums_to: str
    passes: str
    needs: str
    source: str
    fused: bool = False

    @property
    def calibration(self) -> str:
        """Where its layer weights come from before a model was calibrated; else what it says."""
        if self.fused:
            return "layer weights from this text alone"
        unsigned = "" if self.signed else "; unsigned: where, not for or against"
        return f"{self.name}: {self.says}{unsigned}"


_TABLE = (
    Method(
        "ca-lig",
        "layer-wise gradients fused with attention gradients, carried through all layers",
        True,
        "f(x) − f(x′) at every layer",
        "Σ n_b (L − b) / L + 2 F + B",
        "a baseline, attention",
        "Mersha & Kalita 2026, arXiv:2602.16608",
        fused=True,
    ),
    Method(
        "conductance",
        "as ca-lig, the relevance of all layers following one path",
        True,
        "f(x) − f(x′) at every layer",
        "9 F + 9 B",
        "a baseline, attention",
        "Dhamdhere et al. 2018, arXiv:1805.12233, eq. 4",
        fused=True,
    ),
    Method(
        "layer-ig",
        "Integrated Gradients of each layer, the mean of their shares",
        True,
        "f(x) − f(x′) at every layer",
        "as ca-lig",
        "a baseline",
        "Sundararajan et al. 2017, arXiv:1703.01365, eq. 1, at each layer",
    ),
    Method(
        "ig",
        "Integrated Gradients of the embeddings",
        True,
        "f(x) − f(x′)",
        "n F + n B",
        "a baseline",
        "Sundararajan et al. 2017, arXiv:1703.01365, eq. 1",
    ),
    Method(
        "gradient-x-input",
        "gradient times embedding",
        True,
        "",
        "F + B",
        "nothing",
        "Shrikumar et al. 2016, arXiv:1605.01713, section 3.2",
    ),
    Method(
        "attention",
        "attention of the last block from the pooled positions, mean of the heads",
        False,
        "1",
        "2 F + B",
        "attention",
        "Abnar & Zuidema 2020, arXiv:2005.00928, as raw attention",
    ),
    Method(
        "attention-rollout",
        "attention with residual connections, multiplied through all blocks",
        False,
        "1",
        "2 F + B",
        "attention",
        "Abnar & Zuidema 2020, arXiv:2005.00928, section 3, eq. 1",
    ),
    Method(
        "gradient-rollout",
        "attention times its gradient where positive, carried through all blocks",
        False,
        "",
        "F + B",
        "attention",
        "Chefer et al. 2021 (generic attention), arXiv:2103.15679, eq. 5 and 6",
    ),
    Method(
        "gradient-rollout-rows",
        "the same with rows that sum to one",
        False,
        "1",
        "F + B",
        "attention",
        "Chefer et al. 2021 (beyond attention), arXiv:2012.09838, eq. 13 and 14, attention "
        "in the place of its LRP relevance, rows normalised as in the authors' code for BERT",
    ),
    Method(
        "conservative",
        "gradient times embedding, attention, deviations and activation ratios held constant",
        True,
        "f(x) less the share of the biases",
        "2 F + 2 B",
        "a score that is linear in the logits",
        "Ali et al. 2022, arXiv:2202.07304, section 4, with the identity rule for activations",
    ),
    Method(
        "attn-lrp",
        "as conservative, of every product of two states each taking half, softmax its linear part",
        True,
        "f(x) less the shares of the biases and of what is not linear in softmax",
        "2 F + 2 B",
        "a score that is linear in the logits, attention",
        "Achtibat et al. 2024, arXiv:2402.05602, propositions 3.1 to 3.4",
    ),
    Method(
        "occlusion",
        "what the score loses when the token alone is replaced",
        True,
        "",
        "(T + 1) F",
        "a baseline",
        "Zeiler & Fergus 2014, arXiv:1311.2901; Li et al. 2016, arXiv:1612.08220, eq. 1",
    ),
)

MethodName = Literal[
    "ca-lig", "conductance", "layer-ig", "ig", "gradient-x-input", "attention", "attention-rollout",
    "gradient-rollout", "gradient-rollout-rows", "conservative", "attn-lrp", "occlusion",
]  # fmt: skip
"""The same for an editor, which completes them."""

INTEGRALS = ("ca-lig", "conductance", "layer-ig", "ig")
"""The methods that integrate gradients along a path, and so have an error to state."""

METHODS = {method.name: method for method in _TABLE}


def has_two_signals(name: str) -> bool:
    """Whether λ weighs two signals in what this method gives; so in what has no name."""
    return name not in METHODS or METHODS[name].fused


def fusion_of(name: str, lam: float = 0.5) -> Fusion:
    """How a method's values become one map; with one signal λ is 1."""
    return Fusion(lam=lam if has_two_signals(name) else 1.0)


def weights_of(
    name: str, layer_attributions: Array, special: npt.NDArray[np.bool_], patches: bool = False
) -> Array:
    """(L,) weights of the layers.

    For two signals they come from this text. With one, the map is row 0 alone, in shares of its
    mass; for ``layer-ig`` every layer counts 1 / L, and the map is the mean of the layers' shares
    (but for products of them, as they are carried through the layers).
    """
    if has_two_signals(name):
        return layer_weights([layer_attributions], [special], patches=patches)
    n_layers = len(layer_attributions) - 1
    if name == "layer-ig":
        return np.full(n_layers, 1 / n_layers)
    first: Array = np.eye(1, n_layers)[0]
    return first


def methods() -> pd.DataFrame:
    """The methods that ``Explainer.explain(method=...)`` knows, a row each.

    Returns:
        A table by name; its columns are the attributes of :class:`Method`: what a value says, its
        sign, what the values sum to, the cost in passes, what is needed, and the source.

    Example:
        >>> cn.methods().loc['ig', 'sums_to']
        'f(x) − f(x′)'
    """
    import pandas as pd

    return pd.DataFrame([asdict(method) for method in _TABLE]).set_index("name")
