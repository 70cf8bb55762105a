"""The playground's engine computes what network.py computes, and the course's figures.

The calls of one test are answered by one node process: `playground_engine.mjs`.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from playground_node import HERE, node
from shoal import datasets
from shoal.activations import ACTIVATIONS, Array
from shoal.network import (
    Cache,
    Parameters,
    backward,
    collapse,
    cost,
    forward,
    initialize,
)

GOLDEN = json.loads((HERE / "golden" / "course.json").read_text(encoding="utf-8"))
FORM = {"activation": "tanh", "output": "sigmoid"}
FLOWER = {"draw": "flower"}


def js(value: Any) -> Any:
    """What the engine takes, with arrays as it has them."""
    if isinstance(value, np.ndarray):
        return {"rows": value.shape[0], "cols": value.shape[1], "data": value.ravel().tolist()}
    if isinstance(value, Parameters):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: js(item) for key, item in value.items()}
    return [js(item) for item in value] if isinstance(value, list) else value


def py(value: Any) -> Any:
    """What the engine says, with matrices as arrays."""
    if isinstance(value, list):
        return [py(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "rows" in value:
        data = np.array(value["data"], dtype=float)  # also of 'NaN' and 'Infinity'
        return data.reshape(value["rows"], value["cols"])
    return {key: py(item) for key, item in value.items()}


def ask(calls: Iterable[list[Any]]) -> list[Any]:
    """The engine's answers."""
    asked = "\n".join(json.dumps(js(call)) for call in calls)
    lines = node("playground_engine.mjs", asked).splitlines()
    return [py(json.loads(line)) for line in lines]


def train(**order: Any) -> list[Any]:
    """A call that trains on the flower as the course does, but for what is given."""
    start = {"sizes": [2, order.pop("n_h", 4), 1], "random_state": order.pop("random_state", 2)}
    if "scale" in order:
        start["scale"] = order.pop("scale")
    if "scheme" in order:
        start["scheme"] = order.pop("scheme")
    form = {**FORM, "activation": order.pop("activation", "tanh")}
    return ["train", {"data": FLOWER, "start": start, "form": form, "learning_rate": 1.2, **order}]


def relative(ours: Array, reference: Array) -> float:
    """Largest difference over the largest entry."""
    size = np.abs(reference).max(initial=0)
    return float(np.abs(ours - reference).max(initial=0) / (size or 1))


# ---- against the reference ---------------------------------------------------------------------


def cases() -> Iterable[dict[str, Any]]:
    """A thousand drawn networks, examples and forms."""
    random = np.random.RandomState(5)
    for number in range(1000):
        n_x, n_h, m = random.randint(1, 31), random.randint(0, 13), random.randint(1, 31)
        output = ("sigmoid", "softmax", "identity")[number % 3]
        n_y = random.randint(2, 5) if output == "softmax" else random.randint(1, 3)
        scale = 10 ** random.uniform(-2, 1)
        theta = initialize(n_x, n_h, n_y, scale=scale, random_state=random)
        theta = theta._replace(b1=random.randn(n_h, 1), b2=random.randn(n_y, 1))
        Y = random.randn(n_y, m)
        if output == "softmax":
            Y = np.eye(n_y)[:, random.randint(n_y, size=m)]
        elif output == "sigmoid":
            Y = (Y > 0).astype(float)
        activation = list(ACTIVATIONS)[number % len(ACTIVATIONS)]
        form = {"activation": activation, "output": output}
        X = random.randn(n_x, m)
        yield {"X": X, "Y": Y, "parameters": theta, "form": form, "learning_rate": 0.7}


