"""For ONNX and SQL, which write out every slot of x, and fix the coverage of intervals."""

import re
from typing import NamedTuple

import numpy as np

from shoal.activations import Array
from shoal.cells import LARGEST
from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Input, Prepared


class Ways(NamedTuple):
    """The ways in which a category enters: its slots, and what is between them."""

    texts: dict[str, int]  # way of each level; of whole numbers also as doubles are written
    unknown: int
    missing: int
    mixed: list[tuple[float, ...]]  # of the ways behind the slots, what the slots are


def ways(entry: Input) -> Ways:
    """The ways of a category: 1 for a slot, or a mixture of them, such as the average row."""
    mixed: list[tuple[float, ...]] = []

    def number(slots: tuple[float, ...]) -> int:
        if slots.count(1) == 1 and slots.count(0) == len(slots) - 1:
            return slots.index(1)
        if slots not in mixed:
            mixed.append(slots)
        return len(slots) + mixed.index(slots)

    texts = {level: k for k, level in enumerate(entry.column.levels)}
    for level in entry.column.levels:
        if re.fullmatch(r"-?[0-9]+", level):
            texts.setdefault(f"{level}.0", texts[level])
    return Ways(texts, number(entry.unknown), number(entry.missing), mixed)


def n_written(entry: Input) -> int:
    """How many inputs a column is: its slots, and of a category what is between them."""
    return entry.column.width + (len(ways(entry).mixed) if entry.is_category else 0)


def written(entry: Input, W: Array) -> Array:
    """What those inputs weigh (n, n_written), by the weights of x (n, n_x)."""
    W = W[:, entry.slots]
    if not entry.is_category:
        return W
    mixed = np.array(ways(entry).mixed).reshape(-1, W.shape[1])
    return np.hstack([W, W @ mixed.T])


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
