"""The first eight parts of a report: each from the evidence to a piece of the page."""

from typing import Any

import numpy as np

from shoal import __version__
from shoal.describe import column_words, network_words
from shoal.judging import threshold_table, verdict
from shoal.plots.classes import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from shoal.plots.learning import LossCurveDisplay
from shoal.plots.style import number
from shoal.plots.values import ErrorHistogramDisplay, PredictedDisplay, ResidualsDisplay
from shoal.record import curves_of
from shoal.report.evidence import MOST_JUDGED_BASELINES, Evidence
from shoal.report.markup import Markup, details, facts, figure, join, paragraph, table, tag
from shoal.report.pictures import picture
from shoal.scores import score_table
from shoal.table import Column

MOST_COLUMNS = 60
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def percent(value: float | None) -> str:
    """A share in percent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def sentences(evidence: Evidence) -> list[str]:
    """The verdict."""
    model = evidence.model
    target = ", ".join(model.target)
    return verdict(
        model.task, target, evidence.judgement, model.training.get("out_of_fold")
    ) + _of_labels(evidence)


def _of_labels(evidence: Evidence) -> list[str]:
    """What else is to be said of the rows' labels."""
    n = int((~evidence.known).sum())
    if not n:
        return []
    return [f"Of {n:,} rows the model has never seen the class, so each is a mistake."]


# ---- 1, 2, 3: verdict, data, model -------------------------------------------------------------


def of_verdict(evidence: Evidence) -> Markup:
    """The verdict in a paragraph, and the scores that it is based on."""
    judged = evidence.judgement
    scored = {"the model": [dict(judged.scores)]} | {
        who: [dict(scores)] for who, scores in judged.baselines.items()
    }
    if judged.learnt:
        scored["the model, on the rows learnt from"] = [dict(judged.learnt)]
    header, rows = score_table("", scored)
    words = {True: " it has not seen", False: " it has learnt from", None: ""}
    note = "↑: more is better; ↓: less is better."
    if judged.baselines:
        how = "the same rows as the model"
        if evidence.learnt is None:
            n = min(judged.rows, MOST_JUDGED_BASELINES)
            few = f"{n:,} of these rows" if n < judged.rows else "these rows"
            how = f"four fifths of {few}, and are scored on the last, each fifth in turn"
        note += f" The others have learnt from {how}."
    return join(
        tag(
            "p",
            " ".join(sentences(evidence)).replace(" %", "\N{NO-BREAK SPACE}%"),
            class_="verdict",
        ),
        table(f"Scores on {judged.rows:,} rows{words[judged.unseen]}", header, rows, note=note),
    )


def of_data(evidence: Evidence) -> Markup:
    """Each column: how it is read, what is missing, what becomes of it; and the target."""
    columns, rows = evidence.model.columns.columns, []
    for column in columns[:MOST_COLUMNS]:
        row = [column.name, column_words(column), _missing_here(evidence, column)]
        rows.append([*row, _spread(evidence, column), _becomes(column)])
    more = len(columns) - MOST_COLUMNS
    n_more = f" {more:,} more columns are left out of this table." if more > 0 else ""
    spread = "mean ± standard deviation at fit"
    if evidence.with_rows:
        spread = "least, median, greatest here"
    return join(
        table(
            f"The {len(columns):,} columns, and what becomes of each",
            [
                "column",
                "read as",
                "missing here",
                f"values ({spread})",
                "inputs, as training sees them",
            ],
            rows,
            to_left=5,
            note="What is missing or was not seen at fit counts as the average row, unless the "
            f"column has an input of its own for it.{n_more}",
        ),
        _of_target(evidence),
    )


def _missing_here(evidence: Evidence, column: Column) -> str:
    if column.name not in evidence.rows.X.columns:
        return "–"
    share = evidence.rows.X[column.name].null_count() / len(evidence.rows)
    return f"{100 * share:.2g} %" if share else "none"


def _spread(evidence: Evidence, column: Column) -> str:
    """Where a column's values lie: of the rows, or as far as the model knows it."""
    if not column.width:
        return "–"
    if column.kind == "category":
        shares = [
            f"{name} {100 * share:.0f} %"
            for name, share in zip(column.levels[:4], column.shares, strict=False)
        ]
        more = len(column.levels) - 4
        return ", ".join(shares) + (f" and {more:,} more" if more > 0 else "")
    if column.kind == "boolean":
        return f"true {percent(column.center)}"
    if not evidence.with_rows:
        if column.kind == "date":
            return f"{_day(column.center)} ± {column.scale:,.0f} days"
        return f"{number(column.center)} ± {number(column.scale)}"
    here = evidence.rows.X[column.name].drop_nulls()
    if not len(here):
        return "–"
    ends: list[Any] = [here.min(), here.median(), here.max()]
    if column.kind == "date":
        return ", ".join(f"{value:%Y-%m-%d}" for value in ends)
    return ", ".join(number(float(value)) for value in ends)


