"""Columns and networks in words."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from shoal.model import Model
    from shoal.table import Column, Columns


MOST_NAMES = 12


def column_sentences(columns: Iterable["Column"], n_rows: int) -> list[str]:
    """What was decided about each column, those alike in one sentence."""
    alike: dict[str, list[str]] = {}
    for column in columns:
        alike.setdefault(column_words(column, n_rows), []).append(column.name)
    sentences = []
    for words, names in alike.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        sentences.append(f"{', '.join(names[:MOST_NAMES])}{more}: {words}")
    return sentences


def news_sentences(columns: "Columns", frame: "pl.DataFrame") -> list[str]:
    """What rows have that the fit had not: levels, and missing values.

    Both read as the average, but for levels of a column that had other rare ones: as one of those.
    """
    from shoal.cells import as_text

    sentences = []
    for place, column in enumerate(columns.columns):
        if column.kind == "unused":
            continue
        values = frame[column.name] if columns.named else frame.to_series(place)
        if column.kind == "category":
            texts, known = as_text(column.name, values), {*column.levels, None}
            new = [text for text in texts if text not in known]
            if new:
                verb = "row has" if len(new) == 1 else "rows have"
                what = "what the model does not know"
                if column.others:
                    what = "a rare or new level, one of the others to the model"
                sentences.append(f"{values.name}: {len(new):,} {verb} {what}, as {new[0]!r}")
        if not column.missing and values.null_count():
            n = values.null_count()
            sentences.append(f"{values.name}: {n:,} missing, and the model knows it without gaps")
    return sentences


def column_words(column: "Column", n_rows: int | None = None) -> str:
    """How one column is read; what is missing as rows of `n_rows`, or as a share."""
    if column.kind == "unused":
        return f"left out, {column.note}"
    words = column.kind
    if column.kind == "category":
        n = len(column.levels)
        words = f"{n} categor{'y' if n == 1 else 'ies'}"
    if column.edges:
        words += f", {column.n_bins} bins"
    if column.note:
        words += f", {column.note}"
    if column.others:
        words += ", and one for the others"
    if column.missing:
        count = f"{round(column.missing * n_rows):,}" if n_rows else f"{100 * column.missing:.2g} %"
        words += f", {count} missing"
    return words


def column_record(column: "Column") -> dict[str, Any]:
    """A column as JSON has it."""
    from shoal.cells import LARGEST

    record: dict[str, Any] = {"name": column.name, "kind": column.kind}
    if column.kind == "category":
        record["levels"] = list(column.levels)
        if column.others:
            record["others"] = True
    elif column.kind != "unused":
        record |= {"mean": column.center, "standard_deviation": column.scale}
        if column.low > -LARGEST or column.high < LARGEST:
            record |= {"low": column.low, "high": column.high}
        if column.edges:
            record["edges"] = list(column.edges)
    if column.kind != "unused":
        record["missing"] = column.missing
    return record | ({"note": column.note} if column.note else {})


def network_words(model: "Model") -> str:
    """The network in one line: inputs, hidden units, outputs, numbers learnt."""
    W1, _, W2, b2 = model.parameters
    n_numbers = sum(block.size for block in model.parameters)
    hidden = f"{len(W1):,} {model.activation} units → " if len(W1) else ""
    return (
        f"{len(model.columns.slots):,} inputs → {hidden}{len(b2):,} "
        f"{model.loss.name} output{'s' * (len(b2) != 1)}, {n_numbers:,} numbers learnt "
        f"({W2.dtype})"
    )
