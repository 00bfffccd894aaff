"""What the READMEs say that the code, the notebooks or the files can contradict."""

import re
from collections import Counter
from pathlib import Path

import pytest

import calig_nb as cn

from .test_architecture import MAY_IMPORT

ROOT = Path(__file__).resolve().parents[1]
FRONT_PAGE = ROOT / "README.md"
READMES = [
    FRONT_PAGE,
    *ROOT.glob("widgets_js/README.md"),
    *(
        file
        for top in ("calig_nb", "notebooks", "tests")
        for file in ROOT.glob(f"{top}/**/README.md")
    ),
]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TREE = re.compile(r"(?<![\w./])((?:calig_nb|notebooks|tests|widgets_js|\.ci)/[\w./-]*\w)")
MODULE = re.compile(r"python -m ((?:calig_nb|tests)[\w.]*\w)")
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|srcset|href)=\"([^\"]+)\"")


def read(path):
    return path.read_text(encoding="utf-8")


def in_package(folder):
    return read(ROOT / "calig_nb" / folder / "README.md")


def anchors(path):
    """What a link can name behind ``#``, as GitHub makes it of the headings."""
    seen = Counter()
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", read(path)), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        yield anchor if not seen[anchor] else f"{anchor}-{seen[anchor]}"
        seen[anchor] += 1


def links(path):
    """The relative links of a file: what they name, and the anchor there."""
    for pair in LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", read(path)))):
        link = "".join(pair)
        if not re.match(r"[a-z]+:", link):
            name, _, anchor = link.partition("#")
            yield name, anchor


def test_the_table_of_methods_is_the_catalogues():
    rows = re.findall(
        r"^\| `([\w-]+)` \| (.+?) \| (yes|no) \| (.+?) \|$",
        in_package("attribution"),
        re.MULTILINE,
    )
    table = cn.methods()
    assert [tuple(row) for row in rows] == [
        (name, row.says, "yes" if row.signed else "no", row.passes)
        for name, row in table.iterrows()
    ]


def test_the_table_of_embedded_models_is_theirs():
    columns = ["question", "data", "accuracy", "licence", "parameters", "size"]
    rows = [
        f"| {' | '.join([f'`{name}`', *row[columns]])} |" for name, row in cn.demos().iterrows()
    ]
    table = in_package("demo").split("<!-- demos -->\n")[1].split("\n\n")[0].splitlines()[2:]
    assert table == rows, "\n".join(["it should read:", *rows])


def test_the_table_of_folders_is_the_one_that_holds():
    table = re.findall(r"^\| \[?`(\w+)/`.* \| (.+?) \|$", in_package("."), re.MULTILINE)
    assert table == [(own, ", ".join(below) or "nothing") for own, below in MAY_IMPORT.items()]


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_every_notebook_is_named_and_every_name_is_a_notebook(folder):
    named = set(re.findall(r"\b(\d\d_\w+\.ipynb)", read(ROOT / folder / "README.md")))
    assert named == {file.name for file in (ROOT / "notebooks").glob("*.ipynb")}


def test_every_public_name_in_them_exists():
    named = {name for path in READMES for name in re.findall(r"\bcn\.(\w+)", read(path))}
    assert len(named) > 8 and [name for name in named if not hasattr(cn, name)] == []


def test_the_front_page_can_be_read_in_a_few_minutes():
    assert len(read(FRONT_PAGE).split()) <= 1500


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_relative_link_and_its_anchor_resolve(path):
    broken = []
    for name, anchor in links(path):
        to = path.parent / name if name else path
        page = to / "README.md" if to.is_dir() else to
        if not to.exists() or (anchor and anchor not in anchors(page)):
            broken.append(f"{name}#{anchor}" if anchor else name)
    assert broken == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_file_and_command_named_exists(path):
    files = {ROOT / name for name in TREE.findall(read(path))}
    modules = {ROOT / name.replace(".", "/") for name in MODULE.findall(read(path))}
    gone = [file for file in files if not file.exists()]
    gone += [
        module
        for module in modules
        if not (module.with_suffix(".py").exists() or (module / "__main__.py").exists())
    ]
    assert gone == []


def test_the_front_page_leads_to_every_other():
    reached = [FRONT_PAGE]
    for page in reached:
        for name, _ in links(page):
            to = (page.parent / name).resolve()
            to = to / "README.md" if to.is_dir() else to
            if to in READMES and to not in reached:
                reached.append(to)
    assert set(reached) == set(READMES)
