"""Inputs that are looked up are the dense ones they stand for, in every engine and step."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import shoal.engine
import shoal.prediction
from kernel_cases import descend, descend_together, distance, engines, flat, looked_up, predict
from shoal.activations import Array
from shoal.engine import CompiledEngine, Engine, NumpyEngine, Problem, choose_engine
from shoal.errors import DataError
from shoal.lookup import Lookup, Slots, is_faster
from shoal.losses import BinaryCrossEntropy, CrossEntropy
from shoal.network import Parameters, backward, forward, initialize
from shoal.optimizers import Adam, Momentum
from shoal.prediction import Predictor

ENGINES: dict[str, Engine] = {"numpy": NumpyEngine(), **engines()}
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
seeds = st.integers(0, 2**16)


@st.composite
def lookups(draw: Any, *, least: int = 0) -> Lookup:
    """Any columns behind 0 to 5 direct inputs, of 1 to 40 examples."""
    random = np.random.default_rng(draw(seeds))
    direct = random.standard_normal((draw(st.integers(least, 5)), draw(st.integers(1, 40))))
    return draw(looked_up(direct, random))


def table(m: int = 300, *, centred: bool = True, dtype: Any = np.float64) -> Lookup:
    """Bins of 1, 8 and 33 slots, levels of 2 and 20, some values not known, 3 direct inputs."""
    random = np.random.default_rng(m)
    widths = np.array([1, 8, 33, 2, 20])
    index = random.integers(0, widths + 1, (m, 5)).astype(np.uint16)
    fraction = np.where(index == widths, 1, random.random((m, 5))).astype(dtype)
    slots = Slots(tuple(widths.tolist()), 3, random.random(widths.sum()))
    return Lookup(random.standard_normal((m, 3)).astype(dtype).T, slots, index, fraction, centred)


def start_of(X: Lookup, n_h: int = 13, n_y: int = 2, *, skip: bool = False) -> Parameters:
    """Random weights and biases for it, of its type."""
    random = np.random.default_rng(n_h)
    like = initialize(X.shape[0], n_h, n_y, skip=skip)
    return Parameters(*(random.normal(0, 0.3, block.shape).astype(X.dtype) for block in like))


def problem_of(X: Any, **settings: Any) -> Problem:
    """Two classes that have nothing to do with X."""
    Y = np.eye(2)[:, np.random.default_rng(0).integers(0, 2, X.shape[1])].astype(X.dtype)
    return Problem(X, Y, None, "silu", CrossEntropy(), **settings)


def dense(problem: Problem) -> Problem:
    """The same with the inputs made."""
    return replace(problem, X=problem.X.dense())


# ---- the encoding --------------------------------------------------------------------------------


@given(st.lists(st.floats(-2, 3), min_size=1, max_size=20))
def test_bins_are_the_piecewise_linear_encoding(values: list[float]) -> None:
    """t and f of x among edges are clip((x - e_s) / (e_{s+1} - e_s), 0, 1) for every bin s."""
    x, edges = np.array(values), np.array([-1.0, 0.0, 0.25, 2.0])
    t = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, 2)
    f = np.clip((x - edges[t]) / (edges[t + 1] - edges[t]), 0, 1)
    slots = Slots((3,), 1, np.zeros(3))
    X = Lookup(np.empty((0, len(x))), slots, t[:, None].astype(np.uint16), f[:, None])
    expected = np.clip((x - edges[:-1, None]) / np.diff(edges)[:, None], 0, 1)
    np.testing.assert_array_equal(X.dense(), expected)


def test_levels_are_one_hot_and_what_is_not_known_is_the_average() -> None:
    """Level t is 1 in slot t; index T is the center of each slot, or 0 once they are subtracted."""
    centers = np.array([0.5, 0.25, 0.25, 0.9])
    index = np.array([[1, 0], [3, 1], [0, 1]], np.uint16)
    X = Lookup(np.empty((0, 3)), Slots((3, 1), 0, centers), index, np.zeros((3, 2)))
    encoded = np.array([[0, 1, 0, 1], [0.5, 0.25, 0.25, 0.9], [1, 0, 0, 0.9]])
    np.testing.assert_array_equal(X.dense().T, encoded)
    centred = replace(X, centred=True).dense().T
    np.testing.assert_array_equal(centred, encoded - centers)
    assert not centred[1].any()


@given(X=lookups(), seed=seeds, n=st.integers(0, 5))
@settings(deadline=None)
def test_products_are_those_of_the_dense_inputs(X: Lookup, seed: int, n: int) -> None:
    """W X, dZ Xᵀ, and both of some of the examples, though nothing of T rows is made."""
    random = np.random.default_rng(seed)
    inputs, (n_x, m) = X.dense(), X.shape
    W, dZ = random.standard_normal((n, n_x)), random.standard_normal((n, m))
    assert inputs.shape == (n_x, m)
    np.testing.assert_allclose(W @ X, W @ inputs, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dZ @ X.T, dZ @ inputs.T, rtol=1e-12, atol=1e-12)
    chosen = random.integers(0, m, 7)
    np.testing.assert_allclose(W @ X.T[chosen].T, W @ inputs[:, chosen], rtol=1e-12, atol=1e-12)


@given(X=lookups(least=1), seed=seeds, n_h=st.integers(0, 4), skip=st.booleans())
@settings(deadline=None, max_examples=50)
def test_the_network_reads_the_same(X: Lookup, seed: int, n_h: int, skip: bool) -> None:
    """forward and backward take a Lookup as they take an array."""
    random = np.random.default_rng(seed)
    like = initialize(X.shape[0], n_h, 1, skip=skip and n_h > 0)
    parameters = Parameters(*(random.normal(size=block.shape) for block in like))
    Y = random.integers(0, 2, (1, X.shape[1])).astype(float)
    cache, of_dense = forward(X, parameters), forward(X.dense(), parameters)
    np.testing.assert_allclose(cache.Z2, of_dense.Z2, rtol=1e-10, atol=1e-10)
    gradients = backward(X, Y, parameters, cache)
    for ours, theirs in zip(gradients, backward(X.dense(), Y, parameters, of_dense), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


# ---- engines -------------------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(("n_h", "skip"), [(13, False), (130, True), (0, False)])
def test_every_engine_computes_the_dense_problem(
    engine: Engine, centred: bool, n_h: int, skip: bool
) -> None:
    """Cost, gradients, steps in batches and scores are those of the reference on dense inputs."""
    X = table(centred=centred)
    problem = problem_of(X, penalty=0.01, dropout=0.2)
    start, reference = start_of(X, n_h, skip=skip), NumpyEngine()
    J, gradients = engine.cost_and_gradients(problem, start)
    expected_J, expected = reference.cost_and_gradients(dense(problem), start)
    assert pytest.approx(expected_J, rel=1e-12) == J
    assert distance(flat(gradients), flat(expected)) <= 1e-12
    batches: list[Array | None] = [np.arange(k, 300, 3) for k in range(3)]
    for method in (Momentum(0.1), Adam(0.01, epsilon=1e-3, weight_decay=0.1)):
        begun = method.init(start)
        ours = descend(engine, problem, start, method, begun, batches)
        theirs = descend(reference, dense(problem), start, method, begun, batches)
        for a, b in zip((ours[0], *ours[1].moments), (theirs[0], *theirs[1].moments), strict=True):
            assert distance(flat(a), flat(b)) <= 1e-11
        np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-12)
    raw = replace(X, centred=False)
    Z2 = forward(raw.dense(), start, activation="silu", output="softmax").Z2
    assert distance(predict(engine, problem, start, scores=True), Z2) <= 1e-12


@every_engine
def test_calls_continue_each_other_for_all_members(engine: Engine) -> None:
    """Three members with weights of their own: two calls are one, and each is the member alone."""
    X = table(200)
    weight = np.random.default_rng(1).integers(0, 3, (3, 200)).astype(float)
    problem = replace(problem_of(X), sample_weight=weight)
    method = Adam(epsilon=1e-3)
    members = [start_of(X, 9)] + [Parameters(*(2 * b for b in start_of(X, 9))) for _ in range(2)]
    memories = [method.init(member) for member in members]
    batches: list[Array | None] = [np.arange(100), np.arange(50, 200)]
    at_once = descend_together(engine, problem, members, method, memories, batches)
    first = descend_together(engine, problem, members, method, memories, batches[:1])
    second = descend_together(
        engine, problem, [to[0] for to in first], method, [to[1] for to in first], batches[1:]
    )
    for k, (a, b) in enumerate(zip(at_once, second, strict=True)):
        alone = descend(engine, problem.of_member(k), members[k], method, memories[k], batches)
        assert flat(a[0]).tobytes() == flat(b[0]).tobytes()
        assert distance(flat(a[0]), flat(alone[0])) <= 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("K", [1, 3])
def test_any_number_of_threads_gives_the_same_bits(
    dtype: Any, K: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1, 2 and 8 threads: members, memories, gradients and predictions, byte for byte."""
    for module in (shoal.engine, shoal.prediction):
        monkeypatch.setattr(module, "ALONE", 0)  # threads for the least work
    monkeypatch.setattr(shoal.engine, "STEP_ALONE", 0)
    chosen = choose_engine()
    if not isinstance(chosen, CompiledEngine):
        return  # the reference has no threads
    X = table(3000, dtype=dtype)
    problem, start, method = problem_of(X), start_of(X, 70, skip=True), Adam()
    random, seen = np.random.default_rng(0), set()
    batches: list[Array | None] = [random.permutation(3000)[:1500] for _ in range(2)]
    for threads in (1, 2, 8):
        engine = CompiledEngine(chosen.kernel, threads)
        ended = descend_together(
            engine, problem, [start] * K, method, [method.init(start)] * K, batches
        )
        made = [flat(part) for to in ended for part in (to[0], *to[1].moments)]
        made.append(flat(engine.cost_and_gradients(problem, start)[1]))
        made.append(predict(engine, problem, start, scores=False))
        seen.add(b"".join(array.tobytes() for array in made))
    assert len(seen) == 1


