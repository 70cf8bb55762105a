"""What `shoal fit` and `shoal tune` can be told alike."""

from collections.abc import Callable, Sequence
from typing import Any

import click

HELD_OUT = 0.2
RENAMED = {
    "bins": "n_bins",
    "category": "categorical_features",
    "hidden": "n_hidden",
    "jobs": "n_jobs",
    "members": "n_members",
    "seed": "random_state",
}

TABLE_OPTIONS = [
    click.argument("data"),
    click.option(
        "--target", "-t", metavar="COLUMN", help="The column to learn. It is never guessed."
    ),
    click.option(
        "--output", "-o", metavar="FILE.shoal", help="The model; by default it is named after DATA."
    ),
    click.option(
        "--task",
        type=click.Choice(["auto", "classification", "regression"]),
        default="auto",
        help="Whether to learn classes or values; auto looks at the target, and says what it "
        "found.",
    ),
    click.option(
        "--drop", multiple=True, metavar="COLUMN", help="Leave this column out. Repeatable."
    ),
    click.option(
        "--category",
        multiple=True,
        metavar="COLUMN",
        help="Take this column's numbers for names of categories. Repeatable.",
    ),
    click.option(
        "--holdout",
        type=click.FloatRange(0, 1, max_open=True),
        metavar="SHARE",
        help=f"Share of the rows to hold out and score the model on; {HELD_OUT} by default.",
    ),
    click.option(
        "--test", metavar="FILE", help="Score on this table instead, and learn from all of DATA."
    ),
]

SETTING_OPTIONS = [
    click.option("--hidden", type=int, metavar="N", help="Hidden units; 0 is a linear model."),
    click.option(
        "--activation", metavar="NAME", help="Of the hidden units: relu, tanh, sigmoid, ..."
    ),
    click.option(
        "--bins", type=int, metavar="N", help="Bins of each column of numbers; 0 for none."
    ),
    click.option(
        "--members",
        type=int,
        metavar="N",
        help="Networks trained from different starts, whose average is the model.",
    ),
    click.option("--learning-rate", type=float, metavar="NUMBER", help="Size of the steps."),
    click.option("--alpha", type=float, metavar="NUMBER", help="Weight of the L2 penalty."),
    click.option("--batch-size", type=int, metavar="ROWS", help="Rows in a step of sgd or adam."),
    click.option("--max-iter", type=int, metavar="N", help="Iterations at most."),
    click.option("--balanced", is_flag=True, help="Give all classes the same weight in training."),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="Of all that is random; the same seed gives the same model. 0 by default.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Threads at most; by default as many as there are cores. The model is the same.",
    ),
]


def time_limit_option(words: str) -> Callable[..., Any]:
    """The option --time-limit, in the words of a verb."""
    return click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help=f"{words}; the best so far is kept.",
    )


def with_options(*groups: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """All the options of some groups, in their order, as one decorator."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate
