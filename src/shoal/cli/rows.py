"""Rows to learn from and to be scored on: a table read, its target found by name and set apart."""

import difflib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shoal.errors import DataError
from shoal.scores import Rows

if TYPE_CHECKING:
    import polars as pl

    from shoal.activations import Array
    from shoal.cli.talk import Talk
    from shoal.model import Model

MOST_CLASSES_OF_NUMBERS = 10
LARGEST = 1e150  # as in `shoal.table`: squares of what is below stay finite


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Put the name of the table before the message of what is wrong in it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{shown(source)}: {error}") from None


def shown(source: str) -> str:
    """What to call a table."""
    return "standard input" if source == "-" else source


def read_table(
    source: str, kinds: Mapping[str, str], talk: "Talk", *, keep_others: bool = False
) -> "tuple[pl.DataFrame, list[str]]":
    """A table and the notes on it, see `shoal.table_file.load_table`."""
    from shoal.table_file import load_table

    with talk.busy(f"reading {shown(source)}"):
        return load_table(source, kinds=kinds, keep_others=keep_others)


def read_training_rows(
    source: str,
    target: str | None,
    *,
    task: str,
    drop: Sequence[str],
    category: Sequence[str],
    talk: "Talk",
) -> Rows:
    """Rows of a table to learn its column `target` from.

    Raises
    ------
    DataError
        If the table or the target cannot be used.
    click.UsageError
        If no target is given; it lists the columns.
    """
    kinds = dict.fromkeys(category, "category") | ({target: "label"} if target else {})
    frame, notes = read_table(source, kinds, talk)
    talk.say(f"{shown(source)}: {count(len(frame), 'row')}, {count(frame.width, 'column')}", *notes)
    if target is None:
        raise click.UsageError(
            f"choose the column to learn, --target with one of: {nearest(frame)}"
        )
    with naming(source):
        require_columns(frame, [target, *drop, *category])
        if target in (*drop, *category):
            raise DataError(f"'{target}' is the target, so it cannot be in --drop or --category")
        frame = with_target(frame.drop(drop), target, talk)
        if frame.width < 2:
            raise DataError(f"there is no other column to learn '{target}' from")
        return set_apart(source, frame, target, choose_task(frame[target], task, talk))


def read_rows(
    source: str, kinds: Mapping[str, str], target: str, classes: "Array | None", talk: "Talk"
) -> Rows:
    """Rows of a table to be scored on, with the columns that a model reads.

    Parameters
    ----------
    source : str
    kinds : mapping
        See `shoal.table_text.read_text_columns`.
    target : str
    classes : array or None
        Labels that are known; None for a regression.
    talk : Talk
    """
    frame, notes = read_table(source, kinds, talk, keep_others=True)
    talk.say(*notes)
    with naming(source):
        rows = set_apart(source, with_target(frame, target, talk), target, classes is not None)
        if classes is not None:
            unseen = set(rows.y.tolist()) - set(classes.tolist())
            if unseen:
                talk.say(
                    f"{target} is {min(unseen, key=str)!r} in some rows, and the model has never "
                    "seen that: each such row is a mistake"
                )
    return rows


def read_rows_for(model: "Model", source: str, talk: "Talk") -> Rows:
    """Rows of a table to score a model on.

    Raises
    ------
    DataError
        If the table cannot be used, or the model has several targets.
    """
    if len(model.target) != 1 or model.task == "multilabel":
        raise DataError(f"the model has {len(model.target)} targets; only models of one are scored")
    textual = model.classes is not None and model.classes.dtype.kind == "U"
    target = model.target[0]
    kinds = kinds_of(model) | {target: "category" if textual else "number"}
    return read_rows(source, kinds, target, model.classes, talk)


def kinds_of(model: "Model") -> dict[str, str]:
    """What the columns that a model reads must hold."""
    return {c.name: c.kind for c in model.columns.columns if c.kind != "unused"}


