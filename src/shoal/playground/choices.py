"""From a table to what one page can hold: which inputs, which rows, which plane, which scale.

Each function decides one thing and returns, last, the notes that say so.
"""

from collections.abc import Sequence

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST, listed
from shoal.errors import ParameterError
from shoal.playground.notes import Note, note
from shoal.table import Columns

MOST_INPUTS = 30
MOST_NUMBERS = 8_000  # inputs times rows, so that a page in one file stays small
NEAR = 10.0


def share_told(raw: Array, Y: Array, classify: bool) -> tuple[Array, str]:
    """How much each input and the target have to do with each other, from 0 to 1, (n_x,).

    For classes it is the correlation ratio η², the share of the input's variance that lies
    between the classes. For numbers it is r², the square of their correlation.

    Parameters
    ----------
    raw : array (m, n_x)
    Y : array (n_y, m)
        0 and 1 for classes.
    classify : bool
    """
    x = raw - raw.mean(axis=0)
    x = x / np.maximum(np.abs(x).max(axis=0), 1e-300)  # or squares could overflow
    if classify:
        groups = Y if len(Y) > 1 else np.vstack([1 - Y, Y])  # (n_classes, m)
        sizes = np.maximum(groups.sum(axis=1, keepdims=True), 1)
        told = ((groups @ x) ** 2 / sizes).sum(axis=0)
    else:
        y = Y - Y.mean()
        told = ((y @ x) ** 2 / np.maximum((y**2).sum(), 1e-300))[0]
    total = (x**2).sum(axis=0)
    share = np.divide(told, total, out=np.zeros_like(total), where=total > 0)
    return share, "η²" if classify else "r²"


def choose_inputs(told: Array, criterion: str) -> tuple[Array, list[Note]]:
    """Indices of at most 30 inputs, those that tell most, in the order of the table."""
    if len(told) <= MOST_INPUTS:
        return np.arange(len(told)), []
    chosen = np.sort(np.argsort(-told, kind="stable")[:MOST_INPUTS])
    return chosen, [note("inputs", n=MOST_INPUTS, n_x=len(told), criterion=criterion)]


def choose_rows(m: int, n_x: int) -> tuple[Array, list[Note]]:
    """Indices of the rows that the page gets, in the order of the table."""
    most = MOST_NUMBERS // n_x
    if m <= most:
        return np.arange(m), []
    chosen = np.sort(np.random.RandomState(0).permutation(m)[:most])
    return chosen, [note("rows", n=most, m=m)]


def choose_plane(
    names: Sequence[str],
    numeric: Array,
    told: Array,
    criterion: str,
    wanted: Sequence[str] = (),
) -> tuple[tuple[int, int], list[Note]]:
    """The two inputs to draw: those that are asked for, or those that tell most of the target.

    Numbers come before what is only 0 or 1, of which a plane shows little. A table of one input
    has it on both axes.

    Raises
    ------
    ParameterError
        If what is wanted is not two of them.
    """
    if wanted:
        if len(set(wanted)) != 2 or not set(wanted) <= set(names):
            raise ParameterError(
                f"the plane cannot show {listed('input', wanted)}: it takes two of the table's, "
                f"which has {listed('input', names)}"
            )
        return (names.index(wanted[0]), names.index(wanted[1])), []
    if len(names) <= 2:
        return (0, len(names) - 1), []
    first, second = np.lexsort([-told, ~numeric])[:2].tolist()
    said = note(
        "plane",
        first=names[first],
        second=names[second],
        criterion=criterion,
        share_1=told[first],
        share_2=told[second],
    )
    return (first, second), [said]


def choose_scale(columns: Columns, inputs: Array) -> tuple[Array, Array, list[Note]]:
    """Center and scale of the inputs.

    One or two numbers of about the size that weights are made for stay as they are, and so read
    like the table. All else is centred, and numbers are divided by their standard deviation.
    """
    center, scale = columns.centers()[inputs], columns.scales()[inputs]
    scale = np.where(scale < LARGEST, scale, 1.0)  # of a constant
    small = (np.abs(center) <= NEAR) & (scale <= NEAR) & (scale >= 1 / NEAR)
    if len(inputs) <= 2 and small.all():
        return np.zeros(len(inputs)), np.ones(len(inputs)), [note("as they are")]
    return center, scale, [note("scaled")]
