"""The trainings behind `shoal fit`: one to be kept, and those of a cross-validation."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shoal.cli.rows import count, naming
from shoal.errors import DataError, InterruptedFitWarning
from shoal.scores import Rows, Scores, folds, hold_out, score, score_baselines

if TYPE_CHECKING:
    from shoal.cli.talk import Talk


def split(rows: Rows, share: float, seed: int, talk: "Talk") -> tuple[Rows, Rows | None]:
    """Rows to learn from and rows held out, if there are enough."""
    held = hold_out(rows.y, share, seed=seed, stratify=rows.classify)
    if not held.any():
        talk.say(f"no rows held out: {count(len(rows), 'row')} are too few for {share:.0%} of them")
        return rows, None
    each = ", of each class alike" if rows.classify else ""
    talk.say(f"{count(int(held.sum()), 'row')} held out to score on (seed {seed}{each})")
    return rows.where(~held), rows.where(held)


@contextmanager
def telling(source: str, talk: "Talk") -> Iterator[None]:
    """Name the table in errors, and say warnings, but for those that the reason to stop tells."""
    from sklearn.exceptions import ConvergenceWarning

    with naming(source), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    told = (ConvergenceWarning, InterruptedFitWarning)
    others = [str(w.message) for w in caught if not issubclass(w.category, told)]
    talk.say(*(f"warning: {message}" for message in dict.fromkeys(others)))


def new_estimator(rows: Rows, settings: Mapping[str, Any], callbacks: Sequence[Any]) -> Any:
    """An estimator for classes or values, not yet fitted."""
    from shoal.estimators import ShoalClassifier, ShoalRegressor

    estimator: Any = ShoalClassifier if rows.classify else ShoalRegressor
    return estimator(callbacks=callbacks, **settings)


def train(rows: Rows, settings: Mapping[str, Any], talk: "Talk", label: str = "training") -> Any:
    """A fitted estimator. Ctrl-C ends the training, and the best network so far is kept."""
    with telling(rows.source, talk), talk.progress(label) as line:
        return new_estimator(rows, settings, [line]).fit(rows.X, rows.y)


def cross_validate(
    rows: Rows, n_folds: int, settings: Mapping[str, Any], talk: "Talk"
) -> dict[str, list[Scores]]:
    """Scores of the network and of the baselines on each fold, by who was scored.

    Raises
    ------
    DataError
        If there are too few rows, or a fold would have to learn without one of the classes.
    KeyboardInterrupt
        After Ctrl-C in one of the trainings: the scores would not be those of a whole one.
    """
    _check_folds(rows, n_folds)
    result: dict[str, list[Scores]] = {}
    seed = settings["random_state"]
    for k, held in enumerate(folds(rows.y, n_folds, seed=seed, stratify=rows.classify)):
        kept, held_out = rows.where(~held), rows.where(held)
        fitted = train(kept, settings, talk, f"fold {k + 1} of {n_folds}")
        if any(history.interrupted for history in fitted.histories_):
            raise KeyboardInterrupt
        scores = {"shoal": score(fitted.model_, held_out)}
        scores |= score_baselines(kept, held_out, fitted.model_)
        for who, figures in scores.items():
            result.setdefault(who, []).append(figures)
    return result


def _check_folds(rows: Rows, n_folds: int) -> None:
    """Raise DataError if the rows cannot be dealt out to so many folds."""
    import numpy as np

    if len(rows) < n_folds:
        raise DataError(f"{rows.source}: {count(len(rows), 'row')} cannot make {n_folds} folds")
    if rows.classify:
        labels, counts = np.unique(rows.y, return_counts=True)
        if counts.min() < 2:
            raise DataError(
                f"{rows.source}: the class '{labels[counts.argmin()]}' has a single row, and "
                "cross-validation needs two: give more such rows, or drop this one"
            )
