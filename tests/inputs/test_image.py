"""Pictures: how they are read, that the patches are the right ones, and that the sums hold."""

import numpy as np
import pytest
import torch
import transformers as hf
from PIL import Image

import calig_nb as cn
from calig_nb.attribution import evidence
from calig_nb.explanation.fusion import layer_weights
from calig_nb.inputs.image import ImageReader
from calig_nb.inputs.patch_grid import blank_picture, blur
from calig_nb.inputs.text import TextReader

from ..helpers import zoo
from ..helpers.zoo import picture, processor

VITS = tuple(name for name in zoo.IMAGES if name != "swin")


def explainer_of(name, **options):
    return cn.Explainer(zoo.zoo_model(name), processor(**options))


@pytest.fixture
def explainer():
    return explainer_of("vit")


@pytest.fixture
def explanation(explainer):
    return explainer.explain(picture(), tolerance=1e-6)


# --- what an explanation of a picture is ---------------------------------------------------------


@pytest.mark.parametrize("name", VITS)
def test_every_architecture_says_what_its_tokens_are(name):
    found = explainer_of(name).explain(picture(12, 10))
    special = ["[CLS]", "[DIST]"] if name == "deit" else ["[CLS]"]
    patches = [f"row {r}, column {c}" for r in (1, 2) for c in (1, 2)]
    assert found.tokens == (*special, *patches)
    assert found.special.tolist() == [True] * len(special) + [False] * 4
    assert found.grid == (2, 2)
    assert found.text == ""
    assert not found.offsets.any()
    assert found.word_ids[~found.special].tolist() == [0, 1, 2, 3]
    assert found.sentence_ids[~found.special].tolist() == [0, 0, 1, 1]
    assert (found.word_ids[found.special] == -1).all()
    assert (found.sentence_ids[found.special] == -1).all()
    assert found.converged.all()
    assert found.words == tuple(patches)


@pytest.mark.parametrize("name", VITS)
def test_every_layer_sums_to_the_change_of_the_score(name):
    found = explainer_of(name).explain(picture(), tolerance=1e-7)
    assert abs(found.convergence_delta).max() <= 1e-5 * abs(found.score - found.baseline_score)


def test_registers_are_special_tokens():
    config = hf.Dinov2WithRegistersConfig(
        **zoo.IMAGE_OPTIONS, **zoo.PATCHES, mlp_ratio=2, num_register_tokens=3, num_labels=3
    )
    model = zoo.rough(hf.Dinov2WithRegistersForImageClassification(config))
    found = cn.Explainer(model, processor()).explain(picture())
    assert found.tokens[:4] == ("[CLS]", "[REG 1]", "[REG 2]", "[REG 3]")
    assert found.grid == (2, 2)


def test_the_picture_is_shown_as_the_model_saw_it():
    reader = explainer_of("vit", do_resize=False).engine.reader
    assert np.array_equal(reader.read(picture()).image, np.asarray(picture()))
    wide = explainer_of("vit").explain(picture(40, 20))
    assert wide.image.shape == (8, 8, 3)
    assert np.array_equal(wide.image, np.asarray(picture(40, 20).resize((8, 8), Image.BILINEAR)))


def test_a_grid_need_not_be_square():
    config = hf.ViTConfig(**zoo.IMAGE_OPTIONS, image_size=(8, 12), patch_size=4, num_labels=3)
    reader = hf.ViTImageProcessor(size={"height": 8, "width": 12})
    torch.manual_seed(0)
    model = zoo.rough(hf.ViTForImageClassification(config))
    found = cn.Explainer(model, reader).explain(picture())
    assert found.grid == (2, 3)
    assert found.tokens[-1] == "row 2, column 3"


