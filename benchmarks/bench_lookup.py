"""What do looked-up inputs cost, against the dense product that they stand for?

Ten numbers and ten columns of T bins or levels (one column of 1,000 levels or more), 4 members of
128 ReLU units, batches of 256, Adam, float32; predictions by the network of all members.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from timing import Row, Settings, main

from shoal.batches import Batches
from shoal.engine import Problem, choose_engine
from shoal.folding import average
from shoal.lookup import Lookup, Slots
from shoal.losses import get_loss
from shoal.network import Parameters, initialize
from shoal.optimizers import Adam
from shoal.prediction import Predictor
from shoal.state import State

BINS = (4, 8, 16, 32, 64)
LEVELS = (2, 4, 10, 100, 1_000, 10_000)
N_UNITS, N_MEMBERS, N_DIRECT, N_STEPS = 128, 4, 10, 16


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    sizes = [(T, True) for T in BINS] + [(T, False) for T in LEVELS]
    for T, bins in sizes[::5] if settings.quick else sizes:
        n_columns = 1 if T >= 1_000 else 10
        of = f"{n_columns} × {T:,} {'bins' if bins else 'levels'}"
        looked_up = columns(T, bins, n_columns, m=300 if settings.quick else 4_096)
        dense = np.asfortranarray(looked_up.dense())
        alone = looked_up.direct
        for what, make in ((f"{N_STEPS} steps", training), ("prediction", prediction)):
            seen = settings.alternate(
                {"lookup": make(looked_up), "dense": make(dense), "without": make(alone)}, rounds=5
            )
            costs = [seen[name].result for name in ("lookup", "dense")]
            yield Row(
                f"{of}, {what}",
                settings.threads,
                "dense product",
                seen["dense"].seconds,
                seen["lookup"].seconds,
                our_loss=costs[0],
                their_loss=costs[1],
                noise=None if costs[0] is None else 1e-4 * abs(costs[0]),
                busy=seen["lookup"].waited,
            )
            yield Row(
                f"{of}, {what}",
                settings.threads,
                "the 10 numbers alone",
                seen["without"].seconds,
                seen["lookup"].seconds,
            )


def columns(T: int, bins: bool, n_columns: int, m: int) -> Lookup:
    """Random examples; nothing depends on what is in them."""
    random = np.random.default_rng(0)
    index = random.integers(0, T, (m, n_columns)).astype(np.uint16)
    slots = Slots((T,) * n_columns, n_columns if bins else 0, np.full(T * n_columns, 1 / T))
    direct = random.standard_normal((m, N_DIRECT), np.float32).T
    return Lookup(direct, slots, index, random.random(index.shape, np.float32), centred=True)


def members(n_x: int) -> list[Parameters]:
    """Where training starts: on direct inputs alike, whatever comes behind them."""
    made = []
    for k in range(N_MEMBERS):
        start = initialize(n_x, N_UNITS, 1, scale=0.05, random_state=k)
        made.append(Parameters(*(block.astype(np.float32) for block in start)))
    return made


def training(X: Any) -> Callable[[], float]:
    """Some steps; the last cost."""
    n_x, m = X.shape
    random = np.random.default_rng(1)
    Y = random.integers(0, 2, (1, m)).astype(np.float32)
    problem = Problem(X, Y, None, "relu", get_loss("sigmoid"))
    batches = Batches.of([random.choice(m, min(m, 256), replace=False) for _ in range(N_STEPS)])
    engine, method, start = choose_engine(), Adam(), members(n_x)
    memories = [method.init(member) for member in start]

    def run() -> float:
        state = State(start, memories, turned=isinstance(X, Lookup))
        return float(engine.descend(problem, state, method, batches)[-1].mean())

    return run


def prediction(X: Any) -> Callable[[], None]:
    """Scores of all examples."""
    slots = None
    if isinstance(X, Lookup):
        X, slots = Lookup(X.direct, X.slots, X.index, X.fraction), X.slots
    predictor = Predictor(average(members(X.shape[0])), "relu", get_loss("sigmoid"), slots)
    predictor_rows = X.T

    def run() -> None:
        predictor(predictor_rows, scores=True)

    return run


if __name__ == "__main__":
    main(rows)
