"""shoal inspect: what a model is, how it reads a table, and how it was trained."""

from pathlib import Path

import click

from shoal.cli.describe import column_record, column_words, network_words
from shoal.cli.scores import score_table
from shoal.cli.talk import JSON_OPTION, print_json, print_table


@click.command(short_help="Show what a model is and how it was trained.")
@click.argument("model")
@JSON_OPTION
def inspect(model: str, as_json: bool) -> None:
    """Show what MODEL is: its task, its network, its columns, its scores at training."""
    from shoal.model_file import load_model

    fitted = load_model(model)
    size, training = Path(model).stat().st_size, fitted.training
    if as_json:
        print_json(
            {
                "path": model,
                "bytes": size,
                "task": fitted.task,
                "target": fitted.target,
                "classes": fitted.classes,
                "network": {
                    "inputs": len(fitted.columns.slots),
                    "hidden": len(fitted.parameters.W1),
                    "outputs": len(fitted.parameters.b2),
                    "numbers": sum(block.size for block in fitted.parameters),
                    "dtype": fitted.parameters.W2.dtype.name,
                    "activation": fitted.activation,
                    "output": fitted.loss.name,
                },
                "columns": [column_record(column) for column in fitted.columns.columns],
                "training": training,
            }
        )
        return
    labels = [] if fitted.classes is None else [str(label) for label in fitted.classes.tolist()]
    more = f" and {len(labels) - 12} more" if len(labels) > 12 else ""
    facts = {
        "file": f"{model}, {size:,} bytes",
        "task": fitted.task,
        "target": ", ".join(fitted.target),
        "classes": ", ".join(labels[:12]) + more,
        "network": network_words(fitted),
        "training": ", ".join(str(training[k]) for k in ("solver", "stop_reason") if k in training),
    }
    print_table(["", ""], [[name, fact] for name, fact in facts.items() if fact], to_left=2)
    click.echo()
    columns = [[column.name, column_words(column)] for column in fitted.columns.columns]
    print_table(["column", "read as"], columns, to_left=2)
    metrics = training.get("metrics")
    if metrics:
        click.echo()
        rows = training.get("rows", {})
        parts = {f"{rows.get(name, '?'):,} rows, {name}": [metrics[name]] for name in metrics}
        print_table(*score_table("scores", parts))
