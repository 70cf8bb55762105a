"""What is known of a training while it runs and afterwards, and when it is to stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shoal.engine import Engine, Problem
from shoal.network import Parameters
from shoal.recipe import Recipe


@dataclass(frozen=True)
class Progress:
    """What a callback is told.

    Attributes
    ----------
    iteration, max_iter : int
        Epochs (minibatch methods), steps (gradient descent) or iterations (L-BFGS) done, and
        allowed.
    loss : float
        The newest entry of the loss curve.
    validation_loss : float or None
        Loss of the validation rows with the parameters as they are now.
    seconds : float
        Since training began.
    parameters : Parameters
        As they are now, in the scaled units of training.
    """

    iteration: int
    max_iter: int
    loss: float
    validation_loss: float | None
    seconds: float
    parameters: Parameters


Callback = Callable[[Progress], bool | None]


@dataclass
class History:
    """What happened in training.

    Attributes
    ----------
    loss : list of float
        Cost J of the training rows, without the penalty: before each step of gradient descent,
        after each iteration of L-BFGS, averaged over the batches of each epoch otherwise.
    validation_loss : list of float
        Cost J of the validation rows after each iteration; empty where there are none.
    best_iteration : int or None
        Iteration whose parameters were kept, where validation rows chose it.
    stop_reason : str
        A sentence.
    converged : bool
        False where the limit of iterations ended the training.
    interrupted : bool
        True where Ctrl-C ended the training.
    seconds : float
    """

    loss: list[float] = field(default_factory=list, repr=False)
    validation_loss: list[float] = field(default_factory=list, repr=False)
    best_iteration: int | None = None
    stop_reason: str = ""
    converged: bool = False
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def n_iter(self) -> int:
        """Number of iterations."""
        return len(self.loss)

    def followed_by(self, later: "History") -> "History":
        """This training and the one that continued it, as one."""
        best = later.best_iteration
        return replace(
            later,
            loss=self.loss + later.loss,
            validation_loss=self.validation_loss + later.validation_loss,
            best_iteration=self.best_iteration if best is None else best + self.n_iter,
            seconds=self.seconds + later.seconds,
        )


class Monitor:
    """Watches one training: keeps the history and the best parameters, and decides when to stop.

    The best parameters are those of the lowest validation loss where there are validation rows,
    else the newest that were finite.
    """

    def __init__(
        self,
        engine: Engine,
        validation: Problem | None,
        parameters: Parameters,
        recipe: Recipe,
    ) -> None:
        self.engine, self.validation = engine, validation
        self.max_iter, self.tol, self.patience = recipe.max_iter, recipe.tol, recipe.patience
        self.history = History()
        self.best = parameters
        self.lowest = np.inf
        if validation is not None:
            self.lowest = float(np.nan_to_num(engine.cost(validation, parameters), nan=np.inf))
        self.target = self.lowest  # what the watched loss must get below to count as progress
        self.waited = 0
        self.start = time.perf_counter()

    @property
    def stopped(self) -> bool:
        """Whether training has ended."""
        return bool(self.history.stop_reason)

    def observe(self, losses: Sequence[float], objective: float, parameters: Parameters) -> None:
        """Record what one call of the engine did, and stop if it was enough."""
        history = self.history
        history.loss.extend(losses)
        history.seconds = time.perf_counter() - self.start
        watched = objective
        if self.validation is None:
            self.best = parameters
        else:
            watched = self.engine.cost(self.validation, parameters)
            history.validation_loss.append(watched)
            if watched < self.lowest:
                self.lowest, self.best = watched, parameters
                history.best_iteration = history.n_iter
        if watched < self.target - self.tol or not np.isfinite(self.target):
            self.target, self.waited = watched, 0
        else:
            self.waited += 1
        # With tol 0 and nothing held out there is no rule: every iteration is wanted.
        if self.waited >= self.patience and (self.tol > 0 or self.validation is not None):
            which = "training" if self.validation is None else "validation"
            what = f"improved by no more than {self.tol:g}" if self.tol else "did not improve"
            self.stop(f"The {which} loss {what} in {self.patience} iterations.")

    def tell(self, callbacks: Sequence[Callback], parameters: Parameters) -> bool:
        """Tell callbacks how far training is; True if one of them asks to stop it."""
        history = self.history
        progress = Progress(
            iteration=history.n_iter,
            max_iter=self.max_iter,
            loss=history.loss[-1],
            validation_loss=history.validation_loss[-1] if history.validation_loss else None,
            seconds=history.seconds,
            parameters=parameters,
        )
        # Every callback is told, also when an earlier one has asked to stop.
        answers = [callback(progress) for callback in callbacks]
        return any(answers)

    def stop_asked(self) -> None:
        """Note that a callback asked to stop."""
        self.stop("A callback asked to stop.")

    def stop(self, reason: str, *, converged: bool = True, interrupted: bool = False) -> None:
        """Note why training ends."""
        self.history.stop_reason = reason
        self.history.converged, self.history.interrupted = converged, interrupted

    def stop_late(self) -> None:
        """Note that the time was up."""
        self.stop("The time limit was reached.", converged=False)

    def stop_at_limit(self) -> None:
        """Note that the limit of iterations was reached."""
        reason = f"All {self.max_iter} iterations are done."
        self.stop(reason, converged=False)

    def stop_interrupted(self) -> None:
        """Note that Ctrl-C was pressed."""
        n = self.history.n_iter
        self.stop(f"Interrupted after {n} iterations.", converged=False, interrupted=True)
