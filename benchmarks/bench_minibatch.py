"""How fast is Adam in minibatches, from a small network on a small table to 784 inputs?"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from cases import Case
from timing import Row, Settings, main
from training import compare

SMALL = Case(
    "1,000 × 20, 100 units, batch 200, 200 epochs",
    *(1_000, 20, 100, 1, 200, 200),
    wanted={"scikit-learn": 12, "PyTorch": 9, "JAX": 2.5},
)
MIDDLE = Case(
    "20,000 × 54, 128 units, batch 256, 10 epochs",
    *(20_000, 54, 128, 1, 256, 10),
    wanted={"scikit-learn": 5, "PyTorch": 4, "JAX": 3},
)
LARGE = Case(
    "20,000 × 784, 128 units, 10 classes, batch 128, 5 epochs",
    *(20_000, 784, 128, 10, 128, 5),
    wanted={"scikit-learn": 2.8, "PyTorch": 4, "JAX": 1.25},
)
PRODUCTS = "matrix products alone (NumPy)"


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    for case in (SMALL, MIDDLE):
        yield from compare(case, settings)
    case = LARGE.tiny() if settings.quick else LARGE
    wanted = {**LARGE.wanted, PRODUCTS: 1 / 1.35}
    yield from compare(
        replace(LARGE, wanted=wanted), settings, rounds=5, others={PRODUCTS: products(case)}
    )


def products(case: Case) -> Callable[[], Any]:
    """The five matrix products of every step, in NumPy, into memory that is there already."""
    random, n_b = np.random.default_rng(0), case.batch_size or case.m

    def normal(*shape: int) -> Any:
        return random.standard_normal(shape).astype(case.dtype)

    X, W1, W2 = normal(case.m, case.n_x), normal(case.n_h, case.n_x), normal(case.n_y, case.n_h)
    A1, dA1, dZ2 = normal(case.n_h, n_b), normal(case.n_h, n_b), normal(case.n_y, n_b)
    Z2, dW1, dW2 = np.empty_like(dZ2), np.empty_like(W1), np.empty_like(W2)

    def run() -> None:
        for step in range(case.n_steps):
            first = step * n_b % (case.m - n_b + 1)
            batch = X[first : first + n_b].T  # (n_x, batch)
            np.dot(W1, batch, out=A1)  # Eq 1
            np.dot(W2, A1, out=Z2)  # Eq 3
            np.dot(dZ2, A1.T, out=dW2)  # Eq 7
            np.dot(W2.T, dZ2, out=dA1)  # Eq 9
            np.dot(dA1, batch.T, out=dW1)  # Eq 10

    return run


if __name__ == "__main__":
    main(rows)
