"""Numbers and names as they are printed."""

import dataclasses
import json
import math

import numpy as np
import pytest
from traitlets import TraitError

import calig_nb as cn
from calig_nb.explanation.by_class import ByClass
from calig_nb.explanation.formatting import (
    distinct_labels,
    error_bound,
    escape_unseen,
    in_markdown,
    legible,
    method_title,
    percent,
    printable,
    shorten,
    signed,
    signed_share,
)
from calig_nb.explanation.table import Table

from ..helpers.hostile_texts import HOSTILE, hostile

UNSEEN = {c for c in "".join(HOSTILE) + "\x9b\u2028\U000e0001" if not c.isprintable()} - {" "}


@pytest.mark.parametrize(
    ("value", "text"), [(0.126, "+0.13"), (-1.5, "−1.50"), (0.004, "0.00"), (math.nan, "n/a")]
)
def test_a_number_has_a_sign_unless_it_rounds_to_zero(value, text):
    assert signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.126, "+0.13"), (-0.0126, "−0.013"), (1e-5, "0"), (math.inf, "–")]
)
def test_a_small_share_has_three_digits(value, text):
    assert signed_share(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.5, "50.0 %"), (0.9999, "99.99 %"), (0.0001, "0.01 %"), (math.nan, "n/a")]
)
def test_a_probability_near_certainty_has_two_digits(share, text):
    assert percent(share) == text


def test_a_bound_is_rounded_up():
    assert error_bound(0.00301) == "0.31 %" and error_bound(1e-9) == "0.001 %"


def test_a_name_that_is_cut_keeps_what_tells_it_from_its_namesake():
    first, second, other = distinct_labels(["internationalisation"] * 2 + ["internationalism"])
    assert shorten(first, 16) == "internationalis…₁"
    assert shorten(second, 16) == "internationalis…₂"
    assert shorten(other, 16) == "internationalism"
    assert shorten("internationalisation", 16) == "internationalis…"
    assert shorten("x" * 5_000) == "x" * 39 + "…"
    assert len(shorten("₁" * 5_000)) == 44  # a subscript has four digits at most
    assert shorten("\u202egnp.\u2067exe") == "gnp.exe"


def test_text_is_one_line_of_visible_characters():
    assert legible(" a\n\x1b[31m\u202eb\ud800 ") == "a [31m b"
    assert legible("abcdef", 4) == "abc…"
    assert printable(" a\n\x1b[31m\u202eb\ud800\u200d ") == "a \\x1b[31m\\u202eb\\ud800\u200d"


def test_what_is_invisible_is_escaped_as_python_or_as_json_does():
    text = "".join(sorted(UNSEEN)) + "a\u200db"
    assert escape_unseen("a\n\x9b") == "a\n\\x9b"
    escaped = escape_unseen(f'"{text}"', as_json=True)
    assert not set(escaped) & UNSEEN and json.loads(escaped) == text


def test_a_name_in_a_table_of_markdown_is_that_name():
    assert in_markdown("a|b\nc<img>&*_`[$\\") == r"a\|b c&lt;img&gt;&amp;\*\_\`\[\$\\"
    assert in_markdown("ca-lig") == "ca-lig"


def test_what_is_printed_steers_no_terminal(explanation):
    odd = hostile(explanation)
    names = (HOSTILE[9], HOSTILE[6])
    said = ("100 %", "100 %")
    found = ByClass("word", odd.units()[:1], names, np.ones(2), np.ones((1, 2)), True, said)
    both = cn.Comparison([odd, odd.with_lam(0)], names)
    shown = [found, both, found.to_frame(), both.to_frame(), odd.to_frame("word"), odd.top(3)]
    for one in (*shown, Table({"text": ["\x1b[2J"]}, index=["\u202e"])):
        assert not set(repr(one)) & (UNSEEN - {"\n"}), type(one)
    assert "\\x1b[2J" in repr(found) and "\\x1b[2J" in repr(both)
    with pytest.raises(TraitError, match="contrast must lie between") as raised:
        dataclasses.replace(odd, labels=(*names, "c")).show(contrast=9)
    assert not set(str(raised.value)) & UNSEEN


def test_a_table_stays_one_when_it_is_cut_and_sets_no_formula():
    table = Table({"text": ["$\\frac{$", "\x1b"], "value": [1.0, 2.0]})
    for cut in (table, table.head(1), table[table["value"] > 1], table.sort_values("value")):
        assert isinstance(cut, Table)
    assert "tex2jax_ignore" in table._repr_html_()
    assert table["text"].tolist() == ["$\\frac{$", "\x1b"]  # the values are as they were


def test_the_method_of_this_package_is_written_in_capitals():
    assert method_title("ca-lig") == "CA-LIG" and method_title("layer-ig") == "layer-ig"
