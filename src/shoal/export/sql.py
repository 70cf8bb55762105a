"""SQL: one statement that DuckDB, SQLite and PostgreSQL read alike.

A unit of the hidden layer is a row of weights, so Eq 1 is one expression for all units: the table's
rows times the units. It is as long as a unit has inputs, whatever their number, which keeps the
query plan small; and no database has a limit for units, as it has for columns.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shoal.errors import ParameterError, ShoalError
from shoal.export.dense import check_coverage, check_texts, n_written, reach, written
from shoal.export.prepared import LARGEST_LOG, Cells, Outputs, Prepared, as_rows, harmless
from shoal.export.sql_columns import cell, date_parts, days, inputs, value
from shoal.export.sql_words import (
    FENCE,
    activation,
    clamped,
    literal,
    product,
    quoted,
    sigmoid,
    total,
)
from shoal.export.target import Measured, MissingRuntimeError, Target, fill

MOST_INPUTS = 1_600  # PostgreSQL has 1,664 columns, SQLite 2,000
MOST_SCORES = 200  # twice as many columns, and a comparison of each two
LONGEST_NAME = 63  # bytes; PostgreSQL cuts names there


# ---- the steps ----------------------------------------------------------------------------------


class Statement:
    """Common table expressions, one built on the other: WITH name AS (SELECT ...), ..."""

    def __init__(self, row: str, first: str) -> None:
        self.row = row  # the column that numbers the rows
        self.steps = [first]

    def add(
        self, name: str, columns: Sequence[str], source: str, end: str = FENCE, kept: bool = False
    ) -> None:
        """A step that has the rows' number and these columns; kept, because it is read again."""
        listed = ",\n    ".join([self.row, *columns])
        keep = "MATERIALIZED " if kept else ""
        self.steps.append(f"{name} AS {keep}(\n  SELECT\n    {listed}\n  FROM {source} {end}\n)")


def add_inputs(statement: Statement, prepared: Prepared) -> None:
    """x of each row, written out."""
    cells = list(enumerate(prepared.inputs))
    statement.add("shoal_cells", [f"{cell(entry)} AS v{k}" for k, entry in cells], "shoal_rows")
    source, dates = "shoal_cells", [k for k, entry in cells if entry.column.kind == "date"]
    if dates:
        kept = [f"v{k}" for k, _ in cells]
        parts = [part for k in dates for part in date_parts(f"v{k}", k)]
        statement.add("shoal_dates", [*kept, *parts], source)
        kept = [f"{days(v, k)} AS {v}" if k in dates else v for k, v in enumerate(kept)]
        statement.add("shoal_days", kept, "shoal_dates")
        source = "shoal_days"
    values = [f"{value(entry, f'v{k}')} AS v{k}" for k, entry in cells]
    statement.add("shoal_values", values, source)
    x = [expression for k, entry in cells for expression in inputs(entry, f"v{k}")]
    named = [f"{expression} AS x{k}" for k, expression in enumerate(x)]
    statement.add("shoal_inputs", named, "shoal_values", kept=True)


def add_scores(statement: Statement, prepared: Prepared) -> None:
    """Z2 of each row (Eq 1 to 3)."""
    W1, b1, W2, b2 = prepared.parameters
    outputs = range(prepared.n_y)
    W = W1 if prepared.n_h else W2
    W = np.hstack([W[:, :0], *(written(entry, W) for entry in prepared.inputs)])
    if not prepared.n_h:
        sums = [
            total([literal(b), *(t for k, w in enumerate(weights) for t in product(w, f"x{k}"))])
            for b, weights in zip(b2[:, 0], W, strict=True)
        ]
        scores = [f"{score} AS s{k}" for k, score in enumerate(sums)]
        statement.add("shoal_scores", scores, "shoal_inputs")
        return
    # A row for each unit: what it weighs in each score, its bias, its weights.
    units = np.hstack([W2.T, b1, W])
    names = [f"v{k}" for k in outputs] + ["b"] + [f"w{k}" for k in range(W.shape[1])]
    rows = [[literal(float(number)) for number in unit] for unit in units]
    rows[0] = [f"CAST({number} AS DOUBLE PRECISION)" for number in rows[0]]
    listed = ",\n    ".join(f"({', '.join(row)})" for row in rows)
    statement.steps.append(
        f"shoal_weights ({', '.join(names)}) AS MATERIALIZED (\n  VALUES\n    {listed}\n)"
    )
    z = total(["b", *(f"x{k} * w{k}" for k in range(W.shape[1]))])
    columns = [*(f"v{k}" for k in outputs), f"{z} AS z"]
    statement.add("shoal_units", columns, "shoal_inputs CROSS JOIN shoal_weights")  # Eq 1
    a = activation(prepared.model.activation, "z")  # Eq 2
    scores = [f"{literal(b2[k, 0])} + SUM(v{k} * ({a})) AS s{k}" for k in outputs]  # Eq 3
    statement.add("shoal_scores", scores, "shoal_units", f"GROUP BY {statement.row}")


