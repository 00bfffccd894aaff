"""The matplotlib twin and the live view of one state, by values: order, colours, numbers, words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from playwright.sync_api import Browser

from calig_nb.explanation.formatting import distinct_labels
from calig_nb.figures import THEMES
from calig_nb.figures.canvas.page import Page
from calig_nb.figures.flow import place_flow
from calig_nb.figures.options import State
from calig_nb.figures.parts.prose import shares_of
from calig_nb.figures.parts.strips import widths_of
from calig_nb.figures.scene.matrix import Matrix
from calig_nb.figures.scene.scene import scene_of
from calig_nb.widgets import Comparison, show

from .hosts.page import longer
from .hosts.twins import (
    ARABIC,
    SCENE,
    SENTENCE,
    bare,
    explained,
    in_order,
    marks,
    mounting,
    over,
    pixels,
    said,
    traits_of,
    written,
)


@pytest.fixture
def live(browser: Browser) -> Iterator[Any]:
    """Mount a view of the Python side as it is."""
    with mounting(browser) as mount:
        yield lambda view, width=740, theme="light": mount(view, width=width, color_scheme=theme)


pytestmark = pytest.mark.sampled(6)

STATES = [
    {},
    {"selected": [4], "lam": 0.2},
    {"layer": 2, "granularity": "token"},
    {"play": 2.4},
    {"target": 0},
    {"selected": [4, 7], "layer": 0},
]


@pytest.mark.parametrize("state", STATES, ids=str)
@pytest.mark.parametrize("text", [SENTENCE, ARABIC, longer(130)], ids=["short", "arabic", "long"])
def test_the_flow_holds_the_same_marks_at_the_same_places(
    live: Any, text: str, state: dict[str, Any]
) -> None:
    span = {"span": (20, 70)} if len(text) > 300 and "layer" in state else {}
    view = show(explained(text), "flow", **state, **span)
    sheet = live(view)
    options = {"target": view.target, **state, **span}
    scene = scene_of(view.explanation, State.of(view.explanation, options))
    page = Page(7.0, "light")
    layout, flow = place_flow(page, scene)
    own, data = traits_of(view)
    theirs = sheet.page.evaluate(
        SCENE,
        {"state": own, "bytes": data, "width": page.width, "names": widths_of(scene.units, 12)},
    )
    np.testing.assert_allclose(scene.net, theirs["net"], atol=2e-3)
    np.testing.assert_allclose(scene.evidence, theirs["evidence"], atol=2e-3)
    np.testing.assert_allclose(scene.cells, theirs["cells"], atol=2e-4)
    np.testing.assert_allclose(scene.errors, theirs["errors"], atol=1e-5)
    entering = [theirs["entering"][side] for side in ("supporting", "opposing")]
    np.testing.assert_allclose(scene.entering, entering, atol=2e-3)
    assert scene.order[:8] == theirs["order"][:8]
    assert scene.active == theirs["active"] and scene.selected == theirs["selected"]
    assert distinct_labels([unit.text for unit in scene.units]) == theirs["names"]
    assert [(f.b, f.unit, f.to) for f in scene.flips][:8] == [
        (f["b"], f["unit"], f["to"]) for f in theirs["flips"]
    ][:8]
    assert list(scene.sight) == [theirs["sight"]["first"], theirs["sight"]["last"]]
    assert layout.height == theirs["height"]
    np.testing.assert_allclose(
        [[s.top, s.height] for s in layout.strips],
        [[s["top"], s["height"]] for s in theirs["strips"]],
    )
    ours = {(r.unit, r.sign, r.b, r.source, r.goal, r.levels): r for r in flow.ribbons}
    drawn = {
        (r["unit"], r["sign"], r["b"], r["from"], r["to"], (r["yLow"], r["yHigh"])): r
        for r in theirs["ribbons"]
    }
    assert ours.keys() == drawn.keys()
    for key, ribbon in ours.items():
        np.testing.assert_allclose(ribbon.low, drawn[key]["low"], atol=0.6)
        np.testing.assert_allclose(ribbon.high, drawn[key]["high"], atol=0.6)
    assert [(s.unit, s.sign) for s in flow.segments] == [
        (s["unit"], s["sign"]) for s in theirs["segments"]
    ]
    assert flow.zero == pytest.approx(theirs["zero"], abs=0.3)
    assert flow.magnification == pytest.approx(theirs["magnification"], rel=2e-2)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", [{}, {"selected": [9]}, {"layer": 1}], ids=str)
def test_the_cells_of_the_flow_have_the_colours_of_the_canvas(
    live: Any, theme: str, state: dict[str, Any]
) -> None:
    view = show(explained(), "flow", theme=theme, **state)
    sheet = live(view, width=772, theme=theme)
    scene = scene_of(view.explanation, State.of(view.explanation, {**state, "theme": theme}))
    inner = sheet.page.evaluate("document.querySelector('.flow').clientWidth")
    figure = view.figure(width=inner / 100 + 0.32)
    layout, _ = place_flow(Page(inner / 100 + 0.32, theme), scene)
    cells = next(c for c in figure.axes[0].collections if c.get_label() == "cells")
    t = scene.cells / scene.tone
    drawn = [(b, u) for b, u in np.argwhere(np.abs(t) >= 0.015).tolist()]
    colours = cells.get_facecolor()
    assert len(drawn) == len(colours)
    # Slivers and what is hatched are no plain colour.
    tall = np.minimum(1, view.explanation.layer_weights) * layout.slot
    plain = [n for n, (b, u) in enumerate(drawn) if t[b, u] > 0.06 and tall[b] > 9]
    points = [
        [layout.x(u) + layout.column / 2 - 4, layout.strips[b].mid - tall[b] / 4]
        for b, u in (drawn[n] for n in plain)
    ]
    seen = pixels(sheet, ".flow canvas", points)
    np.testing.assert_allclose(over(colours[plain], theme), over(seen, theme), atol=0.025)
    assert len(plain) >= 5


@pytest.mark.parametrize("width", [740, 1240])
@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_flow_says_the_same(live: Any, state: dict[str, Any], width: int) -> None:
    view = show(explained(), "flow", **state)
    sheet = live(view, width=width)
    inner = sheet.page.evaluate("document.querySelector('.flow').clientWidth")
    figure = view.figure(width=inner / 100 + 0.32)
    where = written(figure)
    labels = said(sheet, ".flow svg > g:first-of-type text")
    for text in labels:
        assert text in where, text
    in_order(said(sheet, ".caption"), where)
    in_order(said(sheet, ".legend .key"), where)
    names = [t for t in figure.axes[0].texts if t.get_rotation() or t.get_ha() == "center"]
    by_place = [bare(t.get_text()) for t in sorted(names, key=lambda t: t.get_position()[0])]
    axis = sheet.page.eval_on_selector_all(
        ".flow svg text[data-unit]",
        "(all) => all.sort((a, b) => a.getAttribute('x') - b.getAttribute('x'))"
        ".map((n) => n.textContent)",
    )
    shown = [name for name in by_place if name in map(bare, axis)]
    at = iter(shown)
    assert all(bare(name) in at for name in axis)
    flips = sheet.page.locator(".flow .flip").count()
    assert len(marks(figure, "flip")) == flips


@pytest.mark.parametrize("view", ["tokens", "workbench"])
@pytest.mark.parametrize("text", [SENTENCE, ARABIC, longer(130)], ids=["short", "arabic", "long"])
@pytest.mark.parametrize("state", STATES[:5], ids=str)
def test_text_ledger_and_score_line_show_the_same(
    live: Any, view: str, text: str, state: dict[str, Any]
) -> None:
    span = {"span": (20, 70)} if len(text) > 300 and "lam" in state else {}
    made = show(explained(text), view, **state, **span)
    sheet = live(made)
    figure = made.figure(width=7.32)
    where = written(figure)
    assert bare(where)
    for selector in (".caption", ".ledger .sum", ".ledger th", ".score-line text", ".head > *"):
        for told_there in said(sheet, selector):
            assert told_there in where, (selector, told_there)
    bars = sheet.page.eval_on_selector_all(
        ".prose .w",
        """(all) => all.map((w) => [+w.dataset.unit,
             +w.style.getPropertyValue("--up") - +w.style.getPropertyValue("--down")])
           .filter(([, share]) => share)""",
    )
    options = {"target": made.target, **state, **span}
    shares = shares_of(scene_of(made.explanation, State.of(made.explanation, options)))
    drawn = [int(bar.get_label().split()[1]) for bar in marks(figure, "word")]
    assert drawn == [unit for unit, _ in bars]
    np.testing.assert_allclose(
        [shares[unit] for unit in drawn], [share for _, share in bars], atol=0.011
    )
    palette = THEMES["light"]
    for bar in marks(figure, "word"):
        share = shares[int(bar.get_label().split()[1])]
        assert np.allclose(bar.get_facecolor()[:3], to_rgb(palette.bar(share)))
        assert (bar.get_hatch() is None) == (share > 0)
    ledger = sheet.page.eval_on_selector_all(
        ".ledger td.minus .entry, .ledger td.plus .entry",
        """(all) => ["minus", "plus"].flatMap((side) => all
             .filter((n) => n.closest("td").className === side)
             .map((n) => [+n.dataset.unit, +n.style.getPropertyValue("--v"),
                          getComputedStyle(n.querySelector(".bar")).backgroundColor]))""",
    )
    entries = marks(figure, "ledger")
    assert [int(bar.get_label().split()[1]) for bar in entries] == [u for u, *_ in ledger]
    lengths = np.array([bar.get_width() for bar in entries])
    np.testing.assert_allclose(lengths / lengths.max(), [v for _, v, _ in ledger], atol=5e-3)
    for bar, (_, _, colour) in zip(entries, ledger):
        theirs = np.array([float(v) for v in re.findall(r"[\d.]+", colour)[:3]]) / 255
        np.testing.assert_allclose(bar.get_facecolor()[:3], theirs, atol=2e-3)
    in_order(said(sheet, ".ledger td.minus .entry .name"), where)
    in_order(said(sheet, ".ledger td.plus .entry .name"), where)


MATRICES: list[dict[str, Any]] = [
    {},
    {"channel": "supporting", "residual": True, "layer": 1},
    {"channel": "opposing", "alone": True, "layer": 2, "granularity": "token"},
    {"cell": [9, 4], "selected": [4]},
    {"target": 0, "lam": 0.8},
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("text", [SENTENCE, ARABIC], ids=["short", "arabic"])
@pytest.mark.parametrize("state", MATRICES, ids=str)
def test_the_matrix_has_the_same_cells_names_and_words(
    live: Any, text: str, theme: str, state: dict[str, Any]
) -> None:
    made = show(explained(text), "rollout", theme=theme, **state)
    sheet = live(made, theme=theme)
    figure = made.figure(width=7.32)
    where = written(figure)
    for selector in (".telling", ".caption", ".notes .how", ".scale span", ".links li span",
                     ".board svg text", ".film button"):  # fmt: skip
        for text_there in said(sheet, selector):
            if not text_there.startswith("Headsneed"):
                assert text_there in where, (selector, text_there)
    rows, columns = (
        sheet.page.eval_on_selector_all(
            f".board [data-{side}]", f"(all) => all.map((n) => n.getAttribute('{at}'))"
        )
        for side, at in (("row", "y"), ("column", "x"))
    )
    options = {"target": made.target, **state, "theme": theme}
    m = Matrix(scene_of(made.explanation, State.of(made.explanation, options)))
    t = m.shown / m.limit
    assert len(rows) == len(columns) == len(t)
    width = sheet.page.evaluate("document.querySelector('.board').clientWidth")
    assert width > 0
    cells = next(c for c in figure.axes[0].collections if c.get_label() == "cells")
    drawn = [(i, k) for i, k in np.argwhere(np.abs(t) >= 0.012).tolist()]
    colours = cells.get_facecolor()
    assert len(colours) == len(drawn)
    # Every cell stands in its row and column of the frame, from right to left where the text does.
    frame = max(
        (p for p in figure.axes[0].patches if not p.get_fill() and hasattr(p, "get_width")),
        key=lambda p: p.get_width(),
    )
    side, n = (frame.get_width() - 1) / len(t), len(t)
    middles = np.array([p.vertices[:4].mean(0) for p in cells.get_paths()])
    places_of = (middles - [frame.get_x() + 0.5, frame.get_y() + 0.5]) / side - 0.5
    want = [(n - 1 - k if text == ARABIC else k, i) for i, k in drawn]
    np.testing.assert_allclose(places_of, want, atol=0.02)
    centres = sheet.page.evaluate(
        """() => { const all = [...document.querySelectorAll(".board [data-column]")];
        const rows = [...document.querySelectorAll(".board [data-row]")];
        const turned = (n) => /rotate/.test(n.getAttribute("transform") ?? "");
        const rtl = rows[0].getAttribute("text-anchor") === "start";
        return [all.map((n) => +n.getAttribute("x") - (turned(n) ? (rtl ? -3 : 3) : 0)),
                rows.map((n) => +n.getAttribute("y") - 4)]; }"""
    )
    pinned = set(m.cross or ())
    plain = [
        n for n, (i, k) in enumerate(drawn) if 0.02 < t[i, k] <= 1.0001 and not {i, k} & pinned
    ]
    points = [[centres[0][k] - 2, centres[1][i] - 2] for i, k in (drawn[n] for n in plain)]
    seen = pixels(sheet, ".board canvas", points)
    np.testing.assert_allclose(over(colours[plain], theme), over(seen, theme), atol=0.025)
    assert len(plain) >= (5 if state.get("channel") != "opposing" else 0)


@pytest.mark.parametrize("state", [{}, {"layer": 1, "lam": 0.3}, {"selected": [4]}], ids=str)
@pytest.mark.parametrize("other", ["text", "target"])
def test_a_comparison_says_and_shows_the_same(live: Any, other: str, state: dict[str, Any]) -> None:
    text = SENTENCE.replace("superb", "dull") if other == "text" else SENTENCE
    changed = {"target": 0} if other == "target" else {}
    both = [explained(), explained(text, seed=3, **changed)]
    view = Comparison(both, ["one", "other"], **state)
    sheet = live(view)
    figure = view.figure(width=7.32)
    where = written(figure)
    for selector in (".question", ".caption", ".side > .head > *", ".side .sum", ".legend .key"):
        for text_there in said(sheet, selector):
            assert text_there in where, (selector, text_there)
    in_order(said(sheet, ".difference tbody tr :is(th, small, td > b)"), where)
    shares = sheet.page.eval_on_selector_all(
        ".difference .both",
        """(all) => all.map((n) => +n.style.getPropertyValue("--up")
             - +n.style.getPropertyValue("--down")).filter((v) => v)""",
    )
    bars = marks(figure, "row")
    lengths = np.array([bar.get_width() for bar in bars])
    np.testing.assert_allclose(lengths / lengths.max(), np.abs(shares) / max(np.abs(shares)),
                               atol=5e-3)  # fmt: skip
    for bar, share in zip(bars, shares):
        assert np.allclose(bar.get_facecolor()[:3], to_rgb(THEMES["light"].bar(share)))
    words = sheet.page.eval_on_selector_all(
        ".side .prose .w",
        """(all) => all.map((w) => +w.style.getPropertyValue("--up")
             - +w.style.getPropertyValue("--down")).filter((v) => v)""",
    )
    tall = [bar.get_height() * (-1 if bar.get_hatch() else 1) for bar in marks(figure, "word")]
    np.testing.assert_allclose(
        np.array(tall) / max(np.abs(tall)), np.array(words) / max(np.abs(words)), atol=0.02
    )
