"""How every benchmark here is measured: pinned threads, alternating runs, medians and spread.

A benchmark is a file with one question. It yields rows, each shoal beside one rival, and ends with
`main(rows)`. `python benchmarks` asks them all and prints one table.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

# Each of these is read once, when its library is loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

PAUSE = 0.1  # seconds; a thread of OpenBLAS waits for more work for 30 ms, and keeps its core busy


@dataclass(frozen=True)
class Row:
    """shoal beside one rival.

    Attributes
    ----------
    case : str
    threads : int
    rival : str
    theirs, ours : list of float
        Of each run, in `unit`. No `theirs` is a rival that is not installed.
    wanted : float or None
        What the median of theirs over the median of ours is to reach.
    their_loss, our_loss : float or None
        Cost J at the end, of all rows, computed in float64 by the same function.
    noise : float or None
        Standard deviation of `our_loss` over first weights; beyond 3 of it the losses disagree.
    unit : {"s", "B"}
    note : str
        What else belongs to the figure: versions, time to compile.
    busy : float
        Share of its worst run that shoal waited for a core; 0 on a calm machine, and on more than
        one thread, where it cannot be told.
    """

    case: str
    threads: int
    rival: str
    theirs: list[float]
    ours: list[float]
    wanted: float | None = None
    their_loss: float | None = None
    our_loss: float | None = None
    noise: float | None = None
    unit: str = "s"
    note: str = ""
    busy: float = 0.0

    @property
    def ratio(self) -> float | None:
        """Times that shoal is ahead; below 1 it is behind."""
        if not self.theirs:
            return None
        return statistics.median(self.theirs) / statistics.median(self.ours)

    @property
    def met(self) -> bool | None:
        """Whether the ratio is what was wanted."""
        return None if self.wanted is None or self.ratio is None else self.ratio >= self.wanted

    @property
    def agree(self) -> bool | None:
        """Whether both ended at the same loss, but for what the first weights make of it."""
        if self.their_loss is None or self.our_loss is None or self.noise is None:
            return None
        rounding = 1e-3 * abs(self.our_loss)
        return abs(self.their_loss - self.our_loss) <= 3 * self.noise + rounding


@dataclass
class Runs:
    """What `alternate` saw of one contestant."""

    seconds: list[float] = field(default_factory=list)
    waited: float = 0.0
    result: Any = None


def alternate(
    contestants: Mapping[str, Callable[[], Any]],
    *,
    rounds: int,
    calls: int = 1,
    cpu: bool = False,
    pause: float = 0.0,
) -> dict[str, Runs]:
    """Run each contestant in turn, A B C A B C ..., after one turn that is not counted.

    What slows the machine for a while then slows all of them.

    Parameters
    ----------
    rounds : int
    calls : int
        Calls that one run makes; its time is divided by them.
    cpu : bool
        Count the seconds that the process had a core, not those of the clock on the wall: on one
        thread of a machine that others use, this is the better measure.
    pause : float
        Seconds before each run, so that none has to share a core with threads of the one before.
    """
    for run in contestants.values():
        run()
    seen = {name: Runs() for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            time.sleep(pause)
            wall, had = time.perf_counter(), time.process_time()
            for _ in range(calls):
                result = run()
            wall, had = time.perf_counter() - wall, time.process_time() - had
            runs = seen[name]
            runs.seconds.append((had if cpu else wall) / calls)
            runs.waited = max(runs.waited, 1 - had / wall)
            runs.result = result
    return seen


@dataclass(frozen=True)
class Settings:
    """How a benchmark is to be run.

    Attributes
    ----------
    threads : int
        Of each contestant, and cores that the process may use.
    quick : bool
        Tiny sizes: does it run at all? Its times mean nothing.
    cpu : bool
        See `alternate`; heeded on one thread.
    """

    threads: int = 1
    quick: bool = False
    cpu: bool = False

    def alternate(
        self,
        contestants: Mapping[str, Callable[[], Any]],
        *,
        rounds: int = 7,
        calls: int = 1,
        blas: bool = True,
    ) -> dict[str, Runs]:
        """`alternate` by these settings; blas: whether any contestant has threads of a BLAS."""
        rounds, calls = (1, 1) if self.quick else (rounds, calls)
        cpu = self.cpu and self.threads == 1
        pause = PAUSE if blas and self.threads > 1 else 0.0
        return alternate(contestants, rounds=rounds, calls=calls, cpu=cpu, pause=pause)


def table(rows: Iterable[Row]) -> str:
    """All rows as one table of text: a line for each case, and below it one for each rival."""
    lines = [("rival", "its time (min to max)", "ratio", "wanted", "", "its loss")]
    headings: dict[int, str] = {}  # by the line that it stands before
    of_shoal = None
    for row in rows:
        if of_shoal != (row.case, row.threads, row.ours):
            of_shoal = row.case, row.threads, row.ours
            loss = "" if row.our_loss is None else f", loss {row.our_loss:.6f}"
            threads = "1 thread" if row.threads == 1 else f"{row.threads} threads"
            headings[len(lines)] = (
                f"{row.case}, {threads}: shoal {spread(row.ours, row.unit)}{loss}"
            )
        loss = "" if row.their_loss is None else f"{row.their_loss:.6f}"
        lines.append(
            (
                f"  {row.rival}",
                spread(row.theirs, row.unit) if row.theirs else "not installed",
                "" if row.ratio is None else f"{row.ratio:.3g}",
                "" if row.wanted is None else f"{row.wanted:.3g}",
                {True: "yes", False: "NO", None: ""}[row.met],
                loss + (" DISAGREE" if row.agree is False else ""),
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = []
    for number, line in enumerate(lines):
        text += ["", headings[number]] if number in headings else []
        text.append("  ".join(map(str.ljust, line, widths)).rstrip())
    return "\n".join(text)


def spread(values: list[float], unit: str) -> str:
    """Median, least and most, with a unit to read them in."""
    middle, least, most = statistics.median(values), min(values), max(values)
    steps = {
        "s": ((1, "s"), (1e-3, "ms"), (1e-6, "µs")),
        "B": ((1e6, "MB"), (1e3, "kB"), (1, "B")),
    }[unit]
    size, name = next((step for step in steps if middle >= step[0]), steps[-1])
    if least == most:
        return f"{middle / size:.3g} {name}"
    return f"{middle / size:.3g} {name} ({least / size:.3g} to {most / size:.3g})"


def environment() -> str:
    """Processor, cores and versions, in a line."""
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in ("numpy", "scipy", "scikit-learn", "torch", "jax"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":")[1] for line in info.read_text().splitlines() if "model name" in line
        ]
        processor = " ".join(names[0].split()) if names else processor
    python = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores, Python {python}, {', '.join(found)}"


def pin(threads: int) -> None:
    """Give the process so many cores, and each library so many threads. May start Python anew."""
    wanted = dict.fromkeys(THREAD_VARIABLES, str(threads))
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    if hasattr(os, "sched_setaffinity"):
        # The last cores, because the first ones serve the machine's interrupts.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def options() -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1, help="threads of each contestant")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--cpu", action="store_true", help="seconds with a core, not on the wall")
    parser.add_argument("--json", type=Path, help="keep the rows in this file")
    return parser


def report(rows: list[Row]) -> str:
    """All that is to be said of some rows: the machine, the table, the notes, the count."""
    parts = [environment(), "", table(rows), ""]
    parts += [
        f"{row.rival}, {row.case}, threads {row.threads}: {row.note}" for row in rows if row.note
    ]
    missing = sorted({row.rival for row in rows if not row.theirs})
    if missing:
        parts.append(f"Not installed: {', '.join(missing)}. See benchmarks/requirements.txt.")
    wanted = [row for row in rows if row.met is not None]
    parts.append(f"{sum(bool(row.met) for row in wanted)} of {len(wanted)} figures are reached.")
    busy = max((row.busy for row in rows), default=0)
    if busy > 0.05:
        parts.append(f"The machine was busy: shoal waited up to {busy:.0%} of a run for a core.")
    return "\n".join(parts)


def main(rows: Callable[[Settings], Iterable[Row]]) -> None:
    """Ask one question: run, print and perhaps keep its rows."""
    given = options().parse_args()
    pin(given.threads)
    answered = list(rows(Settings(given.threads, given.quick, given.cpu)))
    if given.quick:
        answered = [replace(row, wanted=None) for row in answered]
    if given.json:
        write(answered, given.json, cpu=given.cpu)
    else:
        print(report(answered))


def write(rows: list[Row], path: Path, *, cpu: bool) -> None:
    """Keep rows in a file, with where and how they were measured."""
    kept = {"machine": environment(), "cpu": cpu, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> list[Row]:
    """Rows of a file."""
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
