"""The exported page, opened from disk with every request refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.hostile_texts import HOSTILE, LONG, hostile

from .hosts.exported import Opened, made_up
from .hosts.page import Explanation, Sheet

# The same interactions as in the live page: collected again here, with the `sheet` below.
from .test_explore import (  # noqa: F401
    test_help_opens_and_closes_by_key_and_by_button,
    test_python_can_set_how_far_the_layers_are_played,
    test_the_flow_zooms_by_double_click_and_shows_what_is_in_sight,
    test_the_map_chooses_what_is_in_sight,
    test_the_state_is_copied_as_python_reads_it,
    test_the_window_by_keyboard,
    test_undo_and_redo_by_buttons_and_by_keys,
    test_what_python_sets_can_be_undone_and_a_drag_is_one_step,
)
from .test_page import (  # noqa: F401
    test_a_column_of_the_flow_selects_its_word,
    test_click_selects_a_word_everywhere_and_writes_its_tokens,
    test_dragging_lambda_fuses_again_and_tells_python_in_steps,
    test_keyboard_only_path,
    test_layer_and_granularity,
    test_play_tells_the_story_and_ends_with_the_verdict,
    test_pointing_at_a_weak_word_grows_its_ribbons,
    test_pointing_shows_values_and_leaves_the_model_alone,
    test_reduced_motion_steps_whole_layers,
    test_right_to_left,
    test_shift_adds_words_up_to_four,
    test_special_tokens_only,
    test_the_host_decides_light_or_dark,
    test_theme_button_goes_through_all_three,
    test_values_that_are_not_numbers,
    test_words_of_the_caption_can_be_clicked,
)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Opened]]:
    """Open a file; at the end it must have asked for nothing and complained of nothing."""
    pages: list[Opened] = []

    def from_disk(file: Path, **context: Any) -> Opened:
        pages.append(Opened(browser, file, **context))
        return pages[-1]

    yield from_disk
    for page in pages:
        page.close()


@pytest.fixture
def sheet(opened: Callable[..., Opened], tmp_path: Path) -> Callable[..., Sheet]:
    """As the live page's: a made-up explanation, but exported and opened from disk."""

    def mount(explanation: Explanation | None = None, **context: Any) -> Sheet:
        file = tmp_path / "why.html"
        file.write_text(made_up(explanation or Explanation()), encoding="utf8")
        return opened(file, **context).live()

    return mount


@pytest.fixture(scope="module")
def explained() -> Any:
    import calig_nb as cn

    return cn.load_demo("sentiment").explain("The plot is thin, but the acting is superb.")


@pytest.fixture(scope="module")
def compared(explained: Any) -> Any:
    import calig_nb as cn

    other = "The plot is thin, but the acting is dull."
    return cn.Comparison([explained, cn.load_demo("sentiment").explain(other, target="positive")])


@pytest.mark.parametrize("view", ["workbench", "tokens", "flow", "rollout"])
def test_a_real_explanation_is_live(
    explained: Any, opened: Callable[..., Opened], tmp_path: Path, view: str
) -> None:
    page = opened(explained.to_html(tmp_path / "why.html", view=view, lam=0.25)).live()
    assert page.trait("lam") == 0.25
    expect(page.page.locator("h1")).to_have_text("The model answers positive, at 98.3 %")
    expect(page.page.locator(".still")).to_be_hidden()
    expect(page.page.locator(".calig")).to_have_attribute("data-view", view)
    expect(page.page.locator(".caption")).not_to_contain_text("on their way")


def test_the_matrix_unfolds_and_says_what_it_cannot(
    explained: Any, opened: Callable[..., Opened], tmp_path: Path
) -> None:
    s = opened(explained.to_html(tmp_path / "why.html")).live()
    s.page.locator(".rollout summary").first.click()
    expect(s.page.locator(".board canvas")).to_be_visible()
    s.page.locator(".board").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        s.page.keyboard.press(key)
    s.settle()
    assert len(s.trait("cell")) == 2
    expect(s.page.locator(".single .how")).to_contain_text("need the notebook")
    other = s.page.get_by_role("radio", name="negative")
    expect(other).to_have_attribute("aria-disabled", "true")
    expect(other).to_have_attribute("title", "Only “positive” was explained here; another class "
                                    "needs a running kernel.")  # fmt: skip


def test_the_matrix_of_a_long_text_is_worked_out_at_once(sheet: Callable[..., Sheet]) -> None:
    long = Explanation(text="a b c d e " * 80, tokens=300, layers=4, view="rollout", bits=8)
    s = sheet(long)
    expect(s.page.locator(".telling")).not_to_contain_text("Working", timeout=9000)
    expect(s.page.locator(".links button").first).to_be_visible()


