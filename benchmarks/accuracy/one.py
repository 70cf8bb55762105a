"""One fit, in a process of its own: python one.py '{"table": ..., "method": ..., ...}'.

Prints one line of JSON: error, log-loss, AUC, calibration, seconds.
"""

import json
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def seconds_of_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def calibration_error(P: Any, hit: Any) -> float:
    """Expected calibration error of the class predicted, in 15 equal bins (Guo et al., 2017)."""
    confidence = P.max(axis=1)
    place = np.minimum((confidence * 15).astype(int), 14)
    gaps = [
        (place == k).sum() * abs(hit[place == k].mean() - confidence[place == k].mean())
        for k in np.unique(place)
    ]
    return float(sum(gaps) / len(hit))


def score(model: Any, X: Any, y: Any, task: str) -> dict[str, float]:
    """What the figures are made of, on rows that the fit has not seen."""
    from sklearn.metrics import log_loss, r2_score, roc_auc_score

    if task == "regression":
        return {"error": 1 - r2_score(y, model.predict(X))}
    P, labels, y = model.predict_proba(X), np.asarray(model.classes_), np.asarray(y)
    P = P / P.sum(axis=1, keepdims=True)
    hit = labels[P.argmax(axis=1)] == y
    # A class without training rows has no probability.
    absent = sorted(set(y) - set(labels))
    P, labels = np.hstack([P, np.zeros((len(P), len(absent)))]), np.append(labels, absent)
    order = np.argsort(labels)
    P, labels = P[:, order], labels[order]
    figures = {
        "error": float(1 - hit.mean()),
        "log_loss": log_loss(y, P, labels=labels),
        "calibration": calibration_error(P, hit),
    }
    present = np.isin(labels, y)
    if present.all():
        figures["auc"] = (
            roc_auc_score(y, P[:, 1])
            if len(labels) == 2
            else roc_auc_score(y, P, labels=labels, multi_class="ovr")
        )
    return figures


def main() -> None:
    """Fit and score what the argument says."""
    import tables
    from methods import METHODS

    job = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    table = tables.read(Path(job.pop("folder")), job["table"])
    X, y, X_test, y_test = table.split(job["seed"], job["most_rows"])
    METHODS[job["method"]](X.iloc[:100], y.iloc[:100], table.task, 1) if job.pop("warm") else None
    cpu, started = seconds_of_cpu(), time.perf_counter()
    model = METHODS[job["method"]](X, y, table.task, job["threads"])
    job |= {"seconds": time.perf_counter() - started, "cpu_seconds": seconds_of_cpu() - cpu}
    started = time.perf_counter()
    job |= score(model, X_test, y_test, table.task)
    job |= {"score_seconds": time.perf_counter() - started}
    job |= {"task": table.task, "n": len(X), "n_test": len(X_test), "columns": X.shape[1]}
    print(json.dumps(job))


if __name__ == "__main__":
    main()