def test_the_engine_is_the_reference() -> None:
    """Eq 1 to 12 on 1,000 drawn cases: each array within 1e-12 of network.py's."""
    drawn = list(cases())
    worst: dict[str, float] = {}
    for case, ours in zip(drawn, ask(["iteration", case] for case in drawn), strict=True):
        X, Y, theta, form = case["X"], case["Y"], case["parameters"], case["form"]
        cache = forward(X, theta, **form)
        gradients = backward(X, Y, theta, cache, **form)
        expected: dict[str, Any] = {
            **cache._asdict(),
            "cost": cost(cache, Y, output=form["output"]),
        }
        updated = [t - 0.7 * d for t, d in zip(theta, gradients, strict=True)]
        for name, d, after in zip(Parameters._fields, gradients, updated, strict=True):
            expected[f"d{name}"], expected[f"{name} updated"] = d, after
            ours[f"d{name}"] = ours["gradients"][name]
            ours[f"{name} updated"] = ours["updated"][name]
        for name, reference in expected.items():
            error = relative(np.array(ours[name]), np.array(reference))
            worst[name] = max(error, worst.get(name, 0))
    assert max(worst.values()) <= 1e-12, worst


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_the_reference(name: str) -> None:
    """g and g′ of every activation agree entry by entry in both tails, and at 0."""
    Z = np.concatenate([np.linspace(-30, 30, 1201), [0, 1e-300, -1e-9, 700, -700, 1e4, -1e4]])
    (ours,) = ask([["activation", {"name": name, "Z": Z.tolist()}]])
    g, g_prime = ACTIVATIONS[name].g(Z), ACTIVATIONS[name].g_prime(Z)
    for mine, reference in [
        (ours["g"], g),
        (ours["gPrime"], g_prime),
        *(zip(ours["filled"], (g, g_prime), strict=True) if ours["filled"] else []),
    ]:
        np.testing.assert_allclose(mine, reference, rtol=1e-12, atol=1e-300)


def test_the_stream_is_numpys() -> None:
    """Uniform and normal numbers of NumPy's legacy stream, in any mixture, for any seed."""
    for seed in (0, 1, 2, 2**32 - 1):
        kinds = np.random.RandomState(7).choice(["rand", "randn"], 2000).tolist()
        random = np.random.RandomState(seed)
        reference = [random.rand() if kind == "rand" else random.randn() for kind in kinds]
        (ours,) = ask([["stream", {"seed": seed, "kinds": kinds}]])
        np.testing.assert_allclose(ours, reference, rtol=4e-15)


@pytest.mark.parametrize("scheme", ["normal", "zeros", "xavier", "he"])
def test_a_seed_is_the_same_start(scheme: str) -> None:
    """`random_state=2` gives the weights of `shoal.initialize`, with and without hidden units."""
    for n_h in (0, 5):
        (ours,) = ask([["initialize", 3, n_h, 2, {"scheme": scheme, "random_state": 2}]])
        theirs = initialize(3, n_h, 2, scheme=scheme, random_state=2)
        for name, block in theirs._asdict().items():
            np.testing.assert_allclose(ours[name], block, rtol=4e-15, atol=0)


@pytest.mark.parametrize("name", ["flower", "xor", "circles", "moons", "blobs", "spiral", "line"])
def test_data_sets_are_the_librarys(name: str) -> None:
    """The same points and labels as `shoal.datasets`, to a few last places."""
    for m, seed in [(400, 1), (30, 4)]:
        X, Y = getattr(datasets, name)(m, random_state=seed)
        (ours,) = ask([["draw", name, {"m": m, "random_state": seed}]])
        np.testing.assert_allclose(ours["X"], X, rtol=0, atol=1e-14)
        np.testing.assert_array_equal(ours["Y"], Y)


# ---- the published figures ---------------------------------------------------------------------


@pytest.mark.parametrize("run", GOLDEN["train_flower"]["runs"], ids=["seed 2", "seed 3"])
def test_costs_on_the_flower_are_the_published_ones(run: dict[str, Any]) -> None:
    """Six digits, and the twelve measured, of J while training is stable (Eq 1 to 12)."""
    stable, every = run["stable"], GOLDEN["train_flower"]["every"]
    order = train(random_state=run["random_state"], iterations=stable + 1, every=every)
    (ours,) = ask([order])
    np.testing.assert_allclose(ours["costs"], run["costs"], atol=0.5001e-6, rtol=0)
    np.testing.assert_allclose(ours["costs"], run["costs_12"], atol=0.6e-12, rtol=0)