@every_engine
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_alone_gives_what_it_gives_in_a_batch(engine: Engine, dtype: Any) -> None:
    """Scores of 101 rows at once are those row by row: to the last bit in the kernel."""
    X = table(101, centred=False, dtype=dtype)
    start = start_of(X, 20)
    predictor = Predictor(start, "tanh", CrossEntropy(), X.slots, engine)
    together = predictor(X.T, scores=True)
    alone = np.concatenate([predictor(X.T[[i]], scores=True) for i in range(101)])
    if engine.name == "numpy":
        np.testing.assert_allclose(together, alone, rtol=1e-4 if dtype is np.float32 else 1e-12)
    else:
        assert together.tobytes() == alone.tobytes()


@every_engine
def test_thousands_of_levels_need_no_more_than_their_numbers(engine: Engine) -> None:
    """65,535 levels of 20,000 rows: as an array 10 gigabytes, looked up a cost all the same."""
    m, T = 20_000, 65_535
    index = np.random.default_rng(0).integers(0, T + 1, (m, 1)).astype(np.uint16)
    slots = Slots((T,), 0, np.full(T, 1 / T))
    X = Lookup(np.zeros((0, m)), slots, index, np.zeros((m, 1)))
    start = initialize(T, 2, 1, scale=1, random_state=0)
    problem = Problem(X, np.zeros((1, m)), None, "tanh", BinaryCrossEntropy())
    w = np.hstack([start.W1, start.W1.mean(axis=1, keepdims=True)])[:, index[:, 0]]
    Z2 = start.W2 @ np.tanh(w)
    assert engine.cost(problem, start) == pytest.approx(np.logaddexp(0, Z2).mean(), rel=1e-12)


