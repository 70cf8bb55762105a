"""How much memory does training need, beyond the table, its minibatch and the parameters?"""

import ctypes
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_minibatch import LARGE, SMALL
from cases import Case
from timing import Row, Settings, main

TALL = replace(SMALL, name="1,000,000 × 20, 100 units, batch 200", m=1_000_000, n_epochs=2)
WIDE = replace(LARGE, name="50,000 × 784, 128 units, 10 classes, batch 128", m=50_000, n_epochs=2)
ALL = replace(TALL, name="1,000,000 × 20, 100 units, all rows at once", batch_size=None)


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    if settings.threads > 1 or platform.libc_ver()[0] != "glibc":
        return
    return_memory_at_once()
    SMALL.classifier(max_iter=1).fit(*SMALL.data)  # what only the first fit loads
    for case in (TALL, WIDE, ALL):
        case = case.tiny() if settings.quick else case
        X, y = case.data
        needed = X.nbytes + y.nbytes + allowed(case)
        used = X.nbytes + y.nbytes + peak_growth(case.classifier().fit, X, y)
        theirs = "X, y, minibatch, parameters, state"
        yield Row(case.name, 1, theirs, [needed], [used], wanted=1, unit="B")
    shape = 1_000 if settings.quick else 10**6, SMALL.n_x
    X = np.random.default_rng(0).standard_normal(shape).astype(SMALL.dtype)  # that of the fit
    model = SMALL.classifier().fit(*SMALL.data)
    result = 2 * X.itemsize * len(X)
    used = X.nbytes + peak_growth(model.predict_proba, X)
    name = f"predict_proba of 1,000,000 rows, {SMALL.dtype}"
    yield Row(name, 1, "X and the result", [X.nbytes + result], [used], wanted=1, unit="B")


def allowed(case: Case) -> float:
    """Bytes of a minibatch, the parameters, their gradients, and what the method remembers."""
    n_parameters = case.n_h * (case.n_x + 1) + case.n_y * (case.n_h + 1)
    batch = (case.batch_size or 0) * (case.n_x + case.n_y)
    copies = 4 if case.batch_size else 2
    return float((batch + copies * n_parameters) * np.dtype(case.dtype).itemsize)


def return_memory_at_once() -> None:
    """Have glibc give every freed array back, or the next one would not show in the peak."""
    mmap_threshold = -3  # M_MMAP_THRESHOLD of malloc.h
    ctypes.CDLL(None).mallopt(mmap_threshold, 4096)


def peak_growth(run: Callable[..., Any], *given: Any) -> float:
    """Bytes by which the process's peak is above where it began."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is in use
    before = status("VmRSS")
    run(*given)
    return max(0.0, status("VmHWM") - before)


def status(name: str) -> float:
    """A figure of /proc/self/status, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024.0 * int(found[1]) if found else float("nan")


if __name__ == "__main__":
    main(rows)
