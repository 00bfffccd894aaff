"""The embedded models: real, small, trained; they load offline. Each folder holds its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from ..explainer import Explainer

_HERE = Path(__file__).parent


class Demo(NamedTuple):
    """What the table of embedded models says of one of them."""

    model: str
    question: str
    data: str
    accuracy: str
    licence: str
    example: str


_DEMOS = (
    Demo(
        model="sentiment",
        question="Does an English sentence about a film praise it or not?",
        data="SST-2",
        accuracy="83.7 % on 872 dev sentences",
        licence="Apache-2.0",
        example="The plot is thin, but the acting is superb.",
    ),
)


def load_demo(name: str = "sentiment") -> Explainer:
    """The explainer of an embedded model, with its calibrated layer weights; no network.

    Raises:
        ValueError: If there is no such model.
    """
    names = [demo.model for demo in _DEMOS]
    if name not in names:
        raise ValueError(f"name must be one of {names}, got {name!r}. See calig_nb.demos().")
    from transformers.utils import logging

    from ..explainer import Explainer

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # it is over before it can be read
    try:
        return Explainer.from_pretrained(_HERE / name, local_files_only=True)
    finally:
        if shown:
            logging.enable_progress_bar()


def demos() -> pd.DataFrame:
    """The embedded models: what each answers, its data, accuracy, licence, example and size."""
    import pandas as pd

    frame = pd.DataFrame(_DEMOS)
    sizes = [sum(f.stat().st_size for f in (_HERE / d.model).iterdir()) for d in _DEMOS]
    frame["size"] = [f"{size / 1e6:.1f} MB" for size in sizes]
    return frame.set_index("model")