def fingerprint(source: str) -> str | None:
    """SHA-256 of a file; None of a pipe."""
    if source == "-":
        return None
    with open(source, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_to_overwrite(output: str, option: str, *inputs: str) -> None:
    """Raise click.UsageError if an output is one of the files that are read."""
    for source in inputs:
        same = Path(output).exists() and Path(source).exists() and os.path.samefile(output, source)
        if output != "-" and same:
            raise click.UsageError(
                f"{option} {output} would overwrite what is read; choose another"
            )


# ---- the target --------------------------------------------------------------------------------


def require_columns(frame: "pl.DataFrame", names: Sequence[str]) -> None:
    """Raise DataError for a column that is not there; it lists those there are, nearest first."""
    for name in names:
        if name not in frame.columns:
            raise DataError(f"there is no column '{name}'; there are {nearest(frame, name)}")


def nearest(frame: "pl.DataFrame", name: str = "") -> str:
    """Names of the columns in words, those like `name` first."""

    def likeness(column: str) -> float:
        return difflib.SequenceMatcher(None, name.lower(), column.lower()).ratio()

    ordered = sorted(frame.columns, key=likeness, reverse=True) if name else frame.columns
    more = f" and {len(ordered) - 20} more" if len(ordered) > 20 else ""
    return ", ".join(f"'{column}'" for column in ordered[:20]) + more


def with_target(frame: "pl.DataFrame", target: str, talk: "Talk") -> "pl.DataFrame":
    """The rows that have a target; how many have none is said."""
    require_columns(frame, [target])
    absent = frame[target].is_null()
    if frame[target].dtype.is_float():
        absent = absent | frame[target].is_nan()
    n_absent = int(absent.sum())
    if n_absent == len(frame):
        raise DataError(f"every value of the target '{target}' is missing")
    if n_absent:
        first = int(absent.arg_max() or 0) + 1
        talk.say(f"{count(n_absent, 'row')} dropped: {target} missing (the first: row {first})")
        frame = frame.filter(~absent)
    return frame


def set_apart(source: str, frame: "pl.DataFrame", target: str, classify: bool) -> Rows:
    """Rows of a frame whose target is present in each."""
    import numpy as np
    import polars as pl

    y = frame[target]
    if classify and y.dtype == pl.String:
        labels = np.array(y.to_list(), dtype=str)
    elif y.dtype.is_numeric() or y.dtype == pl.Boolean:
        kept = classify and (y.dtype == pl.Boolean or y.dtype.is_integer())
        labels = (y if kept else y.cast(pl.Float64)).to_numpy()
        if classify and (labels == np.round(labels)).all() and labels.dtype.kind != "b":
            labels = labels.astype(np.int64)
    else:
        raise DataError(f"the target '{target}' must hold numbers, but has {y[0]!r}")
    return Rows(source, frame.drop(target), labels, target, classify)


def choose_task(y: "pl.Series", task: str, talk: "Talk") -> bool:
    """Whether the target is a class, not a value; what was decided is said.

    Texts and truths are classes. So are whole numbers if there are up to ten different ones;
    other numbers are values.

    Raises
    ------
    DataError
        If the target cannot be learnt: a date, one value in every row, one class for each row.
    """
    import polars as pl

    name, n_different = y.name, y.n_unique()
    if not (y.dtype.is_numeric() or y.dtype in (pl.String, pl.Boolean)):
        raise DataError(f"the target '{name}' holds dates, not numbers, texts or truths")
    if n_different < 2:
        raise DataError(
            f"the target '{name}' is {y[0]!r} in every row, so there is nothing to learn; "
            "give rows with another value, or choose another target"
        )
    classify = True
    if y.dtype.is_numeric():
        classify = _numbers_are_classes(y.cast(pl.Float64), task)
    elif task == "regression":
        raise DataError(f"the target '{name}' holds text like {y[0]!r}; a regression needs numbers")
    if not classify:
        values = y.to_numpy()
        talk.say(f"target {name}: numbers from {values.min():g} to {values.max():g}: a regression")
        return False
    if n_different == len(y):
        raise DataError(f"the target '{name}' differs in every row, so no class can be learnt")
    counts = y.value_counts(sort=True).head(6).iter_rows()
    words = [f"{label!s} {n:,}" for label, n in counts]
    words += [f"{n_different - 6} more"] if n_different > 6 else []
    how = ", unless --task regression" if y.dtype.is_numeric() and task == "auto" else ""
    talk.say(f"target {name}: {n_different} classes{how} ({', '.join(words)})")
    return True


def _numbers_are_classes(y: "pl.Series", task: str) -> bool:
    """Whether numbers name classes."""
    wild = ~(y.abs() <= LARGEST)
    if wild.any():
        row = int(wild.arg_max() or 0)
        raise DataError(
            f"the target '{y.name}' is {y[row]:g} in row {row + 1}: infinity or too large a "
            "number; remove or correct it"
        )
    whole = bool((y == y.round()).all())
    if task == "classification" and not whole:
        raise DataError(
            f"the target '{y.name}' holds numbers that are not whole: values, not names of "
            "classes; use --task regression"
        )
    few = whole and y.n_unique() <= MOST_CLASSES_OF_NUMBERS and y.n_unique() < len(y)
    return task == "classification" or (task == "auto" and few)


def count(number: int, noun: str) -> str:
    """ "1 row" or "1,234 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
