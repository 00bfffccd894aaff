"""Support and opposition stay apart for eyes that lack a cone, and so does each from the page.

Simulated after Machado, Oliveira & Fernandes (2009), "A physiologically-based model for simulation
of color vision deficiency", IEEE TVCG 15(6), table 1, severity 1.0, in linear RGB; differences are
CIEDE2000 (CIE 142-2001; Sharma, Wu & Dalal 2005, whose published pairs test the formula below).
"""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from calig_nb._design import COLOURS
from calig_nb.figures import THEMES

SIMULATED = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
APART = 20.0
"""CIEDE2000: ten times what can just be told apart side by side (about 2)."""


def linear(rgb):
    rgb = np.asarray(rgb, float)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb, eye="full"):
    """CIELAB (D65) of a colour as such an eye sees it."""
    seen = np.clip(np.asarray(SIMULATED[eye]) @ linear(rgb), 0, 1)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
              [0.0193339, 0.1191920, 0.9503041]]  # fmt: skip
    t = np.array(to_xyz) @ seen / (0.95047, 1.0, 1.08883)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def delta(one, other):
    """CIEDE2000 of two CIELAB colours."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1 - 0.17 * np.cos(np.radians(hm - 30)) + 0.24 * np.cos(np.radians(2 * hm))
        + 0.32 * np.cos(np.radians(3 * hm + 6)) - 0.20 * np.cos(np.radians(4 * hm - 63))
    )  # fmt: skip
    sl = 1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rc = 2 * np.sqrt(cm**7 / (cm**7 + 25**7))
    rt = -rc * np.sin(np.radians(60 * np.exp(-(((hm - 275) / 25) ** 2))))
    return float(
        np.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * (dc / sc) * (dh / sh))
    )


@pytest.mark.parametrize(
    ("one", "other", "want"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_formula_gives_the_published_differences(one, other, want):
    assert delta(one, other) == pytest.approx(want, abs=1e-4)


def palettes():
    """(theme, supports, opposes, page): bars, deepest tones and words."""
    for theme, colours in COLOURS.items():
        for kind, form in {"bars": "{}", "tones": "{}_deep", "words": "{}_text"}.items():
            pair = (colours[form.format(sign)] for sign in ("supports", "opposes"))
            yield pytest.param(*pair, colours["page"], id=f"{theme} {kind}")


@pytest.mark.parametrize("eye", list(SIMULATED))
@pytest.mark.parametrize(("supports", "opposes", "page"), list(palettes()))
def test_signs_stay_apart_for_every_eye(eye, supports, opposes, page):
    seen = [lab(to_rgb(colour), eye) for colour in (supports, opposes, page)]
    apart = {
        "signs": delta(seen[0], seen[1]),
        "support and page": delta(seen[0], seen[2]),
        "opposition and page": delta(seen[1], seen[2]),
    }
    assert min(apart.values()) > APART, apart


@pytest.mark.parametrize("eye", list(SIMULATED))
@pytest.mark.parametrize("theme", list(THEMES))
def test_the_tones_of_both_signs_grow_alike_and_apart(eye, theme):
    colours = THEMES[theme]
    page = np.array(to_rgb(colours.page))

    def seen(t):
        *rgb, alpha = colours.tones(t)
        return lab(page + (np.array(rgb) - page) * alpha, eye)

    strengths = np.linspace(0.05, 1, 20)
    apart = [delta(seen(t), seen(-t)) for t in strengths]
    assert apart[-1] > APART and apart[len(apart) // 2] > APART
    for sign in (1, -1):
        away = [delta(seen(sign * t), lab(page, eye)) for t in strengths]
        assert (np.diff(away) > -0.5).all()  # stronger is never paler
    assert delta(seen(0.0), lab(page, eye)) == 0
