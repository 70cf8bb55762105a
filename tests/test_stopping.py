"""When training ends, what is kept, how it goes on, and what happens when it goes wrong."""

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning

from shoal import (
    ConvergenceWarning,
    DataError,
    DivergenceError,
    InterruptedFitWarning,
    ParameterError,
    ShoalClassifier,
    ShoalError,
)
from shoal.history import Progress
from test_estimator_base import CLASS, SOLVERS, VALUE, X, classifier, regressor, same

# ---- holding out -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_best_network_is_returned(solver: str) -> None:
    """The validation loss of what is returned is the lowest of the curve."""
    held_out = X[:60], VALUE[:60] + 300 * np.random.default_rng(1).normal(size=60)
    settings = {"solver": solver, "learning_rate": 0.1, "max_iter": 80, "n_hidden": 30, "alpha": 0}
    fitted = regressor(**settings).fit(X[60:], VALUE[60:], validation_data=held_out)
    curve = fitted.validation_loss_curve_
    squares = ((fitted.predict(held_out[0]) - held_out[1]) / VALUE[60:].std()) ** 2 / 2
    assert squares.mean() == pytest.approx(min(curve), rel=1e-9)
    assert fitted.history_.best_iteration == 1 + int(np.argmin(curve))
    assert len(curve) == len(fitted.loss_curve_) == fitted.n_iter_


def held_out_rows(fitted: ShoalClassifier, y: Any, k: int = 0) -> Any:
    """Which rows the k-th member of an estimator holds out of X."""
    Y, loss = fitted._encode_target(y, reset=False)
    return fitted._hold_out(fitted._problem(X, Y, None, loss), fitted._recipe)[k]


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
def test_held_out_rows_are_never_trained_on(solver: str) -> None:
    """What stands in them does not move the training by a bit, in the first fit and in those that
    go on from it.
    """
    settings = {"solver": solver, "early_stopping": True, "n_iter_no_change": 99, "batch_size": 50}
    settings |= {"warm_start": True, "preprocessing": None, "learning_rate": 1e-3}
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    fitted = classifier(**settings)
    changed = scaled.copy()
    changed[held_out_rows(classifier(**settings).fit(scaled, CLASS), CLASS)] = 0
    for _ in range(3):
        other = deepcopy(fitted).fit(changed, CLASS)
        fitted.fit(scaled, CLASS)
        assert other.loss_curve_ == fitted.loss_curve_
        assert other.validation_loss_curve_ != fitted.validation_loss_curve_


def test_every_class_is_on_both_sides() -> None:
    """Rows are held out class by class, several classes included, by each member its own."""
    y = np.array([0] * 150 + [1] * 40 + [2] * 10)
    for n_classes in (2, 3):
        labels = np.minimum(y, n_classes - 1)
        fitted = classifier(solver="adam", early_stopping=True, max_iter=1, n_members=3).fit(
            X, labels
        )
        rows = [held_out_rows(fitted, labels, k) for k in range(3)]
        for held_out in rows:
            counts = np.bincount(labels[held_out], minlength=n_classes)
            np.testing.assert_allclose(counts, np.bincount(labels) / 10, atol=1)
        assert len(np.unique(np.concatenate(rows))) > 20


def test_validation_data_are_checked_like_training_data() -> None:
    """Wrong forms, columns and classes are typed errors."""
    for wrong in (X, (X,), 3, (X, CLASS, None, None)):
        with pytest.raises(ParameterError, match="validation_data must be"):
            classifier().fit(X, CLASS, validation_data=wrong)
    with pytest.raises(DataError, match="which is none of the model's: 'in', 'out'"):
        classifier().fit(X, CLASS, validation_data=(X[:1], ["elsewhere"]))
    with pytest.raises(DataError, match="X has 2 features"):
        classifier().fit(X, CLASS, validation_data=(X[:, :2], CLASS))


def test_weights_of_validation_data_count() -> None:
    """(X, y, weights): rows of weight 0 are not watched."""
    half = (np.arange(200) < 100).astype(float)
    settings = {"solver": "adam", "max_iter": 5}
    a = classifier(**settings).fit(X, CLASS, validation_data=(X, CLASS, half))
    b = classifier(**settings).fit(X, CLASS, validation_data=(X[:100], CLASS[:100]))
    np.testing.assert_allclose(a.validation_loss_curve_, b.validation_loss_curve_, rtol=1e-9)


def test_too_few_rows_to_hold_out() -> None:
    """The error says what to change."""
    for rows, share in ((1, 0.1), (10, 0.95)):
        with pytest.raises(DataError, match=f"{rows} rows cannot be split.*early_stopping=False"):
            regressor(early_stopping=True, validation_fraction=share).fit(X[:rows], VALUE[:rows])


# ---- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["gd", "adam", "sgd"])
@pytest.mark.parametrize("batch_size", [30, 200])
def test_a_warm_start_goes_on_as_if_nothing_had_been(solver: str, batch_size: int) -> None:
    """Two fits of 50 iterations are one of 100, bit for bit."""
    settings = {"solver": solver, "batch_size": batch_size, "n_members": 2}
    whole = classifier(**settings, max_iter=100).fit(X, CLASS)
    halves = classifier(**settings, max_iter=50, warm_start=True).fit(X, CLASS).fit(X, CLASS)
    assert same(whole, halves)
    assert whole.loss_curve_ == halves.loss_curve_
    assert halves.n_iter_ == 100


def test_partial_fit_goes_on_after_fit() -> None:
    """One epoch each, on all of the rows here: three calls are three iterations more."""
    settings = {"solver": "adam", "batch_size": 30}
    whole = classifier(**settings, max_iter=13).fit(X, CLASS)
    parts = classifier(**settings, max_iter=10).fit(X, CLASS)
    for _ in range(3):
        parts.partial_fit(X, CLASS)
    assert same(whole, parts)


