"""Undo, sharing, help, the window on a long text, and the comparison, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .hosts.page import Explanation, Sheet, encoded, longer, open_sheet, passages_of

Mount = Callable[..., Sheet]
LONG = Explanation(text=longer(300), tokens=260, layers=6)
ARABIC = "الفيلم ضعيف جدا، لكن التمثيل رائع ومؤثر للغاية. " * 20


def press(s: Sheet, *keys: str) -> None:
    for key in keys:
        s.page.keyboard.press(key)
    s.settle()


# Undo, redo, share, help


def test_undo_and_redo_by_buttons_and_by_keys(sheet: Mount) -> None:
    s = sheet()
    undo, redo = (s.page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    expect(undo).to_have_attribute("aria-disabled", "true")
    s.word("superb").click()
    s.page.get_by_role("radio", name="Layer 3").click()
    s.page.get_by_role("radio", name="tokens").click()
    s.settle()
    undo.click()
    assert (s.trait("granularity"), s.trait("layer")) == ("word", 3)
    press(s, "Control+z", "Control+z")
    assert (s.trait("layer"), s.trait("selected")) == (None, [])
    expect(undo).to_have_attribute("aria-disabled", "true")
    redo.click()
    assert len(s.trait("selected")) == 1
    press(s, "Control+Shift+z", "Control+y")
    assert (s.trait("layer"), s.trait("granularity")) == (3, "token")
    expect(redo).to_have_attribute("aria-disabled", "true")
    assert s.page.evaluate("saved").pop() == {"granularity": "token"}


def test_what_python_sets_can_be_undone_and_a_drag_is_one_step(sheet: Mount) -> None:
    s = sheet()
    s.receive(layer=2)
    slider = s.page.locator(".lam input")
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    s.page.mouse.move(box["x"] + box["width"] / 2, y)
    s.page.mouse.down()
    for step in range(12):
        s.page.mouse.move(box["x"] + box["width"] * (0.5 + step / 40), y)
        if step == 6:  # the hand rests
            s.page.wait_for_timeout(400)
    s.page.mouse.up()
    s.settle()
    assert s.trait("lam") > 0.6
    press(s, "Control+z")
    assert (s.trait("lam"), s.trait("layer")) == (0.5, 2)
    press(s, "Control+z")
    assert s.trait("layer") is None


def test_the_state_is_copied_as_python_reads_it(sheet: Mount) -> None:
    s = sheet(Explanation(state={"selected": [3], "lam": 0.25}))
    s.page.get_by_role("button", name="Copy the state").click()
    expect(s.page.locator(".notice")).to_contain_text("lam=0.25;selected=3;target=1")
    s.page.get_by_role("button", name="Dismiss").click()
    expect(s.page.locator(".notice")).to_be_hidden()


def test_help_opens_and_closes_by_key_and_by_button(sheet: Mount) -> None:
    s = sheet()
    s.page.locator(".flow").focus()
    press(s, "?")
    panel = s.page.get_by_role("region", name="Keyboard and mouse")
    expect(panel).to_be_visible()
    expect(panel).to_be_focused()
    expect(panel).to_contain_text("undo, redo")
    s.receive(selected=[3])
    press(s, "Escape")
    expect(panel).to_be_hidden()
    assert s.trait("selected") == [3], "Escape closes the help first"
    expect(s.page.get_by_role("button", name="Keyboard and mouse")).to_be_focused()
    press(s, "Enter")
    expect(panel).to_be_visible()


def test_python_can_set_how_far_the_layers_are_played(sheet: Mount) -> None:
    s = sheet(Explanation(view="flow"))
    s.receive(play=2)
    expect(s.page.locator(".caption")).to_contain_text("Layer 2:")
    expect(s.page.locator(".play")).to_have_text("Resume")
    s.receive(play=None)
    expect(s.page.locator(".caption")).to_contain_text("strongest words")


def test_the_play_tells_python_where_it_is(sheet: Mount) -> None:
    s = sheet(Explanation(view="flow", layers=2))
    s.page.get_by_role("button", name="Play").click()
    s.page.wait_for_timeout(700)
    s.page.get_by_role("button", name="Pause").click()
    s.settle()
    assert 0 < s.trait("play") < 2
    told = s.page.evaluate("saved.filter((c) => 'play' in c).length")
    assert 1 < told < 12


# The window on a long text


@pytest.mark.parametrize("view", ["flow", "tokens", "workbench"])
def test_the_map_chooses_what_is_in_sight(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(text=longer(300), tokens=260, layers=6, view=view))
    window = s.page.get_by_role("slider", name="Part of the text in sight")
    expect(window).to_have_attribute("aria-valuetext", "all 260 tokens")
    box = s.page.locator(".minimap").bounding_box()
    assert box
    y = box["y"] + 17
    s.page.mouse.move(box["x"] + box["width"] * 0.25, y)
    s.page.mouse.down()
    s.page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=6)
    s.page.mouse.up()
    s.settle()
    first, last = s.trait("span")
    assert abs(first - 65) <= 2 and abs(last - 129) <= 2
    expect(window).to_have_attribute("aria-valuetext", f"tokens {first + 1} to {last + 1} of 260")
    if view != "flow":
        assert s.page.locator(".prose .w").count() < 70
        assert s.page.locator(".prose").inner_text().startswith("…")
    # Take the window and move it; then its right edge.
    s.page.mouse.move(box["x"] + box["width"] * 0.375, y)
    s.page.mouse.down()
    s.page.mouse.move(box["x"] + box["width"] * 0.475, y, steps=6)
    s.page.mouse.up()
    s.settle()
    moved = s.trait("span")
    assert moved[1] - moved[0] == last - first and abs(moved[0] - first - 26) <= 2
    s.page.mouse.dblclick(box["x"] + box["width"] * 0.9, y)
    s.settle()
    assert s.trait("span") is None
    press(s, "Control+z")
    assert s.trait("span") is not None


def test_the_window_by_keyboard(sheet: Mount) -> None:
    s = sheet(LONG)
    s.receive(span=[100, 149])
    window = s.page.get_by_role("slider", name="Part of the text in sight")
    window.focus()
    press(s, "ArrowRight")
    assert s.trait("span") == [110, 159]
    press(s, "Home")
    assert s.trait("span") == [0, 49]
    press(s, "End", "PageDown")
    assert s.trait("span") == [160, 209]
    press(s, "+")
    first, last = s.trait("span")
    assert last - first < 30
    press(s, "0")
    assert s.trait("span") is None
    press(s, "-")
    assert s.trait("granularity") == "sentence"
    press(s, "-")
    assert s.trait("granularity") == "passage"
    press(s, "+", "+")
    assert s.trait("granularity") == "word" and s.trait("span") is not None


def test_the_flow_zooms_by_double_click_and_shows_what_is_in_sight(sheet: Mount) -> None:
    s = sheet(Explanation(text=longer(300), tokens=260, layers=6, view="flow"))
    s.receive(granularity="passage")
    flow = s.page.locator(".flow")
    box = flow.bounding_box()
    assert box
    s.page.mouse.dblclick(box["x"] + box["width"] * 0.5, box["y"] + box["height"] - 90)
    s.settle()
    assert s.trait("granularity") == "sentence"
    first, last = s.trait("span")
    assert 0 < first < 130 < last < 259
    s.receive(granularity="word", span=[100, 130])
    named = s.page.locator(".flow text[data-unit]")
    units = [int(n.get_attribute("data-unit") or -1) for n in named.all()]
    words = LONG.wire()[0]["_meta"]["word_ids"]
    assert units and all(words[100] + 1 <= u <= words[130] + 1 for u in units)


def test_passages_are_offered_where_there_are_several(sheet: Mount) -> None:
    short = sheet()
    expect(short.page.get_by_role("radio", name="passages")).to_be_hidden()
    s = sheet(LONG)
    s.page.get_by_role("radio", name="passages").click()
    s.settle()
    assert s.trait("granularity") == "passage"
    ids = passages_of([0, 4, 8])
    assert ids == [0, 1, 2]
    expect(s.page.locator(".ledger .head")).to_contain_text("strongest passages")
    units = s.page.eval_on_selector_all(".w", "(w) => new Set(w.map((x) => x.dataset.unit)).size")
    wanted = {i for i in LONG.wire()[0]["_meta"]["passage_ids"] if i >= 0}
    assert units == len(wanted) + 2


def test_the_window_mirrors_with_the_script(sheet: Mount) -> None:
    s = sheet(Explanation(text=ARABIC, view="tokens", state={"span": [0, 40]}))
    window = s.page.locator(".window").bounding_box()
    whole = s.page.locator(".minimap").bounding_box()
    assert window and whole
    assert abs(window["x"] + window["width"] - whole["x"] - whole["width"]) < 3
    assert s.overflow() == 0


# Everything by keyboard


def test_a_walk_with_the_keyboard_reaches_every_part(sheet: Mount) -> None:
    s = sheet(LONG)
    wanted = {
        ".bar button", ".classes [role=radio]", ".play", ".layers [role=radio]", ".lam input",
        ".right [role=radio]", ".window", ".flow", ".caption .word", ".prose .w", "summary",
    }  # fmt: skip
    found = set()
    for _ in range(60):
        press(s, "Tab")
        for selector in wanted - found:
            if s.page.evaluate(f"() => document.activeElement.matches({json.dumps(selector)})"):
                found.add(selector)
                outline = "() => getComputedStyle(document.activeElement).outlineStyle"
                assert s.page.evaluate(outline) != "none", f"no focus ring on {selector}"
    assert found == wanted


# Side by side


ONE = Explanation()
TWO = Explanation(text="The plot is thin, but the acting is dull.", seed=3)
MOUNT = """async ({state, items}) => {
  const { mockModel } = await import("/mock_model.js");
  const { render } = (await import("/calig.js")).default;
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  state._items = items.map(({meta, data, name}) => ({
    _name: name, _meta: meta,
    ...Object.fromEntries(Object.entries(data).map(([k, v]) => [k, bytes(v)])),
  }));
  window.saved = []; window.sent = [];
  window.model = mockModel(state, {
    onSave: (c) => window.saved.push(c), onSend: (c) => window.sent.push(c),
  });
  window.stop = render({ model: window.model, el: document.querySelector("#cell") });
}"""


@pytest.fixture
def compared(browser: Browser) -> Any:
    """Mount a comparison; its tokens are aligned one by one."""
    opened = []

    def mount(
        *explanations: Explanation, names: Any = ("before", "after"), **context: Any
    ) -> Sheet:
        scope, s = open_sheet(browser, **context)
        opened.append((scope, s))
        wires = [e.wire() for e in explanations]
        counts = [len(traits["_meta"]["tokens"]) for traits, _ in wires]
        words = [max(t["_meta"]["word_ids"]) + 3 for t, _ in wires]

        def rows(sizes: list[int]) -> list[list[list[int]]]:
            return [[[i] if i < n else [] for n in sizes] for i in range(max(sizes))]

        state = {
            "_view": "comparison", "_busy": False, "_error": "", "selected": [], "layer": None,
            "lam": None, "granularity": "word", "theme": "auto",
            "_rows": {"token": rows(counts), "word": rows(words),
                      "sentence": rows([3] * len(wires)), "passage": rows([3] * len(wires))},
        }  # fmt: skip
        items = [
            {"name": name, "meta": traits["_meta"], "data": encoded(data)}
            for name, (traits, data) in zip(names, wires)
        ]
        s.page.evaluate(MOUNT, {"state": state, "items": items})
        s.page.wait_for_selector(".calig")
        s.settle()
        return s

    yield mount
    for scope, s in opened:
        left = s.page.evaluate("() => { stop(); return model.subscribed(); }")
        scope.close()
        assert left == 0 and s.complaints == []


def test_a_word_is_selected_in_all_texts_and_in_the_difference(compared: Any) -> None:
    s = compared(ONE, TWO)
    expect(s.page.locator(".side")).to_have_count(2)
    s.page.locator(".side").nth(1).locator(".w", has_text="dull").click()
    s.settle()
    tokens = ONE.wire()[0]["_meta"]["tokens"]
    assert s.trait("selected") == [tokens.index("superb")]
    expect(s.page.locator(".w.on")).to_have_text(["superb", "dull"])
    expect(s.page.locator("tr.on button")).to_have_text("superb → dull")
    expect(s.page.locator(".caption")).to_contain_text("superb → dull from +")
    s.receive(selected=[3])
    expect(s.page.locator(".w.on")).to_have_text([tokens[3]] * 2)
    s.page.locator(".difference tbody button").first.focus()
    press(s, "ArrowDown", "Enter")
    expect(s.page.locator("tr.on")).to_have_count(1)
    press(s, "Control+z")
    assert s.trait("selected") == [3]


def test_pointing_at_a_row_tells_the_values_of_all(compared: Any) -> None:
    s = compared(ONE, TWO)
    tip = s.page.locator(".tip")
    expect(tip).to_be_hidden()
    s.page.locator(".side").nth(1).locator(".w", has_text="dull").hover()
    expect(tip).to_contain_text("superb → dull")
    expect(tip.locator("tr")).to_have_count(3)
    expect(tip.locator("tr").nth(2)).to_contain_text("after")
    s.page.locator(".difference tbody button").nth(2).hover()
    expect(tip).not_to_contain_text("superb → dull")
    s.receive(layer=2)
    box = s.page.locator(".calig").bounding_box()
    s.page.locator(".side").first.locator(".w").last.hover()
    expect(tip.locator("tr")).to_have_count(2)
    shown = tip.bounding_box()
    assert box and shown and box["x"] <= shown["x"]
    assert shown["x"] + shown["width"] <= box["x"] + box["width"] + 1


def test_bars_have_one_scale(compared: Any) -> None:
    weak = Explanation(seed=1, text="The plot is real")
    s = compared(ONE, weak)
    bars = """(words) => Math.max(
      ...words.flatMap((w) => ["--up", "--down"].map((p) => +w.style.getPropertyValue(p))))"""
    highest = [s.page.eval_on_selector_all(f".side:nth-child({i}) .w", bars) for i in (1, 2)]
    assert max(highest) == 1 and min(highest) < 0.95


def test_lambda_layer_and_granularity_act_on_all(compared: Any) -> None:
    s = compared(ONE, TWO)
    first = s.page.locator(".difference tbody").inner_text()
    s.page.locator(".lam input").press("End")
    s.settle()
    assert s.trait("lam") == 1
    assert s.page.locator(".difference tbody").inner_text() != first
    s.page.get_by_role("radio", name="Layer 2").click()
    s.page.get_by_role("radio", name="sentences").click()
    s.settle()
    assert (s.trait("layer"), s.trait("granularity")) == (2, "sentence")
    expect(s.page.locator(".difference tbody tr")).to_have_count(1)
    s.page.get_by_role("button", name="Copy the state").click()
    expect(s.page.locator(".notice")).to_contain_text("granularity=sentence;lam=1;layer=2")


def test_matrices_of_each_are_asked_for(compared: Any) -> None:
    bare = Explanation(with_matrices=False)
    s = compared(bare, bare)
    s.page.wait_for_function("sent.length === 2")
    assert [m["item"] for m in s.page.evaluate("sent")] == [0, 1]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("width", [360, 700, 1200])
def test_a_comparison_fits_its_cell(compared: Any, width: int) -> None:
    for texts in [(ONE, TWO), (LONG, LONG), (ONE, TWO, ONE), (Explanation(text=ARABIC[:60]),) * 2]:
        names = tuple(f"a rather long name {i}" for i in range(len(texts)))
        s = compared(*texts, names=names, width=width + 40)
        assert s.overflow() == 0
        assert "NaN" not in s.page.locator(".calig").inner_text()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(sheet: Mount, compared: Any, axe: str, scheme: str) -> None:
    run = """async () => {
      const {violations} = await axe.run("#cell", {resultTypes: ["violations"]});
      return violations.filter((v) => ["serious", "critical"].includes(v.impact))
        .map((v) => [v.id, v.nodes.map((n) => n.html)]);
    }"""
    for s in (sheet(LONG, color_scheme=scheme), compared(ONE, TWO, color_scheme=scheme)):
        s.page.evaluate(axe)
        s.page.get_by_role("button", name="Keyboard and mouse").click()
        assert s.page.evaluate(run) == []
        s.receive(selected=[4], layer=2, theme="dark")
        s.page.get_by_role("button", name="Copy the state").click()
        s.settle()
        assert s.page.evaluate(run) == []
