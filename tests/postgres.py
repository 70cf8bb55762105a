"""A PostgreSQL of the tests' own: made in a folder, started, stopped, and the folder removed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


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
def running() -> Iterator[str]:
    """A server that only this computer's users reach, and what psycopg.connect takes to reach it.

    PostgreSQL refuses to run as root: then it runs as the user that its package has made.
    """
    assert PROGRAMS is not None
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="shoal-postgres-"))
    if user:
        shutil.chown(folder, user)
    cluster = folder / "cluster"

    def run(program: str, *options: str) -> None:
        command = [str(PROGRAMS / program), "-D", str(cluster), *options]  # type: ignore[operator]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "--auth=trust", "--username=shoal", "--encoding=UTF8", "--no-sync")
        settings = f"-c listen_addresses='' -k {folder} -c fsync=off"
        run("pg_ctl", "start", "--wait", "--silent", "-l", str(folder / "log"), "-o", settings)
        try:
            yield f"host={folder} user=shoal dbname=postgres"
        finally:
            run("pg_ctl", "stop", "--wait", "--silent", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Where a PostgreSQL is. CI has one, and lets no test be skipped."""
    if PROGRAMS is None:
        pytest.skip(
            "no PostgreSQL here: install it (Debian: apt install postgresql) to run these tests"
        )
    with running() as address:
        yield address
