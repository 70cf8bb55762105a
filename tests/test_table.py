"""Columns as plain data: what a table is to the network, and what is said of a wrong one."""

import datetime as dt
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from shoal.cells import AT_ONCE, are_finite
from shoal.errors import DataError
from shoal.table import (
    LARGEST,
    Column,
    Columns,
    as_days,
    as_frame,
    as_numbers,
    as_text,
    check_finite,
    listed,
    match_columns,
)

AGE = Column("age", "number", center=40.0, scale=10.0)
PAY = Column("pay", "number", center=2.0, scale=0.5, missing=0.25)
WET = Column("wet", "boolean", center=0.75, scale=0.4)
DAY = Column("day", "date", center=18_000.0, scale=100.0)
CITY = Column("city", "category", levels=("Rome", "Oslo"), shares=(0.5, 0.25), missing=0.25)
ROW = Column("id", "unused", note="it numbers the rows")
ALL = Columns((AGE, PAY, WET, DAY, CITY, ROW))


def series(values: Any, **how: Any) -> nw.Series[Any]:
    """A column as the functions get it."""
    return nw.from_native(pl.Series("x", values, **how), series_only=True)


# ---- what a column is --------------------------------------------------------------------------


def test_slots_of_every_kind() -> None:
    """Each kind has its inputs, their centres and scales; missing values have one of their own."""
    assert [column.slots for column in ALL.columns] == [
        ("age",),
        ("pay", "pay is missing"),
        ("wet",),
        ("day",),
        ("city=Rome", "city=Oslo", "city is missing"),
        (),
    ]
    assert ALL.slots == tuple(slot for column in ALL.columns for slot in column.slots)
    assert ALL.centers().tolist() == [40, 2, 0.25, 0.75, 18_000, 0.5, 0.25, 0.25]
    assert ALL.scales().tolist() == [10, 0.5, 1, 0.4, 100, 1, 1, 1]


@pytest.mark.parametrize("column", ALL.columns, ids=lambda column: column.kind)
def test_slots_centres_scales_and_width_agree(column: Column) -> None:
    """There are as many names of inputs as centres, as scales, and as the width says."""
    assert len(column.slots) == len(column.slot_centers) == len(column.slot_scales) == column.width


def test_encode_every_kind() -> None:
    """Raw values as they are, 0 or 1 for levels, what is missing or unseen at its centre."""
    table = pl.DataFrame(
        {
            "age": [30, 50, None],
            "pay": [1.5, None, 3.0],
            "wet": [True, False, None],
            "day": [dt.date(1970, 1, 2), dt.date(2020, 1, 1), None],
            "city": ["Oslo", "Paris", None],
            "id": [1, 2, 3],
        }
    )
    assert ALL.encode(table).tolist() == [
        [30, 1.5, 0, 1, 1, 0, 1, 0],
        [50, 2.0, 1, 0, 18_262, 0.5, 0.25, 0.25],
        [40, 3.0, 0, 0.75, 18_000, 0, 0, 1],
    ]


def test_what_the_fit_has_not_seen_is_the_average_row() -> None:
    """A row of unseen levels, and missing values where there were none, encodes to the centres."""
    columns = Columns((AGE, WET, DAY, CITY))
    table = pd.DataFrame({"age": [np.nan], "wet": [None], "day": [pd.NaT], "city": ["Paris"]})
    np.testing.assert_array_equal(columns.encode(table)[0], columns.centers())


def test_order_of_columns_and_columns_beyond_the_fit_do_not_matter() -> None:
    """Columns are found by their names, wherever they stand."""
    table = pl.DataFrame({"pay": [1.0, None], "age": [1, 2]})
    columns = Columns((AGE, PAY))
    turned = table.select("age", pl.lit("?").alias("other"), "pay")
    np.testing.assert_array_equal(columns.encode(table), columns.encode(turned))


def test_arrays_encode_as_frames_do() -> None:
    """By position, with missing values, indicators and columns left out, as by name."""
    table = pd.DataFrame({"age": [1.0, np.nan], "id": [1.0, 2.0], "pay": [np.nan, 5.0]})
    columns = (AGE, ROW, PAY)
    by_name = Columns(columns).encode(table)
    np.testing.assert_array_equal(Columns(columns).encode(table.to_numpy()), by_name)
    np.testing.assert_array_equal(Columns(columns, named=False).encode(table), by_name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", [np.array, scipy.sparse.csr_array, scipy.sparse.coo_matrix])
def test_encode_gives_the_dtype_asked_for(form: Any, dtype: Any) -> None:
    """float32 and float64, dense and sparse; unused columns of sparse tables are left out too."""
    X = form(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]))
    encoded = Columns((AGE, ROW, AGE), named=False).encode(X, dtype=dtype)
    assert encoded.dtype == dtype
    dense = encoded.toarray() if scipy.sparse.issparse(encoded) else encoded
    np.testing.assert_array_equal(dense, [[1, 2], [0, 0]])


