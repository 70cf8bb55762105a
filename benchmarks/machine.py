"""What the machine can do at most: the figures that a floor is computed from."""

import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("peak.c")


@cache
def operations_per_second(dtype: str) -> float:
    """Of multiply-adds in one core's registers; of NumPy's matrix product without a C compiler."""
    real = {"float32": "float", "float64": "double"}[dtype]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "peak"
        flags = ["-O2", "-march=native", "-ffp-contract=fast", f"-DREAL={real}"]
        try:
            subprocess.run(["cc", *flags, str(SOURCE), "-o", str(program)], check=True)
            run = subprocess.run([program], capture_output=True, check=True)
            return float(run.stdout)
        except (OSError, subprocess.CalledProcessError):
            return product_per_second(dtype)


@cache
def product_per_second(dtype: str, n: int = 1024) -> float:
    """Operations per second of NumPy's matrix product, on the threads that the process has."""
    random = np.random.default_rng(0)
    A, B = (random.standard_normal((n, n)).astype(dtype) for _ in range(2))
    C = np.empty_like(A)
    return 2 * n**3 / best(lambda: np.dot(A, B, out=C))


@cache
def bytes_per_second(n: int = 1 << 24) -> float:
    """Of one core that reads what no cache holds."""
    A = np.ones(n)
    return A.nbytes / best(A.max, 5)


def best(run: Callable[[], object], n: int = 20) -> float:
    """Least seconds of n runs: what the machine can do, not what it does on average."""
    seconds = []
    for _ in range(n):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
