"""What every target shares: the network as it is handed on, and what it must answer to which rows.

A target needs less of a `Model` than Python does, and needs it so that few inputs are not 0:

- A number enters as (value - center) / scale, its value no further out than low and high. The
  scale is a power of two, so W1 times it is exact; the center goes into b1. Years or timestamps
  then cancel before they meet a weight, and weights are of one size in every column.
- Bins enter as the two knots that a value lies between, with 1 - f and f: what the inputs of
  `Column` say as 1, 1, f, 0, 0. The weights S of the knots are sums of those of the bins before
  (`shoal.lookup`): w_0 + ... + w_{t-1} + f w_t = (1 - f) S_t + f S_{t+1}, and S_0 = 0.
- A category enters as one 1.
- A value that is missing or unknown enters as fixed numbers, the column's `missing` or `unknown`.

So each target is the same few lines: make x of a row, then Eq 1 to 4.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST
from shoal.errors import DataError
from shoal.export.vectors import Cells as Cells
from shoal.export.vectors import vectors
from shoal.folding import fold_inputs
from shoal.losses import CrossEntropy
from shoal.model import Model
from shoal.network import Cache, Parameters, forward
from shoal.table import Column

# Of an output e^z: beyond, z counts as this, so that squares of outputs stay finite.
LARGEST_LOG = float(np.log(np.finfo(np.float64).max) / 2)


class Outputs(NamedTuple):
    """What a model says of m rows. What a target does not give is None."""

    scores: Array | None  # (m, n_y), Z2
    values: Array | None  # (m, n): probability of each class or label; of a regression A2
    labels: list[str] | None  # the predicted class of each row, as text


@dataclass(frozen=True)
class Input:
    """One column of the table and the part of x that it becomes.

    Attributes
    ----------
    column : Column
    place : int
        The column's place among all columns of the table, those that are not used included.
    start : int
        Its first slot in x.
    center, scale : float
        Of a number: it enters as (value - center) / scale.
    missing : tuple of float (width,)
        What the slots are for a missing value.
    unknown : tuple of float (width,)
        Of a category: what they are for a text that is none of its levels.
    """

    column: Column
    place: int
    start: int
    center: float
    scale: float
    missing: tuple[float, ...]
    unknown: tuple[float, ...]

    @property
    def is_category(self) -> bool:
        """Whether its cells are texts."""
        return self.column.kind == "category"

    @property
    def slots(self) -> slice:
        """Its part of x."""
        return slice(self.start, self.start + self.column.width)

    @property
    def bounded(self) -> bool:
        """Whether there are values that count as low or high."""
        return self.column.low > -LARGEST or self.column.high < LARGEST

    @property
    def words(self) -> str:
        """What a cell of it holds, for a comment."""
        column = self.column
        name = harmless(column.name)
        if self.is_category:
            return f"{name}: a text, one of {listed_briefly(column.levels)}"
        kinds = {"boolean": "0 or 1", "date": "days since 1970-01-01"}
        bounds = f" from {column.low:g} to {column.high:g}" if self.bounded else ""
        return f"{name}: {kinds.get(column.kind, 'a number')}{bounds}"

    def slot_names(self) -> list[str]:
        """What each slot stands for."""
        column = self.column
        if self.is_category:
            return list(column.slots)
        knots = [f"{column.name} at {edge:.6g}" for edge in column.edges[1:]]
        missing = [f"{column.name} is missing"] if column.missing > 0 else []
        return [column.name, *knots, *missing]


class Prepared:
    """A model as a target writes it.

    Attributes
    ----------
    model : Model
        With its parameters in float64.
    inputs : tuple of Input
        The columns in use, in the table's order.
    parameters : Parameters
        float64, of x as described above.
    rows : Cells
        The test vectors: typical values, bounds, each kind of missing, rare and unseen texts.
    expected : Outputs
        What the model says of them.
    """

    def __init__(self, model: Model) -> None:
        parameters = Parameters(*(block.astype(np.float64) for block in model.parameters))
        self.model = Model(
            parameters,
            model.activation,
            model.loss,
            model.columns,
            model.target,
            model.classes,
            model.training,
        )
        self.inputs = tuple(_inputs(model))
        self.parameters = _parameters(parameters, self.inputs)
        self.rows = vectors([entry.column for entry in self.inputs])

    @property
    def n_x(self) -> int:
        """Inputs of the network."""
        return sum(entry.column.width for entry in self.inputs)

    @property
    def n_h(self) -> int:
        """Hidden units; 0 for none."""
        return len(self.parameters.W1)

    @property
    def n_y(self) -> int:
        """Scores."""
        return len(self.parameters.W2)

    @property
    def classes(self) -> list[str | int | float | bool] | None:
        """Labels of the classes, as Python's own."""
        return None if self.model.classes is None else self.model.classes.tolist()

    @property
    def value_names(self) -> list[str]:
        """What each of the outputs' values is of: a class, a target or a quantile."""
        levels = getattr(self.model.loss, "levels", None)
        names = self.classes or levels or self.model.target
        if len(names) != max(self.n_y, len(self.classes or ())):
            names = [f"{k + 1}" for k in range(self.n_y)]
        return [str(name) for name in names]

    @property
    def output(self) -> str:
        """Which of the few output functions Eq 4 is."""
        model = self.model
        if model.task != "regression":
            return model.task
        kinds = {"quantile": "sorted", "poisson": "log", "gamma": "log", "tweedie": "log"}
        return kinds.get(model.loss.name, "identity")

    @property
    def size(self) -> str:
        """The network in words."""
        hidden = f"{self.n_h} {self.model.activation} units, " if self.n_h else ""
        return f"{self.n_x} inputs, {hidden}{self.n_y} score{'s' if self.n_y > 1 else ''}"

    @property
    def blocks(self) -> dict[str, Array]:
        """The parameters by name: W1 (n_h, n_x), b1 (n_h,), W2 (n_y, n_h), b2 (n_y,).

        Without a hidden layer only W2 (n_y, n_x) and b2.
        """
        W1, b1, W2, b2 = self.parameters
        hidden = {"W1": W1, "b1": b1[:, 0]} if self.n_h else {}
        return hidden | {"W2": W2, "b2": b2[:, 0]}

    @property
    def single(self) -> bool:
        """Whether a prediction is one number."""
        return self.model.task == "regression" and self.n_y == 1

    @property
    def predict_words(self) -> str:
        """What a prediction is."""
        words = {
            "binary": "the more probable class",
            "multiclass": "the most probable class",
            "multilabel": "0 or 1 for each label",
        }
        return words.get(self.model.task, "the value" if self.single else "the values")

    @property
    def values_words(self) -> str:
        """What the values are."""
        words = {
            "binary": "the probability of each class",
            "multiclass": "the probability of each class",
            "multilabel": "the probability of each label",
            "sorted": "the quantiles",
        }
        return f"{words.get(self.output, 'the values')}: {listed_briefly(self.value_names)}"

    @property
    def residuals(self) -> list[list[float]] | None:
        """Of a regression that knows rows held out: sizes of their residuals at rising shares."""
        found = self.model.training.get("residuals")
        return found if found and self.model.task == "regression" else None

    @cached_property
    def expected(self) -> Outputs:
        """What the model says of `rows`."""
        return self.reference(self.rows)

    @property
    def tests(self) -> dict[str, list[Any]]:
        """The test vectors as JSON says them: rows, scores, values and labels."""
        scores, values, labels = self.expected
        arrays = {"scores": scores, "values": values}
        said = {name: array.tolist() for name, array in arrays.items() if array is not None}
        return {"rows": as_rows(self.rows), **said, "labels": labels or []}

    @cached_property
    def rounding(self) -> float:
        """What rounding alone can change in a score, relative to what is above 1.

        It is below 1e-12 unless much cancels: large terms in a small score, or, in the biases,
        centers a million times as far from 0 as the column's values are from each other.
        """
        W1, _, W2, b2 = self.model.parameters
        lost = np.abs(W1 if self.n_h else W2) @ np.abs(self.model.columns.centers())
        lost = np.abs(W2) @ lost if self.n_h else lost
        cache = self._forward(self.rows)
        terms = np.abs(W2) @ np.abs(cache.A1) + np.abs(b2)
        terms = terms / np.maximum(1, np.abs(cache.Z2))
        in_sums = 8 * np.finfo(np.float64).eps * terms.max(initial=0)
        in_biases = 10 * np.finfo(np.longdouble).eps * lost.max(initial=0)
        return float(in_sums + in_biases)

    def reference(self, cells: Cells) -> Outputs:
        """What the model says, computed by `shoal.network.forward` in float64.

        The centers are subtracted from the inputs first, and folded into the biases in more digits
        where the machine has them: W x loses digits where x is far from 0, like a year.
        """
        _, _, Z2, A2 = self._forward(cells)
        chosen = Z2.argmax(axis=0)
        if self.model.task == "binary":
            A2 = CrossEntropy().output(np.concatenate([np.zeros_like(Z2), Z2]))
            chosen = (Z2[0] > 0).astype(int)
        return Outputs(Z2.T, A2.T, self.labels(chosen))

    def _forward(self, cells: Cells) -> Cache:
        """The reference's forward pass."""
        model = self.model
        X = np.empty((n_rows(cells), self.n_x))
        for entry, values in zip(self.inputs, cells, strict=True):
            column = entry.column
            numbers = column.position(values) if isinstance(values, list) else values
            column.fill(numbers, X[:, entry.slots])
        centers = model.columns.centers()
        longer = Parameters(*(block.astype(np.longdouble) for block in model.parameters))
        longer = fold_inputs(longer, -centers.astype(np.longdouble), np.ones(self.n_x))
        parameters = Parameters(*(block.astype(np.float64) for block in longer))
        X = (X - centers).T
        return forward(X, parameters, activation=model.activation, output=model.loss)

    def labels(self, chosen: Iterable[int]) -> list[str] | None:
        """Labels, as text, of indices of classes; None where there are no classes."""
        classes = self.classes
        return None if classes is None else [str(classes[k]) for k in chosen]

    def cells(self, X: Any) -> Cells:
        """The cells of a table, a data frame or an array."""
        if hasattr(X, "tocsr"):
            X = X.toarray()
        return [values for _, values in self.model.columns.cells(X)]


