"""What the page starts from: nothing, a table, or a model; one JSON document.

Numbers in it are in the units of the network: raw = center + scale · scaled, for each input and for
the target of a regression. Whatever was chosen on the way is a sentence of its note.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.cells import as_frame
from shoal.errors import DataError, ParameterError
from shoal.folding import fold_inputs, fold_scores
from shoal.model import Model
from shoal.network import Parameters, forward
from shoal.playground.choices import (
    choose_inputs,
    choose_plane,
    choose_rows,
    choose_scale,
    share_told,
)
from shoal.playground.notes import Note, in_words, note
from shoal.table import Column, Columns
from shoal.table_learning import learn_columns

VERSION = 1
OUTPUTS = ("sigmoid", "softmax", "identity")
HELD_OUT = 5  # one row in so many
STAND_INS = 200
MOST_CLASSES = 10


@dataclass(frozen=True)
class Target:
    """What the network is to give: labels if there are classes, else numbers to be scaled."""

    name: str
    classes: Array | None
    center: float = 0.0
    scale: float = 1.0

    @property
    def n_y(self) -> int:
        """Outputs of the network."""
        return 1 if self.classes is None or len(self.classes) == 2 else len(self.classes)

    def rows(self, y: Array) -> Array:
        """Y (n_y, m): 0 and 1 for two classes, a row for each of more, or scaled numbers."""
        if self.classes is None:
            return (y[None] - self.center) / self.scale
        is_class = (y[None] == self.classes[:, None]).astype(float)
        return is_class[1:] if len(is_class) == 2 else is_class


@dataclass(frozen=True)
class Boot:
    """The document, and the way back from the page to the table.

    Attributes
    ----------
    document : dict
    columns : Columns
        How a table becomes slots.
    inputs : array of int (n_x,)
        Which of the slots are the page's inputs.
    center, scale : array (n_x,)
        Of the inputs.
    target : Target
    notes : list of Note
        What was chosen on the way.
    """

    document: dict[str, Any]
    columns: Columns
    inputs: Array
    center: Array
    scale: Array
    target: Target
    notes: list[Note] = field(default_factory=list)

    def json(self, language: str | None = None) -> str:
        """The document as text, every digit of every number."""
        document = {"version": VERSION, **self.document}
        if language:
            document["language"] = language
        if "data" in document:
            document["data"] = document["data"] | {"note": in_words(self.notes, language or "en")}
        return json.dumps(document, allow_nan=False)

    def raw(self, parameters: Parameters) -> Parameters:
        """The page's parameters in the units of the table."""
        center, scale = np.array([self.target.center]), np.array([self.target.scale])
        return fold_scores(fold_inputs(parameters, self.center, self.scale), center, scale)

    def scaled(self, parameters: Parameters) -> Parameters:
        """Parameters in the units of the table, in those of the page."""
        center, scale = np.array([self.target.center]), np.array([self.target.scale])
        folded = fold_inputs(parameters, -self.center / self.scale, 1 / self.scale)
        return fold_scores(folded, -center / scale, 1 / scale)


def from_nothing() -> Boot:
    """The page as it is without data: the course's flower and four hidden units."""
    two = Columns((Column("x1", "number"), Column("x2", "number")), named=False)
    return Boot({}, two, np.arange(2), np.zeros(2), np.ones(2), Target("y", np.arange(2)))


