"""The twins of the rollout matrix and of the flow: the numbers, signs and colours of the views."""

import dataclasses
import warnings

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import calig_nb as cn
from calig_nb._design import COLOURS, SIZES
from calig_nb.explanation.fusion import rollouts
from calig_nb.figures import THEMES
from calig_nb.figures.canvas import palette
from calig_nb.figures.options import State
from calig_nb.figures.rollout import reading_note
from calig_nb.figures.scene import ancestry
from calig_nb.figures.scene.matrix import Matrix, choose_named, limit_of, pool_cells
from calig_nb.figures.scene.scene import scene_of

from ..helpers.attention_heads import with_heads


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def cells(figure):
    """Left, top and colour of every cell."""
    first = next(c for c in figure.axes[0].collections if c.get_label() == "cells")
    corners = np.array([path.vertices[0] for path in first.get_paths()])
    return corners, first.get_facecolor()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_and_tones_are_those_of_the_views(theme):
    assert dataclasses.asdict(THEMES[theme]) == COLOURS[theme]
    own = {"DENSE": palette.DENSE, "EXPONENT": palette.EXPONENT, "STEPS": palette.STEPS}
    assert own == SIZES["tones"]


def test_tones_run_from_the_page_to_the_deepest():
    colours = THEMES["light"]
    tones = colours.tones([-1, 0, 1, 5])
    assert to_hex(tones[0]) == colours.opposes_deep and to_hex(tones[2]) == colours.supports_deep
    assert tones[1][3] == 0
    assert colours.tones([0.1])[0][3] == pytest.approx(0.1**0.72 / 0.72)
    np.testing.assert_array_equal(tones[2], tones[3])
    np.testing.assert_allclose(colours.tones([0.4])[0][:3], to_rgb(colours.supports))


def test_single_layers_and_the_rollout_come_from_one_generator(explanation):
    e = explanation
    args = (e.layer_attributions, e.attention_relevance, e.layer_weights, e.fusion)
    for b, rollout in enumerate(rollouts(*args)):
        np.testing.assert_allclose(rollout[0], e.rollout(b, "supporting"), rtol=1e-12)
        np.testing.assert_allclose(rollout[1], e.rollout(b, "opposing"), rtol=1e-12)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_cell_stands_at_its_place_in_its_colour(explanation, theme):
    figure = explanation.figure("rollout", granularity="token", theme=theme)
    net = explanation.rollout()
    t = net / limit_of(net)
    want = THEMES[theme].tones(t[np.abs(t) >= 0.012])
    corners, colours = cells(figure)
    np.testing.assert_allclose(colours, want, atol=1e-12)
    rows, columns = np.nonzero(np.abs(t) >= 0.012)
    assert (np.diff(corners[rows == rows[0], 0]) > 0).all()
    for a in range(len(rows) - 1):
        assert (corners[a + 1, 1] > corners[a, 1]) == (rows[a + 1] > rows[a])
        assert (corners[a + 1, 0] > corners[a, 0]) == (columns[a + 1] > columns[a])


def test_the_cell_and_its_value_are_named(explanation):
    options = {"granularity": "token", "channel": "supporting", "layer": 1}
    carried = explanation.rollout(1, "supporting") * (1 - np.eye(len(explanation.tokens)))
    into, out = (int(i) for i in np.unravel_index(carried.argmax(), carried.shape))
    figure = explanation.figure("rollout", cell=(into, out), selected=[out], **options)
    assert carried[into, out] > 0.0005
    assert f"{carried[into, out]:+.3f}" in texts(figure)
    said = " ".join(texts(figure))
    assert f"{explanation.tokens[out]} carried into" in said
    assert explanation.tokens[into] in said


def test_a_cell_that_holds_nothing_has_no_sign(explanation):
    empty = np.argwhere(explanation.rollout(1, "supporting") == 0)
    assert len(empty)
    into, out = (int(i) for i in empty[0])
    options = {"granularity": "token", "channel": "supporting", "layer": 1}
    figure = explanation.figure("rollout", cell=(into, out), selected=[out], **options)
    assert "0.000" in texts(figure)


def test_the_residual_stands_beyond_the_scale(explanation):
    plain = explanation.figure("rollout", channel="supporting", granularity="token")
    full = explanation.figure("rollout", channel="supporting", granularity="token", residual=True)
    assert len(cells(full)[0]) >= 13
    assert "13 cells are beyond the scale" in " ".join(texts(full))
    assert "beyond the scale" not in " ".join(texts(plain))


