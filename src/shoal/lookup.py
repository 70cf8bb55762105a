"""Inputs that are looked up: bins and categories as what they are, a number and not a row of many.

A column of T bins with edges e is T inputs, clip((x - e_s) / (e_{s+1} - e_s), 0, 1): 1 for the bins
before the one that x is in, a fraction f in that one, t, and 0 after. A category of T levels is T
inputs, of which the t-th is 1. Such inputs are never made. Multiplied with a matrix W they are

    bins      w_0 + ... + w_{t-1} + f w_t = (1 - f) S_t + f S_{t+1},   S_t = w_0 + ... + w_{t-1}
    level     w_t

so with the sums S made once, two rows of a table or one, however many there are. Backward, the
gradient of a table's rows is that of W by the same sums from the other end.

Each table has one row more, for a value that is not known: its inputs are the column's average.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError

Kind = Literal["bins", "levels"]


@dataclass(frozen=True, eq=False)
class Slots:
    """The columns that are looked up, and the inputs (slots) each stands for, one after another.

    Attributes
    ----------
    kinds : tuple of {"bins", "levels"}
    widths : tuple of int
        Number of slots of each column: T ≤ 65,535.
    centers : array (n_slots,)
        Average of each slot over the rows that were learnt from.
    """

    kinds: tuple[Kind, ...]
    widths: tuple[int, ...]
    centers: Array

    def __post_init__(self) -> None:
        if len(self.kinds) != len(self.widths) or set(self.kinds) - {"bins", "levels"}:
            raise DataError(f"{len(self.widths)} widths need as many kinds, of bins or levels")
        if not all(1 <= width <= 65_535 for width in self.widths):
            raise DataError(f"a column has from 1 to 65,535 slots, not {self.widths}")
        if self.centers.shape != (sum(self.widths),):
            raise DataError(f"{sum(self.widths)} slots need as many centers")

    @cached_property
    def starts(self) -> list[int]:
        """The first slot of each column."""
        return [0, *np.cumsum(self.widths[:-1]).tolist()] if self.widths else []

    @cached_property
    def rows(self) -> list[int]:
        """The first row of each column's table: that of a value that is not known.

        After it S_0 to S_T of bins, w_0 to w_{T-1} of levels.
        """
        sizes = [w + 1 + (kind == "bins") for kind, w in zip(self.kinds, self.widths, strict=True)]
        return [0, *np.cumsum(sizes).tolist()]

    def tables(self, W: Array) -> Array:
        """The tables (n, n_rows) of the columns, of their part W (n, n_slots) of a matrix."""
        tables = np.zeros((len(W), self.rows[-1]), W.dtype)
        for start, row, kind, width in zip(*self._columns, strict=True):
            w, table = W[:, start : start + width], tables[:, row:]
            table[:, 0] = w @ self.centers[start : start + width].astype(W.dtype)
            if kind == "bins":
                np.cumsum(w, axis=1, out=table[:, 2 : width + 2])
            else:
                table[:, 1 : width + 1] = w
        return tables

    def gradients(self, d_tables: Array) -> Array:
        """What the gradient (n, n_rows) of the tables makes that of W (n, n_slots)."""
        dW = np.empty((len(d_tables), sum(self.widths)), d_tables.dtype)
        for start, row, kind, width in zip(*self._columns, strict=True):
            centers = self.centers[start : start + width].astype(dW.dtype)
            table = d_tables[:, row:]
            known = table[:, 1 : width + 1]
            if kind == "bins":
                known = np.cumsum(table[:, width + 1 : 1 : -1], axis=1)[:, ::-1]
            dW[:, start : start + width] = known + table[:, :1] * centers
        return dW

    @property
    def _columns(self) -> tuple[Any, ...]:
        return self.starts, self.rows[:-1], self.kinds, self.widths


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
        f of bins, from 0 to 1; of levels it is not read.
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
        if self.index.size and (self.index.max(axis=0) > np.array(widths)).any():
            raise DataError("index names a slot that its column does not have")

    @property
    def shape(self) -> tuple[int, int]:
        """(n_x, m)."""
        return len(self.direct) + sum(self.slots.widths), len(self.index)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the inputs."""
        return self.direct.dtype

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
        t, parts = self.index.T.astype(int), [self.direct]
        for k, (start, _, kind, width) in enumerate(zip(*self.slots._columns, strict=True)):
            centers = self.slots.centers[start : start + width, None].astype(self.dtype)
            s = np.arange(width)[:, None]
            x = (s == t[k]).astype(self.dtype)
            if kind == "bins":
                x = (s < t[k]) + x * self.fraction[:, k]
            x = np.where(t[k] == width, centers, x)
            parts.append(x - centers if self.centred else x)
        return np.concatenate(parts).astype(self.dtype, copy=False)

    @cached_property
    def _hats(self) -> Any:
        """Sparse (m, n_rows): what each example takes of each row of the tables."""
        from scipy.sparse import csr_array

        m, n_columns = self.index.shape
        width, row = np.array(self.slots.widths, int), np.array(self.slots.rows[:-1], int)
        known = self.index < width
        first = row + np.where(known, self.index + 1, 0)
        of_bins = np.array([kind == "bins" for kind in self.slots.kinds], bool)
        f = np.where(known & of_bins, self.fraction, 0)
        # The row after the first has a share of 0 where it is another column's, or none.
        rows = np.stack([first, np.minimum(first + 1, self.slots.rows[-1] - 1)], axis=-1)
        values = np.stack([1 - f, f], axis=-1).astype(self.dtype)
        ends = np.arange(0, 2 * m * n_columns + 1, max(1, 2 * n_columns))[: m + 1]
        if not n_columns:
            ends = np.zeros(m + 1, int)
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
