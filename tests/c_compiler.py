"""The C compiler of the tests of exports."""

import shutil
from pathlib import Path

import pytest

from shoal.export.c_parts import FLAGS
from shoal.export.target import find_program, run_program

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")

# CI has a compiler, and lets no test be skipped.
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))),
    reason="no C compiler here: install it (Debian: apt install gcc libc6-dev) to run these tests",
)


def compiler() -> str:
    """The C compiler."""
    return find_program(["cc", "gcc", "clang"], "a C compiler")


def compiled(source: Path, *flags: str) -> str:
    """What a program prints that is compiled with every warning an error."""
    program = source.with_suffix(".run")
    run_program([compiler(), *FLAGS, *flags, "-o", program, source, "-lm"])
    return run_program([program]).decode()
