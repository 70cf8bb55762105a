"""One fit, in a process of its own: python one.py '{"table": ..., "method": ..., ...}'.

Prints one line of JSON: error, log-loss, AUC, calibration, seconds.
"""

import contextlib
import json
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def seconds_of_cpu() -> float:
    """Of this process so far, all threads."""
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


def extras(model: Any, X: Any, y: Any, task: str) -> dict[str, float]:
    """What only shoal has: coverage of its 90 % intervals, and the size of its file."""
    import tempfile

    import shoal

    if not isinstance(model, shoal.ShoalClassifier | shoal.ShoalRegressor):
        return {}
    figures = {"units": len(model.b1_), "inputs": model.W1_.shape[1], "oof": model.oof_score_}
    if task == "regression":
        low, high = model.predict_interval(X).T
        figures["coverage"] = float(((low <= y) & (y <= high)).mean())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.shoal"
        shoal.save_model(model.model_, path)
        return figures | {"bytes": path.stat().st_size}


def main() -> None:
    """Fit and score what the argument says."""
    import tables
    from methods import method

    job = json.loads(sys.argv[1])
    warnings.simplefilter("ignore")
    table = tables.read(job.pop("source"), job["table"])
    X, y, X_test, y_test = table.split(job["seed"], job["most_rows"])
    with contextlib.suppress(Exception):  # what is imported and prepared once is no part of a fit
        method(job["method"])(X.iloc[:200], y.iloc[:200], table.task, 1)
    cpu, started = seconds_of_cpu(), time.perf_counter()
    model = method(job["method"])(X, y, table.task, job["threads"])
    job |= {"seconds": time.perf_counter() - started, "cpu_seconds": seconds_of_cpu() - cpu}
    started = time.perf_counter()
    job |= score(model, X_test, y_test, table.task)
    job |= {"score_seconds": time.perf_counter() - started}
    if job["method"].startswith("shoal"):
        job |= extras(model, X_test, y_test, table.task)
    job |= {"task": table.task, "n": len(X), "n_test": len(X_test), "columns": X.shape[1]}
    print(json.dumps(job))


if __name__ == "__main__":
    main()
