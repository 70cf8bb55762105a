"""What the hidden units of a fitted network do on rows: which work, which do not, which are one."""

from dataclasses import dataclass

import numpy as np

from shoal.activations import Array, get_activation
from shoal.model import Model
from shoal.network import Parameters
from shoal.table import Column

FLAT = 1e-9  # a unit whose output varies by less, of its size, gives the same on every row
TAIL = 0.05  # of the largest g′: a unit below it hardly learns from a row
MOST_ROWS = 95 / 100  # the share of rows in its tails that makes a unit saturated
ALIKE = 0.9999  # correlation above which two units are twins
STATES = ("working", "dead", "constant", "saturated", "linear")


@dataclass(frozen=True)
class Units:
    """Hidden units on some rows.

    Attributes
    ----------
    Z1, A1 : array (n_h, m)
    state : array of str (n_h,)
        "dead": g′ is 0 on every row, so nothing passes and nothing is learnt. "constant": the same
        output on every row though not dead. "saturated": g′ is under 5 % of its largest on 95 % of
        the rows or more. "linear": on one side of the kink on every row, so no bend is used.
        "working": none of these.
    twins : list of list of int
        Units whose outputs are the same but for scale and shift (correlation above 0.9999).
    influence : array (n_h,)
        How far each unit moves the scores: ‖W2[:, j]‖ times the standard deviation of A1[j].
    """

    Z1: Array
    A1: Array
    state: Array
    twins: list[list[int]]
    influence: Array

    def count(self, state: str) -> int:
        """Number of units in a state."""
        return int((self.state == state).sum())


def float64(parameters: Parameters) -> Parameters:
    """The same network in double precision, in which all here is computed."""
    return Parameters(*(np.asarray(block, dtype=np.float64) for block in parameters))


def examine_units(model: Model, X: Array) -> Units:
    """What each hidden unit does on encoded rows.

    Parameters
    ----------
    model : Model
    X : array (m, n_x)
        As `model.columns.encode` gives them.
    """
    W1, b1, W2, _ = float64(model.parameters)
    activation = get_activation(model.activation)
    Z1 = W1 @ X.T + b1 if len(W1) else np.empty((0, len(X)))
    A1, slope = activation.g(Z1), np.abs(activation.g_prime(Z1))
    state = np.full(len(Z1), "working", dtype="<U9")
    if activation.kinked:
        state[(Z1 > 0).all(axis=1) | (Z1 < 0).all(axis=1)] = "linear"
    if activation.saturates != "never":
        low = slope < TAIL * activation.largest_derivative
        state[low.mean(axis=1) >= MOST_ROWS] = "saturated"
    flat = np.ptp(A1, axis=1) <= FLAT * np.maximum(np.abs(A1).max(axis=1), FLAT)
    state[flat] = "constant"
    state[(slope == 0).all(axis=1)] = "dead"
    influence = np.linalg.norm(W2, axis=0) * A1.std(axis=1) if len(Z1) else np.empty(0)
    return Units(Z1, A1, state, _twins(A1, flat), influence)


def _twins(A1: Array, flat: Array) -> list[list[int]]:
    """Groups of units that are the same but for scale and shift; those that are flat are none."""
    who = np.flatnonzero(~flat)
    centred = A1[who] - A1[who].mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    alike = np.abs(unit @ unit.T) > ALIKE
    groups, free = [], np.ones(len(who), dtype=bool)
    for k in range(len(who)):
        if free[k]:
            group = np.flatnonzero(alike[k] & free)
            free[group] = False
            if len(group) > 1:
                groups.append(who[group].tolist())
    return groups


# ---- weights by name ---------------------------------------------------------------------------


def column_slots(model: Model) -> list[tuple[Column, slice]]:
    """Each column in use with the slots that it has among the inputs."""
    found, start = [], 0
    for column in model.columns.columns:
        if column.width:
            found.append((column, slice(start, start + column.width)))
        start += column.width
    return found


def slot_spreads(model: Model) -> Array:
    """Standard deviation of each slot over the rows of the fit, (n_x,), as the model knows it.

    Of a level or an indicator with share p it is √(p (1 - p)); of a bin with average p, whose
    values lie between 0 and 1, that is the most it can be.
    """
    spreads = []
    for column, _ in column_slots(model):
        share = np.clip(np.array(column.slot_centers), 0, 1)
        spread = np.sqrt(share * (1 - share))
        if column.kind != "category":
            spread[0] = column.scale if np.isfinite(column.scale) else 0.0
            spread[0] = 0.0 if column.note else spread[0]  # constant where it is present
        spreads.append(spread)
    return np.concatenate(spreads) if spreads else np.empty(0)


def standard_weights(model: Model) -> Array:
    """Weights of the first layer per standard deviation of each slot, (n_h, n_x).

    Without a hidden layer those of the outputs, (n_y, n_x).
    """
    W1, _, W2, _ = float64(model.parameters)
    return (W1 if len(W1) else W2) * slot_spreads(model)


def column_weights(model: Model) -> Array:
    """How much each unit listens to each column, (n_h, n_columns): the norm over its slots."""
    weights = standard_weights(model)
    return np.stack(
        [np.linalg.norm(weights[:, slots], axis=1) for _, slots in column_slots(model)], axis=1
    )


def unit_order(model: Model) -> Array:
    """Units by how far they move the scores, most first, as the weights alone tell, (n_h,)."""
    W1, _, W2, _ = model.parameters
    if not len(W1):
        return np.arange(len(W2))
    size = np.linalg.norm(W2, axis=0) * np.linalg.norm(standard_weights(model), axis=1)
    return np.argsort(-size, kind="stable")
