"""Explained pictures side by side: rows, wire, state, what is refused, and the twin's colours.

Traits that begin with an underscore (``_items``) are the wire itself.
"""

import dataclasses
import io
import json
import re
from pathlib import Path

import anywidget
import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

import calig_nb as cn
from calig_nb import widgets
from calig_nb.explanation.comparison import align, difference, names_of, same_input
from calig_nb.figures import THEMES, comparison_figure, patch_comparison_figure
from calig_nb.figures.options import State
from calig_nb.figures.patch_comparison import columns_of
from calig_nb.figures.scene.comparison import compare
from calig_nb.figures.scene.patch_comparison import ComparedPictures, pictures_story
from calig_nb.figures.scene.story import text_of
from calig_nb.widgets import PatchComparison
from calig_nb.widgets.static_output import render_png

from ..helpers.made_up_pictures import drawing, explained_picture

STATIC = Path(widgets.__file__).parent / "static"
SUN = 22


def method(name, seed, **more):
    """The same picture by another method."""
    own = explained_picture(seed=seed, **more)
    return dataclasses.replace(own, config={**own.config, "method": name})


@pytest.fixture
def two():
    return [explained_picture(), method("gradient-x-input", 1)]


@pytest.fixture
def apart():
    return [explained_picture(), explained_picture((6, 4), seed=2)]


def pictured(explanations, **state):
    names = names_of(explanations)
    return ComparedPictures(compare(explanations, names, State(granularity="token", **state)))


# What corresponds


def test_patches_correspond_by_their_place(two):
    assert align(two, "token") == tuple(((n,), (n,)) for n in range(65))
    one, other = (e.attributions for e in two)
    found = difference(two, "token")
    np.testing.assert_allclose(found.difference, other - one)
    assert found.texts[SUN] == ("row 3, column 6",) * 2
    assert found.special.sum() == 1


def test_patches_of_another_grid_have_no_counterpart(apart):
    rows = align(apart, "token")
    assert rows[0] == ((0,), (0,)) and len(rows) == 1 + 64 + 24
    assert sum(all(row) for row in rows) == 1
    assert rows[1] == ((1,), ()) and rows[65] == ((), (1,))


def test_pictures_are_the_same_where_their_pixels_are(two):
    assert same_input(*two)
    image = two[1].image.copy()
    image[0, 0] += 1
    assert not same_input(two[0], dataclasses.replace(two[1], image=image))
    assert not same_input(two[0], explained_picture(image=drawing(40, 40)))


# The widget


def test_the_public_call_takes_pictures(two):
    view = cn.Comparison(two)
    assert isinstance(view, PatchComparison) and isinstance(view, cn.Comparison)
    assert view.names == ("CA-LIG", "gradient-x-input") and view.shared
    assert repr(view) == "Comparison(CA-LIG, gradient-x-input)"
    assert cn.Comparison(two, ["a", "b"]).names == ("a", "b")
    assert cn.Comparison([two[0], explained_picture(image=drawing(80, 80))]).names == (
        "picture 1", "picture 2",
    )  # fmt: skip
    assert cn.Comparison(explanations=[two[0], two[0].with_lam(0.2)]).names == (
        "λ = 0.5", "λ = 0.2",
    )  # fmt: skip


def test_texts_keep_their_own_view(explanation):
    view = cn.Comparison([explanation, explanation.with_lam(0.1)])
    assert not isinstance(view, PatchComparison) and view.bundle == "calig"


def test_the_wire_carries_each_picture_once(two):
    other = explained_picture(image=drawing(80, 120), seed=4)
    items = cn.Comparison([two[0], two[1], other])._items
    assert [item["_again"] for item in items] == [False, True, False]
    assert [bool(item["_picture"]) for item in items] == [True, False, True]
    assert items[2]["_place"] == {"grid": [8, 8], "size": [80, 120]}
    assert [item["_method"] for item in items] == ["CA-LIG", "gradient-x-input", "CA-LIG"]
    sent = np.asarray(Image.open(io.BytesIO(items[0]["_picture"])).convert("RGB"))
    np.testing.assert_array_equal(sent, two[0].image)
    json.dumps([{n: v for n, v in i.items() if not isinstance(v, bytes)} for i in items],
               allow_nan=False)  # fmt: skip


