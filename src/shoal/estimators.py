"""ShoalClassifier and ShoalRegressor: scikit-learn's contract around the network. Thin."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from shoal.activations import Array
from shoal.engine import NumpyEngine, Problem, choose_engine
from shoal.errors import DataError, DivergenceError, InterruptedFitWarning, ParameterError
from shoal.folding import average, fold_inputs, fold_scores
from shoal.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss
from shoal.model import Model
from shoal.network import Parameters, initialize
from shoal.recipe import Recipe, choose_recipe
from shoal.table import as_frame, check_finite, learn_columns, match_columns, merge_rows
from shoal.training import Callback, Member, Progress, train

try:  # scikit-learn 1.9 and later
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # pragma: no cover - an older scikit-learn

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing, where scikit-learn has no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Nothing, where scikit-learn has no callbacks."""
        return method


PARAMETERS = """
    Parameters
    ----------
    n_hidden : int, default=100
        Hidden units. 0 is logistic or linear regression.
    activation : str, default="relu"
        g of the hidden layer, a name in `shoal.ACTIVATIONS`.
    solver : {{"auto", "gd", "sgd", "adam", "lbfgs"}}, default="auto"
        Gradient descent on all examples (the course), minibatches with momentum, Adam, or
        L-BFGS. "auto" is "adam".
    alpha : float or "auto"
        Weight of the L2 penalty. Training minimises Σ L + alpha/2 (‖W1‖² + ‖W2‖²), divided by the
        number of examples (the sum of their weights), whatever the solver and the batch size.
        "auto" is 0 for "gd" and 1 for the others.
    learning_rate : float or "auto"
        α of Eq 12. "auto" is 0.1 ("gd"), 0.01 ("sgd"), 0.003 ("adam"); "lbfgs" has none.
    batch_size : int or "auto"
        Examples of a step of "sgd" and "adam"; "auto" is min(200, m).
    max_iter : int or "auto"
        Steps of "gd" (2,000), epochs of "sgd" and "adam" (200), iterations of "lbfgs" (500).
    tol : float or "auto"
        Training ends when the watched loss has not improved by more than this in
        `n_iter_no_change` iterations; "lbfgs" ends when no entry of the gradient is larger.
        "auto" is 0 for "gd", which then makes all its steps, and 1e-4 for the others.
    n_iter_no_change : int
        See `tol`.
    early_stopping : bool or "auto"
        Whether to hold out rows, watch their loss and keep the parameters where it is lowest.
        "auto" does so with "sgd" and "adam" on more than 300 rows.
    validation_fraction : float
        Share of the rows held out for it.
    momentum, nesterovs_momentum
        Of "sgd".
    beta_1, beta_2, epsilon
        Of "adam".
    init : {{"auto", "normal", "zeros", "xavier", "he"}}
        Scheme of the first weights, see `shoal.initialize`. "auto" is "normal" if `init_scale` is
        given, else "he" for the ReLU family and "xavier" for the others.
    init_scale : float or None
        Standard deviation of the scheme "normal"; None is 0.01.
    n_members : int, default=1
        Networks trained from different starts. Their scores are averaged, which is again one
        network, of n_members · n_hidden units.
    preprocessing : "auto" or None
        "auto" reads tables (numbers, categories, dates, booleans, missing values) and trains on
        scaled inputs and targets; the scaling is folded into the weights afterwards. None is the
        bare network: numbers in, nothing scaled.
    categorical_features : sequence of str
        Columns of a data frame whose numbers are names of categories.
    engine : {{"auto", "numpy"}}
        What computes.
    warm_start : bool
        Continue from the last fit: its weights, its scaling, its held-out rows.
    callbacks : sequence of callable
        Each is called with a `Progress` after every call of the engine, and may return True to
        stop. scikit-learn's own callbacks are set with `set_callbacks`.
    random_state : int, RandomState or None
        An integer gives the same weights bit for bit, the first ones from NumPy's legacy stream
        as in the course.
    verbose : bool
        Print a line on iterations 1, 2, 5, 10, 20, 50, ...
    {own}

    Attributes
    ----------
    W1_, b1_, W2_, b2_ : arrays
        (n_h, n_x), (n_h, 1), (n_y, n_h), (n_y, 1), in the course's orientation, for inputs (and
        targets) in raw units.
    coefs_, intercepts_ : lists of two arrays
        The same in scikit-learn's orientation (views).
    model_ : Model
        The fitted network as plain data, which is what is saved and exported.
    history_ : History
        Of the first member's training: losses, and the reason it stopped.
    loss_ : float
        Cost J of the training rows with the weights kept, in the units of training.
    loss_curve_, validation_loss_curve_ : list of float
        See `History`.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : array
    n_outputs_ : int
    engine_ : str{attributes}
"""


