"""The Python side of the view of a picture: its wire, its selection, its twins, what it refuses.

Traits that begin with an underscore (``_meta``, ``_picture``) are the wire itself.
"""

import base64
import dataclasses
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import anywidget
import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

import calig_nb as cn
from calig_nb import widgets
from calig_nb.figures.options import State
from calig_nb.figures.scene.patch_map import PatchMap, drain_colours
from calig_nb.figures.scene.scene import scene_of
from calig_nb.widgets import wire
from calig_nb.widgets.patch_view import encode_picture

from ..helpers.made_up_pictures import drawing, explained_picture

STATIC = Path(widgets.__file__).parent / "static"


@pytest.fixture
def picture():
    return explained_picture()


def test_the_wire_carries_the_picture_and_its_grid(picture):
    view = cn.PatchView(picture)
    meta = json.loads(json.dumps(view._meta, allow_nan=False))
    assert (meta["grid"], meta["size"]) == ([8, 8], [96, 96])
    sent = np.asarray(Image.open(io.BytesIO(view._picture)).convert("RGB"))
    np.testing.assert_array_equal(sent, picture.image)
    r = np.frombuffer(view._r, "<f4").reshape(7, 65)
    np.testing.assert_array_equal(r, picture.layer_attributions.astype("f4"))


def test_a_large_picture_is_sent_small():
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    content = encode_picture(noise)
    found = Image.open(io.BytesIO(content))
    assert found.format == "JPEG" and found.size == (512, 384)
    assert len(content) < 300 * 1024
    assert encode_picture(drawing(600, 600))[:4] == b"\x89PNG"


def test_the_first_state_stays_small():
    own = explained_picture((24, 24), layers=12, image=drawing(384, 384))
    state = cn.PatchView(own).get_state()
    binary = sum(len(v) for v in state.values() if isinstance(v, bytes))
    plain = {k: v for k, v in state.items()
             if not isinstance(v, bytes) and k not in ("_esm", "_css")}  # fmt: skip
    assert binary + len(json.dumps(plain, default=str)) <= 300 * 1024


def test_a_picture_is_shown_by_its_own_view(picture):
    assert isinstance(picture.show(), cn.PatchView)
    assert isinstance(picture.show("workbench", layer=2), cn.PatchView)
    assert isinstance(picture.show("patches"), cn.PatchView)
    assert isinstance(picture.show("flow"), cn.RelevanceFlow)
    assert isinstance(picture.show("rollout"), cn.RolloutView)
    data, _ = picture._repr_mimebundle_()
    assert data["text/plain"] == f"PatchView({picture!r})"


@pytest.mark.bad_input
def test_what_the_views_refuse(picture, explanation):
    with pytest.raises(ValueError, match=r"PatchView draws a picture.* of a text: use TokenView"):
        cn.PatchView(explanation)
    for view in ("tokens", cn.TokenView, cn.Workbench):
        with pytest.raises(ValueError, match=r"draws a text.* of a picture: use PatchView"):
            view(picture) if callable(view) else picture.show(view)
    with pytest.raises(ValueError, match=r"'patches' draws a picture.* of a text: use 'tokens'"):
        explanation.figure("patches")
    with pytest.raises(ValueError, match=r"'tokens' draws a text.* of a picture: use 'patches'"):
        picture.figure("tokens")
    with pytest.raises(TypeError, match=r"PatchView must be given an Explanation, got ndarray"):
        cn.PatchView(picture.image)
    with pytest.raises(ValueError, match=r"opacity must lie between 0 and 1, got 2"):
        picture.figure(opacity=2)
    with pytest.raises(TraitError):
        cn.PatchView(picture, opacity=-0.1)
    with pytest.raises(TraitError, match="granularity"):
        cn.PatchView(picture, granularity="word")


def test_the_selection_is_patches_and_pixels(picture):
    view = picture.show(selected=[0, 22, 14])
    chosen = view.selection
    assert chosen.indices == (0, 14, 22)
    assert chosen.tokens == ("[CLS]", "row 2, column 6", "row 3, column 6")
    assert chosen.patches == ((1, 5), (2, 5))
    expected = np.zeros((96, 96), bool)
    expected[12:36, 60:72] = True
    np.testing.assert_array_equal(chosen.mask, expected)
    assert len(chosen.to_frame()) == 3
    assert chosen.attributions == pytest.approx(picture.attributions[[0, 14, 22]].sum())
    assert repr(chosen) == "Selection('[CLS]', 'row 2, column 6', 'row 3, column 6')"
    view.selected = []
    assert view.selection.patches == () and not view.selection.mask.any()


def test_the_mask_follows_a_grid_that_does_not_divide_the_picture():
    own = explained_picture((3, 2), image=drawing(10, 7))
    mask = own.show(selected=[1, 6]).selection.mask
    assert mask.shape == (10, 7)
    assert mask[0, 0] and mask[9, 6] and not mask[0, 6] and not mask[9, 0]


def test_the_state_holds_the_opacity(picture):
    view = picture.show(opacity=0.5, selected=[4])
    assert view.state == "opacity=0.5;selected=4;target=1"
    view.state = "target=0;lam=0.25"
    assert (view.opacity, view.lam, view.target, view.selected) == (0.7, 0.25, 0, [])


def test_the_bundle_reads_what_python_sends(picture):
    view = cn.PatchView(picture)
    bundle = (STATIC / "patches.js").read_text(encoding="utf8")
    wire = Path(__file__).parents[2] / "widgets_js/src/evidence/wire.js"
    read = {*re.findall(r"\bmeta\.(\w+)", wire.read_text("utf8")), "grid", "size"}
    assert len(read) > 20 and read <= set(view._meta)
    shared = (view.traits(sync=True).keys() - anywidget.AnyWidget.class_traits().keys()
              - {"_esm", "_css", "_anywidget_id"})  # fmt: skip
    assert [name for name in shared if f'"{name}"' not in bundle] == []


