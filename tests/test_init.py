"""The public names of shoal, and what `import shoal` costs."""

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import shoal

ROOT = Path(__file__).parent.parent


def in_a_fresh_python(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_import_shoal_imports_nothing_else() -> None:
    """`import shoal` imports no other package but Python's own, and no module of shoal."""
    loaded = in_a_fresh_python(
        "import sys; before = set(sys.modules); import shoal; print(*set(sys.modules) - before)"
    )
    ours = [name for name in loaded.split() if name.split(".")[0] not in sys.stdlib_module_names]
    assert ours == ["shoal"]


@pytest.mark.parametrize("name", shoal.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """A public name is the object of that name in its own module, or that module itself."""
    value = getattr(shoal, name)
    if name in ("datasets", "explain"):
        assert value is importlib.import_module(f"shoal.{name}")
    else:
        home = importlib.import_module(f"shoal.{shoal._HOMES[name]}")
        assert value is getattr(home, name)


def test_public_names_are_documented() -> None:
    """The docstring of the package lists every public name."""
    assert [name for name in shoal.__all__ if f" {name}" not in shoal.__doc__] == []


def test_star_import() -> None:
    """`from shoal import *` binds every public name, and nothing else."""
    names = in_a_fresh_python(
        "before = set(globals()) | {'before'}; from shoal import *; print(*set(globals()) - before)"
    )
    assert sorted(names.split()) == sorted(shoal.__all__)


def test_dir() -> None:
    """`dir(shoal)` shows every public name before any has been used, and no private one."""
    names = in_a_fresh_python("import shoal; print(*dir(shoal))").split()
    assert sorted([*shoal.__all__, "__doc__", "__version__"]) == names


def test_type_checkers_see_the_same_names() -> None:
    """The imports meant for type checkers are those that happen: the same names and modules."""
    declared = {}
    for node in ast.walk(ast.parse(Path(shoal.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("shoal."):
            for alias in node.names:
                assert alias.asname == alias.name, "`as` makes it a re-export"
                declared[alias.name] = node.module.removeprefix("shoal.")
    assert declared == shoal._HOMES


def test_unknown_name() -> None:
    """A name that shoal lacks is an AttributeError, so `hasattr` and completion work."""
    with pytest.raises(AttributeError, match="'shoal' has no attribute 'perceptron'"):
        _ = shoal.perceptron


def test_version() -> None:
    """The version of the code, of the package and of the newest entry in the changelog is one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert shoal.__version__ == project["version"]
    headings = [
        line.split("]")[0].removeprefix("## [")
        for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("## [")
    ]
    headings.remove("Unreleased")
    assert shoal.__version__ == headings[0]


def test_typed() -> None:
    """The package says that it ships types."""
    assert (Path(shoal.__file__).parent / "py.typed").exists()
