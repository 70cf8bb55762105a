"""What is learnt from a table before training: `Columns`, as plain data."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST, as_days, as_frame, as_numbers, as_text, check_finite, listed
from shoal.errors import DataError, ParameterError
from shoal.table import Column, Columns

MOST_LEVELS, FEWEST_ROWS = 5_000, 5  # of a category, and in how many rows each must be
MOST_LEVELS_PLAIN = 100  # without bins; then one row is enough
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
    n_bins: int = 0,
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
    n_bins : int
        Bins of a column of numbers, so that each has about as many rows. Above 0, numbers far out
        are bounded too, and levels in fewer than `FEWEST_ROWS` rows share a slot.
    """
    frame = as_frame(X)
    if isinstance(categorical, str) or (frame is None and len(categorical)):
        raise ParameterError(
            f"categorical_features must name columns of a data frame, not {categorical!r}"
        )
    named = names is not None
    if names is None:  # a frame has its own
        names = [f"x{k + 1}" for k in range(X.shape[1])] if bare or frame is None else []
    if bare:
        return Columns(tuple(Column(name, "number") for name in names), named=named)
    m = X.shape[0] if frame is None else len(frame)
    weight = np.full(m, 1 / m) if sample_weight is None else sample_weight / sample_weight.sum()
    if frame is not None:
        unknown = [str(name) for name in categorical if name not in frame.columns]
        if unknown:
            raise DataError(f"the table lacks {listed('column', unknown)} named as categorical")
        return Columns(
            tuple(
                _learn_column(name, frame[name], weight, name in categorical, n_bins)
                for name in frame.columns
            )
        )
    if hasattr(X, "tocsr"):
        # A sparse table is not centred, which would fill it; its scale is the root mean square.
        scales = np.sqrt(np.asarray(X.multiply(X).T @ weight, dtype=float)).ravel()
        columns = [
            _scaled(Column(name, "number"), 0.0, float(scale))
            for name, scale in zip(names, scales, strict=True)
        ]
    else:
        columns = []
        for start in range(0, X.shape[1], SIDE_BY_SIDE):
            # A few columns at a time are turned into rows, which lie together in memory.
            some = np.ascontiguousarray(X[:, start : start + SIDE_BY_SIDE].T)
            for name, values in zip(names[start:], some, strict=False):
                columns.append(_learn_number(name, values, weight, "number", n_bins))
    return Columns(tuple(columns), named=named)


def _learn_column(name: str, series: Any, weight: Array, categorical: bool, n_bins: int) -> Column:
    """What one column of a data frame is, from its type and its values."""
    kind = "category" if categorical else _kind(series)
    if kind == "category":
        most, fewest = (MOST_LEVELS, FEWEST_ROWS) if n_bins else (MOST_LEVELS_PLAIN, 1)
        return _learn_category(name, as_text(name, series), weight, most, fewest)
    if kind == "date":
        return _learn_number(name, as_days(name, series), weight, kind, n_bins)
    values = as_numbers(name, series)
    numbers = name.lower() in ROW_NUMBER_NAMES and len(values) > 2 and (np.diff(values) == 1).all()
    if numbers and kind == "number":
        return Column(name, "unused", note="it numbers the rows")
    return _learn_number(name, values, weight, kind, n_bins if kind == "number" else 0)


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


def _learn_number(name: str, values: Array, weight: Array, kind: str, n_bins: int) -> Column:
    """Weighted mean and standard deviation of the values present, their bounds and bins."""
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
    column = Column(name, kind, missing=missing)
    if n_bins:
        column = _learn_bins(column, present, weight, n_bins)
        present = np.clip(present, column.low, column.high)
    center = float(weight @ present)
    scale = float(np.sqrt(weight @ (present - center) ** 2))
    return _scaled(column, center, scale)


def _learn_bins(column: Column, values: Array, weight: Array, n_bins: int) -> Column:
    """Bounds twice as far from the median as the outer hundredths, and bins within them."""
    distinct, place = np.unique(values, return_inverse=True)
    share = np.bincount(place, weight)
    if len(distinct) == 2:  # as good as a boolean
        return column
    below, middle, above = distinct[_quantile(share, [0.01, 0.5, 0.99])]
    low, high = max(distinct[0], 2 * below - middle), min(distinct[-1], 2 * above - middle)
    if low == middle:  # where nearly all are equal, the others say all there is to say
        low = distinct[0]
    if high == middle:
        high = distinct[-1]
    # A value that is frequent takes no more than one bin's share, so that the others get theirs.
    cuts = distinct[_quantile(np.minimum(share, 1 / n_bins), np.linspace(0, 1, n_bins + 1))]
    inside = np.unique(np.clip(cuts, low, high))
    edges = inside[np.diff(inside, prepend=-np.inf) > (high - low) * 1e-9]
    if len(edges) < 3:  # one bin says what the value says
        return replace(column, low=float(low), high=float(high))
    at, fraction = replace(column, edges=tuple(edges.tolist())).place(values)
    # A row's slots are 1 up to its bin, so their averages are sums from the other end.
    full = np.bincount(at, weight, len(edges) - 1)
    part = np.bincount(at, weight * fraction, len(edges) - 1)
    shares = np.append(np.cumsum(full[::-1])[::-1][1:], 0) + part
    return replace(
        column,
        low=float(low),
        high=float(high),
        edges=tuple(edges.tolist()),
        shares=tuple(np.minimum(shares, 1).tolist()),
    )


def _quantile(share: Array, levels: Any) -> Array:
    """Places of the quantiles among values in their order, of which each has a share."""
    total = np.cumsum(share)
    return np.minimum(np.searchsorted(total, np.multiply(levels, total[-1])), len(share) - 1)


def _scaled(column: Column, center: float, scale: float) -> Column:
    if not scale > 0:
        return Column(column.name, "unused", note=f"every value is {center:g}")
    return replace(column, center=center, scale=scale)


def _learn_category(
    name: str, values: list[str | None], weight: Array, most: int, fewest: int
) -> Column:
    """The levels in at least `fewest` rows, most frequent first, and the share of rows of each."""
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
    ordered = sorted(shares, key=lambda level: (-shares[level], level))
    levels = [level for level in ordered if counts[level] >= fewest][:most]
    if not levels and missing == 0:
        note = f"{len(ordered)} different values, none in {fewest} rows"
        return Column(name, "unused", note=note)
    note = "" if len(levels) == len(ordered) else f"the most frequent of {len(ordered)} levels"
    kept = [shares[level] for level in levels]
    others = fewest > 1 and len(levels) < len(ordered)
    if others:
        kept.append(sum(shares[level] for level in ordered[len(levels) :]))
    return Column(
        name,
        "category",
        levels=tuple(levels),
        shares=tuple(kept),
        missing=missing,
        note=note,
        others=others,
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
