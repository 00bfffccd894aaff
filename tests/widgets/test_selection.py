"""What is selected in a view, read in Python."""

import pytest

import calig_nb as cn

VIEWS = [cn.Workbench, cn.TokenView, cn.RelevanceFlow, cn.RolloutView]


@pytest.mark.parametrize("view_class", VIEWS)
def test_the_selection_gives_tokens_spans_and_a_table(view_class, explanation):
    chosen = sorted(range(len(explanation.tokens)), key=lambda t: explanation.tokens[t] == "superb")
    view = view_class(explanation, selected=[chosen[-1], 0])
    selection = view.selection
    assert selection.indices == (0, chosen[-1])
    assert selection.tokens == ("[CLS]", "superb")
    assert selection.texts == ("superb",)
    ((start, end),) = selection.spans
    assert explanation.text[start:end] == "superb"
    frame = selection.to_frame()
    assert frame["token"].tolist() == ["[CLS]", "superb"]
    assert selection.attributions == pytest.approx(frame["attributions"].sum())
    assert repr(selection) == "Selection('superb')"


def test_pieces_of_one_word_are_one_span(explainer):
    explanation = explainer.explain("superbly thin")
    pieces = [t for t, word in enumerate(explanation.word_ids) if word == 0]
    assert len(pieces) > 1
    assert explanation.show(selected=pieces).selection.texts == ("superbly",)


def test_nothing_selected_is_empty(explanation):
    selection = cn.RolloutView(explanation).selection
    assert len(selection) == 0 and selection.spans == () and len(selection.to_frame()) == 0


def test_it_follows_the_lambda_of_the_view(explanation):
    view = cn.RolloutView(explanation, selected=[4])
    view.lam = 1.0
    assert view.selection.attributions == explanation.with_lam(1.0).attributions[4]
