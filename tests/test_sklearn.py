"""The contract of scikit-learn, and its tools around the estimators."""

import os
import pickle
from collections import Counter
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from shoal import ShoalClassifier, ShoalRegressor
from shoal.losses import Quantile

random = np.random.default_rng(0)
X = random.normal(size=(120, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
VALUES = X @ [1.0, 2.0, 3.0]
TABLE = pd.DataFrame(X, columns=["a", "b", "c"]).assign(d=random.choice(["u", "v"], len(X)))


def classifier(**settings: Any) -> ShoalClassifier:
    """A small one, in which L-BFGS gets to the end."""
    fixed = {"n_hidden": 3, "solver": "lbfgs", "max_iter": 30, "tol": 0, "random_state": 0}
    return ShoalClassifier(**fixed | settings)


def regressor(**settings: Any) -> ShoalRegressor:
    """A small one, in which L-BFGS gets to the end."""
    fixed = {"n_hidden": 3, "solver": "lbfgs", "max_iter": 30, "tol": 0, "random_state": 0}
    return ShoalRegressor(**fixed | settings)


# ---- the contract ------------------------------------------------------------------------------

# At their defaults and with each solver; fewer steps than by default where that takes long.
CHECKED = [
    estimator(**settings)
    for estimator in (ShoalClassifier, ShoalRegressor)
    for settings in (
        {},
        {"solver": "gd", "max_iter": 200},
        {"solver": "sgd"},
        {"solver": "lbfgs", "max_iter": 100},
        {"solver": "adam", "activation": "tanh", "n_hidden": 20},
    )
]


@pytest.mark.filterwarnings("ignore")  # the checks provoke warnings, and some do not silence them
@pytest.mark.parametrize("estimator", CHECKED, ids=repr)
def test_no_check_of_scikit_learn_fails(estimator: BaseEstimator) -> None:
    """Every check passes: none fails, none is expected to, none is skipped."""
    assert os.environ["SCIPY_ARRAY_API"] == "1"
    results = check_estimator(estimator, on_skip=None, on_fail="raise")
    assert Counter(result["status"] for result in results) == {"passed": len(results)}
    assert len(results) >= 60


# ---- tools around the estimators ---------------------------------------------------------------


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_in_a_pipeline_after_a_column_transformer(output: str) -> None:
    """Whatever comes out of the steps before, arrays or frames with names, it goes on with."""
    encode = ColumnTransformer(
        [("encode", OneHotEncoder(sparse_output=False), ["d"])], remainder=StandardScaler()
    )
    pipeline = make_pipeline(encode, classifier()).set_output(transform=output)
    pipeline.fit(TABLE, LABELS)
    assert pipeline.score(TABLE, LABELS) > 0.95
    assert ("encode__d_u" in getattr(pipeline[-1], "feature_names_in_", [])) == (
        output != "default"
    )


@pytest.mark.parametrize(
    "table", [TABLE, pl.DataFrame(TABLE), pl.DataFrame(TABLE).to_arrow()], ids=["pd", "pl", "pa"]
)
def test_in_a_grid_search(table: Any) -> None:
    """Frames of every library are split and searched, and the best is refitted."""
    grid = {"n_hidden": [0, 3], "alpha": [1.0, 1e6]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(table, LABELS)
    assert search.best_params_["alpha"] == 1.0
    assert search.score(table, LABELS) > 0.95


def test_cross_validated_predictions() -> None:
    """Probabilities and scores for every row."""
    for method, shape in (("predict_proba", (120, 2)), ("decision_function", (120,))):
        assert cross_val_predict(classifier(), TABLE, LABELS, cv=2, method=method).shape == shape


@pytest.mark.parametrize(
    "estimator",
    [
        CalibratedClassifierCV(classifier(), cv=2),
        BaggingClassifier(classifier(), n_estimators=2),
        VotingClassifier([("a", classifier()), ("b", classifier())], voting="soft"),
        StackingClassifier([("a", classifier())], final_estimator=classifier(), cv=2),
        TunedThresholdClassifierCV(classifier(), cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_in_meta_estimators(estimator: BaseEstimator) -> None:
    """Calibration, bagging, voting, stacking and threshold tuning give good probabilities."""
    assert estimator.fit(X, LABELS).score(X, LABELS) > 0.9
    assert estimator.predict_proba(X).shape == (120, 2)


def test_with_a_transformed_target() -> None:
    """It learns the transformed target, and predicts it turned back."""
    estimator = TransformedTargetRegressor(regressor(), func=np.arcsinh, inverse_func=np.sinh)
    expected = np.sinh(regressor().fit(TABLE, np.arcsinh(VALUES)).predict(TABLE))
    np.testing.assert_array_equal(estimator.fit(TABLE, VALUES).predict(TABLE), expected)


def test_inspection() -> None:
    """Importance and partial dependence see the column that matters, categories included."""
    fitted = regressor().fit(TABLE, VALUES)
    importance = permutation_importance(fitted, TABLE, VALUES, n_repeats=2, random_state=0)
    assert np.argsort(importance.importances_mean).tolist() == [3, 0, 1, 2]
    assert partial_dependence(fitted, TABLE, ["d"], categorical_features=["d"])[
        "average"
    ].shape == (
        1,
        2,
    )
    rising = partial_dependence(fitted, TABLE, ["c"])["average"][0]
    assert (np.diff(rising) > 0).all()


def test_learning_curve_in_small_bites() -> None:
    """partial_fit carries scikit-learn's incremental learning."""
    estimator = classifier(solver="adam", learning_rate=0.1)
    _, _, scores = learning_curve(
        estimator, X, LABELS, cv=2, exploit_incremental_learning=True, train_sizes=[0.2, 0.6, 1.0]
    )
    assert scores.shape == (3, 2)


@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_pickled_estimators_predict_and_go_on(how: str, tmp_path: Any) -> None:
    """Loaded, it has the same predictions, and continues training on the same path, bit for bit."""
    estimator = classifier(solver="adam", batch_size=16, warm_start=True).fit(TABLE, LABELS)
    if how == "pickle":
        loaded = pickle.loads(pickle.dumps(estimator))
    else:
        joblib.dump(estimator, tmp_path / "estimator")
        loaded = joblib.load(tmp_path / "estimator")
    np.testing.assert_array_equal(loaded.predict_proba(TABLE), estimator.predict_proba(TABLE))
    np.testing.assert_array_equal(loaded.fit(TABLE, LABELS).W1_, estimator.fit(TABLE, LABELS).W1_)


def test_clones_have_the_parameters_and_nothing_learnt() -> None:
    """Also where a parameter is an object."""
    fitted = regressor(loss=Quantile((0.1, 0.9)), alpha=0.5).fit(X, VALUES)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not [name for name in vars(copy) if name.endswith("_") and name != "_"]


def test_repr_shows_what_was_changed() -> None:
    """As in scikit-learn: the parameters that are not at their defaults."""
    assert repr(ShoalClassifier()) == "ShoalClassifier()"
    assert repr(ShoalRegressor(7, loss="huber")) == "ShoalRegressor(loss='huber', n_hidden=7)"


# ---- metadata routing --------------------------------------------------------------------------


def test_weights_and_validation_data_are_routed() -> None:
    """Through a pipeline, and through a grid search around it, to fit and to score."""
    weight = random.uniform(size=len(X))
    scaler = StandardScaler()
    held_out = (scaler.fit(X).transform(X[:30]), LABELS[:30])
    settings = {"solver": "adam", "max_iter": 5}
    direct = classifier(**settings).fit(
        scaler.transform(X), LABELS, sample_weight=weight, validation_data=held_out
    )
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = classifier(**settings).set_fit_request(sample_weight=True, validation_data=True)
        estimator.set_score_request(sample_weight=True)
        unweighted = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(unweighted, estimator)
        metadata = {"sample_weight": weight, "validation_data": held_out}
        pipeline.fit(X, LABELS, **metadata)
        search = GridSearchCV(pipeline, {"shoalclassifier__n_hidden": [2, 3]}, cv=2)
        search.fit(X, LABELS, **metadata)
    np.testing.assert_array_equal(pipeline[-1].W1_, direct.W1_)
    assert len(pipeline[-1].validation_loss_curve_) == 5
    assert len(search.best_estimator_[-1].validation_loss_curve_) == 5


# ---- callbacks of scikit-learn 1.9 -------------------------------------------------------------


def test_progress_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """The progress bar of a fit, and of the fits inside a grid search."""
    classifier().set_callbacks(ProgressBar()).fit(X, LABELS)
    assert "ShoalClassifier - fit" in capfd.readouterr().out
    search = GridSearchCV(classifier(), {"n_hidden": [0, 3]}, cv=2)
    search.set_callbacks(ProgressBar()).fit(X, LABELS)
    assert "ShoalClassifier - fit #3" in capfd.readouterr().out


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam", "lbfgs"])
def test_scores_are_monitored(solver: str) -> None:
    """The score of the last call, and of the whole fit, is the score of the fitted estimator."""
    monitor = ScoringMonitor(scoring="neg_log_loss")
    settings = {"early_stopping": False, "max_iter": 3, "learning_rate": 0.01}
    fitted = classifier(solver=solver, **settings).set_callbacks(monitor).fit(X, LABELS)
    scores = [task["neg_log_loss"] for task in monitor.get_logs().data]
    expected = -log_loss(LABELS, fitted.predict_proba(X))
    assert len(scores) > 1
    assert scores[0] == scores[-1] == pytest.approx(expected, rel=1e-12)


def test_scores_are_monitored_inside_a_grid_search() -> None:
    """One monitor sees the fits of all candidates and splits."""
    monitor = ScoringMonitor(scoring="accuracy")
    search = GridSearchCV(classifier().set_callbacks(monitor), {"n_hidden": [0, 3]}, cv=2)
    search.fit(X, LABELS)
    fits = {task["task_id_path"] for task in monitor.get_logs().data if task["task_name"] == "fit"}
    assert len(fits) == 5
