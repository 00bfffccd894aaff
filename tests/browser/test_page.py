"""What a reader sees and does, in a real browser without a kernel (see page.py)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import expect

from .hosts.page import ROOT, SENTENCE, Explanation, Sheet, encoded, longer

Mount = Callable[..., Sheet]
VIEWS = ["workbench", "tokens", "flow", "rollout"]
ARABIC = "الفيلم ضعيف جدا، لكن التمثيل رائع ومؤثر للغاية."


def ink(sheet: Sheet) -> int:
    """How many pixels of the flow's canvas, or of the matrix', are painted."""
    pixels: int = sheet.page.evaluate(
        """() => {
          const canvas = document.querySelector(".flow canvas, .board canvas");
          const {width, height} = canvas;
          const copy = new OffscreenCanvas(width, height)
            .getContext("2d", {willReadFrequently: true});
          copy.drawImage(canvas, 0, 0);
          const {data} = copy.getImageData(0, 0, width, height);
          let painted = 0;
          for (let i = 3; i < data.length; i += 4) if (data[i]) painted++;
          return painted;
        }"""
    )
    return pixels


def values(sheet: Sheet) -> list[str]:
    """What the words of the text say to a screen reader."""
    said: list[str] = sheet.page.eval_on_selector_all(
        ".prose .w", "(words) => words.map((w) => w.getAttribute('aria-label'))"
    )
    return said


# What can be done with the mouse


def test_click_selects_a_word_everywhere_and_writes_its_tokens(sheet: Mount) -> None:
    s = sheet()
    before = ink(s)
    s.word("superb").click()
    s.settle()
    tokens = Explanation().wire()[0]["_meta"]["tokens"]
    assert s.trait("selected") == [tokens.index("superb")]
    assert s.page.evaluate("saved") == [{"selected": [tokens.index("superb")]}]
    expect(s.word("superb")).to_have_attribute("aria-selected", "true")
    expect(s.page.locator(".caption")).to_contain_text("superb brings")
    assert ink(s) != before
    s.word("superb").click()
    assert s.trait("selected") == []


def test_shift_adds_words_up_to_four(sheet: Mount) -> None:
    s = sheet()
    for word in ["plot", "thin", "but", "acting", "superb"]:
        s.word(word).click(modifiers=["Shift"])
    expect(s.page.locator(".w.on")).to_have_count(4)
    expect(s.word("plot")).to_have_attribute("aria-selected", "false")


def test_the_selection_comes_from_python_too(sheet: Mount) -> None:
    s = sheet()
    s.receive(selected=[2])
    expect(s.page.locator(".w.on")).to_have_text(["plot"])
    assert s.page.evaluate("saved") == []


def test_a_column_of_the_flow_selects_its_word(sheet: Mount) -> None:
    s = sheet(Explanation(view="flow"))
    box = s.page.locator(".flow text[data-unit]", has_text="superb").bounding_box()
    assert box
    s.page.mouse.click(box["x"] + box["width"] / 2, box["y"] - 40)
    s.settle()
    expect(s.page.locator(".caption")).to_contain_text("superb brings")
    assert len(s.trait("selected")) == 1


def test_words_of_the_caption_can_be_clicked(sheet: Mount) -> None:
    s = sheet(Explanation(view="tokens"))
    word = s.page.locator(".caption .word").first
    name = word.inner_text().strip("₀₁₂₃₄₅₆₇₈₉“”")
    word.click()
    s.settle()
    expect(s.page.locator(".w.on")).to_have_text([name])


def test_pointing_shows_values_and_leaves_the_model_alone(sheet: Mount) -> None:
    s = sheet(Explanation(view="tokens"))
    s.word("superb").hover()
    tip = s.page.locator(".tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("supports positive")
    expect(tip.locator("rect")).to_have_count(6)
    expect(s.page.locator(".entry.hot .name")).to_have_text("superb")
    assert s.page.evaluate("saved") == []
    s.page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


@pytest.mark.parametrize("view", ["workbench", "flow"])
def test_pointing_at_a_weak_word_grows_its_ribbons(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(view=view))
    rest = s.page.locator(".caption").inner_text()
    box = s.page.locator(".flow text[data-unit]", has_text="plot").bounding_box()
    assert box
    s.page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 40)
    expect(s.page.locator(".caption")).to_contain_text("plot brings")
    s.page.mouse.move(5, 5)
    expect(s.page.locator(".caption")).to_have_text(rest)


def test_dragging_lambda_fuses_again_and_tells_python_in_steps(sheet: Mount) -> None:
    s = sheet()
    before = values(s)
    slider = s.page.locator(".lam input")
    box = slider.bounding_box()
    assert box
    y = box["y"] + box["height"] / 2
    s.page.mouse.move(box["x"] + box["width"] / 2, y)
    s.page.mouse.down()
    for step in range(30):
        s.page.mouse.move(box["x"] + box["width"] * (0.5 + step / 70), y)
    s.page.mouse.up()
    s.settle()
    assert s.trait("lam") > 0.8
    assert values(s) != before
    told = s.page.evaluate("saved")
    # While it is dragged every tenth of a second at most; when it is let go at once.
    at = s.page.evaluate("savedAt")[:-1]
    assert len(told) >= 1 and all(b - a > 95 for a, b in pairwise(at))
    assert told[-1] == {"lam": s.trait("lam")}


def test_layer_and_granularity(sheet: Mount) -> None:
    s = sheet()
    s.page.get_by_role("radio", name="Layer 3").click()
    s.settle()
    assert s.trait("layer") == 3
    expect(s.page.locator(".text .head b")).to_have_text("The text at layer 3")
    expect(s.page.locator(".caption")).to_contain_text("Layer 3:")
    s.page.get_by_role("radio", name="tokens").click()
    s.settle()
    assert s.trait("granularity") == "token"
    assert s.page.locator(".w").count() == len(Explanation().wire()[0]["_meta"]["tokens"])
    s.page.get_by_role("radio", name="sentences").click()
    s.settle()
    units = s.page.eval_on_selector_all(".w", "(w) => new Set(w.map((x) => x.dataset.unit)).size")
    assert units == 3  # the sentence and two special tokens


def test_theme_button_goes_through_all_three(sheet: Mount) -> None:
    s = sheet()
    seen = []
    for _ in range(3):
        s.page.get_by_role("button", name="Theme").click()
        s.settle()
        seen.append(s.trait("theme"))
    assert seen == ["light", "dark", "auto"]


def test_the_host_decides_light_or_dark(sheet: Mount) -> None:
    s = sheet()
    colour = "() => getComputedStyle(document.querySelector('.calig')).color"
    light = s.page.evaluate(colour)
    painted = s.page.evaluate("() => document.querySelector('.flow canvas').toDataURL()")
    s.page.evaluate("() => document.body.setAttribute('data-jp-theme-light', 'false')")
    s.settle()
    assert s.page.evaluate(colour) != light
    assert s.page.evaluate("() => document.querySelector('.flow canvas').toDataURL()") != painted


def test_play_tells_the_story_and_ends_with_the_verdict(sheet: Mount) -> None:
    s = sheet(Explanation(layers=2))
    s.page.get_by_role("button", name="Play").click()
    expect(s.page.locator(".caption")).to_contain_text("Embeddings:")
    expect(s.page.locator(".caption")).to_contain_text("Layer 1:", timeout=6000)
    expect(s.page.locator(".caption")).to_contain_text("Decision:", timeout=6000)
    expect(s.page.get_by_role("button", name="Play")).to_be_visible()


def test_reduced_motion_steps_whole_layers(sheet: Mount) -> None:
    s = sheet(Explanation(layers=2, view="flow"), reduced_motion="reduce")
    s.page.get_by_role("button", name="Play").click()
    expect(s.page.locator(".caption")).to_contain_text("Embeddings:")
    s.settle()
    s.page.wait_for_timeout(100)  # a busy machine draws late
    first = ink(s)
    s.page.wait_for_timeout(700)
    assert ink(s) == first, "something moved"
    expect(s.page.locator(".caption")).to_contain_text("Layer 1:", timeout=6000)


# With the keyboard only


def test_keyboard_only_path(sheet: Mount) -> None:
    s = sheet()
    press = s.page.keyboard.press
    focused = "() => document.activeElement.className || document.activeElement.tagName"

    def tab_to(wanted: str) -> None:
        for _ in range(25):
            press("Tab")
            if s.page.evaluate(f"() => document.activeElement.matches({json.dumps(wanted)})"):
                return
        pytest.fail(f"{wanted} cannot be reached; focus is on {s.page.evaluate(focused)}")

    tab_to(".segments [role=radio]")
    press("ArrowRight")
    assert s.trait("layer") == 0
    press("ArrowLeft")
    assert s.trait("layer") is None
    tab_to(".lam input")
    press("End")
    s.settle()
    assert s.trait("lam") == 1
    tab_to(".flow")
    press("ArrowRight")
    press("ArrowRight")
    s.settle()
    expect(s.page.locator(".caption")).to_contain_text("The brings")
    press("Enter")
    assert s.trait("selected") == [1]
    press("ArrowUp")
    assert s.trait("layer") == 0
    press("Escape")
    assert (s.trait("selected"), s.trait("layer")) == ([], None)
    tab_to(".w")
    press("ArrowRight")
    press("ArrowRight")
    expect(s.page.locator(".tip")).to_contain_text("plot")
    press("Enter")
    assert s.trait("selected") == [2]
    tab_to(".rollout summary")
    tab_to(".rollout + .more summary")
    press("Enter")
    expect(s.page.locator(".table tbody tr")).to_have_count(13)


def test_the_notebook_never_sees_the_keys_that_are_used(sheet: Mount) -> None:
    s = sheet()
    s.page.evaluate(
        """() => { window.leaked = [];
          document.addEventListener("keydown", (e) => window.leaked.push(e.key)); }"""
    )
    s.page.locator(".flow").focus()
    for key in ["ArrowRight", "Enter", "ArrowUp", " ", "Escape"]:
        s.page.keyboard.press(key)
    assert s.page.evaluate("leaked") == []
    kept = s.page.locator("[data-lm-suppress-shortcuts]")
    expect(kept).to_have_class("flow")
    s.page.locator(".play").focus()
    expect(kept).to_have_count(1)
    expect(kept).to_contain_text("Play")


# Inputs of every kind


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("odd", [0, 1])
def test_one_word(sheet: Mount, view: str, odd: int) -> None:
    s = sheet(Explanation(text="superb", view=view), odd=odd)
    expect(s.page.locator(".caption")).to_contain_text("superb")
    assert "NaN" not in s.page.locator(".calig").inner_text()


@pytest.mark.parametrize("view", VIEWS)
def test_special_tokens_only(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(special_only=True, view=view))
    expect(s.page.locator(".caption")).to_contain_text("There is no ordinary token to explain")
    own = {"flow": [".flow"], "tokens": [".prose", ".ledger"], "rollout": [".rollout"]}
    parts = own.get(view, [".flow", ".ledger", ".rollout"])
    for part in parts:
        expect(s.page.locator(part)).to_have_count(1)
        expect(s.page.locator(part)).to_be_hidden()


@pytest.mark.parametrize("view", VIEWS)
def test_values_that_are_not_numbers(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(nan=(2, 4), view=view))
    expect(s.page.locator(".caption")).to_contain_text("not a number (layer 2, “thin”)")
    if view in ("workbench", "flow"):
        expect(s.page.locator(".flow svg")).to_contain_text("n/a")
    assert "NaN" not in s.page.locator(".calig").inner_text()


def test_words_that_read_the_other_way_stand_in_their_own_order(sheet: Mount) -> None:
    s = sheet(Explanation(text="They said هذا الفيلم رائع and left."))
    first, last, end = (s.word(w).bounding_box() for w in ("هذا", "رائع", "left"))
    assert first and last and end
    assert last["x"] < first["x"] < end["x"]
    s = sheet(Explanation(text="قال a very good الفيلم"))
    first, last = (s.word(w).bounding_box() for w in ("a", "good"))
    assert first and last and first["x"] < last["x"]


@pytest.mark.parametrize("width", [400, 560, 740, 1240])
def test_long_class_names_do_not_meet(sheet: Mount, width: int) -> None:
    names = tuple(f"{kind} long name of a class that nobody shortened" for kind in ("a", "another"))
    s = sheet(Explanation(labels=names), width=width)
    labels = s.page.locator(".flow svg text").filter(has_text=re.compile("opposes|supports"))
    left, right = (labels.nth(i).bounding_box() for i in range(2))
    assert left and right and left["x"] + left["width"] < right["x"]
    assert s.overflow() == 0


def test_the_bars_of_the_ledger_begin_at_its_axis(sheet: Mount) -> None:
    for width in (400, 740, 1240):
        s = sheet(Explanation(), width=width)
        minus, plus = (
            s.page.locator(f".ledger .{k} .bar").first.bounding_box() for k in ("minus", "plus")
        )
        assert minus and plus and 0 <= plus["x"] - (minus["x"] + minus["width"]) < 2.5


def test_right_to_left(sheet: Mount) -> None:
    s = sheet(Explanation(text=ARABIC))
    expect(s.page.locator(".prose")).to_have_attribute("dir", "rtl")
    first, last = s.word("الفيلم").bounding_box(), s.word("للغاية").bounding_box()
    assert first and last and first["x"] > last["x"]
    labels = s.page.locator(".flow text[data-unit]")
    start = labels.filter(has_text="CLS").bounding_box()
    end = labels.filter(has_text="SEP").bounding_box()
    assert start and end and start["x"] > end["x"]
    s.page.locator(".flow").focus()
    s.page.keyboard.press("ArrowLeft")
    s.page.keyboard.press("ArrowLeft")
    s.settle()
    expect(s.page.locator(".caption")).to_contain_text("الفيلم")


def test_the_bars_of_a_sentence_reach_to_its_next_word_and_not_over_it(sheet: Mount) -> None:
    s = sheet(Explanation(state={"granularity": "sentence"}))
    gaps = s.page.evaluate(
        """() => {
          const words = [...document.querySelectorAll(".prose .w:not(.chip)")];
          return words.slice(1).map((next, i) => [
            -parseFloat(getComputedStyle(words[i], "::before").right),
            next.getBoundingClientRect().left - words[i].getBoundingClientRect().right,
          ]);
        }"""
    )
    assert sum(gap < 1 for _, gap in gaps) == 2, "a comma and a full stop follow without a space"
    for reach, gap in gaps:
        assert (reach > 3) == (gap > 1) and reach < gap + 2


@pytest.mark.parametrize("text", [SENTENCE, ARABIC])
def test_the_second_of_two_texts_is_told_apart(sheet: Mount, axe: str, text: str) -> None:
    pair = f"{text}\nIs it any good?"
    s = sheet(Explanation(text=pair, second=len(text) + 1, state={"granularity": "token"}))
    group = s.page.get_by_role("group", name="second text")
    assert " ".join(group.inner_text().split()) == "Is it any good?"
    paper = s.page.locator(".prose").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert group.evaluate("(e) => getComputedStyle(e).backgroundColor") != paper
    s.page.evaluate(axe)
    found = s.page.evaluate("async () => (await axe.run('#cell')).violations")
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_many_classes(sheet: Mount) -> None:
    labels = tuple("business entertainment politics sport tech science world health".split())
    s = sheet(Explanation(labels=labels, output="logit", antisymmetric=False, live=True))
    expect(s.page.locator(".classes [role=radio]")).to_have_count(6)
    s.page.get_by_label("Other classes").select_option(label="science 1.4 %")
    s.settle()
    assert s.trait("target") == labels.index("science")
    expect(s.page.locator(".notice")).to_contain_text("Explaining “science”")
    s.page.get_by_label("Contrast class").select_option(label="sport")
    assert s.trait("contrast") == labels.index("sport")


@pytest.mark.parametrize("view", VIEWS)
def test_without_matrices_it_stays_usable_and_asks_for_them(sheet: Mount, view: str) -> None:
    explanation = Explanation(with_matrices=False, view=view)
    s = sheet(explanation)
    s.page.wait_for_function("sent.length === 1")
    assert s.page.evaluate("sent") == [{"kind": "matrices"}]
    expect(s.page.locator(".caption")).to_contain_text("on their way")
    s.page.locator(".lam input").press("ArrowRight")
    assert s.trait("lam") == 0.51
    matrices = Explanation().wire()[1]["_matrices"]
    s.page.evaluate(
        "(text) => model.message({kind: 'matrices'}, [view(text)])",
        encoded({"m": matrices})["m"],
    )
    s.settle()
    expect(s.page.locator(".caption")).not_to_contain_text("on their way")


# How it stands on the page


@pytest.mark.sampled(3)
@pytest.mark.parametrize("width", [360, 700, 1200])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_its_cell(sheet: Mount, view: str, width: int) -> None:
    texts = {
        "short": Explanation(view=view),
        "one": Explanation(text="superb", view=view),
        "pieces": Explanation(
            text="An unbelievably extraordinary, heartbreaking masterpiece " + "x" * 90,
            view=view,
            state={"granularity": "token", "selected": [3]},
        ),
        "long": Explanation(text=longer(240), view=view, bits=8),
        "deep": Explanation(text=ARABIC, layers=48, view=view, labels=("سلبي", "إيجابي" * 4)),
        "classes": Explanation(
            labels=("a class with a rather long name", *"bcdefghi", "another class of that kind"),
            live=True,
            view=view,
        ),
    }
    for name, explanation in texts.items():
        s = sheet(explanation, width=width + 40)
        assert s.overflow() == 0, name
        if view != "tokens":
            assert ink(s) > 1000, name


@pytest.mark.sampled(2)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(sheet: Mount, axe: str, view: str, scheme: str) -> None:
    s = sheet(Explanation(view=view), color_scheme=scheme)
    s.page.evaluate(axe)
    run = """async () => {
      const {violations, passes} = await axe.run("#cell", {resultTypes: ["violations"]});
      return [violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)]), passes.length];
    }"""
    states: list[Callable[[], Any]] = [
        lambda: None,
        lambda: s.receive(selected=[4], layer=2),
        lambda: s.receive(_error="Something went wrong.", theme="dark", granularity="sentence"),
        lambda: [summary.click() for summary in s.page.locator("summary").all()],
    ]
    for change in states:
        change()
        s.settle()
        violations, passed = s.page.evaluate(run)
        assert passed > 5
        assert [v for v in violations if v[0] in ("serious", "critical")] == []


def test_long_and_deep_stays_responsive(sheet: Mount, capsys: pytest.CaptureFixture[str]) -> None:
    s = sheet(Explanation(text=longer(600), tokens=512, layers=24, bits=8))
    assert s.page.locator(".w").count() > 400
    paint = s.page.evaluate("firstPaint")
    frames = s.page.evaluate(
        """async () => {
          const slider = document.querySelector(".lam input");
          const times = [];
          for (let i = 0; i < 12; i++) {
            slider.value = String(0.3 + i / 40);
            await new Promise((ok) => requestAnimationFrame(ok));
            const start = performance.now();
            slider.dispatchEvent(new Event("input", {bubbles: true}));
            // The widget asked for its frame first: when ours comes, it has drawn.
            await new Promise((ok) => requestAnimationFrame(ok));
            document.querySelector(".calig").getBoundingClientRect();
            times.push(performance.now() - start);
          }
          return times;
        }"""
    )
    with capsys.disabled():
        print(f"\n512 tokens, 24 layers: first paint {paint:.0f} ms, λ {median(frames):.0f} ms")
    assert median(frames) < 400


def test_the_bundle_is_small_and_whole() -> None:
    static = Path(ROOT / "calig_nb/widgets/static")
    code = (static / "calig.js").read_text(encoding="utf8")
    style = (static / "calig.css").read_text(encoding="utf8")
    assert len(code.encode()) <= 110_000
    assert len(style.encode()) <= 30_000
    assert "import " not in code[:200] and "http://" not in style and "https://" not in style
    assert ".calig" in style


# What is not exact


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_not_exact_is_said_above_the_picture(sheet: Mount, view: str) -> None:
    said = "Layer 2 is not exact: its values may be off by 6 %."
    s = sheet(Explanation(view=view, inexact=said))
    note = s.page.get_by_role("note")
    expect(note).to_have_text(said)
    question = s.page.locator(".question").bounding_box()
    box, picture = (
        note.bounding_box(),
        s.page.locator(".flow, .prose, .rollout").first.bounding_box(),
    )
    assert question and box and picture
    assert question["y"] + question["height"] <= box["y"]
    assert box["y"] + box["height"] <= picture["y"]
    assert box["x"] + box["width"] <= s.page.viewport_size["width"]


def test_nothing_is_said_where_all_is_exact(sheet: Mount) -> None:
    expect(sheet().page.get_by_role("note")).to_have_count(0)
