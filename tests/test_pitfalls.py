"""What is known to go wrong in other libraries of one-hidden-layer networks, and does not here.

Each name says what goes wrong elsewhere; each docstring what is so instead.
"""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from shoal import ShoalClassifier, ShoalRegressor, gradient_check
from shoal.losses import SquaredError

X = np.random.default_rng(0).normal(size=(240, 4))
LABEL = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def classifier(**settings: Any) -> ShoalClassifier:
    """A small one that holds rows out."""
    fixed = {"n_hidden": 8, "solver": "adam", "early_stopping": True, "random_state": 0, "tol": 0}
    return ShoalClassifier(**fixed | settings)


# ---- correctness -------------------------------------------------------------------------------


def test_multi_output_regression_minimises_something_else_than_it_follows() -> None:
    """Cost and gradient of several outputs belong together: L-BFGS ends where the gradient is 0,
    with each output as good as in a network of its own.
    """
    y = np.column_stack([np.sin(X[:, k % 4]) + X[:, (k + 1) % 4] for k in range(5)])
    settings = {"solver": "lbfgs", "max_iter": 700, "tol": 1e-6, "alpha": 1e-3, "random_state": 0}
    together = ShoalRegressor(60, **settings).fit(X, y)
    alone = [ShoalRegressor(12, **settings).fit(X, y[:, k]).score(X, y[:, k]) for k in range(5)]
    assert together.score(X, y) > min(alone)
    start = ShoalRegressor(3, preprocessing=None, max_iter=2, tol=0, activation="tanh").fit(X, y)
    checked = gradient_check(
        X.T, y.T, start.model_.parameters, activation="tanh", output=SquaredError()
    )
    assert checked.relative_error < 1e-7


def test_warm_start_with_early_stopping_returns_other_weights_than_the_best() -> None:
    """Also after a second fit that only got worse, the network is the one with the lowest loss."""
    held_out, turned = (X[:60], LABEL[:60]), np.where(LABEL == "same", "other", "same")
    fitted = classifier(warm_start=True, max_iter=200, n_iter_no_change=99, learning_rate=0.02)
    fitted.fit(X[60:], LABEL[60:], validation_data=held_out)
    lowest, weights = min(fitted.validation_loss_curve_), fitted.W1_.copy()
    n_first = fitted.n_iter_
    fitted.fit(X[60:], turned[60:], validation_data=held_out)
    assert min(fitted.validation_loss_curve_[n_first:]) > lowest
    np.testing.assert_array_equal(fitted.W1_, weights)
    probabilities = fitted.predict_proba(held_out[0])
    right = probabilities[np.arange(60), (held_out[1] == "same").astype(int)]
    assert -np.log(right).mean() == pytest.approx(lowest, rel=1e-9)


def test_a_second_warm_fit_stops_at_once() -> None:
    """Patience starts again: as many iterations without progress are waited for as in the first."""
    fitted = classifier(warm_start=True, n_iter_no_change=7, max_iter=500).fit(X, LABEL)
    before = fitted.n_iter_
    assert fitted.fit(X, LABEL).n_iter_ >= before + 7


def test_a_second_warm_fit_holds_out_rows_that_the_first_trained_on() -> None:
    """The rows held out follow from the seed alone."""
    fitted = classifier(warm_start=True, max_iter=3).fit(X, LABEL)
    rows = []
    for _ in range(3):
        Y, loss = fitted._encode_target(LABEL, reset=False)
        rows.append(fitted._hold_out(fitted._problem(X, Y, None, loss), fitted._recipe)[0].tolist())
        fitted.fit(X, LABEL)
    assert rows[0] == rows[1] == rows[2]


@pytest.mark.parametrize("y", [LABEL, np.column_stack([X[:, 0] > 0, X[:, 1] > 0])])
def test_partial_fit_fails_with_early_stopping_or_several_labels(y: Any) -> None:
    """It makes its epoch on all rows it is given, whatever early_stopping says."""
    fitted = classifier(early_stopping=True)
    for _ in range(3):
        fitted.partial_fit(X, y)
    assert fitted.n_iter_ == 3
    assert fitted.validation_loss_curve_ == []


def test_early_stopping_fails_on_text_labels() -> None:
    """Labels are text here in every test; the loss needs no numbers of them."""
    assert classifier().fit(X, LABEL).classes_.tolist() == ["other", "same"]


# ---- semantics ---------------------------------------------------------------------------------


def test_early_stopping_watches_accuracy_in_steps_of_one_row() -> None:
    """It watches the loss, which still falls where every held-out row is right already."""
    y = X[:, 0] > 0
    apart = X + np.where(y, 3, -3)[:, None] * [1, 0, 0, 0]
    fitted = classifier(max_iter=60, n_iter_no_change=5, learning_rate=0.05, alpha=0)
    fitted.fit(apart, y, validation_data=(apart, y))
    assert fitted.score(apart, y) == 1
    assert fitted.n_iter_ == 60
    assert len(set(fitted.validation_loss_curve_)) == 60


