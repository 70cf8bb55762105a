"""What does importing shoal cost, beyond NumPy and scikit-learn?

With bytecode, as pip installs it. Where PYTHONDONTWRITEBYTECODE is set an editable install has
none, and every import would compile the whole house again: three times as long.
"""

import os
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
    seconds = [import_seconds(clock) for _ in range(n + 1)][1:]  # the first one writes bytecode
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
    command = [sys.executable, "-c", CODE.format(clock=clock)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return float(run.stdout)


if __name__ == "__main__":
    main(rows)
