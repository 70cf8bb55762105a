"""Output function, cost and dZ2 of each task, one object each (Eq 4, 5, 6).

Every loss is computed from the raw score Z2, never from A2: at z = 40, y = 0 the course's
-log(1 - a) is infinite in floating point where log(1 + e^z) - y z is 40. The two are equal in
exact arithmetic. No score of ±1e4 overflows, and a confident right answer keeps the digits of
its small loss. The losses of one task share a convention: the loss of an example is the sum over
the rows of Z2, and constants that depend on y alone are kept where they make the smallest loss 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from shoal.activations import Array, sigmoid
from shoal.errors import DataError, ParameterError


def _exp(Z: Array) -> Array:
    """e^z, at most the square root of the dtype's largest number.

    So a product with y, a division by 2 - p and a sum over the examples stay finite too.
    """
    return np.exp(np.minimum(Z, np.log(np.finfo(Z.dtype).max) / 2))


def _number(setting: object) -> float:
    """A setting as Python's float, which leaves float32 arrays as they are; NaN if it is none."""
    try:
        return float(setting)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan


@dataclass(frozen=True)
class Loss:
    """Base of the losses: an output function, a loss of the raw score, and its derivative.

    Attributes
    ----------
    name : str
        What `output=` takes.
    title, a, formula, derivative, domain, source : str
        For people: what it is called, the output, the loss of one entry, its derivative by z,
        which y it accepts, where it is from.
    scalable : str
        What of a target's scaling folds into W2 and b2: "affine" (y = c + s ŷ), "scale"
        (y = s ŷ, through the log link) or "no" (probabilities).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    a: ClassVar[str] = "z"
    formula: ClassVar[str]
    derivative: ClassVar[str] = "a - y"
    domain: ClassVar[str]
    source: ClassVar[str]
    scalable: ClassVar[str] = "affine"

    def n_scores(self, n_targets: int) -> int:
        """n_y: the number of scores that predict so many columns of y."""
        return n_targets

    def output(self, Z2: Array) -> Array:
        """A2 from Z2 (n_y, m) (Eq 4)."""
        return Z2

    def losses(self, Z2: Array, Y: Array) -> Array:
        """Loss of each example, (m,), from Z2 (n_y, m) and Y of as many columns."""
        raise NotImplementedError

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        """Derivative of the loss of each example by Z2, (n_y, m) (Eq 6)."""
        return self.output(Z2) - Y

    def branch(self, Z2: Array, Y: Array) -> Array | None:
        """Which smooth piece of the loss each entry is on; None where there are no kinks."""
        return None

    def accepts(self, Y: Array) -> bool:
        """Whether every entry of Y is in the domain."""
        return bool(np.isfinite(Y).all())

    def check(self, Y: Array) -> None:
        """Raise DataError if an entry of Y is outside the domain."""
        if not self.accepts(Y):
            raise DataError(
                f"{self.title} needs {self.domain}, and here y reaches from {np.min(Y):.6g} to "
                f"{np.max(Y):.6g}: mend those rows or choose another loss"
            )


# ---- classification: the course's two outputs --------------------------------------------------


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Sigmoid and cross-entropy: binary classification, or several labels at once, one per row."""

    name = "sigmoid"
    title = "cross-entropy of a sigmoid"
    a = "1 / (1 + e^-z)"
    formula = "-(y log a + (1 - y) log(1 - a)) = log(1 + e^z) - y z"
    domain = "0 ≤ y ≤ 1"
    source = "the course; negative log-likelihood of the Bernoulli distribution"
    scalable = "no"

    def output(self, Z2: Array) -> Array:
        return sigmoid(Z2)

    def losses(self, Z2: Array, Y: Array) -> Array:
        # log(1 + e^z) = max(z, 0) + log(1 + e^-|z|), and for y = 1 the z's cancel exactly.
        return (np.maximum(Z2, 0) - Y * Z2 + np.log1p(np.exp(-np.abs(Z2)))).sum(axis=0)

    def accepts(self, Y: Array) -> bool:
        return bool(((Y >= 0) & (Y <= 1)).all())


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Softmax and cross-entropy: one class of several, one row of Y per class."""

    name = "softmax"
    title = "cross-entropy of a softmax"
    a = "e^z / Σ e^z"
    formula = "-Σ y log a = log Σ e^z - Σ y z"
    domain = "0 ≤ y, each column summing to 1"
    source = "negative log-likelihood of the categorical distribution; Bridle (1990)"
    scalable = "no"

    def output(self, Z2: Array) -> Array:
        E = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
        return E / E.sum(axis=0, keepdims=True)

    def losses(self, Z2: Array, Y: Array) -> Array:
        largest = Z2.argmax(axis=0)[None]  # (1, m)
        Z = Z2 - np.take_along_axis(Z2, largest, axis=0)
        E = np.exp(Z)
        np.put_along_axis(E, largest, 0, axis=0)  # log1p adds that 1 without losing the rest
        return np.log1p(E.sum(axis=0)) - (Y * Z).sum(axis=0)

    def accepts(self, Y: Array) -> bool:
        return bool((Y >= 0).all() and np.allclose(Y.sum(axis=0), 1))


# ---- regression with the identity output -------------------------------------------------------


@dataclass(frozen=True)
class SquaredError(Loss):
    """Identity and half the squared error; the half makes dZ2 the A2 - Y of Eq 6."""

    name = "identity"
    title = "squared error"
    formula = "(a - y)² / 2"
    domain = "finite y"
    source = "negative log-likelihood of the normal distribution; Gauss, Legendre"

    def losses(self, Z2: Array, Y: Array) -> Array:
        return ((Z2 - Y) ** 2).sum(axis=0) / 2


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """Identity and the absolute error: predicts the median."""

    name = "absolute_error"
    title = "absolute error"
    formula = "|a - y|"
    derivative = "sign(a - y)"
    domain = "finite y"
    source = "negative log-likelihood of the Laplace distribution; Boscovich, Laplace"

    def losses(self, Z2: Array, Y: Array) -> Array:
        return np.abs(Z2 - Y).sum(axis=0)

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        return np.sign(Z2 - Y)

    def branch(self, Z2: Array, Y: Array) -> Array:
        return Z2 > Y


@dataclass(frozen=True)
class Huber(Loss):
    """Identity and Huber's loss: squared near 0, absolute beyond delta, so outliers pull less.

    Parameters
    ----------
    delta : float, default=1.0
        Where it turns from squared to absolute, in units of the target as trained on: standard
        deviations of y where the estimator scales it, else y's own.
    """

    delta: float = 1.0

    name = "huber"
    title = "Huber's loss"
    formula = "(a - y)² / 2 if |a - y| ≤ δ else δ (|a - y| - δ / 2)"
    derivative = "a - y, clipped to ±δ"
    domain = "finite y"
    source = "Huber (1964), Robust estimation of a location parameter"

    def __post_init__(self) -> None:
        delta = _number(self.delta)
        if not delta > 0:
            raise ParameterError(f"delta of Huber's loss must be above 0, not {self.delta!r}")
        object.__setattr__(self, "delta", delta)

    def losses(self, Z2: Array, Y: Array) -> Array:
        R = np.abs(Z2 - Y)
        clipped = np.minimum(R, self.delta)
        return (clipped * (R - clipped / 2)).sum(axis=0)

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        return np.clip(Z2 - Y, -self.delta, self.delta)

    def branch(self, Z2: Array, Y: Array) -> Array:
        return np.sign(Z2 - Y) * (np.abs(Z2 - Y) > self.delta)


@dataclass(frozen=True)
class Quantile(Loss):
    """Several quantiles of y at once, never crossing: the output is Z2 sorted.

    Sorting commutes with y = c + s ŷ for s > 0, so a scaled target still folds into W2 and b2.

    Parameters
    ----------
    levels : sequence of float, default=(0.5,)
        Rising, each above 0 and below 1. n_y is their number.
    """

    levels: Sequence[float] = (0.5,)

    name = "quantile"
    title = "quantile loss"
    a = "sort(z)"
    formula = "Σ_k τ_k max(y - a_k, 0) + (1 - τ_k) max(a_k - y, 0)"
    derivative = "1 - τ_k if a_k > y, -τ_k if a_k < y, in the order of z"
    domain = "finite y"
    source = "Koenker and Bassett (1978); sorted as Chernozhukov et al. (2010) rearrange"

    def __post_init__(self) -> None:
        levels = tuple(map(_number, self.levels)) if np.iterable(self.levels) else ()
        rising = all(low < high for low, high in pairwise((0.0, *levels, 1.0)))
        if not (levels and rising):
            raise ParameterError(
                "levels of the quantile loss must be a sequence of numbers that rise, above 0 and "
                f"below 1, not {self.levels!r}"
            )
        object.__setattr__(self, "levels", levels)

    def n_scores(self, n_targets: int) -> int:
        """One score per level, of a single target."""
        if n_targets != 1:
            raise ParameterError(f"quantiles are of one target, but y has {n_targets} columns")
        return len(self.levels)

    def _tau(self, Z2: Array) -> Array:
        if len(Z2) != len(self.levels):
            raise ParameterError(
                f"{len(self.levels)} quantile levels need as many outputs, not {len(Z2)}"
            )
        return np.array(self.levels, dtype=Z2.dtype)[:, None]  # (n_y, 1)

    def output(self, Z2: Array) -> Array:
        return np.sort(Z2, axis=0)

    def losses(self, Z2: Array, Y: Array) -> Array:
        R = Y - self.output(Z2)
        tau = self._tau(Z2)
        return np.maximum(tau * R, (tau - 1) * R).sum(axis=0)

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        order = np.argsort(Z2, axis=0)
        A2 = np.take_along_axis(Z2, order, axis=0)
        dA2 = np.where(A2 == Y, 0, (A2 > Y) - self._tau(Z2))
        dZ2 = np.empty_like(Z2)
        np.put_along_axis(dZ2, order, dA2.astype(Z2.dtype), axis=0)
        return dZ2

    def branch(self, Z2: Array, Y: Array) -> Array:
        return np.concatenate([np.argsort(Z2, axis=0), self.output(Z2) > Y])


# ---- regression with the log link: a = e^z -----------------------------------------------------


@dataclass(frozen=True)
class Poisson(Loss):
    """Log link and half the Poisson deviance: counts, and rates."""

    name = "poisson"
    title = "Poisson deviance"
    a = "e^z"
    formula = "y log(y / a) - y + a"
    domain = "y ≥ 0, not all 0"
    source = "McCullagh and Nelder (1989), Generalized Linear Models, section 2.3"
    scalable = "scale"

    def output(self, Z2: Array) -> Array:
        return _exp(Z2)

    def losses(self, Z2: Array, Y: Array) -> Array:
        y_log_y = Y * np.log(np.where(Y > 0, Y, 1))
        return (y_log_y - Y * Z2 - Y + _exp(Z2)).sum(axis=0)

    def accepts(self, Y: Array) -> bool:
        return super().accepts(Y) and bool((Y >= 0).all() and (Y > 0).any(axis=1).all())


@dataclass(frozen=True)
class Gamma(Loss):
    """Log link and half the gamma deviance: positive amounts with a constant relative spread."""

    name = "gamma"
    title = "gamma deviance"
    a = "e^z"
    formula = "y / a - log(y / a) - 1"
    derivative = "1 - y / a"
    domain = "y > 0"
    source = "McCullagh and Nelder (1989), Generalized Linear Models, section 2.3"
    scalable = "scale"

    def output(self, Z2: Array) -> Array:
        return _exp(Z2)

    def losses(self, Z2: Array, Y: Array) -> Array:
        return (Y * _exp(-Z2) + Z2 - np.log(Y) - 1).sum(axis=0)

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        return 1 - Y * _exp(-Z2)

    def accepts(self, Y: Array) -> bool:
        return super().accepts(Y) and bool((Y > 0).all())


@dataclass(frozen=True)
class Tweedie(Loss):
    """Log link and half the Tweedie deviance: amounts that are often exactly 0.

    Parameters
    ----------
    power : float, default=1.5
        The variance is proportional to mean^power; above 1 (Poisson) and below 2 (gamma).
    """

    power: float = 1.5

    name = "tweedie"
    title = "Tweedie deviance"
    a = "e^z"
    formula = "y^(2-p) / ((1-p)(2-p)) - y a^(1-p) / (1-p) + a^(2-p) / (2-p)"
    derivative = "a^(2-p) - y a^(1-p)"
    domain = "y ≥ 0, not all 0"
    source = "Jørgensen (1987), Exponential dispersion models"
    scalable = "scale"

    def __post_init__(self) -> None:
        power = _number(self.power)
        if not 1 < power < 2:
            raise ParameterError(
                f"power of the Tweedie loss must be above 1 and below 2, not {self.power!r}"
            )
        object.__setattr__(self, "power", power)

    def output(self, Z2: Array) -> Array:
        return _exp(Z2)

    def losses(self, Z2: Array, Y: Array) -> Array:
        p = self.power
        constant = Y ** (2 - p) / ((1 - p) * (2 - p))
        by_score = _exp((2 - p) * Z2) / (2 - p) - Y * _exp((1 - p) * Z2) / (1 - p)
        return (constant + by_score).sum(axis=0)

    def dZ2(self, Z2: Array, Y: Array) -> Array:
        p = self.power
        return _exp((2 - p) * Z2) - Y * _exp((1 - p) * Z2)

    def accepts(self, Y: Array) -> bool:
        return super().accepts(Y) and bool((Y >= 0).all() and (Y > 0).any(axis=1).all())


# The kernel's enumeration has the same order.
LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        BinaryCrossEntropy,
        CrossEntropy,
        SquaredError,
        AbsoluteError,
        Huber,
        Quantile,
        Poisson,
        Gamma,
        Tweedie,
    )
}


def get_loss(output: "str | Loss") -> Loss:
    """The loss object of an output name, or the object itself.

    Raises
    ------
    ParameterError
        If there is none of that name; the message lists those there are.
    """
    if isinstance(output, Loss):
        return output
    try:
        return LOSSES[output]()
    except (KeyError, TypeError):
        known = ", ".join(LOSSES)
        raise ParameterError(f"output {output!r} does not exist; choose one of: {known}") from None
