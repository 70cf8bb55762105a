"""shoal doctor: what is installed, what computes, and what of the environment shoal heeds."""

import os
import platform

import click

from shoal import __version__
from shoal.cli.talk import JSON_OPTION, print_json, print_table

NEEDED = ("numpy", "scipy", "scikit-learn", "narwhals", "polars", "click", "rich")
USEFUL = {
    "pandas": "pandas frames in fit",
    "pyarrow": "Arrow tables in fit",
    "anywidget": "the playground in a notebook",
    "matplotlib": "plots and reports",
}
HEEDED = {
    "CI": "plain lines instead of a live one",
    "NO_COLOR": "no colours, and plain lines instead of a live one",
    "TERM": "plain lines where it is dumb",
    "SHOAL_ENGINE": "auto, compiled or numpy",
    "SHOAL_ISA": "avx512, avx2 or baseline, for the compiled engine",
    "OMP_NUM_THREADS": "threads of matrix products",
    "OPENBLAS_NUM_THREADS": "threads of matrix products",
}


@click.command(short_help="Show versions, the engine, and what is missing.")
@JSON_OPTION
def doctor(as_json: bool) -> int:
    """Show the versions of shoal and of what it needs, what computes, and what is missing.

    shoal reads no configuration file: options come from the command line, and a few environment
    variables, shown here, are heeded. Exit code 1 if something needed is missing.
    """
    packages = {name: _version(name) for name in (*NEEDED, *USEFUL)}
    missing = [name for name in NEEDED if packages[name] is None]
    computes = {} if missing else _computes()
    environment = {name: os.environ.get(name) for name in HEEDED}
    if as_json:
        print_json(
            {
                "shoal": __version__,
                "python": platform.python_version(),
                "platform": platform.platform(),
                "packages": packages,
                "missing": missing,
                "engine": computes,
                "environment": environment,
                "configuration": None,
            }
        )
        return 1 if missing else 0
    system = f"{platform.system()} {platform.machine()}"
    print_table(
        ["", ""],
        [
            ["shoal", __version__],
            ["python", f"{platform.python_version()}, {system}"],
            *([name, version or _advice(name)] for name, version in packages.items()),
            *([name, str(value)] for name, value in computes.items()),
            ["configuration", "no file is read; the command line and these variables count:"],
            *([f"  {name}", _setting(name, value)] for name, value in environment.items()),
        ],
        to_left=2,
    )
    if missing:
        click.echo(
            f"\nMissing: {', '.join(missing)}. Install them: pip install {' '.join(missing)}"
        )
    return 1 if missing else 0


def _version(package: str) -> str | None:
    """Installed version, or None."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _advice(package: str) -> str:
    """What to do about a package that is not there."""
    return f"not installed, wanted for {USEFUL[package]}" if package in USEFUL else "missing"


def _setting(name: str, value: str | None) -> str:
    """An environment variable and what it does."""
    return f"{'not set' if value is None else value!r} ({HEEDED[name]})"


def _computes() -> dict[str, str | int]:
    """Engine, why it, BLAS and cores."""
    from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

    from shoal.engine import choose_engine, why_engine

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    words = {
        f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads" for pool in pools
    }
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "engine": choose_engine().name,
        "because": why_engine(),
        "BLAS": "; ".join(sorted(words)),
        "cores": cores or 1,
    }
