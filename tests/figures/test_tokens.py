"""The twin of the token view: what it says, and that nothing runs over."""

import dataclasses
import warnings
from io import BytesIO
from xml.dom import minidom

import numpy as np
import pytest
from matplotlib.colors import to_hex

from calig_nb.figures import THEMES, comparison_figure
from calig_nb.widgets.wire import meta

from ..helpers.hostile_texts import HOSTILE, hostile


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [3.0, 7.0, 12.0])
@pytest.mark.parametrize("granularity", ["word", "token", "sentence", "passage"])
def test_nothing_leaves_the_page(explanation, theme, width, granularity):
    figure = explanation.figure(theme=theme, width=width, granularity=granularity)
    figure.draw_without_rendering()
    page = figure.bbox
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text.get_text()
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text.get_text()


def test_it_says_the_numbers_of_the_explanation(explanation):
    words = " ".join(texts(explanation.figure(width=12)))
    assert f"opposes {explanation.target_name}" in words
    assert f"supports {explanation.target_name}" in words
    assert f"{explanation.supporting.sum():.2f} supporting" in words
    top = explanation.top(1)
    assert f"{abs(top['attributions'][0]):.2f}" in words
    at_layer = " ".join(texts(explanation.figure(layer=1, width=12)))
    weight = explanation.layer_weights[1]
    assert f"All tokens at this layer, before its weight {weight:.2f}" in at_layer


def test_bars_stand_for_the_words_in_sign_and_size(explanation):
    figure = explanation.figure(width=12)
    frame = explanation.to_frame("word")
    values = frame["attributions"].to_numpy()
    largest = np.abs(values[~frame["special"]]).max()
    shares = np.clip(values / largest, -1, 1)
    drawn = [u for u in range(len(shares)) if abs(shares[u]) >= 0.03]
    bars = [p for p in figure.axes[0].patches if str(p.get_label()).startswith("word ")]
    assert [bar.get_label() for bar in bars] == [f"word {u}" for u in drawn]
    colours = THEMES["light"]
    heights = np.array([bar.get_height() for bar in bars])
    tallest = heights.max() / np.abs(np.round(shares[drawn], 2)).max()
    np.testing.assert_allclose(heights / tallest, np.abs(np.round(shares[drawn], 2)))
    for bar, u in zip(bars, drawn):
        assert (bar.get_hatch() is None) == (shares[u] > 0)
        assert to_hex(bar.get_facecolor()) == colours.bar(shares[u])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("view", ["tokens", "flow", "rollout", "workbench", "comparison"])
def test_hostile_text_is_written_into_every_file(explanation, view, tmp_path):
    odd = hostile(explanation)
    if view == "comparison":
        figure = comparison_figure([odd, odd.with_lam(0)], [HOSTILE[0], "\ud800\0"])
    else:
        figure = odd.figure(view, granularity="token")
    for kind in ("png", "pdf", "svg"):
        figure.savefig(tmp_path / f"odd.{kind}")
    page = minidom.parse(str(tmp_path / "odd.svg"))
    for name in ("script", "a", "img", "foreignObject"):
        assert not page.getElementsByTagName(name)
    written = (tmp_path / "odd.pdf").read_bytes()
    for name in (b"/JavaScript", b"/JS", b"/URI", b"/OpenAction", b"/Launch"):
        assert name not in written


def test_text_is_drawn_as_it_stands(explanation):
    hostile = "$\\frac{1}{0}$ <img src=x onerror=alert(1)>"
    tokens = (*explanation.tokens[:-2], hostile, explanation.tokens[-1])
    odd = dataclasses.replace(explanation, tokens=tokens)
    figure = odd.figure(granularity="token")
    figure.draw_without_rendering()
    assert "$\\frac{1}{0}$" in texts(figure)


def test_a_long_text_stays_on_the_page_and_warns_of_nothing(explainer):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = explainer.explain("The plot is thin . " * 9).figure(width=4)
        figure.draw_without_rendering()
    assert figure.get_size_inches()[1] > 3


def test_a_cell_shows_it_without_pyplot(explanation):
    assert explanation.figure()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"theme": "sepia"}, r"theme must be one of \('light', 'dark'\), got 'sepia'"),
        ({"layer": 9}, "layer must be None or lie between 0 and 2, got 9"),
        ({"width": 0}, "width must lie between 2 and 50 inches, got 0"),
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"lam": -1}, r"lam must lie in \[0, 1\], got -1"),
        ({"granularity": "page"}, "granularity must be one of"),
    ],
)
def test_bad_options_are_named(explanation, options, message):
    with pytest.raises(ValueError, match=message):
        explanation.figure(**options)


@pytest.mark.bad_input
def test_an_unknown_option_is_named(explanation):
    with pytest.raises(TypeError, match=r"no option \['colour'\]; options are \['lam', 'layer'"):
        explanation.figure(colour="red")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("view", ["tokens", "flow", "rollout", "workbench"])
@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_same_state_is_written_as_the_same_bytes(explanation, view, kind):
    def written():
        into = BytesIO()
        explanation.figure(view, selected=[4], matrix=True).savefig(into, format=kind)
        return into.getvalue()

    first = written()
    assert first == written()
    if kind == "svg":
        assert b"<dc:date>" not in first
        # Only the film's small matrices are pictures.
        assert (b"<image" in first) == (view in ("rollout", "workbench"))


def test_the_second_of_two_texts_lies_on_a_band(explainer):
    one = explainer.explain({"text": "A fine film.", "text_pair": "Is it dull?"})
    band = THEMES["light"].band

    def bands(found):
        (axes,) = found.figure(width=7).axes
        return [p for p in axes.patches if to_hex(p.get_facecolor()) == band]

    (own,) = bands(one)
    wide = own.get_width()
    assert wide > 40 and not bands(explainer.explain("A fine film. Is it dull?"))
    (wider,) = bands(explainer.explain({"text": "A fine film.", "text_pair": "Is it dull, dull?"}))
    assert wider.get_width() > wide
    first, *_ = np.flatnonzero(meta(one)["second"])
    assert one.text[one.offsets[first][0] :] == "Is it dull?"
