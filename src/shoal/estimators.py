"""ShoalClassifier and ShoalRegressor: what each makes of its target, and their parameters. Thin."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from shoal.activations import Array
from shoal.cells import check_finite
from shoal.committee import RESIDUALS, loss_by_part, out_of_fold, temperature
from shoal.engine import Problem
from shoal.errors import DataError, ParameterError
from shoal.estimator_base import Network, can_stream
from shoal.folding import fold_scores
from shoal.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss
from shoal.network import Parameters

PARAMETERS = """
    Parameters
    ----------
    n_hidden : int or "auto"
        Hidden units of a member. 0 is a model without any: logistic or linear regression, on bins
        an additive model. "auto" is 64, and 100 for a named solver.
    activation : str, default="relu"
        g of the hidden layer, a name in `shoal.ACTIVATIONS`.
    solver : {{"auto", "gd", "sgd", "adam", "lbfgs"}}, default="auto"
        Gradient descent on all examples (the course), minibatches with momentum, Adam, or
        L-BFGS: one plain network, scaled and trained by that method. "auto" is the whole recipe of
        docs/recipe.md: a committee of 8 on bins, by Adam in float32, each member holding out an
        eighth of the rows; up to 60 rows a committee by "lbfgs"; "adam" for a sparse X and for
        preprocessing=None. Where the recipe differs, "auto" of another setting names it below.
    alpha : float or "auto"
        Weight of the L2 penalty. Training minimises Σ L + alpha/2 (‖W1‖² + ‖W2‖²), divided by the
        number of examples (the sum of their weights), whatever the solver and the batch size.
        "auto" is 0 for "gd" and the recipe, and 1 for the others.
    learning_rate : float or "auto"
        α of Eq 12. "auto" is 0.1 ("gd"), 0.01 ("sgd"), 0.003 ("adam"), 0.002 · √(batch_size /
        64) (the recipe); "lbfgs" has none.
    batch_size : int or "auto"
        Examples of a step of "sgd" and "adam"; "auto" is min(200, m), in the recipe 64,
        and 256 from 4,000 rows on.
    max_iter : int or "auto"
        Steps of "gd" (2,000), epochs of "sgd" and "adam" (200) and of the recipe (400),
        iterations of "lbfgs" (500).
    tol : float or "auto"
        Training ends when the watched loss has not improved by more than this in
        `n_iter_no_change` iterations; "lbfgs" ends when no entry of the gradient is larger.
        "auto" is 0 for "gd", which then makes all its steps, and for the recipe, and 1e-4 for the
        others.
    n_iter_no_change : int or "auto"
        See `tol`. "auto" is 10, in the recipe 12.
    early_stopping : bool or "auto"
        Whether to hold out rows, watch their loss and keep the parameters where it is lowest.
        "auto" does so in the recipe, and with "sgd" and "adam" on more than 300 rows.
    validation_fraction : float or "auto"
        Share of the rows held out for it, by each member its own. "auto" is 0.1; in the recipe the
        members hold out parts that make up the whole, so that every row is held out once.
    dropout : float or "auto"
        Share of the hidden units that are left out of each example's step of "gd", "sgd" and
        "adam". "auto" is 0, in the recipe 0.2 for values.
    weight_decay : float or "auto"
        Share of itself, times the learning rate, that each weight loses in a step of "adam".
        "auto" is 0, in the recipe 0.01.
    momentum, nesterovs_momentum
        Of "sgd".
    beta_1, beta_2, epsilon
        Of "adam".
    init : {{"auto", "normal", "zeros", "xavier", "he"}}
        Scheme of the first weights, see `shoal.initialize`. "auto" is "normal" if `init_scale` is
        given, else "he" for the ReLU family and "xavier" for the others.
    init_scale : float or None
        Standard deviation of the scheme "normal"; None is 0.01.
    skip : bool or "auto"
        Whether a linear term is trained beside the hidden units, which it becomes two more of per
        output. "auto" does so in the recipe, where the activation allows it (all but sigmoid and
        tanh).
    n_members : int or "auto"
        Networks trained from different starts. Their scores are averaged, which is again one
        network, of n_members · n_hidden units. "auto" is 1, in the recipe 8.
    preprocessing : "auto" or None
        "auto" reads tables (numbers, categories, dates, booleans, missing values) and trains on
        scaled inputs and targets; the scaling is folded into the weights afterwards. None is the
        bare network: numbers in, nothing scaled.
    n_bins : int or "auto"
        Bins of each column of numbers, which are inputs beside its value; 0 for none. With bins
        values far out count no further, and rare levels share an input. "auto" is 0, in the recipe
        8 to 32 by the number of rows.
    categorical_features : sequence of str
        Columns of a data frame whose numbers are names of categories.
    time_limit : float or None
        Seconds after which training ends, with the best network so far.
    n_jobs : int or None
        Threads at most; None for one per core. Any number gives the same model, bit for bit.
    engine : {{"auto", "numpy", "compiled"}}
        What computes: the compiled kernel, or NumPy. "auto" is the kernel where it is built.
    warm_start : bool
        Continue from the last fit: its weights, its scaling, its held-out rows.
    callbacks : sequence of callable
        Each is called with a `Progress` and may return True to stop: after every iteration, or
        after several that take about 50 ms together, but always after 1, 2, 5, 10, 20, 50, ...
        scikit-learn's own callbacks are set with `set_callbacks`.
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
        Cost J of the rows of `fit` with the weights kept, in the units of training.
    loss_curve_, validation_loss_curve_ : list of float
        See `History`.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : array
    n_outputs_ : int
    engine_ : str
    oof_score_ : float
        Accuracy, or R², of the rows of `fit`, each predicted by the member that held it out. With
        the recipe only.
    oof_prediction_ : array (m,), (m, n_y) or (m, n_classes)
        Those predictions: values, or probabilities.
    oof_losses_ : list of float
        Their loss, by the fold that was held out, in the units of training.
    histories_ : list of History
        Of all members.{attributes}
