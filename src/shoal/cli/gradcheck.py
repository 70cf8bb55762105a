"""shoal gradcheck: whether the gradients of a model's network are right, on a table's own rows."""

from typing import TYPE_CHECKING

import click

from shoal.cli.rows import count, naming, read_rows_for
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table
from shoal.scores import Rows

if TYPE_CHECKING:
    from shoal.activations import Array

MOST = 1_000  # entries of a block that are looked at, so that an answer takes seconds


@click.command(short_help="Compare a network's gradients with difference quotients.")
@click.argument("model")
@click.argument("data")
@click.option(
    "--rows",
    "n_rows",
    type=click.IntRange(min=1),
    default=200,
    metavar="N",
    help="Check on so many rows, drawn at random; 200 by default.",
)
@JSON_OPTION
@QUIET_OPTION
def gradcheck(model: str, data: str, n_rows: int, as_json: bool, quiet: bool) -> int:
    """Compare the gradients of MODEL on rows of the table DATA with difference quotients.

    Each weight, of a large array a thousand drawn at random, is moved up and down a little, and
    the change of the cost is compared with what backpropagation says it should be. Relative errors
    up to 1e-7 are those of rounding. Exit code 1 if the gradients are not right.
    """
    import numpy as np

    from shoal.model_file import load_model
    from shoal.network import gradient_check

    fitted, talk = load_model(model), Talk(quiet)
    rows = read_rows_for(fitted, data, talk)
    if fitted.classes is not None:
        rows = rows.where(np.isin(rows.y, fitted.classes))
    if len(rows) > n_rows:
        chosen = np.random.default_rng(0).permutation(len(rows)) < n_rows
        talk.say(f"{count(n_rows, 'row')} of {len(rows):,}, drawn at random")
        rows = rows.where(chosen)
    with naming(data):
        X = fitted.columns.encode(rows.X, dtype=np.float64)
    check = gradient_check(
        X.T,
        _targets(rows, fitted.classes),
        fitted.parameters,
        activation=fitted.activation,
        output=fitted.loss,
        most=MOST,
    )
    verdict = check.verdict
    if as_json:
        print_json({**check._asdict(), "rows": len(rows), "verdict": verdict})
    else:
        errors = check._asdict()
        shapes = [f"{len(block):,} × {block.shape[1]:,}" for block in fitted.parameters]
        print_table(
            ["parameters", "shape", "relative error"],
            [
                [name, shape, f"{errors[name]:.1e}"]
                for name, shape in zip(fitted.parameters._fields, shapes, strict=True)
            ],
        )
        click.echo(
            f"\nThe gradients are {verdict}: relative error {check.relative_error:.1e} over "
            f"{count(check.n_checked, 'number')}, on {count(len(rows), 'row')}."
        )
        if check.n_excluded:
            click.echo(f"{check.n_excluded:,} more lie at a kink, where there is no derivative.")
    return 0 if verdict == "right" else 1


def _targets(rows: Rows, classes: "Array | None") -> "Array":
    """The targets as Y: values or 0 and 1 (1, m), or one row per class."""
    import numpy as np

    if classes is None:
        return rows.y[None]
    index = np.searchsorted(classes, rows.y)
    if len(classes) == 2:
        return index[None].astype(float)
    return np.eye(len(classes))[:, index]
