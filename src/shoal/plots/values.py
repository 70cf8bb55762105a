"""How good predicted values are."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.plots.style import BLUE, FAINT, INK, MUTED, ORANGE, Display, model_of, number, short

MOST_POINTS = 2000  # more points than this are a cloud: then an even share of them is drawn


def _values(source: Any, X: Any, y: Any, output: int) -> tuple[Array, Array, str]:
    """Targets, predictions and the name of one output of a regression."""
    model = model_of(source)
    if model.task != "regression":
        raise ParameterError(f"this picture is of a regression, and the model is {model.task}")
    prediction = model.predict(X)
    y = np.asarray(y, dtype=float)
    if prediction.ndim == 2:
        prediction = prediction[:, output]
        y = y[:, min(output, y.shape[1] - 1)] if y.ndim == 2 else y
    name = model.target[min(output, len(model.target) - 1)] if model.target else "y"
    return y.reshape(len(prediction)), prediction, name


def _both(y: Any, prediction: Any) -> tuple[Array, Array]:
    y, prediction = np.asarray(y, dtype=float).ravel(), np.asarray(prediction, dtype=float).ravel()
    if y.shape != prediction.shape or not len(y):
        raise DataError(f"there are {len(y)} true and {len(prediction)} predicted values")
    return y, prediction


@dataclass
class _ValuesDisplay(Display):
    """What pictures of predicted values share.

    Parameters
    ----------
    y, prediction : array (m,)
    name : str
        Of the target.
    """

    y: Array
    prediction: Array
    name: str = "y"

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, output: int = 0, ax: Any = None
    ) -> Self:
        """Draw it for the rows of a table; of several outputs for one of them."""
        return cls(*_values(estimator, X, y, output)).plot(ax)

    @classmethod
    def from_predictions(cls, y: Any, prediction: Any, *, name: str = "y", ax: Any = None) -> Self:
        """Draw it for true and predicted values."""
        return cls(*_both(y, prediction), name).plot(ax)

    @property
    def shown(self) -> Array:
        """Which rows have a point."""
        m = len(self.y)
        return np.unique(np.linspace(0, m - 1, min(m, MOST_POINTS)).round().astype(int))

    def points(self, ax: Any, x: Array, y: Array) -> None:
        """Draw a cloud of points, as dense as it is readable."""
        at = self.shown
        alpha = float(np.clip(60 / len(at) ** 0.5 / 4, 0.2, 0.8))
        ax.scatter(x[at], y[at], s=14, color=BLUE, alpha=alpha, linewidth=0)
        if len(at) < len(x):
            ax.set_title(
                f"{len(at):,} of {len(x):,} rows", fontsize="small", color=MUTED, loc="right"
            )


@dataclass
class PredictedDisplay(_ValuesDisplay):
    """Predicted against true values, with their correlation R and the line through them.

    Parameters
    ----------
    y, prediction : array (m,)
    name : str
        Of the target.
    """

    @property
    def r(self) -> float:
        """Pearson's correlation of predicted and true values; NaN if either is constant."""
        if np.ptp(self.y) == 0 or np.ptp(self.prediction) == 0:
            return float("nan")
        return float(np.corrcoef(self.y, self.prediction)[0, 1])

    @property
    def fit(self) -> tuple[float, float]:
        """Slope and intercept of predicted = slope · true + intercept, by least squares."""
        if np.ptp(self.y) == 0:
            return 0.0, float(self.prediction.mean())
        slope, intercept = np.polyfit(self.y, self.prediction, 1)
        return float(slope), float(intercept)

    def draw(self, ax: Any) -> None:
        self.points(ax, self.y, self.prediction)
        both = np.concatenate([self.y, self.prediction])
        ends = np.array([both.min(), both.max()])
        ax.plot(ends, ends, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
        slope, intercept = self.fit
        ax.plot(ends, slope * ends + intercept, color=ORANGE, linewidth=1.5)
        sign = "+" if intercept >= 0 else "−"
        ax.text(
            0.03,
            0.97,
            f"R = {self.r:.3f}\nŷ = {slope:.3g} y {sign} {number(abs(intercept))}",
            transform=ax.transAxes,
            va="top",
            fontsize="small",
            color=INK,
        )
        name = short(self.name)
        ax.set(xlabel=f"true {name}", ylabel=f"predicted {name}", aspect="equal")


@dataclass
class ResidualsDisplay(_ValuesDisplay):
    """True minus predicted against predicted values: what is left should have no shape.

    Parameters
    ----------
    y, prediction : array (m,)
    name : str
        Of the target.
    """

    def draw(self, ax: Any) -> None:
        residual = self.y - self.prediction
        ax.axhline(0, color=MUTED, linewidth=0.9)
        self.points(ax, self.prediction, residual)
        at, middle = running_median(self.prediction, residual)
        if len(at) > 2:
            ax.plot(at, middle, color=ORANGE, linewidth=1.6)
        name = short(self.name)
        ax.set(xlabel=f"predicted {name}", ylabel="true − predicted")


def running_median(x: Array, y: Array, n_groups: int = 12) -> tuple[Array, Array]:
    """Median of x and of y in groups of as many rows each, in the order of x."""
    parts = np.array_split(np.argsort(x, kind="stable"), min(n_groups, max(1, len(x) // 15)))
    return (
        np.array([np.median(x[part]) for part in parts]),
        np.array([np.median(y[part]) for part in parts]),
    )


@dataclass
class ErrorHistogramDisplay(_ValuesDisplay):
    """How large the errors are, true minus predicted.

    Parameters
    ----------
    y, prediction : array (m,)
    name : str
        Of the target.
    """

    @property
    def histogram(self) -> tuple[Array, Array]:
        """Counts, and the edges of the bins; errors beyond the outer 0.5 % are in the end bins."""
        error = self.y - self.prediction
        low, high = np.quantile(error, (0.005, 0.995))
        if low == high:
            low, high = low - 0.5, high + 0.5
        n_bins = int(np.clip(np.sqrt(len(error)), 8, 40))
        counts, edges = np.histogram(np.clip(error, low, high), bins=n_bins, range=(low, high))
        return counts, edges

    def draw(self, ax: Any) -> None:
        counts, edges = self.histogram
        ax.stairs(counts, edges, fill=True, color=BLUE, alpha=0.8)
        ax.axvline(0, color=INK, linewidth=1)
        error = self.y - self.prediction
        middle = float(np.median(error))
        ax.axvline(middle, color=ORANGE, linewidth=1.5, linestyle=(0, (4, 2)))
        ax.text(
            0.98,
            0.97,
            f"median {number(middle)}\nhalf within ± {number(float(np.median(np.abs(error))))}",
            transform=ax.transAxes,
            va="top",
            ha="right",
            fontsize="small",
            color=INK,
        )
        ax.set(xlabel=f"true − predicted {short(self.name)}", ylabel="rows")
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
