"""What a target is: one way to write a model, and one to run what was written."""

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from shoal.errors import ParameterError, ShoalError
from shoal.export.prepared import Outputs


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
    """One format.

    Attributes
    ----------
    title : str
        What the file is, for people.
    write : callable
        (prepared, name, measured, **options) -> bytes. `name` is the file's, without its suffix;
        `measured` is for the header. Refuses by a ShoalError what the format cannot express.
    run : callable
        (path, prepared, cells, **options) -> Outputs of the file at `path`, in its own runtime.
        Raises MissingRuntimeError where there is none.
    tolerance : callable
        (prepared, **options) -> the largest deviation that is no fault.
    usage : callable
        (path, prepared, **options) -> how to call it, in a line or a few.
    """

    title: str
    write: Callable[..., bytes]
    run: Callable[..., Outputs]
    tolerance: Callable[..., float]
    usage: Callable[..., str]

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise ParameterError for an option that this format does not have."""
        known = [
            p.name for p in signature(self.write).parameters.values() if p.kind == p.KEYWORD_ONLY
        ]
        for option in options:
            if option not in known:
                have = f"it has {', '.join(known)}" if known else "it has none"
                raise ParameterError(f"{self.title} has no option {option!r}: {have}")


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
        If it fails or does not end; with the last of what it said.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise ShoalError(f"{words[0]} did not end within {timeout:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-2000:]
        raise ShoalError(f"{words[0]} ended with exit code {done.returncode}:\n{said}")
    return done.stdout
