"""What has to be set before SciPy and NumPy are imported."""

import os

# scikit-learn's contract holds with SciPy's array API support switched on, and SciPy reads the
# switch at import.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

# The products in the tests are small: threads of BLAS would only wait for each other, and on a
# machine with little to spare that wait is most of the time L-BFGS takes.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
