"""What is seen without a kernel: a picture, a sentence and a table that survive any host."""

import base64
import html
import io
import logging
import re
import warnings

import bleach
import matplotlib.figure
import nbformat
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

import calig_nb as cn
from calig_nb.explanation import summary
from calig_nb.widgets import static_output as fallback

from ..helpers.hostile_texts import HOSTILE
from ..helpers.zoo import SENTENCE

WIDGET = "application/vnd.jupyter.widget-view+json"
VIEWS = ["workbench", "tokens", "flow", "rollout"]
GITHUB_TAGS = """
h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table
thead tbody tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary
details caption figure figcaption abbr bdo cite dfn mark small source span time wbr
""".split()
GITHUB_ATTRIBUTES = """
abbr align alt border char charoff charset cols colspan compact dir headers height hspace label
lang rows rowspan scope size span start summary tabindex title type valign value vspace width
""".split()


def shown(thing):
    """The outputs that a cell ends with."""
    InteractiveShell.instance()
    with capture_output() as captured:
        thing._ipython_display_()
    return [(made.data, made.metadata) for made in captured.outputs]


def picture(markup):
    data = re.search(r'src="data:image/png;base64,([^"]+)"', markup).group(1)
    return Image.open(io.BytesIO(base64.b64decode(data)))


def alt(markup):
    return html.unescape(re.search(r'alt="([^"]*)"', markup).group(1))


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_leaves_a_picture_a_sentence_and_a_table(explanation, view):
    (live, _), (static, _) = shown(explanation.show(view))
    assert WIDGET in live and live["text/plain"].endswith(f"({explanation!r})")
    assert WIDGET not in static
    markup = static["text/html"]
    assert picture(markup).width == fallback.WIDTH * 1.5
    strongest = explanation.top(1)
    for told in (alt(markup), static["text/plain"]):
        assert f"“{strongest['word'][0]}”" in told
        assert f"Why {explanation.target_name} (" in told
        assert SENTENCE in told
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", markup)
    assert strongest["word"][0] in cells
    value = strongest["attributions"][0]
    assert f"{value:+.2f}".replace("-", "−") in cells


def test_the_explanation_itself_shows_as_its_workbench_does(explanation):
    assert shown(explanation)[1] == shown(explanation.show())[1]


def test_the_sentence_counts_all_tokens_and_names_both_sides(explanation):
    story = summary.story_of_one(explanation, "word", None)
    total = re.search(r": (\S+) in all", story.sentence).group(1)
    assert total == f"{explanation.attributions.sum():+.2f}".replace("-", "−")
    frame = explanation.to_frame("word").query("not special")
    for sign, verb in ((1, "supports"), (-1, "opposes")):
        side = frame[sign * frame["attributions"] > 0]
        best = (sign * side["attributions"]).idxmax()
        assert f"“{side['word'][best]}” {verb} {explanation.target_name} most" in story.sentence


def test_what_is_chosen_is_what_is_told(explanation):
    view = explanation.show("tokens", layer=1, lam=0.2, granularity="token")
    story, _ = view.describe()
    assert "Layer 1, λ = 0.20" in story.sentence
    assert story != explanation.show("tokens").describe()[0]
    against = cn.TokenView(explanation)
    assert "rather than" not in against.describe()[0].sentence


def test_a_comparison_tells_the_largest_difference(explainer):
    pair = [
        explainer.explain(SENTENCE, target=0),
        explainer.explain(SENTENCE.replace("superb", "bad"), target=0),
    ]
    compared = cn.Comparison(pair, ["this", "that"])
    (_, _), (static, _) = shown(compared)
    frame = compared.to_frame().query("not special")
    first = frame.loc[frame["difference"].abs().idxmax()]
    assert f"Largest difference: “{first['word']}”" in alt(static["text/html"])
    assert static["text/plain"].startswith("this: LABEL_0 ")
    assert "superb → bad" in static["text/html"]


def test_the_same_again_is_the_same_bytes(explanation):
    both = cn.Comparison([explanation] * 2, ["a", "b"])
    for thing in (explanation, explanation.show("flow"), both):
        assert shown(thing)[1] == shown(thing)[1]


@pytest.mark.parametrize("view", VIEWS)
def test_it_can_be_switched_off(explanation, view):
    assert len(shown(explanation.show(view, static=False))) == 1
    view = explanation.show(view)
    view.static = False
    assert len(shown(view)) == 1
    assert "static" not in view.state


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text(explanation, text, monkeypatch):
    import dataclasses

    tokens = list(explanation.tokens)
    tokens[1] = text
    odd = dataclasses.replace(
        explanation,
        text=text,
        tokens=tuple(tokens),
        offsets=np.clip(explanation.offsets, 0, len(text)),
        labels=("<b>no</b>", text, "perhaps"),
    )
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda *a, **k: 1 / 0)
    for thing in (odd.show("tokens", granularity="token"), cn.Comparison([odd, odd], [text, "b"])):
        static = shown(thing)[1][0]
        markup = static["text/html"]
        tags = set(re.findall(r"<\s*/?\s*([a-z]+)", markup))
        assert tags <= {"div", "link", "p", "table", "thead", "tbody", "tr", "th", "td"}
        assert not re.search(r"<[^>]*\son\w+\s*=", markup)
        assert len(markup) < 6000 and "\x00" not in markup + static["text/plain"]
        assert not re.search("[\u202a-\u202e]", markup + static["text/plain"])


