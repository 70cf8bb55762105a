"""The border to the compiled kernel: the only file that knows ctypes.

One method for each entry point; each checks what it hands over, because C does not. What is on
the other side is described in kernel/kernel.c.
"""

import ctypes
import os
import sysconfig
from collections.abc import Callable
from ctypes import (
    POINTER,
    Structure,
    addressof,
    c_char,
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_ssize_t,
    c_void_p,
)
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from shoal import activations, losses
from shoal.activations import Array
from shoal.errors import DataError, ParameterError
from shoal.lookup import Lookup, Slots
from shoal.losses import Loss, Quantile
from shoal.optimizers import Adam, GradientDescent, Momentum, Optimizer

VERSION = 3  # shoal_kernel_version of entry.c
LIBRARY = "libshoal_kernel.so"
INSTRUCTION_SETS = ("avx512", "avx2", "baseline")  # best first

# The kernel's enumerations are in the order of these tables.
ACTIVATIONS = tuple(activations.ACTIVATIONS)
LOSSES = tuple(losses.LOSSES.values())
METHODS = (GradientDescent, Momentum, Adam)


class _Lookup(Structure):
    """Lookup of lookup.h."""

    _fields_ = (
        *((name, c_ssize_t) for name in ("n_columns", "n_bins")),
        *((name, c_void_p) for name in ("rows", "index", "fraction", "centers")),
        ("centred", c_int32),
    )


class _Problem(Structure):
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
        ("lookup", _Lookup),
    )


