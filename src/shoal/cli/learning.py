"""What `shoal fit` and `shoal tune` do alike: the rows before the training, the model after it."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from shoal.cli.options import HELD_OUT, RENAMED
from shoal.cli.rows import count, fingerprint, naming, read_rows, read_training_rows
from shoal.cli.talk import Talk
from shoal.cli.training import split
from shoal.describe import column_record, column_sentences
from shoal.errors import DataError, ShoalError
from shoal.scores import Rows, Scores, score, score_baselines, score_table

if TYPE_CHECKING:
    from shoal.model import Model

SUFFIX = ".shoal"


@dataclass(frozen=True)
class Work:
    """What is to be learnt.

    Attributes
    ----------
    rows : Rows
        All rows of the table.
    learnt, held_out : Rows, Rows or None
        Those to learn from, and those to score the model on.
    settings : dict
        Parameters of the estimator.
    path : Path
        Where the model goes.
    origin : dict
        Which table it was, and how its rows were held out: enough to find the same rows again.
    """

    rows: Rows
    learnt: Rows
    held_out: Rows | None
    settings: dict[str, Any]
    path: Path
    talk: Talk
    origin: dict[str, Any]


def prepare(
    data: str,
    talk: Talk,
    *,
    target: str | None,
    output: str | None,
    task: str,
    drop: tuple[str, ...],
    holdout: float | None,
    test: str | None,
    balanced: bool,
    cv: int | None = None,
    **settings: Any,
) -> Work:
    """Read the table, say what is decided on it, and hold out rows."""
    from shoal.table_learning import learn_columns

    path = _model_path(data, output)
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
    learnt, held_out, share = rows, None, 0.0
    if test is not None:
        held_out = read_rows(test, rows.kinds, rows.target, rows.labels, talk)
        with naming(test):
            columns.encode(held_out.X)  # what is wrong with it shows before training, not after
    elif cv is None and holdout != 0:
        share = holdout or HELD_OUT
        learnt, held_out = split(rows, share, settings["random_state"], talk)
    origin = {
        "name": Path(data).name,
        "sha256": fingerprint(data),
        "holdout": share,
        "seed": settings["random_state"],
    }
    return Work(rows, learnt, held_out, settings, path, talk, origin)


def conclude(
    work: Work, fitted: Any, *, interrupted: bool, rivals: "Mapping[str, Model] | None" = None
) -> tuple[dict[str, Any], tuple[list[str], list[list[str]]]]:
    """Score the model and what it must beat, and save it.

    Parameters
    ----------
    fitted : ShoalClassifier or ShoalRegressor
    interrupted : bool
        Whether Ctrl-C was pressed: then there is no time for baselines.
    rivals : mapping of str to Model, optional
        Others to be scored beside it.

    Returns
    -------
    document : dict
        What `--json` prints.
    table : tuple
        Header and rows of the scores.
    """
    from shoal.judging import Judgement, confidence
    from shoal.model_file import save_model
    from shoal.record import describe_training

    rows, learnt, held_out, talk = work.rows, work.learnt, work.held_out, work.talk
    history = last_history(fitted)
    scored = {"train": learnt} | ({} if held_out is None else {"held_out": held_out})
    n_rows = {name: len(part) for name, part in scored.items()}
    metrics = {name: score(fitted.model_, part) for name, part in scored.items()}
    summary = {**fitted.model_.training, "rows": n_rows, "metrics": metrics}
    summary |= describe_training(fitted) | {"data": work.origin, "command": _command()}
    model = replace(fitted.model_, target=(rows.target,), training=summary)
    save_model(model, work.path)  # before the baselines, in which Ctrl-C may come

    baselines: dict[str, Scores] = {}
    if held_out is not None and not interrupted:
        baselines = {who: score(rival, held_out) for who, rival in (rivals or {}).items()}
        with talk.busy("fitting the baselines"):
            baselines |= score_baselines(learnt, held_out, model)
    if held_out is not None:
        sure = confidence(held_out.y, model.predict(held_out.X), metrics["held_out"])
        judged = Judgement(
            len(held_out), True, metrics["held_out"], sure, baselines, metrics["train"]
        )
        summary |= {"judgement": judged.record()}
        save_model(replace(model, training=summary), work.path)
    what = f"learnt from all {len(rows):,} rows"
    if learnt is not rows:
        what = "the one that is scored here"
    talk.say(f"saved {work.path} ({work.path.stat().st_size:,} bytes): {what}")
    document = {
        "task": model.task,
        "target": rows.target,
        "classes": model.classes,
        "rows": n_rows,
        "columns": [column_record(column) for column in model.columns.columns],
        "decisions": talk.said,
        "metrics": metrics,
        "out_of_fold": summary.get("out_of_fold"),
        "baselines": baselines,
        "iterations": history.n_iter,
        "seconds": history.seconds,
        "stop_reason": history.stop_reason,
        "interrupted": interrupted,
        "path": str(work.path),
    }
    part = "train" if held_out is None else "held_out"
    title = f"{count(n_rows[part], 'row')} {'learnt from' if held_out is None else 'held out'}"
    shown = {"shoal": metrics[part]} | baselines
    return document, score_table(title, {who: [scores] for who, scores in shown.items()})


def _command() -> str:
    """The command line that is being run, so that it can be run again."""
    context = click.get_current_context()
    words = ["shoal", str(context.info_name)]
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
            option = max(parameter.opts, key=len)
            if isinstance(parameter, click.Option) and parameter.is_flag:
                words.append(option)
            else:
                values = value if isinstance(value, tuple) else (value,)
                words += [word for one in values for word in (option, str(one))]
    return shlex.join(words)


def last_history(fitted: Any) -> Any:
    """The history of the member that was trained to the last."""
    return max(fitted.histories_, key=lambda history: (history.interrupted, history.seconds))


def training_sentences(fitted: Any) -> list[str]:
    """How an estimator was trained, and how good it is on rows that its members held out."""
    history, n_networks = last_history(fitted), len(fitted.histories_)
    units = f"{len(fitted.model_.parameters.W1):,} {fitted.activation} units"
    units += f" in {n_networks} networks" if n_networks > 1 else ""
    took = f"{count(history.n_iter, 'iteration')} in {history.seconds:.1f} s"
    sentences = [f"trained {units}, {took}: {history.stop_reason}"]
    out_of_fold = fitted.model_.training.get("out_of_fold")
    if out_of_fold:
        names = {"log_loss": "log-loss", "r2": "R²"}
        figures = [f"{names.get(name, name)} {value:.3f}" for name, value in out_of_fold.items()]
        sentences.append(f"each row by a network that has not seen it: {', '.join(figures)}")
    return sentences


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