def test_a_picture_that_cannot_be_drawn_says_so_and_loses_nothing(explanation, monkeypatch):
    view = explanation.show()
    monkeypatch.setattr(type(view), "figure", lambda *a, **k: 1 / 0)
    (_, _), (static, _) = shown(view)
    assert "could not be drawn: division by zero" in static["text/html"]
    assert "Why " in static["text/html"] and "<td" in static["text/html"]


def test_nothing_comes_between_the_live_view_and_its_picture(explanation, monkeypatch, caplog):
    """Fonts are complained of on standard error: an output of its own, and views hide the next."""
    view, draw = explanation.show(), cn.Workbench.figure

    def complaining(self, **state):
        logging.getLogger("matplotlib.font_manager").warning("no bold")
        warnings.warn("Glyph 9 missing", stacklevel=1)
        return draw(self, **state)

    monkeypatch.setattr(cn.Workbench, "figure", complaining)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert len(shown(view)) == 2
    assert not caplog.records and not warned
    logging.getLogger("matplotlib.font_manager").warning("as before")
    assert len(caplog.records) == 1


def test_numbers_that_are_not_finite_are_left_out(explanation):
    import dataclasses

    r = np.full_like(explanation.layer_attributions, np.nan)
    story = summary.story_of_one(
        dataclasses.replace(explanation, layer_attributions=r), "word", None
    )
    assert "Nothing supports" in story.sentence and "– in all" in story.sentence


def test_a_long_text_is_drawn_in_sentences(explanation):
    class Long:
        def units(self, grain):
            return range({"token": 900, "word": 700, "sentence": 40, "passage": 9}[grain])

    assert summary.legible_granularity([Long()], "word") == "sentence"
    assert summary.legible_granularity([Long()], "passage") == "passage"
    assert summary.legible_granularity([explanation], "token") == "token"


def test_it_survives_a_sanitiser_as_strict_as_githubs(explanation):
    """Its tags and attributes by its published rules; no style, class, link or script."""
    static = shown(explanation)[1][0]
    left = bleach.clean(
        static["text/html"],
        tags=GITHUB_TAGS,
        attributes={"*": GITHUB_ATTRIBUTES, "img": ["src"]},
        protocols=["http", "https", "data"],
        strip=True,
    )
    assert "class" not in left and "style" not in left and "calig-static" not in left
    assert picture(left).size == picture(static["text/html"]).size
    assert alt(left) == static["text/plain"]
    assert left.count("<td") == static["text/html"].count("<td") > 4
    assert re.sub(r"<[^>]+>|\s", "", left) == re.sub(r"<[^>]+>|\s", "", static["text/html"])


@pytest.mark.full
def test_twenty_explanations_fit_into_a_notebook(explainer):
    cell = nbformat.v4.new_code_cell("explanation")
    words = "plot thin acting superb good bad film".split()
    for i in range(20):
        text = " ".join(words[(i + j) % len(words)] for j in range(40)) + "."
        for data, metadata in shown(explainer.explain(text)):
            cell.outputs.append(nbformat.v4.new_output("display_data", data, metadata=metadata))
    size = len(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])).encode())
    assert 200_000 < size < 5_000_000


# In which order a host looks for what it can show, as its sources say (read, not run).
ORDERS = {
    "JupyterLab": [WIDGET, "text/html", "image/png", "text/plain"],
    "VS Code": [WIDGET, "text/html", "image/png", "text/plain"],
    "nbconvert, and GitHub by it": ["text/html", "image/png", "text/plain"],
    "Colab": [WIDGET, "text/html", "image/png", "text/plain"],
    "a terminal": ["text/plain"],
}


@pytest.mark.parametrize("host", ORDERS)
def test_each_host_finds_what_it_can_show(explanation, host):
    def choose(data, live):
        return next(m for m in ORDERS[host] if m in data and (live or m != WIDGET))

    (view, _), (static, _) = shown(explanation)
    best = ORDERS[host][0]
    assert choose(view, live=True) == (WIDGET if best == WIDGET else "text/plain")
    assert choose(view, live=False) == "text/plain"
    assert choose(static, live=False) == ("text/plain" if best == "text/plain" else "text/html")


def test_marimo_is_given_the_live_view(explanation):
    """It asks `_display_`, and shows anywidgets itself; `_ipython_display_` it does not ask."""
    assert isinstance(explanation._display_(), cn.Workbench)
