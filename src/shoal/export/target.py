"""What a target is: one way to write a model, and one to run what was written."""

import math
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Cells, Outputs, Prepared, deviation


class MissingRuntimeError(ShoalError):
    """There is nothing here that runs the file."""


@dataclass(frozen=True)
class Measured:
    """What running the file on rows, and comparing with the model, has shown.

    Attributes
    ----------
    rows : int
        So many rows were compared; 0 if the file could not be run.
    deviation : float
        The largest; see `shoal.export.prepared.deviation`.
    other_class : int
        In so many rows the file chose another class.
    reason : str
        Why it was not run.
    """

    rows: int = 0
    deviation: float = math.nan
    other_class: int = 0
    reason: str = "not run yet"

    def __str__(self) -> str:
        if not self.rows:
            return f"not measured: {self.reason}"
        words = f"largest deviation {self.deviation:.2g} over {self.rows:,} rows"
        if self.other_class:
            words += f", another class in {self.other_class:,} of them"
        return words


@dataclass(frozen=True)
class Target:
    """One format. Its options, if it has any, are its fields, and are checked when it is made."""

    title: ClassVar[str]

    def write(self, prepared: Prepared, name: str, measured: Measured) -> bytes:
        """The file.

        Parameters
        ----------
        prepared : Prepared
        name : str
            Of the file, with its suffix.
        measured : Measured
            For the header.

        Raises
        ------
        ShoalError
            If the format cannot express the model, with the reason.
        """
        raise NotImplementedError

    def run(self, path: Path, prepared: Prepared, cells: Cells) -> Outputs:
        """What the file at `path` answers to rows, in its own runtime.

        Raises
        ------
        MissingRuntimeError
            If there is none here.
        """
        raise NotImplementedError

    def tolerance(self, prepared: Prepared) -> float:
        """The largest deviation that is no fault: here that of another order of summation."""
        return max(1e-12, prepared.rounding)

    def deviation(self, outputs: Outputs, expected: Outputs) -> float:
        """The largest deviation of outputs from what they should be, as the tolerance is meant."""
        return deviation(outputs, expected)

    def within(self, prepared: Prepared, cells: Cells) -> Cells:
        """The rows on which file and model are to agree: the same, unless the target has bounds."""
        return cells

    def usage(self, path: Path, prepared: Prepared) -> str:
        """How to call it, in a line or a few."""
        raise NotImplementedError


def fill(template: str, **parts: str) -> str:
    """The template with each @word@ replaced, once: what a part says is not looked at again."""
    return re.sub(r"@(\w+)@", lambda found: parts[found[1]], template)


def choice(option: str, value: object, allowed: Sequence[str]) -> None:
    """Raise ParameterError if the value of an option is none of those allowed."""
    if value not in allowed:
        raise ParameterError(f"{option} must be {' or '.join(allowed)}, not {value!r}")


def find_program(names: Sequence[str], what: str) -> str:
    """The path of the first program that is here, in this environment or on the system's path.

    Raises
    ------
    MissingRuntimeError
        If there is none; `what` says what to install.
    """
    for name in names:
        for folder in (str(Path(sys.executable).parent), None):
            found = shutil.which(name, path=folder)
            if found:
                return found
    raise MissingRuntimeError(f"there is no {' or '.join(names)} here: install {what}")


def run_program(command: Sequence[object], stdin: bytes = b"", timeout: float = 300) -> bytes:
    """What a program prints, given its input.

    Raises
    ------
    ShoalError
        If it fails or does not end; with the first of what it said.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise ShoalError(f"{words[0]} did not end within {timeout:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:2000]
        raise ShoalError(f"{words[0]} ended with exit code {done.returncode}:\n{said}")
    return done.stdout
