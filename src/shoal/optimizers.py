"""From gradients to a step. Each method has `init` (its memory) and `step` (Eq 12 or kin).

A method is a few numbers; its memory is kept by the caller, so that training can stop, go back
and continue.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from shoal.network import Parameters


class Optimizer(Protocol):
    """What the training loop and the engines ask of a method. Each is a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def learning_rate(self) -> float:
        """α."""

    def init(self, parameters: Parameters) -> "Memory":
        """The memory before the first step."""

    def step(
        self, parameters: Parameters, gradients: Parameters, memory: "Memory"
    ) -> tuple[Parameters, "Memory"]:
        """New parameters and new memory; those given are left as they are."""


class Memory(NamedTuple):
    """What a method remembers between steps; `moments` in the shapes of the parameters."""

    moments: tuple[Parameters, ...] = ()
    n_steps: int = 0


@dataclass(frozen=True)
class GradientDescent:
    """θ ← θ - α dθ (Eq 12)."""

    learning_rate: float = 1.2

    def init(self, parameters: Parameters) -> Memory:
        return Memory()

    def step(
        self, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        pairs = zip(parameters, gradients, strict=True)
        theta = Parameters(*(theta - self.learning_rate * d for theta, d in pairs))  # Eq 12
        return theta, Memory((), memory.n_steps + 1)


@dataclass(frozen=True)
class Momentum:
    """v ← μ v - α dθ, θ ← θ + v (Polyak, 1964); Nesterov's form looks ahead: θ ← θ + μ v - α dθ.

    Sutskever et al. (2013), On the importance of initialization and momentum in deep learning.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True

    def init(self, parameters: Parameters) -> Memory:
        return Memory((_zeros(parameters),))

    def step(
        self, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        alpha, mu = self.learning_rate, self.momentum
        (v,) = memory.moments
        v = Parameters(*(mu * v_k - alpha * d for v_k, d in zip(v, gradients, strict=True)))
        moves = v
        if self.nesterov:
            moves = Parameters(*(mu * v_k - alpha * d for v_k, d in zip(v, gradients, strict=True)))
        theta = Parameters(*(theta + move for theta, move in zip(parameters, moves, strict=True)))
        return theta, Memory((v,), memory.n_steps + 1)


@dataclass(frozen=True)
class Adam:
    """Steps scaled by running moments of the gradient.

    Kingma and Ba (2015), Adam: a method for stochastic optimization, algorithm 1. The weights, not
    the biases, shrink by α · `weight_decay` of themselves in each step (Loshchilov and Hutter,
    2019, Decoupled weight decay regularization).
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def init(self, parameters: Parameters) -> Memory:
        return Memory((_zeros(parameters), _zeros(parameters)))

    def step(
        self, parameters: Parameters, gradients: Parameters, memory: Memory
    ) -> tuple[Parameters, Memory]:
        b1, b2, t = self.beta_1, self.beta_2, memory.n_steps + 1
        alpha = self.learning_rate / (1 - b1**t)
        correction = 1 - b2**t
        decay = self.learning_rate * self.weight_decay
        theta, first, second = [], [], []
        blocks = zip(parameters, gradients, *memory.moments, (decay, 0, decay, 0), strict=True)
        for theta_k, d, m, v, shrink in blocks:
            m = b1 * m + (1 - b1) * d
            v = b2 * v + (1 - b2) * d * d
            step = alpha * m / (np.sqrt(v / correction) + self.epsilon)
            theta.append(theta_k - step - shrink * theta_k)
            first.append(m)
            second.append(v)
        return Parameters(*theta), Memory((Parameters(*first), Parameters(*second)), t)


def _zeros(parameters: Parameters) -> Parameters:
    return Parameters(*(np.zeros_like(block) for block in parameters))
