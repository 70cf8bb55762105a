"""The C kernel against the NumPy reference, to rounding, on every instruction set there is."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import shoal.engine
import shoal.prediction
from kernel_cases import Case, cases, compare, descend, descend_together, engines, predict
from shoal import datasets
from shoal.activations import Array
from shoal.dropout import kept_units
from shoal.engine import CompiledEngine, NumpyEngine, Problem, choose_engine
from shoal.errors import DataError, ParameterError
from shoal.kernel import load_kernel
from shoal.kernel_problem import Prepared
from shoal.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError
from shoal.network import Parameters, forward, initialize
from shoal.optimizers import Adam, GradientDescent, Memory
from shoal.prediction import Predictor

ENGINES = engines()
needs_kernel = pytest.mark.skipif(not ENGINES, reason="the kernel is not built here")
every_isa = pytest.mark.parametrize("isa", ENGINES or ["none"])
both_types = pytest.mark.parametrize("dtype", [np.float64, np.float32])

pytestmark = needs_kernel


def flower(m: int = 100, n_x: int = 2, n_h: int = 4, dtype: Any = np.float64) -> tuple[Any, ...]:
    """A small problem of two classes and a start."""
    random = np.random.default_rng(0)
    X = random.standard_normal((m, n_x)).astype(dtype).T
    Y = (X[:1] * X[1:2] > 0).astype(dtype)
    start = initialize(n_x, n_h, 1, scale=0.5, random_state=1)
    start = Parameters(*(block.astype(dtype) for block in start))
    return Problem(X, Y, None, "tanh", BinaryCrossEntropy()), start


def bits(result: Any) -> bytes:
    """All numbers of parameters, memories and costs, byte for byte."""
    parameters, memory, costs = result
    blocks = [*parameters, *(block for moment in memory.moments for block in moment)]
    return b"".join(block.tobytes() for block in blocks) + np.array(costs).tobytes()


# ---- the same numbers as the reference -----------------------------------------------------------


@every_isa
@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(case=cases())
def test_it_agrees_with_the_reference(isa: str, case: Case) -> None:
    """Costs, gradients, steps of every method and scores: 1e-12 in float64, 1e-5 in float32.

    `make fuzz` tries 10,000 cases of the same.
    """
    compare(ENGINES[isa], case)


@every_isa
def test_blocks_and_stripes_add_up(isa: str) -> None:
    """Far more examples than a block holds: the sums are those of the reference."""
    random = np.random.default_rng(3)
    X = random.standard_normal((20_000, 30)).T
    Y = np.eye(3)[:, random.integers(0, 3, 20_000)]
    start = initialize(30, 70, 3, scheme="xavier", random_state=0)
    problem = Problem(X, Y, random.random(20_000), "silu", CrossEntropy())
    J, gradients = ENGINES[isa].cost_and_gradients(problem, start)
    J_reference, reference = NumpyEngine().cost_and_gradients(problem, start)
    assert pytest.approx(J_reference, rel=1e-13) == J
    for ours, theirs in zip(gradients, reference, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


@every_isa
def test_it_gives_the_published_costs_of_the_course(isa: str) -> None:
    """The flower, 4 units, 10,000 steps: printed costs to 6 decimals while training is stable."""
    golden = json.loads((Path(__file__).parent / "golden" / "course.json").read_text())
    X, Y = datasets.flower()
    method = GradientDescent(golden["train_flower"]["learning_rate"])
    problem = Problem(X, Y.astype(float), None, "tanh", BinaryCrossEntropy())
    for run in golden["train_flower"]["runs"]:
        start = initialize(2, 4, 1, random_state=run["random_state"])
        costs = descend(ENGINES[isa], problem, start, method, Memory(), [None] * 10_001)[2]
        ours = costs[: run["stable"] + 1 : 1000]
        np.testing.assert_allclose(ours, run["costs"], rtol=0, atol=0.5001e-6)


FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "softplus": lambda z: np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0),
}


@every_isa
@both_types
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_exact_to_the_last_places(isa: str, dtype: Any, name: str) -> None:
    """tanh, sigmoid and softplus within 4 units in the last place, from tiny to large.

    Or, of tanh, a fifth of that of 1: near 0.01 it is the sum of two terms that partly cancel.
    """
    small = np.geomspace(1e-30, 80, 20_000)
    Z = np.concatenate([-small, small, np.linspace(-20, 20, 20_000)])[None].astype(dtype)
    one, zero = np.ones((1, 1), dtype), np.zeros((1, 1), dtype)
    problem = Problem(Z, Z, None, name, SquaredError())
    ours = predict(ENGINES[isa], problem, Parameters(one, zero, one, zero), scores=True)
    exact = FUNCTIONS[name](Z.astype(np.longdouble))
    units = 4 * np.spacing(np.abs(exact).astype(dtype))
    if name == "tanh":
        units[np.abs(Z) > 0.009] = np.maximum(units, np.finfo(dtype).eps / 5)[np.abs(Z) > 0.009]
    assert (np.abs(ours - exact) <= units).all()


@every_isa
@both_types
def test_the_exponential_reaches_denormals_and_infinity(isa: str, dtype: Any) -> None:
    """e^z of the log link is NumPy's to 2 units in the last place, denormals included."""
    Z = np.linspace(-110 if dtype is np.float32 else -760, 40, 50_001).astype(dtype)[None]
    one, zero = np.ones((1, 1), dtype), np.zeros((1, 1), dtype)
    none = Parameters(np.zeros((0, 1), dtype), np.zeros((0, 1), dtype), one, zero)
    ours = predict(ENGINES[isa], Problem(Z, Z, None, "tanh", Poisson()), none, scores=False)
    exact = np.exp(Z.astype(np.longdouble))
    assert (np.abs(ours - exact) / np.spacing(exact.astype(dtype))).max() <= 2


