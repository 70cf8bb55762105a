"""What is learnt from a table before training: `Columns`, as plain data."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError, ParameterError
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
)

MOST_LEVELS = 100
SIDE_BY_SIDE = 16  # columns of an array that are looked at together
CELLS: dict[str, tuple[type, ...]] = {  # a bool is an int too, so it comes first
    "boolean": (bool, np.bool_),
    "number": (int, float, np.integer, np.floating, Decimal),
    "date": (date,),
}
ROW_NUMBER_NAMES = ("", "id", "index", "row", "rowid", "row_id", "rownames", "unnamed: 0")


def learn_columns(
    X: Any,
    *,
    names: Sequence[str] | None = None,
    sample_weight: Array | None = None,
    categorical: Sequence[str] = (),
    bare: bool = False,
) -> Columns:
    """Learn from a table how its columns become inputs.

    Parameters
    ----------
    X : data frame, array (m, n_columns) or SciPy sparse matrix
    names : sequence of str, optional
        Names of the columns of an array; x1, x2, ... if not given.
    sample_weight : array (m,), optional
        Weights of the rows in every mean, standard deviation and share.
    categorical : sequence of str
        Names of columns whose numbers are names of categories.
    bare : bool
        Learn names only: every column a number, nothing centred or scaled, nothing missing.
    """
    frame = as_frame(X)
    m = X.shape[0] if frame is None else len(frame)
    weight = np.full(m, 1 / m) if sample_weight is None else sample_weight / sample_weight.sum()
    if isinstance(categorical, str) or (frame is None and len(categorical)):
        raise ParameterError(
            f"categorical_features must name columns of a data frame, not {categorical!r}"
        )
    if frame is not None and not bare:
        unknown = [str(name) for name in categorical if name not in frame.columns]
        if unknown:
            raise DataError(f"the table lacks {listed('column', unknown)} named as categorical")
        return Columns(
            tuple(
                _learn_column(name, frame[name], weight, name in categorical)
                for name in frame.columns
            )
        )
    named = names is not None
    if names is None:
        names = [f"x{k + 1}" for k in range(X.shape[1])]
    if bare:
        columns = [Column(name, "number") for name in names]
    elif hasattr(X, "tocsr"):
        # A sparse table is not centred, which would fill it; its scale is the root mean square.
        scales = np.sqrt(np.asarray(X.multiply(X).T @ weight, dtype=float)).ravel()
        columns = [
            _number(name, 0.0, scale, 0.0) for name, scale in zip(names, scales, strict=True)
        ]
    else:
        columns = []
        for start in range(0, X.shape[1], SIDE_BY_SIDE):
            # A few columns at a time are turned into rows, which lie together in memory.
            some = np.ascontiguousarray(X[:, start : start + SIDE_BY_SIDE].T)
            for name, values in zip(names[start:], some, strict=False):
                columns.append(_learn_number(name, values, weight))
    return Columns(tuple(columns), named=named)


def _learn_column(name: str, series: Any, weight: Array, categorical: bool) -> Column:
    """What one column of a data frame is, from its type and its values."""
    kind = "category" if categorical else _kind(series)
    if kind == "category":
        return _learn_category(name, as_text(name, series), weight)
    if kind == "date":
        return _learn_number(name, as_days(name, series), weight, kind)
    values = as_numbers(name, series)
    numbers = name.lower() in ROW_NUMBER_NAMES and len(values) > 2 and (np.diff(values) == 1).all()
    if numbers and kind == "number":
        return Column(name, "unused", note="it numbers the rows")
    return _learn_number(name, values, weight, kind)


def _kind(series: Any) -> str:
    """Kind of a column by its type; where that says nothing, by what its cells are."""
    import narwhals as nw

    dtype = series.dtype
    if dtype in (nw.Object, nw.Unknown):
        cells = {type(cell) for cell in series.drop_nulls().to_list()}
        for kind, types in CELLS.items():
            if cells and all(issubclass(cell, types) for cell in cells):
                return kind
    if dtype.is_numeric() or dtype == nw.Duration:
        return "number"
    if dtype == nw.Boolean:
        return "boolean"
    return "date" if dtype in (nw.Date, nw.Datetime) else "category"


def _learn_number(name: str, values: Array, weight: Array, kind: str = "number") -> Column:
    """Weighted mean and standard deviation of the values present."""
    check_finite(values[:, None], [name])
    absent = np.isnan(values)
    missing, present = 0.0, values.astype(np.float64, copy=False)
    if absent.any():
        missing = float(weight[absent].sum())
        present, weight = present[~absent], weight[~absent]
    if not len(present) or not weight.sum() > 0:
        return Column(name, "unused", note="every value is missing")
    if present.max() - present.min() < 1 / LARGEST:  # its inverse would be too large
        if missing > 0:
            # Nothing is learnt of other values, so the scale makes them count for nothing.
            center, note = float(present[0]), "constant where it is present"
            return Column(name, kind, center, LARGEST, missing=missing, note=note)
        return Column(name, "unused", note=f"every value is {present[0]:g}")
    weight = weight / weight.sum()
    center = float(weight @ present)
    scale = float(np.sqrt(weight @ (present - center) ** 2))
    return _number(name, center, scale, missing, kind)


def _number(name: str, center: float, scale: float, missing: float, kind: str = "number") -> Column:
    if not scale > 0:
        return Column(name, "unused", note=f"every value is {center:g}")
    return Column(name, kind, center=center, scale=float(scale), missing=missing)


def _learn_category(name: str, values: list[str | None], weight: Array) -> Column:
    """The levels, most frequent first, and the share of rows of each."""
    shares: dict[str, float] = {}
    counts: dict[str, int] = {}
    missing = 0.0
    for value, share in zip(values, weight.tolist(), strict=True):
        if value is None:
            missing += share
        else:
            shares[value] = shares.get(value, 0.0) + share
            counts[value] = counts.get(value, 0) + 1
    if not shares:
        return Column(name, "unused", note="every value is missing")
    if len(shares) == 1 and missing == 0:
        return Column(name, "unused", note=f"every value is '{next(iter(shares))}'")
    if len(shares) > 10 and max(counts.values()) == 1:
        return Column(name, "unused", note=f"{len(shares)} different values: an identifier")
    levels = sorted(shares, key=lambda level: (-shares[level], level))
    note = ""
    if len(levels) > MOST_LEVELS:
        note = f"the {MOST_LEVELS} most frequent of {len(levels)} levels"
        levels = levels[:MOST_LEVELS]
    return Column(
        name,
        "category",
        levels=tuple(levels),
        shares=tuple(shares[level] for level in levels),
        missing=missing,
        note=note,
    )


def merge_rows(X: Any, y: Array, weight: Array | None) -> tuple[Any, Array, Array]:
    """Identical rows become one with their weights summed, in an order that is theirs alone.

    A row twice is then the same problem as the row with weight 2, and permuted rows are the same
    problem, bit for bit. A second-order solver would amplify any difference in rounding.

    Parameters
    ----------
    X : array (m, n_columns) or SciPy sparse matrix
    y : array (m,) or (m, n_y)
    weight : array (m,) or None
    """
    codes = np.unique(y, return_inverse=True)[1].reshape(len(y), -1)
    if hasattr(X, "tocsr"):
        X = X.sorted_indices()
        spans = [slice(*ends) for ends in zip(X.indptr, X.indptr[1:], strict=False)]
        texts = [X.indices[span].tobytes() + X.data[span].tobytes() for span in spans]
        order = {text: k for k, text in enumerate(sorted(set(texts)))}
        codes = np.column_stack([codes, [order[text] for text in texts]])
    else:
        codes = np.column_stack([X + 0.0, codes])  # -0.0 is 0.0
    keys = np.ascontiguousarray(codes).view(f"V{codes.shape[1] * codes.itemsize}").ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return X[first], y[first], np.bincount(group, weights=weight).astype(float)
