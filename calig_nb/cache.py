"""The only file that knows the disk: explanations and layer weights, written whole, no pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .fusion import Fusion
from .results import Explanation

FORMAT = "calig_nb explanation 1"
CALIBRATION_FILE = "calig_nb.json"
_NOT_STORED = ("ask",)
_SUFFIX = ".explanation"
_PART = ".part"
_DIGEST = hashlib.sha256().digest_size


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
    _write_whole(Path(path), _to_bytes(explanation))


def load(path: str | Path) -> Explanation:
    """Open a saved explanation. It needs neither torch nor the model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged or is not an explanation.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no saved explanation at {path}.")
    try:
        return _from_bytes(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a readable explanation: {error}.") from error


class Cache:
    """Explanations that were computed before, found by what was asked of which weights.

    Entries appear whole, are checked when read, and the least recently used go first when there
    are too many. Several processes may share a folder. Trouble with the disk costs a
    recomputation and one warning, never a result.

    Args:
        folder: Where; by default the platform's own folder for caches, or what the environment
            variable ``CALIG_NB_CACHE`` names ("off" switches the default off).
        max_bytes: Limit of all entries together.
    """

    def __init__(self, folder: str | Path | None = None, max_bytes: int = 2 << 30) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, got {max_bytes}.")
        self.folder = Path(folder) if folder is not None else _default_folder()
        self.max_bytes = max_bytes
        self._warned = False

    def __len__(self) -> int:
        return len(self._entries())

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return sum(size for _, size, _ in self._entries())

    def __repr__(self) -> str:
        megabytes, most = self.size / 1e6, self.max_bytes / 1e6
        return f"Cache({len(self)} entries, {megabytes:.1f} of {most:.0f} MB, {self.folder})"

    def get(self, key: str) -> Explanation | None:
        """The entry, or None where there is none or it is damaged; the latter warns and goes."""
        path = self.folder / f"{key}{_SUFFIX}"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"cannot be read ({error})")
            return None
        digest, content = content[:_DIGEST], content[_DIGEST:]
        try:
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its checksum is wrong")
            found = _from_bytes(content)
        except ValueError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            warnings.warn(f"A cached explanation is computed anew: {error}.", stacklevel=4)
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation, and drop the oldest entries that no longer fit."""
        content = _to_bytes(explanation)
        if len(content) > self.max_bytes:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            whole = hashlib.sha256(content).digest() + content
            _write_whole(self.folder / f"{key}{_SUFFIX}", whole)
            self._evict()
        except OSError as error:
            self._warn(f"cannot be written ({error})")

    def clear(self) -> None:
        """Remove every entry."""
        for path, _, _ in self._entries():
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def move(self, folder: str | Path) -> None:
        """Keep the entries in another folder from now on; those there are go along."""
        new = Path(folder)
        new.mkdir(parents=True, exist_ok=True)
        for path, _, _ in self._entries():
            shutil.move(path, new / path.name)
        self.folder = new

    def _entries(self) -> list[tuple[Path, int, float]]:
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError):  # another process may have removed it
                stat = path.stat()
                found.append((path, stat.st_size, stat.st_mtime))
        return found

    def _evict(self) -> None:
        for part in self.folder.glob(f"*{_PART}"):  # what a killed process left behind
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > 3600:
                    part.unlink(missing_ok=True)
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in entries)
        for path, size, _ in entries:
            if total <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The cache in {self.folder} {what}; explanations are computed without it. "
                "Free some space, or move it: explainer.cache.move(folder).",
                stacklevel=5,
            )


def key_of(model: str, inputs: Mapping[str, npt.NDArray[Any]], request: Mapping[str, Any]) -> str:
    """The name of a question: which weights, which input, which options; 64 hexadecimal digits."""
    asked = json.dumps([_code(), model, request], sort_keys=True)
    digest = hashlib.sha256(asked.encode())
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache
def _code() -> str:
    """A name for this package's code, so that a change of it is a change of the answer."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def opened(setting: bool | str | Path) -> Cache | None:
    """The cache that a setting asks for: the default one, one in a folder, or none."""
    if setting is False or (setting is True and os.environ.get("CALIG_NB_CACHE") == "off"):
        return None
    return Cache(None if setting is True else setting)


def _default_folder() -> Path:
    from platformdirs import user_cache_dir

    return Path(os.environ.get("CALIG_NB_CACHE") or user_cache_dir("calig_nb", False))


def _to_bytes(explanation: Explanation) -> bytes:
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
    written: bytes = to_bytes(arrays, {"format": FORMAT, "explanation": json.dumps(plain)})
    return written


def _from_bytes(content: bytes) -> Explanation:
    from safetensors import SafetensorError
    from safetensors.numpy import load as arrays_of

    try:
        fields = dict(arrays_of(content))
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        if metadata.get("format") != FORMAT:
            got = metadata.get("format", "no such mark")
            raise ValueError(f"it is marked {got!r}, not {FORMAT!r}")
        fields |= json.loads(metadata["explanation"])
        fields["fusion"] = Fusion(**fields["fusion"])
        fields["tokens"], fields["labels"] = tuple(fields["tokens"]), tuple(fields["labels"])
        return Explanation(**fields)
    except (SafetensorError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(str(error)) from error


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
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PART, delete=False) as part:
        try:
            part.write(content)
            part.close()
            Path(part.name).replace(path)
        except BaseException:
            part.close()
            Path(part.name).unlink(missing_ok=True)
            raise
