"""The benchmarks come out: every table of the command, and both sides computing the same."""

import re

from .benchmarks.__main__ import TABLES, main
from .benchmarks.measures import peak_memory


def test_every_table_comes_out_and_both_sides_compute_the_same(capsys):
    main([*[name for name in TABLES if name != "everyday"], "--quick", "--no-memory"])
    out = capsys.readouterr().out
    for title in ("demo, 32 tokens", "for scale only", "Work", "Growth"):
        assert title in out
    assert "### On " in out or "No GPU" in out
    cells = [re.split(r" *\| *", line)[1:-1] for line in out.splitlines() if line[:3] == "| c"]
    rows = {cell[0]: cell for cell in cells}
    assert float(rows["captum, 50 steps"][4]) < 1e-4
    assert float(rows["captum oracle, same tolerance"][4]) <= 0.01
    assert float(rows["captum oracle, engine's error"][1]) > 0
    assert "Layers that did not converge: none." in out
    assert rows["captum, 50 steps *"][2] == "–", "random weights are for scale only"


def test_memory_is_measured_in_an_interpreter_of_its_own():
    question = {"n_tokens": 32, "text": "A thin plot and superb acting."}
    measured = peak_memory("engine", "bert-2x64", question)
    assert measured is None or 0 < measured < 1000  # None where the system does not tell
