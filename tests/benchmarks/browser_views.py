"""How fast the views are in Chromium: ``python -m tests.benchmarks.browser_views`` prints a table.

The built bundle on a bare page, no kernel, software rendering: a floor, not a promise. The page has
been open for a moment, as a notebook has, but has shown no view before. The first paint is the
tools and the flow; the text and the sums follow in the next frame. A λ step is one slider event up
to the end of the frame that shows it; so is the selection of a token.
"""

from __future__ import annotations

import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from ..browser.conftest import chromium
from ..browser.hosts.page import MOUNT, Explanation, Sheet, encoded, longer, open_sheet

SIZES = ((128, 12), (512, 24), (1024, 24))
WARM = 5  # until the browser has compiled what it runs
PAGES = 9
PEACE = 500  # ms, until a new page's processes have come to rest

WHOLE = """() => {
  const look = () => {
    if (!document.querySelector(".ledger .head")) return requestAnimationFrame(after);
    document.querySelector(".calig").getBoundingClientRect();
    window.wholePaint = performance.now() - window.began;
  };
  const after = () => setTimeout(look);
  after();
}"""
DRAG = """async () => {
  const slider = document.querySelector(".lam input");
  const times = [];
  for (let i = 0; i < 45; i++) {
    slider.value = String(0.2 + i / 80);
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
FRAMES = """async () => {
  const slider = document.querySelector(".lam input");
  const start = performance.now();
  for (let i = 0; i < 60; i++) {
    slider.value = String(0.8 - i / 100);
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    await new Promise((ok) => requestAnimationFrame(ok));
  }
  return 60000 / (performance.now() - start);
}"""
SELECT = """async () => {
  const words = [...document.querySelectorAll(".prose .w:not(.chip)")];
  const times = [];
  for (let i = 0; i < 20; i++) {
    await new Promise((ok) => setTimeout(ok, 60));
    await new Promise((ok) => requestAnimationFrame(ok));
    const start = performance.now();
    words[(i * 37) % words.length].click();
    await new Promise((ok) => requestAnimationFrame(ok));
    document.querySelector(".calig").getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times;
}"""


def measure(browser: Browser, tokens: int, layers: int) -> dict[str, Any]:
    """Milliseconds of the first paint, of the whole, of λ steps and selections; frames a second."""
    explanation = Explanation(
        text=longer(tokens + 60), tokens=tokens, layers=layers, bits=8 if tokens > 300 else 16
    )
    paints, wholes = [], []
    for n in range(PAGES):  # each in a page of its own: a cold start, as a reader meets it
        scope, sheet = open_sheet(browser)
        sheet.page.wait_for_timeout(PEACE)
        sheet.page.evaluate(WHOLE)
        sheet.mount(explanation)
        paints.append(sheet.page.evaluate("firstPaint"))
        wholes.append(sheet.page.evaluate("wholePaint"))
        if n < PAGES - 1:
            scope.close()
    sheet.page.wait_for_timeout(3000)  # what is prepared after the first paint
    drag = sheet.page.evaluate(DRAG)[WARM:]
    frames = sheet.page.evaluate(FRAMES)
    sheet.page.wait_for_timeout(500)
    select = sheet.page.evaluate(SELECT)[WARM:]
    scope.close()
    return {"paint": paints, "whole": wholes, "drag": drag, "frames": frames, "select": select}


def leak(browser: Browser, tokens: int = 128, layers: int = 12, runs: int = 50) -> list[float]:
    """Megabytes of heap and thousands of nodes that stay for each re-run of the cell."""
    explanation = Explanation(text=longer(tokens + 60), tokens=tokens, layers=layers)
    traits, data = explanation.wire()
    arguments = {"state": traits, "bytes": encoded(data), "odd": 0}
    scope, sheet = open_sheet(browser)
    session = scope.new_cdp_session(sheet.page)

    def run(times: int) -> None:
        for _ in range(times):
            sheet.page.evaluate(MOUNT, arguments)
            sheet.settle()
            sheet.page.evaluate("() => { stop(); window.model = window.stop = null; }")

    def held(sheet: Sheet) -> tuple[float, float]:
        sheet.settle()
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        usage = session.send("Runtime.getHeapUsage")
        return usage["usedSize"] / 1e6, counters["nodes"] / 1e3

    run(10)
    before = held(sheet)
    run(runs)
    after = held(sheet)
    scope.close()
    return [b - a for a, b in zip(before, after)]


def main() -> None:
    """Print the table."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        print(
            f"Chromium {browser.version}, headless, no GPU; milliseconds, median"
            " (fastest; or 95 %, where repeated)"
        )
        names = ("first paint", "whole", "λ step", "selecting")
        print(f"{'':18}" + "".join(f"{name:>16}" for name in names) + f"{'frames/s':>12}")
        for tokens, layers in SIZES:
            m = measure(browser, tokens, layers)
            row = f"T = {tokens:5}, L = {layers:2}  "
            for name in ("paint", "whole", "drag", "select"):
                once = name in ("paint", "whole")
                other = min(m[name]) if once else statistics.quantiles(m[name], n=20)[-1]
                row += f"{statistics.median(m[name]):9.0f} ({other:4.0f})"
            print(f"{row}{m['frames']:12.0f}")
        heap, nodes = leak(browser)
        print(f"50 re-runs of a cell leave {heap:+.2f} MB of heap and {nodes * 1000:+.0f} nodes")
        browser.close()


if __name__ == "__main__":
    main()
