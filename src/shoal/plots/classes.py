"""How good the probabilities and choices of a classifier are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.judging import BINS, Calibration, calibrate, wilson_interval
from shoal.plots.style import (
    DARK_INK,
    INK,
    LIGHT_INK,
    MUTED,
    SEQUENTIAL,
    SERIES,
    Display,
    legend,
    model_of,
    short,
    spread_ticks,
    targets,
)

MOST_CLASSES = 20
MOST_CURVES = 6


def _classifier(source: Any) -> Any:
    """The model of a classifier of one label a row."""
    model = model_of(source)
    if model.classes is None:
        raise ParameterError(f"this picture is of a classifier, and the model is a {model.task}")
    return model


def _label_names(classes: Any) -> list[str]:
    return [str(label) for label in np.asarray(classes).tolist()]


@dataclass
class ConfusionMatrixDisplay(Display):
    """How many rows of each class are predicted as each other; colours are shares of the row.

    Parameters
    ----------
    confusion : array of int (n_classes, n_classes)
        Rows are the true classes, columns the predicted ones.
    classes : sequence
    left_out : int
        Classes that are not shown: of more than 20 the most frequent are.
    """

    confusion: Array
    classes: Sequence[Any]
    left_out: int = 0

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None) -> Self:
        """Draw it for the rows of a table."""
        model = _classifier(estimator)
        return cls.from_predictions(y, model.predict(X), classes=model.classes, ax=ax)

    @classmethod
    def from_predictions(
        cls, y: Any, prediction: Any, *, classes: Any = None, ax: Any = None
    ) -> Self:
        """Draw it for true and predicted labels."""
        from sklearn.metrics import confusion_matrix

        y, prediction = targets(y), targets(prediction)
        present = np.unique(np.concatenate([y, prediction]))
        known = np.asarray(present if classes is None else classes)
        labels = np.concatenate([known, present[~np.isin(present, known)]])  # the known come first
        confusion = confusion_matrix(y, prediction, labels=labels)
        shown = np.arange(len(labels))
        if len(labels) > MOST_CLASSES:
            shown = np.sort(np.argsort(-confusion.sum(axis=1), kind="stable")[:MOST_CLASSES])
        confusion = confusion[np.ix_(shown, shown)]
        return cls(confusion, labels[shown].tolist(), len(labels) - len(shown)).plot(ax)

    def draw(self, ax: Any) -> None:
        total = self.confusion.sum(axis=1, keepdims=True)
        share = self.confusion / np.maximum(total, 1)
        ax.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="equal")
        small = len(self.classes) > 8
        for (i, j), count in np.ndenumerate(self.confusion):
            if count or not small:
                ax.text(
                    j,
                    i,
                    f"{count:,}",
                    ha="center",
                    va="center",
                    fontsize="x-small" if small else "medium",
                    color=LIGHT_INK if share[i, j] > 0.5 else DARK_INK,
                )
        names = _label_names(self.classes)
        spread_ticks(ax, names, "x", 14)
        spread_ticks(ax, names, "y", 14)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        more = f"\n{self.left_out} rarer classes are left out" if self.left_out else ""
        ax.set_xlabel(f"predicted{more}", labelpad=8)
        ax.set_ylabel("true", labelpad=8)


@dataclass
class _CurvesDisplay(Display):
    """What curves of one class against the others share.

    Parameters
    ----------
    curves : list of tuple (name, x, y, area)
    rest : int
        Classes that are not shown.
    """

    curves: list[tuple[str, Array, Array, float]]
    rest: int = 0

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, ax: Any = None) -> Self:
        """Draw it for the rows of a table."""
        model = _classifier(estimator)
        return cls.from_predictions(y, model.predict_proba(X), classes=model.classes, ax=ax)

    @classmethod
    def from_predictions(
        cls, y: Any, probability: Any, *, classes: Any = None, ax: Any = None
    ) -> Self:
        """Draw it for true labels and probabilities (m, n_classes), or (m,) of the second class."""
        y, probability = targets(y), np.asarray(probability, dtype=float)
        if probability.ndim == 1:
            probability = np.stack([1 - probability, probability], axis=1)
        labels = np.unique(y) if classes is None else np.asarray(classes)
        if len(labels) != probability.shape[1]:
            raise DataError(
                f"there are {probability.shape[1]} columns of probabilities and {len(labels)} "
                "classes: give classes= in their order"
            )
        count = {k: int((y == label).sum()) for k, label in enumerate(labels)}
        which = [k for k in count if 0 < count[k] < len(y)]
        if len(labels) == 2:
            which = [k for k in which if k == 1]
        if not which:
            raise DataError("all rows are of one class: there is nothing to tell apart")
        shown = sorted(sorted(which, key=lambda k: -count[k])[:MOST_CURVES])
        names = _label_names(labels)
        curves = [(names[k], *cls.curve(y == labels[k], probability[:, k])) for k in shown]
        return cls(curves, len(which) - len(shown)).plot(ax)

    @staticmethod
    def curve(positive: Array, probability: Array) -> tuple[Array, Array, float]:
        """Its x, y and the area under it."""
        raise NotImplementedError

    def lines(self, ax: Any, area: str, where: str) -> None:
        """Draw the curves, and say their areas."""
        for colour, (name, x, y, size) in zip(SERIES, self.curves, strict=False):
            at = evenly(x, y)
            words = f"{short(name)}  {size:.3f}"
            ax.plot(x[at], y[at], color=colour, linewidth=1.8, label=words)
        more = f"\n{self.rest} rarer classes left out" if self.rest else ""
        legend(ax, title=area + more, loc=where, title_fontsize="small")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")


def evenly(x: Array, y: Array, most: int = 400) -> Array:
    """Which points of a curve to draw: all, or as many as can be told apart, evenly along it."""
    if len(x) <= most:
        return np.arange(len(x))
    along = np.concatenate([[0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    at = np.searchsorted(along, np.linspace(0, along[-1], most))
    return np.unique(np.append(at, len(x) - 1))


@dataclass
class RocCurveDisplay(_CurvesDisplay):
    """Receiver operating characteristic: of each class, how many hits cost how many false alarms.

    Parameters
    ----------
    curves : list of tuple (name, false positive rate, true positive rate, area)
    rest : int
        Classes that are not shown: of more than six the most frequent are.
    """

    @staticmethod
    def curve(positive: Array, probability: Array) -> tuple[Array, Array, float]:
        from sklearn.metrics import auc, roc_curve

        false, true, _ = roc_curve(positive, probability)
        return false, true, float(auc(false, true))

    def draw(self, ax: Any) -> None:
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        self.lines(ax, "area under it", "lower right")
        ax.set(xlabel="false positive rate", ylabel="true positive rate")


@dataclass
class PrecisionRecallDisplay(_CurvesDisplay):
    """Of each class, how many of those found are right, against how many are found.

    Parameters
    ----------
    curves : list of tuple (name, recall, precision, average precision)
    rest : int
        Classes that are not shown: of more than six the most frequent are.
    """

    @staticmethod
    def curve(positive: Array, probability: Array) -> tuple[Array, Array, float]:
        from sklearn.metrics import average_precision_score, precision_recall_curve

        precision, recall, _ = precision_recall_curve(positive, probability)
        return recall, precision, float(average_precision_score(positive, probability))

    def draw(self, ax: Any) -> None:
        self.lines(ax, "average precision", "lower left")
        ax.set(xlabel="recall", ylabel="precision")


@dataclass
class CalibrationDisplay(Display):
    """Whether what is said to have probability p comes true in a share p of cases.

    Of two classes the probability is that of the second, of more that of the predicted one.

    Parameters
    ----------
    calibration : Calibration
    what : str
        Of which probability.
    """

    calibration: Calibration
    what: str

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, n_bins: int = BINS, ax: Any = None
    ) -> Self:
        """Draw it for the rows of a table."""
        model = _classifier(estimator)
        return cls.from_predictions(
            y, model.predict_proba(X), classes=model.classes, n_bins=n_bins, ax=ax
        )

    @classmethod
    def from_predictions(
        cls, y: Any, probability: Any, *, classes: Any = None, n_bins: int = BINS, ax: Any = None
    ) -> Self:
        """Draw it for true labels and probabilities (m, n_classes), or (m,) of the second class."""
        y, probability = targets(y), np.asarray(probability, dtype=float)
        labels = np.unique(y) if classes is None else np.asarray(classes)
        if probability.ndim == 1 or probability.shape[1] == 2:
            second = probability if probability.ndim == 1 else probability[:, 1]
            calibration = calibrate(second, y == labels[-1], n_bins)
            what = f"{_label_names(labels)[-1]}"
        else:
            top = probability.argmax(axis=1)
            calibration = calibrate(probability.max(axis=1), labels[top] == y, n_bins)
            what = "the predicted class"
        return cls(calibration, what).plot(ax)

    def draw(self, ax: Any) -> None:
        found, size = (
            self.calibration,
            20 + 160 * self.calibration.count / sum(self.calibration.count),
        )
        ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        # Wilson's interval of each group shows how far chance alone would move it.
        hits = np.round(found.observed * found.count).astype(int)
        ends = np.array(
            [wilson_interval(int(h), int(n)) for h, n in zip(hits, found.count, strict=True)]
        )
        ax.vlines(found.predicted, ends[:, 0], ends[:, 1], color=SERIES[0], linewidth=1, alpha=0.5)
        ax.plot(found.predicted, found.observed, color=SERIES[0], linewidth=1.2)
        ax.scatter(found.predicted, found.observed, s=size, color=SERIES[0], zorder=3)
        ax.text(
            0.03,
            0.95,
            f"mean distance {found.error:.3f}",
            transform=ax.transAxes,
            va="top",
            fontsize="small",
            color=INK,
        )
        ax.set(
            xlabel=f"probability of {short(self.what)}",
            ylabel="share that came true",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            aspect="equal",
        )
