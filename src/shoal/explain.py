"""Asking a fitted model what it has learnt: which columns count, which act together, and how.

`Model.explain` says what drove each row. The functions here say the rest, and take a `Model`:
`importance` and `interactions` of columns over a whole table, `gradients` and
`second_derivatives` of the scores, `breakpoints` between two rows, and `steps`, the forward pass of
rows with all its numbers.
The formulas are in `shoal.attribution`.
"""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from shoal.activations import Array, get_activation
from shoal.cells import as_frame, frame_like
from shoal.errors import DataError, ParameterError
from shoal.model import Model
from shoal.network import Parameters, forward


def importance(
    model: Model,
    X: Any,
    y: Any = None,
    *,
    baseline: Any = None,
    repeats: int = 5,
    random_state: int = 0,
) -> Any:
    """How much each column counts over a table, two ways.

    Parameters
    ----------
    model : Model
    X : table of m rows
    y : array (m,) or (m, n_targets), optional
        Targets as at fit; with them there are the two columns of permutation.
    baseline : table, optional
        See `Model.explain`.
    repeats : int, default=5
        How many times each column is shuffled.
    random_state : int, default=0
        The same gives the same figures.

    Returns
    -------
    data frame of the kind of X; of polars if X is an array
        A row for each column of the table that is in use, those that count most first:

        - `column`, its name
        - `contribution`, the mean size of its contributions (`Model.explain`) over the rows, and
          over the scores where there are several: how much the model uses it
        - `loss_increase`, by how much the model's mean loss grows if the column is shuffled, on
          average over the repeats: how much the predictions need it. A column that says what
          others say, too, may be much used and little needed. Below 0 it is chance, or misleads.
        - `loss_increase_sd`, the standard deviation of that over the repeats
    """
    found = model.explainer.integrated_gradients(X, baseline)
    used = [k for k, column in enumerate(model.columns.columns) if column.kind != "unused"]
    sizes = np.abs(found.values).mean(axis=(0, 1))[used]
    table: dict[str, Any] = {
        "column": np.array([model.columns.columns[k].name for k in used], dtype=object),
        "contribution": sizes,
    }
    if y is not None:
        increase = _permute(model, X, targets(model, y, len(found.scores)), repeats, random_state)
        table["loss_increase"] = increase[:, used].mean(axis=0)
        table["loss_increase_sd"] = increase[:, used].std(axis=0)
    order = np.argsort(-sizes, kind="stable")
    return frame_like(X, {name: values[order] for name, values in table.items()})


def _permute(model: Model, X: Any, Y: Array, repeats: int, random_state: int) -> Array:
    """Growth of the mean loss (repeats, n_columns) by shuffling each column.

    The inputs of a column move together; only its part of Z1 is computed again.
    """
    if isinstance(repeats, bool) or not isinstance(repeats, (int, np.integer)) or repeats < 1:
        raise ParameterError(f"repeats must be a whole number above 0, not {repeats!r}")
    explainer = model.explainer
    W1, b1, W2, b2 = explainer.parameters
    g = get_activation(explainer.activation).g
    random = np.random.default_rng(random_state)
    x = np.hstack([block for block, _ in explainer.blocks(X)])  # (n_x, m)
    m = x.shape[1]
    size = explainer.block_size
    orders = [random.permutation(m) for _ in range(repeats)]
    before, after = 0.0, np.zeros((repeats, len(explainer.members)))
    for start in range(0, m, size):
        rows = slice(start, start + size)
        Z1 = W1 @ x[:, rows] + b1
        before += model.loss.losses(W2 @ g(Z1) + b2, Y[:, rows]).sum()
        for k, inputs in enumerate(explainer.members):
            own = x[inputs]
            for r, order in enumerate(orders if len(inputs) else ()):
                Z = Z1 + W1[:, inputs] @ (own[:, order[rows]] - own[:, rows])
                after[r, k] += model.loss.losses(W2 @ g(Z) + b2, Y[:, rows]).sum()
    return (after - before) / m


def interactions(model: Model, X: Any, *, baseline: Any = None) -> Any:
    """Which columns act together: the mean size of their integrated Hessians over a table.

    Parameters
    ----------
    model : Model
    X : table of m rows
    baseline : table, optional
        See `Model.explain`.

    Returns
    -------
    data frame of the kind of X; of polars if X is an array
        `first`, `second` and `interaction` of each two columns in use, greatest first. It is the
        mean, over rows and scores, of the size of Γ_kl + Γ_lk: what the two add to a score beyond
        what each adds by itself. 0 where the model is additive in them.
    """
    names = [column.name for column in model.columns.columns]
    used = [k for k, column in enumerate(model.columns.columns) if column.kind != "unused"]
    pairs = list(combinations(used, 2))
    m, total = 0, np.zeros((len(names), len(names)))
    for G in model.explainer.each_interaction(X, baseline):  # (n_y, n_columns, n_columns)
        m, total = m + 1, total + np.abs(2 * G).mean(axis=0)
    sizes = np.array([total[pair] / m for pair in pairs])
    order = np.argsort(-sizes, kind="stable")
    table = {
        "first": [names[pairs[i][0]] for i in order],
        "second": [names[pairs[i][1]] for i in order],
        "interaction": sizes[order],
    }
    return frame_like(X, table)


def gradients(model: Model, X: Any) -> Array:
    """Derivative of each score of `Model.explain` by each column, (m, n_y, n_columns).

    By the number that a number or date column holds, in its unit (a day); to the right where it is
    at an edge of a bin or a bound. NaN for what is no number: booleans, categories, missing values.
    `model.explainer.gradients(X, by="inputs")` is by the inputs of the network.
    """
    return model.explainer.gradients(X)


