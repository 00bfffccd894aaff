"""The built bundle on a bare page: no kernel, no server, no network.

A made-up explanation (seeded, NumPy) goes through the same wire as a real one; the page is served
from a fake origin and everything else is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, Route

from calig_nb.explanation.formatting import percent

ROOT = Path(__file__).parents[3]
ORIGIN = "http://widget.test"
FILES = {
    "/calig_nb/_design.json": (ROOT / "calig_nb/_design.json", "application/json"),
    "/calig.js": (ROOT / "calig_nb/widgets/static/calig.js", "text/javascript"),
    "/calig.css": (ROOT / "calig_nb/widgets/static/calig.css", "text/css"),
    "/patches.js": (ROOT / "calig_nb/widgets/static/patches.js", "text/javascript"),
    "/patches.css": (ROOT / "calig_nb/widgets/static/patches.css", "text/css"),
    "/mock_model.js": (ROOT / "widgets_js/testing/mock_model.js", "text/javascript"),
}
HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>calig_nb</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/calig.css">
<style>:root{color-scheme:light dark}html{background:light-dark(#fff,#15171b)}
body{margin:0;padding:20px;box-sizing:border-box}</style>
<main><h1 style="position:absolute;clip-path:inset(50%)">calig_nb</h1>
<div id="cell"></div></main></html>"""
MOUNT = """async ({state, bytes, odd}) => {
  const { mockModel } = await import("/mock_model.js");
  const { render } = (await import("/calig.js")).default;
  const view = (text) => {
    const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    // Hosts hand out views into larger buffers, not always aligned ones.
    const buffer = new Uint8Array(raw.length + odd);
    buffer.set(raw, odd);
    return new DataView(buffer.buffer, odd, raw.length);
  };
  for (const [name, text] of Object.entries(bytes)) state[name] = view(text);
  window.view = view;
  window.saved = [];
  window.savedAt = [];
  window.sent = [];
  window.model = mockModel(state, {
    onSave: (changes) => (window.saved.push(changes), window.savedAt.push(performance.now())),
    onSend: (content) => window.sent.push(content),
  });
  const cell = document.querySelector("#cell");
  const before = (window.began = performance.now());
  window.stop = render({ model: window.model, el: cell });
  cell.getBoundingClientRect();
  window.firstPaint = performance.now() - before;
}"""

# Words whose say is known beforehand, in units of the score.
STRONG = {"superb": 1.6, "thin": -1.3, "but": 0.7, "waste": -0.8, "real": 0.5}
SENTENCE = "The plot is thin, but the acting is superb."


def pieces_of(text: str) -> list[tuple[int, int, int]]:
    """(start, end, word) of each piece; long words fall into two pieces."""
    found = []
    for word, match in enumerate(re.finditer(r"\w+|[^\w\s]", text)):
        start, end = match.span()
        if end - start > 7:
            found.append((start, start + 5, word))
            start += 5
        found.append((start, end, word))
    return found


