"""The activation functions."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shoal.activations import get_activation
from shoal.plots.style import BLUE, FAINT, ORANGE, Display, legend, model_of


@dataclass
class ActivationFunctionDisplay(Display):
    """An activation function and its derivative.

    Parameters
    ----------
    name : str
        One of `shoal.ACTIVATIONS`.
    reach : float
        From minus this to this.
    """

    name: str
    reach: float = 4.0

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> Self:
        """Draw that of an estimator, of a Model, or of the name of one."""
        named = isinstance(estimator, str)
        return cls(estimator if named else model_of(estimator).activation).plot(ax)

    def draw(self, ax: Any) -> None:
        activation = get_activation(self.name)
        # 0 is between two points, so that a jump of g′ is one.
        z = np.linspace(-self.reach, self.reach, 400)
        ax.axhline(0, color=FAINT, linewidth=0.8)
        ax.axvline(0, color=FAINT, linewidth=0.8)
        ax.plot(z, activation.g(z), color=BLUE, linewidth=2, label="g")
        slope = activation.g_prime(z)
        if activation.kinked:
            slope = np.insert(slope, 200, np.nan)
            z = np.insert(z, 200, 0)
        ax.plot(z, slope, color=ORANGE, linewidth=2, linestyle=(0, (5, 2)), label="g′")
        ax.set(xlabel="z", title=self.name)
        ax.set_ylim(*np.clip(ax.get_ylim(), -1.6, 2.6))
        legend(ax, loc="upper left")
