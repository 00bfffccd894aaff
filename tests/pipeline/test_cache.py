"""What was found before is found again, and nothing wrong in its place."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import calig_nb as cn
from calig_nb import Explainer
from calig_nb.pipeline import cache
from calig_nb.pipeline.batch import explain_batch
from calig_nb.pipeline.cache import (
    MARKER,
    OWN_FOLDER,
    Cache,
    Calibration,
    code_digest,
    load_calibration,
    save_calibration,
)

from ..helpers.zoo import SENTENCE, tiny_model

KEYS = {letter: letter * 64 for letter in "abcdef01"}
"""Names as questions have them: 64 hexadecimal digits."""


def test_layer_weights_lie_beside_the_model(tmp_path):
    assert load_calibration(tmp_path) is None
    save_calibration(Calibration((1.0, 0.25), 12), tmp_path)
    assert load_calibration(tmp_path) == Calibration((1.0, 0.25), 12)


# --- the cache of an explainer ----------------------------------------------------------------


@pytest.fixture
def cached(tokenizer, tmp_path):
    return Explainer(tiny_model("bert"), tokenizer, cache=tmp_path / "cache")


@pytest.fixture
def counting():
    """Returns a list that grows with every pass through a model, without touching the model."""
    handles = []

    def start():
        runs = []

        def enter(module, _):
            if type(module).__name__ == "BertForSequenceClassification":
                runs.append(1)

        hook = torch.nn.modules.module.register_module_forward_pre_hook(enter)
        handles.append(hook)
        return runs

    yield start
    for handle in handles:
        handle.remove()


def test_a_question_asked_before_runs_one_pass_a_time(cached, tokenizer, counting):
    asked = {"contrast": 0, "target": 1, "baselines": "mask"}
    first = cached.explain(SENTENCE, **asked)
    runs = counting()
    again = cached.explain(SENTENCE, **asked)
    other_session = Explainer(tiny_model("bert"), tokenizer, cache=cached.cache.folder)
    later = other_session.explain(SENTENCE, **asked)
    assert len(runs) == 2, "one each: the model must say the same again"
    for found in (again, later):
        np.testing.assert_array_equal(found.layer_attributions, first.layer_attributions)
        np.testing.assert_array_equal(found.attributions, first.attributions)
        assert found.config == first.config
    assert again.ask(0, None).target == 0, "and the model can still be asked"
    assert len(runs) > 0


def test_lam_and_layer_weights_are_not_part_of_the_question(cached, counting):
    cached.explain(SENTENCE)
    cached.calibrate([SENTENCE, "A bad film.", "Good.", "Bad.", "Thin."])
    runs = counting()
    got = cached.explain(SENTENCE, lam=0.2)
    assert len(runs) == 4, "itself, and three of the texts of the calibration"
    assert got.fusion.lam == 0.2
    np.testing.assert_array_equal(got.layer_weights, cached.layer_weights)


@pytest.mark.parametrize(
    "change",
    [
        {"target": 2}, {"contrast": 0}, {"output": "margin"}, {"baselines": "mask"}, {"n_steps": 5},
        {"baselines": torch.full((13,), 7)}, {"tolerance": 1e-3}, {"method": "conductance"},
    ],
    ids=str,
)  # fmt: skip
def test_every_other_option_is(cached, change, counting):
    cached.explain(SENTENCE, target=1)
    runs = counting()
    cached.explain(SENTENCE, **{"target": 1, **change})
    assert len(runs) > 1
    assert len(cached.cache) == 2


def test_changed_weights_are_another_model(cached, counting):
    cached.explain(SENTENCE)
    runs = counting()
    with torch.no_grad():
        cached.engine.model.model.classifier.bias[0] += 1
    cached.explain(SENTENCE)
    assert len(runs) > 1


def test_an_interrupted_list_keeps_what_was_finished(cached, monkeypatch, counting):
    texts = ["Good.", "Bad.", "Not good."]

    def interrupted(model, reader, texts, *rest):
        if texts[0].text == "Not good.":
            raise KeyboardInterrupt
        return explain_batch(model, reader, texts, *rest)

    monkeypatch.setattr("calig_nb.pipeline.engine.explain_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached.explain(texts)
    monkeypatch.undo()
    runs = counting()
    cached.explain(texts[:2])
    assert len(runs) == 2


def test_it_shows_its_size_clears_and_moves(cached, tmp_path, counting):
    cached.explain(SENTENCE)
    cached.explain("Good.")
    assert len(cached.cache) == 2
    assert f"2 entries, {cached.cache.size / 1e6:.1f} of 2147 MB" in repr(cached.cache)
    cached.cache.move(tmp_path / "elsewhere")
    runs = counting()
    cached.explain(SENTENCE)
    assert len(runs) == 1
    assert [p.name for p in (tmp_path / "cache" / OWN_FOLDER).iterdir()] == [MARKER]
    cached.cache.clear()
    assert (len(cached.cache), cached.cache.size) == (0, 0)


def test_the_least_recently_used_entries_go_first(explanation, tmp_path):
    cache = Cache(tmp_path)
    for number, key in enumerate("abc"):
        cache.put(KEYS[key], explanation)
        os.utime(cache.own_folder / f"{KEYS[key]}.explanation", (number, number))
    assert cache.get(KEYS["a"]) is not None, "now the most recently used"
    cache.max_bytes = 3 * cache.size // 3
    cache.put(KEYS["d"], explanation)
    assert [key for key in "abcd" if cache.get(KEYS[key])] == ["a", "c", "d"]
    cache.max_bytes = 10
    cache.put(KEYS["e"], explanation)
    assert cache.get(KEYS["e"]) is None, "what is larger than the limit is not kept"


def test_what_a_killed_process_left_is_removed_after_an_hour(explanation, tmp_path):
    cache = Cache(tmp_path)
    cache.put(KEYS["a"], explanation)
    old, new = f"{'0' * 32}.part", f"{'1' * 32}.part"
    for name, age in ((old, 3700), (new, 10), ("download.part", 3700)):
        (cache.own_folder / name).touch()
        os.utime(cache.own_folder / name, (time.time() - age,) * 2)
    cache.put(KEYS["b"], explanation)
    found = {p.name for p in cache.own_folder.iterdir()}
    entries = {f"{KEYS[key]}.explanation" for key in "ab"}
    assert found == {MARKER, new, "download.part", *entries}


FOREIGN = (
    "yolov3.weights", "war.trial", "x.explanation", "y.heads", "film.mkv.part", "notes.txt",
    f"{'b' * 63}.trial", f"{'c' * 64}-1.heads.bak",
)  # fmt: skip
BESIDE = (f"{'a' * 64}.weights", f"{'0' * 32}.part", *FOREIGN)
"""Beside our own folder even whole names are not ours."""


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "within"])
def test_files_of_others_are_never_touched(explanation, tmp_path, inside):
    cache = Cache(tmp_path / "mine")
    cache.put(KEYS["a"], explanation)
    place, foreign = (cache.own_folder, FOREIGN) if inside else (cache.folder, BESIDE)
    for name in foreign:
        (place / name).write_text(name)
        os.utime(place / name, (1, 1))
    (place / f"{'d' * 64}.weights").symlink_to(place / foreign[0])
    (place / f"{'e' * 64}.trial").mkdir()
    cache.max_bytes = cache.size + 2000
    for key in "bcd":
        cache.put(KEYS[key], explanation)
        cache.put_trial(KEYS[key], {"a": 1.0})
    assert len(cache) > 0
    cache.move(tmp_path / "elsewhere")
    assert cache.get_trial(KEYS["d"]) == {"a": 1.0}
    cache.clear()
    assert len(cache) == 0
    assert {name: (place / name).read_text() for name in foreign} == {n: n for n in foreign}
    assert (place / f"{'d' * 64}.weights").is_symlink()
    assert (place / f"{'e' * 64}.trial").is_dir()


@pytest.mark.parametrize("call", ["put", "get", "clear", "move"])
def test_a_folder_of_our_name_without_our_marker_is_anothers(explanation, tmp_path, call):
    theirs = tmp_path / OWN_FOLDER / f"{KEYS['a']}.explanation"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    cache = Cache(tmp_path)
    if call == "put":
        with pytest.warns(UserWarning, match="holds files, but none named 'made by calig_nb'"):
            cache.put(KEYS["b"], explanation)
    elif call == "get":
        assert cache.get(KEYS["a"]) is None
    elif call == "clear":
        cache.clear()
    else:
        cache.move(tmp_path / "elsewhere")
    assert theirs.read_text() == "theirs"
    assert [path.name for path in theirs.parent.iterdir()] == [theirs.name]


def test_a_cache_moved_to_its_own_place_stays(explanation, tmp_path):
    cache = Cache(tmp_path)
    cache.put(KEYS["a"], explanation)
    cache.move(tmp_path)
    assert cache.get(KEYS["a"]) is not None


def test_a_flipped_bit_is_noticed(cached):
    first = cached.explain(SENTENCE)
    (entry,) = cached.cache.own_folder.glob("*.explanation")
    content = bytearray(entry.read_bytes())
    content[-100] ^= 1
    entry.write_bytes(content)
    with pytest.warns(UserWarning, match="computed anew: its checksum is wrong"):
        again = cached.explain(SENTENCE)
    np.testing.assert_array_equal(again.layer_attributions, first.layer_attributions)
    cached.explain(SENTENCE)


@pytest.mark.parametrize("trouble", ["full", "read-only", "unreadable"])
def test_trouble_with_the_disk_warns_once_and_goes_on(cached, monkeypatch, trouble):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    patched = {
        "full": "calig_nb.pipeline.cache.write_whole",
        "read-only": "pathlib.Path.mkdir",
        "unreadable": "pathlib.Path.read_bytes",
    }
    cached.explain("There is an entry.")
    monkeypatch.setattr(patched[trouble], fail)
    with pytest.warns(UserWarning, match="No space left.*computed without it") as caught:
        first, second = cached.explain(["Good.", "Good."])
    assert len(caught) == 1
    np.testing.assert_allclose(first.attributions, second.attributions, rtol=1e-12)


WRITER = """
import sys, numpy as np
from calig_nb import load
from calig_nb.pipeline.cache import Cache
cache, explanation = Cache(sys.argv[1]), load(sys.argv[2])
print("ready", flush=True)
while True:
    for key in "abcdef01":
        cache.put(64 * key, explanation)
