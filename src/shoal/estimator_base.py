"""What both estimators share: scikit-learn's contract around the network, but for the target."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from shoal.activations import Array
from shoal.cells import as_frame
from shoal.committee import deal, start_members
from shoal.engine import Engine, Problem, choose_engine
from shoal.errors import (
    ConvergenceWarning,
    DataError,
    DivergenceError,
    InterruptedFitWarning,
    ParameterError,
)
from shoal.estimator_input import (
    check_table,
    check_target,
    check_weights,
    draw_seed,
    float_type,
)
from shoal.folding import average, fold_inputs, fold_scores, fold_skip
from shoal.history import Callback, Progress
from shoal.losses import Loss
from shoal.model import Model
from shoal.network import Parameters
from shoal.recipe import Recipe, choose_recipe, narrowed
from shoal.table import Checked
from shoal.table_learning import learn_columns, merge_rows
from shoal.training import train

# What a network that goes on cannot change; `loss` is a regression's.
SAMPLE = 1_000  # rows by which a model in float32 is compared with that in float64
SAME = 1e-4  # of the spread of the scores: what may be between them
NETWORK_SETTINGS = ("n_hidden", "n_members", "activation", "loss")


class NotConvergedWarning(ConvergenceWarning, SklearnConvergenceWarning):  # type: ignore[misc]
    """Both libraries' warning of the limit of iterations, so that a filter of either knows it."""


@dataclass(frozen=True)
class Scaling:
    """How the scores of training become raw scores: z = center + scale ẑ, each (n_y,)."""

    center: Array
    scale: Array


