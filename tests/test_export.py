"""What all exports share: the network as targets take it, the test vectors, the one function."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from c_compiler import needs_compiler
from export_models import EVERY_KIND, KINDS, PLAIN, hostile_model, make_model, number
from shoal import ParameterError, ShoalError, export_model
from shoal.export import TARGETS, make_target, python
from shoal.export.prepared import Outputs, Prepared, as_rows, deviation
from shoal.export.target import MissingRuntimeError
from shoal.export.vectors import vectors
from shoal.network import forward
from shoal.table import Columns

OURS = (pytest.param(".c", marks=needs_compiler), ".mjs", ".py", ".json")


def inputs_by_hand(prepared: Prepared) -> np.ndarray:
    """x of the test vectors, by the words of `shoal.export.prepared`."""
    X = np.zeros((len(prepared.rows[0]), prepared.n_x))
    for entry, cells in zip(prepared.inputs, prepared.rows, strict=True):
        column = entry.column
        for x, cell in zip(X[:, entry.slots], cells, strict=True):
            if cell is None or cell != cell:
                x[:] = entry.missing
            elif entry.is_category:
                x[:] = entry.unknown
                if cell in column.levels:
                    x[:] = np.arange(len(x)) == column.levels.index(cell)
            else:
                x[0] = (np.clip(cell, column.low, column.high) - entry.center) / entry.scale
                if column.edges:
                    # A hat on each knot: what np.interp makes of the rows of a unit matrix.
                    T = column.n_bins
                    x[1 : 1 + T] = [np.interp(cell, column.edges, row) for row in np.eye(T + 1)[1:]]
    return X


@pytest.mark.parametrize(("task", "activation"), KINDS)
def test_the_prepared_network_is_the_model(task: str, activation: str) -> None:
    """Knots, powers of two and moved centers change no score beyond rounding."""
    prepared = Prepared(make_model(task, activation))
    Z2 = forward(
        inputs_by_hand(prepared).T,
        prepared.parameters,
        activation=prepared.model.activation,
        output=prepared.model.loss,
    ).Z2
    assert deviation(Outputs(Z2.T, None, None), prepared.expected) < 1e-12


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "multi-output", "quantile"])
def test_expected_outputs_are_what_the_model_predicts(task: str) -> None:
    """The oracle agrees with `Model` itself, to the digits that raw units leave (-1e6 is in X)."""
    model = make_model(task, "tanh", dtype="float64")
    prepared = Prepared(model)
    columns = [entry.column for entry in prepared.inputs]
    frame = pl.DataFrame(
        [
            pl.Series(column.name, cells, pl.String if column.kind == "category" else pl.Float64)
            for column, cells in zip(columns, prepared.rows, strict=True)
        ],
    ).fill_nan(None)
    microseconds = (pl.col("day") * 86_400e6).round().cast(pl.Int64)
    frame = frame.with_columns(microseconds.cast(pl.Datetime("us")))
    values = model.predict(frame) if model.task == "regression" else model.predict_proba(frame)
    np.testing.assert_allclose(prepared.expected.values, values, rtol=0, atol=1e-9)
    np.testing.assert_allclose(prepared.expected.scores, model.scores(frame), rtol=0, atol=1e-9)
    if model.classes is not None:
        assert prepared.expected.labels == [str(label) for label in model.predict(frame)]
    for again, cells in zip(prepared.cells(frame), prepared.rows, strict=True):
        if isinstance(cells, list):
            assert again == cells
        else:
            np.testing.assert_allclose(again, cells, rtol=1e-15, atol=1e-10)


def test_vectors_reach_every_way_in_which_a_value_is_read() -> None:
    """Rows hold the bounds and what is beyond, each level, missing, unseen; and are the same."""
    columns = [column for column in EVERY_KIND.columns if column.kind != "unused"]
    rows = vectors(columns)
    for column, cells in zip(columns, rows, strict=True):
        if column.kind == "category":
            assert None in cells
            assert set(cells) - {*column.levels, None}
        else:
            assert np.isnan(cells).any()
            if column.edges:
                assert {column.low, column.high} <= set(cells)
                assert np.nanmin(cells) < column.low < column.high < np.nanmax(cells)
    assert as_rows(vectors(columns)) == as_rows(rows)


def test_deviation_is_relative_above_one_and_sees_what_is_not_a_number() -> None:
    """1e6 + 1 deviates by 1e-6, 0.5 + 0.1 by 0.1, and NaN by infinity."""
    right = Outputs(np.array([[1e6, 0.5]]), None, None)
    assert deviation(Outputs(np.array([[1e6 + 1, 0.5]]), None, None), right) == pytest.approx(1e-6)
    assert deviation(Outputs(np.array([[1e6, 0.6]]), None, None), right) == pytest.approx(0.1)
    assert deviation(Outputs(np.array([[np.nan, 0.5]]), None, None), right) == np.inf


def test_suffix_and_options_are_checked(tmp_path: Path) -> None:
    """An unknown suffix and an option of another target are refused with what there is."""
    model = make_model("regression", columns=PLAIN)
    with pytest.raises(ParameterError, match=r"names no target; choose one of: \.c, \.h, \.js"):
        export_model(model, tmp_path / "model.exe")
    with pytest.raises(ParameterError, match="Python has no option 'dtype': it has none"):
        export_model(model, tmp_path / "model.py", dtype="float")
    with pytest.raises(ParameterError, match="C99 has no option 'size': it has dtype, levels"):
        export_model(model, tmp_path / "model.c", size=3)
    with pytest.raises(ParameterError, match="dtype must be double or float or int16 or int8"):
        export_model(model, tmp_path / "model.c", dtype="half")
    assert list(tmp_path.iterdir()) == []


def test_a_deviating_file_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not compute what the model computes never gets its name."""
    monkeypatch.setitem(python.G, "relu", "return max(0.0, z) + 1e-9")
    with pytest.raises(ShoalError, match="is not written: what it computes deviates"):
        export_model(make_model("regression", columns=PLAIN), tmp_path / "model.py")
    assert list(tmp_path.iterdir()) == []


