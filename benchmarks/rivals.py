"""The same training, done by others: the course's loop, scikit-learn, PyTorch and JAX.

Each function takes a case and returns what to run, and what to note of its compiling. It raises
ImportError where its package is not installed. Whatever can be done before the clock starts is done
before: drawing batches, converting arrays, compiling. Each contestant computes the cost of every
step, as shoal does.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Array, Case, learnt

import shoal

Run = tuple[Callable[[], shoal.Parameters], str]


def numpy_loop(case: Case) -> Run:
    """The course's loop: gradient descent on all examples at once, a line for each equation."""
    X, Y, m = case.data[0].T.copy(), case.targets, case.m
    alpha = case.learning_rate

    def run() -> shoal.Parameters:
        W1, b1, W2, b2 = case.start()
        costs = []
        for _ in range(case.n_epochs):
            Z1 = np.dot(W1, X) + b1
            A1 = np.tanh(Z1)
            Z2 = np.dot(W2, A1) + b2
            A2 = 1 / (1 + np.exp(-Z2))
            costs.append(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m)
            dZ2 = A2 - Y
            dW2 = np.dot(dZ2, A1.T) / m
            db2 = np.sum(dZ2, axis=1, keepdims=True) / m
            dZ1 = np.dot(W2.T, dZ2) * (1 - A1**2)
            dW1 = np.dot(dZ1, X.T) / m
            db1 = np.sum(dZ1, axis=1, keepdims=True) / m
            W1 = W1 - alpha * dW1
            b1 = b1 - alpha * db1
            W2 = W2 - alpha * dW2
            b2 = b2 - alpha * db2
        return shoal.Parameters(W1, b1, W2, b2)

    return run, ""


def numpy_engine(case: Case) -> Run:
    """shoal without its kernel."""
    X, y = case.data

    def run() -> shoal.Parameters:
        return learnt(case.classifier(engine="numpy").fit(X, y))

    return run, ""


