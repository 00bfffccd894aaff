"""The rollout matrix in a real browser: what a reader does with it, and what it then shows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from .hosts.page import Explanation, Sheet, encoded, longer

Mount = Callable[..., Sheet]
ARABIC = "الفيلم ضعيف جدا، لكن التمثيل رائع ومؤثر للغاية."
TOKENS = Explanation().wire()[0]["_meta"]["tokens"]


def rollout(**options: Any) -> Explanation:
    return Explanation(view="rollout", **options)


def numbers(explanation: Explanation, upto: int | None = None, alone: bool = False) -> Any:
    """(T, T) net evidence as NumPy has it: rows receive, columns give."""
    traits, data = explanation.wire()
    meta = traits["_meta"]
    count, layers = len(meta["tokens"]), len(meta["layer_weights"])
    r = np.frombuffer(data["_r"], "<f4").reshape(layers + 1, count).astype(float)
    q = np.frombuffer(data["_matrices"], "<i2").reshape(layers, count, count) / 32767
    g = q * np.abs(q) * np.array(meta["matrix"]["scales"])[:, None, None]
    columns = np.frombuffer(data["_G_columns"], "<f4").reshape(layers, count).astype(float)
    lam, last = traits["lam"], layers - 1 if upto is None else upto
    net = np.zeros((count, count))
    for sign in (1, -1):
        total = np.eye(count)
        for b in range(last if alone else 0, last + 1):
            own = np.diag(np.maximum(sign * r[b] / np.abs(r[b]).sum(), 0))
            across = np.maximum(sign * g[b] / np.abs(columns[b]).sum(), 0)
            total = total + meta["layer_weights"][b] * (lam * own + (1 - lam) * across) @ total
        net += sign * (total - np.eye(count))
    return net


def cell(s: Sheet, row: str, column: str) -> tuple[float, float]:
    """Where the cell of these two tokens stands on the page."""
    s.page.locator(".board").scroll_into_view_if_needed()
    across = s.page.locator(f'.board [data-column="{TOKENS.index(column)}"]').bounding_box()
    down = s.page.locator(f'.board [data-row="{TOKENS.index(row)}"]').bounding_box()
    assert across and down
    # Slanted names begin over the middle of their column.
    return across["x"] + 7, down["y"] + down["height"] / 2


def chip(s: Sheet) -> str:
    """The value beside the crosshair."""
    said = s.page.locator(".board .chip + text").text_content()
    assert said
    return said.replace("−", "-")


def copied(s: Sheet) -> list[list[str]]:
    """The clipboard as a table."""
    return list(csv.reader(s.page.evaluate("clip").splitlines()))


def board(s: Sheet) -> str:
    picture: str = s.page.evaluate("() => document.querySelector('.board canvas').toDataURL()")
    return picture


# With the mouse


def test_pointing_names_both_tokens_and_the_value(sheet: Mount) -> None:
    s = sheet(rollout(state={"granularity": "token"}))
    want = numbers(rollout())
    s.page.mouse.move(*cell(s, "acting", "superb"))
    s.settle()
    value = want[TOKENS.index("acting"), TOKENS.index("superb")]
    assert float(chip(s)) == pytest.approx(value, abs=6e-4)
    expect(s.page.locator(".board .strong.name[data-row]")).to_have_text(["acting"])
    expect(s.page.locator(".board .strong.name[data-column]")).to_have_text(["superb"])
    expect(s.page.locator(".telling")).to_contain_text("superb carried into acting")
    expect(s.page.locator(".tip")).to_be_hidden()
    assert s.page.evaluate("saved") == []
    s.page.mouse.move(2, 2)
    s.settle()
    assert s.page.locator(".board .cross").count() == 0


def test_a_click_pins_the_cell_and_selects_the_word_everywhere(sheet: Mount) -> None:
    s = sheet(Explanation(state={"matrix": True, "granularity": "token"}))
    place = cell(s, "thin", "superb")
    s.page.mouse.click(*place)
    s.page.mouse.move(2, 2)
    s.settle()
    assert s.trait("cell") == [TOKENS.index("thin"), TOKENS.index("superb")]
    assert s.trait("selected") == [TOKENS.index("superb")]
    expect(s.page.locator(".prose .w.on")).to_have_text(["superb"])
    expect(s.page.locator(".telling")).to_contain_text("superb carried into thin")
    expect(s.page.locator(".notes b")).to_have_text("Links of superb")
    s.page.mouse.click(*cell(s, "thin", "superb"))
    assert (s.trait("cell"), s.trait("selected")) == ([], [])


def test_a_word_pointed_at_elsewhere_is_a_band_in_the_matrix(sheet: Mount) -> None:
    s = sheet(Explanation(state={"matrix": True}))
    s.word("superb").hover()
    s.settle()
    assert s.page.locator(".board .column.hot").count() == 1


def test_the_contrast_adapts_to_a_weak_cell_and_comes_back(sheet: Mount) -> None:
    s = sheet(rollout(state={"granularity": "token"}))
    rest = board(s)
    s.page.mouse.move(*cell(s, "SEP" if "SEP" in TOKENS else "[SEP]", "plot"))
    s.settle()
    assert board(s) != rest
    s.page.mouse.move(2, 2)
    s.settle()
    assert board(s) == rest


def test_film_channel_scope_and_residual(sheet: Mount) -> None:
    s = sheet(rollout())
    seen = {board(s)}

    def changed(act: Callable[[], None]) -> None:
        act()
        s.settle()
        assert board(s) not in seen
        seen.add(board(s))

    changed(lambda: s.page.get_by_role("radio", name="Up to layer 2").click())
    assert s.trait("layer") == 2
    expect(s.page.get_by_role("radio", name="Layer 2", exact=True)).to_be_checked()
    changed(lambda: s.page.get_by_role("radio", name="this layer alone").click())
    assert s.trait("alone") is True
    expect(s.page.locator(".telling")).to_contain_text("Layer 2 alone")
    expect(s.page.get_by_label("residual diagonal")).to_be_disabled()
    s.page.get_by_role("radio", name="up to this layer").click()
    changed(lambda: s.page.get_by_role("radio", name="opposing").click())
    assert s.trait("channel") == "opposing"
    changed(lambda: s.page.get_by_label("residual diagonal").check())
    assert s.trait("residual") is True
    expect(s.page.locator(".notes .how").first).to_contain_text("13 cells are beyond the scale")


def test_python_sets_it_all(sheet: Mount) -> None:
    s = sheet(rollout())
    state = {"layer": 1, "channel": "supporting", "alone": True, "cell": [4, 11], "lam": 0.2}
    s.receive(**state)
    expect(s.page.locator(".thumbs [aria-checked=true]")).to_have_attribute("aria-label", "Layer 1")
    expect(s.page.get_by_role("radio", name="supporting")).to_be_checked()
    assert s.page.locator(".board .pinned").count() == 1
    assert s.page.evaluate("saved") == []


def test_the_workbench_unfolds_its_matrix(sheet: Mount) -> None:
    s = sheet()
    assert s.page.locator(".board").is_hidden()
    s.page.locator(".rollout > summary").click()
    s.settle()
    assert s.trait("matrix") is True
    expect(s.page.locator(".board")).to_be_visible()
    s.receive(matrix=False)
    expect(s.page.locator(".board")).to_be_hidden()


def test_links_pin_their_cell(sheet: Mount) -> None:
    s = sheet(rollout(state={"granularity": "token"}))
    net = numbers(rollout())
    np.fill_diagonal(net, 0)
    row, column = np.unravel_index(np.abs(net).argmax(), net.shape)
    first = s.page.locator(".links button").first
    assert float(first.locator("span").last.inner_text().replace("−", "-")) == pytest.approx(
        net[row, column], abs=6e-4
    )
    first.click()
    assert s.trait("cell") == [row, column]


# With the keyboard


def test_keyboard_walk(sheet: Mount) -> None:
    s = sheet(rollout(state={"granularity": "token"}))
    s.page.evaluate(
        """() => { window.leaked = [];
          document.addEventListener("keydown", (e) => window.leaked.push(e.key)); }"""
    )
    s.page.locator(".board").focus()
    last = len(TOKENS) - 1
    walk = [
        ("ArrowRight", 0, 0), ("ArrowRight", 0, 1), ("ArrowDown", 1, 1), ("End", 1, last),
        ("Control+End", last, last), ("Home", last, 0), ("Control+Home", 0, 0), ("ArrowUp", 0, 0),
    ]  # fmt: skip
    net = numbers(rollout())
    for key, row, column in walk:
        s.page.keyboard.press(key)
        s.settle()
        assert float(chip(s)) == pytest.approx(net[row, column], abs=6e-4), key
    s.page.keyboard.press("PageDown")
    s.settle()
    assert s.trait("layer") == 4
    assert float(chip(s)) == pytest.approx(numbers(rollout(), 4)[0, 0], abs=6e-4)
    s.page.keyboard.press("Enter")
    assert (s.trait("cell"), s.trait("selected")) == ([0, 0], [0])
    s.page.keyboard.press("Escape")
    assert (s.trait("cell"), s.trait("layer")) == ([], None)
    assert [key for key in s.page.evaluate("leaked") if key != "Control"] == []


def test_zoom_by_keys_and_wheel_never_loses_the_crosshair(sheet: Mount) -> None:
    s = sheet(rollout(text=longer(58)))
    s.page.locator(".board").focus()
    for key in ["ArrowRight", "End", "Control+End", "+", "+"]:
        s.page.keyboard.press(key)
    s.settle()
    shown = s.page.locator(".board [data-row]").count()
    assert 8 <= shown <= 20
    expect(s.page.locator(".board .cell")).to_have_count(1)
    for _ in range(30):
        s.page.keyboard.press("ArrowUp")
    s.settle()
    expect(s.page.locator(".board .cell")).to_have_count(1)
    box = s.page.locator(".board").bounding_box()
    assert box
    s.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    s.page.keyboard.down("Control")
    for _ in range(12):
        s.page.mouse.wheel(0, 100)
    s.page.keyboard.up("Control")
    s.page.wait_for_function("document.querySelectorAll('.board [data-row]').length > 24")


# The numbers


@pytest.mark.parametrize("alone", [False, True])
def test_the_copy_holds_every_cell(sheet: Mount, alone: bool) -> None:
    s = sheet(rollout(state={"granularity": "token", "layer": 3, "alone": alone}))
    s.page.evaluate(
        """() => Object.defineProperty(navigator, "clipboard",
          {value: {writeText: async (text) => { window.clip = text; }}})"""
    )
    details = s.page.locator(".rollout .more")
    details.locator("summary").click()
    details.get_by_role("button", name="Copy as CSV").click()
    expect(details.get_by_role("status")).to_have_text("13 rows copied.")
    names, *rows = copied(s)
    assert names[1:] == TOKENS
    values = np.array([[float(v) for v in row[1:]] for row in rows])
    np.testing.assert_allclose(values, numbers(rollout(), 3, alone), atol=2e-5)


@pytest.mark.parametrize("view", ["workbench", "tokens", "flow", "rollout"])
def test_every_view_copies_its_words(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(view=view))
    s.page.evaluate(
        """() => Object.defineProperty(navigator, "clipboard",
          {value: {writeText: async (text) => { window.clip = text; }}})"""
    )
    table = s.page.locator(".calig > .more").last
    table.locator("summary").click()
    table.get_by_role("button", name="Copy as CSV").click()
    expect(table.get_by_role("status")).to_have_text("13 rows copied.")
    head, *rows = copied(s)
    assert head == ["word", "supporting", "opposing", "net", *(f"layer_{b}" for b in range(7))]
    net = numbers(Explanation()).sum(axis=0)
    said = {row[0]: float(row[3]) for row in rows}
    assert said["superb"] == pytest.approx(net[TOKENS.index("superb")], abs=1e-5)


def test_a_refused_clipboard_falls_back_and_says_so(sheet: Mount) -> None:
    s = sheet(Explanation(view="tokens"))
    s.page.evaluate(
        """() => { Object.defineProperty(navigator, "clipboard", {value: undefined});
          document.execCommand = () => false; }"""
    )
    s.page.locator("summary").click()
    s.page.get_by_role("button", name="Copy as CSV").click()
    expect(s.page.locator(".copy [role=status]")).to_contain_text("refused")
    assert s.page.locator("textarea").count() == 0


# What Python is asked


def test_a_long_input_asks_python_and_takes_its_answer(sheet: Mount) -> None:
    s = sheet(rollout(text=longer(600), tokens=320, bits=8))
    s.page.wait_for_function("sent.length === 1")
    asked = s.page.evaluate("sent[0]")
    assert asked == {"kind": "rollout", "id": 1, "lam": 0.5, "layer": 5, "film": True}
    expect(s.page.locator(".telling")).to_contain_text("Working it out")
    pair = np.zeros((2, 320, 320), "<i2")
    pair[0, 7, 9] = 32767
    film = np.zeros((12, 64, 64), "i1")
    content = {
        "kind": "rollout", "id": 1, "layer": 5, "bits": 16, "scales": [0.25, 1],
        "film": {"bits": 8, "scales": [1] * 12, "cells": 64},
    }  # fmt: skip
    s.page.evaluate(
        "([content, a, b]) => model.message(content, [view(a), view(b)])",
        [content, *encoded({"a": pair.tobytes(), "b": film.tobytes()}).values()],
    )
    s.settle()
    expect(s.page.locator(".telling")).to_contain_text("+0.250")
    expect(s.page.locator(".telling")).not_to_contain_text("Working")
    assert painted(s) > 0, "one cell of 100,000 is still seen"


def painted(s: Sheet) -> int:
    """Pixels inside the square that are painted."""
    count: int = s.page.evaluate(
        """() => {
          const canvas = document.querySelector(".board canvas");
          const pen = new OffscreenCanvas(canvas.width, canvas.height)
            .getContext("2d", {willReadFrequently: true});
          pen.drawImage(canvas, 0, 0);
          const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
          let strong = 0;
          for (let i = 0; i < data.length; i += 4)
            if (data[i + 3] > 250 && data[i + 2] > 100) strong++;
          return strong;
        }"""
    )
    return count


def test_without_python_the_page_works_it_out(sheet: Mount) -> None:
    s = sheet(rollout(text=longer(600), tokens=240, layers=3, bits=8))
    s.page.wait_for_function("sent.length === 1")
    expect(s.page.locator(".telling")).not_to_contain_text("Working", timeout=9000)
    expect(s.page.locator(".links button").first).to_be_visible()


def test_heads_come_on_demand_or_are_refused_in_words(sheet: Mount) -> None:
    explanation = rollout()
    s = sheet(explanation)
    button = s.page.get_by_role("button", name="the heads of layer 5")
    expect(button).to_be_disabled()
    expect(s.page.locator(".single .how")).to_contain_text("need a running kernel")
    meta = {**explanation.wire()[0]["_meta"], "no_heads": ""}
    s.receive(_meta=meta)
    expect(button).to_be_enabled()
    button.click()
    s.settle()
    assert s.page.evaluate("sent.at(-1)") == {"kind": "heads", "layer": 5}
    expect(s.page.locator(".single .how")).to_contain_text("Python is working")
    heads = np.full((4, 13, 13), -90, "i1")
    s.page.evaluate(
        "([c, a]) => model.message(c, [view(a)])",
        [
            {"kind": "heads", "layer": 5, "bits": 8, "scales": [1, 2, 3, 4]},
            encoded({"a": heads.tobytes()})["a"],
        ],
    )
    s.settle()
    before = board(s)
    s.page.get_by_role("radio", name="Head 2").click()
    s.settle()
    assert s.trait("head") == 2 and board(s) != before
    expect(s.page.locator(".telling")).to_contain_text("Head 2 of layer 5")
    expect(s.page.locator(".telling")).to_contain_text("in units of the score")
    s.page.get_by_role("radio", name="Up to layer 3").click()
    s.settle()
    s.page.evaluate("model.message({kind: 'heads', layer: 3, error: 'layer 3 was not kept.'})")
    s.settle()
    expect(s.page.locator(".single .how")).to_have_text("layer 3 was not kept.")


# Inputs of every kind


def test_arabic_runs_from_right_to_left(sheet: Mount) -> None:
    s = sheet(rollout(text=ARABIC))
    first = s.page.locator('.board [data-column="0"]').bounding_box()
    last = s.page.locator('.board [data-column="11"]').bounding_box()
    row = s.page.locator('.board [data-row="0"]').bounding_box()
    assert first and last and row and last["x"] < first["x"] < row["x"]
    s.page.locator(".board").focus()
    s.page.keyboard.press("ArrowLeft")
    s.page.keyboard.press("ArrowLeft")
    s.settle()
    expect(s.page.locator(".board .strong.name[data-column]")).to_contain_text("الفيلم")


def test_values_that_are_not_numbers_are_marked_where_they_count(sheet: Mount) -> None:
    s = sheet(rollout(nan=(2, 4)))
    expect(s.page.locator(".telling")).to_contain_text("not a number (layer 2, “thin”)")
    expect(s.page.locator(".board .hole")).to_have_count(1)
    s.receive(layer=1)
    expect(s.page.locator(".board .hole")).to_have_count(0)


def test_gaps_in_a_matrix_are_marked_and_said(sheet: Mount) -> None:
    s = sheet(rollout(gaps=((1, 2, 4), (3, 5, 5)), state={"granularity": "token"}))
    expect(s.page.locator(".telling")).to_contain_text("2 values are not a number (layer 1, “thin”")
    expect(s.page.locator(".board .hole")).to_have_count(2)
    s.receive(layer=1, cell=[2, 4])
    expect(s.page.locator(".board .hole")).to_have_count(1)
    expect(s.page.locator(".telling")).to_contain_text("Not a number in layer 1: counted as zero.")
    s.receive(cell=[2, 3])
    expect(s.page.locator(".telling")).not_to_contain_text("Not a number")
    s.receive(layer=2, alone=True, cell=[])
    expect(s.page.locator(".board .hole")).to_have_count(0)
    s = sheet(Explanation(view="tokens", gaps=((1, 2, 4),)))
    s.word("thin").hover()
    expect(s.page.locator(".tip")).to_contain_text("not a number, so zerolayer 1")
    s.word("plot").hover()
    expect(s.page.locator(".tip")).not_to_contain_text("not a number")


def test_the_part_that_is_shown_and_the_heads_are_state(sheet: Mount) -> None:
    s = sheet(rollout(text=longer(58)))
    s.page.locator(".board").focus()
    for key in ["End", "+", "+"]:
        s.page.keyboard.press(key)
    s.settle()
    row, column, side = s.trait("zoom")
    assert (row, column + side) == (0, 60) and side == 15
    s.receive(zoom=[20, 30, 8])
    shown = s.page.locator(".board [data-row]")
    expect(shown).to_have_count(8)
    expect(shown.first).to_have_attribute("data-row", "20")
    s.page.keyboard.press("0")
    s.settle()
    assert s.trait("zoom") == []
    s.page.get_by_role("button", name="Copy the state").click()
    expect(s.page.locator(".notice")).not_to_contain_text("zoom")


def test_the_film_shows_the_chosen_layer_at_any_width(sheet: Mount) -> None:
    s = sheet(rollout(layers=24), width=1240)
    for width in (1240, 700, 400, 1240):
        s.page.set_viewport_size({"width": width, "height": 900})
        s.settle()
        s.settle()
        inside = s.page.evaluate(
            """() => {
              const film = document.querySelector(".film").getBoundingClientRect();
              const chosen = document.querySelector(".film [aria-checked=true]");
              const on = chosen.getBoundingClientRect();
              return on.left >= film.left && on.right <= film.right + 1
                && on.top >= film.top && on.bottom <= film.bottom + 1;
            }"""
        )
        assert inside, width


def test_the_mirrored_question_mirrors_the_matrix(sheet: Mount) -> None:
    s = sheet(rollout(state={"granularity": "token", "cell": [4, 11]}))
    before = float(chip(s))
    s.page.get_by_role("radio", name="negative").click()
    s.settle()
    assert float(chip(s)) == -before != 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_matrix_is_painted_in_the_colours_of_the_figure(sheet: Mount, scheme: str) -> None:
    from calig_nb.figures import THEMES
    from calig_nb.figures.rollout import limit_of

    s = sheet(rollout(state={"granularity": "token", "lam": 1.0}), color_scheme=scheme)
    explanation = rollout(state={"lam": 1.0})
    net = numbers(explanation)
    want = THEMES[scheme].tones(net / limit_of(net))
    seen = s.page.evaluate(
        """() => {
          const canvas = document.querySelector(".board canvas");
          const board = document.querySelector(".board").getBoundingClientRect();
          const box = (n) => n.getBoundingClientRect();
          const names = [...document.querySelectorAll(".board [data-row]")];
          const ratio = canvas.width / board.width;
          const pen = new OffscreenCanvas(canvas.width, canvas.height)
            .getContext("2d", {willReadFrequently: true});
          pen.drawImage(canvas, 0, 0);
          return names.map((name, t) => {
            const y = (box(name).top + box(name).height / 2 - board.top) * ratio;
            const column = document.querySelector(`.board [data-column="${t}"]`);
            const x = Number(column.getAttribute("x")) - 3;
            return [...pen.getImageData(x * ratio, y, 1, 1).data];
          });
        }"""
    )
    plus = [t for t in range(len(TOKENS)) if net[t, t] / limit_of(net) > 0.02]
    assert len(plus) > 3
    for t in plus:
        red, green, blue, opacity = want[t, t]
        np.testing.assert_allclose(seen[t][3] / 255, opacity, atol=0.01)
        if opacity > 0.5:
            np.testing.assert_allclose(np.array(seen[t][:3]) / 255, (red, green, blue), atol=0.012)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_unfolded_matrix(sheet: Mount, axe: str, scheme: str) -> None:
    s = sheet(Explanation(state={"matrix": True}), color_scheme=scheme)
    s.page.evaluate(axe)
    run = """async () => (await axe.run("#cell", {resultTypes: ["violations"]}))
      .violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)])"""
    meta = {**Explanation().wire()[0]["_meta"], "no_heads": ""}
    states: list[Callable[[], Any]] = [
        lambda: None,
        lambda: s.receive(cell=[4, 11], selected=[11], channel="opposing", residual=True),
        lambda: [summary.click() for summary in s.page.locator(".more .more summary").all()],
        lambda: s.receive(_meta=meta),
        lambda: s.page.get_by_role("button", name="the heads of").click(),
    ]
    for change in states:
        change()
        s.settle()
        found = s.page.evaluate(run)
        assert [v for v in found if v[0] in ("serious", "critical")] == [], json.dumps(found)
