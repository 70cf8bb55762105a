"""From a table to the inputs of the network, and what was learnt on the way as plain data.

A `Column` says how one column of the table becomes one or more inputs ("slots") of the network:

=========  ==============================  ===================================================
kind       slots                           value
=========  ==============================  ===================================================
number     1                               the number itself; of a duration, its days
boolean    1                               0 or 1
date       1                               days since 1970-01-01
category   1 per level                     1 for its level, 0 for the others
unused     none                            constant, empty, or an identifier; `note` says which
=========  ==============================  ===================================================

A column in which values were missing at fit has one more slot, 1 where the value is missing. What
the network has not seen (an unseen level, or a missing value where none was missing) is encoded
by the centre of each slot: exactly the average row, which the scaled network sees as 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError

KINDS = ("number", "boolean", "date", "category", "unused")


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes inputs of the network.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean", "date", "category", "unused"}
    center, scale : float
        Of a number, boolean or date: the mean and standard deviation of the values present. Where
        all of those are equal, a scale so large that others count for nothing.
    levels : tuple of str
        Of a category: the levels that have a slot, as text, most frequent first.
    shares : tuple of float
        Of a category: the share of all rows with each level.
    missing : float
        The share of rows with a missing value at fit; above 0 the column has an indicator slot.
    note : str
        Of an unused column: why. Otherwise empty, or what else there is to say.
    """

    name: str
    kind: str
    center: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    missing: float = 0.0
    note: str = ""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its inputs."""
        if self.kind == "unused":
            return ()
        values = tuple(f"{self.name}={level}" for level in self.levels)
        indicator = (f"{self.name} is missing",) if self.missing > 0 else ()
        return (values if self.kind == "category" else (self.name,)) + indicator

    @property
    def width(self) -> int:
        """Number of its inputs."""
        values = {"unused": 0, "category": len(self.levels)}.get(self.kind, 1)
        return values + (self.kind != "unused" and self.missing > 0)

    @property
    def slot_centers(self) -> tuple[float, ...]:
        """Average value of each slot over the rows of the fit."""
        if self.kind == "unused":
            return ()
        values = self.shares if self.kind == "category" else (self.center,)
        return values + ((self.missing,) if self.missing > 0 else ())

    @property
    def slot_scales(self) -> tuple[float, ...]:
        """What each slot is divided by for training: 1 for levels and indicators."""
        if self.kind in ("category", "unused"):
            return (1.0,) * len(self.slots)
        return (self.scale,) + ((1.0,) if self.missing > 0 else ())


@dataclass(frozen=True)
class Columns:
    """All columns of a table, in the order of the fit.

    Attributes
    ----------
    columns : tuple of Column
    named : bool
        Whether the names are the table's own; then columns are found by name, in any order.
        Otherwise they are x1, x2, ... and found by position.
    """

    columns: tuple[Column, ...]
    named: bool = True

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the network's inputs, (n_x,)."""
        return tuple(slot for column in self.columns for slot in column.slots)

    def centers(self) -> Array:
        """Average of each input at fit, (n_x,)."""
        return np.array([value for column in self.columns for value in column.slot_centers])

    def scales(self) -> Array:
        """What each input is divided by for training, (n_x,)."""
        return np.array([value for column in self.columns for value in column.slot_scales])

    @property
    def mixed(self) -> bool:
        """Whether there is more in the table than numbers."""
        return any(column.kind not in ("number", "unused") for column in self.columns)

    def check_numeric(self) -> None:
        """Raise DataError if an array, which has neither names nor text, cannot be the table."""
        textual = [column.name for column in self.columns if column.kind in ("category", "date")]
        if textual:
            raise DataError(
                f"the fit read {listed('column', textual)} from a data frame: give one with the "
                "same names, not an array"
            )

    @cached_property
    def _plain(self) -> bool:
        """Whether every column is one input as it stands."""
        return all(column.kind == "number" and column.width == 1 for column in self.columns)

    def are_inputs(self, X: Any, dtype: Any) -> bool:
        """Whether X is what `encode` would return: an array of finite numbers, one per column.

        A sum of squares tells that in one pass: it is not finite if one of them is not, or is so
        large that `encode` has something to say of it.
        """
        return bool(
            type(X) is np.ndarray
            and X.dtype == dtype
            and X.ndim == 2
            and X.shape[1] == len(self.columns)
            and self._plain
            and float(np.vdot(X, X)) <= LARGEST
        )

    def inputs(self, X: Any, dtype: Any) -> Any:
        """What `encode` returns, X itself where it is that already."""
        return X if self.are_inputs(X, dtype) else self.encode(X, dtype=dtype)

    def encode(self, X: Any, *, dtype: Any = np.float64) -> Any:
        """Inputs of the network for the rows of a table, in raw units.

        Parameters
        ----------
        X : data frame (pandas, polars, pyarrow), array (m, n_columns) or SciPy sparse matrix
            A frame may have its columns in any order, and columns beyond those of the fit.
        dtype : dtype
            float32 or float64.

        Returns
        -------
        array (m, n_x) of `dtype`; sparse if X is

        Raises
        ------
        DataError
            If a column is missing, or holds what cannot be read as it was at fit.
        """
        frame = as_frame(X)
        if frame is None:
            return self._encode_array(X, dtype)
        present = set(frame.columns)
        absent = [c.name for c in self.columns if c.kind != "unused" and c.name not in present]
        if absent and self.named:
            has = listed("column", frame.columns)
            raise DataError(f"the table lacks {listed('column', absent)}; it has {has}")
        if not self.named:
            return self._encode_array(frame.to_numpy(), dtype)
        widths = [column.width for column in self.columns]
        out = np.empty((len(frame), sum(widths)), dtype)
        start = 0
        for column, width in zip(self.columns, widths, strict=True):
            if width:
                _encode_column(column, frame[column.name], out[:, start : start + width])
            start += width
        return out

    def _encode_array(self, X: Any, dtype: Any) -> Any:
        """Columns by position: all of them numbers."""
        sparse = hasattr(X, "tocsr")
        try:
            X = X.tocsr().astype(dtype, copy=False) if sparse else np.asarray(X, dtype)
        except (TypeError, ValueError) as error:
            raise DataError(f"the table holds what is not a number: {error}") from error
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise DataError(
                f"the table must have {len(self.columns)} columns, as at fit, "
                f"but its shape is {X.shape}"
            )
        self.check_numeric()
        used = np.array([column.kind != "unused" for column in self.columns], dtype=bool)
        indicated = np.array([column.missing > 0 for column in self.columns], dtype=bool)
        if sparse:
            return X if used.all() else X[:, used]
        check_finite(X, [column.name for column in self.columns])
        absent = np.isnan(X)
        if used.all() and not indicated.any() and not absent.any():
            return X
        centers = np.array([column.center for column in self.columns], dtype)
        filled = np.where(absent, centers, X)
        # Each column is followed by its indicator, if it has one.
        both = np.stack([filled, absent.astype(dtype)], axis=2).reshape(len(X), -1)
        return both[:, np.stack([used, used & indicated], axis=1).ravel()]


