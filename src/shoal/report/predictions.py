"""The fifth part of a report: where predictions are right, and where they are not."""

from typing import Any

import numpy as np

from shoal.judging import threshold_table
from shoal.plots.classes import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from shoal.plots.style import number
from shoal.plots.values import ErrorHistogramDisplay, PredictedDisplay, ResidualsDisplay
from shoal.report.evidence import Evidence
from shoal.report.markup import Markup, figure, join, paragraph, table, tag
from shoal.report.pictures import picture
from shoal.report.sections import MOST_COLUMNS, label_names, percent

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


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
    parts = [tag("div", *pictures, class_="pictures")]
    if known.any():
        parts.append(_by_class(evidence))
    if len(names) == 2 and known.any():
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
    if classes is None or len(classes) != 2 or not evidence.known.any():
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
        for name, *figures in zip(label_names(evidence), *found, strict=True)
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
