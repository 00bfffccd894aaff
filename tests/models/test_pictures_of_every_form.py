"""Models of pictures that are no plain ViT: explained on one grid, or refused with the reason."""

import pytest
import torch
import transformers as hf

from calig_nb import Explainer

from ..helpers.layer_paths import layer_attributions
from ..helpers.zoo import picture, processor, rough

SIDE = 32
STAGES = {"hidden_sizes": [8, 8, 16, 16], "num_attention_heads": [1, 1, 2, 2], "num_labels": 3}
METHODS = ("layer-ig", "ca-lig")


def built(name, config, **options):
    """A random model whose class is named, no vector of it zero."""
    torch.manual_seed(3)
    user = getattr(hf, f"{name}ForImageClassification")(getattr(hf, config)(**options))
    user = rough(user)
    with torch.no_grad():
        for parameter in user.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2)
    return user


def segformer():
    return built(
        "Segformer", "SegformerConfig", depths=[1, 1, 1, 2], sr_ratios=[1, 1, 1, 1], **STAGES
    )


def pvt():
    return built(
        "Pvt", "PvtConfig", image_size=SIDE, depths=[1, 1, 1, 2],
        sequence_reduction_ratios=[1, 1, 1, 1], **STAGES,
    )  # fmt: skip


def pixels_and_baseline():
    pixels = processor(SIDE)(images=picture(SIDE, SIDE), return_tensors="pt")["pixel_values"]
    own = {"pixel_values": pixels.double()}
    return own, {"pixel_values": torch.zeros_like(own["pixel_values"])}


def explain(user, **options):
    explainer = Explainer(user, processor(SIDE), cache=False, **options.pop("at", {}))
    return explainer.explain(picture(SIDE, SIDE), target=1, **options)


def assert_equal(got, expected, tolerance=1e-6):
    error = abs(got - expected).sum() / abs(expected).sum()
    assert error < tolerance, error


def test_stages_whose_lists_are_told_rows_and_columns_are_explained_whole():
    """Segformer: the tokens of a finer stage count to the cell of the last in which they lie."""
    user = segformer()
    members = [m for m in user.modules() if type(m).__name__ == "SegformerLayer"]
    assert len(members) == 5
    found = explain(user, method="layer-ig", n_steps=24)
    assert found.grid == (1, 1)
    own, baseline = pixels_and_baseline()
    sides = [8, 4, 2, 1, 1, 1]
    by_token = layer_attributions(user, members, own, baseline, 1, 24, ragged=True)
    for layer, (values, side) in enumerate(zip(by_token, sides, strict=True)):
        assert values.shape == (side * side,)
        assert_equal(found.layer_attributions[layer], values.sum(keepdims=True))


