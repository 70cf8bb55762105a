"""shoal fit: from a table to a model, saying what is decided and how good the result is."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from shoal.cli.describe import column_record, column_sentences
from shoal.cli.rows import count, naming, read_rows, read_training_rows
from shoal.cli.scores import Scores, score, score_baselines, score_table, summarise
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table
from shoal.cli.training import cross_validate, split, train
from shoal.errors import DataError, ShoalError

SUFFIX = ".shoal"
HELD_OUT = 0.2
RENAMED = {"hidden": "n_hidden", "seed": "random_state", "category": "categorical_features"}


@click.command(short_help="Learn one column of a table from the others.")
@click.argument("data")
@click.option("--target", "-t", metavar="COLUMN", help="The column to learn. It is never guessed.")
@click.option(
    "--output", "-o", metavar="FILE.shoal", help="The model; by default it is named after DATA."
)
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    help="Whether to learn classes or values; auto looks at the target, and says what it found.",
)
@click.option("--drop", multiple=True, metavar="COLUMN", help="Leave this column out. Repeatable.")
@click.option(
    "--category",
    multiple=True,
    metavar="COLUMN",
    help="Take this column's numbers for names of categories. Repeatable.",
)
@click.option(
    "--holdout",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="SHARE",
    help=f"Share of the rows to hold out and score the model on; {HELD_OUT} by default.",
)
@click.option(
    "--cv",
    type=click.IntRange(min=2),
    metavar="FOLDS",
    help="Score by cross-validation instead, then fit on all rows.",
)
@click.option("--test", metavar="FILE", help="Score on this table instead, and fit on all of DATA.")
@click.option("--hidden", type=int, metavar="N", help="Hidden units; 0 is a linear model.")
@click.option("--activation", metavar="NAME", help="Of the hidden units: relu, tanh, sigmoid, ...")
@click.option("--solver", metavar="NAME", help="auto, gd, sgd, adam or lbfgs.")
@click.option("--learning-rate", type=float, metavar="NUMBER", help="Size of the steps.")
@click.option("--alpha", type=float, metavar="NUMBER", help="Weight of the L2 penalty.")
@click.option("--batch-size", type=int, metavar="ROWS", help="Rows in a step of sgd or adam.")
@click.option("--max-iter", type=int, metavar="N", help="Iterations at most.")
@click.option("--balanced", is_flag=True, help="Give all classes the same weight in training.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    metavar="N",
    help="Of all that is random; the same seed gives the same model. 0 by default.",
)
@JSON_OPTION
@QUIET_OPTION
def fit(
    data: str,
    target: str | None,
    output: str | None,
    task: str,
    drop: tuple[str, ...],
    holdout: float | None,
    cv: int | None,
    test: str | None,
    balanced: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Learn the column TARGET of the table DATA from its other columns, and save the model.

    A fifth of the rows is held out, and the model is scored on them beside simple baselines; the
    model that is saved is the one that was scored. With --cv, --test or --holdout 0 the model that
    is saved has learnt from all rows of DATA.

    The scores go to stdout, and what was decided on the way to stderr.
    """
    from shoal.model_file import save_model
    from shoal.table_learning import learn_columns

    if (holdout is not None) + (cv is not None) + (test is not None) > 1:
        raise click.UsageError("choose one of --holdout, --cv and --test")
    talk, path = Talk(quiet), _model_path(data, output)
    rows = read_training_rows(
        data, target, task=task, drop=drop, category=settings["category"], talk=talk
    )
    settings = {RENAMED.get(k, k): value for k, value in settings.items() if value is not None}
    if balanced and not rows.classify:
        raise click.UsageError("--balanced is for classes, and this target has values")
    if balanced:
        settings["class_weight"] = "balanced"
    with naming(data):
        columns = learn_columns(rows.X, categorical=settings["categorical_features"])
        talk.say(*column_sentences(columns.columns, len(rows)))
        if not columns.slots:
            raise DataError(f"every other column is left out, so '{rows.target}' cannot be learnt")

    learnt, held_out, by_fold = rows, None, None
    if test is not None:
        held_out = read_rows(test, rows.kinds, rows.target, rows.labels, talk)
        with naming(test):
            columns.encode(held_out.X)  # what is wrong with it shows before training, not after
    elif cv is not None:
        by_fold = cross_validate(rows, cv, settings, talk)
    elif holdout != 0:
        learnt, held_out = split(rows, holdout or HELD_OUT, settings["random_state"], talk)
    fitted = train(learnt, settings, talk)
    history = fitted.history_
    talk.say(
        f"trained {len(fitted.model_.parameters.W1):,} {fitted.activation} units, "
        f"{count(history.n_iter, 'iteration')} in {history.seconds:.1f} s: {history.stop_reason}"
    )

    scored = {"train": learnt} | ({} if held_out is None else {"held_out": held_out})
    n_rows = {name: len(part) for name, part in scored.items()}
    metrics = {name: score(fitted.model_, part) for name, part in scored.items()}
    model = replace(
        fitted.model_,
        target=(rows.target,),
        training={**fitted.model_.training, "rows": n_rows, "metrics": metrics},
    )
    save_model(model, path)
    what = (
        f"learnt from all {len(rows):,} rows" if learnt is rows else "the one that is scored here"
    )
    talk.say(f"saved {path} ({path.stat().st_size:,} bytes): {what}")

    baselines: dict[str, Scores] = {}
    if held_out is not None and not history.interrupted:
        with talk.busy("fitting the baselines"):
            baselines = score_baselines(learnt, held_out, model)
    if as_json:
        print_json(
            {
                "task": model.task,
                "target": rows.target,
                "classes": model.classes,
                "rows": n_rows,
                "columns": [column_record(column) for column in model.columns.columns],
                "decisions": talk.said,
                "metrics": metrics,
                "baselines": baselines,
                "cross_validation": by_fold and {who: summarise(by_fold[who]) for who in by_fold},
                "iterations": history.n_iter,
                "seconds": history.seconds,
                "stop_reason": history.stop_reason,
                "interrupted": history.interrupted,
                "path": str(path),
            }
        )
    elif by_fold:
        print_table(*score_table(f"{cv} folds", by_fold))
    else:
        part = "train" if held_out is None else "held_out"
        title = f"{count(n_rows[part], 'row')} {'learnt from' if held_out is None else 'held out'}"
        shown = {"shoal": metrics[part]} | baselines
        print_table(*score_table(title, {who: [scores] for who, scores in shown.items()}))
    return 130 if history.interrupted else 0


def _model_path(data: str, output: str | None) -> Path:
    """Where the model goes; an error if it could not be written there in the end."""
    name = "model" if data == "-" else Path(data.removesuffix(".gz")).stem
    path = Path(output or f"{name}{SUFFIX}")
    if path.suffix != SUFFIX:
        raise click.UsageError(f"the name of a model ends in {SUFFIX}, and '{output}' does not")
    if not path.parent.is_dir():
        raise ShoalError(f"{path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise ShoalError(f"{path}: the folder {path.parent} is not writable; choose another")
    return path