def test_a_patch_that_alone_decides_has_the_evidence():
    """A model that reads one patch's brightness and no more: the map must lie there."""
    for place in range(4):

        class One(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.vit = zoo.zoo_model("vit").vit
                self.head = torch.nn.Linear(16, 2).double()

            def forward(self, pixel_values, place=place):
                hidden = self.vit(pixel_values).last_hidden_state
                return self.head(hidden[:, 1 + place])

        model = One().eval()
        for block in model.vit.modules():  # nothing travels between patches
            if type(block).__name__ == "ViTAttention":
                for weight in block.parameters():
                    torch.nn.init.zeros_(weight)
        found = cn.Explainer(model, processor()).explain(picture(), method="ig")
        assert np.flatnonzero(found.attributions).tolist() == [1 + place]


# --- ViT-MAE -------------------------------------------------------------------------------------


def mae(**options):
    torch.manual_seed(0)
    return zoo.rough(zoo.vit_mae(**options))


def test_the_map_of_a_shuffling_model_is_in_the_pictures_order():
    model = mae()
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        found.append(cn.Explainer(model, processor()).explain(picture()))
    for noise in ([0.0, 1, 2, 3], [3.0, 2, 1, 0], [2.0, 0, 3, 1]):
        given = mae(noise=torch.tensor([noise]))
        found.append(cn.Explainer(given, processor()).explain(picture()))
    for one in found[1:]:
        np.testing.assert_array_equal(one.layer_attributions, found[0].layer_attributions)
        np.testing.assert_array_equal(one.attention_relevance, found[0].attention_relevance)


def test_a_shuffling_model_agrees_with_the_vit_of_the_same_weights():
    model = mae()
    config = hf.ViTConfig(**zoo.IMAGE_OPTIONS, **zoo.PATCHES, num_labels=3, layer_norm_eps=1e-12)
    vit = hf.ViTForImageClassification(config).double()
    vit.vit.load_state_dict(model.encoder.state_dict())

    class Headed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vit, self.head = vit.vit, model.head

        def forward(self, pixel_values):
            hidden = self.vit(pixel_values).last_hidden_state
            return self.head(torch.tanh(hidden[:, 0]))

    a, b = (
        cn.Explainer(m.eval(), processor()).explain(picture(), target=1) for m in (model, Headed())
    )
    np.testing.assert_allclose(a.layer_attributions, b.layer_attributions, atol=1e-9)
    np.testing.assert_allclose(a.attention_relevance, b.attention_relevance, atol=1e-6)


def test_the_shuffle_is_put_back():
    model = mae()
    cn.Explainer(model, processor()).explain(picture())
    assert not any("random_masking" in vars(module) for module in model.modules())
    pixels = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
    orders = {tuple(model.encoder(pixels).ids_restore[0].tolist()) for _ in range(20)}
    assert len(orders) > 1


@pytest.mark.bad_input
def test_a_masking_model_is_refused():
    model = mae()
    model.encoder.config.mask_ratio = 0.5
    with pytest.raises(ValueError, match=r"mask_ratio is 0.5.*Set config.mask_ratio = 0"):
        cn.Explainer(model, processor()).explain(picture())


# --- what may be given ---------------------------------------------------------------------------


def test_every_form_of_a_picture_reads_alike(explainer, tmp_path):
    own = picture()
    own.save(tmp_path / "one.png")
    array = np.asarray(own)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    forms = {
        "path": tmp_path / "one.png",
        "text": str(tmp_path / "one.png"),
        "uint8": array,
        "one of a batch": array[None],
        "int64": array.astype(np.int64),
        "fractions": array / 255,
        "tensor": tensor,
        "fractions in a tensor": tensor / 255,
        "half": (tensor / 255).double()[None],
        "palette": own.quantize(256),
        "opaque": own.convert("RGBA"),
        "with transparency": np.dstack([array, np.full((8, 8), 255, dtype=np.uint8)]),
        "processed": processor()(own, return_tensors="pt"),
    }
    expected = explainer.engine.reader.read(own).model_inputs["pixel_values"]
    for name, form in forms.items():
        assert explainer.engine.reader.is_single(form), name
        found = explainer.engine.reader.read(form).model_inputs["pixel_values"]
        if name == "palette":
            assert found.shape == expected.shape
        else:
            torch.testing.assert_close(found, expected, msg=name)


def test_grey_pictures_have_three_channels_alike(explainer):
    grey = picture().convert("L")
    for form in (grey, np.asarray(grey), np.asarray(grey)[..., None], np.asarray(grey) > 100):
        pixels = explainer.engine.reader.read(form).model_inputs["pixel_values"]
        assert torch.equal(pixels[:, 0], pixels[:, 1])
        assert torch.equal(pixels[:, 0], pixels[:, 2])


def test_what_is_transparent_is_white(explainer):
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (explainer.engine.reader.read(clear).image == 255).all()


def test_a_picture_lies_as_its_camera_was_held(explainer, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture().save(tmp_path / "one.png", exif=exif)
    upright = explainer.engine.reader.read(picture().rotate(180))
    assert np.array_equal(explainer.engine.reader.read(tmp_path / "one.png").image, upright.image)


def test_one_in_one_out_and_a_list_for_a_list(explainer):
    pictures = [picture(seed=seed) for seed in range(3)]
    single = [explainer.explain(one) for one in pictures]
    assert all(isinstance(one, cn.Explanation) for one in single)
    batch = np.stack([np.asarray(one) for one in pictures])
    for together in (pictures, batch, torch.from_numpy(batch).permute(0, 3, 1, 2)):
        for got, expected in zip(explainer.explain(together), single, strict=True):
            np.testing.assert_allclose(
                got.layer_attributions, expected.layer_attributions, atol=1e-9
            )
    table = explainer.predict(pictures)
    assert table["picture"].tolist() == ["picture 0", "picture 1", "picture 2"]
    assert table["label"].tolist() == [one.labels[np.argmax(one.probabilities)] for one in single]


def test_a_plain_callable_processes_too(explainer):
    def own(opened):
        assert isinstance(opened, Image.Image)
        return (torch.from_numpy(np.array(opened)).permute(2, 0, 1) / 255 - 0.5) / 0.5

    found = cn.Explainer(zoo.zoo_model("vit"), own).explain(picture())
    np.testing.assert_allclose(
        found.layer_attributions, explainer.explain(picture()).layer_attributions, atol=1e-6
    )
    low, high = found.image.min(), found.image.max()
    assert (low, high) == (0, 255)  # stretched: a callable does not say how it normalised


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ("A text.", ValueError, "this model reads pictures. Got the text 'A text.'"),
        (3, TypeError, "inputs must be a PIL image.*got int: 3"),
        (b"bytes", TypeError, "got bytes"),
        (np.zeros((8, 8, 2)), ValueError, r"got shape \(8, 8, 2\)"),
        (np.zeros((0, 8, 3)), ValueError, r"at least one pixel, got shape \(0, 8, 3\)"),
        (np.zeros(8), ValueError, r"got shape \(8,\)"),
        (np.full((8, 8, 3), np.nan), ValueError, "fractions from 0 to 1, got values from nan"),
        (np.full((8, 8, 3), -1.0), ValueError, "from -1 to -1.*{'pixel_values': tensor}"),
        (np.full((8, 8, 3), 300), ValueError, "whole numbers from 0 to 255"),
        (np.full((8, 8), "a"), ValueError, "whole numbers from 0 to 255"),
        (Image.new("I;16", (8, 8)), ValueError, "mode 'I;16'.*convert"),
        (Image.new("F", (8, 8)), ValueError, "mode 'F'"),
        ({"pixels": 1}, TypeError, "must become pixel values.*got NoneType"),
        ({"pixel_values": torch.zeros(1, 1, 8, 8)}, ValueError, r"got \(1, 1, 8, 8\)"),
        ({"pixel_values": torch.zeros(2, 3, 8, 8)}, ValueError, r"got \(2, 3, 8, 8\)"),
        ({"pixel_values": torch.full((1, 3, 8, 8), torch.nan)}, ValueError, "not finite"),
        ({"pixel_values": torch.zeros(1, 3, 8, 8, dtype=int)}, ValueError, "torch.int64"),
    ],
)
def test_what_is_no_picture_is_refused(explainer, given, error, says):
    with pytest.raises(error, match=says):
        explainer.explain(given)