def test_matrices_follow_on_request():
    large = [explained_picture((16, 16), layers=8, seed=s) for s in (0, 1)]
    view = cn.Comparison(large)
    assert [item["_matrices"] for item in view._items] == [b"", b""]
    sent = []
    view.send = lambda content, buffers: sent.append((content, len(buffers[0])))
    view._handle_custom_msg({"kind": "matrices", "item": 1}, [])
    assert sent == [({"kind": "matrices", "item": 1}, 2 * 8 * 257**2)] or sent[0][1] == 8 * 257**2


def test_the_state_is_traits_and_a_string(two):
    view = cn.Comparison(two, selected=[SUN, 14], opacity=0.4, layer=2, lam=0.3)
    assert view.state == "lam=0.3;layer=2;opacity=0.4;selected=22,14"
    view.state = "opacity=0.9"
    assert (view.opacity, view.lam, view.layer, view.selected) == (0.9, None, None, [])
    for wrong in ({"opacity": 1.5}, {"selected": [65]}, {"layer": 6}, {"granularity": "word"},
                  {"theme": "blue"}):  # fmt: skip
        with pytest.raises(TraitError):
            cn.Comparison(two, **wrong)
    with pytest.raises(TypeError, match=r"has no option \['channel'\]"):
        cn.Comparison(two, channel="net")


def test_the_table_is_what_is_on_screen(two, apart):
    view = cn.Comparison(two, selected=[SUN], lam=0.2)
    frame = view.to_frame()
    assert list(frame) == ["token", "special", "CA-LIG", "gradient-x-input", "difference"]
    expected = two[1].attributions - two[0].with_lam(0.2).attributions
    np.testing.assert_allclose(frame["difference"], expected)
    assert view.selection["token"].tolist() == ["row 3, column 6"]
    lone = cn.Comparison(apart, ["a", "b"]).to_frame()
    assert lone["difference"].notna().sum() == 1  # [CLS]
    assert (lone["a"].notna() ^ lone["b"].notna())[1:].all()


def test_the_bundle_is_small_and_keeps_the_names_that_python_knows(two):
    view = cn.Comparison(two)
    bundle = (STATIC / "patches.js").read_text(encoding="utf8")
    assert len(bundle.encode()) <= 110_000
    assert (STATIC / "patches.css").stat().st_size <= 4096
    shared = (view.traits(sync=True).keys() - anywidget.AnyWidget.class_traits().keys()
              - {"_esm", "_css", "_anywidget_id"})  # fmt: skip
    assert [name for name in shared if f'"{name}"' not in bundle] == []
    read = ["_name", "_place", "_method", "_again"]
    assert [name for name in read if not re.search(rf"[.{{,]{name}\b", bundle)] == []


