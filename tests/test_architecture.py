"""Who may import whom, what an import costs, and that nobody reaches into another module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "calig_nb"
FILES = sorted(PACKAGE.rglob("*.py"))

BOTTOM = ("_arrays", "_design", "_upward", "_validation", "_version")
"""Below everything; they import each other only."""
MAY_IMPORT = {
    "explanation": (),
    "models": (),
    "inputs": ("explanation", "models"),
    "attribution": ("explanation", "models"),
    "pipeline": ("explanation", "models", "inputs", "attribution"),
    "evaluation": ("explanation", "models", "inputs", "attribution", "pipeline"),
    "demo": ("pipeline",),
    "figures": ("explanation", "evaluation"),
    "widgets": ("explanation", "evaluation", "figures"),
    "export": ("explanation", "widgets"),
}
"""The sub-packages from below; each may import those named, and the modules at the bottom."""
TOP = ("__init__", "__main__", "cli")
WITHOUT_TORCH = ("explanation", "figures", "widgets", "export")


def name_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and parts[:-1] else parts)


MODULES = {name_of(path): path for path in FILES}


def imports(path):
    """The package's own modules that a file imports: at the top, lazily, or for types alone."""
    package = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                inside = ".".join((*base, alias.name))
                yield inside if inside in MODULES else ".".join(base) or "__init__"


def room(module):
    return module.split(".")[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    own = room(module)
    for imported in imports(MODULES[module]):
        if own in TOP:
            continue
        allowed = (own, *MAY_IMPORT.get(own, ()), *BOTTOM)
        assert room(imported) in allowed, f"{module} must not import {imported}"


def test_the_table_knows_every_room_and_runs_one_way():
    assert {room(module) for module in MODULES} <= {*MAY_IMPORT, *BOTTOM, *TOP}
    assert len([path for path in FILES if path.parent == PACKAGE]) <= 10
    order = list(MAY_IMPORT)
    for own, below in MAY_IMPORT.items():
        assert all(order.index(one) < order.index(own) for one in below)


def test_no_modules_import_each_other_in_a_circle():
    left = {module: set(imports(path)) - {module} for module, path in MODULES.items()}
    loose = [None]
    while loose:  # what imports nothing of the rest, and what the rest does not import
        wanted = set().union(*left.values())
        loose = [one for one, needs in left.items() if not needs & set(left) or one not in wanted]
        for module in loose:
            del left[module]
    assert not left, f"a circle is among {sorted(left)}"


def private_names(tree):
    """What a module defines or sets whose name says that it is its own affair."""
    names = [n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Store):
            names.append(node.attr if isinstance(node, ast.Attribute) else node.id)
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


PRIVATE = {module: private_names(ast.parse(path.read_text())) for module, path in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_nobody_uses_what_is_private_to_another_module(module):
    foreign = set().union(*(PRIVATE[one] for one in MODULES if one != module)) - PRIVATE[module]
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        used = [node.attr] if isinstance(node, ast.Attribute) else []
        if isinstance(node, ast.ImportFrom) and node.level:
            used = [alias.name for alias in node.names]
        assert not foreign & {*used}, f"{module}:{node.lineno} reaches for {used}"


@pytest.mark.parametrize("module", MODULES)
def test_torch_and_transformers_stay_where_they_belong(module):
    named = {
        alias.name.split(".")[0]
        if isinstance(node, ast.Import)
        else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)
        for alias in node.names
    }
    if room(module) in (*WITHOUT_TORCH, *BOTTOM, "__init__"):
        assert not named & {"torch", "transformers"}
    if room(module) not in {"models", "inputs", "demo"}:
        assert "transformers" not in named


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_importing_the_package_loads_nothing_heavy():
    done = run(
        "import sys, calig_nb; dir(calig_nb);"
        "print(sorted({'torch', 'transformers', 'matplotlib', 'pandas', 'anywidget', 'numpy'}"
        " & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_saved_explanation_opens_and_draws_where_torch_is_missing(explanation, tmp_path):
    explanation.save(tmp_path / "one.safetensors")
    done = run(
        "import sys\n"
        "for name in ('torch', 'transformers', 'tokenizers'): sys.modules[name] = None\n"
        "import calig_nb as cn\n"
        f"e = cn.load({str(tmp_path / 'one.safetensors')!r}).with_lam(0.3)\n"
        f"e.figure().savefig({str(tmp_path / 'one.svg')!r})\n"
        "e.to_frame('word'); e.top(); e.rollout(); e._repr_mimebundle_()\n"
        "view = e.show(granularity='token'); print(view)"
    )
    assert done.returncode == 0, done.stderr
    assert "lam=0.3" in done.stdout
    assert (tmp_path / "one.svg").stat().st_size > 2000


def test_every_public_name_is_there():
    done = run(
        "import calig_nb as cn\n"
        "for name in cn.__all__: getattr(cn, name)\n"
        "try: cn.nothing\n"
        "except AttributeError as e: print(e)"
    )
    assert done.stdout.strip() == "module 'calig_nb' has no attribute 'nothing'.", done.stderr
