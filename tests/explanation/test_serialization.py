"""A saved explanation is the same explanation; a damaged file is refused."""

import csv
import dataclasses
import json
import os
import stat
import threading

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import calig_nb as cn
from calig_nb.explanation.serialization import write_whole


def test_what_is_saved_is_what_is_loaded(explanation, tmp_path):
    path = tmp_path / "one.safetensors"
    explanation.save(path)
    again = cn.load(path)
    for entry in dataclasses.fields(explanation):
        before, after = getattr(explanation, entry.name), getattr(again, entry.name)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)
        elif entry.name != "source":
            assert before == after
    np.testing.assert_array_equal(again.attributions, explanation.attributions)
    assert again.source is None, "a saved explanation has no model to ask"
    with pytest.raises(ValueError, match="another class needs the model, which a saved"):
        again.ask(0)
    assert [p.name for p in tmp_path.iterdir()] == ["one.safetensors"]


def test_saving_again_replaces_the_file(explanation, tmp_path):
    path = str(tmp_path / "one.safetensors")
    explanation.save(path)
    explanation.with_lam(0.25).save(path)
    assert cn.load(path).fusion.lam == 0.25


def test_a_failed_write_leaves_the_old_file_and_no_rest(explanation, tmp_path, monkeypatch):
    path = tmp_path / "one.safetensors"
    explanation.save(path)
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        explanation.with_lam(0.25).save(path)
    assert cn.load(path).fusion.lam == 0.5
    assert [p.name for p in tmp_path.iterdir()] == ["one.safetensors"]


SAVERS = {
    "safetensors": lambda explanation, path: explanation.save(path),
    "png": lambda explanation, path: explanation.save(path),
    "csv": lambda explanation, path: explanation.save(path),
    "html": lambda explanation, path: explanation.to_html(path),
    "calibration": lambda _, path: write_whole(path, b"weights"),
}


@pytest.mark.parametrize("kind", SAVERS)
def test_modes_and_links_are_as_any_program_leaves_them(explanation, tmp_path, kind):
    save, before = SAVERS[kind], os.umask(0o027)
    try:
        new = tmp_path / f"new.{kind}"
        save(explanation, new)
        assert stat.S_IMODE(new.stat().st_mode) == 0o640
        old = tmp_path / f"old.{kind}"
        old.write_text("old")
        old.chmod(0o664)
        link = tmp_path / f"link.{kind}"
        link.symlink_to(old.name)
        save(explanation, link)
        assert link.is_symlink()
        assert old.stat().st_size > 3
        assert stat.S_IMODE(old.stat().st_mode) == 0o664
        dangling = tmp_path / f"dangling.{kind}"
        dangling.symlink_to(f"target.{kind}")
        save(explanation, dangling)
        assert dangling.is_symlink()
        assert (tmp_path / f"target.{kind}").stat().st_size > 3
    finally:
        os.umask(before)
    assert not list(tmp_path.glob("*.part"))


def test_a_pipe_is_written_to(explanation, tmp_path):
    pipe, read = tmp_path / "pipe.csv", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    explanation.save(pipe)
    reader.join()
    assert read[0].startswith(b"token,special,")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.bad_input
def test_a_write_protected_file_is_left_alone(explanation, tmp_path, monkeypatch):
    path = tmp_path / "one.csv"
    path.write_text("old")
    # Whoever runs as root may write everywhere.
    monkeypatch.setattr("os.access", lambda file, mode: mode != os.W_OK)
    with pytest.raises(PermissionError, match=r"one.csv is write-protected"):
        explanation.save(path)
    assert path.read_text() == "old"


BEGINNINGS = {
    ".pdf": b"%PDF-", ".svg": b"<?xml", ".png": b"\x89PNG", ".PNG": b"\x89PNG",
    ".html": b"<!DOCTYPE html>", ".csv": b"token,special,attributions",
}  # fmt: skip


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_what_is_written_its_ending_says(explanation, tmp_path, ending):
    path = tmp_path / f"why{ending}"
    explanation.save(path)
    assert path.read_bytes()[:40].lower().startswith(BEGINNINGS[ending].lower())
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_the_table_of_a_file_is_that_of_the_tokens(explanation, tmp_path):
    explanation.save(tmp_path / "why.csv")
    with (tmp_path / "why.csv").open(newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["token"] for row in rows] == [unit.text for unit in explanation.units("token")]
    got = [float(row["attributions"]) for row in rows]
    np.testing.assert_allclose(got, explanation.attributions, rtol=1e-12)


@pytest.mark.bad_input
@pytest.mark.parametrize("name", ["why", "why.pkl", "why.pt", "why.json", "why.safetensors.bak"])
def test_other_endings_are_refused(explanation, tmp_path, name):
    endings = r"\('.safetensors', '.pdf', '.svg', '.png', '.html', '.csv'\)"
    with pytest.raises(ValueError, match=rf"path must end in one of {endings}, got '.*{name}'"):
        explanation.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.bad_input
@pytest.mark.parametrize("path", [None, 3, b"why.csv"])
def test_what_is_no_path_is_refused(explanation, path):
    with pytest.raises(TypeError, match="path must be a path or its text, got"):
        explanation.save(path)


@pytest.mark.bad_input
def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no saved explanation at .*none.safetensors"):
        cn.load(tmp_path / "none.safetensors")


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def foreign(path):
    save_file({"x": np.zeros(3)}, path)


def other_shape(path):
    arrays = load_file(path)
    arrays["layer_weights"] = np.zeros(9)
    metadata = json.loads(path.read_bytes()[8:].split(b'"},"')[0].decode() + '"}}')["__metadata__"]
    save_file(arrays, path, metadata)


def pickled(path):
    path.write_bytes(b"\x80\x04\x95cos\nsystem\n(S'exit 1'\ntR.")


@pytest.mark.bad_input
@pytest.mark.parametrize("damage", [cut, foreign, other_shape, pickled])
def test_a_damaged_or_foreign_file_is_refused(explanation, tmp_path, damage):
    path = tmp_path / "one.safetensors"
    explanation.save(path)
    damage(path)
    with pytest.raises(ValueError, match=r"one.safetensors is not a readable explanation: "):
        cn.load(path)
