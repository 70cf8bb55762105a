"""The Python export: run in a Python of its own, and called as its user would."""

import datetime
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_models import HOSTILE, KINDS, PLAIN, category, make_model, models, number
from shoal import Model, export_model
from shoal.export.prepared import Prepared
from shoal.export.python import Python
from shoal.export.target import Measured
from shoal.table import Column, Columns


def load(model: Model) -> ModuleType:
    """The exported module."""
    module = ModuleType("exported")
    source = Python().write(Prepared(model), "exported.py", Measured()).decode()
    exec(compile(source, "exported.py", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("task", "activation"), KINDS)
def test_it_computes_what_the_model_computes(task: str, activation: str, tmp_path: Path) -> None:
    """Scores, probabilities and classes, to 1e-12, for every output and activation."""
    done = export_model(make_model(task, activation), tmp_path / "model.py", check=True)
    assert done.measured.deviation <= 1e-12
    assert done.measured.other_class == 0


def test_it_measures_itself(tmp_path: Path) -> None:
    """Run as a script it needs no package, and prints the deviation that its header states."""
    done = export_model(make_model("multiclass", "gelu"), tmp_path / "model.py")
    printed = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "model.py"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == f"24 rows, largest deviation {done.measured.deviation:.2g}\n"
    assert f"largest deviation {done.measured.deviation:.2g} over 24 rows" in (
        tmp_path / "model.py"
    ).read_text(encoding="utf-8")


def test_rows_as_its_user_has_them() -> None:
    """Dicts in any order, lists, dates, times with a zone, truths, numbers that name a level."""
    columns = Columns(
        (
            Column("day", "date", center=18262.5, scale=105.6),
            Column("wet", "boolean", center=0.25, scale=0.4),
            category("code", ("7", "2.5", "True")),
        )
    )
    module = load(make_model("regression", "tanh", columns))
    first = module.predict([[18262.75, 1.0, "7"]])
    noon = datetime.datetime(2020, 1, 1, 18)
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert module.predict([{"code": 7.0, "day": noon, "wet": True}]) == first
    assert module.predict([[datetime.datetime(2020, 1, 1, 20, tzinfo=zone), 1, 7]]) == first
    days = module.predict([[datetime.date(2020, 1, 1), True, 2.5], [18262, 1, "2.5"]])
    assert days[0] == days[1]
    assert module.predict([[None, None, None]]) == module.predict([[np.nan, np.nan, np.nan]])


def test_wrong_rows_are_errors() -> None:
    """A column that lacks, a text for a number and a row too short are told, not guessed."""
    module = load(make_model("regression", "tanh", Columns((number("a"), number("b")))))
    with pytest.raises(KeyError, match="b"):
        module.predict([{"a": 1.0}])
    with pytest.raises(TypeError, match="column 'b' needs a number, not '1'"):
        module.predict([[1.0, "1"]])
    with pytest.raises(ValueError, match="a row has 2 values, not 1"):
        module.predict([[1.0]])


@pytest.mark.parametrize("task", ["regression", "multi-output", "quantile"])
def test_intervals_are_the_models(task: str) -> None:
    """The bounds of `Model.predict_interval`, at any coverage."""
    model = make_model(task, "tanh", PLAIN, dtype="float64")
    module, X = load(model), np.random.default_rng(0).normal(50, 8, (5, 2))
    for coverage in (0.01, 0.5, 0.9, 0.999):
        got = np.array(module.intervals(X.tolist(), coverage)).squeeze()
        np.testing.assert_allclose(got, model.predict_interval(X, coverage), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE)), min_size=3, max_size=3))
def test_no_text_leaves_its_string(names: list[str]) -> None:
    """Any text is a column's name, a level, a class or a target, and the module says the same."""
    level, label, target = (name.rstrip("\0") for name in names)  # NumPy strips it, too
    columns = Columns((number(names[0], bins=3), category("level", (level,))))
    model = make_model("binary", "relu", columns, classes=np.array([label, label + "!"]))
    model = Model(model.parameters, "relu", model.loss, columns, (target,), model.classes, {})
    module = load(model)
    assert [label, label + "!"] == module.CLASSES
    expected = Prepared(model).expected
    assert module.predict(module.TEST_ROWS) == expected.labels
    assert module.largest_deviation() <= 1e-12


@settings(max_examples=8, deadline=None)
@given(models())
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model) -> None:
    """Whatever the columns, their names, the task and the network: to 1e-12."""
    path = tmp_path_factory.mktemp("any") / "model.py"
    assert export_model(model, path, check=True).measured.other_class == 0
