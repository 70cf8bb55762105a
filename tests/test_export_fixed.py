"""The C export in integers: no floating point, and no score beyond the proved bound."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c_compiler import SANITIZERS, compiled, needs_compiler
from export_models import KINDS, PLAIN, make_model, models, number
from shoal import ACTIVATIONS, DataError, Model, export_model
from shoal.export.fixed import Fixed, fixed_point
from shoal.export.fixed_number import value_range
from shoal.export.fixed_point import TABLES, _points
from shoal.export.prepared import Cells, Prepared
from shoal.export.target import Measured
from shoal.table import Column, Columns

pytestmark = needs_compiler
BITS = ("int16", "int8")


def corners(prepared: Prepared, m: int, rng: np.random.Generator) -> Cells:
    """Rows at bounds, knots and just beside them, and anywhere between; levels, missing, unseen."""
    cells = []
    for entry in prepared.inputs:
        column = entry.column
        if entry.is_category:
            texts = [*column.levels, None, "never seen"]
            cells.append([texts[k] for k in rng.integers(0, len(texts), m)])
            continue
        low, high = value_range(entry)
        special = np.array([low, high, column.center, *column.edges])
        beside = rng.choice(special, m) + rng.normal(size=m) * (high - low) * 1e-6
        values = np.where(rng.random(m) < 0.5, beside, rng.uniform(low, high, m))
        values = np.where(rng.random(m) < 0.1, np.nan, values)
        cells.append(rng.choice([0.0, 1.0], m) if column.kind == "boolean" else values)
    return cells


def apart(target: Fixed, prepared: Prepared, cells: Cells, path: Path) -> np.ndarray:
    """Deviation of each row's scores (m, n_y) from the model's."""
    cells = target.within(prepared, cells)
    got, right = target.run(path, prepared, cells), prepared.reference(cells)
    if got.scores is None:
        return np.abs(got.values - right.values)
    return np.abs(got.scores - right.scores)


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize(("task", "activation"), [*KINDS, ("regression", "relu")])
def test_no_row_is_beyond_the_bound(task: str, activation: str, dtype: str, tmp_path: Path) -> None:
    """Neither test vectors nor thousands of rows at corners, for every activation and output."""
    prepared = Prepared(make_model(task, activation))
    target, path = Fixed(dtype), tmp_path / "model.c"
    path.write_bytes(target.write(prepared, path.name, Measured()))
    fixed, rng = fixed_point(prepared, dtype), np.random.default_rng(0)
    found = apart(target, prepared, corners(prepared, 3000, rng), path)
    assert (found <= fixed.bound).all()
    # The bound is of use: the worst row found is not a hundredth of it.
    assert (found.max(axis=0) > fixed.bound / 100).all()


@pytest.mark.parametrize("dtype", BITS)
def test_a_search_for_the_worst_row(dtype: str, tmp_path: Path) -> None:
    """Climbing from the worst row found, one column at a time, ends below the bound, too."""
    prepared = Prepared(make_model("regression", "relu", n_h=3, seed=3))
    target, path = Fixed(dtype), tmp_path / "model.c"
    path.write_bytes(target.write(prepared, path.name, Measured()))
    fixed, rng = fixed_point(prepared, dtype), np.random.default_rng(1)
    cells, worst = corners(prepared, 2000, rng), 0.0
    for _ in range(4):
        found = apart(target, prepared, cells, path)[:, 0]
        best = int(found.argmax())
        assert found[best] <= fixed.bound[0]
        assert found[best] >= worst  # the row is among those of the next step
        worst = found[best]
        fresh, kept = corners(prepared, 2000, rng), rng.random((len(cells), 2000)) < 0.8
        kept[:, 0] = True
        cells = [
            [old[best] if keep else new for new, keep in zip(values, keeps, strict=True)]
            if isinstance(values, list)
            else np.where(keeps, old[best], values)
            for old, values, keeps in zip(cells, fresh, kept, strict=True)
        ]
    assert worst > fixed.bound[0] / 20


@pytest.mark.parametrize("activation", sorted(TABLES))
def test_tables_are_as_exact_as_the_proof_says(activation: str) -> None:
    """|g″| is below the constant on either side of 0, and interpolation within its bound."""
    table, g = TABLES[activation], ACTIVATIONS[activation].g
    z = np.linspace(-30, 30, 600_001)
    z = z[np.abs(z) > 1e-9]
    remainder = g(z) - table.hinge * np.maximum(z, 0)
    second = np.abs(np.diff(remainder, 2)) / (z[1] - z[0]) ** 2
    smooth = np.abs(z[1:-1]) > 1e-3
    assert second[smooth].max() <= table.curvature + 1e-4
    fixed = fixed_point(Prepared(make_model("regression", activation, PLAIN)), "int16")
    inside = np.interp(z, _points(table), fixed.table * 2.0**-14)
    assert np.abs(inside - remainder).max() <= fixed._table_error(table)


def test_classes_are_the_models_where_the_scores_are_further_apart_than_the_bound(
    tmp_path: Path,
) -> None:
    """Comparing integers chooses the same class wherever twice the bound cannot turn it."""
    prepared = Prepared(make_model("multiclass", "tanh"))
    target, path = Fixed("int8"), tmp_path / "model.h"
    path.write_bytes(target.write(prepared, path.name, Measured()))
    cells = target.within(prepared, corners(prepared, 2000, np.random.default_rng(2)))
    got, right = target.run(path, prepared, cells), prepared.reference(cells)
    ordered = np.sort(right.scores)
    clear = ordered[:, -1] - ordered[:, -2] > 2 * fixed_point(prepared, "int8").bound.max()
    assert clear.sum() > 500
    same = np.array(got.labels) == np.array(right.labels)
    assert same[clear].all()


@pytest.mark.parametrize("dtype", BITS)
def test_only_integers(dtype: str, tmp_path: Path) -> None:
    """Outside the macros for constants and the test there is no floating point at all."""
    export_model(make_model("multiclass", "silu"), tmp_path / "model.c", dtype=dtype)
    text = (tmp_path / "model.c").read_text(encoding="utf-8")
    code = re.sub(r"/\*.*?\*/", "", text.split("#ifdef SHOAL_TEST")[0], flags=re.DOTALL)
    code = re.sub(r"#define (?:[^\n]*\\\n)*[^\n]*", "", code)
    assert not re.search(r"double|float|math\.h|\d\.\d|\de[-+]?\d", code)
    assert "int8_t weight" in code if dtype == "int8" else "int16_t weight" in code


def test_its_own_test_under_sanitizers(tmp_path: Path) -> None:
    """With SHOAL_TEST it counts what is beyond the bound: nothing, clean in ASan and UBSan."""
    for dtype, activation in (("int8", "relu"), ("int16", "gelu")):
        done = export_model(
            make_model("multi-output", activation), tmp_path / f"{dtype}.c", dtype=dtype
        )
        printed = compiled(tmp_path / f"{dtype}.c", "-DSHOAL_TEST", *SANITIZERS)
        largest = f"{done.measured.deviation:.3g}"
        assert printed == f"24 rows, largest deviation {largest}, 0 beyond the bound\n"


def test_called_as_its_header_says(tmp_path: Path) -> None:
    """The macros make integers of numbers, far ones too; a score times the scale is the score."""
    model = make_model("regression", "tanh", PLAIN)
    export_model(model, tmp_path / "model.h", dtype="int16")
    (tmp_path / "main.c").write_text(
        """
