"""shoal tune: settings that suit a table better than the defaults, and the model they make."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.learning import conclude, prepare, training_sentences
from shoal.cli.options import SETTING_OPTIONS, TABLE_OPTIONS, time_limit_option, with_options
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table
from shoal.cli.training import new_estimator, telling

if TYPE_CHECKING:
    from shoal.cli.talk import ProgressLine

TRIALS_OPTION = click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=30,
    metavar="N",
    help="Trials at most; 30 by default.",
)


@click.command(short_help="Fit with the settings that suit the table best.")
@with_options(TABLE_OPTIONS, [TRIALS_OPTION])
@time_limit_option("Seconds for all trials")
@with_options(SETTING_OPTIONS)
@JSON_OPTION
@QUIET_OPTION
def tune(
    data: str, trials: int, time_limit: float | None, as_json: bool, quiet: bool, **options: Any
) -> int:
    """Try settings to learn the column TARGET of the table DATA with, and save the best model.

    The first trial is what `shoal fit` does; each one after it changes one to three settings of the
    best so far. A setting that is given is kept. Trials are judged on rows that the members of a
    model hold out in turn, by log-loss or R². Of those rows the best of many trials knows a little
    too much: so a fifth of all rows is held out from every trial, as by `shoal fit`, and shows what
    the tuning has brought.

    The leaderboard and the scores go to stdout, and what was decided on the way to stderr.
    """
    from shoal.tuning import ShoalTuner

    if options["holdout"] is not None and options["test"] is not None:
        raise click.UsageError("choose one of --holdout and --test")
    talk = Talk(quiet)
    work = prepare(data, talk, **options)
    with telling(work.learnt.source, talk), talk.progress(f"trial 1 of {trials}") as line:
        watchers = [line] if line.live is not None else []
        tuner = ShoalTuner(
            new_estimator(work.learnt, work.settings, watchers),
            n_trials=trials,
            time_limit=time_limit,
            callbacks=[TrialLine(line, trials)],
            random_state=work.settings["random_state"],
        ).fit(work.learnt.X, work.learnt.y)
    best = tuner.best_estimator_
    talk.say(
        f"{tuner.stop_reason_} The best is number {tuner.leaderboard_[0]['trial']}",
        *training_sentences(best),
    )
    rivals = {} if best is tuner.default_estimator_ else {"untuned": tuner.default_estimator_}
    document, table = conclude(
        work,
        best,
        interrupted=tuner.interrupted_,
        rivals={who: rival.model_ for who, rival in rivals.items()},
    )
    if as_json:
        print_json(document | {"metric": tuner.metric_, "leaderboard": tuner.leaderboard_})
    else:
        print_table(*tuner.leaderboard_.cells())
        click.echo()
        print_table(*table)
    return 130 if tuner.interrupted_ else 0


class TrialLine:
    """A callback of tuning: a line for each trial, or on a terminal one that is live."""

    def __init__(self, line: "ProgressLine", n_trials: int) -> None:
        self.line, self.n_trials = line, n_trials
        self.first: dict[str, Any] = {}

    def __call__(self, row: dict[str, Any]) -> None:
        """Say how a trial went."""
        from shoal.tuning import trial_words

        self.first = self.first or row
        if self.line.live is not None:
            self.line.label = f"trial {row['trial'] + 1} of {self.n_trials}"
            self.line.losses.clear()
        elif not self.line.silent:
            with contextlib.suppress(BrokenPipeError):
                click.echo(trial_words(row, self.first), err=True)
