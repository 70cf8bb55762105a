"""shoal evaluate: how good a model is on the rows of a table."""

import click

from shoal.cli.rows import count, naming, read_rows_for
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table
from shoal.scores import score, score_table

MOST_CLASSES_SHOWN = 12


@click.command(short_help="Score a model on a table that has the target.")
@click.argument("model")
@click.argument("data")
@JSON_OPTION
@QUIET_OPTION
def evaluate(model: str, data: str, as_json: bool, quiet: bool) -> None:
    """Score MODEL on the rows of the table DATA, which must have the target; - is a pipe.

    For classes the counts of each class predicted as each other are printed, too.
    """
    from shoal.model_file import load_model

    fitted = load_model(model)
    rows, classes = read_rows_for(fitted, data, Talk(quiet)), fitted.classes
    with naming(data):
        scores = score(fitted, rows)
        predicted = fitted.predict(rows.X)
    confusion = None
    if classes is not None:
        confusion = [
            [int(((rows.y == actual) & (predicted == other)).sum()) for other in classes]
            for actual in classes
        ]
    if as_json:
        print_json(
            {
                "task": fitted.task,
                "target": rows.target,
                "rows": len(rows),
                "metrics": scores,
                "classes": classes,
                "confusion": confusion,
            }
        )
        return
    print_table(*score_table(count(len(rows), "row"), {"shoal": [scores]}))
    if classes is not None and confusion is not None and len(classes) <= MOST_CLASSES_SHOWN:
        labels = [str(label) for label in classes.tolist()]
        click.echo()
        print_table(
            [f"{rows.target}, predicted:", *labels],
            [[label, *map(str, line)] for label, line in zip(labels, confusion, strict=True)],
        )
