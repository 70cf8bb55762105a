"""From a table to the inputs of the network, and what was learnt on the way as plain data.

A `Column` says how one column of the table becomes one or more inputs ("slots") of the network:

=========  ==============================  ===================================================
kind       slots                           value
=========  ==============================  ===================================================
number     1                               the number itself, no further out than `low` and
                                           `high`; of a duration, its days
           and 1 per bin, if it has edges  clip((x - e_t) / (e_{t+1} - e_t), 0, 1)
boolean    1                               0 or 1
date       as a number                     days since 1970-01-01
category   1 per level                     1 for its level, 0 for the others
           and 1 for all other levels      if some of the fit's are too rare for a slot
unused     none                            constant, empty, or an identifier; `note` says which
=========  ==============================  ===================================================

A column in which values were missing at fit has one more slot, 1 where the value is missing. What
the network has not seen (an unseen level where there are no others, or a missing value where none
was missing) is encoded by the centre of each slot: exactly the average row, which the scaled
network sees as 0.

Bins and levels need not be written out: `Columns.inputs` gives them to the network as what they
are, a number each (`shoal.lookup`), where that is quicker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.cells import (
    LARGEST,
    are_finite,
    as_days,
    as_frame,
    as_numbers,
    as_text,
    check_finite,
    listed,
)
from shoal.errors import DataError
from shoal.lookup import Lookup, Slots, is_faster
from shoal.network import Parameters

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
        The average of the slots of a category's levels, its other levels included, or of a
        number's bins.
    missing : float
        The share of rows with a missing value at fit; above 0 the column has an indicator slot.
    note : str
        Of an unused column: why. Otherwise empty, or what else there is to say.
    low, high : float
        Of a number or date: values further out count as these.
    edges : tuple of float
        Of a number or date: where its bins begin and end, rising; empty if it has none.
    others : bool
        Of a category: whether a slot stands for all levels but `levels`.
    """

    name: str
    kind: str
    center: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    missing: float = 0.0
    note: str = ""
    low: float = -LARGEST
    high: float = LARGEST
    edges: tuple[float, ...] = ()
    others: bool = False

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its inputs."""
        if self.kind == "unused":
            return ()
        if self.kind == "category":
            values = tuple(f"{self.name}={level}" for level in self.levels)
            values += (f"{self.name} is another",) if self.others else ()
        else:
            ends = zip(self.edges, self.edges[1:], strict=False)
            values = (self.name, *(f"{self.name} from {a:.6g} to {b:.6g}" for a, b in ends))
        return values + ((f"{self.name} is missing",) if self.missing > 0 else ())

    @property
    def width(self) -> int:
        """Number of its inputs."""
        if self.kind == "unused":
            return 0
        own = len(self.levels) + self.others if self.kind == "category" else 1 + self.n_bins
        return own + (self.missing > 0)

    @property
    def n_bins(self) -> int:
        """Number of its bins."""
        return max(0, len(self.edges) - 1)

    @property
    def slot_centers(self) -> tuple[float, ...]:
        """Average value of each slot over the rows of the fit."""
        if self.kind == "unused":
            return ()
        values = self.shares if self.kind == "category" else (self.center, *self.shares)
        return values + ((self.missing,) if self.missing > 0 else ())

    @property
    def slot_scales(self) -> tuple[float, ...]:
        """What each slot is divided by for training: 1 for levels, bins and indicators."""
        if self.kind in ("category", "unused"):
            return (1.0,) * self.width
        return (self.scale,) + (1.0,) * (self.width - 1)

    @property
    def looked_up(self) -> str | None:
        """What is looked up of it: "bins" of a number, "levels" of a category, or nothing."""
        if self.kind == "category":
            return "levels" if is_faster(self.width, bins=False) else None
        return "bins" if is_faster(self.n_bins, bins=True) else None

    # ---- values to slots ----

    def bounded(self, values: Array) -> Array:
        """No further out than `low` and `high`, which float32 may not hold."""
        return np.clip(values.astype(np.float64, copy=False), self.low, self.high)

    def place(self, values: Array) -> tuple[Array, Array]:
        """The bin of each value, and how far through it the value is, from 0 to 1.

        A missing value is in bin T, which is none, and all the way through it.
        """
        edges = np.array(self.edges)
        at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, self.n_bins - 1)
        inside = np.clip(values, edges[0], edges[-1])  # so that no quotient is above 1
        fraction = (inside - edges[at]) / (edges[at + 1] - edges[at])
        absent = np.isnan(values)
        return np.where(absent, self.n_bins, at), np.where(absent, 1, fraction)

    def position(self, texts: Sequence[str | None]) -> Array:
        """Which slot of a category is 1 for each text; its width where that is not known."""
        known: dict[str | None, int] = {level: k for k, level in enumerate(self.levels)}
        unknown = self.width
        if self.missing > 0:
            known[None] = self.width - 1
        unseen = len(self.levels) if self.others else unknown
        known.setdefault(None, unknown)
        return np.array([known.get(text, unseen) for text in texts], dtype=np.int64)

    def fill(self, values: Array, out: Array) -> None:
        """Write the slots of values, or of a category's positions, into out (m, width)."""
        if self.kind == "category":
            out[:] = 0
            known = np.flatnonzero(values < self.width)
            out[known, values[known]] = 1
            out[values == self.width] = self.slot_centers
            return
        absent = np.isnan(values)
        out[:, 0] = np.where(absent, self.center, self.bounded(values))
        if self.n_bins:
            at, fraction = self.place(values)
            t, bins = at[:, None], np.arange(self.n_bins)
            out[:, 1 : 1 + self.n_bins] = (bins < t) + (bins == t) * fraction[:, None]
            out[absent, 1 : 1 + self.n_bins] = self.shares
        if self.missing > 0:
            out[:, -1] = absent


