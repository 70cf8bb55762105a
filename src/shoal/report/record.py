"""A report as data: what a program, or a later reader, would ask of it."""

import json
import math
from typing import Any

from shoal import __version__
from shoal.judging import calibrate
from shoal.record import curves_of
from shoal.report.evidence import Evidence
from shoal.report.predictions import thresholds
from shoal.report.sections import sentences
from shoal.table import Column

MOST_COLUMNS = 200
VERSION = 1
TOLD = [
    "solver",
    "members",
    "iterations",
    "stop_reason",
    "settings",
    "chosen",
    "command",
    "call",
    "versions",
    "data",
]


def record_of(evidence: Evidence) -> dict[str, Any]:
    """The figures of a report, as JSON holds them: what is not a finite number is null."""
    model, check = evidence.model, evidence.gradient_check
    columns = model.columns.columns
    units = evidence.units
    document = {
        "format": "shoal report",
        "version": VERSION,
        "shoal": __version__,
        "verdict": " ".join(sentences(evidence)),
        "task": model.task,
        "target": list(model.target),
        "classes": None if model.classes is None else model.classes.tolist(),
        "rows": len(evidence.rows),
        "holds_rows": evidence.with_rows,
        "judgement": evidence.judgement.record(),
        "out_of_fold": model.training.get("out_of_fold"),
        "network": {
            "inputs": len(model.columns.slots),
            "hidden": len(model.parameters.W1),
            "outputs": len(model.parameters.b2),
            "numbers": sum(block.size for block in model.parameters),
            "dtype": model.parameters.W2.dtype.name,
            "activation": model.activation,
            "output": model.loss.name,
        },
        "columns": [_column(evidence, column) for column in columns[:MOST_COLUMNS]],
        "columns_left_out": max(0, len(columns) - MOST_COLUMNS),
        "training": {key: model.training[key] for key in TOLD if key in model.training},
        "curves": [_curve(curve) for curve in curves_of(model)],
        "confusion": _confusion(evidence),
        "calibration": _calibration(evidence),
        "thresholds": thresholds(evidence),
        "units": {
            "states": {state: units.count(state) for state in sorted(set(units.state.tolist()))},
            "twins": [[k + 1 for k in group] for group in units.twins],
        },
        "importance": evidence.importance[:MOST_COLUMNS],
        "gradient_check": None if check is None else check._asdict() | {"verdict": check.verdict},
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def text_of(record: dict[str, Any]) -> str:
    """A record as the text of a file."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)


def _column(evidence: Evidence, column: Column) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "kind": column.kind, "inputs": column.width}
    if column.width and column.kind != "category":
        entry |= {"mean": column.center, "standard_deviation": column.scale}
    if column.width:
        entry["missing_at_fit"] = column.missing
        entry["missing_here"] = evidence.rows.X[column.name].null_count()
    return entry | ({"note": column.note} if column.note else {})


def _curve(curve: Any) -> dict[str, Any]:
    """Up to a hundred points."""
    step = max(1, -(-len(curve.loss) // 100))
    at = sorted({*range(0, len(curve.loss), step), len(curve.loss) - 1})
    entry = {"iterations": [curve.iterations[k] for k in at], "best": curve.best}
    for name in ("loss", "validation_loss"):
        values = getattr(curve, name)
        entry[name] = [float(f"{values[k]:.5g}") for k in at] if values else []
    return entry


def _confusion(evidence: Evidence) -> list[list[int]] | None:
    from sklearn.metrics import confusion_matrix

    classes = evidence.model.classes
    if classes is None or not evidence.known.any():
        return None
    known = evidence.known
    counts = confusion_matrix(
        evidence.rows.y[known], evidence.prediction[known], labels=classes.tolist()
    )
    return [[int(n) for n in row] for row in counts]


def _calibration(evidence: Evidence) -> dict[str, Any] | None:
    classes = evidence.model.classes
    if classes is None or not evidence.known.any():
        return None
    y, probability = evidence.rows.y[evidence.known], evidence.probability[evidence.known]
    if len(classes) == 2:
        found = calibrate(probability[:, 1], y == classes[1])
    else:
        top = probability.argmax(axis=1)
        found = calibrate(probability.max(axis=1), classes[top] == y)
    return {
        "predicted": found.predicted,
        "observed": found.observed,
        "rows": found.count,
        "error": found.error,
    }


def _plain(value: Any) -> Any:
    """Only what JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
