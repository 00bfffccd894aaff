"""What a person at a terminal gets: a picture in characters, files, and errors in words."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import calig_nb as cn
from calig_nb import cli, demo

from .helpers.hostile_texts import HOSTILE, LONG, hostile

STEERING = {c for c in "".join(HOSTILE) if not c.isprintable() and c != " "}
TEXT = "The plot is thin, but the acting is superb."


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_line_for_each_word_with_the_sign_by_side(capsys):
    assert cli.main(["explain", TEXT, "--target", "positive"]) == 0
    headline, *rows = lines(capsys)
    assert headline.startswith("positive: 98.3%; score 1.90, baseline -1.13")
    said = {row.split()[0]: row for row in rows}
    words = cn.load_demo("sentiment").explain(TEXT, target="positive").to_frame("word")
    assert len(rows) == (~words["special"]).sum()
    for word, value in zip(words["word"], words["attributions"]):
        if word in ("superb", "thin"):
            assert f"{value:+.3f}" in said[word]
    left, right = said["superb"].split("│")
    assert right == "█" * 12 and "█" not in left
    left, right = said["thin"].split("│")
    assert left.endswith("█") and not right


def test_the_same_numbers_as_json(capsys):
    asked = ["explain", TEXT, "--target", "1", "--contrast", "negative", "--json", "--top", "2"]
    assert cli.main(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    e = cn.load_demo("sentiment").explain(TEXT, target="positive", contrast="negative")
    assert (answer["target"], answer["contrast"]) == ("positive", "negative")
    assert answer["score"] == pytest.approx(e.score) and answer["converged"]
    assert [unit["text"] for unit in answer["units"]] == e.top(2)["word"].tolist()
    assert answer["units"][0]["attributions"] == pytest.approx(e.top(1)["attributions"][0])


def test_what_is_asked_reaches_the_engine(capsys):
    asked = ["explain", TEXT, "--output", "margin", "--method", "conductance", "--lam", "0.2"]
    assert cli.main([*asked, "--baselines", "mask", "--tolerance", "0.02", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    e = cn.load_demo("sentiment").explain(
        TEXT, output="margin", method="conductance", lam=0.2, baselines="mask", tolerance=0.02
    )
    assert answer["baseline_score"] == pytest.approx(e.baseline_score)
    words = e.to_frame("word")
    wanted = words.loc[~words["special"], "attributions"].tolist()
    assert [unit["attributions"] for unit in answer["units"]] == pytest.approx(wanted)


def test_files_are_written(capsys, tmp_path):
    files = {"figure": "why.svg", "save": "why.safetensors", "html": "why.html"}
    options = [part for name, file in files.items() for part in (f"--{name}", str(tmp_path / file))]
    assert cli.main(["demo", *options]) == 0
    assert (tmp_path / "why.svg").read_text().startswith("<?xml")
    assert cn.load(tmp_path / "why.safetensors").text == TEXT
    page = (tmp_path / "why.html").read_text(encoding="utf8")
    assert page.startswith("<!doctype html>") and "superb" in page


def test_a_model_from_a_folder_and_a_text_from_a_pipe(capsys, tmp_path, monkeypatch):
    folder = shutil.copytree(Path(cn.__file__).parent / "demo" / "sentiment", tmp_path / "mine")
    (tmp_path / "in").write_text("A dull film.\n")
    with (tmp_path / "in").open() as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        assert cli.main(["explain", "-", "--model", str(folder), "--granularity", "sentence"]) == 0
    headline, row = lines(capsys)
    assert headline.startswith("negative") and row.startswith("A dull film.")


@pytest.mark.parametrize("name", cn.demos().index)
def test_every_embedded_model_explains_its_example(capsys, name):
    assert cli.main(["demo", name, "--json", "--top", "3"]) == 0
    answer = json.loads(capsys.readouterr().out)
    e = cn.load_demo(name).explain(**demo.example(name))
    assert answer["target"] == e.target_name and answer["converged"]
    assert answer["score"] == pytest.approx(e.score, abs=1e-4)
    kind = "word" if e.image is None else "token"
    assert [unit["text"] for unit in answer["units"]] == e.top(3, kind)[kind].tolist()


def test_the_embedded_models_are_listed(capsys):
    assert cli.main(["demo", "--list"]) == 0
    printed = capsys.readouterr().out
    for name in cn.demos().index:
        assert name in printed


@pytest.mark.parametrize(
    "asked, message",
    [
        (["explain", ""], "inputs must hold at least one word, got ''"),
        (["explain", "fine", "--target", "nope"], "target must be one of"),
        (["explain", "fine", "--target", "7"], "7"),
        (["explain", "fine", "--lam", "1.5"], "lam"),
        (["explain", "fine", "--top", "0"], "k must be at least 1, got 0"),
        (["explain", "fine", "--method", "magic"], "method must be one of"),
        (["explain", "fine", "--granularity", "page"], "granularity"),
        (["explain", "fine", "--model", "./not/there"], "not/there"),
        (["explain", "fine", "--baselines", ""], "text with at least one ordinary token, got ''"),
        (["explain", "fine", "--baselines", "\u2028"], "at least one ordinary token, got"),
        (["explain", "fine", "--target", "9" * 5000], "target must be one of ['negative'"),
        (["explain", "fine", "--tolerance", "nan"], "tolerance must lie between 0 and 1, got nan"),
        (["explain", "fine", "--figure", "not/there/why.pdf"], "existing folder"),
        (["explain", "fine", "--save", "."], "must be a file, got the folder"),
        (["explain", "fine", "--html", "not/there/why.html"], "--html must lie in an existing"),
        (["explain", "fine", "--html", "why.pdf"], "path must end in .html"),
        (["demo", "nobody"], "name must be one of ['sentiment'"),
    ],
)
def test_an_error_is_one_line_on_standard_error(capsys, asked, message):
    assert cli.main(asked) == 1
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("calig-nb: error: ") and len(said.err.splitlines()) == 1
    assert message in said.err


def changed_file(name, change):
    def do(folder):
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return do


def changed_config(**values):
    return changed_file("config.json", lambda c: json.dumps(json.loads(c) | values).encode())


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (changed_file("model.safetensors", lambda content: content[:9999]), "header"),
        (changed_file("tokenizer.json", lambda content: b"{}"), "cannot be loaded"),
        (changed_file("config.json", lambda content: b"{"), "not a valid JSON file"),
        (changed_file("calig_nb.json", lambda content: b"[1]"), "must hold layer weights"),
        (changed_config(hidden_size=64, num_attention_heads=4), "cannot be loaded"),
        (changed_config(num_attention_heads=7), "not a multiple of the number of attention heads"),
        (changed_config(id2label={"x": "a", "y": "b"}), "cannot be loaded"),
        (changed_config(model_type="nothing"), "nothing"),
    ],
)
def test_a_folder_that_cannot_be_read_is_one_line_too(damage, says, capsys, tmp_path):
    folder = shutil.copytree(Path(cn.__file__).parent / "demo" / "sentiment", tmp_path / "mine")
    damage(folder)
    assert cli.main(["explain", "fine", "--model", str(folder)]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("calig-nb")]
    assert len(said) == 1 and "mine" in said[0] and says in said[0]


@pytest.mark.parametrize("asked", [[], ["explain"], ["sing"], ["explain", "x", "--tolerance", "?"]])
def test_a_command_that_is_not_one_leaves_with_2(capsys, asked):
    with pytest.raises(SystemExit) as left:
        cli.main(asked)
    assert left.value.code == 2 and "usage: calig-nb" in capsys.readouterr().err


def test_hostile_text_cannot_steer_the_terminal(capsys, monkeypatch):
    """Of the table within: the command's own tokenizer would take such a text apart."""
    monkeypatch.setenv("COLUMNS", "200")
    e = hostile(cn.load_demo("sentiment").explain(LONG))
    rows = [{"text": text, "attributions": 1.0} for text in (*HOSTILE, " ".join(HOSTILE))]
    cli._as_table(e, rows)
    printed = capsys.readouterr().out
    assert not set(printed) & STEERING
    for shown in ("\\x1b[2J", "\\u202egnp", "<script>", "\\ud800"):
        assert shown in printed
    assert max(map(len, printed.splitlines()[1:])) < 250


