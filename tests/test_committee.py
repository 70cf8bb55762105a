"""A committee: who holds out what, where members start, and what rows held out say."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, r2_score

from shoal import ShoalClassifier, ShoalRegressor
from shoal.committee import deal, temperature
from shoal.errors import ParameterError
from shoal.losses import BinaryCrossEntropy, CrossEntropy, Loss, Quantile
from shoal.network import forward

random = np.random.default_rng(0)
X = random.normal(size=(400, 3))
VALUE = np.sin(2 * X[:, 0]) + X[:, 1] + random.normal(size=400)
CLASS = np.where(VALUE > 0.5, "high", np.where(VALUE > -0.5, "middle", "low"))
TABLE = pl.DataFrame(X, schema=["a", "b", "c"]).with_columns(
    d=pl.Series(random.choice(list("uvwxyz"), 400)),
    e=pl.Series(np.where(random.random(400) < 0.1, None, X[:, 2] ** 3)),
)


@given(st.integers(2, 9), st.integers(9, 200), st.integers(1, 5))
def test_parts_make_up_the_whole_and_are_alike(K: int, m: int, n_classes: int) -> None:
    """Every row is in one part; sizes and counts of each class differ by no more than two."""
    draws = np.random.default_rng(m)
    key = draws.integers(0, n_classes, m)
    parts = deal(key, K, draws)
    assert sorted(np.concatenate(parts).tolist()) == list(range(m))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for label in range(n_classes):
        counts = [int((key[part] == label).sum()) for part in parts]
        assert max(counts) - min(counts) <= 2


@pytest.mark.parametrize(("loss", "n_y"), [(BinaryCrossEntropy(), 1), (CrossEntropy(), 3)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_temperature_is_what_was_forgotten(loss: Loss, n_y: int, factor: float) -> None:
    """Of scores that are `factor` times too large, with labels drawn from the right ones."""
    draws = np.random.default_rng(1)
    Z2 = draws.normal(size=(n_y, 20_000)) * 2
    uniform = draws.random(20_000)
    if n_y == 1:
        Y = (uniform < loss.output(Z2)[0]).astype(float)[None]
    else:
        Y = np.eye(3)[:, (uniform[:, None] > np.cumsum(loss.output(Z2), axis=0).T).sum(axis=1)]
    assert temperature(factor * Z2, Y, None, loss) == pytest.approx(1 / factor, rel=0.05)


def test_the_model_is_the_average_of_the_members() -> None:
    """One network of raw units, bins and levels looked up or written out: the same scores, but for
    float32.
    """
    fitted = ShoalRegressor(random_state=0, max_iter=20).fit(TABLE, VALUE)
    rows = fitted._columns.inputs(TABLE, np.float32, scaled=True)
    scores = [
        forward(rows.T, member.parameters, activation="relu", output="identity").Z2[0]
        for member in fitted._members
    ]
    expected = VALUE.mean() + VALUE.std() * np.mean(scores, axis=0)
    np.testing.assert_allclose(fitted.predict(TABLE), expected, rtol=1e-3, atol=1e-4)
    W1, b1, W2, b2 = fitted.W1_, fitted.b1_, fitted.W2_, fitted.b2_
    written_out = fitted.model_.columns.encode(TABLE)
    by_hand = (W2 @ np.maximum(0, W1 @ written_out.T + b1) + b2)[0]
    np.testing.assert_allclose(fitted.predict(TABLE), by_hand, rtol=1e-3, atol=1e-4)
    assert len(W1) == 8 * 64 + 2


def test_out_of_fold_scores_are_those_of_members_that_have_not_seen_the_row() -> None:
    """Scores and predictions agree, and are worse than those of rows that were learnt from."""
    fitted = ShoalRegressor(random_state=0).fit(TABLE, VALUE)
    assert fitted.oof_score_ == pytest.approx(r2_score(VALUE, fitted.oof_prediction_))
    assert 0.4 < fitted.oof_score_ < fitted.score(TABLE, VALUE)
    labels = ShoalClassifier(random_state=0).fit(TABLE, CLASS)
    assert labels.oof_prediction_.shape == (400, 3)
    np.testing.assert_allclose(labels.oof_prediction_.sum(axis=1), 1)
    hit = labels.classes_[labels.oof_prediction_.argmax(axis=1)] == CLASS
    assert labels.oof_score_ == pytest.approx(hit.mean())
    told = labels.model_.training["out_of_fold"]
    assert told["log_loss"] == pytest.approx(log_loss(CLASS, labels.oof_prediction_), rel=1e-6)


def test_several_labels_are_predicted_out_of_fold() -> None:
    """A probability for each label, and a row is right if all its labels are."""
    labels = np.column_stack([VALUE > 0, X[:, 0] > 1]).astype(int)
    fitted = ShoalClassifier(random_state=0).fit(TABLE, labels)
    assert fitted.oof_prediction_.shape == (400, 2)
    right = ((fitted.oof_prediction_ > 0.5) == labels).all(axis=1)
    assert fitted.oof_score_ == pytest.approx(right.mean())
    assert fitted.oof_score_ > 0.7


def test_labels_that_are_noise_are_not_believed() -> None:
    """Out of fold nothing is learnt, and probabilities stay near the share of each class."""
    coins = np.random.default_rng(3).integers(0, 2, 400)
    fitted = ShoalClassifier(random_state=0).fit(X, coins)
    assert abs(fitted.oof_score_ - 0.5) < 0.08
    assert np.abs(fitted.predict_proba(X)[:, 1] - coins.mean()).max() < 0.25


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_cover_what_they_promise(coverage: float) -> None:
    """On new rows, within four standard errors; wider for more coverage."""
    draws = np.random.default_rng(5)
    rows = draws.normal(size=(3000, 2))
    y = rows[:, 0] ** 2 + draws.normal(size=3000)
    fitted = ShoalRegressor(random_state=0).fit(rows[:1000], y[:1000])
    low, high = fitted.predict_interval(rows[1000:], coverage).T
    covered = ((low <= y[1000:]) & (y[1000:] <= high)).mean()
    assert covered == pytest.approx(coverage, abs=0.05)
    assert (high - low).max() < 2 * (high - low).min()


def test_intervals_of_several_targets_and_wrong_requests() -> None:
    """One interval for each target; a share that is none, or a model without folds, is an error."""
    fitted = ShoalRegressor(random_state=0, max_iter=3).fit(X, np.column_stack([VALUE, -VALUE]))
    assert fitted.predict_interval(X).shape == (400, 2, 2)
    with pytest.raises(ParameterError, match="coverage must be between 0 and 1, not 90"):
        fitted.predict_interval(X, 90)
    plain = ShoalRegressor(solver="adam", max_iter=3, tol=0).fit(X, VALUE)
    with pytest.raises(ParameterError, match='solver="auto" and more than 60 rows'):
        plain.predict_interval(X)


@pytest.mark.parametrize("estimator", [ShoalClassifier, ShoalRegressor])
def test_threads_change_no_bit(estimator: Any) -> None:
    """n_jobs of 1, 2 and 3: the same model."""
    y = CLASS if estimator is ShoalClassifier else VALUE
    models = [
        estimator(random_state=0, max_iter=5, n_jobs=n_jobs).fit(TABLE, y).model_
        for n_jobs in (1, 2, 3)
    ]
    for model in models[1:]:
        for a, b in zip(models[0].parameters, model.parameters, strict=True):
            assert a.tobytes() == b.tobytes()


def test_arrays_of_either_type_are_predicted_alike() -> None:
    """An array with a column of two values, which has no bounds: float32 or float64, no warning."""
    rows = np.column_stack([X, X[:, 0] > 0])
    fitted = ShoalRegressor(random_state=0, max_iter=3).fit(rows, VALUE)
    np.testing.assert_allclose(
        fitted.predict(rows.astype(np.float32)), fitted.predict(rows), rtol=1e-3, atol=1e-3
    )
    few = ShoalRegressor(random_state=0, max_iter=3, n_bins=2).fit(rows.astype(np.float32), VALUE)
    assert np.isfinite(few.predict(rows)).all()


@pytest.mark.parametrize(
    "settings", [{"validation_fraction": 0.2}, {"solver": "adam", "skip": True, "n_members": 2}]
)
def test_parts_that_are_no_whole_start_no_linear_model(settings: dict[str, Any]) -> None:
    """With rows held out at random, as a share or by a named solver, a skip starts at 0."""
    fitted = ShoalRegressor(random_state=0, max_iter=2, tol=0, early_stopping=True, **settings).fit(
        X, VALUE
    )
    assert np.isfinite(fitted.predict(X)).all()
    assert not hasattr(fitted, "oof_score_")


def test_both_engines_make_one_model() -> None:
    """The reference and the kernel, to the rounding of float32."""
    fitted = [
        ShoalRegressor(random_state=0, max_iter=3, n_hidden=8, engine=engine).fit(TABLE, VALUE)
        for engine in ("numpy", "auto")
    ]
    np.testing.assert_allclose(fitted[0].predict(TABLE), fitted[1].predict(TABLE), atol=1e-3)


def test_time_limit_ends_training_with_the_best_so_far() -> None:
    """The reason says so, and a model is there."""
    settings: dict[str, Any] = {"n_iter_no_change": 10_000, "max_iter": 100_000, "time_limit": 0.5}
    fitted = ShoalClassifier(random_state=0, **settings).fit(TABLE, CLASS)
    assert fitted.history_.stop_reason == "The time limit was reached."
    assert fitted.score(TABLE, CLASS) > 0.5
    with pytest.raises(ParameterError, match="time_limit must be seconds above 0 or None, not 0"):
        ShoalClassifier(time_limit=0).fit(TABLE, CLASS)
    with pytest.raises(ParameterError, match="n_jobs must be a whole number"):
        ShoalClassifier(n_jobs=0.5).fit(TABLE, CLASS)


def test_quantiles_of_a_committee_stay_in_their_order() -> None:
    """Members agree which of their scores is which, so their average means something."""
    fitted = ShoalRegressor(loss=Quantile((0.1, 0.9)), random_state=0).fit(X, VALUE)
    low, high = fitted.predict(X).T
    assert 0.75 < ((low <= VALUE) & (high >= VALUE)).mean() < 0.9