# ---- values: numbers, dates, text --------------------------------------------------------------


@given(st.lists(st.one_of(st.none(), st.floats(width=64, allow_nan=False)), min_size=1))
def test_numbers_survive_being_text(values: list[float | None]) -> None:
    """A column of numbers and the same column written as text are read alike, bit for bit."""
    texts = [None if value is None else repr(value) for value in values]
    as_they_are = as_numbers("x", series(values, dtype=pl.Float64))
    np.testing.assert_array_equal(as_they_are, as_numbers("x", series(texts, dtype=pl.String)))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1, None, 0], dtype=pl.UInt8),
        pl.Series([True, None, False]),
        pl.Series(["1", None, "0"]),
        pl.Series(["True", None, "false"]),
        pl.Series([Decimal("1.0"), None, Decimal("0.0")]),
        pl.Series([dt.timedelta(days=1), None, dt.timedelta(0)]),
        pl.Series(["1", None, "0"], dtype=pl.Categorical),
        pd.Series([1, pd.NA, 0], dtype="Int64"),
        pd.Series([True, None, False], dtype=object),
        pd.Series([Decimal(1), None, 0.0], dtype=object),
        pd.Series([1, None, 0], dtype="int16[pyarrow]"),
        pd.Series(["1", pd.NA, "0"], dtype="string"),
        pa.chunked_array([[1.0, None], [0.0]]),
    ],
    ids=lambda values: f"{type(values).__module__.split('.')[0]} {getattr(values, 'dtype', '')}",
)
def test_all_that_can_be_a_number_is_read(values: Any) -> None:
    """Numbers, booleans, decimals, durations (in days) and text, in whatever clothes."""
    read = as_numbers("x", nw.from_native(values, series_only=True))
    np.testing.assert_array_equal(read, [1, np.nan, 0])


@pytest.mark.parametrize(
    "moment",
    [
        dt.date(2020, 1, 1),
        dt.datetime(2020, 1, 1),
        dt.datetime(2020, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "2020-01-01",
        "2020-01-01 00:00:00",
        "2020-01-01T02:00:00+02:00",
    ],
    ids=str,
)
def test_dates_are_days_since_1970(moment: Any) -> None:
    """Dates, moments with and without a zone, and all of them as text: the same number of days."""
    days = as_days("day", series([moment, None]))
    np.testing.assert_array_equal(days, [18_262, np.nan])


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_half_a_day_is_half_in_any_unit_of_time(unit: Any) -> None:
    """The unit in which a library counts time makes no difference."""
    noon = series([dt.datetime(1969, 12, 31, 12)], dtype=pl.Datetime(unit))
    assert as_days("day", noon).tolist() == [-0.5]


def test_whole_numbers_are_text_without_a_point() -> None:
    """1, 1.0, Decimal-free: the level of a category does not depend on the type of its column."""
    assert as_text("x", series([1, None])) == ["1", None]
    assert as_text("x", series([1.0, None, float("nan")])) == ["1", None, None]
    assert as_text("x", series([True, None])) == ["True", None]
    assert as_text("x", series([1.5])) == ["1.5"]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ([1], "list"),
        ((1,), "tuple"),
        ({"a": 1}, "dict"),
        ({1}, "set"),
        (b"a", "bytes"),
        (1j, "complex"),
        (np.arange(2), "ndarray"),
    ],
)
def test_nested_cells_are_refused_by_name(cell: Any, name: str) -> None:
    """The error names the column, the row and what was found there."""
    column = nw.from_native(pd.Series(["a", None, cell], dtype=object), series_only=True)
    with pytest.raises(DataError, match=f"column 'tags' holds a {name} in row 3; a cell must be"):
        as_text("tags", column)


# ---- what is wrong with a table ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"age": [1, "old"]}, "column 'age' held numbers .* row 2 has 'old'"),
        ({"age": [1.0, np.inf]}, "column 'age' has inf in row 2: X contains infinity"),
        ({"age": [1e308, 1.0]}, r"column 'age' has 1e\+308 in row 1"),
        ({"age": ["1e999"]}, "column 'age' has inf in row 1"),
        ({"years": [1]}, "the table lacks column 'age'; it has column 'years'"),
    ],
)
def test_a_wrong_number_is_named_by_column_and_row(table: dict[str, Any], message: str) -> None:
    """Text, infinity, absurd size and absence each say where and what."""
    with pytest.raises(DataError, match=message):
        Columns((AGE,)).encode(pd.DataFrame(table))


