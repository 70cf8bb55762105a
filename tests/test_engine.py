"""What every engine computes: the cost, its gradients with the penalty, and steps down them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from kernel_cases import descend, predict
from shoal.datasets import flower
from shoal.engine import ENGINES, Engine, NumpyEngine, Problem, choose_engine
from shoal.errors import ParameterError
from shoal.losses import BinaryCrossEntropy
from shoal.network import Parameters, backward, cost, forward, gradient_descent, initialize
from shoal.optimizers import Adam, GradientDescent, Momentum

X, Y = flower(60)
START = initialize(2, 4, 1, scale=1.0, random_state=0)
PROBLEM = Problem(X, Y, None, "tanh", BinaryCrossEntropy())
BOTH: list[Engine] = [NumpyEngine(), choose_engine()]  # the same one where nothing is compiled
engines = pytest.mark.parametrize("engine", BOTH, ids=lambda engine: engine.name)


def assert_close(actual: Parameters, expected: Parameters) -> None:
    """Equal but for rounding."""
    for mine, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)


@engines
def test_cost_and_gradients_are_those_of_the_network(engine: Engine) -> None:
    """`cost` and `backward` as they stand, with weights of the examples."""
    weight = np.random.default_rng(0).uniform(size=60)
    problem = replace(PROBLEM, sample_weight=weight)
    cache = forward(X, START)
    value, gradients = engine.cost_and_gradients(problem, START)
    assert value == pytest.approx(cost(cache, Y, sample_weight=weight), rel=1e-12)
    assert value == pytest.approx(engine.cost(problem, START), rel=1e-12)
    assert_close(gradients, backward(X, Y, START, cache, sample_weight=weight))
    np.testing.assert_allclose(predict(engine, problem, START, scores=True), cache.Z2, rtol=1e-11)
    np.testing.assert_allclose(predict(engine, problem, START, scores=False), cache.A2, rtol=1e-11)


@engines
def test_the_penalty_is_in_the_gradient_and_not_in_the_cost(engine: Engine) -> None:
    """penalty · W is added for both weights, nothing for the biases."""
    plain, with_penalty = (
        engine.cost_and_gradients(replace(PROBLEM, penalty=penalty), START) for penalty in (0, 0.3)
    )
    assert with_penalty[0] == plain[0]
    W1, b1, W2, b2 = plain[1]
    assert_close(with_penalty[1], Parameters(W1 + 0.3 * START.W1, b1, W2 + 0.3 * START.W2, b2))


@engines
def test_steps_on_all_examples_are_the_course_s(engine: Engine) -> None:
    """descend with gradient descent is `gradient_descent`: costs before each update, Eq 12."""
    method = GradientDescent(1.2)
    parameters, memory, costs = descend(
        engine, PROBLEM, START, method, method.init(START), [None] * 20
    )
    expected, expected_costs = gradient_descent(X, Y, START, learning_rate=1.2, n_iterations=20)
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-11)
    assert_close(parameters, expected)
    assert memory.n_steps == 20


@engines
@pytest.mark.parametrize("method", [GradientDescent(0.3), Momentum(0.1), Adam(0.01)], ids=repr)
def test_a_batch_is_the_problem_on_its_examples(engine: Engine, method: Any) -> None:
    """A step on a batch is a step on these columns alone, with the whole problem's penalty."""
    weight = np.random.default_rng(0).uniform(size=60)
    problem = replace(PROBLEM, sample_weight=weight, penalty=0.1)
    examples = np.array([3, 50, 7, 7, 20])
    alone = Problem(X[:, examples], Y[:, examples], weight[examples], "tanh", problem.loss, 0.1)
    memory = method.init(START)
    stepped, _, costs = descend(engine, problem, START, method, memory, [examples])
    expected, _, expected_costs = descend(engine, alone, START, method, memory, [None])
    np.testing.assert_allclose(costs, expected_costs, rtol=1e-12)
    assert_close(stepped, expected)


@given(st.lists(st.integers(0, 59), min_size=1, max_size=70))
def test_batches_gather_from_any_layout(examples: list[int]) -> None:
    """C-ordered, Fortran-ordered and sparse X give the same batch."""
    chosen = np.array(examples)
    for form in (np.ascontiguousarray, np.asfortranarray, scipy.sparse.csc_array):
        batch = replace(PROBLEM, X=form(X)).batch(chosen)
        dense = batch.X.toarray() if scipy.sparse.issparse(batch.X) else batch.X
        np.testing.assert_array_equal(dense, X[:, chosen])
        np.testing.assert_array_equal(batch.Y, Y[:, chosen])
        assert batch.m == len(examples)


@engines
def test_sparse_is_dense(engine: Engine) -> None:
    """Zeros that are not stored make no difference to costs, gradients and steps."""
    rare = np.where(np.abs(X) > 1, X, 0)
    dense, sparse = (replace(PROBLEM, X=form) for form in (rare, scipy.sparse.csr_array(rare.T).T))
    method = Adam(0.01)
    for batches in ([None], [np.arange(5), np.arange(5, 20)]):
        (a, _, a_costs), (b, _, b_costs) = (
            descend(engine, problem, START, method, method.init(START), batches)
            for problem in (dense, sparse)
        )
        np.testing.assert_allclose(a_costs, b_costs, rtol=1e-12)
        assert_close(a, b)


def test_an_engine_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error lists those there are, for a parameter and for the environment variable."""
    for name in ("gpu", None, 3):
        with pytest.raises(ParameterError, match=f"choose one of: {', '.join(ENGINES)}"):
            choose_engine(name)  # type: ignore[arg-type]
    monkeypatch.setenv("SHOAL_ENGINE", "gpu")
    with pytest.raises(ParameterError, match="engine 'gpu' does not exist"):
        choose_engine()
    assert choose_engine("numpy").name == "numpy"
