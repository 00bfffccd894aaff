"""All methods through the one door: the same result type, in every view."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

import calig_nb as cn
from calig_nb.attribution import METHOD_FUNCTIONS
from calig_nb.attribution.request import Request
from calig_nb.explanation.methods import INTEGRALS, METHODS
from calig_nb.models.block_model import BlockModel
from calig_nb.models.memory import Budget
from calig_nb.widgets import wire

from ..helpers.whole_model import SHAPES, embeddings
from ..helpers.zoo import ARCHITECTURES, SENTENCE, batch_of, row, tiny_model, zoo_inputs, zoo_model

SINGLE = [name for name, method in METHODS.items() if not method.fused]
CONSERVED = ("conservative", "attn-lrp")
TEXTS = [SENTENCE, "not bad, a good film", "the plot is very thin", "it is superb"]


@pytest.fixture(scope="module")
def found(tokenizer):
    """Every method's answer to one question."""
    explainer = cn.Explainer(tiny_model("bert"), tokenizer)
    return {name: explainer.explain(SENTENCE, target=1, method=name) for name in METHODS}


def test_the_table_has_every_method_with_its_source():
    table = cn.methods()
    assert [*table.index] == [*METHODS]
    assert table["source"].str.contains("arXiv:").all()
    assert table.loc["attention", "signed"] == False  # noqa: E712  a NumPy bool


def test_a_map_is_row_0_in_shares(found):
    for name in SINGLE:
        e = found[name]
        rows = e.layer_attributions
        assert e.fusion.lam == 1
        if name != "layer-ig":
            expected = rows[0] / np.abs(rows[0]).sum()
            np.testing.assert_allclose(e.attributions, expected, atol=1e-12)
            assert np.abs(e.attributions).sum() == pytest.approx(1)


def test_unsigned_methods_oppose_nothing_and_say_so(found):
    for name, e in found.items():
        if METHODS[name].signed:
            assert (e.attributions < 0).any() and (e.opposing > 0).any()
        else:
            assert (e.layer_attributions >= 0).all() and not e.opposing.any()
            assert "unsigned" in e.config["calibration"]


def test_integrals_are_complete(found):
    for name in INTEGRALS:
        e = found[name]
        assert np.abs(e.convergence_delta[e.converged]).max() <= 0.01 * max(
            abs(e.score - e.baseline_score), 0.01 * np.abs(e.layer_attributions).sum(axis=1).max()
        )


def test_layer_ig_is_the_layers_of_ca_lig_and_ig_its_embeddings(found):
    full = found["ca-lig"].layer_attributions
    np.testing.assert_allclose(found["layer-ig"].layer_attributions, full, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["ig"].layer_attributions, full[[0, -1]], rtol=1e-9, atol=1e-12)
    assert not found["layer-ig"].attention_relevance.any()


def test_the_map_of_layer_ig_is_nearly_the_mean_of_the_layers(found):
    e = found["layer-ig"]
    rows = e.layer_attributions[:-1]
    shares = rows / np.abs(rows).sum(axis=1, keepdims=True)
    products = np.prod(1 + np.maximum(shares, 0) / 3, axis=0) - np.prod(
        1 + np.maximum(-shares, 0) / 3, axis=0
    )
    np.testing.assert_allclose(e.attributions, products, atol=1e-12)
    assert np.corrcoef(e.attributions, shares.mean(axis=0))[0, 1] > 0.99


def test_a_method_without_a_baseline_claims_none(found):
    for name, e in found.items():
        needs = "baseline" in METHODS[name].needs
        assert (e.config["baselines"] != "none") == needs
        assert np.isnan(e.baseline_score) == (name not in (*INTEGRALS, *CONSERVED))


@pytest.mark.parametrize("method", CONSERVED)
def test_the_shares_of_biases_and_constants_are_what_conservation_misses(method, found):
    e = found[method]
    shares = [e.config[name] for name in ("bias_share", "constant_share") if name in e.config]
    assert len(shares) == (2 if method == "attn-lrp" else 1)
    assert e.convergence_delta[0] == pytest.approx(-sum(shares), abs=1e-6)
    said = f"bias share {shares[0]:+.2f} of f(x)".replace("-", "−")
    assert said in e.config["calibration"]


@pytest.mark.parametrize("name", SHAPES)
def test_ig_agrees_with_captum(name):
    user, inputs = zoo_model(name), zoo_inputs(name)
    own, baseline, rest = embeddings(user, name)
    expected = IntegratedGradients(rest).attribute(own, baseline, n_steps=64).sum(dim=-1)[0]
    model = BlockModel(user)
    request = Request(target=1, method="ig", n_steps=64)
    batch = batch_of(row(inputs), row(inputs, 1), request)
    with model.preserve():
        e = METHOD_FUNCTIONS["ig"](model, batch, Budget(1 << 30, None))[0][0]
    # Captum rounds its weights to single precision
    error = np.abs(e.layer_attributions[0] - expected.detach().numpy()).max()
    assert error <= 1e-5 * expected.abs().max()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_list_gives_what_single_texts_give(name, tokenizer):
    explainer = cn.Explainer(tiny_model(name), tokenizer)
    for method in SINGLE:
        together = explainer.explain(TEXTS, target=1, method=method, tolerance=1e-3)
        for text, e in zip(TEXTS, together, strict=True):
            alone = explainer.explain(text, target=1, method=method, tolerance=1e-3)
            atol = 1e-5 * np.abs(alone.layer_attributions).max()
            np.testing.assert_allclose(e.layer_attributions, alone.layer_attributions, atol=atol)
            assert e.tokens == alone.tokens


