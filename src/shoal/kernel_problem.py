"""A problem as the kernel reads it: structures of addresses, and the arrays they point into."""

import ctypes
from ctypes import Structure, addressof, c_char, c_double, c_int32, c_ssize_t, c_void_p
from typing import Any, TypeGuard

import numpy as np

from shoal import activations, losses
from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.lookup import Lookup, Slots
from shoal.losses import Loss, Quantile

# The kernel's enumerations are in the order of these tables.
ACTIVATIONS = tuple(activations.ACTIVATIONS)
LOSSES = tuple(losses.LOSSES.values())


class CLookup(Structure):
    """Lookup of lookup.h."""

    _fields_ = (
        *((name, c_ssize_t) for name in ("n_columns", "n_bins")),
        *((name, c_void_p) for name in ("rows", "index", "fraction", "centers")),
        ("centred", c_int32),
    )


class CProblem(Structure):
    """Problem of network.h."""

    _fields_ = (
        *((name, c_ssize_t) for name in ("n_x", "n_h", "n_y", "n_t", "n_d", "m")),
        ("X", c_void_p),
        ("x_row", c_ssize_t),
        ("x_column", c_ssize_t),
        ("Y", c_void_p),
        ("y_row", c_ssize_t),
        ("y_column", c_ssize_t),
        ("sample_weight", c_void_p),
        ("levels", c_void_p),
        ("setting", c_double),
        ("penalty", c_double),
        ("dropout", c_double),
        ("seed", ctypes.c_uint64),
        ("activation", c_int32),
        ("loss", c_int32),
        ("skip", c_int32),
        ("lookup", CLookup),
    )


