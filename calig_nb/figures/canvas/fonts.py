"""Which fonts write a text: those of the page, then of the scripts that stand in it."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import matplotlib as mpl

_OTHERS = {
    "ARABIC": ("Noto Naskh Arabic",),
    "CJK": (
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "WenQuanYi Zen Hei",
        "PingFang SC",
        "Hiragino Sans",
        "Microsoft YaHei",
        "Malgun Gothic",
    ),
    "ETHIOPIC": ("Nyala", "Abyssinica SIL", "Kefa"),
    "DEVANAGARI": ("Nirmala UI", "Mangal"),
    "EMOJI": ("Noto Sans Symbols2", "Noto Emoji", "Segoe UI Symbol", "Apple Symbols"),
}
"""Besides "Noto Sans <script>", by the first word of a character's Unicode name."""
_EASTERN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH", "BOPOMOFO")
_COMMON = 0x0250
"""Every font of the page has the letters before this one."""


@lru_cache(65536)
def fonts_for(text: str, family: tuple[str, ...]) -> list[str]:
    """The installed families for a text, in the order in which a glyph is looked for.

    Args:
        text: What is written.
        family: Of the page.
    """
    kind = "Serif" if "Serif" in family[0] else "Sans"
    wanted = dict.fromkeys(family)
    for character in text:
        if ord(character) < _COMMON:
            continue
        script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
        if script in _EASTERN:
            script = "CJK"
        elif unicodedata.category(character) == "So":
            script = "EMOJI"
        for style in (kind, "Sans"):
            wanted[f"Noto {style} {script.title()}"] = None
        wanted |= dict.fromkeys(_OTHERS.get(script, ()))
    return [name for name in wanted if name in _installed()]


@lru_cache
def _installed() -> frozenset[str]:
    return frozenset(font.name for font in mpl.font_manager.fontManager.ttflist)
