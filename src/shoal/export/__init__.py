"""A model as a file that runs where shoal is not, proved by running it.

The suffix chooses the target, a module each. Every target is the same few lines in another
language: make x of a row (`shoal.export.prepared`), then Eq 1 to 4.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from shoal.atomic import atomic_write
from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Cells, Prepared, n_rows
from shoal.export.target import Measured, MissingRuntimeError, Target
from shoal.model import Model

# The module of each suffix; in it the class of the target is called TARGET.
TARGETS = {
    ".c": "c",
    ".h": "c",
    ".js": "javascript",
    ".mjs": "javascript",
    ".json": "json",
    ".onnx": "onnx",
    ".py": "python",
    ".sql": "sql",
}


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
    title : str
        What the file is, for people.
    size : int
        Bytes.
    measured : Measured
        How far its outputs are from the model's.
    tolerance : float
        How far they may be.
    usage : str
        How to call it.
    """

    path: Path
    title: str
    size: int
    measured: Measured
    tolerance: float
    usage: str


def export_model(
    model: Model,
    path: str | os.PathLike[str],
    *,
    check: bool = False,
    data: Any = None,
    **options: Any,
) -> Exported:
    """Write a model as a file that needs no shoal, and run it on test vectors.

    The file takes raw columns (numbers, texts, missing values) and gives scores, probabilities and
    classes, or values. It is run on rows that reach every way in which a value is read, and what
    it answers is compared with the model in float64. The largest deviation stands in its header.

    Parameters
    ----------
    model : Model
    path : str or path
        The suffix chooses the target: .c .h .js .json .mjs .onnx .py .sql.
    check : bool
        Whether it is an error if nothing here can run the file. Otherwise the header then says
        that nothing was measured.
    data : data frame or array, optional
        More rows to compare; implies `check`.
    **options
        The target's own, see docs/export.md.

    Returns
    -------
    Exported

    Raises
    ------
    ParameterError
        If there is no such target, or it has no such option.
    ShoalError
        If the target cannot express the model, the outputs deviate more than the target allows, or
        the file cannot be written. Then nothing is written.
    """
    path = Path(path)
    target = make_target(path, options)
    prepared = Prepared(model)
    cells = prepared.rows
    if data is not None:
        cells = _stacked(cells, prepared.cells(data))
    content = target.write(prepared, path.name, Measured())
    tolerance = target.tolerance(prepared)
    measured = measure(target, content, path.name, prepared, cells)
    if not measured.rows and (check or data is not None):
        raise MissingRuntimeError(f"{path.name} cannot be checked: {measured.reason}")
    if measured.deviation > tolerance:
        raise ShoalError(
            f"{path} is not written: what it computes deviates from the model by "
            f"{measured.deviation:.2g}, and {target.title} should stay within {tolerance:.2g}; "
            "choose a target or an option of more digits, or report this as a fault of shoal"
        )
    content = target.write(prepared, path.name, measured)
    with atomic_write(path) as file:
        file.write(content)
    usage = target.usage(path, prepared)
    return Exported(path, target.title, len(content), measured, tolerance, usage)


def make_target(path: str | os.PathLike[str], options: Mapping[str, Any]) -> Target:
    """The target that a file's suffix names, with its options.

    Raises
    ------
    ParameterError
        If there is none, or it has no such option; the message lists those there are.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in TARGETS:
        known = ", ".join(sorted(TARGETS))
        raise ParameterError(
            f"the suffix of {os.fspath(path)!r} names no target; choose one of: {known}"
        )
    module = TARGETS[suffix]
    if module == "c" and str(options.get("dtype")).startswith("int"):
        module = "fixed"
    kind: type[Target] = import_module(f"shoal.export.{module}").TARGET
    known = ", ".join(field.name for field in fields(kind))
    for option in options:
        if option not in known.split(", "):
            have = f"it has {known}" if known else "it has none"
            raise ParameterError(f"{kind.title} has no option {option!r}: {have}")
    return kind(**options)


def measure(
    target: Target, content: bytes, name: str, prepared: Prepared, cells: Cells
) -> Measured:
    """Run an exported file, of that content and name, on rows, and compare with the model."""
    cells = target.within(prepared, cells)
    with tempfile.TemporaryDirectory(prefix="shoal-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            outputs = target.run(path, prepared, cells)
        except MissingRuntimeError as error:
            return Measured(reason=str(error))
    expected = prepared.reference(cells)
    other = sum(a != b for a, b in zip(outputs.labels or (), expected.labels or (), strict=True))
    return Measured(n_rows(cells), target.deviation(outputs, expected), other)


def _stacked(first: Cells, second: Cells) -> Cells:
    """Rows, and more rows."""
    return [
        a + b if isinstance(a, list) and isinstance(b, list) else np.concatenate([a, b])
        for a, b in zip(first, second, strict=True)
    ]
