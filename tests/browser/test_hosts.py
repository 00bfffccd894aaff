"""Pages built as each host builds its own: where the view is put, and how a theme is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from .hosts.page import MOUNT, Explanation, Sheet, encoded

Mount = Callable[..., Sheet]

LAB = """body.dataset.jpThemeLight = String(!dark);
  root.style.setProperty("--jp-layout-color0", dark ? "#111111" : "#ffffff");"""
VSCODE = """body.className = dark ? "vscode-dark" : "vscode-light";
  body.dataset.vscodeThemeKind = body.className;
  root.style.setProperty("--vscode-editor-background", dark ? "#1e1e1e" : "#ffffff");"""
CONTRAST = """body.className = "vscode-high-contrast";
  body.classList.toggle("vscode-high-contrast-light", !dark);"""
MARIMO = """body.classList.toggle("dark", dark);
  body.classList.toggle("light", !dark);"""
HOSTS = {
    "JupyterLab and Notebook 7": LAB,
    "Colab": 'root.setAttribute("theme", dark ? "dark" : "light")',
    "VS Code": VSCODE,
    "VS Code, high contrast": CONTRAST,
    "marimo": MARIMO,
    "data-theme, as in Sphinx and MyST": 'root.dataset.theme = dark ? "dark" : "light"',
}
COLOURS = """() => {
  const node = window.root().querySelector(".calig"), style = getComputedStyle(node);
  return [style.color, style.colorScheme];
}"""
SHADOW = MOUNT.replace(
    'const cell = document.querySelector("#cell");',
    """const shadow = document.querySelector("#cell").attachShadow({mode: "open"});
  const style = document.createElement("style");
  style.textContent = await (await fetch("/calig.css")).text();
  const cell = document.createElement("div");
  shadow.append(style, cell);
  document.querySelector("link[rel=stylesheet]").remove();""",
)


def lightness(colour: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize("shadow", [False, True], ids=["in the page", "in a shadow root"])
@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("host", HOSTS)
def test_the_view_follows_the_theme_of_its_host(
    sheet: Mount, host: str, system: Any, shadow: bool
) -> None:
    """Whatever the system prefers, at the start and when it is changed."""
    s = sheet(color_scheme=system)
    if shadow:
        move_into_a_shadow_root(s)
    root = "cell.shadowRoot" if shadow else "document"
    s.page.evaluate(f"() => {{ window.root = () => {root} }}")
    names = "const root = document.documentElement, body = document.body;"
    for dark in (False, True, False):
        s.page.evaluate(f"(dark) => {{ {names} {HOSTS[host]} }}", dark)
        s.settle()
        colour, _ = s.page.evaluate(COLOURS)
        assert (lightness(colour) > 600) == dark, (host, dark, colour)


@pytest.mark.parametrize("system", ["light", "dark"])
def test_without_a_sign_the_page_and_the_system_decide(sheet: Mount, system: Any) -> None:
    s = sheet(color_scheme=system)
    s.page.evaluate("() => { window.root = () => document }")
    assert (lightness(s.page.evaluate(COLOURS)[0]) > 600) == (system == "dark")


def move_into_a_shadow_root(s: Sheet) -> None:
    """Mount the view anew as marimo and MyST do, the style sheet with it and nowhere else."""
    s.page.evaluate("() => stop()")
    traits, data = Explanation().wire()
    s.page.evaluate(SHADOW, {"state": traits, "bytes": encoded(data), "odd": 0})
    s.settle()


@pytest.mark.parametrize("view", ["workbench", "tokens", "flow", "rollout"])
def test_the_view_lives_in_a_shadow_root(sheet: Mount, view: str) -> None:
    s = sheet(Explanation(view=view))
    s.page.evaluate("() => stop()")
    traits, data = Explanation(view=view).wire()
    s.page.evaluate(SHADOW, {"state": traits, "bytes": encoded(data), "odd": 0})
    s.settle()
    view_box = s.page.locator("#cell .calig").bounding_box()
    assert view_box is not None and view_box["height"] > 200
    s.page.locator("#cell .calig").get_by_role("radio", name="tokens").first.click()
    s.settle()
    assert s.trait("granularity") == "token"
    hidden = s.page.evaluate(
        """() => [...document.querySelector("#cell").shadowRoot.querySelectorAll("[hidden]")]
          .every((node) => getComputedStyle(node).display === "none")"""
    )
    assert hidden, "the style sheet is there"
    s.page.keyboard.press("?")
    s.settle()
