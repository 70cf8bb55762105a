"""How fast is the course's exercise? 400 points, 2-4-1 tanh, 10,000 steps on all points."""

from collections.abc import Iterator
from dataclasses import replace

from cases import Case
from timing import Row, Settings, main
from training import compare

WANTED = {"NumPy loop": 12, "JAX": 4, "scikit-learn": 80, "PyTorch": 100}
FLOWER = Case(
    "flower float64", 400, 2, 4, 1, None, 10_000, 1.2, "tanh", "float64", seed=2, wanted=WANTED
)
FLOWER_32 = replace(FLOWER, name="flower float32", dtype="float32", wanted={"NumPy loop": 18})


def rows(settings: Settings) -> Iterator[Row]:
    """Answer the question."""
    for case in (FLOWER, FLOWER_32):
        yield from compare(case, settings, rounds=5)


if __name__ == "__main__":
    main(rows)