"""


@pytest.mark.full
def test_killed_writers_leave_no_wrong_entry(explanation, tmp_path):
    explanation.save(tmp_path / "one.safetensors")
    folder = tmp_path / "cache"
    for _ in range(4):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(folder), str(tmp_path / "one.safetensors")],
                stdout=subprocess.PIPE,
            )
            for _ in range(3)
        ]
        for writer in writers:
            writer.stdout.readline()
        time.sleep(0.15)
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    cache = Cache(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [entry for key in KEYS.values() if (entry := cache.get(key))]
    assert found
    for entry in found:
        np.testing.assert_array_equal(entry.attributions, explanation.attributions)


def test_the_default_folder_can_be_named_or_switched_off(monkeypatch, tokenizer, tmp_path):
    monkeypatch.setenv("CALIG_NB_CACHE", str(tmp_path))
    assert Explainer(tiny_model("bert"), tokenizer).cache.folder == tmp_path
    monkeypatch.setenv("CALIG_NB_CACHE", "off")
    assert Explainer(tiny_model("bert"), tokenizer).cache is None
    monkeypatch.delenv("CALIG_NB_CACHE")
    assert Explainer(tiny_model("bert"), tokenizer).cache.folder.name == "calig_nb"
    assert Explainer(tiny_model("bert"), tokenizer, cache=False).cache is None


@pytest.mark.bad_input
def test_a_negative_limit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="max_bytes must be at least 0, got -1"):
        Cache(tmp_path, max_bytes=-1)


def test_hooks_and_replaced_forwards_are_never_answered_from_the_cache(cached):
    plain = cached.explain(SENTENCE, target=1)
    head = cached.engine.model.model.classifier
    hook = head.register_forward_hook(lambda module, args, output: 2 * output)
    assert cached.explain(SENTENCE, target=1).score == pytest.approx(2 * plain.score)
    hook.remove()
    forward = head.forward
    head.forward = lambda x: 3 * forward(x)
    assert cached.explain(SENTENCE, target=1).score == pytest.approx(3 * plain.score)
    del head.forward
    assert cached.explain(SENTENCE, target=1).score == plain.score
    assert len(cached.cache) == 1


def test_an_edited_class_is_another_model(cached, monkeypatch):
    plain = cached.explain(SENTENCE, target=1)

    class Edited(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1

    cached.engine.model.model.classifier.__class__ = Edited
    assert cached.explain(SENTENCE, target=1).score == pytest.approx(plain.score + 1)
    before = len(cached.cache)
    monkeypatch.setattr(Edited, "forward", lambda self, x: torch.nn.Linear.forward(self, x) + 2)
    assert cached.explain(SENTENCE, target=1).score == pytest.approx(plain.score + 2)
    assert len(cached.cache) == before + 1


def test_the_key_covers_the_code_of_the_whole_package(tmp_path, monkeypatch):
    package = Path(cn.__file__).parent
    before = cache.key_of("model", {}, {})
    monkeypatch.setattr(cache, "code_digest", {package: "changed"}.__getitem__)
    assert cache.key_of("model", {}, {}) != before
    copy = tmp_path / "calig_nb"
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    digests = {code_digest(copy)}
    files = sorted(copy.rglob("*.py"))
    for file in files:  # wherever it lies
        file.write_text(file.read_text() + "\n")
        code_digest.cache_clear()
        digests.add(code_digest(copy))
    assert len(digests) == len(files) + 1


@pytest.mark.bad_input
def test_an_entry_that_is_another_questions_is_not_believed(explanation, tmp_path):
    cache = Cache(tmp_path)
    cache.put("a" * 64, explanation)
    cache.put("b" * 64, explanation.with_lam(0.25))
    one, other = (cache.own_folder / f"{name * 64}.explanation" for name in "ab")
    other.write_bytes(one.read_bytes())
    with pytest.warns(UserWarning, match="computed anew: its checksum is wrong"):
        assert cache.get("b" * 64) is None
    assert cache.get("a" * 64).lam == 0.5


@pytest.mark.bad_input
@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b'{"a": "x"}', b"\xff"])
def test_a_trial_that_is_none_is_computed_anew(content, tmp_path):
    cache = Cache(tmp_path)
    cache.put_trial("a" * 64, {"sign_test": float("nan"), "passes": 1.5})
    assert cache.get_trial("a" * 64)["passes"] == 1.5
    (file,) = cache.own_folder.glob("*.trial")
    head, good = file.read_bytes()[:32], file.read_bytes()[32:]
    assert head == hashlib.sha256(file.name.encode() + good).digest(), "and so is the head below"
    content = good.partition(b"\n")[0] + b"\n" + content
    file.write_bytes(hashlib.sha256(file.name.encode() + content).digest() + content)
    with pytest.warns(UserWarning, match="computed anew"):
        assert cache.get_trial("a" * 64) is None