def test_the_reported_loss_is_a_mean_over_networks_that_are_gone() -> None:
    """loss_ is the log-loss of the network that is returned, and nothing else."""
    fitted = classifier(solver="sgd", learning_rate=0.1, alpha=5.0, max_iter=20).fit(X, LABEL)
    right = fitted.predict_proba(X)[np.arange(240), (LABEL == "same").astype(int)]
    assert fitted.loss_ == pytest.approx(-np.log(right).mean(), rel=1e-9)


def test_n_iter_no_change_of_3_waits_for_5() -> None:
    """With a network that cannot move, 3 iterations are 3."""
    stuck = classifier(n_iter_no_change=3, learning_rate=1e-300, solver="gd", tol=1e-4)
    assert stuck.fit(X, LABEL).n_iter_ == 3


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_alpha_is_divided_by_the_batch(solver: str) -> None:
    """alpha = m halves the weight of a standardised input, with batches of 20 as with all 240."""
    settings = {"alpha": 240.0, "max_iter": 900, "tol": 0, "early_stopping": False}
    settings |= {"solver": solver, "random_state": 0, "learning_rate": 0.003}
    fitted = [ShoalRegressor(0, batch_size=size, **settings).fit(X, X[:, 0]) for size in (20, 240)]
    norms = [one.W2_[0, 0] for one in fitted]
    np.testing.assert_allclose(norms, 0.5, atol=0.06)


def test_the_first_argument_is_the_loss() -> None:
    """It is the number of hidden units."""
    assert ShoalRegressor(16, solver="adam").fit(X, X[:, 0]).W1_.shape == (16, 4)


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 4), ("tanh", 2 / (4 + 4000))])
def test_every_activation_starts_from_the_same_weights(activation: str, variance: float) -> None:
    """He's variance for ReLU, Glorot's for tanh; biases start at 0."""
    start = ShoalClassifier(
        4000, activation=activation, solver="gd", learning_rate=1e-300, max_iter=1, random_state=0
    ).fit((X - X.mean(axis=0)) / X.std(axis=0), LABEL)
    assert start.W1_.var() == pytest.approx(variance, rel=0.05)
    assert np.abs(start.b1_).max() < 1e-12


# ---- scaling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["auto", "sgd", "lbfgs"])
def test_the_defaults_fail_where_nobody_scaled(solver: str) -> None:
    """Targets around 150, and a column ten thousand times as large, change nothing."""
    rows, y = DIABETES
    score = ShoalRegressor(solver=solver, random_state=0).fit(rows, y).score(rows, y)
    assert score > 0.5
    rows = rows * np.array([1e4] + [1] * 9)
    assert ShoalRegressor(solver=solver, random_state=0).fit(rows, y).score(rows, y) == (
        pytest.approx(score, abs=0.02)
    )


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_columns_of_all_sizes_end_in_the_majority_class(solver: str) -> None:
    """Unscaled measurements are learnt, and hardly a ReLU unit is dead."""
    rows, y = CANCER
    fitted = ShoalClassifier(solver=solver, random_state=0).fit(rows, y)
    assert fitted.score(rows, y) > 0.97
    alive = (rows @ fitted.coefs_[0] + fitted.intercepts_[0] > 0).mean(axis=0)
    assert (alive == 0).sum() <= 2
    assert (alive == 1).sum() <= 2


def test_regression_is_squashed_unless_told_otherwise() -> None:
    """Values reach as far as the targets do."""
    y = 1000 * X[:, 0]
    assert np.ptp(ShoalRegressor(random_state=0).fit(X, y).predict(X)) > 0.8 * np.ptp(y)


def test_the_weights_are_those_of_scaled_inputs_that_are_not_shown() -> None:
    """By hand, from the four arrays and raw rows: W2 max(0, W1 x + b1) + b2."""
    rows, y = DIABETES
    fitted = ShoalRegressor(solver="lbfgs", random_state=0).fit(rows, y)
    W1, b1, W2, b2 = fitted.W1_, fitted.b1_, fitted.W2_, fitted.b2_
    by_hand = (W2 @ np.maximum(0, W1 @ rows.T + b1) + b2)[0]
    np.testing.assert_allclose(fitted.predict(rows), by_hand, rtol=1e-10)


def test_missing_numbers_and_sample_weights_are_not_taken() -> None:
    """Both at once, and what is missing is worth knowing."""
    y = X[:, 0] > 0
    rows = np.column_stack([np.where(y & (X[:, 1] > 0), np.nan, X[:, 1]), X[:, 2:]])
    fitted = ShoalClassifier(random_state=0).fit(rows, y, sample_weight=np.linspace(1, 2, 240))
    assert fitted.predict(rows[np.isnan(rows[:, 0])]).all()


def test_float32_comes_back_as_float64_from_lbfgs() -> None:
    """float32 in, float32 out."""
    fitted = ShoalClassifier(5, solver="lbfgs").fit(X.astype("f4"), LABEL)
    assert {array.dtype.name for array in fitted.coefs_ + fitted.intercepts_} == {"float32"}


def test_results_depend_on_chance_or_on_threads() -> None:
    """Twice the same fit is the same fit, committees and minibatches included."""
    a, b = (ShoalClassifier(50, n_members=4, random_state=0).fit(*CANCER) for _ in range(2))
    for mine, theirs in zip(a.model_.parameters, b.model_.parameters, strict=True):
        assert mine.tobytes() == theirs.tobytes()
