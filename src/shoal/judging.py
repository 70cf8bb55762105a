"""How good a model is, how sure that is, and what to beware of: figures, and sentences of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shoal.activations import Array

Z95 = 1.959964  # of the normal distribution, for 95 %
RESAMPLES = 1000
BINS = 10


# ---- figures -----------------------------------------------------------------------------------


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """Where a share lies with 95 % confidence (Wilson, 1927), also where it is 0 or 1."""
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z95 / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, float(centre - reach)), min(1.0, float(centre + reach))


def r2_interval(y: Array, prediction: Array, seed: int = 0) -> tuple[float, float] | None:
    """Where R² lies with 95 % confidence: percentiles over rows drawn again, a thousand times.

    None for fewer than ten rows, or where y is constant.
    """
    m = len(y)
    if m < 10 or np.ptp(y) == 0:
        return None
    random, squares = np.random.default_rng(seed), (y - prediction) ** 2
    y = y - y.mean()  # so that Σy² - (Σy)²/m cancels nothing
    values = []
    for _ in range(RESAMPLES):
        times = np.bincount(random.integers(m, size=m), minlength=m)
        total = times @ (y * y) - (times @ y) ** 2 / m
        values.append(1 - times @ squares / total if total > 0 else np.nan)
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def confidence(
    y: Array, prediction: Array, scores: Mapping[str, float | None]
) -> tuple[float, float] | None:
    """95 % confidence of the accuracy, or of the R² of one target."""
    accuracy = scores.get("accuracy")
    if accuracy is not None:
        return wilson_interval(round(accuracy * len(y)), len(y))
    if y.ndim > 1 and y.shape[1] > 1:
        return None
    return r2_interval(np.ravel(y).astype(float), np.ravel(prediction))


@dataclass(frozen=True)
class Calibration:
    """Probabilities beside what happened, in groups of as many rows each.

    Attributes
    ----------
    predicted, observed : array (n_bins,)
        Mean probability of a group, and the share of its rows in which it came true.
    count : array of int (n_bins,)
    error : float
        Expected calibration error: the mean distance of the two over the rows.
    """

    predicted: Array
    observed: Array
    count: Array
    error: float


def calibrate(probability: Array, came_true: Array, n_bins: int = BINS) -> Calibration:
    """Compare probabilities with what happened.

    Parameters
    ----------
    probability : array (m,)
    came_true : array of bool (m,)
    n_bins : int
        Groups at most; equal probabilities stay in one group.
    """
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, n_bins + 1)))
    group = np.searchsorted(edges[1:-1], probability, side="left")
    n = max(1, len(edges) - 1)
    count = np.bincount(group, minlength=n)
    kept = count > 0
    predicted = np.bincount(group, probability, minlength=n)[kept] / count[kept]
    observed = np.bincount(group, came_true, minlength=n)[kept] / count[kept]
    error = float(np.abs(predicted - observed) @ count[kept] / len(probability))
    return Calibration(predicted, observed, count[kept], error)


def threshold_table(
    probability: Array, positive: Array, thresholds: Sequence[float]
) -> list[dict[str, float | None]]:
    """What each threshold on the probability of a class would catch, and at what price.

    Parameters
    ----------
    probability : array (m,)
    positive : array of bool (m,)
    thresholds : sequence of float

    Returns
    -------
    list of dict
        threshold, flagged (share of all rows), precision, recall, specificity, F1; None where
        there is nothing to divide by.
    """

    def over(a: float, b: float) -> float | None:
        return float(a / b) if b else None

    table = []
    for threshold in thresholds:
        flagged = probability >= threshold
        caught, n, n_positive = int((flagged & positive).sum()), len(positive), int(positive.sum())
        table.append(
            {
                "threshold": float(threshold),
                "flagged": float(flagged.mean()),
                "precision": over(caught, int(flagged.sum())),
                "recall": over(caught, n_positive),
                "specificity": over(int((~flagged & ~positive).sum()), n - n_positive),
                "F1": over(2 * caught, int(flagged.sum()) + n_positive),
            }
        )
    return table


# ---- the verdict -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judgement:
    """How good a model was on some rows, beside what it must beat. Kept in a model's summary.

    Attributes
    ----------
    rows : int
    unseen : bool or None
        Whether the model has not learnt from these rows; None if that is not known.
    scores : dict
        Metrics by name.
    interval : tuple of float or None
        95 % confidence of the first of accuracy or R².
    baselines : dict of dict
        Metrics by who was scored.
    learnt : dict
        Metrics on the rows learnt from, where known.
    """

    rows: int
    unseen: bool | None
    scores: Mapping[str, float | None]
    interval: tuple[float, float] | None
    baselines: Mapping[str, Mapping[str, float | None]]
    learnt: Mapping[str, float | None]

    def record(self) -> dict[str, Any]:
        """As JSON would hold it."""
        return {
            "rows": self.rows,
            "unseen": self.unseen,
            "scores": dict(self.scores),
            "interval": list(self.interval) if self.interval else None,
            "baselines": {who: dict(scores) for who, scores in self.baselines.items()},
            "learnt": dict(self.learnt),
        }


def read_judgement(training: Mapping[str, Any]) -> Judgement | None:
    """The judgement in a model's summary, which may hold anything; None if it is not sound."""
    entry: Any = training.get("judgement")
    if not isinstance(entry, dict):
        return None
    rows: Any = entry.get("rows")
    unseen: Any = entry.get("unseen")
    interval: Any = entry.get("interval")
    scores: Any = entry.get("scores")
    baselines: Any = entry.get("baselines")
    learnt: Any = entry.get("learnt")
    sound = (
        isinstance(rows, int)
        and rows > 0
        and unseen in (True, False, None)
        and isinstance(baselines, dict)
        and all(map(_are_scores, [scores, learnt, *baselines.values()]))
        and _chief(scores) is not None
    )
    if not sound:
        return None
    two = isinstance(interval, list) and len(interval) == 2 and all(map(_is_number, interval))
    between = (float(interval[0]), float(interval[1])) if two else None
    return Judgement(rows, unseen, scores, between, baselines, learnt)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_scores(value: Any) -> bool:
    return isinstance(value, dict) and all(v is None or _is_number(v) for v in value.values())


