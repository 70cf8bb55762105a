"""What do 8 members cost against one, and what does a second thread bring?"""

import os
from collections.abc import Callable, Iterator
from typing import Any

from bench_minibatch import LARGE, MIDDLE, SMALL
from cases import Case
from timing import Row, Settings, main


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    for case in (SMALL, MIDDLE, LARGE):
        case = case.tiny() if settings.quick else case
        if settings.threads == 1:
            seen = settings.alternate({"1": fit(case, 1), "8": fit(case, 8)}, rounds=5)
            yield Row(
                f"8 members, {case.name}",
                settings.threads,
                "1 member",
                seen["1"].seconds,
                seen["8"].seconds,
                wanted=1 / 6,
                busy=seen["8"].waited,
            )
            continue
        for n_members in (1, 8):
            run = fit(case, n_members)
            seen = settings.alternate({"one": on_one_core(run), "all": run}, rounds=5, blas=False)
            members = "1 member" if n_members == 1 else f"{n_members} members"
            yield Row(
                f"{members}, {case.name}",
                settings.threads,
                "one thread",
                seen["one"].seconds,
                seen["all"].seconds,
                wanted=1.8 if n_members > 1 else None,
            )


def fit(case: Case, n_members: int) -> Callable[[], Any]:
    """A whole fit of the estimator."""
    X, y = case.data
    return lambda: case.classifier(n_members=n_members).fit(X, y)


def on_one_core(run: Callable[[], Any]) -> Callable[[], Any]:
    """The same, while the process may use one core: shoal then uses one thread."""
    cores = os.sched_getaffinity(0)

    def on_one() -> None:
        os.sched_setaffinity(0, {min(cores)})
        try:
            run()
        finally:
            os.sched_setaffinity(0, cores)

    return on_one


if __name__ == "__main__":
    main(rows)
