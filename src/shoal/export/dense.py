"""For ONNX and SQL, which write out every slot of x, and fix the coverage of intervals."""

import re
from typing import NamedTuple

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST
from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Input, Prepared


class Ways(NamedTuple):
    """The ways in which a category enters: its levels, and what stands for other texts."""

    texts: dict[str, int]  # way of each level; of whole numbers also as doubles are written
    unknown: int
    missing: int
    slots: Array  # (n_ways, width), the part of x that each way is


def ways(entry: Input) -> Ways:
    """The ways of a category; those that are the same are one."""
    levels = entry.column.levels
    present = map(tuple, np.eye(entry.column.width)[: len(levels)].tolist())
    distinct: dict[tuple[float, ...], int] = {}
    numbers = [
        distinct.setdefault(way, len(distinct)) for way in (*present, entry.unknown, entry.missing)
    ]
    texts = dict(zip(levels, numbers, strict=False))
    for level in levels:
        if re.fullmatch(r"-?[0-9]+", level):
            texts.setdefault(f"{level}.0", texts[level])
    return Ways(texts, numbers[-2], numbers[-1], np.array(list(distinct)))


def knots(entry: Input) -> list[tuple[float, float, float]]:
    """Each knot of a number between its neighbours; from the last on, its share is 1."""
    edges = entry.column.edges
    return list(zip(edges, edges[1:], (*edges[2:], 4 * LARGEST), strict=False))


def check_texts(prepared: Prepared, what: str) -> None:
    """Raise ShoalError for a name, level or class with characters that UTF-8 does not have."""
    columns = prepared.model.columns.columns
    texts = [text for column in columns for text in (column.name, *column.levels)]
    for text in [*texts, *prepared.value_names, *prepared.model.target]:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ShoalError(f"{text!a} cannot be written in {what}: rename it") from None


def check_coverage(coverage: float) -> None:
    """Raise ParameterError if it is none."""
    if not 0 < coverage < 1:
        raise ParameterError(f"coverage must be between 0 and 1, not {coverage!r}")


def reach(prepared: Prepared, coverage: float) -> list[float]:
    """How far each value's interval reaches to both sides, as `Model.predict_interval` has it.

    Empty if the model knows no rows that were held out.
    """
    return [
        float(np.interp(coverage, np.linspace(0, 1, len(sizes)), sizes))
        for sizes in prepared.residuals or ()
    ]
