"""Parts of a text against classes."""

import numpy as np
import pytest

import calig_nb as cn

SENTENCES = ["The plot is thin.", "But the acting is superb!", "A good film."]
TEXT = " ".join(SENTENCES)


@pytest.fixture
def every(explainer):
    return explainer.explain(TEXT, target=[0, 1, 2])


def test_a_row_is_a_sentence_and_a_column_a_class(every):
    found = cn.by_class(every)
    assert [unit.text for unit in found.units] == SENTENCES
    for i, one in enumerate(every):
        for row, unit in zip(found.values, found.units):
            assert row[i] == pytest.approx(one.attributions[list(unit.tokens)].sum())
    assert found.probabilities.sum() == pytest.approx(1)


def test_in_units_of_the_scores_a_column_sums_to_what_the_score_gained(every):
    found = cn.by_class(every, "word", layer=0)
    for i, one in enumerate(every):
        own = one.layer_attributions[0, ~one.special].sum()
        assert found.values[:, i].sum() == pytest.approx(own)
    assert found.in_scores


def test_the_table_names_the_class_that_is_supported_most(every):
    found = cn.by_class(every)
    table = found.to_frame()
    for row, said in zip(found.values, table["supports"]):
        assert said == (found.names[row.argmax()] if row.max() > 0 else "")
    assert list(found.to_frame(2).index) == sorted(found.to_frame(2).index)
    strongest = np.abs(found.values).max(axis=1).argmax()
    assert list(found.to_frame(1).index) == [strongest]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_has_a_bar_for_each_cell(every, theme):
    found = cn.by_class(every)
    figure = found.figure(theme=theme)
    labels = [artist.get_label() for artist in figure.findobj()]
    for row in range(len(found.units)):
        for i in range(3):
            assert f"row {row} {i}" in labels
    said = [t.get_text() for t in figure.findobj() if hasattr(t, "get_text")]
    assert set(found.names) <= set(said)
    assert found._repr_png_().startswith(b"\x89PNG")


@pytest.mark.bad_input
def test_what_cannot_be_set_side_by_side_is_said(every, explainer):
    with pytest.raises(TypeError, match="must be a list of Explanations, one for each class"):
        cn.by_class(every[0])
    with pytest.raises(TypeError, match=r"explain\(text, target=\[…\]\) gives it"):
        cn.by_class([1, 2])
    with pytest.raises(ValueError, match="must hold at least one"):
        cn.by_class([])
    with pytest.raises(ValueError, match="must be of different classes"):
        cn.by_class([every[0], every[0]])
    with pytest.raises(ValueError, match="must all be of one text"):
        cn.by_class([every[0], explainer.explain("A good film", target=1)])
    with pytest.raises(ValueError, match="layer must be None or lie between 0 and 3, got 4"):
        cn.by_class(every, layer=4)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        cn.by_class(every).to_frame(0)
    with pytest.raises(ValueError, match="granularity must be one of"):
        cn.by_class(every, "line")