def test_backward_gives_the_published_gradients() -> None:
    """dW2, db2, dW1, db1 to 8 decimals (Eq 6 to 11), from the A1 and A2 that are given."""
    small = GOLDEN["small_network"]
    theta = Parameters(*(np.array(small[name]) for name in Parameters._fields))
    calls, printed = [], []
    for entry in GOLDEN["backward"][:2]:
        random = np.random.RandomState(entry["draws"]["seed"])
        X, Y = random.randn(2, 3), random.randn(1, 3)
        if entry["draws"]["Y"][0] == "randn>0":
            Y = (Y > 0).astype(float)
        A1, A2 = np.array(entry["A1"]), np.array(entry["A2"])
        given = Cache(A1, A1, A2, A2)._asdict() | {"slope": 1 - A1**2}
        calls.append(["backward", X, Y, theta, given])
        printed.append(entry)
    for ours, entry in zip(ask(calls), printed, strict=True):
        for name in Parameters._fields:
            np.testing.assert_allclose(
                ours["gradients"][name], entry[f"d{name}"], atol=0.5001e-8, rtol=0
            )


def test_update_gives_the_published_parameters() -> None:
    """One step on three examples trains to the published weights (Eq 12)."""
    run = GOLDEN["train_small"]["runs"][0]
    random = np.random.RandomState(1)
    data = {"X": random.randn(2, 3), "Y": (random.randn(1, 3) > 0).astype(float)}
    order = train(iterations=GOLDEN["train_small"]["n_iterations"], every=1000)
    order[1]["data"] = data
    (ours,) = ask([order])
    np.testing.assert_allclose(ours["costs"], run["costs"], atol=0.5001e-6, rtol=0)
    for name in Parameters._fields:
        np.testing.assert_allclose(ours["parameters"][name], run[name], atol=0.5001e-8, rtol=0)


def test_accuracy_by_hidden_size_is_the_published_one() -> None:
    """67.5, 67.25, 90.75, 90.5 and 91.25 % with 1 to 5 hidden units."""
    published = GOLDEN["accuracy_by_hidden_size"]["percent"]
    runs = ask(train(n_h=int(n_h), iterations=5000) for n_h in published)
    assert [100 * run["accuracy"] for run in runs] == pytest.approx(list(published.values()))


# ---- the outcome of each lesson ----------------------------------------------------------------


def test_identity_collapses() -> None:
    """With g(z) = z any number of units ends as logistic regression does, W2 W1 and all."""
    entry = GOLDEN["identity"]
    runs = ask(train(n_h=n_h, activation="identity", iterations=5000) for n_h in entry["n_h"])
    for run in [*runs, *ask([train(n_h=0, iterations=5000)])]:
        assert run["cost"] == pytest.approx(entry["cost"], abs=1e-6)
        np.testing.assert_allclose(run["collapsed"]["W"], entry["W"], atol=1e-6)
        np.testing.assert_allclose(run["collapsed"]["b"], entry["b"], atol=1e-6)
        assert 100 * run["accuracy"] == pytest.approx(entry["percent"])


def test_collapse_is_the_librarys() -> None:
    """W2 W1 and W2 b1 + b2 of a drawn network."""
    random = np.random.RandomState(3)
    theta = initialize(3, 5, 2, scale=1, random_state=random)
    theta = theta._replace(b1=random.randn(5, 1), b2=random.randn(2, 1))
    (ours,) = ask([["collapse", theta]])
    W, b = collapse(theta)
    np.testing.assert_allclose(ours["W"], W, rtol=1e-13)
    np.testing.assert_allclose(ours["b"], b, rtol=1e-13)


def test_zeros_never_learn() -> None:
    """All zeros and tanh: J = ln 2 and half of the points for ever; all units are twins."""
    (run,) = ask([train(scheme="zeros", iterations=1000)])
    assert run["cost"] == pytest.approx(GOLDEN["zeros"]["cost"], rel=1e-12)
    assert 100 * run["accuracy"] == GOLDEN["zeros"]["percent"]
    assert [unit["twin"] for unit in run["health"]] == [1, 0, 0, 0]


