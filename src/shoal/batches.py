"""Which examples each step of a training sees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shoal.activations import Array


@dataclass(frozen=True, eq=False)
class Batches:
    """The examples of some steps.

    Attributes
    ----------
    n_steps : int
    order : array of int32, or None
        Numbers of examples, one batch after another; None where every step sees them all.
    ends : array of int64 (n_steps,), or None
        Where each batch ends in `order`.
    """

    n_steps: int
    order: Array | None = None
    ends: Array | None = None

    @classmethod
    def of(cls, batches: Sequence[Array]) -> "Batches":
        """The examples of each step, joined."""
        ends = np.cumsum([len(batch) for batch in batches], dtype=np.int64)
        return cls(len(batches), np.concatenate(batches).astype(np.int32), ends)

    def __iter__(self) -> Iterator[Array | None]:
        """The examples of each step; None for all."""
        if self.order is None or self.ends is None:
            yield from [None] * self.n_steps
        else:
            yield from np.split(self.order, self.ends[:-1])

    def part(self, start: int, stop: int) -> "Batches":
        """Those of some of the steps."""
        stop = min(stop, self.n_steps)
        if self.order is None or self.ends is None:
            return Batches(stop - start)
        first = self.ends[start - 1] if start else 0
        ends = self.ends[start:stop] - first
        return Batches(stop - start, self.order[first : first + ends[-1]], ends)

    def largest(self, m: int) -> int:
        """Examples of the largest batch, of m."""
        if self.ends is None:
            return m
        return int((self.ends[1:] - self.ends[:-1]).max(initial=self.ends[0]))


def draw_batches(
    m: int, batch_size: int | None, random: np.random.Generator, n_epochs: int
) -> Batches:
    """Each epoch's examples in a random order, in batches of about the size, as equal as can be."""
    if batch_size is None or batch_size >= m:
        return Batches(n_epochs)
    order = np.arange(n_epochs * m, dtype=np.int32).reshape(n_epochs, m)
    order %= m
    for row in order:
        random.shuffle(row)
    n = batches_per_epoch(m, batch_size)
    small, larger = divmod(m, n)
    ends = np.cumsum(small + (np.arange(n) < larger))
    return Batches(n_epochs * n, order.ravel(), (np.arange(n_epochs)[:, None] * m + ends).ravel())


def batches_per_epoch(m: int, batch_size: int) -> int:
    """How many batches of about the size."""
    return max(1, round(m / batch_size))
