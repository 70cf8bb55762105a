"""Which examples each step sees."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shoal.batches import Batches, draw_batches


@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 3), st.integers(0, 99))
def test_an_epoch_is_every_example_once(m: int, batch_size: int, n_epochs: int, seed: int) -> None:
    """Batches of about the size asked for, equal to within one, in the order of a permutation."""
    drawn = draw_batches(m, batch_size, np.random.default_rng(seed), n_epochs)
    batches = list(drawn)
    assert len(batches) == drawn.n_steps
    if batch_size >= m:
        assert batches == [None] * n_epochs
        return
    n, random = len(batches) // n_epochs, np.random.default_rng(seed)
    for k in range(n_epochs):
        epoch = [batch for batch in batches[k * n : (k + 1) * n] if batch is not None]
        sizes = [len(batch) for batch in epoch]
        assert np.concatenate(epoch).tolist() == random.permutation(m).tolist()
        assert max(sizes) - min(sizes) <= 1
        assert batch_size / 2 <= max(sizes) <= batch_size * 1.5
        assert drawn.largest(m) == max(sizes)


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=9))
def test_parts_are_the_whole(batches: list[list[int]]) -> None:
    """Any part of the steps has the examples of these steps, and their largest batch."""
    whole = Batches.of([np.array(batch) for batch in batches])
    for start in range(len(batches)):
        for stop in range(start + 1, len(batches) + 2):
            part, some = whole.part(start, stop), batches[start:stop]
            assert [list(batch) for batch in part if batch is not None] == some
            assert part.n_steps == len(some)
            assert part.largest(10) == max(map(len, some))


def test_all_examples_in_every_step_need_no_order() -> None:
    """Without an order each step has None, and the largest batch is all examples."""
    assert list(Batches(7).part(5, 9)) == [None, None]
    assert Batches(7).largest(10) == 10
