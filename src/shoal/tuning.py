"""ShoalTuner: other settings tried one after another, each judged on rows held out."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from shoal.activations import Array
from shoal.errors import DataError, DivergenceError, InterruptedFitWarning, ParameterError
from shoal.estimator_base import Network
from shoal.estimator_input import draw_seed
from shoal.losses import SquaredError
from shoal.model import Model
from shoal.recipe import TINY, choose_recipe

# What made a difference on real tables, and values that were best on one of them.
SPACE: dict[str, tuple[Any, ...]] = {
    "n_hidden": (64, 128, 256),
    "n_bins": (0, 8, 16, 32),
    "dropout": (0.0, 0.1, 0.2, 0.3, 0.5),
    "weight_decay": (0.0, 0.01, 0.1, 1.0),
    "learning_rate": (0.001, 0.002, 0.004, 0.008),
    "activation": ("relu", "silu"),
}
# These change what is compared, or how long it takes, not how good a network is.
NOT_SEARCHED = ("callbacks", "class_weight", "loss", "n_jobs", "random_state", "time_limit")
METRICS = {"log_loss": ("log-loss", -1), "loss": ("loss", -1), "r2": ("R²", 1)}  # 1: the larger
MOST_CHANGES = 3
MOST_DRAWS = 1_000
INTERRUPTED = "Interrupted."

Trial = dict[str, Any]


class Leaderboard(list[Trial]):
    """The trials, best first, a dictionary each: `pandas.DataFrame` takes it, `print` shows it."""

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of it as a table of text, an arrow saying where better is."""
        titles = {
            name: f"{word} {'↑' if sign > 0 else '↓'}" for name, (word, sign) in METRICS.items()
        }
        header = [titles.get(name, name) for name in self[0]]
        return header, [[_cell(name, value) for name, value in row.items()] for row in self]

    def __str__(self) -> str:
        header, rows = self.cells()
        lines = [header, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True))
            for line in lines
        )


def changes(row: Trial, first: Trial) -> str:
    """The settings in which a trial differs from the first, in words."""
    settings = list(row)[list(row).index("seconds") + 1 :]
    return ", ".join(
        f"{name} {_cell(name, row[name])}" for name in settings if row[name] != first[name]
    )


def trial_words(row: Trial, first: Trial) -> str:
    """How a trial went, and in what it differs from the first."""
    figures = [f"{METRICS[name][0]} {_cell(name, row[name])}" for name in row if name in METRICS]
    words = [*figures, f"{row['seconds']:.1f} s", changes(row, first)]
    return f"trial {row['trial']}: {', '.join(filter(None, words))}"


def _cell(name: str, value: Any) -> str:
    if name == "seconds":
        return f"{value:.1f}"
    if name == "spread" or name in METRICS:
        return f"{value:.4f}" if abs(value) < 1_000 else f"{value:.4g}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _has(name: str) -> Callable[[Any], bool]:
    return lambda tuner: hasattr(tuner.estimator, name)


