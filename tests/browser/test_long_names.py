"""Names of 5,000 characters, live and as a picture; and how a hatch is told to browsers."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.helpers.made_up_pictures import explained_picture

from .hosts.exported import Opened
from .hosts.page import ROOT, Sheet

NAMES = ("W" * 5_000, "V" + "W" * 4_999)
VIEWS = ["workbench", "tokens", "flow", "rollout", "comparison", "patches", "pictures"]
RUNS = """() => {
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  let longest = 0;
  while (texts.nextNode())
    for (const run of texts.currentNode.data.match(/W+/g) ?? [])
      longest = Math.max(longest, run.length);
  const page = document.documentElement;
  return [longest, page.scrollWidth - page.clientWidth];
}"""


@pytest.fixture(scope="module")
def explained() -> Any:
    import calig_nb as cn

    text = "The plot is thin, but the acting is superb."
    return dataclasses.replace(cn.load_demo("sentiment").explain(text), labels=NAMES)


def view_of(explained: Any, view: str) -> Any:
    import calig_nb as cn

    pictures = [dataclasses.replace(explained_picture(seed=s), labels=NAMES) for s in (0, 1)]
    if view == "comparison":
        return cn.Comparison([explained, explained.with_lam(0)], NAMES)
    if view == "pictures":
        return cn.Comparison(pictures, NAMES)
    return pictures[0].show() if view == "patches" else explained.show(view)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("view", VIEWS)
def test_long_names_are_cut(browser: Browser, explained: Any, view: str, tmp_path: Path) -> None:
    file = view_of(explained, view).to_html(tmp_path / "why.html")
    opened = Opened(browser, file, width=700)
    page = opened.live().page
    for summary in page.locator("summary:visible").all():
        summary.click()
    for word in page.locator(".w:visible:not(.cursor)").all()[:2]:
        word.hover()
        word.click()
    assert page.evaluate(RUNS) <= [60, 0]
    # Who points at a name, or has it read aloud, gets the whole.
    whole = page.locator(f"[title*='{NAMES[0]}']")
    assert whole.count() > 0
    page.evaluate("() => document.documentElement.classList.remove('live')")
    assert page.evaluate(RUNS) <= [60, 0]
    opened.close()


def test_gradients_of_mixed_colours_name_their_space() -> None:
    """Firefox drops a gradient that holds ``color-mix()`` and names none."""
    mixed = 0
    for file in (ROOT / "calig_nb/widgets/static").glob("*.css"):
        for gradient in re.findall(
            r"gradient\((?:[^()]|\([^()]*(?:\([^()]*\)[^()]*)*\))*\)", file.read_text()
        ):
            if "color-mix" in gradient:
                mixed += 1
                assert re.match(r"gradient\(\s*\d+deg in srgb,", gradient), gradient
    assert mixed == 2


def test_the_hatch_is_as_it_was(sheet: Any) -> None:
    """In the space that a browser takes by itself a gradient has the same pixels."""
    s: Sheet = sheet()
    shots = [
        s.page.evaluate(
            """(space) => {
              const calig = document.querySelector(".calig");
              const node = calig.querySelector(".hatch") ?? document.createElement("div");
              node.className = "hatch";
              calig.append(node);
              const hatch = getComputedStyle(node).getPropertyValue("--calig-hatch");
              node.style = "position:fixed;inset:0 auto auto 0;width:90px;height:40px;z-index:9;"
                + `background:${hatch.replace(" in srgb", space)}, rgb(200, 90, 20)`;
              return hatch.includes(" in srgb");
            }""",
            space,
        )
        and s.page.locator(".hatch").screenshot()
        for space in ("", " in srgb")
    ]
    assert shots[0] and shots[0] == shots[1]
