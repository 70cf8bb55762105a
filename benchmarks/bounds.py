"""How near are proved bounds to what a search finds? python benchmarks/bounds.py

For networks of random weights and boxes around random rows: the width of `Model.output_range`, of
interval arithmetic alone, and the Euclidean length of `Model.lipschitz`, each over what a search by
4,000 rows and steps uphill finds. Medians of four boxes; nothing found may pass its bound.
"""

import time

import numpy as np

import shoal.bounds
from shoal import ACTIVATIONS, Model, Parameters
from shoal.losses import get_loss
from shoal.table import Column, Columns


def network(activation: str, n_x: int, n_h: int) -> Model:
    """A network of random weights."""
    rng = np.random.default_rng(0)
    columns = tuple(Column(f"x{k + 1}", "number") for k in range(n_x))
    parameters = Parameters(
        rng.normal(size=(n_h, n_x)) * 1.5 / np.sqrt(n_x),
        rng.normal(size=(n_h, 1)),
        rng.normal(size=(1, n_h)) / np.sqrt(n_h),
        np.zeros((1, 1)),
    )
    return Model(parameters, activation, get_loss("identity"), Columns(columns, named=False))


def search(model: Model, center: np.ndarray, half: float) -> tuple[float, float, float]:
    """Least and greatest score in a box, and the steepest gradient, as far as they are found."""
    rng = np.random.default_rng(1)
    X = center + rng.uniform(-half, half, size=(4_000, len(center)))
    X[::4] = center + half * np.sign(X[::4] - center)
    scores, ends = model.predict(X), []
    for sign in (-1, 1):
        best = X[np.argsort(sign * scores)[-20:]]
        for k in range(60):
            slopes = sign * model.explainer.gradients(best)[:, 0]
            tried = np.clip(
                best + 0.5 * half * 0.9**k * np.sign(slopes), center - half, center + half
            )
            better = sign * model.predict(tried) > sign * model.predict(best)
            best = np.where(better[:, None], tried, best)
        ends.append(sign * max((sign * model.predict(best)).max(), (sign * scores).max()))
    steepest = np.linalg.norm(model.explainer.gradients(X)[:, 0], axis=1).max()
    return ends[0], ends[1], float(steepest)


def intervals(model: Model, box: dict[str, tuple[float, float]]) -> float:
    """Width of the range by interval arithmetic alone."""
    space = shoal.bounds.Box(model.explainer, box)
    g, v = ACTIVATIONS[model.activation].g, space.W2[0]
    flat = np.zeros_like(v)
    sides = [space._touch(flat, np.full_like(v, sign)) for sign in (1.0, -1.0)]
    least, greatest = (g(z) for z in sides)
    return float(np.abs(v) @ (greatest - least))


def main() -> None:
    """Print a line for each activation, size of network and size of box."""
    print(f"{'':32} output range   intervals   lipschitz     time")
    for activation in ACTIVATIONS:
        for n_x, n_h in ((2, 10), (8, 20), (13, 50)):
            model, rng = network(activation, n_x, n_h), np.random.default_rng(2)
            for half in (0.05, 0.2, 0.5, 2):
                ratios = []
                for center in rng.normal(size=(4, n_x)):
                    box = {f"x{k + 1}": (c - half, c + half) for k, c in enumerate(center)}
                    start = time.perf_counter()
                    least, greatest = model.output_range(box)[0]
                    took = time.perf_counter() - start
                    found = search(model, center, half)
                    slope = np.linalg.norm(model.lipschitz(box)[0])
                    assert least <= found[0] <= found[1] <= greatest
                    assert found[2] <= slope
                    width = found[1] - found[0]
                    ratio = ((greatest - least) / width, intervals(model, box) / width)
                    ratios.append((*ratio, slope / found[2], took * 1e3))
                ours, plain, steep, took = np.median(ratios, axis=0)
                title = f"{activation} {n_x}-{n_h}, ±{half}"
                print(f"{title:32} {ours:12.2f} {plain:11.2f} {steep:11.2f} {took:8.1f} ms")


if __name__ == "__main__":
    main()
