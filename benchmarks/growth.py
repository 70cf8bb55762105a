"""How does the time grow with m, n_x, n_h and K?

    python benchmarks/growth.py --picture docs/growth.svg

One thing is changed at a time, from 2,000 examples, 20 inputs, 100 ReLU units and one member,
trained by Adam in batches of 200, in float32, on one thread.
"""

import statistics
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_minibatch import SMALL
from cases import Case
from sklearn.neural_network import MLPClassifier
from timing import Settings, environment, options, pin

BASE = replace(SMALL, m=2_000, n_epochs=10)
SIZES = {
    "m": (200, 600, 2_000, 6_000, 20_000, 60_000, 200_000),
    "n_x": (3, 10, 30, 100, 300, 1_000),
    "n_h": (1, 3, 10, 30, 100, 300, 1_000),
    "K": (1, 2, 4, 8, 16, 32, 64),
}
LABELS = {"m": "examples m", "n_x": "inputs n_x", "n_h": "hidden units n_h", "K": "members K"}
COLOURS = {"shoal": "#4477aa", "scikit-learn": "#ee6677"}

Curve = list[tuple[int, float]]  # size, seconds of an epoch


def measure(settings: Settings) -> dict[str, dict[str, Curve]]:
    """Curves by what is changed and by who trains."""
    curves: dict[str, dict[str, Curve]] = {}
    for axis, sizes in SIZES.items():
        curves[axis] = {name: [] for name in COLOURS}
        for size in sizes[:2] if settings.quick else sizes:
            changed: dict[str, Any] = {} if axis == "K" else {axis: size}
            case = replace(BASE, **changed)
            n_members = size if axis == "K" else 1
            contestants = {"shoal": shoal_fit(case, n_members)}
            if n_members == 1:
                contestants["scikit-learn"] = scikit_learn_fit(case)
            for name, runs in settings.alternate(contestants, rounds=5).items():
                seconds = statistics.median(runs.seconds) / case.n_epochs
                curves[axis][name].append((size, seconds))
                print(f"{axis} = {size:>7,}  {name:12}  {seconds * 1e3:10.4f} ms an epoch")
    return curves


def shoal_fit(case: Case, n_members: int) -> Callable[[], Any]:
    """A whole fit of shoal."""
    X, y = case.data
    return lambda: case.classifier(n_members=n_members).fit(X, y)


def scikit_learn_fit(case: Case) -> Callable[[], Any]:
    """A whole fit of scikit-learn."""
    X, y = case.data
    model = MLPClassifier(
        (case.n_h,),
        alpha=0.0,
        batch_size=case.batch_size,
        max_iter=case.n_epochs,
        tol=0.0,
        n_iter_no_change=case.n_epochs + 1,
    )

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that all epochs were made
            model.fit(X, y)

    return run


def slope(curve: Curve) -> float:
    """Exponent of the growth over the last two steps of size."""
    (size, seconds), (larger, more) = curve[max(0, len(curve) - 3)], curve[-1]
    return float(np.log(more / seconds) / np.log(larger / size))


def draw(curves: dict[str, dict[str, Curve]], picture: Path) -> None:
    """Four panels, logarithmic both ways, with the exponents."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "shoal", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 4, figsize=(11, 3), sharey=True, layout="constrained")
    for panel, (axis, by_name) in zip(panels, curves.items(), strict=True):
        for name, curve in by_name.items():
            if len(curve) < 2:
                continue
            label = f"{name}: ∝ {axis}$^{{{slope(curve):.2f}}}$"
            panel.loglog(*zip(*curve, strict=True), "o-", ms=3, color=COLOURS[name], label=label)
        panel.set_xlabel(LABELS[axis])
        panel.grid(alpha=0.3)
        panel.legend(frameon=False, fontsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seconds an epoch")
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    parser = options()
    parser.add_argument("--picture", type=Path, help="draw the curves in this file")
    given = parser.parse_args()
    pin(given.threads)
    print(environment())
    measured = measure(Settings(given.threads, given.quick, given.cpu))
    if given.picture:
        draw(measured, given.picture)
