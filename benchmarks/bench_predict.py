"""How fast are predictions: of one row, and of a million? 20 inputs, 100 units, two classes."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from bench_minibatch import SMALL
from sklearn.neural_network import MLPClassifier
from timing import Row, Settings, main


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    case = SMALL.tiny() if settings.quick else SMALL
    m, threads = 1_000 if settings.quick else 10**6, settings.threads
    for dtype in ("float64", "float32"):
        case = replace(case, dtype=dtype)
        X, y = case.data
        ours = case.classifier().fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            theirs = MLPClassifier((case.n_h,), max_iter=case.n_epochs, random_state=0).fit(X, y)
        contestants = {
            "theirs": theirs.predict_proba,
            "ours": ours.predict_proba,
            "model": ours.model_.predict_proba,
        }
        one = {name: partial(predict, X[:1]) for name, predict in contestants.items()}
        seen = settings.alternate(one, rounds=11, calls=2_000)
        seconds = {name: runs.seconds for name, runs in seen.items()}
        name = f"predict_proba of one row, {dtype}"
        yield Row(name, threads, "scikit-learn", seconds["theirs"], seconds["ours"], wanted=10)
        yield Row(name, threads, "5 µs, for Model", [5e-6], seconds["model"], wanted=1)

        X = np.random.default_rng(0).standard_normal((m, case.n_x)).astype(dtype)
        many = {name: partial(contestants[name], X) for name in ("theirs", "ours")}
        seen = settings.alternate(many, rounds=5)
        seconds = {name: runs.seconds for name, runs in seen.items()}
        name = f"predict_proba of 1,000,000 rows, {dtype}"
        yield Row(name, threads, "scikit-learn", seconds["theirs"], seconds["ours"], wanted=3)


if __name__ == "__main__":
    main(rows)
