"""Numbers and names as they are printed."""

import math

import pytest

from calig_nb.explanation.formatting import (
    distinct_labels,
    error_bound,
    legible,
    method_title,
    percent,
    printable,
    shorten,
    signed,
    signed_share,
)


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


def test_text_is_one_line_of_visible_characters():
    assert legible(" a\n\x1b[31m\u202eb\ud800 ") == "a [31m b"
    assert legible("abcdef", 4) == "abc…"
    assert printable(" a\n\x1b[31m\u202eb\ud800\u200d ") == "a \\x1b[31m\\u202eb\\ud800\u200d"


def test_the_method_of_this_package_is_written_in_capitals():
    assert method_title("ca-lig") == "CA-LIG" and method_title("layer-ig") == "layer-ig"