def n_rows(cells: Cells) -> int:
    """Number of rows of a table's cells; 1 where no column is in use."""
    return len(cells[0]) if len(cells) else 1


def as_rows(cells: Cells) -> list[list[float | str | None]]:
    """The same cells row by row, whatever is missing as None: what JSON can say."""
    columns = [
        values if isinstance(values, list) else [None if v != v else v for v in values.tolist()]
        for values in cells
    ]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[]]


def deviation(outputs: Outputs, expected: Outputs) -> float:
    """The largest of all deviations: of probabilities as they are, else relative to max(1, |v|)."""
    largest = 0.0
    for got, right in zip(outputs[:2], expected[:2], strict=True):
        if got is not None and right is not None and right.size:
            if got.shape != right.shape:
                raise DataError(f"outputs {got.shape} must be of shape {right.shape}")
            difference = np.abs(got - right) / np.maximum(1, np.abs(right))
            worst = difference.max()
            largest = max(largest, math.inf if worst != worst else float(worst))
    return largest


def listed_briefly(names: Sequence[object]) -> str:
    """Names for a comment, the first eight."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(harmless(name) for name in names[:8]) + more


def harmless(name: object) -> str:
    """A name for a comment of any language: nothing in it ends one, or has a meaning."""
    text = re.sub(r"[^\w .,:;=+()%°-]", "_", str(name))
    return text if len(text) <= 60 else text[:57] + "..."


def identifier(name: str) -> str:
    """A name as an identifier of any language."""
    text = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")[:40]
    return text if re.match(r"[A-Za-z]", text) else f"model_{text}".strip("_")


def record(entry: Input) -> dict[str, Any]:
    """One column as JSON says it; the targets in Python and JavaScript take it like that, too."""
    column = entry.column
    said: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if entry.is_category:
        said |= {"levels": list(column.levels), "unknown": list(entry.unknown)}
    else:
        said |= {"low": column.low, "high": column.high}
        said |= {"center": entry.center, "scale": entry.scale, "knots": list(column.edges)}
    return said | {"missing": list(entry.missing)}


# ---- the inputs and their weights ---------------------------------------------------------------


def _inputs(model: Model) -> list[Input]:
    inputs, start = [], 0
    for place, column in enumerate(model.columns.columns):
        if column.kind == "unused":
            continue
        present = (0.0,) * (column.width - (column.missing > 0))
        indicated = (*present, 1.0) if column.missing > 0 else ()
        average = column.slot_centers
        unknown: tuple[float, ...] = ()
        if column.kind == "category":
            center, scale = 0.0, 1.0
            others = np.eye(column.width)[len(column.levels)] if column.others else average
            unknown, missing = tuple(map(float, others)), indicated or average
        else:
            center = column.center
            scale = 2.0 ** float(np.clip(np.round(np.log2(column.scale)), -300, 300))
            knots = -np.diff(column.shares, append=0.0) if column.shares else ()
            missing = (0.0, *map(float, knots), *((1.0,) if column.missing > 0 else ()))
        inputs.append(Input(column, place, start, center, scale, missing, unknown))
        start += column.width
    return inputs


def _parameters(parameters: Parameters, inputs: Sequence[Input]) -> Parameters:
    """The network of x as this module makes it, from that of `Columns.encode`."""
    W1, b1, W2, b2 = parameters
    W = (W1 if len(W1) else W2).copy()
    b = (b1 if len(W1) else b2).astype(np.longdouble)  # it cancels where a center is far from 0
    for entry in inputs:
        if not entry.is_category:
            first = entry.start
            b[:, 0] += W[:, first] * np.longdouble(entry.center)
            W[:, first] *= entry.scale
            bins = slice(first + 1, first + 1 + entry.column.n_bins)
            W[:, bins] = W[:, bins].cumsum(axis=1)
    b = b.astype(np.float64)
    return Parameters(W, b, W2, b2) if len(W1) else Parameters(W1, b1, W, b)
