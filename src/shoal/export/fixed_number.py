"""How a number of the table is an integer. What it is off by is in `shoal.export.fixed_point`."""

from dataclasses import dataclass

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST
from shoal.errors import DataError
from shoal.export.prepared import Input

FAR = 1  # u reaches to 2^FAR
WIDTH = 8.0  # a number without bounds may be so many standard deviations from its mean


@dataclass(frozen=True)
class FixedNumber:
    """How a number of the table comes in, and is read.

    Attributes
    ----------
    digits : int
        F: a value v comes as the integer nearest to v 2^F.
    low, high, middle : int
        Of those integers.
    shift : int
        e: u = (q - middle) / 2^e.
    knots : array of int64
    """

    digits: int
    low: int
    high: int
    middle: int
    shift: int
    knots: Array

    @property
    def half(self) -> float:
        """What u = 1 is, in the value's unit."""
        return 2.0 ** (self.shift - self.digits)

    @property
    def reach(self) -> float:
        """How far u is from 0 at most."""
        return float(max(self.high - self.middle, self.middle - self.low) * 2.0**-self.shift)

    @property
    def rounding(self) -> float:
        """How far a value can be from its integer."""
        return 2.0 ** -(self.digits + 1)

    def place(self, value: float) -> float:
        """u of a value."""
        return (value - self.middle * 2.0**-self.digits) / self.half

    def integers(self, values: Array) -> Array:
        """The integers of values; NaN stays."""
        return np.clip(np.rint(values * 2.0**self.digits), -(2**31) + 1, 2**31 - 1)


def value_range(entry: Input) -> tuple[float, float]:
    """Between which values a number is taken to be; further out it counts as these."""
    column = entry.column
    if column.kind == "boolean":
        return 0.0, 1.0
    reach = WIDTH * column.scale
    low = column.low if column.low > -LARGEST else column.center - reach
    high = column.high if column.high < LARGEST else column.center + reach
    return low, high


def fixed_number(entry: Input) -> FixedNumber:
    """The integers of a column.

    Raises
    ------
    DataError
        If 32 bits do not tell its values apart.
    """
    name, (low, high) = entry.column.name, value_range(entry)
    edges = np.array(entry.column.edges)
    if not low < high:
        raise DataError(f"column '{name}' reaches from {low:g} to {high:g}, which is no range")
    if len(edges) and not low <= edges[0] < edges[-1] <= high:
        raise DataError(f"column '{name}' has bins beyond its bounds, so no integers are theirs")
    digits = int(np.floor(30 - np.log2(max(abs(low), abs(high), high - low))))
    unit = 2.0**digits
    first, last = round(low * unit), round(high * unit)
    if last - first < 256:
        raise DataError(
            f"column '{name}' reaches from {low:g} to {high:g}, which 32 bits do not tell apart: "
            "fit it again with an offset subtracted"
        )
    middle = (first + last) // 2
    reach = max(last - middle, middle - first)
    shift = max(0, (reach + (reach >> 12)).bit_length() - FAR)  # 2^15 itself does not fit
    knots = np.rint(edges * unit).astype(np.int64)
    for t in range(1, len(knots)):
        knots[t] = max(knots[t], knots[t - 1] + 1)
    return FixedNumber(digits, first, last, middle, shift, knots)
