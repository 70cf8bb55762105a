"""Test vectors: rows that reach every way in which a value is read."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST
from shoal.table import Column

# A table's columns in use: numbers (NaN is missing) or texts (None is missing).
Cells: TypeAlias = Sequence[Array | list[str | None]]

N_ROWS = 24
UNSEEN = ("", "never seen", "*/ ??/ \\", "\"quoted\"\n'line'", "</script> -->", "é 🐧 \u2028")


def vectors(columns: Sequence[Column], n: int = N_ROWS, seed: int = 0) -> Cells:
    """Rows that reach every way in which a value is read.

    The first is the average row, then all at the lower and upper bounds and beyond them, then all
    missing and all unseen. The others mix these with ordinary values, column by column.
    """
    rng = np.random.default_rng(seed)
    cells: list[Array | list[str | None]] = []
    for column in columns:
        if column.kind == "category":
            levels: list[str | None] = [*column.levels, None, *UNSEEN]
            known = len(column.levels)
            first = [0, max(0, known - 1), 0, max(0, known - 1), 0, known, known + 2]
            share = np.full(len(levels), 0.3 / (1 + len(UNSEEN)))
            share[:known] = 0.7 / max(1, known)
            picks = [*first, *rng.choice(len(levels), n, p=share / share.sum())][:n]
            cells.append([levels[k] for k in picks])
        else:
            cells.append(_numbers(column, n, rng))
    return cells


def _numbers(column: Column, n: int, rng: np.random.Generator) -> Array:
    if column.kind == "boolean":
        return np.array([1, 0, 1, 0, 1, np.nan, np.nan, *rng.choice([0, 1, np.nan], n)][:n], float)
    spread = min(column.scale, 1e6 * max(1.0, abs(column.center)))
    low = max(column.low, column.center - 6 * spread)
    high = min(column.high, column.center + 6 * spread)
    beyond = (high - low) / 8
    special = [low, high, low - beyond, high + beyond]
    ordinary = column.center + spread * rng.normal(size=n)
    pool = np.array([*special, *column.edges, np.nan, np.nan])
    mixed = np.where(rng.random(n) < 0.35, rng.choice(pool, n), ordinary)
    values = np.array([column.center, *special, np.nan, np.nan, *mixed][:n], float)
    return np.clip(values, -LARGEST, LARGEST)
