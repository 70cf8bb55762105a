"""From a table to the inputs of the network, and what was learnt on the way as plain data.

A `Column` says how one column of the table becomes one or more inputs ("slots") of the network:

=========  ==============================  ===================================================
kind       slots                           value
=========  ==============================  ===================================================
number     1                               the number itself
boolean    1                               0 or 1
date       1                               days since 1970-01-01
category   1 per level                     1 for its level, 0 for the others
unused     none                            constant, empty, or an identifier; `note` says which
=========  ==============================  ===================================================

A column in which values were missing at fit has one more slot, 1 where the value is missing. What
the network has not seen (an unseen level, or a missing value where none was missing) is encoded
by the centre of each slot: exactly the average row, which the scaled network sees as 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError

KINDS = ("number", "boolean", "date", "category", "unused")


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes inputs of the network.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean", "date", "category", "unused"}
    center, scale : float
        Of a number, boolean or date: the mean and standard deviation of the values present.
    levels : tuple of str
        Of a category: the levels that have a slot, as text, most frequent first.
    shares : tuple of float
        Of a category: the share of all rows with each level.
    missing : float
        The share of rows with a missing value at fit; above 0 the column has an indicator slot.
    note : str
        Of an unused column: why. Otherwise empty, or what was left out.
    """

    name: str
    kind: str
    center: float = 0.0
    scale: float = 1.0
    levels: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    missing: float = 0.0
    note: str = ""

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its inputs."""
        if self.kind == "unused":
            return ()
        values = tuple(f"{self.name}={level}" for level in self.levels)
        indicator = (f"{self.name} is missing",) if self.missing > 0 else ()
        return (values if self.kind == "category" else (self.name,)) + indicator

    @property
    def slot_centers(self) -> tuple[float, ...]:
        """Average value of each slot over the rows of the fit."""
        if self.kind == "unused":
            return ()
        values = self.shares if self.kind == "category" else (self.center,)
        return values + ((self.missing,) if self.missing > 0 else ())

    @property
    def slot_scales(self) -> tuple[float, ...]:
        """What each slot is divided by for training: 1 for levels and indicators."""
        if self.kind in ("category", "unused"):
            return (1.0,) * len(self.slots)
        return (self.scale,) + ((1.0,) if self.missing > 0 else ())


@dataclass(frozen=True)
class Columns:
    """All columns of a table, in the order of the fit.

    Attributes
    ----------
    columns : tuple of Column
    named : bool
        Whether the names are the table's own; then columns are found by name, in any order.
        Otherwise they are x1, x2, ... and found by position.
    """

    columns: tuple[Column, ...]
    named: bool = True
