"""What comes into an estimator: right forms are taken, wrong ones are named and explained."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.exceptions import DataConversionWarning

from shoal import DataError, ParameterError, ShoalClassifier, ShoalRegressor
from shoal.estimator_input import check_target, check_weights, draw_seed, float_type

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.tile([0, 1], 6)
TABLE = pd.DataFrame(X, columns=["a", "b", "c"])
MIXED = TABLE.assign(d=["u", "v", "v"] * 4)
LIBRARIES = [pd.DataFrame, pl.DataFrame, lambda table: pa.Table.from_pandas(table)]
libraries = pytest.mark.parametrize("library", LIBRARIES, ids=["pandas", "polars", "pyarrow"])


def classifier(**settings: Any) -> ShoalClassifier:
    """A small, quick one."""
    return ShoalClassifier(**{"n_hidden": 2, "max_iter": 2, "tol": 0, "random_state": 0} | settings)


# ---- X -----------------------------------------------------------------------------------------


@libraries
def test_a_mixed_table_is_read_by_its_names(library: Any) -> None:
    """In any order; what is missing or too much is named."""
    fitted = classifier().fit(library(MIXED), Y)
    turned = library(MIXED[["d", "b", "c", "a"]])
    np.testing.assert_array_equal(
        fitted.predict_proba(turned), fitted.predict_proba(library(MIXED))
    )
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(DataError, match=r"the table lacks columns 'b', 'd'$"):
        fitted.predict(library(MIXED[["c", "a"]]))
    with pytest.raises(DataError, match="the table has column 'e' which the fit did not"):
        fitted.predict(library(MIXED.assign(e=1)))


@libraries
def test_a_table_of_numbers_keeps_to_the_contract_of_scikit_learn(library: Any) -> None:
    """Names in their order; the error says whether the order or which name is wrong."""
    fitted = classifier().fit(library(TABLE), Y)
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(DataError, match="must be in the same order as they were in fit"):
        fitted.predict(library(TABLE[["b", "a", "c"]]))
    with pytest.raises(DataError, match=r"(?s)yet now missing:\n- c"):
        fitted.predict(library(TABLE[["a", "b"]]))
    with pytest.raises(DataError, match=r"(?s)unseen at fit time:\n- d"):
        fitted.predict(library(MIXED))


@libraries
def test_frames_without_preprocessing(library: Any) -> None:
    """Numbers of any library do; text says what to do."""
    bare = classifier(preprocessing=None).fit(library(TABLE), Y)
    expected = classifier(preprocessing=None).fit(X, Y)
    np.testing.assert_array_equal(bare.W1_, expected.W1_)
    with pytest.raises(DataError, match=r'text is read from a data frame .* preprocessing="auto"'):
        classifier(preprocessing=None).fit(library(MIXED), Y)


@pytest.mark.parametrize("estimator", [ShoalClassifier, ShoalRegressor])
def test_the_same_data_is_the_same_model_in_every_library(estimator: Any) -> None:
    """Numbers, text, dates, booleans and what is missing: equal weights, bit for bit."""
    table = pl.DataFrame(MIXED).with_columns(
        pl.when(pl.col("b") > 0).then("b"),
        day=pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 12)),
        wet=pl.Series([True, None, False] * 4),
    )
    forms = [
        table,
        table.to_arrow(),
        table.to_pandas(),
        table.to_pandas(use_pyarrow_extension_array=True),
    ]
    settings = {"n_hidden": 2, "max_iter": 5, "tol": 0, "random_state": 0}
    first, *others = (estimator(**settings).fit(form, Y).model_ for form in forms)
    assert len(first.columns.slots) == 9
    for other in others:
        assert other.columns == first.columns
        for mine, theirs in zip(other.parameters, first.parameters, strict=True):
            assert mine.tobytes() == theirs.tobytes()


def test_lazy_frames_are_computed() -> None:
    """A polars LazyFrame is a frame."""
    weight, lazy = np.tile([0, 1, 1], 4), pl.DataFrame(MIXED).lazy()
    fitted = classifier().fit(lazy, Y, sample_weight=weight)
    expected = classifier().fit(MIXED, Y, sample_weight=weight)
    np.testing.assert_array_equal(fitted.predict_proba(lazy), expected.predict_proba(MIXED))


def test_numbered_columns_are_an_array() -> None:
    """pandas' 0, 1, 2, ... are no names; columns are found by position."""
    fitted = classifier().fit(pd.DataFrame(X), Y)
    assert not hasattr(fitted, "feature_names_in_")
    np.testing.assert_array_equal(fitted.W1_, classifier().fit(X, Y).W1_)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.where(X > 1, np.inf, X), "contains infinity"),
        (X * 1e200, "column 'x1' has .* in row 1: X contains infinity or a value too large"),
        (TABLE.assign(b=1e308), r"column 'b' has 1e\+308 in row 1"),
        (X[:0], r"0 sample\(s\)"),
        (X[:, :0], r"0 feature\(s\)"),
        (TABLE[:0], "the table is empty: it has 0 rows, 3 columns"),
        (TABLE[[]], "the table is empty: it has 12 rows, 0 columns"),
        (pl.DataFrame(), "the table is empty"),
        (X[:, 0], "Expected 2D array"),
        (X[None], "dim 3"),
        (None, "Expected 2D array"),
        (pd.Series(X[:, 0]), "Expected a 2-dimensional"),
        (X * 1j, "Complex data not supported"),
        (scipy.sparse.csr_array(np.where(X > 1, np.nan, X)), "only a dense table with prep"),
        (scipy.sparse.csr_array(np.where(X > 1, np.inf, X)), "contains infinity"),
        (np.array([["a"]] * 12), "text is read from a data frame with names"),
        (pd.DataFrame({0: ["a"] * 12}), "text is read from a data frame with names"),
        (pd.DataFrame(X, columns=["a", "b", "a"]), "rename columns of the table: .*'a' 2 times"),
        (pd.DataFrame({"a": [[1, 2]] * 12}), "column 'a' holds a list in row 1"),
        (pl.DataFrame({"a": [{"b": 1}] * 12}), "column 'a' holds a dict in row 1"),
    ],
)
def test_what_is_no_table_is_a_typed_error(wrong: Any, message: str) -> None:
    """One error of our own that says what is wrong and where."""
    with pytest.raises(DataError, match=message):
        classifier().fit(wrong, Y[: wrong.shape[0]] if hasattr(wrong, "shape") else Y)


