"""What comes into an estimator: tables, targets and weights, by scikit-learn's rules and ours."""

from typing import Any

import numpy as np
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    check_array,
    check_consistent_length,
    column_or_1d,
    validate_data,
)

from shoal.activations import Array
from shoal.errors import DataError
from shoal.table import Columns, as_frame, match_columns


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
    if frame is None or bare:
        X = validate_data(
            estimator,
            X,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_all_finite=bare,
            reset=reset,
        )
        return check_array(X, accept_sparse="csr") if hasattr(X, "tocsr") else X
    if not len(frame):
        raise DataError("the table has no rows: Found array with 0 sample(s)")
    kinds = set() if columns is None else {column.kind for column in columns.columns}
    if columns is not None and kinds & {"category", "date", "boolean"}:
        # A table of more than numbers is read by its names, in any order.
        match_columns(columns, frame)
    else:
        # scikit-learn's contract for numbers: the columns of the fit, in their order.
        _check_feature_names(estimator, X, reset=reset)
    if reset:
        _check_n_features(estimator, X, reset=True)
    return X


def check_target(X: Any, y: Any) -> tuple[Array, tuple[str, ...]]:
    """Y as an array (m,) or (m, n_y) with nothing missing, and the names of its columns."""
    if hasattr(y, "columns"):
        names = tuple(str(name) for name in y.columns)
    else:
        name = getattr(y, "name", None)
        names = (name,) if isinstance(name, str) and name else ()
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    y = check_array(y, ensure_2d=False, dtype=None, ensure_all_finite=False, input_name="y")
    check_consistent_length(X, y)
    if y.dtype.kind in "fO":
        for row, values in enumerate(y.reshape(len(y), -1).tolist()):
            if any(value is None or value != value for value in values):
                raise DataError(
                    f"Input y contains NaN (missing) in row {row + 1}: "
                    "drop the rows without a target"
                )
    numbered = ("y",) if y.ndim == 1 else tuple(f"y{k + 1}" for k in range(y.shape[1]))
    return y, names or numbered


def check_weights(y: Array, sample_weight: Any) -> Array | None:
    """Weights of the rows, none below 0 and not all 0; None where there are none."""
    if sample_weight is None:
        return None
    weight = _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    if not weight.any():
        raise DataError("every sample_weight is 0: give at least one row a weight above 0")
    return np.asarray(weight)


def float_type(X: Any) -> type:
    """float32 if all of the table is, else float64."""
    frame = as_frame(X)
    types = [X.dtype] if frame is None else list(frame.schema.values())
    return np.float32 if all(str(kind).lower() == "float32" for kind in types) else np.float64
