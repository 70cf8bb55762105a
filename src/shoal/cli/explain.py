"""shoal explain: what drove the prediction of a row, or which columns count in a whole table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from shoal.cli.rows import kinds_of, naming, read_table, set_apart, shown, with_target
from shoal.cli.talk import JSON_OPTION, QUIET_OPTION, Talk, print_json, print_table, printable
from shoal.describe import news_sentences
from shoal.errors import DataError, ParameterError

if TYPE_CHECKING:
    import polars as pl

    from shoal.activations import Array
    from shoal.explain import Steps
    from shoal.model import Model

MOST_COLUMNS, MOST_UNITS, MOST_SCORES, MOST_CLASSES = 12, 5, 8, 6
ENOUGH = 10_000  # rows by which columns are compared


@dataclass(frozen=True)
class Question:
    """What is explained: scores, each times a weight.

    Attributes
    ----------
    words : str
    kind : str
        What the sum of the scores is.
    weights : array (n_y,)
    """

    words: str
    kind: str
    weights: "Array"


@click.command(short_help="Show what drove a prediction, or which columns count.")
@click.argument("model")
@click.argument("data")
@click.option(
    "--row",
    type=click.IntRange(min=1),
    metavar="N",
    help="Explain the prediction of this row, counted from 1; without it, the whole table.",
)
@click.option(
    "--class",
    "label",
    metavar="LABEL",
    help="Explain this class of the row, not the most probable one.",
)
@click.option(
    "--math", is_flag=True, help="Show the equations with their numbers, from the row's inputs on."
)
@JSON_OPTION
@QUIET_OPTION
def explain(
    model: str,
    data: str,
    row: int | None,
    label: str | None,
    math: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Show what drove what MODEL predicts for a row of the table DATA; - is a pipe.

    What a column adds is its part of the way from the average row to this one: integrated
    gradients, exactly. The parts add up. With two classes or more they are of the log odds of the
    predicted class against the next; of several targets there is a table for each.

    Without --row it shows how much each column adds on average over the table, whatever its sign,
    and, if the table has the target, how much worse the predictions get if the column is shuffled.

    Of a large network --math shows what counts most; --math --json has every number.
    """
    from shoal.cells import listed
    from shoal.model_file import load_model

    fitted, talk = load_model(model), Talk(quiet)
    if row is None and (math or label is not None):
        option = "--math" if math else "--class"
        raise click.UsageError(f"{option} is of one row: choose it with --row N")
    kinds = kinds_of(fitted)
    one = fitted.target[0] if len(fitted.target) == 1 and fitted.task != "multilabel" else None
    if one is not None:
        textual = fitted.classes is not None and fitted.classes.dtype.kind == "U"
        kinds |= {one: "category" if textual else "number"}
    frame, notes = read_table(data, kinds, talk, keep_others=True)
    talk.say(*notes)
    with naming(data):
        absent = [column for column in kinds_of(fitted) if column not in frame.columns]
        if absent:
            has = listed("column", frame.columns)
            raise DataError(f"the table lacks {listed('column', absent)}; it has {has}")
        if row is None:
            _explain_table(fitted, data, frame, one, talk, as_json)
            return
        if row > len(frame):
            raise ParameterError(
                f"there is no row {row:,}: {shown(data)} has {len(frame):,}, counted from 1"
            )
        chosen = frame[row - 1]
        talk.say(*news_sentences(fitted.columns, chosen))
        _explain_row(fitted, f"row {row:,} of {shown(data)}", chosen, one, label, math, as_json)


def _read_by(model: "Model", frame: "pl.DataFrame") -> "pl.DataFrame":
    """The frame as the model reads it: one that knows no names goes by position."""
    return frame if model.columns.named else frame.select(c.name for c in model.columns.columns)


# ---- a table -----------------------------------------------------------------------------------


def _explain_table(
    model: "Model", data: str, frame: "pl.DataFrame", target: str | None, talk: Talk, as_json: bool
) -> None:
    """Print how much each column counts."""
    from shoal.explain import importance

    y = None
    if target is not None and target in frame.columns:
        frame = with_target(frame, target, talk)
    elif target is not None:
        talk.say(f"{shown(data)} has no column '{target}', so nothing is said of the loss")
    n_rows = len(frame)
    if n_rows > ENOUGH:
        frame = frame.sample(ENOUGH, seed=0)
        talk.say(f"{ENOUGH:,} of the {n_rows:,} rows are looked at")
    if target is not None and target in frame.columns:
        y = set_apart(data, frame, target, model.classes is not None).y
    with talk.busy("explaining"):
        table = importance(model, _read_by(model, frame), y)
    if as_json:
        print_json({"rows": len(frame), "columns": table.to_dicts()})
        return
    header, lines = ["column", "", "adds on average"], []
    bars = _bars(table["contribution"].to_list())
    for record, bar in zip(table.to_dicts(), bars, strict=True):
        line = [record["column"], bar, number(record["contribution"])]
        if y is not None:
            growth, spread = record["loss_increase"], record["loss_increase_sd"]
            line += [number(growth, "+"), number(spread)]
        lines.append(line)
    header += ["loss if shuffled", "±"] if y is not None else []
    print_table(header, lines, to_left=2)


