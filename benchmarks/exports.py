"""Every export of models of twelve real tables, run and compared: python benchmarks/exports.py.

The models are those that one gets with nothing chosen, and one of a named solver. The rows are the
tables' own, drawn with replacement, and half of them disturbed: numbers moved, cells emptied, texts
replaced by such as were not there. It fails if an export deviates more than its target allows.
Times are of the processors, less those of one row: what starts and reads the model is not in them.
Runtimes that are slow get fewer rows of large models.

It needs the folders benchmarks/accuracy, for the tables, and tests, for the databases, on its path:
`make exports` sees to that.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tables

import databases
from shoal import Model, ShoalClassifier, ShoalRegressor
from shoal.export import make_target
from shoal.export.prepared import Cells, Outputs, Prepared
from shoal.export.target import Measured, Target

HERE = Path(__file__).parent
PUBLIC = "breast_cancer wine digits diabetes crx splice tic-tac-toe Hitters Wage car_prices"
Run = Callable[[Path, Prepared, Cells], Outputs]


def read() -> Iterator[tuple[str, pd.DataFrame, Any, bool]]:
    """Name, X, y and whether y is values, of each table."""
    from sklearn.datasets import load_linnerud

    penguins = pd.read_csv(HERE.parent / "examples" / "penguins.csv")
    yield "penguins", penguins.drop(columns="species"), penguins.species, False
    linnerud = load_linnerud(as_frame=True)
    yield "linnerud", linnerud.data, linnerud.target, True
    for name in PUBLIC.split():
        table = tables.read("public", f"public {name}")
        yield name, table.X, table.y, table.task == "regression"


def fit(name: str, X: pd.DataFrame, y: Any, values: bool) -> Model:
    """The model with nothing chosen; of wine a plain network."""
    kind = ShoalRegressor if values else ShoalClassifier
    chosen = {"solver": "adam", "activation": "tanh", "n_hidden": 20} if name == "wine" else {}
    return kind(random_state=0, **chosen).fit(X, y).model_


def disturbed(prepared: Prepared, X: pd.DataFrame, n: int) -> Cells:
    """Rows of a table drawn with replacement, every second one disturbed."""
    rng = np.random.default_rng(0)
    cells = prepared.cells(X.iloc[rng.integers(len(X), size=n)].reset_index(drop=True))
    disturbed: list[Any] = []
    for entry, given in zip(prepared.inputs, cells, strict=True):
        other, empty = np.arange(n) % 2 == 1, rng.random(n) < 0.1
        if isinstance(given, list):
            unseen = rng.random(n) < 0.1
            texts = [
                None if o and e else "never seen" if o and u else text
                for text, o, e, u in zip(given, other, empty, unseen, strict=True)
            ]
            disturbed.append(texts)
        else:
            moved = given + other * 0.3 * entry.column.scale * rng.normal(size=n)
            if entry.column.kind == "boolean":
                moved = given
            disturbed.append(np.where(other & empty, np.nan, moved))
    return disturbed


@dataclass
class Row:
    """What is known of one target, over the tables."""

    name: str
    suffix: str
    options: dict[str, Any]
    run: Run | None = None  # where not the target's own
    most: float = np.inf  # multiplications, so that slow runtimes get fewer rows
    shares: list[float] = field(default_factory=list)  # of the deviation allowed
    deviations: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)  # CPU seconds a row
    rows: list[int] = field(default_factory=list)


def cpu_seconds(server: int) -> float:
    """Of this process, of those that it has started, and of the database's server."""
    words = Path(f"/proc/{server}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return sum(os.times()[:4]) + (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure(row: Row, prepared: Prepared, cells: Cells, name: str, server: int) -> None:
    """Write, run and compare one model."""
    target: Target = make_target(f"m{row.suffix}", row.options)
    weights = prepared.parameters.W1.size + prepared.parameters.W2.size
    n = int(min(len(cells[0]), max(100, row.most / weights)))
    cells = target.within(prepared, [values[:n] for values in cells])
    run = row.run or target.run
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"m{row.suffix}"
        path.write_bytes(target.write(prepared, path.name, Measured()))
        start = cpu_seconds(server)
        run(path, prepared, [values[:1] for values in cells])
        between = cpu_seconds(server)
        outputs = run(path, prepared, cells)
        seconds = cpu_seconds(server) - between - (between - start)
        row.sizes.append(path.stat().st_size)
    expected = prepared.reference(cells)
    deviation = target.deviation(outputs, expected)
    row.rows.append(n)
    row.times.append(max(0.0, seconds) / n)
    row.deviations.append(deviation)
    row.shares.append(deviation / target.tolerance(prepared))
    other = sum(a != b for a, b in zip(outputs.labels or (), expected.labels or (), strict=True))
    print(
        f"{name:14} {row.name:22} {n:6} rows  deviation {deviation:8.2g}  of what is allowed "
        f"{row.shares[-1]:8.2g}  other class {other:4}  {row.sizes[-1]:9,} bytes  "
        f"{row.times[-1] * 1e6:9.1f} µs a row",
        file=sys.stderr,
        flush=True,
    )


def report(rows: list[Row]) -> str:
    """The table, as Markdown."""
    lines = [
        "| target | tables | rows of each | largest deviation | of the allowed | kB | CPU µs/row |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if row.sizes:
            micro, kilo = np.array(row.times) * 1e6, np.array(row.sizes) / 1e3
            n = f"{min(row.rows):,}" + (f" to {max(row.rows):,}" if len(set(row.rows)) > 1 else "")
            lines.append(
                f"| {row.name} | {len(row.sizes)} | {n} | {max(row.deviations):.1e} | "
                f"{max(row.shares):.1e} | {kilo.min():.0f} to {kilo.max():,.0f} | "
                f"{micro.min():.0f} to {micro.max():,.0f} |"
            )
    return "\n".join(lines)


def in_database(ask: Callable[..., Outputs]) -> Run:
    """Ask a database, as a target's `run` asks its runtime."""
    return lambda path, prepared, cells: ask(path.read_text(encoding="utf-8"), prepared, cells)


def main() -> None:
    """Fit, export, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--only", default="", help="targets whose name has this in it")
    given = parser.parse_args()
    if databases.PROGRAMS is None:
        sys.exit("no PostgreSQL here: install it (Debian: apt install postgresql)")
    with databases.postgres() as connection:
        in_postgres = in_database(lambda *of: databases.in_postgres(connection, *of))
        rows = [
            Row("ONNX, float", ".onnx", {}),
            Row("ONNX, double", ".onnx", {"dtype": "double"}),
            Row("C99, double", ".c", {}),
            Row("C99, float", ".c", {"dtype": "float"}),
            Row("C99, int16", ".c", {"dtype": "int16"}),
            Row("C99, int8", ".c", {"dtype": "int8"}),
            Row("JavaScript", ".mjs", {}, most=5e8),
            Row("Python", ".py", {}, most=2e7),
            Row("SQL in DuckDB", ".sql", {}, in_database(databases.in_duckdb)),
            Row("SQL in PostgreSQL", ".sql", {}, in_postgres, most=2e8),
            Row("SQL in SQLite", ".sql", {}, most=5e7),
        ]
        rows = [row for row in rows if given.only.lower() in row.name.lower()]
        for name, X, y, values in read():
            prepared = Prepared(fit(name, X, y, values))
            cells = disturbed(prepared, X, given.rows)
            for row in rows:
                measure(row, prepared, cells, name, connection.info.backend_pid)
    print(report(rows))
    broken = [row.name for row in rows if not max(row.shares, default=0) <= 1]
    if broken:
        sys.exit(f"more deviation than allowed: {', '.join(broken)}")


if __name__ == "__main__":
    main()
