"""What comes into an estimator: tables, targets and weights, by scikit-learn's rules and ours."""

from typing import Any

import numpy as np
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    column_or_1d,
    validate_data,
)

from shoal.activations import Array
from shoal.cells import as_frame, check_finite
from shoal.errors import DataError, ParameterError
from shoal.table import Columns, match_columns


def check_table(estimator: Any, X: Any, *, bare: bool, columns: Columns | None = None) -> Any:
    """X as a data frame, array or CSR matrix that `Columns` can read.

    Parameters
    ----------
    estimator : estimator
        Is told, or asked, the number and the names of the features.
    X : data frame, array-like or sparse matrix
    bare : bool
        Whether only finite numbers will do.
    columns : Columns, optional
        Of the fit that X must match; None at the fit itself.
    """
    reset = columns is None
    frame = as_frame(X)
    if frame is not None:
        X = frame.to_native()  # what was lazy is computed once
        if not all(frame.shape):
            raise DataError(
                f"the table is empty: it has {frame.shape[0]} rows, {frame.shape[1]} columns"
            )
    elif columns is not None:
        columns.check_numeric()
    if columns is not None and frame is not None and columns.mixed:
        # A table of more than numbers is read by its names, in any order.
        match_columns(columns, frame)
        return X
    try:
        if frame is not None and not bare:
            # scikit-learn's contract for numbers: the columns of the fit, in their order.
            return validate_data(estimator, X, reset=reset, skip_check_array=True)
        finite = bare or hasattr(X, "tocsr")  # a sparse table has no place for what is missing
        return validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=finite,
            reset=reset,
        )
    except ValueError as error:
        raise DataError(_explain(str(error))) from error


def _explain(message: str) -> str:
    """What to do about what scikit-learn objects to in a table."""
    if "contains NaN" in message:
        return 'X contains NaN (missing): only a dense table with preprocessing="auto" may'
    if "convert string to float" in message:
        return f'{message}; text is read from a data frame with names, with preprocessing="auto"'
    return message


def check_target(X: Any, y: Any) -> tuple[Array, tuple[str, ...]]:
    """Y as an array (m,) or (m, n_y) with nothing missing, and the names of its columns."""
    if hasattr(y, "tocsr"):
        raise DataError("y is sparse: give its dense form, y.toarray()")
    frame = as_frame(y)
    name = getattr(y, "name", None)
    names: tuple[str, ...] = (name,) if isinstance(name, str) and name else ()
    if frame is not None:
        y, names = frame.to_native(), tuple(frame.columns)
    try:
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = check_array(y, ensure_2d=False, dtype=None, ensure_all_finite=False, input_name="y")
    except ValueError as error:
        raise DataError(str(error)) from error
    if len(y) != X.shape[0]:
        raise DataError(
            f"X has {X.shape[0]} rows, but y has {len(y)} "
            "(inconsistent numbers of samples): each row needs its target"
        )
    names = names or (("y",) if y.ndim == 1 else tuple(f"y{k + 1}" for k in range(y.shape[1])))
    return _check_cells(y, names), names


def _check_cells(y: Array, names: tuple[str, ...]) -> Array:
    """Y with nothing missing or infinite; cells that are objects but not text as plain values."""
    if y.dtype.kind in "mM":
        raise DataError("y holds dates or durations: give numbers, or text for classes")
    if y.dtype.kind in "fO":
        absent = np.array([_is_missing(cell) for cell in y.ravel().tolist()], dtype=bool)
        if absent.any():
            row = np.argwhere(absent.reshape(y.shape))[0][0]
            raise DataError(
                f"Input y contains NaN (missing) in row {row + 1}: drop the rows without a target"
            )
    if y.dtype.kind == "f":
        check_finite(y.reshape(len(y), -1), names, "y")
    if y.dtype.kind == "O":
        is_text = {isinstance(cell, str) for cell in y.ravel().tolist()}
        if len(is_text) > 1:
            raise DataError("y has text in some rows and other values in others: give one kind")
        y = y if is_text == {True} else np.array(y.tolist())
    return y


def _is_missing(cell: Any) -> bool:
    """None and NaN; a missing value of pandas, too, is not equal to itself."""
    return cell is None or (cell == cell) is not True


def check_weights(y: Array, sample_weight: Any) -> Array | None:
    """Weights of the rows, none below 0; None where there are none."""
    if sample_weight is None:
        return None
    try:
        weight = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    except ValueError as error:
        raise DataError(str(error)) from error
    return np.asarray(weight)


def float_type(X: Any) -> type:
    """float32 if all of the table is, else float64."""
    frame = as_frame(X)
    types = [X.dtype] if frame is None else list(frame.schema.values())
    return np.float32 if all(str(kind).lower() == "float32" for kind in types) else np.float64


def draw_seed(random_state: Any) -> int:
    """The seed that a random_state stands for."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if not isinstance(random_state, (int, np.integer)) or not 0 <= random_state < 2**32:
        raise ParameterError(
            "random_state must be a whole number from 0 to 2**32 - 1, a RandomState or None, "
            f"not {random_state!r}"
        )
    return int(random_state)
