"""The standalone page: small, whole, the same every time, and nothing in it but text."""

import base64
import dataclasses
import hashlib
import html
import json
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

import calig_nb as cn
from calig_nb import export
from calig_nb.explanation.formatting import error_bound
from calig_nb.explanation.summary import Story
from calig_nb.export import packing, page
from calig_nb.export import wording as words
from calig_nb.widgets import static_output as fallback

from ..helpers.hostile_texts import hostile
from ..helpers.zoo import SENTENCE


def large(layers, tokens, spread=None, seed=0):
    """An explanation of that size. ``spread`` None: dense and random, which nothing compresses."""
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(layers, tokens, tokens))
    if spread:
        near = np.exp(-np.abs(np.subtract.outer(np.arange(tokens), np.arange(tokens))) / spread)
        g = g**3 * (near + 0.02)
    return cn.Explanation(
        text="word " * tokens, tokens=("word",) * tokens, special=np.zeros(tokens, bool),
        offsets=np.stack([5 * np.arange(tokens), 5 * np.arange(tokens) + 4], axis=1),
        word_ids=np.arange(tokens), sentence_ids=np.arange(tokens) // 20, labels=("no", "yes"),
        probabilities=np.array([0.1, 0.9]), target=1, contrast=None, score=1.0,
        baseline_scores=np.zeros(layers + 1),
        layer_attributions=rng.normal(size=(layers + 1, tokens)),
        attention_relevance=g.astype("f4"), layer_weights=np.ones(layers), fusion=cn.Fusion(),
        n_steps=np.ones(layers + 1, int), token_error=np.zeros(layers + 1),
        converged=np.ones(layers + 1, bool), config={},
    )  # fmt: skip


