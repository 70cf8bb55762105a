"""What a report is made from: a model, rows, and what the one makes of the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from shoal.activations import Array
from shoal.cells import as_days, as_frame, as_numbers, as_text
from shoal.errors import DataError, ParameterError
from shoal.explain import importance, targets
from shoal.judging import Judgement, confidence
from shoal.model import Model
from shoal.network import GradientCheck, gradient_check
from shoal.scores import (
    Rows,
    Scores,
    folds,
    score,
    score_baselines,
    score_many_labels,
    score_values,
    summarise,
)
from shoal.table import Column, Columns
from shoal.units import Units, examine_units

FOLDS = 5
FEWEST = 20  # rows of which baselines can be cross-validated
MOST_JUDGED_BASELINES = 10_000
SAMPLE = 1_000  # rows that units, importance and partial dependence are looked at on
CHECKED_ROWS, CHECKED_ENTRIES = 60, 100


@dataclass(frozen=True)
class Evidence:
    """A model and the rows it is judged on.

    Attributes
    ----------
    model : Model
    rows : Rows
        Those it is judged on: X a polars frame that the model reads, y labels or values, (m,) or
        (m, n_y).
    learnt : Rows or None
        Those it has learnt from, where they are known.
    unseen : bool or None
        Whether the rows are known not to be among those learnt from.
    with_rows : bool
        Whether anything of single rows may be shown.
    numbers : array of int (m,) or None
        Which row of the table each is, counted from 1; by default as they come.
    """

    model: Model
    rows: Rows
    learnt: Rows | None = None
    unseen: bool | None = None
    with_rows: bool = True
    numbers: Array | None = None

    @property
    def classify(self) -> bool:
        """Whether it is a classifier of one label."""
        return self.model.classes is not None

    @cached_property
    def prediction(self) -> Array:
        """Predicted label, labels or value of each row; of several quantiles the middle one."""
        found = self.model.predict(self.rows.X)
        if self.model.task == "regression" and found.ndim == 2 and self.rows.y.ndim == 1:
            return found[:, found.shape[1] // 2]
        return found

    @cached_property
    def probability(self) -> Array:
        """Of each class or label."""
        return self.model.predict_proba(self.rows.X)

    @cached_property
    def known(self) -> Array:
        """Rows whose label the model knows, (m,) of bool."""
        if self.model.classes is None:
            return np.ones(len(self.rows), dtype=bool)
        return np.isin(self.rows.y, self.model.classes)

    @cached_property
    def losses(self) -> Array:
        """Loss of each row; of a label that the model does not know, infinity."""
        Z2 = self.model.scores(self.rows.X).astype(np.float64).T
        losses = np.full(len(self.rows), np.inf)
        at = np.flatnonzero(self.known)
        if len(at):
            Y = targets(self.model, self.rows.y[at], len(at))
            losses[at] = self.model.loss.losses(Z2[:, at], Y)
        return losses

    @cached_property
    def sampled(self) -> Array:
        """Up to a thousand rows, evenly spaced, whose label is known."""
        at = np.flatnonzero(self.known)
        few = np.linspace(0, len(at) - 1, min(len(at), SAMPLE)).round().astype(int)
        return at[few]

    @cached_property
    def inputs(self) -> Array:
        """The sampled rows as inputs of the network, (n, n_x), or all rows if no label is known."""
        X = self.rows.X[self.sampled] if len(self.sampled) else self.rows.X[:SAMPLE]
        return np.asarray(self.model.columns.encode(X, dtype=np.float64))

    @cached_property
    def units(self) -> Units:
        """What the hidden units do on the sampled rows."""
        return examine_units(self.model, self.inputs)

    @cached_property
    def importance(self) -> list[dict[str, Any]]:
        """What each column counts on the sampled rows, those that count most first."""
        if not len(self.sampled) or not self.model.columns.slots:
            return []
        X, y = self.rows.X[self.sampled], self.rows.y[self.sampled]
        return list(importance(self.model, X, y).to_dicts())

    @cached_property
    def gradient_check(self) -> GradientCheck | None:
        """Gradients against difference quotients on some rows; None where no label is known."""
        at = self.sampled[:: max(1, len(self.sampled) // CHECKED_ROWS)][:CHECKED_ROWS]
        if not len(at):
            return None
        X = self.model.columns.encode(self.rows.X[at], dtype=np.float64)
        return gradient_check(
            X.T,
            targets(self.model, self.rows.y[at], len(at)),
            self.model.parameters,
            activation=self.model.activation,
            output=self.model.loss,
            most=CHECKED_ENTRIES,
        )

    @cached_property
    def judgement(self) -> Judgement:
        """How good the model is on the rows, beside what it must beat."""
        scores = self._score(self.rows)
        interval = confidence(self.rows.y, self.prediction, scores)
        learnt = self._score(self.learnt) if self.learnt is not None else {}
        return Judgement(len(self.rows), self.unseen, scores, interval, self._baselines(), learnt)

    def _score(self, rows: Rows) -> Scores:
        if self.model.task == "multilabel":
            return score_many_labels(rows.y, self.model.predict_proba(rows.X))
        if self.model.task == "regression" and rows is self.rows:
            return score_values(rows.y, self.prediction)
        return score(self.model, rows)

    def _baselines(self) -> Mapping[str, Scores]:
        """What simple models reach on the same rows, learnt from rows that they have not seen.

        Where the rows learnt from are known, from those; else from the other four fifths.
        """
        if self.rows.y.ndim > 1:
            return {}
        if self.learnt is not None:
            return score_baselines(self.learnt, self.rows, self.model)
        rows = self.rows
        if len(rows) > MOST_JUDGED_BASELINES:
            few = np.zeros(len(rows), dtype=bool)
            few[np.linspace(0, len(rows) - 1, MOST_JUDGED_BASELINES).astype(int)] = True
            rows = rows.where(few)
        counts = np.unique(rows.y, return_counts=True)[1]
        if len(rows) < FEWEST or len(counts) < 2 or (self.classify and counts.min() < 2):
            return {}  # no fold could learn, or be scored
        by_fold: dict[str, list[Scores]] = {}
        for held in folds(rows.y, FOLDS, seed=0, stratify=self.classify):
            found = score_baselines(rows.where(~held), rows.where(held), self.model)
            for who, scores in found.items():
                by_fold.setdefault(who, []).append(scores)
        return {
            who: {name: figures["mean"] for name, figures in summarise(several).items()}
            for who, several in by_fold.items()
        }


# ---- tables of any kind ------------------------------------------------------------------------


def gather(
    model: Model, X: Any, y: Any, *, unseen: bool | None = None, with_rows: bool = True
) -> Evidence:
    """Evidence from any table that the model reads.

    Raises
    ------
    DataError
        If the table or the targets cannot be used.
    """
    frame = plain_frame(model.columns, X)
    y = _targets(model, y)
    if len(y) != len(frame):
        raise DataError(
            f"X has {len(frame):,} rows and y has {len(y):,}: each row needs its target"
        )
    if not len(y):
        raise DataError("there are no rows to judge the model on")
    target = ", ".join(model.target)
    rows = Rows("", frame, y, target, model.classes is not None)
    return Evidence(model, rows, None, unseen, with_rows)


def plain_frame(columns: Columns, X: Any) -> pl.DataFrame:
    """The columns that the model reads, of any table, as a polars frame that it reads alike."""
    if hasattr(X, "tocsr"):
        raise DataError("a report needs rows that can be read: give a data frame or a dense array")
    frame = as_frame(X)
    if frame is None or not columns.named:
        array = np.asarray(X if frame is None else frame.to_numpy(), dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != len(columns.columns):
            raise DataError(
                f"the table must have {len(columns.columns)} columns, as at fit, but its shape is "
                f"{array.shape}"
            )
        columns.encode(array[:1])  # its own objections first
        return pl.DataFrame(
            {c.name: array[:, k] for k, c in enumerate(columns.columns)}, nan_to_null=True
        )
    columns.encode(frame.head(1).to_native())
    return pl.DataFrame([_series(column, frame) for column in columns.columns if column.width])


def _series(column: Column, frame: Any) -> pl.Series:
    values = frame[column.name]
    if column.kind == "category":
        return pl.Series(column.name, as_text(column.name, values), pl.String)
    if column.kind == "date":
        days = pl.Series(as_days(column.name, values), nan_to_null=True)
        return (days * 86_400e6).round().cast(pl.Int64).cast(pl.Datetime("us")).alias(column.name)
    return pl.Series(column.name, as_numbers(column.name, values), nan_to_null=True)


def _targets(model: Model, y: Any) -> Array:
    """Targets as labels of the kind of the model's, or numbers."""
    frame = as_frame(y)
    array = np.asarray(y if frame is None else frame.to_numpy())
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if model.classes is not None:
        array = array.astype(str) if model.classes.dtype.kind == "U" else array
        if array.ndim != 1:
            raise DataError(f"y must be one label for each row, but its shape is {array.shape}")
        return array
    try:
        array = array.astype(float)
    except (TypeError, ValueError) as error:
        raise DataError(f"y must hold numbers, as the model's targets are: {error}") from error
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise DataError(f"y is missing or infinite in row {int(bad.argmax()) + 1}: leave it out")
    return array


def split_as_fitted(evidence: Evidence, held: Array) -> Evidence:
    """The same with the rows that were held out apart from those learnt from."""
    if not held.any() or held.all():
        raise ParameterError("rows held out are some of the rows, not none or all")
    rows, numbers = evidence.rows, np.flatnonzero(held) + 1
    kept, learnt = rows.where(held), rows.where(~held)
    return replace(evidence, rows=kept, learnt=learnt, unseen=True, numbers=numbers)
