"""One HTML file that needs nothing else: a view, its data, and a picture in its stead."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from ..explanation.summary import Story
from ..widgets.state import STATIC
from ..widgets.static_output import render_table
from .wording import Words

REFUSAL = "This page has no kernel: that needs the notebook."
_ABLE = (
    'if(window.DecompressionStream&&CSS.supports("color","light-dark(red,red)"))'
    'document.documentElement.className="live"'
)
"""Hides the picture before it is painted, where the browser can show the live view."""


@dataclass(frozen=True)
class Contents:
    """What a page shows.

    Attributes:
        traits: Of the view, by name; bytes may stand anywhere in them.
        matrices: Attention relevance of each explanation, deflated, in base64.
        words: What is said around the view.
        story: What is said in its stead.
        picture: What it looks like, HTML.
        bundle: The file that holds the view.
    """

    traits: dict[str, Any]
    matrices: Sequence[str]
    words: Words
    story: Story
    picture: str
    bundle: str = "calig"


def document(contents: Contents) -> str:
    """The page."""
    words, story = contents.words, contents.story
    script = _script(contents.bundle)
    style = "".join(
        _file(f"{name}.css") for name in dict.fromkeys(("calig", contents.bundle, "page"))
    )
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(_ABLE)} {_digest(script)}",
            f"style-src-elem {_digest(style)}",
            "style-src-attr 'unsafe-inline'",  # lengths of bars; no text ever becomes markup
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",  # where known: no text can become markup
        )
    )
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in words.notes)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{escape(story.sentence)}">
<link rel="icon" href="data:,">
<title>{escape(words.title)}</title>
<style>{style}</style>
<script>{_ABLE}</script>
</head>
<body>
<main>
<header>
<h1 dir="auto">{escape(words.heading)}</h1>
<p dir="auto">{escape(story.lead)}</p>
</header>
<div id="calig"></div>
<div class="still">
<figure>
{contents.picture}
<figcaption>A picture: the live view needs scripts and a browser of 2024 or newer.</figcaption>
</figure>
{render_table(story)}
</div>
<footer>
{notes}
</footer>
</main>
<script type="application/json" id="calig-data">{_data(contents)}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def _file(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf8").strip()


def _script(bundle: str) -> str:
    """The very bundle of the notebook's widgets, mounted by the page's host."""
    views, host = (_module(_file(f"{name}.js")) for name in (bundle, "page"))
    script = f"({host})({views});"
    if re.search(r"</script|<!--", script, re.IGNORECASE):
        raise ValueError(
            f"{bundle}.js holds what would end its own script element: build it again."
        )
    return script


def _module(code: str) -> str:
    """An expression whose value is the default export of a module without imports."""
    found = re.fullmatch(r"(.*)export\s*\{\s*(\S+) as default\s*\};?", code, re.DOTALL)
    if not found:
        raise ValueError("The bundle must end in its default export: build it again.")
    return f"(()=>{{{found[1]}return {found[2]}}})()"


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _data(contents: Contents) -> str:
    traits, found = dict(contents.traits), []
    for path, content in _binary(traits):
        found.append([path, base64.b64encode(content).decode("ascii")])
    plain = {
        "traits": _without_bytes(traits),
        "bytes": found,
        "matrices": list(contents.matrices),
        "refusal": REFUSAL,
    }
    text = json.dumps(plain, allow_nan=False, separators=(",", ":"))  # ASCII: surrogates, U+2028
    return text.replace("<", "\\u003c")


def _binary(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[list[str | int], bytes]]:
    """Where bytes stand, and which."""
    if isinstance(value, bytes):
        yield list(path), value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _binary(inner, (*path, name))
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _binary(inner, (*path, i))


def _without_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return None
    if isinstance(value, dict):
        return {name: _without_bytes(inner) for name, inner in value.items()}
    return [_without_bytes(v) for v in value] if isinstance(value, (list, tuple)) else value