# ---- a row -------------------------------------------------------------------------------------


def _explain_row(
    model: "Model",
    name: str,
    row: "pl.DataFrame",
    target: str | None,
    label: str | None,
    math: bool,
    as_json: bool,
) -> None:
    """Print what drove the prediction of one row."""
    from shoal.explain import steps

    actual = row[target][0] if target is not None and target in row.columns else None
    row = _read_by(model, row)
    found = steps(model, row)
    questions = _questions(model, found, label)
    parts = model.explainer.integrated_gradients(row)
    if as_json:
        print_json(_document(model, row, found, parts, actual, math))
        return
    click.echo(printable(f"{name}: {_prediction_words(model, found, actual)}"))
    values = [_value_words(column, row) for column in model.columns.columns]
    for question in questions[:MOST_SCORES]:
        added = question.weights @ parts.values[0]
        start = float(question.weights @ parts.baseline)
        score = float(question.weights @ parts.scores[0])
        click.echo(
            printable(
                f"\n{question.words}: {question.kind} {number(score)} = "
                f"{number(start)} of the average row {number(score - start, '±')} of the columns"
            )
        )
        _print_columns(model, values, added)
    if len(questions) > MOST_SCORES:
        click.echo(f"\n{len(questions) - MOST_SCORES} more are in --json")
    if len(model.parameters.W1):
        _print_units(model, found, questions[0])
    if math:
        from shoal.cli.equations import print_equations

        print_equations(model, found, _inputs_that_count(model, row, questions[0]))


def _questions(model: "Model", found: "Steps", label: str | None) -> list[Question]:
    """What to explain of a row."""
    import numpy as np

    names, kind = model.score_names, _score_kind(model)
    one_of = np.eye(len(names))
    if model.classes is None:
        if label is not None:
            raise ParameterError("the model has no classes: leave --class out")
        of = {"multilabel": "", "regression": "quantile " if model.loss.name == "quantile" else ""}
        return [
            Question(f"{of[model.task]}{name}", kind, weights)
            for name, weights in zip(names, one_of, strict=True)
        ]
    labels = [str(name) for name in model.classes.tolist()]
    scores = found.Z2[:, 0] if model.task == "multiclass" else np.array([0, found.Z2[0, 0]])
    ranking = np.argsort(-scores, kind="stable").tolist()
    if label is not None and label not in labels:
        raise ParameterError(f"there is no class {label!r}; there are {', '.join(labels)}")
    best = ranking[0] if label is None else labels.index(label)
    other = next(k for k in ranking if k != best)
    sides = one_of if model.task == "multiclass" else np.array([[0.0], [1.0]])
    words = f"{labels[best]} rather than {labels[other]}"
    return [Question(words, kind, sides[best] - sides[other])]


def _score_kind(model: "Model") -> str:
    """What the scores are."""
    if model.loss.name in ("sigmoid", "softmax"):
        return "log odds"
    return "logarithm" if model.loss.name in ("poisson", "gamma", "tweedie") else "prediction"


def _prediction_words(model: "Model", found: "Steps", actual: Any) -> str:
    """The prediction, and what the table says."""
    import numpy as np

    A2 = found.A2[:, 0]
    if model.classes is not None:
        p = A2 if model.task == "multiclass" else np.array([1 - A2[0], A2[0]])
        order = np.argsort(-p, kind="stable")
        words = [f"{model.classes[k]} {number(p[k])}" for k in order[:MOST_CLASSES]]
        words += [f"{len(p) - MOST_CLASSES} less probable"] if len(p) > MOST_CLASSES else []
    elif len(A2) == 1 and len(model.target) == 1:
        words = [f"{model.target[0]} {number(A2[0])}"]
    else:
        words = [f"{k} {number(a)}" for k, a in zip(model.score_names, A2, strict=True)]
    if actual is not None:
        words.append(f"and the table says {actual}")
    return ", ".join(words)


def _value_words(column: Any, row: "pl.DataFrame") -> str:
    """What a row has in a column."""
    if column.kind == "unused":
        return ""
    value = row[column.name][0]
    return "missing" if value is None or value != value else str(value)


def _print_columns(model: "Model", values: list[str], added: "Array") -> None:
    """The columns that add most, and the sum of the others."""
    used = [k for k, column in enumerate(model.columns.columns) if column.kind != "unused"]
    used.sort(key=lambda k: -abs(added[k]))
    shown_ones, others = used[:MOST_COLUMNS], used[MOST_COLUMNS:]
    numbers = [float(added[k]) for k in shown_ones]
    names = [model.columns.columns[k].name for k in shown_ones]
    texts = [values[k] for k in shown_ones]
    if others:
        numbers.append(float(sum(added[k] for k in others)))
        names.append(f"{len(others)} more columns")
        texts.append("")
    lines = [
        [name, text, bar, number(value, "+")]
        for name, text, bar, value in zip(names, texts, _bars(numbers), numbers, strict=True)
    ]
    print_table(["column", "value", "", "adds"], lines, to_left=3)


