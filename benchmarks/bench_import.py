"""What does importing shoal cost, beyond NumPy and scikit-learn?"""

import subprocess
import sys
from collections.abc import Iterator

from timing import Row, Settings, main

# Every public name, and the engine, which loads the kernel.
CODE = """
import time
import numpy, sklearn.neural_network
started = time.perf_counter()
import shoal
from shoal.engine import choose_engine
for name in shoal.__all__:
    getattr(shoal, name)
choose_engine()
print(time.perf_counter() - started)
"""


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    if settings.threads > 1:
        return
    seconds = [import_seconds() for _ in range(2 if settings.quick else 12)][1:]
    yield Row(
        case="import of all of shoal, after NumPy and scikit-learn",
        threads=1,
        rival="60 ms",
        theirs=[0.060],
        ours=seconds,
        wanted=1,
    )


def import_seconds() -> float:
    """Of a new process."""
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    return float(run.stdout)


if __name__ == "__main__":
    main(rows)
