"""Write docs/cli.md from the commands themselves.

Run it after changing them: python docs/make_cli.py
"""

import inspect
from pathlib import Path

import click

from shoal.cli import main
from shoal.table_file import FORMATS
from shoal.table_text import MISSING, MISSING_UNLESS_TEXT

INTRODUCTION = """\
# The command line

<!-- Made by docs/make_cli.py; a test compares. Edit the commands in the source instead. -->

"""

TABLES = """\
## Tables

A table is a file or a pipe (`-`):

- **CSV**, separated by commas, semicolons, tabs or bars; UTF-8, UTF-16 or Windows-1252; with any
  line ends and a first row of names. A row with too many or too few values is an error.
- **JSON**: one object a line, or an array of objects.
- **Parquet**.

What the bytes are decides, then the suffix. CSV and JSON may be compressed with gzip. Suffixes that
can be written: {formats}.

A column of text gets the first type that *every* value in it reads as, or stays text:

| type | values |
| --- | --- |
| boolean | `true`, `false` in any case |
| number | `1`, `-2.5`, `1e3`; `1,234.5` and `1 234.5`; `1,5` and `1.234,5` (a decimal comma) |
| date | `2026-11-23`, `2026-11-23 14:05`, with seconds, fractions and zone or without |

Whole numbers with leading zeros (`007`) are names and stay text. These cells are missing:

- in every column: an empty one, {missing}
- in a column that otherwise holds numbers, truths or dates: {unless_text}

Whatever is special is said on stderr. Rows are counted from 1, the first below the names.

## What predict writes

The rows in their order. First the columns of the input that the model does not read (identifiers,
names, the target if it is there), character for character as they are written; with `--all` all
columns. Then `prediction`. Then with `--proba` a column `probability_<class>` for each class, or
with `--interval` the columns `lower` and `upper`.
Models of several targets, made in Python, have a column `prediction_<target>` each,
and bounds alike.

Nothing is changed for the sake of spreadsheets: a text that begins with `=`, `+`, `-` or `@` is
written as it stands in the input, because data that is altered silently is worse. Do not open
predictions for rows from strangers in a program that runs formulas.

## JSON

With `--json` stdout holds exactly one document, or nothing if the command fails. What is not
defined, like ROC AUC on rows of one class, is `null`. The keys:

"""

LEARNT = (
    "task",
    "target",
    "classes",
    "rows",
    "columns",
    "decisions",
    "metrics",
    "out_of_fold",
    "baselines",
    "iterations",
    "seconds",
    "stop_reason",
    "interrupted",
    "path",
)
DOCUMENTS = {
    "fit": (*LEARNT, "cross_validation"),
    "tune": (*LEARNT, "metric", "leaderboard"),
    "predict": ("rows", "predictions"),
    "predict -o": ("rows", "columns", "path"),
    "evaluate": ("task", "target", "rows", "metrics", "classes", "confusion"),
    "explain": ("rows", "columns"),
    "explain --row": ("prediction", "target", "actual", "outputs", "A2", "scores", "row"),
    "explain --row --math": (
        "prediction",
        "target",
        "actual",
        "outputs",
        "A2",
        "scores",
        "row",
        "inputs",
        "activation",
        "output_function",
        "Z1",
        "A1",
        "Z2",
        "W1",
        "b1",
        "W2",
        "b2",
    ),
    "inspect": (
        "path",
        "bytes",
        "task",
        "target",
        "classes",
        "network",
        "columns",
        "verdict",
        "training",
    ),
    "report": (
        "format",
        "version",
        "shoal",
        "verdict",
        "task",
        "target",
        "classes",
        "rows",
        "holds_rows",
        "judgement",
        "out_of_fold",
        "network",
        "columns",
        "columns_left_out",
        "training",
        "curves",
        "confusion",
        "calibration",
        "thresholds",
        "units",
        "importance",
        "gradient_check",
    ),
    "export": ("path", "target", "bytes", "rows", "deviation", "tolerance", "other_class"),
    "gradcheck": (
        "W1",
        "b1",
        "W2",
        "b2",
        "relative_error",
        "n_checked",
        "n_excluded",
        "rows",
        "verdict",
    ),
    "doctor": (
        "shoal",
        "python",
        "platform",
        "packages",
        "missing",
        "engine",
        "environment",
        "configuration",
    ),
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _words(main), "\n"]
    with click.Context(main, info_name="shoal") as group:
        for name, command in main.commands.items():
            with click.Context(command, info_name=name, parent=group) as context:
                parts.append(_section(command, context))
    parts.append(
        TABLES.format(
            formats=_listed(FORMATS),
            missing=_listed(word for word in MISSING if word),
            unless_text=_listed(MISSING_UNLESS_TEXT),
        )
    )
    parts += [f"- `{verb}`: {_listed(keys)}\n" for verb, keys in DOCUMENTS.items()]
    return "".join(parts)


def _section(command: click.Command, context: click.Context) -> str:
    """One verb: usage, words, options."""
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f"## shoal {command.name}\n\n```\nshoal {command.name} {usage}\n```\n\n{_words(command)}\n",
        "| option | |\n| --- | --- |\n",
    ]
    for option in command.params:
        if isinstance(option, click.Option):
            value = "" if option.is_flag else f" {option.make_metavar(context)}"
            names = ", ".join(f"`{name}{value}`" for name in option.opts)
            help_text = " ".join((option.help or "").split())
            lines.append(f"| {names.replace('|', chr(92) + '|')} | {help_text} |\n")
    return "".join(lines) + "\n"


def _words(command: click.Command) -> str:
    """The help text, with what click must not wrap as code."""
    text = inspect.cleandoc(command.help or "")
    blocks = []
    for block in text.split("\n\n"):
        if block.startswith("\b\n"):
            blocks.append("```\n" + block.removeprefix("\b\n") + "\n```")
        else:
            blocks.append(block)
    return "\n\n".join(blocks) + "\n"


def _listed(words: object) -> str:
    """Words as code, in a row."""
    return ", ".join(f"`{word}`" for word in words)  # type: ignore[attr-defined]


if __name__ == "__main__":
    target = Path(__file__).with_name("cli.md")
    target.write_text(page(), encoding="utf-8")
