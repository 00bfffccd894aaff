"""Every figure as a file: its fonts, its text, and names that would be formulas."""

import dataclasses
import re
from io import BytesIO
from xml.dom import minidom

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_pdf import PdfPages

import calig_nb as cn
from calig_nb.evaluation.result import Evaluation
from calig_nb.evaluation.sanity import Sanity
from calig_nb.figures import comparison_figure, patch_comparison_figure

from ..helpers.made_up_pictures import explained_picture

SCRIPTS = ("映画は退屈", "фильм", "ταινία", "الفيلم", "סרט", "ፊልሙ", "फ़िल्म", "영화", "😀", "∑≠√")
FORMULAS = ("$\\frac{$", "_a_b^{c}$x$", "\\textbf{%&#~}")
LONG = "W" * 5_000


def named(explanation, names):
    """The explanation with these as labels and method, and as words where they are short."""
    count, classes = len(explanation.tokens), len(explanation.labels)
    tokens = [names[i % len(names)][:100] for i in range(count)]
    ends = np.cumsum([len(text) + 1 for text in tokens])
    return dataclasses.replace(
        explanation,
        text=" ".join(tokens),
        tokens=tuple(tokens),
        labels=tuple(names[i % len(names)] + "₁" * (i >= len(names)) for i in range(classes)),
        offsets=np.stack([ends - [len(text) + 1 for text in tokens], ends - 1], axis=1),
        config={**explanation.config, "method": names[0]},
    )


def evaluation(names):
    methods = (*names, "random")
    values = np.random.default_rng(0).normal(0, 1, (4, len(methods), 2))
    ones = np.ones((4, len(methods)))
    return Evaluation(
        texts=tuple("abcd"), targets=tuple("xxxx"), methods=methods,
        metrics=("comprehensiveness", "sufficiency"), values=values, passes=ones, seconds=ones,
        config={}, n_resamples=20,
    )  # fmt: skip


def sanity(names):
    m = len(names)
    return Sanity(
        texts=("a", "b"), methods=names, depths=("as trained", "head", "embeddings"),
        signed=np.ones((2, m, 3)), unsigned=np.ones((2, m, 3)), other_class=np.zeros((2, m)),
        changes=np.zeros((2, m, 3)),
    )  # fmt: skip


FIGURES = {
    **{
        view: lambda e, names, view=view: named(e, names).figure(view, selected=[2], matrix=True)
        for view in ("tokens", "workbench", "rollout", "flow")
    },
    "comparison": lambda e, names: comparison_figure(
        [named(e, names), named(e, names).with_lam(0)], names[:2]
    ),
    "patches": lambda _, names: dataclasses.replace(explained_picture(), labels=names[:2]).figure(),
    "patch_comparison": lambda _, names: patch_comparison_figure(
        [dataclasses.replace(explained_picture(seed=s), labels=names[:2]) for s in (0, 1)],
        names[:2],
    ),
    "by_class": lambda e, names: cn.by_class(
        [dataclasses.replace(named(e, names), target=c) for c in (0, 1)], "word"
    ).figure(),
    "evaluation": lambda _, names: evaluation(names).figure(),
    "sanity": lambda _, names: sanity(names).figure(),
}


def written(figure, kind, **options):
    into = BytesIO()
    figure.savefig(into, format=kind, **options)
    return into.getvalue()


def fonts(pdf):
    return set(re.findall(rb"/Subtype /(Type3|Type1|TrueType|CIDFontType\d)", pdf))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FIGURES)
def test_fonts_are_embedded_as_truetype(explanation, name):
    before = dict(mpl.rcParams)
    assert fonts(written(FIGURES[name](explanation, ("film", "é|", "x")), "pdf")) == {
        b"CIDFontType2"
    }
    assert dict(mpl.rcParams) == before


def test_so_are_those_of_other_scripts(explanation):
    assert fonts(written(FIGURES["tokens"](explanation, SCRIPTS), "pdf")) == {b"CIDFontType2"}


@pytest.mark.full
def test_and_those_of_postscript(explanation):
    eps = written(explanation.figure(), "eps")
    assert b"/FontType 42" in eps and b"/FontType 3" not in eps


def test_pages_of_one_pdf_are_written_as_their_file_is(explanation):
    """A file of many pages embeds its fonts when it is closed, by its own setting."""
    into = BytesIO()
    with PdfPages(into) as pages:
        pages.savefig(explanation.figure())
    alone = BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(alone) as pages:
        pages.savefig(explanation.figure())
    kinds = [
        set(re.findall(rb"/Subtype /(Type3|CIDFontType2)", f.getvalue())) for f in (into, alone)
    ]
    assert kinds == [{b"Type3"}, {b"CIDFontType2"}]


def test_a_picture_for_the_web_holds_its_text_where_it_is_asked_for(explanation):
    figure = named(explanation, ("superb", "a\0b\ufffe\ud800")).figure()
    outlines, text = written(figure, "svg"), written(figure, "svg", svg_text=True)
    page = minidom.parseString(text)
    words = [node.firstChild.data for node in page.getElementsByTagName("text")]
    assert "superb" in words and "a\ufffdb\ufffd\ufffd" in words
    assert b"<text" not in outlines


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_drawn_as_they_stand(explanation, name):
    """Also where the user has LaTeX write what matplotlib draws."""
    with mpl.rc_context({"text.usetex": True, "axes.formatter.use_mathtext": True}):
        figure = FIGURES[name](explanation, FORMULAS)
        figure.canvas.draw()
    said = [t for t in figure.findobj(mpl.text.Text) if any(f in t.get_text() for f in FORMULAS)]
    assert said and not any(t.get_parse_math() or t.get_usetex() for t in said)
    everything = " ".join(t.get_text() for t in figure.findobj(mpl.text.Text))
    assert FORMULAS[0] in everything and FORMULAS[1] in everything


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", FIGURES)
def test_long_names_are_cut_and_stay_on_the_page(explanation, name):
    figure = FIGURES[name](explanation, (LONG, f"V{LONG}", f"\u202e{LONG}"))
    figure.canvas.draw()
    assert max(figure.get_size_inches()) < 200
    with mpl.rc_context({"text.hinting": "none"}):  # as it is written
        for text in figure.findobj(mpl.text.Text):
            if "W" in text.get_text():
                box = text.get_window_extent()
                assert -2 <= box.x0 <= box.x1 <= figure.bbox.x1 + 2, text.get_text()[:60]
