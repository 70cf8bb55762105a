"""What does importing shoal cost, beyond NumPy and scikit-learn?"""

import subprocess
import sys
from collections.abc import Iterator

from timing import Row, Settings, main

# Every public name, and the engine, which loads the kernel.
CODE = """
from time import {clock} as clock
import numpy, sklearn.neural_network
started = clock()
import shoal
from shoal.engine import choose_engine
for name in shoal.__all__:
    getattr(shoal, name)
choose_engine()
print(clock() - started)
"""


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    if settings.threads > 1:
        return
    clock = "process_time" if settings.cpu else "perf_counter"
    n = 1 if settings.quick else 11
    seconds = [import_seconds(clock) for _ in range(n + 1)][
        1:
    ]  # the first one fills the disk's cache
    yield Row(
        case="import of all of shoal, after NumPy and scikit-learn",
        threads=1,
        rival="60 ms",
        theirs=[0.060],
        ours=seconds,
        wanted=1,
    )


def import_seconds(clock: str) -> float:
    """Of a new process."""
    code = CODE.format(clock=clock)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


if __name__ == "__main__":
    main(rows)