@dataclass(eq=False, repr=False)
class Network(CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: everything but the target. The fields are the parameters."""

    n_hidden: int | str = "auto"
    _: KW_ONLY
    activation: str = "relu"
    solver: str = "auto"
    alpha: float | str = "auto"
    learning_rate: float | str = "auto"
    batch_size: int | str = "auto"
    max_iter: int | str = "auto"
    tol: float | str = "auto"
    n_iter_no_change: int | str = "auto"
    early_stopping: bool | str = "auto"
    validation_fraction: float | str = "auto"
    dropout: float | str = "auto"
    weight_decay: float | str = "auto"
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    init: str = "auto"
    init_scale: float | None = None
    skip: bool | str = "auto"
    n_members: int | str = "auto"
    preprocessing: str | None = "auto"
    n_bins: int | str = "auto"
    categorical_features: Sequence[str] = ()
    time_limit: float | None = None
    n_jobs: int | None = None
    engine: str = "auto"
    warm_start: bool = False
    callbacks: Sequence[Callback] = ()
    random_state: int | np.random.RandomState | None = None
    verbose: bool = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.preprocessing is not None
        tags.input_tags.sparse = True
        return tags

    # ---- fit ----

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : data frame (pandas, polars, pyarrow), array or sparse matrix (m, n_features)
        y : array (m,), or (m, n_y) for several labels or targets
        sample_weight : array (m,), optional
            Weight 2 is the row twice, weight 0 its absence.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to stop by, in place of rows held out.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the table cannot be used; the message names column and row.
        ParameterError
            If a setting does not exist or is out of range.
        DivergenceError
            If training leaves the finite numbers for good.
        """
        goes_on = self.warm_start and hasattr(self, "model_")
        return self._fit(X, y, sample_weight, validation_data, goes_on=goes_on)

    def _fit(self, *data: Any, goes_on: bool, one_epoch: bool = False) -> Self:
        """Fit with one thread of the BLAS; data are those of `fit`."""
        with _blas().limit(limits=1, user_api="blas"):
            return self._fit_alone(*data, goes_on=goes_on, one_epoch=one_epoch)

    def _fit_alone(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        *,
        goes_on: bool,
        one_epoch: bool = False,
    ) -> Self:
        deadline = self._deadline()
        settings = self.get_params(deep=False)
        engine = choose_engine(self.engine, self.n_jobs)
        if not isinstance(self.callbacks, (list, tuple)) or not all(map(callable, self.callbacks)):
            raise ParameterError(f"callbacks must be a list of functions, not {self.callbacks!r}")
        X, y, weight = self._check(X, y, sample_weight, reset=not goes_on)
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            X, y, weight = _safe_indexing(X, kept), y[kept], weight[kept]
        if one_epoch:
            solver = "adam" if self.solver == "auto" else self.solver
            settings |= {"solver": solver, "max_iter": 1, "tol": 0.0, "early_stopping": False}
        elif hasattr(X, "tocsr") and self.solver == "auto":
            settings |= {"solver": "adam"}  # bins and a linear start would fill a sparse table
        Y, loss = self._encode_target(y, reset=not goes_on)
        n_classes = 0
        if is_classifier(self):  # of several labels, each has 2
            n_classes = len(Y) if loss.name == "softmax" else 2
        recipe = choose_recipe(settings, len(y), n_columns=X.shape[1], n_classes=n_classes)
        if recipe.solver == "lbfgs" and as_frame(X) is None:
            X, y, weight = merge_rows(X, y, weight)
            Y, loss = self._encode_target(y, reset=False)
        self._recipe = recipe
        network = {name: settings[name] for name in NETWORK_SETTINGS if name in settings}
        if goes_on:
            for name, now in network.items():
                if now != (before := self._network[name]):
                    raise ParameterError(
                        f"the network to continue has {name}={before!r}, but now it is {now!r}: "
                        "set it back, or fit with warm_start=False"
                    )
        else:
            self._learn(X, Y, weight, loss)
        problem = self._problem(X, Y, weight, loss)
        del Y  # the problem has its own, in its own type
        parts = self._hold_out(problem, recipe)
        if not goes_on:
            self._network: dict[str, Any] = network
            if recipe.committee and self.n_hidden == "auto":
                recipe = narrowed(recipe, problem.X.shape[0], len(self._scaling.center))
            linear = self._columns.linear_inputs
            self._members = start_members(problem, recipe, parts, linear, self._seed)
        given = validation_data is not None
        validation = self._validation_problem(validation_data, loss) if given else None
        callbacks = [*self.callbacks, *([_print_progress] if self.verbose else [])]
        end = None
        if getattr(self, "_skl_callbacks", None) and not one_epoch:
            tell, end = self._sklearn_callbacks(X, y, loss, recipe)
            callbacks.append(tell)
        watched = validation if given else parts
        seen = replace(problem, dropout=recipe.dropout, seed=self._seed)
        train(engine, self._members, seen, watched, recipe, callbacks, deadline)
        trained = [member for member in self._members if member.history.loss]
        if len(trained) < len(self._members):  # Ctrl-C may come before the last has begun
            self._members, parts = trained or self._members[:1], None
        self._finish(engine, problem, recipe, parts if recipe.folds and not given else None)
        if end is not None:
            end()
        return self

    def _check(
        self, X: Any, y: Any, sample_weight: Any = None, *, reset: bool
    ) -> tuple[Any, Array, Array | None]:
        """The rows as they can be used."""
        if y is None:
            name = type(self).__name__
            raise DataError(f"{name} requires y to be passed, but the target y is None")
        bare, columns = self.preprocessing is None, None if reset else self._columns
        X = check_table(self, X, bare=bare, columns=columns)
        y, names = check_target(X, y)
        if reset:
            self._target_names = names
        weight = self._weigh(y, check_weights(y, sample_weight))
        if weight is not None and not weight.any():
            raise DataError("every row has weight 0: give at least one a weight above 0")
        return X, y, weight

    def _weigh(self, y: Array, weight: Array | None) -> Array | None:
        """Weights of the rows, with those of their classes."""
        return weight

    def _table(self, X: Any) -> Any:
        """A table to predict, as `Columns` can read it."""
        check_is_fitted(self)
        return check_table(self, X, bare=self.preprocessing is None, columns=self.model_.columns)

    def _rows(self, X: Any) -> Any:
        """A table to predict, as `Columns.inputs` can take it."""
        if hasattr(self, "model_"):
            columns, dtype = self.model_.columns, self.model_.parameters.W2.dtype
            if columns.are_inputs(X, dtype) and len(X) and not columns.named:
                return Checked(X)  # nothing that scikit-learn's checks would add
        return self._table(X)

    def _learn(self, X: Any, Y: Array, weight: Array | None, loss: Loss) -> None:
        """What is fixed before training: columns, the target's scale, the seed."""
        if self.preprocessing not in ("auto", None):
            raise ParameterError(
                f'preprocessing must be "auto" or None, not {self.preprocessing!r}'
            )
        self._columns = learn_columns(
            X,
            names=getattr(self, "feature_names_in_", None),
            sample_weight=weight,
            categorical=() if self.categorical_features is None else self.categorical_features,
            bare=self.preprocessing is None,
            n_bins=self._recipe.n_bins,
        )
        n_y = loss.n_scores(len(Y))
        center, scale = np.zeros(n_y), np.ones(n_y)
        if self.preprocessing is not None and loss.scalable != "no":
            mean = np.average(Y, axis=1, weights=weight)
            spread = np.sqrt(np.average((Y - mean[:, None]) ** 2, axis=1, weights=weight))
            if loss.scalable == "affine":
                center, scale = center + mean, scale * np.where(spread > 0, spread, 1)
            else:  # through the log link a factor of y is a term of the score
                center = center + np.log(mean)
        self._scaling = Scaling(center, scale)
        self._seed = draw_seed(self.random_state)

    def _problem(self, X: Any, Y: Array, weight: Array | None, loss: Loss) -> Problem:
        """The rows as the network is trained on them: encoded, scaled, examples as columns."""
        dtype = np.float32 if self._recipe.committee else float_type(X)
        self._sample = _safe_indexing(X, np.arange(min(len(Y.T), SAMPLE)))
        X = self._columns.inputs(X, dtype, scaled=True)
        X = np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X
        center, scale = self._scaling.center[: len(Y), None], self._scaling.scale[: len(Y), None]
        if loss.scalable == "affine":
            Y = (Y - center) / scale
        elif loss.scalable == "scale":
            Y = Y / np.exp(center)
        with np.errstate(over="ignore"):  # what float32 cannot hold shows in the cost
            Y = Y.astype(dtype, copy=False)
        return Problem(
            X=X.T,
            Y=Y,
            sample_weight=None if weight is None else weight.astype(dtype, copy=False),
            activation=self.activation,
            loss=loss,
        )

    def _validation_problem(self, validation_data: Any, loss: Loss) -> Problem:
        """The user's own rows to stop by, encoded as the training rows are."""
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ParameterError("validation_data must be (X, y) or (X, y, sample_weight)")
        X, y, *weights = validation_data
        X, y, weight = self._check(X, y, *weights, reset=False)
        Y, _ = self._encode_target(y, reset=False)
        return self._problem(X, Y, weight, loss)

    def _hold_out(self, problem: Problem, recipe: Recipe) -> list[Array] | None:
        """Which examples each member stops by: the same in every fit on them."""
        if not recipe.hold_out:
            return None
        share, m = recipe.hold_out, problem.m
        if np.ceil(share * m) >= m:
            raise DataError(
                f"{m} rows cannot be split: holding out {share:g} of them leaves none to "
                "train on; choose early_stopping=False or a smaller validation_fraction"
            )
        key = problem.Y[0] if len(problem.Y) == 1 else problem.Y.argmax(axis=0)
        if recipe.folds:
            return deal(key, recipe.n_members, np.random.default_rng([self._seed, 2**31]))
        labels = None
        if getattr(self, "_multilabel", True) is False:  # a classifier of one label
            labels, counts = key, np.unique(key, return_counts=True)[1]
            if counts.min() < 2 or min(share, 1 - share) * m < len(counts):
                labels = None  # too few rows for every class to be on both sides
        parts = []
        for k in range(recipe.n_members):
            seed = int(np.random.SeedSequence([self._seed, k]).generate_state(1)[0])
            rows = np.arange(m)
            parts.append(
                train_test_split(rows, test_size=share, stratify=labels, random_state=seed)[1]
            )
        return parts

    def _deadline(self) -> float:
        """When training must end, by `time.perf_counter`: a little is left for what follows."""
        limit = self.time_limit
        if limit is None:
            return np.inf
        if isinstance(limit, (bool, str)) or not limit > 0:
            raise ParameterError(f"time_limit must be seconds above 0 or None, not {limit!r}")
        return time.perf_counter() + 0.9 * float(limit)

    def _finish(
        self, engine: Engine, problem: Problem, recipe: Recipe, parts: list[Array] | None
    ) -> None:
        """Fold the members into one network in raw units, and say what happened.

        Where max_iter is "auto" its limit is part of the recipe, and nothing to warn of.
        """
        network = average([member.parameters for member in self._members])
        summary: dict[str, Any] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            if parts is not None:
                network, summary = self._judge(problem, parts, network)
            loss = engine.cost(problem, network)
            model = self._compact(self._model(network, problem.loss, summary), problem)
            numbers = (*model.parameters, loss, model.scores(self._sample))
        if not all(np.isfinite(some).all() for some in numbers):
            raise DivergenceError(
                "the cost or a weight is not a finite number: scale the inputs and the target, "
                "give them as float64, or choose a smaller learning_rate"
            )
        self.model_, self.loss_, self.engine_ = model, loss, engine.name
        self.histories_ = [member.history for member in self._members]
        self.history_ = self.histories_[0]
        self.loss_curve_ = self.history_.loss
        self.validation_loss_curve_ = self.history_.validation_loss
        self.n_iter_ = self.history_.n_iter
        self.n_outputs_ = len(problem.Y)
        if any(history.interrupted for history in self.histories_):
            warnings.warn(
                f"{self.history_.stop_reason} The best network so far is kept.",
                InterruptedFitWarning,
                stacklevel=6,
            )
        elif (
            self.max_iter != "auto"
            and recipe.tol > 0
            and not all(h.converged for h in self.histories_)
        ):
            warnings.warn(
                f"{self.history_.stop_reason} The loss was still falling: raise max_iter.",
                NotConvergedWarning,
                stacklevel=6,
            )

    def _judge(
        self, problem: Problem, parts: list[Array], network: Parameters
    ) -> tuple[Parameters, dict[str, Any]]:
        """The network after what rows held out say of it, and what they say."""
        return network, {}

    def _model(self, network: Parameters, loss: Loss, more: dict[str, Any] | None = None) -> Model:
        """A network in scaled units as a Model in raw units."""
        network = Parameters(*(block.astype(np.float64) for block in network))
        network = self._columns.restore(network)
        network = fold_inputs(network, self._columns.centers(), self._columns.scales())
        network = fold_scores(network, self._scaling.center, self._scaling.scale)
        history = self._members[0].history
        summary = {
            "estimator": type(self).__name__,
            "solver": self._recipe.solver,
            "members": len(self._members),
            "iterations": history.n_iter,
            "stop_reason": history.stop_reason,
        }
        return Model(
            parameters=fold_skip(network, self.activation),
            activation=self.activation,
            loss=loss,
            columns=self._columns,
            target=self._target_names,
            classes=self._model_classes(),
            training=summary | (more or {}),
        )

    def _compact(self, model: Model, problem: Problem) -> Model:
        """The model in the type of the training, if it says the same in it."""
        dtype = problem.Y.dtype
        if dtype == np.float64:
            return model
        with np.errstate(over="ignore", invalid="ignore"):
            parameters = Parameters(*(block.astype(dtype) for block in model.parameters))
            small = replace(model, parameters=parameters)
            if not self._recipe.committee:
                return small
            fine, coarse = model.scores(self._sample), small.scores(self._sample)
            off = np.abs(fine - coarse).max(axis=0)
        return small if (off <= SAME * fine.std(axis=0)).all() else model

    def _model_classes(self) -> Array | None:
        """Labels for the Model; None where there are none."""
        return None

    def explain(self, X: Any, baseline: Any = None) -> Any:
        """What each column adds to the score of each row; see `Model.explain`.

        Parameters
        ----------
        X : table of m rows
        baseline : table, optional
            The row to start from, or several; by default the average row.

        Returns
        -------
        data frame of the kind of X; of polars if X is an array
        """
        X = self._table(X)
        return self.model_.explain(X, None if baseline is None else self._table(baseline))

    def report(
        self, X: Any, y: Any, path: Any = None, *, rows: bool = True, unseen: bool | None = None
    ) -> Any:
        """Judge the model on rows and look into it: one HTML page, and the same as data.

        Parameters
        ----------
        X, y
            Rows with their targets, as `fit` takes them; best such that the model has not seen.
        path : str or path, optional
            Where to write the page, ending in .html; the data go beside it, ending in .json.
        rows : bool
            False keeps everything of single rows out of the page.
        unseen : bool, optional
            Whether these rows had no part in the fit: the verdict says so.

        Returns
        -------
        shoal.report.Report
            With `html`, `record`, `verdict` and `save`. A notebook shows the page.
        """
        from shoal.record import describe_training
        from shoal.report import checked_path, make_report

        check_is_fitted(self)
        path = None if path is None else checked_path(path)
        training = self.model_.training | describe_training(self)
        model = replace(self.model_, training=training)
        made = make_report(model, X, y, rows=rows, unseen=unseen)
        if path is not None:
            made.save(path)
        return made

    # ---- what was learnt ----

    @property
    def W1_(self) -> Array:
        """(n_h, n_x)."""
        return self.model_.parameters.W1

    @property
    def b1_(self) -> Array:
        """(n_h, 1)."""
        return self.model_.parameters.b1

    @property
    def W2_(self) -> Array:
        """(n_y, n_h)."""
        return self.model_.parameters.W2

    @property
    def b2_(self) -> Array:
        """(n_y, 1)."""
        return self.model_.parameters.b2

    @property
    def coefs_(self) -> list[Array]:
        """W1 and W2 as (n_x, n_h) and (n_h, n_y)."""
        W1, _, W2, _ = self.model_.parameters
        return [W1.T, W2.T]

    @property
    def intercepts_(self) -> list[Array]:
        """b1 and b2 as (n_h,) and (n_y,)."""
        _, b1, _, b2 = self.model_.parameters
        return [b1.ravel(), b2.ravel()]

    # ---- scikit-learn's callbacks ----

    def _sklearn_callbacks(
        self, X: Any, y: Array, loss: Loss, recipe: Recipe
    ) -> tuple[Callback, Callable[[], None]]:
        """What tells scikit-learn's callbacks of each call, and what tells them of the end."""
        context = self._init_callback_context(max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)

        def tell(progress: Progress) -> bool:
            def fitted() -> dict[str, Any]:
                return vars(self) | {"model_": self._model(progress.parameters, loss)}

            task = context.subcontext(task_name="iteration")
            task.call_on_fit_task_begin(estimator=self, X=X, y=y)
            return bool(
                task.call_on_fit_task_end(
                    estimator=self, X=X, y=y, reconstruction_attributes=fitted
                )
            )

        def end() -> None:
            context.call_on_fit_task_end(
                estimator=self, X=X, y=y, reconstruction_attributes=lambda: vars(self)
            )

        return tell, end


@cache
def _blas() -> Any:
    """The BLAS libraries of this process.

    Its threads are kept to one while a network is trained: on vectors and products this small
    several mostly wait for each other (L-BFGS takes up to 30 times as long), and results would
    depend on their number.
    """
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()


def can_stream(estimator: Network) -> bool:
    """L-BFGS needs all examples at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit needs solver "auto", "adam", "sgd" or "gd"')
    return True


def _print_progress(progress: Progress) -> None:
    """One line on iterations 1, 2, 5, 10, 20, 50, ..."""
    leading = str(progress.iteration).rstrip("0")
    if leading in ("1", "2", "5") or progress.iteration == progress.max_iter:
        held_out = progress.validation_loss
        tail = "" if held_out is None else f"  held out {held_out:.6f}"
        print(f"iteration {progress.iteration:>6,}  loss {progress.loss:.6f}{tail}")