class ShoalTuner(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Search for settings that suit a table better than the defaults.

    The first trial is the estimator as it is. Each one after it is the best so far with one to
    three settings drawn anew. A trial is judged as its members are: every row is predicted by a
    member that has not seen it, and all trials hold out the same rows, so what differs are the
    settings. Nothing is fitted again in the end: the best trial is the model.

    Parameters
    ----------
    estimator : ShoalClassifier or ShoalRegressor
        With solver="auto". What is set in it is kept; what is left open is searched.
    n_trials : int, default=30
        Trials at most.
    space : dict of str to sequence, optional
        Values to try of each parameter. By default `shoal.tuning.SPACE`, without the parameters
        that are set in the estimator.
    time_limit : float, optional
        Seconds for all trials; the best so far is kept.
    n_jobs : int, optional
        Threads of each trial; None leaves it to the estimator.
    callbacks : sequence of callable
        Each is called with the trial's row of the leaderboard, and may return True to stop.
    random_state : int, RandomState or None
        Of what is tried, and of the trials if the estimator has none.
    verbose : bool
        Print a line for each trial.

    Attributes
    ----------
    best_estimator_ : ShoalClassifier or ShoalRegressor
        The best trial, fitted on all rows.
    best_params_ : dict
        What was searched, with the values of the best trial.
    best_score_ : float
        Its log-loss (classes), R² (values) or loss (values by another loss than the squared error,
        in the units of training) on rows held out. It is the best of many, so a little too good.
    metric_ : {"log_loss", "r2", "loss"}
        Which of these it is.
    default_estimator_ : ShoalClassifier or ShoalRegressor
        The first trial, to compare with.
    leaderboard_ : list of dict
        A row for each trial, best first: its number, the metric, its standard deviation over the
        folds (spread), seconds, and the settings. NaN where training diverged.
    stop_reason_ : str
        A sentence.
    interrupted_ : bool
        Whether it was Ctrl-C.
    """

    def __init__(
        self,
        estimator: Network,
        *,
        n_trials: int = 30,
        space: Mapping[str, Sequence[Any]] | None = None,
        time_limit: float | None = None,
        n_jobs: int | None = None,
        callbacks: Sequence[Callable[[Trial], bool | None]] = (),
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.estimator = estimator
        self.n_trials = n_trials
        self.space = space
        self.time_limit = time_limit
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        for name in ("estimator_type", "classifier_tags", "regressor_tags", "target_tags"):
            setattr(tags, name, getattr(inner, name))
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        return tags

    # ---- fit ----

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Try settings, and keep the best.

        Parameters
        ----------
        X, y, sample_weight
            See `ShoalClassifier.fit`.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            If a parameter is wrong, or the estimator holds out no rows in turn.
        DataError
            If the table cannot be used.
        """
        end = self._check_parameters()
        seed = draw_seed(self.random_state)
        random = np.random.default_rng(seed)
        space, params = self._start(X, y)
        tried: list[dict[str, Any]] = []
        best: Trial = {}
        self.leaderboard_, self.stop_reason_ = Leaderboard(), ""
        try:
            while not self.stop_reason_:
                tried.append(params)
                fitted, figures = self._try(params, seed, end, X, y, sample_weight)
                row = {"trial": len(tried)} | figures | params
                if not best:
                    self.default_estimator_ = fitted
                if not best or self._merit(row) > self._merit(best):
                    self.best_estimator_, self.best_params_, best = fitted, params, row
                self.leaderboard_.append(row)
                following = _change(self.best_params_, space, tried, random)
                self.stop_reason_ = self._reason_to_stop(fitted, row, following, end)
                params = following or params
        except KeyboardInterrupt:  # outside of training, which itself ends with the best so far
            if not self.leaderboard_:
                raise
            self.stop_reason_ = INTERRUPTED
        self.best_score_ = best[self.metric_]
        self.leaderboard_.sort(key=self._merit, reverse=True)
        self.interrupted_ = self.stop_reason_ == INTERRUPTED
        if self.interrupted_:
            n = len(self.leaderboard_)
            message = f"Interrupted after {n} trial{'s' * (n > 1)}. The best so far is kept."
            warnings.warn(message, InterruptedFitWarning, stacklevel=2)
        return self

    def _check_parameters(self) -> float:
        """When to end, by `time.perf_counter`."""
        if not isinstance(self.estimator, Network):
            raise ParameterError(
                "estimator must be a ShoalClassifier or a ShoalRegressor, not "
                f"{type(self.estimator).__name__}"
            )
        n, limit = self.n_trials, self.time_limit
        if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
            raise ParameterError(f"n_trials must be a whole number, at least 1, not {n!r}")
        if not isinstance(self.callbacks, (list, tuple)) or not all(map(callable, self.callbacks)):
            raise ParameterError(f"callbacks must be a list of functions, not {self.callbacks!r}")
        self.estimator._deadline()  # raises if its own limit is none
        if limit is None:
            return np.inf
        if isinstance(limit, (bool, str)) or not limit > 0:
            raise ParameterError(f"time_limit must be seconds above 0 or None, not {limit!r}")
        return time.perf_counter() + float(limit)

    def _start(self, X: Any, y: Any) -> tuple[dict[str, Sequence[Any]], dict[str, Any]]:
        """The values to try of each parameter, and those of the first trial, none of them "auto".

        Raises
        ------
        ParameterError, DataError
            If the estimator would hold out no rows in turn.
        """
        if y is None:
            raise DataError("ShoalTuner requires y to be passed, but the target y is None")
        settings = self.estimator.get_params(deep=False)
        classes, m = is_classifier(self.estimator), len(y)
        n_classes = len(set(np.ravel(y).tolist())) if classes else 0
        recipe = choose_recipe(settings, m, n_classes=n_classes)
        if m <= TINY:
            raise DataError(
                f"{m} rows are too few to tune on: from {TINY + 1} on they are held out in turn"
            )
        if not recipe.folds or hasattr(X, "tocsr"):
            raise ParameterError(
                "tuning judges by rows that members hold out in turn, and this estimator has none: "
                'leave solver, preprocessing, early_stopping and validation_fraction "auto", '
                "n_members at least 2, and give a dense table"
            )
        loss = settings.get("loss", "squared_error")
        self.metric_ = "log_loss" if classes else "loss"
        if loss == "squared_error" or isinstance(loss, SquaredError):
            self.metric_ = "log_loss" if classes else "r2"
        defaults = type(self.estimator)
        left_open = {n: v for n, v in SPACE.items() if settings[n] == getattr(defaults, n)}
        space = dict[str, Sequence[Any]](left_open if self.space is None else self.space)
        for name, values in space.items():
            if name not in settings or name in NOT_SEARCHED:
                raise ParameterError(f"{name!r} in space is no parameter that can be searched")
            if not isinstance(values, (list, tuple)) or not values:
                raise ParameterError(
                    f"{name!r} in space must be a list of values to try, not {values!r}"
                )

        def settled(name: str) -> Any:
            value = settings[name]
            if isinstance(value, str) and value == "auto":
                value = getattr(recipe, name, getattr(recipe.optimizer, name, value))
            return value

        return space, {name: settled(name) for name in space}

    def _try(
        self, params: dict[str, Any], seed: int, end: float, X: Any, y: Any, sample_weight: Any
    ) -> tuple[Any, dict[str, float]]:
        """One trial: the fitted estimator, None where it diverged, and its figures."""
        asked = self.estimator
        limits = [x for x in (asked.time_limit, end - time.perf_counter()) if x is not None]
        settings = asked.get_params(deep=False) | {"callbacks": ()}  # `clone` would copy them
        estimator = clone(type(asked)(**settings)).set_params(
            **params,
            callbacks=asked.callbacks,
            random_state=seed if asked.random_state is None else asked.random_state,
            n_jobs=asked.n_jobs if self.n_jobs is None else self.n_jobs,
            time_limit=None if min(limits) == np.inf else max(min(limits), 0.01),
        )
        begun = time.perf_counter()
        figures = {self.metric_: np.nan, "spread": np.nan}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InterruptedFitWarning)
                estimator.fit(X, y, sample_weight=sample_weight)
        except DivergenceError:
            if not self.leaderboard_:
                raise
            estimator = None
        figures["seconds"] = time.perf_counter() - begun
        if estimator is None:
            return None, figures
        estimator.set_params(time_limit=asked.time_limit)
        if hasattr(estimator, "oof_losses_"):  # not where Ctrl-C came before all had begun
            losses = estimator.oof_losses_
            figures[self.metric_] = float(losses.mean())
            if self.metric_ == "log_loss":
                figures["log_loss"] = estimator.model_.training["out_of_fold"]["log_loss"]
            elif self.metric_ == "r2":  # of a scaled target the loss is half of 1 - R²
                figures["r2"], losses = estimator.oof_score_, 2 * losses / estimator.n_outputs_
            figures["spread"] = float(losses.std(ddof=1))
        return estimator, figures

    def _merit(self, row: Trial) -> float:
        """What is larger for a better trial."""
        return float(np.nan_to_num(METRICS[self.metric_][1] * row[self.metric_], nan=-np.inf))

    def _reason_to_stop(self, fitted: Any, row: Trial, following: Any, end: float) -> str:
        """Why there is no other trial; empty if there is."""
        if self.verbose:
            print(trial_words(row, self.leaderboard_[0]))
        # Every callback is told, also when an earlier one has asked to stop.
        answers = [callback(row) for callback in self.callbacks]
        n, quickest = len(self.leaderboard_), min(row["seconds"] for row in self.leaderboard_)
        if fitted is not None and any(history.interrupted for history in fitted.histories_):
            return INTERRUPTED
        if time.perf_counter() + quickest > end:
            return "The time limit was reached."
        if n >= self.n_trials:
            return f"All {n} trials are done."
        if any(answers):
            return "A callback asked to stop."
        return "" if following else "Everything in the space was tried."

    # ---- the best trial ----

    def _best_estimator(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    @property
    def classes_(self) -> Array:
        """Labels of the best trial."""
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """Columns of the table."""
        return int(self.best_estimator_.n_features_in_)

    @property
    def feature_names_in_(self) -> Array:
        """Names of the columns."""
        return self.best_estimator_.feature_names_in_

    @property
    def model_(self) -> Model:
        """The network of the best trial, as plain data."""
        return self.best_estimator_.model_

    def predict(self, X: Any) -> Array:
        """Predictions of the best trial."""
        return self._best_estimator().predict(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy or R² of the best trial."""
        return self._best_estimator().score(X, y, sample_weight)

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the best trial."""
        return self._best_estimator().predict_proba(X)

    @available_if(_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of the probabilities of the best trial."""
        return self._best_estimator().predict_log_proba(X)

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> Array:
        """Scores of the best trial."""
        return self._best_estimator().decision_function(X)

    @available_if(_has("predict_interval"))
    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Intervals of the best trial, see `ShoalRegressor.predict_interval`."""
        return self._best_estimator().predict_interval(X, coverage)


def _change(
    best: dict[str, Any],
    space: Mapping[str, Sequence[Any]],
    tried: list[dict[str, Any]],
    random: np.random.Generator,
) -> dict[str, Any] | None:
    """One to three settings of the best so far drawn anew; None if nothing new was found."""
    names = list(space)
    for _ in range(MOST_DRAWS if names else 0):
        n_changes = random.integers(1, min(MOST_CHANGES, len(names)) + 1)
        params = dict(best)
        for k in random.choice(len(names), n_changes, replace=False):
            params[names[k]] = space[names[k]][int(random.integers(len(space[names[k]])))]
        if params not in tried:
            return params
    return None
