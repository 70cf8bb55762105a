"""The command `shoal`: parse, call, print. A verb is a module, and imports late what is heavy."""

import contextlib
import os
import sys
from typing import Any, NoReturn

import click

from shoal import __version__
from shoal.cli.doctor import doctor
from shoal.cli.evaluate import evaluate
from shoal.cli.explain import explain
from shoal.cli.export import export
from shoal.cli.fit import fit
from shoal.cli.gradcheck import gradcheck
from shoal.cli.inspect import inspect
from shoal.cli.play import play
from shoal.cli.predict import predict
from shoal.cli.report import report
from shoal.cli.talk import printable
from shoal.cli.tune import tune
from shoal.errors import ParameterError, ShoalError

HELP = """Fit, use and understand neural networks with one hidden layer.

\b
shoal fit data.csv --target y      learn y from the other columns; writes data.shoal
shoal tune data.csv --target y     the same with settings that suit the table better
shoal predict data.shoal new.csv   predict y for new rows
shoal export data.shoal data.c     the same in C, JavaScript, SQL, ONNX, Python or JSON

A table is a CSV, JSON lines or Parquet file, or - for a pipe. Results go to stdout, all other talk
to stderr.

\b
Exit codes:
  0    done
  1    failed: the data, the model or a file is not as it must be
  2    the command line is not as it must be
  130  stopped by Ctrl-C; fit and tune save the best model so far, if there is one
  141  stopped because whatever reads the output has closed it
"""
FAILED, USAGE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


class Shoal(click.Group):
    """The group of verbs, which turns what went wrong into one message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order in which they are used."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; that the output is closed is told from other errors here, before click."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _stop_writing()

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run one command line and exit."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, ValueError):  # not a real stream: a test's
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        code = 0
        try:
            try:
                options = {"prog_name": "shoal"} | options | {"standalone_mode": False}
                code = super().main(*args, **options) or 0
            finally:
                sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = USAGE
        except click.UsageError as error:
            where = f"\nTry '{error.ctx.command_path} --help'." if error.ctx else ""
            code = _explain(error.format_message() + where, error.exit_code)
        except ParameterError as error:
            code = _explain(str(error), USAGE)
        except ShoalError as error:
            code = _explain(str(error), FAILED)
        except MemoryError:
            code = _explain("there is not enough memory for this table", FAILED)
        except (KeyboardInterrupt, click.Abort):
            code = _explain("interrupted", INTERRUPTED)
        except BrokenPipeError:
            code = _stop_writing()
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            code = _explain(f"{where}{error.strerror or error}", FAILED)
            with contextlib.suppress(OSError):  # not a real stream: a test's
                _stop_writing()
        sys.exit(code)


def _stop_writing() -> int:
    """Send to nowhere what is still buffered, so that it is not tried again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _explain(message: str, code: int) -> int:
    """Say what went wrong on stderr, if anybody listens there."""
    with contextlib.suppress(OSError):
        click.echo(printable(f"shoal: {message}"), err=True)
    return code


@click.group(
    cls=Shoal,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="shoal %(version)s")
def main() -> None:
    """`shoal`, the command; calling it runs the command line and exits."""


VERBS = (
    fit,
    tune,
    predict,
    evaluate,
    explain,
    inspect,
    report,
    export,
    gradcheck,
    play,
    doctor,
)
for command in VERBS:
    main.add_command(command)


def run() -> NoReturn:
    """Run the command line of this process, and end it without taking Python apart.

    Everything is written and closed by then. To unload scikit-learn and the others takes Python
    half a second, in which Ctrl-C would kill the process as if it had not finished.
    """
    code: int | str | None = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)
