"""Hostile texts wherever they can be seen, under a policy that reports whatever they would do."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.helpers.hostile_texts import HOSTILE, LONG, hostile

from .hosts.exported import WATCH
from .hosts.page import FILES, HTML, ORIGIN

VIEWS = ["workbench", "tokens", "flow", "rollout"]
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {ORIGIN}/",
        f"style-src-elem {ORIGIN}/ data: 'unsafe-inline'",
        "style-src-attr 'unsafe-inline'",
        "img-src data:",
        "require-trusted-types-for 'script'",  # markup made of text is a violation
    )
)
MOUNT = """async (traits) => {
  const { mockModel } = await import("/mock_model.js");
  const { render } = (await import("/calig.js")).default;
  const revived = (value) => {
    if (!value || typeof value !== "object") return value;
    if (Array.isArray(value)) return value.map(revived);
    if ("bytes" in value && Object.keys(value).length === 1) {
      return new DataView(Uint8Array.from(atob(value.bytes), (c) => c.charCodeAt(0)).buffer);
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revived(inner)]));
  };
  window.model = mockModel(revived(traits), { onSave() {}, onSend() {} });
  render({ model, el: document.querySelector("#cell") });
}"""
INSIDE = """() => document.querySelectorAll("script:not([src]), img:not([src^='data:image/png']), "
  + "textarea, a[href], [onerror], [onload], iframe, object, embed").length"""


@pytest.fixture(scope="module")
def explained() -> Any:
    import calig_nb as cn

    return hostile(cn.load_demo("sentiment").explain(LONG))


def shown(explained: Any, view: str) -> Any:
    """A live view; the names of a comparison are hostile too."""
    import calig_nb as cn

    if view == "comparison":
        return cn.Comparison([explained, explained.with_lam(0)], [HOSTILE[0], HOSTILE[10] + "b"])
    return explained.show(view, granularity="token")


def static(view: Any) -> str:
    """What is seen where the view cannot live."""
    from calig_nb.widgets.static_output import render_output

    return render_output(*view.describe())["text/html"]


@pytest.fixture
def watched(browser: Browser) -> Iterator[Callable[[str, str], Page]]:
    """Open content at the fake origin; at the end nothing was executed, asked for or refused."""
    context = browser.new_context(viewport={"width": 1240, "height": 900})
    asked: list[str] = []
    complaints: list[str] = []
    content: list[tuple[str, str]] = []

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            body, kind = content[-1]
            headers = {"content-security-policy": POLICY, "content-type": f"{kind}; charset=utf-8"}
            route.fulfill(body=body, headers=headers)
        elif path in FILES:
            file, kind = FILES[path]
            route.fulfill(body=file.read_bytes(), content_type=f"{kind}; charset=utf-8")
        else:
            asked.append(route.request.url)
            route.abort()

    context.route("**/*", serve)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))

    def opened(body: str, kind: str = "text/html") -> Page:
        content.append((body, kind))
        page.goto(ORIGIN + "/")
        return page

    yield opened
    page.wait_for_timeout(50)
    violations = page.evaluate("window.__violations ?? []")
    context.close()
    assert (violations, asked, complaints) == ([], [], [])


def wire(value: Any) -> Any:
    """Traits as the page can take them."""
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {name: wire(inner) for name, inner in value.items()}
    return [wire(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("view", [*VIEWS, "comparison"])
def test_in_a_live_view(explained: Any, watched: Callable[..., Page], view: str) -> None:
    from calig_nb.export import own_traits

    live = shown(explained, view)
    page = watched(HTML)
    page.evaluate(MOUNT, {name: wire(getattr(live, name)) for name in own_traits(live)})
    expect(page.locator(".calig")).to_be_visible()
    for summary in page.locator("summary:visible").all():
        summary.click()
    for word in page.locator(".w:visible").all()[:4]:
        word.hover()
        word.click()
    page.keyboard.press("?")
    page.wait_for_timeout(300)
    assert page.evaluate(INSIDE) == 0
    said = page.locator(".calig").inner_text()
    assert HOSTILE[0] in said and (view == "flow" or HOSTILE[1] in said)
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0


@pytest.mark.sampled(5)
@pytest.mark.parametrize("view", [*VIEWS, "comparison"])
def test_in_a_static_twin(explained: Any, watched: Callable[..., Page], view: str) -> None:
    markup = static(shown(explained, view))
    page = watched(f'<!doctype html><link rel="icon" href="data:,">{markup}')
    image = page.locator("img")
    expect(image).to_have_count(1)
    assert image.evaluate("(img) => img.decode().then(() => img.naturalWidth)") >= 700
    assert page.evaluate(INSIDE) == 0
    assert HOSTILE[0] in (image.get_attribute("alt") or "")
    assert HOSTILE[0][:30] in page.locator("table").inner_text()
    tags = page.evaluate("() => [...document.body.querySelectorAll('*')].map((n) => n.localName)")
    assert {*tags} <= {"div", "link", "img", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("view", [*VIEWS, "comparison"])
def test_in_a_figure(
    explained: Any, watched: Callable[..., Page], view: str, tmp_path: Path
) -> None:
    shown(explained, view).figure().savefig(tmp_path / "why.svg")
    svg = (tmp_path / "why.svg").read_text(encoding="utf-8")
    page = watched(svg, "image/svg+xml")
    assert page.evaluate("() => document.documentElement.localName") == "svg"
    assert page.evaluate("() => document.querySelectorAll('parsererror, script, a').length") == 0
    assert not re.search(r"<[^>]*\son\w+\s*=", re.sub(r"<!--.*?-->", "", svg, flags=re.S))
