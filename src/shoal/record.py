"""What a model remembers of its training for those who look at it later: settings and curves."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.history import History

MOST_POINTS = 100  # of a curve that goes into a model file
DIGITS = 5


@dataclass(frozen=True)
class Curve:
    """How the loss of one member fell.

    Attributes
    ----------
    iterations : list of int
        Counted from 1; of a model file up to a hundred of them.
    loss : list of float
        Cost J of the training rows.
    validation_loss : list of float
        Of the rows held out; empty where there were none.
    best : int or None
        The iteration that was kept, where rows held out chose it.
    """

    iterations: list[int]
    loss: list[float]
    validation_loss: list[float]
    best: int | None


def curves_of(source: Any) -> list[Curve]:
    """The curves of an estimator, whole, or of a Model, as far as it keeps them.

    Parameters
    ----------
    source : fitted estimator or Model

    Returns
    -------
    list of Curve
        One per member; empty where nothing is known.
    """
    histories = getattr(source, "histories_", None)
    if histories is not None:
        return [_whole(history) for history in histories if history.loss]
    training = getattr(source, "training", None) or getattr(source.model_, "training", {})
    return [curve for entry in _listed(training.get("curves")) for curve in _read(entry)]


def describe_training(estimator: Any) -> dict[str, Any]:
    """Settings, versions and curves of a fitted estimator, as JSON would hold them."""
    import sklearn

    from shoal import __version__

    settings = estimator.get_params()
    default = type(estimator)().get_params()
    told = {
        name: value if isinstance(value, (int, float, str, type(None))) else repr(value)
        for name, value in settings.items()
        if name != "callbacks"
    }
    chosen = [name for name in told if repr(settings[name]) != repr(default[name])]
    words = ", ".join(f"{name}={settings[name]!r}" for name in chosen)
    return {
        "settings": told,
        "chosen": chosen,
        "call": f"{type(estimator).__name__}({words}).fit(X, y)",
        "versions": {
            "shoal": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "curves": [_thin(curve) for curve in curves_of(estimator)],
    }


def _whole(history: History) -> Curve:
    n = len(history.loss)
    return Curve(
        list(range(1, n + 1)), history.loss, history.validation_loss, history.best_iteration
    )


def _thin(curve: Curve) -> dict[str, Any]:
    """At most a hundred points of a curve, the first, the last and the one kept among them."""
    n = len(curve.iterations)
    kept = set(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(int).tolist())
    if curve.best:
        kept.add(min(curve.best, n) - 1)
    at = sorted(kept)
    entry: dict[str, Any] = {
        "iterations": [curve.iterations[k] for k in at],
        "loss": _rounded(curve.loss, at),
    }
    if len(curve.validation_loss) == n:
        entry["validation_loss"] = _rounded(curve.validation_loss, at)
    return entry | ({"best": curve.best} if curve.best else {})


def _rounded(values: Sequence[float], at: Sequence[int]) -> list[float]:
    return [float(f"{values[k]:.{DIGITS}g}") for k in at]


# The summary in a model file may hold anything: what has not the form of a curve is none.


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _read(entry: Any) -> list[Curve]:
    if not isinstance(entry, Mapping):
        return []
    iterations, loss = _numbers(entry.get("iterations")), _numbers(entry.get("loss"))
    held_out, best = _numbers(entry.get("validation_loss")), entry.get("best")
    if not loss or len(iterations) != len(loss) or len(held_out) not in (0, len(loss)):
        return []
    known = best if isinstance(best, int) and not isinstance(best, bool) else None
    return [Curve([int(i) for i in iterations], loss, held_out, known)]


def _numbers(value: Any) -> list[float]:
    values = _listed(value)
    fine = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    return [float(v) for v in values] if fine and np.isfinite(values).all() else []
