"""What drives a score, in closed form, because there is one layer.

A score is z2 = Σ_j v_j g(z_j) + b2 with z_j = w_j x + b_j. On the straight line from a baseline x0
to x, d_j = w_j (x - x0), each z_j moves evenly, so that integrals along it are secants of g:

    integrated gradients   IG_i = (x_i - x0_i) Σ_j v_j w_ji D_j,   D_j = mean of g′ over z0_j, z_j
    integrated Hessians    Γ_kl = Σ_j v_j K_j c_jk c_jl                        for k ≠ l
                           Γ_kk = Σ_j v_j (K_j c_jk² + (D_j - K_j d_j) c_jk)

with c_jk = Σ w_ji (x_i - x0_i) over the inputs i of column k, and D and K of `shoal.secants`. The
contributions of all inputs add up to z2(x) - z2(x0), and those of a column are the sum of its
inputs'. Row k of Γ adds up to the contribution of column k.

Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks. Janizek, Sturmfels and
Lee (2021), Explaining explanations: axiomatic feature interactions for deep networks; by automatic
differentiation theirs are 0 for ReLU, whose second derivative is a spike: K is its integral.

All of it is computed in float64, whatever the type of the parameters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.activations import Array, get_activation
from shoal.errors import DataError, ParameterError
from shoal.lookup import Rows
from shoal.network import Parameters
from shoal.secants import curvature, secant, second_derivative
from shoal.table import Column, Columns

BLOCK = 2**19  # numbers of the largest array at a time


@dataclass(frozen=True)
class Contributions:
    """What each column adds to each score, from the baseline to the row.

    Attributes
    ----------
    values : array (m, n_y, n_columns)
        They add up to scores - baseline.
    baseline : array (n_y,)
        Scores of the baseline; of several baselines their average.
    scores : array (m, n_y)
        Scores Z2 of the rows.
    """

    values: Array
    baseline: Array
    scores: Array


class Explainer:
    """The scores of a fitted network as functions of the columns of a table.

    Parameters
    ----------
    parameters : Parameters
        In raw units of `columns`, as a Model has them.
    activation : str
    columns : Columns

    Notes
    -----
    In the methods, X is a table of m rows; `by` is "columns", or "inputs" for the inputs of the
    network, `columns.slots`, one by one; and a baseline is a table of one row or several, over
    which is averaged. By default it is the average row: each input at its average at fit. Where n
    stands in a shape, it is the number of columns, those not in use included, or of inputs.
    """

    def __init__(self, parameters: Parameters, activation: str, columns: Columns) -> None:
        self.columns = columns
        W1, b1, W2, b2 = (np.asarray(block, np.float64) for block in columns.reorder(parameters))
        if not len(W1):  # W2 x + b2 is a layer of n_y identity units, each its own output
            W1, b1, W2, activation = W2, np.zeros_like(b2), np.eye(len(b2)), "identity"
        self.parameters = Parameters(W1, b1, W2, b2)
        self.activation = activation
        widths = [column.width for column in columns.columns]
        self._places = np.argsort(columns.order)  # from `columns.inputs` to `columns.slots`
        # Inputs of each column, in the order of its slots, as places in that of the parameters.
        self.members = np.split(self._places, np.cumsum(widths)[:-1]) if widths else []
        self.block_size = max(1, BLOCK // max(W1.shape))  # rows at a time
        self._in_use = np.flatnonzero(widths)
        self._starts = np.cumsum([0, *widths])[self._in_use]

    # ---- first order ----

    def scores(self, X: Any) -> Array:
        """Scores Z2 of the rows in float64, (m, n_y)."""
        return np.concatenate([self._score(x).T for x, _ in self.blocks(X)])

    def integrated_gradients(
        self, X: Any, baseline: Any = None, *, by: str = "columns"
    ) -> Contributions:
        """What each column adds to each score."""
        W1, b1, W2, _ = self.parameters
        n, starts = self._size(by), self._baseline(baseline)
        values, scores = [], []
        for x, _ in self.blocks(X):
            total = np.zeros((len(W2), n, x.shape[1]))
            for start in starts.T[:, :, None]:  # (n_x, 1)
                dx = x - start
                D = secant(self.activation, W1 @ start + b1, W1 @ dx)
                for k, v in enumerate(W2):
                    total[k] += self._add_up(dx * (W1.T @ (v[:, None] * D)), by)
            values.append(total.transpose(2, 0, 1) / starts.shape[1])
            scores.append(self._score(x).T)
        average = self._score(starts).mean(axis=1)
        return Contributions(np.concatenate(values), average, np.concatenate(scores))

    def gradients(self, X: Any, *, by: str = "columns") -> Array:
        """Derivative of each score by each column, (m, n_y, n).

        Of numbers and dates, in their units, to the right where they are at an edge of a bin or a
        bound; NaN for what is no number: booleans, categories, missing values.
        """
        W1, b1, W2, _ = self.parameters
        found = []
        self._size(by)
        g_prime = get_activation(self.activation).g_prime
        numbers = self._numbers(X)
        for x, rows in self.blocks(X):
            G = g_prime(W1 @ x + b1)
            slopes = self._slopes(numbers, rows, by)
            dZ2 = [self._add_up(slopes.T * (W1.T @ (v[:, None] * G)), by) for v in W2]
            found.append(np.stack(dZ2).transpose(2, 0, 1))
        return self._only_numbers(np.concatenate(found), numbers, by)

    # ---- second order ----

    def second_derivatives(self, X: Any, *, by: str = "columns") -> Array:
        """Derivative of each score by each two columns, (m, n_y, n, n), see `gradients`.

        ReLU and leaky ReLU have none but 0; `interactions` is what to ask them for.
        """
        W1, b1, W2, _ = self.parameters
        n, numbers, found = self._size(by), self._numbers(X), []
        for x, rows in self.blocks(X):
            curve = second_derivative(self.activation, W1 @ x + b1)
            slopes = self._slopes(numbers, rows, by)
            for k in range(x.shape[1]):
                S = self._add_up((W1 * slopes[k]).T, by)  # (n, n_h)
                found.append(np.stack([S * (v * curve[:, k]) @ S.T for v in W2]))
        out = np.array(found).reshape(-1, len(W2), n, n)
        out = self._only_numbers(out, numbers, by)
        return self._only_numbers(out.swapaxes(2, 3), numbers, by).swapaxes(2, 3)

    def interactions(self, X: Any, baseline: Any = None, *, by: str = "columns") -> Array:
        """Integrated Hessians Γ, (m, n_y, n, n), symmetric.

        The diagonal is what a column does by itself.
        """
        return np.stack(list(self.each_interaction(X, baseline, by=by)))

    def each_interaction(
        self, X: Any, baseline: Any = None, *, by: str = "columns"
    ) -> Iterator[Array]:
        """Γ of one row after the other, (n_y, n, n)."""
        W1, b1, W2, _ = self.parameters
        n, starts = self._size(by), self._baseline(baseline)
        n_starts = starts.shape[1]
        for x, _ in self.blocks(X):
            lines = []
            for start in starts.T[:, :, None]:
                dx = x - start
                B, d = W1 @ start + b1, W1 @ dx
                K = curvature(self.activation, B, d)
                lines.append((dx, K, secant(self.activation, B, d) - K * d))
            for r in range(x.shape[1]):
                total = np.zeros((len(W2), n, n))
                for dx, K, own in lines:
                    c = self._add_up((W1 * dx[:, r]).T, by)  # (n, n_h)
                    for k, v in enumerate(W2):
                        total[k] += c * (v * K[:, r]) @ c.T + np.diag(c @ (v * own[:, r]))
                yield total / n_starts

    # ---- rows ----

    def blocks(self, X: Any) -> Iterator[tuple[Array, slice]]:
        """The inputs (n_x, some) of some rows at a time, and which rows they are."""
        inputs = self.columns.inputs(X, np.float64)
        m = inputs.shape[0]
        if not m:
            raise DataError("the table has no rows to explain")
        for start in range(0, m, self.block_size):
            rows = slice(start, min(m, start + self.block_size))
            yield _dense(inputs[rows]), rows

    def _baseline(self, baseline: Any) -> Array:
        """Inputs of the baseline rows (n_x, n_rows)."""
        if baseline is None:
            return self.columns.centers()[self.columns.order][:, None]
        inputs = self.columns.inputs(baseline, np.float64)
        if not inputs.shape[0]:
            raise DataError("the baseline has no rows: give one at least")
        return _dense(inputs)

    def _score(self, x: Array) -> Array:
        W1, b1, W2, b2 = self.parameters
        return W2 @ get_activation(self.activation).g(W1 @ x + b1) + b2

    def _size(self, by: str) -> int:
        """n: of how many columns or inputs something is said."""
        if by not in ("columns", "inputs"):
            raise ParameterError(f'by must be "columns" or "inputs", not {by!r}')
        return len(self.columns.columns) if by == "columns" else len(self._places)

    def _add_up(self, parts: Array, by: str) -> Array:
        """Parts of inputs (n_x, some) as those of columns, or of `columns.slots`: (n, some)."""
        parts = parts[self._places]
        if by == "inputs":
            return parts
        out = np.zeros((len(self.columns.columns), parts.shape[1]))
        if len(self._starts):
            out[self._in_use] = np.add.reduceat(parts, self._starts, axis=0)
        return out

    # ---- the derivative of inputs by the number that a column holds ----

    def _numbers(self, X: Any) -> dict[int, Array]:
        """Values of each column of numbers or dates, by its place."""
        found = {}
        places = (k for k, column in enumerate(self.columns.columns) if column.kind != "unused")
        for k, (column, values) in zip(places, self.columns.values(X), strict=True):
            if column.kind in ("number", "date"):
                found[k] = values
        return found

    def _slopes(self, numbers: dict[int, Array], rows: slice, by: str) -> Array:
        """Derivative of each input by its column's number, (some, n_x); of inputs themselves 1."""
        if by == "inputs":
            return np.ones((rows.stop - rows.start, self.parameters.W1.shape[1]))
        parts = [
            slot_slopes(column, numbers[k][rows])
            if k in numbers
            else np.zeros((rows.stop - rows.start, column.width))
            for k, column in enumerate(self.columns.columns)
        ]
        return np.hstack(parts)[:, self.columns.order]

    def _only_numbers(self, derivatives: Array, numbers: dict[int, Array], by: str) -> Array:
        """NaN in the last axis, that of the columns, for what is no number."""
        for k, column in enumerate(self.columns.columns if by == "columns" else ()):
            if k in numbers:
                derivatives[np.isnan(numbers[k]), ..., k] = np.nan
            elif column.kind != "unused":
                derivatives[..., k] = np.nan
        return derivatives


def slot_slopes(column: Column, values: Array) -> Array:
    """Derivative of each slot by the number that its column holds, (m, width), to the right."""
    slopes = np.zeros((len(values), column.width))
    slopes[:, 0] = (column.low <= values) & (values < column.high)
    if column.n_bins:
        at, _ = column.place(values)
        inside = np.flatnonzero((values >= column.edges[0]) & (values < column.edges[-1]))
        widths = np.maximum(np.diff(column.edges), 1e-300)
        slopes[inside, 1 + at[inside]] = 1 / widths[at[inside]]
    return slopes


def _dense(inputs: Any) -> Array:
    """Inputs (n_x, m) written out, of rows in whichever form."""
    if isinstance(inputs, Rows):
        return inputs.T.dense()
    return np.asarray((inputs.toarray() if hasattr(inputs, "tocsr") else inputs).T)
