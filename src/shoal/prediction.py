"""Rows to scores and outputs, by the engine at hand: what a fitted network does all its life."""

from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.engine import CompiledEngine, Engine, choose_engine
from shoal.errors import DataError
from shoal.kernel_problem import can_take
from shoal.lookup import Rows, Slots
from shoal.losses import Loss
from shoal.network import Parameters, forward
from shoal.state import join

BLOCK = 4096  # rows that the reference computes at a time, so that memory does not grow with m
ALONE = 1_000_000  # multiplications up to which another thread costs more than it brings


class Predictor:
    """A network with everything prepared that can be before the rows come.

    Parameters
    ----------
    parameters : Parameters
    activation : str
    loss : Loss
    slots : Slots, optional
        The columns that are looked up: then rows come as `Rows` of a Lookup.
    engine : Engine, optional
        Not the one that `choose_engine` chooses.
    """

    def __init__(
        self,
        parameters: Parameters,
        activation: str,
        loss: Loss,
        slots: Slots | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.parameters, self.activation, self.loss = parameters, activation, loss
        self.size = parameters.W1.size + parameters.W2.size
        n_h, n_x = len(parameters.b1), parameters.W1.shape[1]
        n_y, dtype = len(parameters.W2), parameters.W2.dtype
        engine = engine or choose_engine()
        self.rows: type | None = None  # what `compiled` takes
        if isinstance(engine, CompiledEngine) and can_take(
            np.empty((n_x, 1), dtype), dtype, activation, loss
        ):
            self.threads = engine.threads
            self.compiled = engine.kernel.predictor(
                join([parameters], turned=slots is not None and bool(slots.widths)),
                n_x=n_x,
                n_h=n_h,
                n_y=n_y,
                activation=activation,
                loss=loss,
                skip=len(parameters.W1) > n_h,
                slots=slots,
            )
            self.rows = np.ndarray if slots is None else Rows

    def __call__(self, X: Any, *, scores: bool) -> Array:
        """Z2 if `scores`, else A2, as rows (m, n_y), of rows X (m, n_x), dense or sparse."""
        m = X.shape[0]
        if type(X) is Rows and X.T.centred:
            raise DataError("the centers are in the biases already: rows come with centred=False")
        if type(X) is self.rows:
            return self.compiled(X, scores, self.threads if m * self.size > ALONE else 1)
        blocks = []
        for start in range(0, max(m, 1), BLOCK):
            rows = X[start : start + BLOCK].T
            Z2 = forward(rows, self.parameters, activation=self.activation, output=self.loss)[2]
            blocks.append((Z2 if scores else self.loss.output(Z2)).T)
        return np.concatenate(blocks)