def _print_units(model: "Model", found: "Steps", question: Question) -> None:
    """The hidden units that add most to the first question."""
    import numpy as np

    from shoal.activations import get_activation

    W1, b1, _, _ = (block.astype(float) for block in model.parameters)
    z0 = W1 @ model.columns.centers()[:, None] + b1
    start = get_activation(model.activation).g(z0)[:, 0]
    z, a = found.Z1[:, 0], found.A1[:, 0]
    weights = question.weights @ model.explainer.parameters.W2
    added = weights * (a - start)
    n = len(W1) - _n_linear(model)
    words = f"{n:,} hidden units of {model.activation}"
    if model.activation == "relu":
        words += f", {int((z[:n] > 0).sum()):,} of them active"
    if n < len(W1):
        words += f", and a linear part that adds {number(added[n:].sum(), '+')}"
    click.echo(f"\n{words}" + ("; the units that add most:" if n > MOST_UNITS else ":"))
    most = np.argsort(-np.abs(added[:n]), kind="stable")[:MOST_UNITS]
    lines = [
        [str(j + 1), *map(number, (z[j], a[j], start[j], weights[j])), number(added[j], "+")]
        for j in most
    ]
    print_table(["unit", "z", "a = g(z)", "a of the average row", "weight", "adds"], lines)


def _n_linear(model: "Model") -> int:
    """How many units, the last ones, are a linear part: pairs g(v x) - g(-v x), see folding.py."""
    import numpy as np

    W1, b1, W2, b2 = model.parameters
    n_y = len(b2)
    plus, minus = slice(-2 * n_y, -n_y), slice(-n_y, None)
    is_linear = (
        len(W1) >= 2 * n_y
        and not b1[-2 * n_y :].any()
        and np.array_equal(W1[plus], -W1[minus])
        and np.array_equal(W2[:, plus], -W2[:, minus])
        and W1[minus].any()
    )
    return 2 * n_y if is_linear else 0


def _inputs_that_count(model: "Model", row: "pl.DataFrame", question: Question) -> list[int]:
    """Inputs of the network, those that add most to a question first."""
    import numpy as np

    parts = model.explainer.integrated_gradients(row, by="inputs")
    return np.argsort(-np.abs(question.weights @ parts.values[0]), kind="stable").tolist()


def _document(
    model: "Model", row: "pl.DataFrame", found: "Steps", parts: Any, actual: Any, math: bool
) -> dict[str, Any]:
    """All of it, as JSON."""
    columns = model.columns.columns
    document = {
        "prediction": model.predict(row)[0],
        "target": list(model.target),
        "actual": actual,
        "outputs": model.classes if model.classes is not None else model.score_names,
        "A2": found.A2[:, 0],
        "scores": [
            {
                "output": name,
                "score": parts.scores[0, k],
                "baseline": parts.baseline[k],
                "adds": {c.name: parts.values[0, k, i] for i, c in enumerate(columns)},
            }
            for k, name in enumerate(model.score_names)
        ],
        "row": {c.name: row[c.name][0] for c in columns if c.kind != "unused"},
    }
    for column, value in list(document["row"].items()):
        if not isinstance(value, (str, int, float, bool, type(None))):
            document["row"][column] = str(value)
    if math:
        document |= {
            "inputs": dict(zip(model.columns.slots, found.X[:, 0], strict=True)),
            "activation": model.activation,
            "output_function": model.loss.name,
            "Z1": found.Z1[:, 0],
            "A1": found.A1[:, 0],
            "Z2": found.Z2[:, 0],
            "W1": model.parameters.W1,
            "b1": model.parameters.b1[:, 0],
            "W2": model.parameters.W2,
            "b2": model.parameters.b2[:, 0],
        }
    return document


# ---- numbers and bars --------------------------------------------------------------------------


def number(value: float, sign: str = "-") -> str:
    """A number to read: three decimals, or three digits and a power of ten.

    With sign "+" a plus stands before it, with "±" the operator of a sum.
    """
    size = abs(value)
    text = f"{size:,.3f}" if size == 0 or 1e-3 <= size < 1e6 else f"{size:.2e}"
    if sign == "±":
        return ("- " if value < 0 else "+ ") + text
    return ("-" if value < 0 else "+" if sign == "+" else "") + text


def _bars(values: list[float], width: int = 12) -> list[str]:
    """A bar for each number, to the left where it is below 0."""
    most = max((abs(value) for value in values), default=0.0) or 1.0
    negative = any(value < 0 for value in values)
    bars = []
    for value in values:
        length = "█" * round(width * abs(value) / most)
        if value < 0:
            bars.append(f"{length:>{width}}│")
        else:
            bars.append((" " * width if negative else "") + "│" + length)
    return bars