# ---- what cannot be ------------------------------------------------------------------------------


def test_slots_that_cannot_be_are_refused() -> None:
    """Widths of 0 or more than an index can name, too many bins, centers of another number."""
    for widths, n_bins, n_centers in (
        ((0,), 0, 0),
        ((65_536,), 0, 65_536),
        ((3,), 2, 3),
        ((3,), -1, 3),
        ((3, 2), 1, 4),
    ):
        with pytest.raises(DataError):
            Slots(widths, n_bins, np.zeros(n_centers))


def test_what_cannot_be_looked_up_is_refused() -> None:
    """An index beyond T, of another type or shape, and an unknown value with a fraction below 1."""
    X = table()
    for wrong, what in (
        ({"index": X.index + np.uint16(40)}, "does not have"),
        ({"index": X.index.astype(int)}, "must be uint16"),
        ({"index": X.index[:, :4]}, "must be"),
        ({"fraction": X.fraction[:10]}, "must be"),
        ({"fraction": np.zeros_like(X.fraction)}, "must be 1 where"),
    ):
        with pytest.raises(DataError, match=what):
            replace(X, **wrong)
    start = start_of(X)
    with pytest.raises(DataError, match="does not fit W1"):
        forward(X, Parameters(start.W1[:, 1:], *start[1:]))
    with pytest.raises(DataError, match="centred=False"):
        Predictor(start, "tanh", CrossEntropy(), X.slots)(X.T, scores=True)


def test_few_slots_are_faster_as_they_are() -> None:
    """Two levels and a few bins are better multiplied, many of either better looked up."""
    assert not is_faster(2, bins=False)
    assert not is_faster(4, bins=True)
    assert is_faster(10, bins=False)
    assert is_faster(16, bins=True)
    assert is_faster(65_535, bins=True)
    assert not is_faster(65_536, bins=False)
