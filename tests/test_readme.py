"""What the README says that the code can contradict."""

import re
from pathlib import Path

import calig_nb as cn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_methods_is_the_catalogues():
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (yes|no) \| (.+?) \|$", README, re.MULTILINE)
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
    table = README.split("<!-- demos -->\n")[1].split("\n\n")[0].splitlines()[2:]
    assert table == rows, "\n".join(["it should read:", *rows])


def test_every_notebook_is_named_and_every_name_is_a_notebook():
    named = set(re.findall(r"\b(\d\d_\w+\.ipynb)", README))
    assert named == {file.name for file in (ROOT / "notebooks").glob("*.ipynb")}


def test_every_public_name_in_it_exists():
    named = set(re.findall(r"\bcn\.(\w+)", README))
    assert len(named) > 8 and [name for name in named if not hasattr(cn, name)] == []
