"""From the cells of a data frame to numbers, days and texts; what is missing as NaN or None."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError

LARGEST = 1e150  # squares of what is below stay finite
AT_ONCE = 10_000  # numbers whose squares are summed at once


def check_finite(X: Array, names: Sequence[str], what: str = "X") -> None:
    """Raise DataError naming the first column and row with an infinite or absurdly large value."""
    largest = min(LARGEST, float(np.finfo(X.dtype).max))
    bad = np.abs(X) > largest
    if bad.any():
        row, column = np.argwhere(bad)[0]
        value = X[row, column]
        raise DataError(
            f"column '{names[column]}' has {value:g} in row {row + 1}: {what} contains infinity or "
            f"a value too large (beyond {largest:g}); remove or correct it"
        )


def are_finite(X: Array) -> bool:
    """Whether `check_finite` would pass X, and nothing is missing: quick, and False in doubt.

    A sum of squares tells that: it is not finite if one of them is not. It is of AT_ONCE numbers at
    most: a longer one the BLAS shares out among threads of its own, and those stay awake for a
    while after it, in the way of ours.
    """
    if X.size > AT_ONCE:
        X = X.ravel("K")  # the same memory, but for part of a larger table
        parts = X[: X.size // AT_ONCE * AT_ONCE].reshape(-1, AT_ONCE)
        with np.errstate(over="ignore"):
            if not float(np.vecdot(parts, parts).max()) <= LARGEST:  # NaN is not
                return False
        X = X[parts.size :]
    return float(np.vdot(X, X)) <= LARGEST


def as_frame(X: Any) -> Any:
    """X as an eager narwhals data frame, or None if it is not a data frame at all."""
    if isinstance(X, (np.ndarray, list, tuple)) or hasattr(X, "tocsr"):
        return None
    import narwhals as nw

    try:
        frame = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(f"rename columns of the table: {' '.join(str(error).split())}") from error
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    # A frame whose columns are numbered has no names to go by: it is an array.
    named = isinstance(frame, nw.DataFrame) and all(isinstance(c, str) for c in frame.columns)
    return frame if named else None


def frame_like(X: Any, columns: dict[str, Any], rows: Array | None = None) -> Any:
    """A data frame of the kind of X (pandas, polars, pyarrow); of polars where X is an array.

    Parameters
    ----------
    X : data frame or array
    columns : dict
        Arrays of one length.
    rows : array of int, optional
        Which row of X each of the new rows is about, and so whose index it has, in pandas.
    """
    import narwhals as nw

    frame = as_frame(X)
    if frame is None and not isinstance(X, (np.ndarray, list, tuple)):
        frame = nw.from_native(X, pass_through=True, eager_only=True)
    is_frame = isinstance(frame, nw.DataFrame)
    result = nw.from_dict(columns, backend=frame.implementation if is_frame else "polars")
    index = nw.maybe_get_index(frame) if is_frame and rows is not None else None
    native = result.to_native()
    if index is not None:
        native.index = index[rows]
    return native


def as_numbers(name: str, series: Any) -> Array:
    """Values as float64, missing as NaN; durations in days; text that reads as a number is one."""
    import narwhals as nw

    if series.dtype == nw.Duration:
        microseconds = series.dt.total_microseconds().cast(nw.Float64)
        return np.asarray(microseconds.to_numpy(), dtype=np.float64) / 86_400e6
    if series.dtype.is_numeric() or series.dtype == nw.Boolean:
        return np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
    values = as_text(name, series)
    out = np.full(len(values), np.nan)
    words = {"true": 1.0, "false": 0.0}
    for i, value in enumerate(values):
        if value is not None:
            try:
                out[i] = words[value.lower()] if value.lower() in words else float(value)
            except ValueError:
                raise DataError(
                    f"column '{name}' held numbers when the model was fitted, but row {i + 1} "
                    f"has {value!r}"
                ) from None
    return out


def as_days(name: str, series: Any) -> Array:
    """Dates and times as days since 1970-01-01 (UTC where they have a zone), missing as NaN."""
    import narwhals as nw

    if series.dtype.is_temporal():
        microseconds = series.dt.timestamp("us").cast(nw.Float64)
        return np.asarray(microseconds.to_numpy(), dtype=np.float64) / 86_400e6
    out = np.full(len(series), np.nan)
    for i, text in enumerate(as_text(name, series)):
        if text is not None:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise DataError(
                    f"column '{name}' held dates when the model was fitted, but row {i + 1} "
                    f"has {text!r}; dates are written like 2026-11-23"
                ) from None
            out[i] = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / 86_400
    return out


def as_text(name: str, series: Any) -> list[str | None]:
    """Values as text, missing as None; a whole number is written without a decimal point."""
    import narwhals as nw

    cells = list(zip(series.to_list(), series.is_null().to_list(), strict=True))
    if series.dtype in (nw.String, nw.Categorical) and all(
        isinstance(value, str) or is_absent for value, is_absent in cells
    ):
        return [None if is_absent else value for value, is_absent in cells]
    texts: list[str | None] = []
    for i, (value, is_absent) in enumerate(cells):
        if is_absent:
            texts.append(None)
        elif isinstance(value, str):
            texts.append(value)
        elif isinstance(value, (list, tuple, dict, set, bytes, complex, np.ndarray)):
            raise DataError(
                f"column '{name}' holds a {type(value).__name__} in row {i + 1}; a cell must be a "
                "number, a text, a date, true or false, or missing"
            )
        elif isinstance(value, float) and value != value:
            texts.append(None)
        elif isinstance(value, float) and value.is_integer():
            texts.append(str(int(value)))
        else:
            texts.append(str(value))
    return texts


def listed(noun: str, names: Sequence[str]) -> str:
    """Names with their noun: column 'a', or columns 'a', 'b' and 3 more."""
    shown = ", ".join(f"'{name}'" for name in names[:8])
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"{noun}{'s' if len(names) != 1 else ''} {shown}{more}"