def test_missing_values_need_preprocessing() -> None:
    """The bare network says where missing values are read."""
    with pytest.raises(DataError, match=r'X contains NaN .* preprocessing="auto"'):
        classifier(preprocessing=None).fit(np.where(X > 1, np.nan, X), Y)


def test_missing_values_are_seen_in_prediction_too() -> None:
    """The bare network refuses them in any row; with preprocessing one is the column's average."""
    bare, whole = classifier(preprocessing=None).fit(X, Y), classifier().fit(X, Y)
    missing, average = X.copy(), X.copy()
    missing[-1, 0], average[-1, 0] = np.nan, X[:, 0].mean()
    for predict in (bare.predict, bare.predict_proba, bare.decision_function):
        for rows in (missing, missing[-1:]):
            with pytest.raises(DataError, match=r'X contains NaN .* preprocessing="auto"'):
                predict(rows)
    np.testing.assert_allclose(whole.predict_proba(missing), whole.predict_proba(average))


def test_an_array_cannot_follow_a_table_of_text() -> None:
    """The error names the columns that have to have names."""
    with pytest.raises(DataError, match="the fit read column 'd' from a data frame"):
        classifier().fit(MIXED, Y).predict(X)


@pytest.mark.parametrize("n", [1, 2])
def test_a_row_and_a_column_are_enough(n: int) -> None:
    """One column, and for a regression one row, can be fitted."""
    fitted = ShoalRegressor(2, max_iter=2, tol=0).fit(X[:n, :1], X[:n, 0])
    assert fitted.predict(X[:n, :1]).shape == (n,)