def test_one_head_by_itself(explanation):
    figure = with_heads(explanation).figure("rollout", head=1, layer=0, granularity="token")
    g = 0.5 * explanation.attention_relevance[0]
    t = g / limit_of(g)
    _, colours = cells(figure)
    np.testing.assert_allclose(colours, THEMES["light"].tones(t[np.abs(t) >= 0.012]), atol=1e-6)
    assert "A ⊙ ∂f/∂A, in units of the score" in " ".join(texts(figure))


@pytest.mark.filterwarnings("ignore:inputs holds no word")
def test_arabic_is_mirrored(explainer):
    text = "الفيلم رائع"
    corners, _ = cells(explainer.explain(text).figure("rollout", granularity="token"))
    first_row = corners[corners[:, 1] == corners[0, 1]]
    assert (np.diff(first_row[:, 0]) < 0).all()


def test_the_steps_of_a_word_sum_to_its_evidence(explanation):
    units = explanation.units("word")
    for u, unit in enumerate(units):
        found = ancestry.steps(explanation, units, u)
        own = list(unit.tokens)
        for sign, side in ((1, explanation.supporting), (-1, explanation.opposing)):
            mass = sum(step.mass for step in found if step.sign == sign)
            assert mass == pytest.approx(side[own].sum(), abs=1e-12)
        drawn = ancestry.strongest(found, u)
        reached = {(1, u), (-1, u)}
        for step in drawn:
            assert (step.sign, step.source) in reached
            reached.add((step.sign, step.goal))


def test_the_few_that_are_drawn_are_those_of_the_page():
    """The limits of both twins are the same."""
    assert {"SHARE": ancestry.SHARE, "MOST": ancestry.MOST}.items() <= SIZES["ribbons"].items()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("view", ["flow", "rollout", "workbench"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [3.0, 7.0, 12.0])
def test_nothing_leaves_the_page(explanation, view, theme, width):
    for granularity in ("word", "token", "sentence"):
        options = {"theme": theme, "width": width, "granularity": granularity, "matrix": True}
        figure = explanation.figure(view, selected=[3], **options)
        figure.draw_without_rendering()
        page = figure.bbox
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text.get_text()
            assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text.get_text()


@pytest.mark.parametrize("view", ["flow", "rollout", "workbench"])
def test_a_long_text_is_drawn_without_a_warning(explainer, view):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explainer.explain("The plot is thin . " * 9).figure(view).draw_without_rendering()
        explainer.explain("thin").figure(view).draw_without_rendering()


def test_pooling_keeps_the_strongest(rng):
    values = rng.normal(size=(7, 7))
    small = pool_cells(values, 3)
    assert small.shape == (3, 3)
    block = values[3:5, 0:3]
    assert small[1, 0] == block.flat[np.abs(block).argmax()]
    np.testing.assert_array_equal(pool_cells(values, 9), values)


def test_names_keep_their_distance():
    weights = np.array([0, 5, 4, 0, 3, 1.0])
    assert choose_named(6, 10, 10, [], weights) == [0, 1, 2, 3, 4, 5]
    assert choose_named(6, 5, 10, [2], weights) == [2, 4, 0]


@pytest.mark.parametrize("view", [cn.RolloutView, cn.RelevanceFlow, cn.TokenView, cn.Workbench])
def test_a_view_draws_what_is_on_its_screen(explanation, view):
    live = view(explanation, lam=0.2, layer=1, granularity="token", theme="dark", selected=[3])
    figure = live.figure()
    assert to_hex(figure.get_facecolor()) == THEMES["dark"].page
    assert any("λ = 0.20" in text for text in texts(figure))


def test_the_matrix_view_draws_its_matrix(explanation):
    state = {"layer": 1, "channel": "opposing", "alone": True, "granularity": "token"}
    live = cn.RolloutView(explanation, cell=[2, 5], **state)
    same = explanation.figure("rollout", cell=(2, 5), **state)
    np.testing.assert_array_equal(cells(live.figure())[1], cells(same)[1])
    said = " ".join(texts(live.figure()))
    assert "Layer 1 alone:" in said and "opposing · this layer alone" in said


def crosses(figure):
    """How many × are drawn: each is two strokes of one weight."""
    strokes = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.4 * 0.72]
    return len(strokes) / 2


