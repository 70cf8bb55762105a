"""DuckDB, SQLite, and a PostgreSQL of the tests' own, asked what an exported statement says."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import psycopg

from shoal.export.prepared import Cells, Outputs, Prepared, as_rows
from shoal.export.sql import outputs_of, table_of


def _programs() -> Path | None:
    """Where initdb and pg_ctl are; Debian keeps them off the path, a folder for each version."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


PROGRAMS = _programs()


@contextmanager
def postgres() -> Iterator[psycopg.Connection[Any]]:
    """A connection to a server that only this computer's users reach; it is removed afterwards.

    PostgreSQL refuses to run as root: then it runs as the user that its package has made.
    """
    assert PROGRAMS is not None
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="shoal-postgres-"))
    if user:
        shutil.chown(folder, user)
    cluster = folder / "cluster"

    def run(program: str, *options: str) -> None:
        command = [PROGRAMS / program, "-D", cluster, *options]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--auth=trust", "--username=shoal", "--encoding=UTF8", "--no-sync")
        settings = f"-c listen_addresses='' -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", "-l", str(folder / "log"), "-o", settings)
        try:
            with psycopg.connect(host=str(folder), user="shoal", dbname="postgres") as connection:
                yield connection
        finally:
            run("pg_ctl", "stop", "--wait", "--silent", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


def in_sqlite(statement: str, prepared: Prepared, cells: Cells, table: str = '"data"') -> Outputs:
    """What SQLite says of the rows."""
    with closing(sqlite3.connect(":memory:")) as database:
        create, insert, rows = table_of(prepared, cells, table)
        database.execute(create)
        database.executemany(insert, rows)
        return outputs_of(database.execute(statement).fetchall(), prepared)


def in_duckdb(statement: str, prepared: Prepared, cells: Cells, table: str = '"data"') -> Outputs:
    """What DuckDB says of the rows."""
    with duckdb.connect() as database:
        create = table_of(prepared, cells, table)[0]
        database.execute(create)
        frame = pd.DataFrame([(n, *row) for n, row in enumerate(as_rows(cells))])
        frame.columns = [f"c{k}" for k in range(frame.shape[1])]
        database.register("shoal_frame", frame)
        database.execute(f"INSERT INTO {table} SELECT * FROM shoal_frame")
        return outputs_of(database.execute(statement).fetchall(), prepared)


def in_postgres(
    connection: psycopg.Connection[Any],
    statement: str,
    prepared: Prepared,
    cells: Cells,
    table: str = '"data"',
) -> Outputs:
    """What PostgreSQL says of the rows, without compiling: that takes longer than it saves."""
    with connection.transaction(force_rollback=True):
        create, _, rows = table_of(prepared, cells, table)
        connection.execute(create)
        with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute("SET LOCAL jit = off")
        return outputs_of(connection.execute(statement).fetchall(), prepared)