def passages_of(sentences: list[int]) -> list[int]:
    """Four sentences make a passage."""
    return [s // 4 for s in sentences]


def longer(tokens: int) -> str:
    """A review of about so many tokens."""
    words = (
        "I walked in expecting very little . The trailer had promised one more loud picture , and "
        "the opening minutes do nothing to correct that impression . Then something unexpected "
        "happens . The scene is superb , the talent is real and the waste is obvious ."
    ).split()
    return " ".join(words[i % len(words)] for i in range(tokens))


@dataclass
class Explanation:
    """What crosses the wire for one made-up explanation; fields are the knobs of the tests."""

    text: str = SENTENCE
    layers: int = 6
    view: str = "workbench"
    seed: int = 0
    labels: tuple[str, ...] = ("negative", "positive")
    output: str = "margin"
    live: bool = False
    antisymmetric: bool = True
    inexact: str = ""
    tokens: int | None = None
    bits: int = 16
    with_matrices: bool = True
    nan: tuple[int, int] | None = None
    gaps: tuple[tuple[int, int, int], ...] = ()
    weights: Iterable[float] | None = None
    special_only: bool = False
    second: int | None = None  # where the second of two texts begins
    state: dict[str, Any] = field(default_factory=dict)

    def wire(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The traits: JSON ones, and those that are bytes."""
        rng = np.random.default_rng(self.seed)
        pieces = [] if self.special_only else pieces_of(self.text)
        if self.tokens is not None:
            pieces = pieces[: self.tokens - 2]
        count, layers = len(pieces) + 2, self.layers
        special = np.zeros(count, bool)
        special[[0, -1]] = True
        names = ["[CLS]", *(self.text[a:b] for a, b, _ in pieces), "[SEP]"]
        ends = np.cumsum([name in (".", "!", "?", "؟", "።") for name in names])

        # A few words decide, the rest is weak; deeper layers forget which token they speak of.
        own = rng.normal(0, 0.12, count) + rng.normal(0, 1, count) * (rng.random(count) < 0.3)
        own *= min(1.0, 30 / count)
        own[special] *= 0.1
        for t, name in enumerate(names):
            own[t] = STRONG.get(name, own[t])
        gain = 2.4
        r = np.empty((layers + 1, count))
        for b in range(layers + 1):
            mixed = own + rng.normal(0, 0.1 + 0.6 * b / layers, count) * np.abs(own).mean()
            r[b] = mixed + (gain - mixed.sum()) / count
        delta = np.concatenate([[0.07], rng.normal(0, 0.002, layers)])
        r[0] += delta[0] / count
        distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
        g = rng.normal(0, 1, (layers, count, count)) ** 3 * np.exp(-distance / 6) * 0.02
        g += own * np.eye(count) * 0.1
        for gap in self.gaps:
            g[gap] = 0
        columns = g.sum(axis=1)
        limit = 127 if self.bits == 8 else 32767
        scales = np.abs(g).max(axis=(1, 2))
        unit = g / np.where(scales > 0, scales, 1)[:, None, None]
        packed = np.round(np.sign(unit) * np.sqrt(np.abs(unit)) * limit)
        weights = (
            list(self.weights)
            if self.weights is not None
            else [1.0, *np.linspace(0.95, 0.35, max(0, layers - 1))][:layers]
        )
        if self.nan:
            r[self.nan] = np.nan
        sentences = [-1, *ends[:-2].tolist(), -1] if pieces else [-1, -1]
        classes = len(self.labels)
        probs = np.full(classes, 0.1 / max(1, classes - 1))
        probs[-1] = 0.9
        meta = {
            "version": 1,
            "text": "" if self.special_only else self.text,
            "tokens": names,
            "special": special.astype(int).tolist(),
            "offsets": [[0, 0], *([a, b] for a, b, _ in pieces), [0, 0]],
            "word_ids": [-1, *(w for *_, w in pieces), -1],
            "sentence_ids": sentences,
            "passage_ids": passages_of(sentences),
            "second": None
            if self.second is None
            else [False, *(a >= self.second for a, *_ in pieces), False],
            "labels": list(self.labels),
            "probs": probs.tolist(),
            "said": [percent(p) for p in probs],
            "classes": "exclusive",
            "answer": self.labels[-1],
            "target": classes - 1,
            "contrast": None,
            "output": self.output,
            "score": 4.0,
            "baseline_scores": [4.0 - gain] * (layers + 1),
            "baseline": "[PAD]",
            "method": "CA-LIG",
            "convergence_delta": delta.tolist(),
            "n_steps": [14] * (layers + 1),
            "converged": [1] * (layers + 1),
            "layer_weights": weights,
            "recipe": "layer weights from 8 calibration texts",
            "inexact": self.inexact,
            "fusion": {"lam": 0.5, "gamma": 1.0, "readout": "all", "pooled": [0] * count},
            "live": self.live,
            "no_heads": "Single heads need a running kernel.",
            "antisymmetric": self.antisymmetric,
            "matrix": {"bits": self.bits, "scales": scales.tolist()},
            "gaps": [list(gap) for gap in self.gaps],
            "gap_count": len(self.gaps),
        }
        matrices = packed.astype("<i1" if self.bits == 8 else "<i2").tobytes()
        traits = {
            "_view": self.view,
            "_meta": meta,
            "_busy": False,
            "_error": "",
            "selected": [],
            "layer": None,
            "lam": 0.5,
            "channel": "net",
            "granularity": "word",
            "theme": "auto",
            "target": classes - 1,
            "contrast": None,
            "span": None,
            "play": None,
            "alone": False,
            "residual": False,
            "cell": [],
            "head": None,
            "heads": False,
            "zoom": [],
            "matrix": False,
            **self.state,
        }
        data = {
            "_r": r.astype("<f4").tobytes(),
            "_G_columns": columns.astype("<f4").tobytes(),
            "_matrices": matrices if self.with_matrices else b"",
        }
        return traits, data


def encoded(data: dict[str, bytes]) -> dict[str, str]:
    """Bytes as the page can take them."""
    return {name: base64.b64encode(value).decode() for name, value in data.items()}


@dataclass
class Sheet:
    """A page with one mounted widget, and everything it complained about."""

    page: Page
    complaints: list[str]

    def mount(self, explanation: Explanation, odd: int = 0) -> None:
        """Render an explanation; ``odd`` shifts every buffer by so many bytes."""
        traits, data = explanation.wire()
        self.page.evaluate(MOUNT, {"state": traits, "bytes": encoded(data), "odd": odd})
        self.page.wait_for_selector(".calig")
        self.settle()

    def settle(self) -> None:
        """Wait for two frames: what was set is drawn."""
        self.page.evaluate(
            "() => new Promise((ok) => requestAnimationFrame(() => requestAnimationFrame(ok)))"
        )

    def trait(self, name: str) -> Any:
        """A trait as the model holds it."""
        return self.page.evaluate("(name) => model.get(name)", name)

    def receive(self, **traits: Any) -> None:
        """Act as Python: set traits."""
        self.page.evaluate("(traits) => model.receive(traits)", traits)
        self.settle()

    def word(self, text: str) -> Any:
        """The word of the running text that reads so."""
        return self.page.locator(".prose .w", has_text=re.compile(f"^{re.escape(text)}$")).first

    def overflow(self) -> int:
        """How many pixels the widget is wider than its cell."""
        pixels: int = self.page.evaluate(
            """() => {
              const cell = document.querySelector(".calig").parentElement.getBoundingClientRect();
              const scrolls = ".prose.long, .table, .thumbs, .tip, select, defs";
              const clipped = (n) => n.closest(scrolls) !== null;
              const boxes = [...document.querySelectorAll(".calig, .calig *")]
                .filter((n) => !clipped(n) && n.getClientRects().length)
                .map((n) => n.getBoundingClientRect());
              const right = Math.max(...boxes.map((b) => b.right)) - cell.right;
              const left = cell.left - Math.min(...boxes.map((b) => b.left));
              const page = document.documentElement;
              return Math.round(Math.max(0, right, left, page.scrollWidth - page.clientWidth));
            }"""
        )
        return pixels


def serve(route: Route) -> None:
    """Hand out the bundle; refuse the rest of the world."""
    url = route.request.url
    if not url.startswith(ORIGIN):
        route.abort()
        return
    path = url[len(ORIGIN) :]
    if path == "/":
        route.fulfill(body=HTML, content_type="text/html; charset=utf-8")
    elif path in FILES:
        file, kind = FILES[path]
        route.fulfill(body=file.read_bytes(), content_type=f"{kind}; charset=utf-8")
    else:
        route.fulfill(status=404, body="")


def open_sheet(browser: Browser, **context: Any) -> tuple[BrowserContext, Sheet]:
    """A fresh page at the fake origin; the caller closes the context."""
    width = context.pop("width", 1240)
    scope = browser.new_context(viewport={"width": width, "height": 900}, **context)
    scope.route("**/*", serve)
    page = scope.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("requestfailed", lambda request: complaints.append(f"refused: {request.url}"))
    page.goto(ORIGIN + "/")
    return scope, Sheet(page, complaints)