@every_isa
def test_nan_and_infinity_go_where_numpy_sends_them(isa: str) -> None:
    """Scores of every activation from NaN, ±inf and ±1e300 are those of the reference."""
    Z = np.array([[np.nan, np.inf, -np.inf, 1e300, -1e300, 5e-324, -0.0]])
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    for activation in shoal.ACTIVATIONS:
        problem = Problem(Z, Z, None, activation, SquaredError())
        parameters = Parameters(one, zero, one, zero)
        with np.errstate(invalid="ignore", over="ignore"):
            theirs = forward(Z, parameters, activation=activation, output="identity").Z2
        ours = predict(ENGINES[isa], problem, parameters, scores=True)
        np.testing.assert_allclose(ours, theirs, rtol=1e-15, atol=0, err_msg=activation)


# ---- the same bits, whatever the way -------------------------------------------------------------


@every_isa
@both_types
@pytest.mark.parametrize("activation", shoal.ACTIVATIONS)
def test_a_row_alone_gives_the_bits_it_gives_in_a_batch(
    isa: str, dtype: Any, activation: str
) -> None:
    """Prediction of 101 rows at once is prediction row by row, to the last bit."""
    random = np.random.default_rng(0)
    X = random.standard_normal((101, 7)).astype(dtype).T
    start = Parameters(*(b.astype(dtype) for b in initialize(7, 13, 3, scale=1, random_state=0)))
    loss = CrossEntropy()

    def outputs(X: Array) -> Array:
        Y = np.zeros((3, X.shape[1]), dtype)
        return predict(ENGINES[isa], Problem(X, Y, None, activation, loss), start, scores=False)

    together = outputs(X)
    alone = np.concatenate([outputs(X[:, [i]]) for i in range(101)], axis=1)
    assert together.tobytes() == alone.tobytes()


