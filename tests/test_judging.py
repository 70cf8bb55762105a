"""Intervals, calibration and thresholds by hand, and what verdicts say."""

from typing import Any

import numpy as np
import pytest

from shoal.judging import (
    Judgement,
    calibrate,
    confidence,
    r2_interval,
    read_judgement,
    threshold_table,
    verdict,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (50, 100, 0.4038, 0.5962),
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (1, 3, 0.0615, 0.7923),
    ],
)
def test_wilson(hits: int, n: int, low: float, high: float) -> None:
    """Against published values of Wilson's interval, at the ends too."""
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_of_r2_covers_it() -> None:
    """It holds the score, is narrower on more rows, and does not exist for few or constant ones."""
    random = np.random.default_rng(0)
    y = random.normal(size=2000) + 1e6
    prediction = y + random.normal(size=2000) / 2
    few, many = r2_interval(y[:100], prediction[:100]), r2_interval(y, prediction)
    assert few is not None
    assert many is not None
    assert few[0] < 0.75 < few[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2
    assert r2_interval(y[:9], y[:9]) is None
    assert r2_interval(np.ones(20), y[:20]) is None


def test_confidence_is_of_what_the_model_is_judged_by() -> None:
    """Of the accuracy where there is one, else of R² of one target, else none."""
    y = np.arange(20.0)
    assert confidence(y, y, {"accuracy": 0.5}) == wilson_interval(10, 20)
    assert confidence(y, y + 0.1, {"R²": 0.9}) == r2_interval(y, y + 0.1)
    assert confidence(np.stack([y, y], axis=1), y, {"R²": 0.9}) is None


def test_calibration_by_hand() -> None:
    """Two groups of two rows: what was promised, what came true, and the mean distance."""
    found = calibrate(np.array([0.1, 0.3, 0.7, 0.9]), np.array([0, 0, 1, 0], bool), n_bins=2)
    assert found.predicted.tolist() == pytest.approx([0.2, 0.8])
    assert found.observed.tolist() == [0.0, 0.5]
    assert found.count.tolist() == [2, 2]
    assert found.error == pytest.approx((2 * 0.2 + 2 * 0.3) / 4)


def test_equal_probabilities_are_one_group() -> None:
    """However many bins are asked for; of perfect forecasts the error is 0."""
    found = calibrate(np.full(50, 0.5), np.arange(50) % 2 == 0)
    assert found.count.tolist() == [50]
    assert found.error == 0


def test_thresholds_by_hand() -> None:
    """Of four rows, two of them positive."""
    table = threshold_table(
        np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]), [0.5, 0.95]
    )
    assert table[0] == {
        "threshold": 0.5,
        "flagged": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "specificity": 0.5,
        "F1": 0.5,
    }
    assert table[1]["precision"] is None
    assert table[1]["recall"] == 0
    assert table[1]["specificity"] == 1


def judged(accuracy: float, rival: float, **others: Any) -> Judgement:
    """A judgement on 200 unseen rows, beside one baseline."""
    settings: dict[str, Any] = {"rows": 200, "unseen": True, "learnt": {}} | others
    interval = wilson_interval(round(accuracy * settings["rows"]), settings["rows"])
    return Judgement(
        scores={"accuracy": accuracy, "balanced accuracy": accuracy, "log-loss": 0.3},
        interval=interval,
        baselines={"majority class": {"accuracy": rival, "log-loss": 0.6}},
        **settings,
    )


@pytest.mark.parametrize(
    ("accuracy", "rival", "words"),
    [
        (0.9, 0.5, "it is better."),
        (0.9, 0.88, "by less than chance alone"),
        (0.9, 0.9, "right as often as the best of them, with better probabilities"),
        (0.9, 0.92, "it is no better, so the simpler one is to be preferred"),
        (0.8, 0.9, "it is worse, so the simpler one is to be preferred"),
    ],
)
def test_the_verdict_compares(accuracy: float, rival: float, words: str) -> None:
    """With the baseline, and with what chance would make of so many rows."""
    said = " ".join(verdict("binary", "y", judged(accuracy, rival)))
    assert words in said
    assert f"right on {100 * accuracy:.1f} %" in said
    assert "of 200 rows that it has not seen" in said


def test_the_verdict_warns() -> None:
    """Of few rows, of rows learnt from, of overfitting and of rare classes."""
    assert "So few rows (20)" in " ".join(verdict("binary", "y", judged(0.9, 0.5, rows=20)))
    seen = " ".join(verdict("binary", "y", judged(0.9, 0.5, unseen=False)))
    assert "rows that it has learnt from" in seen
    assert "Only rows that it has not seen would tell" in seen
    unknown = " ".join(verdict("binary", "y", judged(0.9, 0.5, unseen=None)))
    assert "rows, of which it is not known whether it has learnt from them" in unknown
    overfitted = verdict("binary", "y", judged(0.8, 0.5, learnt={"accuracy": 1.0}))
    assert "It fits the rows learnt from better (100.0 %)" in " ".join(overfitted)
    rare = Judgement(100, True, {"accuracy": 0.9, "balanced accuracy": 0.5}, None, {}, {})
    assert "rare classes are missed more" in " ".join(verdict("multiclass", "y", rare))


def test_the_verdict_without_rows() -> None:
    """Is of rows that members held out, or that nothing is known."""
    known = verdict("regression", "y", None, {"r2": 0.75})
    assert "Each row by a member that had not seen it: R² 0.750." in known
    assert "is not known" in verdict("regression", "y", None)[-1]
    assert "is not known" in verdict("regression", "y", None, {"r2": "high"})[-1]


def test_a_judgement_comes_back() -> None:
    """From its record, which is JSON."""
    once = judged(0.9, 0.5)
    assert read_judgement({"judgement": once.record()}) == once


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"rows": "many"},
        judged(0.9, 0.5).record() | {"rows": 0},
        judged(0.9, 0.5).record() | {"scores": {"accuracy": "high"}},
        judged(0.9, 0.5).record() | {"scores": {"luck": 0.5}},
        judged(0.9, 0.5).record() | {"scores": 3},
        judged(0.9, 0.5).record() | {"baselines": {"who": 1}},
        judged(0.9, 0.5).record() | {"baselines": None},
        judged(0.9, 0.5).record() | {"learnt": None},
        judged(0.9, 0.5).record() | {"unseen": "maybe"},
    ],
)
def test_what_is_no_judgement_is_none(entry: object) -> None:
    """The summary in a model file may hold anything."""
    assert read_judgement({"judgement": entry}) is None
