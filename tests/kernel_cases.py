"""Random problems for the kernel, and how far it is from the reference on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from shoal.activations import ACTIVATIONS, Array
from shoal.batches import Batches
from shoal.engine import CompiledEngine, Engine, NumpyEngine, Problem
from shoal.kernel import INSTRUCTION_SETS, load_kernel
from shoal.kernel_problem import by_slot
from shoal.lookup import Lookup, Slots
from shoal.losses import LOSSES, Quantile
from shoal.network import Parameters
from shoal.optimizers import Adam, GradientDescent, Memory, Momentum, Optimizer
from shoal.prediction import Predictor
from shoal.state import State

METHODS: tuple[Optimizer, ...] = (
    GradientDescent(0.02),
    Momentum(0.02, nesterov=True),
    Momentum(0.02, nesterov=False),
    # With a tiny epsilon Adam's first steps have one size for a gradient of 1 and one of 1e-17,
    # which is rounding: a comparison needs an epsilon above it.
    Adam(0.01, epsilon=0.01, weight_decay=0.1),
)
TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}
LAYOUTS = ("rows", "columns", "strided", "reversed", "read only", "unaligned")


def engines() -> dict[str, CompiledEngine]:
    """One for each instruction set that this processor has."""
    found = {}
    library = load_kernel()
    for isa in INSTRUCTION_SETS if library else ():
        try:
            kernel = load_kernel(isa)
        except ValueError:
            continue
        assert kernel is not None
        found[isa] = CompiledEngine(kernel, threads=1)
    return found


def joined(batches: Sequence[Array | None]) -> Batches:
    """The examples of each step, None for all of them in every step, as engines take them."""
    given = [batch for batch in batches if batch is not None]
    return Batches.of(given) if given else Batches(len(batches))


Descent = tuple[Parameters, Memory, list[float]]


def descend_together(
    engine: Engine,
    problem: Problem,
    members: Sequence[Parameters],
    method: Optimizer,
    memories: Sequence[Memory],
    batches: Sequence[Array | None],
) -> list[Descent]:
    """Each member's parameters, memory and costs after a step for each batch."""
    state = State(members, memories, turned=by_slot(problem.X))
    costs = engine.descend(problem, state, method, joined(batches))
    return [(*state.member(k), costs[:, k].tolist()) for k in range(len(members))]


def descend(
    engine: Engine,
    problem: Problem,
    start: Parameters,
    method: Optimizer,
    memory: Memory,
    batches: Sequence[Array | None],
) -> Descent:
    """The same of one network."""
    return descend_together(engine, problem, [start], method, [memory], batches)[0]


@dataclass(frozen=True)
class Case:
    """A problem, where its descent starts, and the batches it sees."""

    problem: Problem
    start: Parameters
    batches: list[Array | None]