def add_values(statement: Statement, prepared: Prepared) -> tuple[str, list[str]]:
    """The output function of the scores (Eq 4); the step's name, and what of it the values are."""
    scores = [f"s{k}" for k in range(prepared.n_y)]
    output = prepared.output
    if output == "multiclass":
        # The first of the largest: the largest is no smaller than any behind it.
        beats = [
            " AND ".join(f"s{k} >= s{n}" for n in range(k + 1, prepared.n_y)) or "0 = 0"
            for k in range(prepared.n_y)
        ]
        chosen = " ".join(f"WHEN {beaten} THEN {k}" for k, beaten in enumerate(beats))
        statement.add("shoal_chosen", [*scores, f"CASE {chosen} END AS chosen"], "shoal_scores")
        largest = " ".join(f"WHEN {k} THEN s{k}" for k in range(prepared.n_y))
        columns = [*scores, "chosen", f"CASE chosen {largest} END AS largest"]
        statement.add("shoal_largest", columns, "shoal_chosen")
        powers = [
            f"exp({clamped(f'({s} - largest)', -100.0, 0.0)}) AS e{k}" for k, s in enumerate(scores)
        ]
        statement.add("shoal_powers", ["chosen", *powers], "shoal_largest")
        powers = [f"e{k}" for k in range(prepared.n_y)]
        statement.add(
            "shoal_total", ["chosen", *powers, f"{total(powers)} AS total"], "shoal_powers"
        )
        return "shoal_total", [f"{power} / total" for power in powers]
    if output == "sorted":
        ranks = []
        for k in range(prepared.n_y):
            before = [
                f"WHEN s{n} {'<=' if n < k else '<'} s{k} THEN 1" for n in range(prepared.n_y)
            ]
            counts = [f"CASE {test} ELSE 0 END" for n, test in enumerate(before) if n != k]
            ranks.append(f"{total(counts) if counts else '0'} AS rank{k}")
        statement.add("shoal_ranks", [*scores, *ranks], "shoal_scores")
        return "shoal_ranks", [
            f"CASE {' '.join(f'WHEN rank{k} = {n} THEN s{k}' for k in range(prepared.n_y))} END"
            for n in range(prepared.n_y)
        ]
    values = {
        "binary": [sigmoid("(-s0)"), sigmoid("s0")],
        "multilabel": [sigmoid(s) for s in scores],
        "log": [f"exp({clamped(s, -700.0, LARGEST_LOG)})" for s in scores],
    }
    return "shoal_scores", values.get(output, scores)


# ---- the target ---------------------------------------------------------------------------------


def output_columns(prepared: Prepared, values: list[str], coverage: float) -> list[tuple[str, str]]:
    """What is added to the table: names, which are those of `shoal predict`, and expressions."""
    each = len(values) > 1 or prepared.output == "multilabel"

    def columns(word: str, expressions: Iterable[str], each: bool = each) -> list[tuple[str, str]]:
        pairs = zip(prepared.value_names, expressions, strict=True)
        return [(f"{word}_{name}" if each else word, expression) for name, expression in pairs]

    if prepared.model.task == "regression":
        found = columns("prediction", values)
        reaches = list(map(literal, reach(prepared, coverage)))
        if reaches:
            found += columns("lower", [f"{v} - {r}" for v, r in zip(values, reaches, strict=True)])
            found += columns("upper", [f"{v} + {r}" for v, r in zip(values, reaches, strict=True)])
        return found
    if prepared.classes is None:
        tests = [f"CASE WHEN s{k} > 0e0 THEN 1 ELSE 0 END" for k in range(prepared.n_y)]
        predicted = columns("prediction", tests)
    elif prepared.output == "binary":
        no, yes = map(literal, prepared.classes)
        predicted = [("prediction", f"CASE WHEN s0 > 0e0 THEN {yes} ELSE {no} END")]
    else:
        labels = enumerate(map(literal, prepared.classes))
        cases = " ".join(f"WHEN {k} THEN {label}" for k, label in labels)
        predicted = [("prediction", f"CASE chosen {cases} END")]
    return predicted + columns("probability", values)


