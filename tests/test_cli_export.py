"""shoal export: what it says, what it writes, what it refuses."""

import json
from pathlib import Path

import pytest

from command_line import NEW, PENGUINS, shoal


def test_it_says_what_it_wrote_and_how_to_call_it(model: Path, tmp_path: Path) -> None:
    """Three lines on stderr: the file and its size, the deviation, a call."""
    done = shoal("export", model, tmp_path / "penguins.c", "--check")
    first, second, third = done.stderr.splitlines()
    size = (tmp_path / "penguins.c").stat().st_size
    assert first == f"wrote penguins.c: C99, {size:,} bytes"
    assert second.startswith("largest deviation ")
    assert second.endswith(" over 24 rows, where 1e-12 is allowed")
    assert '#include "penguins.c"' in third
    assert done.stdout == ""


@pytest.mark.parametrize("suffix", ["py", "mjs", "json", "h"])
def test_rows_of_a_table(model: Path, tmp_path: Path, suffix: str) -> None:
    """--data compares on a table's rows, the target's column among them or not."""
    output = tmp_path / f"penguins.{suffix}"
    done = shoal("export", model, output, "--data", PENGUINS, "--json")
    document = json.loads(done.stdout)
    assert document["rows"] == 24 + 344
    assert document["deviation"] <= document["tolerance"] == 1e-12
    assert document["other_class"] == 0
    assert document["bytes"] == output.stat().st_size
    assert json.loads(shoal("export", model, output, "--data", NEW, "--json", "-q").stdout)


def test_integers(model: Path, tmp_path: Path) -> None:
    """--dtype int16 stays within the proved bound on real rows, and chooses the same species."""
    arguments = (tmp_path / "penguins.h", "--dtype", "int16", "--data", PENGUINS, "--json", "-q")
    document = json.loads(shoal("export", model, *arguments).stdout)
    assert document["target"] == "C99 fixed point"
    assert 0 < document["deviation"] <= document["tolerance"] < 0.1
    assert document["other_class"] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["out.exe"], 2, "the suffix of 'out.exe' names no target; choose one of: .c, .h, .js,"),
        (["out.py", "--dtype", "float"], 2, "Python has no option 'dtype': it has none"),
        (["out.c", "--dtype", "half"], 2, "dtype must be double or float or int16 or int8"),
        (["no/such/out.c"], 1, "cannot write no/such/out.c: No such file"),
        (["out.c", "--data", "none.csv"], 1, "none.csv"),
    ],
)
def test_refusals(
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    """One sentence, no traceback, and no file."""
    monkeypatch.chdir(tmp_path)
    done = shoal("export", model, *arguments, code=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_not_overwritten(model: Path) -> None:
    """OUTPUT may not be what is read."""
    done = shoal("export", model, model, code=2)
    assert "would overwrite what is read" in done.stderr