def second_derivatives(model: Model, X: Any) -> Array:
    """Derivative of each score by each two columns, (m, n_y, n_columns, n_columns).

    See `gradients`. Of ReLU and leaky ReLU they are 0; `interactions` says how columns act
    together in those, too.
    """
    return model.explainer.second_derivatives(X)


class Steps(NamedTuple):
    """The forward pass of some rows; examples are columns, as in the course."""

    X: Array  # (n_x, m), inputs in the order of `columns.slots`
    Z1: Array  # (n_h, m)
    A1: Array  # (n_h, m); X where n_h = 0
    Z2: Array  # (n_y, m)
    A2: Array  # (n_y, m)


def steps(model: Model, X: Any) -> Steps:
    """The forward pass of rows with the model's own parameters, in float64 (Eq 1 to 4)."""
    parameters = Parameters(*(block.astype(np.float64) for block in model.parameters))
    inputs = model.columns.encode(X, dtype=np.float64)
    x = np.asarray(inputs.toarray() if hasattr(inputs, "tocsr") else inputs).T
    return Steps(x, *forward(x, parameters, activation=model.activation, output=model.loss))


class Pieces(NamedTuple):
    """The scores along a line between two rows, in pieces that are straight."""

    t: Array  # (n + 1,), from 0 at the first row to 1 at the second
    scores: Array  # (n + 1, n_y), of `Model.explain`, at each t
    slopes: Array  # (n, n_y), derivative of the scores by t, in each piece
    units: Array  # (n - 1,), the hidden unit that bends between two pieces; -1: a column does


def breakpoints(model: Model, start: Any, stop: Any) -> Pieces:
    """Where the scores bend on the way from one row to another, exactly. Of ReLU and leaky ReLU.

    Numbers and dates move evenly, and may bend at their bounds and at the edges of their bins; of
    all else the inputs of the network move evenly. Between two bends the scores are straight.

    Parameters
    ----------
    model : Model
    start, stop : table of one row

    Returns
    -------
    Pieces
    """
    if model.activation not in ("relu", "leaky_relu") and len(model.parameters.W1):
        raise ParameterError(f"{model.activation} units do not bend at a point: they are smooth")
    explainer, columns = model.explainer, model.columns
    W1, b1, W2, b2 = explainer.parameters
    ends = [columns.encode(row, dtype=np.float64) for row in (start, stop)]
    if [len(end) for end in ends] != [1, 1]:
        raise DataError("a line is between two rows: give a table of one row for each end")
    numbers = []  # of each column that moves evenly: where its inputs begin, itself, its ends
    places = np.cumsum([0, *(column.width for column in columns.columns)])
    in_use = [k for k, column in enumerate(columns.columns) if column.kind != "unused"]
    both = zip(in_use, columns.values(start), columns.values(stop), strict=True)
    for k, (column, [a]), (_, [b]) in both:
        if column.kind in ("number", "date") and not np.isnan(a + b):
            numbers.append((places[k], column, float(a), float(b)))

    def inputs(t: Array) -> Array:
        """(n_x, n) at each t."""
        rows = ends[0] + t[:, None] * (ends[1] - ends[0])
        for place, column, a, b in numbers:
            column.fill(a + t * (b - a), rows[:, place : place + column.width])
        return np.asarray(rows.T[columns.order])

    knots = {0.0, 1.0}
    for _, column, a, b in numbers:
        at = [(edge - a) / (b - a) for edge in (column.low, *column.edges, column.high) if a != b]
        knots.update(t for t in at if 0 < t < 1)
    bends = np.array(sorted(knots))
    Z = W1 @ inputs(bends) + b1
    # Between two knots each z is straight: where it changes its sign, its unit bends.
    j, i = np.nonzero(Z[:, :-1] * Z[:, 1:] < 0)
    share = Z[j, i] / (Z[j, i] - Z[j, i + 1])
    crossings = bends[i] + share * (bends[i + 1] - bends[i])
    order = np.argsort(np.concatenate([bends, crossings]), kind="stable")
    t = np.concatenate([bends, crossings])[order]
    units = np.concatenate([np.full(len(bends), -1), j])[order]
    middles = (t[:-1] + t[1:]) / 2
    piece = np.clip(np.searchsorted(bends, middles, side="right") - 1, 0, len(bends) - 2)
    speed = np.diff(Z, axis=1) / np.diff(bends)  # dz/dt (n_h, n_knots - 1)
    activation = get_activation(explainer.activation)
    bent = activation.g_prime(W1 @ inputs(middles) + b1) * speed[:, piece]
    scores = W2 @ activation.g(W1 @ inputs(t) + b1) + b2
    return Pieces(t, scores.T, (W2 @ bent).T, units[1:-1])


def targets(model: Model, y: Any, m: int) -> Array:
    """Y (n_y, m) of the loss, from targets as they are given at fit.

    Raises
    ------
    DataError
        If there is not one target for each of m rows, or one that the model does not know.
    """
    frame = as_frame(y)
    Y = np.asarray(y if frame is None else frame.to_native())
    Y = Y[:, 0] if Y.ndim == 2 and Y.shape[1] == 1 else Y
    if len(Y) != m:
        raise DataError(f"there are {m} rows but {len(Y)} targets: each row needs its target")
    if model.classes is not None:
        one_of = Y[:, None] == model.classes
        unknown = ~one_of.any(axis=1) if one_of.ndim == 2 else np.ones(m, bool)
        if unknown.any():
            row = int(unknown.argmax())
            raise DataError(
                f"the target is {Y.tolist()[row]!r} in row {row + 1}, and the model has never "
                "seen that: leave such rows out"
            )
        return (one_of[:, 1:] if model.task == "binary" else one_of).T.astype(float)
    Y = Y.reshape(m, -1).T.astype(float)
    model.loss.check(Y)
    return Y
