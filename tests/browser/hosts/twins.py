"""A view of the Python side on a bare page, and what is read from it and from its figure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from playwright.sync_api import Browser

from calig_nb.explanation.explanation import Explanation
from calig_nb.explanation.fusion import Fusion
from calig_nb.figures import THEMES
from calig_nb.widgets import Comparison, View, wire

from .page import Sheet, encoded, open_sheet, pieces_of

SOURCES = Path(__file__).parents[3] / "widgets_js/src"
SENTENCE = "The plot is thin, but the acting is superb."
ARABIC = "الفيلم ضعيف جدا، لكن التمثيل رائع."
PAGE = ("width", "color_scheme", "reduced_motion")
"""What is asked of a page, not of a view."""
MOUNT = """async ({state, bytes, items, bundle}) => {
  const { mockModel } = await import("/mock_model.js");
  const { render } = (await import(`/${bundle}.js`)).default;
  const sheet = Object.assign(document.createElement("link"), {rel: "stylesheet"});
  const styled = new Promise((ok) => (sheet.onload = ok));
  sheet.href = `/${bundle}.css`;
  document.head.append(sheet);
  await styled;
  // Hosts hand out views into larger buffers.
  const view = (text) => {
    const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const buffer = new Uint8Array(raw.length + 3);
    buffer.set(raw, 3);
    return new DataView(buffer.buffer, 3, raw.length);
  };
  const opened = (all) => Object.fromEntries(Object.entries(all).map(([n, t]) => [n, view(t)]));
  Object.assign(state, opened(bytes));
  if (items) state["_items"] = items.map(({ own, data }) => ({ ...own, ...opened(data) }));
  Object.assign(window, { view, saved: [], sent: [], alert: () => window.saved.push("alert") });
  window.model = mockModel(state, {
    onSave: (c) => window.saved.push(c), onSend: (c) => window.sent.push(c),
  });
  window.stop = render({ model: window.model, el: document.querySelector("#cell") });
}"""
SCENE = """async ({state, bytes, width, names}) => {
  const from = (name) => import(`/src/${name}.js`);
  const view = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const all = { ...state };
  for (const [name, text] of Object.entries(bytes)) all[name] = view(text);
  const x = (await from("evidence/wire")).readExplanation((name) => all[name]);
  const { INITIAL, SHARED } = await from("state/store");
  const own = { ...INITIAL };
  for (const name of SHARED) if (name in all) own[name] = all[name];
  const scene = (await from("evidence/scene")).createSceneMaker()(x, own);
  const { sight, rtl, unitEvidence: p } = scene;
  const { flowLayout } = await from("geometry/flow_layout");
  const nameWidth = (unit) => names[unit];
  const layout = flowLayout({ width, sight, weights: x.weights, nameWidth, rtl });
  const flow = (await from("geometry/ribbons")).layOutRibbons(scene, layout);
  const labels = (await from("geometry/flow_labels")).axisLabels(scene, layout, nameWidth);
  const { net, cells, order, entering, errors, flips, tone, gain } = p;
  return {
    net, cells, order, entering, errors, flips, tone, gain, sight, evidence: scene.evidence,
    active: scene.active, selected: scene.selected, names: scene.units.labels, labels,
    strips: layout.strips, height: layout.height, ribbons: flow.ribbons, segments: flow.segments,
    magnification: flow.magnification, zero: flow.zero,
  };
}"""


def explained(text: str = SENTENCE, layers: int = 4, seed: int = 0, **more: Any) -> Explanation:
    """A made-up explanation with a few words that decide."""
    rng = np.random.default_rng(seed)
    pieces = pieces_of(text)
    count = len(pieces) + 2
    special = np.zeros(count, bool)
    special[[0, -1]] = True
    names = ["[CLS]", *(text[a:b] for a, b, _ in pieces), "[SEP]"]
    ends = np.cumsum([name in (".", "!", "?", "؟") for name in names])
    own = rng.normal(0, 0.2, count) + rng.normal(0, 1, count) * (rng.random(count) < 0.3)
    r = np.stack([own + rng.normal(0, 0.1 + b / layers, count) for b in range(layers + 1)])
    distance = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    g = rng.normal(0, 1, (layers, count, count)) ** 3 * np.exp(-distance / 6) * 0.02
    g += own * np.eye(count) * 0.1
    score = 1.5
    return Explanation(**{
        "text": text, "tokens": tuple(names), "special": special,
        "offsets": np.array([[0, 0], *([a, b] for a, b, _ in pieces), [0, 0]]),
        "word_ids": np.array([-1, *(w for *_, w in pieces), -1]),
        "sentence_ids": np.array([-1, *ends[:-2].tolist(), -1]),
        "labels": ("negative", "positive"), "probabilities": np.array([0.1, 0.9]),
        "target": 1, "contrast": None, "score": score,
        "baseline_scores": np.full(layers + 1, score - r[0].sum() + 0.03),
        "layer_attributions": r, "attention_relevance": g.astype(np.float32),
        "layer_weights": np.array([1.0, *np.linspace(0.9, 0.3, layers - 1)]),
        "fusion": Fusion(), "n_steps": np.full(layers + 1, 14),
        "token_error": np.full(layers + 1, np.nan), "converged": np.full(layers + 1, True),
        "config": {"output": "margin", "antisymmetric": True, "method": "ca-lig",
                   "baselines": "[PAD]", "calibration": "layer weights from 8 texts"},
        **more,
    })  # fmt: skip


def traits_of(view: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """What crosses the wire: plain traits, and those that are bytes."""
    own = [
        "_view",
        "_meta",
        "_r",
        "_G_columns",
        "_matrices",
        "_picture",
        "_rows",
        "_busy",
        "_error",
    ]
    names = [*view.options(), *(name for name in own if view.has_trait(name))]
    values = {name: getattr(view, name) for name in names}
    if isinstance(view, View):
        values["_matrices"] = wire.matrices(view.explanation)[2]
    data = {name: value for name, value in values.items() if isinstance(value, bytes)}
    return {name: v for name, v in values.items() if name not in data}, encoded(data)


@contextmanager
def mounting(browser: Browser) -> Iterator[Callable[..., Sheet]]:
    """Mounts views of the Python side as they are; at the end each page must have stayed silent.

    The bytes of the traits named by ``without`` did not come; the other options are the page's.
    """
    opened = []

    def mount(view: Any, without: tuple[str, ...] = (), **page: Any) -> Sheet:
        scope, sheet = open_sheet(browser, **page)
        opened.append((scope, sheet))
        scope.route("**/src/**", served)
        state, data = traits_of(view)
        sent = {"state": state, "bytes": {**data, **dict.fromkeys(without, "")}, "items": None}
        if isinstance(view, Comparison):
            sent["items"] = [split(item) for item in view._items]
        sheet.page.evaluate(MOUNT, {**sent, "bundle": view.bundle})
        sheet.page.wait_for_selector(".calig")
        sheet.settle()
        sheet.page.wait_for_timeout(150)
        return sheet

    yield mount
    for scope, sheet in opened:
        left = sheet.page.evaluate("() => { stop(); return model.subscribed(); }")
        scope.close()
        assert left == 0 and sheet.complaints == []


def split(item: dict[str, Any]) -> dict[str, Any]:
    """One side of a comparison, its bytes apart."""
    data = {name: value for name, value in item.items() if isinstance(value, bytes)}
    own = {name: value for name, value in item.items() if name not in data}
    return {"own": own, "data": encoded(data)}


def served(route: Any) -> None:
    """The sources of the front end, module by module."""
    path = SOURCES / route.request.url.split("/src/")[1]
    route.fulfill(body=path.read_bytes(), content_type="text/javascript; charset=utf-8")


def written(figure: Any) -> str:
    """All words of a figure in the order in which they were written, without spaces."""
    return bare("".join(text.get_text() for text in figure.axes[0].texts))


def bare(text: str) -> str:
    return re.sub(r"[\s\u2068\u2069]", "", text)


def said(sheet: Sheet, selector: str) -> list[str]:
    """What the live view writes, element by element."""
    found = sheet.page.eval_on_selector_all(selector, "(all) => all.map((n) => n.textContent)")
    return [bare(text) for text in found if bare(text)]


def in_order(words: list[str], where: str) -> None:
    """Each of the words stands in the text, after the one before."""
    at = 0
    for word in words:
        found = where.find(word, at)
        assert found >= 0, f"{word!r} is not written after {where[max(0, at - 30) : at]!r}"
        at = found + len(word)


def marks(figure: Any, kind: str) -> list[Any]:
    """Marks of a kind in the order in which they were drawn."""
    return [p for p in figure.axes[0].patches if str(p.get_label()).startswith(f"{kind} ")]


def pixels(sheet: Sheet, canvas: str, points: list[list[float]]) -> Any:
    """(n, 4) colours of a canvas at places given in px."""
    found = sheet.page.evaluate(
        """([selector, points]) => {
          const canvas = document.querySelector(selector);
          const ratio = canvas.width / canvas.clientWidth;
          const pen = new OffscreenCanvas(canvas.width, canvas.height)
            .getContext("2d", {willReadFrequently: true});
          pen.drawImage(canvas, 0, 0);
          const one = ([x, y]) => [...pen.getImageData(x * ratio, y * ratio, 1, 1).data];
          return points.map(one);
        }""",
        [canvas, points],
    )
    return np.array(found).reshape(-1, 4) / 255


def over(colours: Any, theme: str) -> Any:
    """What is seen of translucent colours on the page."""
    under = np.array(to_rgb(THEMES[theme].page))
    return under + (colours[:, :3] - under) * colours[:, 3:]
