"""Which rows are held out, and what the metrics of the command line are."""

import numpy as np
import pytest

from shoal.scores import folds, hold_out, score_labels, score_values


def test_rows_held_out_are_a_share_of_each_class_and_never_all_of_one() -> None:
    """Of 100, 10, 2 and 1 rows of a class 20, 2, at most 1 and none are held out."""
    y = np.repeat(["a", "b", "c", "d"], [100, 10, 2, 1])
    for seed in range(20):
        held = hold_out(y, 0.2, seed=seed, stratify=True)
        counts = {label: int(held[y == label].sum()) for label in "abcd"}
        assert abs(counts["a"] - 20) <= 1
        assert abs(counts["b"] - 2) <= 1
        assert counts["c"] <= 1
        assert counts["d"] == 0


def test_folds_share_the_rows_out() -> None:
    """Every row is held out once, and each fold has every class alike."""
    y = np.repeat([0, 1], [40, 20])
    masks = list(folds(y, 5, seed=0, stratify=True))
    assert (np.sum(masks, axis=0) == 1).all()
    assert [int(y[mask].sum()) for mask in masks] == [4] * 5


def test_metrics_are_what_they_are_called() -> None:
    """Against figures worked out by hand; a label never seen is a mistake, not a crash."""
    y, classes = np.array(["a", "a", "b", "b"]), np.array(["a", "b"])
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
    prediction = classes[probability.argmax(axis=1)]
    scores = score_labels(y, prediction, probability, classes)
    assert scores["accuracy"] == 0.75
    assert scores["ROC AUC"] == 1.0
    assert scores["log-loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean())
    unseen = score_labels(np.array(["a", "a", "b", "z"]), prediction, probability, classes)
    assert unseen["accuracy"] == 0.5
    assert unseen["log-loss"] is None
    one = score_labels(y[:2], prediction[:2], probability[:2], classes)
    assert one["ROC AUC"] is None
    values = score_values(np.array([0.0, 2.0]), np.array([1.0, 2.0]))
    assert values == pytest.approx({"R²": 0.5, "RMSE": np.sqrt(0.5), "MAE": 0.5})