class _Optimizer(Structure):
    """Optimizer of optimizers.h."""

    _fields_ = (
        ("method", c_int32),
        ("nesterov", c_int32),
        ("learning_rate", c_double),
        ("momentum", c_double),
        ("beta_1", c_double),
        ("beta_2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
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
        self.X = _strided(direct)
        self.Y = None if Y is None else _strided(Y)
        if self.Y is not None:
            _check("Y", self.Y, self.dtype, (n_t, m))
        self.sample_weight = None
        if sample_weight is not None:
            self.sample_weight = np.ascontiguousarray(sample_weight, self.dtype).reshape(-1, m)
        self.levels = np.array(levels, self.dtype)
        self.struct = _Problem(
            n_x=n_x,
            n_h=n_h,
            n_y=n_y,
            n_t=n_t,
            n_d=len(direct),
            m=m,
            X=_address(self.X),
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
            self.struct.Y = _address(self.Y)
            self.struct.y_row = self.Y.strides[0] // self.Y.itemsize
            self.struct.y_column = self.Y.strides[1] // self.Y.itemsize
        if self.sample_weight is not None:
            self.struct.sample_weight = _address(self.sample_weight)
        if levels:
            self.struct.levels = _address(self.levels)
        self.reference = ctypes.byref(self.struct)

    def _look_up(self, X: Lookup) -> None:
        """The columns as lookup.h wants them."""
        # Before them in the tables are a row of biases and those of the direct inputs.
        self.rows = np.array(X.slots.rows, np.int32) + np.int32(1 + len(X.direct))
        self.index = np.ascontiguousarray(X.index)
        self.fraction = np.ascontiguousarray(X.fraction, self.dtype)
        self.centers = np.ascontiguousarray(X.slots.centers, self.dtype)
        arrays = ("rows", "index", "fraction", "centers")
        self.struct.lookup = _Lookup(
            n_columns=len(X.slots.widths),
            n_bins=X.slots.n_bins,
            centred=X.centred,
            **{name: _address(getattr(self, name)) for name in arrays},
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


class Kernel:
    """The functions of one instruction set."""

    def __init__(self, library: ctypes.CDLL, isa: str) -> None:
        self.isa = isa
        i, p = c_ssize_t, c_void_p
        descend = ctypes.CFUNCTYPE(c_int, p, p, i, i, p, p, i, p, p, i, p, c_int)
        evaluate = ctypes.CFUNCTYPE(c_int, p, p, p, p, c_int)
        prepare = ctypes.CFUNCTYPE(c_int, p, p, p)
        predict = ctypes.CFUNCTYPE(c_int, p, p, p, p, i, i, c_int, c_int)
        self._descend, self._evaluate, self._prepare, self._predict = {}, {}, {}, {}
        for is_double, dtype in enumerate((np.float32, np.float64)):
            functions = library.shoal_functions(isa.encode(), is_double)
            key = np.dtype(dtype)
            self._descend[key] = descend(functions[0])
            self._evaluate[key] = evaluate(functions[1])
            self._prepare[key] = prepare(functions[2])
            self._predict[key] = predict(functions[3])

    def descend(
        self,
        problem: Prepared,
        optimizer: Optimizer,
        theta: Array,
        moments: Array,
        n_steps_done: int,
        batches: list[Array | None],
        *,
        first_member: int = 0,
        threads: int = 1,
    ) -> Array:
        """Make a step for each batch, with K members at once.

        Parameters
        ----------
        theta : array (K, size)
            The members' parameters; changed in place.
        moments : array (K, n_moments, size)
            What the method remembers; changed in place.
        n_steps_done : int
            Steps before these.
        batches : list of array of int, or of None
            The examples of each step; None for all of them, then in every step.

        Returns
        -------
        costs : array (n_steps, K)
            J of each batch before its step.
        """
        K, n_steps = len(theta), len(batches)
        _check("theta", theta, problem.dtype, (K, problem.size), writeable=True)
        kept = (K, moments.shape[1], problem.size)
        _check("moments", moments, problem.dtype, kept, writeable=True)
        if problem.Y is None:
            raise DataError("this problem has no Y to learn from")
        if problem.sample_weight is not None and len(problem.sample_weight) != K:
            raise DataError(f"sample_weight has {len(problem.sample_weight)} rows for {K} members")
        order = ends = None
        if batches and batches[0] is not None:
            order = np.ascontiguousarray(np.concatenate(batches), np.int64)  # type: ignore[arg-type]
            ends = np.cumsum([len(batch) for batch in batches], dtype=np.int64)  # type: ignore[arg-type]
        costs = np.empty((n_steps, K))
        settings = _optimizer(optimizer)
        if moments.shape[1] != settings.method:  # 0, 1 and 2: their number is the method's
            raise DataError(f"moments has {moments.shape[1]} rows for {type(optimizer).__name__}")
        status = self._descend[problem.dtype](
            problem.reference,
            ctypes.byref(settings),
            K,
            first_member,
            _address(theta),
            _address(moments),
            n_steps_done,
            None if order is None else _address(order),
            None if ends is None else _address(ends),
            n_steps,
            _address(costs),
            threads,
        )
        _raise(status)
        return costs

    def evaluate(
        self, problem: Prepared, theta: Array, *, gradients: Array | None = None, threads: int = 1
    ) -> float:
        """J of all examples; its gradient, without the penalty's part, is written if wanted.

        Parameters
        ----------
        theta, gradients : array (size,)
        """
        _check("theta", theta, problem.dtype, (problem.size,))
        if gradients is not None:
            _check("gradients", gradients, problem.dtype, (problem.size,), writeable=True)
        if problem.Y is None:
            raise DataError("this problem has no Y to compare with")
        if problem.sample_weight is not None and len(problem.sample_weight) != 1:
            raise DataError(f"sample_weight has {len(problem.sample_weight)} rows for 1 member")
        cost = c_double()
        status = self._evaluate[problem.dtype](
            problem.reference,
            _address(theta),
            ctypes.byref(cost),
            None if gradients is None else _address(gradients),
            threads,
        )
        _raise(status)
        return cost.value

    def predictor(
        self,
        theta: Array,
        *,
        n_x: int,
        n_h: int,
        n_y: int,
        activation: str,
        loss: Loss,
        skip: bool,
        slots: Slots | None = None,
    ) -> Callable[[Any, bool, int], Array]:
        """A function of rows X (m, n_x), whether scores are wanted, and the number of threads.

        It returns Z2 or A2 as rows (m, n_y). What can be prepared before X comes is; a call copies
        what it changes, so that threads of the caller do not meet. With slots X is a Lookup's Rows.
        """
        dtype = theta.dtype
        one = _one_row(n_x, slots, dtype)
        like = Prepared(
            one,
            None,
            None,
            n_h=n_h,
            n_y=n_y,
            activation=activation,
            loss=loss,
            skip=skip,
        )
        _check("theta", theta, dtype, (like.size,))
        function, itemsize = self._predict[dtype], dtype.itemsize
        at, rows = _address(theta), int(like.rows[-1]) if by_slot(one) else 0
        n = n_h + (n_y if skip or not n_h else 0)
        tables = _aligned(rows * -(-n // 64) * 64, dtype)
        if rows:
            self._prepare[dtype](like.reference, at, _address(tables))
        like.theta, like.tables = theta, tables  # C reads them for as long as `predict` lives
        at_tables = _address(tables) if rows else None

        def predict(X: Any, scores: bool, threads: int) -> Array:
            if X.dtype != dtype or X.shape[1] != n_x:
                raise DataError(f"X is {X.dtype} {X.shape} and must be {dtype} (m, {n_x})")
            m = X.shape[0]
            out = np.empty((m, n_y), dtype)
            problem = _Problem.from_buffer_copy(like.struct)
            if slots is not None:
                index = np.ascontiguousarray(X.T.index)
                fraction = np.ascontiguousarray(X.T.fraction, dtype)
                problem.lookup.index, problem.lookup.fraction = map(_address, (index, fraction))
                X = X.T.direct.T
            if not X.flags.carray:
                X = _strided(X)
            problem.m, problem.X = m, _address(X)
            problem.x_column, problem.x_row = (stride // itemsize for stride in X.strides)
            status = function(
                addressof(problem), at, at_tables, _address(out), 1, n_y, scores, threads
            )
            if status:
                _raise(status)
            return out

        return predict


def _optimizer(optimizer: Optimizer) -> _Optimizer:
    """A method's settings; what it does not have stays 0."""
    names = {name for name, _ in _Optimizer._fields_} & set(vars(optimizer))
    settings = {name: getattr(optimizer, name) for name in names}
    return _Optimizer(method=METHODS.index(type(optimizer)), **settings)


def _raise(status: int) -> None:
    """Turn what the kernel returned into an error; 0 is success."""
    if status == 1:
        raise MemoryError("the kernel could not allocate its working memory")
    if status == 2:
        raise IndexError("a batch names an example that does not exist")
    if status == 3:
        raise DataError("the sample weights sum to 0: give at least one row a weight above 0")


def _one_row(n_x: int, slots: Slots | None, dtype: np.dtype[Any]) -> Any:
    """Inputs of one example, to be replaced."""
    if slots is None or not slots.widths:
        return np.empty((n_x, 1), dtype)
    none = (1, len(slots.widths))
    direct = np.empty((n_x - sum(slots.widths), 1), dtype)
    return Lookup(direct, slots, np.zeros(none, np.uint16), np.zeros(none, dtype))


def _aligned(n: int, dtype: np.dtype[Any]) -> Array:
    """n numbers that begin where a line of the cache does."""
    spare = 64 // dtype.itemsize
    array = np.empty(n + spare, dtype)
    start = -array.ctypes.data % 64 // dtype.itemsize
    return array[start : start + n]


def _address(array: Array) -> int:
    """Where the first entry is. The way through a buffer is the quickest, where there is one."""
    try:
        return addressof(c_char.from_buffer(array))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only, strided or empty
        return array.ctypes.data


def _strided(array: Array) -> Array:
    """The array, or a copy where its strides are not whole numbers of aligned entries."""
    whole = all(stride % array.itemsize == 0 for stride in array.strides)
    return array if whole and array.flags.aligned else np.array(array, order="F")


def _check(
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


# ---- finding and loading it ----------------------------------------------------------------------


def instruction_sets() -> list[str]:
    """Those that the kernel is built for and this processor runs, best first; none if not built."""
    library = _library()
    if library is None:
        return []
    return [name for name in INSTRUCTION_SETS if library.shoal_can_run(name.encode())]


def load_kernel(isa: str = "") -> Kernel | None:
    """The kernel for an instruction set, or the best this processor has; None if it is not built.

    Parameters
    ----------
    isa : {"", "avx512", "avx2", "baseline"}
        "" asks the environment variable SHOAL_ISA, and then the processor.

    Raises
    ------
    ParameterError
        If the processor cannot run what was asked for.
    """
    library = _library()
    if library is None:
        return None
    isa = isa or os.environ.get("SHOAL_ISA", "")
    can_run = instruction_sets()
    if isa and isa not in can_run:
        raise ParameterError(
            f"instruction set {isa!r} (SHOAL_ISA) cannot run here; choose one of: "
            f"{', '.join(can_run)}"
        )
    return Kernel(library, isa or can_run[0])


def _library() -> ctypes.CDLL | None:
    """The shared library: beside this file, or where an editable install put it."""
    for folder in (Path(__file__).parent, Path(sysconfig.get_path("purelib"), "shoal")):
        path = folder / LIBRARY
        if path.exists():
            library = ctypes.CDLL(str(path))
            library.shoal_can_run.argtypes = [c_char_p]
            library.shoal_functions.argtypes = [c_char_p, c_int]
            library.shoal_functions.restype = POINTER(c_void_p)
            if library.shoal_kernel_version() == VERSION:
                return library
    return None
