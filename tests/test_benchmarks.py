"""The benchmarks run, compare like with like, and say what they could not run. No test of speed."""

import importlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
RIVALS = {"scikit-learn": "sklearn", "PyTorch": "torch", "torch.compile": "torch", "JAX": "jax"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], str]:
    """Rows of a quick run of all benchmarks on one thread, and what it prints."""
    kept = tmp_path_factory.mktemp("benchmarks") / "rows.json"
    command = [sys.executable, str(BENCHMARKS), "--quick", "--threads", "1", "--json", str(kept)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return json.loads(kept.read_text(encoding="utf-8"))["rows"], run.stdout


@pytest.fixture
def timing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that all benchmarks share."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("timing")


def test_every_contestant_learns_the_same(answers: tuple[list[dict[str, Any]], str]) -> None:
    """From the same first weights, with the same batches, every contestant ends at one cost."""
    rows, _ = answers
    compared = [row for row in rows if row["their_loss"] is not None]
    assert len(compared) >= 5 * 3  # trainings, and in each at least shoal twice and scikit-learn
    for row in compared:
        # scikit-learn draws batches of its own, and JAX leaves an example out of the larger ones.
        tolerance = 0.01 if row["rival"] in ("scikit-learn", "JAX") else 1e-4
        assert row["their_loss"] == pytest.approx(row["our_loss"], rel=tolerance), row


def test_every_figure_has_a_time(answers: tuple[list[dict[str, Any]], str]) -> None:
    """Each row has runs of shoal, and of its rival exactly where that is installed."""
    rows, _ = answers
    assert {file.stem for file in BENCHMARKS.glob("bench_*.py")} >= {"bench_flower"}
    for row in rows:
        assert all(value > 0 for value in row["ours"] + row["theirs"]), row
        package = RIVALS.get(row["rival"])
        assert bool(row["theirs"]) == (package is None or find_spec(package) is not None), row
        assert row["ours"], row


def test_what_is_missing_is_named(answers: tuple[list[dict[str, Any]], str]) -> None:
    """The table says "not installed" of each rival that is not, and the last lines name them."""
    rows, printed = answers
    missing = {row["rival"] for row in rows if not row["theirs"]}
    assert printed.count("not installed") == sum(not row["theirs"] for row in rows)
    if missing:
        assert f"Not installed: {', '.join(sorted(missing))}." in printed


def test_a_row_tells_met_from_missed(timing: Any) -> None:
    """A ratio is the median of theirs over that of ours, and is held against what was wanted."""
    row = timing.Row("case", 1, "rival", theirs=[8.0, 6.0, 100.0], ours=[2.0, 1.0, 9.0], wanted=5)
    assert row.ratio == 4.0
    assert row.met is False
    assert "NO" in timing.table([row])
    assert timing.Row("case", 1, "rival", [10.0], [2.0], wanted=5).met is True
    assert timing.Row("case", 1, "rival", [], [2.0], wanted=5).met is None


def test_losses_that_differ_are_flagged(timing: Any) -> None:
    """A loss off by more than three times the noise of the first weights is marked in the table."""
    losses = {"our_loss": 0.5, "noise": 0.01}
    far = timing.Row("case", 1, "rival", [1.0], [1.0], their_loss=0.54, **losses)
    near = timing.Row("case", 1, "rival", [1.0], [1.0], their_loss=0.52, **losses)
    assert far.agree is False
    assert near.agree is True
    assert timing.table([far, near]).count("DISAGREE") == 1


def test_runs_alternate(timing: Any) -> None:
    """Contestants take turns, after one turn each that is not counted."""
    turns: list[str] = []
    contestants = {"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}
    seen = timing.alternate(contestants, rounds=2)
    assert turns == ["a", "b"] * 3
    assert [len(runs.seconds) for runs in seen.values()] == [2, 2]


def test_growth_is_measured_and_drawn(tmp_path: Path) -> None:
    """Time is measured along m, n_x, n_h and K, and, where matplotlib is, drawn in four panels."""
    picture = tmp_path / "growth.svg"
    command = [sys.executable, str(BENCHMARKS / "growth.py"), "--quick"]
    draws = find_spec("matplotlib") is not None
    command += ["--picture", str(picture)] if draws else []
    run = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert {"m", "n_x", "n_h", "K"} <= set(run.stdout.split())
    if draws:
        assert picture.read_text(encoding="utf-8").count('<g id="axes_') == 4


def test_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export of a real table is run and compared, and one that deviates too much is seen."""
    for folder in (BENCHMARKS, BENCHMARKS / "accuracy"):
        monkeypatch.syspath_prepend(str(folder))
    exports = importlib.import_module("exports")
    name, X, y, values = next(exports.read())
    model = exports.ShoalClassifier(solver="lbfgs", n_hidden=3, random_state=0).fit(X, y).model_
    prepared = exports.Prepared(model)
    rows = exports.disturbed(prepared, X, 200)
    assert name == "penguins"
    assert not values
    assert np.isnan(rows[1]).any()
    assert "never seen" in rows[0]

    def nearly(path: Path, prepared: Any, cells: Any) -> Any:
        found = exports.make_target(path, {}).run(path, prepared, cells)
        return found._replace(values=found.values + 1e-3)

    sound, broken = exports.Row("ONNX", ".onnx", {}), exports.Row("broken", ".sql", {}, nearly)
    for row in (sound, broken):
        exports.measure(row, prepared, rows, name, os.getpid())
    assert sound.rows == [200]
    assert max(sound.shares) <= 1 < max(broken.shares)
    assert "| ONNX | 1 | 200 |" in exports.report([sound, broken])
