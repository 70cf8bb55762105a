"""shoal inspect: what a model is, how it reads a table, and how it was trained."""

from pathlib import Path
from typing import Any

import click

from shoal.cli.talk import JSON_OPTION, print_json, print_paragraph, print_table
from shoal.describe import column_record, column_words, network_words
from shoal.scores import OF_LABELS, OF_VALUES, Scores, score_table

PARTS = {"train": "learnt from", "held_out": "held out"}


@click.command(short_help="Show what a model is and how it was trained.")
@click.argument("model")
@JSON_OPTION
def inspect(model: str, as_json: bool) -> None:
    """Show what MODEL is: its task, its network, its columns, its scores at training, a verdict."""
    from shoal.judging import read_judgement, verdict
    from shoal.model_file import load_model

    fitted = load_model(model)
    size, training = Path(model).stat().st_size, fitted.training
    judged, said = read_judgement(training), ", ".join(fitted.target)
    said = " ".join(verdict(fitted.task, said, judged, training.get("out_of_fold")))
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
                "verdict": said,
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
        "training": _training_words(training),
    }
    print_table(["", ""], [[name, fact] for name, fact in facts.items() if fact], to_left=2)
    click.echo()
    columns = [[column.name, column_words(column)] for column in fitted.columns.columns]
    print_table(["column", "read as"], columns, to_left=2)
    parts = _scored_parts(training)
    if parts:
        click.echo()
        print_table(*score_table("scores", parts))
    click.echo()
    print_paragraph(said)


def _training_words(training: dict[str, Any]) -> str:
    """How it was trained, in one line; the summary in a model file may hold anything."""
    members = training.get("members")
    words = [f"{members} members"] if isinstance(members, int) and members > 1 else []
    words += [str(training[key]) for key in ("solver", "stop_reason") if key in training]
    return ", ".join(words)


def _scored_parts(training: dict[str, Any]) -> dict[str, list[Scores]]:
    """The scores that `shoal fit` leaves in a model, by the rows they are of."""
    rows, metrics = training.get("rows"), training.get("metrics")
    if not (isinstance(rows, dict) and isinstance(metrics, dict)):
        return {}
    return {
        f"{rows[part]:,} rows {words}": [metrics[part]]
        for part, words in PARTS.items()
        if isinstance(rows.get(part), int) and _are_scores(metrics.get(part))
    }


def _are_scores(value: Any) -> bool:
    """Whether a value has the form of scores: the summary in a model file may hold anything."""
    return isinstance(value, dict) and any(
        set(value) == set(names) and all(v is None or isinstance(v, float) for v in value.values())
        for names in (OF_VALUES, OF_LABELS)
    )