def _day(days: float) -> str:
    return str(np.datetime64(int(np.clip(days, -700_000, 2_900_000)), "D"))


def _becomes(column: Column) -> str:
    """What becomes of a column, as arithmetic."""
    if not column.width:
        return "none"
    words = []
    if column.kind == "category":
        words.append(f"{len(column.levels) + column.others} levels, 0 or 1 each")
    elif column.note:
        words.append("constant: counts for nothing")
    elif column.kind == "boolean":
        words.append("0 or 1")
    else:
        words.append(f"(x − {number(column.center)}) / {number(column.scale)}")
        if column.n_bins:
            words.append(f"{column.n_bins} bins")
    words += ["1 if missing"] if column.missing > 0 else []
    return ", ".join(words)


def _of_target(evidence: Evidence) -> Markup:
    """How the targets are spread."""
    model, y = evidence.model, evidence.rows.y
    name = ", ".join(model.target)
    if model.classes is not None:
        counts = [(str(label), int((y == label).sum())) for label in model.classes.tolist()]
        unknown = int((~evidence.known).sum())
        counts += [("never seen by the model", unknown)] if unknown else []
        rows = [[label, f"{n:,}", percent(n / len(y))] for label, n in counts[:MOST_COLUMNS]]
        return table(f"The target, {name}", ["class", "rows", "share"], rows)
    if model.task == "multilabel":
        shares = np.atleast_2d(y.T).mean(axis=1)
        names = _label_names(evidence)
        rows = [[label, percent(float(s))] for label, s in zip(names, shares, strict=True)]
        return table("The labels", ["label", "share of rows"], rows[:MOST_COLUMNS])
    columns = y.reshape(len(y), -1).T
    rows = []
    for k, values in enumerate(columns):
        label = model.target[k] if len(columns) == len(model.target) else name
        row = [label, number(values.mean()), number(values.std())]
        rows.append(row + [number(v) for v in _ends(evidence, values)])
    header = ["", "mean", "standard deviation"]
    header += ["least", "median", "greatest"] if evidence.with_rows else []
    return table(f"The target, {name}", header, rows)


def _ends(evidence: Evidence, values: Any) -> list[float]:
    return np.quantile(values, (0, 0.5, 1)).tolist() if evidence.with_rows else []


def _label_names(evidence: Evidence) -> list[str]:
    model = evidence.model
    n_y = len(model.parameters.b2)
    return list(model.target) if len(model.target) == n_y else [str(k) for k in range(n_y)]


def of_model(evidence: Evidence) -> Markup:
    """What the network is, how it was trained, and how to make it again."""
    model, training = evidence.model, evidence.model.training
    W1, b1, W2, b2 = model.parameters
    shapes = [("W1", W1), ("b1", b1), ("W2", W2), ("b2", b2)]
    members, settings = training.get("members"), training.get("settings")
    chosen = training.get("chosen")
    chosen = chosen if isinstance(chosen, list) else []
    origin, versions = training.get("data"), training.get("versions")
    known = facts(
        "The model",
        [
            ("task", model.task),
            ("network", network_words(model)),
            ("arrays", ", ".join(f"{name} {a.shape[0]:,} × {a.shape[1]:,}" for name, a in shapes)),
            ("members", f"{members}, averaged" if isinstance(members, int) else None),
            ("solver", training.get("solver")),
            ("why it stopped", training.get("stop_reason")),
            ("temperature", _plain_number(training.get("temperature"))),
            ("table", _of_origin(origin)),
            ("made with", _of_versions(versions)),
            ("this report by", f"shoal {__version__}"),
        ],
    )
    parts = [known]
    commands = [training.get("command"), training.get("call")]
    shown = [line for line in commands if isinstance(line, str)]
    if shown:
        parts += [tag("h3", "How to make it again"), *[tag("pre", line) for line in shown]]
    if isinstance(settings, dict) and settings:
        told = {name: str(value) for name, value in settings.items()}
        first = [name for name in told if name in chosen]
        if first:
            parts.append(
                table(
                    "Settings that differ from the defaults",
                    ["", ""],
                    [[tag("span", n, class_="set"), told[n]] for n in first],
                    to_left=2,
                )
            )
        rest = [f"{name} = {value}" for name, value in told.items() if name not in first]
        parts.append(details(f"{len(rest)} settings at their defaults", tag("p", ", ".join(rest))))
    elif not shown:
        parts.append(paragraph("The model does not say by which settings it was made."))
    return join(*parts)


def _plain_number(value: Any) -> str | None:
    return number(value) if isinstance(value, float) else None


