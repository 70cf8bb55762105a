"""What runs the hot loops. One interface; today the NumPy reference behind it.

Everything between calls exists once, in `training`; everything inside a call is a hot loop. The
order of the examples is drawn by the caller, so that engines see the same minibatches.
"""

from dataclasses import dataclass
from typing import Any

from shoal.activations import Array
from shoal.errors import ParameterError
from shoal.losses import Loss
from shoal.network import Parameters, backward, cost, forward
from shoal.optimizers import Memory, Optimizer

ENGINES = ("auto", "numpy")


@dataclass(frozen=True)
class Problem:
    """What is minimised: J + penalty · (‖W1‖² + ‖W2‖²) / 2.

    Attributes
    ----------
    X : array (n_x, m), or SciPy sparse
    Y : array (n_y, m)
    sample_weight : array (m,) or None
    activation : str
    loss : Loss
    penalty : float
        `alpha` over the sum of weights of all m examples, whatever batch is looked at.
    """

    X: Any
    Y: Array
    sample_weight: Array | None
    activation: str
    loss: Loss
    penalty: float = 0.0

    @property
    def m(self) -> int:
        """Number of examples."""
        return int(self.X.shape[1])

    def batch(self, examples: Array) -> "Problem":
        """The same problem on some of the examples."""
        weight = self.sample_weight
        return Problem(
            # Examples are contiguous in memory, so they are gathered as rows of X.T.
            X=self.X.T[examples].T,
            Y=self.Y[:, examples],
            sample_weight=None if weight is None else weight[examples],
            activation=self.activation,
            loss=self.loss,
            penalty=self.penalty,
        )


class NumpyEngine:
    """The reference: `forward`, `cost` and `backward` of the network, as they stand."""

    name = "numpy"

    def cost(self, problem: Problem, parameters: Parameters) -> float:
        """J of a problem, without the penalty."""
        cache = forward(problem.X, parameters, activation=problem.activation, output=problem.loss)
        return cost(cache, problem.Y, output=problem.loss, sample_weight=problem.sample_weight)

    def cost_and_gradients(
        self, problem: Problem, parameters: Parameters
    ) -> tuple[float, Parameters]:
        """J without the penalty, and the gradients of J with it."""
        X, Y, weight = problem.X, problem.Y, problem.sample_weight
        g, loss = problem.activation, problem.loss
        cache = forward(X, parameters, activation=g, output=loss)
        J = cost(cache, Y, output=loss, sample_weight=weight)
        dW1, db1, dW2, db2 = backward(
            X, Y, parameters, cache, activation=g, output=loss, sample_weight=weight
        )
        if problem.penalty:
            dW1 = dW1 + problem.penalty * parameters.W1
            dW2 = dW2 + problem.penalty * parameters.W2
        return J, Parameters(dW1, db1, dW2, db2)

    def descend(
        self,
        problem: Problem,
        parameters: Parameters,
        optimizer: Optimizer,
        memory: Memory,
        batches: list[Array | None],
    ) -> tuple[Parameters, Memory, list[float]]:
        """One step per batch; a batch of None is all examples.

        Returns
        -------
        parameters, memory
            After the last step.
        costs : list of float
            J of each batch before its step.
        """
        costs = []
        for examples in batches:
            batch = problem if examples is None else problem.batch(examples)
            J, gradients = self.cost_and_gradients(batch, parameters)
            parameters, memory = optimizer.step(parameters, gradients, memory)
            costs.append(J)
        return parameters, memory, costs


def choose_engine(name: str = "auto") -> NumpyEngine:
    """The engine of a name.

    Raises
    ------
    ParameterError
        If there is none of that name.
    """
    if name not in ENGINES:
        raise ParameterError(f"engine {name!r} does not exist; choose one of: {', '.join(ENGINES)}")
    return NumpyEngine()
