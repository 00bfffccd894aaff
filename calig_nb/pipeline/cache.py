"""What was found before, on disk: written whole, checked when read, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from .._validation import warn_user
from .._version import PACKAGE
from ..explanation.explanation import Explanation
from ..explanation.serialization import (
    PART,
    from_bytes,
    heads_from_bytes,
    heads_to_bytes,
    to_bytes,
    write_whole,
)

T = TypeVar("T")

CALIBRATION_FILE = "calig_nb.json"
OWN_FOLDER = "calig_nb_cache"
MARKER = "made by calig_nb"
"""A file of this name says that a folder is a cache of ours."""
_EXPLANATION, _HEADS, _WEIGHTS, _TRIAL = ".explanation", ".heads", ".weights", ".trial"
_ENTRY = re.compile(r"[0-9a-f]{64}(-[0-9]+)?\.(explanation|heads|weights|trial)")
_PART = re.compile(r"[0-9a-f]{32}" + re.escape(PART))
_DIGEST = hashlib.sha256().digest_size


class Calibration(NamedTuple):
    """A model's layer weights, and how many texts they were estimated from."""

    layer_weights: tuple[float, ...]
    n_inputs: int


class Cache:
    """Explanations that were computed before, found by what was asked of which weights.

    Entries appear whole, are checked when read, and the least recently used go first when there
    are too many. Several processes may share a folder. Trouble with the disk costs a
    recomputation and one warning, never a result.

    Entries lie in a folder of their own, ``calig_nb_cache``, in which a file says so. Nothing
    else is ever read, moved or removed, whatever its name ends in.

    Args:
        folder: Where that folder is made; by default in the platform's own folder for caches, or
            in what the environment variable ``CALIG_NB_CACHE`` names ("off" switches the default
            off).
        max_bytes: Limit of all entries together.
    """

    def __init__(self, folder: str | Path | None = None, max_bytes: int = 2 << 30) -> None:
        if max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, got {max_bytes}.")
        self.folder = Path(folder) if folder is not None else _default_folder()
        self.max_bytes = max_bytes
        self._warned = False

    @property
    def own_folder(self) -> Path:
        """Where the entries lie."""
        return self.folder / OWN_FOLDER

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
        return self._get(key + _EXPLANATION, from_bytes)

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation, and drop the oldest entries that no longer fit.

        What is over 64 MiB and an eighth of the limit would push out too much, and is not kept.
        """
        if explanation.drawn.attention_relevance.nbytes <= max(self.max_bytes // 8, 64 << 20):
            self._put(key + _EXPLANATION, to_bytes(explanation))

    def drop(self, key: str) -> None:
        """Keep an explanation no longer."""
        if self._is_own():
            with suppress(OSError):
                (self.own_folder / (key + _EXPLANATION)).unlink(missing_ok=True)

    def get_heads(self, key: str, layer: int) -> npt.NDArray[np.float32] | None:
        """(H, T, T) of one layer, or None."""
        return self._get(f"{key}-{layer}{_HEADS}", heads_from_bytes)

    def put_heads(self, key: str, layer: int, heads: npt.NDArray[np.float32]) -> None:
        """Keep one layer's heads in half precision, to 0.05 % of each head's peak."""
        self._put(f"{key}-{layer}{_HEADS}", heads_to_bytes(heads))

    def get_calibration(self, model: str) -> Calibration | None:
        """The layer weights of a model of this name, or None."""
        return self._get(model + _WEIGHTS, _calibration_from_bytes)

    def put_calibration(self, model: str, calibration: Calibration) -> None:
        """Keep a model's layer weights."""
        self._put(model + _WEIGHTS, _calibration_to_bytes(calibration))

    def get_trial(self, key: str) -> dict[str, Any] | None:
        """What one method scored on one text, as plain values, or None."""
        return self._get(key + _TRIAL, json.loads)

    def put_trial(self, key: str, trial: Mapping[str, Any]) -> None:
        """Keep what one method scored on one text."""
        self._put(key + _TRIAL, json.dumps(trial).encode())

    def _get(self, name: str, read: Callable[[bytes], T]) -> T | None:
        path = self.own_folder / name
        try:
            if not self._is_own():
                return None
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
            found = read(content)
        except ValueError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            warn_user(f"A cached explanation is computed anew: {error}.")
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def _put(self, name: str, content: bytes) -> None:
        if len(content) > self.max_bytes:
            return
        try:
            self._claim()
            write_whole(self.own_folder / name, hashlib.sha256(content).digest() + content)
            self._evict()
        except OSError as error:
            self._warn(f"cannot be written ({error})")

    def clear(self) -> None:
        """Remove every entry."""
        for path, _, _ in self._entries():
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def move(self, folder: str | Path) -> None:
        """Keep the entries in another folder from now on; those there are go along.

        Raises:
            OSError: If that folder cannot be made or written to; what was moved by then is there,
                and all else where it was.
        """
        new = Cache(folder, self.max_bytes)
        new._claim()
        if self._is_own() and new.own_folder.samefile(self.own_folder):
            return
        for path, _, _ in self._entries():
            with suppress(FileNotFoundError):  # another process may have removed it
                write_whole(new.own_folder / path.name, path.read_bytes())
                path.unlink(missing_ok=True)
        self.folder = new.folder

    def _is_own(self) -> bool:
        return (self.own_folder / MARKER).is_file()

    def _claim(self) -> None:
        """Make the folder of the entries, where it is not there.

        Raises:
            OSError: If it cannot be made, or is somebody else's.
        """
        self.own_folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in self.own_folder.iterdir()]
        if not names:
            (self.own_folder / MARKER).touch()
        elif MARKER not in names:
            raise FileExistsError(f"{self.own_folder} holds files, but none named {MARKER!r}")

    def _entries(self) -> list[tuple[Path, int, float]]:
        return self._files(_ENTRY)

    def _files(self, names: re.Pattern[str]) -> list[tuple[Path, int, float]]:
        """Files of ours with such names: path, bytes, and when each was last used."""
        found = []
        with suppress(OSError):
            paths = [*self.own_folder.iterdir()] if self._is_own() else []
            for path in paths:
                with suppress(OSError):  # another process may have removed it
                    status = path.lstat()
                    if names.fullmatch(path.name) and stat.S_ISREG(status.st_mode):
                        found.append((path, status.st_size, status.st_mtime))
        return found

    def _evict(self) -> None:
        for part, _, changed in self._files(_PART):  # what a killed process left behind
            if time.time() - changed > 3600:
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
            warn_user(
                f"The cache in {self.folder} {what}; explanations are computed without it. "
                "Free some space, or move it: explainer.cache.move(folder)."
            )


