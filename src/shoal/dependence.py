"""How outputs follow one column or two, exactly: one layer lets a column's part be replaced.

Z1 = b1 + Σ_columns W1[:, column] x[column], so that moving one column changes one term of a sum.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.activations import Array, get_activation
from shoal.cells import LARGEST
from shoal.errors import DataError, ParameterError
from shoal.model import Model
from shoal.table import Column
from shoal.units import column_slots, float64

MOST_LEVELS = 12
STEPS = 40
REACH = 2.0  # standard deviations to each side of the mean that a grid without rows spans


@dataclass(frozen=True)
class Sweep:
    """A network whose columns can be moved.

    Attributes
    ----------
    W, b : array
        Of the layer that the inputs enter: Z = b + W x.
    """

    model: Model
    W: Array
    b: Array

    @classmethod
    def of(cls, model: Model) -> "Sweep":
        """The first layer of a model, or its only one."""
        W1, b1, W2, b2 = float64(model.parameters)
        return cls(model, W1, b1) if len(W1) else cls(model, W2, b2)

    def outputs(self, Z: Array) -> Array:
        """What the network gives where its first layer has the sums Z (n, m): (n_outputs, m).

        Of two classes the probability of the second.
        """
        W1, _, W2, b2 = float64(self.model.parameters)
        Z2 = W2 @ get_activation(self.model.activation).g(Z) + b2 if len(W1) else Z
        return self.model.loss.output(Z2)

    def find(self, name: str) -> tuple[Column, slice]:
        """A column in use and its slots.

        Raises
        ------
        ParameterError
            If the model does not use it.
        """
        for column, slots in column_slots(self.model):
            if column.name == name:
                return column, slots
        used = ", ".join(f"'{column.name}'" for column, _ in column_slots(self.model)[:20])
        raise ParameterError(f"the model uses no column '{name}'; it uses {used}")

    def part(self, slots: slice, inputs: Array) -> Array:
        """What a column with these slots (k, width) adds to each sum, (n, k)."""
        return self.W[:, slots] @ inputs.T


def output_names(model: Model) -> list[str]:
    """What each output is called in a picture."""
    target = model.target[0] if model.target else "y"
    if model.classes is not None:
        labels = [str(label) for label in model.classes.tolist()]
        return [f"P({target} = {label})" for label in (labels[1:] if len(labels) == 2 else labels)]
    n_y = len(model.parameters.b2)
    if model.task == "multilabel":
        names = list(model.target) if len(model.target) == n_y else [f"{k}" for k in range(n_y)]
        return [f"P({name})" for name in names]
    if len(model.target) == n_y:
        return list(model.target)
    levels = getattr(model.loss, "levels", None) or range(n_y)
    return [f"{target}, {level}" for level in levels]


def grid_of(column: Column, X: Array | None, steps: int = STEPS) -> tuple[list[Any], Array]:
    """Values to move a column over, and their slots.

    Parameters
    ----------
    column : Column
    X : array (m, width) or None
        Slots of rows: a number then spans the middle 98 % of them. Without rows it spans two
        standard deviations to both sides of the mean, within the column's bounds.
    steps : int

    Returns
    -------
    values : list
        Numbers (of a date, days since 1970) or levels, the most frequent ones.
    slots : array (len(values), width)
    """
    if column.kind == "category":
        values: list[Any] = list(column.levels[:MOST_LEVELS])
        places = column.position(values)
        if column.others and len(values) < MOST_LEVELS:
            values.append("(another)")
            places = np.append(places, len(column.levels))
    elif column.kind == "boolean":
        values, places = [False, True], np.array([0.0, 1.0])
    else:
        if X is not None:
            present = X[:, 0] if column.missing == 0 else X[X[:, -1] == 0, 0]
            low, high = np.quantile(present if len(present) else X[:, 0], (0.01, 0.99))
        else:
            spread = 0.0 if column.note or column.scale > LARGEST else REACH * column.scale
            low, high = column.center - spread, column.center + spread
            low, high = max(low, column.low), min(high, column.high)
        places = np.linspace(low, high, steps)
        values = places.tolist()
    out = np.empty((len(values), column.width))
    column.fill(places, out)
    return values, out


@dataclass(frozen=True)
class Dependence:
    """Outputs as one column moves.

    Attributes
    ----------
    column : Column
    values : list
        Where the column was set: numbers or levels.
    average : array (n_values, n_outputs)
        Partial dependence: the mean over the rows, each with its other columns as they are.
    individual : array (n_rows, n_values, n_outputs)
        The same for each row: individual conditional expectation.
    outputs : list of str
    """

    column: Column
    values: list[Any]
    average: Array
    individual: Array
    outputs: list[str]

    @property
    def reach(self) -> float:
        """Difference between the highest and the lowest average, over the outputs."""
        return float(np.ptp(self.average, axis=0).max())


def partial_dependence(
    model: Model, X: Array, name: str, *, of_rows: bool = True, steps: int = STEPS
) -> Dependence:
    """Outputs as one column moves, over encoded rows.

    Parameters
    ----------
    model : Model
    X : array (m, n_x)
        As `model.columns.encode` gives them.
    name : str
        Of a column that the model uses.
    of_rows : bool
        Whether the values come from the rows; else from what the model knows of the column.
    steps : int
        Values of a number.

    Raises
    ------
    ParameterError
        If the model does not use the column.
    """
    sweep = Sweep.of(model)
    column, slots = sweep.find(name)
    values, inputs = grid_of(column, X[:, slots] if of_rows else None, steps)
    rest = sweep.W @ X.T + sweep.b - sweep.part(slots, X[:, slots])  # (n, m)
    moved = sweep.part(slots, inputs)  # (n, n_values)
    individual = np.stack(
        [sweep.outputs(rest + moved[:, k : k + 1]).T for k in range(len(values))], axis=1
    )
    return Dependence(column, values, individual.mean(axis=0), individual, output_names(model))


@dataclass(frozen=True)
class Plane:
    """Outputs over two columns.

    Attributes
    ----------
    columns : tuple of two Column
    x, y : array (n,)
        Values of the two.
    outputs : array (n_outputs, n, n)
        At [k, i, j] the output k at y[i], x[j].
    units : array (n_units, n, n)
        Z1 of some hidden units: each has its line, in bins its kinked one, where that is 0.
    shown : array of int (n_units,)
        Which units.
    """

    columns: tuple[Column, Column]
    x: Array
    y: Array
    outputs: Array
    units: Array
    shown: Array


def plane(
    model: Model,
    names: tuple[str, str],
    x: Array,
    y: Array,
    *,
    row: Array | None = None,
    most_units: int = 8,
) -> Plane:
    """Outputs over two columns of numbers, the others as in a row or the average one.

    Parameters
    ----------
    model : Model
    names : tuple of two str
    x, y : array (n,)
    row : array (n_x,), optional
        Encoded; by default the average of each slot.
    most_units : int
        Units to look at, those that move the scores most over the plane.
    """
    sweep = Sweep.of(model)
    row = model.columns.centers() if row is None else row
    parts, found, fixed = [], [], sweep.W @ row + sweep.b[:, 0]
    for name, values in zip(names, (x, y), strict=True):
        column, slots = sweep.find(name)
        if column.kind == "category":
            raise DataError(f"'{name}' is a category: the plane needs two columns of numbers")
        inputs = np.empty((len(values), column.width))
        column.fill(values, inputs)
        fixed = fixed - sweep.W[:, slots] @ row[slots]
        parts.append(sweep.part(slots, inputs))
        found.append(column)
    shown, W2 = np.empty(0, int), float64(model.parameters).W2
    if len(model.parameters.W1):
        spread = np.ptp(parts[0], axis=1) + np.ptp(parts[1], axis=1)
        crossing = (parts[0].max(1) + parts[1].max(1) + fixed > 0) & (
            parts[0].min(1) + parts[1].min(1) + fixed < 0
        )
        weight = spread * np.linalg.norm(W2, axis=0) * crossing
        shown = np.argsort(-weight, kind="stable")[: min(most_units, int((weight > 0).sum()))]
    outputs = np.stack(
        [sweep.outputs((fixed + parts[1][:, i])[:, None] + parts[0]) for i in range(len(y))], axis=1
    )
    units = fixed[shown, None, None] + parts[1][shown][:, :, None] + parts[0][shown][:, None, :]
    return Plane((found[0], found[1]), x, y, outputs, units, shown)