def match_columns(columns: Columns, frame: Any) -> None:
    """Raise DataError if a frame's columns are not those of the fit, in whatever order."""
    expected = [column.name for column in columns.columns]
    absent = [name for name in expected if name not in frame.columns]
    extra = [name for name in frame.columns if name not in expected]
    if absent or extra:
        faults = [f"lacks {listed('column', absent)}"] if absent else []
        faults += [f"has {listed('column', extra)} which the fit did not"] if extra else []
        raise DataError(f"the table {' and '.join(faults)}")


LARGEST = 1e150  # squares of what is below stay finite


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


# ---- one column: encode ------------------------------------------------------------------------


def _encode_column(column: Column, series: Any, out: Array) -> None:
    """Fill the slots of one column, out (m, width)."""
    if column.kind == "category":
        position = {level: k for k, level in enumerate(column.levels)}
        texts = as_text(column.name, series)
        absent = np.array([text is None for text in texts], dtype=bool)
        where = np.array([-1 if t is None else position.get(t, -1) for t in texts], dtype=int)
        out[:] = 0
        known = np.flatnonzero(where >= 0)
        out[known, where[known]] = 1
        unseen = (where < 0) & ~absent if column.missing > 0 else where < 0
        out[unseen] = column.slot_centers
    else:
        read = as_days if column.kind == "date" else as_numbers
        values = read(column.name, series)
        check_finite(values[:, None], [column.name])
        absent = np.isnan(values)
        out[:, 0] = np.where(absent, column.center, values)
    if column.missing > 0:
        out[absent, -1] = 1
        if column.kind != "category":
            out[~absent, -1] = 0


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
    texts: list[str | None] = []
    absent = series.is_null().to_list()
    for i, (value, is_absent) in enumerate(zip(series.to_list(), absent, strict=True)):
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
