"""The tuner: what it tries, what it judges by, and that it keeps the best whatever happens."""

import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import cross_val_score

from shoal import ShoalClassifier, ShoalRegressor, ShoalTuner
from shoal.errors import DataError, DivergenceError, InterruptedFitWarning, ParameterError
from shoal.history import Progress
from shoal.losses import Quantile
from shoal.tuning import MOST_CHANGES, SPACE, _change

random = np.random.default_rng(0)
X = random.normal(size=(120, 3))
VALUES = X @ [1.0, 2.0, 3.0] + random.normal(size=120)
LABELS = np.where(VALUES > 0, "yes", "no")
QUICK: dict[str, Any] = {"n_members": 2, "max_iter": 4}
SMALL = {"n_hidden": (2, 4, 8), "learning_rate": (0.01, 0.05), "activation": ("relu", "silu")}


def tuner(y: Any = LABELS, **settings: Any) -> ShoalTuner:
    """One that is quick, not fitted; settings that are not its own are the estimator's."""
    own = {"n_trials": 4, "random_state": 0, "space": SMALL}
    own |= {name: settings.pop(name) for name in (*own, "time_limit", "callbacks", "verbose")
            if name in settings}  # fmt: skip
    estimator = ShoalClassifier if y is LABELS else ShoalRegressor
    return ShoalTuner(estimator(**QUICK | settings), **own)


# ---- what is tried ------------------------------------------------------------------------------


def test_the_first_trial_is_the_estimator_as_it_is() -> None:
    """Its network is, bit for bit, that of a plain fit with the same seed."""
    tuned = ShoalTuner(ShoalClassifier(**QUICK), n_trials=1, random_state=7).fit(X, LABELS)
    plain = ShoalClassifier(**QUICK, random_state=7).fit(X, LABELS)
    assert tuned.best_estimator_ is tuned.default_estimator_
    assert np.array_equal(tuned.predict_proba(X), plain.predict_proba(X))


def test_the_leaderboard_says_what_auto_was() -> None:
    """Every parameter has a value in every row, those of the defaults too."""
    (row,) = ShoalTuner(ShoalRegressor(**QUICK), n_trials=1).fit(X, VALUES).leaderboard_
    assert list(row) == ["trial", "r2", "spread", "seconds", *SPACE]
    assert "auto" not in row.values()
    assert row["n_hidden"] == 64


