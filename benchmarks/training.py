"""One training by shoal and by every rival, side by side."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from cases import Case, learnt
from machine import bytes_per_second, operations_per_second, product_per_second
from rivals import RIVALS
from timing import Row, Settings

from shoal.batches import Batches
from shoal.engine import Problem, choose_engine
from shoal.losses import get_loss
from shoal.state import State


def compare(
    case: Case,
    settings: Settings,
    *,
    rounds: int = 7,
    others: Mapping[str, Callable[[], Any]] = MappingProxyType({}),
) -> Iterator[Row]:
    """Rows of one case: each rival, shoal's engine without its estimator, and the machine's floor.

    Parameters
    ----------
    others : mapping
        What else is to be timed beside the training; it learns nothing and has no loss.

    Yields
    ------
    Row
        `ours` is the whole `fit` of the estimator.
    """
    if settings.quick:
        case = case.tiny()
    X, y = case.data
    contestants: dict[str, Any] = {
        "shoal": lambda: learnt(case.classifier().fit(X, y)),
        "shoal's engine": bare_engine(case),
    }
    notes, missing = {}, []
    for name, make in RIVALS.items():
        if name == "NumPy loop" and case.batch_size:
            continue  # the course's exercise has no batches
        try:
            contestants[name], notes[name] = make(case)
        except ImportError:
            missing.append(name)
    seen = settings.alternate({**contestants, **others}, rounds=rounds)
    ours = seen.pop("shoal")
    noise = case.noise(2 if settings.quick else 5)
    common: dict[str, Any] = {"case": case.name, "threads": settings.threads, "ours": ours.seconds}
    for name, runs in seen.items():
        yield Row(
            rival=name,
            theirs=runs.seconds,
            wanted=case.wanted.get(name),
            their_loss=None if name in others else case.cost(runs.result),
            our_loss=case.cost(ours.result),
            noise=noise,
            note=notes.get(name, ""),
            busy=ours.waited,
            **common,
        )
    for name in missing:
        yield Row(rival=name, theirs=[], wanted=case.wanted.get(name), **common)
    if settings.quick:
        return
    speed, width = settings.threads * operations_per_second(case.dtype), bytes_per_second()
    yield Row(
        rival="floor of the machine",
        theirs=[max(case.operations / speed, case.bytes / width)],
        note=f"{case.operations / 1e9:.3g} G operations at {speed / 1e9:.0f} G/s, "
        f"{case.bytes / 1e6:.3g} MB at {width / 1e9:.0f} GB/s; "
        f"NumPy's matrix product does {product_per_second(case.dtype) / 1e9:.0f} G/s",
        **common,
    )


def bare_engine(case: Case) -> Any:
    """The same steps by the engine alone: no estimator, no checks, one call."""
    engine = choose_engine()
    X, Y = case.data[0].T, case.targets
    problem = Problem(X, Y, None, case.activation, get_loss(case.output))
    optimizer: Any = case.optimizer
    batches = Batches.of(case.batches()) if case.batch_size else Batches(case.n_steps)

    def run() -> Any:
        first = case.start()
        state = State([first], [optimizer.init(first)], turned=False)
        engine.descend(problem, state, optimizer, batches)
        return state.parameters(state.theta[0])

    return run
