"""One browser for all pages. Under CI a missing Chromium is a failure and no reason to skip."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from .hosts.page import ROOT, Explanation, Sheet, open_sheet


def missing(what: str) -> None:
    """Fail under CI; elsewhere skip, and say what to install."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def chromium() -> str | None:
    """Path of the system's Chromium; None lets Playwright take its own."""
    named = os.environ.get("CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    return found or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium for the session."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
        except Error:
            missing("There is no Chromium: install it, or run `playwright install chromium`.")
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The code of axe-core, from the front end's packages."""
    file = ROOT / "widgets_js/node_modules/axe-core/axe.min.js"
    if not file.is_file():
        missing("There is no axe-core: run `npm ci` in widgets_js.")
    return file.read_text(encoding="utf8")


@pytest.fixture
def sheet(browser: Browser) -> Iterator[Callable[..., Sheet]]:
    """Mount an explanation: ``sheet(Explanation(...), width=700, color_scheme="dark")``.

    At the end every page must have stayed silent and must unmount without a trace.
    """
    opened: list[tuple[Any, Sheet]] = []

    def mount(explanation: Explanation | None = None, *, odd: int = 0, **context: Any) -> Sheet:
        scope, made = open_sheet(browser, **context)
        opened.append((scope, made))
        made.mount(explanation or Explanation(), odd=odd)
        return made

    yield mount
    for scope, made in opened:
        left = made.page.evaluate("() => { stop(); return model.subscribed(); }")
        scope.close()
        assert left == 0, "callbacks are still subscribed after the view is gone"
        assert made.complaints == []