def laid_out(A: Array, layout: str) -> Array:
    """The same numbers (n, m) in another place of memory."""
    n, m = A.shape
    if layout == "columns":  # a frame's columns: each row of A contiguous
        return np.ascontiguousarray(A)
    if layout == "strided":
        return np.repeat(np.repeat(A, 2, axis=0), 3, axis=1)[::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(A[::-1, ::-1])[::-1, ::-1]
    if layout == "unaligned":
        raw = np.zeros(A.nbytes + 1, np.uint8)[1:].view(A.dtype).reshape(m, n).T
        raw[...] = A
        return raw
    A = np.ascontiguousarray(A.T).T
    A.flags.writeable = layout != "read only"
    return A


@st.composite
def looked_up(draw: Any, direct: Array, random: np.random.Generator) -> Lookup:
    """Inputs with columns of any kind and width behind those given, values not known among them.

    Fractions and centers are short binary fractions.
    """
    widths = draw(st.lists(st.sampled_from([1, 2, 3, 5, 16, 17, 40]), max_size=6))
    shape, n_bins = (direct.shape[1], len(widths)), draw(st.integers(0, len(widths)))
    index = random.integers(0, np.array(widths, int) + 1, shape).astype(np.uint16)
    fraction = np.where(index == np.array(widths, int), 1, random.integers(0, 9, shape) / 8)
    return Lookup(
        direct=direct,
        slots=Slots(tuple(widths), n_bins, random.integers(0, 9, sum(widths)) / 8),
        index=index,
        fraction=fraction.astype(direct.dtype),
        centred=draw(st.booleans()),
    )


@st.composite
def cases(draw: Any, largest: int = 67) -> Case:
    """Any activation, loss, shape, dtype, layout, with or without lookup, weights, dropout and
    skip.

    X, W1 and b1 are short binary fractions, so that Z1 is exact and both engines stand on the
    same side of a kink; W2 and b2 keep the scores near 1, where no exponential magnifies rounding.
    """
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    activation = draw(st.sampled_from(list(ACTIVATIONS)))
    kind = draw(st.sampled_from(list(LOSSES.values())))
    n_x, n_h = draw(st.integers(0, largest)), draw(st.integers(0, largest))
    m, n_y = draw(st.integers(1, 4 * largest)), draw(st.integers(1, 5))
    loss = Quantile(np.linspace(0, 1, n_y + 2)[1:-1]) if kind is Quantile else kind()
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    X: Any = laid_out(
        (random.integers(-8, 9, (n_x, m)) / 8).astype(dtype), draw(st.sampled_from(LAYOUTS))
    )
    if draw(st.booleans()):
        X = draw(looked_up(X, random))
        n_x = X.shape[0]
    if loss.name == "softmax":
        Y = np.eye(n_y)[:, random.integers(0, n_y, m)]
    elif loss.name == "sigmoid":
        Y = random.integers(0, 2, (n_y, m))
    elif loss.scalable == "scale":
        Y = random.gamma(1, 1, (n_y, m)) + 0.01
        if loss.name != "gamma":
            Y[random.random(Y.shape) < 0.2] = 0
    else:
        Y = random.standard_normal((1 if kind is Quantile else n_y, m))
    n, skip = n_h or n_x, n_y if n_h and draw(st.booleans()) else 0
    start = Parameters(
        np.concatenate(
            [
                random.integers(-8, 9, (n_h, n_x)) / 16,
                random.standard_normal((skip, n_x)) / np.sqrt(max(1, n_x)),
            ]
        ),
        random.integers(-8, 9, (n_h, 1)) / 16 + 1 / 512,  # no Z1 is exactly 0, on the kink
        random.standard_normal((n_y, n)) / np.sqrt(max(1, n)),
        random.standard_normal((n_y, 1)) / 4,
    )
    weight = random.integers(0, 4, m) + random.random() if draw(st.booleans()) else None
    dropped = draw(st.sampled_from([0.0, 0.0, 0.25, 0.5]))
    problem = Problem(
        X=X,
        Y=laid_out(Y.astype(dtype), draw(st.sampled_from(LAYOUTS))),
        sample_weight=None if weight is None else weight.astype(dtype),
        activation=activation,
        loss=loss,
        penalty=draw(st.sampled_from([0.0, 0.01])),
        dropout=dropped,
        seed=draw(st.integers(0, 2**64 - 1)),
    )
    # From the second step on Z1 is rounded: in float32 a kink may then be met on either side. And
    # where e^z is steep a step goes so far that the next ones magnify rounding.
    kinked = ACTIVATIONS[activation].kinked or loss.name in ("absolute_error", "quantile")
    n_steps = 1 if loss.scalable == "scale" or (kinked and dtype is np.float32) else 3
    batches: list[Array | None] = [None] * n_steps
    if draw(st.booleans()):
        size = draw(st.integers(1, m))
        batches = [random.integers(0, m, size) for _ in range(n_steps)]
    return Case(problem, Parameters(*(block.astype(dtype) for block in start)), batches)


def distance(ours: Any, theirs: Any) -> float:
    """Largest difference, relative to the largest number or to 1, the scale of what is summed."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    if not theirs.size:
        return 0.0
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1))


def flat(parameters: Parameters) -> Array:
    """All four blocks as one vector: a block whose sums cancel has the scale of the others."""
    return np.concatenate([block.ravel() for block in parameters])


def predict(engine: Engine, problem: Problem, parameters: Parameters, *, scores: bool) -> Array:
    """Z2 (n_y, m) if scores, else A2, by an engine."""
    X, slots = problem.X, None
    if isinstance(X, Lookup):
        X, slots = replace(X, centred=False), X.slots
    predictor = Predictor(parameters, problem.activation, problem.loss, slots, engine)
    return predictor(X.T, scores=scores).T


def compare(engine: CompiledEngine, case: Case) -> None:
    """Assert that the engine agrees with the reference: cost, gradients, scores, every method."""
    problem, start = case.problem, case.start
    reference = NumpyEngine()
    tolerance = TOLERANCE[problem.X.dtype]
    J, gradients = engine.cost_and_gradients(problem, start)
    J_reference, gradients_reference = reference.cost_and_gradients(problem, start)
    assert distance(J, J_reference) <= tolerance
    assert engine.cost(problem, start) == J
    assert distance(flat(gradients), flat(gradients_reference)) <= tolerance
    for scores in (True, False):
        ours = predict(engine, problem, start, scores=scores)
        theirs = predict(reference, problem, start, scores=scores)
        assert distance(ours, theirs) <= tolerance
    for method in METHODS:
        ended = descend(engine, problem, start, method, method.init(start), case.batches)
        expected = descend(reference, problem, start, method, method.init(start), case.batches)
        (parameters, memory, costs), (parameters_, memory_, costs_) = ended, expected
        assert distance(costs, costs_) <= tolerance, method
        assert memory.n_steps == memory_.n_steps
        pairs = zip((parameters, *memory.moments), (parameters_, *memory_.moments), strict=True)
        for ours, theirs in pairs:
            assert distance(flat(ours), flat(theirs)) <= tolerance, method
