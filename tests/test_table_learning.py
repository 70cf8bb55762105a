"""What is decided about each column of a table, and the same in every library of tables."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shoal.errors import DataError, ParameterError
from shoal.table import LARGEST, Column
from shoal.table_learning import MOST_LEVELS, MOST_LEVELS_PLAIN, learn_columns, merge_rows


def learn(values: Any, name: str = "x", **how: Any) -> Column:
    """What is learnt of one column."""
    return learn_columns(pl.DataFrame({name: values}), **how).columns[0]


# ---- one column --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "note"),
    [
        ([1, 2, 2], "number", ""),
        ([1.5, None, 2.5], "number", ""),
        ([True, False, None], "boolean", ""),
        ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], "date", ""),
        ([dt.datetime(2020, 1, 1), None, dt.datetime(2021, 1, 1)], "date", ""),
        ([dt.timedelta(1), dt.timedelta(2)], "number", ""),
        (["a", "b", "a"], "category", ""),
        ([None, None], "unused", "every value is missing"),
        ([7, 7, 7], "unused", "every value is 7"),
        ([True, True], "unused", "every value is 1"),
        (["a", "a"], "unused", "every value is 'a'"),
        ([5e-324, 0.0], "unused", "every value is"),
        ([7, None, 7], "number", "constant where it is present"),
        (["a", None, "a"], "category", ""),
        ([f"name {k}" for k in range(11)], "unused", "11 different values: an identifier"),
        ([f"name {k}" for k in range(10)], "category", ""),
        ([f"name {k % 11}" for k in range(12)], "category", ""),
    ],
    ids=str,
)
def test_kind_and_note(values: list[Any], kind: str, note: str) -> None:
    """Type and values decide what a column is; what is left out says why."""
    column = learn(pl.Series(values))
    assert column.kind == kind
    assert column.note.startswith(note)
    assert bool(column.note) == bool(note)


@pytest.mark.parametrize("name", ["id", "ID", "", "index", "Unnamed: 0", "rownames"])
def test_row_numbers_are_left_out(name: str) -> None:
    """A column that counts the rows, by its values and its name, is no input."""
    assert learn(list(range(5, 25)), name) == Column(name, "unused", note="it numbers the rows")
    assert learn([1, 2, 4, 5, 6], name).kind == "number"
    assert learn(list(range(20)), "year").kind == "number"


def test_numbers_that_are_names() -> None:
    """categorical makes levels of numbers, booleans and dates; 1 and 1.0 are one level."""
    column = learn([10, 20, 10, None], categorical=["x"])
    assert column.levels == ("10", "20")
    assert column.shares == (0.5, 0.25)
    assert column.missing == 0.25
    assert learn([10.0, 20.0, 10.0, None], categorical=["x"]) == column
    assert learn([True, False], categorical=["x"]).levels == ("False", "True")


def test_levels_come_by_share_and_then_by_name() -> None:
    """The order of the rows makes no difference to the order of the levels."""
    values = ["b", "a", "c", "c", "d"]
    levels = ("c", "a", "b", "d")
    assert learn(values).levels == learn(values[::-1]).levels == levels


def test_a_hundred_levels_at_most_without_bins() -> None:
    """The rarer ones have no slot, and the note says how many there were."""
    values = [f"{k:03}" for k in range(150) for _ in range(2)] + ["149"]
    column = learn(values)
    assert len(column.levels) == MOST_LEVELS_PLAIN == 100
    assert column.levels[:2] == ("149", "000")
    assert column.note == "the most frequent of 150 levels"
    assert sum(column.shares) == pytest.approx(201 / 301)


def test_thousands_of_levels_with_bins() -> None:
    """Each level in five rows has a slot, at most 5,000 of them, and one is for all others."""
    values = [f"{k:04}" for k in range(5_001) for _ in range(5)] + ["rare"] * 4
    table = pl.DataFrame({"x": values})
    (column,) = learn_columns(table, n_bins=8).columns
    assert len(column.levels) == MOST_LEVELS == 5_000
    assert column.others
    assert column.width == 5_001
    assert sum(column.shares) == pytest.approx(1)


def test_constant_but_for_missing_values() -> None:
    """Only whether it is missing can be learnt, so other values count for nothing."""
    column = learn([7, None, 7])
    assert (column.center, column.scale) == (7, LARGEST)
    assert column.slots == ("x", "x is missing")


@given(
    arrays(float, 12, elements=st.floats(-1e6, 1e6)),
    arrays(int, 12, elements=st.integers(0, 3)),
)
def test_weights_are_repetitions(values: Any, counts: Any) -> None:
    """A row of weight 3 counts in mean, deviation, shares and missing as three rows do."""
    counts[0] = 1
    values[1] = np.nan
    for column in (values, values.round(-5).astype(str)):
        weighted = learn(column[counts > 0], sample_weight=counts[counts > 0].astype(float))
        repeated = learn(np.repeat(column, counts))
        if "identifier" in weighted.note:  # by weights alone no one can tell
            continue
        assert weighted.kind == repeated.kind
        assert weighted.center == pytest.approx(repeated.center, rel=1e-9, abs=1e-6)
        assert weighted.scale == pytest.approx(repeated.scale, rel=1e-6, abs=1e-6)
        assert weighted.missing == pytest.approx(repeated.missing)
        assert sorted(weighted.levels) == sorted(repeated.levels)


@given(arrays(float, 9, elements=st.floats(-LARGEST, LARGEST)))
def test_numbers_are_standardised(values: Any) -> None:
    """What training sees of a column has mean 0 and deviation 1, whatever its units."""
    column = learn(values)
    if column.kind == "number":
        scaled = (values - column.center) / column.scale
        assert np.isfinite(scaled).all()
        size = np.abs(values).max() / column.scale  # rounding of the mean, in deviations
        assert scaled.mean() == pytest.approx(0, abs=1e-15 * size + 1e-12)
        assert scaled.std() == pytest.approx(1, rel=1e-15 * size + 1e-6)
    else:
        assert np.ptp(values) < 1 / LARGEST


def test_infinity_is_named() -> None:
    """The first bad value is named by column and row, also past what is missing."""
    with pytest.raises(DataError, match="column 'x' has inf in row 3"):
        learn([1.0, None, np.inf])


# ---- tables ------------------------------------------------------------------------------------

TABLE = {
    "number": [1.5, None, 3.0, 4.0] * 3,
    "whole": [1, 2, 3, 4] * 3,
    "flag": [True, False, True, None] * 3,
    "day": [dt.date(2020, 1, k % 7 + 1) for k in range(12)],
    "moment": [dt.datetime(2020, 1, 1, k, 30) for k in range(12)],
    "wait": [dt.timedelta(hours=k) for k in range(12)],
    "city": ["Rome", "Oslo", None, "Rome"] * 3,
    "empty": [None] * 12,
    "same": ["x"] * 12,
    "id": list(range(12)),
    "name": [f"name {k}" for k in range(12)],
}
POLARS = pl.DataFrame(TABLE)
LIBRARIES = {
    "polars": POLARS,
    "polars, lazy": POLARS.lazy(),
    "polars, Categorical": POLARS.cast({"city": pl.Categorical}),
    "polars, Enum": POLARS.cast({"city": pl.Enum(["Oslo", "Nice", "Rome"])}),
    "polars, Decimal": POLARS.cast({"number": pl.Decimal(10, 2)}),
    "polars, in New York": POLARS.with_columns(
        pl.col("moment").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    ),
    "pyarrow": POLARS.to_arrow(),
    "pandas, NumPy": pd.DataFrame(TABLE),
    "pandas, nullable": pd.DataFrame(TABLE).convert_dtypes(),
    "pandas, pyarrow": pd.DataFrame(TABLE).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, category": pd.DataFrame(TABLE).astype({"city": "category"}),
    "pandas, object": pd.DataFrame(TABLE).astype(dict.fromkeys(set(TABLE) - {"wait"}, object)),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_do_not_matter(library: str) -> None:
    """pandas, polars and pyarrow give the same plain data and the same inputs, bit for bit."""
    columns, expected = learn_columns(LIBRARIES[library]), learn_columns(POLARS)
    assert columns == expected
    inputs = columns.encode(LIBRARIES[library])
    assert inputs.tobytes() == expected.encode(POLARS).tobytes()
    used = {column.name: column.kind for column in columns.columns if column.kind != "unused"}
    assert used == {
        "number": "number",
        "whole": "number",
        "flag": "boolean",
        "day": "date",
        "moment": "date",
        "wait": "number",
        "city": "category",
    }


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([3, 5, None, 3], ("3", "5")),
        ([True, False, None, True], ("True", "False")),
        (["a", "b", None, "a"], ("a", "b")),
        ([1.0, 2.5, None, 1.0], ("1", "2.5")),
    ],
    ids=["int", "bool", "str", "float"],
)
def test_categories_of_pandas(values: list[Any], levels: tuple[str, ...]) -> None:
    """A categorical column is a category whatever its levels are made of."""
    table = pd.DataFrame({"x": pd.Series(values, dtype=object).astype("category")})
    column = learn_columns(table).columns[0]
    assert (column.kind, column.levels, column.missing) == ("category", levels, 0.25)
    np.testing.assert_array_equal(
        learn_columns(table).encode(table), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    )


def test_arrays_are_columns_by_position() -> None:
    """x1, x2, ... unless there are names; missing values and constants are noticed."""
    X = np.array([[1.0, np.nan, 5.0], [3.0, 2.0, 5.0], [5.0, 4.0, 5.0]])
    columns = learn_columns(X)
    assert not columns.named
    assert [column.name for column in columns.columns] == ["x1", "x2", "x3"]
    assert [column.kind for column in columns.columns] == ["number", "number", "unused"]
    assert columns.slots == ("x1", "x2", "x2 is missing")
    assert learn_columns(X, names=["a", "b", "c"]).named


def test_sparse_tables_are_scaled_but_not_centred() -> None:
    """Centring would fill them; their scale is the root mean square."""
    X = scipy.sparse.csr_array(np.array([[3.0, 0.0, 0.0], [4.0, 0.0, 1.0]]))
    columns = learn_columns(X, sample_weight=np.array([1.0, 3.0]))
    assert columns.centers().tolist() == [0, 0]
    np.testing.assert_allclose(columns.scales(), np.sqrt([(9 + 3 * 16) / 4, 3 / 4]))
    assert columns.columns[1].note == "every value is 0"


@pytest.mark.parametrize("X", [np.ones((3, 2)), pl.DataFrame({"a": [1, 1], "b": [2, 2]})], ids=str)
def test_bare_learns_names_only(X: Any) -> None:
    """preprocessing=None leaves everything as it is, constants and all."""
    columns = learn_columns(X, names=["a", "b"], bare=True)
    assert columns.columns == (Column("a", "number"), Column("b", "number"))
    assert columns.centers().tolist() == [0, 0]
    assert columns.scales().tolist() == [1, 1]


def test_categorical_names_are_checked() -> None:
    """A name that is no column, names for an array, and a bare string are errors."""
    with pytest.raises(DataError, match="the table lacks column 'y' named as categorical"):
        learn([1, 2], categorical=["y"])
    with pytest.raises(ParameterError, match="must name columns of a data frame"):
        learn_columns(np.ones((2, 2)), categorical=["x1"])
    with pytest.raises(ParameterError, match="not 'x'"):
        learn([1, 2], categorical="x")


# ---- merging rows ------------------------------------------------------------------------------

rows = arrays(float, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(-1, 1))


@given(rows, st.randoms(use_true_random=False), st.booleans(), st.booleans())
def test_merged_rows_are_the_same_problem(
    X: Any, random: Any, as_sparse: bool, several: bool
) -> None:
    """Every row is there once with the weights of all its copies; the order of the rows, and
    whether a row stands there twice or weighs double, makes no difference to a single bit.
    """
    form = scipy.sparse.csr_array if as_sparse else np.asarray
    y = X if several else X[:, 0] * 2
    order = random.choices(range(len(X)), k=3 * len(X))
    kept, counts = np.unique(order, return_counts=True)
    a = merge_rows(form(X[order]), y[order], None)
    b = merge_rows(form(X[kept]), y[kept], counts.astype(float))
    dense = [part.toarray() if as_sparse else part for part in (a[0], b[0])]
    assert dense[0].tobytes() == dense[1].tobytes()
    for mine, theirs in zip(a[1:], b[1:], strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert len(np.unique(np.column_stack([dense[0], a[1]]), axis=0)) == len(a[2])
    assert a[2].sum() == len(order)


def test_merging_knows_missing_values_and_negative_zero() -> None:
    """NaN equals NaN, and -0.0 is 0.0; text is a target too."""
    X = np.array([[np.nan, 0.0], [np.nan, -0.0], [1.0, 0.0]])
    merged, y, weight = merge_rows(X, np.array(["a", "a", "b"]), None)
    assert len(merged) == 2
    assert sorted(zip(y.tolist(), weight.tolist(), strict=True)) == [("a", 2), ("b", 1)]