def test_another_class_is_asked_for_and_its_picture_stays(picture):
    other = dataclasses.replace(picture, target=0, labels=("moon", "sun"))
    source = SimpleNamespace(explain_again=lambda target, contrast: other)
    asked = dataclasses.replace(picture, source=source, config={})
    view = asked.show()
    before = view._picture
    view.target = 0
    assert view._meta["target"] == 0 and view._meta["grid"] == [8, 8]
    assert view._picture == before


@pytest.mark.parametrize("channel", ["net", "supporting", "opposing"])
@pytest.mark.parametrize("layer", [None, 3])
def test_the_links_are_column_and_row_of_the_rollout(picture, channel, layer):
    scene = scene_of(picture, State(selected=[22], layer=layer, channel=channel))
    links = PatchMap(scene).links([22])
    if layer is None:
        pair = [picture.rollout(channel=side) - np.eye(65) for side in ("supporting", "opposing")]
    else:
        alone = dataclasses.replace(
            picture, layer_weights=np.where(np.arange(6) == layer, picture.layer_weights, 0)
        )
        pair = [alone.rollout(channel=side) - np.eye(65) for side in ("supporting", "opposing")]
    shown = {"net": pair[0] - pair[1], "supporting": pair[0], "opposing": -pair[1]}[channel]
    np.testing.assert_allclose(links.gave, shown[:, 22], atol=1e-12)
    np.testing.assert_allclose(links.received, shown[22], atol=1e-12)


def test_supporting_less_opposing_is_net(picture):
    frames = {
        channel: PatchMap(scene_of(picture, State(channel=channel))).frames
        for channel in ("net", "supporting", "opposing")
    }
    assert frames["net"].shape == (7, 65)
    np.testing.assert_allclose(frames["net"], frames["supporting"] + frames["opposing"], atol=1e-9)
    assert (frames["supporting"] >= 0).all() and (frames["opposing"] <= 0).all()


def test_the_picture_is_whole_without_a_map_and_grey_below_it():
    image = drawing(20, 20)
    np.testing.assert_array_equal(drain_colours(image, 0, "#ffffff"), image)
    grey = drain_colours(image, 1, "#ffffff")
    assert (np.ptp(grey, axis=-1) <= 1).all() and grey.min() > image.min()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_is_drawn_in_any_state(picture, theme, tmp_path):
    for state in ({}, {"selected": [22], "layer": 0}, {"play": 2.5}, {"play": 6}, {"target": 0}):
        for width in (3.6, 7, 12):
            figure = picture.figure(width=width, theme=theme, **state)
            assert figure.get_size_inches()[0] == pytest.approx(width)
    for kind in ("svg", "pdf", "png"):
        figure.savefig(tmp_path / f"one.{kind}")
    bad = picture.layer_attributions.copy()
    bad[1, 22] = np.nan
    holed = dataclasses.replace(picture, layer_attributions=bad).figure()
    assert "number" in [text.get_text() for text in holed.axes[0].texts]


def test_the_picture_in_its_stead_says_what_is_seen(picture):
    story, draw = cn.PatchView(picture, selected=[22]).describe()
    assert story.sentence.startswith(
        "Why sun (92.0 %)? “row 3, column 6” supports sun most (+0.34)"
    )
    assert story.sentence.endswith("A picture of 96 × 96 pixels, in 8 × 8 patches.")
    assert len(story.rows) == 5
    from calig_nb.widgets.static_output import render_png

    content = render_png(draw())
    assert content == render_png(draw()) and len(content) < 200_000


def test_the_page_brings_its_own_bundle(picture, tmp_path):
    path = picture.to_html(tmp_path / "one.html", selected=[22])
    page = path.read_text(encoding="utf8")
    assert "<title>Why sun? A picture</title>" in page and "8 × 8 patches" in page
    assert (STATIC / "patches.css").read_text(encoding="utf8").strip() in page
    data = json.loads(re.search(r'id="calig-data">(.*?)</script>', page).group(1))
    carried = {"/".join(map(str, path)): base64.b64decode(text) for path, text in data["bytes"]}
    assert carried["_picture"] == cn.PatchView(picture)._picture
    assert data["traits"]["_view"] == "patches" and data["traits"]["selected"] == [22]
    assert page == (picture.to_html(tmp_path / "two.html", selected=[22])).read_text("utf8")


def test_it_survives_a_file(picture, tmp_path):
    picture.save(tmp_path / "one.safetensors")
    view = cn.load(tmp_path / "one.safetensors").show()
    assert isinstance(view, cn.PatchView)
    assert view._picture == cn.PatchView(picture)._picture
    assert wire.matrices(picture)[2] == wire.matrices(view.explanation)[2]


def test_a_real_picture_is_shown_asked_again_and_checked():
    import transformers as hf

    from ..helpers import zoo

    shape = {"height": 8, "width": 8}
    explainer = cn.Explainer(zoo.zoo_model("vit"), hf.ViTImageProcessor(size=shape))
    own = explainer.explain(drawing(8, 8))
    view = own.show()
    assert isinstance(view, cn.PatchView) and view._meta["grid"] == [2, 2]
    view.target = (own.target + 1) % len(own.labels)
    assert view._error == "" and view.explanation.target == view.target
    sent = []
    view.send = lambda content, buffers: sent.append(content)
    view._handle_custom_msg({"kind": "check", "lam": 0.5}, [])
    (said,) = sent
    assert "error" not in said and "λ = 0.50" in said["text"]
