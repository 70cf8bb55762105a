"""The members' numbers side by side."""

from itertools import product

import numpy as np
import pytest

from shoal.network import Parameters, initialize
from shoal.optimizers import Adam, Memory
from shoal.state import State, join, split

NETWORKS = [initialize(3, 5, 2, random_state=k) for k in range(4)]


def equal(a: Parameters, b: Parameters) -> bool:
    """Whether all numbers are."""
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


@pytest.mark.parametrize(("n_h", "turned"), list(product([0, 1, 5], [False, True])))
def test_what_is_joined_is_split_again(n_h: int, turned: bool) -> None:
    """Shapes and numbers come back, as views of the vector, however it lies."""
    network = initialize(3, n_h, 2, random_state=0)
    theta = join([network], turned)
    again = split(theta, network, turned)
    assert equal(network, again)
    theta += 1
    assert equal(Parameters(*(block + 1 for block in network)), again)


@pytest.mark.parametrize("turned", [False, True])
def test_a_member_comes_out_as_it_went_in(turned: bool) -> None:
    """Parameters, moments and steps of each; what comes out is a copy, and put brings it back."""
    moments = [Memory((network, network), 7) for network in reversed(NETWORKS)]
    state = State(NETWORKS, moments, turned)
    for k, (network, memory) in enumerate(zip(NETWORKS, moments, strict=True)):
        out, remembered = state.member(k)
        assert equal(out, network)
        assert remembered.n_steps == 7
        assert all(map(equal, remembered.moments, memory.moments))
    out, remembered = state.member(1)
    state.theta[:], state.moments[:] = 0, 0
    assert equal(out, NETWORKS[1])
    state.put(3, out, remembered)
    assert equal(state.member(3)[0], NETWORKS[1])
    assert all(map(equal, state.member(3)[1].moments, moments[1].moments))


def test_some_members_go_on() -> None:
    """keep leaves those that it names, in that order."""
    state = State(NETWORKS, [Adam().init(network) for network in NETWORKS], turned=True)
    state.keep([2, 0])
    assert equal(state.member(0)[0], NETWORKS[2])
    assert equal(state.member(1)[0], NETWORKS[0])
    assert state.moments.shape == (2, 2, 5 * 3 + 5 + 2 * 5 + 2)
