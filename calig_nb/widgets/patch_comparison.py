"""Explained pictures side by side on one scale, and how their maps differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t

from ..explanation.comparison import difference, same_input
from ..explanation.explanation import Explanation
from ..explanation.formatting import LABEL, legible, method_title, signed_share
from ..explanation.summary import Story, probability_text, story_of_several
from ..explanation.units import Granularity
from .comparison import Comparison
from .patch_view import STYLE, encode_picture, picture_layout
from .state import STATIC, Choice

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class PatchComparison(Comparison):
    """Two to four explained pictures, each under its signed map, all on one locked scale.

    Two methods, two classes, two models or two values of λ for one picture; or two pictures for
    one class. What is pointed at or selected in one is marked in all. Beside them stand the
    differences to the first, patch by patch, of those that have its grid. ``Comparison`` makes
    this of explanations of pictures.

    Args, attributes and errors are those of :class:`Comparison`, the rows being patches, and:

    Attributes:
        opacity: Of the maps, in [0, 1]; at 0 the pictures are seen in their own colours.
    """

    _esm = STATIC / "patches.js"
    _css = STYLE
    bundle = "patches"
    draws = "picture"

    granularity = Choice(["token"], "token").tag(sync=True)
    opacity: Any = t.Float(0.7, min=0, max=1).tag(sync=True)

    @property
    def shared(self) -> bool:
        """Whether all have one grid, so that every patch can be compared."""
        return len({e.grid for e in self.originals}) == 1

    def to_frame(self, granularity: Granularity | None = None) -> pd.DataFrame:
        """As of a :class:`Comparison`; without a counterpart a patch has no difference, but NaN."""
        frame = super().to_frame(granularity)
        alone = frame.iloc[:, 2:-1].isna().any(axis=1)
        frame.isetitem(-1 % frame.shape[1], frame.iloc[:, -1].where(~alone))
        return frame

    def _more(self, explanation: Explanation) -> dict[str, Any]:
        first, image = self.originals[0], explanation.image
        if image is None:
            raise ValueError(
                "PatchComparison draws pictures, and these explanations are of texts: use "
                "Comparison, which draws both."
            )
        again = explanation is not first and same_input(first, explanation)
        return {
            "_place": picture_layout(explanation),
            "_method": method_title(explanation.method),
            "_again": again,
            "_picture": b"" if again else encode_picture(image),
        }

    def figure(self, **state: Any) -> Figure:
        """The picture on screen as a matplotlib figure; ``state`` replaces single traits.

        Args:
            **state: ``lam``, ``layer``, ``selected``, ``opacity`` or ``theme`` as above; ``width``
                in inches; ``k``, the most rows of the difference.
        """
        from ..figures import patch_comparison_figure

        names = ("lam", "layer", "selected", "opacity")
        shown: dict[str, Any] = {name: getattr(self, name) for name in names}
        shown["theme"] = "dark" if self.theme == "dark" else "light"
        return patch_comparison_figure(self.originals, self.names, **{**shown, **state})

    def describe(self) -> tuple[Story, Callable[[], Figure]]:
        """What is on screen in words, and what draws it."""
        return (self._differing() if self.shared else self._apart()), self.figure

    def _differing(self) -> Story:
        story = story_of_several(self.originals, self.names, "token", self.layer, self.lam)
        return dataclasses.replace(story, head=("patch", *story.head[1:]))

    def _apart(self) -> Story:
        """What each says, where patches have no counterpart."""
        found = difference(self.originals, "token", self.layer, self.lam)
        rows, sides = [], []
        for i, (name, own) in enumerate(zip(self.names, self.originals, strict=True)):
            values = np.where(found.special, np.nan, found.values[:, i])
            best = int(np.argmax(np.nan_to_num(np.abs(values), nan=-1)))
            called = legible(name, LABEL)
            rows.append((called, legible(found.texts[best][i], LABEL), signed_share(values[best])))
            sides.append(f"{called}: {legible(own.target_name, LABEL)} {probability_text(own)}")
        grids = dict.fromkeys("{} × {}".format(*(e.grid or ())) for e in self.originals)
        sentence = (
            f"{'; '.join(sides)}. Grids of {' and '.join(grids)} patches share no patch, so "
            "there is no difference."
        )
        return Story(sentence, ("picture", "strongest patch", "share"), tuple(rows), sentence)
