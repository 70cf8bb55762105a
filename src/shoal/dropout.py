"""Dropout: which hidden units each example's step leaves out, decided by a hash and nothing else.

A hash of (seed, step, member, unit, example) is the same whatever computes it, in whatever order:
both engines and any number of threads leave out the same units.

Srivastava et al. (2014), Dropout: a simple way to prevent neural networks from overfitting.
"""

from typing import Any

import numpy as np

from shoal.activations import Array


def _mix(h: Array) -> Array:
    """A hash of 32 bits: each bit in changes about half of the bits out (Wellons, 2018)."""
    h = h ^ (h >> 16)
    h = h * np.uint32(0x7FEB352D)
    h = h ^ (h >> 15)
    h = h * np.uint32(0x846CA68B)
    return h ^ (h >> 16)


def kept_units(
    n_h: int, examples: Array, *, share: float, seed: int, step: int, member: int, dtype: Any
) -> Array:
    """What A1 is multiplied with in a step: 0, or what keeps its expectation, 1 / (1 - share).

    Parameters
    ----------
    n_h : int
    examples : array of int (m,)
        Numbers of the examples.
    share : float
        Of the hidden units left out.
    seed : int, from 0 to 2⁶⁴ - 1
    step, member : int

    Returns
    -------
    array (n_h, m) of `dtype`
    """
    key = np.zeros(1, np.uint32)
    for word in (seed, seed >> 32, step, member):
        key = _mix(key ^ np.uint32(word & 0xFFFFFFFF))
    of_examples = _mix(examples.astype(np.uint32) ^ key)
    of_units = np.arange(n_h, dtype=np.uint32) * np.uint32(0x9E3779B9)
    kept = _mix(of_examples + of_units[:, None]) >= np.uint32(share * 2**32)
    return kept * np.asarray(1 / (1 - share), dtype)