def test_a_trial_changes_a_few_settings_of_the_best() -> None:
    """One to three, to values of the space, never to what was tried; None when all was."""
    space = {"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1, 2]}
    best = dict.fromkeys(space, 1)
    tried, generator = [best], np.random.default_rng(0)
    while (params := _change(best, space, tried, generator)) is not None:
        assert params not in tried
        assert 1 <= sum(params[name] != best[name] for name in space) <= MOST_CHANGES
        tried.append(params)
    assert len(tried) == 2**4 - 1  # all but the one in which four differ


def test_a_space_ends_where_all_was_tried() -> None:
    """Two values and that of the estimator are three trials at most."""
    tuned = tuner(space={"n_hidden": [2, 4]}, n_trials=30, n_hidden=4).fit(X, LABELS)
    assert [row["n_hidden"] for row in tuned.leaderboard_] in ([2, 4], [4, 2])
    assert "Everything in the space" in tuned.stop_reason_


def test_what_is_set_is_kept() -> None:
    """By default the space has what the estimator leaves open, and nothing else."""
    estimator = ShoalClassifier(**QUICK, n_hidden=3, activation="tanh")
    tuned = ShoalTuner(estimator, n_trials=3, random_state=0).fit(X, LABELS)
    assert set(tuned.best_params_) == set(SPACE) - {"n_hidden", "activation"}
    assert (tuned.best_estimator_.n_hidden, tuned.best_estimator_.activation) == (3, "tanh")


def test_a_seed_is_a_leaderboard() -> None:
    """All but the seconds are the same with the same seed, and others with another."""
    boards = []
    for seed in (0, 0, 1):
        rows = tuner(random_state=seed).fit(X, LABELS).leaderboard_
        boards.append([{**row, "seconds": 0} for row in rows])
    assert boards[0] == boards[1]
    assert boards[0] != boards[2]


def test_trials_hold_out_the_same_rows() -> None:
    """So their figures differ by the settings alone: settings that mean the same, figures, too."""
    board = tuner(space={"early_stopping": ["auto", True]}).fit(X, LABELS).leaderboard_
    assert [row["early_stopping"] for row in board] == ["auto", True]
    assert board[0]["log_loss"] == board[1]["log_loss"]


# ---- what it is judged by -----------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, random.integers(0, 3, 120)])
def test_classes_are_judged_by_the_log_loss_of_rows_held_out(weight: Any) -> None:
    """The figure is that of `oof_prediction_`; the lowest comes first."""
    tuned = tuner().fit(X, LABELS, sample_weight=weight)
    kept = slice(None) if weight is None else weight > 0
    probability, weights = tuned.best_estimator_.oof_prediction_, weight
    if weight is not None:
        weights = weight[kept]
    expected = log_loss(LABELS[kept], probability, sample_weight=weights)
    assert tuned.best_score_ == pytest.approx(expected, rel=1e-6)
    figures = [row["log_loss"] for row in tuned.leaderboard_]
    assert figures == sorted(figures)
    assert figures[0] == tuned.best_score_ > 0


def test_values_are_judged_by_the_r2_of_rows_held_out() -> None:
    """The figure is that of `oof_prediction_`; the highest comes first."""
    tuned = tuner(VALUES).fit(X, VALUES)
    assert tuned.best_score_ == pytest.approx(
        r2_score(VALUES, tuned.best_estimator_.oof_prediction_)
    )
    figures = [row["r2"] for row in tuned.leaderboard_]
    assert figures == sorted(figures, reverse=True)


def test_what_is_learnt_by_heart_does_not_count() -> None:
    """Labels by chance, which a wide network learns: its figure is still that of guessing."""
    labels = random.choice(["no", "yes"], len(X))
    estimator = ShoalClassifier(
        n_hidden=256, n_members=2, learning_rate=0.05, n_iter_no_change=200, max_iter=60
    )
    tuned = ShoalTuner(estimator, n_trials=1, random_state=0).fit(X, labels)
    assert tuned.best_score_ > 0.6


def test_spread_is_over_the_folds() -> None:
    """Of equal folds: the mean of their R² is the R² of all, and the spread their deviation."""
    tuned = tuner(VALUES, n_members=4).fit(X, VALUES)
    folds = 1 - 2 * tuned.best_estimator_.oof_losses_
    assert len(folds) == 4
    assert folds.mean() == pytest.approx(tuned.best_score_, abs=1e-6)
    assert tuned.leaderboard_[0]["spread"] == pytest.approx(folds.std(ddof=1))


def test_other_losses_are_their_own_judge() -> None:
    """Quantiles have no R²: the lowest loss comes first."""
    tuned = tuner(VALUES, loss=Quantile(levels=(0.1, 0.9))).fit(X, VALUES)
    assert tuned.metric_ == "loss"
    figures = [row["loss"] for row in tuned.leaderboard_]
    assert figures == sorted(figures)
    assert figures[0] == pytest.approx(tuned.best_estimator_.oof_losses_.mean())


def test_a_trial_that_diverges_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no reason to lose the others; in the first trial it is an error."""
    fit = ShoalClassifier.fit

    def diverging(self: ShoalClassifier, *args: Any, **options: Any) -> ShoalClassifier:
        if self.n_hidden == 3:
            raise DivergenceError("the cost left the finite numbers")
        return fit(self, *args, **options)

    monkeypatch.setattr(ShoalClassifier, "fit", diverging)
    tuned = tuner(space={"n_hidden": [2, 3]}, n_hidden=4).fit(X, LABELS)
    assert tuned.leaderboard_[-1]["n_hidden"] == 3
    assert np.isnan(tuned.leaderboard_[-1]["log_loss"])
    assert "nan" in str(tuned.leaderboard_)
    with pytest.raises(DivergenceError):
        tuner(n_hidden=3).fit(X, LABELS)


def test_the_leaderboard_is_a_table() -> None:
    """It prints with arrows where better is, and is a data frame as it is."""
    board = tuner(VALUES).fit(X, VALUES).leaderboard_
    header, *rows = str(board).splitlines()
    assert header.split() == ["trial", "R²", "↑", "spread", "seconds", *SMALL]
    assert len(rows) == 4
    assert len({len(line) for line in (header, *rows)}) == 1
    assert pd.DataFrame(board).shape == pl.DataFrame(board).shape == (4, 7)


# ---- when it ends -------------------------------------------------------------------------------


def test_time_is_limited() -> None:
    """It ends soon after the limit with the best so far; the limit is not the model's."""
    start = time.perf_counter()
    tuned = tuner(n_trials=10_000, time_limit=0.5, space=None).fit(X, LABELS)
    assert time.perf_counter() - start < 1.5
    assert tuned.stop_reason_ == "The time limit was reached."
    assert tuned.best_estimator_.time_limit is None
    shortest = tuner(time_limit=1e-9).fit(X, LABELS)
    assert len(shortest.leaderboard_) == 1
    assert shortest.predict(X).shape == (120,)


@pytest.mark.parametrize("trials", [1, 2, 4])
def test_ctrl_c_in_a_training_keeps_the_best_so_far(trials: int) -> None:
    """In whichever trial, the first too: a warning, a model, and a leaderboard."""
    done: list[dict[str, Any]] = []

    def interrupt(_: Progress) -> None:
        if len(done) == trials - 1:
            raise KeyboardInterrupt

    stopped = tuner(n_trials=9, callbacks=[done.append])
    stopped.estimator.callbacks = [interrupt]
    with pytest.warns(InterruptedFitWarning, match=f"after {trials} trial"):
        stopped.fit(X, LABELS)
    assert len(stopped.leaderboard_) == trials
    assert stopped.interrupted_
    assert stopped.predict_proba(X).shape == (120, 2)


def test_ctrl_c_between_trainings_keeps_the_best_so_far() -> None:
    """As it does in one."""

    def interrupt(row: dict[str, Any]) -> None:
        if row["trial"] == 2:
            raise KeyboardInterrupt

    stopped = tuner(callbacks=[interrupt])
    with pytest.warns(InterruptedFitWarning, match="after 2 trials"):
        stopped.fit(X, LABELS)
    assert stopped.interrupted_
    assert stopped.predict(X).shape == (120,)


def test_callbacks_are_told_of_each_trial_and_may_stop(capsys: pytest.CaptureFixture[str]) -> None:
    """They get the row; verbose prints it, and after the first trial only what is new in it."""
    rows: list[dict[str, Any]] = []

    def second(row: dict[str, Any]) -> bool:
        rows.append(row)
        return len(rows) == 2

    stopped = tuner(callbacks=[second], verbose=True).fit(X, LABELS)
    assert stopped.stop_reason_ == "A callback asked to stop."
    assert sorted(rows, key=lambda row: row["log_loss"]) == stopped.leaderboard_
    first, other = capsys.readouterr().out.splitlines()
    assert first.startswith("trial 1: log-loss ")
    assert "n_hidden" not in first
    assert other.split(", ", 2)[2]


# ---- as an estimator ----------------------------------------------------------------------------


def test_it_is_an_estimator() -> None:
    """It is cloned, scored and asked like the estimator in it."""
    classes, values = tuner(n_trials=2), tuner(VALUES, n_trials=2)
    assert is_classifier(classes)
    assert is_regressor(values)
    assert not hasattr(values, "predict_proba")
    assert not hasattr(classes, "predict_interval")
    with pytest.raises(NotFittedError):
        classes.predict(X)
    assert cross_val_score(clone(classes), X, LABELS, cv=3).shape == (3,)
    classes.fit(X, LABELS)
    assert classes.classes_.tolist() == ["no", "yes"]
    assert classes.n_features_in_ == 3
    assert classes.score(X, LABELS) == (classes.predict(X) == LABELS).mean()
    assert np.array_equal(classes.predict_log_proba(X), np.log(classes.predict_proba(X)))
    assert classes.decision_function(X).shape == (120,)
    assert classes.model_.task == "binary"
    values.fit(X, VALUES)
    assert values.predict_interval(X, 0.5).shape == (120, 2)
    assert values.score(X, VALUES) == r2_score(VALUES, values.predict(X))


def test_a_table_goes_straight_in() -> None:
    """Text and gaps, by name."""
    table = pl.DataFrame({"u": X[:, 0], "v": np.where(X[:, 1] > 0, "a", None)})
    tuned = tuner(n_trials=2).fit(table, LABELS)
    assert tuned.feature_names_in_.tolist() == ["u", "v"]
    assert np.array_equal(tuned.predict(table), tuned.predict(table.select("v", "u")))


# ---- bad input ----------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"n_trials": 0}, "n_trials must be a whole number, at least 1, not 0"),
    ({"n_trials": 2.0}, "n_trials"),
    ({"n_trials": True}, "n_trials"),
    ({"time_limit": 0}, "time_limit must be seconds above 0"),
    ({"time_limit": "1"}, "time_limit"),
    ({"callbacks": [1]}, "callbacks must be a list of functions"),
    ({"random_state": "a"}, "random_state must be"),
    ({"space": {"n_hiden": [1]}}, "'n_hiden' in space is no parameter"),
    ({"space": {"random_state": [1]}}, "'random_state' in space is no parameter"),
    ({"space": {"n_hidden": []}}, "'n_hidden' in space must be a list"),
    ({"space": {"n_hidden": 5}}, "'n_hidden' in space must be a list"),
    ({"space": {"n_hidden": [-1]}}, "n_hidden must be a whole number"),
    ({"solver": "gd"}, "hold out in turn"),
    ({"preprocessing": None}, "hold out in turn"),
    ({"early_stopping": False}, "hold out in turn"),
    ({"n_members": 1}, "hold out in turn"),
    ({"n_hidden": -1}, "n_hidden must be a whole number"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG, ids=str)
def test_what_is_wrong_is_named(settings: dict[str, Any], words: str) -> None:
    """Before anything is trained for long, and by name."""
    with pytest.raises(ParameterError, match=words):
        tuner(**settings).fit(X, LABELS)


def test_what_cannot_be_tuned_is_refused() -> None:
    """Another library's estimator, few rows, a sparse table, a target that is none."""
    with pytest.raises(ParameterError, match="not RandomForestClassifier"):
        ShoalTuner(RandomForestClassifier()).fit(X, LABELS)
    with pytest.raises(DataError, match="60 rows are too few to tune on"):
        tuner().fit(X[:60], LABELS[:60])
    with pytest.raises(ParameterError, match="dense table"):
        tuner().fit(sparse.csr_array(X), LABELS)
    with pytest.raises(DataError, match="X has 120 rows, but y has 100"):
        tuner().fit(X, LABELS[:100])
    with pytest.raises(DataError, match="y has one class only"):
        tuner().fit(X, np.full(120, "a"))
