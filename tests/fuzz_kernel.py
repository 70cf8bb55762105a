"""The kernel against the reference on 10,000 cases, each on every instruction set.

Run it as `python tests/fuzz_kernel.py [cases] [seed]`. It ends with an error at the first case
beyond the tolerance.
"""

import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings

from kernel_cases import Case, cases, compare, engines


def main(n_cases: int = 10_000, first_seed: int = 0) -> None:
    """Try so many cases."""
    found = engines()
    if not found:
        sys.exit("the kernel is not built: nothing to try")
    started = time.perf_counter()

    @seed(first_seed)
    @settings(
        max_examples=n_cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def agrees(case: Case) -> None:
        for engine in found.values():
            compare(engine, case)

    agrees()
    print(f"{n_cases:,} cases agree on each of: {', '.join(found)}")
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