@dataclass(frozen=True)
class Scaling:
    """How the scores of training become raw scores: z = center + scale ẑ, each (n_y,)."""

    center: Array
    scale: Array


@dataclass(eq=False, repr=False)
class _Network(CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: everything but the target. The fields are the parameters."""

    n_hidden: int = 100
    _: KW_ONLY
    activation: str = "relu"
    solver: str = "auto"
    alpha: float | str = "auto"
    learning_rate: float | str = "auto"
    batch_size: int | str = "auto"
    max_iter: int | str = "auto"
    tol: float | str = "auto"
    n_iter_no_change: int = 10
    early_stopping: bool | str = "auto"
    validation_fraction: float = 0.1
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    init: str = "auto"
    init_scale: float | None = None
    n_members: int = 1
    preprocessing: str | None = "auto"
    categorical_features: Sequence[str] = ()
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

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any = None,
        *,
        goes_on: bool,
        one_epoch: bool = False,
    ) -> Self:
        settings = self.get_params(deep=False)
        engine = choose_engine(self.engine)
        X, y = self._check_rows(X, y, reset=not goes_on)
        weight = self._check_weights(X, y, sample_weight)
        if weight is not None and not weight.all():
            kept = np.flatnonzero(weight)
            X, y, weight = _safe_indexing(X, kept), y[kept], weight[kept]
        recipe = choose_recipe(settings, m := len(y))
        if one_epoch:
            # L-BFGS needs all examples at hand; a stream of them gets Adam.
            solver = "adam" if recipe.solver == "lbfgs" else recipe.solver
            once = {"solver": solver, "max_iter": 1, "tol": 0.0, "early_stopping": False}
            recipe = choose_recipe(settings | once, m)
        if recipe.solver == "lbfgs" and as_frame(X) is None:
            X, y, weight = merge_rows(X, y, weight)
        Y, loss = self._encode_target(y, reset=not goes_on)
        if not goes_on:
            self._learn(X, Y, weight, loss)
        problem = self._problem(X, Y, weight, loss)
        if not goes_on:
            self._members = self._start(problem, recipe)
        elif len(self._members[0].parameters.W1) != recipe.n_hidden:
            raise ParameterError(
                f"the network to continue has {len(self._members[0].parameters.W1)} hidden units, "
                f"but n_hidden is now {recipe.n_hidden}: set it back, or fit with warm_start=False"
            )
        given = validation_data is not None
        validation = self._validation_problem(validation_data, loss) if given else None
        callbacks = [*self.callbacks, *([_print_progress] if self.verbose else [])]
        end = None
        if getattr(self, "_skl_callbacks", None) and not one_epoch:
            tell, end = self._sklearn_callbacks(X, y, loss, recipe)
            callbacks.append(tell)
        for k, member in enumerate(self._members):
            kept, held_out = problem, validation
            if recipe.hold_out and not given:
                kept, held_out = self._split(problem, recipe.hold_out, k)
            train(engine, member, kept, held_out, recipe, callbacks)
        self._finish(engine, problem, recipe, one_epoch=one_epoch)
        if end is not None:
            end()
        return self

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
            categorical=self.categorical_features,
            bare=self.preprocessing is None,
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
        seed = self.random_state
        if seed is None:
            seed = np.random.SeedSequence().generate_state(1)[0]
        elif isinstance(seed, np.random.RandomState):
            seed = seed.randint(2**31)
        self._seed = int(seed)

    def _problem(self, X: Any, Y: Array, weight: Array | None, loss: Loss) -> Problem:
        """The rows as the network is trained on them: encoded, scaled, examples as columns."""
        dtype = _float_type(X)
        X = self._columns.encode(X, dtype=dtype)
        if hasattr(X, "tocsr"):
            X = X.multiply(1 / self._columns.scales()).tocsr().astype(dtype, copy=False)
        else:
            X = (X - self._columns.centers()) / self._columns.scales()
            X = np.ascontiguousarray(X, dtype=dtype)
        center, scale = self._scaling.center[: len(Y), None], self._scaling.scale[: len(Y), None]
        if loss.scalable == "affine":
            Y = (Y - center) / scale
        elif loss.scalable == "scale":
            Y = Y / np.exp(center)
        return Problem(
            X=X.T,
            Y=Y.astype(dtype, copy=False),
            sample_weight=None if weight is None else weight.astype(dtype, copy=False),
            activation=self.activation,
            loss=loss,
        )

    def _validation_problem(self, validation_data: Any, loss: Loss) -> Problem:
        """The user's own rows to stop by, encoded as the training rows are."""
        try:
            X, y, *weights = validation_data
        except (TypeError, ValueError):
            raise ParameterError(
                "validation_data must be (X, y) or (X, y, sample_weight)"
            ) from None
        X, y = self._check_rows(X, y, reset=False)
        weight = self._check_weights(X, y, weights[0] if weights else None)
        Y, _ = self._encode_target(y, reset=False)
        return self._problem(X, Y, weight, loss)

    def _start(self, problem: Problem, recipe: Recipe) -> list[Member]:
        """New members, each with its own stream of random numbers."""
        members = []
        for k in range(recipe.n_members):
            parameters = initialize(
                problem.X.shape[0],
                recipe.n_hidden,
                len(self._scaling.center),
                scheme=recipe.scheme,
                scale=recipe.scale,
                # The first member's seed is the legacy stream's own, as in the course.
                random_state=np.random.RandomState(self._seed if k == 0 else [self._seed, k]),
            )
            parameters = Parameters(*(block.astype(problem.Y.dtype) for block in parameters))
            members.append(Member(parameters, np.random.default_rng([self._seed, k])))
        return members

    def _split(self, problem: Problem, share: float, k: int) -> tuple[Problem, Problem]:
        """The examples member k trains on, and those it stops by: the same in every fit on them."""
        if problem.m < 2:
            raise DataError("one row cannot be split: early_stopping needs at least two")
        labels = None
        if hasattr(self, "classes_") and type_of_target(problem.Y.T) != "multilabel-indicator":
            labels = problem.Y[0] if len(problem.Y) == 1 else problem.Y.argmax(axis=0)
            counts = np.unique(labels, return_counts=True)[1]
            if counts.min() < 2 or min(share, 1 - share) * problem.m < len(counts):
                labels = None  # too few rows for every class to be on both sides
        kept, held_out = train_test_split(
            np.arange(problem.m),
            test_size=share,
            stratify=labels,
            random_state=int(np.random.SeedSequence([self._seed, k]).generate_state(1)[0]),
        )
        return problem.batch(kept), problem.batch(held_out)

    def _finish(
        self, engine: NumpyEngine, problem: Problem, recipe: Recipe, *, one_epoch: bool
    ) -> None:
        """Fold the members into one network in raw units, and say what happened."""
        network = average([member.parameters for member in self._members])
        self.loss_ = engine.cost(problem, network)
        if not np.isfinite(self.loss_):
            raise DivergenceError(
                "the cost is not a finite number: scale the inputs and the target, or choose a "
                "smaller learning_rate"
            )
        self.engine_ = engine.name
        self.history_ = self._members[0].history
        self.loss_curve_ = self.history_.loss
        self.validation_loss_curve_ = self.history_.validation_loss
        self.n_iter_ = self.history_.n_iter
        self.n_outputs_ = len(problem.Y)
        self.model_ = self._model(network, problem.loss)
        histories = [member.history for member in self._members]
        if any(history.interrupted for history in histories):
            warnings.warn(
                f"{self.history_.stop_reason} The best network so far is kept.",
                InterruptedFitWarning,
                stacklevel=4,
            )
        elif not (one_epoch or recipe.solver == "gd" or all(h.converged for h in histories)):
            warnings.warn(
                f"{self.history_.stop_reason} The loss was still falling: raise max_iter.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _model(self, network: Parameters, loss: Loss) -> Model:
        """A network in scaled units as a Model in raw units."""
        network = fold_inputs(network, self._columns.centers(), self._columns.scales())
        network = fold_scores(network, self._scaling.center, self._scaling.scale)
        history = self._members[0].history
        summary = {
            "estimator": type(self).__name__,
            "solver": self.solver,
            "iterations": history.n_iter,
            "stop_reason": history.stop_reason,
        }
        return Model(
            parameters=network,
            activation=self.activation,
            loss=loss,
            columns=self._columns,
            target=self._target_names,
            classes=self._model_classes(),
            training=summary,
        )

    def _model_classes(self) -> Array | None:
        """Labels for the Model; None where there are none."""
        return None

    # ---- what comes in ----

    def _check_rows(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Array]:
        """X and y as they can be used, with scikit-learn's checks of shape and names."""
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        X = self._check_table(X, reset=reset)
        names, y = _names(y), np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = check_array(y, ensure_2d=False, dtype=None, ensure_all_finite=False, input_name="y")
        check_consistent_length(X, y)
        _check_present(y)
        if reset:
            numbered = tuple(f"y{k + 1}" for k in range(y.shape[1])) if y.ndim > 1 else ("y",)
            self._target_names = names or numbered
        return X, y

    def _check_table(self, X: Any, *, reset: bool) -> Any:
        """X as a data frame, array or CSR matrix that `Columns` can read."""
        frame = as_frame(X)
        if frame is None or self.preprocessing is None:
            X = validate_data(
                self,
                X,
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                ensure_all_finite=self.preprocessing is None,
                reset=reset,
            )
            if hasattr(X, "tocsr"):
                check_array(X, accept_sparse=True)
            return X
        if not len(frame):
            raise DataError("the table has no rows")
        if not reset and any(
            c.kind in ("category", "date", "boolean") for c in self._columns.columns
        ):
            # A table with names is read by its names, in any order.
            match_columns(self._columns, frame)
        else:
            # scikit-learn's contract for numbers: the columns of the fit, in their order.
            _check_feature_names(self, X, reset=reset)
        if reset:
            _check_n_features(self, X, reset=True)
        return X

    def _check_weights(self, X: Any, y: Array, sample_weight: Any) -> Array | None:
        """Weights of the rows, at least 0; None where all are 1."""
        if sample_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
        if not weight.any():
            raise DataError("every sample_weight is 0: give at least one row a weight above 0")
        return weight

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
        """A callback that tells scikit-learn's, one task per call; and what ends the fit for them."""
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


def _can_stream(estimator: _Network) -> bool:
    """L-BFGS needs all examples at once."""
    if estimator.solver == "lbfgs":
        raise AttributeError('partial_fit needs solver "auto", "adam", "sgd" or "gd"')
    return True


@dataclass(eq=False, repr=False)
class ShoalClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    __doc__ = "Classification with one hidden layer: two classes, several, or several labels.\n"
    __doc__ += PARAMETERS.format(
        own="""class_weight : dict, "balanced" or None
        Weight of each class, multiplied with `sample_weight`.""",
        attributes="""
    classes_ : array (n_classes,)""",
    )

    class_weight: Any = None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(_can_stream)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Continue with one epoch on these rows.

        The first call learns the columns and their scaling from its rows, so give it a
        representative batch.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array, optional
            All labels there will be; needed at the first call if its rows lack some.

        Returns
        -------
        self
        """
        first = not hasattr(self, "model_")
        self._expected_classes = None if classes is None else np.unique(classes)
        if (
            not first
            and classes is not None
            and not np.array_equal(self._expected_classes, self.classes_)
        ):
            raise ParameterError(
                f"classes {list(classes)!r} are not those of the first call, {list(self.classes_)!r}"
            )
        try:
            return self._fit(X, y, sample_weight, goes_on=not first, one_epoch=True)
        finally:
            del self._expected_classes

    def _encode_target(self, y: Array, *, reset: bool) -> tuple[Array, Loss]:
        """Labels as Y: 0 or 1 (1, m), one row per class, or one row per label."""
        check_classification_targets(y)
        if reset:
            self._multilabel = type_of_target(y) == "multilabel-indicator"
            expected = getattr(self, "_expected_classes", None)
            if expected is None:
                expected = np.arange(y.shape[1]) if self._multilabel else np.unique(y)
            if len(expected) < 2 and not self._multilabel:
                raise DataError(
                    f"y has one class only ({expected[0]!r}): nothing to tell apart; "
                    "give rows of at least one other class"
                )
            self.classes_ = expected
        if self._multilabel:
            return np.asarray(y.T, dtype=float), BinaryCrossEntropy()
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise DataError(f"y has the class {unknown[0]!r}, which the first fit did not have")
        index = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return index[None].astype(float), BinaryCrossEntropy()
        return np.eye(len(self.classes_))[:, index], CrossEntropy()

    def _model_classes(self) -> Array | None:
        if self._multilabel:
            return None
        kinds = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}
        return self.classes_.astype(kinds.get(self.classes_.dtype.kind, np.str_))

    def _check_weights(self, X: Any, y: Array, sample_weight: Any) -> Array | None:
        weight = super()._check_weights(X, y, sample_weight)
        if self.class_weight is None:
            return weight
        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if weight is None else weight * by_class

    def decision_function(self, X: Any) -> Array:
        """Raw scores Z2: (m,) for two classes, else (m, n_classes) or (m, n_labels)."""
        check_is_fitted(self)
        scores = self.model_.scores(self._check_table(X, reset=False))
        return scores[:, 0] if self.model_.task == "binary" else scores

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (m, n_classes), or of each label (m, n_labels)."""
        check_is_fitted(self)
        return self.model_.predict_proba(self._check_table(X, reset=False))

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Class of each row (m,), or labels (m, n_labels) of 0 and 1."""
        check_is_fitted(self)
        chosen = self.model_.choose(self._check_table(X, reset=False))
        return chosen if self._multilabel else self.classes_[chosen]


REGRESSION_LOSSES = {
    "squared_error" if name == "identity" else name: loss
    for name, loss in LOSSES.items()
    if loss.scalable != "no"
}


@dataclass(eq=False, repr=False)
class ShoalRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    __doc__ = "Regression with one hidden layer: one target, several, or several quantiles.\n"
    __doc__ += PARAMETERS.format(
        own="""loss : str or Loss, default="squared_error"
        "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie", or
        an object of `shoal.losses` with settings of its own, as Quantile(levels=(0.1, 0.9)).""",
        attributes="",
    )

    loss: str | Loss = "squared_error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @available_if(_can_stream)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Continue with one epoch on these rows.

        The first call learns the columns and the scaling from its rows, so give it a
        representative batch.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.

        Returns
        -------
        self
        """
        goes_on = hasattr(self, "model_")
        return self._fit(X, y, sample_weight, goes_on=goes_on, one_epoch=True)

    def _encode_target(self, y: Array, *, reset: bool) -> tuple[Array, Loss]:
        """Values as Y (n_y, m)."""
        loss = self.loss
        if isinstance(loss, str):
            if loss not in REGRESSION_LOSSES:
                known = ", ".join(REGRESSION_LOSSES)
                raise ParameterError(f"loss {loss!r} does not exist; choose one of: {known}")
            loss = REGRESSION_LOSSES[loss]()
        try:
            Y = np.atleast_2d(np.asarray(y, dtype=float).T)
        except (TypeError, ValueError) as error:
            raise DataError(f"y must hold numbers for a regression: {error}") from error
        check_finite(Y.T, self._target_names)
        loss.check(Y)
        if reset:
            self._many = y.ndim > 1
        elif len(Y) != self.n_outputs_:
            raise DataError(f"y has {len(Y)} columns, but the first fit had {self.n_outputs_}")
        return Y, loss

    def predict(self, X: Any) -> Array:
        """Value for each row (m,), or (m, n_y) for several targets or quantiles."""
        check_is_fitted(self)
        return self.model_.predict(self._check_table(X, reset=False))


def _float_type(X: Any) -> type:
    """float32 if all of the table is, else float64."""
    frame = as_frame(X)
    types = [X.dtype] if frame is None else list(frame.schema.values())
    return np.float32 if all(str(kind).lower() == "float32" for kind in types) else np.float64


def _names(y: Any) -> tuple[str, ...]:
    """Names that the target columns bring with them, if they do."""
    if hasattr(y, "columns"):
        return tuple(str(name) for name in y.columns)
    name = getattr(y, "name", None)
    return (name,) if isinstance(name, str) and name else ()


def _check_present(y: Array) -> None:
    """Raise DataError naming the first missing value of y."""
    if y.dtype.kind not in "fOc":
        return
    for i, value in enumerate(y.ravel().tolist()):
        if value is None or value != value:
            row = i // (y.size // len(y)) + 1
            raise DataError(
                f"Input y contains NaN (missing) in row {row}: drop the rows without a target"
            )


def _print_progress(progress: Progress) -> None:
    """One line on iterations 1, 2, 5, 10, 20, 50, ..."""
    leading = str(progress.iteration).rstrip("0")
    if leading in ("1", "2", "5") or progress.iteration == progress.max_iter:
        held_out = progress.validation_loss
        tail = "" if held_out is None else f"  held out {held_out:.6f}"
        print(f"iteration {progress.iteration:>6,}  loss {progress.loss:.6f}{tail}")