@pytest.mark.parametrize(
    "change",
    [{"n_hidden": 5}, {"n_members": 2}, {"activation": "tanh"}],
    ids=str,
)
def test_another_network_cannot_go_on(change: dict[str, Any]) -> None:
    """The error has the setting, what it was and what it is, and leaves the model as it is."""
    fitted = classifier(warm_start=True).fit(X, CLASS)
    before = fitted.predict_proba(X)
    ((name, value),) = change.items()
    with pytest.raises(ParameterError, match=f"{name}=.* but now it is {value!r}: set it back"):
        fitted.set_params(**change).fit(X, CLASS)
    np.testing.assert_array_equal(fitted.predict_proba(X), before)


def test_another_loss_cannot_go_on() -> None:
    """Its scaling would be another one."""
    with pytest.raises(ParameterError, match="loss='squared_error', but now it is 'poisson'"):
        regressor(warm_start=True).fit(X, VALUE).set_params(loss="poisson").fit(X, VALUE)


def test_a_cold_start_is_one() -> None:
    """Without warm_start a second fit is the first."""
    fitted = classifier().fit(X, CLASS)
    fitted.fit(X[:, :2], VALUE.mean() < VALUE)
    assert same(fitted.fit(X, CLASS), classifier().fit(X, CLASS))


# ---- callbacks, Ctrl-C, divergence, warnings ---------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_members", [1, 3])
def test_ctrl_c_keeps_the_best_so_far(solver: str, n_members: int) -> None:
    """A warning, at the line that called fit; the model can be used, and trained on."""
    best: list[float] = []

    def interrupt(progress: Progress) -> None:
        best.append(progress.validation_loss or 0)
        if len(best) == 4:
            raise KeyboardInterrupt

    fitted = classifier(
        solver=solver, n_members=n_members, callbacks=[interrupt], early_stopping=True, max_iter=50
    )
    with pytest.warns(
        InterruptedFitWarning, match=r"after 4 iterations\. The best .* kept"
    ) as seen:
        fitted.fit(X, CLASS)
    assert seen[0].filename == __file__
    assert fitted.history_.interrupted
    assert fitted.history_.validation_loss == best
    assert np.isfinite(fitted.predict_proba(X)).all()
    fitted.set_params(callbacks=[], warm_start=True).fit(X, CLASS)
    assert not fitted.history_.interrupted


def test_callbacks_stop_all_members() -> None:
    """True from one of them is enough; the reason is a sentence."""
    fitted = classifier(n_members=3, tol=1e-9, callbacks=[lambda progress: progress.iteration == 2])
    fitted.fit(X, CLASS)
    assert fitted.n_iter_ == 2
    assert fitted.history_.stop_reason == "A callback asked to stop."


def test_verbose_prints_a_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """On iterations 1, 2, 5, 10, 20, ... and the last."""
    classifier(verbose=True, max_iter=30, early_stopping=True, n_iter_no_change=99).fit(X, CLASS)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in lines] == [1, 2, 5, 10, 20, 30]
    assert all("loss" in line and "held out" in line for line in lines)


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_callbacks_are_told_early_and_ever_less_often(solver: str) -> None:
    """Where nothing has to be checked between iterations, too: 1, 2, 5, 10, ... and the last."""
    told: list[int] = []
    classifier(
        solver=solver, max_iter=230, tol=0.0, callbacks=[lambda now: told.append(now.iteration)]
    ).fit(X, CLASS)
    assert {1, 2, 5, 10, 20, 50, 100, 200, 230} <= set(told)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator", [classifier, regressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("preprocessing", ["auto", None])
def test_a_finite_model_or_one_typed_error(
    solver: str, estimator: Any, dtype: Any, preprocessing: str | None
) -> None:
    """Absurd learning rates, inputs and targets: never NaN, another exception or a warning."""
    for learning_rate in (1e6, 100.0):
        for x_scale, y_scale in ((1, 1), (1e30, 1), (1e200, 1), (1, 1e300), (1, 1e30), (1e-30, 1)):
            with np.errstate(over="ignore"):
                rows = (X * x_scale).astype(dtype)
            if not np.isfinite(rows).all():
                continue
            y = CLASS if estimator is classifier else VALUE * y_scale
            held_out = learning_rate == 100.0
            settings = {"preprocessing": preprocessing, "early_stopping": held_out}
            settings |= {"solver": solver, "learning_rate": learning_rate}
            try:
                fitted = estimator(**settings).fit(rows, y)
            except ShoalError:
                continue
            assert np.isfinite(fitted.loss_)
            assert np.isfinite(fitted.model_.scores(rows)).all()


def test_a_failed_warm_start_leaves_the_model() -> None:
    """After an error the estimator predicts what it did before."""
    fitted = regressor(solver="gd", warm_start=True, activation="identity").fit(X, VALUE)
    before = fitted.predict(X)
    with pytest.raises(DivergenceError):
        fitted.set_params(learning_rate=1e6).fit(X, VALUE)
    np.testing.assert_array_equal(fitted.predict(X), before)


def test_the_limit_of_iterations_is_warned_of_where_it_was_chosen() -> None:
    """By the classes of both libraries, at the line that called fit; not for max_iter="auto"."""
    with pytest.warns(ConvergenceWarning, match=r"All 2 iterations .* raise max_iter") as seen:
        classifier(max_iter=2, tol=1e-9).fit(X, CLASS)
    assert seen[0].filename == __file__
    assert issubclass(seen[0].category, SklearnConvergenceWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier(max_iter="auto", tol=1e-9).fit(X, CLASS)
