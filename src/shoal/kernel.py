"""The border to the compiled kernel: the functions of the library, and where it is.

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
    c_char_p,
    c_double,
    c_int,
    c_int32,
    c_ssize_t,
    c_void_p,
)
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from shoal.activations import Array
from shoal.batches import Batches
from shoal.errors import DataError, ParameterError
from shoal.kernel_problem import (
    CProblem,
    Prepared,
    address,
    aligned,
    by_slot,
    check,
    one_row,
    pointer,
    strided,
)
from shoal.lookup import Slots
from shoal.losses import Loss
from shoal.optimizers import Adam, GradientDescent, Momentum, Optimizer

VERSION = 5  # shoal_kernel_version of entry.c
LIBRARY = "libshoal_kernel.so"
INSTRUCTION_SETS = ("avx512", "avx2", "baseline")  # best first

METHODS = (GradientDescent, Momentum, Adam)  # in the order of optimizers.h


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


class Kernel:
    """The functions of one instruction set."""

    def __init__(self, library: ctypes.CDLL, isa: str) -> None:
        self.isa = isa
        i, p = c_ssize_t, c_void_p
        descend = ctypes.CFUNCTYPE(c_int, p, p, i, p, p, i, p, p, i, p, c_int)
        evaluate = ctypes.CFUNCTYPE(c_int, p, p, p, p, c_int)
        prepare = ctypes.CFUNCTYPE(c_int, p, p, p)
        # Its arguments are C's already: converting them would be a fifth of the time of a row.
        predict = ctypes.CFUNCTYPE(c_int)
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
        batches: Batches,
        *,
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
        batches : Batches

        Returns
        -------
        costs : array (n_steps, K)
            J of each batch before its step.
        """
        K, n_steps = len(theta), batches.n_steps
        check("theta", theta, problem.dtype, (K, problem.size), writeable=True)
        kept = (K, moments.shape[1], problem.size)
        check("moments", moments, problem.dtype, kept, writeable=True)
        if problem.Y is None:
            raise DataError("this problem has no Y to learn from")
        if problem.sample_weight is not None and len(problem.sample_weight) != K:
            raise DataError(f"sample_weight has {len(problem.sample_weight)} rows for {K} members")
        order, ends = batches.order, batches.ends
        if order is not None and ends is not None:
            check("order", order, np.dtype(np.int32), (int(ends[-1]),))
            check("ends", ends, np.dtype(np.int64), (n_steps,))
        costs = np.empty((n_steps, K))
        settings = _optimizer(optimizer)
        if moments.shape[1] != settings.method:  # 0, 1 and 2: their number is the method's
            raise DataError(f"moments has {moments.shape[1]} rows for {type(optimizer).__name__}")
        status = self._descend[problem.dtype](
            problem.reference,
            ctypes.byref(settings),
            K,
            address(theta),
            address(moments),
            n_steps_done,
            None if order is None else address(order),
            None if ends is None else address(ends),
            n_steps,
            address(costs),
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
        check("theta", theta, problem.dtype, (problem.size,))
        if gradients is not None:
            check("gradients", gradients, problem.dtype, (problem.size,), writeable=True)
        if problem.Y is None:
            raise DataError("this problem has no Y to compare with")
        if problem.sample_weight is not None and len(problem.sample_weight) != 1:
            raise DataError(f"sample_weight has {len(problem.sample_weight)} rows for 1 member")
        cost = c_double()
        status = self._evaluate[problem.dtype](
            problem.reference,
            address(theta),
            ctypes.byref(cost),
            None if gradients is None else address(gradients),
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
        one = one_row(n_x, slots, dtype)
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
        check("theta", theta, dtype, (like.size,))
        itemsize = dtype.itemsize
        rows = int(like.rows[-1]) if by_slot(one) else 0
        n = n_h + (n_y if skip or not n_h else 0)
        tables = aligned(rows * -(-n // 64) * 64, dtype)
        if rows:
            self._prepare[dtype](like.reference, address(theta), address(tables))
        like.theta, like.tables = theta, tables  # C reads them for as long as `predict` lives
        function = self._predict[dtype]
        at_theta, at_tables = pointer(theta), pointer(tables)
        out_row, out_column = c_ssize_t(1), c_ssize_t(n_y)
        spare: list[Any] = []  # what `room` gave, while no thread is at it

        def room() -> Any:
            """A problem of one row, that row, and its output."""
            x, out = np.empty((1, n_x), dtype), np.empty((1, n_y), dtype)
            problem = CProblem.from_buffer_copy(like.struct)
            problem.X = address(x)
            return ctypes.byref(problem), x, out, pointer(out)

        def predict(X: Any, scores: bool, threads: int) -> Array:
            m, n = X.shape
            if X.dtype != dtype or n != n_x:
                raise DataError(f"X is {X.dtype} {X.shape} and must be {dtype} (m, {n_x})")
            alone = m == 1 and slots is None
            if alone:  # finding addresses would take longer than copying
                try:
                    own = spare.pop()
                except IndexError:
                    own = room()
                at, x, out, at_out = own
                x[:] = X
            else:
                problem, out = CProblem.from_buffer_copy(like.struct), np.empty((m, n_y), dtype)
                if slots is not None:
                    index = np.ascontiguousarray(X.T.index)
                    fraction = np.ascontiguousarray(X.T.fraction, dtype)
                    problem.lookup.index, problem.lookup.fraction = map(address, (index, fraction))
                    X = X.T.direct.T
                X = strided(X)
                problem.m, problem.X = m, address(X)
                problem.x_column, problem.x_row = (stride // itemsize for stride in X.strides)
                at, at_out = ctypes.byref(problem), pointer(out)
            status = function(at, at_theta, at_tables, at_out, out_row, out_column, scores, threads)
            if alone:
                out = out.copy()
                spare.append(own)
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


@cache
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