"""

LABELS = ("binary", "multiclass", "multilabel-indicator")

Class = TypeVar("Class", bound=type)


def documented(own: str, attributes: str) -> Callable[[Class], Class]:
    """Complete a class's docstring by the parameters that both estimators share, and its own."""

    def complete(estimator: Class) -> Class:
        estimator.__doc__ = f"{estimator.__doc__}\n" + PARAMETERS.format(
            own=own, attributes=attributes
        )
        return estimator

    return complete


@documented(
    """class_weight : dict, "balanced" or None
        Weight of each class, multiplied with `sample_weight`.""",
    """
    classes_ : array (n_classes,)""",
)
@dataclass(eq=False, repr=False)
class ShoalClassifier(ClassifierMixin, Network):  # type: ignore[misc]
    """Classification with one hidden layer: two classes, several, or several labels."""

    _: KW_ONLY
    class_weight: Any = None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(can_stream)
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
        goes_on = hasattr(self, "model_")
        if classes is not None:
            classes = np.unique(classes)
            if goes_on and not np.array_equal(classes, self.classes_):
                raise ParameterError(
                    f"classes {classes.tolist()} are not those of the first call, "
                    f"{self.classes_.tolist()}"
                )
        self._expected_classes = classes
        try:
            return self._fit(X, y, sample_weight, goes_on=goes_on, one_epoch=True)
        finally:
            del self._expected_classes

    def _encode_target(self, y: Array, *, reset: bool) -> tuple[Array, Loss]:
        """Labels as Y: 0 or 1 (1, m), one row per class, or one row per label."""
        kind = type_of_target(y, input_name="y")
        if kind not in LABELS:
            raise DataError(
                f"Unknown label type: {kind}. y must hold text, whole numbers, true and false, or "
                "in several columns 0 and 1; to predict other numbers use ShoalRegressor"
            )
        multilabel = kind == "multilabel-indicator"
        if reset:
            expected = getattr(self, "_expected_classes", None)
            if expected is None:
                expected = np.arange(y.shape[1]) if multilabel else np.unique(y)
            if len(expected) < 2 and not multilabel:
                raise DataError(
                    f"y has one class only ({expected.tolist()[0]!r}): nothing to tell apart; "
                    "give rows of at least one other class"
                )
            self.classes_, self._multilabel = expected, multilabel
        if multilabel != self._multilabel or (multilabel and y.shape[1] != len(self.classes_)):
            wanted = f"{len(self.classes_)} columns of 0 and 1" if self._multilabel else "1 column"
            raise DataError(f"y must have {wanted}, as the model does, but its shape is {y.shape}")
        if multilabel:
            return np.asarray(y.T, dtype=float), BinaryCrossEntropy()
        known = set(self.classes_.tolist())
        for label in np.unique(y).tolist():
            if label not in known:
                raise DataError(
                    f"y has the class {label!r}, which is none of the model's: "
                    f"{', '.join(map(repr, self.classes_.tolist()[:20]))}"
                )
        if len(self.classes_) == 2:
            return (y == self.classes_[1])[None].astype(np.float32), BinaryCrossEntropy()
        index = np.searchsorted(self.classes_, y)
        return np.eye(len(self.classes_), dtype=np.float32)[:, index], CrossEntropy()

    def _judge(
        self, problem: Problem, parts: list[Array], network: Parameters
    ) -> tuple[Parameters, dict[str, Any]]:
        """Make the probabilities those that rows held out bear out, and score them."""
        Z2 = out_of_fold(problem, self._members, parts)
        weight, Y, loss = problem.sample_weight, problem.Y.astype(np.float64), problem.loss
        stretch = temperature(Z2, Y, weight, loss)
        unit = np.full(len(Z2), stretch)
        if self._multilabel:
            hit = ((Z2 > 0) == Y).all(axis=0)
        else:
            both = np.vstack([np.zeros_like(Z2), Z2]) if len(Z2) == 1 else Z2
            hit = both.argmax(axis=0) == (Y[0] if len(Y) == 1 else Y.argmax(axis=0))
        A2 = loss.output(stretch * Z2)
        two = len(A2) == 1 and not self._multilabel
        self.oof_prediction_ = np.stack([1 - A2[0], A2[0]], axis=1) if two else A2.T
        self.oof_score_ = float(np.average(hit, weights=weight))
        losses = loss.losses(stretch * Z2, Y)
        self.oof_losses_ = loss_by_part(losses, weight, parts)
        log_loss = float(np.average(losses, weights=weight))
        summary = {
            "out_of_fold": {"accuracy": self.oof_score_, "log_loss": log_loss},
            "temperature": 1 / stretch,
        }
        return fold_scores(network, np.zeros(len(Z2)), unit), summary

    def _model_classes(self) -> Array | None:
        if self._multilabel:
            return None
        kinds = {"i": np.int64, "u": np.int64, "f": np.float64, "b": np.bool_}
        return self.classes_.astype(kinds.get(self.classes_.dtype.kind, np.str_))

    def _weigh(self, y: Array, weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return weight
        try:
            by_class = compute_sample_weight(self.class_weight, y)
        except ValueError as error:
            raise ParameterError(
                f"class_weight must give each class a weight above 0: {error}"
            ) from error
        if (by_class < 0).any():
            raise ParameterError(f"class_weight has a weight below 0: {self.class_weight!r}")
        return np.asarray(by_class if weight is None else weight * by_class)

    def decision_function(self, X: Any) -> Array:
        """Raw scores Z2: (m,) for two classes, else (m, n_classes) or (m, n_labels)."""
        X = self._rows(X)
        scores = self.model_.scores(X)
        return scores[:, 0] if self.model_.task == "binary" else scores

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (m, n_classes), or of each label (m, n_labels)."""
        X = self._rows(X)
        return self.model_.predict_proba(X)

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> Array:
        """Class of each row (m,), or labels (m, n_labels) of 0 and 1."""
        X = self._rows(X)
        chosen = self.model_.choose(X)
        return chosen if self._multilabel else self.classes_[chosen]


REGRESSION_LOSSES = {
    "squared_error" if name == "identity" else name: loss
    for name, loss in LOSSES.items()
    if loss.scalable != "no"
}


@documented(
    """loss : str or Loss, default="squared_error"
        "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie", or
        an object of `shoal.losses` with settings of its own, as Quantile(levels=(0.1, 0.9)).""",
    "",
)
@dataclass(eq=False, repr=False)
class ShoalRegressor(RegressorMixin, Network):  # type: ignore[misc]
    """Regression with one hidden layer: one target, several, or several quantiles."""

    _: KW_ONLY
    loss: str | Loss = "squared_error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @available_if(can_stream)
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
        if isinstance(loss, str) and loss in REGRESSION_LOSSES:
            loss = REGRESSION_LOSSES[loss]()
        if not isinstance(loss, Loss) or loss.scalable == "no":
            known = ", ".join(REGRESSION_LOSSES)
            raise ParameterError(f"loss {loss!r} does not exist; choose one of: {known}")
        try:
            Y = np.atleast_2d(np.asarray(y, dtype=float).T)
        except (TypeError, ValueError) as error:
            raise DataError(f"y must hold numbers for a regression: {error}") from error
        check_finite(Y.T, self._target_names, "y")
        loss.check(Y)
        if reset:
            self._many = y.ndim > 1
        elif len(Y) != len(self._target_names):
            wanted = len(self._target_names)
            raise DataError(f"y has {len(Y)} columns, but the first fit had {wanted}")
        return Y, loss

    def _judge(
        self, problem: Problem, parts: list[Array], network: Parameters
    ) -> tuple[Parameters, dict[str, Any]]:
        """Score the rows held out, and keep how far off they are."""
        loss, scaling = problem.loss, self._scaling
        Z2 = out_of_fold(problem, self._members, parts)
        A2 = loss.output(Z2 * scaling.scale[:, None] + scaling.center[:, None])
        Y = problem.Y.astype(np.float64)  # in raw units again
        if loss.scalable == "affine":
            Y = Y * scaling.scale[: len(Y), None] + scaling.center[: len(Y), None]
        elif loss.scalable == "scale":
            Y = Y * np.exp(scaling.center[:, None])
        losses = loss.losses(Z2, problem.Y.astype(np.float64))
        self.oof_losses_ = loss_by_part(losses, problem.sample_weight, parts)
        self.oof_prediction_ = A2[0] if len(A2) == 1 else A2.T
        if len(A2) != len(Y):  # quantiles
            return network, {}
        self.oof_score_ = float(r2_score(Y.T, A2.T, sample_weight=problem.sample_weight))
        levels = np.quantile(np.abs(Y - A2), RESIDUALS, axis=1)  # (201, n_y)
        return network, {
            "out_of_fold": {"r2": self.oof_score_},
            "residuals": [[float(f"{v:.6g}") for v in row] for row in levels.T],
        }

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Where the value of each row lies, in so large a share of cases.

        The prediction, and as far to both sides as so large a share of the rows held out were off
        the predictions of members that had not seen them (Barber et al., 2021, Predictive
        inference with the jackknife+, the cross-conformal form for one averaged model).

        Parameters
        ----------
        X : table
        coverage : float
            Between 0 and 1.

        Returns
        -------
        array (m, 2), or (m, n_y, 2) for several targets

        Raises
        ------
        ParameterError
            If the training held no rows out in folds, as with a named solver.
        """
        return self.model_.predict_interval(self._rows(X), coverage)

    def predict(self, X: Any) -> Array:
        """Value for each row (m,), or (m, n_y) for several targets or quantiles."""
        X = self._rows(X)
        return self.model_.predict(X)