#define MODEL_IMPLEMENTATION
#include "model.h"
#include <stdio.h>
int main(void) {
    const double values[] = {52.5, -1e30, 1e30};
    for (int i = 0; i < 3; ++i) {
        model_row row = {0};
        int32_t score[MODEL_SCORES];
        row.x0_x1 = model_x0_x1(values[i]);
        row.x1_x2 = MODEL_MISSING;
        model_predict(&row, score);
        printf("%.9g\\n", score[0] * MODEL_SCALE);
    }
    return 0;
}
"""
    )
    got = np.array(compiled(tmp_path / "main.c", "-fsanitize=undefined").split(), float)
    right = model.predict(np.array([[52.5, np.nan], [50 - 64, np.nan], [50 + 64, np.nan]]))
    np.testing.assert_allclose(got, right, atol=fixed_point(Prepared(model), "int16").bound[0])


def test_more_bits_and_wider_integers() -> None:
    """16 bits are far more exact than 8, and sums have 64 bits where 32 do not hold them."""
    prepared = Prepared(make_model("binary", "relu"))
    wide, narrow = (fixed_point(prepared, dtype) for dtype in BITS)
    assert wide.bound[0] < narrow.bound[0] / 50
    assert narrow.hidden.fits_32_bits
    assert not wide.hidden.fits_32_bits


def refused(model: Model, match: str) -> None:
    """Assert that a model is refused with a reason."""
    with pytest.raises(DataError, match=match):
        fixed_point(Prepared(model), "int16")


def test_what_integers_cannot_express_is_refused() -> None:
    """A range that 32 bits do not resolve, and hidden units beyond them."""
    far = Columns((number("far", center=1e12),))
    refused(make_model("regression", "relu", far), "column 'far' reaches .* do not tell apart")
    beyond = Column("x", "number", edges=(0.0, 1e9), shares=(0.5,))
    refused(make_model("regression", "relu", Columns((beyond,))), "bins beyond its bounds")
    model = make_model("regression", "tanh", PLAIN, dtype="float64")
    model.parameters.W1[:] *= 1e9
    refused(model, "hidden units reach .* choose dtype float")


def test_a_row_beyond_the_bounds_counts_as_the_bound(tmp_path: Path) -> None:
    """Values without bounds are clipped at eight standard deviations, as the struct says."""
    prepared = Prepared(make_model("regression", "tanh", PLAIN))
    target, path = Fixed("int16"), tmp_path / "model.c"
    path.write_bytes(target.write(prepared, path.name, Measured()))
    at, beyond = (
        target.run(path, prepared, [np.array([value]), np.array([50.0])]).scores
        for value in (50.0 + 8 * 8, 9e5)
    )
    assert at == beyond
    assert "x1, -14 to 114" in path.read_text(encoding="utf-8")


@settings(max_examples=8, deadline=None)
@given(models(), st.sampled_from(BITS))
def test_any_model(tmp_path_factory: pytest.TempPathFactory, model: Model, dtype: str) -> None:
    """Whatever the columns, the task and the network: within the bound, or refused."""
    path = tmp_path_factory.mktemp("any") / "model.c"
    try:
        done = export_model(model, path, check=True, dtype=dtype)
    except DataError as error:
        assert "do not tell apart" in str(error)  # noqa: PT017 - both ends are right
        return
    assert done.measured.deviation <= done.tolerance