def free_name(name: str, taken: set[bytes]) -> str:
    """A name for a new column that no database takes for one of those, to which it is added."""
    name = shortened(name.replace("\0", "_"), LONGEST_NAME) or "_"
    free, n = name, 1
    while same_name(free) in taken:
        n += 1
        free = f"{shortened(name, LONGEST_NAME - 6)}_{n}"
    taken.add(same_name(free))
    return free


def shortened(name: str, most: int) -> str:
    """So many bytes of a name."""
    return name.encode()[:most].decode(errors="ignore")


def same_name(name: str) -> bytes:
    """What names have in common that some database takes for one."""
    return name.lower().encode()[:LONGEST_NAME]


def check_names(prepared: Prepared) -> None:
    """Raise ShoalError for what SQL cannot name."""
    check_texts(prepared, "SQL")
    levels = [
        text for entry in prepared.inputs for text in (entry.column.name, *entry.column.levels)
    ]
    for text in (*levels, *map(str, prepared.classes or ())):
        if "\0" in text:
            raise ShoalError(f"{text!a} holds a NUL, which no text of SQL does: rename it")
    seen: dict[bytes, str] = {}
    for entry in prepared.inputs:
        name = entry.column.name
        if not name:
            raise ShoalError("a column of SQL has a name, and one of this model has none")
        if name.lower() in ("true", "false"):
            raise ShoalError(f"a column {name!r} is a truth value to SQLite: rename it")
        other = seen.setdefault(same_name(name), name)
        if other != name:
            raise ShoalError(
                f"the columns {other!r} and {name!r} are the same to a database that does not tell "
                f"capitals from small letters, or looks at {LONGEST_NAME} bytes: rename one of them"
            )