def test_values_that_are_not_numbers_are_marked_and_count_as_zero(explanation):
    r, g = explanation.layer_attributions.copy(), explanation.attention_relevance.copy()
    r[1, 3], g[1, 5, 2], g[2, 4, 4] = np.nan, np.nan, np.inf
    broken = dataclasses.replace(explanation, layer_attributions=r, attention_relevance=g)
    shown = {"granularity": "token"}
    assert crosses(broken.figure("rollout", **shown)) == 3
    assert crosses(broken.figure("rollout", layer=0, **shown)) == 0
    assert crosses(broken.figure("rollout", layer=2, alone=True, **shown)) == 1
    assert crosses(broken.figure("flow", **shown)) == 3
    said = " ".join(texts(broken.figure("rollout", **shown)))
    assert "× marks 3 cells that could not be worked out whole" in said
    said = " ".join(texts(broken.figure("flow", width=10, **shown)))
    assert "3 values are not a number (layer 1, “" in said and "n/a" in said
    assert ", …): × where it would be drawn, counted as zero." in said
    said = " ".join(texts(broken.figure("rollout", width=10, cell=(5, 2), **shown)))
    assert "Not a number in layer 1: counted as zero." in said
    r[1, 3] = 0
    one = dataclasses.replace(explanation, layer_attributions=r, attention_relevance=g)
    said = " ".join(texts(one.figure("tokens", width=10, **shown)))
    first = f"“{one.tokens[2]}” → “{one.tokens[5]}”"
    assert f"2 values are not a number (layer 1, {first}, …)" in said
    r[1, 3], g[1, 5, 2], g[2, 4, 4] = 0, 0, 0
    zero = dataclasses.replace(explanation, layer_attributions=r, attention_relevance=g)
    ours, theirs = (cells(e.figure("rollout", **shown))[1] for e in (broken, zero))
    np.testing.assert_array_equal(ours, theirs)


def test_only_what_is_in_sight_is_drawn(explainer):
    long = explainer.explain("The plot is thin . " * 9)
    live = cn.Workbench(long, span=(10, 21))
    words = [u for u, unit in enumerate(long.units()) if set(unit.tokens) & set(range(10, 22))]
    figure = live.figure()
    rows, _ = cells(figure)
    columns = np.unique(np.round(rows[:, 0], 3))
    assert 0 < len(columns) <= len(words) < len(long.units())
    bars = [p.get_label() for p in figure.axes[0].patches if "word " in str(p.get_label())]
    assert bars and set(bars) <= {f"word {u}" for u in words}
    assert "tokens 11 to 22 of" in " ".join(texts(figure))


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("view", "options", "message"),
    [
        ("rollout", {"layer": 3}, "layer must be None or lie between 0 and 2, got 3"),
        ("rollout", {"channel": "all"}, "channel must be one of .* got 'all'"),
        ("rollout", {"cell": (0, 13)}, r"cell must hold tokens between 0 and 12, got \[13\]"),
        ("rollout", {"selected": [-1]}, r"selected must hold tokens between 0 and 12, got \[-1\]"),
        ("rollout", {"width": 99}, "width must lie between 2 and 50 inches, got 99"),
        ("flow", {"layer": 3}, "layer must be None or lie between 0 and 2, got 3"),
        ("flow", {"theme": "sepia"}, "theme must be one of"),
        ("flow", {"span": (4, 2)}, r"span must be None or \(first, last\), got \(4, 2\)"),
        ("flow", {"play": 4}, "play must be None or lie between 0 and 3, got 4"),
        ("flow", {"target": 0, "contrast": 1}, "explain that class"),
        ("flow", {"selected": [13]}, r"selected must hold tokens between 0 and 12, got \[13\]"),
        (
            "pie",
            {},
            r"view must be one of .*'rollout', 'patches'\), got 'pie'",
        ),
    ],
)
def test_bad_options_are_named(explanation, view, options, message):
    with pytest.raises(ValueError, match=message):
        explanation.figure(view, **options)


@pytest.mark.bad_input
def test_heads_that_are_not_there_are_named(explanation):
    with pytest.raises(ValueError, match="head must lie between 0 and 1, got 2"):
        with_heads(explanation).figure("rollout", head=2, layer=0)
    with pytest.raises(ValueError, match="heads need the model"):
        dataclasses.replace(explanation, source=None).figure("rollout", head=0)


def test_a_special_token_does_not_hide_the_sums_of_the_words(explanation):
    m = Matrix(scene_of(explanation, State()))
    special = np.array([unit.special for unit in m.scene.units])
    strongest = max(np.abs(v[~special]).max() for v in m.sums)
    assert m.largest_sum == pytest.approx(2 * strongest)
    assert "longer than drawn" not in reading_note(m)
    # [CLS] gives what it did, many times over.
    given = explanation.layer_attributions.copy()
    given[:, 0] *= 4000
    loud = Matrix(scene_of(dataclasses.replace(explanation, layer_attributions=given), State()))
    assert max(np.abs(v).max() for v in loud.sums) > loud.largest_sum
    assert "A sum with a gap is longer than drawn." in reading_note(loud)
