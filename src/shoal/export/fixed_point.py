"""A network in integers, and a proof of how far its scores can be from the model's.

Numbers are integers times a known scale; what is written [e] below is at most that far off.

Inputs. A number v comes as the integer q nearest to v 2^F [half a unit, 2^-(F+1) = r]. Within its
bounds it is u = (q - middle) / 2^e, from -2 to 2, rounded to 14 binary digits [2^-15]. Knots are
integers like q; they may have moved [m], so a function that is linear between knots is read at a
place up to r + m away: off by its steepest slope times r + m. A share f between two knots has 14
digits [2^-15 of the step between them]. Levels are exactly 1. What stands for a missing or unknown
value are constants, so their error is simply computed.

Eq 1. Row j of W1 is s_j times integers of 8 or 16 bits, s_j its largest entry over 127 or 32767.
With W̃, b̃ and x̃ for what the integers stand for,

    z̃ - z = (W̃ - W) x̃ + W (x̃ - x) + (b̃ - b),

and each term is bounded column by column: by the worst of what the column can be, a level, a
missing value, or a number, whose knots are shares that add up to at most 1. The sum is exact. It is
multiplied by an integer m_j and shifted, to have F_z binary digits [|m_j 2^-R - exact| times the
largest sum, and half a unit].

Eq 2. |g(z̃) - g(z)| ≤ sup |g′| |z̃ - z|, and 0 for a ReLU that neither can switch on. ReLU and
identity are exact; 0.01 z is rounded. The others are max(0, z) or 0, plus a table with steps of h
[h²/8 sup |g″| between its points, 2^-15 of its entries, the tail beyond its ends, half a unit].

Eq 3. Row i of W2 is t_i times integers. The error of score i is at most
Σ_j |W2_ij| |ã_j - a_j| + Σ_j |W̃2_ij - W2_ij| max |ã_j| + |b̃_i - b_i|, and half a unit of it.

A ReLU unit (leaky ReLU, identity) may be multiplied by c > 0 where its column of W2 is divided by
c; c is chosen so that the columns of W2 are of one size, and none is lost beside another.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shoal.activations import ACTIVATIONS, Array
from shoal.errors import DataError
from shoal.export.fixed_number import FAR, fixed_number, value_range
from shoal.export.prepared import Prepared

ONE = 15 - FAR  # binary digits of x, which has 16 bits: 1 is 2^ONE
TABLE_ONE = 14  # of the table of g
MOST_DIGITS = 16  # of z and a
HOMOGENEOUS = ("relu", "leaky_relu", "identity")


@dataclass(frozen=True)
class Table:
    """g as base(z) + table(z): the table reaches from -reach to reach in steps of 2^-step.

    Attributes
    ----------
    curvature : float
        At least sup |g″|, on either side of 0.
    hinge : bool
        Whether the base is max(0, z); else it is 0.
    """

    reach: int
    step: int
    curvature: float
    hinge: bool


TABLES = {
    "sigmoid": Table(16, 5, 0.0963, hinge=False),
    "tanh": Table(8, 6, 0.7699, hinge=False),
    "softplus": Table(16, 5, 0.25, hinge=True),
    "gelu": Table(8, 6, 0.7979, hinge=True),
    "silu": Table(16, 5, 0.5, hinge=True),
}


@dataclass(frozen=True)
class Layer:
    """An affine map of x in integers: scale (W x + b), and where its results can be.

    Attributes
    ----------
    W, b : arrays of int64 (n, n_x), (n,)
        Of the results' unit, scale 2^-14.
    scale : array (n,)
    error : array (n,)
        Bound on the deviation of each result.
    low, high : array (n,)
        Between which the exact results are.
    largest_sum : array (n,)
        Bound on the size of every partial sum, in integers.
    """

    W: Array
    b: Array
    scale: Array
    error: Array
    low: Array
    high: Array
    largest_sum: Array

    @property
    def fits_32_bits(self) -> bool:
        """Whether no sum can leave 32 bits."""
        return bool(self.largest_sum.max(initial=0) < 2**31)


class FixedPoint:
    """A prepared model in integers.

    Attributes
    ----------
    bits : int
        Of the weights, 8 or 16.
    numbers : dict of int to FixedNumber
        By the place among the inputs.
    slots : array of int64 (2, n_x)
        x of what is missing, and of what is unknown, in units of 2^-14.
    hidden : Layer or None
    multiplier, right : array of int64 (n_h,), int
        z has `digits` binary digits as sum · multiplier / 2^right.
    digits : int
    W2, b2 : arrays of int64 (n_y, n_h), (n_y,)
    shift : array of int (n_y,)
        What a score loses at its right to have 32 bits.
    scale : array (n_y,)
        A score is its integer times this.
    bound : array (n_y,)
        No score deviates more, whatever the row within the ranges.
    """

    def __init__(self, prepared: Prepared, bits: int) -> None:
        self.prepared, self.bits = prepared, bits
        self.largest = 2 ** (bits - 1) - 1
        self.numbers = {
            k: fixed_number(entry)
            for k, entry in enumerate(prepared.inputs)
            if not entry.is_category
        }
        W1, b1, W2, b2 = prepared.parameters
        self.common = prepared.output in ("multiclass", "sorted")
        if not prepared.n_h:
            W, b = self._of_ranges(W2, b2[:, 0])
            only = self._layer(W, b, common=self.common)
            self.hidden, self.W2, self.b2 = None, only.W, only.b
            self._finish(only.largest_sum, only.scale * 2.0**-ONE, only.error)
            return
        activation = prepared.model.activation
        if activation in HOMOGENEOUS:
            size = np.abs(W2).max(axis=0)
            size = np.where(size > 0, size, 1.0)
            W1, b1, W2 = W1 * size[:, None], b1 * size[:, None], W2 / size
        W, b = self._of_ranges(W1, b1[:, 0])
        self.hidden = self._layer(W, b, common=False)
        self._requantise(self.hidden)
        self._second(W2, b2[:, 0])

    # ---- x ----

    def _of_ranges(self, W: Array, b: Array) -> tuple[Array, Array]:
        """The map of u in the place of (value - center) / scale."""
        W, b = W.copy(), b.copy()
        for k, number in self.numbers.items():
            entry = self.prepared.inputs[k]
            w = W[:, entry.start].copy()
            middle = number.middle * 2.0**-number.digits
            b += w * (middle - entry.center) / entry.scale
            W[:, entry.start] = w * number.half / entry.scale
        return W, b

    @cached_property
    def exact_slots(self) -> Array:
        """x of what is missing, and of what is unknown, with u in its place (2, n_x)."""
        x = np.zeros((2, self.prepared.n_x))
        for k, entry in enumerate(self.prepared.inputs):
            x[0, entry.slots] = entry.missing
            if entry.is_category:
                x[1, entry.slots] = entry.unknown
            else:
                x[0, entry.start] = self.numbers[k].place(entry.center)
        return x

    @cached_property
    def slots(self) -> Array:
        """The same in integers."""
        limit = 2**15 - 1
        return np.clip(np.rint(self.exact_slots * 2**ONE), -limit, limit).astype(np.int64)

    # ---- Eq 1 ----

    def _layer(self, W: Array, b: Array, *, common: bool) -> Layer:
        """Integers of an affine map, and how far what they stand for can be from it."""
        size = np.abs(W).max(axis=1, initial=0.0)
        size = np.full(len(W), size.max()) if common else size
        scale = np.where(size > 0, size, 1.0) / self.largest
        integers = np.rint(W / scale[:, None])
        unit = scale * 2.0**-ONE
        offset = np.rint(b / unit)
        W_, b_ = integers * scale[:, None], offset * unit
        error, low, high = np.abs(b_ - b), b.copy(), b.copy()
        largest_sum = np.abs(offset)
        X = self.slots.astype(float)
        x_, x = X * 2.0**-ONE, self.exact_slots
        for k, entry in enumerate(self.prepared.inputs):
            these = entry.slots
            constants = [0] + [1] * entry.is_category  # rows of slots: missing, and unknown
            sums = [np.abs(integers[:, these]) @ np.abs(X[row, these]) for row in constants]
            results = [W[:, these] @ x[row, these] for row in constants]
            errors = [np.abs(W_[:, these] @ x_[row, these] - results[row]) for row in constants]
            w, w_ = W[:, these], W_[:, these]
            n = len(entry.column.levels) if entry.is_category else entry.column.n_bins
            if entry.is_category:
                results += list(w[:, :n].T)
                errors += list(np.abs(w_ - w)[:, :n].T)
                sums += list(np.abs(integers[:, these][:, :n]).T * 2.0**ONE)
            else:
                results += self._at_vertices(w, k)
                errors.append(self._number_error(w, w_, k))
                own = np.abs(integers[:, these])
                knots = own[:, 1 : 1 + n].max(axis=1, initial=0.0)
                sums.append(own[:, 0] * 2.0**15 + knots * 2.0**ONE)
            error = error + np.max(errors, axis=0)
            low, high = low + np.min(results, axis=0), high + np.max(results, axis=0)
            largest_sum = largest_sum + np.max(sums, axis=0)
        whole = integers.astype(np.int64), offset.astype(np.int64)
        return Layer(*whole, scale, error, low, high, largest_sum)

    def _at_vertices(self, w: Array, k: int) -> list[Array]:
        """Its part of the result at the ends of its range and at its knots: the extremes."""
        number, entry = self.numbers[k], self.prepared.inputs[k]
        low, high = value_range(entry)
        S = np.hstack([np.zeros((len(w), 1)), w[:, 1 : 1 + entry.column.n_bins]])
        places = [(low, 0), (high, -1), *((v, t) for t, v in enumerate(entry.column.edges))]
        return [w[:, 0] * number.place(v) + S[:, t] for v, t in places]

    def _number_error(self, w: Array, w_: Array, k: int) -> Array:
        """Bound on the error that a number which is not missing makes in each result."""
        number, edges = self.numbers[k], np.array(self.prepared.inputs[k].column.edges)
        knots = slice(1, max(1, len(edges)))
        apart = np.abs(w_ - w)
        of_weights = apart[:, 0] * number.reach + apart[:, knots].max(axis=1, initial=0.0)
        of_u = number.rounding / number.half + (2.0 ** -(ONE + 1) if number.shift > ONE else 0.0)
        error: Array = of_weights + np.abs(w[:, 0]) * of_u
        if len(edges):
            moved = np.abs(number.knots * 2.0**-number.digits - edges).max()
            steps = np.abs(np.diff(w[:, knots], axis=1, prepend=0.0))
            slope = (steps / np.diff(edges)).max(axis=1)
            error += np.minimum(slope * (number.rounding + moved), steps.sum(axis=1))
            error += steps.max(axis=1) * 2.0 ** -(ONE + 1)
        return error

    # ---- Eq 2 ----

    def _requantise(self, hidden: Layer) -> None:
        """From sums to z of `digits` binary digits, and the bound on the error of a = g(z)."""
        activation = self.prepared.model.activation
        reach = (np.maximum(np.abs(hidden.low), np.abs(hidden.high)) + hidden.error).max()
        self.digits = min(MOST_DIGITS, int(np.floor(29 - np.log2(max(reach, 1e-9)))))
        if self.digits < 8:
            raise DataError(
                f"hidden units reach {reach:.3g}, too far for 32 bits: fit the model with a larger "
                "alpha, or choose dtype float"
            )
        exact = hidden.scale * 2.0 ** (self.digits - ONE)
        room = np.minimum(30, 62 - np.log2(np.maximum(hidden.largest_sum, 1)))
        self.right = int(np.clip(np.floor((room - np.log2(exact)).min()), 1, 62))
        self.multiplier = np.rint(exact * 2.0**self.right).astype(np.int64)
        unit = 2.0**-self.digits
        apart = np.abs(self.multiplier * 2.0**-self.right - exact)
        error = hidden.error + (apart * hidden.largest_sum + 0.5) * unit
        low, high = hidden.low - error, hidden.high + error
        size = np.maximum(np.abs(low), np.abs(high))
        if activation in TABLES:
            table_error = self._table_error(TABLES[activation]) + unit / 2
            error = ACTIVATIONS[activation].largest_derivative * error + table_error
            size = np.maximum(1.0, size + 0.7) if TABLES[activation].hinge else np.ones_like(size)
            size = size + table_error
        elif activation == "relu":
            error, size = np.where(high <= 0, 0, error), np.maximum(high, 0)
        elif activation == "leaky_relu":
            error = error + np.abs(low) * 2.0**-30 + unit / 2
        self.a_error, self.a_size = error, size

    @cached_property
    def table(self) -> Array:
        """The entries, in units of 2^-14; empty for the activations that need none."""
        activation = self.prepared.model.activation
        if activation not in TABLES:
            return np.zeros(0, np.int64)
        table = TABLES[activation]
        return np.rint(self._remainder(_points(table), table) * 2**TABLE_ONE).astype(np.int64)

    def _remainder(self, z: Array, table: Table) -> Array:
        """g without its base."""
        return ACTIVATIONS[self.prepared.model.activation].g(z) - table.hinge * np.maximum(z, 0)

    def _table_error(self, table: Table) -> float:
        """Bound on the error of linear interpolation, of the entries, and beyond the ends."""
        h = 2.0**-table.step
        ends = np.array([-table.reach, table.reach], float)
        limits = (0.0, 0.0) if table.hinge else ACTIVATIONS[self.prepared.model.activation].range
        tail = float(np.abs(self._remainder(ends, table) - limits).max())
        return h * h / 8 * table.curvature + 2.0 ** -(TABLE_ONE + 1) + tail

    # ---- Eq 3 ----

    def _second(self, W2: Array, b2: Array) -> None:
        size = np.abs(W2).max(axis=1)
        size = np.full(len(W2), size.max()) if self.common else size
        t = np.where(size > 0, size, 1.0) / self.largest
        unit = t * 2.0**-self.digits
        W, b = np.rint(W2 / t[:, None]), np.rint(b2 / unit)
        error = np.abs(W2) @ self.a_error + np.abs(W * t[:, None] - W2) @ self.a_size
        error += np.abs(b * unit - b2)
        self.W2, self.b2 = W.astype(np.int64), b.astype(np.int64)
        self._finish(np.abs(W) @ (self.a_size / 2.0**-self.digits) + np.abs(b), unit, error)

    def _finish(self, largest_sum: Array, unit: Array, error: Array) -> None:
        """Scores of 32 bits from sums of 64."""
        if largest_sum.max() >= 2.0**62:
            raise DataError("scores are sums too large for 64 bits: choose dtype float")
        excess = np.ceil(np.log2(largest_sum + 1) - 30).clip(0).astype(int)
        self.shift = np.full(len(excess), excess.max()) if self.common else excess
        self.scale = unit * 2.0**self.shift
        bound = (error + np.where(self.shift > 0, self.scale / 2, 0)) * (1 + 1e-9) + 1e-12
        # Sorting moves no score further than the furthest of them.
        sorts = self.prepared.output == "sorted"
        self.bound = np.full(len(bound), bound.max()) if sorts else bound


def _points(table: Table) -> Array:
    """Where the table has entries."""
    n = table.reach << table.step
    return np.arange(-n, n + 1) * 2.0**-table.step