def test_equal_weights_stay_equal() -> None:
    """All weights 0.5: the rows stay bit-identical, and four units do what one does."""
    entry = GOLDEN["equal_weights"]
    half = Parameters(*(np.full_like(block, 0.5) for block in initialize(2, 4, 1)[:4]))
    half = half._replace(b1=np.zeros((4, 1)), b2=np.zeros((1, 1)))
    rate, iterations = entry["learning_rate"], entry["n_iterations"]
    (run,) = ask([train(parameters=half, learning_rate=rate, iterations=iterations)])
    assert (run["parameters"]["W1"] == run["parameters"]["W1"][0]).all()
    assert 100 * run["accuracy"] == entry["percent"]


def test_a_larger_start_escapes_the_plateau_sooner() -> None:
    """J is first below 0.6 at iteration 111 from scale 0.01, and at 39 from 0.1."""
    entry = GOLDEN["escape"]
    runs = ask(train(scale=float(scale), iterations=120) for scale in entry["iteration"])
    for run, iteration in zip(runs, entry["iteration"].values(), strict=True):
        assert int(np.argmax(np.array(run["costs"]) < entry["below"])) == iteration


def test_large_weights_make_the_gradient_vanish() -> None:
    """Mean g′ at the start, and J after 5,000 iterations, by the scale of the start."""
    entry = GOLDEN["vanishing"]
    scales = {float(scale): figures for scale, figures in entry["by_scale"].items()}
    begun = ask(train(scale=scale, iterations=0) for scale in scales)
    ended = ask(train(scale=scale, iterations=entry["iteration"]) for scale in scales)
    for scale, start, end in zip(scales, begun, ended, strict=True):
        slope = np.mean([unit["meanSlope"] for unit in start["health"]])
        assert slope == pytest.approx(scales[scale]["g_prime"], rel=0.02)
        assert end["cost"] == pytest.approx(scales[scale]["cost"], rel=1e-3)


def test_relu_units_die_and_leaky_ones_do_not() -> None:
    """8 units, scale 1, learning rate 2, 2,000 iterations: 2 of ReLU are dead, no leaky one."""
    entry = GOLDEN["dead"]
    how = {"n_h": 8, "scale": 1, "learning_rate": 2, "iterations": 2000}
    names = ("relu", "leaky_relu")
    for name, run in zip(names, ask(train(activation=name, **how) for name in names), strict=True):
        assert sum(unit["dead"] for unit in run["health"]) == entry[name]["dead"]
        assert 100 * run["accuracy"] == pytest.approx(entry[name]["percent"], abs=1)
    (stopped,) = ask([train(activation="relu", until="dead", **how)])
    assert stopped["event"] == "dead"
    assert stopped["iterations"] < 2000


def test_sharpness_crosses_its_bound_where_the_notebooks_part() -> None:
    """The largest eigenvalue at the measured iterations, to 3 decimals, and J's first rise."""
    by_iteration = GOLDEN["sharpness"]["by_seed"]["2"]
    entry = {iteration: by_iteration[iteration] for iteration in ("1000", "7100", "7200")}
    runs = ask(train(iterations=int(iteration)) for iteration in entry)
    for run, printed in zip(runs, entry.values(), strict=True):
        assert run["sharpness"] == pytest.approx(printed, abs=0.00051)
    (rise,) = ask([train(iterations=10_000, until="rise")])
    assert rise["event"] == "rise"
    assert rise["iterations"] == pytest.approx(GOLDEN["sharpness"]["first_rise"]["2"], abs=20)


def test_a_difference_is_the_derivative() -> None:
    """Each entry of the gradient agrees with the difference quotient beside it."""
    X, Y = datasets.flower()
    theta = initialize(2, 4, 1, scale=0.7, random_state=2)
    gradients = backward(X, Y, theta, forward(X, theta))
    slopes = {
        (name, k): d
        for name in gradients._fields
        for k, d in enumerate(getattr(gradients, name).ravel())
    }
    calls = [["difference", {"X": X, "Y": Y}, theta, FORM, *place] for place in slopes]
    np.testing.assert_allclose(ask(calls), list(slopes.values()), atol=1e-9, rtol=0)
