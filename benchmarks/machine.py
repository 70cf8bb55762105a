"""What the machine can do at most: the figures that a floor is computed from."""

import time
from collections.abc import Callable
from functools import cache

import numpy as np


def best(run: Callable[[], object], n: int = 20) -> float:
    """Least seconds of n runs: what the machine can do, not what it does on average."""
    seconds = []
    for _ in range(n):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


@cache
def operations_per_second(dtype: str, n: int = 1024) -> float:
    """Of NumPy's matrix product at a size that suits it, on the threads the process has."""
    random = np.random.default_rng(0)
    A, B = (random.standard_normal((n, n)).astype(dtype) for _ in range(2))
    C = np.empty_like(A)
    return 2 * n**3 / best(lambda: np.dot(A, B, out=C))


@cache
def bytes_per_second(n: int = 1 << 24) -> float:
    """Of reading an array that no cache holds, on one core."""
    A = np.ones(n)
    return A.nbytes / best(A.max, 5)
