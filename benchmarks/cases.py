"""The networks that are trained: data, first weights, batches, and the cost at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

import shoal
from shoal.optimizers import Adam, GradientDescent

Array = np.ndarray[Any, Any]

CACHE = 1 << 20  # bytes that stay near a core from one epoch to the next: its second-level cache


@dataclass(frozen=True)
class Case:
    """One training, the same for every contestant.

    Attributes
    ----------
    m, n_x, n_h, n_y : int
        Examples, inputs, hidden units; outputs, 1 for two classes.
    batch_size : int or None
        None for gradient descent on all examples at once, else Adam's.
    n_epochs : int
    learning_rate : float
    activation : {"relu", "tanh"}
    dtype : {"float32", "float64"}
    seed : int
        Of the first weights and the batches.
    wanted : mapping
        Ratio to reach, by the name of the rival.
    """

    name: str
    m: int
    n_x: int
    n_h: int
    n_y: int
    batch_size: int | None
    n_epochs: int
    learning_rate: float = 0.001
    activation: str = "relu"
    dtype: str = "float32"
    seed: int = 0
    wanted: Mapping[str, float] = field(default_factory=dict)

    def tiny(self) -> "Case":
        """The same kind of training, over at once."""
        m, n_x, n_h = min(self.m, 200), min(self.n_x, 20), min(self.n_h, 10)
        batch = self.batch_size and min(self.batch_size, 50)
        return replace(self, m=m, n_x=n_x, n_h=n_h, batch_size=batch, n_epochs=3)

    @cached_property
    def data(self) -> tuple[Array, Array]:
        """X (m, n_x), and the class of each row (m,): the course's flower where n_x = 2.

        Elsewhere the classes are those that a random network of 30 tanh units gives to normal X,
        with noise in its scores so that no network gets to a cost of 0.
        """
        if self.n_x == 2:
            X, Y = shoal.datasets.flower(self.m)
            return np.ascontiguousarray(X.T, self.dtype), Y[0].astype(int)
        random = np.random.default_rng(1)
        X = random.standard_normal((self.m, self.n_x))
        hidden = np.tanh(X @ random.standard_normal((self.n_x, 30)) / np.sqrt(self.n_x))
        scores = hidden @ random.standard_normal((30, self.n_y))
        scores += 0.5 * random.standard_normal(scores.shape)
        labels = scores.argmax(axis=1) if self.n_y > 1 else (scores[:, 0] > 0).astype(int)
        return X.astype(self.dtype), labels

    @property
    def targets(self) -> Array:
        """Y (n_y, m)."""
        _, y = self.data
        Y = np.eye(self.n_y)[:, y] if self.n_y > 1 else y[None]
        return Y.astype(self.dtype)

    @property
    def output(self) -> str:
        """Name of the output function."""
        return "softmax" if self.n_y > 1 else "sigmoid"

    def start(self) -> shoal.Parameters:
        """First weights: the course's for the flower, He's for ReLU."""
        scheme = "he" if self.activation == "relu" else "normal"
        first = shoal.initialize(
            self.n_x, self.n_h, self.n_y, scheme=scheme, random_state=self.seed
        )
        return shoal.Parameters(*(block.astype(self.dtype) for block in first))

    def batches(self) -> list[Array]:
        """Examples of each step, the ones that shoal's estimators draw."""
        random, n = np.random.default_rng([self.seed, 0]), round(self.m / (self.batch_size or 1))
        return [
            batch
            for _ in range(self.n_epochs)
            for batch in np.array_split(random.permutation(self.m), n)
        ]

    @property
    def optimizer(self) -> GradientDescent | Adam:
        """The method of the steps."""
        return Adam(self.learning_rate) if self.batch_size else GradientDescent(self.learning_rate)

    def classifier(self, **settings: Any) -> shoal.ShoalClassifier:
        """The estimator, with nothing that the other contestants do not do."""
        full = self.batch_size is None
        given: dict[str, Any] = {
            "activation": self.activation,
            "solver": "gd" if full else "adam",
            "alpha": 0.0,
            "learning_rate": self.learning_rate,
            "batch_size": "auto" if full else self.batch_size,
            "max_iter": self.n_epochs,
            "tol": 0.0,
            "early_stopping": False,
            "init": "normal" if full else "he",
            "preprocessing": None,
            "random_state": self.seed,
        }
        return shoal.ShoalClassifier(self.n_h, **(given | settings))

    def cost(self, parameters: shoal.Parameters) -> float:
        """J of all examples, in float64."""
        X, _ = self.data
        exact = shoal.Parameters(*(np.asarray(block, np.float64) for block in parameters))
        cache = shoal.forward(
            X.T.astype(np.float64), exact, activation=self.activation, output=self.output
        )
        return float(shoal.cost(cache, self.targets.astype(np.float64), output=self.output))

    def noise(self, n: int = 5) -> float:
        """Standard deviation of the cost at the end over n first weights."""
        X, y = self.data
        costs = [
            self.cost(learnt(self.classifier(random_state=self.seed + k).fit(X, y)))
            for k in range(n)
        ]
        return float(np.std(costs, ddof=1))

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self.n_epochs * (round(self.m / self.batch_size) if self.batch_size else 1)

    @property
    def operations(self) -> float:
        """Floating-point operations of the whole training, a fused multiply-add counting as two.

        The five matrix products (Eq 1, 3, 7, 9, 10); 40 for each exponential or logarithm (the
        polynomial of float64; 30 in float32): one for tanh and g′ together, one and one for the
        output and its loss; 12 for Adam's update of a number.
        """
        n_h, n_x, n_y = self.n_h, self.n_x, self.n_y
        products = 2 * n_h * (n_x + n_y) + 2 * n_h * (n_x + 2 * n_y)
        functions = (n_h if self.activation == "tanh" else 0) + n_y + 1
        each = 40 if self.dtype == "float64" else 30
        updates = 12 if self.batch_size else 2
        n_parameters = n_h * (n_x + 1) + n_y * (n_h + 1)
        per_epoch = self.m * (products + each * functions)
        return float(self.n_epochs * per_epoch + self.n_steps * updates * n_parameters)

    @property
    def bytes(self) -> float:
        """What must come from memory: X and Y once an epoch, or once if they stay in the cache."""
        once = self.m * (self.n_x + self.n_y) * np.dtype(self.dtype).itemsize
        return float(once * (self.n_epochs if once > CACHE else 1))


def learnt(model: Any) -> shoal.Parameters:
    """Parameters of a fitted estimator of shoal."""
    return shoal.Parameters(model.W1_, model.b1_, model.W2_, model.b2_)