@pytest.mark.bad_input
def test_what_cannot_be_compared(two, apart, explanation):
    with pytest.raises(ValueError, match=r"not both: number 0 is of a picture and number 1 of a t"):
        cn.Comparison([two[0], explanation])
    with pytest.raises(ValueError, match=r"number 0 is of a text and number 2 of a picture"):
        cn.Comparison([explanation, explanation, two[0]])
    with pytest.raises(ValueError, match=r"takes 2 to 4 explanations of pictures, got 5"):
        cn.Comparison([two[0]] * 5)
    with pytest.raises(ValueError, match=r"takes 2 to 4 explanations of pictures, got 1"):
        cn.Comparison(two[:1])
    with pytest.raises(TypeError, match=r"takes a list of explanations, got Explanation"):
        cn.Comparison(two[0])
    with pytest.raises(TypeError, match=r"takes Explanations, got ndarray as number 1"):
        cn.Comparison([two[0], two[0].image])
    with pytest.raises(ValueError, match=r"names must hold 2 names, got 1"):
        cn.Comparison(two, ["a"])
    moon = explained_picture(image=drawing(40, 40), target=0)
    with pytest.raises(ValueError, match=r"Different pictures must be .* 'sun' .* with target='su"):
        cn.Comparison([two[0], moon])
    other = dataclasses.replace(two[1], labels=("sun", "star"))
    with pytest.raises(ValueError, match=r"'sun' of 2 classes .* 'star' of 2 .*target='sun'"):
        cn.Comparison([two[0], other])
    other = dataclasses.replace(two[1], labels=("dog", "cat"))
    with pytest.raises(ValueError, match=r"'sun' of 2 classes .* They share no class"):
        cn.Comparison([two[0], other])
    cn.Comparison([two[0], dataclasses.replace(two[1], target=0)])  # two classes of one model
    with pytest.raises(ValueError, match=r"PatchComparison draws pictures.* of texts: use Compar"):
        PatchComparison([explanation, explanation.with_lam(0.1)])
    with pytest.raises(ValueError, match=r"comparison_figure draws texts.* use patch_comparison_f"):
        comparison_figure(two)
    with pytest.raises(ValueError, match=r"patch_comparison_figure draws pictures.* of texts"):
        patch_comparison_figure([explanation, explanation.with_lam(0.1)])
    for wrong, says in (
        ({"opacity": 2}, "opacity must lie between 0 and 1, got 2"),
        ({"layer": 6}, "layer must be None or lie between 0 and 5, got 6"),
        ({"selected": [99]}, "selected must hold rows .* between 0 and 64"),
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"theme": "blue"}, "theme"),
    ):
        with pytest.raises(ValueError, match=says):
            cn.Comparison(two).figure(**wrong)


# The numbers of the twin


def test_one_scale_holds_for_pictures_and_differences(two):
    p = pictured(two)
    patches = slice(1, None)
    one, other = (e.attributions[patches] for e in two)
    (difference_,) = p.differences.values()
    np.testing.assert_allclose(difference_[patches], other - one)
    assert p.limit == pytest.approx(max(np.abs(v).max() for v in (one, other, other - one)))
    signals = ("layer_attributions", "attention_relevance")
    turned = [two[0], dataclasses.replace(two[0], **{n: -getattr(two[0], n) for n in signals})]
    assert pictured(turned).limit == pytest.approx(2 * np.abs(one).max())


def test_without_a_common_grid_it_is_said_why(apart):
    p = pictured(apart)
    assert not p.shared and p.differences == {}
    assert p.lacking == [
        "No difference between picture 1 and picture 2: 8 × 8 patches there, 6 × 4 here."
    ]
    story = text_of(pictures_story(p))
    assert story.startswith("Grids of 8 × 8 and 6 × 4 patches differ")
    assert "picture 1 row 3, column 6 +0.34; picture 2 row " in story
    some = pictured([*apart, explained_picture(seed=5, image=drawing(80, 80))])
    assert list(some.differences) == [2] and len(some.lacking) == 1
    chosen = pictured(apart, selected=[SUN])
    assert text_of(pictures_story(chosen)) == "picture 1 row 3, column 6 +0.34."
    assert [chosen.sum_of(i) for i in (0, 1)] == [
        "selected: +0.34", "selected: no patch of this grid",
    ]  # fmt: skip


def test_what_is_selected_is_told_and_summed(two):
    one, other = (e.attributions for e in two)
    single = pictured(two, selected=[SUN])
    said = text_of(pictures_story(single))
    assert said.startswith("row 3, column 6 from +0.336 to +0.320, −0.016")
    chosen = [13, 14, 21, 22]
    p = pictured(two, selected=chosen)
    sums = [v[chosen].sum() for v in (one, other)]
    assert text_of(pictures_story(p)) == (
        f"4 patches: CA-LIG {sums[0]:+.3f}; gradient-x-input {sums[1]:+.3f}; "
        f"difference {sums[1] - sums[0]:+.3f}."
    ).replace("-0", "−0")
    assert p.sum_of(1, difference=True) == f"selected: {sums[1] - sums[0]:+.3f}".replace("-", "−")
    assert p.chosen(1) == chosen and p.names[SUN] == "3 · 6" and p.names[0] == "[CLS]"


