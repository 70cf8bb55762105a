"""How fast are predictions: of one row, and of a million? 20 inputs, 100 units, two classes."""

import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
from bench_minibatch import SMALL
from sklearn.neural_network import MLPClassifier
from timing import Row, Settings, main

DTYPES = ("float64", "float32")


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    case = SMALL.tiny() if settings.quick else SMALL
    X, y = case.data
    ours = case.classifier().fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        theirs = MLPClassifier((case.n_h,), max_iter=case.n_epochs, random_state=0).fit(X, y)
    many = np.random.default_rng(0).standard_normal((1_000 if settings.quick else 10**6, case.n_x))
    for dtype in DTYPES:
        table = X[:1].astype(dtype)
        seen = settings.alternate(
            {
                "theirs": partial(theirs.predict_proba, table),
                "ours": partial(ours.predict_proba, table),
                "model": partial(ours.model_.predict_proba, table),
            },
            rounds=11,
            calls=2_000,
        )
        name, threads = f"predict_proba of one row, {dtype}", settings.threads
        theirs_seconds, our_seconds = seen["theirs"].seconds, seen["ours"].seconds
        yield Row(name, threads, "scikit-learn", theirs_seconds, our_seconds, wanted=10)
        yield Row(name, threads, "5 µs, for Model", [5e-6], seen["model"].seconds, wanted=1)
    for dtype in DTYPES:
        table = many.astype(dtype)
        seen = settings.alternate(
            {
                "theirs": partial(theirs.predict_proba, table),
                "ours": partial(ours.predict_proba, table),
            },
            rounds=5,
        )
        yield Row(
            f"predict_proba of 1,000,000 rows, {dtype}",
            settings.threads,
            "scikit-learn",
            seen["theirs"].seconds,
            seen["ours"].seconds,
            wanted=3,
            busy=seen["ours"].waited,
        )


if __name__ == "__main__":
    main(rows)