def test_a_wrong_date_is_named_and_shows_how_to_write_one() -> None:
    """The error has column, row, value and an example."""
    table = pl.DataFrame({"day": ["2020-01-01", "1/2/20"]})
    with pytest.raises(DataError, match=r"'day' held dates .* row 2 has '1/2/20'; .* like 2026-"):
        Columns((DAY,)).encode(table)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 2)), "must have 1 columns, as at fit, but its shape is"),
        (np.ones(2), "must have 1 columns, as at fit, but its shape is"),
        (np.array([["a"]]), "what is not a number"),
        (pl.DataFrame({"none": [None], "at": [dt.datetime(2020, 1, 1)]}), "what is not a number"),
    ],
)
def test_a_wrong_array_is_a_typed_error(X: Any, message: str) -> None:
    """Wrong shapes and text in an array say so."""
    with pytest.raises(DataError, match=message):
        Columns((AGE,), named=False).encode(X)


def test_no_value_is_too_far_from_bins_however_narrow() -> None:
    """What is divided is within the edges, so that nothing overflows."""
    column = Column("x", "number", edges=(0.0, 5e-324, 1.0), shares=(0.5, 0.5))
    X = np.array([[-1e150], [5e-324], [0.25], [1e150]])
    bins = Columns((column,), named=False).encode(X)[:, 1:]
    assert bins.tolist() == [[0, 0], [1, 0], [1, 0.25], [1, 1]]


@pytest.mark.parametrize("column", [CITY, DAY], ids=lambda column: column.kind)
def test_an_array_cannot_stand_for_a_table_of_text(column: Column) -> None:
    """Categories and dates have to come with their names, and the error names them."""
    with pytest.raises(DataError, match=f"read column '{column.name}' from a data frame"):
        Columns((column,)).encode(np.ones((1, 1)))


def test_match_columns_names_what_is_missing_and_what_is_too_much() -> None:
    """Both are in one message; any order is fine, and unused columns count."""
    match_columns(ALL, pl.DataFrame({c.name: [] for c in reversed(ALL.columns)}))
    with pytest.raises(DataError) as caught:
        match_columns(Columns((AGE, PAY, ROW)), pl.DataFrame({"age": [1], "Pay": [2]}))
    message = "the table lacks columns 'pay', 'id' and has column 'Pay' which the fit did not"
    assert str(caught.value) == message


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_check_finite_lets_everything_else_pass(dtype: Any) -> None:
    """The largest number allowed and missing values pass; the next larger does not, in float32
    only infinity is larger; no warning either way.
    """
    largest = min(LARGEST, float(np.finfo(dtype).max))
    check_finite(np.array([[largest, -largest, np.nan]], dtype), ["a", "b", "c"])
    with np.errstate(over="ignore"):
        larger = np.nextafter(np.array([[0, -largest]], dtype), -np.inf, dtype=dtype)
    with pytest.raises(DataError, match=r"column 'b' has .* in row 1: y contains infinity"):
        check_finite(larger, ["a", "b"], "y")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("m", [1, 3, 2 * AT_ONCE])
def test_are_finite_sees_every_number(dtype: Any, m: int) -> None:
    """One that is missing, infinite or very large is seen wherever it is, without a warning.

    How X is laid out does not matter.
    """
    X = np.random.default_rng(0).standard_normal((m, 3)).astype(dtype)
    wide = np.zeros((m, 6), dtype)
    wide[:, ::2] = X
    for same in (X, np.asfortranarray(X), wide[:, ::2], X[::-1]):
        assert are_finite(same)
    for wrong in (np.nan, np.inf, -np.inf, np.finfo(dtype).max):
        for place in {(0, 0), (m // 2, 1), (m - 1, 2)}:
            bad = X.copy()
            bad[place] = wrong
            for same in (bad, np.asfortranarray(bad)):
                assert not are_finite(same)


def test_as_frame_knows_frames_from_arrays() -> None:
    """Arrays, lists, sparse matrices, series and frames with numbered columns are no frames."""
    for table in (pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), pa.table({"a": [1]})):
        assert as_frame(table).columns == ["a"]
    assert as_frame(pl.LazyFrame({"a": [1]})).shape == (1, 1)
    others = [
        np.ones((1, 1)),
        [[1]],
        scipy.sparse.eye(2),
        pd.DataFrame([[1]]),
        pd.Series([1]),
        None,
    ]
    assert [as_frame(other) for other in others] == [None] * len(others)


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame([[1, 2]], columns=["a", "a"]), pa.table([[1], [2]], names=["a", "a"])],
    ids=["pandas", "pyarrow"],
)
def test_equal_names_are_refused(table: Any) -> None:
    """Two columns of one name cannot be told apart; the error says which."""
    with pytest.raises(DataError, match=r"rename columns of the table: .*'a' 2 times"):
        as_frame(table)


def test_listed() -> None:
    """One name, several, and more than can be read."""
    assert listed("column", ["a"]) == "column 'a'"
    assert listed("column", ["a", "b"]) == "columns 'a', 'b'"
    assert listed("row", list("abcdefghij")).endswith("'h' and 2 more")
