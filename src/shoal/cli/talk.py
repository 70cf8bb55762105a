"""What a command says: results on stdout, everything else on stderr, names made harmless."""

import contextlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from rich.live import Live

    from shoal.history import Progress

JSON_OPTION = click.option(
    "--json", "as_json", is_flag=True, help="Print exactly one JSON document on stdout."
)
QUIET_OPTION = click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors.")


def printable(text: str) -> str:
    """The text with control characters spelled out, so that no name can command the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


class Talk:
    """What a command says on stderr while it works.

    Parameters
    ----------
    quiet : bool
        Say nothing.

    Attributes
    ----------
    said : list of str
        Every sentence, said or not: the decisions of `--json`.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.said: list[str] = []

    def say(self, *sentences: str) -> None:
        """Say sentences, a line each. That nobody listens any more is no reason to stop."""
        self.said.extend(sentences)
        if not self.quiet:
            for sentence in sentences:
                with contextlib.suppress(BrokenPipeError):
                    click.echo(printable(sentence), err=True)

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """A context in which a terminal shows what is being done; elsewhere nothing is said."""
        if self.quiet or not is_live():
            return contextlib.nullcontext()
        from rich.console import Console
        from rich.text import Text

        return Console(stderr=True).status(Text(printable(doing)), spinner="line")

    def progress(self, label: str = "training") -> "ProgressLine":
        """A context that follows one training."""
        return ProgressLine(label, silent=self.quiet)


def is_live() -> bool:
    """Whether stderr is a terminal on which a line can be written over."""
    dumb = os.environ.get("TERM") == "dumb" or any(os.environ.get(v) for v in ("CI", "NO_COLOR"))
    return sys.stderr.isatty() and not dumb


class ProgressLine:
    """A callback of training: one live line on a terminal, elsewhere a line now and then.

    Now and then is at iterations 1, 2, 5, 10, 20, 50 and so on, so that ten thousand iterations
    are a dozen lines in a log.
    """

    def __init__(self, label: str, *, silent: bool) -> None:
        self.label, self.silent = label, silent
        self.live: Live | None = None
        self.next = 1
        self.drawn = 0.0
        self.losses: list[float] = []

    def __enter__(self) -> Self:
        if not self.silent and is_live():
            from rich.console import Console
            from rich.live import Live

            self.live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def __call__(self, progress: "Progress") -> None:
        """Show how far training is."""
        held_out = progress.validation_loss
        self.losses.append(progress.loss if held_out is None else held_out)
        if self.live is not None:
            now = time.monotonic()
            if now - self.drawn > 0.08:
                from rich.text import Text

                self.drawn = now
                line = f"{self.label}  {sparkline(self.losses)}  {_state(progress)}"
                self.live.update(
                    Text(line, no_wrap=True, overflow="ellipsis"),
                    refresh=True,
                )
        elif not self.silent and progress.iteration >= self.next:
            self.next = _milestone_after(progress.iteration)
            with contextlib.suppress(BrokenPipeError):
                click.echo(f"{self.label}: {_state(progress)}", err=True)


def _milestone_after(iteration: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    magnitude = 10 ** (len(str(iteration)) - 1)
    return next(step * magnitude for step in (2, 5, 10) if step * magnitude > iteration)


def _state(progress: "Progress") -> str:
    """Where training is, in words."""
    losses = f"loss {progress.loss:.4f}"
    if progress.validation_loss is not None:
        losses = f"held out {progress.validation_loss:.4f}, {losses}"
    return (
        f"iteration {progress.iteration:,} of at most {progress.max_iter:,}, {losses}, "
        f"{progress.seconds:.1f} s"
    )


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """A curve in one line of characters."""
    bars = "▁▂▃▄▅▆▇█"
    step = max(1, len(values) / width)
    shown = [values[min(int(k * step), len(values) - 1)] for k in range(min(width, len(values)))]
    lowest, highest = min(shown), max(shown)
    span = (highest - lowest) or 1.0
    return "".join(bars[int((value - lowest) / span * 7.99)] for value in shown)


# ---- stdout ------------------------------------------------------------------------------------


def print_json(document: Any) -> None:
    """Print one JSON document; what is not a finite number is null."""
    click.echo(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    """Only what JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_paragraph(text: str) -> None:
    """Print sentences in lines that can be read."""
    width = min(100, shutil.get_terminal_size((100, 24)).columns)
    click.echo(click.wrap_text(printable(text), width))


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, to_left: int = 1) -> None:
    """Print an aligned table, its first `to_left` columns to the left, the others to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if on_terminal else 1000)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.show_header = any(header)
    for k, name in enumerate(header):
        table.add_column(Text(printable(name)), justify="left" if k < to_left else "right")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())
