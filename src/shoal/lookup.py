"""Inputs that are looked up: bins and categories as what they are, a number and not a row of many.

A column of T bins with edges e is T inputs, clip((x - e_s) / (e_{s+1} - e_s), 0, 1): 1 for the bins
before the one that x is in, a fraction f in that one, t, and 0 after. A category of T levels is T
inputs, of which the t-th is 1. Such inputs are never made. Multiplied with a matrix W they are

    bins      w_0 + ... + w_{t-1} + f w_t = (1 - f) S_t + f S_{t+1},   S_t = w_0 + ... + w_{t-1}
    level     w_t

so with the sums S made once, two rows of a table or one, however many there are. Backward, the
gradient of a table's rows is that of W by the same sums from the other end.

Each table has one row more, for a value that is not known: its inputs are the column's average. It
comes last, so that t = T is the row of an unknown level, and t = T with f = 1 of an unknown number.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError

MOST_SLOTS = 65_535  # of a column: one of them, or none, is said in 16 bits


def is_faster(width: int, *, bins: bool) -> bool:
    """Whether a column of so many slots is faster looked up than multiplied, and can be.

    benchmarks/bench_lookup.py says so, of training and of prediction.
    """
    return (4 if bins else 2) < width <= MOST_SLOTS


@dataclass(frozen=True, eq=False)
class Slots:
    """The columns that are looked up, and the inputs (slots) each stands for, one after another.

    Attributes
    ----------
    widths : tuple of int
        Number of slots T of each column, up to 65,535.
    n_bins : int
        So many columns are bins, the first ones; those behind are levels.
    centers : array (n_slots,)
        Average of each slot over the rows that were learnt from.
    """

    widths: tuple[int, ...]
    n_bins: int
    centers: Array

    def __post_init__(self) -> None:
        if not all(1 <= width <= MOST_SLOTS for width in self.widths):
            raise DataError(f"a column has from 1 to {MOST_SLOTS:,} slots, not {self.widths}")
        if not 0 <= self.n_bins <= len(self.widths):
            raise DataError(f"{self.n_bins} of {len(self.widths)} columns cannot be bins")
        if self.centers.shape != (sum(self.widths),):
            raise DataError(
                f"{sum(self.widths)} slots need as many centers, not {self.centers.shape}"
            )

    @cached_property
    def rows(self) -> list[int]:
        """Where each column's table begins, and where the last ends.

        S_0 to S_T of bins, w_0 to w_{T-1} of levels, and then the row of what is not known.
        """
        sizes = [width + 1 + (k < self.n_bins) for k, width in enumerate(self.widths)]
        return [0, *np.cumsum(sizes, dtype=int).tolist()]

    def columns(self) -> list[tuple[slice, slice, bool]]:
        """Of each column its slots, its rows, and whether they are bins."""
        ends = np.cumsum(self.widths, dtype=int).tolist()
        return [
            (slice(end - width, end), slice(first, last), k < self.n_bins)
            for k, (end, width, first, last) in enumerate(
                zip(ends, self.widths, self.rows, self.rows[1:], strict=False)
            )
        ]

    def tables(self, W: Array) -> Array:
        """The tables (n, n_rows) of the columns, of their part W (n, n_slots) of a matrix."""
        tables = np.zeros((len(W), self.rows[-1]), W.dtype)
        centers = self.centers.astype(W.dtype)
        for slots, rows, bins in self.columns():
            w, table = W[:, slots], tables[:, rows]
            if bins:
                np.cumsum(w, axis=1, out=table[:, 1:-1])
            else:
                table[:, :-1] = w
            table[:, -1] = w @ centers[slots]
        return tables

    def gradients(self, d_tables: Array) -> Array:
        """What the gradient (n, n_rows) of the tables makes that of W (n, n_slots)."""
        dW = np.empty((len(d_tables), len(self.centers)), d_tables.dtype)
        centers = self.centers.astype(dW.dtype)
        for slots, rows, bins in self.columns():
            table = d_tables[:, rows]
            known = table[:, :-1]
            if bins:  # w_s is in S_t for all t above s
                known = np.cumsum(table[:, -2:0:-1], axis=1)[:, ::-1]
            dW[:, slots] = known + table[:, -1:] * centers[slots]
        return dW


@dataclass(frozen=True, eq=False)
class Lookup:
    """Stands where X (n_x, m) stands: n_d inputs as they are, then those of the slots.

    Attributes
    ----------
    direct : array (n_d, m)
    slots : Slots
    index : array of uint16 (m, n_columns)
        t of each example and column; T where the value is not known.
    fraction : array (m, n_columns)
        f of bins, from 0 to 1, and 1 where the value is not known; of levels it is not read.
    centred : bool
        Whether the centers are subtracted from the slots, as in training: the average row, and a
        value that is not known, is then 0.
    """

    direct: Array
    slots: Slots
    index: Array
    fraction: Array
    centred: bool = False

    ndim = 2
    __array_ufunc__ = None  # W @ X asks here

    def __post_init__(self) -> None:
        shape, widths = (self.direct.shape[1], len(self.slots.widths)), self.slots.widths
        if self.index.shape != shape or self.fraction.shape != shape:
            raise DataError(
                f"index {self.index.shape} and fraction {self.fraction.shape} must be {shape}: "
                "examples and columns"
            )
        if self.index.dtype != np.uint16:
            raise DataError(f"index is {self.index.dtype} and must be uint16")
        if (self.index > np.array(widths, int)).any():
            raise DataError("index names a slot that its column does not have")
        of_bins = slice(self.slots.n_bins)
        unknown = self.index[:, of_bins] == np.array(widths[of_bins], int)
        if (self.fraction[:, of_bins][unknown] != 1).any():
            raise DataError("fraction must be 1 where the index says that a value is not known")

    @property
    def shape(self) -> tuple[int, int]:
        """(n_x, m)."""
        return len(self.direct) + sum(self.slots.widths), len(self.index)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the inputs."""
        return self.direct.dtype

    @property
    def share(self) -> float:
        """Of the time of the dense product, what looking up takes, roughly."""
        n_x = self.shape[0]
        return min(1.0, (len(self.direct) + 4 * len(self.slots.widths)) / max(1, n_x))

    @property
    def T(self) -> "Rows":
        """The same with examples as rows."""
        return Rows(self)

    def __rmatmul__(self, W: Array) -> Array:
        """W X."""
        n_d = len(self.direct)
        looked_up = W[:, n_d:]
        Z = W[:, :n_d] @ self.direct + self.slots.tables(looked_up) @ self._hats.T
        if self.centred:
            Z -= (looked_up @ self.slots.centers.astype(W.dtype))[:, None]
        return np.asarray(Z)

    def dense(self) -> Array:
        """The inputs themselves (n_x, m): what all this is the fast form of."""
        parts = [self.direct]
        for k, (slots, _, bins) in enumerate(self.slots.columns()):
            centers = self.slots.centers[slots, None].astype(self.dtype)
            t, s = self.index[:, k].astype(int), np.arange(len(centers))[:, None]
            x = (s == t).astype(self.dtype)
            if bins:
                x = (s < t) + x * self.fraction[:, k]
            x = np.where(t == len(centers), centers, x)
            parts.append(x - centers if self.centred else x)
        return np.concatenate(parts).astype(self.dtype, copy=False)

    @cached_property
    def _hats(self) -> Any:
        """Sparse (m, n_rows): what each example takes of each row of the tables."""
        from scipy.sparse import csr_array

        m, n_columns = self.index.shape
        first = self.index + np.array(self.slots.rows[:-1], int)
        f = np.where(np.arange(n_columns) < self.slots.n_bins, self.fraction, 0)
        rows = np.stack([first, first + 1], axis=-1)
        rows[:, self.slots.n_bins :, 1] = 0  # a share of 0 of any row
        values = np.stack([1 - f, f], axis=-1).astype(self.dtype)
        ends = 2 * n_columns * np.arange(m + 1)
        return csr_array((values.ravel(), rows.ravel(), ends), shape=(m, self.slots.rows[-1]))


class Rows:
    """A Lookup with examples as rows: (m, n_x)."""

    ndim = 2
    __array_ufunc__ = None

    def __init__(self, X: Lookup) -> None:
        self.T = X
        self.shape = X.shape[1], X.shape[0]
        self.dtype = X.dtype

    def __getitem__(self, examples: Any) -> "Rows":
        """Some of the examples: what indexes rows of an array."""
        X = self.T
        index, fraction = X.index[examples], X.fraction[examples]
        return Rows(replace(X, direct=X.direct.T[examples].T, index=index, fraction=fraction))

    def __rmatmul__(self, dZ: Array) -> Array:
        """dZ Xᵀ."""
        X = self.T
        d_looked_up = X.slots.gradients(np.asarray(dZ @ X._hats))
        if X.centred:
            d_looked_up -= dZ.sum(axis=1, keepdims=True) * X.slots.centers.astype(dZ.dtype)
        return np.hstack([dZ @ X.direct.T, d_looked_up])
