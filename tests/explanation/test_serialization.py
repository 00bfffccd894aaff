"""A saved explanation is the same explanation; a damaged file is refused."""

import dataclasses
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import calig_nb as cn


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
