"""The forms of the fusion that are measured against the default, and what is made of the scores."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calig_nb.evaluation.metrics import leave_one_out
from calig_nb.explanation.fusion import Fusion, layer_weights

from ..helpers.sentences import SENTENCES
from . import fusion_study as study
from .__main__ import main
from .fusion_forms import (
    FORMS,
    PROBES,
    REFERENCES,
    Form,
    Signals,
    agreement,
    mapped,
    probes,
    reference,
    weights_of,
)
from .models import opened


def signals(layers, other, special=None):
    """Signals without attention gradients."""
    layers, n = np.array(layers, dtype=float), len(layers[0])
    return Signals(
        layers,
        np.zeros((len(layers), n, n)),
        {"conservative": np.array(other, dtype=float), "attn-lrp": np.ones(n)},
        np.zeros(n, dtype=bool) if special is None else np.array(special),
        np.eye(1, n, dtype=bool)[0],
    )


def test_the_first_form_is_the_packages_own():
    explainer = opened("demo").explainer
    found = [explainer.explain(text) for text in SENTENCES[4:7]]
    made = [
        Signals(e.layer_attributions[:-1], e.attention_relevance, {}, e.special, e.pooled)
        for e in found
    ]
    weights = weights_of(FORMS[0], made)
    own = layer_weights([e.layer_attributions for e in found], [e.special for e in found])
    np.testing.assert_allclose(weights, own, rtol=1e-12)
    for e, one in zip(found, made, strict=True):
        dressed = replace(e, layer_weights=weights)
        np.testing.assert_allclose(mapped(FORMS[0], one, weights), dressed.attributions, rtol=1e-9)
        np.testing.assert_allclose(
            reference("layer-ig", one),
            np.mean([r / np.abs(r).sum() for r in e.layer_attributions[:-1]], axis=0),
        )


def test_weights_ask_for_agreement_with_the_reference_on_ordinary_tokens():
    one = signals([[3, 4, 9], [0, 1, 0], [0, -1, 0]], [0, 2, -7], [False, False, True])
    assert weights_of(Form("", "conservative", 2), [one]) == pytest.approx([0.64, 1, 0])
    assert weights_of(Form("", "embeddings", 1), [one]) == pytest.approx([1, 0.8, 0])
    assert weights_of(Form("", "none"), [one]) == pytest.approx([1, 1, 1])
    assert weights_of(Form("", "conservative"), [signals([[3, 4]], [0, 2])]) == pytest.approx([1])
    shares = np.array([7 / 16, 1, 1])  # of the mass on ordinary tokens
    assert weights_of(Form("", "none", share=2), [one]) == pytest.approx(shares**2)
    with pytest.raises(ValueError, match="agrees with the reference"):
        weights_of(Form("", "conservative"), [signals([[1, 0]], [0, 1])])


def test_another_map_is_one_more_layer_of_relevance_by_its_mass():
    one = signals([[0.5, -0.5]], [3, 0])
    found = mapped(Form("", mass=0.5), one, np.ones(1))
    # λ = 1/2; the layer has half a share of each token, the other map all of the first.
    assert found == pytest.approx([1.25 * 1.25 - 1, -0.25])
    assert mapped(Form(""), one, np.ones(1)) == pytest.approx([0.25, -0.25])
    two = mapped(Form("", mass=0.5), signals([[0.5, -0.5], [0, 0]], [3, 0]), np.array([1, 0.5]))
    assert two == pytest.approx([1.375 * 1.25 - 1, -0.25]), "its mass is that of all layers"
    strong = mapped(Form("", mass=0.5, fusion=Fusion(gamma=4)), one, np.ones(1))
    assert strong == pytest.approx([2 * 2 - 1, -1])


def test_random_deletions_take_one_unit_to_half_and_the_truth_agrees_with_them():
    rows = probes(9, [0, 5])
    assert rows.shape == (PROBES, 9)
    assert set(rows.sum(axis=1)) == {1, 2, 3, 4}
    assert (rows == probes(9, [0, 5])).all()
    assert (rows != probes(9, [0, 6])).any()
    assert probes(1, [0]).all()
    truth = np.arange(-4.0, 5.0)
    assert agreement(truth, rows, rows @ truth) == pytest.approx(1)
    assert agreement(-truth, rows, rows @ truth) == pytest.approx(-1)
    assert agreement(truth, leave_one_out(9), truth**3) < 1


def test_a_form_wins_where_it_is_ahead_of_both_kinds_and_behind_nowhere():
    """Of the inside of the study: its verdicts on numbers that no model gives."""
    n, noise = 40, np.random.default_rng(0).normal(0, 0.1, 40)

    def model(faithful, plausible, area):
        """Every other text confirms; there the first form is ahead by so much."""
        shape = (n, len(study.NAMES))
        values = {m: np.zeros(shape) for m in ("loo_correlation", "deletion_auc", "auprc")}
        for metric, ahead in zip(values, (faithful, area, plausible), strict=True):
            values[metric][1::2, 1] = ahead + noise[1::2]
        return study.Measured("a model", (np.ones(2), np.ones(2)), values)

    better = model(1, 1, -1)
    assert better.verdicts("deletion_auc", 1)[1] == 1, "less is better"
    assert better.verdicts("deletion_auc", 0)[1] == 0, "the other half says nothing"
    assert study._wins([better, better], 1) == "yes"
    for worse in (model(1, 0, 0), model(0, 1, 0), model(1, 1, 1)):
        assert study._wins([better, worse], 1) == "no"
    assert "| +1.0" in study._table(better, 1)
    assert "▲ |" in study._table(better, 1)


@pytest.mark.full
def test_the_study_comes_out_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    (tmp_path / "dev.tsv").write_text("\n".join(f"{s}\t1" for s in SENTENCES[4:12]))
    for name in ("val", "train"):
        words = ("It is long , but the acting is superb " + name).split()
        entry = {"label": "POS", "words": words, "rationale_spans": [[1, 3]]}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(entry) + "\n")
    asked = ["forms", "--quick", "--texts", "dev.tsv", "--rationales", ".", "--keep", "kept"]
    asked += ["--reviews", "2", "--calibration", "dev.tsv", "--out", "forms.md"]
    monkeypatch.chdir(tmp_path)
    main(asked)
    tables = (tmp_path / "forms.md").read_text()
    assert tables in capsys.readouterr().out
    assert tables.count("## demo, 4 blocks") == 2
    for name in (*[form.name for form in FORMS[1:]], *REFERENCES):
        assert tables.count(f"| {name} |") == 3
    assert "of the sentences right" in tables

    def again(*_):
        raise AssertionError("scored again")

    monkeypatch.setattr(study, "_score", again)
    main(asked)
    assert (tmp_path / "forms.md").read_text() == tables