def scikit_learn(case: Case) -> Run:
    """MLPClassifier, from the same first weights, in batches of its own order."""
    from sklearn.neural_network import MLPClassifier

    X, y = case.data
    start = case.start()

    class Started(MLPClassifier):  # type: ignore[misc]
        def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Array, Array]:
            W, b = start[:2] if (fan_in, fan_out) == (case.n_x, case.n_h) else start[2:]
            return W.T.astype(dtype), b[:, 0].astype(dtype)

    full = case.batch_size is None
    settings: dict[str, Any] = {"solver": "sgd", "momentum": 0.0, "shuffle": False}
    model = Started(
        (case.n_h,),
        activation=case.activation,
        alpha=0.0,
        batch_size=case.m if full else case.batch_size,
        learning_rate_init=case.learning_rate,
        max_iter=case.n_epochs,
        n_iter_no_change=case.n_epochs + 1,
        tol=0.0,
        random_state=case.seed,
        **(settings if full else {"solver": "adam"}),
    )

    def run() -> shoal.Parameters:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that all epochs were made
            model.fit(X, y)
        (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
        return shoal.Parameters(W1.T, b1[:, None], W2.T, b2[:, None])

    return run, ""


def pytorch(case: Case, *, compiled: bool = False) -> Run:
    """A loop as its tutorials have it, on tensors in memory, with the fastest of its Adams."""
    import torch
    from torch import nn

    dtype = getattr(torch, case.dtype)
    X, y = case.data
    X = torch.from_numpy(X)
    y = torch.from_numpy(y) if case.n_y > 1 else torch.from_numpy(y[:, None]).to(dtype)
    g = nn.ReLU() if case.activation == "relu" else nn.Tanh()
    hidden, output = nn.Linear(case.n_x, case.n_h), nn.Linear(case.n_h, case.n_y)
    net = nn.Sequential(hidden, g, output).to(dtype)
    blocks = (hidden.weight, hidden.bias, output.weight, output.bias)
    loss = nn.CrossEntropyLoss() if case.n_y > 1 else nn.BCEWithLogitsLoss()

    def cost(X: Any, y: Any) -> Any:
        return loss(net(X), y)

    if compiled:
        cost = torch.compile(cost, dynamic=False)
    batches = [torch.from_numpy(batch) for batch in case.batches()] if case.batch_size else None

    def train(n_steps: int) -> None:
        with torch.no_grad():
            for block, first in zip(blocks, case.start(), strict=True):
                block.copy_(torch.from_numpy(first).reshape(block.shape))
        alpha = case.learning_rate
        if batches is None:
            optimizer: Any = torch.optim.SGD(net.parameters(), lr=alpha, fused=True)
        else:
            optimizer = torch.optim.Adam(net.parameters(), lr=alpha, fused=True)
        costs = []
        for step in range(n_steps):
            optimizer.zero_grad()
            J = cost(X, y) if batches is None else cost(X[batches[step]], y[batches[step]])
            J.backward()
            optimizer.step()
            costs.append(J.detach())

    def run() -> shoal.Parameters:
        train(case.n_steps)
        return shoal.Parameters(
            *(
                block.detach().numpy().reshape(first.shape).copy()
                for block, first in zip(blocks, case.start(), strict=True)
            )
        )

    note = ""
    if compiled:
        started = time.perf_counter()
        train(case.n_steps // case.n_epochs)  # one epoch has every size of batch there is
        note = f"{time.perf_counter() - started:.1f} s to compile"
    return run, note


def pytorch_compiled(case: Case) -> Run:
    """The same loop, with its forward and backward pass compiled."""
    return pytorch(case, compiled=True)


def jax(case: Case) -> Run:
    """The whole training as one compiled scan over the steps, examples as columns.

    A scan wants batches of one size, so a batch of shoal's that is larger by one lacks its last.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, Y = jnp.asarray(case.data[0]), jnp.asarray(case.targets)
    g = jnp.tanh if case.activation == "tanh" else jax.nn.relu
    alpha, b1, b2 = (jnp.asarray(x, case.dtype) for x in (case.learning_rate, 0.9, 0.999))

    def cost(theta: Any, X: Any, Y: Any) -> Any:
        W1, b1, W2, b2 = theta
        Z2 = W2 @ g(W1 @ X + b1) + b2
        if case.n_y > 1:
            return -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(Z2, axis=0), axis=0))
        return jnp.mean(jnp.maximum(Z2, 0) - Y * Z2 + jnp.log1p(jnp.exp(-jnp.abs(Z2))))

    def descend(theta: Any, _: Any) -> Any:
        J, d_theta = jax.value_and_grad(cost)(theta, X.T, Y)
        return jax.tree.map(lambda t, d: t - alpha * d, theta, d_theta), J

    def adam(carry: Any, batch: Any) -> Any:
        theta, m, v, powers = carry
        J, d_theta = jax.value_and_grad(cost)(theta, X[batch].T, Y[:, batch])
        m = jax.tree.map(lambda m, d: b1 * m + (1 - b1) * d, m, d_theta)
        v = jax.tree.map(lambda v, d: b2 * v + (1 - b2) * d * d, v, d_theta)
        powers = powers[0] * b1, powers[1] * b2
        rate, correction = alpha / (1 - powers[0]), 1 - powers[1]
        theta = jax.tree.map(
            lambda t, m, v: t - rate * m / (jnp.sqrt(v / correction) + 1e-8), theta, m, v
        )
        return (theta, m, v, powers), J

    start = tuple(jnp.asarray(block) for block in case.start())
    batches = None
    if case.batch_size:
        drawn = case.batches()
        batches = jnp.asarray([batch[: min(map(len, drawn))] for batch in drawn])

    def train(theta: Any, batches: Any) -> Any:
        if batches is None:
            return jax.lax.scan(descend, theta, None, length=case.n_steps)
        zeros, one = jax.tree.map(jnp.zeros_like, theta), jnp.ones((), case.dtype)
        (theta, *_), costs = jax.lax.scan(adam, (theta, zeros, zeros, (one, one)), batches)
        return theta, costs

    started = time.perf_counter()
    compiled = jax.jit(train).lower(start, batches).compile()
    note = f"{time.perf_counter() - started:.1f} s to compile"

    def run() -> shoal.Parameters:
        theta, _ = jax.block_until_ready(compiled(start, batches))
        return shoal.Parameters(*map(np.asarray, theta))

    return run, note


RIVALS = {
    "NumPy loop": numpy_loop,
    "shoal on NumPy": numpy_engine,
    "scikit-learn": scikit_learn,
    "PyTorch": pytorch,
    "torch.compile": pytorch_compiled,
    "JAX": jax,
}