class Checked:
    """Rows of which `Columns.are_inputs` is known, so that it is not asked a second time."""

    __slots__ = ("X",)

    def __init__(self, X: Array) -> None:
        self.X = X


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
        return self._unbounded and all(
            column.kind == "number" and column.width == 1 for column in self.columns
        )

    @cached_property
    def _unbounded(self) -> bool:
        """Whether there are neither bins nor bounds."""
        return not any(c.edges or c.low > -LARGEST or c.high < LARGEST for c in self.columns)

    def are_inputs(self, X: Any, dtype: Any) -> bool:
        """Whether X is what `encode` would return: an array of finite numbers, one per column."""
        return (
            type(X) is np.ndarray
            and X.dtype == dtype
            and X.ndim == 2
            and X.shape[1] == len(self.columns)
            and self._plain
            and are_finite(X)
        )

    # ---- tables to inputs ----

    def encode(self, X: Any, *, dtype: Any = np.float64) -> Any:
        """Inputs of the network for the rows of a table, in raw units, each written out.

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
        X = self._read(X, dtype)
        if hasattr(X, "tocsr"):
            used = np.array([column.kind != "unused" for column in self.columns], dtype=bool)
            return X if used.all() else X[:, used]
        if isinstance(X, np.ndarray) and self._unbounded:
            return self._encode_numbers(X, dtype)
        out = np.empty((len(X), sum(column.width for column in self.columns)), dtype)
        start = 0
        for column, values in self._values(X):
            column.fill(values, out[:, start : start + column.width])
            start += column.width
        return out

    def inputs(self, X: Any, dtype: Any, *, scaled: bool = False) -> Any:
        """The inputs as the network takes them, examples as rows.

        Parameters
        ----------
        X : table, or Checked
        scaled : bool
            Whether to subtract the centres and divide by the scales, as for training.

        Returns
        -------
        array (m, n_x), which may be X itself; or Rows of a Lookup, whose inputs are those of
        `encode` in the order `order`; or a sparse matrix
        """
        if type(X) is Checked:
            return X.X
        if self.slots_of_lookup is not None and not hasattr(X, "tocsr"):
            return self._look_up(X, dtype, self.slots_of_lookup, scaled)
        inputs = X if self.are_inputs(X, dtype) else self.encode(X, dtype=dtype)
        if not scaled:
            return inputs
        centers, scales = self.centers(), self.scales()
        if not (centers.any() or (scales != 1).any()):
            return inputs
        if hasattr(inputs, "tocsr"):
            return inputs.multiply(1 / scales).tocsr().astype(dtype, copy=False)
        # One copy, of the table's type, though the arithmetic is float64's.
        out = np.empty(inputs.shape, dtype)
        np.subtract(inputs, centers, out=out, casting="same_kind")
        return np.divide(out, scales, out=out, casting="same_kind")

    @cached_property
    def slots_of_lookup(self) -> Slots | None:
        """The columns that are looked up, those with bins first; None if there are none."""
        bins = [column.shares for column in self.columns if column.looked_up == "bins"]
        levels = [column.slot_centers for column in self.columns if column.looked_up == "levels"]
        centers = bins + levels
        if not centers:
            return None
        widths = tuple(len(some) for some in centers)
        return Slots(widths, len(bins), np.array([value for some in centers for value in some]))

    @cached_property
    def order(self) -> Array:
        """Which slot each input of `inputs` is: those that are looked up come last."""
        places: dict[str | None, list[int]] = {None: [], "bins": [], "levels": []}
        start = 0
        for column in self.columns:
            slots, kind = range(start, start + column.width), column.looked_up
            bins = 1 + column.n_bins
            if kind == "bins":
                places[None].extend([*slots[:1], *slots[bins:]])
                places[kind].extend(slots[1:bins])
            else:
                places[kind].extend(slots)
            start += column.width
        return np.array([k for some in places.values() for k in some], dtype=np.int64)

    @cached_property
    def linear_inputs(self) -> Array:
        """Those of `inputs` that are not bins: values, levels and indicators."""
        is_bin = [
            bool(0 < slot <= column.n_bins)
            for column in self.columns
            for slot in range(column.width)
        ]
        return np.flatnonzero(~np.array(is_bin, bool)[self.order])

    def reorder(self, parameters: Parameters) -> Parameters:
        """The network of `inputs`, from one of `encode`."""
        return _permuted(parameters, self.order)

    def restore(self, parameters: Parameters) -> Parameters:
        """The network of `encode`, from one of `inputs`."""
        return _permuted(parameters, np.argsort(self.order))

    def _look_up(self, X: Any, dtype: Any, slots: Slots, scaled: bool) -> Any:
        X = self._read(X, np.float64)
        n_columns = len(slots.widths)
        n_direct = len(self.order) - len(slots.centers)
        direct = np.empty((len(X), n_direct))
        index = np.empty((len(X), n_columns), np.uint16)
        fraction = np.zeros((len(X), n_columns), dtype)
        i, bins, levels = 0, 0, slots.n_bins
        for column, values in self._values(X):
            if column.looked_up == "levels":
                index[:, levels] = values
                levels += 1
            elif column.looked_up == "bins":
                index[:, bins], fraction[:, bins] = column.place(values)
                bins += 1
                absent = np.isnan(values)
                direct[:, i] = np.where(absent, column.center, column.bounded(values))
                if column.missing > 0:
                    direct[:, i + 1] = absent
                i += 1 + (column.missing > 0)
            else:
                column.fill(values, direct[:, i : i + column.width])
                i += column.width
        if scaled:
            these = self.order[:n_direct]
            direct -= self.centers()[these]
            direct /= self.scales()[these]
        return Lookup(direct.astype(dtype).T, slots, index, fraction, centred=scaled).T

    def _read(self, X: Any, dtype: Any) -> Any:
        """A frame with the columns of the fit, or an array or sparse matrix of their number."""
        frame = as_frame(X)
        if frame is not None and self.named:
            present = set(frame.columns)
            absent = [c.name for c in self.columns if c.kind != "unused" and c.name not in present]
            if absent:
                has = listed("column", frame.columns)
                raise DataError(f"the table lacks {listed('column', absent)}; it has {has}")
            return frame
        try:
            X = X if frame is None else frame.to_numpy()
            sparse = hasattr(X, "tocsr")
            X = X.tocsr().astype(dtype, copy=False) if sparse else np.asarray(X, dtype)
        except (TypeError, ValueError) as error:
            raise DataError(f"the table holds what is not a number: {error}") from error
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise DataError(
                f"the table must have {len(self.columns)} columns, as at fit, "
                f"but its shape is {X.shape}"
            )
        self.check_numeric()
        if not sparse:
            check_finite(X, [column.name for column in self.columns])
        return X

    def values(self, X: Any) -> Iterator[tuple[Column, Array]]:
        """Each column in use of a table, with its numbers, missing as NaN, or its positions."""
        X = self._read(X, np.float64)
        return self._values(X.toarray() if hasattr(X, "tocsr") else X)

    def cells(self, X: Any) -> Iterator[tuple[Column, Array | list[str | None]]]:
        """Each column in use with its numbers, missing as NaN, or its texts, missing as None.

        Parameters
        ----------
        X : data frame or array
            As `encode` takes it.
        """
        return self._cells(self._read(X, np.float64))

    def _cells(self, X: Any) -> Iterator[tuple[Column, Array | list[str | None]]]:
        for k, column in enumerate(self.columns):
            if column.kind == "unused":
                continue
            if isinstance(X, np.ndarray):
                yield column, X[:, k]
            elif column.kind == "category":
                yield column, as_text(column.name, X[column.name])
            else:
                read = as_days if column.kind == "date" else as_numbers
                values = read(column.name, X[column.name])
                check_finite(values[:, None], [column.name])
                yield column, values

    def _values(self, X: Any) -> Iterator[tuple[Column, Array]]:
        """Each column in use with its numbers, missing as NaN, or its positions."""
        for column, cells in self._cells(X):
            yield column, column.position(cells) if isinstance(cells, list) else cells

    def _encode_numbers(self, X: Array, dtype: Any) -> Array:
        """Columns of numbers without bins, all at once."""
        used = np.array([column.kind != "unused" for column in self.columns], dtype=bool)
        indicated = np.array([column.missing > 0 for column in self.columns], dtype=bool)
        absent = np.isnan(X)
        if used.all() and not indicated.any() and not absent.any():
            return X
        centers = np.array([column.center for column in self.columns], dtype)
        filled = np.where(absent, centers, X)
        # Each column is followed by its indicator, if it has one.
        both = np.stack([filled, absent.astype(dtype)], axis=2).reshape(len(X), -1)
        return both[:, np.stack([used, used & indicated], axis=1).ravel()]


def _permuted(parameters: Parameters, order: Array) -> Parameters:
    """The same network of inputs in another order."""
    W1, b1, W2, b2 = parameters
    if (order[:-1] < order[1:]).all():
        return parameters
    return Parameters(W1[:, order], b1, W2 if len(W1) else W2[:, order], b2)


def match_columns(columns: Columns, frame: Any) -> None:
    """Raise DataError if a frame's columns are not those of the fit, in whatever order."""
    expected = [column.name for column in columns.columns]
    absent = [name for name in expected if name not in frame.columns]
    extra = [name for name in frame.columns if name not in expected]
    if absent or extra:
        faults = [f"lacks {listed('column', absent)}"] if absent else []
        faults += [f"has {listed('column', extra)} which the fit did not"] if extra else []
        raise DataError(f"the table {' and '.join(faults)}")