@pytest.mark.bad_input
def test_what_is_no_picture_in_a_file_is_refused(explainer, tmp_path):
    (tmp_path / "one.png").write_text("no picture")
    with pytest.raises(ValueError, match="a picture that can be opened"):
        explainer.explain(tmp_path / "one.png")
    with pytest.raises(ValueError, match=r"inputs\[1\] must be .*which is no file"):
        explainer.explain([picture(), "nothing.png"])
    with pytest.warns(UserWarning, match="is no file"):
        found = explainer.explain([picture(), "nothing.png"], on_error="skip")
    assert found[0] is not None
    assert found[1] is None


@pytest.mark.bad_input
def test_pixels_of_another_size_than_the_models_are_refused(explainer):
    with pytest.raises(ValueError, match="size"):
        explainer.explain({"pixel_values": torch.zeros(1, 3, 16, 16)})


@pytest.mark.bad_input
def test_a_picture_for_a_model_of_texts_is_refused(tokenizer):
    with pytest.raises(TypeError, match="inputs must be a text"):
        cn.Explainer(zoo.tiny_model("bert"), tokenizer).explain(picture())


# --- baselines -----------------------------------------------------------------------------------


def test_baselines_are_pictures(explainer):
    own = explainer.engine.reader.read(picture())
    pixels = own.model_inputs["pixel_values"]
    expected = {
        "zero": torch.zeros_like(pixels),
        "mean": pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels),
        "blur": blur(pixels, 0.8),
    }
    for name, other in expected.items():
        found = explainer.explain(picture(), baselines=name, target=1, tolerance=1e-6)
        given = explainer.explain(picture(), baselines=other, target=1, tolerance=1e-6)
        np.testing.assert_allclose(found.layer_attributions, given.layer_attributions, atol=1e-9)
        logits = explainer.engine.model.predict({"pixel_values": other})
        assert np.isclose(found.baseline_score, logits[0, 1].item())
        assert np.ptp(found.baseline_scores) < 1e-9  # one picture, the same at every layer
        assert given.config["baselines"] == "another picture"
    assert explainer.explain(picture()).config["baselines"] == "mid-grey"
    for other in (picture(seed=5), np.asarray(picture(seed=5))):
        by_picture = explainer.explain(picture(), baselines=other, target=1)
        assert by_picture.config["baselines"] == "another picture"


