"""What the pages on inputs ask, line by line, of another model than the one that they name."""

import ast
import re
from pathlib import Path

import calig_nb as cn

PAGE = Path(cn.__file__).parent / "inputs" / "README.md"


def run_documented(heading, explainer):
    """What each expression of that section's code gives, ``explainer`` being this one."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    names, found = {"cn": cn, "explainer": explainer}, []
    for line in ast.parse(code).body:
        source = ast.unparse(line)
        if isinstance(line, ast.Expr):
            found.append(eval(source, names))
        elif not source.startswith("explainer ="):
            exec(source, names)
    return found
