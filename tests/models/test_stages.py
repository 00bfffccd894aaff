"""Swin: stages that merge their tokens, windows that are shifted, one grid of cells for all."""

import numpy as np
import pytest
import torch
import transformers as hf

import calig_nb as cn
from calig_nb.attribution.mixed_precision import _rounding_errors
from calig_nb.models.block_model import BlockModel

from ..helpers import reference as by_hand
from ..helpers import zoo
from ..helpers.whole_model import close
from ..helpers.zoo import picture, processor


def swin_model(side=8, version=1, **options):
    """A small Swin, or Swin v2, in float64; a token a pixel, two stages, windows of 2 x 2."""
    torch.manual_seed(0)
    config, classifier = {
        1: (hf.SwinConfig, hf.SwinForImageClassification),
        2: (hf.Swinv2Config, hf.Swinv2ForImageClassification),
    }[version]
    stages = len(options.get("depths", [2, 2]))
    own = {"patch_size": 1, "embed_dim": 8, "depths": [2, 2], "window_size": 2, "mlp_ratio": 2.0}
    own |= {"num_heads": [2, 4, 4][:stages], "num_labels": 3}
    model = classifier(config(image_size=side, **own | options))
    if version == 2:
        return model.double().eval()
    model = zoo.rough(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "relative_position_bias_table" in name:
                parameter.normal_()
    return model


def explainer_of(side=8, version=1, blocks=None, **options):
    return cn.Explainer(swin_model(side, version, **options), processor(side), blocks=blocks)


LONG = {"depths": [2, 2, 2]}
CASES = {
    "two stages": {},
    "windows of 4, one window at the end": {"window_size": 4},
    "padded to windows of 3": {"window_size": 3},
    "odd grid": {"side": 10, "window_size": 3},
    "odd at every merging": {"side": 18, "window_size": 4, **LONG},
    "three stages": {"side": 16, **LONG},
    "padded pixels": {"side": 20, "patch_size": 4},
    "stages of one block": {"depths": [1, 1]},
    "stages of three and one": {"depths": [3, 1], "window_size": 4},
    "version 2": {"version": 2, "window_size": 4},
    "version 2, padded, three stages": {"version": 2, "side": 20, "window_size": 3, **LONG},
}


def grids_of(side=8, patch_size=1, depths=(2, 2), **_):
    """For every block the grid of its stage, its number within it, and how often it merges yet."""
    now, found = -(-side // patch_size), []
    for stage, depth in enumerate(depths):
        found += [((now, now), block, len(depths) - 1 - stage) for block in range(depth)]
        now = -(-now // 2)
    return found


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_every_layer_of_every_stage_sums_to_the_change_of_the_score(case):
    explainer, grids = explainer_of(**case), grids_of(**case)
    start = "blur"
    if "version" in case:  # its norms stand behind attention, and break where that is flat
        start = 0.9 * explainer.engine.reader.read(picture()).model_inputs["pixel_values"]
    found = explainer.explain(picture(), baselines=start, tolerance=1e-6)
    assert found.grid == grids[-1][0]
    n = np.prod(found.grid)
    assert found.layer_attributions.shape == (len(grids) + 1, n)
    assert found.attention_relevance.shape == (len(grids), n, n)
    assert not found.special.any()
    assert found.converged.all()
    change = found.score - found.baseline_score
    sums = found.layer_attributions.sum(axis=1)
    np.testing.assert_allclose(sums, change, atol=1e-6 * abs(change))
    assert np.ptp(found.baseline_scores) < 1e-9


def test_attention_in_windows_is_that_of_loops_over_windows(case):
    """Roll, padding and partition undone pair by pair; what leads to padding is nobody's."""
    user = swin_model(**case)
    model, side = BlockModel(user), case.get("side", 8)
    pixels = torch.randn(2, 3, side, side, dtype=torch.float64)
    with model.preserve():
        trace = zoo.trace(model, {"pixel_values": pixels})
    user.config._attn_implementation = "eager"
    with zoo.Softmaxes() as softmaxes:
        logits = user(pixels[:1]).logits
    gradients = torch.autograd.grad(logits[0, 1], softmaxes.found)
    grids = grids_of(**case)
    assert len(softmaxes.found) == len(trace.heads) == len(grids)
    for a, gradient, got, (grid, number, merges) in zip(
        softmaxes.found, gradients, trace.heads, grids, strict=True
    ):
        window = min(case.get("window_size", 2), grid[0])
        shift = 0 if number % 2 == 0 or grid[0] <= window else window // 2
        for head, values in enumerate((a * gradient).double().unbind(dim=1)):
            expected = by_hand.cell_pairs(values.tolist(), grid, window, shift, merges)
            close(got[0, head], torch.tensor(expected), 1e-5)


def test_a_token_is_merged_into_its_cell_and_no_other():
    """What the model's own merging reads, by its gradient, odd sides too."""
    for side in (6, 7, 10):
        user = swin_model(side, window_size=2)
        model = BlockModel(user)
        with model.preserve():
            places = model.cells({"pixel_values": torch.zeros(1, 3, side, side).double()}).places
        tokens = torch.randn(1, side * side, 8, dtype=torch.float64, requires_grad=True)
        merged = user.swin.encoder.layers[0].downsample(tokens, (side, side))
        for cell in range(merged.shape[1]):
            weights = torch.randn(merged.shape[2], dtype=torch.float64)
            (g,) = torch.autograd.grad((merged[0, cell] * weights).sum(), tokens, retain_graph=True)
            assert torch.equal((g[0] != 0).any(dim=-1), places[0] == cell)


def test_the_picture_is_cut_where_the_cells_are(tmp_path):
    """20 pixels, patches of 4, cells of 8: the last row and column reach beyond the picture."""
    explainer = explainer_of(side=20, patch_size=4)
    own = explainer.engine.reader.read(picture())
    pixels = own.model_inputs["pixel_values"]
    found = explainer.explain(picture(), tolerance=1e-4)
    assert found.grid == (3, 3)
    assert found.tokens[5] == "row 2, column 3"
    assert found.image.shape == (24, 24, 3)
    assert np.ptp(found.image[20:]) <= 1  # mid-grey
    for cell in range(9):
        gone = explainer.engine.reader.delete_units(own, np.arange(9) == cell, "zero")[
            "pixel_values"
        ]
        at = np.argwhere((gone != pixels).any(dim=1)[0].numpy())
        row, column = divmod(cell, 3)
        assert at.min(axis=0).tolist() == [8 * row, 8 * column]
        assert at.max(axis=0).tolist() == [min(8 * row + 7, 19), min(8 * column + 7, 19)]
        with torch.no_grad():  # what changes are this cell's tokens and no others
            changed = [explainer.engine.model.model.swin.embeddings(p)[0] for p in (pixels, gone)]
        moved = (changed[0] != changed[1]).any(dim=-1)[0]
        places = explainer.engine.model.cells(own.model_inputs).places[0]
        assert torch.equal(moved, places == cell)
    found.save(tmp_path / "one.safetensors")
    again = explainer.engine.reader.read_again(cn.load(tmp_path / "one.safetensors"))
    assert again.model_inputs["pixel_values"].shape == (1, 3, 20, 20)
    assert np.array_equal(again.image, found.image)
    assert found.check(random=3).words == 9


@pytest.mark.parametrize("name", ["two stages", "odd at every merging", "padded pixels"])
def test_integrated_gradients_are_those_of_the_tokens_summed_in_cells(name):
    """Layer by layer through the whole model, hooks in the place of the engine; and by Captum."""
    case = CASES[name]
    explainer, side = explainer_of(**case), case.get("side", 8)
    found = explainer.explain(picture(), target=1, n_steps=10)
    pixels = explainer.engine.reader.read(picture()).model_inputs["pixel_values"]
    user, states = explainer.engine.model.model, {}
    own = [m for m in user.modules() if type(m).__name__ == "SwinLayer"]

    def logit(hidden=None, at=None, start=pixels):
        def enter(module, args):
            states[own.index(module)] = args[0]
            return (hidden, *args[1:]) if at is not None and module is own[at] else None

        handles = [m.register_forward_pre_hook(enter) for m in own]
        try:
            return user(start).logits[0, 1]
        finally:
            for handle in handles:
                handle.remove()

    with torch.no_grad():
        ends = []
        for start in (pixels, torch.zeros_like(pixels)):
            logit(start=start)
            ends.append(dict(states))
    for layer, (grid, _, merges) in enumerate(grids_of(**case)):

        def gradient(point, layer=layer):
            point = point[None].detach().requires_grad_()
            return torch.autograd.grad(logit(point, layer), point)[0][0]

        tokens = by_hand.integrated_gradients(gradient, ends[1][layer][0], ends[0][layer][0], 10)
        cells = by_hand.cells_of(*grid, merges)
        expected = [sum(v for v, c in zip(tokens, cells) if c == one) for one in sorted(set(cells))]
        np.testing.assert_allclose(found.layer_attributions[layer], expected, atol=1e-7)
    captum = pytest.importorskip("captum.attr")
    merging = user.swin.encoder.layers[0].downsample
    for layer, module in ((0, user.swin.embeddings.norm), (2, merging)):
        method = captum.LayerIntegratedGradients(lambda x: user(x).logits, module)
        values = method.attribute(
            pixels, torch.zeros_like(pixels), target=1, n_steps=10, method="gausslegendre"
        )
        values = values.sum(dim=-1)[0].detach().numpy()
        grid, _, merges = grids_of(**case)[layer]
        cells = by_hand.cells_of(*grid, merges)
        expected = [sum(v for v, c in zip(values, cells) if c == one) for one in sorted(set(cells))]
        np.testing.assert_allclose(found.layer_attributions[layer], expected, atol=1e-7)
    assert pixels.shape[-1] == side


def test_the_last_stage_by_itself_says_the_same():
    """One window, nothing to undo: the way of every other model of pictures."""
    options = {"window_size": 4, "depths": [1, 2]}
    whole = explainer_of(**options).explain(picture(), n_steps=12)
    alone = explainer_of(blocks="swin.encoder.layers.1.blocks", **options)
    last = alone.explain(picture(), n_steps=12)
    assert last.grid == whole.grid == (4, 4)
    assert alone.engine.model.cells(alone.engine.reader.read(picture()).model_inputs).grid is None
    np.testing.assert_allclose(whole.layer_attributions[1:], last.layer_attributions, atol=1e-9)
    np.testing.assert_allclose(whole.attention_relevance[1:], last.attention_relevance, atol=1e-9)


def test_one_stage_is_explained_at_its_own_resolution(tmp_path):
    whole = explainer_of().explain(picture(), n_steps=12)
    first = explainer_of(blocks="swin.encoder.layers.0.blocks").explain(picture(), n_steps=12)
    assert first.grid == (8, 8)
    fine = first.layer_attributions[:2].reshape(2, 4, 2, 4, 2).sum(axis=(2, 4)).reshape(2, 16)
    np.testing.assert_allclose(whole.layer_attributions[:2], fine, atol=1e-9)
    g = first.attention_relevance.reshape(2, 4, 2, 4, 2, 4, 2, 4, 2).sum(axis=(2, 4, 6, 8))
    np.testing.assert_allclose(whole.attention_relevance[:2], g.reshape(2, 16, 16), atol=1e-7)
    apart = np.abs(first.attention_relevance[0]) > 0
    assert apart.sum() == 64 * 4  # windows of 2 x 2
    kept = (None, "swin.encoder.layers.0.blocks")  # by the same weights: other answers
    for path, grid in zip(kept, ((4, 4), (8, 8)), strict=True):
        explainer = cn.Explainer(swin_model(), processor(), blocks=path, cache=tmp_path)
        assert explainer.explain(picture(), n_steps=3).grid == grid
    named = explainer_of(blocks="swin.encoder.layers").explain(picture(), n_steps=12)
    np.testing.assert_allclose(named.layer_attributions, whole.layer_attributions, atol=1e-9)


REFUSED = {(2, "attn-lrp"): r"must find in the model.*found attention 4 times.*missed"}
"""Its attention normalises queries and keys."""


@pytest.mark.parametrize("method", cn.methods().index)
@pytest.mark.parametrize("version", [1, 2])
def test_every_method_explains_it_or_says_why_not(method, version):
    explainer = explainer_of(version=version, window_size=3)
    if (version, method) in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[version, method]):
            explainer.explain(picture(), method=method)
        return
    found = explainer.explain(picture(), method=method, baselines="blur")
    assert found.attributions.shape == (16,)
    assert np.abs(found.attributions).sum() > 0
    assert found.grid == (4, 4)


def test_rolled_out_attention_has_rows_that_sum_to_one_but_for_padding():
    for window in (2, 3):
        model = BlockModel(swin_model(window_size=window))
        pixels = torch.randn(1, 3, 8, 8, dtype=torch.float64)
        with model.preserve():
            rows = [a.sum(dim=-1) for a in model.attentions({"pixel_values": pixels})]
            again = model.attentions({"pixel_values": pixels}, frugal=True)
        assert [a.shape for a in again] == [(1, 16, 16)] * 4
        for row in rows:
            assert (row <= 1 + 1e-6).all()
            assert (row >= (1 if window == 2 else 0) - 1e-6).all()
        assert (rows[0] < 0.99).any() == (window == 3)


def test_conservative_relevance_is_conserved_in_every_layer():
    user = swin_model()
    with torch.no_grad():
        for name, parameter in user.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    found = cn.Explainer(user, processor()).explain(picture(), method="conservative")
    sums = found.layer_attributions.sum(axis=1)
    mass = np.abs(found.layer_attributions).sum(axis=1)
    assert (np.abs(sums - found.score) <= 1e-6 * mass).all()  # softmax in float32


def test_occlusion_replaces_a_cells_tokens_together():
    explainer = explainer_of()
    found = explainer.explain(picture(), method="occlusion", baselines="mean", target=2)
    own = explainer.engine.reader.read(picture())
    user = explainer.engine.model.model
    other, _ = explainer.engine.reader.make_baseline(own, "mean")
    whole = explainer.engine.model.predict(own.model_inputs)[0, 2]
    for cell in range(16):
        pixels = own.model_inputs["pixel_values"].clone()
        rows, columns = (slice(2 * at, 2 * at + 2) for at in divmod(cell, 4))
        pixels[..., rows, columns] = other["pixel_values"][..., rows, columns]
        with torch.no_grad():  # a token is a pixel
            lost = whole - user(pixels).logits[0, 2]
        assert np.isclose(found.layer_attributions[0, cell], lost.item())


def test_several_pictures_share_passes_with_the_same_result():
    pictures = [picture(seed=seed) for seed in range(3)]
    explainer = explainer_of(window_size=3)
    together = explainer.explain(pictures, target=1, tolerance=1e-7)
    for one, found in zip(pictures, together, strict=True):
        alone = explainer_of(window_size=3).explain(one, target=1, tolerance=1e-7)
        np.testing.assert_allclose(found.layer_attributions, alone.layer_attributions, atol=1e-7)
        np.testing.assert_allclose(found.attention_relevance, alone.attention_relevance, atol=1e-7)
    heads = together[1].heads(2)
    assert heads.shape == (4, 16, 16)
    np.testing.assert_allclose(heads.mean(axis=0), together[1].attention_relevance[2], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_pictures_are_calibrated_evaluated_and_checked():
    explainer, pictures = explainer_of(), [picture(seed=seed) for seed in range(3)]
    weights = explainer.calibrate(pictures)
    assert weights.shape == (4,)
    found = explainer.explain(pictures[0])
    assert np.array_equal(found.layer_weights, weights)
    table = cn.evaluate(explainer, pictures, methods=["ca-lig", "ig", "occlusion"], n_resamples=20)
    assert np.isfinite(table.values[..., 0]).all()
    assert "ca-lig" in cn.sanity(explainer, pictures[:2], methods=["ca-lig"]).text
    assert found.ask(0, None).layer_attributions.shape == (5, 16)


def test_bfloat16_and_the_preview_are_stated_in_cells_too():
    explainer = explainer_of()
    exact = explainer.explain(picture(), target=1, tolerance=1e-6)
    for options in ({"precision": "bfloat16"}, {"method": "conductance", "n_steps": 17}):
        found = explainer.explain(picture(), target=1, **options)
        off = np.abs(found.layer_attributions[0] - exact.layer_attributions[0]).sum()
        assert off <= 0.05 * np.abs(exact.layer_attributions[0]).sum()


def test_the_rounding_that_counts_is_that_of_the_sums():
    """Of the inside: whole integrals hide which error was measured."""
    exact, off, h = torch.randn(3, 1, 1, 4, 2, dtype=torch.float64).unbind()
    (error,) = _rounding_errors(
        lambda points: {0: exact},
        lambda points: {0: exact + off},
        [2 * h[0]],
        [0 * h[0]],
        True,
        lambda layer, values: values.sum(dim=-1, keepdim=True),
    )
    assert error.item() == pytest.approx(abs((off * h).sum() / (exact * h).sum()).item())


def test_the_model_is_as_before():
    user = swin_model(window_size=4)
    before = [(vars(m).copy(), type(m)) for m in user.modules()]
    cn.Explainer(user, processor()).explain(picture())
    for (attributes, _), module in zip(before, user.modules(), strict=True):
        assert vars(module).keys() == attributes.keys()
        plain = {k: v for k, v in attributes.items() if isinstance(v, (int, float, bool, str))}
        assert {k: vars(module)[k] for k in plain} == plain


# --- those that cannot be served ------------------------------------------------------------------


@pytest.mark.bad_input
def test_merged_tokens_whose_grid_is_unknown_are_refused(monkeypatch):
    """The reading of the grid is replaced: no model at hand hides it."""
    monkeypatch.setattr("calig_nb.models.token_cells._stated_grid", lambda call: None)
    for method in ("ca-lig", "occlusion", "layer-ig"):
        with pytest.raises(ValueError, match=r"the same tokens in every.*64, 64, 16, 16, 16"):
            explainer_of().explain({"pixel_values": torch.zeros(1, 3, 8, 8)}, method=method)


@pytest.mark.bad_input
def test_windows_that_cannot_be_told_are_refused_where_attention_is_needed(monkeypatch):
    """The reading of the windows is replaced: no model at hand hides them."""
    monkeypatch.setattr("calig_nb.models.token_cells._order", lambda states, taken: None)
    explainer = explainer_of()
    for method in ("ca-lig", "attention-rollout"):
        with pytest.raises(ValueError, match=r"attend from all|attention of every token to every"):
            explainer.explain(picture(), method=method)
    found = explainer.explain(picture(), method="layer-ig", tolerance=1e-6)
    assert np.abs(found.convergence_delta).max() < 1e-5
