"""Small data sets to learn on: the course's flower, the other shapes it offers, and a few more.

Each returns X (2, m) and Y (1, m), examples as columns.
"""

import numpy as np

from shoal.activations import Array
from shoal.errors import ParameterError


def flower(m: int = 400, random_state: int = 1) -> tuple[Array, Array]:
    """The flower of the course's exercise: two classes on alternating petals.

    Drawn from NumPy's legacy stream, angle before radius, class 0 before class 1, so that m=400
    and random_state=1 give the points of the exercise, bit for bit.
    """
    _check(m)
    random = np.random.RandomState(random_state)
    n, petals = m // 2, 4
    X, Y = np.zeros((2, 2 * n)), np.zeros((1, 2 * n))
    for j in range(2):
        columns = slice(n * j, n * (j + 1))
        t = np.linspace(j * 3.12, (j + 1) * 3.12, n) + random.randn(n) * 0.2
        r = petals * np.sin(4 * t) + random.randn(n) * 0.2
        X[:, columns] = r * np.sin(t), r * np.cos(t)
        Y[:, columns] = j
    return X, Y


def xor(m: int = 400, noise: float = 0.1, random_state: int = 1) -> tuple[Array, Array]:
    """Four corners, opposite corners alike: the smallest problem no linear model solves."""
    _check(m)
    random = np.random.RandomState(random_state)
    corner = np.arange(m) % 4
    X = np.array([corner // 2, corner % 2]) * 2.0 - 1
    Y = (X[:1] * X[1:] < 0).astype(float)
    return X + noise * random.randn(2, m), Y


def circles(m: int = 400, noise: float = 0.1, random_state: int = 1) -> tuple[Array, Array]:
    """One class around the other, at half the radius."""
    _check(m)
    random = np.random.RandomState(random_state)
    label = np.arange(m) % 2
    t = 2 * np.pi * random.rand(m)
    X = np.where(label, 0.5, 1.0) * np.array([np.cos(t), np.sin(t)])
    return X + noise * random.randn(2, m), label[None].astype(float)


def moons(m: int = 400, noise: float = 0.1, random_state: int = 1) -> tuple[Array, Array]:
    """Two half circles that interlock."""
    _check(m)
    random = np.random.RandomState(random_state)
    label = np.arange(m) % 2
    t = np.pi * random.rand(m)
    X = np.where(label, [1 - np.cos(t), 0.5 - np.sin(t)], [np.cos(t), np.sin(t)])
    return X + noise * random.randn(2, m), label[None].astype(float)


def blobs(m: int = 400, noise: float = 0.5, random_state: int = 1) -> tuple[Array, Array]:
    """Six round clouds on a ring, the classes taking turns."""
    _check(m)
    random = np.random.RandomState(random_state)
    cloud = np.arange(m) % 6
    X = 3 * np.array([np.cos(np.pi * cloud / 3), np.sin(np.pi * cloud / 3)])
    return X + noise * random.randn(2, m), (cloud % 2)[None].astype(float)


def spiral(m: int = 400, noise: float = 0.1, random_state: int = 1) -> tuple[Array, Array]:
    """Two arms wound around each other."""
    _check(m)
    random = np.random.RandomState(random_state)
    label = np.arange(m) % 2
    r = np.sqrt(random.rand(m))
    t = 3 * np.pi * r + np.pi * label
    X = 4 * r * np.array([np.cos(t), np.sin(t)])
    return X + noise * random.randn(2, m), label[None].astype(float)


def line(m: int = 400, noise: float = 0.1, random_state: int = 1) -> tuple[Array, Array]:
    """Two classes on either side of a line: what logistic regression is made for."""
    _check(m)
    random = np.random.RandomState(random_state)
    X = random.randn(2, m)
    return X, (X[:1] + X[1:] + noise * random.randn(1, m) > 0).astype(float)


def quantiles(m: int = 400, random_state: int = 1) -> tuple[Array, Array]:
    """One normal cloud: the half of the points nearest to its centre is class 0, the rest 1."""
    _check(m)
    X = np.random.RandomState(random_state).randn(2, m)
    distance = (X**2).sum(axis=0, keepdims=True)
    return X, (distance > np.median(distance)).astype(float)


def no_structure(m: int = 400, random_state: int = 1) -> tuple[Array, Array]:
    """Uniform points whose classes have nothing to do with them: whatever is learnt is noise."""
    _check(m)
    random = np.random.RandomState(random_state)
    X = 2 * random.rand(2, m) - 1
    return X, random.permutation(np.arange(m) % 2)[None].astype(float)


def _check(m: int) -> None:
    if m < 2 or m % 2:
        raise ParameterError(f"m must be even and at least 2, one half for each class, not {m}")
