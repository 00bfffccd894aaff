#!/usr/bin/env bash
# Guess: what a container does with a widget ends when the widget is taken elsewhere; to place it in
# a grid changes the grid.
# Seen with ipywidgets 8.1.9: GridspecLayout writes the name of an area into the widget's own layout
# and leaves it there when another widget takes the cell. In a GridBox afterwards, which has no area
# of this name, browsers make a column of its own for it, some pixels wide.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q ipywidgets==8.1.9
"$folder/venv/bin/python" - <<'PY'
import ipywidgets

one, other = ipywidgets.Button(), ipywidgets.Button()
before = one.layout.grid_area
grid = ipywidgets.GridspecLayout(1, 1)
grid[0, 0] = one
grid[0, 0] = other
assert one not in grid.children
box = ipywidgets.GridBox([one])
left = box.children[0].layout.grid_area
print(f"ipywidgets {ipywidgets.__version__}: grid_area {before!r} before, {left!r} in the next box")
assert before is None and left == "widget001"
PY