def test_where_large_terms_cancel_more_is_allowed(tmp_path: Path) -> None:
    """Rounding is no fault: 1e6 less 1e6 may be off by more than 1e-12, and not by much more."""
    model = make_model("regression", "relu", PLAIN, dtype="float64")
    W1, b1, W2, _ = model.parameters
    W1[1], b1[1], W2[0, :2] = W1[0], b1[0], (1e6, -1e6)  # the same unit twice
    done = export_model(model, tmp_path / "model.py", check=True)
    assert 1e-12 < done.tolerance < 1e-7
    far = Columns((number("seconds since 1970, within a minute", center=1.7e9),))
    model = make_model("regression", "tanh", far, dtype="float64")
    assert 1e-12 < export_model(model, tmp_path / "far.py", check=True).tolerance < 1e-8
    usual = make_model("regression", "relu", PLAIN)
    assert export_model(usual, tmp_path / "usual.py").tolerance == 1e-12


def test_without_a_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file then says that nothing was measured, and with `check` it is an error."""
    monkeypatch.setattr("shoal.export.target.shutil.which", lambda *_, **__: None)
    model = make_model("regression", columns=PLAIN)
    done = export_model(model, tmp_path / "model.c")
    assert done.measured.rows == 0
    assert "not measured: there is no cc" in (tmp_path / "model.c").read_text()
    with pytest.raises(MissingRuntimeError, match=r"cannot be checked.*install a C compiler"):
        export_model(model, tmp_path / "other.c", check=True)
    assert not (tmp_path / "other.c").exists()


def test_rows_of_a_table_are_compared_too(tmp_path: Path) -> None:
    """`data` adds its rows to the test vectors, from a frame or an array."""
    model = make_model("regression", columns=PLAIN)
    done = export_model(model, tmp_path / "model.py", data=np.zeros((7, 2)))
    assert done.measured.rows == 24 + 7
    assert done.size == (tmp_path / "model.py").stat().st_size
    assert "over 31 rows" in (tmp_path / "model.py").read_text()


@pytest.mark.parametrize("suffix", OURS)
def test_hostile_names(suffix: str, tmp_path: Path) -> None:
    """500 columns, levels, labels and a target that mean something in some language break none."""
    model = hostile_model(nul=suffix != ".c")
    done = export_model(model, tmp_path / f"model{suffix}", check=True)
    assert done.measured.other_class == 0


@pytest.mark.parametrize("suffix", OURS)
def test_a_model_without_columns(suffix: str, tmp_path: Path) -> None:
    """Nothing in, the biases out."""
    model = make_model("regression", "tanh", Columns(()))
    assert export_model(model, tmp_path / f"m{suffix}", check=True).measured.rows == 1


@pytest.mark.parametrize("suffix", [".c", ".h", ".js", ".json", ".mjs", ".py"])
def test_suffixes(suffix: str, tmp_path: Path) -> None:
    """Each suffix has its target, in capitals, too; it says what it is and how to call it."""
    assert suffix in TARGETS
    path = tmp_path / f"model{suffix.upper()}"
    done = export_model(make_model("regression", columns=PLAIN), path)
    assert done.title == make_target(f"model{suffix}", {}).title
    assert done.usage
    assert done.path.exists()
