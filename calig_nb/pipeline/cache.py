"""What was found before, on disk: written whole, checked when read, no pickle."""

from __future__ import annotations

import base64
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

from .._validation import file_path, list_of, real_between, shown, warn_user, whole_number
from .._version import PACKAGE
from ..explanation.explanation import Explanation
from ..explanation.long_text import LongText
from ..explanation.serialization import (
    PART,
    from_bytes,
    heads_from_bytes,
    heads_to_bytes,
    plain_values,
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


Says = Callable[[], npt.NDArray[Any]]
"""What a model says now, as logits (rows, C)."""

ROUNDING = 64
"""Logits are the same up to so many units of rounding of the largest."""


class Witness(NamedTuple):
    """What a model said of an input, and of its baseline, when something was kept.

    Attributes:
        rows: What it was called with, by name.
        said: (rows, C) its logits.
    """

    rows: dict[str, npt.NDArray[Any]]
    said: npt.NDArray[Any]


class Calibration(NamedTuple):
    """A model's layer weights, and where they come from.

    Attributes:
        layer_weights: (L,) the weights.
        n_inputs: How many texts they were estimated from.
        when: The day and the minute; empty where it is not known.
        witnesses: A few of the texts, by which the model is known again.
    """

    layer_weights: tuple[float, ...]
    n_inputs: int
    when: str = ""
    witnesses: tuple[Witness, ...] = ()

    def describe(self, noun: str) -> str:
        """As in: 8 texts, 2026-03-01 12:30."""
        counted = f"{self.n_inputs} {noun}{'' if self.n_inputs == 1 else 's'}"
        return f"{counted}, {self.when}" if self.when else counted


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
        self.folder = _default_folder() if folder is None else file_path("folder", folder)
        self.max_bytes = whole_number("max_bytes", max_bytes, 0)
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

    def get(self, key: str, says: Says | None = None) -> Explanation | None:
        """The entry; None where there is none, it is damaged, or the model now says another thing.

        Args:
            key: Its name.
            says: Asked where there is an entry: what it was kept with must be said again.
        """
        return self._get(key + _EXPLANATION, from_bytes, says)

    def put(self, key: str, explanation: Explanation, says: Says | None = None) -> None:
        """Keep an explanation, and drop the oldest entries that no longer fit.

        What is over 64 MiB and an eighth of the limit would push out too much, and is not kept.
        """
        kept = explanation.condensed if isinstance(explanation, LongText) else explanation
        if kept.attention_relevance.nbytes <= max(self.max_bytes // 8, 64 << 20):
            self._put(key + _EXPLANATION, to_bytes(explanation), says)

    def drop(self, key: str) -> None:
        """Keep an explanation no longer."""
        self._drop(key + _EXPLANATION)

    def get_heads(
        self, key: str, layer: int, says: Says | None = None
    ) -> npt.NDArray[np.float32] | None:
        """(H, T, T) of one layer, or None, as :meth:`get`."""
        return self._get(f"{key}-{layer}{_HEADS}", heads_from_bytes, says)

    def put_heads(
        self, key: str, layer: int, heads: npt.NDArray[np.float32], says: Says | None = None
    ) -> None:
        """Keep one layer's heads in half precision, to 0.05 % of each head's peak."""
        self._put(f"{key}-{layer}{_HEADS}", heads_to_bytes(heads), says)

    def get_calibration(self, model: str) -> Calibration | None:
        """The layer weights of a model of this name, or None."""
        return self._get(model + _WEIGHTS, _calibration_from_bytes)

    def put_calibration(self, model: str, calibration: Calibration) -> None:
        """Keep a model's layer weights."""
        self._put(model + _WEIGHTS, _calibration_to_bytes(calibration))

    def drop_calibration(self, model: str) -> None:
        """Forget a model's layer weights."""
        self._drop(model + _WEIGHTS)

    def _drop(self, name: str) -> None:
        if self._is_own():
            with suppress(OSError):
                (self.own_folder / name).unlink(missing_ok=True)

    def get_trial(self, key: str, says: Says | None = None) -> dict[str, Any] | None:
        """What one method scored on one text, as plain values, or None, as :meth:`get`."""
        return self._get(key + _TRIAL, _trial_from_bytes, says)

    def put_trial(self, key: str, trial: Mapping[str, Any], says: Says | None = None) -> None:
        """Keep what one method scored on one text."""
        self._put(key + _TRIAL, json.dumps(trial).encode(), says)

    def _get(self, name: str, read: Callable[[bytes], T], says: Says | None = None) -> T | None:
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
            if _digest(name, content) != digest:
                raise ValueError("its checksum is wrong")
            said, content = _without_witness(content)
            found = read(content)
        except (TypeError, ValueError) as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            warn_user(f"A cached explanation is computed anew: {str(error).rstrip('.')}.")
            return None
        if says is not None and not agree(said, says()):
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def _put(self, name: str, content: bytes, says: Says | None = None) -> None:
        content = _with_witness(None if says is None else says(), content)
        if len(content) > self.max_bytes:
            return
        try:
            self._claim()
            write_whole(self.own_folder / name, _digest(name, content) + content)
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
        self._kept: dict[str, tuple[Explanation, npt.NDArray[Any] | None]] = {}

    def get(self, key: str, says: Says | None = None) -> Explanation | None:
        """The entry, or None, as :meth:`Cache.get`."""
        found, said = self._kept.get(key, (None, None))
        stands = says is None or (said is not None and agree(said, says()))
        return found if stands else None

    def put(self, key: str, explanation: Explanation, says: Says | None = None) -> None:
        """Keep an explanation."""
        self._kept[key] = explanation, None if says is None else says()

    def drop(self, key: str) -> None:
        """Keep an explanation no longer."""
        self._kept.pop(key, None)


def key_of(model: str, inputs: Mapping[str, npt.NDArray[Any]], request: Mapping[str, Any]) -> str:
    """The name of a question: which weights, which input, which options; 64 hexadecimal digits."""
    question = json.dumps([code_digest(PACKAGE), model, request], sort_keys=True, default=repr)
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


def open_cache(setting: Cache | bool | str | Path | None) -> Cache | None:
    """The cache that a setting asks for: the default one, one in a folder, or none.

    Raises:
        TypeError, ValueError: If it is neither.
    """
    if isinstance(setting, Cache):
        return setting
    if not isinstance(setting, (bool, str, os.PathLike, type(None))):
        raise TypeError(f"cache must be True, False, a folder or a Cache, got {shown(setting)}.")
    switched_off = setting is True and os.environ.get("CALIG_NB_CACHE") == "off"
    if setting is None or setting is False or switched_off:
        return None
    return Cache(None if setting is True else file_path("cache", setting))


def _default_folder() -> Path:
    from platformdirs import user_cache_dir

    return Path(os.environ.get("CALIG_NB_CACHE") or user_cache_dir("calig_nb", False))


def save_calibration(calibration: Calibration, folder: str | Path) -> None:
    """Write layer weights beside a saved model, where ``Explainer.from_pretrained`` finds them."""
    write_whole(Path(folder) / CALIBRATION_FILE, _calibration_to_bytes(calibration))


def load_calibration(folder: str | Path) -> Calibration | None:
    """The layer weights that lie beside a saved model, or None.

    Raises:
        ValueError: If the file there holds none.
    """
    path = Path(folder) / CALIBRATION_FILE
    if not path.is_file():
        return None
    try:
        return _calibration_from_bytes(path.read_bytes())
    except (TypeError, ValueError) as error:
        why = str(error).rstrip(".")
        raise ValueError(f"{path} must hold layer weights, but {why}: delete it.") from error


def agree(kept: npt.NDArray[Any], now: npt.NDArray[Any]) -> bool:
    """Whether two passes said the same, up to the rounding of the coarser precision."""
    kinds = {kept.dtype.kind, now.dtype.kind}
    if kept.shape != now.shape or not kept.size or kinds != {"f"}:
        return False
    unit = max(np.finfo(kept.dtype).eps, np.finfo(now.dtype).eps)
    allowed = ROUNDING * unit * np.abs(kept).max(initial=0)
    return bool((np.abs(now - kept) <= allowed).all())  # never of what is not a number


def _with_witness(said: npt.NDArray[Any] | None, content: bytes) -> bytes:
    said = np.empty((0, 0)) if said is None else said
    return json.dumps(_packed(said)).encode() + b"\n" + content


def _without_witness(content: bytes) -> tuple[npt.NDArray[Any], bytes]:
    head, _, content = content.partition(b"\n")
    return _unpacked(json.loads(head)), content


def _packed(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array as plain values, to the last bit."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"kind": array.dtype.str, "shape": array.shape, "data": data}


def _unpacked(stored: Any) -> npt.NDArray[Any]:
    try:
        flat = np.frombuffer(base64.b64decode(stored["data"]), np.dtype(stored["kind"]))
        return np.asarray(flat.reshape(stored["shape"]))
    except (TypeError, KeyError) as error:
        raise ValueError(f"it holds no array where one belongs ({error})") from error


def _calibration_to_bytes(calibration: Calibration) -> bytes:
    stored: dict[str, Any] = {
        "layer_weights": calibration.layer_weights,
        "n_inputs": calibration.n_inputs,
    }
    if calibration.when:
        stored["when"] = calibration.when
    if calibration.witnesses:
        stored["witnesses"] = [
            [{name: _packed(v) for name, v in one.rows.items()}, _packed(one.said)]
            for one in calibration.witnesses
        ]
    return (json.dumps(stored) + "\n").encode()


def _calibration_from_bytes(content: bytes) -> Calibration:
    stored = plain_values(content)
    weights = [
        real_between("layer_weights", one, 0, 1)
        for one in list_of("layer_weights", stored.get("layer_weights"), "numbers")
    ]
    witnesses = (
        Witness({name: _unpacked(v) for name, v in rows.items()}, _unpacked(said))
        for rows, said in stored.get("witnesses", ())
    )
    return Calibration(
        tuple(weights),
        whole_number("n_inputs", stored.get("n_inputs"), 1),
        str(stored.get("when", "")),
        tuple(witnesses),
    )


def _trial_from_bytes(content: bytes) -> dict[str, Any]:
    scores = plain_values(content)
    if not _are_scores(scores):
        raise ValueError("its scores must be numbers, by name")
    return scores


def _are_scores(value: Any) -> bool:
    """Whether it is a number, or names some, or groups of them."""
    return isinstance(value, (int, float)) or (
        isinstance(value, dict) and all(map(_are_scores, value.values()))
    )


def _digest(name: str, content: bytes) -> bytes:
    """What an entry begins with; it says of which question it is the answer."""
    return hashlib.sha256(name.encode() + content).digest()