def test_tokens_of_a_stage_go_to_their_cells():
    """With two cells a side: rows and columns of tokens are halved from stage to stage."""
    user = segformer()
    members = [m for m in user.modules() if type(m).__name__ == "SegformerLayer"]
    side = 2 * SIDE
    reader = processor(side)
    explainer = Explainer(user, reader, cache=False)
    found = explainer.explain(picture(side, side), target=1, method="layer-ig", n_steps=24)
    assert found.grid == (2, 2)
    pixels = reader(images=picture(side, side), return_tensors="pt")["pixel_values"].double()
    own, other = {"pixel_values": pixels}, {"pixel_values": torch.zeros_like(pixels)}
    by_token = layer_attributions(user, members, own, other, 1, 24, ragged=True)
    for values, layer in zip(by_token, found.layer_attributions, strict=True):
        rows = int(len(values) ** 0.5)
        cells = values.reshape(2, rows // 2, 2, rows // 2).sum(axis=(1, 3)).flatten()
        assert_equal(layer, cells)


def test_attention_may_be_listed_stage_by_stage():
    """PVT v2, whose own stages are no chain: their lists of blocks are one."""
    user = built(
        "PvtV2", "PvtV2Config", image_size=SIDE, depths=[1, 1, 1, 2], sr_ratios=[1, 1, 1, 1],
        **STAGES,
    )  # fmt: skip
    members = [m for m in user.modules() if type(m).__name__ == "PvtV2BlockLayer"]
    found = explain(user, method="layer-ig", n_steps=24)
    expected = layer_attributions(user, members, *pixels_and_baseline(), 1, 24, ragged=True)
    sums = [one.sum(keepdims=True) for one in expected]
    for got, own in zip(found.layer_attributions, sums, strict=True):
        assert_equal(got, own)


@pytest.mark.bad_input
def test_where_stages_cannot_be_joined_the_last_one_that_is_named_is_explained():
    """PVT adds [CLS] in its last stage."""
    user = pvt()
    with pytest.raises(ValueError, match=r"same tokens in every layer") as caught:
        explain(user)
    path = str(caught.value).partition('blocks="')[2].partition('"')[0]
    assert path == "pvt.encoder.block.3"
    found = explain(user, at={"blocks": path}, method="layer-ig", n_steps=24)
    members = [m for m in user.modules() if type(m).__name__ == "PvtLayer"][-2:]
    expected = layer_attributions(user, members, *pixels_and_baseline(), 1, 24)
    assert_equal(found.layer_attributions, expected)


CONVOLUTIONAL = {
    "ResNet": ("ResNetConfig", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [2, 2]}),
    "PoolFormer": (
        "PoolFormerConfig",
        {"hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "patch_sizes": [7, 3, 3, 3]},
    ),
    "MobileNetV1": ("MobileNetV1Config", {"depth_multiplier": 0.25, "image_size": SIDE}),
    "ConvNext": (
        "ConvNextConfig",
        {"hidden_sizes": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "image_size": SIDE},
    ),
}


@pytest.mark.bad_input
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_a_convolutional_network_has_no_tokens(name, method):
    config, options = CONVOLUTIONAL[name]
    user = built(name, config, num_labels=3, **options)
    with pytest.raises(
        ValueError, match=r"maps of shape \(1, .*a convolutional network has no tok"
    ):
        explain(user, method=method)


@pytest.mark.bad_input
@pytest.mark.parametrize("method", METHODS)
def test_latents_that_fill_a_square_are_no_patches(method):
    config = hf.PerceiverConfig(
        num_latents=16, d_latents=16, d_model=16, num_blocks=1, num_self_attends_per_block=2,
        num_self_attention_heads=2, num_cross_attention_heads=2, image_size=SIDE, num_labels=3,
    )  # fmt: skip
    torch.manual_seed(3)
    user = rough(hf.PerceiverForImageClassificationLearned(config))
    with pytest.raises(ValueError, match=r"of the 16 places .* latents, or in another order"):
        explain(user, method=method)


@pytest.mark.bad_input
def test_tokens_in_another_order_are_not_laid_on_the_picture():
    """Hiera's are ordered by the units that it masks."""
    user = built(
        "Hiera", "HieraConfig", embed_dim=8, image_size=[SIDE, SIDE], depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2], num_labels=3,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"not the one of a patch.* in another order"):
        explain(user)


@pytest.mark.bad_input
def test_ready_patches_are_refused():
    class Patches:
        model_input_names = ("pixel_values", "pixel_attention_mask", "spatial_shapes")

        def __call__(self, images, return_tensors=None):
            ready = torch.zeros(1, 4, 192)
            return {
                "pixel_values": ready,
                "spatial_shapes": torch.tensor([[2, 2]]),
            }

    user = built("ViT", "ViTConfig", hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                 intermediate_size=24, image_size=8, patch_size=4, num_labels=3)  # fmt: skip
    with pytest.raises(ValueError, match=r"cuts the patches itself.*ready patches cannot be exp"):
        Explainer(user, Patches(), cache=False).explain(picture())