@pytest.mark.parametrize(
    ("width", "count", "differences", "columns"),
    [(328, 2, 1, 1), (500, 2, 1, 2), (632, 2, 1, 3), (1168, 2, 1, 3), (1168, 2, 0, 2),
     (668, 4, 3, 2), (1168, 4, 3, 4), (668, 3, 2, 3), (100, 4, 3, 1)],
)  # fmt: skip
def test_as_many_stand_beside_each_other_as_have_room(width, count, differences, columns):
    assert columns_of(width, count, differences) == columns


# The figure


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", [{}, {"layer": 2, "opacity": 1.0}, {"lam": 0.1}], ids=str)
def test_the_figure_has_the_colours_of_its_values(two, theme, state):
    figure = cn.Comparison(two, theme=theme, **state).figure(width=9)
    p = pictured(two, **state)
    opacity = state.get("opacity", 0.7)
    shown = {f"map {i}": scene.evidence for i, scene in enumerate(p.c.scenes)}
    for label, values in {**shown, "difference 1": p.differences[1]}.items():
        t = np.clip(values[1:] / p.limit, -1, 1)
        tones = THEMES[theme].tones(t[np.abs(t) >= 0.012])
        (painted,) = (c for c in figure.axes[0].collections if c.get_label() == label)
        np.testing.assert_allclose(painted.get_facecolor()[:, :3], tones[:, :3], atol=1e-6)
        np.testing.assert_allclose(painted.get_facecolor()[:, 3], tones[:, 3] * opacity, atol=1e-6)


def test_the_figure_is_drawn_for_any_number_and_width(two, apart, tmp_path):
    four = [*two, method("ig", 2), method("attn-lrp", 3)]
    for several in (two, four[:3], four, apart, [two[0], explained_picture(image=drawing(60, 99))]):
        for width in (3.6, 7, 12):
            figure = cn.Comparison(several, selected=[SUN]).figure(width=width)
            assert figure.get_size_inches()[0] == pytest.approx(width)
    for kind in ("svg", "pdf", "png"):
        figure.savefig(tmp_path / f"one.{kind}")
    assert len(figure.axes[0].images) == 2  # the difference of two pictures lies on neither
    assert len(cn.Comparison(two).figure().axes[0].images) == 3
    bad = two[0].layer_attributions.copy()
    bad[1, SUN] = np.nan
    cn.Comparison([dataclasses.replace(two[0], layer_attributions=bad), two[1]]).figure()


# Where no kernel is


def test_the_picture_in_its_stead_says_what_differs(two, apart):
    story, draw = cn.Comparison(two).describe()
    assert story.head == ("patch", "CA-LIG", "gradient-x-input", "difference")
    assert story.sentence.startswith("CA-LIG: sun 92.0 %; gradient-x-input: sun 92.0 %. Largest d")
    assert len(story.rows) == 5 and story.rows[0][0].startswith("row ")
    content = render_png(draw())
    assert content == render_png(draw()) and len(content) < 300_000
    story, draw = cn.Comparison(apart).describe()
    assert "Grids of 8 × 8 and 6 × 4 patches share no patch" in story.sentence
    assert story.rows[0] == ("picture 1", "row 3, column 6", "+0.34")
    render_png(draw())


def test_the_page_brings_its_own_bundle(two, apart, tmp_path):
    page = cn.Comparison(two, selected=[SUN]).to_html(tmp_path / "one.html").read_text("utf8")
    assert "makes the largest difference" in page and "No word" not in page
    assert (STATIC / "patches.css").read_text(encoding="utf8").strip() in page
    data = json.loads(re.search(r'id="calig-data">(.*?)</script>', page).group(1))
    assert data["traits"]["_view"] == "comparison" and data["traits"]["selected"] == [SUN]
    where = {"/".join(map(str, path)) for path, text in data["bytes"] if text}
    assert "_items/0/_picture" in where and "_items/1/_picture" not in where
    page = cn.Comparison(apart).to_html(tmp_path / "two.html").read_text("utf8")
    assert "<title>picture 1 beside picture 2</title>" in page and "makes the" not in page
