"""Who may import whom, what an import costs, and that no file holds two nouns."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "calig_nb"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "quadrature": set(),
    "fusion": set(),
    "blocks": set(),
    "catalogue": {"fusion"},
    "attribution": {"quadrature"},
    "gradients": set(),
    "rollouts": set(),
    "occlusion": set(),
    "conservative": {"blocks"},
    "mae": set(),
    "undisturbed": {"mae"},
    "identity": set(),
    "memory": set(),
    "classifier": {"undisturbed"},
    "stages": {"blocks"},
    "cells": {"blocks"},
    "attentions": {"attribution", "blocks", "cells", "memory", "undisturbed"},
    "pooled": {"blocks"},
    "trace": {"attentions", "blocks", "cells", "classifier", "memory", "pooled"},
    "bypass": {"attribution", "blocks", "trace"},
    "models": {
        "attentions", "attribution", "blocks", "bypass", "cells", "classifier", "gradients",
        "memory", "pooled", "stages", "trace",
    },
    "conductance": {"attribution", "quadrature"},
    "rounding": {"attribution"},
    "reading": set(),
    "questions": set(),
    "pairs": set(),
    "words": set(),
    "inputs": {"pairs", "questions", "reading", "words"},
    "images": set(),
    "heads": set(),
    "prompts": {"classifier", "heads", "inputs", "questions"},
    "patches": {"blocks", "cells", "models"},
    "pictures": {"images", "inputs", "models", "patches", "reading", "words"},
    "readers": {"models", "pictures", "prompts"},
    "loading": set(),
    "targets": set(),
    "request": {"catalogue", "fusion", "targets"},
    "units": {"fusion"},
    "kept": set(),
    "shown": {"units"},
    "results": {"catalogue", "fusion", "kept", "shown", "units"},
    "document": {"fusion", "kept", "results"},
    "recipe": set(),
    "stored": {"document", "fusion", "results"},
    "cache": {"results", "stored"},
    "tables": {"results", "units"},
    "comparison": {"fusion", "results", "units"},
    "classes": {"fusion", "results", "units"},
    "metrics": set(),
    "perturbation": set(),
    "intervals": set(),
    "rationales": {"units"},
    "scorecard": {"fusion", "intervals", "metrics"},
    "figures": {
        "catalogue", "classes", "comparison", "fusion", "intervals", "recipe", "results",
        "scorecard", "units",
    },
    "widgets": {"catalogue", "comparison", "fusion", "metrics", "recipe", "results", "units"},
    "export": {"__version__", "comparison", "fusion", "recipe", "results", "widgets"},
    "kernels": set(),
    "evidence": {
        "attentions", "attribution", "blocks", "conductance", "fusion", "kernels", "catalogue",
        "memory",
        "models", "request", "rounding", "targets", "trace",
    },
    "maps": {
        "attribution", "conservative", "evidence", "fusion", "memory", "models",
        "occlusion", "request", "rollouts", "targets", "trace", "undisturbed",
    },
    "bucket": {
        "__version__", "attentions", "evidence", "fusion", "inputs", "maps", "catalogue", "memory",
        "models", "readers", "request", "results", "targets",
    },
    "answers": {
        "bucket", "cache", "identity", "inputs", "memory", "models", "readers", "request",
        "results",
    },
    "asked": {"inputs", "readers", "request"},
    "windows": {"bucket", "inputs", "models", "words"},
    "assembly": {
        "answers", "bucket", "catalogue", "document", "fusion", "inputs", "models", "request",
        "results", "windows", "words",
    },
    "predictions": {"bucket", "models", "readers", "windows"},
    "explainer": {
        "answers", "asked", "assembly", "cache", "fusion", "heads", "identity", "inputs", "loading",
        "memory", "catalogue", "models", "predictions", "readers", "request", "results", "targets",
    },
    "effort": set(),
    "scoring": {"answers", "bucket", "classifier", "fusion", "inputs", "targets", "units"},
    "checks": {
        "explainer", "fusion", "inputs", "metrics", "questions", "results", "scoring", "targets",
    },
    "trials": {
        "cache", "effort", "explainer", "fusion", "inputs", "metrics", "scorecard", "scoring",
        "units",
    },
    "evaluation": {
        "__version__", "catalogue", "explainer", "fusion", "metrics", "rationales", "request",
        "scorecard", "scoring", "trials",
    },
    "randomisation": {"classifier", "explainer", "identity", "models"},
    "soundness": {
        "bucket", "catalogue", "explainer", "fusion", "inputs", "intervals", "kept", "metrics",
        "randomisation", "request", "scoring",
    },
    "demo": {"cache", "explainer"},
    "cli": {"__version__", "demo", "explainer"},
    "__main__": {"cli"},
    "__init__": {
        "cache", "catalogue", "checks", "classes", "demo", "evaluation", "explainer", "fusion",
        "results", "scorecard", "soundness", "widgets",
    },
}  # fmt: skip
UPWARD = {
    "shown": {"cache", "checks", "export", "figures", "tables", "widgets"},
    "classes": {"figures"},
    "scorecard": {"figures"},
    "soundness": {"figures"},
    "widgets": {"export", "figures"},
}
"""Lazy calls, inside functions only: an explanation saves, draws, shows and exports itself."""
NO_TORCH = {
    "quadrature", "fusion", "catalogue", "units", "words", "kept", "shown", "results", "document",
    "recipe", "stored", "cache",
    "tables", "classes", "comparison", "figures", "widgets", "metrics", "intervals", "rationales",
    "scorecard", "export", "__init__",
}  # fmt: skip


def imports(path):
    """(name, whether it is at the top of the file or a lazy one) of the package's own modules."""
    depth = len(path.relative_to(PACKAGE).parts)
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == depth and id(node) not in typing_only:
            names = [node.module.split(".")[0]] if node.module else [a.name for a in node.names]
            yield from ((name, id(node) in top) for name in names)


def module_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    module = module_of(path)
    for target, at_top in imports(path):
        lazy = UPWARD.get(module, set()) if not at_top else set()
        assert target in MAY_IMPORT[module] | lazy, f"{module} must not import {target}"


def test_the_table_knows_every_module_and_has_no_cycle():
    assert {module_of(path) for path in FILES} == set(MAY_IMPORT)
    order = list(MAY_IMPORT)
    for module, targets in MAY_IMPORT.items():
        for target in targets - {"__version__"}:
            assert order.index(target) < order.index(module)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_torch_and_transformers_stay_where_they_belong(path):
    named = {
        alias.name.split(".")[0]
        if isinstance(node, ast.Import)
        else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)
        for alias in node.names
    }
    module = module_of(path)
    if module in NO_TORCH:
        assert not named & {"torch", "transformers"}
    if module not in {"loading", "models", "demo"}:
        assert "transformers" not in named


@pytest.mark.parametrize(
    "path",
    FILES,
    ids=lambda p: str(p.relative_to(PACKAGE.parent)),
)
def test_no_file_is_over_300_lines(path):
    assert len(path.read_text().splitlines()) <= 300


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
