"""The only file that knows the disk: explanations and layer weights, written whole, no pickle."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .fusion import Fusion
from .results import Explanation

FORMAT = "calig_nb explanation 1"
CALIBRATION_FILE = "calig_nb.json"
_NOT_STORED = ("ask",)


class Calibration(NamedTuple):
    """A model's layer weights, and how many texts they were estimated from."""

    layer_weights: tuple[float, ...]
    n_inputs: int


def save(explanation: Explanation, path: str | Path) -> None:
    """Write an explanation; the file appears whole or not at all.

    Args:
        explanation: What to keep.
        path: Where; by custom ``*.safetensors``. An existing file is replaced.

    Raises:
        OSError: If the folder does not exist or cannot be written to.
    """
    from safetensors.numpy import save as to_bytes

    arrays, plain = {}, {}
    for entry in dataclasses.fields(explanation):
        value = getattr(explanation, entry.name)
        if isinstance(value, np.ndarray):
            arrays[entry.name] = np.ascontiguousarray(value)
        elif entry.name == "fusion":
            plain[entry.name] = dataclasses.asdict(value)
        elif entry.name not in _NOT_STORED:
            plain[entry.name] = value
    content = to_bytes(arrays, {"format": FORMAT, "explanation": json.dumps(plain)})
    _write_whole(Path(path), content)


def load(path: str | Path) -> Explanation:
    """Open a saved explanation. It needs neither torch nor the model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or is not an explanation.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no saved explanation at {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                got = metadata.get("format", "no such mark")
                raise ValueError(f"it is marked {got!r}, not {FORMAT!r}")
            fields = json.loads(metadata["explanation"])
            fields |= {name: file.get_tensor(name) for name in file.keys()}
        fields["fusion"] = Fusion(**fields["fusion"])
        fields["tokens"], fields["labels"] = tuple(fields["tokens"]), tuple(fields["labels"])
        return Explanation(**fields)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a readable explanation: {error}.") from error


def save_calibration(calibration: Calibration, folder: str | Path) -> None:
    """Write layer weights beside a saved model, where ``Explainer.from_pretrained`` finds them."""
    content = json.dumps(calibration._asdict()) + "\n"
    _write_whole(Path(folder) / CALIBRATION_FILE, content.encode())


def load_calibration(folder: str | Path) -> Calibration | None:
    """The layer weights that lie beside a saved model, or None."""
    path = Path(folder) / CALIBRATION_FILE
    if not path.is_file():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(tuple(stored["layer_weights"]), stored["n_inputs"])


def _write_whole(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.close()
            Path(part.name).replace(path)
        except BaseException:
            part.close()
            Path(part.name).unlink(missing_ok=True)
            raise
