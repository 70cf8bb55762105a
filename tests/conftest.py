"""What has to be set before SciPy and NumPy are imported, and a model for the command line."""

import os
from pathlib import Path

import pytest

# scikit-learn's contract holds with SciPy's array API support switched on, and SciPy reads the
# switch at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The products in the tests are small: threads of BLAS would only wait for each other, and on a
# machine with little to spare that wait is most of the time L-BFGS takes.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the penguins' species."""
    from command_line import PENGUINS, QUICK, shoal  # it imports NumPy

    path = tmp_path_factory.mktemp("model") / "penguins.shoal"
    shoal("fit", PENGUINS, "-t", "species", "-o", path, *QUICK)
    return path