def test_a_comparison_is_live(compared: Any, opened: Callable[..., Opened], tmp_path: Path) -> None:
    s = opened(compared.to_html(tmp_path / "both.html")).live()
    expect(s.page.locator("h1")).to_have_text("“superb → dull” makes the largest difference")
    s.page.locator(".side").nth(1).locator(".w", has_text="dull").click()
    s.settle()
    expect(s.page.locator(".w.on")).to_have_text(["superb", "dull"])
    first = s.page.locator(".difference tbody").inner_text()
    s.page.locator(".lam input").press("End")
    s.settle()
    assert s.trait("lam") == 1
    assert s.page.locator(".difference tbody").inner_text() != first


def test_the_whole_page_takes_the_theme(sheet: Callable[..., Sheet]) -> None:
    s = sheet(color_scheme="light")
    paper = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = s.page.evaluate(paper)
    for _ in range(2):
        s.page.get_by_role("button", name="Theme").click()
    s.settle()
    assert s.trait("theme") == "dark" and s.page.evaluate(paper) != light
    own = "() => getComputedStyle(document.querySelector('.calig')).backgroundColor"
    assert s.page.evaluate(own) == s.page.evaluate(paper)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_axe_finds_nothing_on_the_page(
    explained: Any, compared: Any, opened: Callable[..., Opened], axe: str, tmp_path: Path,
    scheme: str, width: int,
) -> None:  # fmt: skip
    files = [explained.to_html(tmp_path / "one.html"), compared.to_html(tmp_path / "both.html")]
    for file in files:
        s = opened(file, color_scheme=scheme, width=width).live()
        s.page.evaluate(axe)
        run = """async () => (await axe.run(document)).violations
          .map((v) => [v.impact, v.id, v.nodes.map((n) => n.html)])"""
        for selected in ([], [2]):
            s.receive(selected=selected)
            assert [v for v in s.page.evaluate(run) if v[0] in ("serious", "critical")] == []


def test_without_scripts_the_picture_and_the_table_stand_there(
    explained: Any, opened: Callable[..., Opened], tmp_path: Path
) -> None:
    file = explained.to_html(tmp_path / "why.html")
    page = opened(file, java_script_enabled=False).page
    image = page.get_by_role("img")
    expect(image).to_be_visible()
    assert (image.bounding_box() or {})["height"] > 200
    story, _ = explained.show(granularity="word").describe()
    expect(image).to_have_attribute("alt", story.sentence)
    expect(page.locator("header p")).to_have_text(story.lead)
    assert story.lead.startswith("“superb” supports positive most (+")
    expect(page.get_by_role("row")).to_have_count(1 + len(story.rows))
    expect(page.locator("#calig")).to_be_hidden()


def test_where_the_view_fails_the_picture_comes_back(
    explained: Any, opened: Callable[..., Opened], tmp_path: Path
) -> None:
    file = explained.to_html(tmp_path / "why.html")
    damaged = file.read_text(encoding="utf8").replace('{"traits":', '{"traits"', 1)
    file.write_text(damaged, encoding="utf8")
    page = opened(file)
    expect(page.page.locator(".still img")).to_be_visible()
    assert len(page.complaints) == 1 and "JSON" in page.complaints.pop()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("view", ["workbench", "rollout", "comparison"])
def test_hostile_tokens_execute_nothing(
    opened: Callable[..., Opened], tmp_path: Path, view: str, width: int
) -> None:
    import calig_nb as cn

    odd = hostile(cn.load_demo("sentiment").explain(LONG))
    if view == "comparison":
        shown = cn.Comparison([odd, odd.with_lam(0)], [HOSTILE[0], HOSTILE[10] + "b"])
    else:
        shown = odd.show(view, granularity="token")
    s = opened(shown.to_html(tmp_path / "why.html"), width=width).live()
    for summary in s.page.locator("summary:visible").all():
        summary.click()
    s.receive(selected=[1])
    s.settle()
    page = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert s.page.evaluate(page) == 0
    found = s.page.evaluate(
        """() => [document.scripts.length, document.querySelectorAll("img").length,
          document.querySelectorAll("textarea, a[href], [onload], [onerror]").length]"""
    )
    assert found == [3, 1, 0]
    said = s.page.locator(".calig").inner_text()
    assert all(text in said for text in HOSTILE[:6])


def test_the_policy_stops_what_is_not_the_pages_own(
    explained: Any, opened: Callable[..., Opened], tmp_path: Path
) -> None:
    page = opened(explained.to_html(tmp_path / "why.html"))
    page.live()
    page.page.evaluate(
        """() => {
          const script = document.createElement("script");
          const policy = trustedTypes.createPolicy("own", { createScript: (text) => text });
          script.textContent = policy.createScript("alert(2)");
          document.body.append(script);
          const img = document.createElement("img");
          img.src = "https://elsewhere.test/x.png";
          document.body.append(img);
          try { document.body.innerHTML += "<b>text</b>"; } catch { /* refused */ }
        }"""
    )
    page.page.wait_for_function("window.__violations.length === 3")
    said = page.page.evaluate("window.__violations.splice(0)")
    assert sorted(v.split()[0] for v in said) == [
        "img-src", "require-trusted-types-for", "script-src-elem",
    ]  # fmt: skip
    page.complaints.clear()
