"""What runs the hot loops. One interface, two engines: the NumPy reference and the C kernel.

Everything between calls exists once, in `training`; everything inside a call is a hot loop that
exists twice. The order of the examples is drawn by the caller, so that engines see the same
minibatches, and their results agree to rounding.
"""

import os
import sys
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import numpy as np

from shoal.activations import Array
from shoal.batches import Batches
from shoal.dropout import kept_units
from shoal.errors import ParameterError
from shoal.kernel import Kernel, instruction_sets, load_kernel
from shoal.kernel_problem import Prepared, by_slot, can_take
from shoal.losses import Loss
from shoal.network import Parameters, backward, cost, forward
from shoal.optimizers import Optimizer
from shoal.state import State, join, split

ENGINES = ("auto", "numpy", "compiled")
MOST_PREPARED = 32  # problems: of a committee, the rows that each member holds out
ALONE = 10_000_000  # multiplications, about 0.3 ms, below which a second thread is not worth it
STEP_ALONE = 4_000_000  # the same of a step of one member


@dataclass(frozen=True)
class Problem:
    """What is minimised: J + penalty · (‖W1‖² + ‖W2‖²) / 2.

    Attributes
    ----------
    X : array (n_x, m), SciPy sparse, or Lookup
    Y : array (n_y, m)
    sample_weight : array (m,) or None
    activation : str
    loss : Loss
    penalty : float
        `alpha` over the sum of weights of all m examples, whatever batch is looked at.
    dropout : float
        Share of the hidden units that `descend` leaves out of each example's step.
    seed : int
        Of the dropout.
    """

    X: Any
    Y: Array
    sample_weight: Array | None
    activation: str
    loss: Loss
    penalty: float = 0.0
    dropout: float = 0.0
    seed: int = 0

    @property
    def m(self) -> int:
        """Number of examples."""
        return int(self.X.shape[1])

    def batch(self, examples: Array) -> "Problem":
        """The same problem on some of the examples."""
        weight = self.sample_weight
        return replace(
            self,
            # Examples are contiguous in memory, so they are gathered as rows of X.T.
            X=self.X.T[examples].T,
            Y=self.Y[:, examples],
            sample_weight=None if weight is None else weight[examples],
        )

    def of_member(self, k: int) -> "Problem":
        """The problem of one of several members whose weights are rows of `sample_weight`."""
        weight = self.sample_weight
        if weight is None or weight.ndim == 1:
            return self
        return replace(self, sample_weight=weight[k])


class Engine(Protocol):
    """What the training loop asks of an engine."""

    @property
    def name(self) -> str:
        """What `engine_` of an estimator says."""

    def cost(self, problem: Problem, parameters: Parameters) -> float:
        """J of a problem, without the penalty."""

    def cost_and_gradients(
        self, problem: Problem, parameters: Parameters
    ) -> tuple[float, Parameters]:
        """J without the penalty, and the gradients of J with it. Without dropout."""

    def descend(
        self, problem: Problem, state: State, optimizer: Optimizer, batches: Batches
    ) -> Array:
        """One step of every member per batch, in place.

        The problem's `sample_weight` may be (K, m): weights of their own, 0 for an example that a
        member does not see.

        Returns
        -------
        costs : array (n_steps, K)
            J of each batch before its step.
        """


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
        return self._cost_and_gradients(problem, parameters, keep=None)

    def _cost_and_gradients(
        self, problem: Problem, parameters: Parameters, keep: Array | None
    ) -> tuple[float, Parameters]:
        form: dict[str, Any] = {"activation": problem.activation, "output": problem.loss}
        weight = problem.sample_weight
        cache = forward(problem.X, parameters, keep=keep, **form)
        J = cost(cache, problem.Y, output=problem.loss, sample_weight=weight)
        dW1, db1, dW2, db2 = backward(
            problem.X, problem.Y, parameters, cache, sample_weight=weight, keep=keep, **form
        )
        if problem.penalty:
            dW1 = dW1 + problem.penalty * parameters.W1
            dW2 = dW2 + problem.penalty * parameters.W2
        return J, Parameters(dW1, db1, dW2, db2)

    def descend(
        self, problem: Problem, state: State, optimizer: Optimizer, batches: Batches
    ) -> Array:
        """One step of every member per batch, one member after the other."""
        costs = np.empty((batches.n_steps, len(state.theta)))
        for k in range(len(state.theta)):
            (parameters, memory), seen = state.member(k), problem.of_member(k)
            for step, examples in enumerate(batches):
                batch = seen if examples is None else seen.batch(examples)
                keep = None
                if problem.dropout and parameters.b1.size:
                    keep = kept_units(
                        len(parameters.b1),
                        np.arange(problem.m) if examples is None else examples,
                        share=problem.dropout,
                        seed=problem.seed,
                        step=memory.n_steps,
                        member=k,
                        dtype=parameters.W1.dtype,
                    )
                costs[step, k], gradients = self._cost_and_gradients(batch, parameters, keep)
                parameters, memory = optimizer.step(parameters, gradients, memory)
            state.put(k, parameters, memory)
        state.n_steps += batches.n_steps
        return costs


def cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS lacks it
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class CompiledEngine:
    """The C kernel. What it does not know (sparse X, a loss of one's own) the reference does."""

    def __init__(self, kernel: Kernel, threads: int | None = None) -> None:
        self.kernel = kernel
        self.threads = threads or cores()
        self.reference = NumpyEngine()
        self.prepared: dict[int, tuple[Problem, object, Prepared]] = {}

    @property
    def name(self) -> str:
        """With the instruction set in use."""
        return f"compiled ({self.kernel.isa})"

    def cost(self, problem: Problem, parameters: Parameters) -> float:
        prepared = self._prepare(problem, parameters)
        if prepared is None:
            return self.reference.cost(problem, parameters)
        theta = join([parameters], by_slot(problem.X))
        return self.kernel.evaluate(
            prepared, theta, threads=self._threads(problem.X, problem.m * len(theta))
        )

    def cost_and_gradients(
        self, problem: Problem, parameters: Parameters
    ) -> tuple[float, Parameters]:
        prepared = self._prepare(problem, parameters)
        if prepared is None:
            return self.reference.cost_and_gradients(problem, parameters)
        turned = by_slot(problem.X)
        theta = join([parameters], turned)
        gradients = np.empty_like(theta)
        threads = self._threads(problem.X, 3 * problem.m * len(theta))
        J = self.kernel.evaluate(prepared, theta, gradients=gradients, threads=threads)
        dW1, db1, dW2, db2 = split(gradients, parameters, turned)
        if problem.penalty:
            dW1 += problem.penalty * parameters.W1
            dW2 += problem.penalty * parameters.W2
        return J, Parameters(dW1, db1, dW2, db2)

    def descend(
        self, problem: Problem, state: State, optimizer: Optimizer, batches: Batches
    ) -> Array:
        theta, K = state.theta, len(state.theta)
        prepared = self._prepare(problem, state.like, K)
        if prepared is None:
            return self.reference.descend(problem, state, optimizer, batches)
        each = 3 * batches.largest(problem.m) * theta.size
        threads = self._threads(problem.X, batches.n_steps * each)
        if K == 1 and each < STEP_ALONE:  # members are shared out once, examples in every step
            threads = 1
        costs = self.kernel.descend(
            prepared, optimizer, theta, state.moments, state.n_steps, batches, threads=threads
        )
        state.n_steps += batches.n_steps
        return costs

    def _threads(self, X: Any, multiplications: int) -> int:
        """How many threads so much work is worth; any number gives the same bits."""
        share = X.share if by_slot(X) else 1
        return self.threads if share * multiplications > ALONE else 1

    def _prepare(self, problem: Problem, like: Parameters, K: int = 1) -> Prepared | None:
        """A problem as the kernel reads it, made once; None if it cannot."""
        sizes = K, *(block.shape for block in like)
        known = self.prepared.get(id(problem))
        if known is not None and known[0] is problem and known[1] == sizes:
            return known[2]
        if not can_take(problem.X, like.W2.dtype, problem.activation, problem.loss):
            return None
        n_h, n_y = len(like.b1), len(like.W2)
        weight = problem.sample_weight
        if weight is not None and weight.ndim == 1 and K > 1:
            weight = np.broadcast_to(weight, (K, len(weight)))
        prepared = Prepared(
            problem.X,
            problem.Y,
            weight,
            n_h=n_h,
            n_y=n_y,
            activation=problem.activation,
            loss=problem.loss,
            skip=len(like.W1) > n_h,
            penalty=problem.penalty,
            dropout=problem.dropout,
            seed=problem.seed,
        )
        if len(self.prepared) > MOST_PREPARED:
            self.prepared.clear()
        self.prepared[id(problem)] = problem, sizes, prepared
        return prepared


@cache
def _say_once(text: str) -> None:
    """One line for people, once in a process."""
    print(text, file=sys.stderr)


def choose_engine(name: str = "auto", n_jobs: int | None = None) -> Engine:
    """The engine of a name; "auto" is the compiled one where it is built.

    The environment variable SHOAL_ENGINE goes before "auto".

    Parameters
    ----------
    name : {"auto", "numpy", "compiled"}
    n_jobs : int, optional
        Threads at most; None, or -1, for as many as there are cores. Results are the same bits.

    Raises
    ------
    ParameterError
        If there is none of that name, or "compiled" is wanted and not built.
    """
    if n_jobs is not None and (isinstance(n_jobs, bool) or not hasattr(n_jobs, "__index__")):
        raise ParameterError(f"n_jobs must be a whole number or None, not {n_jobs!r}")
    if name == "auto":
        name = os.environ.get("SHOAL_ENGINE", "auto")
    if name not in ENGINES:
        raise ParameterError(f"engine {name!r} does not exist; choose one of: {', '.join(ENGINES)}")
    if name == "numpy":
        return NumpyEngine()
    kernel = load_kernel()
    if kernel is not None:
        return CompiledEngine(kernel, n_jobs if n_jobs and n_jobs > 0 else None)
    if name == "compiled":
        raise ParameterError(
            "the compiled engine is not built: install a C compiler and install shoal again, or "
            'choose engine="numpy"'
        )
    _say_once(
        "shoal: the compiled engine is not built, so NumPy computes, several times slower; "
        "install a C compiler and install shoal again (`shoal doctor` tells more)"
    )
    return NumpyEngine()


def why_engine() -> str:
    """What made `choose_engine("auto")` choose as it did, for people."""
    if os.environ.get("SHOAL_ENGINE", "auto") != "auto":
        return "SHOAL_ENGINE says so"
    can_run = instruction_sets()
    if not can_run:
        return "the kernel is not built: install a C compiler, and install shoal again"
    if os.environ.get("SHOAL_ISA"):
        return "the kernel is built, and SHOAL_ISA says which instruction set"
    return f"the best of {', '.join(can_run)}, which this processor runs"
