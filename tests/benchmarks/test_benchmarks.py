"""The benchmarks come out: every table of the command, and both sides computing the same."""

import json
import re

import pytest
import transformers as hf

from ..helpers.sentences import SENTENCES
from .__main__ import TABLES, main
from .latency import hit_and_pass
from .leaderboard import Review, cut
from .models import opened
from .timing import peak_memory


@pytest.mark.full
def test_every_table_comes_out_and_both_sides_compute_the_same(capsys):
    main([*[name for name in TABLES if name != "everyday"], "--quick", "--no-memory"])
    out = capsys.readouterr().out
    for title in ("demo, 32 tokens", "for scale only", "Work", "Growth", "demo, 3 sentences"):
        assert title in out
    assert "### On " in out or "No GPU" in out
    cells = [re.split(r" *\| *", line)[1:-1] for line in out.splitlines() if line[:3] == "| c"]
    rows = {cell[0]: cell for cell in cells}
    assert float(rows["captum, 50 steps"][4]) < 1e-4
    assert float(rows["captum oracle, same tolerance"][4]) <= 0.01
    assert float(rows["captum oracle, engine's error"][1]) > 0
    assert "Layers that did not converge: none." in out
    assert rows["captum, 50 steps *"][2] == "–", "random weights are for scale only"


@pytest.mark.timed
def test_an_answer_from_the_cache_costs_one_pass_and_not_two():
    hit, one_pass = hit_and_pass(6, 512, 15)
    assert hit < 1.3 * one_pass + 0.005


def test_the_leaderboard_reads_labelled_sentences_and_reviews_with_rationales(capsys, tmp_path):
    texts = tmp_path / "dev.tsv"
    lines = [f"{sentence}\t{i % 2}" for i, sentence in enumerate(SENTENCES[4:12])]
    texts.write_text("\n".join(["sentence\tlabel", *lines]), encoding="utf-8")
    for name, label, words in (
        ("val", "POS", "It is long , but the acting is superb ."),
        ("train", "NEG", "A dull film " + "with a dull plot " * 90),
    ):
        spans = [span for span in ([1, 3], [300, 302]) if span[1] < len(words.split())]
        entry = {"label": label, "words": words.split(), "rationale_spans": spans}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    asked = ["leaderboard", "--texts", texts, "--rationales", tmp_path, "--quick", "--keep"]
    main([*map(str, asked), str(tmp_path / "kept")])
    out = capsys.readouterr().out
    assert "demo, 3 sentences, words deleted by: remove; layer weights [1.00" in out
    assert "demo, 2 reviews of at most 256 tokens" in out
    assert out.count("| less ca-lig |") == 2
    assert "AUPRC ↑" in out
    assert [*(tmp_path / "kept").rglob("*.trial")]


def test_methods_are_compared_on_pictures(capsys, tmp_path):
    model = hf.ViTForImageClassification(hf.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        image_size=16, patch_size=4, num_labels=3,
    ))  # fmt: skip
    model.save_pretrained(tmp_path)
    hf.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    main(["pictures", "--quick", "--n", "2", "--vision", str(tmp_path)])
    out = capsys.readouterr().out
    assert "2 pictures" in out
    assert "| `random` |" in out
    assert "against the others" in out


def test_a_review_is_cut_between_words_with_its_marks():
    explainer = opened("demo").explainer
    review = Review("good " * 50 + "bad", 1, [(0, 4), (240, 249)])
    short = cut(explainer, review, 50)
    assert short.text == " ".join(["good"] * 48)
    assert short.spans == [(0, 4)]
    assert len(explainer.engine.reader.read(short.text).tokens) == 50
    assert cut(explainer, review, 53) is review


@pytest.mark.full
def test_memory_is_measured_in_an_interpreter_of_its_own():
    question = {"n_tokens": 32, "text": "A thin plot and superb acting."}
    measured = peak_memory("engine", "bert-2x64", question)
    assert measured is None or 0 < measured < 1000  # None where the system does not tell
