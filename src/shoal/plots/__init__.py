"""Pictures of a fitted network, by matplotlib (`pip install 'shoal[plots]'`).

Each function takes a fitted estimator or a Model, draws on `ax`, or on new axes, and returns them.
Each has a Display, as scikit-learn's pictures have, which keeps what it draws: `from_estimator`,
for some `from_predictions`, then the attributes `ax_` and `figure_`, and `plot` to draw it again.

=========================  ==========================  ===================================
function                   Display                     in MATLAB
=========================  ==========================  ===================================
loss_curve                 LossCurveDisplay            plotperform
training_state             TrainingStateDisplay        plottrainstate
decision_boundary          DecisionBoundaryDisplay
network                    NetworkDisplay              view
weights                    WeightsDisplay
activations                ActivationsDisplay
confusion_matrix           ConfusionMatrixDisplay      plotconfusion
roc_curve                  RocCurveDisplay             plotroc
precision_recall_curve     PrecisionRecallDisplay
calibration                CalibrationDisplay
predicted_against_true     PredictedDisplay            plotregression
residuals                  ResidualsDisplay
error_histogram            ErrorHistogramDisplay       ploterrhist
partial_dependence         PartialDependenceDisplay
activation_function        ActivationFunctionDisplay
=========================  ==========================  ===================================
"""

from typing import Any

from shoal.plots.classes import (
    CalibrationDisplay,
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from shoal.plots.functions import ActivationFunctionDisplay
from shoal.plots.learning import LossCurveDisplay, TrainingRecorder, TrainingStateDisplay
from shoal.plots.network import ActivationsDisplay, NetworkDisplay, WeightsDisplay
from shoal.plots.surface import DecisionBoundaryDisplay, PartialDependenceDisplay
from shoal.plots.values import ErrorHistogramDisplay, PredictedDisplay, ResidualsDisplay

__all__ = [
    "ActivationFunctionDisplay",
    "ActivationsDisplay",
    "CalibrationDisplay",
    "ConfusionMatrixDisplay",
    "DecisionBoundaryDisplay",
    "ErrorHistogramDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "PartialDependenceDisplay",
    "PrecisionRecallDisplay",
    "PredictedDisplay",
    "ResidualsDisplay",
    "RocCurveDisplay",
    "TrainingRecorder",
    "TrainingStateDisplay",
    "WeightsDisplay",
    "activation_function",
    "activations",
    "calibration",
    "confusion_matrix",
    "decision_boundary",
    "error_histogram",
    "loss_curve",
    "network",
    "partial_dependence",
    "precision_recall_curve",
    "predicted_against_true",
    "residuals",
    "roc_curve",
    "training_state",
    "weights",
]


def loss_curve(estimator: Any, ax: Any = None) -> Any:
    """Draw the loss of training rows and rows held out: see LossCurveDisplay."""
    return LossCurveDisplay.from_estimator(estimator, ax=ax).ax_


def training_state(
    estimator: Any, ax: Any = None, *, recorder: TrainingRecorder | None = None
) -> Any:
    """Draw how long the loss has not improved, or the steps' sizes: see TrainingStateDisplay."""
    return TrainingStateDisplay.from_estimator(estimator, recorder=recorder, ax=ax).ax_


def decision_boundary(
    estimator: Any,
    X: Any,
    y: Any = None,
    ax: Any = None,
    *,
    columns: tuple[str, str] | None = None,
    n_units: int = 8,
) -> Any:
    """Draw the regions over two columns with the units' lines: see DecisionBoundaryDisplay."""
    return DecisionBoundaryDisplay.from_estimator(
        estimator, X, y, columns=columns, n_units=n_units, ax=ax
    ).ax_


def network(estimator: Any, ax: Any = None) -> Any:
    """Draw the network as a diagram with its weights: see NetworkDisplay."""
    return NetworkDisplay.from_estimator(estimator, ax=ax).ax_


def weights(estimator: Any, ax: Any = None) -> Any:
    """Draw the weights of the hidden units by input as a heat map: see WeightsDisplay."""
    return WeightsDisplay.from_estimator(estimator, ax=ax).ax_


def activations(estimator: Any, X: Any, ax: Any = None) -> Any:
    """Draw what the hidden units give on rows, and their states: see ActivationsDisplay."""
    return ActivationsDisplay.from_estimator(estimator, X, ax=ax).ax_


def confusion_matrix(estimator: Any, X: Any, y: Any, ax: Any = None) -> Any:
    """Draw how many rows of each class are predicted as which: see ConfusionMatrixDisplay."""
    return ConfusionMatrixDisplay.from_estimator(estimator, X, y, ax=ax).ax_


def roc_curve(estimator: Any, X: Any, y: Any, ax: Any = None) -> Any:
    """Draw hits against false alarms of each class: see RocCurveDisplay."""
    return RocCurveDisplay.from_estimator(estimator, X, y, ax=ax).ax_


def precision_recall_curve(estimator: Any, X: Any, y: Any, ax: Any = None) -> Any:
    """Draw precision against recall of each class: see PrecisionRecallDisplay."""
    return PrecisionRecallDisplay.from_estimator(estimator, X, y, ax=ax).ax_


def calibration(estimator: Any, X: Any, y: Any, ax: Any = None, *, n_bins: int = 10) -> Any:
    """Draw whether probabilities come true: see CalibrationDisplay."""
    return CalibrationDisplay.from_estimator(estimator, X, y, n_bins=n_bins, ax=ax).ax_


def predicted_against_true(
    estimator: Any, X: Any, y: Any, ax: Any = None, *, output: int = 0
) -> Any:
    """Draw predicted against true values, with R: see PredictedDisplay."""
    return PredictedDisplay.from_estimator(estimator, X, y, output=output, ax=ax).ax_


def residuals(estimator: Any, X: Any, y: Any, ax: Any = None, *, output: int = 0) -> Any:
    """Draw true minus predicted against predicted values: see ResidualsDisplay."""
    return ResidualsDisplay.from_estimator(estimator, X, y, output=output, ax=ax).ax_


def error_histogram(estimator: Any, X: Any, y: Any, ax: Any = None, *, output: int = 0) -> Any:
    """Draw how large the errors are: see ErrorHistogramDisplay."""
    return ErrorHistogramDisplay.from_estimator(estimator, X, y, output=output, ax=ax).ax_


def partial_dependence(
    estimator: Any, X: Any, column: str | int, ax: Any = None, *, lines: int = 60
) -> Any:
    """Draw the output as one column moves, with single rows: see PartialDependenceDisplay."""
    return PartialDependenceDisplay.from_estimator(estimator, X, column, lines=lines, ax=ax).ax_


def activation_function(name: Any, ax: Any = None) -> Any:
    """Draw an activation function and its derivative: see ActivationFunctionDisplay."""
    return ActivationFunctionDisplay.from_estimator(name, ax=ax).ax_