def from_table(
    X: Any, y: Any, *, target: str = "y", classify: bool | None = None, plane: Sequence[str] = ()
) -> Boot:
    """The page on the rows of a table, with a network yet to be trained.

    Parameters
    ----------
    X : data frame or array (m, n_columns)
    y : array (m,)
        Labels or numbers, none of them missing.
    target : str
        Name of what y is.
    classify : bool, optional
        Whether y holds labels; by default if it is text, truths or up to ten whole numbers.
    plane : sequence of two str, optional
        Inputs to draw; by default those that tell most of y.

    Raises
    ------
    DataError
        If the table has no input, or the target has one value or more than ten classes.
    """
    X, y = _table(X), _targets(y, target)
    if len(np.unique(y)) < 2:
        raise DataError(f"the target '{target}' is {y[0]} in every row: there is nothing to learn")
    if classify is None:
        numbers = y.dtype.kind in "iuf"
        whole = numbers and bool((y == np.round(y)).all())
        classify = not numbers or (whole and len(np.unique(y)) <= MOST_CLASSES)
    columns = learn_columns(X)
    held_out = np.zeros(len(y), dtype=bool)
    held_out[np.random.RandomState(0).permutation(len(y))[: len(y) // HELD_OUT]] = True
    aim = Target(target, np.unique(y)) if classify else _of_numbers(target, y)
    said = note("held out", one_in=HELD_OUT)
    return _boot(columns, _encoded(columns, X, y), y, aim, held_out, plane, said)


def from_model(model: Model, X: Any = None, y: Any = None, *, plane: Sequence[str] = ()) -> Boot:
    """The page on a fitted network, to look into and to train on.

    Parameters
    ----------
    model : Model
        With one target, and an output that the page has.
    X, y : optional
        Rows as for `from_table`. A model keeps none: without them the page has stand-ins.
    plane : sequence of two str, optional
        Inputs to draw; by default those that tell most of y.

    Raises
    ------
    ParameterError
        If the page cannot show such a model.
    DataError
        If X or y cannot be used.
    """
    if model.loss.name not in OUTPUTS or model.task == "multilabel" or len(model.target) > 1:
        raise ParameterError(
            f"the playground shows one target and the outputs {', '.join(OUTPUTS)}; this model has "
            f"{len(model.target)} and the output {model.loss.name}"
        )
    columns, name = model.columns, model.target[0]
    n_bins = sum(column.n_bins for column in columns.columns)
    if n_bins:
        raise ParameterError(
            f"the playground shows each number as one input, and this model has {n_bins} bins of "
            "them: play the table itself, or a model of a named solver, which has none, as "
            'n_hidden=8, solver="adam" (shoal fit --hidden 8 --solver adam)'
        )
    parameters = Parameters(*(block.astype(np.float64) for block in model.parameters))
    if X is None:
        raw = _stand_ins(columns)
        y = _answers(model, parameters, raw)
        said = note("stand-ins")
    else:
        X, y = _table(X), _targets(y, name)
        raw = _encoded(columns, X, y)
        said = note("rows of a model")
    if model.classes is None:
        aim = _of_numbers(name, y)
    else:
        aim = Target(name, model.classes)
        unknown = sorted(set(y.tolist()) - set(model.classes.tolist()), key=str)
        if unknown:
            raise DataError(f"the target '{name}' is {unknown[0]!r}, which the model has not seen")
    boot = _boot(columns, raw, y, aim, np.zeros(len(y), dtype=bool), plane, said)
    blocks = boot.scaled(_without(parameters, columns, boot.inputs))._asdict()
    boot.document["network"] = {"activation": model.activation, "output": model.loss.name} | {
        block: values.tolist() for block, values in blocks.items()
    }
    return boot


# ---- what goes in ------------------------------------------------------------------------------


def _table(X: Any) -> Any:
    """A data frame as it is, all else as an array of numbers."""
    if as_frame(X) is not None:
        return X
    try:
        array = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.ndim != 2 or not len(array):
        raise DataError("X must be a data frame or an array of numbers (rows, columns), not empty")
    return array


def _targets(y: Any, name: str) -> Array:
    """Y as an array (m,) of text, truths or finite numbers."""
    array = np.asarray(y)
    if array.dtype.kind == "O" and all(isinstance(value, str) for value in array.ravel()):
        array = array.astype(str)
    array = array.ravel() if array.ndim == 2 and 1 in array.shape else array
    if array.ndim != 1 or array.dtype.kind not in "biufU" or not len(array):
        raise DataError(f"the target '{name}' must be one text, truth or number for each row")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array)))
        raise DataError(
            f"the target '{name}' is {array[row]} in row {row + 1}; leave such rows out"
        )
    return array


def _encoded(columns: Columns, X: Any, y: Array) -> Array:
    """Slots of the rows, (m, n_slots)."""
    raw = np.asarray(columns.encode(X))
    if len(raw) != len(y):
        raise DataError(f"X has {len(raw):,} rows and y has {len(y):,}: each row needs its target")
    return raw


def _of_numbers(name: str, y: Array) -> Target:
    return Target(name, None, float(y.mean()), float(y.std()) or 1.0)


def _stand_ins(columns: Columns) -> Array:
    """Rows that have of each column the average, the spread and the shares, (m, n_slots)."""
    random = np.random.RandomState(0)
    slots = []
    for column in columns.columns:
        if column.kind == "unused":
            continue
        if column.kind == "category":
            shares = np.array(column.shares)
            level = random.choice(len(shares), STAND_INS, p=shares / shares.sum())
            slots.append(np.eye(len(shares))[level])
        elif column.kind == "boolean":
            slots.append((random.rand(STAND_INS, 1) < column.center).astype(float))
        else:
            scale = column.scale if not column.note else 0.0  # constant where it is present
            slots.append(column.center + scale * random.randn(STAND_INS, 1))
        if column.missing > 0:
            slots.append(np.zeros((STAND_INS, 1)))
    return np.hstack(slots)


