"""shoal fit: from a table to a model, saying what is decided and how good the result is."""

from typing import Any

import click

from shoal.cli.learning import conclude, prepare, training_sentences
from shoal.cli.options import SETTING_OPTIONS, TABLE_OPTIONS, time_limit_option, with_options
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table
from shoal.cli.training import cross_validate, train
from shoal.scores import score_table, summarise

CV_OPTION = click.option(
    "--cv",
    type=click.IntRange(min=2),
    metavar="FOLDS",
    help="Score by cross-validation instead, then fit on all rows.",
)
SOLVER_OPTION = click.option(
    "--solver",
    metavar="NAME",
    help="auto, the default, is several networks by adam that hold out a part of the rows each, "
    "averaged; gd, sgd, adam and lbfgs are one plain network.",
)


@click.command(short_help="Learn one column of a table from the others.")
@with_options(TABLE_OPTIONS, [CV_OPTION, SOLVER_OPTION], SETTING_OPTIONS)
@time_limit_option("Seconds for a training")
@JSON_OPTION
@QUIET_OPTION
def fit(data: str, cv: int | None, as_json: bool, quiet: bool, **options: Any) -> int:
    """Learn the column TARGET of the table DATA from its other columns, and save the model.

    A fifth of the rows is held out, and the model is scored on them beside simple baselines; the
    model that is saved is the one that was scored. With --cv, --test or --holdout 0 the model that
    is saved has learnt from all rows of DATA.

    The scores go to stdout, and what was decided on the way to stderr.
    """
    if (options["holdout"] is not None) + (cv is not None) + (options["test"] is not None) > 1:
        raise click.UsageError("choose one of --holdout, --cv and --test")
    talk = Talk(quiet)
    work = prepare(data, talk, cv=cv, **options)
    by_fold = None if cv is None else cross_validate(work.rows, cv, work.settings, talk)
    fitted = train(work.learnt, work.settings, talk)
    talk.say(*training_sentences(fitted))
    interrupted = any(history.interrupted for history in fitted.histories_)
    document, table = conclude(work, fitted, interrupted=interrupted)
    if as_json:
        summary = {who: summarise(scores) for who, scores in (by_fold or {}).items()}
        print_json(document | {"cross_validation": summary or None})
    else:
        print_table(*(score_table(f"{cv} folds", by_fold) if by_fold else table))
    return 130 if interrupted else 0