def _of_origin(origin: Any) -> str | None:
    """The table learnt from, with its fingerprint."""
    if not isinstance(origin, dict):
        return None
    name, fingerprint = origin.get("name"), origin.get("sha256")
    begins = f"SHA-256 {str(fingerprint)[:16]}…" if fingerprint else None
    return ", ".join(str(v) for v in (name, begins) if v)


def _of_versions(versions: Any) -> str | None:
    if not isinstance(versions, dict):
        return None
    return ", ".join(f"{name} {value}" for name, value in versions.items())


# ---- 4: training -------------------------------------------------------------------------------


def of_training(evidence: Evidence, source: Any) -> Markup:
    """The curves, and where each member stopped."""
    curves = curves_of(source)
    if not curves:
        return paragraph(
            "The model keeps no curves of its training. Models that shoal fit writes do, and "
            "estimator.report has those of the estimator."
        )
    held_out = [curve for curve in curves if curve.validation_loss]
    last = max(curve.iterations[-1] for curve in curves)
    words = f"The training loss over {last:,} iterations, from {number(curves[0].loss[0])}"
    words += f" to {number(curves[0].loss[-1])}"
    if held_out:
        on_average = " on average" if len(held_out) > 1 else ""
        lowest = [min(curve.validation_loss) for curve in held_out]
        words += f"; the lowest held-out loss is {number(float(np.mean(lowest)))}{on_average}"
    caption = words + "."
    if len(curves) > 1:
        caption += f" Thin: the {len(curves)} members; bold: their mean. Dots: what was kept."
    drawn = picture(LossCurveDisplay(curves).plot, words, (5.6, 3.4))
    return join(figure(drawn, caption), paragraph(_stopped(evidence)))


def _stopped(evidence: Evidence) -> str:
    reason = evidence.model.training.get("stop_reason")
    return f"Why the first member stopped: {reason}" if isinstance(reason, str) else ""


# ---- 5: predictions ----------------------------------------------------------------------------


def of_predictions(evidence: Evidence) -> Markup:
    """Where predictions are right, and where they are not."""
    if evidence.classify:
        return _of_classes(evidence)
    if evidence.model.task == "multilabel":
        return _of_many_labels(evidence)
    return _of_values(evidence)


def _of_classes(evidence: Evidence) -> Markup:
    model, y, probability = evidence.model, evidence.rows.y, evidence.probability
    classes = model.classes
    assert classes is not None
    y = np.where(evidence.known, y.astype(object), "(never seen)").astype(str)
    names = classes.astype(str)
    predicted = evidence.prediction.astype(str)
    hits = int((y == predicted).sum())
    side = min(6.0, 2.2 + 0.42 * max(len(names), 4))
    pictures = [
        figure(
            picture(
                lambda ax: ConfusionMatrixDisplay.from_predictions(
                    y, predicted, classes=names, ax=ax
                ),
                f"Confusion matrix: {hits:,} of {len(y):,} rows are on its diagonal",
                (side, side),
            ),
            "How many rows of each class are predicted as which. Darker: more of the true class.",
        )
    ]
    known = evidence.known
    if len(np.unique(y[known])) > 1:
        y, probability = y[known], probability[known]
        shown = {"classes": names}
        for display, words, caption in (
            (RocCurveDisplay, "ROC curves", "Hits against false alarms, as the threshold falls."),
            (
                PrecisionRecallDisplay,
                "Precision-recall curves",
                "How many of those found are right, against how many are found.",
            ),
            (
                CalibrationDisplay,
                "Calibration",
                "Probabilities against what came true, in groups of as many rows.",
            ),
        ):
            drawn = picture(
                lambda ax, display=display, y=y, p=probability: display.from_predictions(  # type: ignore[misc]
                    y, p, ax=ax, **shown
                ),
                f"{words} of {', '.join(names[:6])}",
                (3.7, 3.7),
            )
            pictures.append(figure(drawn, caption))
    parts = [tag("div", *pictures, class_="pictures"), _by_class(evidence)]
    if len(names) == 2:
        parts.append(_of_thresholds(evidence, names[1]))
    return join(*parts)


def _by_class(evidence: Evidence) -> Markup:
    from sklearn.metrics import precision_recall_fscore_support

    assert evidence.model.classes is not None
    known, classes = evidence.known, evidence.model.classes
    found = precision_recall_fscore_support(
        evidence.rows.y[known], evidence.prediction[known], labels=classes, zero_division=np.nan
    )
    rows = [
        _class_row(str(label), figures)
        for label, *figures in list(zip(classes.tolist(), *found, strict=True))[:MOST_COLUMNS]
    ]
    return table("Each class", ["class", "precision", "recall", "F1", "rows"], rows)


def _class_row(name: str, figures: Any) -> list[str]:
    *shares, n = figures
    return [name, *("–" if np.isnan(v) else percent(float(v)) for v in shares), f"{int(n):,}"]


