"""shoal predict: a prediction for each row of a table, beside what identifies the row."""

from typing import TYPE_CHECKING, Any

import click

from shoal.cli.rows import count, kinds_of, naming, read_table, refuse_to_overwrite, shown
from shoal.cli.talk import QUIET_OPTION, Talk, print_json
from shoal.describe import news_sentences
from shoal.errors import DataError, ParameterError

if TYPE_CHECKING:
    import polars as pl

    from shoal.model import Model


@click.command(short_help="Predict the target for the rows of a table.")
@click.argument("model")
@click.argument("data")
@click.option("--proba", is_flag=True, help="Add the probability of each class.")
@click.option(
    "--interval",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Add the bounds between which so large a share of values lies, as 0.9. For a regression.",
)
@click.option("--all", "keep_all", is_flag=True, help="Keep the columns that the model reads, too.")
@click.option(
    "--output",
    "-o",
    default="-",
    metavar="FILE",
    help="Where to write; the suffix chooses CSV, TSV, JSON lines, JSON or Parquet. "
    "By default CSV on stdout.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print exactly one JSON document on stdout: the predictions, or with -o a summary.",
)
@QUIET_OPTION
def predict(
    model: str,
    data: str,
    proba: bool,
    interval: float | None,
    keep_all: bool,
    output: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Predict the target of MODEL for each row of the table DATA; - is a pipe.

    The result has the rows in their order, and these columns: those of DATA that the model does
    not read, such as names and identifiers, exactly as they are written; then `prediction`; then
    with --proba one `probability_<class>` each, or with --interval `lower` and `upper`. Nothing is
    altered for spreadsheets: a text that begins with = is written as it is.
    """
    from shoal.model_file import load_model
    from shoal.table_file import table_format, write_table

    fitted = load_model(model)
    refuse_to_overwrite(output, "--output", model, data)
    table_format(output)
    if proba and fitted.task == "regression":
        raise ParameterError(f"{model} is a regression, which has no probabilities; omit --proba")
    if interval and fitted.task != "regression":
        raise ParameterError(f"{model} predicts classes, which have no interval; use --proba")
    if interval and not fitted.training.get("residuals"):
        raise ParameterError(
            f"{model} knows no rows that were held out in turn, so it has no intervals: fit it "
            "again with --solver auto (the default) and more than 60 rows"
        )
    talk = Talk(quiet)
    kinds = kinds_of(fitted)
    frame, notes = read_table(data, kinds, talk, keep_others=True)
    talk.say(*notes)
    with naming(data):
        result = _with_predictions(fitted, frame, proba, interval)
        talk.say(*news_sentences(fitted.columns, frame))
    if not keep_all:
        read = kinds if fitted.columns.named else frame.columns
        result = result.drop([name for name in read if name in frame.columns])
    if as_json and output == "-":
        print_json({"rows": len(result), "predictions": result.to_dicts()})
        return
    write_table(result, output)
    if output != "-":
        talk.say(f"{shown(data)}: {count(len(result), 'row')} predicted, written to {output}")
    if as_json:
        print_json({"rows": len(result), "columns": result.columns, "path": output})


def _with_predictions(
    model: "Model", frame: "pl.DataFrame", proba: bool, interval: float | None
) -> "pl.DataFrame":
    """The frame with the columns of the predictions at its end."""
    import polars as pl

    prediction = model.predict(frame)
    new = _columns_of("prediction", model, prediction)
    if proba:
        probability = model.predict_proba(frame)
        if model.classes is not None:
            names = [f"probability_{label}" for label in model.classes.tolist()]
            new |= dict(zip(names, probability.T, strict=True))
        else:
            new |= _columns_of("probability", model, probability)
    if interval:
        bounds = model.predict_interval(frame, interval).astype(prediction.dtype)
        new |= _columns_of("lower", model, bounds[..., 0])
        new |= _columns_of("upper", model, bounds[..., 1])
    clash = [name for name in new if name in frame.columns]
    if clash:
        raise DataError(f"it has a column '{clash[0]}' already; rename or remove that first")
    return frame.with_columns(pl.Series(name, values) for name, values in new.items())


def _columns_of(word: str, model: "Model", values: Any) -> dict[str, Any]:
    """Columns of a prediction: one, or one for each target or quantile."""
    if values.ndim == 1:
        return {word: values}
    each = getattr(model.loss, "levels", model.target)
    if len(each) != values.shape[1]:
        each = range(1, values.shape[1] + 1)
    return {f"{word}_{name}": column for name, column in zip(each, values.T, strict=True)}
