"""What the scores can be at most and at least over a box of tables, and how fast they can change.

A column acts on the network through one number or one level, however many inputs it has. What it
adds to a unit, or to any linear function of the units, is piecewise linear in a number, so its
extremes are at the ends of its range, the edges of its bins and its bounds: the corners below. So

1. each z_j lies between b_j and the sums over the columns of their least and greatest part;
2. on that interval g lies between two lines, α z + β; which α is free, and β follows from it;
3. with lines for g a score is a linear function of the columns' parts, and again the sum of the
   columns' extremes. With α = 0 these are the bounds of interval arithmetic.

Zhang, Weng, Chen, Hsieh and Daniel (2018), Efficient neural network robustness certification with
general activation functions; and Xu et al. (2021), Fast and complete, for improving α.
All bounds are widened by more than the rounding of their own computation.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from shoal.activations import Array, get_activation
from shoal.attribution import Explainer, slot_slopes
from shoal.errors import ParameterError
from shoal.secants import secant
from shoal.table import Column

CLIMBS = 20  # steps in which the lines are improved
# Where g′ turns, ± what stands here, and whose jumps at 0.
_TURNS = {"sigmoid": 0.0, "tanh": 0.0, "silu": 2.3993572805154675, "gelu": 1.4185040087908285}
_KINKED = ("relu", "leaky_relu")


class Box:
    """A set of rows: for each column a range of numbers, or some of its levels.

    Parameters
    ----------
    explainer : Explainer
    box : mapping, optional
        Column name to (low, high) for numbers and dates, to the values there may be for booleans
        and categories, or to a single value; None stands for a missing one. A column that is not
        named may hold anything.
    """

    def __init__(self, explainer: Explainer, box: Mapping[str, Any] | None = None) -> None:
        box = {} if box is None else dict(box)
        self.columns = explainer.columns.columns
        names = [column.name for column in self.columns]
        for name in box:
            if name not in names:
                raise ParameterError(f"the box names {name!r}, which is no column of the model")
        W1, b1, W2, b2 = explainer.parameters
        self.W1, self.b1, self.W2, self.b2 = W1, b1[:, 0], W2, b2[:, 0]
        self.activation = explainer.activation
        self.values = [_allowed(column, box.get(column.name, ...)) for column in self.columns]
        # The weights of each column's inputs, and what they add to Z1 at its corners: (n_h, some).
        self.of_column: list[Array] = []
        self.parts: list[Array] = []
        for column, values, inputs in zip(
            self.columns, self.values, explainer.members, strict=True
        ):
            slots = np.zeros((len(values), column.width))
            if column.kind != "unused":
                column.fill(values, slots)
            self.of_column.append(W1[:, inputs])
            self.parts.append(self.of_column[-1] @ slots.T)
        # Of each sum over the inputs: the most that rounding can add up to.
        n = W1.shape[1] + len(W1) + 16
        self.rounding = n * np.finfo(float).eps
        self.reach = sum((np.abs(part).max(axis=1) for part in self.parts), np.abs(self.b1))
        slack = self.rounding * self.reach
        self.low = sum((part.min(axis=1) for part in self.parts), self.b1) - slack
        self.high = sum((part.max(axis=1) for part in self.parts), self.b1) + slack

    # ---- scores ----

    def bounds(self, V: Array, constant: Array) -> Array:
        """Least and greatest value of V A1 + constant, (n, 2); V (n, n_h), constant (n,)."""
        least = [self._least(v) + c for v, c in zip(V, constant, strict=True)]
        greatest = [-self._least(-v) + c for v, c in zip(V, constant, strict=True)]
        return np.stack([least, greatest], axis=1)

    def _least(self, v: Array) -> float:
        """Least value of v A1: the best of lines through 0, of good lines, and of those improved.

        The bound is concave in α, and its slope v_j (z_j - t_j), where z_j is that of the corners
        at which the columns are least, and t_j where the line touches g.
        """
        g, g_prime = get_activation(self.activation).g, get_activation(self.activation).g_prime
        low, high = self.low, self.high
        middle = (low + high) / 2
        # A line below g where v > 0, above it where v < 0: below sign · g in any case.
        sign = np.where(v < 0, -1.0, 1.0)
        slopes = [
            np.zeros_like(low),
            secant(self.activation, low, high - low),
            *(g_prime(z) for z in (low, middle, high)),
            secant(self.activation, low, middle - low),
            secant(self.activation, middle, high - middle),
        ]
        touching = [self._touch(slope, sign) for slope in slopes]
        heights = [
            sign * (slope * (middle - t) + g(t)) for slope, t in zip(slopes, touching, strict=True)
        ]
        best = np.argmax(heights, axis=0)
        alpha = np.choose(best, slopes)
        found = self._value(v, slopes[0], touching[0])[0]
        step = np.ptp(slopes, axis=0) / 4
        for k in range(CLIMBS):
            t = self._touch(alpha, sign)
            value, z = self._value(v, alpha, t)
            found = max(found, value)
            uphill = np.sign(v * (z - t))
            alpha = alpha + uphill * step / (1 + k)
        return found

    def _value(self, v: Array, alpha: Array, t: Array) -> tuple[float, Array]:
        """The bound with lines of slopes alpha that touch g at t, and the z where it is reached."""
        g = get_activation(self.activation).g
        weights, z = v * alpha, self.b1.copy()
        offset = v * (g(t) - alpha * t)
        total = offset.sum() + weights @ self.b1
        for part in self.parts:
            sums = weights @ part
            corner = int(sums.argmin())
            total += sums[corner]
            z += part[:, corner]
        size = np.abs(weights) @ (self.reach + np.abs(t)) + np.abs(v) @ np.abs(g(t))
        return float(total - 2 * self.rounding * size), z

    def _touch(self, alpha: Array, sign: Array) -> Array:
        """Where in its interval sign · (g(z) - α z) is least.

        At an end, at a kink, or where g′ = α, which is found by halving where g′ is monotone.
        """
        activation = get_activation(self.activation)
        low, high = self.low, self.high
        points = [low, high]
        if self.activation in _KINKED:
            points.append(np.clip(0, low, high))
        elif self.activation != "identity":
            points.extend(self._crossings(alpha))
        at = np.stack(points)
        heights = sign * (activation.g(at) - alpha * at)
        return np.take_along_axis(at, heights.argmin(axis=0)[None], axis=0)[0]

    def _crossings(self, alpha: Array) -> Array:
        """Where g′ = α, in each part of the interval in which g′ is monotone, (n_parts, n_h)."""
        g_prime = get_activation(self.activation).g_prime
        edges = np.array([-800.0, *self._turns(), 800.0])[:, None]
        edges = np.clip(edges, self.low, self.high)
        a, b = edges[:-1], edges[1:]
        rises = g_prime(b) > g_prime(a)
        for _ in range(40):  # leaves at most 1.5e-9, whose square is what it matters by
            z = (a + b) / 2
            is_beyond = (g_prime(z) > alpha) == rises
            a, b = np.where(is_beyond, a, z), np.where(is_beyond, z, b)
        return (a + b) / 2

    def _turns(self) -> list[float]:
        turn = _TURNS.get(self.activation)
        return [] if turn is None else sorted({-turn, turn})

    # ---- slopes ----

    def lipschitz(self, V: Array) -> Array:
        """Of each row of V A1, the most that each column changes it; see `Model.lipschitz`."""
        g_low, g_high = self._g_prime_range()
        out = np.zeros((len(V), len(self.columns)))
        for k, (column, part) in enumerate(zip(self.columns, self.parts, strict=True)):
            if column.kind == "unused":
                continue
            changes = self._changes(column, k, part)
            for c, v in enumerate(V):
                for block in changes:  # (n_h, some)
                    ends = np.stack([(v * g_low)[:, None] * block, (v * g_high)[:, None] * block])
                    most = ends.max(axis=0).sum(axis=0)
                    least = ends.min(axis=0).sum(axis=0)
                    out[c, k] = max(out[c, k], np.maximum(most, -least).max(initial=0))
        return out * (1 + 2 * self.rounding)

    def _changes(self, column: Column, k: int, part: Array) -> list[Array]:
        """How fast a column's number changes Z1 in each of its pieces, or how much its levels do.

        (n_h, some) each; a level can become any other.
        """
        if column.kind in ("number", "date"):
            knots = self.values[k][~np.isnan(self.values[k])]
            middles = (knots[:-1] + knots[1:]) / 2
            return [self.of_column[k] @ slot_slopes(column, middles).T]
        return [part[:, i + 1 :] - part[:, [i]] for i in range(part.shape[1] - 1)]

    def _g_prime_range(self) -> tuple[Array, Array]:
        """Least and greatest g′ of each unit: at an end of its interval, or where g′ turns."""
        g_prime = get_activation(self.activation).g_prime
        turns = [np.clip(turn, self.low, self.high) for turn in self._turns()]
        points = [self.low, self.high, *turns]
        slopes = np.stack([g_prime(z) for z in points])
        return slopes.min(axis=0), slopes.max(axis=0)


def _allowed(column: Column, given: Any) -> Array:
    """The corners of what a column may hold: numbers, missing as NaN, or positions of levels."""
    anything = given is ...
    if column.kind == "unused":
        return np.zeros(1)
    if column.kind == "category":
        if anything:
            return np.arange(column.width + 1)  # the last is an unknown one
        return np.unique(column.position([None if v is None else str(v) for v in _set(given)]))
    if column.kind == "boolean":
        values = (False, True, None) if anything else _set(given)
        return np.unique([_number(column, value) for value in values])
    if not anything and (given is None or not _is_pair(given)):
        return np.array([_number(column, given)])
    low, high = (column.low, column.high) if anything else (_number(column, v) for v in given)
    if not low <= high:
        raise ParameterError(
            f"the range of column '{column.name}' must be (low, high), not {given!r}"
        )
    inner = [v for v in (column.low, *column.edges, column.high) if low < v < high]
    return np.array([*sorted({low, *inner, high}), *([np.nan] if anything else [])])


def _is_pair(given: Any) -> bool:
    return isinstance(given, (tuple, list, np.ndarray)) and len(given) == 2


def _set(given: Any) -> list[Any]:
    """The values of a set, list or tuple; a single value is one."""
    values = list(given) if isinstance(given, (set, frozenset, list, tuple)) else [given]
    if not values:
        raise ParameterError("the box has a column without values: leave it out, or give some")
    return values


def _number(column: Column, value: Any) -> float:
    """A number, the days of a date, or NaN for None."""
    if value is None:
        return np.nan
    try:
        if column.kind == "date" and isinstance(value, (str, date)):
            moment = datetime.fromisoformat(str(value))
            return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / 86_400
        return float(value)
    except (TypeError, ValueError):
        raise ParameterError(
            f"column '{column.name}' is a {column.kind}, and the box has {value!r}: give "
            "(low, high), or a single value"
        ) from None