def thresholds(evidence: Evidence) -> list[dict[str, float | None]]:
    """What each threshold would catch, for two classes; otherwise nothing."""
    classes = evidence.model.classes
    if classes is None or len(classes) != 2:
        return []
    known = evidence.known
    positive = evidence.rows.y[known] == classes[1]
    return threshold_table(evidence.probability[known, 1], positive, THRESHOLDS)


def _of_thresholds(evidence: Evidence, label: str) -> Markup:
    rows = [
        [f"{row['threshold']:g}", *(percent(v) for k, v in row.items() if k != "threshold")]
        for row in thresholds(evidence)
    ]
    return table(
        f"If rows count as {label} from which probability on",
        ["from", "rows flagged", "precision", "recall", "specificity", "F1"],
        rows,
        note="predict takes 0.5. Where a miss costs more than a false alarm, take a lower one.",
    )


def _of_many_labels(evidence: Evidence) -> Markup:
    from sklearn.metrics import precision_recall_fscore_support

    Y, prediction = evidence.rows.y > 0.5, evidence.prediction > 0.5
    found = precision_recall_fscore_support(Y, prediction, zero_division=np.nan)
    rows = [
        _class_row(name, figures)
        for name, *figures in zip(_label_names(evidence), *found, strict=True)
    ]
    return table("Each label", ["label", "precision", "recall", "F1", "rows"], rows[:MOST_COLUMNS])


def _of_values(evidence: Evidence) -> Markup:
    y, prediction = evidence.rows.y, evidence.prediction
    model = evidence.model
    Y, P = y.reshape(len(y), -1), prediction.reshape(len(y), -1)
    parts = []
    if P.shape[1] == 1 and len(model.parameters.b2) > 1:
        parts.append(paragraph("Of the quantiles, the middle one is shown here as the prediction."))
    for k in range(min(4, Y.shape[1])):
        name = model.target[k] if Y.shape[1] == len(model.target) else ", ".join(model.target)
        parts.append(_of_one_target(evidence, name, Y[:, k], P[:, k]))
    if Y.shape[1] > 4:
        parts.append(paragraph(f"{Y.shape[1] - 4:,} more targets are left out."))
    return join(*parts)


def _of_one_target(evidence: Evidence, name: str, y: Any, prediction: Any) -> Markup:
    error = np.abs(y - prediction)
    r = PredictedDisplay(y, prediction, name).r
    pictures = []
    if evidence.with_rows:  # each point is a row
        points = {"y": y, "prediction": prediction, "name": name}
        few = np.unique(np.linspace(0, len(y) - 1, min(len(y), 500)).round().astype(int))
        points |= {"y": y[few], "prediction": prediction[few]}
        pictures = [
            figure(
                picture(
                    PredictedDisplay(**points).plot,
                    f"Predicted against true {name}: correlation {r:.3f}",
                    (3.9, 3.9),
                ),
                "Predicted against true values: on the dotted line they are equal.",
            ),
            figure(
                picture(
                    ResidualsDisplay(**points).plot, f"Residuals of {name} against predictions"
                ),
                "What is left of each row. The line is its running median: at 0 if nothing is "
                "missed throughout.",
            ),
        ]
    pictures.append(
        figure(
            picture(
                ErrorHistogramDisplay(y, prediction, name).plot,
                f"Histogram of the errors of {name}: half are within {number(np.median(error))}",
            ),
            "How large the errors are; dashed: their median.",
        )
    )
    rows = [[percent(share), number(np.quantile(error, share))] for share in (0.5, 0.8, 0.9, 0.95)]
    return join(
        tag("div", *pictures, class_="pictures"),
        table(
            f"Errors of {name}",
            ["share of rows", "off by at most"],
            rows,
            note=f"Correlation R of predicted and true values: {r:.3f}.",
        ),
    )


# ---- 8: the gradients --------------------------------------------------------------------------


def of_gradients(evidence: Evidence) -> Markup:
    """Whether backpropagation is right on these rows."""
    check = evidence.gradient_check
    if check is None:
        return paragraph("No row has a label that the model knows, so there is no gradient.")
    rows = [[name, f"{getattr(check, name):.1e}"] for name in evidence.model.parameters._fields]
    excluded = ""
    if check.verdict == "doubtful":
        excluded = " From 1e-7 to 1e-5 it may be rounding, where large terms of a score cancel."
    if check.n_excluded:
        excluded += f" {check.n_excluded:,} more lie at a kink, where there is no derivative."
    return join(
        paragraph(
            f"The gradients are {check.verdict}: relative error {check.relative_error:.1e} over "
            f"{check.n_checked:,} numbers drawn from the network.{excluded} Each is moved up and "
            "down a little, and the change of the cost compared with what backpropagation (Eq 6 "
            "to 11) says. Up to 1e-7 is rounding."
        ),
        table("Relative error of each array", ["array", "error"], rows),
    )
