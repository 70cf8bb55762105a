"""What both estimators do around the network: seeds, weights, going on, stopping, folding back."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from threadpoolctl import threadpool_info, threadpool_limits

from shoal import (
    ShoalClassifier,
    ShoalRegressor,
)
from shoal.engine import choose_engine
from shoal.network import Parameters, cost, forward, initialize

X = np.random.default_rng(0).normal(size=(200, 3)) * [1, 100, 0.01] + [0, 5000, -3]
CLASS = np.where((X[:, 0] > 0) ^ (X[:, 1] > 5000), "in", "out")
VALUE = 7e4 + 300 * np.abs(X[:, 0]) + X[:, 1]
SOLVERS = ["gd", "sgd", "adam", "lbfgs"]


def classifier(**settings: Any) -> ShoalClassifier:
    """A small one without a rule to stop by."""
    fixed = {"n_hidden": 4, "max_iter": 10, "tol": 0, "random_state": 0, "early_stopping": False}
    fixed["solver"] = "adam"
    return ShoalClassifier(**fixed | settings)


def regressor(**settings: Any) -> ShoalRegressor:
    """A small one without a rule to stop by."""
    fixed = {"n_hidden": 4, "max_iter": 10, "tol": 0, "random_state": 0, "early_stopping": False}
    fixed["solver"] = "adam"
    return ShoalRegressor(**fixed | settings)


def same(a: Any, b: Any) -> bool:
    """The networks of two estimators are equal bit for bit."""
    pairs = zip(a.model_.parameters, b.model_.parameters, strict=True)
    return all(x.tobytes() == y.tobytes() for x, y in pairs)


# ---- what is learnt ----------------------------------------------------------------------------


def test_shapes_are_the_course_s_and_scikit_learn_s() -> None:
    """W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1); coefs_ and intercepts_ are they."""
    fitted = regressor().fit(X, np.column_stack([VALUE, VALUE]))
    assert fitted.W1_.shape == (4, 3)
    assert fitted.b1_.shape == (4, 1)
    assert fitted.W2_.shape == (2, 4)
    assert fitted.b2_.shape == (2, 1)
    hidden = np.maximum(0, X @ fitted.coefs_[0] + fitted.intercepts_[0])
    np.testing.assert_allclose(hidden @ fitted.coefs_[1] + fitted.intercepts_[1], fitted.predict(X))
    assert (fitted.n_features_in_, fitted.n_outputs_, fitted.n_iter_) == (3, 2, 10)
    assert fitted.engine_ == choose_engine().name
    assert fitted.model_.training["solver"] == "adam"
    assert fitted.model_.training["stop_reason"] == fitted.history_.stop_reason


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("n_hidden", [0, 4])
def test_raw_units_are_scaled_units(n_members: int, n_hidden: int) -> None:
    """The stored network on raw rows is the average of the trained ones on scaled rows: 1e-10."""
    fitted = regressor(n_members=n_members, n_hidden=n_hidden, activation="tanh").fit(X, VALUE)
    scaled = ((X - X.mean(axis=0)) / X.std(axis=0)).T
    scores = [
        forward(scaled, member.parameters, activation="tanh", output="identity").Z2[0]
        for member in fitted._members
    ]
    expected = VALUE.mean() + VALUE.std() * np.mean(scores, axis=0)
    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-10)
    assert len(fitted.W1_) == n_members * n_hidden


@pytest.mark.parametrize("solver", SOLVERS)
def test_loss_is_the_cost_of_the_network_that_is_kept(solver: str) -> None:
    """Not a running mean over networks that are gone, and without the penalty."""
    fitted = classifier(solver=solver, preprocessing=None, alpha=3.0).fit(X, CLASS)
    cache = forward(X.T, fitted.model_.parameters, activation="relu")
    assert fitted.loss_ == pytest.approx(cost(cache, 1.0 * (CLASS == "out")[None]), rel=1e-12)


def test_loss_curve_of_gd_is_the_cost_before_each_update() -> None:
    """The first entry is the cost of the network that `initialize` draws from the seed."""
    settings = {"solver": "gd", "preprocessing": None, "init_scale": 1e-4, "random_state": 5}
    fitted = classifier(**settings).fit(X, CLASS)
    start = initialize(3, 4, 1, scale=1e-4, random_state=5)
    Y = 1.0 * (CLASS == "out")[None]
    assert fitted.loss_curve_[0] == pytest.approx(cost(forward(X.T, start, activation="relu"), Y))
    longer = classifier(**settings, max_iter=11).fit(X, CLASS)
    assert longer.loss_curve_[:10] == fitted.loss_curve_
    assert longer.loss_curve_[10] == pytest.approx(fitted.loss_, rel=1e-12)


# ---- seeds, layouts, precision -----------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_seed_gives_the_same_weights(solver: str) -> None:
    """Bit for bit, from an integer or from a RandomState in the same state; another one differs."""
    settings = {"solver": solver, "n_members": 2, "batch_size": 32, "early_stopping": True}
    first = classifier(**settings).fit(X, CLASS)
    assert same(first, classifier(**settings).fit(X, CLASS))
    assert not same(first, classifier(**settings | {"random_state": 1}).fit(X, CLASS))
    streams = [np.random.RandomState(3), np.random.RandomState(3)]
    a, b = (classifier(**settings | {"random_state": stream}).fit(X, CLASS) for stream in streams)
    assert same(a, b)
    assert not same(a, classifier(**settings | {"random_state": streams[0]}).fit(X, CLASS))
    assert not same(*(classifier(**settings | {"random_state": None}).fit(X, CLASS) for _ in "ab"))


def test_members_start_from_different_weights() -> None:
    """And the first of them from those of a single network, so the seed means the same."""
    still = {"solver": "gd", "learning_rate": 1e-300, "preprocessing": None}
    three, one = (classifier(**still, n_members=n).fit(X, CLASS) for n in (3, 1))
    np.testing.assert_array_equal(three.W1_[:4], one.W1_)
    assert len(np.unique(three.W1_)) == three.W1_.size


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator", [classifier, regressor])
def test_float32_in_float32_out(solver: str, estimator: Any) -> None:
    """Parameters, scores, values and probabilities, near those of float64, without a warning."""
    small = X.astype(np.float32)
    y = CLASS if estimator is classifier else VALUE
    fitted, exact = (estimator(solver=solver).fit(rows, y) for rows in (small, X))
    assert {block.dtype for block in fitted.model_.parameters} == {np.dtype("f4")}
    predict = "predict_proba" if estimator is classifier else "predict"
    predicted = getattr(fitted, predict)(small)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, getattr(exact, predict)(X), rtol=0.01)


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda X: np.broadcast_to(X, X.shape),
        lambda X: np.lib.stride_tricks.as_strided(X, writeable=False),
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X[::-1][::-1],
        np.ndarray.tolist,
        pd.DataFrame,
    ],
    ids=["Fortran", "broadcast", "read-only", "strided", "turned", "list", "frame"],
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_layout_does_not_matter(form: Any, solver: str) -> None:
    """Any order, stride and permission in memory gives the same bits, and X is left as it is."""
    rows = form(X.copy())
    fitted = classifier(solver=solver).fit(rows, CLASS)
    assert same(fitted, classifier(solver=solver).fit(X, CLASS))
    np.testing.assert_array_equal(np.asarray(rows), X)
    np.testing.assert_allclose(fitted.predict_proba(rows), fitted.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize(
    "form",
    [
        scipy.sparse.csr_array,
        scipy.sparse.csc_array,
        scipy.sparse.coo_array,
        scipy.sparse.csr_matrix,
        scipy.sparse.csc_matrix,
        scipy.sparse.coo_matrix,
    ],
)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_is_dense(form: Any, solver: str, dtype: Any) -> None:
    """With preprocessing=None the zeros that are not stored make no difference."""
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    rows = np.where(np.abs(scaled) > 0.5, scaled, 0).astype(dtype)
    settings = {"solver": solver, "preprocessing": None, "max_iter": 5}
    dense = classifier(**settings).fit(rows, CLASS)
    sparse = classifier(**settings).fit(form(rows), CLASS)
    tolerance = 1e-9 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(sparse.W1_, dense.W1_, rtol=tolerance, atol=tolerance / 100)
    assert sparse.W1_.dtype == dtype
    np.testing.assert_allclose(
        sparse.predict_proba(form(rows)), sparse.predict_proba(rows), rtol=tolerance
    )


def test_sparse_tables_are_scaled_too() -> None:
    """With preprocessing, columns of any size are learnt from, and predictions take raw ones."""
    rare = np.where(np.abs(X - X.mean(axis=0)) > X.std(axis=0), X - X.mean(axis=0), 0)
    y = rare @ [1.0, 0.01, 100.0]
    fitted = regressor(solver="lbfgs", max_iter=200).fit(scipy.sparse.csr_array(rare), y)
    assert fitted.score(scipy.sparse.csr_array(rare), y) > 0.99
    assert fitted.score(rare, y) > 0.99


# ---- weights and the penalty -------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
@pytest.mark.parametrize("estimator", [classifier, regressor])
def test_weight_2_is_twice_and_weight_0_is_absence(solver: str, estimator: Any) -> None:
    """Of a row, in scaling, cost and penalty alike."""
    y = CLASS if estimator is classifier else VALUE
    weight = np.arange(len(X)) % 3
    weighted = estimator(solver=solver).fit(X, y, sample_weight=weight)
    repeated = estimator(solver=solver).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.W1_, repeated.W1_, rtol=1e-8)
    assert weighted.loss_ == pytest.approx(repeated.loss_, rel=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_of_weight_0_are_not_there(solver: str) -> None:
    """Not in batches, columns, held-out rows or classes: the same bits as without them."""
    weight = np.tile([1.0, 0.0, 2.0, 0.5], 50)
    labels = np.where(weight == 0, "elsewhere", CLASS)
    settings = {"solver": solver, "batch_size": 20, "early_stopping": True}
    table = pd.DataFrame(X).rename(columns=str).assign(d=labels)
    a = classifier(**settings).fit(table, labels, weight)
    b = classifier(**settings).fit(table[weight > 0], labels[weight > 0], weight[weight > 0])
    assert same(a, b)
    assert a.classes_.tolist() == ["in", "out"]
    assert "d=elsewhere" not in a.model_.columns.slots


def test_lbfgs_does_not_know_the_order_of_the_rows() -> None:
    """It would amplify a difference in rounding: permuted and repeated rows give the same bits."""
    order = np.random.default_rng(0).permutation(200)
    settings = {"solver": "lbfgs", "max_iter": 100}
    first = classifier(**settings).fit(X, CLASS)
    assert same(first, classifier(**settings).fit(X[order], CLASS[order]))
    twice = np.concatenate([order, order[:50]])
    weight = 1.0 + np.isin(np.arange(200), order[:50])
    repeated = classifier(**settings).fit(X[twice], CLASS[twice])
    assert same(repeated, classifier(**settings).fit(X, CLASS, sample_weight=weight))


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
def test_weights_of_1_are_no_weights(solver: str) -> None:
    """And for minibatches, too, only the ratios of the weights count but for the penalty."""
    plain = classifier(solver=solver, alpha=0).fit(X, CLASS)
    for weight in (np.ones(len(X)), np.full(len(X), 7.0)):
        weighted = classifier(solver=solver, alpha=0).fit(X, CLASS, sample_weight=weight)
        np.testing.assert_allclose(weighted.W1_, plain.W1_, rtol=1e-7, atol=1e-10)


def test_alpha_means_the_same_to_every_solver_and_batch_size() -> None:
    """Converged, all agree on the weights of a convex problem with a strong penalty."""
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    y = X[:, 0] + X[:, 1] / 100 > 50
    settings = {"n_hidden": 0, "preprocessing": None, "alpha": 20.0}
    best = classifier(**settings, solver="lbfgs", max_iter=500).fit(scaled, y)
    unpenalised = classifier(n_hidden=0, preprocessing=None, alpha=0, solver="lbfgs").fit(scaled, y)
    assert np.abs(unpenalised.W2_).max() > 2 * np.abs(best.W2_).max()
    for solver, batch_size, learning_rate in (
        ("gd", "auto", 1.0),
        ("sgd", 200, 0.1),
        ("sgd", 50, 0.0005),
        ("sgd", 10, 0.0002),
        ("adam", 200, 0.01),
        ("adam", 20, 0.0005),
    ):
        how = {"solver": solver, "batch_size": batch_size, "learning_rate": learning_rate}
        other = classifier(**settings, **how, max_iter=1500).fit(scaled, y)
        np.testing.assert_allclose(other.W2_, best.W2_, atol=0.01, err_msg=str(how))


@pytest.mark.parametrize("solver", SOLVERS)
def test_blas_has_one_thread_while_training(solver: str) -> None:
    """And afterwards as many as it had."""

    def threads(_: Any = None) -> None:
        pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
        seen.append({pool["num_threads"] for pool in pools})

    seen: list[set[int]] = []
    with threadpool_limits(2, user_api="blas"):
        classifier(solver=solver, callbacks=[threads]).fit(X, CLASS)
        assert seen
        assert seen == [{1}] * len(seen)
        threads()
        assert seen[-1] == {2}


# ---- what is left alone -------------------------------------------------------------------------


def test_fit_leaves_what_it_is_given() -> None:
    """Tables, targets, weights and settings are the same afterwards."""
    table, weight = pd.DataFrame(X, columns=["a", "b", "c"]).assign(d=CLASS), np.ones(200)
    copies = table.copy(), CLASS.copy(), weight.copy()
    fitted = classifier(class_weight="balanced")
    settings = fitted.get_params()
    fitted.fit(table, CLASS, weight)
    pd.testing.assert_frame_equal(table, copies[0])
    np.testing.assert_array_equal(CLASS, copies[1])
    np.testing.assert_array_equal(weight, copies[2])
    assert fitted.get_params() == settings


def test_parameters_are_plain_data() -> None:
    """What is exported has no scaling beside it: four arrays."""
    assert isinstance(classifier().fit(X, CLASS).model_.parameters, Parameters)
