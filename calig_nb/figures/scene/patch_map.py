"""The numbers of the maps of a picture; the twin of patches/map.js and patches/photo.js. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from ..._design import SIZES
from ...explanation import fusion as fu
from .scene import TINY

if TYPE_CHECKING:
    from ..._arrays import Array
    from .scene import Scene

FADE: float = SIZES["patches"]["FADE"]
"""How far the picture fades to the page below a full map."""
LUMA: list[float] = SIZES["patches"]["LUMA"]


@dataclass(frozen=True, eq=False)
class Links:
    """Column and row of the rollout for some units, a value for each unit.

    Attributes:
        gave: What they carried into every position.
        received: What every unit carried into theirs.
        limit: What the deepest tone stands for: the largest of another patch.
    """

    gave: Array
    received: Array
    limit: float


@dataclass(frozen=True, eq=False)
class PatchMap:
    """A value for each unit, over all layers and in each, and where the patches stand."""

    scene: Scene

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        grid = self.scene.explanation.grid
        assert grid is not None
        return grid

    @cached_property
    def patches(self) -> list[int]:
        """The unit of each patch, row by row."""
        return [u for u, unit in enumerate(self.scene.units) if not unit.special]

    @cached_property
    def others(self) -> list[int]:
        """Units that are no patch."""
        return [u for u, unit in enumerate(self.scene.units) if unit.special]

    @cached_property
    def frames(self) -> Array:
        """(1 + L, units) over all layers, then of each before its weight; opposing below 0."""
        scene = self.scene
        if scene.state.channel == "net":
            return np.vstack([scene.net, scene.cells])
        ours = self._halves[0 if self._side > 0 else 1]
        whole = scene.supporting if self._side > 0 else scene.opposing
        return np.asarray(self._side * np.vstack([whole, ours]))

    @cached_property
    def limits(self) -> tuple[float, float]:
        """What the deepest tone stands for: over all layers, and in any one."""
        scene = self.scene
        if scene.state.channel == "net":
            return scene.largest, scene.largest_cell
        whole = np.stack(scene.evidence_of)
        return tuple(  # type: ignore[return-value]
            max(TINY, float(np.abs(v[..., self.patches]).max(initial=0)))
            for v in (whole, self._halves)
        )

    @property
    def _side(self) -> int:
        return 1 if self.scene.state.channel == "supporting" else -1

    @cached_property
    def _halves(self) -> Array:
        """(2, L, units) λ relu(± r̂) + (1 - λ) colsum relu(± Ĝ), for and against the class."""
        scene, own = self.scene, self.scene.explanation
        r, g = fu.normalise(
            own.layer_attributions, own.attention_relevance, own.fusion.normalisation
        )
        lam = own.fusion.lam
        sides = [
            lam * np.maximum(s * r, 0) + (1 - lam) * np.maximum(s * g, 0).sum(axis=1)
            for s in (scene.sign, -scene.sign)
        ]
        return np.array([[scene.summed(row) for row in side] for side in sides])

    def links(self, chosen: Sequence[int]) -> Links:
        """Of some units: over all layers, or in the one that is looked at."""
        scene, own = self.scene, self.scene.explanation
        blocks = range(scene.layers) if scene.layer is None else [scene.layer]
        start = np.isin(scene.unit_of, list(chosen)).astype(np.float64)
        given, taken = np.tile(start, (2, 1)), np.tile(start, (2, 1))
        matrices = [own.fusion.gamma * own.block_matrices(b) for b in blocks]
        for matrix in matrices:
            given = given + np.einsum("cqk,ck->cq", matrix, given)
        for matrix in reversed(matrices):
            taken = taken + np.einsum("cq,cqk->ck", taken, matrix)
        gave, received = (self._shown(v - start) for v in (given, taken))
        others = [u for u in self.patches if u not in chosen]
        peak = max(float(np.abs(v[others]).max(initial=0)) for v in (gave, received))
        return Links(gave, received, max(TINY, peak))

    def _shown(self, pair: Array) -> Array:
        supporting, opposing = pair[:: self.scene.sign]
        channel = self.scene.state.channel
        shown = (channel != "opposing") * supporting - (channel != "supporting") * opposing
        return self.scene.summed(shown)


def strongest_other(values: Array, chosen: Sequence[int]) -> int | None:
    """The unit with the largest value but for some; None where all are zero."""
    sizes = np.abs(values)
    sizes[list(chosen)] = 0
    best = int(np.argmax(sizes))
    return best if sizes[best] > 0 else None


def drain_colours(image: npt.NDArray[np.uint8], density: float, page: str) -> npt.NDArray[np.uint8]:
    """The picture below its map: greyer and paler the denser the map, so that all colour is its.

    Args:
        image: (height, width, 3).
        density: Of the map, 0 ... 1.
        page: Colour of the page.
    """
    pixels = image.astype(np.float64)
    grey = (pixels @ np.array(LUMA))[..., None]
    pixels += (grey - pixels) * density
    pixels += (255 * np.array(to_rgb(page)) - pixels) * FADE * density
    return np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