def test_a_table_without_information_predicts_the_average() -> None:
    """Nothing but constants and identifiers: there is no input, and the bias is learnt."""
    table = pd.DataFrame({"id": range(12), "same": 3.0, "name": [f"n{k}" for k in range(12)]})
    fitted = ShoalRegressor(0, solver="lbfgs").fit(table, Y + 5.0)
    assert fitted.W2_.shape == (1, 0)
    np.testing.assert_allclose(fitted.predict(table), 5.5, rtol=1e-6)


# ---- y -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "names"),
    [
        ([1, 2], ("y",)),
        (pd.Series([1, 2], name="price"), ("price",)),
        (pl.Series("price", [1, 2]), ("price",)),
        (pa.chunked_array([[1, 2]]), ("y",)),
        (pd.Series([1, 2], dtype="Int64"), ("y",)),
        (pd.Series([1, 2], dtype=object), ("y",)),
        (pd.Series([1, 2]).astype("category"), ("y",)),
        (np.array([[1, 3], [2, 4]]), ("y1", "y2")),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), ("a", "b")),
        (pl.DataFrame({"a": [1, 2], "b": [3, 4]}), ("a", "b")),
        (pa.table({"a": [1, 2], "b": [3, 4]}), ("a", "b")),
    ],
)
def test_targets_of_every_library(y: Any, names: tuple[str, ...]) -> None:
    """The same numbers, and the names of the columns."""
    values, found = check_target(X[:2], y)
    assert found == names
    assert values.dtype.kind == "i"
    assert values.tolist() == ([1, 2] if len(names) == 1 else [[1, 3], [2, 4]])


def test_one_column_is_flattened_with_a_warning() -> None:
    """As scikit-learn's estimators do."""
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        assert check_target(X, Y[:, None])[0].shape == (12,)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.where(Y, np.nan, 1.0), r"NaN \(missing\) in row 2: drop the rows without a target"),
        (["a", "b", None] * 4, r"missing\) in row 3"),
        (pd.Series(["a", pd.NA] * 6, dtype="string"), r"missing\) in row 2"),
        (pd.Series([1, pd.NA] * 6, dtype="Int64"), r"missing\) in row 2"),
        (np.column_stack([Y * 1.0, np.where(Y, np.nan, 1.0)]), r"missing\) in row 2"),
        (np.where(Y, np.inf, 1.0), "column 'y' has inf in row 2: y contains infinity"),
        (Y * 1e300, r"column 'y' has 1e\+300 in row 2"),
        (Y[1:], "X has 12 rows, but y has 11 .*: each row needs its target"),
        (np.array(["a", 1] * 6, dtype=object), "text in some rows and other values in others"),
        (np.array(["2020-01-01"] * 12, dtype="M8[D]"), "y holds dates or durations"),
        (scipy.sparse.csr_array(Y[:, None]), r"y is sparse: give its dense form, y.toarray\(\)"),
        (Y[:, None, None], "dim 3"),
        (None, "requires y to be passed"),
    ],
)
@pytest.mark.parametrize("estimator", [ShoalClassifier(2), ShoalRegressor(2)], ids=repr)
def test_what_is_no_target_is_a_typed_error(estimator: Any, y: Any, message: str) -> None:
    """Row, reason and next step."""
    with pytest.raises(DataError, match=message):
        estimator.fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(12), r"one class only \(0.0\): .* give rows of at least one other class"),
        (np.array(["a"] * 12), r"one class only \('a'\)"),
        (X[:, 0], "Unknown label type: continuous.* use ShoalRegressor"),
        (np.column_stack([Y, Y + 1]), "multiclass-multioutput.* several columns 0 and 1"),
    ],
)
def test_what_is_no_class_is_a_typed_error(y: Any, message: str) -> None:
    """What classes may be is in the message."""
    with pytest.raises(DataError, match=message):
        classifier().fit(X, y)


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        ("squared_error", ["a", "b"] * 6, "y must hold numbers for a regression"),
        ("poisson", Y - 1.0, "Poisson deviance needs y ≥ 0, not all 0"),
        ("gamma", Y, "gamma deviance needs y > 0"),
        ("tweedie", Y * 0, "not all 0"),
    ],
)
def test_what_is_no_value_of_a_loss_is_a_typed_error(loss: str, y: Any, message: str) -> None:
    """What the loss needs, and what it got."""
    with pytest.raises(DataError, match=message):
        ShoalRegressor(2, loss=loss).fit(X, y)


