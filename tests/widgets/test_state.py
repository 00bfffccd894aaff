"""The state of a view: traits, and the string that brings another reader to the same place."""

import pytest
import traitlets
from traitlets import TraitError

import calig_nb as cn

VIEWS = [cn.Workbench, cn.TokenView, cn.RelevanceFlow]


@pytest.mark.parametrize("view_class", VIEWS)
def test_every_option_is_set_read_observed_and_linked(view_class, explanation):
    values = {
        "selected": [4, 5], "layer": 1, "lam": 0.25, "channel": "opposing", "theme": "dark",
        "granularity": "passage", "span": (2, 9), "play": 1.5, "heads": True, "zoom": [0, 1, 4],
        "target": explanation.target,
    }  # fmt: skip
    view, other = view_class(explanation), view_class(explanation)
    seen = []
    view.observe(lambda change: seen.append(change["name"]), list(values))
    for name, value in values.items():
        traitlets.link((view, name), (other, name))
        setattr(view, name, value)
        assert getattr(other, name) == value
    assert seen == [name for name in values if name != "target"]
    assert view_class(explanation, **values).state == view.state


def test_the_string_restores_everything_and_puts_the_rest_at_rest(explanation):
    target = explanation.target
    view = explanation.show(selected=[4, 9], lam=0.35, layer=0, span=(2, 12), granularity="token")
    text = view.state
    assert text == f"granularity=token;lam=0.35;layer=0;selected=4,9;span=2,12;target={target}"
    other = explanation.show("tokens", channel="opposing", theme="dark", play=2)
    other.state = text
    assert other.state == text
    assert (other.channel, other.play, other.theme) == ("net", None, "dark")
    assert (other.heads, other.zoom) == (False, [])  # which a string of an earlier version lacks
    other.state = f" target={target} ; lam=1 "
    assert (other.selected, other.span, other.lam) == ([], None, 1.0)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no target"),
        ("lam=0.2", "names no target"),
        ("nonsense", "cannot be read at 'nonsense'"),
        ("target=1;theme=dark", "cannot be read at 'theme=dark'"),
        ("target=1;target=0", "each name once"),
        ("target=one", "target must be an int"),
        ("target=1;lam=nan", "lam must be a float"),
        ("target=1;granularity=page", "granularity must be any of"),
        ("target=1;span=3", "span must be a tuple"),
        ("target=1;selected=1,x", "selected must be a list"),
        ("target=1;layer=99", "does not fit this view: layer must be None or lie between"),
        ("target=1;span=9,2", "does not fit this view: span must be None or"),
        ("target=1;lam=3", r"does not fit this view: lam must lie in \[0, 1\]"),
        ("target=77", "does not fit this view: target must lie between"),
        (7, "state must be a string, got 7"),
    ],
)
def test_a_bad_string_is_refused_and_changes_nothing(explanation, text, message):
    view = explanation.show(selected=[3], lam=0.4)
    before = view.state
    with pytest.raises(ValueError, match=message):
        view.state = text
    assert view.state == before


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"span": (5, 99)}, "span must be None or"),
        ({"span": (-1, 4)}, "span must be None or"),
        ({"zoom": [1, 2]}, r"zoom must be \[\] or \[row, column, side\]"),
        ({"zoom": [0, 0, 0]}, "the side at least 1, got"),
        ({"zoom": [99, 0, 4]}, "whole numbers between 0 and"),
        ({"play": 9.0}, "play must be None or lie between 0 and 3, got 9.0"),
        ({"granularity": "page"}, "granularity"),
    ],
)
def test_values_out_of_range_are_named(explanation, wrong, message):
    with pytest.raises(TraitError, match=message):
        cn.Workbench(explanation, **wrong)


@pytest.mark.bad_input
def test_what_a_comparison_does_not_draw_is_no_state_of_it(explanation):
    with pytest.raises(TypeError, match=r"Comparison has no option \['channel'\]"):
        cn.Comparison([explanation, explanation.with_lam(0.1)], channel="net")
