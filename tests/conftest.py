"""What has to be set before SciPy is imported, a model for the command line, and a browser."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg
    from playwright.sync_api import Browser

# scikit-learn's contract holds with SciPy's array API support switched on, and SciPy reads the
# switch at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the penguins' species."""
    from command_line import PENGUINS, QUICK, shoal  # it imports NumPy

    path = tmp_path_factory.mktemp("model") / "penguins.shoal"
    shoal("fit", PENGUINS, "-t", "species", "-o", path, *QUICK)
    return path


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """A browser without a window. CI has one, and lets no test be skipped."""
    from browser import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip(
            "no Chromium here: install it (Debian: apt install chromium) to run these tests"
        )
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> "Iterator[psycopg.Connection]":
    """A PostgreSQL. CI has one, and lets no test be skipped."""
    from databases import PROGRAMS, postgres

    if PROGRAMS is None:
        pytest.skip(
            "no PostgreSQL here: install it (Debian: apt install postgresql) to run these tests"
        )
    with postgres() as connection:
        yield connection
