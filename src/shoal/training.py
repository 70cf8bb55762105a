"""The one loop: epochs, early stopping, history, and reasons to stop that are sentences."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize

from shoal.activations import Array
from shoal.engine import Engine, Problem
from shoal.errors import DivergenceError
from shoal.network import Parameters
from shoal.optimizers import Memory, Optimizer
from shoal.recipe import Recipe

CALL_SECONDS = 0.05  # a call of the engine should take about this long at most
MOST_HALVINGS = 5


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

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
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


@dataclass
class Member:
    """One network in training, in scaled units, with all it needs to continue.

    Attributes
    ----------
    parameters : Parameters
    random : Generator
        Draws the order of its examples.
    memory : Memory or None
        Of the optimizer; None before the first step.
    solver : str
        Whose memory that is.
    history : History
        Of all its trainings so far.
    """

    parameters: Parameters
    random: np.random.Generator
    memory: Memory | None = None
    solver: str = ""
    history: History = field(default_factory=History)


def train(
    engine: Engine,
    member: Member,
    problem: Problem,
    validation: Problem | None,
    recipe: Recipe,
    callbacks: Sequence[Callback] = (),
) -> None:
    """Train a member by a recipe, in place.

    Parameters
    ----------
    problem : Problem
        The training rows; its penalty is set here.
    validation : Problem or None
        The rows to stop by.
    """
    weight = problem.sample_weight
    total = problem.m if weight is None else float(weight.sum())
    problem = replace(problem, penalty=recipe.alpha / total)
    if member.solver != recipe.solver:
        member.solver, member.memory = recipe.solver, None
    # A step too far overflows; what is not finite is looked for and dealt with below.
    with np.errstate(over="ignore", invalid="ignore"):
        monitor = Monitor(engine, validation, member.parameters, recipe, callbacks)
        if recipe.optimizer is None:
            member.parameters = minimize_lbfgs(
                problem, monitor, member.parameters, smallest_gradient=recipe.smallest_gradient
            )
        else:
            member.parameters, member.memory = descend(
                problem,
                monitor,
                member.parameters,
                recipe.optimizer,
                memory=member.memory,
                batch_size=recipe.batch_size,
                random=member.random,
            )
    member.history = member.history.followed_by(monitor.history)


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
        callbacks: Sequence[Callback],
    ) -> None:
        self.engine, self.validation, self.callbacks = engine, validation, callbacks
        self.max_iter, self.tol, self.patience = recipe.max_iter, recipe.tol, recipe.patience
        self.history = History()
        self.best = parameters
        self.lowest = np.inf
        if validation is not None:
            self.lowest = float(np.nan_to_num(engine.cost(validation, parameters), nan=np.inf))
        self.target = self.lowest  # what the watched loss must get below to count as progress
        self.waited = 0
        self.start = time.perf_counter()

    def observe(self, losses: Sequence[float], objective: float, parameters: Parameters) -> bool:
        """Record what one call of the engine did; True if training should stop."""
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
        progress = Progress(
            iteration=history.n_iter,
            max_iter=self.max_iter,
            loss=history.loss[-1],
            validation_loss=None if self.validation is None else watched,
            seconds=history.seconds,
            parameters=parameters,
        )
        # Every callback is told, also when an earlier one has asked to stop.
        answers = [callback(progress) for callback in self.callbacks]
        if any(answers):
            return self.stop("A callback asked to stop.")
        if watched < self.target - self.tol or not np.isfinite(self.target):
            self.target, self.waited = watched, 0
        else:
            self.waited += 1
        # With tol 0 and nothing held out there is no rule: every iteration is wanted.
        if self.waited >= self.patience and (self.tol > 0 or self.validation is not None):
            which = "training" if self.validation is None else "validation"
            return self.stop(
                f"The {which} loss improved by no more than {self.tol:g} "
                f"in {self.patience} iterations."
            )
        return False

    def stop(self, reason: str, *, converged: bool = True, interrupted: bool = False) -> bool:
        """Note why training ends."""
        self.history.stop_reason = reason
        self.history.converged, self.history.interrupted = converged, interrupted
        return True

    def stop_at_limit(self) -> None:
        """Note that the limit of iterations was reached."""
        reason = f"All {self.max_iter} iterations are done."
        self.stop(reason, converged=False)

    def stop_interrupted(self) -> None:
        """Note that Ctrl-C was pressed."""
        n = self.history.n_iter
        self.stop(f"Interrupted after {n} iterations.", converged=False, interrupted=True)


def descend(
    problem: Problem,
    monitor: Monitor,
    parameters: Parameters,
    optimizer: Optimizer,
    *,
    memory: Memory | None = None,
    batch_size: int | None,
    random: np.random.Generator,
) -> tuple[Parameters, Memory]:
    """Gradient descent, momentum or Adam, in batches or (None) on all examples at once.

    If the cost leaves the finite numbers, training goes back to where the cost was lowest and
    halves the learning rate, up to 5 times.

    Returns
    -------
    parameters : Parameters
        The best, by the monitor's rule.
    memory : Memory
        Of the optimizer after the last step, to continue from.

    Raises
    ------
    DivergenceError
        If the cost is still not finite after the last halving.
    """
    engine, halvings = monitor.engine, 0
    memory = memory or optimizer.init(parameters)
    # Without a rule to check after every epoch, one call makes many.
    watched = monitor.validation is not None or monitor.tol > 0
    at_once = 1 if watched else epochs_per_call(problem, parameters, batch_size)
    lowest, safe = np.inf, parameters  # where to go back to
    try:
        while monitor.history.n_iter < monitor.max_iter:
            n_epochs = min(at_once, monitor.max_iter - monitor.history.n_iter)
            batches = _batches(problem.m, batch_size, random, n_epochs)
            new, new_memory, costs = engine.descend(problem, parameters, optimizer, memory, batches)
            finite = np.isfinite(costs).all() and all(np.isfinite(block).all() for block in new)
            if not finite:
                halvings += 1
                if halvings > MOST_HALVINGS:
                    raise DivergenceError(
                        "the cost left the finite numbers in iteration "
                        f"{monitor.history.n_iter + 1}, and again after {MOST_HALVINGS} halvings "
                        f"of the learning rate (to {optimizer.learning_rate:g}): choose a much "
                        "smaller learning_rate, or look for absurdly large values in the table"
                    )
                optimizer = replace(optimizer, learning_rate=optimizer.learning_rate / 2)
                parameters, memory = safe, optimizer.init(safe)
                continue
            losses = np.array(costs).reshape(n_epochs, -1).mean(axis=1)
            if losses[0] < lowest:  # the cost before the first step is that of the old parameters
                lowest, safe = losses[0], parameters
            parameters, memory = new, new_memory
            if monitor.observe(losses.tolist(), losses[-1] + _penalty(problem, new), new):
                break
        else:
            monitor.stop_at_limit()
    except KeyboardInterrupt:
        monitor.stop_interrupted()
    return monitor.best, memory


def minimize_lbfgs(
    problem: Problem, monitor: Monitor, parameters: Parameters, *, smallest_gradient: float
) -> Parameters:
    """L-BFGS on all examples at once (Byrd et al., 1995; SciPy's implementation).

    It ends where the largest entry of the gradient is at most `smallest_gradient`.

    Returns
    -------
    Parameters
        The best, by the monitor's rule.
    """
    engine, start = monitor.engine, parameters
    latest: tuple[Array, float] | None = None  # of the newest evaluation: SciPy tells only theta

    def objective(theta: Array) -> tuple[float, Array]:
        nonlocal latest
        here = _unravel(theta, start)
        J, gradients = engine.cost_and_gradients(problem, here)
        latest = theta.copy(), J
        value = J + _penalty(problem, here)
        if not np.isfinite(value):  # a line search may step too far: send it back
            return np.finfo(np.float64).max, np.zeros_like(theta)
        return value, np.concatenate([block.ravel() for block in gradients]).astype(np.float64)

    def after_iteration(theta: Array) -> None:
        here = _unravel(theta, start)
        known = latest is not None and np.array_equal(latest[0], theta)
        J = latest[1] if known and latest is not None else engine.cost(problem, here)
        if monitor.observe([J], J + _penalty(problem, here), here):
            raise StopIteration

    try:
        result = minimize(
            objective,
            np.concatenate([block.ravel() for block in start]).astype(np.float64),
            jac=True,
            method="L-BFGS-B",
            callback=after_iteration,
            options={
                "maxiter": monitor.max_iter,
                "maxfun": 15 * monitor.max_iter,
                "gtol": smallest_gradient,
                "ftol": 64 * np.finfo(np.float64).eps,
            },
        )
        if not monitor.history.stop_reason:
            if result.status == 1:
                monitor.stop_at_limit()
            else:
                monitor.stop("The gradient or the last step is as good as 0.")
    except KeyboardInterrupt:
        monitor.stop_interrupted()
    return monitor.best


def epochs_per_call(problem: Problem, parameters: Parameters, batch_size: int | None) -> int:
    """How many epochs take about 50 ms, from sizes alone: a clock would make results differ."""
    n_steps = 1 if batch_size is None else max(1, problem.m / batch_size)
    n_weights = parameters.W1.size + parameters.W2.size
    seconds = 50e-6 * n_steps + 5e-9 * problem.m * n_weights
    return max(1, int(CALL_SECONDS / seconds))


def _batches(
    m: int, batch_size: int | None, random: np.random.Generator, n_epochs: int
) -> list[Array | None]:
    """Which examples each step sees: batches of about the size, as equal as can be."""
    if batch_size is None or batch_size >= m:
        return [None] * n_epochs
    batches: list[Array | None] = []
    n = max(1, round(m / batch_size))
    for _ in range(n_epochs):
        batches.extend(np.array_split(random.permutation(m), n))
    return batches


def _penalty(problem: Problem, parameters: Parameters) -> float:
    """penalty · (‖W1‖² + ‖W2‖²) / 2."""
    if not problem.penalty:
        return 0.0
    W1, _, W2, _ = parameters
    return problem.penalty / 2 * (float((W1 * W1).sum()) + float((W2 * W2).sum()))


def _unravel(theta: Array, like: Parameters) -> Parameters:
    """The vector of SciPy's optimizer as parameters, in the shapes and dtype of others."""
    ends = np.cumsum([block.size for block in like])[:-1]
    blocks = zip(np.split(theta, ends), like, strict=True)
    return Parameters(*(part.reshape(block.shape).astype(block.dtype) for part, block in blocks))
