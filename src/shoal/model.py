"""Model: what training makes and everything else reads. The narrow waist of the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shoal.activations import Array
from shoal.cells import frame_like
from shoal.errors import ParameterError
from shoal.losses import CrossEntropy, Loss
from shoal.network import Parameters
from shoal.prediction import Predictor
from shoal.table import Columns

if TYPE_CHECKING:
    from shoal.attribution import Explainer


@dataclass(frozen=True, repr=False)
class Model:
    """A fitted network and how a table becomes its inputs. Plain data; nothing can be trained.

    The parameters take the inputs of `columns` in raw units, and give targets in raw units: the
    scaling used in training is folded into them.

    Attributes
    ----------
    parameters : Parameters
        W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1), all float32 or all float64.
    activation : str
        Name of g, in `shoal.ACTIVATIONS`.
    loss : Loss
        Output function and loss; `loss.name` is what `output=` takes.
    columns : Columns
        How a table becomes X.
    target : tuple of str
        Names of the target columns.
    classes : array (n_classes,) or None
        Labels of a classifier in the order of its probabilities: str, int64, float64 or bool.
        None for regression and multilabel.
    training : dict
        Summary of the training, as JSON would hold it (text, numbers, lists, dicts).
    """

    parameters: Parameters
    activation: str
    loss: Loss
    columns: Columns
    target: tuple[str, ...] = ("y",)
    classes: Array | None = None
    training: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # One memory layout, so that a model that was saved and loaded predicts the same bits.
        blocks = (np.ascontiguousarray(block) for block in self.parameters)
        object.__setattr__(self, "parameters", Parameters(*blocks))

    def __repr__(self) -> str:
        W1, _, W2, b2 = self.parameters
        n_x = (W1 if len(W1) else W2).shape[1]
        hidden = f"{len(W1)} {self.activation} units, " if len(W1) else ""
        return f"<Model: {self.task}, {n_x} inputs, {hidden}{len(b2)} {self.loss.name} outputs>"

    @property
    def task(self) -> str:
        """ "binary", "multiclass", "multilabel" or "regression"."""
        if self.classes is not None:
            return "binary" if self.loss.name == "sigmoid" else "multiclass"
        return "multilabel" if self.loss.name == "sigmoid" else "regression"

    def _predictor(self, parameters: Parameters, loss: Loss) -> Predictor:
        columns = self.columns
        return Predictor(
            columns.reorder(parameters), self.activation, loss, columns.slots_of_lookup
        )

    @cached_property
    def _network(self) -> Predictor:
        return self._predictor(self.parameters, self.loss)

    @cached_property
    def _probabilities(self) -> Predictor:
        """The network whose outputs are probabilities: of two classes, with a score for each.

        The softmax of 0 and z is both probabilities; 1 - A2 would lose the digits of what is
        nearly 0.
        """
        if self.task == "regression":
            raise ParameterError("a regression has no probabilities: use predict")
        if self.task != "binary":
            return self._network
        W1, b1, W2, b2 = self.parameters
        zero_W, zero_b = np.zeros_like(W2), np.zeros_like(b2)
        both = Parameters(W1, b1, np.vstack([zero_W, W2]), np.vstack([zero_b, b2]))
        return self._predictor(both, CrossEntropy())

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def scores(self, X: Any) -> Array:
        """Raw scores Z2 of a table's rows, (m, n_y)."""
        return self._network(self.columns.inputs(X, self.parameters.W2.dtype), scores=True)

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (m, n_classes), or of each label (m, n_y).

        Raises
        ------
        ParameterError
            If the model is a regression.
        """
        network = self._probabilities
        return network(self.columns.inputs(X, self.parameters.W2.dtype), scores=False)

    def choose(self, X: Any) -> Array:
        """Index of the most probable class of each row (m,), or 0 or 1 for each label (m, n_y)."""
        scores = self.scores(X)
        if self.task == "multiclass":
            return scores.argmax(axis=1)
        chosen = (scores > 0).astype(int)
        return chosen[:, 0] if self.task == "binary" else chosen

    def predict(self, X: Any) -> Array:
        """Predicted class, labels (0 or 1 each) or value of a table's rows.

        Returns
        -------
        array (m,), or (m, n_y) for multilabel, several targets or several quantiles
        """
        if self.task == "regression":
            A2 = self._network(self.columns.inputs(X, self.parameters.W2.dtype), scores=False)
            return A2[:, 0] if A2.shape[1] == 1 else A2
        chosen = self.choose(X)
        return chosen if self.classes is None else self.classes[chosen]

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Where the value of each row lies in a share `coverage` of cases, (m, 2) or (m, n_y, 2).

        Raises
        ------
        ParameterError
            If the model is no regression, or knows no rows that were held out.
        """
        residuals = self.training.get("residuals")
        if self.task != "regression" or not residuals:
            raise ParameterError(
                "intervals come from rows that were held out in turn: fit a ShoalRegressor with "
                'solver="auto" and more than 60 rows'
            )
        if not 0 < coverage < 1:
            raise ParameterError(f"coverage must be between 0 and 1, not {coverage!r}")
        levels = np.linspace(0, 1, len(residuals[0]))
        reach = np.array([np.interp(coverage, levels, values) for values in residuals])
        center = self.predict(X)
        reach = reach[0] if center.ndim == 1 else reach
        return np.stack([center - reach, center + reach], axis=-1)

    # ---- of others ----

    @classmethod
    def from_sklearn(cls, estimator: Any, *, target: str | Sequence[str] | None = None) -> "Model":
        """The model that a network fitted by scikit-learn is; it predicts the same.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or Pipeline
            Fitted, with one hidden layer or none. In a Pipeline a StandardScaler may come before.
        target : str or sequence of str, optional
            Names of the targets, which scikit-learn does not keep.

        Raises
        ------
        ParameterError
            If there are more hidden layers, or other steps in the Pipeline.
        """
        from shoal.foreign import read_sklearn

        return cls(**read_sklearn(estimator, target))

    @classmethod
    def from_nnet(
        cls,
        source: str | Path | Mapping[str, Any],
        *,
        target: str | Sequence[str] | None = None,
    ) -> "Model":
        """The model that a network fitted by R's `nnet` is, or by its `multinom`.

        Parameters
        ----------
        source : path or mapping
            A file that R has written of a fit:

                keep <- c("n", "nsunits", "softmax", "censored", "wts", "lev", "coefnames")
                dput(unclass(fit)[keep], "fit.txt", control = c("niceNames", "digits17"))

            Or those as a mapping: `n`, the numbers of inputs, hidden units and outputs, and `wts`
            must be there; `linout`, whether outputs are linear, may stand for `nsunits`.
        target : str or sequence of str, optional
            Names of the targets.

        Raises
        ------
        ParameterError
            If the net has connections past its hidden layer (skip), or is of censored classes.
        DataError
            If the file cannot be read, or its weights are not those of such a net.

        Notes
        -----
        R takes a sigmoid below 3e-7 for 0 and one above 1 - 3e-7 for 1, which is not done here: a
        unit may differ by that much. Factors are inputs as R's contrasts name them.
        """
        from shoal.foreign import read_nnet

        return cls(**read_nnet(source, target))

    # ---- what it has learnt ----

    @cached_property
    def explainer(self) -> "Explainer":
        """The scores and what drives them, as arrays.

        The scores of a softmax are less their average here: what adds the same to all of them
        changes no probability, and so is no reason for any.
        """
        from shoal.attribution import Explainer

        W1, b1, W2, b2 = (block.astype(np.float64) for block in self.parameters)
        if self.loss.name == "softmax":
            W2, b2 = W2 - W2.mean(axis=0), b2 - b2.mean()
        return Explainer(Parameters(W1, b1, W2, b2), self.activation, self.columns)

    @property
    def score_names(self) -> list[Any]:
        """What each score is of: a class (of two, the second), a label, a target or a quantile."""
        if self.classes is not None:
            return self.classes[1:].tolist() if self.task == "binary" else self.classes.tolist()
        return list(getattr(self.loss, "levels", self.target))

    def explain(self, X: Any, baseline: Any = None) -> Any:
        """What each column adds to the score of each row: integrated gradients, in closed form.

        Parameters
        ----------
        X : table of m rows
        baseline : table, optional
            The row to start from, or several, over which is averaged. By default the average row,
            in which each input of the network is at its average at fit.

        Returns
        -------
        data frame of the kind of X; of polars if X is an array
            A row for each row of X. Its columns are those of the fit, then `baseline` and `score`:
            the columns and the baseline add up to the score. Where there are several scores it has
            a row for each of them, and begins with `row`, counted from 0, and `output`. A column of
            such a name in the table keeps it, and ours gets an underscore.

        Notes
        -----
        Scores are log odds of two classes and of labels, logarithms of probabilities, less their
        average, of several classes, logarithms of predictions of poisson, gamma and tweedie, and
        predictions of other regressions.
        """
        found = self.explainer.integrated_gradients(X, baseline)
        m, n_y, n_columns = found.values.shape
        rows = np.repeat(np.arange(m), n_y)
        names = [column.name for column in self.columns.columns]

        def free(name: str) -> str:
            return free(name + "_") if name in names else name

        columns: dict[str, Any] = {}
        if n_y > 1:
            columns = {free("row"): rows, free("output"): np.array(self.score_names * m)}
        values = found.values.reshape(m * n_y, n_columns)
        columns |= dict(zip(names, values.T, strict=True))
        columns[free("baseline")] = np.tile(found.baseline, m)
        columns[free("score")] = found.scores.ravel()
        return frame_like(X, columns, rows)

    def output_range(self, box: Mapping[str, Any] | None = None, *, scores: bool = False) -> Array:
        """Bounds that no row in a box can pass: proved, not sampled.

        Parameters
        ----------
        box : mapping, optional
            Column name to (low, high) for numbers and dates, to a list or set of the values there
            may be for categories and booleans, or to a single value; None is a missing value.
            A column that is not named may hold anything.
        scores : bool, default=False
            Whether of the scores of `explain`, not of what `predict_proba` gives, or `predict` of
            a regression.

        Returns
        -------
        array (n_outputs, 2)
            Least and greatest value of each output, or a little further apart. They are of the
            exact network: what a float32 model rounds comes on top.
        """
        from shoal.bounds import Box

        space = Box(self.explainer, box)
        W2, b2 = space.W2, space.b2
        if scores or self.loss.name != "softmax":
            Z2 = space.bounds(W2, b2)
            if scores:
                return Z2
            outputs = self.loss.output(Z2)  # each rises with its score
            if self.task == "binary":
                outputs = np.concatenate([self.loss.output(-Z2[:, ::-1]), outputs])
            return np.asarray(outputs)
        ranges = []
        for k in range(len(W2)):  # 1 / Σ e^(z_i - z_k), with bounds of the differences
            differences = space.bounds(W2 - W2[k], b2 - b2[k])
            with np.errstate(over="ignore"):
                least, greatest = 1 / np.exp(differences[:, ::-1]).sum(axis=0)
            ranges.append((least, greatest))
        return np.array(ranges)

    def lipschitz(self, box: Mapping[str, Any] | None = None) -> Array:
        """The most that each column can change each score of `explain`, (n_y, n_columns): proved.

        For numbers and dates per unit (a day), for categories and booleans by any change of level:
        |score(x) - score(x′)| ≤ Σ_k L_k |x_k - x′_k|, where a level differs from another by 1, and
        the same values are missing in both rows. So √(Σ L_k²) is a bound in the Euclidean norm,
        and Σ L_k one for a change of at most 1 in each column.

        Parameters
        ----------
        box : mapping, optional
            See `output_range`; both rows are in it.
        """
        from shoal.bounds import Box

        space = Box(self.explainer, box)
        return space.lipschitz(space.W2)