def _chief(scores: Any) -> str | None:
    """The metric by which a model is judged."""
    return next((name for name in ("accuracy", "R²") if scores.get(name) is not None), None)


def _figure(name: str, value: float) -> str:
    return f"{100 * value:.1f} %" if name == "accuracy" else f"{round(value, 3) + 0.0:.3f}"


def verdict(task: str, target: str, judged: Judgement | None, out_of_fold: Any = None) -> list[str]:
    """A model in a paragraph: what it is for, how good it is, what it beats, what to beware of.

    Parameters
    ----------
    task : str
        Of the model.
    target : str
    judged : Judgement or None
    out_of_fold : dict, optional
        Scores of each row by members that had not seen it, from the model's summary.

    Returns
    -------
    list of str
        Sentences.
    """
    kind = {"regression": "a value", "multilabel": "labels"}.get(task, "a class")
    said = [f"The model predicts {target}, {kind}."]
    chief = _chief(judged.scores) if judged else None
    if judged is None or chief is None:
        figures = _fold_figures(out_of_fold)
        if figures:
            return [*said, f"Each row by a member that had not seen it: {figures}."]
        return [*said, "How good it is on rows it has not seen is not known: give it some."]
    value = judged.scores[chief]
    assert value is not None
    which = {
        True: " that it has not seen",
        False: " that it has learnt from",
        None: ", of which it is not known whether it has learnt from them",
    }[judged.unseen]
    n_rows = f"{judged.rows:,} row{'' if judged.rows == 1 else 's'}{which}"
    sure = ""
    if judged.interval:
        low, high = (_figure(chief, end) for end in judged.interval)
        sure = f" (95 % confidence: {low} to {high})"
    right = "has all labels right on" if task == "multilabel" else "is right on"
    name = right if chief == "accuracy" else "has an R² of"
    number = f"{_figure(chief, value)}{sure}"
    said.append(
        f"It {name} {number} of {n_rows}."
        if chief == "accuracy"
        else f"It {name} {number} on {n_rows}."
    )
    said += _beside(chief, value, judged)
    if out_of_fold and judged.unseen is not True:
        figures = _fold_figures(out_of_fold)
        said += [f"Each row of its training by a member that had not seen it: {figures}."] * bool(
            figures
        )
    return said + _warnings(chief, value, judged)


def _fold_figures(out_of_fold: Any) -> str:
    if not isinstance(out_of_fold, dict):
        return ""
    names = {"accuracy": "accuracy", "log_loss": "log-loss", "r2": "R²"}
    figures = [(names[k], out_of_fold[k]) for k in names if _is_number(out_of_fold.get(k))]
    return ", ".join(f"{name} {_figure(name, value)}" for name, value in figures)


def _beside(chief: str, value: float, judged: Judgement) -> list[str]:
    """What the baselines reach, and whether the model is better."""
    known = {who: s[chief] for who, s in judged.baselines.items() if s.get(chief) is not None}
    if not known:
        return []
    words = " and ".join(f"{who} {_figure(chief, v)}" for who, v in known.items() if v is not None)
    best = max(v for v in known.values() if v is not None)
    low = judged.interval[0] if judged.interval else value
    if low > best:
        how = "it is better than both" if len(known) > 1 else "it is better"
    elif value > best:
        how = "it is better, though by less than chance alone could make of so few rows"
    elif value == best:
        how = f"it is right as often as the best of them{_surer(best, chief, judged)}"
    elif judged.interval and judged.interval[1] >= best:
        how = "it is no better, so the simpler one is to be preferred"
    else:
        how = "it is worse, so the simpler one is to be preferred"
    return [f"On the same rows {words}: {how}."]


def _surer(best: float, chief: str, judged: Judgement) -> str:
    """How the log-loss compares with that of a baseline that is right as often."""
    own = judged.scores.get("log-loss")
    rivals = [s.get("log-loss") for s in judged.baselines.values() if s.get(chief) == best]
    known = [loss for loss in rivals if loss is not None]
    if own is None or not known:
        return ""
    words = "with better probabilities" if own < min(known) else "with worse probabilities"
    return f", {words} (log-loss {own:.3f} against {min(known):.3f})"


def _warnings(chief: str, value: float, judged: Judgement) -> list[str]:
    said = []
    learnt = judged.learnt.get(chief)
    if judged.unseen and learnt is not None and learnt - value > 0.05:
        said.append(
            f"It fits the rows learnt from better ({_figure(chief, learnt)}): part of what it has "
            "learnt holds only there."
        )
    if judged.rows < 50:
        said.append(f"So few rows ({judged.rows}) say little: judge it on more.")
    if judged.unseen is False:
        said.append("Only rows that it has not seen would tell how good it is on new ones.")
    balanced = judged.scores.get("balanced accuracy")
    if balanced is not None and value - balanced > 0.1:
        said.append(
            f"Over the classes it is right on {_figure('accuracy', balanced)} on average: rare "
            "classes are missed more."
        )
    return said
