"""One file holds what figures and live views share; neither side has a copy of its own."""

import re
from pathlib import Path

import pytest

from calig_nb._design import COLOURS, FORMATS, SENTENCES, SIZES

ROOT = Path(__file__).parents[1]
FRONT_END = ROOT / "widgets_js" / "src"
PYTHON = [
    *sorted((ROOT / "calig_nb" / "figures").rglob("*.py")),
    *sorted((ROOT / "calig_nb" / "explanation").rglob("*.py")),
]
SCRIPTS = sorted(FRONT_END.rglob("*.js"))
STYLES = sorted(FRONT_END.rglob("*.css"))
OWN_COLOURS = {"theme.css", "page.css"}
"""What has no twin in a figure: hover, shadow, and the page round an exported view."""
COLOUR = re.compile(r"#(?:[0-9a-f]{3,4}){1,2}\b|\b(?:rgb|hsl|oklch|lab)a?\(\s*[\d.]", re.IGNORECASE)
PYTHON_CONSTANT = re.compile(r"^_?([A-Z][A-Z_]*)(?:: \w+)? = ([\d.e+-]+)$", re.MULTILINE)
SCRIPT_CONSTANT = re.compile(r"^(?:export )?const ([A-Z][A-Z_]*) = ([\d.e+-]+);$", re.MULTILINE)


@pytest.mark.parametrize(
    "path", [*PYTHON, *SCRIPTS, *STYLES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_colours_are_written_in_one_file_only(path):
    if path.name not in OWN_COLOURS:
        assert not COLOUR.findall(path.read_text())


def test_both_themes_have_the_same_colours():
    assert COLOURS["light"].keys() == COLOURS["dark"].keys()
    assert all(COLOUR.fullmatch(colour) for own in COLOURS.values() for colour in own.values())
    used = {role for path in STYLES for role in re.findall(r"--design\((\w+)\)", path.read_text())}
    assert used == COLOURS["light"].keys()


def test_no_constant_has_one_name_and_one_value_on_both_sides():
    ours, theirs = (
        {(name, float(value)) for path in files for name, value in form.findall(path.read_text())}
        for files, form in ((PYTHON, PYTHON_CONSTANT), (SCRIPTS, SCRIPT_CONSTANT))
    )
    assert ours and theirs
    assert not ours & theirs


@pytest.mark.parametrize("files", [PYTHON, SCRIPTS], ids=["figures", "views"])
def test_no_sentence_stands_a_second_time(files):
    written = [line for path in files for line in path.read_text().splitlines()]
    told = [text for own in SENTENCES.values() for text in own.values() if isinstance(text, str)]
    told += [text for keys in SENTENCES["legend"].values() for _, text in keys]
    pieces = {piece for text in told for piece in re.split(r"\{\w+\}|\*", text)}
    long = [piece for piece in pieces if len(piece) > 20]
    assert not [line for line in written if any(piece in line for piece in long)]


@pytest.mark.parametrize(
    ("group", "name"), [*((None, n) for n in FORMATS), *((g, n) for g in SIZES for n in SIZES[g])]
)
def test_both_sides_read_each_number(group, name):
    where = "formats" if group is None else f"sizes.{group}"
    assert any(f'["{name}"]' in path.read_text() for path in PYTHON) or name.endswith("_DIGITS")
    found = [path.read_text() for path in SCRIPTS]
    assert any(where in text and re.search(rf"\b{name}\b", text) for text in found)
