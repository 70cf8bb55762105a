"""shoal report: a model and a table as one page."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.rows import count, fingerprint, naming, read_rows_for, refuse_to_overwrite
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_paragraph
from shoal.scores import Rows, hold_out

if TYPE_CHECKING:
    from shoal.activations import Array
    from shoal.model import Model


@click.command(short_help="Judge a model, and look into it, on one page.")
@click.argument("model")
@click.argument("data")
@click.option(
    "--output",
    "-o",
    default="report.html",
    metavar="PAGE.html",
    help="report.html by default. The figures go beside it, as JSON.",
)
@click.option(
    "--no-rows", is_flag=True, help="Keep every row and every cell of DATA out of the page."
)
@JSON_OPTION
@QUIET_OPTION
def report(model: str, data: str, output: str, no_rows: bool, as_json: bool, quiet: bool) -> None:
    """Judge MODEL on the table DATA, which must have the target, and look into it.

    PAGE.html is one file that needs no other, no network, and JavaScript for its playground alone:
    the verdict, the data, the model, its training, its predictions, what its units do, the worst
    rows with their forward pass, a check of the gradients, the playground, and all figures as JSON.

    If DATA is the table that shoal fit learnt from, the rows judged are those it held out.
    """
    from shoal.model_file import load_model
    from shoal.plots.style import require_matplotlib
    from shoal.report import beside, checked_path, report_of
    from shoal.report.evidence import gather, split_as_fitted

    refuse_to_overwrite(output, "--output", model, data)
    refuse_to_overwrite(str(beside(output)), "the figures in", model, data)
    checked_path(output)
    require_matplotlib()
    fitted, talk = load_model(model), Talk(quiet)
    rows = read_rows_for(fitted, data, talk)
    with naming(data):
        evidence = gather(fitted, rows.X, rows.y, with_rows=not no_rows)
    held = rows_held_out(fitted, rows)
    if held is not None and held.any():
        evidence = split_as_fitted(evidence, held)
        n = f"{int(held.sum()):,} of {count(len(rows), 'row')}"
        talk.say(f"{data} is the table that the model learnt from: judged on the {n} held out")
    elif held is not None:
        evidence = replace(evidence, unseen=False)
    with talk.busy("writing the report"):
        made = report_of(evidence)
        path = made.save(output)
    if as_json:
        print_json(made.record)
    else:
        print_paragraph(made.verdict)
    talk.say(f"wrote {path} ({path.stat().st_size:,} bytes) and {beside(path)}")


def rows_held_out(model: "Model", rows: Rows) -> "Array | None":
    """Which rows `shoal fit` held out of this very table; None if it is another, or not known."""
    origin: Any = model.training.get("data")
    n_rows: Any = model.training.get("rows")
    if not isinstance(origin, dict) or not isinstance(n_rows, dict):
        return None
    share, seed, known = origin.get("holdout"), origin.get("seed"), origin.get("sha256")
    if not isinstance(known, str) or known != fingerprint(rows.source):
        return None
    if not isinstance(share, (int, float)) or not 0 <= share < 1 or not isinstance(seed, int):
        return None
    held = hold_out(rows.y, share, seed=abs(seed), stratify=rows.classify)
    n_held = n_rows.get("held_out", 0) if share else 0
    return held if int(held.sum()) == n_held else None
