"""Pages as they are handed on: opened from disk, with nothing else within reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route

from .page import Explanation, Sheet

# What the tests of the live page ask of its model, for the model of the exported page.
HANDLE = """() => {
  const model = calig;
  const { set, save_changes } = model;
  const dirty = new Set();
  Object.assign(window, { model, saved: [], savedAt: [], sent: [] });
  model.set = (name, value) => (dirty.add(name), set(name, value));
  model.save_changes = () => {
    saved.push(Object.fromEntries([...dirty].map((name) => [name, model.get(name)])));
    savedAt.push(performance.now());
    dirty.clear();
    save_changes();
  };
  model.receive = (traits) => { for (const name in traits) set(name, traits[name]); };
  window.__violations = window.__violations ?? [];
}"""
WATCH = """addEventListener("securitypolicyviolation", (e) =>
  (window.__violations ??= []).push(`${e.violatedDirective} ${e.blockedURI}`));
window.alert = () => (window.__violations ??= []).push("a token was executed");"""


def made_up(explanation: Explanation) -> str:
    """The page of a made-up explanation, which the tests of the live page know."""
    import base64
    import zlib

    from calig_nb.explanation.summary import Story
    from calig_nb.export.page import Contents, document
    from calig_nb.export.wording import Words

    traits, data = explanation.wire()
    content = base64.b64encode(zlib.compress(data["_matrices"], 9)).decode()
    words, story = Words("Why?", "Why positive?", ("A note.",)), Story("A picture.", ("word",), ())
    picture = '<img alt="A picture." src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">'
    inner = {**traits, **data, "_matrices": b""}
    return document(Contents(inner, [content], words, story, picture))


class Opened:
    """A page from disk, and all that it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, **context: Any) -> None:
        width = context.pop("width", 1240)
        self.scope: BrowserContext = browser.new_context(
            viewport={"width": width, "height": 900}, **context
        )
        self.asked: list[str] = []
        self.complaints: list[str] = []

        def refuse(route: Route) -> None:
            self.asked.append(route.request.url)
            own = route.request.url == file.as_uri()
            route.continue_() if own else route.abort()

        self.scope.route("**/*", refuse)
        self.scope.add_init_script(WATCH)
        self.page: Page = self.scope.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.goto(file.as_uri())
        self.file = file

    def live(self) -> Sheet:
        """The page once it is alive, as the tests of the live page take it."""
        self.page.wait_for_selector(".calig")
        self.page.evaluate(HANDLE)
        sheet = Sheet(self.page, self.complaints)
        sheet.settle()
        return sheet

    def close(self) -> None:
        """It asked for nothing but itself, broke no rule of its policy, and stayed silent."""
        if self.page.evaluate("() => 'calig' in window"):
            violations: Sequence[str] = self.page.evaluate("window.__violations ?? []")
            assert violations == []
        self.scope.close()
        assert self.asked == [self.file.as_uri()]
        assert self.complaints == []
