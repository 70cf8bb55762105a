"""The loop: where it starts, what it keeps, when it stops, and how it comes back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from shoal import ShoalClassifier
from shoal.activations import Array
from shoal.datasets import flower
from shoal.engine import Engine, NumpyEngine, Problem, choose_engine
from shoal.errors import DivergenceError
from shoal.history import History, Progress
from shoal.losses import BinaryCrossEntropy, SquaredError
from shoal.network import Parameters, cost, forward, gradient_descent, initialize
from shoal.recipe import Recipe, choose_recipe
from shoal.training import Member, train

X, Y = flower(80)
PROBLEM = Problem(X[:, ::2], Y[:, ::2], None, "tanh", BinaryCrossEntropy())
HELD_OUT = Problem(X[:, 1::2], Y[:, 1::2], None, "tanh", BinaryCrossEntropy())
ENGINE = choose_engine()
SOLVERS = ["gd", "sgd", "adam", "lbfgs"]
SETTINGS = ShoalClassifier().get_params()


def recipe(**changed: Any) -> Recipe:
    """A recipe for the problem, without a rule to stop by."""
    fixed = {"max_iter": 20, "tol": 0, "early_stopping": False, "alpha": 0, "batch_size": 10}
    return choose_recipe(SETTINGS | fixed | changed, PROBLEM.m)


def new_members(n: int = 1) -> list[Member]:
    """Networks that have not been trained."""
    return [
        Member(
            initialize(2, 4, 1, scheme="xavier", random_state=k),
            np.random.default_rng(k),
        )
        for k in range(n)
    ]


def trained(
    callbacks: list[Callable[[Progress], Any]] | None = None,
    validation: Any = None,
    problem: Problem = PROBLEM,
    engine: Engine = ENGINE,
    **changed: Any,
) -> Member:
    """A member after one training."""
    members = new_members()
    train(engine, members, problem, validation, recipe(**changed), callbacks or [])
    return members[0]


def J(problem: Problem, parameters: Parameters) -> float:
    """Cost of a problem, by the reference."""
    cache = forward(problem.X, parameters, activation=problem.activation, output=problem.loss)
    return cost(cache, problem.Y, output=problem.loss, sample_weight=problem.sample_weight)


def same(a: Parameters, b: Parameters) -> bool:
    """Equal bit for bit."""
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# ---- what a training is ------------------------------------------------------------------------


def test_gd_is_the_gradient_descent_of_the_course() -> None:
    """The same costs before each update, and the same parameters after the last."""
    member = trained(solver="gd", learning_rate=1.2)
    start = new_members()[0].parameters
    expected, costs = gradient_descent(
        PROBLEM.X, PROBLEM.Y, start, learning_rate=1.2, n_iterations=20
    )
    np.testing.assert_allclose(member.history.loss, costs, rtol=1e-11)
    for mine, theirs in zip(member.parameters, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_twice(solver: str) -> None:
    """The same member trains to the same bits, and every solver lowers the cost."""
    a, b = trained(solver=solver), trained(solver=solver)
    assert same(a.parameters, b.parameters)
    assert a.history.loss == b.history.loss
    assert J(PROBLEM, a.parameters) < J(PROBLEM, new_members()[0].parameters)


@pytest.mark.parametrize("solver", SOLVERS)
def test_engines_agree(solver: str) -> None:
    """NumPy and the kernel, if it is there, walk the same way."""
    a = trained(solver=solver, max_iter=5)
    b = trained(solver=solver, max_iter=5, engine=NumpyEngine())
    np.testing.assert_allclose(a.history.loss, b.history.loss, rtol=1e-9)


@pytest.mark.parametrize("solver", ["gd", "adam"])
@pytest.mark.parametrize("batch_size", [1000, 7])
def test_two_trainings_are_one(solver: str, batch_size: int) -> None:
    """Parameters, memory, order of the examples and curve go on where they were, bit for bit."""
    whole = trained(solver=solver, batch_size=batch_size, max_iter=20)
    (half,) = members = new_members()
    for n in (12, 8):
        how = recipe(solver=solver, batch_size=batch_size, max_iter=n)
        train(ENGINE, members, PROBLEM, None, how)
    assert same(half.parameters, whole.parameters)
    assert half.history.loss == whole.history.loss


def test_a_change_of_solver_forgets_the_old_one_s_memory() -> None:
    """Any solver can go on from any other."""
    members = new_members()
    for solver in ("adam", "sgd", "gd", "lbfgs", "adam", "gd", "sgd", "adam"):
        before = J(PROBLEM, members[0].parameters)
        train(ENGINE, members, PROBLEM, None, recipe(solver=solver, learning_rate=0.01, max_iter=3))
        assert J(PROBLEM, members[0].parameters) < before + 0.05
    assert members[0].history.n_iter == 24


def test_lbfgs_finds_the_minimum() -> None:
    """Of a convex problem with a penalty, as another method of SciPy finds it."""
    problem = Problem(X, Y, None, "tanh", BinaryCrossEntropy())
    member = Member(initialize(2, 0, 1, scheme="zeros"), np.random.default_rng(0))
    how = recipe(solver="lbfgs", alpha=1.0, max_iter=500, tol=1e-9)
    train(ENGINE, [member], problem, None, how)

    def objective(theta: np.ndarray) -> float:
        W, b = theta[None, :2], theta[None, 2:]
        return J(problem, member.parameters._replace(W2=W, b2=b)) + (W**2).sum() / 2 / problem.m

    exactly = {"xatol": 1e-10, "fatol": 0}
    best = minimize(objective, np.zeros(3), method="Nelder-Mead", options=exactly).x
    np.testing.assert_allclose(member.parameters.W2[0], best[:2], atol=1e-6)
    np.testing.assert_allclose(member.parameters.b2[0], best[2:], atol=1e-6)
    assert member.history.converged
    assert member.history.stop_reason == "The gradient or the last step is as good as 0."


# ---- what is kept and when it ends -------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_parameters_of_the_lowest_validation_loss_are_kept(solver: str) -> None:
    """Not the last ones; their iteration is noted."""
    member = trained(solver=solver, validation=HELD_OUT, learning_rate=0.5, max_iter=60)
    curve = member.history.validation_loss
    assert J(HELD_OUT, member.parameters) == pytest.approx(min(curve), rel=1e-12)
    assert member.history.best_iteration == 1 + int(np.argmin(curve))
    assert len(curve) == len(member.history.loss)


def test_if_nothing_is_better_than_the_start_the_start_is_kept() -> None:
    """From the best there is, labels turned round only lead away; patience counts from there."""
    (member,) = members = new_members()
    train(ENGINE, members, HELD_OUT, None, recipe(solver="lbfgs", max_iter=100))
    best, before = member.parameters, member.history.n_iter
    turned = replace(HELD_OUT, Y=1 - HELD_OUT.Y)
    train(ENGINE, members, turned, HELD_OUT, recipe(solver="gd", n_iter_no_change=3))
    assert same(member.parameters, best)
    assert member.history.n_iter == before + 3
    assert member.history.stop_reason.startswith("The validation loss did not improve")


@pytest.mark.parametrize("patience", [1, 3, 7])
def test_patience_is_what_it_says(patience: int) -> None:
    """With a loss that cannot move, training ends after exactly so many iterations without
    progress: from the start on held-out rows, from the first iteration on training rows.
    """
    still = {"solver": "gd", "learning_rate": 1e-300, "n_iter_no_change": patience, "tol": 1e-4}
    assert trained(validation=HELD_OUT, **still).history.n_iter == patience
    assert trained(**still).history.n_iter == patience + 1


def test_with_tol_0_every_iteration_is_made() -> None:
    """As in the course; the limit is a reason that is no convergence."""
    history = trained(solver="gd", learning_rate=1e-300, max_iter=33).history
    assert history.n_iter == 33
    assert history.stop_reason == "All 33 iterations are done."
    assert not history.converged


@pytest.mark.parametrize("solver", SOLVERS)
def test_callbacks_are_told_and_can_stop(solver: str) -> None:
    """Each gets the same Progress; training ends when one of them says so."""
    seen: list[Progress] = []
    asked = [lambda progress: progress.iteration >= 3, seen.append]
    history = trained(asked, solver=solver, tol=1e-12, max_iter=50).history
    assert [progress.iteration for progress in seen] == [1, 2, 3]
    assert [progress.loss for progress in seen] == history.loss
    assert history.stop_reason == "A callback asked to stop."
    assert seen[-1].max_iter == 50
    assert seen[0].seconds <= seen[-1].seconds
    assert seen[-1].validation_loss is None


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("validation", [None, HELD_OUT], ids=["newest", "best"])
def test_ctrl_c_keeps_what_there_is(solver: str, validation: Any) -> None:
    """The newest parameters, or those with the lowest validation loss so far."""
    seen: list[Parameters] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress.parameters)
        if progress.iteration >= 4:
            raise KeyboardInterrupt

    settings = {"solver": solver, "tol": 1e-12, "learning_rate": 0.5, "max_iter": 50}
    member = trained([interrupt], validation, **settings)
    assert member.history.interrupted
    assert member.history.stop_reason == "Interrupted after 4 iterations."
    best = min(seen, key=lambda p: J(HELD_OUT, p)) if validation else seen[-1]
    assert same(member.parameters, best)


# ---- divergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["gd", "sgd"])
def test_divergence_is_a_typed_error(solver: str) -> None:
    """Where no halving of the learning rate helps, the message says what to change."""
    problem = Problem(X * 1e3, Y * 1e3, None, "identity", SquaredError())
    with pytest.raises(DivergenceError, match=r"after 5 halvings .* a much smaller learning_rate"):
        trained(problem=problem, solver=solver, learning_rate=1e6, max_iter=2000)


def test_a_step_too_far_is_taken_back() -> None:
    """Training goes back to where it began, and on with half the learning rate, or half of that."""
    problem = Problem(X, Y, None, "identity", SquaredError())
    how = {"problem": problem, "solver": "gd", "max_iter": 500}
    member = trained(**how, learning_rate=2.0)
    assert np.isfinite(member.history.loss).all()
    assert member.history.loss[-1] < member.history.loss[0]
    slower = [trained(**how, learning_rate=2.0 / 2**k) for k in range(1, 6)]
    assert any(same(member.parameters, other.parameters) for other in slower)
    assert member.history.n_iter == 500


def test_many_steps_too_far_are_taken_back() -> None:
    """Watched after every step, the cost grows for a while; then training is back at its best."""
    problem = Problem(X, Y, None, "identity", SquaredError())
    how = {"solver": "gd", "max_iter": 500, "tol": 1e-300, "n_iter_no_change": 500}
    history = trained(problem=problem, learning_rate=2.0, **how).history
    assert max(history.loss) > 1e3 * history.loss[0]
    assert history.loss[-1] < history.loss[0]


def test_training_goes_back_to_the_lowest_cost_it_knows() -> None:
    """Not to the beginning: to the parameters whose cost was computed last before the fall."""
    seen: list[tuple[Array, float]] = []

    class Stumbling(NumpyEngine):
        def descend(self, problem: Any, state: Any, optimizer: Any, batches: Any) -> Array:
            seen.append((state.theta.copy(), optimizer.learning_rate))
            costs = super().descend(problem, state, optimizer, batches)
            return np.full_like(costs, np.nan) if len(seen) == 6 else costs

    trained(engine=Stumbling(), solver="gd", learning_rate=0.1, tol=1e-300, max_iter=8)
    assert (seen[6][0] == seen[4][0]).all()
    assert [rate for _, rate in seen] == [0.1] * 6 + [0.05] * 3


# ---- members together --------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 39), st.integers(1, 40), st.sampled_from(["gd", "adam", "lbfgs"]))
def test_members_hold_out_rows_of_their_own(n_held: int, batch_size: int, solver: str) -> None:
    """Any number of rows and any size of batches: each keeps its best on its own rows."""
    members = new_members(3)
    held_out = [np.random.default_rng(k).permutation(40)[:n_held] for k in range(3)]
    how = recipe(solver=solver, batch_size=batch_size, max_iter=5)
    train(ENGINE, members, PROBLEM, held_out, how)
    for member, new, rows in zip(members, new_members(3), held_out, strict=True):
        seen = [J(PROBLEM.batch(rows), new.parameters), *member.history.validation_loss]
        assert J(PROBLEM.batch(rows), member.parameters) == pytest.approx(min(seen), rel=1e-11)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("batch_size", [4, 30])
def test_held_out_rows_are_never_trained_on(solver: str, batch_size: int) -> None:
    """What their labels are makes no difference to a bit of the training of the member that holds
    them out, and it does to that of another member.
    """
    own, others = np.array([3, 8, 20]), np.array([1, 5, 39])
    how = recipe(solver=solver, batch_size=batch_size, n_iter_no_change=99)
    curves = []
    for label in (0, 1):
        labels = PROBLEM.Y.copy()
        labels[:, own] = label
        members = new_members(2)
        train(ENGINE, members, replace(PROBLEM, Y=labels), [own, others], how)
        curves.append([member.history.loss for member in members])
    assert curves[0][0] == curves[1][0]
    assert curves[0][1] != curves[1][1]


def test_a_training_followed_by_another_is_one_history() -> None:
    """Curves in a row, seconds summed, the best iteration counted from the beginning."""
    first = History([3.0, 2.0], [3.1, 2.1], 2, "a", True, False, 1.0)
    later = History([1.0], [1.1], 1, "b", False, True, 0.5)
    assert first.followed_by(later) == History(
        [3.0, 2.0, 1.0], [3.1, 2.1, 1.1], 3, "b", False, True, 1.5
    )
    no_better = replace(later, best_iteration=None)
    assert first.followed_by(no_better).best_iteration == 2