# ---- weights and seeds -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(11), "sample_weight"),
        (-np.ones(12), "[Nn]egative values"),
        (np.full(12, np.nan), "NaN"),
        (np.zeros(12), "at least one non-zero"),
        (np.ones((12, 2)), "1D"),
    ],
)
def test_wrong_weights(weight: Any, message: str) -> None:
    """Wrong lengths, negative, missing and all zero weights are typed errors."""
    with pytest.raises(DataError, match=message):
        classifier().fit(X, Y, sample_weight=weight)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ("heavy", "class_weight must give each class a weight"),
        ({7: 1}, "class_weight must give each class a weight"),
        ({0: -1}, "class_weight has a weight below 0"),
        ({0: 0, 1: 0}, "every row has weight 0"),
    ],
)
def test_wrong_class_weights(class_weight: Any, message: str) -> None:
    """The setting is named."""
    with pytest.raises((DataError, ParameterError), match=message):
        classifier(class_weight=class_weight).fit(X, Y)


def test_weights_are_float64_or_none() -> None:
    """One weight per row, of any number type; a number is the weight of every row."""
    assert check_weights(Y, None) is None
    assert check_weights(Y, Y.astype(int)).dtype == np.float64
    assert check_weights(Y, 2.0).tolist() == [2.0] * 12


def test_seeds() -> None:
    """Whole numbers are themselves; a RandomState gives one after the other; None is new."""
    assert draw_seed(3) == draw_seed(np.int64(3)) == 3
    assert draw_seed(2**32 - 1) == 2**32 - 1
    stream = np.random.RandomState(0)
    assert draw_seed(stream) != draw_seed(stream)
    assert draw_seed(np.random.RandomState(0)) == draw_seed(np.random.RandomState(0))
    assert draw_seed(None) != draw_seed(None)
    for wrong in (-1, 2**32, 1.5, "a", np.random.default_rng(0)):
        with pytest.raises(ParameterError, match="random_state must be a whole number from 0"):
            draw_seed(wrong)


def test_float_type() -> None:
    """float32 only where all of the table is; whole numbers and mixtures are float64."""
    assert float_type(X.astype("f4")) is np.float32
    assert float_type(TABLE.astype("f4")) is np.float32
    assert float_type(pl.DataFrame(TABLE.astype("f4"))) is np.float32
    assert float_type(TABLE.astype({"a": "f4"})) is np.float64
    assert float_type(MIXED.astype({"a": "f4", "b": "f4", "c": "f4"})) is np.float64
    assert float_type(X) is np.float64


@pytest.mark.parametrize(
    "wrong",
    [
        {"callbacks": None},
        {"callbacks": [3]},
        {"callbacks": print},
        {"preprocessing": "standard"},
        {"categorical_features": ["a"]},
        {"categorical_features": "a"},
        {"engine": "gpu"},
    ],
    ids=str,
)
def test_wrong_settings_are_named(wrong: dict[str, Any]) -> None:
    """What a recipe does not decide is checked too, when it is fitted."""
    (name,) = wrong
    with pytest.raises(ParameterError, match=name):
        classifier(**wrong).fit(X, Y)


def test_a_wrong_loss_lists_the_right_ones() -> None:
    """Names and objects of classification, and a class for an object, are no losses here."""
    from shoal.losses import BinaryCrossEntropy, Quantile

    for wrong in ("sigmoid", "mse", None, BinaryCrossEntropy(), Quantile):
        with pytest.raises(ParameterError, match="choose one of: squared_error, absolute_error"):
            ShoalRegressor(2, loss=wrong).fit(X, Y)
