"""The embedded models: real, small, trained; they load offline. Each folder holds its card."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from ..explainer import Explainer

_HERE = Path(__file__).parent


class Demo(NamedTuple):
    """What the table of embedded models says of one of them.

    Attributes:
        model: Its name, and that of its folder.
        question: What it decides.
        data: What it was trained on.
        accuracy: How often it is right, on what; what to compare it with.
        licence: Of the weights and files.
        example: A text; the prompt that a next token is asked for; a picture's name in the folder.
        kind: Which of these the example is.
        ask: What else ``explain`` is asked with, such as the next token and its rival.
    """

    model: str
    question: str
    data: str
    accuracy: str
    licence: str
    example: str
    kind: Literal["text", "prompt", "picture"] = "text"
    ask: Mapping[str, Any] = MappingProxyType({})

    @property
    def folder(self) -> Path:
        """Where its weights, its processor and its card are."""
        return _HERE / self.model


_DEMOS = (
    Demo(
        model="sentiment",
        question="Does an English sentence about a film praise it or not?",
        data="SST-2",
        accuracy="83.7 % on 872 dev sentences",
        licence="Apache-2.0",
        example="The plot is thin, but the acting is superb.",
    ),
    Demo(
        model="amharic",
        question="What is the mood of an Amharic tweet?",
        data="AfriSenti, Amharic",
        accuracy="55.8 % on 1,497 dev tweets (majority 51.8 %, n-grams 57.8 %)",
        licence="CC BY 4.0",
        example="ይህ ውሸት ነው፣ በጣም ያሳዝናል።",
    ),
    Demo(
        model="topics",
        question="Which of five topics is an English news article about?",
        data="BBC News 2004 and 2005 (Greene & Cunningham 2006)",
        accuracy="98.0 % on 444 held-out articles",
        licence="Apache-2.0",
        example="The owners of the club have asked a bank to find a buyer. Analysts expect a price "
        "above its value on the stock market. But the side lost again on Saturday, the captain is "
        "injured, and the coach will rest his striker for the cup.",
    ),
)


def load_demo(name: str = "sentiment") -> Explainer:
    """The explainer of an embedded model, with its calibrated layer weights; no network.

    Raises:
        ValueError: If there is no such model.
    """
    folder = _named(name).folder
    from transformers.utils import logging

    from ..explainer import Explainer

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # it is over before it can be read
    try:
        return Explainer.from_pretrained(folder, local_files_only=True)
    finally:
        if shown:
            logging.enable_progress_bar()


def example(name: str = "sentiment") -> dict[str, Any]:
    """What to ask an embedded model: ``load_demo(name).explain(**example(name))``.

    Raises:
        ValueError: If there is no such model.
    """
    demo = _named(name)
    picture = demo.kind == "picture"
    return {"inputs": demo.folder / demo.example if picture else demo.example, **demo.ask}


def demos() -> pd.DataFrame:
    """The embedded models: what each answers, its data, accuracy, licence, example, size."""
    import pandas as pd

    frame = pd.DataFrame(_DEMOS).drop(columns="ask")
    numbers = [_parameters(demo.folder / "model.safetensors") for demo in _DEMOS]
    sizes = [sum(f.stat().st_size for f in demo.folder.rglob("*.*")) for demo in _DEMOS]
    frame["parameters"] = [f"{number / 1e6:.2f} million" for number in numbers]
    frame["size"] = [f"{size / 1e6:.1f} MB" for size in sizes]
    return frame.set_index("model")


def _named(name: str) -> Demo:
    known = {demo.model: demo for demo in _DEMOS}
    if name not in known:
        raise ValueError(f"name must be one of {list(known)}, got {name!r}. See calig_nb.demos().")
    return known[name]


def _parameters(weights: Path) -> int:
    """Numbers in a safetensors file, by its header alone."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")