def _answers(model: Model, parameters: Parameters, raw: Array) -> Array:
    """What the model predicts for encoded rows, (m,)."""
    cache = forward(raw.T, parameters, activation=model.activation, output=model.loss)
    if model.classes is None:
        return cache.A2[0]
    chosen = cache.A2.argmax(axis=0) if len(cache.A2) > 1 else (cache.A2[0] > 0.5).astype(int)
    return model.classes[chosen]


def _without(parameters: Parameters, columns: Columns, inputs: Array) -> Parameters:
    """The network of some inputs, with the others held at their average."""
    rest = np.setdiff1d(np.arange(len(columns.slots)), inputs)
    W1, b1, W2, b2 = parameters
    center = columns.centers()[rest, None]
    if len(W1):
        return Parameters(W1[:, inputs], b1 + W1[:, rest] @ center, W2, b2)
    return Parameters(W1[:, inputs], b1, W2[:, inputs], b2 + W2[:, rest] @ center)


# ---- what comes out ----------------------------------------------------------------------------


def _boot(
    columns: Columns,
    raw: Array,
    y: Array,
    target: Target,
    held_out: Array,
    plane: Sequence[str],
    said: Note,
) -> Boot:
    """The document on encoded rows, (m, n_slots)."""
    if not columns.slots:
        raise DataError("no column of the table can be an input: all are constant or identifiers")
    if target.n_y > MOST_CLASSES:
        raise DataError(
            f"the target '{target.name}' has {target.n_y} classes, and the page shows up to "
            f"{MOST_CLASSES}"
        )
    Y = target.rows(y)
    told, criterion = share_told(raw, Y, target.classes is not None)
    asked_for = np.isin(columns.slots, plane)
    inputs, of_inputs = choose_inputs(np.where(asked_for, np.inf, told), criterion)
    rows, of_rows = choose_rows(len(raw), len(inputs))
    center, scale, of_scale = choose_scale(columns, inputs)
    names = [columns.slots[k] for k in inputs]
    lowest, highest = raw.min(axis=0)[inputs], raw.max(axis=0)[inputs]
    binary = np.array([set(values) <= {0.0, 1.0} for values in raw.T[inputs].tolist()])
    drawn, of_plane = choose_plane(names, ~binary, told[inputs], criterion, plane)
    held = _held(columns, raw)[inputs]

    def unit(values: Array) -> list[float]:
        return ((values - center) / scale).tolist()

    described = [
        {"name": name, "center": c, "scale": s}
        for name, c, s in zip(names, center.tolist(), scale.tolist(), strict=True)
    ]
    for k, fixed in enumerate(zip(unit(held), unit(lowest), unit(highest), strict=True)):
        if k not in drawn:
            described[k]["fixed"] = dict(zip(("value", "min", "max"), fixed, strict=True))
        if binary[k]:
            ends = ((0.0, 1.0) - center[k]) / scale[k]
            described[k]["levels"] = [
                {"name": name, "value": end} for name, end in zip("01", ends.tolist(), strict=True)
            ]
    scaled = {"name": target.name, "center": target.center, "scale": target.scale}
    of_target = [note("target", **scaled)] if target.classes is None else []
    data = {
        "inputs": described,
        "X": ((raw[rows][:, inputs] - center) / scale).T.tolist(),
        "Y": Y[:, rows].tolist(),
        "targets": [target.name],
        "held_out": held_out[rows].tolist(),
        "plane": list(drawn),
    }
    if target.classes is not None:
        whole = target.classes.dtype.kind == "f" and (target.classes % 1 == 0).all()
        labels = target.classes.astype(int) if whole else target.classes
        data["classes"] = [str(label) for label in labels.tolist()]
    notes = [*of_rows, *of_inputs, *of_plane, *of_scale, *of_target, said]
    return Boot({"data": data}, columns, inputs, center, scale, target, notes)


def _held(columns: Columns, raw: Array) -> Array:
    """Where sliders start, (n_slots,): at the median, of a category at the most frequent level."""
    held, start = np.median(raw, axis=0), 0
    for column in columns.columns:
        if column.kind == "category":
            held[start : start + len(column.levels)] = 0.0
            held[start] = 1.0  # levels come most frequent first
        start += column.width
    return held
