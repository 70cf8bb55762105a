"""How training went."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError
from shoal.history import Progress
from shoal.plots.style import BLUE, FAINT, INK, MUTED, ORANGE, Display, legend
from shoal.record import Curve, curves_of


@dataclass
class LossCurveDisplay(Display):
    """Loss of the training rows and of those held out, and where the network that is kept is from.

    The members of a committee are thin, their mean over those still training is bold.

    Parameters
    ----------
    curves : list of Curve
    """

    curves: list[Curve]

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw the curves of a fitted estimator, or of a Model whose file keeps them.

        Raises
        ------
        DataError
            If a Model keeps none.
        """
        return cls(_known(estimator)).plot(ax)

    def draw(self, ax: Any) -> None:
        several = len(self.curves) > 1
        for name, colour, values in (
            ("training rows", BLUE, "loss"),
            ("rows held out", ORANGE, "validation_loss"),
        ):
            drawn = [c for c in self.curves if getattr(c, values)]
            for curve in drawn:
                ax.plot(
                    curve.iterations,
                    getattr(curve, values),
                    color=colour,
                    linewidth=0.7 if several else 1.8,
                    alpha=0.35 if several else 1,
                    label=None if several else name,
                )
            if several and drawn:
                at, mean = _mean(drawn, values)
                ax.plot(at, mean, color=colour, linewidth=2.2, label=f"{name}, mean")
        kept = [(c.best, _at(c, c.best)) for c in self.curves if c.best and c.validation_loss]
        if kept:
            x, y = zip(*kept, strict=True)
            ax.scatter(x, y, s=26, color=ORANGE, edgecolor="white", linewidth=0.8, zorder=3)
            ax.scatter([], [], s=26, color=ORANGE, label="kept")
        every = [v for c in self.curves for v in (*c.loss, *c.validation_loss)]
        if min(every) > 0 and max(every) > 20 * min(every):
            ax.set_yscale("log")
        ax.set(xlabel="iteration", ylabel="loss")
        legend(ax)


def _known(source: Any) -> list[Curve]:
    curves = curves_of(source)
    if not curves:
        raise DataError(
            "the model keeps no curves: models that shoal fit writes and fitted estimators do"
        )
    return curves


def _at(curve: Curve, iteration: int) -> float:
    nearest = int(np.abs(np.array(curve.iterations) - iteration).argmin())
    return curve.validation_loss[nearest]


def _mean(curves: list[Curve], values: str) -> tuple[Array, Array]:
    """Mean of the members, each after its end as it was there."""
    last = max(c.iterations[-1] for c in curves)
    at = np.unique(np.linspace(1, last, min(last, 400)).round().astype(int))
    return at, np.mean([np.interp(at, c.iterations, getattr(c, values)) for c in curves], axis=0)


class TrainingRecorder:
    """A callback that notes the size of each step, for `training_state`.

    Attributes
    ----------
    iterations : list of int
    step : list of float
        ‖θ - θ of the call before‖: of gradient descent the learning rate times the norm of the
        gradient. In the scaled units of training.
    """

    def __init__(self) -> None:
        self.iterations: list[int] = []
        self.step: list[float] = []
        self._before: Array | None = None

    def __call__(self, progress: Progress) -> None:
        """Note one step."""
        theta = np.concatenate([block.ravel() for block in progress.parameters])
        if self._before is not None and len(self._before) == len(theta):
            self.iterations.append(progress.iteration)
            self.step.append(float(np.linalg.norm(theta - self._before)))
        self._before = theta


@dataclass
class TrainingStateDisplay(Display):
    """How long the held-out loss has not improved, and with a recorder how large the steps were.

    Parameters
    ----------
    curves : list of Curve
    recorder : TrainingRecorder or None
    """

    curves: list[Curve]
    recorder: TrainingRecorder | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, recorder: TrainingRecorder | None = None, ax: Any = None
    ) -> Self:
        """Draw the training state of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator, or Model whose file keeps curves
        recorder : TrainingRecorder, optional
            One that was among the `callbacks` of the fit: then the size of each step is drawn.
        ax : matplotlib Axes, optional
        """
        return cls(_known(estimator), recorder).plot(ax)

    @property
    def waited(self) -> list[tuple[Array, Array]]:
        """Iterations, and those since the lowest watched loss, for each member."""
        return [(np.array(c.iterations), _waited(c)) for c in self.curves]

    def draw(self, ax: Any) -> None:
        if self.recorder is not None:
            ax.plot(self.recorder.iterations, self.recorder.step, color=BLUE, linewidth=1.2)
            ax.set(xlabel="iteration", ylabel="size of the step", yscale="log")
            return
        held_out = any(c.validation_loss for c in self.curves)
        for k, (at, waited) in enumerate(self.waited):
            ax.plot(at, waited, color=FAINT if k else INK, linewidth=1.4, zorder=2 - (k > 0))
        what = "held-out" if held_out else "training"
        ax.set(xlabel="iteration", ylabel=f"iterations without a lower {what} loss")
        if len(self.curves) > 1:
            ax.plot([], [], color=INK, label="first member")
            ax.plot([], [], color=FAINT, label=f"the other {len(self.curves) - 1}")
            legend(ax, labelcolor=MUTED)


def _waited(curve: Curve) -> Array:
    losses = np.array(curve.validation_loss or curve.loss)
    at, lowest = np.array(curve.iterations), np.minimum.accumulate(losses)
    best = np.maximum.accumulate(np.where(losses <= lowest, at, 0))
    return at - best
