"""The twin of the token view: what it says, and that nothing runs over."""

import dataclasses
import warnings

import numpy as np
import pytest

from calig_nb.figures import THEMES


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [3.0, 7.0, 12.0])
@pytest.mark.parametrize("granularity", ["word", "token", "sentence"])
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
    assert "in units of the score" in " ".join(texts(explanation.figure(layer=1, width=12)))


def test_bars_stand_for_the_words_in_sign_and_size(explanation):
    figure = explanation.figure(width=12)
    values = explanation.to_frame("word").query("not special")["attributions"].to_numpy()
    drawn = values[np.abs(values) >= 0.03 * np.abs(values).max()]
    bars = figure.axes[0].patches[: len(drawn)]
    colours = THEMES["light"]
    heights = np.array([bar.get_height() for bar in bars])
    np.testing.assert_allclose(heights / heights.max(), np.abs(drawn) / np.abs(drawn).max())
    for bar, value in zip(bars, drawn):
        assert (bar.get_hatch() is None) == (value > 0)
        from matplotlib.colors import to_hex

        assert to_hex(bar.get_facecolor()) == (colours.supports if value > 0 else colours.opposes)


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
        ({"layer": 9}, "layer must be None or lie between 0 and 3, got 9"),
        ({"width": 0}, "width must lie between 2 and 50 inches, got 0"),
        ({"k": 0}, "k must be at least 1, got 0"),
        ({"lam": -1}, r"lam must lie in \[0, 1\], got -1"),
        ({"granularity": "page"}, "granularity must be one of"),
    ],
)
def test_bad_options_are_named(explanation, options, message):
    with pytest.raises(ValueError, match=message):
        explanation.figure(**options)
