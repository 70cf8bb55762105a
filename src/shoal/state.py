"""The numbers of several networks in one array each, as the hot loops change them in place."""

from collections.abc import Sequence

import numpy as np

from shoal.activations import Array
from shoal.network import Parameters
from shoal.optimizers import Memory


class State:
    """Members in training: their parameters, and what the method remembers.

    Parameters
    ----------
    networks : sequence of Parameters
        One shape for all; copied.
    memories : sequence of Memory
        As many steps behind them all; copied.
    turned : bool
        Whether what multiplies X lies transposed: where X is looked up.

    Attributes
    ----------
    theta : array (K, size)
    moments : array (K, n_moments, size)
    n_steps : int
    """

    def __init__(
        self, networks: Sequence[Parameters], memories: Sequence[Memory], turned: bool
    ) -> None:
        self.like, self.turned, K = networks[0], turned, len(networks)
        self.theta = join(networks, turned).reshape(K, -1)
        self.n_steps, n_moments = memories[0].n_steps, len(memories[0].moments)
        moments = join([moment for memory in memories for moment in memory.moments], turned)
        moments = moments.astype(self.theta.dtype, copy=False)
        self.moments = moments.reshape(K, n_moments, self.theta.shape[1])

    def parameters(self, theta: Array) -> Parameters:
        """Views of a vector (size,) in the shapes of the parameters."""
        return split(theta, self.like, self.turned)

    def member(self, k: int) -> tuple[Parameters, Memory]:
        """Copies of a member's parameters and of what the method remembers of it."""
        network, *moments = (
            Parameters(*map(np.ascontiguousarray, self.parameters(theta.copy())))
            for theta in (self.theta[k], *self.moments[k])
        )
        return network, Memory(tuple(moments), self.n_steps)

    def put(self, k: int, parameters: Parameters, memory: Memory) -> None:
        """Overwrite the numbers of a member."""
        self.theta[k] = join([parameters], self.turned)
        for moment, new in zip(self.moments[k], memory.moments, strict=True):
            moment[:] = join([new], self.turned)

    def keep(self, members: Sequence[int]) -> None:
        """Go on with some of the members."""
        self.theta, self.moments = self.theta[members], self.moments[members]


def join(networks: Sequence[Parameters], turned: bool) -> Array:
    """All their numbers one after another, copied."""
    blocks = [block.ravel() for network in networks for block in _turn(network, turned)]
    return np.concatenate(blocks) if blocks else np.empty(0)


def split(theta: Array, like: Parameters, turned: bool) -> Parameters:
    """Views of a vector as parameters, in the shapes of others."""
    blocks, start = [], 0
    for block in _turn(like, turned):
        blocks.append(theta[start : start + block.size].reshape(block.shape))
        start += block.size
    return _turn(Parameters(*blocks), turned)


def _turn(network: Parameters, turned: bool) -> Parameters:
    """With what multiplies X transposed, if so is wanted: W1, or W2 where n_h = 0. And back."""
    if not turned:
        return network
    W1, b1, W2, b2 = network
    return Parameters(W1.T, b1, W2, b2) if b1.size else Parameters(W1, b1, W2.T, b2)