class Memory(Cache):
    """Explanations for the time of a session, where nothing is kept on disk."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._kept: dict[str, Explanation] = {}

    def get(self, key: str) -> Explanation | None:
        """The entry, or None."""
        return self._kept.get(key)

    def put(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation."""
        self._kept[key] = explanation

    def drop(self, key: str) -> None:
        """Keep an explanation no longer."""
        self._kept.pop(key, None)


def key_of(model: str, inputs: Mapping[str, npt.NDArray[Any]], request: Mapping[str, Any]) -> str:
    """The name of a question: which weights, which input, which options; 64 hexadecimal digits."""
    question = json.dumps([code_digest(PACKAGE), model, request], sort_keys=True)
    digest = hashlib.sha256(question.encode())
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@lru_cache
def code_digest(package: Path) -> str:
    """A name for the code below a folder, so that a change of it is a change of the answer."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def open_cache(setting: bool | str | Path) -> Cache | None:
    """The cache that a setting asks for: the default one, one in a folder, or none."""
    if setting is False or (setting is True and os.environ.get("CALIG_NB_CACHE") == "off"):
        return None
    return Cache(None if setting is True else setting)


def _default_folder() -> Path:
    from platformdirs import user_cache_dir

    return Path(os.environ.get("CALIG_NB_CACHE") or user_cache_dir("calig_nb", False))


def save_calibration(calibration: Calibration, folder: str | Path) -> None:
    """Write layer weights beside a saved model, where ``Explainer.from_pretrained`` finds them."""
    write_whole(Path(folder) / CALIBRATION_FILE, _calibration_to_bytes(calibration))


def load_calibration(folder: str | Path) -> Calibration | None:
    """The layer weights that lie beside a saved model, or None."""
    path = Path(folder) / CALIBRATION_FILE
    return _calibration_from_bytes(path.read_bytes()) if path.is_file() else None


def _calibration_to_bytes(calibration: Calibration) -> bytes:
    return (json.dumps(calibration._asdict()) + "\n").encode()


def _calibration_from_bytes(content: bytes) -> Calibration:
    stored = json.loads(content)
    return Calibration(tuple(stored["layer_weights"]), stored["n_inputs"])
