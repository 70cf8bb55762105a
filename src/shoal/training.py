"""The one loop: epochs, early stopping, the way back from divergence; all members at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import minimize

from shoal.activations import Array
from shoal.batches import Batches, batches_per_epoch, draw_batches
from shoal.engine import Engine, Problem
from shoal.errors import DivergenceError
from shoal.history import Callback, History, Monitor
from shoal.kernel_problem import by_slot
from shoal.network import Parameters
from shoal.optimizers import Memory, Optimizer
from shoal.recipe import Recipe
from shoal.state import State

CALL_SECONDS = 0.05  # a call of the engine should take about this long at most
SECONDS_PER_PRODUCT = 1e-10  # of a weight and an example, forward and backward, on one core
MOST_HALVINGS = 5


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


# A step too far overflows; what is not finite is looked for and dealt with.
@np.errstate(over="ignore", invalid="ignore")
def train(
    engine: Engine,
    members: Sequence[Member],
    problem: Problem,
    validation: Problem | Sequence[Array] | None,
    recipe: Recipe,
    callbacks: Sequence[Callback] = (),
    deadline: float = np.inf,
) -> None:
    """Train members by a recipe, in place. Ctrl-C ends the training of all.

    Parameters
    ----------
    problem : Problem
        The training rows; its penalty is set here.
    validation : Problem, sequence of arrays of int, or None
        Rows to stop by: the same for all, or for each member those of the training rows that it is
        not trained on.
    deadline : float
        When to end with the best so far, by `time.perf_counter`.
    """
    runs = []
    for k, member in enumerate(members):
        if member.solver != recipe.solver:
            member.solver, member.memory = recipe.solver, None
        if validation is None or isinstance(validation, Problem):
            held_out, watched = None, validation
        else:
            held_out, watched = validation[k], problem.batch(validation[k])
        monitor = Monitor(engine, watched, member.parameters, recipe)
        runs.append(Run(member, monitor, held_out))
    try:
        for group in _groups(runs, recipe, problem.m):
            seen = _seen(problem, group, recipe.alpha)
            if recipe.optimizer is None:
                minimize_lbfgs(engine, seen, group[0], recipe, callbacks, deadline)
            else:
                descend(engine, seen, group, recipe, callbacks, deadline)
    except KeyboardInterrupt:
        for run in runs:
            if not run.monitor.stopped:
                run.monitor.stop_interrupted()
    for run in runs:
        run.member.parameters = run.monitor.best
        run.member.history = run.member.history.followed_by(run.monitor.history)


@dataclass
class Run:
    """One member on its way, who watches it, and the rows that it does not see."""

    member: Member
    monitor: Monitor
    held_out: Array | None


def _groups(runs: list[Run], recipe: Recipe, m: int) -> list[list[Run]]:
    """Members that can be trained in the same calls: as many steps are behind them."""
    alone, held_out = recipe.optimizer is None, runs[0].held_out
    if held_out is not None and recipe.batch_size is not None:
        # No batch may have nothing but rows that a member holds out: let chance be out of question.
        alone |= (len(held_out) / m) ** (m // batches_per_epoch(m, recipe.batch_size)) > 1e-20
    groups: dict[int, list[Run]] = {}
    for k, run in enumerate(runs):
        memory = run.member.memory
        step = memory.n_steps if memory is not None else 0
        groups.setdefault(k if alone else step, []).append(run)
    return list(groups.values())


def _seen(problem: Problem, runs: list[Run], alpha: float) -> Problem:
    """What members are trained on, each without the rows it holds out, and with the penalty."""
    m, weight, held_out = problem.m, problem.sample_weight, [run.held_out for run in runs]
    if len(runs) == 1 and held_out[0] is not None:
        problem = problem.batch(np.delete(np.arange(m), held_out[0]))
        m, weight = problem.m, problem.sample_weight
    elif held_out[0] is not None:
        # Weight 0 is absence. Members see the same batches, so one product serves them together.
        ones = np.ones(m, problem.Y.dtype)
        weight = np.tile(ones if weight is None else weight, (len(runs), 1))  # (K, m)
        for k, rows in enumerate(held_out):
            weight[k, rows] = 0
        problem = replace(problem, sample_weight=weight)
    total = m if weight is None else float(weight.sum(axis=-1).mean())
    return replace(problem, penalty=alpha / total)


def descend(
    engine: Engine,
    problem: Problem,
    runs: list[Run],
    recipe: Recipe,
    callbacks: Sequence[Callback],
    deadline: float,
) -> None:
    """Gradient descent, momentum or Adam, in batches or on all examples at once.

    If a cost leaves the finite numbers, training goes back to where it was lowest and halves the
    learning rate, up to 5 times.

    Raises
    ------
    DivergenceError
        If a cost is still not finite after the last halving.
    """
    optimizer, halvings, active = recipe.optimizer, 0, runs
    assert optimizer is not None
    members = [run.member for run in runs]
    state = State(
        [member.parameters for member in members],
        [member.memory or optimizer.init(member.parameters) for member in members],
        turned=by_slot(problem.X),
    )
    average, safe, lowest = state.theta.copy(), state.theta.copy(), np.full(len(runs), np.inf)
    # Without a rule to check after every epoch, one call makes many.
    ruled = recipe.tol > 0 or runs[0].monitor.validation is not None
    at_once = 1 if ruled else epochs_per_call(problem, runs, recipe.batch_size)
    while active:
        first, done = active[0], active[0].monitor.history.n_iter
        n_epochs = min(at_once, recipe.max_iter - done, next_mark(done) - done)
        before = state.theta.copy()
        costs, all_done = _in_calls(
            engine,
            problem,
            state,
            optimizer,
            draw_batches(problem.m, recipe.batch_size, first.member.random, n_epochs),
            deadline,
        )
        if not all(np.isfinite(part).all() for part in (state.theta, state.moments, costs)):
            halvings += 1
            optimizer = _slower(optimizer, halvings, first)
            state.theta[:], state.moments[:], state.n_steps = safe, 0, 0
            continue
        losses = costs.reshape(n_epochs if all_done else 1, -1, len(active)).mean(axis=1)
        # The cost before the first step is that of the parameters before.
        better = losses[0] < lowest
        safe[better], lowest[better] = before[better], losses[0, better]
        # The average of the last steps is better than the newest (Polyak and Juditsky, 1992).
        average = recipe.averaging * average + (1 - recipe.averaging) * state.theta
        late = time.perf_counter() > deadline
        for k, run in enumerate(active):
            newest, smooth = map(state.parameters, (state.theta[k], average[k].copy()))
            objective = float(losses[-1, k]) + _penalty(problem, newest)
            run.monitor.observe(losses[:, k].tolist(), objective, smooth)
            if late:
                run.monitor.stop_late()
        asked = callbacks and first.monitor.tell(callbacks, state.member(0)[0])
        at_limit = first.monitor.history.n_iter == recipe.max_iter
        for run in active:
            if asked and not run.monitor.stopped:
                run.monitor.stop_asked()
            elif at_limit and not run.monitor.stopped:
                run.monitor.stop_at_limit()
        going = [k for k, run in enumerate(active) if not run.monitor.stopped]
        if len(going) < len(active):
            for k, run in enumerate(active):
                if run.monitor.stopped:
                    run.member.memory = state.member(k)[1]
            state.keep(going)
            average, safe, lowest = average[going], safe[going], lowest[going]
            weight = problem.sample_weight
            if weight is not None and weight.ndim > 1:
                problem = replace(problem, sample_weight=weight[going])
            active = [active[k] for k in going]


def _slower(optimizer: Optimizer, halvings: int, run: Run) -> Optimizer:
    """Half the step, if there was not enough of that."""
    if halvings > MOST_HALVINGS:
        raise DivergenceError(
            "the cost left the finite numbers in iteration "
            f"{run.monitor.history.n_iter + 1}, and again after {MOST_HALVINGS} halvings of the "
            f"learning rate (to {optimizer.learning_rate:g}): choose a much smaller "
            "learning_rate, or look for absurdly large values in the table"
        )
    return replace(optimizer, learning_rate=optimizer.learning_rate / 2)


def _in_calls(
    engine: Engine,
    problem: Problem,
    state: State,
    optimizer: Optimizer,
    batches: Batches,
    deadline: float,
) -> tuple[Array, bool]:
    """One step per batch, or fewer where time runs out, in calls of about 50 ms.

    The cost of each, and whether they are all.
    """
    seconds = SECONDS_PER_PRODUCT * batches.largest(problem.m) * state.theta.size
    at_once = max(1, int(CALL_SECONDS / seconds))
    costs = []
    for start in range(0, batches.n_steps, at_once):
        part = batches.part(start, start + at_once)
        costs.append(engine.descend(problem, state, optimizer, part))
        if time.perf_counter() > deadline:
            break
    made = np.concatenate(costs)
    return made, len(made) == batches.n_steps


def minimize_lbfgs(
    engine: Engine,
    problem: Problem,
    run: Run,
    recipe: Recipe,
    callbacks: Sequence[Callback],
    deadline: float,
) -> None:
    """L-BFGS on all examples at once (Byrd et al., 1995; SciPy's implementation).

    It ends where the largest entry of the gradient is at most `recipe.smallest_gradient`.
    """
    monitor, start = run.monitor, run.member.parameters
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
        monitor.observe([J], J + _penalty(problem, here), here)
        if monitor.tell(callbacks, here):
            monitor.stop_asked()
        elif time.perf_counter() > deadline:
            monitor.stop_late()
        if monitor.stopped:
            raise StopIteration

    result = minimize(
        objective,
        np.concatenate([block.ravel() for block in start]).astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        callback=after_iteration,
        options={
            "maxiter": recipe.max_iter,
            "maxfun": 15 * recipe.max_iter,
            "gtol": recipe.smallest_gradient,
            "ftol": 64 * np.finfo(np.float64).eps,
        },
    )
    if not monitor.stopped:
        if result.status == 1:
            monitor.stop_at_limit()
        else:
            monitor.stop("The gradient or the last step is as good as 0.")


def epochs_per_call(problem: Problem, runs: list[Run], batch_size: int | None) -> int:
    """How many epochs take about 50 ms, from sizes alone: a clock would make results differ."""
    n_steps = 1 if batch_size is None else batches_per_epoch(problem.m, batch_size)
    networks = [run.member.parameters for run in runs]
    n_weights = sum(network.W1.size + network.W2.size for network in networks)
    seconds = 5e-6 * n_steps + SECONDS_PER_PRODUCT * problem.m * n_weights
    return max(1, int(CALL_SECONDS / seconds))


def next_mark(n: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ...: a call ends there, so that callbacks are told."""
    power = 10 ** (len(str(n)) - 1)
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power > n)


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