def test_a_blur_keeps_what_is_flat_and_spreads_what_is_not():
    flat = torch.full((1, 3, 9, 12), 0.3)
    torch.testing.assert_close(blank_picture(flat, "blur"), flat)
    point = torch.zeros(1, 3, 31, 31, dtype=torch.float64)
    point[..., 15, 15] = 1
    spread = blur(point, 2.0)
    assert torch.isclose(spread.sum(), torch.tensor(3.0, dtype=torch.float64))
    steps = torch.arange(31) - 15.0
    variance = (spread[0, 0].sum(dim=0) * steps**2).sum()
    assert abs(variance - 4) < 0.1


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("baselines", "says"),
    [
        ("mask", r"one of \['zero', 'mean', 'blur'\].*got 'mask'"),
        (torch.zeros(1, 3, 4, 4), r"shape \(1, 3, 8, 8\) here, got \(1, 3, 4, 4\)"),
        (torch.zeros(1, 3, 8, 8, dtype=int), "of torch.int64"),
    ],
)
def test_other_baselines_are_refused(explainer, baselines, says):
    with pytest.raises(ValueError, match=says):
        explainer.explain(picture(), baselines=baselines)


# --- methods, and what follows -------------------------------------------------------------------


@pytest.mark.parametrize("method", cn.methods().index)
def test_every_method_explains_a_picture(explainer, method):
    found = explainer.explain(picture(), method=method)
    assert found.attributions.shape == (5,)
    assert np.abs(found.attributions).sum() > 0
    assert found.grid == (2, 2)


def test_occlusion_replaces_one_patch_at_a_time(explainer):
    found = explainer.explain(picture(), method="occlusion", baselines="mean", target=2)
    own = explainer.engine.reader.read(picture())
    whole = explainer.engine.model.predict(own.model_inputs)[0, 2]
    for token in range(1, 5):
        deleted = np.arange(5) == token
        other = explainer.engine.reader.delete_units(own, deleted, "mean")
        lost = whole - explainer.engine.model.predict(other)[0, 2]
        assert np.isclose(found.layer_attributions[0, token], lost.item())


def test_deleted_patches_are_replaced_in_their_places(explainer):
    own = explainer.engine.reader.read(picture())
    pixels = own.model_inputs["pixel_values"]
    deleted = np.array([True, False, True, False, False])  # [CLS] stays; row 1, column 2
    for how in ("mean", "blur", "zero"):
        other = explainer.engine.reader.delete_units(own, deleted, how)["pixel_values"]
        changed = (other != pixels).any(dim=1)[0]
        assert changed[:4, 4:].all()
        assert not changed[4:].any()
        assert not changed[:, :4].any()
        torch.testing.assert_close(other[..., :4, 4:], blank_picture(pixels, how)[..., :4, 4:])


