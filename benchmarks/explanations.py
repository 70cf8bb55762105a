"""How exact and how fast are attributions, beside Captum's?

Captum sums gradients at points along the line, where shoal has a formula. Its DeepLift (the rule of
SHAP's DeepExplainer) uses the quotient (g(z) - g(z0)) / (z - z0), so with one hidden layer it is
the same in exact arithmetic. In an environment that has shoal:

    pip install torch captum && python benchmarks/explanations.py
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from shoal import Model, Parameters
from shoal.losses import get_loss
from shoal.table import Column, Columns

N_ROWS, N_INPUTS, N_UNITS = 100, 20, 100


def network(activation: str) -> Model:
    """A network of random weights whose average row is 0."""
    rng = np.random.default_rng(0)
    columns = tuple(Column(f"x{k + 1}", "number") for k in range(N_INPUTS))
    parameters = Parameters(
        rng.normal(size=(N_UNITS, N_INPUTS)) * 2 / np.sqrt(N_INPUTS),
        rng.normal(size=(N_UNITS, 1)),
        rng.normal(size=(1, N_UNITS)) / np.sqrt(N_UNITS),
        np.zeros((1, 1)),
    )
    return Model(parameters, activation, get_loss("identity"), Columns(columns, named=False))


def in_torch(model: Model, torch: Any) -> Any:
    """The same network in PyTorch, in float64."""
    modules = {
        "relu": torch.nn.ReLU(),
        "tanh": torch.nn.Tanh(),
        "sigmoid": torch.nn.Sigmoid(),
        "softplus": torch.nn.Softplus(),
        "silu": torch.nn.SiLU(),
        "gelu": torch.nn.GELU(approximate="tanh"),
    }
    W1, b1, W2, b2 = (torch.tensor(block) for block in model.parameters)
    hidden, output = torch.nn.Linear(*W1.T.shape), torch.nn.Linear(*W2.T.shape)
    for layer, W, b in ((hidden, W1, b1), (output, W2, b2)):
        layer.weight.data, layer.bias.data = W, b[:, 0]
    return torch.nn.Sequential(hidden, modules[model.activation], output)


def timed(call: Callable[[], Any]) -> tuple[np.ndarray, float]:
    """What a call returns, and its shortest time of three, in milliseconds."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    return np.asarray(found), min(times) * 1e3


def main() -> None:
    """Print a line for each activation function and method."""
    warnings.simplefilter("ignore")
    try:
        import captum.attr
        import torch
    except ImportError as error:
        print(f"{error.name} is not installed: pip install torch captum")
        return
    torch.set_num_threads(1)
    X = np.random.default_rng(1).normal(size=(N_ROWS, N_INPUTS))
    rows, zero = torch.tensor(X), torch.zeros((1, N_INPUTS), dtype=torch.float64)
    print(f"{N_ROWS} rows, {N_INPUTS} inputs, {N_UNITS} units, float64")
    print(f"{'':44} largest difference   sum from f(x) - f(x0)         time")
    for activation in ("relu", "tanh", "sigmoid", "softplus", "silu", "gelu"):
        model = network(activation)
        net, explainer = in_torch(model, torch), model.explainer
        gradients = captum.attr.IntegratedGradients(net).attribute
        found = {"shoal": timed(lambda e=explainer: e.integrated_gradients(X).values[:, 0])}
        for n in (50, 300):
            found[f"Captum, integrated gradients, {n} points"] = timed(
                lambda ask=gradients, n=n: ask(rows, zero, n_steps=n).detach()
            )
        if activation in ("relu", "tanh", "sigmoid", "softplus"):  # those that Captum has rules for
            lift = captum.attr.DeepLift(net).attribute
            found["Captum, DeepLift"] = timed(lambda ask=lift: ask(rows, zero).detach())
        change = (explainer.scores(X) - explainer.scores(zero.numpy()))[:, 0]
        for name, (values, took) in found.items():
            apart = np.abs(values - found["shoal"][0]).max()
            incomplete = np.abs(values.sum(axis=1) - change).max()
            title = f"{activation:9} {name}"
            print(f"{title:50} {apart:12.1e} {incomplete:23.1e} {took:9.1f} ms")


if __name__ == "__main__":
    main()