@pytest.mark.parametrize("method", SINGLE)
def test_several_targets_and_contrasts(method, explainer):
    many = explainer.explain(SENTENCE, target=[0, 1], method=method)
    for target, e in enumerate(many):
        alone = explainer.explain(SENTENCE, target=target, method=method)
        np.testing.assert_allclose(e.layer_attributions, alone.layer_attributions, atol=1e-7)
    ab = explainer.explain(SENTENCE, target=0, contrast=1, method=method)
    ba = explainer.explain(SENTENCE, target=1, contrast=0, method=method)
    assert ab.config["antisymmetric"] == METHODS[method].signed
    if METHODS[method].signed:
        np.testing.assert_allclose(ab.attributions, -ba.attributions, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_every_view_shows_it(method, found, tmp_path):
    e = found[method]
    for view in ("tokens", "flow", "rollout"):
        assert len(e.figure(view).axes)
    meta, *_ = (wire.meta(e),)
    json.dumps(meta, allow_nan=False)
    assert meta["single"] == (method in SINGLE)
    for make in (cn.Workbench, cn.TokenView, cn.RelevanceFlow, cn.RolloutView):
        assert make(e).explanation.fusion == e.fusion
    e.to_frame("layer"), e.to_frame("word"), e.top(), e._repr_mimebundle_()
    e.save(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(
        cn.load(tmp_path / "one.safetensors").attributions, e.attributions
    )


def test_all_methods_compare_on_one_scale(found):
    names = [*found]
    for pair in pairwise(names):
        assert cn.Comparison([found[name] for name in pair]).figure(lam=0.3).axes
    both = cn.Comparison([found["ig"], found["ca-lig"]], lam=0.3).explanations
    assert [e.fusion.lam for e in both] == [1.0, 0.3]


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_one_signal_has_no_lambda_no_heads_and_no_calibration(found, explainer):
    e = found["occlusion"]
    assert e.with_lam(0.2) is e
    with pytest.raises(ValueError, match="heads belong to method 'ca-lig', this is 'occlusion'"):
        e.heads(0)
    with pytest.raises(ValueError, match="method must have layer weights to calibrate, got 'ig'"):
        explainer.calibrate([SENTENCE], method="ig")
    explainer.calibrate([SENTENCE])
    again = explainer.explain(SENTENCE, target=1, method="gradient-x-input")
    np.testing.assert_array_equal(again.layer_weights, [1, 0, 0])


def test_what_is_asked_from_a_view_is_asked_of_the_same_method(found):
    again = found["conservative"].ask(2, None)
    assert again.method == "conservative" and again.target == 2


def test_each_is_kept_in_the_cache_under_its_own_name(tokenizer, tmp_path, monkeypatch):
    explainer = cn.Explainer(tiny_model("bert"), tokenizer, cache=tmp_path)
    first = [explainer.explain(SENTENCE, target=1, method=name) for name in METHODS]
    assert len(explainer.cache) == len(METHODS)
    monkeypatch.setattr(BlockModel, "forward", None)  # nothing is computed again
    for e in first:
        again = explainer.explain(SENTENCE, target=1, method=e.method, lam=0.5)
        assert again.method == e.method
        np.testing.assert_array_equal(again.attributions, e.attributions)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("method", SINGLE)
def test_long_texts_take_frugal_passes_with_the_same_result(method, found, tokenizer, monkeypatch):
    monkeypatch.setattr("calig_nb.attribution.evidence.EAGER_TOKENS", 1)
    e = cn.Explainer(tiny_model("bert"), tokenizer).explain(SENTENCE, target=1, method=method)
    expected = found[method]
    for name in ("layer_attributions", "attention_relevance"):
        scale = np.abs(getattr(expected, name)).max()
        np.testing.assert_allclose(getattr(e, name), getattr(expected, name), atol=2e-5 * scale)


def test_zeros_take_no_room_on_the_disk(found, tmp_path):
    e = found["conservative"]
    big = np.broadcast_to(np.float32(0), (3, 12, 12))
    assert e.attention_relevance.strides == big.strides
    e.save(tmp_path / "zeros.safetensors")
    found["ca-lig"].save(tmp_path / "full.safetensors")
    zeros, full = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("zeros", "full"))
    assert zeros < full - found["ca-lig"].attention_relevance.nbytes / 2
    again = cn.load(tmp_path / "zeros.safetensors")
    assert again.attention_relevance.shape == e.attention_relevance.shape
    assert again.attention_relevance.dtype == np.float32
    assert not again.attention_relevance.any()


@pytest.mark.bad_input
def test_occlusion_needs_tokens_to_put_in(explainer):
    with pytest.raises(ValueError, match=r"baselines must be tokens for occlusion.*got 'zero'"):
        explainer.explain(SENTENCE, method="occlusion", baselines="zero")


def test_no_method_changes_the_model(tokenizer):
    user = tiny_model("bert")
    before = {name: value.clone() for name, value in user.state_dict().items()}
    flags = [p.requires_grad for p in user.parameters()]
    explainer = cn.Explainer(user, tokenizer)
    for method in METHODS:
        explainer.explain(SENTENCE, target=1, method=method)
    assert all(torch.equal(value, before[name]) for name, value in user.state_dict().items())
    assert [p.requires_grad for p in user.parameters()] == flags
    assert not any("forward" in vars(module) for module in user.modules())