class Elements(HTMLParser):
    """What a browser makes of the page: elements with attributes, and what stands in scripts."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.found, self.contents, self.open = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.open = tag if tag in ("script", "style", "title") else None

    def handle_data(self, data):
        if self.open:
            self.contents.setdefault(self.open, []).append(data)

    def handle_endtag(self, tag):
        self.open = None

    def data(self):
        return json.loads(self.contents["script"][1])


def evidence(explanation, data):
    """What the page can compute: the evidence from the matrices that it brings along."""
    form = data["traits"]["_meta"]["matrix"]
    raw = zlib.decompress(base64.b64decode(data["matrices"][0]))
    kind, most = {16: ("<i2", 32767), 8: ("i1", 127)}[form["bits"]]
    q = np.frombuffer(raw, kind).reshape(explanation.attention_relevance.shape) / most
    g = q * np.abs(q) * np.array(form["scales"])[:, None, None]
    return dataclasses.replace(explanation, attention_relevance=g.astype("f4"))


def test_the_page_brings_its_view_and_the_state_on_screen(explanation, tmp_path):
    path = tmp_path / "why.html"
    view = explanation.show("flow", selected=[4, 5], granularity="token")
    view.lam, view.layer = 0.3, 1
    assert view.to_html(path) == path
    traits = Elements(path.read_text(encoding="utf8")).data()["traits"]
    shown = {"_view": "flow", "lam": 0.3, "layer": 1, "selected": [4, 5], "granularity": "token"}
    assert {name: traits[name] for name in shown} == shown
    assert traits["_meta"]["tokens"] == list(explanation.tokens)
    assert not traits["_meta"]["live"] and "notebook" in traits["_meta"]["no_heads"]
    explanation.to_html(str(path), view="rollout", cell=[1, 2])
    traits = Elements(path.read_text(encoding="utf8")).data()["traits"]
    assert (traits["_view"], traits["cell"]) == ("rollout", [1, 2])


def test_everything_that_the_views_read_is_in_the_page(explanation, explainer):
    view = explanation.show()
    data = Elements(export.html(view)).data()
    filled = {path[0] for path, _ in data["bytes"]}
    assert filled >= {"_r", "_G_columns"}
    told = {n for n in view.traits(sync=True) if n in view.options() or n == "_view"}
    assert told <= data["traits"].keys() and not data["traits"].keys() & {"_esm", "_css", "layout"}
    r = {path[0]: content for path, content in data["bytes"]}["_r"]
    assert base64.b64decode(r) == view._r


def test_a_comparison_has_a_page_too(explainer, tmp_path):
    one, two = (explainer.explain(t, target=0) for t in (SENTENCE, "The plot is bad."))
    comparison = cn.Comparison([one, two], ["before", "after"], lam=0.2)
    page = Elements(comparison.to_html(tmp_path / "both.html").read_text(encoding="utf8"))
    data = page.data()
    assert [item["_name"] for item in data["traits"]["_items"]] == ["before", "after"]
    assert data["traits"]["lam"] == 0.2 and len(data["matrices"]) == 2
    places = {tuple(path) for path, _ in data["bytes"]}
    assert {("_items", 0, "_r"), ("_items", 1, "_G_columns")} <= places
    for item, content in zip(data["traits"]["_items"], data["matrices"]):
        size = len(item["_meta"]["tokens"]) ** 2 * len(item["_meta"]["layer_weights"])
        assert len(zlib.decompress(base64.b64decode(content))) == 2 * size


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("layers", "tokens", "spread", "limit"),
    [(12, 128, None, 1_500_000), (12, 128, 6, 1_500_000), (24, 512, 6, 6_000_000)],
)
def test_pages_stay_small_and_state_what_that_costs(layers, tokens, spread, limit, tmp_path):
    explanation = large(layers, tokens, spread)
    path = explanation.to_html(tmp_path / "large.html", view="tokens")
    assert path.stat().st_size <= limit
    page = path.read_text(encoding="utf8")
    data = Elements(page).data()
    stated = float(re.search(r"stays within ([\d.]+) % of the strongest token", page)[1]) / 100
    assert data["traits"]["_meta"]["matrix"]["within"].startswith(f"{100 * stated:.10g} %")
    for lam in (0.0, 0.5):
        exact, coarse = explanation.with_lam(lam), evidence(explanation, data).with_lam(lam)
        found = max(
            np.abs(coarse.supporting - exact.supporting).max(),
            np.abs(coarse.opposing - exact.opposing).max(),
        )
        assert found <= stated * max(exact.supporting.max(), exact.opposing.max())
    assert stated < (1e-4 if tokens == 128 else 0.01)


def test_what_does_not_fit_is_coarsened_and_says_so(tmp_path):
    explanation = large(6, 128)
    whole = export.html(explanation.show("tokens"))
    small = len(whole.encode()) - len(Elements(whole).data()["matrices"][0]) + 45_000
    told = rf"{small:,} bytes .* may change by [\d.]+ % .*max_bytes="
    with pytest.warns(UserWarning, match=told):
        path = explanation.to_html(tmp_path / "a.html", view="tokens", max_bytes=small)
    assert path.stat().st_size <= small
    page = path.read_text(encoding="utf8")
    levels = int(re.search(r"8 bits, (\d+) levels to either side", page)[1])
    assert levels < 127
    data = Elements(page).data()
    raw = np.frombuffer(zlib.decompress(base64.b64decode(data["matrices"][0])), "i1")
    assert len(np.unique(raw)) == 2 * levels + 1
    stated = float(re.search(r"stays within ([\d.]+) %", page)[1]) / 100
    exact, coarse = explanation.with_lam(0), evidence(explanation, data).with_lam(0)
    error = np.abs(coarse.supporting - exact.supporting).max() / exact.supporting.max()
    assert 0.01 < error <= stated < 0.5


def test_the_same_view_gives_the_same_bytes(explanation, tmp_path):
    pages = [explanation.to_html(tmp_path / f"{i}.html").read_bytes() for i in range(2)]
    assert pages[0] == pages[1]
    assert explanation.with_lam(0.1).to_html(tmp_path / "2.html").read_bytes() != pages[0]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("view", ["workbench", "tokens", "flow", "rollout"])
def test_nothing_is_fetched_and_only_what_is_known_runs(explanation, view):
    written = export.html(hostile(explanation).show(view))
    known = "http://www.w3.org/2000/svg"
    assert set(re.findall(r"https?://[^\s\"'`<>)]*", written)) <= {known}
    elements = Elements(written)
    assert [tag for tag, _ in elements.found if tag in ("script", "style")] == [
        "style", "script", "script", "script",
    ]  # fmt: skip
    for _, attributes in elements.found:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert attributes.get(name, "data:,").startswith("data:")
    policy = next(a["content"] for t, a in elements.found if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
    able, _, script = elements.contents["script"]
    for text in (able, script, elements.contents["style"][0]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_hostile_text_comes_back_as_it_was_and_never_as_markup(explanation):
    odd = hostile(explanation)
    page = export.html(odd.show("tokens"))
    page.encode("utf8")  # no lone surrogate, which no file can hold
    assert "\0" not in page and "x" * 100 not in page.partition("calig-data")[0]
    elements = Elements(page)
    assert elements.data()["traits"]["_meta"]["tokens"] == list(odd.tokens)
    tags = {tag for tag, _ in elements.found}
    assert tags <= {
        "html", "head", "meta", "link", "title", "style", "script", "body", "main", "header", "h1",
        "p", "b", "bdi", "span", "div", "figure", "img", "figcaption", "table", "thead", "tbody",
        "tr", "th", "td", "footer",
    }  # fmt: skip
    assert "\u202e" not in elements.contents["title"][0]


def test_it_says_in_words_what_the_model_answered(explanation):
    said = words.of_one(explanation)
    best = int(np.argmax(explanation.probabilities))
    assert said.heading.startswith(f"The model answers {explanation.labels[best]}, at ")
    other = dataclasses.replace(explanation, target=(best + 1) % 3, contrast=best)
    heading = words.of_one(other).heading
    assert f"{100 * explanation.probabilities[best]:.1f} %; this is what speaks for " in heading
    assert heading.endswith(f" {other.target_name} rather than {other.labels[best]}")
    unknown = dataclasses.replace(explanation, probabilities=np.full(3, np.nan))
    assert f"gives {explanation.target_name} a score of" in words.of_one(unknown).heading


def test_picture_sentence_and_table_are_those_beside_a_live_view(explanation):
    view = explanation.show("flow", layer=1, theme="dark")
    story, draw = view.describe()
    page = export.html(view)
    assert fallback.render_picture(story, draw) in page and fallback.render_table(story) in page
    assert "Layer 1, λ = 0.50" in story.sentence and story.lead in html.unescape(page)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.001 %"), (2e-6, "0.001 %"), (0.00341, "0.35 %"), (0.01, "1 %"), (0.137, "14 %")],
)
def test_a_stated_error_is_never_too_small(share, text):
    assert error_bound(share) == text


def test_values_that_are_not_numbers_do_not_stop_it(explanation):
    r, g = explanation.layer_attributions.copy(), explanation.attention_relevance.copy()
    r[1, 3], g[0, 2, 2] = np.nan, np.inf
    odd = dataclasses.replace(explanation, layer_attributions=r, attention_relevance=g)
    assert Elements(export.html(odd.show("tokens"))).data()["traits"]["_meta"]


def test_a_page_is_written_where_torch_is_missing(explanation, tmp_path):
    explanation.save(tmp_path / "one.safetensors")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys\n"
            "for name in ('torch', 'transformers', 'tokenizers'): sys.modules[name] = None\n"
            "import calig_nb as cn\n"
            f"e = cn.load({str(tmp_path / 'one.safetensors')!r})\n"
            f"print(e.to_html({str(tmp_path / 'one.html')!r}).stat().st_size)",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100_000


def test_a_failed_write_leaves_what_was_there(explanation, tmp_path, monkeypatch):
    path = tmp_path / "why.html"
    path.write_text("before")

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        explanation.to_html(path)
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["why.html"]


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_others_may_read_the_page_as_any_file(explanation, tmp_path):
    (tmp_path / "other").touch()
    path = explanation.to_html(tmp_path / "why.html")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.bad_input
def test_bad_paths_are_named(explanation, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"path must end in \.html.*got 'why\.pdf'\. For a pict"):
        explanation.to_html("why.pdf")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.html is a folder: name a file in it"):
        explanation.to_html(tmp_path / "folder.html")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*missing: make it first"):
        explanation.to_html(tmp_path / "missing" / "why.html")

    def refuse(self, content):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    with pytest.raises(PermissionError, match=r"why\.html cannot be written: Permission denied\."):
        explanation.to_html(tmp_path / "why.html")


@pytest.mark.bad_input
def test_what_has_no_page_is_refused(explanation, tmp_path):
    path = tmp_path / "why.html"
    with pytest.raises(ValueError, match=r"max_bytes leaves 0 for them\. Allow more"):
        explanation.to_html(path, max_bytes=1000)
    signed = explanation.with_fusion(cn.Fusion(channels="signed"))
    with pytest.raises(ValueError, match=r"fusion.channels must be 'split', got 'signed'"):
        signed.to_html(path)
    with pytest.raises(ValueError, match=r"view must be one of .* got 'bars'"):
        explanation.to_html(path, view="bars")
    with pytest.raises(TypeError, match=r"Workbench has no option \['laier'\]"):
        explanation.to_html(path, laier=1)
    assert not path.exists()


def test_a_bundle_that_would_end_its_script_is_refused(explanation, monkeypatch):
    """The reading of the page's files is replaced: the bundle that is shipped is a good one."""
    contents = page.Contents({}, [], words.of_one(explanation), Story("", (), ()), "")
    whole = page._file
    for code, message in (
        ("const a='</SCRIPT>';export{a as default};", "would end its own script"),
        ("const a = 1;", "must end in its default export"),
    ):
        monkeypatch.setattr(page, "_file", lambda n, c=code: c if n == "calig.js" else whole(n))
        with pytest.raises(ValueError, match=message):
            page.document(contents)


def test_fine_matrices_are_those_of_short_texts():
    assert packing.FINE_LIMIT >= 2 * 12 * 128**2
    # of the inside: the page round it has tags of its own
    assert '"<' not in page._data(export.Contents({"a": "<"}, [], None, None, ""))