class Prepared:
    """A problem as the kernel reads it, with the arrays that it points into.

    Parameters
    ----------
    X : array (n_x, m), float32 or float64, of any strides, or Lookup
    Y : array (n_t, m) of the same dtype, or None to predict only
    sample_weight : array (m,) or (K, m), or None
    n_h, n_y : int
    activation : str
    loss : Loss
    skip : bool
    penalty, dropout : float
    seed : int
    """

    def __init__(
        self,
        X: Array | Lookup,
        Y: Array | None,
        sample_weight: Array | None,
        *,
        n_h: int,
        n_y: int,
        activation: str,
        loss: Loss,
        skip: bool = False,
        penalty: float = 0.0,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.theta: Array | None = None
        self.tables: Array | None = None
        self.dtype = X.dtype
        self.n_h, self.n_y = n_h, n_y
        n_x, m = X.shape
        self.size = n_h * (n_x + 1) + (n_y * n_x if skip else 0) + n_y * ((n_h or n_x) + 1)
        n_t = 1 if isinstance(loss, Quantile) else n_y
        levels = loss.levels if isinstance(loss, Quantile) else ()
        if levels and len(levels) != n_y:
            raise ParameterError(f"{len(levels)} quantile levels need as many outputs, not {n_y}")
        direct = X.direct if isinstance(X, Lookup) else X
        self.X = strided(direct)
        self.Y = None if Y is None else strided(Y)
        if self.Y is not None:
            check("Y", self.Y, self.dtype, (n_t, m))
        self.sample_weight = None
        if sample_weight is not None:
            self.sample_weight = np.ascontiguousarray(sample_weight, self.dtype).reshape(-1, m)
        self.levels = np.array(levels, self.dtype)
        self.struct = CProblem(
            n_x=n_x,
            n_h=n_h,
            n_y=n_y,
            n_t=n_t,
            n_d=len(direct),
            m=m,
            X=address(self.X),
            x_row=self.X.strides[0] // self.X.itemsize,
            x_column=self.X.strides[1] // self.X.itemsize,
            setting=getattr(loss, "delta", getattr(loss, "power", 0.0)),
            penalty=penalty,
            dropout=dropout,
            seed=seed,
            activation=ACTIVATIONS.index(activation),
            loss=LOSSES.index(type(loss)),
            skip=skip,
        )
        if by_slot(X):
            self._look_up(X)
        if self.Y is not None:
            self.struct.Y = address(self.Y)
            self.struct.y_row = self.Y.strides[0] // self.Y.itemsize
            self.struct.y_column = self.Y.strides[1] // self.Y.itemsize
        if self.sample_weight is not None:
            self.struct.sample_weight = address(self.sample_weight)
        if levels:
            self.struct.levels = address(self.levels)
        self.reference = ctypes.byref(self.struct)

    def _look_up(self, X: Lookup) -> None:
        """The columns as lookup.h wants them."""
        # Before them in the tables are a row of biases and those of the direct inputs.
        self.rows = np.array(X.slots.rows, np.int32) + np.int32(1 + len(X.direct))
        self.index = np.ascontiguousarray(X.index)
        self.fraction = np.ascontiguousarray(X.fraction, self.dtype)
        self.centers = np.ascontiguousarray(X.slots.centers, self.dtype)
        arrays = ("rows", "index", "fraction", "centers")
        self.struct.lookup = CLookup(
            n_columns=len(X.slots.widths),
            n_bins=X.slots.n_bins,
            centred=X.centred,
            **{name: address(getattr(self, name)) for name in arrays},
        )


def by_slot(X: object) -> TypeGuard[Lookup]:
    """Whether the kernel wants what multiplies X transposed, (n_x, n): where X is looked up."""
    return isinstance(X, Lookup) and bool(X.slots.widths)


def can_take(X: Any, dtype: np.dtype[Any], activation: str, loss: Loss) -> bool:
    """Whether the kernel knows these: not sparse X, mixed types or functions of one's own."""
    return (
        isinstance(X, (np.ndarray, Lookup))
        and X.dtype == dtype
        and dtype in (np.float32, np.float64)
        and dtype.isnative
        and X.shape[1] > 0
        and activation in ACTIVATIONS
        and type(loss) in LOSSES
    )


def one_row(n_x: int, slots: Slots | None, dtype: np.dtype[Any]) -> Any:
    """Inputs of one example, to be replaced."""
    if slots is None or not slots.widths:
        return np.empty((n_x, 1), dtype)
    none = (1, len(slots.widths))
    direct = np.empty((n_x - sum(slots.widths), 1), dtype)
    return Lookup(direct, slots, np.zeros(none, np.uint16), np.zeros(none, dtype))


def aligned(n: int, dtype: np.dtype[Any]) -> Array:
    """n numbers that begin where a line of the cache does."""
    spare = 64 // dtype.itemsize
    array = np.empty(n + spare, dtype)
    start = -array.ctypes.data % 64 // dtype.itemsize
    return array[start : start + n]


def address(array: Array) -> int:
    """Where the first entry is. The way through a buffer is the quickest, where there is one."""
    try:
        return addressof(c_char.from_buffer(array))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only, strided or empty
        return array.ctypes.data


def pointer(array: Array) -> Any:
    """A pointer to the first entry, as an argument that needs no conversion; NULL if empty."""
    return ctypes.byref(c_char.from_address(address(array))) if array.size else None


def strided(array: Array) -> Array:
    """The array, or a copy where its strides are not whole numbers of aligned entries."""
    whole = all(stride % array.itemsize == 0 for stride in array.strides)
    return array if whole and array.flags.aligned else np.array(array, order="F")


def check(
    name: str,
    array: Array,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    *,
    writeable: bool = False,
) -> None:
    """Raise DataError where the kernel would read or write what is not there."""
    if array.dtype != dtype or array.shape != shape:
        raise DataError(
            f"{name} is {array.dtype} {array.shape} and must be {dtype} {shape}: examples are "
            "columns, so pass the transpose of a table whose rows are examples"
        )
    if name != "Y" and not (array.flags.c_contiguous and array.flags.aligned):
        raise DataError(f"{name} must be contiguous")
    if writeable and not array.flags.writeable:
        raise DataError(f"{name} must be writeable")