def test_integrated_gradients_of_every_layer_agree_with_captum(explainer):
    captum = pytest.importorskip("captum.attr")
    found = explainer.explain(picture(), target=1, n_steps=40)
    model, own = explainer.engine.model.model, explainer.engine.reader.read(picture())
    pixels = own.model_inputs["pixel_values"]
    layers = [model.vit.embeddings, *zoo.zoo_blocks(model, "vit")]
    for row, layer in zip(found.layer_attributions, layers, strict=True):
        method = captum.LayerIntegratedGradients(lambda x: model(x).logits, layer)
        value = method.attribute(
            pixels, torch.zeros_like(pixels), target=1, n_steps=40, method="gausslegendre"
        )
        value = value[0] if isinstance(value, tuple) else value
        np.testing.assert_allclose(row, value.sum(dim=-1)[0].detach(), atol=1e-7)


def test_a_picture_is_saved_and_loaded(explanation, tmp_path):
    explanation.save(tmp_path / "one.safetensors")
    back = cn.load(tmp_path / "one.safetensors")
    assert np.array_equal(back.image, explanation.image)
    assert back.grid == explanation.grid
    assert np.array_equal(back.attributions, explanation.attributions)
    assert back.words == explanation.words


def test_another_class_and_heads_are_asked_of_the_same_picture(explainer, explanation):
    other = explanation.ask(2, None)
    expected = explainer.explain(picture(), target=2, tolerance=1e-6)
    np.testing.assert_allclose(other.layer_attributions, expected.layer_attributions, atol=1e-9)
    heads = explanation.heads(1)
    np.testing.assert_allclose(heads.mean(axis=0), explanation.attention_relevance[1], atol=1e-6)


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_the_layers_of_pictures_are_weighed_by_the_square(explainer):
    found = explainer.explain([picture(seed=1), picture(seed=2)])
    rows = [e.layer_attributions for e in found], [e.special for e in found]
    for n, one in enumerate(found):
        own = layer_weights(rows[0][n : n + 1], rows[1][n : n + 1], patches=True)
        np.testing.assert_allclose(one.layer_weights, own)
    fresh = explainer_of("vit")
    got = fresh.calibrate([picture(seed=1), picture(seed=2)])
    np.testing.assert_allclose(got, layer_weights(*rows, patches=True))
    assert np.abs(got - layer_weights(*rows)).max() > 1e-3


@pytest.mark.filterwarnings("ignore:Layer weights")
def test_pictures_are_calibrated_kept_and_evaluated(explainer, tmp_path):
    pictures = [picture(seed=seed) for seed in range(4)]
    weights = explainer.calibrate(pictures)
    found = explainer.explain(pictures[0])
    assert np.array_equal(found.layer_weights, weights)
    assert found.config["calibration"] == "layer weights from 4 pictures of this model"
    table = cn.evaluate(
        explainer, pictures, methods=["ca-lig", "ig"], deletion=["mean", "blur"], n_resamples=20
    )
    assert table.texts == ("picture 0", "picture 1", "picture 2", "picture 3")
    assert np.isfinite(table.values[..., 0]).all()
    kept = cn.Explainer(zoo.zoo_model("vit"), processor(), cache=tmp_path)
    first, again = (kept.explain(pictures[0]) for _ in range(2))
    assert np.array_equal(first.layer_attributions, again.layer_attributions)
    assert np.array_equal(first.image, again.image)
    assert kept.cache.size > 0


def test_a_saved_explanation_is_checked_by_its_model(explainer, explanation, tmp_path):
    assert explanation.check(random=5).words == 4
    explanation.save(tmp_path / "one.safetensors")
    assert cn.load(tmp_path / "one.safetensors").check(explainer, random=5).deletion == "mean"


def test_many_patches_keep_attention_fused_with_the_same_result(explainer, monkeypatch):
    written = explainer.explain(picture(), target=1, tolerance=1e-6)
    monkeypatch.setattr(evidence, "EAGER_TOKENS", 2)
    fused = explainer.explain(picture(), target=1, tolerance=1e-6)
    for name in ("layer_attributions", "attention_relevance"):
        np.testing.assert_allclose(getattr(fused, name), getattr(written, name), atol=1e-6)


def test_the_map_follows_the_weights(explainer):
    found = cn.sanity(explainer, [picture(seed=seed) for seed in range(2)], methods=["ca-lig"])
    assert "ca-lig" in found.text


def test_who_reads_is_told_by_the_processor(explainer, tokenizer):
    assert isinstance(explainer.engine.reader, ImageReader)
    assert isinstance(cn.Explainer(zoo.tiny_model("bert"), tokenizer).engine.reader, TextReader)
    with pytest.raises(TypeError, match="must be the model's tokenizer"):
        cn.Explainer(zoo.tiny_model("bert"), print)
