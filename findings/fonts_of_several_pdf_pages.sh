#!/usr/bin/env bash
# Guess: the kind of font that a figure gets in a PDF (Type 3, which many publishers refuse, or
# TrueType) is decided by rcParams["pdf.fonttype"] when the figure is saved.
# Seen with matplotlib 3.11.2: so it is for a file of one figure. Of PdfPages fonts are written when
# the file is closed, by what is set then: a figure saved under fonttype 42 gets Type 3, if the
# setting is back at 3 by the end, and the other way around.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q matplotlib==3.11.2
"$folder/venv/bin/python" - <<'PY'
from io import BytesIO

import matplotlib
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure


def written(saving, closing):
    """Whether there is a Type 3 font in the file of one page."""
    figure, file = Figure(), BytesIO()
    figure.text(0.5, 0.5, "word")
    pages = PdfPages(file)
    with matplotlib.rc_context({"pdf.fonttype": saving}):
        pages.savefig(figure)
    with matplotlib.rc_context({"pdf.fonttype": closing}):
        pages.close()
    return b"/Type3" in file.getvalue()


found = {(a, b): written(a, b) for a in (3, 42) for b in (3, 42)}
print(f"matplotlib {matplotlib.__version__}, Type 3 by setting at saving and closing: {found}")
assert found == {(3, 3): True, (3, 42): False, (42, 3): True, (42, 42): False}
PY
