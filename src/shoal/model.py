"""Model: what training makes and everything else reads. The narrow waist of the house."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shoal.activations import Array, sigmoid
from shoal.errors import ParameterError
from shoal.losses import Loss
from shoal.network import Parameters, forward
from shoal.table import Columns

BLOCK = 4096  # rows computed at a time, so that memory does not grow with the table


@dataclass(frozen=True)
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

    @property
    def task(self) -> str:
        """ "binary", "multiclass", "multilabel" or "regression"."""
        if self.classes is not None:
            return "binary" if self.loss.name == "sigmoid" else "multiclass"
        return "multilabel" if self.loss.name == "sigmoid" else "regression"

    def scores(self, X: Any) -> Array:
        """Raw scores Z2 of a table's rows, (m, n_y)."""
        return self._compute(X, "Z2")

    def predict_proba(self, X: Any) -> Array:
        """Probability of each class (m, n_classes), or of each label (m, n_y).

        Raises
        ------
        ParameterError
            If the model is a regression.
        """
        if self.task == "regression":
            raise ParameterError("a regression has no probabilities: use predict")
        if self.task == "binary":  # 1 - A2 would lose the digits of what is nearly 0
            Z2 = self.scores(X)
            return np.hstack([sigmoid(-Z2), sigmoid(Z2)])
        return self._compute(X, "A2")

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
            A2 = self._compute(X, "A2")
            return A2[:, 0] if A2.shape[1] == 1 else A2
        chosen = self.choose(X)
        return chosen if self.classes is None else self.classes[chosen]

    def _compute(self, X: Any, what: str) -> Array:
        """One field of the forward pass, examples as rows, a block of rows at a time."""
        X = self.columns.encode(X, dtype=self.parameters.W2.dtype)
        blocks = [
            getattr(
                forward(
                    X[start : start + BLOCK].T,
                    self.parameters,
                    activation=self.activation,
                    output=self.loss,
                ),
                what,
            ).T
            for start in range(0, max(1, X.shape[0]), BLOCK)
        ]
        return np.concatenate(blocks)
