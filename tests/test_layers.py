"""Imports go downwards only, and a package comes in where it belongs.

The table is the architecture: each line a module, what it may import of shoal, which packages it
may import at its top, and which only inside the functions that need them. A line imports only from
lines above it.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "shoal"

RULES = {
    # module: what it may import of shoal, packages at its top, packages inside functions
    "errors": ("", "", ""),
    # the mathematics: NumPy in, NumPy out
    "activations": ("errors", "numpy", ""),
    "losses": ("activations errors", "numpy", ""),
    "network": ("activations errors losses", "numpy", ""),
    "secants": ("activations", "numpy", ""),
    "datasets": ("activations errors", "numpy", ""),
    # learning
    "optimizers": ("activations network", "numpy", ""),
    "dropout": ("activations", "numpy", ""),
    "lookup": ("activations errors", "numpy", "scipy"),
    "batches": ("activations", "numpy", ""),
    "kernel_problem": ("activations errors lookup losses", "numpy", ""),
    "kernel": ("activations batches errors kernel_problem lookup losses optimizers", "numpy", ""),
    "state": ("activations network optimizers", "numpy", ""),
    "engine": (
        "activations batches dropout errors kernel kernel_problem losses network optimizers state",
        "numpy",
        "",
    ),
    "folding": ("activations errors network", "numpy", ""),
    "recipe": ("activations errors folding network optimizers", "", ""),
    "history": ("engine network recipe", "numpy", ""),
    "training": (
        "activations batches engine errors history kernel_problem network optimizers recipe state",
        "numpy scipy",
        "",
    ),
    "linear": ("activations losses", "numpy", ""),
    "committee": (
        "activations engine linear losses network recipe training",
        "numpy",
        "scipy",
    ),
    # the waist: plain data
    "cells": ("activations errors", "numpy", "narwhals"),
    "table": ("activations cells errors lookup network", "numpy", ""),
    "prediction": (
        "activations engine errors kernel_problem lookup losses network state",
        "numpy",
        "",
    ),
    "attribution": ("activations errors lookup network secants table", "numpy", ""),
    "bounds": ("activations attribution errors secants table", "numpy", ""),
    "foreign": ("activations errors folding losses network table", "numpy", ""),
    "model": (
        "activations attribution bounds cells errors foreign losses network prediction table",
        "numpy",
        "",
    ),
    "explain": ("activations cells errors model network", "numpy", ""),
    "table_learning": ("activations cells errors table", "numpy", "narwhals"),
    # looking into it, and judging it
    "describe": ("cells model table", "", "polars"),
    "scores": ("activations model", "", "numpy polars sklearn threadpoolctl"),
    "judging": ("activations", "numpy", ""),
    "record": ("history", "numpy", "sklearn"),
    "units": ("activations model network table", "numpy", ""),
    "dependence": ("activations cells errors model table units", "numpy", ""),
    "plots": (
        "activations dependence errors history judging model record table units",
        "numpy",
        "matplotlib sklearn",
    ),
    "playground": (
        "activations cells errors folding losses model network table table_learning",
        "numpy",
        "anywidget traitlets",
    ),
    "atomic": ("errors", "", ""),
    "report": (
        (
            "activations atomic cells dependence describe errors explain judging model network "
            "playground plots record scores table units"
        ),
        "numpy polars",
        "matplotlib sklearn threadpoolctl",
    ),
    # the estimators: the only modules on scikit-learn at their top
    "estimator_input": ("activations cells errors table", "numpy sklearn", ""),
    "estimator_base": (
        (
            "activations cells committee engine errors estimator_input folding history losses "
            "model network recipe record report table table_learning training"
        ),
        "numpy sklearn",
        "threadpoolctl",
    ),
    "estimators": (
        "activations cells committee engine errors estimator_base folding losses network",
        "numpy sklearn",
        "",
    ),
    "tuning": (
        "activations errors estimator_base estimator_input losses model recipe",
        "numpy sklearn",
        "",
    ),
    # files
    "model_tensors": ("activations cells errors losses model network table", "numpy", ""),
    "model_file": ("activations atomic errors model model_tensors network", "numpy", ""),
    "table_text": ("errors", "polars", ""),
    "table_csv": ("errors", "polars", ""),
    "table_file": ("atomic errors table_csv table_text", "polars", ""),
    "export": (
        "activations atomic cells errors folding losses model network table",
        "numpy",
        "onnx onnxruntime",
    ),
    # faces
    "cli": (
        (
            "activations atomic cells describe engine errors estimators explain export history "
            "judging model model_file network playground plots record report scores table "
            "table_file table_learning training tuning"
        ),
        "click",
        "numpy polars rich scipy sklearn threadpoolctl",
    ),
    "__main__": ("cli", "", ""),
}

# What __init__.py imports is the matter of test_init.py.
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


def module_of(path: Path) -> str:
    """Name of a module, or of the subpackage that it is in."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imports(node: ast.AST, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every import below a node: dotted name, and whether it waits for a call.

    What is meant for type checkers alone waits for ever.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module == "shoal":
            yield from ((f"shoal.{alias.name}", inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield "." * child.level + (child.module or ""), inside
        else:
            waits = isinstance(child, ast.FunctionDef) or (
                isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            )
            yield from imports(child, inside or waits)


def objections(source: str, module: str) -> list[str]:
    """What in a module's source breaks its line of the table."""
    ours, top, within = (set(names.split()) for names in RULES[module])
    found = []
    for name, inside in imports(ast.parse(source)):
        package, _, rest = name.partition(".")
        if package == "shoal":
            target = rest.split(".")[0]
            if target not in ours | {module, "__version__"}:
                found.append(f"{module} imports {name}")
        elif package not in top | set(sys.stdlib_module_names) | (within if inside else set()):
            found.append(f"{module} imports {name}" + ("" if inside else " at its top"))
    return found


def test_the_table_is_a_hierarchy() -> None:
    """No line of the table refers to itself or to a line below it."""
    above: set[str] = set()
    for module, (ours, _, _) in RULES.items():
        assert set(ours.split()) <= above, module
        above.add(module)


def test_the_table_is_complete() -> None:
    """Every module has a line, and every line a module."""
    assert {module_of(path) for path in MODULES} == set(RULES)


def test_every_package_is_a_declared_dependency() -> None:
    """What shoal imports is what pyproject.toml says it needs, package by package."""
    project = tomllib.loads((SOURCE.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    lines = project["project"]["dependencies"] + extras["notebook"] + extras["onnx"]
    lines += extras["plots"]
    declared = {re.split("[<>=]", line)[0] for line in lines}
    used = {package for _, top, inside in RULES.values() for package in f"{top} {inside}".split()}
    assert declared == {{"sklearn": "scikit-learn"}.get(package, package) for package in used}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports(path: Path) -> None:
    """A module imports what its line allows, and nothing else."""
    assert objections(path.read_text(encoding="utf-8"), module_of(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from shoal.estimators import ShoalClassifier",
        "from shoal import training",
        "import shoal.cli.fit",
        "import narwhals",
        "if True:\n    from narwhals import Series",
        "def f():\n    import pandas",
        "from . import errors",
    ],
)
def test_the_rules_object(source: str) -> None:
    """An import upwards, a package not allowed or too early, and a relative import are seen."""
    assert len(objections(source, "table")) == 1


def test_the_command_line_starts_light() -> None:
    """`import shoal.cli` loads neither NumPy nor anything that brings it, so help is at once."""
    code = (
        "import sys, shoal.cli; print(*{'numpy', 'polars', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded.split() == []
