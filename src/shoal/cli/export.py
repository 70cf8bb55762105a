"""shoal export: a model as a file that runs where shoal is not, and the proof that it does."""

from pathlib import Path
from typing import Any

import click

from shoal.cli.rows import count, kinds_of, naming, read_table, refuse_to_overwrite
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json


@click.command(short_help="Write a model as C, JavaScript, SQL, ONNX, Python or JSON.")
@click.argument("model")
@click.argument("output")
@click.option(
    "--check",
    is_flag=True,
    help="Fail if nothing here can run the file. Without it the file then says so.",
)
@click.option(
    "--data", metavar="DATA", help="Compare on the rows of this table, too; implies --check."
)
@click.option(
    "--dtype",
    metavar="NAME",
    help="Of the arithmetic. .c and .h: double, float, or in integers int16 or int8; .onnx: float "
    "or double.",
)
@click.option(
    "--levels",
    metavar="NAME",
    help="Of .c and .h: whether a category comes as its text or as the index of its level.",
)
@click.option("--table", metavar="NAME", help="Of .sql: the table that the statement reads.")
@click.option(
    "--coverage",
    type=float,
    metavar="SHARE",
    help="Of .sql and .onnx: of the interval of a regression.",
)
@JSON_OPTION
@QUIET_OPTION
def export(
    model: str,
    output: str,
    check: bool,
    data: str | None,
    dtype: str | None,
    levels: str | None,
    table: str | None,
    coverage: float | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write MODEL as a file that needs no shoal; the suffix of OUTPUT chooses the language.

    \b
    .c .h      C99 without allocation: .c to include or compile, .h a single header
    .js .mjs   JavaScript, an ES module
    .json      a document for a runtime of your own
    .onnx      ONNX
    .py        Python without packages
    .sql       one statement for DuckDB, SQLite and PostgreSQL

    The file takes the columns of a table as they are and gives scores, probabilities and classes,
    or values. It is run on test vectors, and the largest deviation from MODEL stands in it.
    """  # noqa: D301 - click's mark of lines that stay as they are
    from shoal.export import export_model
    from shoal.model_file import load_model

    fitted = load_model(model)
    refuse_to_overwrite(output, "OUTPUT", model, *([data] if data else []))
    talk = Talk(quiet)
    rows: Any = None
    if data is not None:
        rows, notes = read_table(data, kinds_of(fitted), talk, keep_others=True)
        talk.say(*notes)
    options = {"dtype": dtype, "levels": levels, "table": table, "coverage": coverage}
    given = {name: value for name, value in options.items() if value is not None}
    with naming(data or output), talk.busy(f"writing and running {output}"):
        done = export_model(fitted, output, check=check, data=rows, **given)
    measured = done.measured
    if as_json:
        print_json(
            {
                "path": output,
                "target": done.title,
                "bytes": done.size,
                "rows": measured.rows,
                "deviation": measured.deviation if measured.rows else None,
                "tolerance": done.tolerance,
                "other_class": measured.other_class,
            }
        )
        return
    talk.say(
        f"wrote {Path(output).name}: {done.title}, {count(done.size, 'byte')}",
        f"{measured}, where {done.tolerance:.2g} is allowed" if measured.rows else str(measured),
        done.usage,
    )
