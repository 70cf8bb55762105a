"""What has to be set before SciPy is imported, and a model for the command line."""

import os
from pathlib import Path

import pytest

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