@both_types
@pytest.mark.parametrize(
    ("K", "n_x", "n_h"), [(1, 20, 30), (3, 20, 30), (8, 20, 30), (1, 150, 240)]
)
def test_any_number_of_threads_gives_the_same_bits(
    dtype: Any, K: int, n_x: int, n_h: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1, 2, 4 and 8 threads, twice each: parameters, memories and costs are equal byte for byte.

    Of the widest, two threads share not only the examples, but also the numbers of each step.
    """
    for module in (shoal.engine, shoal.prediction):
        monkeypatch.setattr(module, "ALONE", 0)  # threads for the least work
    monkeypatch.setattr(shoal.engine, "STEP_ALONE", 0)
    problem, start = flower(3000, n_x, n_h, dtype)
    method, kernel = Adam(), load_kernel()
    assert kernel is not None
    random = np.random.default_rng(0)
    batches: list[Array | None] = [random.permutation(3000)[:1500] for _ in range(3)]
    members = [Parameters(*(block * (1 + k) for block in start)) for k in range(K)]
    seen = set()
    for threads in (1, 2, 4, 8, 1, 2, 4, 8):
        engine = CompiledEngine(kernel, threads)
        memories = [method.init(start)] * K
        results = descend_together(engine, problem, members, method, memories, batches)
        J, gradients = engine.cost_and_gradients(problem, start)
        out = predict(engine, problem, start, scores=False)
        seen.add((b"".join(map(bits, results)), J, gradients.W1.tobytes(), out.tobytes()))
    assert len(seen) == 1


def test_members_together_are_members_alone() -> None:
    """Each of 5 members, with weights and dropout of its own, takes the steps it takes alone."""
    problem, start = flower(200)
    weight = np.random.default_rng(0).integers(0, 3, (5, 200)).astype(float)
    together = Problem(
        problem.X, problem.Y, weight, "tanh", problem.loss, penalty=0.01, dropout=0.2, seed=7
    )
    members = [Parameters(*(block * (1 + k) for block in start)) for k in range(5)]
    method = Adam(epsilon=0.01)
    batches: list[Array | None] = [np.arange(s, 200, 2) for s in (0, 1, 0)]
    memories = [method.init(start)] * 5
    ours = descend_together(choose_engine("compiled"), together, members, method, memories, batches)
    theirs = descend_together(NumpyEngine(), together, members, method, memories, batches)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a[2], b[2], rtol=1e-12)
        for block, other in zip(a[0], b[0], strict=True):
            np.testing.assert_allclose(block, other, rtol=0, atol=1e-12)


def test_steps_in_one_call_are_steps_in_many() -> None:
    """Ten steps at once and ten calls of one step give the same bits, full batch or not."""
    problem, start = flower(300)
    random = np.random.default_rng(0)
    engine, method = choose_engine("compiled"), Adam()
    for batches in ([None] * 10, [random.permutation(300)[:70] for _ in range(10)]):
        at_once = descend(engine, problem, start, method, method.init(start), list(batches))
        parameters, memory, costs = start, method.init(start), []
        for batch in batches:
            parameters, memory, J = descend(engine, problem, parameters, method, memory, [batch])
            costs += J
        assert bits(at_once) == bits((parameters, memory, costs))


def test_what_was_given_is_left_as_it_was() -> None:
    """X, Y, parameters and memory are the same bytes after a descent."""
    problem, start = flower()
    method = Adam()
    memory = method.init(start)
    given = [problem.X, problem.Y, *start, *memory.moments[0], *memory.moments[1]]
    before = [array.tobytes() for array in given]
    descend(choose_engine("compiled"), problem, start, method, memory, [None] * 3)
    assert [array.tobytes() for array in given] == before


# ---- metamorphic ---------------------------------------------------------------------------------


def test_weight_0_is_absence_and_weight_2_is_twice() -> None:
    """The cost and gradients with weights are those of the rows left out or repeated."""
    problem, start = flower(90)
    weight = np.random.default_rng(0).integers(0, 3, 90)
    rows = np.repeat(np.arange(90), weight)
    weighted = Problem(problem.X, problem.Y, weight.astype(float), "tanh", problem.loss)
    engine = choose_engine("compiled")
    J, gradients = engine.cost_and_gradients(weighted, start)
    J_rows, of_rows = engine.cost_and_gradients(problem.batch(rows), start)
    assert pytest.approx(J_rows, rel=1e-13) == J
    for ours, theirs in zip(gradients, of_rows, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-14)


def test_permuted_units_and_flipped_signs_are_the_same_network() -> None:
    """Units in another order, and tanh units with both signs turned, give the same scores."""
    problem, start = flower(90, n_h=9)
    order = np.random.default_rng(0).permutation(9)
    sign = np.where(np.arange(9) % 2, 1.0, -1.0)
    W1, b1, W2, b2 = start
    other = Parameters(
        W1[order] * sign[:, None], b1[order] * sign[:, None], W2[:, order] * sign, b2
    )
    engine = choose_engine("compiled")
    assert isinstance(engine, CompiledEngine)
    np.testing.assert_allclose(
        predict(engine, problem, start, scores=True),
        predict(engine, problem, other, scores=True),
        rtol=1e-12,
        atol=1e-14,
    )


def test_dropout_leaves_out_the_share_it_is_told() -> None:
    """Of a million decisions a quarter is 0, within 4 standard deviations, and the mean stays 1."""
    kept = kept_units(1000, np.arange(1000), share=0.25, seed=1, step=2, member=3, dtype=np.float64)
    assert (kept == 0).mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 1e6))
    assert set(np.unique(kept)) == {0, 1 / 0.75}
    # Neither units nor examples nor steps go together.
    other = kept_units(1000, np.arange(1000), share=0.25, seed=1, step=3, member=3, dtype=float)
    for a, b in ((kept[1:], kept[:-1]), (kept[:, 1:], kept[:, :-1]), (kept, other)):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.005


# ---- errors, and being a guest in the process ----------------------------------------------------


def test_what_cannot_be_read_is_refused() -> None:
    """An example that does not exist, weights that sum to 0 and wrong shapes are typed errors."""
    problem, start = flower(50)
    engine, method = choose_engine("compiled"), GradientDescent()
    for batch in ([50], [-1], [2**31 - 1]):
        with pytest.raises(IndexError, match="does not exist"):
            descend(engine, problem, start, method, method.init(start), [np.array(batch)])
    nothing = Problem(problem.X, problem.Y, np.zeros(50), "tanh", problem.loss)
    with pytest.raises(DataError, match="sum to 0"):
        engine.cost(nothing, start)
    with pytest.raises(DataError, match="Y is"):
        engine.cost(Problem(problem.X, problem.Y[:, :40], None, "tanh", problem.loss), start)
    kernel = load_kernel()
    assert kernel is not None
    prepared = Prepared(problem.X, None, None, n_h=4, n_y=1, activation="tanh", loss=problem.loss)
    theta = np.zeros(prepared.size)
    for wrong in (theta[:-1], theta.astype(np.float32), np.zeros(2 * len(theta))[::2]):
        with pytest.raises(DataError, match="theta"):
            kernel.evaluate(prepared, wrong)
    rows = Predictor(start, "tanh", problem.loss, engine=engine)
    for wrong in (problem.X.T[:, :1], problem.X.T.astype(np.float32)):
        with pytest.raises(DataError, match=r"must be float64 \(m, 2\)"):
            rows(wrong, scores=True)
    with pytest.raises(DataError, match="no Y"):
        kernel.evaluate(prepared, theta)


def test_what_the_kernel_does_not_know_the_reference_does() -> None:
    """Sparse X, and a loss of one's own, give what NumPy gives."""
    import scipy.sparse

    problem, start = flower(50)
    engine = choose_engine("compiled")
    sparse = Problem(scipy.sparse.csc_array(problem.X), problem.Y, None, "tanh", problem.loss)
    assert engine.cost(sparse, start) == pytest.approx(engine.cost(problem, start), rel=1e-14)

    class Own(BinaryCrossEntropy):
        pass

    own = Problem(problem.X, problem.Y, None, "tanh", Own())
    assert engine.cost(own, start) == NumpyEngine().cost(own, start)


def test_loading_it_changes_nothing_in_the_process() -> None:
    """Denormal numbers stay what they are: the kernel is not built with -ffast-math."""
    assert load_kernel() is not None
    assert np.float64(5e-324) * 1.0 > 0
    assert np.finfo(np.float64).smallest_subnormal / 1 > 0


@both_types
def test_threads_of_the_caller_do_not_meet(dtype: Any) -> None:
    """Rows predicted alone, in several threads by one predictor, are those of all together.

    So are rows that are strided or read-only, and what was returned stays what it was.
    """
    problem, start = flower(200, 20, 30, dtype)
    predictor = Predictor(start, "tanh", problem.loss, engine=choose_engine("compiled"))
    X = problem.X.T
    want = predictor(X, scores=False)

    def alone(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(X)).repeat(5)
        got = [predictor(X[i : i + 1], scores=False) for i in order]
        np.testing.assert_array_equal(np.concatenate(got), want[order])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(alone, range(8)))
    X = np.asfortranarray(X)
    X.flags.writeable = False
    np.testing.assert_array_equal(predictor(X[7:8], scores=False), want[7:8])
    assert predictor(X[:0], scores=False).shape == (0, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_it_works_in_a_forked_child() -> None:
    """After work on two threads here, a child forked from this process computes the same."""
    code = """
import os, sys
import numpy as np
from test_kernel import flower
from shoal.engine import CompiledEngine
from shoal.kernel import load_kernel
problem, start = flower(20_000, 20, 30)
engine = CompiledEngine(load_kernel(), threads=2)
J = engine.cost_and_gradients(problem, start)[0]
child = os.fork()
if child == 0:
    os._exit(0 if engine.cost_and_gradients(problem, start)[0] == J else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)


def test_the_environment_forces_engine_and_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """SHOAL_ENGINE and SHOAL_ISA are obeyed; what they cannot mean is an error with the choice."""
    monkeypatch.setenv("SHOAL_ISA", "baseline")
    assert choose_engine().name == "compiled (baseline)"
    monkeypatch.setenv("SHOAL_ISA", "abacus")
    with pytest.raises(ParameterError, match="baseline"):
        choose_engine()
    monkeypatch.setenv("SHOAL_ENGINE", "numpy")
    assert choose_engine().name == "numpy"
    monkeypatch.setenv("SHOAL_ENGINE", "steam")
    with pytest.raises(ParameterError, match="steam"):
        choose_engine()


def test_without_the_kernel_numpy_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """NumPy computes, one line on stderr says why, and "compiled" is an error."""
    monkeypatch.setattr(shoal.engine, "load_kernel", lambda: None)
    shoal.engine._say_once.cache_clear()
    assert [choose_engine().name for _ in range(3)] == ["numpy"] * 3
    assert capsys.readouterr().err.count("is not built") == 1
    with pytest.raises(ParameterError, match="not built"):
        choose_engine("compiled")
