"""The result for a text of so many tokens that no matrix between them is kept. NumPy only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays import Array
from .._validation import instance_of
from . import fusion as fu
from .explanation import Explanation, Source
from .fusion import Channel


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LongText(Explanation):
    """Why a model gave one score to a long text; token by token, and in phrases for the views.

    ``layer_attributions`` are complete as ever. The evidence of a token is what enters at each
    layer, ``γ Σ_b w_b [λ relu(± r̂_b) + (1 - λ) Σ_i relu(± Ĝ_b)[i, t]]``, with the norms of the
    phrases: the rollout to first order, for what passes through two matrices is a product of two
    shares of a long text. So a phrase in the views has the net evidence of its tokens here.

    Attributes:
        attention_relevance: (L, T, T) NaN; see ``given`` and ``drawn``.
        given: (2, L, T) what each token gave to all positions, ``Σ_i relu(± G_b[i, t])``.
        condensed: The same explanation with phrases, of some words each, in the place of tokens.
    """

    given: npt.NDArray[np.float32]
    condensed: Explanation

    def __post_init__(self) -> None:
        super().__post_init__()
        small = instance_of("condensed", self.condensed, Explanation)
        for name in ("text", "labels", "target", "contrast"):
            if getattr(small, name) != getattr(self, name):
                raise ValueError(f"condensed must have the same {name} as the whole text.")
        if isinstance(small, LongText) or len(small.layer_weights) != len(self.layer_weights):
            raise ValueError("condensed must be in phrases, with as many layers as the whole text.")

    @property
    def drawn(self) -> Explanation:
        """The same with phrases for tokens, and matrices between them: what the views draw."""
        return dataclasses.replace(
            self.condensed,
            fusion=self.fusion,
            layer_weights=self.layer_weights,
            config=self.config,
            source=None if self.source is None else _PhraseSource(self.source),
        )

    @cached_property
    def _evidence(self) -> Array:
        if self.fusion.readout != "all":
            raise ValueError(
                f"fusion.readout must be 'all' for a document of {len(self.tokens)} tokens, got "
                f"{self.fusion.readout!r}. Its phrases have both: explanation.drawn."
            )
        small, how = self.condensed, self.fusion.normalisation
        scales = fu.scales(small.layer_attributions, small.attention_relevance, how)
        evidence = fu.first_order_evidence(
            self.layer_attributions, self.given, scales, self.layer_weights, self.fusion
        )
        evidence.setflags(write=False)
        return evidence

    def rollout(self, layer: int | None = None, channel: Channel = "net") -> Array:
        """Not kept between tokens.

        Raises:
            ValueError: Always; it names what there is.
        """
        raise ValueError(
            f"A document of {len(self.tokens)} tokens keeps no matrix between them. That between "
            f"its {len(self.condensed.tokens)} phrases is explanation.drawn.rollout()."
        )


@dataclass(frozen=True)
class _PhraseSource:
    """The source of a document, which answers in phrases, as the views draw them."""

    source: Source

    def explain_again(self, target: int, contrast: int | None) -> Explanation:
        """The same document about another class, in phrases."""
        return self.source.explain_again(target, contrast).drawn

    def attention_heads(self, layer: int) -> npt.NDArray[np.float32]:
        """As the document's source."""
        return self.source.attention_heads(layer)

    def check(self, explanation: Explanation, **options: Any) -> Any:
        """As the document's source."""
        return self.source.check(explanation, **options)