@dataclass(frozen=True)
class Sql(Target):
    """The model as an SQL statement.

    Attributes
    ----------
    table : str
        Name of the table that it reads; of one in a schema, schema.table.
    coverage : float
        Of the interval of a regression, if it has one.
    """

    title = "SQL"
    table: str = "data"
    coverage: float = 0.9

    def __post_init__(self) -> None:
        check_coverage(self.coverage)
        if not isinstance(self.table, str) or not all(self.table.split(".")) or "\0" in self.table:
            raise ParameterError(f"table must be the name of a table, not {self.table!r}")

    @property
    def quoted_table(self) -> str:
        """As SQL writes it."""
        return ".".join(map(quoted, self.table.split(".")))

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        check_names(prepared)
        taken = {same_name(column.name) for column in prepared.model.columns.columns}
        row = free_name("shoal_row", taken)
        statement = Statement(
            row,
            f"shoal_rows AS MATERIALIZED (\n  SELECT row_number() OVER () AS {quoted(row)}, "
            f"shoal_table.*\n  FROM {self.quoted_table} AS shoal_table\n)",
        )
        if prepared.n_y > MOST_SCORES:
            raise ShoalError(
                f"the network has {prepared.n_y:,} scores, and in SQL each is compared with each: "
                f"more than {MOST_SCORES} are too many; export to another target"
            )
        n_inputs = sum(map(n_written, prepared.inputs))
        if n_inputs > MOST_INPUTS:
            raise ShoalError(
                f"the network has {n_inputs:,} inputs, and in SQL each is a column, of which "
                f"databases have at most {MOST_INPUTS:,}: fit with fewer bins or levels, or "
                "export to another target"
            )
        add_inputs(statement, prepared)
        add_scores(statement, prepared)
        last, values = add_values(statement, prepared)
        new = output_columns(prepared, values, self.coverage)
        named = [f"{found} AS {quoted(free_name(name, taken))}" for name, found in new]
        columns = ",\n  ".join(["shoal_rows.*", *named])
        steps = ",\n".join(statement.steps)
        header = fill(
            HEADER,
            table=harmless(self.table),
            size=prepared.size,
            measured=harmless(measured),
            columns="\n".join(f"--   {entry.words}" for entry in prepared.inputs),
            row=row,
            values=prepared.values_words,
        )
        text = (
            f"{header}WITH\n{steps}\nSELECT\n  {columns}\nFROM shoal_rows\n"
            f"JOIN {last} ON {last}.{row} = shoal_rows.{row}\nORDER BY shoal_rows.{row};\n"
        )
        return text.encode()

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        """What SQLite answers, which Python brings along."""
        with closing(sqlite3.connect(":memory:")) as database:
            for schema in self.table.split(".")[:-1]:
                database.execute(f"ATTACH ':memory:' AS {quoted(schema)}")
            create, insert, rows = table_of(prepared, cells, self.quoted_table)
            database.execute(create)
            database.executemany(insert, rows)
            try:
                answer = database.execute(path.read_text(encoding="utf-8"))
            except sqlite3.OperationalError as error:
                if "no such function" in str(error) or sqlite3.sqlite_version_info < (3, 35):
                    raise MissingRuntimeError(
                        f"the SQLite {sqlite3.sqlite_version} of this Python lacks what it needs "
                        f"({error}): 3.35 or later, with its mathematical functions"
                    ) from None
                raise
            return outputs_of(answer.fetchall(), prepared)

    def tolerance(self, prepared: Prepared) -> float:
        return max(1e-9, prepared.rounding)

    def usage(self, path: Path, prepared: Prepared) -> str:
        return (
            f"where there is a table {self.table}: duckdb a.db < {path.name}, "
            f"sqlite3 a.db < {path.name}, or psql a_database < {path.name}"
        )


HEADER = """\
-- A network that shoal has fitted: @size@.
-- For DuckDB 1.1, SQLite 3.35 with its mathematical functions, PostgreSQL 12, or later.
-- In SQLite: @measured@.
--
-- It reads the table @table@, with
@columns@
-- and answers each row with all that the table has, in front of it @row@, the row's number,
-- and behind it @values@.
"""


# ---- running it ---------------------------------------------------------------------------------


def table_of(
    prepared: Prepared, cells: Cells, table: str, mark: str = "?"
) -> tuple[str, str, list[tuple[Any, ...]]]:
    """CREATE TABLE, INSERT and the rows, each with an id in front."""
    taken = {same_name(entry.column.name) for entry in prepared.inputs}
    kinds = {True: "TEXT", False: "DOUBLE PRECISION"}
    columns = [f"{quoted(free_name('id', taken))} INTEGER"]
    columns += [f"{quoted(e.column.name)} {kinds[e.is_category]}" for e in prepared.inputs]
    marks = ", ".join([mark] * len(columns))
    rows = [(n, *row) for n, row in enumerate(as_rows(cells))]
    return (
        f"CREATE TABLE {table} ({', '.join(columns)})",
        f"INSERT INTO {table} VALUES ({marks})",
        rows,
    )


def outputs_of(answer: Sequence[Sequence[Any]], prepared: Prepared) -> Outputs:
    """The outputs in the rows that the statement gives for such a table."""
    first = 2 + len(prepared.inputs)
    if [row[:2] for row in answer] != [(n + 1, n) for n in range(len(answer))]:
        raise ShoalError("the statement's rows are not those of the table")
    columns = [row[first:] for row in answer]
    if prepared.model.task == "regression":
        return Outputs(None, np.array([row[: prepared.n_y] for row in columns], float), None)
    if prepared.classes is None:
        return Outputs(None, np.array([row[prepared.n_y :] for row in columns], float), None)
    labels = [str(_class(row[0], prepared.classes)) for row in columns]
    return Outputs(None, np.array([row[1:] for row in columns], float), labels)


def _class(label: Any, classes: Sequence[Any]) -> Any:
    """The class of which a database gives the label; SQLite has 1 for true."""
    return next((known for known in classes if known == label), label)


TARGET = Sql