def test_a_hostile_text_and_a_model_with_hostile_classes(capsys, tmp_path):
    folder = shutil.copytree(Path(cn.__file__).parent / "demo" / "sentiment", tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": HOSTILE[0], "1": HOSTILE[9] + HOSTILE[6]}
    config["label2id"] = {label: int(n) for n, label in config["id2label"].items()}
    (folder / "config.json").write_text(json.dumps(config))
    text = " ".join(text for text in HOSTILE if text != "\ud800")[:2000]
    files = {name: tmp_path / f"why.{name}" for name in ("svg", "html", "safetensors")}
    options = ["--figure", files["svg"], "--html", files["html"], "--save", files["safetensors"]]
    asked = ["explain", text, "--model", folder, "--tolerance", "0.5", *options]
    assert cli.main([*map(str, asked)]) == 0
    said = capsys.readouterr()
    assert not set(said.out + said.err) & STEERING
    assert said.out.startswith((HOSTILE[0], "\\x1b[2J\\x07\\u202egnp.exe"))
    assert "<script>alert" not in files["html"].read_text(encoding="utf8")
    assert cn.load(files["safetensors"]).labels[0] == HOSTILE[0]
    assert cli.main(["explain", "half \ud800", "--model", str(folder)]) == 1
    said = capsys.readouterr()
    assert "half character" in said.err and not set(said.err) & STEERING


def test_json_is_json_and_cannot_steer_the_terminal(capsys):
    e = hostile(cn.load_demo("sentiment").explain(LONG))
    texts = [*HOSTILE, "\x9b2J\U000e0001"]
    unknown = np.full(2, np.nan)
    e = dataclasses.replace(e, probabilities=unknown, labels=("\u202egnp", "b"))
    cli._as_json(e, [{"text": text, "attributions": np.nan} for text in texts])
    printed = capsys.readouterr().out
    assert not set(printed) & (STEERING | set("\x9b\U000e0001")) - {"\n"}

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    answer = json.loads(printed, parse_constant=refuse)
    assert [unit["text"] for unit in answer["units"]] == texts
    assert answer["probabilities"] == {"\u202egnp": None, "b": None}
    assert answer["units"][0]["attributions"] is None


def test_wide_and_combining_letters_stand_in_line(capsys):
    """Of the inside: how wide a text is, is not printed."""
    assert cli._width("中文") == 4 and cli._width("e\u0301") == 1
    assert cli._fit_columns("中" * 10, 9) == "中中中中…"


def test_interrupted_is_130(capsys, monkeypatch):
    def interrupted(asked):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_demo", interrupted)
    assert cli.main(["demo"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.full
def test_as_a_module_in_a_plain_terminal_and_into_a_closed_pipe():
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    command = [sys.executable, "-m", "calig_nb", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0 and "superb" in done.stdout, done.stderr
    assert max(map(len, done.stdout.replace("\\u2588", "█").splitlines()[1:])) <= 65
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=env)
    os.close(writer)
    assert done.returncode == 0 and not done.stderr
